/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * relay.h - one direction of a link: rate, queue, delay, jitter and loss, under a clock and a seed that the
 * caller supplies. Nothing here reads a clock, a socket or a random source, so a run repeats from its seed.
 *
 * A frame that enters is lost, or waits until the frames before it are serialised at the link's rate (at most
 * `queue` frames wait), is serialised itself, and comes out after delay plus or minus up to jitter, never
 * before the frame that entered before it. A rate of 0 serialises in no time. Times are nanoseconds.
 */
#ifndef TESTBED_RELAY_H
#define TESTBED_RELAY_H

#include <stddef.h>
#include <stdint.h>

#define RELAY_FRAME_MIN 14u
#define RELAY_FRAME_MAX 1518u /* an Ethernet header with an 802.1Q tag, and 1,500 bytes */
#define RELAY_MTU_MAX 1500u
#define RELAY_MTU_MIN 1280u
#define RELAY_QUEUE_MAX 1024u
#define RELAY_FLIGHT_MAX 4096u /* frames in the queue and on the wire together */

struct relay_params {
	uint64_t delay, jitter; /* ns */
	uint64_t rate;		/* bit/s, 0: unlimited */
	uint32_t loss;		/* of a million */
	uint32_t queue;		/* frames, 1..RELAY_QUEUE_MAX */
	uint32_t mtu; /* of what is behind the Ethernet header and its tag; 0: RELAY_MTU_MAX */
};

/* Every reason for a drop: RELAY_DROP(NAME, "counter", "text"). */
enum relay_drop {
	RELAY_PASSED = 0,
#define RELAY_DROP(name, counter, text) RELAY_##name,
#include "relay_drops.def"
#undef RELAY_DROP
	RELAY_NDROP
};
const char *relay_drop_name(int drop);

struct relay_frame {
	struct relay_frame *next;
	uint64_t sent; /* when its last bit has left the queue's end */
	uint64_t due;  /* when it comes out at the far end */
	uint32_t len;
	uint8_t data[];
};

struct relay {
	struct relay_params params;
	uint64_t rng;
	uint64_t busy_until, last_due;
	struct relay_frame *head, **tail;
	uint32_t nflight;
	/* Counters: what entered, what came out, what was dropped by reason ([0] unused). */
	uint64_t in_frames, in_bytes, out_frames, out_bytes;
	uint64_t drops[RELAY_NDROP];
};

void relay_init(struct relay *r, const struct relay_params *p, uint64_t seed);
void relay_fini(struct relay *r);

/* A frame enters at time now (never before an earlier call's). RELAY_PASSED or why it was dropped. */
int relay_in(struct relay *r, uint64_t now, const void *frame, size_t len);

/* When the next frame comes out; UINT64_MAX: none is under way. */
uint64_t relay_next(const struct relay *r);

/* The first frame when it is due at time now, else NULL. */
const struct relay_frame *relay_due(const struct relay *r, uint64_t now);

/* Takes the first frame off: delivered (drop == RELAY_PASSED) or dropped at the far end for that reason. */
void relay_out(struct relay *r, int drop);

/* Frames that wait to be serialised at time now. */
uint32_t relay_waiting(const struct relay *r, uint64_t now);

#endif
