/* SPDX-License-Identifier: BSD-2-Clause */
#include "relay.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

const char *relay_drop_name(int drop)
{
	static const char *const names[RELAY_NDROP] = {
		"passed",
#define RELAY_DROP(name, counter, text) counter,
#include "relay_drops.def"
#undef RELAY_DROP
	};
	return drop >= 0 && drop < RELAY_NDROP ? names[drop] : "?";
}

/* SplitMix64 (Steele, Lea, Flood 2014): one addition and a mix per draw, any seed is good. */
static uint64_t draw(struct relay *r)
{
	uint64_t z = (r->rng += 0x9e3779b97f4a7c15ull);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

/* A draw below n by multiplication: the bias is n / 2^32, which no link can show. */
static uint64_t draw_below(struct relay *r, uint64_t n)
{
	return (uint64_t)(((unsigned __int128)draw(r) * n) >> 64);
}

void relay_init(struct relay *r, const struct relay_params *p, uint64_t seed)
{
	memset(r, 0, sizeof(*r));
	r->params = *p;
	r->rng = seed;
	r->tail = &r->head;
}

void relay_fini(struct relay *r)
{
	while (r->head)
		relay_out(r, RELAY_PASSED);
}

uint32_t relay_waiting(const struct relay *r, uint64_t now)
{
	uint32_t n = 0;

	for (const struct relay_frame *f = r->head; f; f = f->next)
		n += f->sent > now;
	return n;
}

static int drop(struct relay *r, enum relay_drop why)
{
	r->drops[why]++;
	return (int)why;
}

/* What is behind the Ethernet header and, when there is one, the 802.1Q tag. */
static size_t payload(const uint8_t *frame, size_t len)
{
	bool tagged = len >= RELAY_FRAME_MIN + 4 && frame[12] == 0x81 && frame[13] == 0x00;

	return len - RELAY_FRAME_MIN - (tagged ? 4 : 0);
}

/*
 * Both draws happen for every frame of legal length, whatever becomes of it, so the fate of the n-th frame
 * depends on the seed and n alone.
 */
int relay_in(struct relay *r, uint64_t now, const void *frame, size_t len)
{
	const struct relay_params *p = &r->params;

	r->in_frames++;
	r->in_bytes += len;
	if (len < RELAY_FRAME_MIN || len > RELAY_FRAME_MAX)
		return drop(r, RELAY_LENGTH);

	uint64_t luck = draw_below(r, 1000000);
	uint64_t swing = draw_below(r, 2 * p->jitter + 1);

	if (payload(frame, len) > (p->mtu ? p->mtu : RELAY_MTU_MAX))
		return drop(r, RELAY_MTU);
	if (luck < p->loss)
		return drop(r, RELAY_LOSS);
	if (r->nflight >= RELAY_FLIGHT_MAX)
		return drop(r, RELAY_WIRE_FULL);
	/* The frame that is being serialised does not wait any more, hence the one beyond the limit. */
	if (p->rate && relay_waiting(r, now) > p->queue)
		return drop(r, RELAY_QUEUE_FULL);

	struct relay_frame *f = malloc(sizeof(*f) + len);
	if (!f)
		return drop(r, RELAY_MEMORY);
	uint64_t start = r->busy_until > now ? r->busy_until : now;

	f->sent = start + (p->rate ? len * 8 * 1000000000ull / p->rate : 0);
	/* delay - jitter + swing, but never negative, and never before the frame ahead. */
	f->due = f->sent + (p->delay + swing > p->jitter ? p->delay + swing - p->jitter : 0);
	if (f->due < r->last_due)
		f->due = r->last_due;
	f->next = NULL;
	f->len = (uint32_t)len;
	memcpy(f->data, frame, len);
	r->busy_until = f->sent;
	r->last_due = f->due;
	*r->tail = f;
	r->tail = &f->next;
	r->nflight++;
	return RELAY_PASSED;
}

uint64_t relay_next(const struct relay *r)
{
	return r->head ? r->head->due : UINT64_MAX;
}

const struct relay_frame *relay_due(const struct relay *r, uint64_t now)
{
	return r->head && r->head->due <= now ? r->head : NULL;
}

void relay_out(struct relay *r, int why)
{
	struct relay_frame *f = r->head;

	if (why == RELAY_PASSED) {
		r->out_frames++;
		r->out_bytes += f->len;
	} else {
		r->drops[why]++;
	}
	r->head = f->next;
	if (!r->head)
		r->tail = &r->head;
	r->nflight--;
	free(f);
}
