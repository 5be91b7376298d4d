/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * guest.h - in-guest tests: a program that is "init" of its own boot archive, holds the
 * all-permitting capability in slot 0, and talks to the kernel by system calls only.
 *
 * A program defines guest_tests[]; the runtime calls each in turn, prints "ok N name" or "not ok N
 * name" on console 0, with a line per failed CHECK before it, and ends the emulator with status 0
 * when all passed. A test also fails when frames or environments are left over.
 */
#ifndef PC_TEST_GUEST_H
#define PC_TEST_GUEST_H

#include "usys.h"

struct guest_test {
	const char *name;
	void (*fn)(void);
};
extern const struct guest_test guest_tests[]; /* ends with a NULL name */

void check(bool cond, const char *file, int line, const char *text);
#define CHECK(cond) check((cond), __FILE__, __LINE__, #cond)
void check_eq(int64_t got, int64_t want, const char *file, int line, const char *text);
#define CHECK_EQ(got, want) \
	check_eq((int64_t)(got), (int64_t)(want), __FILE__, __LINE__, #got " == " #want)
void say(const char *text);

void *memcpy(void *restrict dst, const void *restrict src, size_t n);
void *memset(void *dst, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);

/* ---- the open bookkeeping ---- */
static inline const struct xok_info *info(void)
{
	return (const struct xok_info *)XOK_INFO_VA;
}
const struct xok_env_info *env_info(uint64_t id);
const struct xok_port_info *port_info(uint32_t port);
uint64_t now(void);
#define MS 1000000ull
#define PATIENCE (30000 * MS) /* for what must come; it takes so long only where a test fails */

/* ---- memory of this environment ---- */
uint32_t new_frame(void); /* of ours, capability 0; ends the program when there is none */
void map_at(uint64_t va, uint32_t frame, uint32_t prot);
void unmap_at(uint64_t va);

/* ---- children ---- */
#define CHILD_STACK 0x00006e0000000000ull /* its top */
#define SHARED \
	0x00006c0000000000ull /* one page that all children and we see; zeroed for each spawn */
#define CHILD_FRAMES 96u

static inline volatile uint64_t *shared(void)
{
	return (volatile uint64_t *)SHARED;
}

/*
 * Starts fn(arg) in a new environment with a copy of this program's memory, a stack, and guest_uenv
 * as its control page. It has one slice, and in its slot 0 the capability given (NULL: none).
 */
uint64_t spawn(void (*fn)(uint64_t arg), uint64_t arg, const struct xok_cap *cap);
/*
 * Waits until it has ended, at most that long, and says how; its entry is released. XOK_END_NONE:
 * it has not.
 */
uint8_t wait_end(uint64_t id, uint64_t ns, struct xok_env_info *last);
/* For children: ends with this code. */
_Noreturn void quit(uint32_t code);

/* A child's control page, a part of the program's image. Zeroed when the child starts. */
extern struct xok_uenv guest_uenv;
/*
 * Makes faults and slice ends call fn(save area); when it returns, what the area then holds goes
 * on.
 */
void take_upcalls(void (*fn)(struct xok_regs *r), bool fault, bool slice);

#endif
