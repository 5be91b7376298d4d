/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz_syscall.c - system calls, packets, ticks and faults in any order, with arguments made from
 * syscalls.def.
 *
 * After every step the kernel's books must balance. When the root environment keeps still, a
 * hostile environment and what it creates act alone, with one port in common: then another
 * environment, with its capability, memory, ring and filter, must stay as it is. At the end
 * everything must come back.
 */
#include "fake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NFRAME 160u
#define NPORT 3u /* one of the hostile environment, one of the other, one of both */
#define STEPS 100

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
	A_CALL
};

/* clang-format off */
#define TYPE(type) _Generic((type *)0, \
	struct xok_cap *: A_CAP, \
	struct xok_filter *: A_FILTER, \
	char *: A_CHAR, \
	uint32_t *: A_FRAMES, \
	struct xok_iov *: A_IOV, \
	struct xok_call *: A_CALL)
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

/*
 * The fuzzer's bytes, and after them numbers that follow from those: every run has all its steps.
 */
struct input {
	const uint8_t *p;
	size_t left;
	uint64_t state;
};

static uint8_t byte(struct input *in)
{
	in->state ^= in->state << 13;
	in->state ^= in->state >> 7;
	in->state ^= in->state << 17;
	if (!in->left)
		return (uint8_t)(in->state >> 32);
	in->left--;
	in->state += *in->p;
	return *in->p++;
}

static uint64_t wide(struct input *in)
{
	uint64_t v = 0;

	for (uint32_t i = 0; i < 8; i++)
		v = v << 8 | byte(in);
	return v;
}

static void fill(struct input *in, void *buf, size_t len)
{
	for (size_t i = 0; i < len; i++)
		((uint8_t *)buf)[i] = byte(in);
}

/* A place in the environment's memory, or, now and then, anywhere. */
static uint64_t some_va(struct input *in)
{
	uint8_t b = byte(in);

	switch (b & 15) {
	case 0: return MEM + MEM_SIZE - (b >> 4);
	case 1: return b >> 4 ? MEM : wide(in);
	case 2: return XOK_USER_HI - (uint64_t)XOK_PAGE * (b >> 5);
	case 3:
	case 4:
	case 5: return 0x10000000 + (uint64_t)(b >> 4) * (1u << 20);
	case 6:
	case 7:
	case 8: return MEM + (uint64_t)(b >> 4) * XOK_PAGE;
	default: return MEM + 2048 + (b >> 4) * 256u;
	}
}

/* Any frame, but mostly one that the environment is charged for. */
static uint32_t some_frame(struct fake *f, const struct xok_env *e, struct input *in)
{
	uint32_t first = byte(in) % f->nframe;

	for (uint32_t i = 0; i < f->nframe && first % 8; i++) {
		uint32_t n = (first + i) % f->nframe;

		if (frame_is_user(f->x, n) && f->x->frame[n].owner == e->info->id)
			return n;
	}
	return first;
}

static uint32_t some_filter_id(struct fake *f, const struct xok_env *e, struct input *in)
{
	uint32_t i = env_index(f->x, e) * XOK_ENV_FILTERS + byte(in) % 4;

	return f->x->filter[i].gen << 10 | i;
}

static uint32_t some_u32(struct fake *f, const struct xok_env *e, struct input *in)
{
	uint8_t b = byte(in);

	switch (b & 7) {
	case 0: return some_filter_id(f, e, in);
	case 1: return b >> 3 ? XOK_EV_USER << (b >> 5) : (uint32_t)wide(in);
	case 2:
	case 3: return some_frame(f, e, in);
	default: return (b >> 3) % 6;
	}
}

static uint64_t some_env(struct fake *f, struct input *in)
{
	uint8_t b = byte(in);

	if (b < 128)
		return 0;
	return b == 255 ? wide(in) : f->x->env_info[b % 6].id - (b == 254 ? 256 : 0);
}

static uint32_t some_slot(struct input *in)
{
	uint8_t b = byte(in);

	return b < 200 ? 0 : b % (XOK_NCAP + 1);
}

static struct xok_cap some_cap(struct input *in)
{
	struct xok_cap c = {.valid = 1};
	uint8_t b = byte(in);

	if (b == 255) {
		fill(in, &c, sizeof(c));
		return c;
	}
	c.valid = b < 200;
	c.perms = b & 1 ? XOK_PERM_ALL : byte(in) & 15;
	c.len = b / 2 % 4;
	for (uint32_t i = 0; i < c.len; i++)
		c.name[i] = "hhhhhhvx"[byte(in) % 8];
	return c;
}

static struct xok_filter some_filter(struct input *in)
{
	struct xok_filter fl = {.port = byte(in) % 5 - 1, .natoms = byte(in) % 4};

	for (uint32_t i = 0; i < fl.natoms; i++) {
		fl.atom[i].off = byte(in) % 20;
		fl.atom[i].size = (uint8_t)(1 << byte(in) % 4);
		fl.atom[i].kind = byte(in) % 8 == 0;
		fl.atom[i].mask = fl.atom[i].kind ? 3 : 0xff;
		fl.atom[i].value = fl.atom[i].kind ? 0 : byte(in) % 4;
	}
	return fl;
}

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

/* Calls as a program would make them, so that the others find something to disturb. */
static void step_sensible(struct fake *f, struct xok_env *e, struct input *in)
{
	struct xok_cap cap = some_cap(in);
	const struct xok_iov iov = {MEM, 14 + byte(in)};
	uint32_t frame = some_frame(f, e, in);

	if (!user_writable(f->x, e, AREA, 1024))
		return;
	switch (byte(in) % 8) {
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
	const struct ring *r = ring_of(f->x, e, byte(in) % 2);
	uint32_t frame = byte(in) & 1 && r ? r->frame[0] : e->uenv_frame;
	uint64_t v = byte(in) & 1 ? wide(in) : byte(in);

	if (byte(in) & 1)
		v = CODE;
	if (frame)
		memcpy(f->page[frame] + byte(in) % 32 * 8, &v, sizeof(v));
}

static void step_event(struct fake *f, struct xok_env *e, struct input *in)
{
	uint8_t packet[64] = {0};
	uint64_t until;

	switch (byte(in) % 6) {
	case 0:
		fill(in, packet, 24);
		xok_packet_in(f->x, byte(in) % NPORT, packet, byte(in) % 65);
		break;
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
	uint32_t frame[MEM_PAGES], ring[3], filters;
	uint8_t page[XOK_PAGE];
	struct xok_cap root_cap[XOK_NCAP];
	uint64_t root_quota;
};

/* An environment with a ring, and a filter for everything at each of its two ports. */
static void victim_init(struct fake *f, struct victim *v)
{
	struct xok_filter all = {.port = 1};
	struct xok_cap cap = cap_of("v", XOK_R | XOK_W);
	uint32_t prot;

	v->e = child_new(f, 20, "v");
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
	if (!ring_of(f->x, v->e, 0) || v->e->nfilter != 2 || xok_port(f->x, 1)->nfilter != 1)
		fail("the other environment's filter changed");
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size, size + 1};
	struct fake f;
	struct victim v;

	fake_init(&f, NFRAME, NPORT);
	bool with_root = byte(&in) & 1;
	victim_init(&f, &v);
	struct xok_env *hostile = child_new(&f, 60, "h");
	child_run(&f, hostile);
	for (uint32_t p = 0; p < NPORT; p += 2)
		set_acl(&f, f.root, 0, XOK_RES_PORT, p, 2, cap_of("h", XOK_R | XOK_W));
	f.cons_waiting = "input";

	for (uint32_t i = 0; i < STEPS && !f.powered; i++) {
		struct xok_env *e = pick(&f, &in, with_root);

		if (!e)
			break;
		switch (byte(&in) / 32) {
		case 0:
		case 1: step_sensible(&f, e, &in); break;
		case 2:
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
