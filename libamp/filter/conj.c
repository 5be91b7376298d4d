/* SPDX-License-Identifier: BSD-2-Clause */
/* conj.c - conjunctions of tests and their unions. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

/* ---- one conjunction ---- */

/*
 * The part that a place belongs to, and the offset in it. NULL: it is behind another header of variable length; then
 * the packet would have an IPv4 header
 * at two VLAN depths, which its Ethernet types exclude.
 */
static struct part *part_at(struct conj *c, struct place *at)
{
	if (!at->l3)
		return &c->part[0];
	if (c->shift && c->shift != at->l3)
		return NULL;
	c->shift = at->l3;
	/* The base moves by the whole header: what is 20 bytes behind its start for the caller is at its start. */
	at->off -= 20;
	return &c->part[1];
}

static uint32_t all_ones(unsigned size)
{
	return UINT32_MAX >> (32 - 8 * size);
}

/* What the byte tests say of a field: how much of it, and what. */
static uint32_t known(const struct part *q, unsigned off, unsigned size, uint32_t *value)
{
	uint32_t mask = 0;

	*value = 0;
	for (uint32_t i = 0; i < q->nbytes; i++) {
		const struct byte_test *b = &q->byte[i];

		if (b->off < off || b->off >= off + size)
			continue;
		mask |= (uint32_t)b->mask << 8 * (off + size - 1 - b->off);
		*value |= (uint32_t)b->value << 8 * (off + size - 1 - b->off);
	}
	return mask;
}

/*
 * Whether a range can still hold; *always when it holds by what the bytes say: from their lowest to their highest possible value.
 */
static bool range_possible(const struct part *q, const struct range_test *r, bool *always)
{
	uint32_t value, mask = known(q, r->off, r->size, &value);
	uint32_t most = value | (all_ones(r->size) & ~mask);

	*always = value >= r->low && most <= r->high;
	return most >= r->low && value <= r->high;
}

/* Drops the ranges that the bytes decide. */
static bool settle(struct part *q)
{
	for (uint32_t i = 0; i < q->nranges;) {
		bool always;

		if (!range_possible(q, &q->range[i], &always))
			return false;
		if (always)
			q->range[i] = q->range[--q->nranges];
		else
			i++;
	}
	return true;
}

static bool add_byte(struct parser *p, struct part *q, unsigned off, uint8_t mask, uint8_t value)
{
	struct byte_test *b = q->byte;
	uint32_t i = 0;

	while (i < q->nbytes && b[i].off < off)
		i++;
	if (i == q->nbytes || b[i].off != off) {
		if (q->nbytes == CONJ_BYTES)
			return fail(p, E2BIG, NULL, "too many bytes are tested at once");
		memmove(&b[i + 1], &b[i], (q->nbytes++ - i) * sizeof(*b));
		b[i] = (struct byte_test){.off = (uint16_t)off};
	}
	if ((b[i].value ^ value) & b[i].mask & mask)
		return false;
	b[i].mask |= mask;
	b[i].value |= value & mask;
	return true;
}

bool conj_equal(struct parser *p, struct conj *c, struct place at, unsigned size, uint64_t mask,
		uint64_t value)
{
	struct part *q = part_at(c, &at);

	for (unsigned i = 0; q && i < size; i++) {
		unsigned down = 8 * (size - 1 - i);

		if (!add_byte(p, q, at.off + i, (uint8_t)(mask >> down), (uint8_t)(value >> down)))
			return false;
	}
	return q && settle(q);
}

bool conj_range(struct parser *p, struct conj *c, struct place at, unsigned size, uint32_t low,
		uint32_t high)
{
	struct place here = at;
	struct part *q = part_at(c, &here);
	struct range_test *r;
	uint32_t i = 0;

	if (!q || low > high)
		return false;
	if (low == high)
		return conj_equal(p, c, at, size, all_ones(size), low);
	while (i < q->nranges && (q->range[i].off != here.off || q->range[i].size != size))
		i++;
	if (i == CONJ_RANGES)
		return fail(p, E2BIG, NULL, "too many ranges are tested at once");
	r = &q->range[i];
	if (i == q->nranges)
		*r = (struct range_test){here.off, (uint8_t)size, 0, all_ones(size)};
	q->nranges += i == q->nranges;
	r->low = low > r->low ? low : r->low;
	r->high = high < r->high ? high : r->high;
	if (r->low > r->high)
		return false;
	if (r->low == r->high) {
		uint32_t value = r->low;

		*r = q->range[--q->nranges];
		return conj_equal(p, c, at, size, all_ones(size), value);
	}
	/* The bytes must be there also when any value will do. */
	return conj_equal(p, c, at, size, 0, 0);
}

/* Makes a the conjunction of both. */
static bool conj_and(struct parser *p, struct conj *a, const struct conj *b)
{
	for (unsigned i = 0; i < 2; i++) {
		const struct part *q = &b->part[i];
		struct place at = {.l3 = i ? b->shift : 0};

		for (uint32_t k = 0; k < q->nbytes; k++) {
			at.off = (uint16_t)(q->byte[k].off + (i ? 20 : 0));
			if (!conj_equal(p, a, at, 1, q->byte[k].mask, q->byte[k].value))
				return false;
		}
		for (uint32_t k = 0; k < q->nranges; k++) {
			at.off = (uint16_t)(q->range[k].off + (i ? 20 : 0));
			if (!conj_range(p, a, at, q->range[k].size, q->range[k].low,
					q->range[k].high))
				return false;
		}
	}
	return true;
}

/* Whether every packet that b matches is matched by a: each of a's tests holds by b's. Not every such pair is found. */
static bool covers(const struct conj *a, const struct conj *b)
{
	if (a->shift && a->shift != b->shift)
		return false;
	for (unsigned i = 0; i < 2; i++) {
		const struct part *x = &a->part[i], *y = &b->part[i];

		for (uint32_t k = 0, j = 0; k < x->nbytes; k++) {
			while (j < y->nbytes && y->byte[j].off < x->byte[k].off)
				j++;
			if (j == y->nbytes || y->byte[j].off != x->byte[k].off ||
			    (x->byte[k].mask & ~y->byte[j].mask) ||
			    ((x->byte[k].value ^ y->byte[j].value) & x->byte[k].mask))
				return false;
		}
		for (uint32_t k = 0; k < x->nranges; k++) {
			const struct range_test *r = &x->range[k];
			bool always;

			range_possible(y, r, &always);
			for (uint32_t j = 0; !always && j < y->nranges; j++)
				always = y->range[j].off == r->off && y->range[j].size == r->size &&
					 y->range[j].low >= r->low && y->range[j].high <= r->high;
			if (!always)
				return false;
		}
	}
	return true;
}

/* ---- unions ---- */

struct alts *alts_new(struct parser *p)
{
	struct alts *a = calloc(1, sizeof(*a));

	if (!a)
		return fail(p, ENOMEM, NULL, "out of memory");
	a->next = p->live;
	if (a->next)
		a->next->prev = a;
	p->live = a;
	return a;
}

void alts_free(struct parser *p, struct alts *a)
{
	if (!a)
		return;
	if (a->next)
		a->next->prev = a->prev;
	*(a->prev ? &a->prev->next : &p->live) = a->next;
	free(a->v);
	free(a);
}

struct conj *alts_add(struct parser *p, struct alts *a, const struct conj *from)
{
	static const struct conj none;

	if (a->n == UNION_MAX)
		return fail(p, E2BIG, NULL,
			    "more than %u filters: fewer alternatives, or several expressions",
			    UNION_MAX);
	if (a->n == a->cap) {
		uint32_t cap = a->cap ? 2 * a->cap : 4;
		struct conj *v = realloc(a->v, cap * sizeof(*v));

		if (!v)
			return fail(p, ENOMEM, NULL, "out of memory");
		a->v = v;
		a->cap = cap;
	}
	a->v[a->n] = from ? *from : none;
	return &a->v[a->n++];
}

void alts_drop_last(struct alts *a)
{
	a->n--;
}

/* Adds a conjunction unless another covers it; drops those that it covers. */
static bool add_new(struct parser *p, struct alts *a, const struct conj *c)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < a->n; i++)
		if (covers(&a->v[i], c))
			return true;
	for (uint32_t i = 0; i < a->n; i++) {
		if (covers(c, &a->v[i]))
			continue;
		if (kept != i)
			a->v[kept] = a->v[i];
		kept++;
	}
	a->n = kept;
	return alts_add(p, a, c) != NULL;
}

struct alts *alts_or(struct parser *p, struct alts *a, struct alts *b)
{
	bool ok = a && b;

	for (uint32_t i = 0; ok && i < b->n; i++)
		ok = add_new(p, a, &b->v[i]);
	alts_free(p, b);
	return ok ? a : NULL;
}

struct alts *alts_and(struct parser *p, struct alts *a, struct alts *b)
{
	struct alts *all = a && b ? alts_new(p) : NULL;

	for (uint32_t i = 0; all && i < a->n; i++) {
		for (uint32_t k = 0; k < b->n && !p->failed; k++) {
			struct conj c = a->v[i];

			if (conj_and(p, &c, &b->v[k]) && !p->failed)
				add_new(p, all, &c);
		}
	}
	alts_free(p, a);
	alts_free(p, b);
	return p->failed ? NULL : all;
}

/* ---- filters ---- */

static bool emit_atom(struct xok_filter *f, struct xok_atom a)
{
	if (f->natoms < XOK_FILTER_ATOMS)
		f->atom[f->natoms] = a;
	return f->natoms++ < XOK_FILTER_ATOMS;
}

/* Bytes that lie side by side become atoms of 8, 4, 2 and 1. */
static void emit_bytes(const struct part *q, struct xok_filter *f)
{
	for (uint32_t i = 0; i < q->nbytes;) {
		uint32_t run = 1;
		struct xok_atom a = {.kind = XOK_ATOM_EQ, .off = q->byte[i].off, .size = 8};

		while (run < 8 && i + run < q->nbytes &&
		       q->byte[i + run].off == q->byte[i].off + run)
			run++;
		while (a.size > run)
			a.size /= 2;
		for (uint32_t k = 0; k < a.size; k++, i++) {
			a.mask = a.mask << 8 | q->byte[i].mask;
			a.value = a.value << 8 | q->byte[i].value;
		}
		emit_atom(f, a);
	}
}

/* A byte that must only be there is, when one behind it is read. */
static void drop_implied(struct part *q)
{
	uint32_t kept = 0, end = q->nbytes ? q->byte[q->nbytes - 1].off : 0;

	for (uint32_t k = 0; k < q->nranges; k++)
		if (q->range[k].off + q->range[k].size > end)
			end = q->range[k].off + q->range[k].size;
	for (uint32_t i = 0; i < q->nbytes; i++)
		if (q->byte[i].mask || q->byte[i].off >= end)
			q->byte[kept++] = q->byte[i];
	q->nbytes = kept;
}

static void emit_part(struct part *q, struct xok_filter *f)
{
	drop_implied(q);
	emit_bytes(q, f);
	for (uint32_t i = 0; i < q->nranges; i++) {
		const struct range_test *r = &q->range[i];

		emit_atom(f, (struct xok_atom){.kind = XOK_ATOM_RANGE,
					       .off = r->off,
					       .size = r->size,
					       .mask = all_ones(r->size),
					       .value = r->low | (uint64_t)r->high << 32});
	}
}

int alts_emit(struct parser *p, struct alts *a, struct xok_filter *out, unsigned max, unsigned *n)
{
	*n = 0;
	if (!a->n)
		fail(p, EINVAL, NULL, "no packet can match: its tests exclude each other");
	if (a->n > max)
		fail(p, E2BIG, NULL,
		     "it takes %u filters, and there is room for %u: name the protocol (tcp, udp), "
		     "the direction (src, dst) and the family (ip, ip6), or use several "
		     "expressions",
		     a->n, max);
	for (uint32_t i = 0; i < a->n && !p->failed; i++) {
		struct conj *c = &a->v[i];
		struct xok_filter *f = &out[i];

		memset(f, 0, sizeof(*f));
		f->port = XOK_PORT_ANY;
		emit_part(&c->part[0], f);
		if (c->shift)
			emit_atom(f, (struct xok_atom){.kind = XOK_ATOM_SHIFT,
						       .off = c->shift,
						       .size = 1,
						       .shl = 2,
						       .mask = 0x0f});
		emit_part(&c->part[1], f);
		if (f->natoms > XOK_FILTER_ATOMS)
			fail(p, E2BIG, NULL,
			     "one of its filters takes %u atoms, and there can be %u: test less",
			     f->natoms, XOK_FILTER_ATOMS);
	}
	if (!p->failed)
		*n = a->n;
	return -p->failed;
}
