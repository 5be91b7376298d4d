/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kernel.h - inside the core: struct xok and what its files offer each other. No machine and no
 * environment sees this.
 *
 * Functions named sys_* carry out one system call each. They get decoded arguments (syscall.c),
 * make every check that is left, and then change state with steps that cannot fail.
 */
#ifndef XOK_KERNEL_H
#define XOK_KERNEL_H

#include "core.h"
#include "xok/dpf/dpf.h"
#include "xok/handler.h"
#include "xok/sysnum.h"
#include "xok/table/table.h"
#include "xok/vcode/vcode.h"

/* The compiler's own needs; the machine supplies them where there is no C library. */
void *memcpy(void *restrict dst, const void *restrict src, size_t len);
void *memset(void *dst, int c, size_t len);
int memcmp(const void *a, const void *b, size_t len);

#define XOK_NCONS 2u
#define XOK_NFILTER (XOK_NENV * XOK_ENV_FILTERS)
#define XOK_DPF_ARENA (512u << 10)
#define XOK_RING_FRAMES (1u + XOK_RING_MAX / 2)
#define XOK_RFLAGS_USER 0x202u /* interrupts on, nothing else */
#define XOK_NCPU 1u
#define XOK_DPF_CODE (64u << 10) /* of the code memory, for each port's demultiplexer */
#define XOK_CALL_DEPTH 4u	 /* programs that call each other */
#define XOK_ROOT_PART 4u /* of what all share, one such part is kept for the root environment */

/*
 * The kernel's side of a packet ring. Stands in a kernel frame of its own, charged to the
 * environment.
 */
struct ring {
	uint32_t self; /* that frame */
	uint32_t nframe, nslots;
	uint32_t head; /* the true one; the header page's copy is for the environment */
	struct xok_ring *shared;
	struct xok_slot *slot[XOK_RING_MAX]; /* by the kernel's own view, as is the header */
	uint32_t frame[XOK_RING_FRAMES];
};
_Static_assert(sizeof(struct ring) <= XOK_PAGE, "a ring's frame holds it");

/* What stands before a packet's data in its slot: a struct xok_slot without the data. */
struct arrival {
	uint16_t len, port;
	uint32_t filter;
	uint64_t time;
};
_Static_assert(sizeof(struct arrival) == offsetof(struct xok_slot, data), "head of a slot");

/* One inserted filter. Entry i belongs to environment index i / XOK_ENV_FILTERS. */
struct filter {
	struct xok_cap cap; /* inserted with */
	uint32_t ring;	    /* of its environment */
	uint32_t gen;
	uint16_t nports; /* demultiplexers that still hold it; 0: free */
	uint16_t prog;	 /* its handler: index + 1, 0: none */
};

/*
 * A port's demultiplexer. It knows a filter by its index in `bind`, which leads to the filter
 * (index + 1, 0: free): so a filter is taken over by a dominating one in place, which cannot fail.
 */
struct demux {
	struct dpf *dpf;
	uint32_t tried; /* during filter_insert: the index that was inserted, or the equal one's */
	bool equal;	/* it is the equal one's */
	uint16_t bind[XOK_NFILTER];
};

/* The kernel's side of a table; the rest stands in the bookkeeping, at the same index. */
struct table {
	uint32_t gen;
	uint32_t head; /* RING: the true one */
	bool released; /* given back: it lives on for the programs that use it */
	void *mem;
	uint8_t *values; /* ARRAY, PERCPU: what programs access, and how many bytes */
	uint32_t bytes;
	void *lpm; /* LPM4, LPM6: what x->lpm made for it */
};

/*
 * A loaded program. Its frames hold instructions, read-only data and private data, in this order. A
 * program calls only such as were loaded before it: so none is active twice, and one struct vc_run
 * each, prepared when it is loaded, is enough.
 */
struct prog {
	struct xok *x;
	struct xok_prog_info *info; /* id 0: free */
	struct xok_env *env;
	uint32_t gen;
	uint32_t first, nframe;
	uint32_t code_at, code_frames; /* its place in the code memory, and what it is charged */
	uint32_t callers;
	uint32_t height; /* 1 + the greatest of its callees': which of the stacks it uses */
	uint32_t min_len, budget;
	uint32_t toll; /* of each run, beside what it spends */
	struct xok_rate rate;

	/* What it may reach. */
	uint32_t ntable, ncallee;
	uint8_t table[XOK_PROG_TABLES]; /* index */
	uint8_t writable;		/* bit n: table n */
	struct prog *callee[XOK_PROG_CALLEES];

	/* The run. */
	int64_t given;	/* the budget it started with */
	uint32_t limit; /* how much of the packet there is to trim; 0: it was called by another */
	struct xok_handler_ctx ctx;
	const uint8_t *base; /* compiled code; NULL: it is interpreted */
	struct vc_code code;
	struct vc_prog vc;
	struct vc_run run;
};

struct cons {
	struct xok_cap acl[XOK_NACL];
	uint32_t owner; /* environment that XOK_EV_CONS goes to, 0: none yet */
};

struct xok {
	const struct xok_machine_ops *ops;
	void *m;

	/* The open bookkeeping: the kernel's own tables. */
	struct xok_info *info;
	struct xok_env_info *env_info;
	struct xok_frame_info *frame;
	struct xok_port_info *port;
	struct xok_prog_info *prog_info;
	struct xok_table_info *table_info;
	uint32_t *slice; /* environment id of each entry of the quantum vector, 0: free */
	uint32_t nframe, nport;

	uint32_t frame_list; /* first free frame, 0: none */
	uint32_t gen[XOK_NENV];
	struct xok_env env[XOK_NENV];

	struct xok_env *current, *handoff; /* who runs; who was yielded to by name */
	uint32_t slice_pos;
	uint64_t slices;     /* bit n: entry n of the quantum vector is not free */
	uint64_t timed;	     /* bit n: environment index n may sleep until a deadline */
	uint64_t slice_end;  /* when the timer must fire */
	uint64_t slice_over; /* when the slice ended whose upcall is unanswered */
	uint64_t since;	     /* time up to which run_ns and idle_ns are charged */
	bool rotate;	     /* the rest of the slice is given up */

	struct cons cons[XOK_NCONS];
	struct xok_cap power_acl[XOK_NACL], cpu_acl[XOK_NACL];

	struct filter filter[XOK_NFILTER];
	struct demux *demux; /* one a port */

	/* Downloaded code. */
	uint32_t cpu;	 /* vc_cpu() */
	uint8_t *code_w; /* code memory of programs, as it is written and as it is executed */
	const uint8_t *code_x;
	uint32_t code_bytes;
	struct table table[XOK_NTABLE];
	const struct tbl_lpm_ops *lpm;
	struct prog prog[XOK_NPROG];
	_Alignas(16) uint8_t stack[XOK_CALL_DEPTH][VC_STACK_BYTES]; /* of programs, by height */
	void *scratch;						    /* the verifier's */

	bool in_batch;
	uint8_t tx[XOK_FRAME_MAX];
	_Alignas(16) uint8_t buf[2][XOK_PAGE]; /* arguments read from user memory; [1] in a batch */
};

/* A decoded argument. `raw` is the register; the other members as its kind says. */
struct arg {
	uint64_t raw;
	union {
		const struct xok_cap *cap; /* K: the caller's slot, perhaps empty */
		struct xok_env *env;	   /* ENV: not ended, but for env_destroy */
		const void *in;		   /* IN, INV: the kernel's copy */
	};
};

#define XOK_SYSCALL(nr, name, args, contract) \
	int64_t sys_##name(struct xok *x, struct xok_env *e, const struct arg *a);
#include "xok/syscalls.def"
#undef XOK_SYSCALL

/* cap.c */
bool cap_dominates(const struct xok_cap *a, const struct xok_cap *b);
bool cap_grants(const struct xok_cap *c, const struct xok_cap *acl, uint32_t n, uint8_t need);
void acl_first(struct xok_cap *acl, uint32_t n, const struct xok_cap *c);

/*
 * frame.c. frame_room asks, frame_take performs: it cannot fail after frame_room. A frame is given
 * back when it is released (by its holder) and unreferenced (no mapping, no pin); its owner is
 * charged until then.
 */
int frame_room(const struct xok *x, const struct xok_env *e, uint32_t n);
uint32_t frame_take(struct xok *x, struct xok_env *e, uint8_t type);
void frame_put(struct xok *x, uint32_t frame);
void frame_ref(struct xok *x, uint32_t frame);
void frame_unref(struct xok *x, uint32_t frame);
bool frame_is_user(const struct xok *x, uint64_t frame);
bool frame_grants(const struct xok *x, const struct xok_cap *c, uint32_t frame, uint8_t need);
void frame_retire(struct xok *x, struct xok_env *e, struct xok_env *heir);
uint32_t frame_find_run(const struct xok *x, uint32_t n);
void frame_take_run(struct xok *x, struct xok_env *e, uint8_t type, uint32_t first, uint32_t n);
bool frame_is_table(const struct xok *x, uint64_t frame);
void *frame_ptr(struct xok *x, uint32_t frame);

/* env.c */
static inline uint32_t env_index(const struct xok *x, const struct xok_env *e)
{
	return (uint32_t)(e - x->env);
}
static inline bool env_live(const struct xok_env *e)
{
	return e->info->state != XOK_ENV_FREE && e->info->state != XOK_ENV_ENDED;
}
int env_find(struct xok *x, uint64_t id, struct xok_env **e);
struct xok_env *env_by_id(struct xok *x, uint32_t id);
struct xok_env *env_new(struct xok *x, struct xok_env *parent, uint32_t quota,
			const struct xok_cap *c, const char *name, uint32_t len);
bool env_same_subtree(struct xok *x, struct xok_env *a, struct xok_env *b);
void name_copy(char *to, size_t size, const char *from, size_t len);
bool env_grants(const struct xok_env *e, const struct xok_cap *c, uint8_t need);
void env_start(struct xok_env *e, uint64_t rip, uint64_t rsp);
void env_post(struct xok_env *e, uint32_t events);
void env_end(struct xok *x, struct xok_env *e, uint8_t why);

/* map.c */
bool user_writable(struct xok *x, const struct xok_env *e, uint64_t va, uint64_t len);
int map_page(struct xok *x, struct xok_env *e, uint64_t va, uint32_t frame, uint32_t prot);
int64_t uenv_check(struct xok *x, const struct xok_env *e, uint64_t va);
void uenv_pin(struct xok *x, struct xok_env *e, uint64_t va, uint32_t frame);

/* sched.c */
uint64_t sched_account(struct xok *x);
void slice_set(struct xok *x, uint32_t i, uint32_t id);
void sched_forget(struct xok *x, struct xok_env *e);

/* ring.c */
struct ring *ring_of(const struct xok_env *e, uint64_t ring);
bool ring_put(struct xok_env *e, struct ring *r, const struct arrival *a, const void *data);
void ring_drop(struct xok *x, struct xok_env *e, uint32_t ring);

/* filter.c */
#define FILTER_INDEX_BITS 11u
static inline uint32_t filter_id(const struct xok *x, uint32_t index)
{
	return x->filter[index].gen << FILTER_INDEX_BITS | index;
}
int filter_find(const struct xok *x, uint32_t id, uint32_t *index);
void filters_drop(struct xok *x, struct xok_env *e, uint32_t ring);

/* port.c */
/* May a frame of that length leave there now? */
static inline bool port_usable(const struct xok *x, uint32_t port, size_t len)
{
	const struct xok_port_info *p = &x->port[port];

	return port < x->nport && p->up && len >= XOK_FRAME_MIN && len <= XOK_FRAME_MAX &&
	       len <= p->mtu + XOK_FRAME_MIN;
}
int port_send(struct xok *x, uint32_t port, const void *frame, size_t len);

/*
 * object.c: entries of tables that many environments share. Each entry of `info` starts with id and
 * owner, as struct xok_prog_info does.
 */
struct objects {
	const void *info;
	size_t size; /* of an entry */
	uint32_t n, per_env, per_subtree;
};
int64_t object_room(struct xok *x, struct xok_env *e, const struct objects *o);
uint32_t object_generation(uint32_t *gen, uint32_t n);
int object_find(const struct objects *o, uint32_t id, uint32_t gen, uint32_t *index);

/* tables.c */
int table_find(const struct xok *x, uint32_t id, uint32_t *index);
void table_ref(struct xok *x, uint32_t index);
void table_unref(struct xok *x, uint32_t index);
bool table_page_writable(const struct xok *x, uint32_t frame);
void tables_retire(struct xok *x, struct xok_env *e, struct xok_env *heir);

/* code.c */
int64_t code_find(struct xok *x, struct xok_env *e, uint32_t size);

/* prog.c */
int prog_find(const struct xok *x, const struct xok_env *e, uint32_t id, uint32_t *index);
void prog_ref(struct xok *x, uint16_t prog);
void prog_unref(struct xok *x, uint16_t prog);
void progs_drop(struct xok *x, struct xok_env *e);

/* handler.c */
bool rate_refill(struct xok_rate *r, uint64_t now);
void rate_set(struct xok_rate *r, uint64_t rate, uint64_t now);
int prog_run(struct prog *p, uint8_t *window, uint32_t len, int64_t budget);
bool handler_packet(struct prog *p, void *frame, struct arrival *a);

static inline bool rate_open(struct xok_rate *r, uint64_t now)
{
	return r->left > 0 || rate_refill(r, now);
}

/* helpers.c, checksum.c */
extern const vc_helper_fn handler_fns[VC_NHELPER];
uint32_t checksum(const void *data, size_t len);

/* cons.c */
void cons_forget(struct xok *x, const struct xok_env *e);

/* upcall.c: how a slice's end reached the environment. */
enum upcall_result {
	UPCALL_NONE, /* it has no entry for it */
	UPCALL_DONE, /* entered, or noted in slice_pending */
	UPCALL_BAD,  /* its control page holds no usable entry or stack */
};
enum upcall_result upcall_slice_end(struct xok *x, struct xok_env *e);

/* log.c */
void log_ended(struct xok *x, const struct xok_env *e);

#endif
