/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * domain.h - domains: the unit of credentials, accounting, policy and termination. A domain's place in the hierarchy is its
 * capability's name; a domain of native code is an environment of its own, or shares its parent's process where the machine has no
 * environments (libamp/host) or that is what the specification asks for.
 *
 * One fills a specification, then creates. What the specification points to must outlive the domain.
 */
#ifndef NODEOS_DOMAIN_H
#define NODEOS_DOMAIN_H

#include "amp/amp.h"

#define DOMAINS 8u
#define DOMAIN_NAME 16u
#define DOMAIN_WHY 96u

struct domain_spec {
	const char *name;
	const char *file;   /* in the boot archive; NULL: in this process */
	struct xok_cap cap; /* dominated by ours */
	uint32_t frames;    /* quota */
	const struct amp_share *share;
	uint32_t nshare;
	bool may_notify_us;
	bool restart; /* start it again when it ends, at most once in DOMAIN_RESTART_NS */
	/* Called before each (re)start, so that what is shared begins afresh. May be NULL. */
	void (*prepare)(void *arg);
	void *arg;
};
#define DOMAIN_RESTART_NS 1000000000ull

enum domain_state { DOMAIN_FREE, DOMAIN_STARTED, DOMAIN_ENDED };

struct domains;

struct domain {
	struct domains *all;
	struct domain_spec spec;
	char name[DOMAIN_NAME];
	uint8_t state;
	uint32_t env; /* 0: in this process */
	uint32_t starts;
	uint64_t started; /* monotonic ns */
	char why[DOMAIN_WHY];
	struct amp_timer timer; /* of its restart */
};

struct domains {
	struct domain d[DOMAINS];
	/* Told of every start and end. */
	void (*event)(void *arg, const struct domain *d);
	void *arg;
};

void domains_init(struct domains *all, void (*event)(void *arg, const struct domain *d), void *arg);

/* Creates and starts a domain. NULL: *err is a negative XOK_E..., and nothing is left behind. */
struct domain *domain_create(struct domains *all, const struct domain_spec *spec, int *err);

/* Ends it and its children, and gives everything back. */
void domain_end(struct domain *d);

/* After XOK_EV_CHILD: finds those that ended, says why, and restarts those that should be. */
void domains_reap(struct domains *all);

const char *domain_state_name(unsigned state);

#endif
