/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sched.c - the processor: the quantum vector, slice ends and their price, sleeping and yielding.
 */
#include "kernel.h"

/* A timer may fire this much early, by rounding, and still end the slice. */
#define EARLY_NS (XOK_TICK_NS / 100)

_Static_assert(XOK_NSLICE == 64 && XOK_NENV <= 64, "bits of x->slices and x->timed");

static bool runnable(const struct xok_env *e)
{
	return e->info->state == XOK_ENV_RUNNABLE;
}

/* Charges the time since the last call to who ran, or to nobody. Returns now. */
uint64_t sched_account(struct xok *x)
{
	uint64_t now = x->ops->now(x->m);

	if (x->current)
		x->current->info->run_ns += now - x->since;
	else
		x->info->idle_ns += now - x->since;
	x->since = now;
	return now;
}

/* Gives an entry of the quantum vector to an environment; 0: to nobody. */
void slice_set(struct xok *x, uint32_t i, uint32_t id)
{
	x->slice[i] = id;
	x->slices = (x->slices & ~(1ull << i)) | (uint64_t)(id != 0) << i;
}

/* An environment ends: its slices are free again. */
void sched_forget(struct xok *x, struct xok_env *e)
{
	for (uint32_t i = 0; i < XOK_NSLICE; i++)
		if (x->slice[i] == e->info->id)
			slice_set(x, i, 0);
	if (x->handoff == e)
		x->handoff = NULL;
	if (x->current == e) {
		sched_account(x);
		x->current = NULL;
	}
}

/*
 * Wakes who slept until now or before. Returns the earliest deadline that is left. Who was woken
 * otherwise, or ended, or sleeps for ever leaves `timed` here.
 */
static uint64_t wake_sleepers(struct xok *x, uint64_t now)
{
	uint64_t first = UINT64_MAX;

	for (uint64_t left = x->timed; left; left &= left - 1) {
		uint32_t i = (uint32_t)__builtin_ctzll(left);
		struct xok_env *e = &x->env[i];

		if (x->env_info[i].state != XOK_ENV_SLEEPING || e->deadline == UINT64_MAX) {
			x->timed &= ~(1ull << i);
		} else if (e->deadline <= now) {
			x->timed &= ~(1ull << i);
			e->regs.rax = 0;
			e->sleep_mask = 0;
			e->info->state = XOK_ENV_RUNNABLE;
		} else if (e->deadline < first) {
			first = e->deadline;
		}
	}
	return first;
}

/* The first entry of `left`, which is not empty, at or after `from`, going round. */
static uint32_t slice_after(uint64_t left, uint32_t from)
{
	uint64_t behind = left & ~0ull << (from % XOK_NSLICE);

	return (uint32_t)__builtin_ctzll(behind ? behind : left);
}

/*
 * The next runnable environment of the vector. One that owes a whole slice forfeits its turn to
 * any that does not: the time it overran was the others', and comes back to them here. Among
 * debtors alone the vector's order holds.
 */
static struct xok_env *next_in_vector(struct xok *x)
{
	struct xok_env *debtor = NULL;
	uint32_t debtor_pos = 0, last = x->slice_pos;

	for (uint64_t left = x->slices; left;) {
		uint32_t pos = slice_after(left, last + 1);
		/* An environment that ends leaves the vector: whoever stands here lives. */
		struct xok_env *e = &x->env[XOK_ENV_INDEX(x->slice[pos])];

		left &= ~(1ull << pos);
		last = pos;
		if (!runnable(e))
			continue;
		if (e->debt < XOK_TICK_NS) {
			x->slice_pos = pos;
			return e;
		}
		e->debt -= XOK_TICK_NS;
		if (!debtor) {
			debtor = e;
			debtor_pos = pos;
		}
	}
	if (debtor)
		x->slice_pos = debtor_pos;
	return debtor;
}

struct xok_env *xok_schedule(struct xok *x, uint64_t *until)
{
	uint64_t now = sched_account(x);
	uint64_t first = wake_sleepers(x, now);

	if (x->handoff && runnable(x->handoff) && now < x->slice_end) {
		x->current = x->handoff; /* with what is left of the slice */
	} else if (!x->current || !runnable(x->current) || x->handoff || x->rotate) {
		x->current = next_in_vector(x);
		x->slice_end = now + XOK_TICK_NS;
		if (x->current)
			x->current->info->slices++;
	}
	x->handoff = NULL;
	x->rotate = false;
	x->info->current = x->current ? x->current->info->id : 0;
	*until = x->current ? x->slice_end : first;
	return x->current;
}

/*
 * A tick after an unanswered slice-end upcall: XOK_GRACE of them are lent, then the environment
 * ends.
 */
static void overrun(struct xok *x, struct xok_env *e, uint64_t now)
{
	if (e->overrun >= XOK_GRACE) {
		env_end(x, e, XOK_END_OVERRUN);
		return;
	}
	e->overrun++;
	x->slice_end = now + XOK_TICK_NS;
}

/*
 * The environment answers a slice's end. What it took beyond is owed by the owner of the slice,
 * who may have handed it on: otherwise two environments could lend each other one slice for ever.
 * It cannot have run for longer than the ticks that were seen: any more was taken by the host.
 */
static void settle(struct xok *x, struct xok_env *e)
{
	if (!e->overrun)
		return;
	struct xok_env *payer = env_by_id(x, x->slice[x->slice_pos]);
	uint64_t took = x->ops->now(x->m) - x->slice_over, most = e->overrun * XOK_TICK_NS;
	(payer ? payer : e)->debt += took < most ? took : most;
	e->overrun = 0;
	x->rotate = true;
}

/*
 * The end of a slice is an upcall, so that the environment can save what it wants and yield.
 * Without an entry for it the environment is preempted where it stands.
 */
void xok_tick(struct xok *x, struct xok_env *e)
{
	x->info->ticks++;
	if (!e || !runnable(e))
		return;
	uint64_t now = x->ops->now(x->m);
	if (now + EARLY_NS < x->slice_end)
		return;
	if (e->overrun) {
		overrun(x, e, now);
		return;
	}
	switch (upcall_slice_end(x, e)) {
	case UPCALL_NONE: x->rotate = true; break;
	case UPCALL_BAD: env_end(x, e, XOK_END_UPCALL); break;
	case UPCALL_DONE:
		e->overrun = 1;
		x->slice_over = x->slice_end;
		x->slice_end = now + XOK_TICK_NS;
		break;
	}
}

int64_t sys_env_sleep(struct xok *x, struct xok_env *e, const struct arg *a)
{
	uint32_t mask = (uint32_t)a[0].raw, events = e->events & mask;
	uint64_t deadline = a[1].raw;

	/* There it waits elsewhere, and only collects here what has come from any processor. */
	if (!x->spaces)
		return __atomic_fetch_and(&e->events, ~mask, __ATOMIC_ACQUIRE) & mask;
	/* Even a sleep that ends at once answers a slice's end, and gives the slice up. */
	settle(x, e);
	if (events || deadline <= x->ops->now(x->m)) {
		e->events &= ~events;
		return events;
	}
	e->sleep_mask = mask;
	e->deadline = deadline;
	e->info->state = XOK_ENV_SLEEPING;
	x->timed |= 1ull << env_index(x, e);
	return 0; /* rax is written again when it wakes */
}

int64_t sys_yield(struct xok *x, struct xok_env *e, const struct arg *a)
{
	struct xok_env *to = a[0].env;

	if (to != e && !runnable(to))
		return XOK_EAGAIN;

	/* Of a slice that is over nothing is left to hand on. */
	if (to == e || e->overrun)
		x->rotate = true;
	else
		x->handoff = to;
	settle(x, e);
	return XOK_OK;
}

int64_t sys_slice_alloc(struct xok *x, struct xok_env *e, const struct arg *a)
{
	uint32_t i = 0;
	(void)e;

	if (!cap_grants(a[0].cap, x->cpu_acl, XOK_NACL, XOK_W) ||
	    !env_grants(a[2].env, a[1].cap, XOK_W))
		return XOK_EPERM;
	while (i < XOK_NSLICE && x->slice[i])
		i++;
	if (i == XOK_NSLICE)
		return XOK_ENOMEM;

	slice_set(x, i, a[2].env->info->id);
	return i;
}

int64_t sys_slice_free(struct xok *x, struct xok_env *e, const struct arg *a)
{
	uint32_t i = (uint32_t)a[1].raw;
	(void)e;

	if (!cap_grants(a[0].cap, x->cpu_acl, XOK_NACL, XOK_W))
		return XOK_EPERM;
	if (i >= XOK_NSLICE || !x->slice[i])
		return XOK_ENOENT;

	slice_set(x, i, 0);
	return XOK_OK;
}
