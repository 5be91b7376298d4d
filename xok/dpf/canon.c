/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * canon.c - checks a filter and brings it into the one form that all filters of the same meaning
 * written with the same shifts have.
 *
 * Between two shifts every load has the same base, so the order of atoms does not matter and a
 * stretch is fully described by which bits it compares with what, and how far the packet must
 * reach. It is taken apart into bytes, sorted, and put together again into tests of up to eight
 * adjacent bytes: that sorts, coalesces, and finds contradictions at once.
 */
#include "dpf_int.h"

#define BYTES_MAX (XOK_FILTER_ATOMS * 8u)

/* The stretch between two shifts. */
struct stretch {
	uint32_t nbytes;
	uint32_t extent; /* the packet must reach base + extent */
	struct byte_test {
		uint32_t off;
		uint8_t mask, value;
	} byte[BYTES_MAX];
};

static int check_atom(const struct xok_atom *a)
{
	if (a->size != 1 && a->size != 2 && a->size != 4 && a->size != 8)
		return DPF_EINVAL;
	if (a->pad[0] | a->pad[1] | a->pad[2])
		return DPF_EINVAL;
	if (a->size < 8 && a->mask >> (8u * a->size))
		return DPF_EINVAL;
	if (a->kind == XOK_ATOM_EQ)
		return a->shl || (a->value & ~a->mask) ? DPF_EINVAL : 0;
	if (a->kind == XOK_ATOM_SHIFT)
		return a->shl > 8 || a->value ? DPF_EINVAL : 0;
	return DPF_EINVAL;
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

static uint32_t popcount8(uint8_t v)
{
	uint32_t n = 0;

	for (; v; v &= (uint8_t)(v - 1u))
		n++;
	return n;
}

/*
 * One test from the bytes at `i`: as many as are adjacent, at most eight. Returns the place behind
 * them.
 */
static uint32_t emit_test(struct dpf_canon *c, const struct stretch *s, uint32_t i)
{
	struct dpf_step *t = &c->step[c->nsteps++];

	*t = (struct dpf_step){.kind = DPF_STEP_TEST, .off = s->byte[i].off};
	do {
		t->mask = t->mask << 8 | s->byte[i].mask;
		t->value = t->value << 8 | s->byte[i].value;
		c->bits += popcount8(s->byte[i].mask);
		t->n++;
		i++;
	} while (i < s->nbytes && t->n < 8 && s->byte[i].off == t->off + t->n);
	return i;
}

/* Ends a stretch with the shift that follows it, or NULL at the filter's end. */
static void emit_stretch(struct dpf_canon *c, struct stretch *s, const struct xok_atom *shift)
{
	struct dpf_step sh = {.kind = DPF_STEP_SHIFT};
	uint32_t covered = 0;

	for (uint32_t i = 0; i < s->nbytes;)
		i = emit_test(c, s, i);
	if (s->nbytes)
		covered = s->byte[s->nbytes - 1].off + 1;
	if (shift) {
		reach(s, (uint32_t)shift->off + shift->size);
		sh.off = shift->off;
		sh.n = shift->size;
		sh.shl = shift->shl;
		sh.mask = shift->mask;
		/* Leading bytes that are masked out add nothing but their length. */
		while (sh.n > 1 && !(sh.mask >> (4u * sh.n))) {
			sh.n /= 2;
			sh.off += sh.n;
		}
		if (sh.off + sh.n > covered)
			covered = sh.off + sh.n;
	}
	if (s->extent > covered)
		c->step[c->nsteps++] = (struct dpf_step){.kind = DPF_STEP_LEN, .value = s->extent};
	if (shift)
		c->step[c->nsteps++] = sh;
	s->nbytes = 0;
	s->extent = 0;
}

int dpf_canon(const struct xok_filter *f, struct dpf_canon *c)
{
	struct stretch s;

	if (f->natoms > XOK_FILTER_ATOMS)
		return DPF_EINVAL;
	for (uint32_t i = 0; i < f->natoms; i++)
		if (check_atom(&f->atom[i]) < 0)
			return DPF_EINVAL;
	c->nsteps = c->bits = 0;
	s.nbytes = s.extent = 0;
	for (uint32_t i = 0; i < f->natoms; i++) {
		const struct xok_atom *a = &f->atom[i];

		if (a->kind == XOK_ATOM_EQ) {
			if (add_eq(&s, a) < 0)
				return DPF_EINVAL;
		} else if (!a->mask || i + 1 == f->natoms) {
			/* It moves nothing, or nothing that follows. */
			reach(&s, (uint32_t)a->off + a->size);
		} else {
			emit_stretch(c, &s, a);
		}
	}
	emit_stretch(c, &s, NULL);
	return 0;
}

int dpf_check(const struct xok_filter *f)
{
	struct dpf_canon c;

	return dpf_canon(f, &c);
}

static int cmp(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

int dpf_key_cmp(const struct dpf_step *a, const struct dpf_step *b)
{
	int r = cmp(a->kind, b->kind);

	if (!r)
		r = cmp(a->off, b->off);
	if (!r)
		r = cmp(a->n, b->n);
	if (!r)
		r = cmp(a->shl, b->shl);
	if (!r)
		r = cmp(a->mask, b->mask);
	/* A length is a key of its own: it is compared with >=, which no hash can do. */
	if (!r && a->kind == DPF_STEP_LEN)
		r = cmp(a->value, b->value);
	return r;
}

int dpf_steps_cmp(const struct dpf_step *a, uint32_t na, const struct dpf_step *b, uint32_t nb)
{
	for (uint32_t i = 0; i < na && i < nb; i++) {
		int r = dpf_key_cmp(&a[i], &b[i]);

		if (!r)
			r = cmp(a[i].value, b[i].value);
		if (r)
			return r;
	}
	return cmp(na, nb);
}
