/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reass.h - fragments that wait until their packet is complete (RFC 8200 4.5). A packet is told by its source, destination and identification; its fragments
 * may come in any order, each once: an exact copy is ignored, an overlap ends the packet. What stands in front of the first fragment is kept as it
 * came.
 *
 * Memory is bounded by construction: so many packets, so many of one source, so many fragments of each. When there is no place the oldest packet gives
 * way, that of the same source first. A packet that has failed keeps its place until its time is up, so that what still comes of it fails too
 * (RFC 5722 4).
 */
#ifndef NODEOS_REASS_H
#define NODEOS_REASS_H

#include "amp/amp.h"
#include "nodeos/node.h"

#define REASS_PACKETS 8u /* that wait at a time */
#define REASS_EACH 2u	 /* of one source */
#define REASS_PIECES \
	64u /* fragments of a packet: 65,535 bytes in the smallest MTU of IPv6 are 54 */
#define REASS_BYTES 65535u /* of a packet behind the headers of each fragment */
#define REASS_HEAD 1500u   /* of these headers */
#define REASS_NS \
	60000000000ull /* RFC 8200 4.5: "within 60 seconds of the reception of the first-arriving fragment" */

struct reass_key {
	struct ip6 src, dst;
	uint32_t id;
	uint16_t zone; /* where a link-local source is; the same for all others */
};

struct reass_packet {
	struct reass_key key;
	uint64_t deadline; /* 0: the place is free */
	uint8_t failed;	   /* enum reass_loss: why; REASS_LOSSES: it has not */
	bool link_group;   /* its first-arriving fragment came in a multicast frame */
	uint16_t port;	   /* and here */
	uint16_t n;	   /* fragments that are here */
	uint16_t head;	   /* bytes of the head; 0: the first fragment is not here */
	uint16_t next_at;  /* where in the head the number of the Fragment header stands */
	uint32_t got;	   /* bytes that are here */
	uint32_t end;	   /* of the furthest of them */
	uint32_t total;	   /* where the last fragment ends; 0: it is not here */
	struct reass_piece {
		uint16_t at, len;
	} piece[REASS_PIECES];
	uint8_t room[REASS_HEAD + REASS_BYTES]; /* the head ends where the data begin */
};

struct reass_fragment {
	struct reass_key key;
	uint16_t port;
	bool link_group;
	size_t at; /* its offset, in bytes */
	size_t len; /* 1 and more, a multiple of 8 if there are more; at + len is REASS_BYTES at most */
	bool more;
	const uint8_t *data;
	const uint8_t *head; /* what stands in front of the data */
	size_t head_len;     /* up to REASS_HEAD */
	uint16_t next_at;
};

/* Why fragments are lost. */
enum reass_loss {
	REASS_DUPLICATE, /* an exact copy of one that is here */
	REASS_OVERLAP,	 /* they overlap, or do not agree on where the packet ends */
	REASS_MANY,	 /* more than REASS_PIECES of one packet */
	REASS_FULL,	 /* the packet has given way to another */
	REASS_TIME,	 /* the others did not come */
	REASS_LOSSES
};

struct reass {
	/* n fragments of a packet are lost; it is still as it was. May not call reass_add. */
	void (*lost)(void *arg, const struct reass_packet *p, enum reass_loss why, unsigned n);
	void *arg;
	struct amp_timer timer;
	struct reass_packet packet[REASS_PACKETS];
};

void reass_init(struct reass *r,
		void (*lost)(void *arg, const struct reass_packet *p, enum reass_loss why,
			     unsigned n),
		void *arg);

/* Takes a fragment. The packet, when it is complete, until reass_release; else NULL: it waits, or `lost` has been called. */
struct reass_packet *reass_add(struct reass *r, const struct reass_fragment *f);
void reass_release(struct reass *r, struct reass_packet *p);

/* Where its data begin; the head is in front of them. */
static inline uint8_t *reass_data(struct reass_packet *p)
{
	return p->room + REASS_HEAD;
}

/* How many fragments wait. */
unsigned reass_waiting(const struct reass *r);

#endif
