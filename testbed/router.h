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
#define ROUTER_FOUND 256u /* errors of which the first are told */
#define ROUTER_LCORES 16u
#define ROUTER_CPUS 1024u
#define ROUTER_FILE_MAX (4u << 20)

/* Where something stands in the file; line 0: nowhere. */
struct router_place {
	unsigned line, column, width; /* width: in bytes */
};

struct router_port {
	char name[10]; /* its mirror is called NAME.linux, which a port of xokd must hold */
	char device[300], mirror[16], mac[18];
	uint32_t mtu, queues; /* 0: the device's */
	unsigned line;
	struct router_place device_at, mirror_at;
};

/* The machine's commands, for which the file has a place each. */
enum router_machine {
	ROUTER_INTERFACE,
	ROUTER_AT_LCORES,
	ROUTER_MEMORY,
	ROUTER_METRICS,
	ROUTER_HUGEPAGES,
	ROUTER_HITLESS,
	ROUTER_MACHINE
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
	struct router_place at[ROUTER_MACHINE]; /* of what is said behind the command */
	char *commands;				/* the node's own, from malloc */
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

/*
 * router_here.c: what of it this machine has not, or has in another form: processors, interfaces, cards, directories. r: as router_parse left it, right or wrong.
 * Adds to the n errors there are, and returns how many there are then, in the order of their lines.
 */
unsigned router_here(const struct router *r, struct router_error err[ROUTER_ERRORS], unsigned n);
void router_sort(struct router_error *err, unsigned n);

/*
 * router_said.c: a line of xokd's log as one of the file, "FILE:LINE:COLUMN: ...", in the file's words. False: it is about no line, and has no word of xokd's own
 * command line; out does not count.
 */
bool router_said(const struct router *r, const char *file, const char *line, char *out,
		 size_t size);

/* router_machine.c: calls `each` for the processors of a list such as 1,3-5. False: it is no list, or `each` said so. */
bool router_lcores(const char *list, bool (*each)(void *arg, unsigned cpu), void *arg);
/* The interface of Linux that a device makes or takes; NULL: none. */
const char *router_ifname(const char *device);

/*
 * router_text.c: writes bytes as a terminal can show them: text as it is, <U+00A0> for what is not seen or would steer the terminal, <FF> for what is no
 * text. As much as fits. Returns how many columns it takes; a tab is one.
 */
size_t router_shown(char *buf, size_t size, const char *s, size_t len);

struct log;
/*
 * router_file.c: reads a whole file, and tells every error: as text with the line and a mark under what is wrong. at_once: it must be a regular file, since a
 * writer at the other end of another one might let us wait; and it is of a router that runs, so that the machine has what it asks for. False: *r does not count.
 */
bool router_load(struct router *r, const char *path, const char *name, bool at_once, struct log *l);

#endif
