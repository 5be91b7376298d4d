/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * machine.h - what the kernel core asks of the machine below it. One constant table of functions per machine, passed to
 * xok_init; `m` is the machine's own state. No function here may call back into the core, but for pt_alloc
 * (handed to map_set). No function blocks.
 */
#ifndef XOK_MACHINE_H
#define XOK_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "xok/abi.h"

struct tbl_lpm_ops;
struct xok;
struct xok_env;

struct xok_machine_ops {
	/* Time and randomness. */
	uint64_t (*now)(void *m); /* monotonic ns */
	void (*random)(void *m, void *buf, size_t len);

	/* The kernel's own view of a frame; valid for every frame below nframe. Consecutive frames are consecutive in it. */
	void *(*frame_ptr)(void *m, uint32_t frame);

	/*
	 * Address spaces. `root` is the frame of the top-level page table. space_init fills a zeroed frame
	 * with the kernel's half. map_get returns the frame mapped at va and stores its XOK_PROT_ bits, or -1. map_set
	 * writes one PTE (prot 0 clears it), calling pt_alloc(arg) for each page table it lacks: XOK_ENOMEM or
	 * XOK_EQUOTA from pt_alloc is passed on with nothing changed but empty page tables. space_free visits every
	 * user mapping (unmap) and every page table, the root last (pt_free). The space may be the one that is
	 * loaded: the machine leaves it first.
	 */
	void (*space_init)(void *m, uint32_t root);
	int64_t (*map_get)(void *m, uint32_t root, uint64_t va, uint32_t *prot);
	int (*map_set)(void *m, uint32_t root, uint64_t va, uint32_t frame, uint32_t prot,
		       int64_t (*pt_alloc)(void *arg), void *arg);
	void (*space_free)(void *m, uint32_t root, void (*unmap)(void *arg, uint32_t frame),
			   void (*pt_free)(void *arg, uint32_t frame), void *arg);

	/*
	 * User memory of the current environment, by its address space. The whole range is checked to be user memory that may be
	 * read (written) before the first byte moves. XOK_EFAULT otherwise.
	 */
	int (*copyin)(void *m, uint32_t root, void *dst, uint64_t src, size_t len);
	int (*copyout)(void *m, uint32_t root, uint64_t dst, const void *src, size_t len);

	/* Extended processor state (XSAVE) of an environment, in memory the machine sizes; fresh state when init. */
	void (*fpu_init)(void *m, struct xok_env *e);

	/* Sends one frame that lies in kernel memory: XOK_OK, or XOK_EAGAIN when the queue is full. */
	int (*transmit)(void *m, uint32_t port, const void *frame, size_t len);

	/* Consoles 0 and 1: queue output, as much as there is room for, and read what has arrived; how many bytes. */
	size_t (*cons_write)(void *m, uint32_t cons, const char *buf, size_t len);
	size_t (*cons_read)(void *m, uint32_t cons, char *buf, size_t len);

	/* What answers longest-prefix lookups (xok/table/table.h); NULL: the tables themselves. */
	const struct tbl_lpm_ops *lpm;

	/*
	 * Several processors; NULL where there is one. quiesce returns when every processor has left the xok_burst that it was in when quiesce was
	 * called, and made the xok_unsent calls that belong to it: what was unpublished before is nobody's any more. From then on each also executes code
	 * memory as it was written before the call (Intel SDM volume 3, 8.1.3: it has serialised; on Linux membarrier does that).
	 * doorbell: events were posted for an environment (called by any thread);
	 * machines without address spaces have it.
	 */
	void (*quiesce)(void *m);
	void (*doorbell)(void *m, uint32_t env);

	/*
	 * Machines whose environments have address spaces of their own making (space_init to space_free are NULL there, and frames cannot be
	 * mapped by a call). share makes consecutive frames, whose contents stay, one piece that the machine can offer to environments; unshare
	 * ends that, before they are given back: 0 or XOK_ENOMEM. ended: the environment is over, its process goes, too.
	 */
	int (*share)(void *m, uint32_t first, uint32_t n);
	void (*unshare)(void *m, uint32_t first, uint32_t n);
	void (*ended)(void *m, uint32_t env);

	/* XOK_POWER_...; does not return. */
	void (*power)(void *m, uint32_t how, uint32_t status);
};

#endif
