/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd.h - the verbs of `amp` that use a testbed, and what they share. argv[0] is the verb; each returns the exit status.
 */
#ifndef TESTBED_CMD_H
#define TESTBED_CMD_H

#include <stdbool.h>

#include "control.h"

enum {
	AMP_DONE = 0,	 /* done; inject: delivered; ping, trace: an answer came */
	AMP_FAILED = 1,	 /* what was asked for failed, or does not hold */
	AMP_REFUSED = 2, /* a node refused or stopped the capsule */
	AMP_LOST = 3,	 /* the capsule did not arrive in time */
	AMP_USAGE = 64,	 /* wrong usage */
	AMP_CONFIG = 78, /* router: the configuration is wrong; as EX_CONFIG of sysexits.h */
};

int cmd_testbed(int argc, char **argv);
int cmd_inject(int argc, char **argv);
int cmd_ping(int argc, char **argv);
int cmd_trace(int argc, char **argv);
int cmd_show(int argc, char **argv);
int cmd_watch(int argc, char **argv);
int cmd_vm(int argc, char **argv);
int cmd_filter(int argc, char **argv);
int cmd_capture(int argc, char **argv);
int cmd_trace_packet(int argc, char **argv);
int cmd_router(int argc, char **argv);
int cmd_reload(int argc, char **argv);
int cmd_edge_node(int argc, char **argv);
int cmd_host_node(int argc, char **argv);

/* "amp VERB: text" on standard error; returns AMP_FAILED. */
__attribute__((format(printf, 2, 3))) int cmd_error(const char *verb, const char *fmt, ...);
/* The same and a pointer to --help; returns AMP_USAGE. */
__attribute__((format(printf, 2, 3))) int cmd_misuse(const char *verb, const char *fmt, ...);

/* Values of options: a table that ends with an option NULL. */
struct cmd_value {
	int c; /* what getopt_long returns for it */
	const char *option, *form;
};
/* Misuse of the option for which getopt_long returned c: a bad value, or an option that is unknown or lacks its value. */
int cmd_bad_option(const char *verb, const struct cmd_value *v, int c, const char *value);

/* Where kernel, environments and capsules lie: $AMP_DATA, the directory of the program, or ../lib/amp from there. False with a message. */
bool cmd_data_dir(const char *verb, char *dir, size_t size);

/*
 * What the testbed knows: the rows of its nodes and links. Names and addresses both name nodes.
 */
struct places {
	cJSON *nodes, *links;
};
bool places_read(struct control *c, struct places *p);
/* Connects to the testbed or router that the node is of (as state_find_node takes both). False with c->err. */
bool places_open(struct control *c, const char *which, const char *node);
void places_free(struct places *p);
/* By name or address: its row, or NULL with c->err. */
const cJSON *places_node(struct control *c, const struct places *p, const char *name);
/* False with c->err, which names the edges: this node is none, and capsules are sent from edges only. */
bool places_is_edge(struct control *c, const struct places *p, const cJSON *node);
/* The name of the node with this address, or "?". */
const char *places_at(const struct places *p, uint32_t addr);
/* The link at a port: "r1:0-r2:1", or "-". */
void places_link(const struct places *p, const char *node, unsigned port, char *buf, size_t size);

#endif
