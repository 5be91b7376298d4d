/* SPDX-License-Identifier: BSD-2-Clause */
/* test_prog.c - loading programs: each check, charges, code memory, ids, bindings and the end. */
#include "load.h"
#include "test.h"

#define PASS "r0 = 1; exit"

static const struct xok_prog_spec plain = {.name = "plain"};

/* A ring of four slots and a filter for everything at a port that ends in it. */
static int64_t filter_new(struct fake *f, struct xok_env *e, int32_t port)
{
	struct xok_filter all = {.port = port};
	uint32_t frame[3];

	frames_new(f, e, 0, frame, 3);
	poke(f, e, MEM, frame, sizeof(frame));
	int64_t ring = CALL(f, e, ring_bind, 0, MEM, 3);
	assert_true(ring >= 0);
	poke(f, e, MEM, &all, sizeof(all));
	return CALL(f, e, filter_insert, 0, MEM, (uint64_t)ring);
}

static void load_charges_and_tells(void **state)
{
	struct fake *f = *state;
	uint32_t frames = f->root->info->frames, free_frames = f->info->frames_free;
	struct xok_prog_spec spec = plain;

	spec.ports = 5;
	spec.rate = 1000;
	spec.data_len = 4096;
	int64_t id = prog_new(f, f->root, 0, PASS, spec);
	const struct xok_prog_info *i = prog_info(f, id);
	assert_true(id > 0);
	assert_int_equal(i->id, id);
	assert_int_equal(i->owner, f->root->info->id);
	assert_int_equal(i->kind, VC_KIND_HANDLER);
	assert_int_equal(i->ninsn, 2);
	assert_int_equal(i->ports, 5);
	assert_int_equal(i->rate, 1000);
	assert_int_equal(i->refs, 0);
	assert_string_equal(i->name, "plain");
	assert_int_equal(i->frames, i->code_bytes ? 3 : 2);
	assert_int_equal(f->root->info->frames, frames + i->frames);
	assert_int_equal(f->info->frames_free, free_frames - 2);
	assert_null(books(f));
	assert_ok(CALL(f, f->root, prog_unload, (uint64_t)id));
	assert_int_equal(f->root->info->frames, frames);
	assert_int_equal(f->info->frames_free, free_frames);
	assert_int_equal(i->id, 0);
}

static void load_refuses(void **state)
{
	struct fake *f = *state;
	const struct {
		struct xok_prog_spec spec;
		int err;
	} bad[] = {
		{{.kind = VC_KIND_CAPSULE}, XOK_EINVAL},
		{{.kind = VC_KIND_UDF}, XOK_EINVAL},
		{{.kind = 99}, XOK_EINVAL},
		{{.entry = 2}, XOK_EINVAL},
		{{.min_len = XOK_FRAME_MAX + 1}, XOK_EINVAL},
		{{.rodata_len = XOK_PROG_RODATA + 1, .rodata = MEM}, XOK_EINVAL},
		{{.data_len = XOK_PROG_DATA + 1}, XOK_EINVAL},
		{{.budget = XOK_BUDGET_MAX + 1}, XOK_EINVAL},
		{{.ntable = XOK_PROG_TABLES + 1}, XOK_EINVAL},
		{{.ncallee = XOK_PROG_CALLEES + 1}, XOK_EINVAL},
		{{.ntable = UINT32_MAX}, XOK_EINVAL},
		{{.ports = 1 << NPORT}, XOK_ENOENT},
		{{.ports = 1u << 31}, XOK_ENOENT},
		{{.ntable = 1, .table = {0}}, XOK_ENOENT},
		{{.ntable = 1, .table = {UINT32_MAX}}, XOK_ENOENT},
		{{.ncallee = 1, .callee = {0}}, XOK_ENOENT},
		{{.ncallee = 1, .callee = {64}}, XOK_ENOENT},
		{{.report = MEM + MEM_SIZE - 8}, XOK_EFAULT},
		{{.report = 0xffffffff80000000}, XOK_EFAULT},
		{{.rodata_len = 16, .rodata = MEM + MEM_SIZE - 8}, XOK_EFAULT},
	};
	uint32_t frames = f->root->info->frames;

	for (uint32_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_err(prog_new(f, f->root, 0, PASS, bad[i].spec), bad[i].err);
		assert_int_equal(f->root->info->frames, frames);
		assert_null(books(f));
	}
	assert_err(prog_new(f, f->root, 1, PASS, plain), XOK_EPERM);
	assert_err(CALL(f, f->root, prog_load, 0, MEM + MEM_SIZE), XOK_EFAULT);
	assert_err(CALL(f, f->root, prog_load, XOK_NCAP, MEM), XOK_EINVAL);
}

/* The instructions themselves: none, too many, not readable. */
static void load_reads_instructions_once(void **state)
{
	struct fake *f = *state;
	struct xok_prog_spec spec = {.kind = VC_KIND_HANDLER, .insn = MEM};
	const uint32_t count[] = {0, VC_INSNS_MAX + 1, UINT32_MAX, 1u << 29};

	for (uint32_t i = 0; i < 4; i++) {
		spec.ninsn = count[i];
		poke(f, f->root, LOAD_AT, &spec, sizeof(spec));
		assert_err(CALL(f, f->root, prog_load, 0, LOAD_AT), XOK_EINVAL);
	}
	spec.ninsn = 2;
	spec.insn = MEM + MEM_SIZE - 8;
	poke(f, f->root, LOAD_AT, &spec, sizeof(spec));
	assert_err(CALL(f, f->root, prog_load, 0, LOAD_AT), XOK_EFAULT);
	spec.insn = ~0ull - 7;
	poke(f, f->root, LOAD_AT, &spec, sizeof(spec));
	assert_err(CALL(f, f->root, prog_load, 0, LOAD_AT), XOK_EFAULT);
	assert_null(books(f));
}

static void the_report_says_why(void **state)
{
	struct fake *f = *state;
	struct xok_prog_spec spec = {.report = MEM};
	struct xok_prog_report r;
	uint32_t frames = f->root->info->frames;

	memset(&r, 0x55, sizeof(r));
	poke(f, f->root, MEM, &r, sizeof(r));
	assert_err(prog_new(f, f->root, 0, "r0 = r3; exit", spec), XOK_EINVAL);
	peek(f, f->root, MEM, &r, sizeof(r));
	assert_int_equal(r.reason, VC_UNINITIALISED);
	assert_int_equal(r.insn, 0);
	assert_non_null(strstr(r.text, "r3"));
	assert_int_equal(f->root->info->frames, frames);
	assert_true(prog_new(f, f->root, 0, PASS, spec) > 0);
	peek(f, f->root, MEM, &r, sizeof(r));
	assert_int_equal(r.reason, 0);
	assert_int_equal(r.text[0], 0);
}

/* What the specification promises the verifier: lengths, tables that are memory. */
static void the_verifier_sees_the_specification(void **state)
{
	struct fake *f = *state;
	const struct xok_table_spec array = {
		.type = XOK_TABLE_ARRAY, .value_size = 8, .entries = 4};
	const char *at60 = "r1 = *(u64 *)(r1 + 0); r0 = *(u8 *)(r1 + 59); r0 = 0; exit";
	const char *inside = "r1 = table0 + 24 ll; r0 = *(u64 *)(r1 + 0); r0 = 0; exit";
	const char *outside = "r1 = table0 + 32 ll; r0 = *(u64 *)(r1 + 0); r0 = 0; exit";
	const char *rodata = "r1 = rodata + 8 ll; r0 = *(u64 *)(r1 + 0); r0 = 0; exit";
	int64_t t = table_new(f, f->root, 0, array);
	struct xok_prog_spec spec = plain;

	int64_t checked = prog_new(f, f->root, 0, at60, spec);
	spec.min_len = 60;
	int64_t proved = prog_new(f, f->root, 0, at60, spec);
	assert_true(checked > 0 && proved > 0);
	if (f->x->code_bytes)
		assert_true(prog_info(f, proved)->code_bytes < prog_info(f, checked)->code_bytes);
	spec.ntable = 1;
	spec.table[0] = (uint32_t)t;
	assert_true(prog_new(f, f->root, 0, inside, spec) > 0);
	assert_err(prog_new(f, f->root, 0, outside, spec), XOK_EINVAL);
	assert_err(prog_new(f, f->root, 0, "r1 = &table1 ll; r0 = 0; exit", spec), XOK_EINVAL);
	assert_err(prog_new(f, f->root, 0, rodata, spec), XOK_EINVAL);
	spec.rodata = MEM;
	spec.rodata_len = 16;
	assert_true(prog_new(f, f->root, 0, rodata, spec) > 0);
	assert_err(prog_new(f, f->root, 0, "call helper 4; exit", spec), XOK_EINVAL);
}

static void rights_are_asked(void **state)
{
	struct fake *f = *state;
	const struct xok_table_spec hash = {.type = XOK_TABLE_HASH,
					    .key_size = 4,
					    .value_size = 4,
					    .entries = 4},
				    array = {
					    .type = XOK_TABLE_ARRAY, .value_size = 8, .entries = 4};
	struct xok_env *a = child_new(f, 30, "a");
	int64_t h = table_new(f, f->root, 0, hash), m = table_new(f, f->root, 0, array);
	struct xok_prog_spec spec = {.ports = 2};

	assert_err(prog_new(f, a, 0, PASS, spec), XOK_EPERM);
	assert_ok(set_acl(f, f->root, 0, XOK_RES_PORT, 1, 1, cap_of("a", XOK_R)));
	assert_err(prog_new(f, a, 0, PASS, spec), XOK_EPERM);
	assert_ok(set_acl(f, f->root, 0, XOK_RES_PORT, 1, 1, cap_of("a", XOK_W)));
	assert_true(prog_new(f, a, 0, PASS, spec) > 0);
	spec.ports = 3;
	assert_err(prog_new(f, a, 0, PASS, spec), XOK_EPERM);
	spec = (struct xok_prog_spec){.ntable = 1, .table = {(uint32_t)h}};
	assert_err(prog_new(f, a, 0, PASS, spec), XOK_EPERM);
	uint32_t first = table_info(f, h)->first;
	assert_ok(set_acl(f, f->root, 0, XOK_RES_FRAME, first, 1, cap_of("a", XOK_W)));
	assert_err(prog_new(f, a, 0, PASS, spec), XOK_EPERM);
	assert_ok(set_acl(f, f->root, 0, XOK_RES_FRAME, first, 1, cap_of("a", XOK_R)));
	assert_true(prog_new(f, a, 0, PASS, spec) > 0);
	/* Plain memory is written without asking anybody, so R alone is not enough. */
	spec.table[0] = (uint32_t)m;
	first = table_info(f, m)->first;
	assert_ok(set_acl(f, f->root, 0, XOK_RES_FRAME, first, 1, cap_of("a", XOK_R)));
	assert_err(prog_new(f, a, 0, PASS, spec), XOK_EPERM);
	assert_ok(set_acl(f, f->root, 0, XOK_RES_FRAME, first, 1, cap_of("a", XOK_R | XOK_W)));
	assert_true(prog_new(f, a, 0, PASS, spec) > 0);
	assert_null(books(f));
}

static void quota_is_asked(void **state)
{
	struct fake *f = *state;
	/* Its page tables are 2, its memory is 4. */
	struct xok_env *a = child_new(f, 2 + MEM_PAGES + 1, "a");
	struct xok_prog_spec spec = {.rodata = MEM, .rodata_len = 8192};
	uint32_t frames = a->info->frames;

	assert_err(prog_new(f, a, 0, PASS, spec), XOK_EQUOTA);
	/* With compiled code one frame is not enough. */
	int64_t id = prog_new(f, a, 0, PASS, plain);
	assert_true(f->x->code_bytes ? id == XOK_EQUOTA : id > 0);
	if (id < 0)
		assert_int_equal(a->info->frames, frames);
	assert_null(books(f));
}

static void limits(void **state)
{
	struct fake *f = *state;
	struct xok_env *a = child_new(f, 100, "a");
	uint32_t n = 0;
	int64_t rc;

	while ((rc = prog_new(f, a, 0, PASS, plain)) > 0)
		n++;
	assert_err(rc, XOK_EQUOTA);
	assert_int_equal(n, XOK_ENV_PROGS);
	assert_true(prog_new(f, f->root, 0, PASS, plain) > 0);
	CALL(f, a, env_exit, 0);
	assert_null(books(f));
	for (uint32_t i = 0; i < XOK_NPROG; i++)
		assert_true(!f->x->prog_info[i].id ||
			    f->x->prog_info[i].owner == f->root->info->id);
}

static void ids_do_not_come_back(void **state)
{
	struct fake *f = *state;
	struct xok_env *a = child_new(f, 30, "a");
	int64_t id = prog_new(f, f->root, 0, PASS, plain), flt = filter_new(f, f->root, 0);
	uint64_t n = (uint64_t)id;

	assert_err(CALL(f, a, prog_unload, n), XOK_ENOENT);
	assert_err(CALL(f, f->root, prog_unload, 0), XOK_ENOENT);
	assert_err(CALL(f, f->root, prog_unload, n + XOK_NPROG), XOK_ENOENT);
	assert_err(CALL(f, f->root, prog_unload, 0xffffffff), XOK_ENOENT);
	assert_ok(CALL(f, f->root, prog_unload, n));
	assert_err(CALL(f, f->root, prog_unload, n), XOK_ESTALE);
	int64_t next = prog_new(f, f->root, 0, PASS, plain);
	assert_int_equal(next, id + XOK_NPROG);
	assert_err(CALL(f, f->root, prog_unload, n), XOK_ESTALE);
	assert_err(CALL(f, f->root, handler_bind, 0, (uint64_t)flt, n), XOK_ESTALE);
	assert_err(prog_new(f, f->root, 0, PASS,
			    (struct xok_prog_spec){.ncallee = 1, .callee = {(uint32_t)id}}),
		   XOK_ESTALE);
	assert_ok(CALL(f, f->root, handler_bind, 0, (uint64_t)flt, (uint64_t)next));
}

static void bindings(void **state)
{
	struct fake *f = *state;
	struct xok_env *r = f->root, *a = child_new(f, 40, "a");
	uint64_t id = (uint64_t)prog_new(f, r, 0, PASS, plain),
		 other = (uint64_t)prog_new(f, a, 0, PASS, plain),
		 flt = (uint64_t)filter_new(f, r, 0), any = (uint64_t)filter_new(f, r, 1);
	const struct xok_prog_info *i = prog_info(f, (int64_t)id);

	assert_err(CALL(f, r, handler_bind, 1, flt, id), XOK_EPERM);
	assert_ok(forge(f, r, 0, 1, cap_of("a", XOK_PERM_ALL)));
	assert_err(CALL(f, r, handler_bind, 1, flt, id), XOK_EPERM);
	assert_err(CALL(f, r, handler_bind, 0, flt, other), XOK_ENOENT);
	assert_err(CALL(f, a, handler_bind, 0, flt, other), XOK_ENOENT);
	assert_err(CALL(f, r, handler_bind, 0, flt + 5, id), XOK_ENOENT);
	assert_err(CALL(f, r, handler_bind, XOK_NCAP, flt, id), XOK_EINVAL);
	assert_int_equal(i->refs, 0);
	assert_ok(CALL(f, r, handler_bind, 0, flt, id));
	assert_ok(CALL(f, r, handler_bind, 0, any, id));
	assert_ok(CALL(f, r, handler_bind, 0, any, id));
	assert_int_equal(i->refs, 2);
	assert_null(books(f));
	assert_ok(CALL(f, r, handler_bind, 0, flt, 0));
	assert_int_equal(i->refs, 1);
	/* A filter that goes lets go of its handler. */
	assert_ok(CALL(f, r, filter_remove, 0, any));
	assert_int_equal(i->refs, 0);
	assert_err(CALL(f, r, handler_bind, 0, any, id), XOK_ESTALE);
	assert_ok(CALL(f, r, handler_bind, 0, flt, id));
	assert_ok(CALL(f, r, prog_unload, id));
	assert_null(books(f));
}

/* An equal filter with a dominating capability takes the packets, and the handler with them. */
static void a_filter_taken_over_has_no_handler(void **state)
{
	struct fake *f = *state;
	struct xok_env *a = child_new(f, 40, "a");

	assert_ok(set_acl(f, f->root, 0, XOK_RES_PORT, 0, 1, cap_of("a", XOK_R)));
	uint64_t id = (uint64_t)prog_new(f, a, 0, PASS, plain), flt = (uint64_t)filter_new(f, a, 0);
	assert_ok(CALL(f, a, handler_bind, 0, flt, id));
	assert_true(filter_new(f, f->root, 0) > 0);
	assert_int_equal(prog_info(f, (int64_t)id)->refs, 0);
	assert_err(CALL(f, a, handler_bind, 0, flt, id), XOK_ESTALE);
	assert_null(books(f));
}

static void callees(void **state)
{
	struct fake *f = *state;
	struct xok_env *a = child_new(f, 40, "a");
	uint64_t id[XOK_CALL_DEPTH + 1] = {(uint64_t)prog_new(f, f->root, 0, PASS, plain)};
	struct xok_prog_spec spec = {.ncallee = 2};

	/* Another's program is none; one's own may be named twice. */
	spec.callee[0] = spec.callee[1] = (uint32_t)id[0];
	assert_err(prog_new(f, a, 0, PASS, spec), XOK_ENOENT);
	for (uint32_t i = 1; i <= XOK_CALL_DEPTH; i++) {
		spec.callee[0] = spec.callee[1] = (uint32_t)id[i - 1];
		int64_t rc = prog_new(f, f->root, 0, PASS, spec);

		if (i == XOK_CALL_DEPTH)
			assert_err(rc, XOK_EINVAL);
		else
			assert_true(rc > 0);
		id[i] = (uint64_t)rc;
	}
	assert_int_equal(prog_info(f, (int64_t)id[0])->refs, 2);
	assert_err(CALL(f, f->root, prog_unload, id[0]), XOK_EBUSY);
	assert_err(CALL(f, f->root, prog_unload, id[2]), XOK_EBUSY);
	assert_null(books(f));
	for (uint32_t i = XOK_CALL_DEPTH; i-- > 1;)
		assert_ok(CALL(f, f->root, prog_unload, id[i]));
	assert_int_equal(prog_info(f, (int64_t)id[0])->refs, 0);
	assert_ok(CALL(f, f->root, prog_unload, id[0]));
}

/* Everything bound to everything, and then the environment ends. */
static void an_end_gives_everything_back(void **state)
{
	struct fake *f = *state;
	const struct xok_table_spec array = {
		.type = XOK_TABLE_ARRAY, .value_size = 8, .entries = 4};
	struct xok_env *a = child_new(f, 100, "a");
	uint32_t free_frames = f->info->frames_free, frames = a->info->frames;

	assert_ok(set_acl(f, f->root, 0, XOK_RES_PORT, 0, 1, cap_of("a", XOK_R | XOK_W)));
	struct xok_prog_spec spec = {.ntable = 2, .ports = 1, .data_len = 100};
	spec.table[0] = spec.table[1] = (uint32_t)table_new(f, a, 0, array);
	uint64_t inner = (uint64_t)prog_new(f, a, 0, PASS, spec);
	spec.ncallee = 1;
	spec.callee[0] = (uint32_t)inner;
	uint64_t outer = (uint64_t)prog_new(f, a, 0, PASS, spec),
		 flt = (uint64_t)filter_new(f, a, 0);
	assert_ok(CALL(f, a, handler_bind, 0, flt, outer));
	assert_ok(CALL(f, a, table_destroy, 0, spec.table[0]));
	assert_int_equal(table_info(f, spec.table[0])->refs, 4);
	assert_null(books(f));
	CALL(f, a, env_exit, 0);
	assert_null(books(f));
	assert_int_equal(f->info->frames_free, free_frames + frames);
	for (uint32_t i = 0; i < XOK_NPROG; i++)
		assert_int_equal(f->x->prog_info[i].id, 0);
	for (uint32_t i = 0; i < XOK_NTABLE; i++)
		assert_int_equal(f->x->table_info[i].id, 0);
}

/* Many subtrees together leave something for the root environment. */
static void nobody_locks_the_root_out(void **state)
{
	struct fake *f = *state;
	char name[2] = "a";
	uint32_t n = 0;
	int64_t rc = XOK_EQUOTA;

	for (; rc == XOK_EQUOTA && name[0] <= 'h'; name[0]++) {
		struct xok_env *e = child_new(f, 30, name);

		while ((rc = prog_new(f, e, 0, PASS, plain)) > 0)
			n++;
	}
	assert_err(rc, XOK_ENOMEM);
	assert_int_equal(n, XOK_NPROG / 4 * 3);
	for (uint32_t i = 0; i < XOK_ENV_PROGS; i++)
		assert_true(prog_new(f, f->root, 0, PASS, plain) > 0);
	assert_err(prog_new(f, f->root, 0, PASS, plain), XOK_EQUOTA);
}

#define LARGE 2048u
#define LARGE_AT 0x30000000ull

/* Pages of e's own for a program of many instructions, since LOAD_AT has too few. */
static void large_pages(struct fake *f, struct xok_env *e)
{
	static struct vc_insn insn[LARGE];

	for (uint32_t i = 0; i < LARGE; i++)
		insn[i] = (struct vc_insn){.op = 0x07, .regs = 2, .imm = 1 << 20};
	insn[0] = (struct vc_insn){.op = 0xb7, .regs = 2};
	insn[LARGE - 2] = (struct vc_insn){.op = 0xb7};
	insn[LARGE - 1] = (struct vc_insn){.op = 0x95};
	for (uint32_t i = 0; i < sizeof(insn) / XOK_PAGE; i++)
		assert_ok(CALL(f, e, map, 0, 0, 0, LARGE_AT + i * XOK_PAGE, frame_new(f, e, 0), 3));
	poke(f, e, LARGE_AT, insn, sizeof(insn));
}

/* Loads it, which succeeds: of how many octets its code is, 0 when it is interpreted. */
static uint32_t load_large(struct fake *f, struct xok_env *e, uint64_t *id)
{
	const struct xok_prog_spec spec = {
		.kind = VC_KIND_HANDLER, .ninsn = LARGE, .insn = LARGE_AT};

	poke(f, e, LOAD_AT, &spec, sizeof(spec));
	int64_t rc = CALL(f, e, prog_load, 0, LOAD_AT);
	assert_true(rc > 0);
	*id = (uint64_t)rc;
	return prog_info(f, rc)->code_bytes;
}

/* When the code memory is full programs are interpreted; what goes leaves room for the next. */
static void code_memory_is_shared_out(void **state)
{
	struct fake *f = *state;
	uint64_t id[XOK_ENV_PROGS];
	uint32_t compiled = 0;

	large_pages(f, f->root);
	f->x->code_bytes = 4096; /* less than one of them */
	assert_int_equal(load_large(f, f->root, &id[0]), 0);
	assert_ok(CALL(f, f->root, prog_unload, id[0]));
	f->x->code_bytes = 24 << 10;
	for (uint32_t i = 0; i < XOK_ENV_PROGS; i++)
		compiled += load_large(f, f->root, &id[i]) > 0;
	assert_true(compiled >= 1 && compiled < XOK_ENV_PROGS);
	assert_null(books(f));
	assert_ok(CALL(f, f->root, prog_unload, id[0]));
	assert_true(load_large(f, f->root, &id[0]) > 0);
	assert_null(books(f));
}

/* A subtree has its share of the code memory, and leaves theirs to the others. */
static void code_memory_is_nobodys_alone(void **state)
{
	struct fake *f = *state;
	struct xok_env *a = child_new(f, 150, "a"), *b = child_new(f, 60, "b");
	uint32_t used = 0, last = 1;
	uint64_t id;

	large_pages(f, a);
	large_pages(f, b);
	large_pages(f, f->root);
	f->x->code_bytes = 128 << 10;
	for (uint32_t i = 0; i < XOK_ENV_PROGS; i++)
		used += last = load_large(f, a, &id);
	assert_int_equal(last, 0);
	assert_in_range(used, 1, f->x->code_bytes / 4);
	assert_ok(CALL(f, a, prog_unload, id));
	/* Its children have no other. */
	int64_t child = CALL(f, a, env_alloc, 0, 40, MEM, 0);
	assert_true(child > 0);
	assert_int_equal(code_find(f->x, env_of(f, child), used), -1);
	assert_true(load_large(f, b, &id) > 0);
	for (uint32_t i = 0; i < 6; i++)
		assert_true(load_large(f, f->root, &id) > 0);
	assert_null(books(f));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(load_charges_and_tells),
		TEST(load_refuses),
		TEST(load_reads_instructions_once),
		TEST(the_report_says_why),
		TEST(the_verifier_sees_the_specification),
		TEST(rights_are_asked),
		TEST(quota_is_asked),
		TEST(limits),
		TEST(ids_do_not_come_back),
		TEST(bindings),
		TEST(a_filter_taken_over_has_no_handler),
		TEST(callees),
		TEST(an_end_gives_everything_back),
		TEST(nobody_locks_the_root_out),
		TEST(code_memory_is_shared_out),
		TEST(code_memory_is_nobodys_alone),
	};

	return cmocka_run_group_tests_name("core: programs", tests, NULL, NULL);
}
