/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * config.h - a node's configuration as the command language of CONTROL.md gives it. Commands change a struct config and
 * nothing else; when all of it is right, root_apply puts it in force. So a file with an error changes nothing, and a typed command works
 * on a copy.
 */
#ifndef NODEOS_CONFIG_H
#define NODEOS_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nodeos/lib/text.h"
#include "nodeos/node.h"

#define CONFIG_NEIGHBOURS 64u
#define CONFIG_MODULES 16u
#define CONFIG_ERROR 200u
#define CONFIG_ADDRESSES6 (NODE_ADDRESSES6 - NODE_PORTS)  /* room is left for link-local ones */
#define CONFIG_ROUTES6 (NODE_ROUTES6 - CONFIG_ADDRESSES6) /* and for connected ones */

struct config_error {
	unsigned line; /* 0: the whole file */
	char text[CONFIG_ERROR];
};

struct config_route {
	uint32_t prefix, via;
	uint8_t len;
	unsigned line;
};

struct config_neighbour {
	uint32_t addr;
	uint16_t port;
	uint8_t mac[6];
	unsigned line;
};

struct config_route6 {
	struct ip6 prefix, via;
	uint8_t len;
	unsigned line;
};

struct config_neighbour6 {
	struct ip6 addr;
	uint16_t port;
	uint8_t mac[6];
	unsigned line;
};

struct config_module {
	uint8_t *bytes; /* from malloc; whoever takes it frees it */
	size_t len;
};

/* What the machine under the node has. load reads a module (NULL: not offered here): 0, or an error text. */
struct config_host {
	uint32_t nport;
	bool (*load)(void *arg, const char *path, struct config_module *out,
		     char err[CONFIG_ERROR]);
	void *arg;
};

struct config {
	const struct config_host *host;
	char name[NODE_NAME];
	enum node_role role;
	char peer[NODE_PORTS][NODE_NAME];
	uint16_t mtu[NODE_PORTS]; /* 0: the port's own */
	uint32_t naddress, nroute, nneighbour, nprincipal, nrule, nmodule;
	struct node_address address[NODE_ADDRESSES];
	struct config_route
		route[NODE_ROUTES - NODE_ADDRESSES]; /* room is left for connected ones */
	struct config_neighbour neighbour[CONFIG_NEIGHBOURS];
	struct node_principal principal[NODE_PRINCIPALS];
	struct node_rule rule[NODE_RULES];
	struct config_module module[CONFIG_MODULES];
	uint32_t naddress6, nroute6, nneighbour6;
	struct node_address6 address6[CONFIG_ADDRESSES6];
	struct config_route6 route6[CONFIG_ROUTES6];
	struct config_neighbour6 neighbour6[CONFIG_NEIGHBOURS];
	bool set_clock;
	uint64_t clock;
	unsigned line; /* of the command being read */
};

void config_init(struct config *c, const struct config_host *host);

/* One configuration command, already cut into words. False: err says what, where and what to do, and c is unchanged. */
bool config_command(struct config *c, const struct words *w, char err[CONFIG_ERROR]);

/* Is this the name of a configuration command? */
bool config_is_verb(const char *name);

/* Checks what only the whole can tell: gateways on connected networks. Returns the number of errors found. */
unsigned config_check(const struct config *c, struct config_error *err, unsigned max);

/* A whole file. Returns the number of errors, of which the first `max` are stored; the result counts only when it is 0. */
unsigned config_file(struct config *c, const char *text, size_t len, struct config_error *err,
		     unsigned max);

/* The port whose connected network has this address, the longest prefix first; false: none. */
bool config_connected(const struct config *c, uint32_t addr, uint16_t *port);
bool config_connected6(const struct config *c, const struct ip6 *addr, uint16_t *port);

/* Frees modules that nobody took. */
void config_drop_modules(struct config *c);

#endif
