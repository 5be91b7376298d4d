/* SPDX-License-Identifier: BSD-2-Clause */
/* cap.c - capabilities: dominance, access lists, and the calls that copy and narrow them. */
#include "kernel.h"

static bool is_prefix(const struct xok_cap *a, const struct xok_cap *b)
{
	if (a->len > b->len)
		return false;
	for (uint32_t i = 0; i < a->len; i++)
		if (a->name[i] != b->name[i])
			return false;
	return true;
}

bool cap_dominates(const struct xok_cap *a, const struct xok_cap *b)
{
	return a->valid && b->valid && is_prefix(a, b) && (b->perms & ~a->perms) == 0;
}

bool cap_grants(const struct xok_cap *c, const struct xok_cap *acl, uint32_t n, uint8_t need)
{
	if (!c->valid || (need & ~c->perms))
		return false;
	for (uint32_t i = 0; i < n; i++)
		if (acl[i].valid && (need & ~acl[i].perms) == 0 && is_prefix(c, &acl[i]))
			return true;
	return false;
}

/* A fresh resource's list: one entry. */
void acl_first(struct xok_cap *acl, uint32_t n, const struct xok_cap *c)
{
	memset(acl, 0, n * sizeof(*acl));
	acl[0] = *c;
}

/* A capability from user memory in its one canonical form: bytes past the name's end are zero. */
static bool canonical(const struct xok_cap *c, struct xok_cap *out)
{
	if (c->valid != 1 || !c->perms || (c->perms & ~XOK_PERM_ALL) || c->len > XOK_CAP_NAME)
		return false;
	*out = (struct xok_cap){.valid = 1, .perms = c->perms, .len = c->len};
	memcpy(out->name, c->name, c->len);
	return true;
}

/* Is slot `to` of e one that may be written? */
static int empty_slot(const struct xok_env *e, uint32_t to)
{
	if (to >= XOK_NCAP)
		return XOK_EINVAL;
	return e->info->cap[to].valid ? XOK_EBUSY : XOK_OK;
}

int64_t sys_cap_forge(struct xok *x, struct xok_env *e, const struct arg *a)
{
	uint32_t to = (uint32_t)a[1].raw;
	struct xok_cap want;
	(void)x;

	if (!canonical(a[2].in, &want))
		return XOK_EINVAL;
	if (!cap_dominates(a[0].cap, &want))
		return XOK_EPERM;
	int rc = empty_slot(e, to);
	if (rc)
		return rc;

	e->info->cap[to] = want;
	e->info->ncap_used++;
	return XOK_OK;
}

int64_t sys_cap_drop(struct xok *x, struct xok_env *e, const struct arg *a)
{
	struct xok_cap *slot = &e->info->cap[a[0].raw];
	(void)x;

	if (!slot->valid)
		return XOK_ENOENT;
	memset(slot, 0, sizeof(*slot));
	e->info->ncap_used--;
	return XOK_OK;
}

int64_t sys_cap_give(struct xok *x, struct xok_env *e, const struct arg *a)
{
	struct xok_env *target = a[1].env;
	uint32_t to = (uint32_t)a[3].raw;
	(void)x, (void)e;

	if (!a[2].cap->valid || !env_grants(target, a[0].cap, XOK_C))
		return XOK_EPERM;
	int rc = empty_slot(target, to);
	if (rc)
		return rc;

	target->info->cap[to] = *a[2].cap;
	target->info->ncap_used++;
	return XOK_OK;
}

/* The access list of a resource, and where its entries are counted. */
struct acl {
	struct xok_cap *entry;
	uint32_t n;
	uint8_t *count;
};

static int find_acl(struct xok *x, uint32_t resource, uint32_t id, struct acl *l)
{
	struct xok_env *env;
	int rc;

	switch (resource) {
	case XOK_RES_FRAME:
		if (!frame_is_user(x, id) && !frame_is_piece(x, id))
			return XOK_ENOENT;
		*l = (struct acl){x->frame[id].acl, XOK_NACL_FRAME, l->count};
		return XOK_OK;
	case XOK_RES_ENV:
		rc = env_find(x, id, &env);
		if (rc)
			return rc;
		if (!env_live(env))
			return XOK_ENOENT;
		*l = (struct acl){env->info->acl, XOK_NACL, &env->info->nacl};
		return XOK_OK;
	case XOK_RES_PORT:
		if (id >= x->nport)
			return XOK_ENOENT;
		*l = (struct acl){x->port[id].acl, XOK_NACL, &x->port[id].nacl};
		return XOK_OK;
	case XOK_RES_CONS:
		if (id >= XOK_NCONS)
			return XOK_ENOENT;
		*l = (struct acl){x->cons[id].acl, XOK_NACL, l->count};
		return XOK_OK;
	case XOK_RES_POWER:
	case XOK_RES_CPU:
		if (id)
			return XOK_ENOENT;
		*l = (struct acl){resource == XOK_RES_POWER ? x->power_acl : x->cpu_acl, XOK_NACL,
				  l->count};
		return XOK_OK;
	default: return XOK_EINVAL;
	}
}

/*
 * Entry 0 of an environment's list is its creator's. A new one must let in everybody whom the old
 * one let in, so that an environment with control of itself cannot shut its ancestors out.
 */
static bool keeps_creator(const struct xok_cap *old, const struct xok_cap *entry)
{
	return entry->valid && is_prefix(old, entry) && (old->perms & ~entry->perms) == 0;
}

int64_t sys_acl_set(struct xok *x, struct xok_env *e, const struct arg *a)
{
	uint32_t resource = (uint32_t)a[1].raw, id = (uint32_t)a[2].raw, index = (uint32_t)a[3].raw;
	const struct xok_cap *want = a[4].in;
	struct xok_cap entry = {0};
	uint8_t uncounted = 0;
	struct acl l = {.count = &uncounted};

	if (resource == XOK_RES_ENV && !id)
		id = e->info->id;
	if (want->valid && !canonical(want, &entry))
		return XOK_EINVAL;
	int rc = find_acl(x, resource, id, &l);
	if (rc)
		return rc;
	if (index >= l.n)
		return XOK_EINVAL;
	if (!cap_grants(a[0].cap, l.entry, l.n, XOK_C))
		return XOK_EPERM;
	if (resource == XOK_RES_ENV && index == 0 && !keeps_creator(&l.entry[0], &entry))
		return XOK_EPERM;

	*l.count = (uint8_t)(*l.count + entry.valid - l.entry[index].valid);
	l.entry[index] = entry;
	return XOK_OK;
}
