/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_packet.c - rings with a hostile consumer, filters and who may replace whose, ports,
 * transmit.
 */
#include "test.h"

#define RING_VA 0x20000000ull

static const uint8_t mac[6] = {1, 2, 3, 4, 5, 6};

/* Frames for a ring of nslots, mapped at RING_VA, and the ring. */
static int64_t ring_new(struct fake *f, struct xok_env *e, uint32_t nslots, uint32_t *frame)
{
	uint32_t n = 1 + nslots / 2;

	for (uint32_t i = 0; i < n; i++) {
		frame[i] = frame_new(f, e, 0);
		assert_ok(CALL(f, e, map, 0, 0, 0, RING_VA + i * XOK_PAGE, frame[i], 3));
	}
	poke(f, e, MEM, frame, n * sizeof(*frame));
	return CALL(f, e, ring_bind, 0, MEM, n);
}

static struct xok_ring *header(struct fake *f, const uint32_t *frame)
{
	return (struct xok_ring *)f->page[frame[0]];
}

static struct xok_slot *slot(struct fake *f, const uint32_t *frame, uint32_t i)
{
	return (struct xok_slot *)f->page[frame[1 + i / 2]] + i % 2;
}

/* A filter for the Ethernet type; 0: everything. */
static struct xok_filter filter_of(int32_t port, uint16_t type)
{
	struct xok_filter fl = {.port = port, .natoms = type != 0};

	if (type)
		fl.atom[0] = (struct xok_atom){.off = 12, .size = 2, .mask = 0xffff, .value = type};
	return fl;
}

static int64_t insert(struct fake *f, struct xok_env *e, uint32_t k, struct xok_filter fl,
		      uint32_t ring)
{
	poke(f, e, MEM, &fl, sizeof(fl));
	return CALL(f, e, filter_insert, k, MEM, ring);
}

static void arrive(struct fake *f, uint32_t port, uint16_t type, size_t len)
{
	uint8_t frame[2048] = {0};

	frame[12] = (uint8_t)(type >> 8);
	frame[13] = (uint8_t)type;
	frame[14] = 0xab;
	frame[len - 1] = 0xcd;
	xok_packet_in(f->x, port, frame, len);
}

/* A child that may read and write every port, with a ring of four slots. */
static struct xok_env *receiver(struct fake *f, const char *name, uint32_t index, uint32_t *frame)
{
	struct xok_env *e = child_new(f, 60, name);

	for (uint32_t p = 0; p < NPORT; p++)
		assert_ok(set_acl(f, f->root, 0, XOK_RES_PORT, p, index,
				  cap_of(name, XOK_R | XOK_W)));
	assert_int_equal(ring_new(f, e, 4, frame), 0);
	return e;
}

static void bind_refuses(void **state)
{
	struct fake *f = *state;
	struct xok_env *a = child_new(f, 200, "a"), *b = child_new(f, 60, "b");
	uint32_t frame[64], theirs = frame_new(f, b, 0);

	frames_new(f, a, 0, frame, 64);
	poke(f, a, MEM, frame, sizeof(frame));
	assert_err(CALL(f, a, ring_bind, 0, MEM, 0), XOK_EINVAL);
	assert_err(CALL(f, a, ring_bind, 0, MEM, 1), XOK_EINVAL);
	assert_err(CALL(f, a, ring_bind, 0, MEM, 4), XOK_EINVAL);
	assert_err(CALL(f, a, ring_bind, 0, MEM, 130), XOK_EINVAL);
	assert_err(CALL(f, a, ring_bind, 0, MEM, 257), XOK_EINVAL);
	assert_err(CALL(f, a, ring_bind, 0, MEM, 5000), XOK_EINVAL);
	assert_err(CALL(f, a, ring_bind, 0, MEM + MEM_SIZE - 8, 3), XOK_EFAULT);
	assert_err(CALL(f, a, ring_bind, 7, MEM, 3), XOK_EPERM);
	/* A frame twice, another's frame, no frame, a page table. */
	frame[1] = frame[0];
	poke(f, a, MEM, frame, sizeof(frame));
	assert_err(CALL(f, a, ring_bind, 0, MEM, 3), XOK_EINVAL);
	frame[1] = theirs;
	poke(f, a, MEM, frame, sizeof(frame));
	assert_err(CALL(f, a, ring_bind, 0, MEM, 3), XOK_EPERM);
	assert_ok(set_acl(f, b, 0, XOK_RES_FRAME, theirs, 1, cap_of("a", XOK_R)));
	poke(f, a, MEM, frame, sizeof(frame));
	assert_err(CALL(f, a, ring_bind, 0, MEM, 3), XOK_EPERM);
	frame[1] = NFRAME;
	poke(f, a, MEM, frame, sizeof(frame));
	assert_err(CALL(f, a, ring_bind, 0, MEM, 3), XOK_ENOENT);
	frame[1] = a->root;
	poke(f, a, MEM, frame, sizeof(frame));
	assert_err(CALL(f, a, ring_bind, 0, MEM, 3), XOK_ENOENT);
	assert_int_equal(f->x->frame[frame[0]].type, XOK_FRAME_USER);
	assert_int_equal(f->x->frame[frame[0]].refs, 0);
}

static void rings_pin_their_frames(void **state)
{
	struct fake *f = *state;
	struct xok_env *a = child_new(f, 60, "a");
	uint32_t frame[3], charged;

	assert_int_equal(ring_new(f, a, 4, frame), 0);
	charged = a->info->frames;
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(f->x->frame[frame[i]].type, XOK_FRAME_DMA);
		assert_ok(CALL(f, a, map, 0, 0, 0, RING_VA + i * XOK_PAGE, 0, 0));
		assert_ok(CALL(f, a, frame_free, 0, frame[i]));
		assert_int_equal(f->x->frame[frame[i]].type, XOK_FRAME_DMA);
	}
	assert_int_equal(header(f, frame)->nslots, 4);
	/* Pinned once is pinned. */
	poke(f, a, MEM, frame, sizeof(frame));
	assert_err(CALL(f, a, ring_bind, 0, MEM, 3), XOK_ENOENT);
	assert_null(books(f));
	assert_err(CALL(f, a, ring_release, 1), XOK_ENOENT);
	assert_err(CALL(f, a, ring_release, 1ull << 40), XOK_ENOENT);
	assert_err(CALL(f, f->root, ring_release, 0), XOK_ENOENT);
	assert_ok(CALL(f, a, ring_release, 0));
	assert_err(CALL(f, a, ring_release, 0), XOK_ENOENT);
	assert_int_equal(a->info->frames, charged - 4);
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(f->x->frame[frame[i]].type, XOK_FRAME_FREE);
}

static void rings_are_limited_and_charged(void **state)
{
	struct fake *f = *state;
	struct xok_env *a = child_new(f, 100, "a"), *b = child_new(f, 9, "b");
	uint32_t frame[3];

	for (uint32_t i = 0; i < XOK_ENV_RINGS; i++)
		assert_int_equal(ring_new(f, a, 2, frame), i);
	assert_err(ring_new(f, a, 2, frame), XOK_EQUOTA);
	/* Its frames, their page table, and nothing left for the ring. */
	assert_err(ring_new(f, b, 2, frame), XOK_EQUOTA);
	assert_int_equal(f->x->frame[frame[0]].type, XOK_FRAME_USER);
}

static void packets_arrive(void **state)
{
	struct fake *f = *state;
	uint32_t frame[3];
	struct xok_env *a = receiver(f, "a", 1, frame);
	int64_t id = insert(f, a, 0, filter_of(1, 0x800), 0);

	assert_true(id > 0);
	child_run(f, a);
	assert_ok(CALL(f, a, env_sleep, XOK_EV_PACKET, UINT64_MAX));
	f->now = 4711;
	arrive(f, 1, 0x800, 60);
	assert_int_equal(a->info->state, XOK_ENV_RUNNABLE);
	assert_int_equal(a->regs.rax, XOK_EV_PACKET);
	assert_int_equal(header(f, frame)->head, 1);
	const struct xok_slot *s = slot(f, frame, 0);
	assert_int_equal(s->len, 60);
	assert_int_equal(s->port, 1);
	assert_int_equal(s->filter, id);
	assert_int_equal(s->time, 4711);
	assert_int_equal(s->data[14], 0xab);
	assert_int_equal(s->data[59], 0xcd);
	arrive(f, 1, 0x86dd, 60);
	arrive(f, 0, 0x800, 60);
	assert_int_equal(header(f, frame)->head, 1);
	const struct xok_port_info *p = xok_port(f->x, 1);
	assert_int_equal(p->rx_packets, 2);
	assert_int_equal(p->rx_bytes, 120);
	assert_int_equal(p->rx_no_filter, 1);
	assert_int_equal(xok_port(f->x, 0)->rx_no_filter, 1);
	assert_int_equal(a->info->packets, 1);
}

static void bad_lengths_are_counted(void **state)
{
	struct fake *f = *state;
	uint32_t frame[3];
	struct xok_env *a = receiver(f, "a", 1, frame);

	insert(f, a, 0, filter_of(0, 0), 0);
	arrive(f, 0, 0x800, 13);
	arrive(f, 0, 0x800, XOK_FRAME_MAX + 1);
	assert_int_equal(xok_port(f->x, 0)->rx_bad_length, 2);
	assert_int_equal(xok_port(f->x, 0)->rx_packets, 0);
	arrive(f, 0, 0x800, 14);
	arrive(f, 0, 0x800, XOK_FRAME_MAX);
	assert_int_equal(header(f, frame)->head, 2);
	assert_int_equal(slot(f, frame, 1)->data[XOK_FRAME_MAX - 1], 0xcd);
}

static void a_full_ring_drops_and_counts(void **state)
{
	struct fake *f = *state;
	uint32_t frame[3];
	struct xok_env *a = receiver(f, "a", 1, frame);

	insert(f, a, 0, filter_of(0, 0), 0);
	for (uint32_t i = 0; i < 6; i++)
		arrive(f, 0, 0x800, 60);
	assert_int_equal(header(f, frame)->head, 4);
	assert_int_equal(xok_port(f->x, 0)->rx_ring_full, 2);
	header(f, frame)->tail = 3;
	for (uint32_t i = 0; i < 6; i++)
		arrive(f, 0, 0x800, 60);
	assert_int_equal(header(f, frame)->head, 7);
	assert_int_equal(xok_port(f->x, 0)->rx_ring_full, 5);
}

/*
 * Whatever the environment writes into the header, the kernel writes packets only into the ring's
 * slots.
 */
static void a_hostile_header_hurts_only_itself(void **state)
{
	static const uint32_t tails[] = {1, 5, 100, 0x7fffffff, 0x80000000, 0xfffffffb, 0xffffffff};
	struct fake *f = *state;
	uint32_t frame[3], full = 0;
	struct xok_env *a = receiver(f, "a", 1, frame);

	insert(f, a, 0, filter_of(0, 0), 0);
	for (uint32_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
		header(f, frame)->tail = tails[i];
		header(f, frame)->head = 0x12345678;
		header(f, frame)->nslots = 0x1000;
		arrive(f, 0, 0x800, 60);
		/*
		 * Distances that a real consumer can have are believed: -1, as 0 - 0xffffffff = 1.
		 */
		if (tails[i] != 0xffffffff)
			full++;
		assert_int_equal(xok_port(f->x, 0)->rx_ring_full, full);
	}
	assert_int_equal(header(f, frame)->head, 1);
	assert_null(books(f));
}

static void heads_wrap(void **state)
{
	struct fake *f = *state;
	uint32_t frame[3];
	struct xok_env *a = receiver(f, "a", 1, frame);
	struct ring *r = ring_of(a, 0);

	insert(f, a, 0, filter_of(0, 0), 0);
	r->head = header(f, frame)->tail = 0xfffffffe;
	for (uint32_t i = 0; i < 5; i++)
		arrive(f, 0, 0x800, 60 + i);
	assert_int_equal(header(f, frame)->head, 2);
	assert_int_equal(slot(f, frame, 2)->len, 60);
	assert_int_equal(slot(f, frame, 0)->len, 62);
	assert_int_equal(xok_port(f->x, 0)->rx_ring_full, 1);
}

static void insert_refuses(void **state)
{
	struct fake *f = *state;
	uint32_t frame[3];
	struct xok_env *a = receiver(f, "a", 1, frame), *b = child_new(f, 60, "b");
	struct xok_filter fl = filter_of(0, 0x800);

	assert_int_equal(ring_new(f, b, 4, frame), 0);
	assert_err(insert(f, b, 0, fl, 0), XOK_EPERM);
	assert_ok(set_acl(f, f->root, 0, XOK_RES_PORT, 0, 2, cap_of("b", XOK_W)));
	assert_err(insert(f, b, 0, fl, 0), XOK_EPERM);
	assert_ok(set_acl(f, f->root, 0, XOK_RES_PORT, 0, 2, cap_of("b", XOK_R)));
	assert_true(insert(f, b, 0, filter_of(0, 0x801), 0) > 0);
	assert_err(insert(f, b, 0, filter_of(XOK_PORT_ANY, 0x800), 0), XOK_EPERM);
	assert_err(insert(f, a, 5, fl, 0), XOK_EPERM);
	assert_err(insert(f, a, 0, fl, 1), XOK_ENOENT);
	assert_err(insert(f, a, 0, fl, UINT32_MAX), XOK_ENOENT);
	assert_err(insert(f, a, 0, filter_of(NPORT, 0x800), 0), XOK_ENOENT);
	assert_err(insert(f, a, 0, filter_of(-2, 0x800), 0), XOK_ENOENT);
	fl.natoms = XOK_FILTER_ATOMS + 1;
	assert_err(insert(f, a, 0, fl, 0), XOK_EINVAL);
	fl.natoms = UINT32_MAX;
	assert_err(insert(f, a, 0, fl, 0), XOK_EINVAL);
	fl = filter_of(0, 0x800);
	fl.atom[0].size = 3;
	assert_err(insert(f, a, 0, fl, 0), XOK_EINVAL);
	fl = filter_of(0, 0x800);
	fl.atom[0].value = 0x10800;
	assert_err(insert(f, a, 0, fl, 0), XOK_EINVAL);
	assert_err(CALL(f, a, filter_insert, 0, MEM + MEM_SIZE - 16, 0), XOK_EFAULT);
	assert_int_equal(xok_port(f->x, 0)->nfilter, 1);
}

static void equal_filters_go_to_who_dominates(void **state)
{
	struct fake *f = *state;
	uint32_t fa[3], fb[3], fr[3];
	struct xok_env *a = receiver(f, "a", 1, fa), *b = receiver(f, "b", 2, fb);

	int64_t ida = insert(f, a, 0, filter_of(0, 0x800), 0);
	assert_err(insert(f, b, 0, filter_of(0, 0x800), 0), XOK_EBUSY);
	assert_err(insert(f, b, 0, filter_of(XOK_PORT_ANY, 0x800), 0), XOK_EBUSY);
	assert_int_equal(xok_port(f->x, 1)->nfilter, 0);
	assert_int_equal(b->nfilter, 0);
	/* The root's capability dominates a's. */
	assert_int_equal(ring_new(f, f->root, 4, fr), 0);
	int64_t idr = insert(f, f->root, 0, filter_of(0, 0x800), 0);
	assert_true(idr > 0);
	assert_int_equal(a->nfilter, 0);
	assert_err(CALL(f, a, filter_remove, 0, (uint64_t)ida), XOK_ESTALE);
	arrive(f, 0, 0x800, 60);
	assert_int_equal(header(f, fa)->head, 0);
	assert_int_equal(header(f, fr)->head, 1);
	assert_int_equal(slot(f, fr, 0)->filter, idr);
	assert_err(insert(f, a, 0, filter_of(0, 0x800), 0), XOK_EBUSY);
	assert_int_equal(xok_port(f->x, 0)->nfilter, 1);
}

/* A filter that one of the ports refuses is in none. */
static void a_refused_filter_leaves_no_trace(void **state)
{
	struct fake *f = *state;
	uint32_t fa[3], fb[3];
	struct xok_env *a = receiver(f, "a", 1, fa), *b = receiver(f, "b", 2, fb);

	assert_true(insert(f, a, 0, filter_of(2, 0x800), 0) > 0);
	assert_err(insert(f, b, 0, filter_of(XOK_PORT_ANY, 0x800), 0), XOK_EBUSY);
	assert_null(books(f));
	for (uint32_t p = 0; p < NPORT; p++)
		arrive(f, p, 0x800, 60);
	assert_int_equal(header(f, fa)->head, 1);
	assert_int_equal(header(f, fb)->head, 0);
	assert_int_equal(xok_port(f->x, 0)->rx_no_filter, 1);
	assert_true(insert(f, a, 0, filter_of(XOK_PORT_ANY, 0x800), 0) > 0);
}

/* A filter for every port stands in each; one for a single port takes just that one from it. */
static void any_port_is_every_port(void **state)
{
	struct fake *f = *state;
	uint32_t fa[3], fr[3];
	struct xok_env *a = receiver(f, "a", 1, fa);

	int64_t ida = insert(f, a, 0, filter_of(XOK_PORT_ANY, 0x800), 0);
	assert_true(ida > 0);
	for (uint32_t p = 0; p < NPORT; p++)
		arrive(f, p, 0x800, 60);
	assert_int_equal(header(f, fa)->head, 3);
	header(f, fa)->tail = 3;
	assert_int_equal(ring_new(f, f->root, 4, fr), 0);
	int64_t idr = insert(f, f->root, 0, filter_of(1, 0x800), 0);
	assert_null(books(f));
	for (uint32_t p = 0; p < NPORT; p++)
		arrive(f, p, 0x800, 60);
	assert_int_equal(header(f, fa)->head, 5);
	assert_int_equal(header(f, fr)->head, 1);
	assert_ok(CALL(f, a, filter_remove, 0, (uint64_t)ida));
	assert_err(CALL(f, a, filter_remove, 0, (uint64_t)ida), XOK_ESTALE);
	assert_null(books(f));
	for (uint32_t p = 0; p < NPORT; p++)
		arrive(f, p, 0x800, 60);
	assert_int_equal(header(f, fr)->head, 2);
	assert_ok(CALL(f, f->root, filter_remove, 0, (uint64_t)idr));
	for (uint32_t p = 0; p < NPORT; p++)
		assert_int_equal(xok_port(f->x, p)->nfilter, 0);
}

static void remove_needs_a_dominating_capability(void **state)
{
	struct fake *f = *state;
	uint32_t fa[3], fb[3];
	struct xok_env *a = receiver(f, "a", 1, fa), *b = receiver(f, "b", 2, fb);
	int64_t id = insert(f, a, 0, filter_of(0, 0x800), 0);

	assert_err(CALL(f, b, filter_remove, 0, (uint64_t)id), XOK_EPERM);
	assert_ok(forge(f, a, 0, 1, cap_of("a", XOK_R)));
	assert_err(CALL(f, a, filter_remove, 1, (uint64_t)id), XOK_EPERM);
	assert_err(CALL(f, a, filter_remove, 0, (uint64_t)id + 1), XOK_ENOENT);
	assert_err(CALL(f, a, filter_remove, 0, 0), XOK_ENOENT);
	assert_err(CALL(f, a, filter_remove, 0, UINT32_MAX), XOK_ENOENT);
	assert_ok(CALL(f, f->root, filter_remove, 0, (uint64_t)id));
	int64_t again = insert(f, a, 0, filter_of(0, 0x800), 0);
	assert_true(again > 0 && again != id);
	assert_err(CALL(f, a, filter_remove, 0, (uint64_t)id), XOK_ESTALE);
}

static void filters_are_limited_and_charged(void **state)
{
	struct fake *f = *state;
	uint32_t frame[3];
	struct xok_env *a = receiver(f, "a", 1, frame);
	uint32_t charged = a->info->frames;

	for (uint32_t i = 0; i < XOK_ENV_FILTERS; i++)
		assert_true(insert(f, a, 0, filter_of(XOK_PORT_ANY, (uint16_t)(i + 1)), 0) > 0);
	assert_err(insert(f, a, 0, filter_of(0, 0x900), 0), XOK_EQUOTA);
	assert_int_equal(a->info->frames, charged + 1);
	assert_null(books(f));
	assert_ok(CALL(f, a, ring_release, 0));
	assert_int_equal(a->nfilter, 0);
	arrive(f, 0, 1, 60);
	assert_int_equal(xok_port(f->x, 0)->rx_no_filter, 1);
}

static void the_first_filter_needs_quota(void **state)
{
	struct fake *f = *state;
	uint32_t frame[3];
	struct xok_env *a = receiver(f, "a", 1, frame);
	uint32_t last;

	while (!CALL(f, a, frame_alloc, 0, MEM, 1))
		;
	peek(f, a, MEM, &last, sizeof(last));
	assert_err(insert(f, a, 0, filter_of(0, 0x900), 0), XOK_EQUOTA);
	assert_ok(CALL(f, a, frame_free, 0, last));
	assert_true(insert(f, a, 0, filter_of(0, 0x900), 0) > 0);
	assert_true(insert(f, a, 0, filter_of(0, 0x901), 0) > 0);
}

/* Demultiplexers with so much memory only; nothing is inserted yet. */
static void shrink(struct fake *f, size_t bytes)
{
	for (uint32_t p = 0; p < NPORT; p++)
		f->x->demux[p].dpf = dpf_init(f->x->demux[p].dpf, bytes);
}

/* Filters that fill a demultiplexer's memory: refused by name, what was there before goes on. */
static void a_full_demultiplexer_changes_nothing(void **state)
{
	struct fake *f = *state;
	uint32_t frame[3], n = 0;
	char name[2] = "a";
	int64_t rc = 0;

	shrink(f, 24 << 10);
	for (uint32_t e = 0; e < 3 && rc >= 0; e++, name[0]++) {
		struct xok_env *env = receiver(f, name, e + 1, frame);

		for (uint32_t i = 0; i < XOK_ENV_FILTERS && rc >= 0; i++) {
			struct xok_filter fl = {.port = XOK_PORT_ANY, .natoms = XOK_FILTER_ATOMS};

			for (uint32_t j = 0; j < XOK_FILTER_ATOMS; j++)
				fl.atom[j] = (struct xok_atom){
					.off = (uint16_t)(e * 256 + j * 16 + i % 3),
					.size = 8,
					.mask = 0xf0f0f0f0f0f0f0f0,
					.value = (uint64_t)(i / 3) << 4,
				};
			rc = insert(f, env, 0, fl, 0);
			n += rc > 0;
			assert_null(books(f));
		}
	}
	print_message("%u filters of %u atoms fit\n", n, XOK_FILTER_ATOMS);
	assert_err(rc, XOK_ENOMEM);
	assert_true(n > XOK_ENV_FILTERS);
}

static int64_t send(struct fake *f, struct xok_env *e, uint32_t k, uint64_t port,
		    const struct xok_iov *iov, uint32_t n)
{
	poke(f, e, MEM, iov, n * sizeof(*iov));
	return CALL(f, e, transmit, k, port, MEM, n);
}

/*
 * Whoever may receive from a port can fill its demultiplexer with a few large filters, but for what
 * is kept for the root environment, whose node it is.
 */
static void nobody_locks_the_root_out(void **state)
{
	struct fake *f = *state;
	uint32_t frame[3], rframe[3];
	struct xok_env *a = receiver(f, "a", 1, frame);
	uint32_t held = 0;

	shrink(f, 32 << 10);
	/* As large as possible, then what fits beside: one atom is left out, and another. */
	for (uint32_t n = XOK_FILTER_ATOMS; n > 0; n--) {
		struct xok_filter big = {.port = 0};
		int64_t rc;

		for (; big.natoms < n; big.natoms++)
			big.atom[big.natoms] = (struct xok_atom){.off = (uint16_t)(8 * big.natoms),
								 .size = 8,
								 .mask = 0xff00ff00ff00ff00};
		do {
			/* Each looks at a place that no other does. */
			big.atom[n - 1].off += 128;
			rc = insert(f, a, 0, big, 0);
			held += rc > 0;
		} while (rc > 0);
		assert_err(rc, XOK_ENOMEM);
		assert_int_equal(f->x->port[0].nfilter, held);
	}
	int64_t ring = ring_new(f, f->root, 4, rframe);
	assert_true(ring >= 0);
	for (uint16_t type = 0x800; type < 0x800 + XOK_ENV_FILTERS; type++)
		assert_true(insert(f, f->root, 0, filter_of(0, type), (uint32_t)ring) > 0);
	arrive(f, 0, 0x801, 60);
	assert_int_equal(header(f, rframe)->head, 1);
}

static void transmit_gathers(void **state)
{
	struct fake *f = *state;
	struct xok_env *r = f->root;
	uint8_t bytes[1514];
	uint64_t at = MEM + 2 * XOK_PAGE;

	for (uint32_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7);
	poke(f, r, at - 700, bytes, sizeof(bytes));
	const struct xok_iov iov[] = {
		{at - 700, 14}, {0, 0}, {at - 686, 800}, {at + 114, 1}, {at + 115, 699}};
	assert_ok(send(f, r, 0, 2, iov, 5));
	assert_int_equal(f->tx_port, 2);
	assert_int_equal(f->tx_len, 1514);
	assert_memory_equal(f->tx, bytes, 1514);
	assert_int_equal(xok_port(f->x, 2)->tx_packets, 1);
	assert_int_equal(xok_port(f->x, 2)->tx_bytes, 1514);
	f->tx_full = true;
	assert_err(send(f, r, 0, 2, iov, 5), XOK_EAGAIN);
	assert_int_equal(xok_port(f->x, 2)->tx_full, 1);
	assert_int_equal(xok_port(f->x, 2)->tx_packets, 1);
}

static void transmit_refuses(void **state)
{
	struct fake *f = *state;
	uint32_t frame[3];
	struct xok_env *r = f->root, *a = child_new(f, 20, "a"), *b = receiver(f, "b", 1, frame);
	const struct xok_iov ok[9] = {{MEM + 512, 60}}, shrt[] = {{MEM, 13}},
			     huge[] = {{MEM, XOK_FRAME_MAX + 1}},
			     far[] = {{MEM, 60}, {MEM + MEM_SIZE, 1}},
			     wrap[] = {{MEM, 100}, {MEM, ~0ull - 50}},
			     edge[] = {{MEM + MEM_SIZE - 20, 30}},
			     kern[] = {{0xffffffff80000000, 60}}, end[] = {{~0ull - 10, 60}};

	assert_err(send(f, a, 0, 0, ok, 1), XOK_EPERM);
	assert_err(send(f, a, 3, 0, ok, 1), XOK_EPERM);
	assert_err(send(f, b, 0, NPORT, ok, 1), XOK_ENOENT);
	assert_ok(set_acl(f, r, 0, XOK_RES_PORT, 0, 1, cap_of("b", XOK_R)));
	assert_err(send(f, b, 0, 0, ok, 1), XOK_EPERM);
	assert_err(send(f, r, 0, 0, ok, 0), XOK_EINVAL);
	assert_err(send(f, r, 0, 0, ok, 9), XOK_EINVAL);
	assert_err(send(f, r, 0, 0, shrt, 1), XOK_EINVAL);
	assert_err(send(f, r, 0, 0, huge, 1), XOK_EINVAL);
	assert_err(send(f, r, 0, 0, wrap, 2), XOK_EINVAL);
	assert_err(send(f, r, 0, 0, far, 2), XOK_EFAULT);
	assert_err(send(f, r, 0, 0, edge, 1), XOK_EFAULT);
	assert_err(send(f, r, 0, 0, kern, 1), XOK_EFAULT);
	assert_err(send(f, r, 0, 0, end, 1), XOK_EFAULT);
	assert_err(CALL(f, r, transmit, 0, 0, MEM + MEM_SIZE - 8, 1), XOK_EFAULT);
	xok_port(f->x, 1)->up = 0;
	assert_err(send(f, r, 0, 1, ok, 1), XOK_ENOENT);
	xok_port_up(f->x, 1, mac, 100);
	assert_err(send(f, r, 0, 1, (struct xok_iov[]){{MEM, 119}}, 1), XOK_EINVAL);
	assert_ok(send(f, r, 0, 1, (struct xok_iov[]){{MEM, 118}}, 1));
	assert_int_equal(f->tx_count, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(bind_refuses),
		TEST(rings_pin_their_frames),
		TEST(rings_are_limited_and_charged),
		TEST(packets_arrive),
		TEST(bad_lengths_are_counted),
		TEST(a_full_ring_drops_and_counts),
		TEST(a_hostile_header_hurts_only_itself),
		TEST(heads_wrap),
		TEST(insert_refuses),
		TEST(equal_filters_go_to_who_dominates),
		TEST(a_refused_filter_leaves_no_trace),
		TEST(any_port_is_every_port),
		TEST(remove_needs_a_dominating_capability),
		TEST(filters_are_limited_and_charged),
		TEST(the_first_filter_needs_quota),
		TEST(a_full_demultiplexer_changes_nothing),
		TEST(nobody_locks_the_root_out),
		TEST(transmit_gathers),
		TEST(transmit_refuses),
	};

	return cmocka_run_group_tests_name("core: rings, filters and ports", tests, NULL, NULL);
}
