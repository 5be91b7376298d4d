/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * amp.h - the library operating system: time, randomness, one event loop, packets, consoles, environments.
 *
 * One API over three backends. libamp/pc and libamp/linux run on the exokernel, on bare metal and under xokd: rings and filters are the kernel's,
 * environments are processes of ours. libamp/host runs in a Linux process (the testbed's edge nodes): ports are Unix datagram sockets, the
 * demultiplexer is the same DPF in the process, and environments are not offered. Code above this header reads no
 * clock, no random source and no file but through it, and never blocks but in amp_run.
 *
 * Single-threaded: every callback runs from amp_run, one at a time. Errors are negative XOK_E... codes.
 */
#ifndef AMP_AMP_H
#define AMP_AMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "xok/abi.h"
#include "xok/filter.h"
#include "xok/lcore.h"

/* ---- time, randomness, log ---- */

uint64_t amp_now(void);			/* monotonic ns */
uint64_t amp_wall(void);		/* UTC, ns since 1970 */
void amp_wall_set(uint64_t utc_ns);	/* corrects amp_wall of this environment only */
void amp_random(void *buf, size_t len); /* cryptographic */

/* One line to console 0 (host: standard error), with the program's name before it. */
void amp_log(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void amp_fatal(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* ---- event loop ---- */

struct amp_timer {
	uint64_t at;
	void (*fn)(void *arg);
	void *arg;
	uint32_t heap; /* 1 + place in the heap; 0: not set. The library's. */
};

/* (Re)arms a timer whose fn and arg the caller filled in; at most AMP_TIMERS at a time, XOK_ENOMEM beyond. */
#define AMP_TIMERS 1024u
int amp_timer_at(struct amp_timer *t, uint64_t at);
int amp_timer_in(struct amp_timer *t, uint64_t delay);
void amp_timer_cancel(struct amp_timer *t);

/* Runs until amp_stop; returns its code. */
int amp_run(void);
void amp_stop(int code);

/* Handler of event bits >= XOK_EV_USER and of XOK_EV_CHILD that arrive (host: posted with amp_post). One handler. */
void amp_on_events(void (*fn)(void *arg, uint32_t bits), void *arg);
/* Posts bits to this program itself. */
void amp_post(uint32_t bits);

/*
 * Readiness of a descriptor (linux, host): fn is called from amp_run when it is readable or its other end is gone. XOK_OK, XOK_EBUSY (watched already),
 * XOK_ENOMEM (64 at most), or XOK_ENOSYS on pc, which has no descriptors.
 */
int amp_watch(int fd, void (*fn)(void *arg, int fd), void *arg);
void amp_unwatch(int fd);

/* ---- packets ---- */

uint32_t amp_ports(void); /* how many; numbered from 0 */
const struct xok_port_info *amp_port(uint32_t port);
/* What a processor of machine linux does; NULL: past the last, or no such machine. */
const struct xok_lcore_info *amp_lcore_info(uint32_t index);

struct amp_packet {
	uint8_t *data; /* Ethernet frame; the receiver may write to it until it returns */
	size_t len;
	uint32_t port;
	uint64_t time;	 /* arrival, monotonic ns */
	uint32_t queued; /* packets waiting behind it in the same ring */
};

/* A receive ring of nslots (a power of two, 2..XOK_RING_MAX); fn is called for each packet. NULL: no memory or quota. */
struct amp_ring;
struct amp_ring *amp_ring_open(uint32_t nslots, void (*fn)(void *arg, struct amp_packet *p),
			       void *arg);
void amp_ring_close(struct amp_ring *r);

/* Directs packets to a ring; returns the filter id or an error. */
int64_t amp_filter_add(struct amp_ring *r, const struct xok_filter *f);
int amp_filter_remove(uint32_t id);

/* Sends one Ethernet frame gathered from n <= XOK_NIOV parts; XOK_EAGAIN when the port's queue is full. */
int amp_transmit(uint32_t port, const struct xok_iov *iov, uint32_t n);

/* ---- tables and downloaded programs (pc, linux; the host backend answers XOK_ENOSYS, and has none) ---- */

/* Makes an empty table, charged to us; its id or an error. */
int64_t amp_table_create(const struct xok_table_spec *spec);
int amp_table_destroy(uint32_t id);
/*
 * A table of ours by its name: its id, or XOK_ENOENT. On linux an environment may be run by a new process in place of one that was lost
 * (amp_starts); what the first one made is still there and at work. Tables that the new process finds in this way are its own from then on; filters equal to
 * old ones take their place and keep their handler until another is bound. Whatever was not taken over when amp_run waits for the first
 * time (rings with their filters, programs, tables) is given back then.
 */
int64_t amp_table_find(const char *name);
/* How many processes have run this environment, ours included: 1 but on linux. */
uint32_t amp_starts(void);
int amp_table_update(uint32_t id, const struct xok_table_update *u);
/* The same with several, in order, many of them in one crossing. Returns how many were made; when these are fewer than n, *err says why the next was not. */
uint32_t amp_table_update_many(uint32_t id, const struct xok_table_update *u, uint32_t n, int *err);
/*
 * The table's memory in our address space, as xok/table.h says who may write where; mapped at the first call and until the table is
 * destroyed. NULL: no such table, or not ours to see.
 */
void *amp_table_map(uint32_t id);
/* Of an ARRAY: where the values start, writable, and how many bytes they are. NULL likewise. */
void *amp_table_memory(uint32_t id, size_t *bytes);

/*
 * Has the kernel verify and compile a program; `spec->report` is ours to fill in. Its id, or an error with a line for people in why: what
 * the verifier says, or what the error means here.
 */
#define AMP_WHY 384u
int64_t amp_prog_load(const struct xok_prog_spec *spec, char why[AMP_WHY]);
int amp_prog_unload(uint32_t id);
/* From now on the packets of a filter of ours go to this program of ours; 0: to the filter's ring again. */
int amp_handler_bind(uint32_t filter, uint32_t prog);
/* Budget a second that the handlers of env (0: ours) may use together. */
int amp_handler_rate(uint32_t env, uint64_t rate);

/* The open bookkeeping: entries from 0; NULL: a free entry, or past the last. */
uint32_t amp_progs(void);
const struct xok_prog_info *amp_prog_info(uint32_t index);
uint32_t amp_tables(void);
const struct xok_table_info *amp_table_info(uint32_t index);

/* ---- consoles ---- */

/* fn gets each complete line without its newline; lines over AMP_LINE bytes are cut and reported with cut = true. */
#define AMP_LINE 8192u
int amp_cons_open(uint32_t cons, void (*fn)(void *arg, char *line, bool cut), void *arg);
/* Writes everything. Returns 0 or an error; XOK_EAGAIN: nobody reads the console, and the rest was dropped. */
int amp_cons_write(uint32_t cons, const void *buf, size_t len);

_Noreturn void amp_power_off(void); /* host: ends the process */

/* ---- files that came with the boot (root environment; pc: the boot archive, linux: xokd's --boot, host: not offered) ---- */

const void *amp_boot_file(const char *name, size_t *len);
/* The next amp_boot_file reads it again from where it came; what the last one returned is gone. XOK_ENOSYS: there is nowhere (pc, host). */
int amp_boot_forget(const char *name);

/*
 * A netlink socket of the host's routing, bound to these groups (RTMGRP_ bits), non-blocking, to look and listen: a descriptor, or XOK_ENOSYS where there is none (pc,
 * host, or xokd without --netlink), XOK_EPERM but for the root environment. Its messages are linux/rtnetlink.h's.
 */
int amp_netlink(uint32_t groups);

/* ---- environments (pc, linux; the host backend answers XOK_ENOSYS) ---- */

struct amp_share {
	void *addr;  /* page-aligned memory of the caller from amp_share_alloc */
	uint64_t at; /* where the child sees it: in [AMP_SHARE_VA, +1 GiB) */
	size_t len;
	bool write;
};
#define AMP_SHARE_VA 0x0000600000000000ull

struct amp_spawn {
	const char *file; /* static ELF in the boot archive (linux: in the program directory) */
	const char *const *argv; /* NULL-terminated, at most 15; argv[0] names the environment */
	uint32_t frames;	 /* its quota, taken from ours */
	struct xok_cap cap;	 /* its slot 0; must be dominated by our slot 0 */
	const struct amp_share *share;
	uint32_t nshare;
	bool may_notify_us; /* adds its capability, N only, to our access list */
	bool strict; /* trying what its capabilities do not permit ends it, rather than XOK_EPERM */
};

/* Memory that can be shared: page aligned, zeroed. */
void *amp_share_alloc(size_t len);

/* Starts a child with one slice. Returns its environment id or an error; nothing is left behind on an error. */
int64_t amp_spawn(const struct amp_spawn *s);
/* Ends an environment and its descendants, or releases the entry of one that has ended (XOK_EV_CHILD told). */
int amp_env_destroy(uint32_t id);
/*
 * Replaces access entry `index` < XOK_NACL of a resource (enum xok_resource) that our slot 0
 * controls: this is how a child gets at a port or a console. Entry 0 is ours from the start; valid = 0
 * clears an entry.
 */
int amp_grant(uint32_t resource, uint32_t id, uint32_t index, const struct xok_cap *entry);
int amp_env_notify(uint32_t id, uint32_t bits);
const struct xok_env_info *amp_env_info(uint32_t id); /* NULL: stale id */
uint32_t amp_self(void);
uint32_t amp_parent(void);

const char *amp_strerror(int err); /* "EPERM: the named capability does not allow this" */

#endif
