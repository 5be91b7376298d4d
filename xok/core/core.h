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
	bool strict;	  /* what answers XOK_EPERM ends it */
	uint64_t debt;	  /* ns its slices took from others; paid back in turns forfeited */
	uint32_t nfilter; /* filters inserted */
	struct ring *ring[XOK_ENV_RINGS]; /* each in a kernel frame, NULL: none */
};

/* How much memory the bookkeeping of a machine of this size takes, a multiple of XOK_PAGE. */
size_t xok_info_size(uint32_t nframe, uint32_t nport);

/* How much kernel memory beside it the core needs (struct xok, filters, the verifier's working memory), a multiple of XOK_PAGE. */
size_t xok_core_size(uint32_t nport, uint32_t ncpu);

struct xok_boot {
	const struct xok_machine_ops *ops;
	void *m;
	struct xok_info *info; /* zeroed, xok_info_size bytes */
	void *core;	       /* zeroed, xok_core_size bytes */
	uint32_t nframe, nport;
	uint32_t
		ncpu; /* processors that call xok_burst; 0: none but the one that makes all calls */
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
/* The link of a port that was brought up comes and goes. */
void xok_port_link(struct xok *x, uint32_t port, bool up);
/* For machines whose ports have names: as struct xok_port_info has them. */
void xok_port_name(struct xok *x, uint32_t port, const char *name, uint32_t flags, uint32_t twin);
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
/* One packet on one processor, sent on or dropped when the call returns; the frame is the core's to change until then. */
void xok_packet_in(struct xok *x, uint32_t port, void *frame, size_t len);

/*
 * Packets that arrived together at a port, for machines that poll. The frames stay where they are: what leaves is handed back, not transmitted.
 * Any number of processors may be in here at once, each with a number of its own below ncpu, while one more thread makes all other
 * calls of this header. That thread may come here, too: its number is ncpu.
 */
#define XOK_BURST 64u
#define XOK_OUT_NONE UINT32_MAX
struct xok_packet {
	uint8_t *frame;	 /* in; changed in place */
	uint32_t len;	 /* in, and out: it may have been trimmed */
	uint32_t out;	 /* out: the port it leaves by, or XOK_OUT_NONE: it is done with */
	uint16_t prog;	 /* out: 1 + index of the handler that decided; 0: none */
	uint16_t fate;	 /* out: enum xok_fate */
	uint32_t reason; /* out: XOK_FATE_DROPPED: the reason the handler gave, 0: none */
};
/* What became of a packet. Each is counted where its text says. */
enum xok_fate {
#define XOK_FATE(NAME, name, drop, text) XOK_FATE_##NAME,
#include "fates.def"
#undef XOK_FATE
	XOK_NFATE
};
void xok_burst(struct xok *x, uint32_t cpu, uint32_t port, uint64_t now, struct xok_packet *p,
	       uint32_t n);
/*
 * The machine could not transmit (queue full): counts what xok_burst handed out and did not leave, so that nothing goes uncounted. By the same
 * processor, before it is quiescent again; p as xok_burst left it. Or what ops->transmit had accepted: prog is 0 then.
 */
void xok_unsent(struct xok *x, uint32_t cpu, const struct xok_packet *p);
/* Adds what the processors counted to the bookkeeping. */
void xok_fold(struct xok *x);
void xok_cons_in(struct xok *x, uint32_t cons);

/*
 * Machines without address spaces: may e, by its capability in slot k, get the frame of a table or ring mapped with these XOK_PROT_ bits? As
 * system call `map` has it: XOK_OK, XOK_EINVAL, XOK_ENOENT or XOK_EPERM. Of a piece that was shared as one, one frame speaks for all.
 */
int xok_map_check(struct xok *x, const struct xok_env *e, uint32_t k, uint32_t frame,
		  uint32_t prot);

/*
 * Machines whose environments are processes: e's has ended by itself, why (XOK_END_EXIT with its code, XOK_END_FAULT with trapno in e->regs, XOK_END_VIOLATION),
 * so the environment does, too. XOK_ENOENT: it had ended already.
 */
int xok_env_over(struct xok *x, struct xok_env *e, uint8_t why, int32_t code);

/*
 * The environment to run now, or NULL to halt until an interrupt. *until is when the timer must fire: the end of its slice, or
 * the earliest deadline of a sleeper when idle (UINT64_MAX: none). The machine charges no time: the core does, by now().
 */
struct xok_env *xok_schedule(struct xok *x, uint64_t *until);

/* Calls fn for every environment; for the machine's panic report. */
void xok_each_env(struct xok *x, void (*fn)(void *arg, struct xok_env *e), void *arg);

#endif
