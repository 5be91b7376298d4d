/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * router.h - a router's configuration file: the node's commands (nodeos/CONTROL.md) and the machine's, a line each:
 *
 *	interface NAME DEVICE [mirror [IFNAME]] [mac MAC] [mtu BYTES] [queues N]
 *	lcores LIST			processors that forward, such as 1,3-5 (default: the last one)
 *	memory MIB			for rings and tables of the environments (default 256)
 *	hugepages on|off		packets lie in huge pages (default off)
 *	metrics ADDRESS:PORT		where Prometheus finds the node's metrics; an IPv6 address stands in brackets (default: nowhere)
 *	hitless on|off			forwarding goes on while the node's environment is started again (default on)
 *
 * DEVICE is what xokd --help lists. The first interface is port 0 of the node, and so on; wherever a node's command has a port, its
 * interface's name will do. `#` begins a comment. Commands of either sort may stand in any order, but an interface stands before
 * commands that name it.
 */
#ifndef TESTBED_ROUTER_H
#define TESTBED_ROUTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define ROUTER_PORTS 16u
#define ROUTER_NAME 16u
#define ROUTER_ERRORS 20u
#define ROUTER_FILE_MAX (4u << 20)

struct router_port {
	char name[10]; /* its mirror is called NAME.linux, which a port of xokd must hold */
	char device[300], mirror[16], mac[18];
	uint32_t mtu, queues; /* 0: the device's */
	unsigned line;
};

/* Where metrics are served. */
struct router_metrics {
	char text[64]; /* as in the file */
	struct sockaddr_storage address;
	socklen_t length; /* 0: nowhere */
};

struct router {
	char name[ROUTER_NAME];
	struct router_port port[ROUTER_PORTS];
	uint32_t nport;
	char lcores[64]; /* "": xokd's choice */
	uint32_t memory; /* MiB; 0: xokd's choice */
	bool hugepages, hitless;
	struct router_metrics metrics;
	char *commands; /* the node's own, from malloc */
	size_t len;
};

struct router_error {
	unsigned line, column,
		width; /* line 0: of the whole file; width: of what is wrong, in bytes */
	char text[320];
};

/*
 * Reads and checks the whole. Returns the number of errors, of which the first ROUTER_ERRORS are stored; *r counts only when it is 0. name: NULL, or the
 * node's when the file has none.
 */
unsigned router_parse(struct router *r, const char *text, size_t len, const char *name,
		      struct router_error err[ROUTER_ERRORS]);
void router_free(struct router *r);

struct log;
/*
 * router_file.c: reads a whole file, and tells every error: as text with the line and a mark under what is wrong. False: *r does not count.
 */
bool router_load(struct router *r, const char *path, const char *name, struct log *l);

#endif
