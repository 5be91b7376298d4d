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
#define XOK_LINE 64u		 /* bytes of a cache line */
#define XOK_RFLAGS_USER 0x202u	 /* interrupts on, nothing else */
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
	uint32_t lock; /* held by who puts a packet in */
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
	uint16_t nports;	/* demultiplexers that still hold it; 0: free */
	uint16_t prog;		/* its handler: index + 1, 0: none */
	bool going;		/* about to be removed */
	struct xok_filter spec; /* as it was inserted, for people */
};

/*
 * A port's demultiplexer. It knows a filter by its index in `bind`, which leads to the filter
 * (index + 1, 0: free): so a filter is taken over by a dominating one in place, which cannot fail.
 * Where several processors match, there is a second one, which none of them sees: filter.c.
 */
struct demux {
	struct dpf *dpf;
	struct dpf *spare; /* the same one, where there is one processor */
	uint32_t tried; /* during filter_insert: the index that was inserted, or the equal one's */
	bool equal;	/* it is the equal one's */
	bool changed;	/* the spare one differs */
	uint16_t bind[XOK_NFILTER];
};

/* The kernel's side of a table; the rest stands in the bookkeeping, at the same index. */
struct table {
	uint32_t gen;
	uint32_t head; /* RING: the true one */
	uint32_t
		lock; /* held by who changes it, or takes tokens; LPM: nobody but system calls does */
	uint32_t shared;	/* pages that the machine offers to environments */
	bool released;		/* given back: it lives on for the programs that use it */
	struct xok_env *reader; /* RING: who is told of records, NULL: nobody */
	void *mem;
	uint32_t bytes; /* ARRAY, PERCPU: what programs access directly; others 0 */
	void *lpm;	/* LPM4, LPM6: what x->lpm made for it */
};

/*
 * A loaded program. Its frames hold instructions, read-only data and the private data of each
 * processor, in this order. While it is bound nothing here changes but `callers`.
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
	uint32_t toll;	/* of each run, beside what it spends */
	uint32_t ports; /* that it may send through */

	/* What it may reach. */
	uint32_t ntable, ncallee;
	uint8_t table[XOK_PROG_TABLES]; /* index */
	uint8_t writable;		/* bit n: table n */
	struct prog *callee[XOK_PROG_CALLEES];
	struct xok_lookahead ahead[XOK_PROG_LOOKAHEAD]; /* table 0: none */
	bool looks;					/* there is one */

	const uint8_t *base; /* compiled code; NULL: it is interpreted */
	vc_entry_fn entry;   /* there */
	struct vc_code code;
	struct vc_prog vc;
	uint8_t *
		data; /* private data of the first processor; that of the next so much further on */
	size_t data_step;
};

/* How much of a rate is left: units a second, saved up for an eighth of a second. */
struct rate {
	uint64_t want; /* what it should be: whoever spends it takes that over */
	uint64_t rate, since;
	int64_t left; /* below 0: owed */
};

/* How longest prefixes are looked up in a table; both NULL in one of another type. */
struct lookup {
	const void *self;
	int32_t (*four)(const void *self, uint32_t address);
	int32_t (*six)(const void *self, const uint8_t address[16]);
};

/*
 * A program's run on one processor. A program calls only such as were loaded before it: so none is
 * active twice there, and one struct vc_run each, prepared when it is loaded, is enough.
 */
struct prog_run {
	_Alignas(XOK_LINE) struct vc_run run;
	struct xok_handler_ctx ctx;
	const struct prog *prog;
	vc_entry_fn entry; /* the program's; NULL: it is interpreted */
	struct cpu *cpu;
	struct xok_prog_info *info; /* where it counts */
	struct rate *env_rate;	    /* of its environment, on this processor */
	uint16_t number;	    /* 1 + index of the program */
	int64_t given;		    /* the budget it started with */
	uint32_t limit; /* how much of the packet there is to trim; 0: it was called by another */
	struct lookup lookup[XOK_PROG_TABLES]; /* in the program's tables */
	struct rate rate;
};

/*
 * What a processor has of its own, on cache lines that no other one writes. The control thread (and
 * where there is no other processor that is all there is) counts in the open bookkeeping itself,
 * the others each in tables of the same form, from which xok_fold adds what has come up since the
 * values that it has `seen`.
 */
struct cpu {
	_Alignas(XOK_LINE) struct xok *x;
	struct xok_prog_info *prog_info, *prog_seen;
	struct xok_port_info *port, *port_seen;
	struct rate rate[XOK_NENV]; /* of the environments' handlers */
	struct prog_run run[XOK_NPROG];
	_Alignas(16) uint8_t stack[XOK_CALL_DEPTH][VC_STACK_BYTES]; /* of programs, by height */
	uint8_t packet[XOK_FRAME_MAX]; /* one that is put together or moved */
	struct xok_trace *trace;       /* of the packet that is watched here; trace.c */
};

struct cons {
	struct xok_cap acl[XOK_NACL];
	uint32_t owner; /* environment that XOK_EV_CONS goes to, 0: none yet */
};

struct xok {
	const struct xok_machine_ops *ops;
	void *m;
	bool spaces; /* environments have address spaces that the kernel makes */

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
	uint64_t log_since; /* log.c: up to when lines have been forgotten, and how many are not */
	uint32_t log_lines;
	struct xok_cap power_acl[XOK_NACL], cpu_acl[XOK_NACL];

	struct filter filter[XOK_NFILTER];
	struct demux *demux; /* one a port */

	/* Downloaded code. */
	uint32_t features; /* vc_cpu() */
	uint8_t *code_w;   /* code memory of programs, as it is written and as it is executed */
	const uint8_t *code_x;
	uint32_t code_bytes;
	struct table table[XOK_NTABLE];
	const struct tbl_lpm_ops *lpm;
	struct prog prog[XOK_NPROG];
	void *scratch; /* the verifier's */

	struct cpu *cpu; /* ncpu + 1: the last is the control thread's */
	struct cpu *own; /* that one */
	uint32_t ncpu;	 /* processors beside the control thread */
	bool in_batch;
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

/* ---- several processors ---- */

/* Waits until no other processor can hold what was unpublished before. */
static inline void quiesce(const struct xok *x)
{
	if (x->ncpu)
		x->ops->quiesce(x->m);
}

/*
 * Held for as long as a packet or a table entry is copied. Processors in xok_burst have no
 * interrupts, and the thread of the system calls takes one lock at a time.
 */
static inline void lock(const struct xok *x, uint32_t *word)
{
	if (!x->ncpu)
		return;
	while (__atomic_exchange_n(word, 1, __ATOMIC_ACQUIRE))
		while (__atomic_load_n(word, __ATOMIC_RELAXED))
			__builtin_ia32_pause();
}

static inline void unlock(const struct xok *x, uint32_t *word)
{
	if (x->ncpu)
		__atomic_store_n(word, 0, __ATOMIC_RELEASE);
}

/*
 * A counter of this processor's. Others read it meanwhile, and find a whole value, since it is an
 * aligned word that is written at once.
 */
#if defined(__SANITIZE_THREAD__)
#define count(counter, n) __atomic_fetch_add(counter, n, __ATOMIC_RELAXED)
#else
#define count(counter, n) (void)(*(counter) += (n))
#endif

/* cpu.c */
size_t cpu_size(uint32_t nport, uint32_t ncpu);
void cpu_init(struct xok *x, void *mem);
void cpu_start(struct xok *x, struct prog *p, const struct xok_prog_spec *s);
void env_rate(struct xok *x, const struct xok_env *e, uint64_t rate);

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
bool frame_is_piece(const struct xok *x, uint64_t frame);
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
void env_post(struct xok *x, struct xok_env *e, uint32_t events);
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
bool ring_put(struct xok *x, struct ring *r, const struct arrival *a, const void *data);
void ring_drop(struct xok *x, struct xok_env *e, uint32_t ring);

/* filter.c */
#define FILTER_INDEX_BITS 11u
static inline uint32_t filter_id(const struct xok *x, uint32_t index)
{
	return x->filter[index].gen << FILTER_INDEX_BITS | index;
}
int filter_find(const struct xok *x, uint32_t id, uint32_t *index);
void filter_handler(struct xok *x, uint32_t index, uint16_t prog);
void filters_drop(struct xok *x, struct xok_env *e, uint32_t ring);

/* port.c */
/* How long a frame that leaves there may be, by its MTU. */
static inline uint32_t port_longest(const struct xok_port_info *p)
{
	uint32_t most = p->mtu + XOK_FRAME_MIN + XOK_FRAME_TAG;

	return most < XOK_FRAME_MAX ? most : XOK_FRAME_MAX;
}

/* The same now; 0: none may. */
static inline uint32_t port_room(const struct xok *x, uint32_t port)
{
	const struct xok_port_info *p = &x->port[port];

	if (port >= x->nport || !__atomic_load_n(&p->up, __ATOMIC_RELAXED))
		return 0;
	return port_longest(p);
}

/* May a frame of that length leave there now? */
static inline bool port_usable(const struct xok *x, uint32_t port, size_t len)
{
	return len >= XOK_FRAME_MIN && len <= port_room(x, port);
}
int port_send(struct cpu *c, uint32_t port, const void *frame, size_t len);

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
bool rate_refill(struct rate *r, uint64_t now);
void rate_set(struct rate *r, uint64_t rate, uint64_t now);
uint32_t handler_burst(struct prog_run *q, const struct arrival *a, struct xok_packet *k,
		       uint32_t n);

static inline bool rate_open(struct rate *r, uint64_t now)
{
	return r->left > 0 || rate_refill(r, now);
}

/*
 * Runs a program on a window of at least its min_len, with the context filled in but for the
 * window: 0, or why it was stopped. The one place where downloaded code is entered.
 */
static inline int prog_exec(struct prog_run *q, uint8_t *window, uint32_t len, int64_t budget,
			    struct vc_end *end)
{
	const struct prog *p = q->prog;

	q->ctx.packet = window;
	q->ctx.len = len;
	q->given = budget;
	if (p->vc.data_len)
		memset(q->run.data, 0, p->vc.data_len);
	if (q->entry) {
		*end = q->entry(&q->run, window, budget, len, &q->ctx);
		if (end->left >= 0)
			return 0;
		q->run.pc = vc_end_pc(*end);
		int why = vc_end_reason(*end);
		end->left = q->run.budget;
		return why;
	}
	q->run.window = window;
	q->run.window_len = len;
	q->run.budget = budget;
	int why = vc_interp(&p->vc, 0, &q->run);
	*end = (struct vc_end){q->run.r0, q->run.budget};
	return why;
}
void prog_stopped(struct prog_run *q, int why);

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
