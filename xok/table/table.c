/* SPDX-License-Identifier: BSD-2-Clause */
/* table.c - specifications and sizes, the header, and plain memory. */
#include <string.h>

#include "xok/table/table_int.h"

#define LINE 64u      /* per-processor values start on lines of their own */
#define ROOT_BITS 16u /* of LPM4 at most */
#define LPM_NODE(type) ((type) == XOK_TABLE_LPM4 ? 16u : 28u)

/* What a table of this specification looks like. */
struct shape {
	struct tbl_area area[2];
	uint32_t bits;
	size_t bytes;
};

static uint64_t round_up(uint64_t n, uint64_t to)
{
	return (n + to - 1) / to * to;
}

static bool spec_ok(const struct xok_table_spec *s)
{
	bool hash = s->type == XOK_TABLE_HASH;
	uint32_t value = 0;

	switch (s->type) {
	case XOK_TABLE_ARRAY:
	case XOK_TABLE_PERCPU: value = TBL_PAGE; break;
	case XOK_TABLE_RING:
		if (s->entries & (s->entries - 1))
			return false;
		value = XOK_TABLE_VALUE;
		break;
	case XOK_TABLE_HASH: value = XOK_TABLE_VALUE; break;
	case XOK_TABLE_LPM4:
	case XOK_TABLE_LPM6:
	case XOK_TABLE_BUCKET: break;
	default: return false;
	}
	if (s->flags & ~(hash ? XOK_TABLE_EVICT : 0u))
		return false;
	if (hash ? s->key_size < 1 || s->key_size > XOK_TABLE_KEY : s->key_size != 0)
		return false;
	/* More units than bytes are never right, and keep the arithmetic below from wrapping. */
	return (value ? s->value_size >= 1 && s->value_size <= value : s->value_size == 0) &&
	       s->entries >= 1 && s->entries <= XOK_TABLE_BYTES;
}

/* As many bits as make no more root slots than prefixes. */
static uint32_t root_bits(const struct xok_table_spec *s)
{
	uint32_t bits = 0;

	while (s->type == XOK_TABLE_LPM4 && bits < ROOT_BITS && 2u << bits <= s->entries)
		bits++;
	return bits;
}

/*
 * Units and counts. A hash has two chains an entry, so that chains of more than TBL_CHAIN are
 * rare even when it is full, and one entry to spare, in which the next one is made. N prefixes need at most 2N - 1
 * nodes: each node holds a prefix or has two children.
 */
static void shape_units(const struct xok_table_spec *s, uint32_t ncpu, struct shape *f)
{
	uint32_t n = s->entries;

	*f = (struct shape){.bits = root_bits(s)};
	switch (s->type) {
	case XOK_TABLE_PERCPU:
		f->area[0].unit = (uint32_t)round_up((uint64_t)s->value_size * n, LINE);
		f->area[0].count = ncpu;
		break;
	case XOK_TABLE_HASH:
		f->area[0] = (struct tbl_area){.unit = 8, .count = 2 * n};
		f->area[1].unit = (uint32_t)(8 + round_up(s->key_size, 8) +
					     round_up(s->value_size, 8));
		f->area[1].count = n + 1;
		break;
	case XOK_TABLE_LPM4:
	case XOK_TABLE_LPM6:
		f->area[0] = (struct tbl_area){.unit = 8, .count = 1u << f->bits};
		f->area[1] = (struct tbl_area){.unit = LPM_NODE(s->type), .count = 2 * n - 1};
		break;
	case XOK_TABLE_BUCKET: f->area[0] = (struct tbl_area){.unit = 48, .count = n}; break;
	case XOK_TABLE_RING:
		f->area[0] = (struct tbl_area){.unit = TBL_PAGE, .count = 1};
		f->area[1] = (struct tbl_area){.unit = s->value_size, .count = n};
		break;
	default: f->area[0] = (struct tbl_area){.unit = s->value_size, .count = n}; break;
	}
}

static bool shape_of(const struct xok_table_spec *s, uint32_t ncpu, struct shape *f)
{
	uint64_t at = TBL_PAGE;

	if (!spec_ok(s) || ncpu < 1 || ncpu > XOK_TABLE_BYTES ||
	    (uint64_t)s->value_size * s->entries > XOK_TABLE_BYTES)
		return false;
	shape_units(s, ncpu, f);
	for (unsigned i = 0; i < 2; i++) {
		f->area[i].off = (uint32_t)at;
		at = round_up(at + (uint64_t)f->area[i].unit * f->area[i].count, 8);
		if (at > XOK_TABLE_BYTES)
			return false;
	}
	f->bytes = round_up(at, TBL_PAGE);
	return true;
}

size_t tbl_size(const struct xok_table_spec *s, uint32_t ncpu)
{
	struct shape f;

	return shape_of(s, ncpu, &f) ? f.bytes : 0;
}

void tbl_init(void *mem, const struct xok_table_spec *s, uint32_t ncpu, uint64_t seed)
{
	struct tbl_header *h = mem;
	struct shape f;

	if (!shape_of(s, ncpu, &f))
		return;
	h->spec = *s;
	h->ring.record = s->value_size;
	h->ring.entries = s->entries;
	h->seed = seed;
	h->ncpu = ncpu;
	h->bits = f.bits;
	h->area[0] = f.area[0];
	h->area[1] = f.area[1];
	h->ring.magic = TBL_MAGIC;
}

bool tbl_check(const void *mem, size_t bytes)
{
	const struct tbl_header *h = mem;
	struct shape f;

	return bytes >= TBL_PAGE && h->ring.magic == TBL_MAGIC && shape_of(&h->spec, h->ncpu, &f) &&
	       f.bytes <= bytes && !memcmp(f.area, h->area, sizeof(f.area)) && f.bits == h->bits &&
	       h->ring.record == h->spec.value_size && h->ring.entries == h->spec.entries;
}

bool tbl_writable(const struct xok_table_spec *s, uint32_t page)
{
	return s->type == XOK_TABLE_ARRAY ? page > 0 : s->type == XOK_TABLE_RING && page == 1;
}

void *tbl_memory(void *mem, uint32_t cpu, size_t *bytes)
{
	const struct tbl_header *h = mem;
	bool each = h->spec.type == XOK_TABLE_PERCPU;

	*bytes = 0;
	if (h->spec.type != XOK_TABLE_ARRAY && (!each || cpu >= h->ncpu))
		return NULL;
	*bytes = (size_t)h->spec.value_size * h->spec.entries;
	return tbl_unit(mem, 0, each ? cpu : 0);
}

const struct xok_table_spec *tbl_spec(const void *mem)
{
	return &((const struct tbl_header *)mem)->spec;
}

uint32_t tbl_used(const void *mem)
{
	const struct tbl_header *h = mem;

	if (h->spec.type == XOK_TABLE_RING) {
		uint32_t n = TBL_LOAD(&h->ring.head) - TBL_LOAD((uint32_t *)tbl_unit(h, 0, 0));

		return n <= h->ring.entries ? n : h->ring.entries;
	}
	return TBL_LOAD(&h->used);
}

static uint32_t *free_word(const struct tbl_header *h, uint32_t i)
{
	return (uint32_t *)tbl_unit(h, 1, i) + (h->spec.type == XOK_TABLE_HASH ? 1 : 2);
}

int32_t tbl_alloc(struct tbl_header *h)
{
	uint32_t i = h->free - 1;

	if (i < h->area[1].count)
		h->free = TBL_LOAD(free_word(h, i)) & ~TBL_FREE;
	else if (h->fresh < h->area[1].count)
		TBL_STORE(&h->fresh, (i = h->fresh) + 1);
	else
		return TBL_NONE;
	return (int32_t)i;
}

void tbl_give(struct tbl_header *h, uint32_t i)
{
	TBL_STORE(free_word(h, i), h->free | TBL_FREE);
	h->free = i + 1;
}

static int update_lpm(void *mem, const struct xok_table_update *u)
{
	return u->op == XOK_TABLE_SET ? tbl_lpm.set(mem, u) : tbl_lpm.remove(mem, u);
}

static int update_bucket(void *mem, const struct xok_table_update *u, uint64_t now)
{
	struct xok_bucket b;
	uint32_t index;

	memcpy(&index, u->key, sizeof(index));
	memcpy(&b, u->value, sizeof(b));
	return u->op == XOK_TABLE_SET ? tbl_bucket_set(mem, index, &b, now)
				      : tbl_bucket_delete(mem, index);
}

int tbl_update(void *mem, const struct xok_table_update *u, uint64_t now)
{
	if (u->op != XOK_TABLE_SET && u->op != XOK_TABLE_DELETE)
		return TBL_EINVAL;
	switch (tbl_spec(mem)->type) {
	case XOK_TABLE_HASH:
		return u->op == XOK_TABLE_SET ? tbl_hash_set(mem, u->key, u->value)
					      : tbl_hash_delete(mem, u->key);
	case XOK_TABLE_LPM4:
	case XOK_TABLE_LPM6: return update_lpm(mem, u);
	case XOK_TABLE_BUCKET: return update_bucket(mem, u, now);
	default: return TBL_EINVAL;
	}
}

void tbl_each(const void *mem, tbl_visit *fn, void *arg)
{
	switch (tbl_spec(mem)->type) {
	case XOK_TABLE_HASH: hash_each(mem, fn, arg); break;
	case XOK_TABLE_LPM4:
	case XOK_TABLE_LPM6: lpm_each(mem, fn, arg); break;
	case XOK_TABLE_BUCKET: bucket_each(mem, fn, arg); break;
	default: break;
	}
}
