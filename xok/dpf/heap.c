/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * heap.c - blocks of a given memory: buddies, of a cache line times a power of two.
 *
 * A block lies at a multiple of its size. The two halves of a block are each other's buddies, and
 * when both are free they become that block again. One byte for each line says, of the block that
 * begins there, its order and whether it is free. Every step is bounded.
 */
#include "dpf_int.h"

#define FREE 0x80u
#define UNITS (DPF_LINE / DPF_UNIT)

/* What a free block begins with: others of its order, by their line. 0: none, it is never free. */
struct block {
	uint32_t next, prev;
};

static struct block *block(const struct dpf_heap *h, uint32_t line)
{
	return (struct block *)(h->base + (size_t)line * DPF_LINE);
}

static void list(struct dpf_heap *h, uint32_t line, uint32_t order)
{
	uint32_t next = h->free[order];

	h->tag[line] = (uint8_t)(FREE | order);
	*block(h, line) = (struct block){.next = next};
	if (next)
		block(h, next)->prev = line;
	h->free[order] = line;
}

static void unlist(struct dpf_heap *h, uint32_t line, uint32_t order)
{
	const struct block *b = block(h, line);

	if (b->next)
		block(h, b->next)->prev = b->prev;
	if (b->prev)
		block(h, b->prev)->next = b->next;
	else
		h->free[order] = b->next;
}

void dpf_heap_init(struct dpf_heap *h, uint8_t *base, size_t skip, size_t bytes)
{
	uint32_t end = (uint32_t)(bytes / DPF_LINE), order;
	uint32_t first = (uint32_t)((skip + end + DPF_LINE - 1) / DPF_LINE);

	*h = (struct dpf_heap){.base = base, .tag = base + skip, .end = end, .total = end - first};
	memset(h->tag, 0, end);
	for (uint32_t line = first; line < end; line += 1u << order) {
		order = (uint32_t)__builtin_ctz(line);
		while (line + (1u << order) > end)
			order--;
		list(h, line, order);
	}
}

dpf_ref dpf_alloc(struct dpf_heap *h, size_t bytes)
{
	uint32_t want = 0, order, line;

	while (want < DPF_ORDERS && ((size_t)DPF_LINE << want) < bytes)
		want++;
	for (order = want; order < DPF_ORDERS && !h->free[order];)
		order++;
	if (order >= DPF_ORDERS)
		return 0;
	line = h->free[order];
	unlist(h, line, order);
	while (order-- > want)
		list(h, line + (1u << order), order);
	h->tag[line] = (uint8_t)want;
	h->used += 1u << want;
	return line * UNITS;
}

void dpf_free(struct dpf_heap *h, dpf_ref r)
{
	uint32_t line = r / UNITS, order = h->tag[line], buddy;

	h->used -= 1u << order;
	while (buddy = line ^ 1u << order, buddy < h->end && h->tag[buddy] == (FREE | order)) {
		unlist(h, buddy, order);
		line &= ~(1u << order++);
	}
	list(h, line, order);
}
