/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bed.h - what tests of handlers start from: an environment with a ring, a filter and a rate, and
 * packets for it. Each runs with compiled code and interpreted.
 */
#ifndef XOK_CORE_BED_H
#define XOK_CORE_BED_H

#include "load.h"
#include "test.h"

#define KEEP "r6 = r1; r7 = *(u64 *)(r1 + 0); " /* r6 the context, r7 the packet */
#define LEN 60

/* The verdict tells whether r0 is the value: PASS, or DROP. */
#define IS(value) "; r1 = r0; r0 = 1; if r1 == " #value " goto +1; r0 = 0; exit"

struct bed {
	struct fake *f;
	struct xok_env *e;
	uint32_t frame[3]; /* of its ring */
	uint64_t filter;
};

/* An environment "h" with a ring for everything at port 0, and a rate without bound. */
static inline struct bed bed_new(struct fake *f)
{
	struct xok_filter all = {.port = 0};
	struct bed b = {.f = f, .e = child_new(f, 120, "h")};

	for (uint32_t p = 0; p < NPORT; p++)
		assert_ok(set_acl(f, f->root, 0, XOK_RES_PORT, p, 1, cap_of("h", XOK_R | XOK_W)));
	frames_new(f, b.e, 0, b.frame, 3);
	poke(f, b.e, MEM, b.frame, sizeof(b.frame));
	assert_ok(CALL(f, b.e, ring_bind, 0, MEM, 3));
	poke(f, b.e, MEM, &all, sizeof(all));
	int64_t id = CALL(f, b.e, filter_insert, 0, MEM, 0);
	assert_true(id > 0);
	b.filter = (uint64_t)id;
	assert_ok(CALL(f, f->root, handler_rate, 0, 0, b.e->info->id, UINT64_MAX));
	return b;
}

static inline const struct xok_prog_info *handle(const struct bed *b, const char *text,
						 struct xok_prog_spec spec)
{
	int64_t id = prog_new(b->f, b->e, 0, text, spec);

	assert_true(id > 0);
	assert_ok(CALL(b->f, b->e, handler_bind, 0, b->filter, (uint64_t)id));
	return prog_info(b->f, id);
}

static inline void arrive(struct fake *f, uint32_t port, uint32_t len)
{
	/* In memory of its own size, so that the sanitizer sees an access beyond it. */
	uint8_t *packet = malloc(len);

	for (uint32_t i = 0; i < len; i++)
		packet[i] = (uint8_t)i;
	xok_packet_in(f->x, port, packet, len);
	free(packet);
}

static inline uint32_t delivered(const struct bed *b)
{
	return ((struct xok_ring *)b->f->page[b->frame[0]])->head;
}

static inline int setup_interpreted(void **state)
{
	struct fake *f = malloc(sizeof(*f));

	fake_init(f, NFRAME, NPORT, 0);
	*state = f;
	return 0;
}

#define BOTH(name) TEST(name), cmocka_unit_test_setup_teardown(name, setup_interpreted, teardown)

#endif
