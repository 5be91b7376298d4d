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
#include "xok/sysnum.h"

/* The compiler's own needs; the machine supplies them where there is no C library. */
void *memcpy(void *restrict dst, const void *restrict src, size_t len);
void *memset(void *dst, int c, size_t len);
int memcmp(const void *a, const void *b, size_t len);

#define XOK_NCONS 2u
#define XOK_NFILTER (XOK_NENV * XOK_ENV_FILTERS)
#define XOK_DPF_ARENA (192u << 10)
#define XOK_RING_FRAMES (1u + XOK_RING_MAX / 2)
#define XOK_RFLAGS_USER 0x202u /* interrupts on, nothing else */

/*
 * The kernel's side of a packet ring. Stands in a kernel frame of its own, charged to the
 * environment.
 */
struct ring {
	uint32_t nframe, nslots;
	uint32_t head; /* the true one; the header page's copy is for the environment */
	uint32_t frame[XOK_RING_FRAMES];
};

/* One inserted filter. Entry i belongs to environment index i / XOK_ENV_FILTERS. */
struct filter {
	struct xok_cap cap; /* inserted with */
	uint32_t ring;	    /* of its environment */
	uint32_t gen;
	uint32_t nports; /* demultiplexers that still hold it; 0: free */
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
/* In `bind`: the filter is gone, but the demultiplexer could not be compiled without it. */
#define XOK_BIND_DEAD UINT16_MAX

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
	uint32_t *slice; /* environment id of each entry of the quantum vector, 0: free */
	uint32_t nframe, nport;

	uint32_t frame_list; /* first free frame, 0: none */
	uint32_t gen[XOK_NENV];
	struct xok_env env[XOK_NENV];

	struct xok_env *current, *handoff; /* who runs; who was yielded to by name */
	uint32_t slice_pos;
	uint64_t slice_end;  /* when the timer must fire */
	uint64_t slice_over; /* when the slice ended whose upcall is unanswered */
	uint64_t since;	     /* time up to which run_ns and idle_ns are charged */
	bool rotate;	     /* the rest of the slice is given up */

	struct cons cons[XOK_NCONS];
	struct xok_cap power_acl[XOK_NACL], cpu_acl[XOK_NACL];

	struct filter filter[XOK_NFILTER];
	struct demux *demux; /* one a port */

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
void sched_forget(struct xok *x, struct xok_env *e);

/* ring.c */
struct ring *ring_of(struct xok *x, const struct xok_env *e, uint64_t ring);
bool ring_put(struct xok *x, struct xok_env *e, struct ring *r, const struct xok_slot *head,
	      const void *data);
void ring_drop(struct xok *x, struct xok_env *e, uint32_t ring);

/* filter.c */
void filters_drop(struct xok *x, struct xok_env *e, uint32_t ring);
struct xok_env *filter_target(struct xok *x, uint32_t port, uint32_t bound, uint32_t *id,
			      struct ring **r);

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
