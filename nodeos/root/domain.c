/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * domain.c - creating, ending and restarting domains.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "nodeos/domain.h"
#include "nodeos/lib/text.h"

void domains_init(struct domains *all, void (*event)(void *arg, const struct domain *d), void *arg)
{
	memset(all, 0, sizeof(*all));
	all->event = event;
	all->arg = arg;
}

const char *domain_state_name(unsigned state)
{
	static const char *const name[] = {"free", "started", "ended"};

	return state < sizeof(name) / sizeof(name[0]) ? name[state] : "?";
}

/* 0 or an error. */
static int start(struct domain *d)
{
	const char *const argv[] = {d->name, NULL};
	struct amp_spawn s = {
		.file = d->spec.file,
		.argv = argv,
		.frames = d->spec.frames,
		.cap = d->spec.cap,
		.share = d->spec.share,
		.nshare = d->spec.nshare,
		.may_notify_us = d->spec.may_notify_us,
		.strict = true, /* it has no business probing what it was not given */
	};
	int64_t env = 0;

	if (d->spec.prepare)
		d->spec.prepare(d->spec.arg);
	if (d->spec.file)
		env = amp_spawn(&s);
	if (env < 0)
		return (int)env;
	d->env = (uint32_t)env;
	d->state = DOMAIN_STARTED;
	d->started = amp_now();
	d->starts++;
	d->why[0] = 0;
	d->all->event(d->all->arg, d);
	return 0;
}

static void on_restart(void *arg)
{
	struct domain *d = arg;
	int rc = start(d);

	if (rc < 0) {
		snprintf(d->why, sizeof(d->why), "cannot be restarted: %s", amp_strerror(rc));
		d->all->event(d->all->arg, d);
		(void)amp_timer_in(&d->timer, DOMAIN_RESTART_NS);
	}
}

struct domain *domain_create(struct domains *all, const struct domain_spec *spec, int *err)
{
	struct domain *d = NULL;

	for (unsigned i = 0; i < DOMAINS && !d; i++) {
		/* The entry of one that ended for good is kept for tools until it is needed. */
		if (all->d[i].state == DOMAIN_FREE)
			d = &all->d[i];
	}
	for (unsigned i = 0; i < DOMAINS && !d; i++) {
		if (all->d[i].state == DOMAIN_ENDED && !all->d[i].spec.restart)
			d = &all->d[i];
	}
	if (!d) {
		*err = XOK_ENOMEM;
		return NULL;
	}
	memset(d, 0, sizeof(*d));
	d->all = all;
	d->spec = *spec;
	text_copy(d->name, sizeof(d->name), spec->name);
	d->timer.fn = on_restart;
	d->timer.arg = d;
	*err = start(d);
	if (*err < 0) {
		memset(d, 0, sizeof(*d));
		return NULL;
	}
	return d;
}

static void ended(struct domain *d)
{
	d->state = DOMAIN_ENDED;
	d->all->event(d->all->arg, d);
}

void domain_end(struct domain *d)
{
	if (d->state != DOMAIN_STARTED)
		return;
	d->spec.restart = false;
	amp_timer_cancel(&d->timer);
	if (d->env) {
		(void)amp_env_destroy(d->env); /* ends it */
		(void)amp_env_destroy(
			d->env); /* releases the entry; an error means there is none left */
	}
	snprintf(d->why, sizeof(d->why), "ended by its parent");
	ended(d);
}

static void say_why(struct domain *d, const struct xok_env_info *info)
{
	switch (info->end) {
	case XOK_END_EXIT:
		snprintf(d->why, sizeof(d->why), "exit: code %d", info->exit_code);
		break;
	case XOK_END_DESTROYED: snprintf(d->why, sizeof(d->why), "destroyed"); break;
	case XOK_END_FAULT:
		snprintf(d->why, sizeof(d->why),
			 "fault: vector %" PRIu64 " at %#" PRIx64 ", address %#" PRIx64,
			 info->last.trapno, info->last.rip, info->last.addr);
		break;
	case XOK_END_OVERRUN:
		snprintf(d->why, sizeof(d->why), "overrun: did not yield, at %#" PRIx64,
			 info->last.rip);
		break;
	case XOK_END_UPCALL: snprintf(d->why, sizeof(d->why), "upcall: no usable stack"); break;
	case XOK_END_VIOLATION:
		snprintf(d->why, sizeof(d->why),
			 "violation: tried what its capabilities do not permit, at %#" PRIx64,
			 info->last.rip);
		break;
	default: snprintf(d->why, sizeof(d->why), "ended"); break;
	}
}

void domains_reap(struct domains *all)
{
	for (unsigned i = 0; i < DOMAINS; i++) {
		struct domain *d = &all->d[i];
		const struct xok_env_info *info;

		if (d->state != DOMAIN_STARTED || !d->env)
			continue;
		info = amp_env_info(d->env);
		if (info && info->state != XOK_ENV_ENDED)
			continue;
		if (info) {
			say_why(d, info);
			(void)amp_env_destroy(d->env); /* releases the entry */
		}
		ended(d);
		if (d->spec.restart) {
			uint64_t ran = amp_now() - d->started;

			(void)amp_timer_in(&d->timer,
					   ran < DOMAIN_RESTART_NS ? DOMAIN_RESTART_NS - ran : 0);
		}
	}
}
