/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_pieces.c - machines whose environments have address spaces of their own making: what they
 * are not offered, and the memory that is shared with them in pieces.
 */
#include "load.h"
#include "test.h"

static int setup_cpus(void **state)
{
	struct fake *f = malloc(sizeof(*f));

	fake_init_cpus(f, NFRAME, NPORT, CODE_BYTES, 1);
	*state = f;
	return 0;
}

static void what_is_not_offered(void **state)
{
	struct fake *f = *state;
	struct xok_env *r = f->root;
	uint32_t frames = r->info->frames;

	assert_err(CALL(f, r, yield, 0), XOK_ENOSYS);
	assert_err(CALL(f, r, frame_alloc, 0, MEM, 1), XOK_ENOSYS);
	assert_err(CALL(f, r, frame_free, 0, 5), XOK_ENOSYS);
	assert_err(CALL(f, r, map, 0, 0, 0, MEM, 5, 3), XOK_ENOSYS);
	assert_err(CALL(f, r, slice_alloc, 0, 0, 0), XOK_ENOSYS);
	assert_err(CALL(f, r, slice_free, 0, 0), XOK_ENOSYS);
	assert_err(CALL(f, r, env_uenv, MEM), XOK_ENOSYS);
	assert_int_equal(r->info->frames, frames);
	/* What has no meaning there is not looked at; what would be a promise is refused. */
	struct xok_env *e = child_new(f, 10, "a");
	assert_err(CALL(f, r, env_run, 0, e->info->id, 0, 0, MEM), XOK_ENOSYS);
	assert_ok(CALL(f, r, env_run, 0, e->info->id, 0, 0, 0));
	assert_int_equal(e->info->state, XOK_ENV_RUNNABLE);
	assert_int_equal(e->info->frames, 0);
	/* An address that the message does not have. */
	assert_err(CALL(f, r, cons_read, 0, 0, MEM + MEM_SIZE, 0), 0);
	f->cons_waiting = "x";
	assert_err(CALL(f, r, cons_read, 0, 0, MEM + MEM_SIZE, 8), XOK_EFAULT);
	assert_err(CALL(f, r, cons_write, 0, 0, 16, 8), XOK_EFAULT);
}

/* Nothing interrupts calls there, so a child's batch comes to an end before it is over; the root's does not. */
static void a_long_batch_stops(void **state)
{
	struct fake *f = *state;
	struct xok_env *e = child_new(f, 10, "a");
	struct xok_call c[4];

	assert_ok(CALL(f, f->root, env_run, 0, e->info->id, 0, 0, 0));
	f->now_step = 600000;
	for (uint32_t root = 0; root < 2; root++) {
		for (uint32_t i = 0; i < 4; i++)
			c[i] = (struct xok_call){.nr = XOK_SYS_env_notify,
						 .arg = {0, e->info->id, XOK_EV_USER}};
		struct xok_env *who = root ? f->root : e;
		poke(f, who, MEM, c, sizeof(c));
		assert_int_equal(CALL(f, who, batch, MEM, 4), root ? 4 : 2);
		peek(f, who, MEM, c, sizeof(c));
		assert_int_equal(c[2].result, root ? XOK_OK : XOK_EAGAIN);
	}
	f->now_step = 0;
}

static void sleep_collects(void **state)
{
	struct fake *f = *state;
	struct xok_env *r = f->root;

	assert_int_equal(CALL(f, r, env_sleep, ~0u, UINT64_MAX), 0);
	assert_ok(CALL(f, r, env_notify, 0, 0, 3 * XOK_EV_USER));
	assert_int_equal(f->rung[0], 1);
	assert_int_equal(CALL(f, r, env_sleep, XOK_EV_USER, UINT64_MAX), XOK_EV_USER);
	assert_int_equal(CALL(f, r, env_sleep, XOK_EV_USER, 0), 0);
	assert_int_equal(CALL(f, r, env_sleep, ~0u, 0), 2 * XOK_EV_USER);
	/* Of what is posted the environment is told once, until it has collected it. */
	for (uint32_t i = 0; i < 5; i++)
		assert_ok(CALL(f, r, env_notify, 0, 0, XOK_EV_USER));
	assert_int_equal(f->rung[0], 2);
	assert_ok(CALL(f, r, env_notify, 0, 0, 3 * XOK_EV_USER));
	assert_int_equal(f->rung[0], 3);
	assert_int_equal(CALL(f, r, env_sleep, ~0u, 0), 3 * XOK_EV_USER);
	assert_ok(CALL(f, r, env_notify, 0, 0, XOK_EV_USER));
	assert_int_equal(f->rung[0], 4);
	assert_int_equal(CALL(f, r, env_sleep, ~0u, 0), XOK_EV_USER);
	assert_int_equal(r->info->state, XOK_ENV_RUNNABLE);
}

static void rings_of_the_kernels_frames(void **state)
{
	struct fake *f = *state;
	struct xok_env *r = f->root, *e = child_new(f, 20, "a");
	uint32_t before = e->info->frames;

	static const uint64_t bad[] = {0, 1, 4, 130, 257, 5000, UINT64_MAX};
	for (uint32_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_err(CALL(f, e, ring_bind, 0, 0, bad[i]), XOK_EINVAL);
	assert_err(CALL(f, e, ring_bind, 7, 0, 3), XOK_EPERM);
	assert_err(CALL(f, e, ring_bind, 0, 0, 33), XOK_EQUOTA);
	f->share_fails = 1;
	assert_err(CALL(f, e, ring_bind, 0, 0, 3), XOK_ENOMEM);
	assert_int_equal(e->info->frames, before);
	/* An address is not looked at. */
	assert_int_equal(CALL(f, e, ring_bind, 0, 5, 3), 0);
	assert_int_equal(CALL(f, e, ring_bind, 0, 0, 5), 1);
	uint32_t first = e->info->ring_frame[0];
	assert_true(first && e->info->ring_frame[1] && !e->info->ring_frame[2]);
	assert_int_equal(e->info->frames, before + 3 + 1 + 5 + 1);
	assert_int_equal(((struct xok_ring *)f->page[first])->nslots, 4);
	assert_int_equal(f->piece[first], 1);
	assert_int_equal(f->piece[first + 2], 2);
	/* Who may have it mapped: k's holder, whole, and never executable. */
	assert_ok(xok_map_check(f->x, e, 0, first, XOK_PROT_R | XOK_PROT_W));
	assert_err(xok_map_check(f->x, e, 0, first, XOK_PROT_R | XOK_PROT_W | XOK_PROT_X),
		   XOK_EINVAL);
	assert_err(xok_map_check(f->x, e, XOK_NCAP, first, XOK_PROT_R), XOK_EINVAL);
	assert_err(xok_map_check(f->x, e, 3, first, XOK_PROT_R), XOK_EPERM);
	assert_ok(xok_map_check(f->x, r, 0, first, XOK_PROT_R));
	struct xok_env *b = child_new(f, 20, "b");
	assert_err(xok_map_check(f->x, b, 0, first, XOK_PROT_R), XOK_EPERM);
	assert_err(xok_map_check(f->x, e, 0, 0, XOK_PROT_R), XOK_ENOENT);
	assert_err(xok_map_check(f->x, e, 0, NFRAME, XOK_PROT_R), XOK_ENOENT);
	assert_null(books(f));
	assert_ok(CALL(f, e, ring_release, 0));
	assert_int_equal(e->info->ring_frame[0], 0);
	assert_int_equal(f->x->frame[first].type, XOK_FRAME_FREE);
	assert_err(xok_map_check(f->x, e, 0, first, XOK_PROT_R), XOK_ENOENT);
	/* The end gives back the other one, and tells the machine. */
	uint32_t i = env_index(f->x, e);
	assert_ok(CALL(f, r, env_destroy, 0, e->info->id));
	assert_int_equal(f->ended[i], 1);
	assert_int_equal(f->ended[0], 0);
}

/* The runs of pages of each type that are mapped in the same way. */
static void tables_in_pieces(void **state)
{
	struct fake *f = *state;
	static const struct {
		struct xok_table_spec spec;
		uint32_t pieces;
	} c[] = {
		{{.type = XOK_TABLE_ARRAY, .value_size = 4096, .entries = 2}, 2},
		{{.type = XOK_TABLE_PERCPU, .value_size = 8, .entries = 2}, 1},
		{{.type = XOK_TABLE_LPM4, .entries = 100}, 1},
		{{.type = XOK_TABLE_RING, .value_size = 64, .entries = 64}, 3},
	};
	struct xok_env *e = child_new(f, 60, "a");

	for (uint32_t i = 0; i < sizeof(c) / sizeof(c[0]); i++) {
		uint32_t charged = e->info->frames, pieces = 0;

		for (uint32_t fail = 1; fail <= c[i].pieces; fail++) {
			f->share_fails = fail;
			assert_err(table_new(f, e, 0, c[i].spec), XOK_ENOMEM);
			assert_int_equal(e->info->frames, charged);
			assert_null(books(f));
		}
		f->share_fails = 0;
		int64_t id = table_new(f, e, 0, c[i].spec);
		assert_true(id > 0);
		const struct xok_table_info *t = table_info(f, id);
		for (uint32_t p = t->first; p < t->first + t->nframe; p++) {
			bool writable = tbl_writable(&t->spec, p - t->first);

			pieces += f->piece[p] == 1;
			assert_int_equal(xok_map_check(f->x, e, 0, p, XOK_PROT_R | XOK_PROT_W),
					 writable ? XOK_OK : XOK_EINVAL);
			assert_ok(xok_map_check(f->x, e, 0, p, XOK_PROT_R));
		}
		assert_int_equal(pieces, c[i].pieces);
		if (i % 2)
			assert_ok(CALL(f, e, table_destroy, 0, (uint64_t)id));
	}
	assert_null(books(f));
}

static void ports_have_names(void **state)
{
	struct fake *f = *state;
	struct xok_port_info *p = xok_port(f->x, 1);

	xok_port_name(f->x, 1, "lan.linux", XOK_PORT_MIRROR, 3);
	assert_string_equal(p->name, "lan.linux");
	assert_int_equal(p->flags, XOK_PORT_MIRROR);
	assert_int_equal(p->twin, 3);
	xok_port_name(f->x, 1, "a\033[2J-name-that-is-too-long", 0, 0);
	assert_string_equal(p->name, "a?[2J-name-that");
	xok_port_link(f->x, 1, false);
	assert_int_equal(p->up, 0);
	struct xok_iov iov = {MEM, 60};
	poke(f, f->root, MEM, &iov, sizeof(iov));
	assert_err(CALL(f, f->root, transmit, 0, 1, MEM, 1), XOK_ENOENT);
	xok_port_link(f->x, 1, true);
	assert_ok(CALL(f, f->root, transmit, 0, 1, MEM, 1));
}

#define CPUS(name) cmocka_unit_test_setup_teardown(name, setup_cpus, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CPUS(what_is_not_offered),	   CPUS(a_long_batch_stops), CPUS(sleep_collects),
		CPUS(rings_of_the_kernels_frames), CPUS(tables_in_pieces),   CPUS(ports_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
