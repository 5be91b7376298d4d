/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_random.c - random system calls with likely and unlikely arguments, by environments with a small
 * capability of their own. Whatever they come to, the machine and the bookkeeping are as before.
 */
#include "bpf.h"
#include "guest.h"
#include "xok/sysnum.h"

static struct xok_env_info last;
static uint64_t state;

#define CALLS 30000u
#define KINDS 0x1fe673f7full /* bit n: call n succeeds with such a capability at some time */

static uint64_t rnd(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state * 0x2545f4914f6cdd1dull;
}

static uint8_t buffer[3 * XOK_PAGE] __attribute__((aligned(4096)));
static uint32_t mine[64]; /* frames that were given to us, some no longer */
static uint64_t kid;	  /* an environment of ours */
static const struct xok_filter any_packet;
static const struct vc_insn drop[] = {RETURN(XOK_V_DROP)};
static struct xok_prog_report report;
/* Each is sound, and has values that somebody else may have put in the way. */
static struct xok_prog_spec program = {.kind = VC_KIND_HANDLER,
				       .ninsn = 2,
				       .insn = (uint64_t)drop,
				       .report = (uint64_t)&report,
				       .name = "random"};
static const struct xok_table_spec tables[] = {
	{.type = XOK_TABLE_ARRAY, .value_size = 8, .entries = 8},
	{.type = XOK_TABLE_HASH, .key_size = 8, .value_size = 8, .entries = 8},
	{.type = XOK_TABLE_LPM4, .entries = 8},
	{.type = XOK_TABLE_LPM6, .entries = 8},
	{.type = XOK_TABLE_BUCKET, .entries = 8},
	{.type = XOK_TABLE_RING, .value_size = 8, .entries = 8},
};
static const struct xok_table_update update = {.op = XOK_TABLE_SET};
static uint64_t named[8]; /* tables, programs and filters of ours, some no longer */
static uint64_t filter;	  /* the last one */
static const struct xok_cap narrower = {.valid = 1, .perms = XOK_R, .len = 3, .name = "zzz"};

#define SCRATCH 0x00006b0000001000ull /* where it maps, mostly, so that it keeps its own memory */

/* What each argument of each call is, from the one table. */
enum kind { NONE, SLOT, WORD, ENVIRONMENT, ADDRESS, POINTER };
/* clang-format off */
#define K(name) SLOT
#define U32(name) WORD
#define U64(name) WORD
#define ENV(name) ENVIRONMENT
#define VA(name) ADDRESS
#define IN(type, name) POINTER
#define OUT(type, name) POINTER
#define INV(type, name) POINTER
#define OUTV(type, name) POINTER
#define ARGS(...) __VA_ARGS__
#define XOK_SYSCALL(nr, name, args, contract) [nr] = {ARGS args},
static const uint8_t kinds[XOK_NSYS][6] = {
#include "xok/syscalls.def"
};
#undef XOK_SYSCALL
/* clang-format on */

static uint64_t argument(void)
{
	static const uint64_t odd[] = {0,
				       1,
				       2,
				       3,
				       4,
				       7,
				       15,
				       16,
				       64,
				       4096,
				       UINT32_MAX,
				       UINT64_MAX,
				       0x7fffffff,
				       0x80000000,
				       0x0000800000000000,
				       0xffff800000000000,
				       0xffffffff80100000,
				       XOK_USER_HI - XOK_PAGE,
				       XOK_USER_HI,
				       XOK_INFO_VA,
				       XOK_BOOT_VA,
				       CHILD_STACK - XOK_PAGE,
				       0x00006b0000001000};
	uint64_t r = rnd();

	switch (r % 8) {
	case 0: return rnd();
	case 1: return rnd() % info()->nframe;
	case 2:
	case 3: return (uint64_t)buffer + (r >> 8) % sizeof(buffer);
	case 4: return SCRATCH + (r >> 8) % 3 * XOK_PAGE;
	case 5: return info()->current;
	default: return odd[(r >> 8) % (sizeof(odd) / sizeof(odd[0]))];
	}
}

/* Mostly what a call of this kind would take, sometimes anything. */
static uint64_t likely(uint8_t kind)
{
	uint64_t r = rnd();

	if (r % 8 == 0)
		return argument();
	r >>= 8;
	switch (kind) {
	case SLOT: return r % 4 == 0 ? r / 4 % XOK_NCAP : 0;
	case WORD:
		if (r % 4 == 1)
			return named[r / 4 % 8];
		return r % 2 == 0 ? mine[r / 2 % 64] : r / 4 % 9;
	case ENVIRONMENT: return r % 2 == 0 ? kid : 0;
	case ADDRESS: return SCRATCH + r % 4 * XOK_PAGE;
	case POINTER:
		switch (r / 4 % 8) {
		case 0: return (uint64_t)&mine[r / 32 % 60];
		case 1: return (uint64_t)&any_packet;
		case 2: return (uint64_t)&narrower;
		case 3: return (uint64_t)&program;
		case 4: return (uint64_t)&tables[r / 32 % 6];
		case 5: return (uint64_t)&update;
		default: break;
		}
		return (uint64_t)buffer + r / 4 % (2 * XOK_PAGE) / 8 * 8;
	default: return 0;
	}
}

static void fill(void)
{
	for (unsigned i = 0; i < 64; i++) {
		uint64_t v = rnd() % 3 ? argument() : rnd() & 0x0303030303030303;

		memcpy(buffer + rnd() % (sizeof(buffer) - 8), &v, 8);
	}
}

static int64_t call(uint64_t nr, const uint64_t a[6])
{
	register uint64_t a4 __asm__("r10") = a[3];
	register uint64_t a5 __asm__("r8") = a[4];
	register uint64_t a6 __asm__("r9") = a[5];
	int64_t out;

	__asm__ volatile("syscall"
			 : "=a"(out), "+r"(a4), "+r"(a5), "+r"(a6)
			 : "0"(XOK_SYS_BASE + nr), "D"(a[0]), "S"(a[1]), "d"(a[2])
			 : "rcx", "r11", "memory");
	return out;
}

static void call_at_random(uint64_t seed)
{
	state = seed * 0x9e3779b97f4a7c15ull + 1;
	for (unsigned i = 0; i < CALLS; i++) {
		uint64_t nr = rnd() % XOK_NSYS, a[6];
		int64_t got;

		for (unsigned j = 0; j < 6; j++)
			a[j] = likely(kinds[nr][j]);
		/*
		 * These would only end it, or leave it without rights: not before it has done the
		 * rest.
		 */
		if (nr == XOK_SYS_env_exit || nr == XOK_SYS_batch)
			continue;
		if ((nr == XOK_SYS_env_destroy || nr == XOK_SYS_cap_drop) && i < CALLS / 2 &&
		    a[0] == 0)
			continue;
		if (nr == XOK_SYS_env_strict && (kid == 0 || a[1] != kid))
			continue; /* strict itself, its next mistake would be its last */
		if (nr == XOK_SYS_env_sleep)
			a[1] = 0;
		if (nr == XOK_SYS_frame_alloc && rnd() % 2 == 0) {
			a[0] = 0;
			a[1] = (uint64_t)&mine[rnd() % 60];
			a[2] = 1 + rnd() % 4;
		}
		if (nr == XOK_SYS_filter_insert && rnd() % 2 == 0) {
			a[0] = 0;
			a[1] = (uint64_t)&any_packet;
			a[2] = rnd() % 2;
		}
		if (nr == XOK_SYS_handler_bind && rnd() % 2 == 0) {
			a[0] = 0;
			a[1] = filter;
			a[2] = rnd() % 2 ? named[rnd() % 8] : 0;
		}
		/* Of a loadable program one word is anything, and a table what there is. */
		if (nr == XOK_SYS_prog_load) {
			struct xok_prog_spec s = program;

			s.ntable = (uint32_t)(rnd() % 2);
			s.table[0] = (uint32_t)named[rnd() % 8];
			if (rnd() % 4 == 0)
				((uint32_t *)&s)[rnd() % (sizeof(s) / 4)] = (uint32_t)argument();
			memcpy(buffer, &s, sizeof(s));
			a[1] = rnd() % 8 ? (uint64_t)buffer : a[1];
		}
		if (i % 16 == 0)
			fill();
		got = call(nr, a);
		if (got > 0 && (nr == XOK_SYS_table_create || nr == XOK_SYS_prog_load ||
				nr == XOK_SYS_filter_insert))
			named[rnd() % 8] = (uint64_t)got;
		if (got > 0 && nr == XOK_SYS_filter_insert)
			filter = (uint64_t)got;
		if (got >= 0)
			shared()[1 + nr]++;
		if (got > 0 && nr == XOK_SYS_env_alloc)
			kid = (uint64_t)got;
		shared()[0]++;
	}
	quit(0);
}

/* Whether children may use the port and the second console. */
static void grant_devices(const struct xok_cap *entry)
{
	CHECK_EQ(sys_acl_set(0, XOK_RES_PORT, 0, 1, entry), XOK_OK);
	CHECK_EQ(sys_acl_set(0, XOK_RES_CONS, 1, 1, entry), XOK_OK);
}

static void random_calls(void)
{
	const struct xok_cap own = {.valid = 1, .perms = XOK_PERM_ALL, .len = 2, .name = "zz"};
	const struct xok_cap none = {.valid = 0};
	const struct xok_cap use = {.valid = 1, .perms = XOK_R | XOK_W, .len = 2, .name = "zz"};

	uint64_t calls = 0, kinds_done = 0, done[XOK_NSYS] = {0};

	grant_devices(&use);
	for (uint64_t seed = 1; seed <= 60; seed++) {
		uint64_t id = spawn(call_at_random, seed, &own);

		CHECK_EQ(sys_acl_set(0, XOK_RES_ENV, id, 1, &own), XOK_OK);
		/*
		 * It may unmap its own stack, hand back its only slice or take its control page
		 * away: any end will do.
		 */
		wait_end(id, 3000 * MS, &last);
		CHECK(shared()[0] > 0);
		calls += shared()[0];
		for (unsigned i = 0; i < XOK_NSYS; i++)
			done[i] += shared()[1 + i];
	}
	grant_devices(&none);
	/* It would prove little if the kernel had refused nearly everything. */
	for (unsigned i = 0; i < XOK_NSYS; i++)
		kinds_done |= (uint64_t)(done[i] > 0) << i;
	CHECK(calls > 10000);
	CHECK_EQ(kinds_done & KINDS, KINDS);
}

const struct guest_test guest_tests[] = {
	{"random system calls hurt nobody else", random_calls},
	{NULL, NULL},
};
