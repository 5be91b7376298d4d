/* SPDX-License-Identifier: BSD-2-Clause */
/* log.c - one line on console 0 for every environment that ends. */
#include "kernel.h"

struct line {
	char text[192];
	uint32_t len;
};

static void put(struct line *l, const char *s)
{
	while (*s && l->len < sizeof(l->text))
		l->text[l->len++] = *s++;
}

static void put_number(struct line *l, uint64_t v, uint32_t base)
{
	char digits[21];
	uint32_t i = sizeof(digits) - 1;

	digits[i] = 0;
	do {
		digits[--i] = "0123456789abcdef"[v % base];
		v /= base;
	} while (v);
	put(l, base == 16 ? "0x" : "");
	put(l, digits + i);
}

static void put_hex(struct line *l, const char *label, uint64_t v)
{
	put(l, label);
	put_number(l, v, 16);
}

static const char *const exceptions[] = {
	[0] = "divide error",
	[1] = "debug exception",
	[3] = "breakpoint",
	[4] = "overflow",
	[5] = "bound exceeded",
	[6] = "invalid opcode",
	[7] = "no coprocessor",
	[11] = "segment not present",
	[12] = "stack fault",
	[13] = "general protection fault",
	[14] = "page fault",
	[16] = "floating-point error",
	[17] = "alignment check",
	[19] = "SIMD floating-point error",
	[21] = "control protection fault",
};

static void put_fault(struct line *l, const struct xok_regs *r)
{
	if (r->trapno < sizeof(exceptions) / sizeof(exceptions[0]) && exceptions[r->trapno]) {
		put(l, exceptions[r->trapno]);
	} else {
		put(l, "exception ");
		put_number(l, r->trapno, 10);
	}
	if (r->trapno == 14)
		put_hex(l, " at ", r->addr);
	put_hex(l, " error ", r->error);
}

static void put_exit(struct line *l, int32_t code)
{
	put(l, "exit ");
	if (code < 0)
		put(l, "-");
	put_number(l, code < 0 ? 0 - (uint64_t)code : (uint64_t)code, 10);
}

/*
 * The root's children end as it has them end. What those make can end without end, and somebody keeps what is written: so many lines at once,
 * then one a second.
 */
#define LOG_LINES 20u
#define SECOND 1000000000ull

static bool may_say(struct xok *x, const struct xok_env *e)
{
	const struct xok_env *parent = e->info->parent ? env_by_id(x, e->info->parent) : NULL;
	uint64_t n = (x->ops->now(x->m) - x->log_since) / SECOND;

	if (!parent || !parent->info->parent)
		return true;
	x->log_since += n * SECOND;
	x->log_lines -= n < x->log_lines ? (uint32_t)n : x->log_lines;
	return x->log_lines < LOG_LINES && ++x->log_lines;
}

void log_ended(struct xok *x, const struct xok_env *e)
{
	const struct xok_env_info *info = e->info;
	struct line l = {.len = 0};

	if (!may_say(x, e))
		return;
	put_hex(&l, "xok: environment ", info->id);
	put(&l, " (");
	put(&l, info->name);
	put(&l, ") ended: ");
	switch (info->end) {
	case XOK_END_EXIT: put_exit(&l, info->exit_code); break;
	case XOK_END_DESTROYED: put(&l, "destroyed"); break;
	case XOK_END_FAULT: put_fault(&l, &info->last); break;
	case XOK_END_OVERRUN: put(&l, "overran its slice"); break;
	case XOK_END_VIOLATION:
		put(&l, "tried what its capabilities do not permit");
		put_hex(&l, " call ", info->last.rax);
		break;
	default:
		put(&l, "no usable upcall entry, stack or control page");
		put_hex(&l, " rax ", info->last.rax);
		break;
	}
	if (info->end != XOK_END_EXIT && info->end != XOK_END_DESTROYED)
		put_hex(&l, " rip ", info->last.rip);
	put(&l, "\n");
	x->ops->cons_write(x->m, 0, l.text, l.len);
}
