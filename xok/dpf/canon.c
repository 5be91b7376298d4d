/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * canon.c - checks a filter and brings it into the one form that all filters of the same meaning
 * written with the same shifts have.
 *
 * Between two shifts every load has the same base, so the order of atoms does not matter and a
 * stretch is fully described by which bits it compares with what, which fields lie in which ranges,
 * and how far the packet must reach. It is taken apart into bytes, sorted, and put together again
 * into words: that sorts, coalesces, and finds contradictions at once.
 */
#include "dpf_int.h"

#define BYTES_MAX (XOK_FILTER_ATOMS * 8u)

/* The stretch between two shifts. */
struct stretch {
	uint32_t nbytes, nranges;
	uint32_t extent; /* the packet must reach base + extent */
	struct byte_test {
		uint32_t off;
		uint8_t mask, value;
	} byte[BYTES_MAX];
	struct range {
		uint32_t off, size, low, high;
	} range[XOK_FILTER_ATOMS];
};

static uint64_t all_ones(uint32_t size)
{
	return UINT64_MAX >> (64u - 8u * size);
}

static int check_range(const struct xok_atom *a)
{
	uint32_t low = (uint32_t)a->value;
	uint64_t high = a->value >> 32;

	if (a->size > 4 || a->shl || a->mask != all_ones(a->size))
		return DPF_EINVAL;
	return low > high || high > a->mask ? DPF_EINVAL : 0;
}

static int check_atom(const struct xok_atom *a)
{
	if (a->size != 1 && a->size != 2 && a->size != 4 && a->size != 8)
		return DPF_EINVAL;
	if ((a->pad[0] | a->pad[1] | a->pad[2]) || a->mask & ~all_ones(a->size))
		return DPF_EINVAL;
	switch (a->kind) {
	case XOK_ATOM_EQ: return a->shl || (a->value & ~a->mask) ? DPF_EINVAL : 0;
	case XOK_ATOM_SHIFT: return a->shl > 8 || a->value ? DPF_EINVAL : 0;
	case XOK_ATOM_RANGE: return check_range(a);
	default: return DPF_EINVAL;
	}
}

static void reach(struct stretch *s, uint32_t end)
{
	if (end > s->extent)
		s->extent = end;
}

/*
 * Adds a byte in its place; DPF_EINVAL when it demands of some bit the opposite of what another
 * atom does.
 */
static int add_byte(struct stretch *s, uint32_t off, uint8_t mask, uint8_t value)
{
	uint32_t i = s->nbytes;

	while (i > 0 && s->byte[i - 1].off > off)
		i--;
	if (i > 0 && s->byte[i - 1].off == off) {
		struct byte_test *b = &s->byte[i - 1];

		if ((b->value ^ value) & b->mask & mask)
			return DPF_EINVAL;
		b->mask |= mask;
		b->value |= value;
		return 0;
	}
	for (uint32_t j = s->nbytes++; j > i; j--)
		s->byte[j] = s->byte[j - 1];
	s->byte[i] = (struct byte_test){off, mask, value};
	return 0;
}

static int add_eq(struct stretch *s, const struct xok_atom *a)
{
	for (uint32_t i = 0; i < a->size; i++) {
		uint32_t down = 8u * (a->size - 1u - i);
		uint8_t mask = (uint8_t)(a->mask >> down);

		if (mask && add_byte(s, a->off + i, mask, (uint8_t)(a->value >> down)) < 0)
			return DPF_EINVAL;
	}
	reach(s, (uint32_t)a->off + a->size);
	return 0;
}

/* Adds a range in its place; DPF_EINVAL when it excludes another one of the same field. */
static int add_range(struct stretch *s, const struct xok_atom *a)
{
	struct range r = {a->off, a->size, (uint32_t)a->value, (uint32_t)(a->value >> 32)};
	uint32_t i = s->nranges;

	reach(s, r.off + r.size);
	if (!r.low && r.high == a->mask)
		return 0;
	while (i > 0 && (s->range[i - 1].off > r.off ||
			 (s->range[i - 1].off == r.off && s->range[i - 1].size > r.size)))
		i--;
	if (i > 0 && s->range[i - 1].off == r.off && s->range[i - 1].size == r.size) {
		struct range *o = &s->range[i - 1];

		o->low = o->low > r.low ? o->low : r.low;
		o->high = o->high < r.high ? o->high : r.high;
		return o->low > o->high ? DPF_EINVAL : 0;
	}
	for (uint32_t j = s->nranges++; j > i; j--)
		s->range[j] = s->range[j - 1];
	s->range[i] = r;
	return 0;
}

static struct dpf_op *add_op(struct dpf_canon *c, enum dpf_op_kind kind, uint32_t off,
			     uint32_t size)
{
	struct dpf_op *op = &c->op[c->nop++];

	*op = (struct dpf_op){.kind = (uint8_t)kind, .size = (uint8_t)size, .off = off};
	return op;
}

/*
 * Takes a word from the bytes at `i`, of at most `limit` bytes, and fewer if it would reach beyond
 * the extent; returns the place behind what it takes in. It ends with the last of that where it can,
 * since all of the packet before is known to be there, and so may begin before the first.
 */
static uint32_t next_word(const struct stretch *s, uint32_t i, uint32_t limit, uint32_t *off,
			  uint32_t *size)
{
	uint32_t first = s->byte[i].off, end;

	do {
		end = first + 1;
		for (uint32_t j = i; j < s->nbytes && s->byte[j].off < first + limit; j++)
			end = s->byte[j].off + 1;
		for (*size = 1; *size < end - first;)
			*size *= 2;
		*off = end > *size ? end - *size : 0;
		limit /= 2;
	} while (*off + *size > s->extent);
	while (i < s->nbytes && s->byte[i].off < *off + *size)
		i++;
	return i;
}

/*
 * 8 bytes take in all that is left of the atom that the first comes from; when they reach beyond the
 * extent, the atom is within it and so is smaller. Hence there are no more words than EQ atoms.
 */
static uint32_t words_from(const struct stretch *s, uint32_t i)
{
	uint32_t n = 0, off, size;

	for (; i < s->nbytes; n++)
		i = next_word(s, i, 8, &off, &size);
	return n;
}

static uint32_t popcount8(uint8_t v)
{
	uint32_t n = 0;

	for (; v; v &= (uint8_t)(v - 1u))
		n++;
	return n;
}

/* One word from the bytes at `i`, as short as can be without more of them in all. */
static uint32_t emit_word(struct dpf_canon *c, const struct stretch *s, uint32_t i)
{
	uint32_t need = words_from(s, i), limit = 1, end, off, size;
	struct dpf_op *op;

	while (end = next_word(s, i, limit, &off, &size), words_from(s, end) >= need)
		limit *= 2;
	op = add_op(c, DPF_OP_WORD, off, size);
	c->val[c->nword] = 0;
	for (; i < end; i++) {
		uint32_t up = 8u * (s->byte[i].off - off);

		op->mask |= (uint64_t)s->byte[i].mask << up;
		c->val[c->nword] |= (uint64_t)s->byte[i].value << up;
		c->bits += popcount8(s->byte[i].mask);
	}
	c->nword++;
	return end;
}

/* Ends a stretch with the shift that follows it, or NULL at the filter's end. */
static void emit_stretch(struct dpf_canon *c, struct stretch *s, const struct xok_atom *shift)
{
	if (shift)
		reach(s, (uint32_t)shift->off + shift->size);
	if (s->extent)
		add_op(c, DPF_OP_LEN, s->extent, 0);
	for (uint32_t i = 0; i < s->nbytes;)
		i = emit_word(c, s, i);
	for (uint32_t i = 0; i < s->nranges; i++) {
		add_op(c, DPF_OP_RANGE, s->range[i].off, s->range[i].size);
		c->range[c->nrange++] = s->range[i].low | (uint64_t)s->range[i].high << 32;
	}
	if (shift) {
		uint32_t off = shift->off, size = shift->size;
		struct dpf_op *op;

		/* Leading bytes that are masked out add nothing but their length. */
		while (size > 1 && !(shift->mask >> (4u * size))) {
			size /= 2;
			off += size;
		}
		op = add_op(c, DPF_OP_SHIFT, off, size);
		op->mask = shift->mask;
		op->shl = shift->shl;
	}
	s->nbytes = s->nranges = s->extent = 0;
}

int dpf_canon(const struct xok_filter *f, struct dpf_canon *c)
{
	struct stretch s;

	if (f->natoms > XOK_FILTER_ATOMS)
		return DPF_EINVAL;
	for (uint32_t i = 0; i < f->natoms; i++)
		if (check_atom(&f->atom[i]) < 0)
			return DPF_EINVAL;
	c->nop = c->nword = c->nrange = c->bits = 0;
	s.nbytes = s.nranges = s.extent = 0;
	for (uint32_t i = 0; i < f->natoms; i++) {
		const struct xok_atom *a = &f->atom[i];

		if (a->kind == XOK_ATOM_EQ) {
			if (add_eq(&s, a) < 0)
				return DPF_EINVAL;
		} else if (a->kind == XOK_ATOM_RANGE) {
			if (add_range(&s, a) < 0)
				return DPF_EINVAL;
		} else if (!a->mask || i + 1 == f->natoms) {
			/* It moves nothing, or nothing that follows. */
			reach(&s, (uint32_t)a->off + a->size);
		} else {
			emit_stretch(c, &s, a);
		}
	}
	emit_stretch(c, &s, NULL);
	for (uint32_t i = 0; i < c->nrange; i++)
		c->val[c->nword + i] = c->range[i];
	return 0;
}

int dpf_check(const struct xok_filter *f)
{
	struct dpf_canon c;

	return dpf_canon(f, &c);
}
