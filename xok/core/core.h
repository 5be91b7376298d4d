/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * core.h - the machine-independent kernel: protection and multiplexing, with no state outside struct xok.
 *
 * The machine calls in from one processor with interrupts off: xok_syscall, xok_trap, xok_tick, xok_packet_in,
 * xok_cons_in; after each it asks xok_schedule what to run. The kernel never blocks and has one stack: an environment's
 * registers live in its struct xok_env while it does not run.
 *
 * Memory the core needs is given at xok_init (bookkeeping, sized by xok_info_size) or comes out of the frame table. The
 * bookkeeping tables are the core's own tables: what environments read is what the kernel uses.
 */
#ifndef XOK_CORE_H
#define XOK_CORE_H

#include "machine.h"
#include "xok/abi.h"
#include "xok/filter.h"

struct dpf;
struct ring;

/* How much of a rate is left: units a second, saved up for an eighth of a second. */
struct xok_rate {
	uint64_t rate, since;
	int64_t left; /* below 0: owed */
};

struct xok_env {
	struct xok_env_info *info;
	struct xok_regs
		regs;  /* user registers while not running; the machine loads and stores them */
	uint32_t root; /* frame of the top-level page table */
	uint32_t uenv_frame; /* pinned control page, 0 before env_run */
	uint64_t uenv_va;
	uint32_t events, sleep_mask;
	uint64_t deadline;
	uint32_t overrun; /* ticks since an unanswered slice-end upcall; 0: none outstanding */
	void *fpu;	  /* the machine's */

	/* The core's own. */
	bool strict;	      /* what answers XOK_EPERM ends it */
	uint64_t debt;	      /* ns its slices took from others; paid back in turns forfeited */
	uint32_t nfilter;     /* filters inserted */
	struct xok_rate rate; /* of its handlers */
	struct ring *ring[XOK_ENV_RINGS]; /* each in a kernel frame, NULL: none */
};

/* How much memory the bookkeeping of a machine of this size takes, a multiple of XOK_PAGE. */
size_t xok_info_size(uint32_t nframe, uint32_t nport);

/* How much kernel memory beside it the core needs (struct xok, filters, the verifier's working memory), a multiple of XOK_PAGE. */
size_t xok_core_size(uint32_t nport);

struct xok_boot {
	const struct xok_machine_ops *ops;
	void *m;
	struct xok_info *info; /* zeroed, xok_info_size bytes */
	void *core;	       /* zeroed, xok_core_size bytes */
	uint32_t nframe, nport;
	uint64_t tsc0, tsc_mult, wall0, boot_len;
	/* Memory for generated code, seen twice: written at code_w, executed at code_x, where it cannot be written. 0 bytes: programs are interpreted. */
	uint8_t *code_w;
	const uint8_t *code_x;
	size_t code_bytes;
};

/* All frames start as XOK_FRAME_KERNEL; xok_frame_release makes one free for environments. */
struct xok *xok_init(const struct xok_boot *b);
void xok_frame_release(struct xok *x, uint32_t frame);
void xok_port_up(struct xok *x, uint32_t port, const uint8_t mac[6], uint16_t mtu);
struct xok_port_info *xok_port(struct xok *x, uint32_t port);

/*
 * The root environment: allocated with the empty, all-permitting capability in slot 0, owner of every resource (ports,
 * consoles, power, processor), a quota of all free frames and one slice. The machine then maps its image with
 * xok_root_page (allocates a zeroed user frame charged to it, maps it, returns the kernel's pointer to it or NULL) and
 * starts it with xok_root_run.
 */
struct xok_env *xok_root_env(struct xok *x, const char *name);
void *xok_root_page(struct xok *x, struct xok_env *root, uint64_t va, uint32_t prot);
void xok_root_run(struct xok *x, struct xok_env *root, uint64_t rip, uint64_t rsp);

/* nr is rax as it came; numbers outside the table's range must be reflected by the machine with xok_reflect. */
int64_t xok_syscall(struct xok *x, struct xok_env *e, uint64_t nr, const uint64_t arg[6]);
/* Turns e->regs into an upcall to its XOK_UP_SYSCALL entry: rcx = rip, r11 = rflags; ends e if it has none. */
void xok_reflect(struct xok *x, struct xok_env *e);
/* An exception in e, whose registers, trapno, error and addr stand in e->regs: upcall or end. */
void xok_trap(struct xok *x, struct xok_env *e);
/* The slice timer fired; e is the environment it interrupted (registers in e->regs) or NULL when idle. */
void xok_tick(struct xok *x, struct xok_env *e);
/* The frame is the core's to change until the call returns. */
void xok_packet_in(struct xok *x, uint32_t port, void *frame, size_t len);
void xok_cons_in(struct xok *x, uint32_t cons);

/*
 * The environment to run now, or NULL to halt until an interrupt. *until is when the timer must fire: the end of its slice, or
 * the earliest deadline of a sleeper when idle (UINT64_MAX: none). The machine charges no time: the core does, by now().
 */
struct xok_env *xok_schedule(struct xok *x, uint64_t *until);

/* Calls fn for every environment; for the machine's panic report. */
void xok_each_env(struct xok *x, void (*fn)(void *arg, struct xok_env *e), void *arg);

#endif
