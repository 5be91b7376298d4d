/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * root.h - the root domain: everything a node is beside its capsules. One struct root holds it; the program that contains it
 * (an environment on machine pc, an edge process on Linux) supplies memory and what differs in a struct root_host.
 */
#ifndef NODEOS_ROOT_H
#define NODEOS_ROOT_H

#include "nodeos/channel.h"
#include "nodeos/domain.h"
#include "nodeos/node.h"
#include "nodeos/root/claim.h"
#include "nodeos/root/config.h"
#include "nodeos/root/control.h"
#include "nodeos/root/ee_link.h"
#include "nodeos/root/follow.h"
#include "nodeos/root/forward.h"
#include "nodeos/root/ipv4.h"
#include "nodeos/root/ipv6.h"
#include "nodeos/root/twin.h"
#include "nodeos/root/verbs.h"

#define ROOT_RING 256u

/* What the surroundings add. A NULL function is not offered there, and its command says so. */
struct root_host {
	/* Reads a module for `module PATH`. */
	bool (*load)(void *arg, const char *path, struct config_module *out,
		     char err[CONFIG_ERROR]);
	/* Takes a loaded module over, with its memory. */
	bool (*module)(void *arg, struct config_module *m, char err[CONFIG_ERROR]);
	/* Sends a capsule packet. */
	bool (*inject)(void *arg, const uint8_t *packet, size_t len, char err[CONFIG_ERROR]);
	/* Reads the configuration file again: its text, which lives until the next call, or NULL. */
	const char *(*conf)(void *arg, size_t *len);
	/* Starts a test environment. */
	bool (*run)(void *arg, const char *name, char err[CONFIG_ERROR]);
	/* Handlers that forward in the kernel; NULL: none. */
	struct forward_module forward[FORWARD_PROGRAMS];
	uint32_t routes; /* how many the published tables have room for; 0: NODE_ROUTES */
	void *arg;
};

struct root {
	struct node_pub *pub;
	struct root_host host;
	struct config_host config_host;
	struct config cfg, draft; /* in force; being changed */
	bool configured, ready;
	struct ipv4 ip;
	struct ipv6 ip6;
	struct forward forward;
	struct follow follow; /* fd -1 unless the host has a stack of its own */
	struct in_chan in;
	struct domains domains;
	struct control control;
	struct pendings pendings;
	struct claims claims;
	struct ee_link ee;
	struct amp_timer power_off;
};

/* pub (page aligned, of node_size bytes, shared read-only with other domains) and ee are the caller's. 0 or a negative XOK_E... */
int root_init(struct root *r, struct node_pub *pub, struct ee_shared *ee,
	      const struct root_host *host);

/* Reads a whole configuration into r->draft. Returns the number of errors; 0: root_apply may follow. */
unsigned root_read(struct root *r, const char *text, size_t len, struct config_error *err,
		   unsigned max);

/* Puts r->draft in force. False: err says what could not be; only modules can fail. */
bool root_apply(struct root *r, char err[CONFIG_ERROR]);

/* The configuration file, read again, in force instead of what was. False: err says why it is not, and nothing has changed. */
bool root_reload(struct root *r, char err[CONFIG_ERROR]);

/* The addresses that the host's own stack has, at our ports and elsewhere, have changed. */
void root_host_addresses(struct root *r);

/* Gives back what root_init and later calls took; for tests. */
void root_end(struct root *r);

/* Says `ready`, once: called when configuration is in force and when the capsule domain reports. */
void root_ready(struct root *r);

/* A log line of a domain, to people and programs. */
void root_log(struct root *r, const char *source, const char *text, size_t len);

#endif
