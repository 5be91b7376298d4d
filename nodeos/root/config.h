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
#define CONFIG_ADDRESSES6 (NODE_ADDRESSES6 - NODE_PORTS) /* room is left for link-local ones */
#define CONFIG_ROUTES 512u				 /* of both families */
#define CONFIG_HOPS 8u					 /* next hops of a route */
#define CONFIG_ROUTES_MAX 2000000u			 /* of `routes N` */

struct config_error {
	unsigned line;	 /* 0: the whole file */
	unsigned column; /* 0: the whole line */
	bool missing; /* it is about a network that no line has given: perhaps one that is wrong itself */
	char text[CONFIG_ERROR];
};

/* Prefix and next hops; those of IPv4 are mapped, the length is then 96 more. */
struct config_route {
	struct ip6 prefix;
	uint8_t len;
	uint8_t nhop;	       /* 0: number says what becomes of its packets */
	uint16_t number;       /* FORWARD_BLACKHOLE and such */
	unsigned line, column; /* of its prefix */
	struct config_hop {
		struct ip6 via;
		uint16_t weight;
		uint16_t column;
	} hop[CONFIG_HOPS];
};

struct config_neighbour {
	uint32_t addr;
	uint16_t port;
	uint8_t mac[6];
	unsigned line, column; /* of its address */
};

struct config_neighbour6 {
	struct ip6 addr;
	uint16_t port;
	uint8_t mac[6];
	unsigned line, column;
};

/* RFC 4861 6.2.1: what a router says of itself at an interface. Times in seconds. */
struct config_advertise {
	bool on;
	unsigned line;
	bool managed, other; /* the M and O flags: addresses, and other things, come by DHCPv6 */
	uint16_t interval;   /* MaxRtrAdvInterval */
	uint16_t lifetime;   /* AdvDefaultLifetime; 0: no default router */
	uint32_t valid, preferred; /* AdvValidLifetime, AdvPreferredLifetime of each prefix */
};

struct config_module {
	uint8_t *bytes; /* from malloc; whoever takes it frees it */
	size_t len;
};

/* What the machine under the node has. load reads a module (NULL: not offered here): 0, or an error text. */
struct config_host {
	uint32_t nport;
	char name[FORWARD_PORTS][16]; /* of ports; "": they have none */
	bool mirror[FORWARD_PORTS];   /* it is another port's, and has nothing of its own */
	bool (*load)(void *arg, const char *path, struct config_module *out,
		     char err[CONFIG_ERROR]);
	void *arg;
};

struct config {
	const struct config_host *host;
	char name[NODE_NAME];
	enum node_role role;
	/* Of each interface. */
	char peer[NODE_PORTS][NODE_NAME];
	unsigned name_line;	  /* where the name stands; 0: it was typed */
	uint16_t mtu[NODE_PORTS]; /* 0: the port's own */
	struct {
		unsigned line, column;
	} mtu_at[NODE_PORTS];
	uint8_t rpf[NODE_PORTS]; /* FORWARD_RPF_... */
	struct config_advertise advertise[NODE_PORTS];
	struct {
		uint16_t port, id; /* 0: there is none */
	} vlan[FORWARD_IFACES - FORWARD_VLANS];
	uint32_t routes; /* how many the tables hold; 0: as many as usual */
	uint32_t naddress, nroute, nneighbour, nprincipal, nrule, nmodule;
	struct node_address address[NODE_ADDRESSES];
	struct config_route route[CONFIG_ROUTES];
	struct config_neighbour neighbour[CONFIG_NEIGHBOURS];
	struct node_principal principal[NODE_PRINCIPALS];
	struct node_rule rule[NODE_RULES];
	struct config_module module[CONFIG_MODULES];
	uint32_t naddress6, nneighbour6;
	struct node_address6 address6[CONFIG_ADDRESSES6];
	struct config_neighbour6 neighbour6[CONFIG_NEIGHBOURS];
	bool set_clock;
	uint64_t clock;
	unsigned line;	/* of the command being read */
	unsigned blame; /* the word of it that an error is about; 0: the command */
};

/* The most that `routes N` may be: tables of more are larger than an environment can address. */
uint32_t config_routes_most(void);

void config_init(struct config *c, const struct config_host *host);

/* One configuration command, already cut into words. False: err says what, where and what to do, and c is unchanged. */
bool config_command(struct config *c, const struct words *w, char err[CONFIG_ERROR]);

/* The command that may have been meant; NULL: none is like it. */
const char *config_nearest_verb(const char *s);

/* Is this the name of a configuration command? */
bool config_is_verb(const char *name);

/* Checks what only the whole can tell: gateways on connected networks. Returns the number of errors found. */
unsigned config_check(const struct config *c, struct config_error *err, unsigned max);

/* A whole file. Returns the number of errors, of which the first `max` are stored; the result counts only when it is 0. */
unsigned config_file(struct config *c, const char *text, size_t len, struct config_error *err,
		     unsigned max);

/* How many routes a file asks room for (`routes N`); 0: it does not say, or wrongly. For who must know before the rest can be read. */
uint32_t config_routes(const char *text, size_t len);

/* The name of an interface: the port's, or its number, and the VLAN behind a dot. */
#define CONFIG_PORT 24u
const char *config_port_name(const struct config *c, uint16_t iface, char buf[CONFIG_PORT]);

/* What an interface advertises, for people. */
#define CONFIG_ADVERTISE 48u
const char *config_advertise_text(const struct config_advertise *c, char buf[CONFIG_ADVERTISE]);

/* The port whose connected network has this address, the longest prefix first; false: none. */
bool config_connected(const struct config *c, uint32_t addr, uint16_t *port);
bool config_connected6(const struct config *c, const struct ip6 *addr, uint16_t *port);

/* Frees modules that nobody took. */
void config_drop_modules(struct config *c);

#endif
