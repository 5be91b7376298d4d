/* SPDX-License-Identifier: BSD-2-Clause */
/* capture_set.c - captures are made, shown to the lcores, and taken away again. */
#include <stdlib.h>

#include "capture_control.h"
#include "xok/dpf/dpf.h"

#define RING_BYTES (1u << 20) /* of packets, for each lcore and capture */
#define TRACES \
	64u /* ways of packets that wait; also what keeps tracing from slowing down all others */

static uint32_t slot_bytes(const struct capture_request *r)
{
	uint32_t snap = capture_round(r->snap);

	return r->kind == CAPTURE_TRACES ? (uint32_t)sizeof(struct capture_trace) + 2 * snap
					 : (uint32_t)sizeof(struct capture_packet) + snap;
}

/* One demultiplexer holds all filters: that one of them matches is all there is to know. */
static bool make_filter(struct capture *c, const struct capture_asked *asked)
{
	uint32_t n = asked->head.nfilter, equal;
	size_t bytes = DPF_ARENA_MIN + (size_t)n * DPF_FILTER_MAX;

	if (!n)
		return true;
	bytes = (bytes + XOK_PAGE - 1) & ~(size_t)(XOK_PAGE - 1);
	void *arena = aligned_alloc(XOK_PAGE, bytes);

	c->filter = arena ? dpf_init(arena, bytes) : NULL;
	if (!c->filter) {
		free(arena);
		return false;
	}
	for (uint32_t i = 0; i < n; i++) {
		int rc = dpf_insert(c->filter, &asked->filter[i], i, &equal);

		if (rc && rc != DPF_EEXIST)
			return false;
	}
	return true;
}

struct capture *capture_make(const struct xokd *d, const struct capture_asked *asked)
{
	struct capture *c = aligned_alloc(64, sizeof(*c));
	size_t room = asked->head.kind == CAPTURE_TRACES ? (size_t)TRACES * slot_bytes(&asked->head)
							 : RING_BYTES;

	if (!c)
		return NULL;
	*c = (struct capture){.want = asked->head};
	for (uint32_t i = 0; i <= d->opt.nlcore; i++) {
		if (!capture_ring_init(&c->ring[i], slot_bytes(&asked->head), room))
			return capture_free(c), NULL;
		c->nring++;
	}
	if (make_filter(c, asked))
		return c;
	capture_free(c);
	return NULL;
}

/* A demultiplexer is its arena. */
void capture_free(struct capture *c)
{
	for (uint32_t i = 0; i < c->nring; i++)
		capture_ring_fini(&c->ring[i]);
	free(c->filter);
	free(c);
}

static void set_free(struct capture_set *s)
{
	for (uint32_t i = 0; s && i < XOKD_LCORES; i++)
		free(s->seen[i]);
	free(s);
}

static struct capture_set *set_make(struct xokd *d, struct capture *const *c, uint32_t n)
{
	struct capture_set *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->d = d;
	s->n = n;
	for (uint32_t i = 0; i < n; i++) {
		s->capture[i] = c[i];
		if (c[i]->want.snap > s->snap)
			s->snap = c[i]->want.snap;
	}
	for (uint32_t i = 0; i < d->opt.nlcore; i++) {
		s->seen[i] = calloc(CAPTURE_BURST, sizeof(*s->seen[i]));
		if (!s->seen[i])
			return set_free(s), NULL;
	}
	return s;
}

bool captures_publish(struct xokd *d, struct capture *const *c, uint32_t n)
{
	struct capture_set *before = capture_current, *s = n ? set_make(d, c, n) : NULL;

	if (n && !s)
		return false;
	__atomic_store_n(&capture_current, s, __ATOMIC_RELEASE);
	lcores_quiesce(d);
	set_free(before);
	return true;
}

/* The order between lcores is that of their clocks, as far as their records are there already. */
struct capture_head *capture_oldest(struct capture *c, struct capture_ring **ring)
{
	struct capture_packet *oldest = NULL;

	for (uint32_t i = 0; i < c->nring; i++) {
		struct capture_packet *p = capture_ring_peek(&c->ring[i]);

		if (p && (!oldest || p->time < oldest->time)) {
			oldest = p;
			*ring = &c->ring[i];
		}
	}
	return oldest ? &oldest->head : NULL;
}

uint64_t capture_missed(const struct capture *c)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < c->nring; i++)
		n += atomic_load_explicit(&c->ring[i].missed, memory_order_relaxed);
	return n;
}
