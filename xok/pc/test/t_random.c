/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_random.c - random system calls with likely and unlikely arguments, by environments with a small
 * capability of their own. Each first makes every call as it is meant, so that those at random find
 * something of each kind to be about. Whatever they come to, the machine and the bookkeeping are as
 * before.
 */
#include "bpf.h"
#include "guest.h"
#include "xok/sysnum.h"

static struct xok_env_info last;
static uint64_t state;

#define SEEDS 32u
#define ROUNDS 500u /* in each of which every call is made once, in some order */

/* Calls that such an environment has no right to, or does not come back from. */
#define BEYOND                                                                                 \
	(1ull << XOK_SYS_env_exit | 1ull << XOK_SYS_slice_alloc | 1ull << XOK_SYS_slice_free | \
	 1ull << XOK_SYS_power | 1ull << XOK_SYS_handler_rate)
#define KINDS ((1ull << XOK_NSYS) - 1)

/* What the children count, in the shared page. */
struct count {
	uint64_t calls, accepted;  /* at random */
	uint64_t meant, at_random; /* bit n: call n succeeded */
};

static struct count *count(void)
{
	return (struct count *)SHARED;
}

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

static int64_t note_meant(uint64_t nr, int64_t got)
{
	if (got >= 0)
		count()->meant |= 1ull << nr;
	return got;
}
#define MEANT(name, ...) note_meant(XOK_SYS_##name, sys_##name(__VA_ARGS__))

static void meant_memory(void)
{
	struct xok_call drop_it = {.nr = XOK_SYS_cap_drop, .arg = {7}};

	MEANT(cap_forge, 0, 7, &narrower);
	MEANT(batch, &drop_it, 1);
	MEANT(cap_forge, 0, 7, &narrower);
	MEANT(cap_drop, 7);
	MEANT(frame_alloc, 0, mine, 8);
	MEANT(acl_set, 0, XOK_RES_FRAME, mine[0], 1, &narrower);
	MEANT(map, 0, 0, 0, SCRATCH, mine[0], XOK_PROT_R | XOK_PROT_W);
	MEANT(env_uenv, SCRATCH);
	MEANT(frame_free, 0, mine[0]);
}

static void meant_environments(void)
{
	for (unsigned i = 0; i < 2; i++) {
		kid = (uint64_t)MEANT(env_alloc, 0, 4, "kid", 3);
		MEANT(cap_give, 0, kid, 0, 1);
		if (i == 1)
			break; /* this one is for those at random */
		MEANT(env_run, 0, kid, XOK_USER_LO, XOK_USER_HI, 0);
		MEANT(env_notify, 0, kid, XOK_EV_USER);
		MEANT(env_strict, 0, kid);
		MEANT(env_destroy, 0, kid);
		MEANT(env_destroy, 0, kid);
	}
	MEANT(env_sleep, 0, 0);
	MEANT(yield, 0);
}

static void meant_packets(void)
{
	const struct xok_iov whole = {(uint64_t)buffer, 60};

	MEANT(ring_bind, 0, &mine[1], 2);
	MEANT(ring_release, MEANT(ring_bind, 0, &mine[3], 2));
	MEANT(filter_remove, 0, MEANT(filter_insert, 0, &any_packet, 0));
	filter = (uint64_t)MEANT(filter_insert, 0, &any_packet, 0);
	MEANT(transmit, 0, 0, &whole, 1);
	MEANT(cons_write, 0, 1, "random", 6);
	MEANT(cons_read, 0, 1, (char *)buffer, 16);
}

static void meant_programs(void)
{
	MEANT(table_destroy, 0, MEANT(table_create, 0, &tables[2]));
	named[0] = (uint64_t)MEANT(table_create, 0, &tables[1]);
	MEANT(table_update, 0, named[0], &update);
	MEANT(prog_unload, MEANT(prog_load, 0, &program));
	named[1] = (uint64_t)MEANT(prog_load, 0, &program);
	MEANT(handler_bind, 0, filter, named[1]);
}

/* Every call once, in some order. */
static void shuffle(uint8_t order[XOK_NSYS])
{
	for (uint32_t i = 0; i < XOK_NSYS; i++) {
		uint64_t j = rnd() % (i + 1u);

		order[i] = order[j];
		order[j] = (uint8_t)i;
	}
}

/* Fits the arguments of some calls to what there is, or they would come to nothing too often. */
static void fit(uint64_t nr, uint64_t a[6])
{
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
}

/* Would it only end the caller, or leave it without rights? Not before it has done the rest. */
static bool too_soon(uint64_t nr, const uint64_t a[6], bool late)
{
	switch (nr) {
	case XOK_SYS_env_exit:
	case XOK_SYS_batch: return true;
	case XOK_SYS_env_destroy:
	case XOK_SYS_cap_drop: return !late && a[0] == 0;
	/* Strict itself, its next mistake would be its last. */
	case XOK_SYS_env_strict: return kid == 0 || a[1] != kid;
	default: return false;
	}
}

static void remember(uint64_t nr, uint64_t got)
{
	if (nr == XOK_SYS_table_create || nr == XOK_SYS_prog_load || nr == XOK_SYS_filter_insert)
		named[rnd() % 8] = got;
	if (nr == XOK_SYS_filter_insert)
		filter = got;
	if (nr == XOK_SYS_env_alloc)
		kid = got;
}

static void call_at_random(uint64_t nr, bool late)
{
	uint64_t a[6];
	int64_t got;

	for (unsigned i = 0; i < 6; i++)
		a[i] = likely(kinds[nr][i]);
	if (too_soon(nr, a, late))
		return;
	fit(nr, a);
	got = call(nr, a);
	if (got > 0)
		remember(nr, (uint64_t)got);
	count()->calls++;
	count()->accepted += got >= 0;
	count()->at_random |= (uint64_t)(got >= 0) << nr;
}

static void child(uint64_t seed)
{
	uint8_t order[XOK_NSYS] = {0};

	state = seed * 0x9e3779b97f4a7c15ull + 1;
	meant_memory();
	meant_environments();
	meant_packets();
	meant_programs();
	for (unsigned round = 0; round < ROUNDS; round++) {
		shuffle(order);
		for (unsigned i = 0; i < XOK_NSYS; i++) {
			if (i % 16 == 0)
				fill();
			call_at_random(order[i], round >= ROUNDS / 2);
		}
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

	struct count sum = {.meant = KINDS};
	unsigned kinds_reached = 0;

	grant_devices(&use);
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		uint64_t id = spawn(child, seed, &own);

		CHECK_EQ(sys_acl_set(0, XOK_RES_ENV, id, 1, &own), XOK_OK);
		/* It may unmap its own stack or end itself otherwise: any end will do. */
		wait_end(id, 3000 * MS, &last);
		sum.meant &= count()->meant;
		sum.at_random |= count()->at_random;
		sum.calls += count()->calls;
		sum.accepted += count()->accepted;
	}
	grant_devices(&none);
	CHECK_EQ(sum.meant, KINDS & ~BEYOND);
	/* It would prove little if the kernel had refused nearly everything. */
	CHECK(sum.calls > SEEDS * 1000);
	CHECK(sum.accepted > sum.calls / 20);
	for (; sum.at_random != 0; sum.at_random &= sum.at_random - 1)
		kinds_reached++;
	CHECK(kinds_reached > XOK_NSYS / 2);
}

const struct guest_test guest_tests[] = {
	{"random system calls hurt nobody else", random_calls},
	{NULL, NULL},
};
