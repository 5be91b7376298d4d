/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * syscall.c - decoding and dispatch, generated from syscalls.def, and the batch.
 *
 * The kinds of a call's arguments say how they are decoded. User memory is read here, once, into
 * the kernel's buffer; where a call will write it, that is checked here. A call has at most one
 * argument of either sort.
 */
#include "kernel.h"

enum kind { NONE, ARG_K, ARG_U32, ARG_U64, ARG_ENV, ARG_VA, ARG_IN, ARG_OUT, ARG_INV, ARG_OUTV };

struct kind_of_arg {
	uint8_t kind;
	uint16_t size; /* of one element, where the kind is a pointer */
};

struct call {
	int64_t (*fn)(struct xok *x, struct xok_env *e, const struct arg *a);
	struct kind_of_arg arg[6];
};

/* clang-format off */
#define K(name) {ARG_K, 0}
#define U32(name) {ARG_U32, 0}
#define U64(name) {ARG_U64, 0}
#define ENV(name) {ARG_ENV, 0}
#define VA(name) {ARG_VA, 0}
#define IN(type, name) {ARG_IN, sizeof(type)}
#define OUT(type, name) {ARG_OUT, sizeof(type)}
#define INV(type, name) {ARG_INV, sizeof(type)}
#define OUTV(type, name) {ARG_OUTV, sizeof(type)}
#define ARGS(...) __VA_ARGS__
#define XOK_SYSCALL(nr, name, args, contract) [nr] = {sys_##name, {ARGS args}},
static const struct call calls[XOK_NSYS] = {
#include "xok/syscalls.def"
};
#undef XOK_SYSCALL
#undef ARGS
#undef OUTV
#undef INV
#undef OUT
#undef IN
#undef VA
#undef ENV
#undef U64
#undef U32
#undef K
/* clang-format on */

/*
 * How many bytes a pointer argument covers; its count, the argument after it, is brought into
 * range.
 */
static int extent(const struct kind_of_arg *k, struct arg *a, size_t *bytes)
{
	*bytes = k->size;
	if (k->kind == ARG_IN || k->kind == ARG_OUT)
		return XOK_OK;
	a[1].raw = (uint32_t)a[1].raw;
	if (a[1].raw > XOK_PAGE / k->size) {
		/* Of a byte string a part will do; a list is taken whole or not at all. */
		if (k->size != 1)
			return XOK_EINVAL;
		a[1].raw = XOK_PAGE;
	}
	*bytes = a[1].raw * k->size;
	return XOK_OK;
}

static int decode_memory(struct xok *x, struct xok_env *e, const struct kind_of_arg *k,
			 struct arg *a)
{
	uint8_t *buf = x->buf[x->in_batch];
	uint64_t va = a->raw;
	size_t bytes;

	int rc = extent(k, a, &bytes);
	if (rc)
		return rc;
	if (k->kind == ARG_OUT || k->kind == ARG_OUTV)
		return user_writable(x, e, va, bytes) ? XOK_OK : XOK_EFAULT;
	a->in = buf;
	return bytes ? x->ops->copyin(x->m, e->root, buf, va, bytes) : XOK_OK;
}

/* An ended environment is only an entry: it can be released, and nothing else. */
static int decode_env(struct xok *x, struct xok_env *e, uint64_t nr, struct arg *a)
{
	if (!a->raw) {
		a->env = e;
		return XOK_OK;
	}
	int rc = env_find(x, a->raw, &a->env);
	if (rc)
		return rc;
	return env_live(a->env) || nr == XOK_SYS_env_destroy ? XOK_OK : XOK_ENOENT;
}

static int decode(struct xok *x, struct xok_env *e, uint64_t nr, const uint64_t raw[6],
		  struct arg *a)
{
	int rc = XOK_OK;

	for (uint32_t i = 0; i < 6; i++)
		a[i].raw = raw[i];
	for (uint32_t i = 0; i < 6 && !rc; i++) {
		const struct kind_of_arg *k = &calls[nr].arg[i];

		switch (k->kind) {
		case ARG_K:
			if (a[i].raw >= XOK_NCAP)
				rc = XOK_EINVAL;
			else
				a[i].cap = &e->info->cap[a[i].raw];
			break;
		case ARG_ENV: rc = decode_env(x, e, nr, &a[i]); break;
		case ARG_IN:
		case ARG_OUT:
		case ARG_INV:
		case ARG_OUTV: rc = decode_memory(x, e, k, &a[i]); break;
		default: break;
		}
	}
	return rc;
}

static int64_t perform(struct xok *x, struct xok_env *e, uint64_t nr, const uint64_t raw[6])
{
	struct arg a[6];

	if (nr >= XOK_NSYS)
		return XOK_ENOSYS;
	e->info->syscalls++;
	int64_t rc = decode(x, e, nr, raw, a);
	if (!rc)
		rc = calls[nr].fn(x, e, a);
	if (rc == XOK_EPERM && e->strict)
		env_end(x, e, XOK_END_VIOLATION);
	return rc;
}

int64_t xok_syscall(struct xok *x, struct xok_env *e, uint64_t nr, const uint64_t arg[6])
{
	return perform(x, e, nr - XOK_SYS_BASE, arg);
}

/* Calls that end or block the caller have no place in the middle of a batch. */
static bool in_batch_refused(uint64_t nr)
{
	return nr == XOK_SYS_batch || nr == XOK_SYS_env_exit || nr == XOK_SYS_env_sleep ||
	       nr == XOK_SYS_yield;
}

/*
 * The calls were read before the first of them runs, so one cannot change the next. One may take
 * away the memory the results go to, or end the caller: then the batch is over.
 */
int64_t sys_batch(struct xok *x, struct xok_env *e, const struct arg *a)
{
	const struct xok_call *call = a[0].in;
	uint64_t n = a[1].raw, va = a[0].raw;
	int64_t done = 0;

	if (!user_writable(x, e, va, n * sizeof(*call)))
		return XOK_EFAULT;
	for (uint64_t i = 0; i < n; i++) {
		int64_t rc = XOK_EINVAL;

		if (!in_batch_refused(call[i].nr)) {
			x->in_batch = true;
			rc = perform(x, e, call[i].nr, call[i].arg);
			x->in_batch = false;
		}
		if (!env_live(e))
			return done;
		if (x->ops->copyout(x->m, e->root,
				    va + i * sizeof(*call) + offsetof(struct xok_call, result), &rc,
				    sizeof(rc)))
			return XOK_EFAULT;
		if (rc < 0)
			break;
		done++;
	}
	return done;
}
