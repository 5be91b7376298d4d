/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz_syscall.c - system calls, packets, ticks and faults in any order, with arguments made from
 * syscalls.def.
 *
 * Programs come from a small pool, as they are or with some bytes changed, and run on packets that
 * arrive, compiled or, where code memory is scarce, interpreted. After every step the kernel's books must balance. When the root environment keeps still, a
 * hostile environment and what it creates act alone, with one port in common: then another
 * environment, with its capability, memory, ring and filter, must stay as it is. At the end
 * everything must come back.
 */
#include "fuzz_make.h"
#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NFRAME 220u
#define NPORT 3u /* one of the hostile environment, one of the other, one of both */
#define STEPS 100
#define CODE_BYTES (416u << 10) /* 192 KiB of it the demultiplexers' */

enum kind {
	NONE,
	A_K,
	A_U32,
	A_U64,
	A_ENV,
	A_VA,
	A_CAP,
	A_FILTER,
	A_CHAR,
	A_FRAMES,
	A_IOV,
	A_CALL,
	A_TABLE,
	A_UPDATE,
	A_PROG
};

/* clang-format off */
#define TYPE(type) _Generic((type *)0, \
	struct xok_cap *: A_CAP, \
	struct xok_filter *: A_FILTER, \
	char *: A_CHAR, \
	uint32_t *: A_FRAMES, \
	struct xok_iov *: A_IOV, \
	struct xok_call *: A_CALL, \
	struct xok_table_spec *: A_TABLE, \
	struct xok_table_update *: A_UPDATE, \
	struct xok_prog_spec *: A_PROG)
#define K(name) A_K
#define U32(name) A_U32
#define U64(name) A_U64
#define ENV(name) A_ENV
#define VA(name) A_VA
#define IN(type, name) TYPE(type)
#define OUT(type, name) TYPE(type)
#define INV(type, name) TYPE(type)
#define OUTV(type, name) TYPE(type)
#define ARGS(...) __VA_ARGS__
#define XOK_SYSCALL(nr, name, args, contract) [nr] = {ARGS args},
static const uint8_t kinds[XOK_NSYS][6] = {
#include "xok/syscalls.def"
};
#undef XOK_SYSCALL
/* clang-format on */

/* Puts what a pointer argument points to into the actor's memory, where there is some. */
static void some_memory(struct fake *f, struct xok_env *e, struct input *in, uint8_t kind,
			uint64_t va)
{
	union {
		struct xok_cap cap;
		struct xok_filter filter;
		uint32_t frame[5];
		struct xok_iov iov[2];
		struct xok_call call[2];
		char text[16];
		struct xok_table_spec table;
		struct xok_table_update update;
		struct xok_prog_spec prog;
	} u;

	memset(&u, 0, sizeof(u));
	switch (kind) {
	case A_CAP: u.cap = some_cap(in); break;
	case A_FILTER: u.filter = some_filter(in); break;
	case A_FRAMES:
		for (uint32_t i = 0; i < 5; i++)
			u.frame[i] = some_frame(f, e, in);
		break;
	case A_IOV:
		for (uint32_t i = 0; i < 2; i++)
			u.iov[i] = (struct xok_iov){some_va(in), byte(in)};
		break;
	case A_CALL:
		for (uint32_t i = 0; i < 2; i++) {
			u.call[i].nr = byte(in) % (XOK_NSYS + 1);
			for (uint32_t j = 0; j < 6; j++)
				u.call[i].arg[j] = byte(in) & 1 ? some_va(in) : some_u32(f, e, in);
		}
		break;
	case A_TABLE: u.table = some_table(in); break;
	case A_UPDATE: u.update = some_update(in); break;
	case A_PROG: u.prog = some_prog(f, e, in, byte(in) % POOL, va); break;
	default: fill(in, u.text, sizeof(u.text));
	}
	if (user_writable(f->x, e, va, sizeof(u)))
		poke(f, e, va, &u, sizeof(u));
}

static void step_call(struct fake *f, struct xok_env *e, struct input *in)
{
	uint32_t nr = byte(in) % XOK_NSYS;
	uint64_t arg[6] = {0};

	/* What ends a run comes rarely. */
	if ((nr == XOK_SYS_env_exit || nr == XOK_SYS_power) && byte(in) > 8)
		nr = XOK_SYS_frame_alloc;
	if (nr == XOK_SYS_env_destroy && byte(in) > 32)
		nr = XOK_SYS_frame_alloc;
	/* So does the loss of the one capability that all else needs. */
	if (nr == XOK_SYS_cap_drop && byte(in) > 8) {
		CALL(f, e, cap_drop, 1 + byte(in) % (XOK_NCAP - 1));
		return;
	}
	for (uint32_t i = 0; i < 6; i++) {
		switch (kinds[nr][i]) {
		case NONE: break;
		case A_K: arg[i] = some_slot(in); break;
		case A_U32: arg[i] = some_u32(f, e, in); break;
		case A_U64: arg[i] = f->now + byte(in) - 128; break;
		case A_ENV: arg[i] = some_env(f, in); break;
		case A_VA: arg[i] = some_va(in); break;
		default: arg[i] = some_va(in); some_memory(f, e, in, kinds[nr][i], arg[i]);
		}
	}
	call6(f, e, nr, arg);
}

/* In memory of its own size, so that the sanitizer sees an access beyond it. */
static void step_packet(struct fake *f, struct input *in, uint32_t port)
{
	uint32_t len = byte(in) % 65;
	uint8_t *packet = calloc(1, len + 1);

	fill(in, packet, len < 24 ? len : 24);
	packet = realloc(packet, len ? len : 1);
	f->tx_full = byte(in) > 240;
	xok_packet_in(f->x, port, packet, len);
	free(packet);
}

#define AREA (MEM + 2048) /* where the sensible calls keep what they point to */

/* A ring of own frames, or a filter that ends in one. */
static void sensible_ring(struct fake *f, struct xok_env *e, struct input *in)
{
	struct xok_filter fl = some_filter(in);
	uint32_t n = 2 + byte(in) % 2;

	if (byte(in) & 1) {
		poke(f, e, AREA, &fl, sizeof(fl));
		CALL(f, e, filter_insert, 0, AREA, byte(in) % 3);
	} else if (!CALL(f, e, frame_alloc, 0, AREA, n)) {
		CALL(f, e, ring_bind, 0, AREA, n);
	}
}

/* A child, with the caller's capability and a page. */
static void sensible_child(struct fake *f, struct xok_env *e, struct input *in)
{
	int64_t id = CALL(f, e, env_alloc, 0, 2 + byte(in) % 12, AREA, byte(in) % 9);

	if (id < 0)
		return;
	CALL(f, e, cap_give, 0, (uint64_t)id, 0, 0);
	CALL(f, e, map, 0, 0, (uint64_t)id, MEM, some_frame(f, e, in), 3);
	CALL(f, e, env_run, 0, (uint64_t)id, CODE, MEM, byte(in) & 1 ? MEM : 0);
}

/* Like poke; but a strict environment may have ended since somebody looked. */
static void put(struct fake *f, struct xok_env *e, uint64_t va, const void *data, size_t len)
{
	if (user_writable(f->x, e, va, len))
		poke(f, e, va, data, len);
}

/* A call, if the environment still lives. */
#define CALL_LIVE(f, e, name, ...) (env_live(e) ? CALL(f, e, name, __VA_ARGS__) : XOK_ENOENT)

/* A table of a type that e has already, or a new one. */
static uint32_t sensible_table(struct fake *f, struct xok_env *e, struct input *in, uint32_t type)
{
	struct xok_table_spec s = some_table(in);

	for (uint32_t i = 0; i < XOK_NTABLE; i++)
		if (f->x->table_info[i].id && f->x->table_info[i].owner == e->info->id &&
		    f->x->table_info[i].spec.type == type)
			return f->x->table_info[i].id;
	s.type = type;
	s.key_size = type == XOK_TABLE_HASH ? 4 : 0;
	s.value_size = type == XOK_TABLE_ARRAY || type == XOK_TABLE_HASH || type == XOK_TABLE_RING
			       ? 8
			       : 0;
	s.flags = 0;
	s.entries = 4;
	put(f, e, AREA, &s, sizeof(s));
	int64_t id = CALL_LIVE(f, e, table_create, 0, AREA);
	return id < 0 ? 0 : (uint32_t)id;
}

/* A program with what it needs, bound to one of e's filters, and packets for it. */
static void sensible_handler(struct fake *f, struct xok_env *e, struct input *in)
{
	uint32_t i = byte(in) % POOL, filter = env_index(f->x, e) * XOK_ENV_FILTERS + byte(in) % 2;
	uint32_t table = pool_table(i) ? sensible_table(f, e, in, pool_table(i)) : 0;
	struct xok_prog_spec prog = some_prog(f, e, in, i, AREA);

	if (byte(in) > 16) {
		prog.ntable = table != 0;
		prog.table[0] = table;
		prog.ncallee = prog.callee[0] != 0;
	}
	put(f, e, AREA, &prog, sizeof(prog));
	int64_t id = CALL_LIVE(f, e, prog_load, 0, AREA);
	if (id < 0)
		CALL_LIVE(f, e, prog_unload, some_own(f, e, byte(in), false));
	if (id > 0 && f->x->filter[filter].nports)
		CALL_LIVE(f, e, handler_bind, 0, filter_id(f->x, filter), (uint64_t)id);
	for (uint32_t n = byte(in) % 4; n; n--)
		step_packet(f, in, byte(in) < 200 ? 0 : NPORT - 1);
}

static void sensible_code(struct fake *f, struct xok_env *e, struct input *in)
{
	struct xok_table_spec table = some_table(in);
	struct xok_table_update update = some_update(in);
	uint32_t object = some_object(f, e, in);

	switch (byte(in) % 10) {
	case 0:
		put(f, e, AREA, &table, sizeof(table));
		CALL_LIVE(f, e, table_create, 0, AREA);
		break;
	case 1:
		put(f, e, AREA, &update, sizeof(update));
		CALL_LIVE(f, e, table_update, 0, object, AREA);
		break;
	case 2: CALL_LIVE(f, e, table_destroy, 0, object); break;
	case 3: CALL_LIVE(f, e, prog_unload, object); break;
	case 4:
		CALL(f, f->root, handler_rate, 0, 0, e->info->id, byte(in) ? UINT64_MAX : 1000);
		break;
	case 5: CALL_LIVE(f, e, handler_bind, 0, some_filter_id(f, e, in), object); break;
	default: sensible_handler(f, e, in);
	}
}

/* Calls as a program would make them, so that the others find something to disturb. */
static void step_sensible(struct fake *f, struct xok_env *e, struct input *in)
{
	struct xok_cap cap = some_cap(in);
	const struct xok_iov iov = {MEM, 14 + byte(in)};
	uint32_t frame = some_frame(f, e, in);

	if (!user_writable(f->x, e, AREA, 1024))
		return;
	switch (byte(in) % 12) {
	case 8:
	case 9:
	case 10:
	case 11: sensible_code(f, e, in); break;
	case 0: sensible_child(f, e, in); break;
	case 1:
		poke(f, e, AREA, &cap, sizeof(cap));
		CALL(f, e, acl_set, 0, XOK_RES_FRAME, frame, byte(in) % 2, AREA);
		break;
	case 2:
		poke(f, e, AREA, &iov, sizeof(iov));
		CALL(f, e, transmit, 0, byte(in) % NPORT, AREA, 1);
		break;
	case 3:
	case 4:
		CALL(f, e, map, 0, 0, some_env(f, in), some_va(in) & ~0xfffull,
		     byte(in) % f->nframe, 1 | byte(in) % 5);
		break;
	default: sensible_ring(f, e, in);
	}
}

/* Scribbles over one word of a page that the kernel shares with the environment. */
static void step_scribble(struct fake *f, struct xok_env *e, struct input *in)
{
	const struct ring *r = ring_of(e, byte(in) % 2);
	uint32_t frame = byte(in) & 1 && r ? r->frame[0] : e->uenv_frame;
	uint64_t v = byte(in) & 1 ? wide(in) : byte(in);

	if (byte(in) & 1)
		v = CODE;
	if (frame)
		memcpy(f->page[frame] + byte(in) % 32 * 8, &v, sizeof(v));
}

static void step_event(struct fake *f, struct xok_env *e, struct input *in)
{
	uint64_t until;

	switch (byte(in) % 8) {
	case 0:
	case 6:
	case 7: step_packet(f, in, byte(in) % NPORT); break;
	case 1:
		e = xok_schedule(f->x, &until);
		if (until != UINT64_MAX && until > f->now)
			f->now = until;
		xok_tick(f->x, e);
		break;
	case 2:
	case 3:
		if (!e->uenv_frame && byte(in) > 8)
			break;
		(byte(in) & 1 ? xok_trap : xok_reflect)(f->x, e);
		break;
	case 4: xok_cons_in(f->x, byte(in) % 2); break;
	default: step_scribble(f, e, in);
	}
	xok_schedule(f->x, &until);
}

static void fail(const char *what)
{
	fprintf(stderr, "invariant: %s\n", what);
	abort();
}

/* ---- the one that nothing may happen to ---- */

struct victim {
	struct xok_env *e;
	struct xok_env_info info;
	uint32_t frame[MEM_PAGES], ring[3];
	struct xok_prog_info prog;
	struct xok_table_info table;
	uint8_t page[XOK_PAGE];
	struct xok_cap root_cap[XOK_NCAP];
	uint64_t root_quota;
};

/* A table that nobody else may use, and a handler over it for the filter of port 1. */
static void victim_code(struct fake *f, struct victim *v)
{
	const struct xok_table_spec hash = {
		.type = XOK_TABLE_HASH, .key_size = 4, .value_size = 8, .entries = 4};
	struct xok_prog_spec spec = {.ntable = 1};

	spec.table[0] = (uint32_t)table_new(f, v->e, 0, hash);
	int64_t id = prog_new(f, v->e, 0, "r1 = &table0 ll; r0 = 1; exit", spec);
	if (id <= 0 || CALL(f, v->e, handler_bind, 0,
			    filter_id(f->x, env_index(f->x, v->e) * XOK_ENV_FILTERS), (uint64_t)id))
		fail("no handler for the victim");
	v->prog = *prog_info(f, id);
	v->table = *table_info(f, spec.table[0]);
}

/* An environment with a ring, and a filter for everything at each of its two ports. */
static void victim_init(struct fake *f, struct victim *v)
{
	struct xok_filter all = {.port = 1};
	struct xok_cap cap = cap_of("v", XOK_R | XOK_W);
	uint32_t prot;

	v->e = child_new(f, 30, "v");
	child_run(f, v->e);
	for (uint32_t p = 1; p < NPORT; p++)
		set_acl(f, f->root, 0, XOK_RES_PORT, p, 1, cap);
	frames_new(f, v->e, 0, v->ring, 3);
	poke(f, v->e, MEM, v->ring, sizeof(v->ring));
	if (CALL(f, v->e, ring_bind, 0, MEM, 3) != 0)
		fail("no ring for the victim");
	for (; all.port < (int32_t)NPORT; all.port++) {
		poke(f, v->e, MEM, &all, sizeof(all));
		if (CALL(f, v->e, filter_insert, 0, MEM, 0) < 0)
			fail("no filter for the victim");
	}
	victim_code(f, v);
	for (uint32_t i = 0; i < MEM_PAGES; i++)
		v->frame[i] = (uint32_t)f->x->ops->map_get(f, v->e->root, MEM + i * XOK_PAGE,
							   &prot);
	memset(f->page[v->frame[0]], 0x77, XOK_PAGE);
	memcpy(v->page, f->page[v->frame[0]], XOK_PAGE);
	memcpy(v->root_cap, f->root->info->cap, sizeof(v->root_cap));
	v->info = *v->e->info;
}

static void victim_check(struct fake *f, const struct victim *v)
{
	const struct xok_env_info *i = v->e->info;
	uint32_t prot;

	if (i->id != v->info.id || !env_live(v->e))
		fail("the other environment ended");
	if (memcmp(i->cap, v->info.cap, sizeof(i->cap)) ||
	    memcmp(i->acl, v->info.acl, sizeof(i->acl)))
		fail("the other environment's capabilities changed");
	if (i->frames != v->info.frames || i->frames_quota != v->info.frames_quota)
		fail("the other environment's quota changed");
	for (uint32_t n = 0; n < MEM_PAGES; n++) {
		const struct xok_frame_info *fi = &f->x->frame[v->frame[n]];

		if (f->x->ops->map_get(f, v->e->root, MEM + n * XOK_PAGE, &prot) != v->frame[n] ||
		    prot != 3 || fi->refs != 1 || fi->owner != i->id)
			fail("the other environment's memory changed hands");
	}
	if (memcmp(f->page[v->frame[0]], v->page, XOK_PAGE))
		fail("the other environment's memory was written");
	if (!ring_of(v->e, 0) || v->e->nfilter != 2 || xok_port(f->x, 1)->nfilter != 1)
		fail("the other environment's filter changed");
	const struct xok_prog_info *p = prog_info(f, v->prog.id);
	if (p->id != v->prog.id || p->refs != 1 || p->stopped ||
	    p->code_bytes != v->prog.code_bytes)
		fail("the other environment's program changed");
	if (memcmp(table_info(f, v->table.id), &v->table, sizeof(v->table)))
		fail("the other environment's table changed");
	if (memcmp(f->root->info->cap, v->root_cap, sizeof(v->root_cap)) || !env_live(f->root))
		fail("the root environment changed");
	if (f->powered)
		fail("the node was switched off");
}

/* ---- a run ---- */

/*
 * One of the hostile environment and its descendants, or, when it takes part, the root
 * environment.
 */
static struct xok_env *pick(struct fake *f, struct input *in, bool with_root)
{
	uint32_t first = byte(in) % XOK_NENV;

	for (uint32_t n = 0; n < XOK_NENV; n++) {
		struct xok_env *e = &f->x->env[(first + n) % 6];
		uint8_t name = e->info->acl[0].name[0];

		if (!env_live(e) || e->info->state == XOK_ENV_NEW)
			continue;
		if (e == f->root ? with_root : with_root || name == 'h')
			return e;
	}
	return NULL;
}

/* The hostile one begins with a ring, and a filter for everything at its own port. */
static void ring_for_all(struct fake *f, struct xok_env *e)
{
	struct xok_filter all = {.port = 0};
	uint32_t frame[2];

	frames_new(f, e, 0, frame, 2);
	poke(f, e, MEM, frame, sizeof(frame));
	CALL(f, e, ring_bind, 0, MEM, 2);
	poke(f, e, MEM, &all, sizeof(all));
	if (CALL(f, e, filter_insert, 0, MEM, 0) < 0)
		fail("no filter for the hostile one");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size, size + 1};
	struct fake f;
	struct victim v;

	pool_init();
	fake_init(&f, NFRAME, NPORT, CODE_BYTES);
	uint8_t how = byte(&in);
	bool with_root = how & 1;
	/* So little code memory that some programs are interpreted. */
	if (how & 2)
		f.x->code_bytes = (1 + how / 4) * 128u;
	victim_init(&f, &v);
	struct xok_env *hostile = child_new(&f, 100, "h");
	child_run(&f, hostile);
	CALL(&f, f.root, handler_rate, 0, 0, hostile->info->id, UINT64_MAX);
	for (uint32_t p = 0; p < NPORT; p += 2)
		set_acl(&f, f.root, 0, XOK_RES_PORT, p, 2, cap_of("h", XOK_R | XOK_W));
	f.cons_waiting = "input";
	ring_for_all(&f, hostile);

	for (uint32_t i = 0; i < STEPS && !f.powered; i++) {
		struct xok_env *e = pick(&f, &in, with_root);

		if (!e)
			break;
		switch (byte(&in) / 32) {
		case 0:
		case 1: step_sensible(&f, e, &in); break;
		case 2:
			if (user_writable(f.x, e, AREA, 1024))
				sensible_handler(&f, e, &in);
			break;
		case 3: step_event(&f, e, &in); break;
		default: step_call(&f, e, &in);
		}
		const char *bad = books(&f);
		if (bad)
			fail(bad);
		if (!with_root)
			victim_check(&f, &v);
	}
	if (env_live(f.root))
		CALL(&f, f.root, env_exit, 0);
	if (books(&f) || f.info->frames_free != f.quota)
		fail("not everything came back");
	fake_fini(&f);
	return 0;
}
