/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fake.h - a machine in memory: frames are pages of one piece of it, page tables are lists, code
 * memory is a file that is mapped twice, time stands still until told. Beside it, what every test of the core wants: a root environment with some
 * memory, system calls by name, and the check of the kernel's own books.
 */
#ifndef XOK_CORE_FAKE_H
#define XOK_CORE_FAKE_H

#include "xok/core/kernel.h"

/* One page table of the lowest level; the levels above are not imitated, but the root. */
struct fake_table {
	struct fake_table *next;
	uint32_t root, frame;
	uint64_t base;
	struct {
		uint32_t frame, prot;
	} pte[512];
};

#define FAKE_CPUS 4u

struct fake {
	struct xok *x;
	struct xok_env *root;
	struct xok_info *info;
	void *core;
	uint32_t nframe, nport;
	uint8_t *frames;
	uint8_t **page; /* where each frame stands in `frames` */
	uint8_t *code_w, *code_x;
	size_t code_bytes;
	struct fake_table *tables;
	uint64_t now;
	uint64_t now_step; /* added each time somebody asks */
	uint64_t quota;	   /* of the root environment at the start */

	char cons[2][8192]; /* what was written */
	size_t cons_len[2];
	const char *cons_waiting; /* what can be read from either console */

	uint8_t tx[XOK_FRAME_MAX]; /* the last frame that was sent */
	uint32_t tx_port, tx_count;
	size_t tx_len;
	bool tx_full;
	bool powered;
	uint32_t power_how, power_status;

	/* Of a machine with several processors and without address spaces. */
	uint32_t ncpu;
	uint8_t *message;		    /* stands for all user memory, from MEM on */
	uint32_t epoch[FAKE_CPUS];	    /* odd: that processor is in a burst */
	uint32_t quiesced;		    /* how often */
	void (*on_quiesce)(struct fake *f); /* called each time, or NULL */
	uint32_t rung[XOK_NENV], ended[XOK_NENV];
	uint8_t *piece;	      /* of each frame: 1 begins a shared piece, 2 belongs to one */
	uint32_t share_fails; /* the one after so many more, 0: none */
};

/*
 * A machine with frames 1..nframe-1 free and all ports up, and a root environment that runs; with
 * so much code memory.
 */
void fake_init(struct fake *f, uint32_t nframe, uint32_t nport, size_t code_bytes);
/*
 * The same with so many processors beside the one that makes the calls, and without address spaces:
 * what an environment hands over stands in one message for all.
 */
void fake_init_cpus(struct fake *f, uint32_t nframe, uint32_t nport, size_t code_bytes,
		    uint32_t ncpu);
/* A burst on a processor, as quiesce expects it: from enter to leave it holds what it sees. */
void fake_enter(struct fake *f, uint32_t cpu);
void fake_leave(struct fake *f, uint32_t cpu);
void fake_fini(struct fake *f);

/* The root environment's memory, all of it readable and writable. */
#define MEM 0x400000ull
#define MEM_PAGES 4u
#define MEM_SIZE (MEM_PAGES * XOK_PAGE)
#define CODE 0x200000ull /* an address for rip; nothing is mapped there */

/* User memory of an environment, checked: the test fails when it is not mapped. */
void poke(struct fake *f, struct xok_env *e, uint64_t va, const void *data, size_t len);
void peek(struct fake *f, struct xok_env *e, uint64_t va, void *data, size_t len);

int64_t call6(struct fake *f, struct xok_env *e, uint64_t nr, const uint64_t arg[6]);
#define CALL(f, e, name, ...) call6(f, e, XOK_SYS_##name, (const uint64_t[6]){__VA_ARGS__})

/* What several tests need of the root environment: each fails the test when a call fails. */
struct xok_env *child_new(struct fake *f, uint32_t quota, const char *cap_name);
void child_run(struct fake *f, struct xok_env *e);
uint32_t frame_new(struct fake *f, struct xok_env *e, uint32_t slot);
void frames_new(struct fake *f, struct xok_env *e, uint32_t slot, uint32_t *frame, uint32_t n);
struct xok_cap cap_of(const char *name, uint8_t perms);
int64_t forge(struct fake *f, struct xok_env *e, uint32_t from, uint32_t to, struct xok_cap want);
int64_t set_acl(struct fake *f, struct xok_env *e, uint32_t k, uint32_t resource, uint32_t id,
		uint32_t index, struct xok_cap entry);
struct xok_env *env_of(struct fake *f, int64_t id);

/*
 * The kernel's books, recomputed from the machine's page tables, rings and control pages: types,
 * references, charges, quotas, capability and filter counts. NULL when all is well, or what is
 * not.
 */
const char *books(struct fake *f);

#endif
