/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * supervisor.h - the one process per testbed that owns all of it: the nodes' processes, every link, the consoles and the
 * socket on which `amp` commands ask. launch.c knows what a node's process is called with, nodes.c starts and ends them, links.c
 * carries frames, mux.c carries lines.
 */
#ifndef TESTBED_SUPERVISOR_H
#define TESTBED_SUPERVISOR_H

#include <limits.h>

#include <cjson/cJSON.h>

#include "log.h"
#include "loop.h"
#include "metrics.h"
#include "reload.h"
#include "router.h"
#include "router_twins.h"
#include "state.h"
#include "topology.h"

/* What `amp testbed up` was asked for. Strings outlive the supervisor. */
struct sup_options {
	const struct topo *topo;
	const char *file;  /* the topology's, absolute */
	const char *dir;   /* the state directory */
	const char *data;  /* xok.stripped, env/ and capsules/ lie here */
	const char *accel; /* tcg, kvm, or auto: kvm when it works */
	bool capture;
	uint32_t wait; /* seconds until every node must be ready */
	int report; /* stream socket to `up`, see below; -1: nobody follows, and all is told on standard error */
	const char *self; /* path of the amp program */
	/* `amp router`: the topology is one node of kind router without links, and this is what it is made of. NULL: a testbed. */
	struct router *router;
	struct log *log; /* `amp router`: where all is told */
};

/*
 * To `up`, one line each: "P text" progress, "E text" an error (several lines of it), "R" every node is ready, and the end of
 * the stream when everything is stopped. From `up`: "detach" lets the testbed run on; without it the end of the stream stops it.
 */

enum node_state { NODE_STARTING, NODE_READY, NODE_ENDED };
const char *node_state_name(enum node_state s);

struct sup;

struct node {
	struct sup *sup;
	const struct topo_node *conf;
	uint32_t index;
	enum node_state state;
	pid_t pid; /* 0: no process */
	uint64_t start;
	int status; /* of waitpid, when ended */
	uint64_t started_at, ready_at;
	int log, events;	     /* files */
	struct watch lifeline;	     /* of a node in namespaces: see host.h */
	struct chan people, control; /* console 0 and console 1 */
	struct chan said;	     /* `amp router`: the kernel's standard error */
	uint64_t lost_at; /* its environment has ended, and is to be started again; 0: it runs */
	bool leaving;	  /* it was asked to end */
	/* Its clock, which we set every second: see mux_clock. */
	uint64_t clock_sent, clock_due, clock_trip;
	uint32_t clock_tries;
	bool clock_busy, clock_set;
};

/*
 * One port of one node: the relay's end of it, and the direction of the link that leads out of it. That end is a socket, or of a
 * host's port the TAP that the host handed over when it was made.
 */
struct port {
	struct sup *sup;
	struct watch w; /* not open: the host has not come up */
	bool tap;
	uint32_t node, port;
	uint32_t peer;	    /* index into sup->port of the far end */
	struct relay relay; /* frames from this port to the peer */
	uint64_t retry_at;  /* the peer's socket was full: not before then */
	char path[100];	    /* the node's socket */
	FILE *pcap;
};

#define SUP_CLIENTS 32u
#define SUP_PENDING 256u

struct client {
	struct sup *sup;
	struct chan chan;
	bool used, subscribed;
	uint32_t serial;      /* which client this slot holds */
	struct node *console; /* attached to its console 0 */
};

struct pending {
	bool used;
	uint32_t serial; /* distinguishes uses of the slot in the id that the node sees */
	struct node *node;
	/* The supervisor's own: gets each row and the end, without the id. */
	void (*own)(void *arg, const char *rest);
	void *arg;
	struct client *client; /* NULL: the supervisor itself, or gone */
	uint32_t client_serial;
	uint64_t heard; /* when the node last said something about it */
	char id[16];
	char table[24]; /* of `show`: a long one comes in parts */
	bool has_more; /* the next part begins there, and is asked for when the client has read this one */
	uint32_t more;
};

struct sup {
	const struct sup_options *opt;
	const struct topo *topo;
	struct loop loop;
	struct node node[TOPO_NODES];
	struct port port[TOPO_LINKS * 2];
	uint32_t nport;
	struct client client[SUP_CLIENTS];
	struct pending pending[SUP_PENDING];
	uint32_t serial;
	struct watch listen, signals;
	struct chan report;
	bool detached, failed, stopping, ready;
	bool hurried;	   /* told to end once more: nobody is waited for */
	const char *accel; /* what QEMU runs with: tcg or kvm */
	uint64_t began, ready_at;
	struct metrics metrics;
	struct reload reload;
	struct twins twins;
	uint64_t watchdog,
		watchdog_due; /* `amp router`: the service manager wants to hear of us this often; 0: never */
};

/* The life of a testbed, in a process of its own; returns its exit status. Everything it started has ended by then. */
int sup_run(const struct sup_options *opt);

/* supervisor.c: what the others tell it. */
__attribute__((format(printf, 2, 3))) void sup_progress(struct sup *s, const char *fmt, ...);
__attribute__((format(printf, 2, 3))) void sup_error(struct sup *s, const char *fmt, ...);
void sup_node_ready(struct sup *s, struct node *n);
void sup_node_ended(struct sup *s, struct node *n, const char *why);
void sup_stop(struct sup *s);

/* launch.c: a node's command line. */
struct command {
	char *argv[96 + TOPO_PORTS * 4];
	uint32_t argc;
};
int command_make(struct node *n, struct command *c);
void command_free(struct command *c);
/* In namespaces of its own: hosts, and routers with mirrors. */
bool node_is_inside(const struct node *n);
/* Its consoles are a pair of sockets that it inherits; others open FIFOs by name. */
bool node_inherits_consoles(const struct node *n);

/* nodes.c */
int node_start(struct node *n);
/* A child has ended: reaps all that have. */
void nodes_reap(struct sup *s);
/* Ends every process that still runs, politely first: routers say goodbye to their hosts. Returns when none is left. */
void nodes_stop(struct sup *s);
/* "ended with status 3", "killed by signal 9". */
const char *node_status_text(const struct node *n, char *buf, size_t size);

/*
 * Write a node's configuration, and the boot archive with it inside; path gets the file's name. 0, or -1 with errno
 * (node_conf) or after sup_error (node_archive).
 */
int node_conf(struct node *n, char path[PATH_MAX]);
int node_archive(struct node *n, char path[PATH_MAX]);

/* accel.c: boots that archive with KVM; true when the node in it gets ready. Takes 5 s at most. */
bool accel_kvm_works(struct sup *s, const char *boot);

/* links.c */
int links_open(struct sup *s);
void links_close(struct sup *s);
/* Port `port` of a host is this TAP, which is taken over. 0, or -1 with errno. */
int links_tap(struct node *n, uint32_t port, int fd);
/* The host has ended: its TAPs are closed. They keep its network alive, which would go on answering. */
void links_untap(struct node *n);
/* Delivers what is due; returns when it must be called again. */
uint64_t links_run(struct sup *s);

/* mux.c */
int mux_open(struct sup *s);
void mux_close(struct sup *s);
/* Makes n's two consoles out of our ends of them: to read from, to write to. */
int mux_node(struct node *n, const int people[2], const int control[2]);
/* The node's process is gone: ends its requests with an error, tells the subscribers. */
void mux_node_ended(struct node *n);
/* What was asked of it will not be answered any more. */
void mux_end_requests(struct node *n, const char *why);
/* Called some times a second: ends the requests whose node has been silent about them for too long. */
void mux_tick(struct sup *s);
/* Sets the clocks of the routers whose time has come. */
void mux_clocks(struct sup *s);
/*
 * A request of the supervisor's own: each row of the answer, then "." or "! why" once, in the end also when the node ends. False: the node has ended, or too
 * many are under way.
 */
bool mux_ask(struct node *n, const char *command, void (*own)(void *arg, const char *rest),
	     void *arg);

/* said.c: `amp router` hears the kernel on the reading end of a pipe, which is taken over, and a node's events. */
int said_open(struct node *n, int fd);
void said_close(struct node *n);
void said_event(struct node *n, const char *what, const cJSON *o);

/* rows.c: the supervisor's own tables, for requests to the node "-". Returns false when there is no such table. */
bool rows_answer(struct sup *s, struct chan *to, const char *id, const char *what);

#endif
