/* SPDX-License-Identifier: BSD-2-Clause */
/* cons.c - consoles and power. */
#include "kernel.h"

void xok_cons_in(struct xok *x, uint32_t cons)
{
	struct xok_env *owner = env_by_id(x, x->cons[cons].owner);

	if (owner)
		env_post(x, owner, XOK_EV_CONS);
}

/* An environment ends: the next reader of its consoles becomes their owner. */
void cons_forget(struct xok *x, const struct xok_env *e)
{
	for (uint32_t i = 0; i < XOK_NCONS; i++)
		if (x->cons[i].owner == e->info->id)
			x->cons[i].owner = 0;
}

static int cons_check(const struct xok *x, const struct arg *a, uint8_t need)
{
	uint32_t cons = (uint32_t)a[1].raw;

	if (cons >= XOK_NCONS)
		return XOK_ENOENT;
	return cap_grants(a[0].cap, x->cons[cons].acl, XOK_NACL, need) ? XOK_OK : XOK_EPERM;
}

int64_t sys_cons_write(struct xok *x, struct xok_env *e, const struct arg *a)
{
	int rc = cons_check(x, a, XOK_W);
	(void)e;

	if (rc)
		return rc;

	return (int64_t)x->ops->cons_write(x->m, (uint32_t)a[1].raw, a[2].in, a[3].raw);
}

int64_t sys_cons_read(struct xok *x, struct xok_env *e, const struct arg *a)
{
	uint8_t *buf = x->buf[x->in_batch];
	uint32_t cons = (uint32_t)a[1].raw;

	int rc = cons_check(x, a, XOK_R);
	if (rc)
		return rc;

	if (!x->cons[cons].owner)
		x->cons[cons].owner = e->info->id;
	size_t n = x->ops->cons_read(x->m, cons, (char *)buf, a[3].raw);
	rc = x->ops->copyout(x->m, e->root, a[2].raw, buf, n);
	return rc ? rc : (int64_t)n;
}

int64_t sys_power(struct xok *x, struct xok_env *e, const struct arg *a)
{
	uint32_t how = (uint32_t)a[1].raw;
	(void)e;

	if (!cap_grants(a[0].cap, x->power_acl, XOK_NACL, XOK_C))
		return XOK_EPERM;
	if (how > XOK_POWER_EXIT)
		return XOK_EINVAL;

	x->ops->power(x->m, how, (uint32_t)a[2].raw);
	return XOK_OK;
}
