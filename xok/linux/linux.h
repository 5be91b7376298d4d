/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * linux.h - inside xokd, the exokernel as a Linux process: what its files offer each other.
 *
 * Threads. The control thread, which is the process's first, owns struct xok, makes every call of core.h but xok_burst and xok_unsent, and
 * waits in one epoll (loop.c). Each lcore runs lcore.c's loop over its ports and receive queues and touches nothing else but what is
 * marked so. Functions are the control thread's unless they say "any thread".
 */
#ifndef XOK_LINUX_H
#define XOK_LINUX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "options.h"
#include "xok/core/core.h"
#include "xok/core/machine.h"

struct xokd;

/* The exit status that asks for a new start: an environment reset the node. Others are the node's own. */
#define XOKD_EXIT_RESET 75

/* ---- loop.c: the control thread waits ---- */

struct watch {
	int fd;
	void (*fn)(void *arg, uint32_t events); /* of epoll */
	void *arg;
};
int loop_init(void);
void loop_fini(void);
/* 0, or -1 with errno. Whoever is called back may add, change and remove any watch, its own included. */
int loop_add(struct watch *w, uint32_t events);
void loop_change(struct watch *w, uint32_t events);
void loop_remove(struct watch *w);

/* Calls fn once, `ns` from now; the caller owns the entry, which may be set again at any time. */
struct timer {
	uint64_t due; /* CLOCK_MONOTONIC; 0: not set */
	void (*fn)(void *arg);
	void *arg;
	struct timer *next;
};
void loop_after(struct timer *t, uint64_t ns);
void loop_cancel(struct timer *t);

/* Calls fn on the control thread soon, once for any number of loop_soon, which any thread may call. Zeroed but for fn and arg. */
struct soon {
	void (*fn)(void *arg);
	void *arg;
	bool due; /* atomic */
	struct soon *next;
};
void loop_soon_add(struct soon *s);
void loop_soon(struct soon *s);

/* Until loop_stop, which any thread may call. */
void loop_run(void);
void loop_stop(void);

/* ---- arena.c: frames, and pieces of them that environments may map ---- */

int arena_init(struct xokd *d, uint32_t nframe);
void arena_fini(struct xokd *d);
void *arena_frame(void *d, uint32_t frame); /* any thread */
/* Machine operations. share: XOK_OK or XOK_ENOMEM. */
int arena_share(void *d, uint32_t first, uint32_t n);
void arena_unshare(void *d, uint32_t first, uint32_t n);
/*
 * The shared piece that frame `first` begins: a descriptor to hand out (the caller closes it), readable and, if asked for, writable; *n gets
 * its length in frames. XOK_ENOENT: no piece begins there. XOK_ENOMEM: no descriptor is left.
 */
int arena_piece(struct xokd *d, uint32_t first, bool writable, uint32_t *n);
/* Memory that environments may map read-only, sealed in size: the bookkeeping. NULL with errno. */
void *arena_books(struct xokd *d, size_t bytes);
/* A read-only descriptor of it (the caller closes it), or -1 with errno. */
int arena_info_fd(struct xokd *d);
/* Memory for code, seen twice: d->code[0] is written, d->code[1] executed. 0, or -1 with errno. */
int arena_code(struct xokd *d, size_t bytes);

/* ---- env*.c: environments as processes (see xok/linux.h for what they speak) ---- */

/*
 * Forks the process that starts environments, and finds out how they can be confined: before there are threads and much memory (EAL), since it is
 * a copy of this one. 0, or -1 when that was said.
 */
int envs_prepare(struct xokd *d);
int envs_init(struct xokd *d);
/* Starts the root environment's process, program "init". */
int envs_start_root(struct xokd *d);
/* Machine operations. */
int env_copyin(void *d, uint32_t root, void *dst, uint64_t src, size_t len);
int env_copyout(void *d, uint32_t root, uint64_t dst, const void *src, size_t len);
void env_doorbell(void *d, uint32_t index); /* any thread */
void env_ended(void *d, uint32_t index);
/* Ends every process, first politely; afterwards none is left. */
void envs_stop(struct xokd *d);

/* ---- console.c: FIFOs PATH.in and PATH.out, as QEMU's pipe character devices have them ---- */

/* 0, or -1 when that was said. */
int consoles_init(struct xokd *d);
/* Writes out what is queued as far as there is somebody to read it. */
void consoles_fini(struct xokd *d);
/* Machine operations. */
size_t console_write(void *d, uint32_t cons, const char *buf, size_t len);
size_t console_read(void *d, uint32_t cons, char *buf, size_t len);

/* ---- clock.c ---- */

/* Measures the time-stamp counter. 0, or -1 when that was said. */
int clock_init(void);
uint64_t clock_now(void);	     /* ns since clock_init; any thread */
uint64_t clock_at(uint64_t tsc);     /* the same, at that count; any thread */
uint64_t clock_ticks(uint64_t ns);   /* how many counts that is; any thread */
void clock_boot(struct xok_boot *b); /* tsc0, tsc_mult, wall0 */
uint64_t clock_wall0(void);	     /* wall0 as of now: UTC may have been set */

/* ---- machine.c ---- */

/* The table of operations. */
extern const struct xok_machine_ops machine_ops;
/* Brings up the core: bookkeeping, code memory, frames. 0, or -1 when that was said. */
int machine_start(struct xokd *d);
void machine_stop(struct xokd *d);

/* ---- port.c, lcore.c: see port.h ---- */

/* Transmits from the control thread or from a handler's helper on an lcore: copies the frame. XOK_OK or XOK_EAGAIN. */
int port_transmit(void *d, uint32_t port, const void *frame, size_t len);
/* Waits until every lcore has left the burst it was in. */
void lcores_quiesce(void *d);

/* The one instance. */
struct xokd {
	struct options opt;
	struct xok *xok;
	struct xok_info *info; /* the bookkeeping, in shared memory */
	size_t info_bytes;     /* the core's part and what the machine appends */
	struct {
		void *at;
		size_t bytes;
	} core, code[2]; /* the core's own memory; code as it is written and as it is executed */
	uint32_t nframe;
	bool stopping; /* on the way down: nothing new is begun */
	bool eal;      /* DPDK runs */
	int exit_status;
	/* Each part's own. */
	struct arena *arena;
	struct envs *envs;
	struct ports *ports;
	struct lcores *lcores;
	struct consoles *consoles;
};

/* ---- log.c: "xokd: port lan: ..." to standard error, with the journal's level in front where that is what reads it ---- */

void log_init(void);
void say(const char *fmt, ...) __attribute__((format(printf, 1, 2))); /* any thread */
/* The control thread, of what an environment can bring about as often as it likes: lines that are too many are only counted. */
void say_often(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* It goes on, but perhaps not as was meant. */
void say_warning(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Something is wrong. Returns -1. */
int say_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
