/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * heap.c - blocks of a given memory, in units of 8 bytes.
 *
 * Each block has a head of one unit that says how long it and the one before it are, so that a free
 * block melts together with free neighbours at once. Free blocks are listed by size: exactly for
 * small ones, by quarters of powers of two for the rest. Every step is bounded.
 */
#include "dpf_int.h"

struct block {
	uint32_t units;	    /* with the head; bit 31: in use */
	uint32_t before;    /* units of the block before it; 0: there is none */
	dpf_ref next, prev; /* while it is free: heads of its list */
};

#define HEAD 1u
#define BLOCK_MIN 2u
#define IN_USE 0x80000000u
#define LINE 8u
#define EXACT 32u
#define TRIES 8u

/* No block has this head: 0 is a head where the memory starts at 0. */
#define NO_BLOCK UINT32_MAX

static struct block *block(const struct dpf_heap *h, dpf_ref r)
{
	return (struct block *)(h->base + (size_t)r * DPF_UNIT);
}

static uint32_t bin_of(uint32_t units)
{
	uint32_t log;

	if (units < EXACT)
		return units;
	log = 31u - (uint32_t)__builtin_clz(units);
	return EXACT + 4u * (log - 5u) + (units >> (log - 2u) & 3u);
}

static void list(struct dpf_heap *h, dpf_ref r)
{
	struct block *b = block(h, r);
	dpf_ref *head = &h->bin[bin_of(b->units)];

	b->prev = NO_BLOCK;
	b->next = *head;
	if (*head != NO_BLOCK)
		block(h, *head)->prev = r;
	*head = r;
}

static void unlist(struct dpf_heap *h, dpf_ref r)
{
	struct block *b = block(h, r);

	if (b->next != NO_BLOCK)
		block(h, b->next)->prev = b->prev;
	if (b->prev != NO_BLOCK)
		block(h, b->prev)->next = b->next;
	else
		h->bin[bin_of(b->units)] = b->next;
}

/* Gives a free block its length, and tells the one behind it. */
static void resize(struct dpf_heap *h, dpf_ref r, uint32_t units)
{
	block(h, r)->units = units;
	block(h, r + units)->before = units;
}

void dpf_heap_init(struct dpf_heap *h, uint8_t *base, uint32_t first, uint32_t end)
{
	h->base = base;
	h->used = 0;
	h->total = end - first;
	for (uint32_t i = 0; i < DPF_BINS; i++)
		h->bin[i] = NO_BLOCK;
	/* The last unit is the head of a block that is never free. */
	block(h, end - HEAD)->units = IN_USE;
	block(h, first)->before = 0;
	resize(h, first, end - HEAD - first);
	list(h, first);
}

static dpf_ref find(const struct dpf_heap *h, uint32_t units)
{
	uint32_t bin = bin_of(units), tries = 0;

	for (dpf_ref r = h->bin[bin]; r != NO_BLOCK && tries++ < TRIES; r = block(h, r)->next)
		if (block(h, r)->units >= units)
			return r;
	while (++bin < DPF_BINS)
		if (h->bin[bin] != NO_BLOCK)
			return h->bin[bin];
	return NO_BLOCK;
}

dpf_ref dpf_alloc(struct dpf_heap *h, size_t bytes)
{
	uint32_t units, rest;
	dpf_ref r;

	if (bytes / DPF_UNIT >= h->total)
		return 0;
	units = HEAD + (uint32_t)((bytes + DPF_UNIT - 1) / DPF_UNIT);
	units = units < BLOCK_MIN ? BLOCK_MIN : units;
	/* What is about a cache line or more stays in step with the lines. */
	units = units < 5 ? units : (units + LINE - 1) / LINE * LINE;
	r = find(h, units);
	if (r == NO_BLOCK)
		return 0;
	unlist(h, r);
	rest = block(h, r)->units - units;
	if (rest >= BLOCK_MIN) {
		resize(h, r + units, rest);
		resize(h, r, units);
		list(h, r + units);
	}
	h->used += block(h, r)->units;
	block(h, r)->units |= IN_USE;
	return r + HEAD;
}

void dpf_free(struct dpf_heap *h, dpf_ref payload)
{
	dpf_ref r = payload - HEAD, next;
	uint32_t units = block(h, r)->units & ~IN_USE, before = block(h, r)->before;

	h->used -= units;
	next = r + units;
	if (!(block(h, next)->units & IN_USE)) {
		unlist(h, next);
		units += block(h, next)->units;
	}
	if (before && !(block(h, r - before)->units & IN_USE)) {
		r -= before;
		unlist(h, r);
		units += before;
	}
	resize(h, r, units);
	list(h, r);
}

void dpf_trim(struct dpf_heap *h, dpf_ref payload, size_t bytes)
{
	dpf_ref r = payload - HEAD;
	uint32_t keep = HEAD + (uint32_t)((bytes + DPF_UNIT - 1) / DPF_UNIT);
	uint32_t units = block(h, r)->units & ~IN_USE;

	if (keep < BLOCK_MIN || units < keep + BLOCK_MIN)
		return;
	/* The tail becomes a block of its own, in use, and is then freed as any other. */
	block(h, r + keep)->units = (units - keep) | IN_USE;
	block(h, r + keep)->before = keep;
	block(h, r + units)->before = units - keep;
	block(h, r)->units = keep | IN_USE;
	dpf_free(h, r + keep + HEAD);
}
