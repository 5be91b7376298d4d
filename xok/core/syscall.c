/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * syscall.c - decoding and dispatch, generated from syscalls.def, and the batch.
 *
 * The kinds of a call's arguments say how they are decoded. User memory is read here, once, into
 * the kernel's buffer; where a call will write it, that is checked here. A call has at most one
 * argument of either sort.
 */
#include "kernel.h"

enum kind { NONE, ARG_K, ARG_WORD, ARG_ENV, ARG_IN, ARG_OUT, ARG_INV, ARG_OUTV };

struct kind_of_arg {
	uint8_t kind;
	uint16_t size; /* of one element, where the kind is a pointer */
};

/*
 * How many bytes a pointer argument covers; its count, the argument after it, is brought into
 * range.
 */
static inline int extent(const struct kind_of_arg *k, struct arg *a, size_t *bytes)
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

static inline int decode_memory(struct xok *x, struct xok_env *e, const struct kind_of_arg *k,
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

/* One argument, of a kind that is known where this is called from. */
static inline __attribute__((always_inline)) int decode(struct xok *x, struct xok_env *e,
							uint64_t nr, const struct kind_of_arg *k,
							struct arg *a)
{
	switch (k->kind) {
	case ARG_K:
		if (a->raw >= XOK_NCAP)
			return XOK_EINVAL;
		a->cap = &e->info->cap[a->raw];
		return XOK_OK;
	case ARG_ENV: return decode_env(x, e, nr, a);
	case ARG_INV:
		/* The frames that this names are the kernel's own there. */
		if (nr == XOK_SYS_ring_bind && !x->spaces)
			return XOK_OK;
		return decode_memory(x, e, k, a);
	case ARG_IN:
	case ARG_OUT:
	case ARG_OUTV: return decode_memory(x, e, k, a);
	default: return XOK_OK;
	}
}

/* Calls about what the kernel gives environments only where it makes their address spaces. */
static inline bool needs_spaces(uint64_t nr)
{
	switch (nr) {
	case XOK_SYS_yield:
	case XOK_SYS_frame_alloc:
	case XOK_SYS_frame_free:
	case XOK_SYS_map:
	case XOK_SYS_slice_alloc:
	case XOK_SYS_slice_free:
	case XOK_SYS_env_uenv: return true;
	default: return false;
	}
}

typedef int64_t sys_fn(struct xok *x, struct xok_env *e, const struct arg *a);

/*
 * Decodes one call's arguments, in their order, and makes the call. Being inlined for each call,
 * with what its arguments are, it comes down to the instructions that these take.
 */
static inline __attribute__((always_inline)) int64_t make(struct xok *x, struct xok_env *e,
							  uint64_t nr, sys_fn *fn,
							  const struct kind_of_arg k[6],
							  const uint64_t raw[6])
{
	struct arg a[6];
	int rc;

	if (needs_spaces(nr) && !x->spaces)
		return XOK_ENOSYS;
#pragma GCC unroll 6
	for (uint32_t i = 0; i < 6; i++)
		a[i].raw = raw[i];
#pragma GCC unroll 6
	for (uint32_t i = 0; i < 6; i++) {
		rc = decode(x, e, nr, &k[i], &a[i]);
		if (rc)
			return rc;
	}
	return fn(x, e, a);
}

/* clang-format off */
#define K(name) {ARG_K, 0}
#define U32(name) {ARG_WORD, 0}
#define U64(name) {ARG_WORD, 0}
#define ENV(name) {ARG_ENV, 0}
#define VA(name) {ARG_WORD, 0}
#define IN(type, name) {ARG_IN, sizeof(type)}
#define OUT(type, name) {ARG_OUT, sizeof(type)}
#define INV(type, name) {ARG_INV, sizeof(type)}
#define OUTV(type, name) {ARG_OUTV, sizeof(type)}
#define ARGS(...) __VA_ARGS__
#define XOK_SYSCALL(nr, name, args, contract) \
	case nr: return make(x, e, nr, sys_##name, (const struct kind_of_arg[6]){ARGS args}, raw);
static int64_t dispatch(struct xok *x, struct xok_env *e, uint64_t nr, const uint64_t raw[6])
{
	switch (nr) {
#include "xok/syscalls.def"
	default: return XOK_ENOSYS;
	}
}
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

static int64_t perform(struct xok *x, struct xok_env *e, uint64_t nr, const uint64_t raw[6])
{
	e->info->syscalls += nr < XOK_NSYS;
	int64_t rc = dispatch(x, e, nr, raw);
	if (rc == XOK_EPERM && e->strict)
		env_end(x, e, XOK_END_VIOLATION);
	return rc;
}

int64_t xok_syscall(struct xok *x, struct xok_env *e, uint64_t nr, const uint64_t arg[6])
{
	return perform(x, e, nr - XOK_SYS_BASE, arg);
}

/*
 * Calls that end or block the caller have no place in the middle of a batch; nor have those that
 * take milliseconds, since interrupts are off until it is over.
 */
static bool in_batch_refused(uint64_t nr)
{
	switch (nr) {
	case XOK_SYS_batch:
	case XOK_SYS_env_exit:
	case XOK_SYS_env_sleep:
	case XOK_SYS_yield:
	case XOK_SYS_table_create:
	case XOK_SYS_prog_load: return true;
	default: return false;
	}
}

/*
 * Where nothing interrupts calls, one environment's hold up all others': so a batch of a child's begins no call after so long.
 */
#define BATCH_NS 1000000u

static bool batch_is_late(struct xok *x, const struct xok_env *e, uint64_t since)
{
	return !x->spaces && e->info->parent && x->ops->now(x->m) - since > BATCH_NS;
}

/*
 * The calls were read before the first of them runs, so one cannot change the next. One may take
 * away the memory the results go to, or end the caller: then the batch is over.
 */
int64_t sys_batch(struct xok *x, struct xok_env *e, const struct arg *a)
{
	const struct xok_call *call = a[0].in;
	uint64_t n = a[1].raw, va = a[0].raw, since = x->spaces ? 0 : x->ops->now(x->m);
	int64_t done = 0;

	if (!user_writable(x, e, va, n * sizeof(*call)))
		return XOK_EFAULT;
	for (uint64_t i = 0; i < n; i++) {
		int64_t rc = XOK_EINVAL;

		if (i && batch_is_late(x, e, since)) {
			rc = XOK_EAGAIN;
		} else if (!in_batch_refused(call[i].nr)) {
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
