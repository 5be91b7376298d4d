/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * canon.c - checks a filter and makes its steps.
 *
 * Between two shifts every load has the same base, so the order of atoms does not matter and a
 * stretch is fully described by which bits it compares with what, which fields lie in which ranges,
 * and how far the packet must reach. It is taken apart into bytes, sorted, and put together again
 * into words: that sorts, coalesces, and finds contradictions at once.
 */
#include "dpf_int.h"

/* The stretch between two shifts. */
struct stretch {
	uint32_t n;
	uint32_t extent; /* the packet must reach base + extent */
	struct test {
		uint32_t place; /* of a byte: its offset. Behind all bytes, of a range: RANGE */
		uint32_t a, b;	/* mask and value; low and high */
	} test[8u * XOK_FILTER_ATOMS]; /* in the order of places */
};

#define RANGES 0x80000000u
#define RANGE(off, size) (RANGES | (uint32_t)(off) << 3 | (size))
#define RANGE_OFF(place) ((place) >> 3 & 0xffff)
#define RANGE_SIZE(place) ((place)&7)

static uint64_t all_ones(uint32_t size)
{
	return UINT64_MAX >> (64u - 8u * size);
}

static int check_atom(const struct xok_atom *a)
{
	uint64_t low = (uint32_t)a->value, high = a->value >> 32;
	int good;

	if (a->size != 1 && a->size != 2 && a->size != 4 && a->size != 8)
		return DPF_EINVAL;
	if ((a->pad[0] | a->pad[1] | a->pad[2]) || a->mask & ~all_ones(a->size))
		return DPF_EINVAL;
	switch (a->kind) {
	case XOK_ATOM_EQ: good = !a->shl && !(a->value & ~a->mask); break;
	case XOK_ATOM_SHIFT: good = a->shl <= 8 && !a->value; break;
	case XOK_ATOM_RANGE:
		good = a->size <= 4 && !a->shl && a->mask == all_ones(a->size) && low <= high &&
		       high <= a->mask;
		break;
	default: good = 0;
	}
	return good ? 0 : DPF_EINVAL;
}

static void reach(struct stretch *s, const struct xok_atom *a)
{
	uint32_t end = (uint32_t)a->off + a->size;

	s->extent = end > s->extent ? end : s->extent;
}

/* The test of this place; put there with a and b if there is none yet. */
static struct test *test_at(struct stretch *s, uint32_t place, uint32_t a, uint32_t b)
{
	uint32_t i = s->n;

	while (i > 0 && s->test[i - 1].place > place)
		i--;
	if (i > 0 && s->test[i - 1].place == place)
		return &s->test[i - 1];
	for (uint32_t j = s->n++; j > i; j--)
		s->test[j] = s->test[j - 1];
	s->test[i] = (struct test){place, a, b};
	return &s->test[i];
}

/* DPF_EINVAL when it demands of some bit the opposite of what another atom does. */
static int add_eq(struct stretch *s, const struct xok_atom *a)
{
	for (uint32_t i = 0; i < a->size; i++) {
		uint32_t down = 8u * (a->size - 1u - i);
		uint8_t mask = (uint8_t)(a->mask >> down), value = (uint8_t)(a->value >> down);
		struct test *t;

		if (!mask)
			continue;
		t = test_at(s, a->off + i, mask, value);
		if ((t->b ^ value) & t->a & mask)
			return DPF_EINVAL;
		t->a |= mask;
		t->b |= value;
	}
	return 0;
}

/* DPF_EINVAL when it excludes another range of the same field. */
static int add_range(struct stretch *s, const struct xok_atom *a)
{
	uint32_t low = (uint32_t)a->value, high = (uint32_t)(a->value >> 32);
	struct test *t;

	if (!low && high == a->mask)
		return 0;
	t = test_at(s, RANGE(a->off, a->size), low, high);
	t->a = t->a > low ? t->a : low;
	t->b = t->b < high ? t->b : high;
	return t->a <= t->b ? 0 : DPF_EINVAL;
}

/*
 * Takes a word from the bytes at `i`, of at most `limit` bytes, and fewer if it would reach beyond
 * the extent; returns the place behind what it takes in. It ends with the last of that where it can,
 * since all of the packet before is known to be there, and so may begin before the first.
 */
static uint32_t next_word(const struct stretch *s, uint32_t i, uint32_t limit, uint32_t *off,
			  uint32_t *size)
{
	uint32_t first = s->test[i].place, end;

	do {
		end = first + 1;
		for (uint32_t j = i; j < s->n && s->test[j].place < first + limit; j++)
			end = s->test[j].place + 1;
		for (*size = 1; *size < end - first;)
			*size *= 2;
		*off = end > *size ? end - *size : 0;
		limit /= 2;
	} while (*off + *size > s->extent);
	while (i < s->n && s->test[i].place < *off + *size)
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

	for (; i < s->n && s->test[i].place < RANGES; n++)
		i = next_word(s, i, 8, &off, &size);
	return n;
}

static struct dpf_step *add_step(struct dpf_canon *c, enum dpf_kind kind, uint32_t off,
				 uint32_t size)
{
	struct dpf_step *s = &c->step[c->nstep++];

	*s = (struct dpf_step){.kind = (uint8_t)kind, .size = (uint8_t)size, .off = off};
	return s;
}

static void set_value(struct dpf_canon *c, struct dpf_step *s, uint64_t value)
{
	s->arg = (uint8_t)c->nval;
	s->value = c->val[c->nval++] = value;
}

/* One word from the bytes at `i`, as short as can be without more of them in all. */
static uint32_t add_word(struct dpf_canon *c, const struct stretch *s, uint32_t i)
{
	uint32_t need = words_from(s, i), limit = 1, end, off, size;
	struct dpf_step *step;
	uint64_t value = 0;

	while (end = next_word(s, i, limit, &off, &size), words_from(s, end) >= need)
		limit *= 2;
	step = add_step(c, DPF_WORD, off, size);
	for (; i < end; i++) {
		uint32_t up = 8u * (s->test[i].place - off);

		step->mask |= (uint64_t)s->test[i].a << up;
		value |= (uint64_t)s->test[i].b << up;
	}
	set_value(c, step, value);
	for (uint64_t bits = step->mask; bits; bits &= bits - 1)
		c->order += 1u << 8;
	return end;
}

static void add_stretch(struct dpf_canon *c, struct stretch *s)
{
	uint32_t i = 0;

	if (s->extent)
		add_step(c, DPF_LEN, s->extent, 0);
	while (i < s->n && s->test[i].place < RANGES)
		i = add_word(c, s, i);
	for (; i < s->n; i++) {
		const struct test *t = &s->test[i];

		set_value(c, add_step(c, DPF_RANGE, RANGE_OFF(t->place), RANGE_SIZE(t->place)),
			  t->a | (uint64_t)t->b << 32);
		c->order++;
	}
	s->n = s->extent = 0;
}

static void add_shift(struct dpf_canon *c, const struct xok_atom *a)
{
	uint32_t off = a->off, size = a->size;
	struct dpf_step *step;

	/* Leading bytes that are masked out add nothing but their length. */
	while (size > 1 && !(a->mask >> (4u * size))) {
		size /= 2;
		off += size;
	}
	step = add_step(c, DPF_SHIFT, off, size);
	step->mask = a->mask;
	step->arg = a->shl;
}

int dpf_canon(const struct xok_filter *f, struct dpf_canon *c)
{
	struct stretch s;

	if (f->natoms > XOK_FILTER_ATOMS)
		return DPF_EINVAL;
	c->nstep = c->nval = c->order = 0;
	s.n = s.extent = 0;
	for (uint32_t i = 0; i < f->natoms; i++) {
		const struct xok_atom *a = &f->atom[i];

		if (check_atom(a) < 0 || (a->kind == XOK_ATOM_EQ && add_eq(&s, a) < 0) ||
		    (a->kind == XOK_ATOM_RANGE && add_range(&s, a) < 0))
			return DPF_EINVAL;
		reach(&s, a);
		/* A shift may move nothing, or nothing that follows. */
		if (a->kind == XOK_ATOM_SHIFT && a->mask && i + 1 < f->natoms) {
			add_stretch(c, &s);
			add_shift(c, a);
		}
	}
	add_stretch(c, &s);
	return 0;
}

int dpf_check(const struct xok_filter *f)
{
	struct dpf_canon c;

	return dpf_canon(f, &c);
}
