/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * topology.h - a testbed's topology: what the YAML file says, and what follows from it.
 *
 * The file is YAML in containerlab's shape:
 *
 *	name: demo                              # letters, digits, - and _; at most 31
 *	seed: 7                                 # of every link's random numbers; default 1
 *	topology:
 *	  nodes:
 *	    h1: {kind: edge}                    # a user-level host
 *	    r1: {kind: xok, memory: 64}         # a router in QEMU; MiB, 16 to 64, default 64
 *	    r2: {kind: router, lcores: "0", mirror: true}  # a router on Linux: one xokd; all keys are optional
 *	    r3: {kind: router, mirror: true, static: false, routes: 100000}  # for routing daemons
 *	    n1: {kind: host}                    # a network namespace, in which real programs run
 *	  links:
 *	    - endpoints: ["h1:0", "r1:0"]       # node:port, ports from 0 without gaps
 *	      delay: 5ms                        # ns us ms s, up to 60s; default 0
 *	      jitter: 1ms                       # delay varies by up to this much either way, order is kept
 *	      loss: 20%                         # 0% to 100%
 *	      rate: 10mbit                      # bit kbit mbit gbit; default: unlimited
 *	      queue: 64                         # frames that may wait for the rate, 1 to 1024
 *	      mtu: 1280                         # largest IP packet, 1280 to 1500; default 1500
 *	      addresses: ["10.9.0.1/24", "10.9.0.2/24"]
 *	      addresses6: ["fd00:1::1/64", "fd00:1::2/64"]
 *	principals:
 *	  - {name: alice, key: keys/alice.pub}  # paths are relative to the file
 *	allow:
 *	  - {principal: alice, module: ping, budget: 100000, at: [r1, h2]}
 *
 * A module is "*", a code name of 64 hex digits, the path of a file that ends in .mod, or the name of a capsule that
 * comes with the system. `at` defaults to every node. Unknown keys are refused.
 *
 * Where the file gives no addresses, link N (counted from 1) gets the next free 10.0.N.0/24; its first endpoint is .1, its second
 * .2. Port P of node I (counted from 1 in file order) has MAC 52:54:00:II:II:PP.
 *
 * Routers and hosts have IPv6 addresses on the links that say so, and routes to all of these networks; edges have IPv4 only.
 *
 * IPv4 addresses are numbers in host order, IPv6 addresses bytes.
 */
#ifndef TESTBED_TOPOLOGY_H
#define TESTBED_TOPOLOGY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "relay.h"

#define TOPO_NODES 64u
#define TOPO_LINKS 128u
#define TOPO_PORTS 8u
#define TOPO_PRINCIPALS 32u
#define TOPO_ALLOWS 128u
#define TOPO_NAME 32u
#define TOPO_NODE_NAME 16u
#define TOPO_LCORES 32u
#define TOPO_ROUTES 2000000u
#define TOPO_PATH 256u
#define TOPO_FILE_MAX (256u * 1024u)
#define TOPO_NONE UINT32_MAX

enum topo_kind { TOPO_XOK, TOPO_ROUTER, TOPO_HOST, TOPO_EDGE };
#define TOPO_NKIND 4u

/* "xok". */
const char *topo_kind_name(enum topo_kind k);
/* Packets for others are forwarded: not by hosts and edges. */
bool topo_forwards(enum topo_kind k);

struct topo_port {
	uint32_t link; /* TOPO_NONE: unused */
	uint32_t end;  /* which endpoint of the link this port is, 0 or 1 */
	uint32_t addr;
	uint8_t mac[6];
};

struct topo_node {
	char name[TOPO_NODE_NAME];
	enum topo_kind kind;
	uint32_t memory; /* MiB, of the kinds that forward */
	char lcores
		[TOPO_LCORES]; /* of kind router: processors, such as "0,2-3"; "": one is chosen */
	bool mirror;	       /* of kind router: its ports are seen by a Linux of its own */
	bool no_static;	       /* of kind router: its routes come from daemons beside it */
	uint32_t routes;       /* of kind router: room for so many; 0: the node's choice */
	uint32_t nport;
	struct topo_port port[TOPO_PORTS];
	size_t line;
};

struct topo_link {
	uint32_t node[2], port[2];
	uint32_t net, plen;	    /* the prefix */
	uint32_t host[2];	    /* addresses of the endpoints */
	bool addressed;		    /* by the file */
	uint8_t host6[2][16];	    /* likewise */
	uint32_t plen6;		    /* 0: no IPv6 on this link */
	struct relay_params params; /* the MTU is among them */
	size_t line;
};

struct topo_principal {
	char name[TOPO_NAME];
	char path[TOPO_PATH]; /* as the file says */
	uint8_t key[32];      /* after topo_load_keys */
	size_t line;
};

struct topo_allow {
	uint32_t principal;
	char module
		[TOPO_PATH]; /* as the file says; topo_load_keys turns it into "*" or a code name */
	uint32_t budget;
	uint64_t at; /* bit per node; 0: every node */
	size_t line;
};

struct topo {
	char name[TOPO_NAME];
	uint64_t seed;
	uint32_t nnode, nlink, nprincipal, nallow;
	struct topo_node node[TOPO_NODES];
	struct topo_link link[TOPO_LINKS];
	struct topo_principal principal[TOPO_PRINCIPALS];
	struct topo_allow allow[TOPO_ALLOWS];
};

/* Where in the file (0: nowhere in particular), what is wrong and what to do about it. */
struct topo_error {
	size_t line, column;
	char text[512];
};

/*
 * Parses and checks, assigns addresses and MACs. 0, or -1 with *err filled in. Reads nothing but the text: keys and modules
 * stay as the file says them.
 */
int topo_parse(struct topo *t, const char *text, size_t len, struct topo_error *err);

/* The same from a file; err->line is 0 when the file itself cannot be read. */
int topo_read(struct topo *t, const char *path, struct topo_error *err);

/*
 * Reads the principals' public keys and the names of the modules of the rules. `dir` is where the topology's file lies; `capsules`
 * where the capsules of the system lie. When keys are missing, err->text says the commands that make them.
 */
int topo_load_keys(struct topo *t, const char *dir, const char *capsules, struct topo_error *err);

/* TOPO_NONE: no such node. */
uint32_t topo_find(const struct topo *t, const char *name);

/* The node's own address: that of its lowest port. 0 when it has none. */
uint32_t topo_address(const struct topo *t, uint32_t node);

/*
 * The shortest paths to one node: for each node the port by which the next hop is reached, TOPO_NONE where there is none. Hosts
 * and edges forward nothing, so no path crosses one. Of equally long paths the one with the smaller sum of delays is
 * taken, then the one whose link stands first in the file.
 */
void topo_paths(const struct topo *t, uint32_t to, uint32_t port[TOPO_NODES]);

/* Next hop of `node` towards a link's prefix: stores the gateway; false when it is connected or cannot be reached. */
bool topo_gateway(const struct topo *t, uint32_t node, uint32_t link, uint32_t *gateway);
/* Likewise of its IPv6 prefix; false, too, when the first link of the way has no IPv6. */
bool topo_gateway6(const struct topo *t, uint32_t node, uint32_t link, const uint8_t **gateway);

/*
 * Writes the node's configuration in the node's command language. A host's has default routes instead of one to each network when it
 * has one port.
 */
void topo_write_conf(const struct topo *t, uint32_t node, FILE *out);

/* Writes hosts(5) with the nodes' own addresses. */
void topo_write_hosts(const struct topo *t, FILE *out);

/* "10.0.1.1" in a buffer of 16. */
const char *topo_addr_text(uint32_t addr, char buf[16]);

/* The first free 10.0.N.0/24 and so on: gives addresses to all links that have none. topo_parse calls it. */
int topo_assign(struct topo *t, struct topo_error *err);

#endif
