/* SPDX-License-Identifier: BSD-2-Clause */
/* env.c - environments: ids, birth, events, and the end, which gives everything back. */
#include "kernel.h"

#define GENERATIONS (1u << 23) /* ids stay below 2^31, so that a call can return one */

int env_find(struct xok *x, uint64_t id, struct xok_env **e)
{
	uint32_t index = XOK_ENV_INDEX(id);

	if (id > UINT32_MAX || index >= XOK_NENV)
		return XOK_ENOENT;
	if (x->env_info[index].state != XOK_ENV_FREE && x->env_info[index].id == id) {
		*e = &x->env[index];
		return XOK_OK;
	}
	return id >> 8 && id >> 8 <= x->gen[index] ? XOK_ESTALE : XOK_ENOENT;
}

struct xok_env *env_by_id(struct xok *x, uint32_t id)
{
	struct xok_env *e;

	return env_find(x, id, &e) ? NULL : e;
}

bool env_grants(const struct xok_env *e, const struct xok_cap *c, uint8_t need)
{
	return cap_grants(c, e->info->acl, XOK_NACL, need);
}

void xok_each_env(struct xok *x, void (*fn)(void *arg, struct xok_env *e), void *arg)
{
	for (uint32_t i = 0; i < XOK_NENV; i++)
		if (x->env_info[i].state != XOK_ENV_FREE)
			fn(arg, &x->env[i]);
}

static struct xok_env *parent_of(struct xok *x, const struct xok_env *e)
{
	return e->info->parent ? env_by_id(x, e->info->parent) : NULL;
}

static bool is_below(struct xok *x, const struct xok_env *e, const struct xok_env *above)
{
	for (e = parent_of(x, e); e; e = parent_of(x, e))
		if (e == above)
			return true;
	return false;
}

/*
 * The ancestor of e, or e itself, that the root environment allocated; NULL for the root
 * environment.
 */
static struct xok_env *top_of(struct xok *x, struct xok_env *e)
{
	struct xok_env *top = NULL;

	for (struct xok_env *p = parent_of(x, e); p; p = parent_of(x, p)) {
		top = e;
		e = p;
	}
	return top;
}

/* Do both belong to the same child of the root environment, or descend from it? */
bool env_same_subtree(struct xok *x, struct xok_env *a, struct xok_env *b)
{
	struct xok_env *top = top_of(x, a);

	return top && top_of(x, b) == top;
}

/*
 * Is there a free entry that a child of `parent` may take? One subtree cannot use up the table for
 * the others.
 */
static int entry_room(struct xok *x, struct xok_env *parent)
{
	uint32_t used = 0;
	bool found = false;

	for (uint32_t i = 0; i < XOK_NENV; i++) {
		if (x->env_info[i].state == XOK_ENV_FREE)
			found = true;
		else if (env_same_subtree(x, parent, &x->env[i]))
			used++;
	}
	if (used >= XOK_ENV_SUBTREE)
		return XOK_EQUOTA;
	return found ? XOK_OK : XOK_ENOMEM;
}

static struct xok_env *take_entry(struct xok *x)
{
	uint32_t i = 0;

	while (x->env_info[i].state != XOK_ENV_FREE)
		i++;
	x->gen[i] = x->gen[i] + 1 < GENERATIONS ? x->gen[i] + 1 : 1;
	x->env[i] = (struct xok_env){.info = &x->env_info[i]};
	x->env_info[i] = (struct xok_env_info){.id = x->gen[i] << 8 | i, .state = XOK_ENV_NEW};
	return &x->env[i];
}

static void free_entry(struct xok *x, struct xok_env *e)
{
	x->env_info[env_index(x, e)] = (struct xok_env_info){.state = XOK_ENV_FREE};
}

/* Names reach logs and terminals: nothing but printable ASCII gets into one. `to` is zeroed. */
void name_copy(char *to, size_t size, const char *from, size_t len)
{
	for (size_t i = 0; i < len && i + 1 < size && from[i]; i++)
		to[i] = from[i] >= ' ' && from[i] <= '~' ? from[i] : '?';
}

/* Performs env_alloc, after its checks. No parent: the root environment. */
struct xok_env *env_new(struct xok *x, struct xok_env *parent, uint32_t quota,
			const struct xok_cap *c, const char *name, uint32_t len)
{
	struct xok_env *e = take_entry(x);
	struct xok_env_info *info = e->info;

	name_copy(info->name, sizeof(info->name), name, len);
	/* Who has all the machine has all of its time; a child has what it is given. */
	info->handler_rate = parent ? 0 : UINT64_MAX;
	env_rate(x, e, info->handler_rate);
	acl_first(info->acl, XOK_NACL, c);
	info->nacl = 1;
	if (parent) {
		info->parent = parent->info->id;
		parent->info->frames_quota -= quota;
	}
	info->frames_quota = quota;
	if (x->spaces) {
		e->root = frame_take(x, e, XOK_FRAME_PT);
		x->ops->space_init(x->m, e->root);
		x->ops->fpu_init(x->m, e);
	}
	return e;
}

void env_start(struct xok_env *e, uint64_t rip, uint64_t rsp)
{
	e->regs = (struct xok_regs){.rip = rip, .rsp = rsp, .rflags = XOK_RFLAGS_USER};
	e->info->state = XOK_ENV_RUNNABLE;
}

/*
 * Sets event bits; wakes the environment when it sleeps until one of them. Where several processors
 * do so, that is the machine's part.
 */
void env_post(struct xok *x, struct xok_env *e, uint32_t events)
{
	if (!x->spaces) {
		/*
		 * Of what was posted before and is not yet collected the environment has been told, or is about to be: to tell it again is a system
		 * call that no budget speaks of.
		 */
		if (~__atomic_fetch_or(&e->events, events, __ATOMIC_ACQ_REL) & events)
			x->ops->doorbell(x->m, env_index(x, e));
		return;
	}
	e->events |= events;
	if (e->info->state != XOK_ENV_SLEEPING || !(e->events & e->sleep_mask))
		return;
	e->regs.rax = e->events & e->sleep_mask;
	e->events &= ~e->sleep_mask;
	e->sleep_mask = 0;
	e->info->state = XOK_ENV_RUNNABLE;
}

static void unmap_frame(void *arg, uint32_t frame)
{
	frame_unref(arg, frame);
}

static void free_table(void *arg, uint32_t frame)
{
	frame_put(arg, frame);
}

/*
 * One environment without living descendants gives back all it has, and keeps its entry to tell
 * why it ended.
 */
static void retire(struct xok *x, struct xok_env *e, uint8_t why)
{
	struct xok_env *parent = parent_of(x, e);
	struct xok_env_info *info = e->info;

	info->end = why;
	/* All may read them: those of an environment that did not fail are nobody's business. */
	if (why != XOK_END_EXIT && why != XOK_END_DESTROYED)
		info->last = e->regs;
	log_ended(x, e);

	sched_forget(x, e);
	cons_forget(x, e);
	progs_drop(x, e);
	for (uint32_t i = 0; i < XOK_ENV_RINGS; i++)
		if (e->ring[i])
			ring_drop(x, e, i);
	if (e->uenv_frame)
		uenv_pin(x, e, 0, 0);
	tables_retire(x, e, parent);
	if (x->spaces)
		x->ops->space_free(x->m, e->root, unmap_frame, free_table, x);
	e->root = 0;
	frame_retire(x, e, parent);
	/* From here on nobody posts events: programs of others may just have put records in its rings. */
	quiesce(x);

	if (parent)
		parent->info->frames_quota += info->frames_quota;
	info->frames_quota = 0;
	memset(info->cap, 0, sizeof(info->cap));
	info->ncap_used = 0;
	e->events = e->sleep_mask = e->overrun = e->debt = 0;
	e->strict = false;
	info->state = XOK_ENV_ENDED;
	if (x->ops->ended)
		x->ops->ended(x->m, env_index(x, e));
}

/* A descendant of e that has none itself, or NULL. */
static struct xok_env *leaf_below(struct xok *x, const struct xok_env *e)
{
	for (uint32_t i = 0; i < XOK_NENV; i++) {
		struct xok_env *d = &x->env[i];
		bool leaf = true;

		if (x->env_info[i].state == XOK_ENV_FREE || !is_below(x, d, e))
			continue;
		for (uint32_t j = 0; j < XOK_NENV && leaf; j++)
			leaf = x->env_info[j].state == XOK_ENV_FREE ||
			       x->env_info[j].parent != d->info->id;
		if (leaf)
			return d;
	}
	return NULL;
}

/*
 * Ends e and all its descendants, those first, so that quota and shared frames climb the tree.
 * Nobody is left to ask about a descendant, so its entry goes as well. With the root environment
 * the node ends.
 */
void env_end(struct xok *x, struct xok_env *e, uint8_t why)
{
	struct xok_env *d, *parent = parent_of(x, e);

	while ((d = leaf_below(x, e))) {
		if (env_live(d))
			retire(x, d, XOK_END_DESTROYED);
		free_entry(x, d);
	}
	retire(x, e, why);
	if (parent)
		env_post(x, parent, XOK_EV_CHILD);
	else
		x->ops->power(x->m, XOK_POWER_EXIT,
			      why == XOK_END_EXIT ? (uint32_t)e->info->exit_code : 0x7e);
}

int64_t sys_env_alloc(struct xok *x, struct xok_env *e, const struct arg *a)
{
	uint32_t quota = (uint32_t)a[1].raw;
	uint64_t len = a[3].raw;

	if (len >= sizeof(e->info->name))
		return XOK_EINVAL;
	if (!a[0].cap->valid)
		return XOK_EPERM;
	/* The first frame of its quota is its top-level page table. */
	if (!quota)
		return XOK_EQUOTA;
	int rc = frame_room(x, e, quota);
	if (!rc)
		rc = entry_room(x, e);
	if (rc)
		return rc;

	return env_new(x, e, quota, a[0].cap, a[2].in, (uint32_t)len)->info->id;
}

int64_t sys_env_run(struct xok *x, struct xok_env *e, const struct arg *a)
{
	struct xok_env *target = a[1].env;
	uint64_t rip = a[2].raw, rsp = a[3].raw, uenv = a[4].raw;
	int64_t frame = 0;
	(void)e;

	if (!env_grants(target, a[0].cap, XOK_W))
		return XOK_EPERM;
	if (target->info->state != XOK_ENV_NEW)
		return XOK_EBUSY;
	/* An address that is not canonical would fault in the kernel on the way out. */
	if (x->spaces && (rip < XOK_USER_LO || rip >= XOK_USER_HI || rsp > XOK_USER_HI))
		return XOK_EINVAL;
	if (!x->spaces && uenv)
		return XOK_ENOSYS;
	if (uenv) {
		frame = uenv_check(x, target, uenv);
		if (frame < 0)
			return frame;
	}

	if (uenv)
		uenv_pin(x, target, uenv, (uint32_t)frame);
	env_start(target, rip, rsp);
	return XOK_OK;
}

int64_t sys_env_destroy(struct xok *x, struct xok_env *e, const struct arg *a)
{
	struct xok_env *target = a[1].env;
	(void)e;

	if (!env_grants(target, a[0].cap, XOK_C))
		return XOK_EPERM;

	if (env_live(target))
		env_end(x, target, XOK_END_DESTROYED);
	else
		free_entry(x, target);
	return XOK_OK;
}

int64_t sys_env_exit(struct xok *x, struct xok_env *e, const struct arg *a)
{
	e->info->exit_code = (int32_t)(uint32_t)a[0].raw;
	env_end(x, e, XOK_END_EXIT);
	return XOK_OK;
}

int64_t sys_env_strict(struct xok *x, struct xok_env *e, const struct arg *a)
{
	(void)x;
	(void)e;
	if (!env_grants(a[1].env, a[0].cap, XOK_C))
		return XOK_EPERM;

	a[1].env->strict = true;
	return XOK_OK;
}

int64_t sys_env_notify(struct xok *x, struct xok_env *e, const struct arg *a)
{
	uint32_t bits = (uint32_t)a[2].raw;
	(void)e;

	if (!env_grants(a[1].env, a[0].cap, XOK_N))
		return XOK_EPERM;
	if (!bits || (bits & (XOK_EV_USER - 1)))
		return XOK_EINVAL;

	env_post(x, a[1].env, bits);
	return XOK_OK;
}

int xok_env_over(struct xok *x, struct xok_env *e, uint8_t why, int32_t code)
{
	if (!env_live(e))
		return XOK_ENOENT;

	e->info->exit_code = code;
	env_end(x, e, why);
	return XOK_OK;
}
