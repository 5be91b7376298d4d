/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * abi.h - everything an environment and the kernel agree on: numbers, shared layouts, error codes.
 *
 * A system call is the `syscall` instruction with rax = XOK_SYS_BASE + number (syscalls.def),
 * arguments in rdi, rsi, rdx, r10, r8, r9 and the result in rax: zero or positive on success,
 * a negative XOK_E... on failure. rcx and r11 are clobbered, every other register is kept. Any other
 * number is reflected: the kernel jumps to the environment's XOK_UP_SYSCALL entry with all registers
 * as they were, rcx = the address to return to and r11 = rflags; returning needs no kernel.
 *
 * All integers are little-endian. Times are nanoseconds. Frame numbers count 4 KiB frames.
 */
#ifndef XOK_ABI_H
#define XOK_ABI_H

#include <stddef.h>
#include <stdint.h>

#include "xok/table.h"

#define XOK_ABI_VERSION 4u
#define XOK_SYS_BASE 0x786f0000u /* "xo": outside every number Linux uses */

#define XOK_PAGE 4096u

/* Errors. The names are printed by xok_strerror(). */
enum xok_err {
	XOK_OK = 0,
	XOK_EINVAL = -1,  /* an argument is malformed or out of range */
	XOK_EPERM = -2,	  /* the named capability does not allow this */
	XOK_EFAULT = -3,  /* a user address is not mapped as the call needs it */
	XOK_ENOENT = -4,  /* no such environment, frame, port, ring, filter or slot */
	XOK_ENOMEM = -5,  /* no free frame or kernel object */
	XOK_EQUOTA = -6,  /* the environment's quota is used up */
	XOK_EBUSY = -7,	  /* the thing exists already or is in use */
	XOK_EAGAIN = -8,  /* try again later (transmit queue full) */
	XOK_ENOSYS = -9,  /* no such call, or not offered on this machine */
	XOK_ESTALE = -10, /* the id's generation is over */
};

/*
 * Capabilities: a permission set and a hierarchical name. A dominates B when A's name is a prefix of
 * B's and A's permissions include B's. The root environment starts with the empty name and every
 * permission in slot 0; all other slots of all environments start empty.
 */
#define XOK_NCAP 16u
#define XOK_CAP_NAME 13u

enum xok_perm {
	XOK_R = 1, /* read: map a frame readable, receive from a port, read a console */
	XOK_W = 2, /* write: map a frame writable, transmit, write PTEs or registers of an environment */
	XOK_C = 4, /* control: destroy, change access lists, give capabilities */
	XOK_N = 8, /* notify: set event bits of an environment */
	XOK_PERM_ALL = 15,
};

struct xok_cap {
	uint8_t valid; /* 0: the slot is empty */
	uint8_t perms; /* XOK_R | ... */
	uint8_t len;   /* bytes of name that count, <= XOK_CAP_NAME */
	uint8_t name[XOK_CAP_NAME];
};

/*
 * A resource (frame, environment, port, console, power, quantum vector) carries up to XOK_NACL access entries.
 * Capability C grants `need` on a resource when for some valid entry E: C.name is a prefix of E.name, and
 * `need` is included in both C.perms and E.perms.
 */
#define XOK_NACL 4u
#define XOK_NACL_FRAME 2u

enum xok_resource {
	XOK_RES_FRAME = 1, /* id: frame number */
	XOK_RES_ENV,	   /* id: environment id */
	XOK_RES_PORT,	   /* id: port number */
	XOK_RES_CONS,	   /* id: console number: 0 for people, 1 for programs */
	XOK_RES_POWER,	   /* id: 0 */
	XOK_RES_CPU,	   /* id: processor number; W allocates slices */
};

/* Environment ids: generation << 8 | index; 0 names the caller. */
#define XOK_NENV 64u
#define XOK_ENV_INDEX(id) ((id)&0xffu)

/*
 * What one environment may hold beside frames. XOK_ENV_SUBTREE counts the entries of each child of the root environment
 * with all its descendants, ended ones too, and so do XOK_SUBTREE_PROGS and XOK_SUBTREE_TABLES. A ring costs a frame of the quota, an environment's filters together one.
 * The last quarter of each port's demultiplexer, of the entries for programs and tables and of the code memory is kept for the root
 * environment. What a subtree's programs are compiled into is a quarter of the code memory at most; what is more is interpreted. Tables that were
 * given back count for the subtree of whom they are charged to, not for that environment.
 */
#define XOK_ENV_RINGS 8u
#define XOK_ENV_FILTERS 32u
#define XOK_ENV_SUBTREE 8u
#define XOK_ENV_PROGS 8u
#define XOK_ENV_TABLES 24u
#define XOK_SUBTREE_PROGS 16u
#define XOK_SUBTREE_TABLES 32u
#define XOK_SUBTREE_LPM \
	4u /* of those, LPM4 and LPM6 where the machine keeps what answers them in memory of its own (linux) */
#define XOK_NPROG 64u
#define XOK_NTABLE 128u

enum xok_env_state {
	XOK_ENV_FREE,
	XOK_ENV_NEW, /* allocated, not yet run */
	XOK_ENV_RUNNABLE,
	XOK_ENV_SLEEPING, /* until an event bit of its mask or its deadline */
	XOK_ENV_ENDED,	  /* its resources are back; the entry waits for env_destroy by whom may */
};

/* Why an environment ended. */
enum xok_end {
	XOK_END_NONE,
	XOK_END_EXIT,	   /* env_exit */
	XOK_END_DESTROYED, /* env_destroy by another */
	XOK_END_FAULT,	   /* an exception it has no handler for, or one inside its handler */
	XOK_END_OVERRUN,   /* did not yield after its slice-end upcall */
	XOK_END_UPCALL,	   /* its control page or an upcall stack is not usable */
	XOK_END_VIOLATION, /* it is strict (env_strict) and tried what its capabilities do not permit */
};

/* Event bits, set by the kernel or env_notify, collected and cleared by env_sleep. */
#define XOK_EV_PACKET 0x1u   /* a packet was put into a ring of this environment */
#define XOK_EV_CHILD 0x2u    /* an environment that this one allocated has ended */
#define XOK_EV_CONS 0x4u     /* console input is waiting */
#define XOK_EV_RECORD 0x8u   /* a program put a record into a ring table of this environment */
#define XOK_EV_USER 0x10000u /* this bit and above: env_notify's own */

/*
 * Address space, user half. The kernel maps the bookkeeping read-only at XOK_INFO_VA in every environment and
 * the boot archive read-only at XOK_BOOT_VA in the root environment. `map` takes addresses in
 * [XOK_USER_LO, XOK_USER_HI), page aligned.
 */
#define XOK_USER_LO 0x0000000000010000ull
#define XOK_USER_HI 0x0000700000000000ull
#define XOK_INFO_VA 0x0000700000000000ull
#define XOK_BOOT_VA 0x0000710000000000ull

/* Protection argument of `map`; 0 unmaps. W and X together are refused. */
#define XOK_PROT_R 1u
#define XOK_PROT_W 2u
#define XOK_PROT_X 4u

/*
 * The control page (after Barrelfish's dispatcher). One page of the environment's memory, named to env_run.
 * The environment is `disabled` while the word is non-zero or rip lies in [crit_lo, crit_hi). A slice's end
 * while enabled saves into save[XOK_SAVE_SLICE] and enters entry[XOK_UP_SLICE_END] with disabled = 1, rsp = upcall_sp and
 * rdi = the user address of the save area; while disabled it is only noted in slice_pending. An exception
 * while enabled saves into save[XOK_SAVE_FAULT] and enters entry[XOK_UP_FAULT] likewise; while disabled, or with no entry
 * set, it ends the environment. After a slice-end the environment has XOK_GRACE ticks to call yield or env_sleep.
 */
enum xok_upcall { XOK_UP_FAULT, XOK_UP_SLICE_END, XOK_UP_SYSCALL, XOK_NUPCALL };
enum xok_save_area { XOK_SAVE_FAULT, XOK_SAVE_SLICE, XOK_NSAVE };

struct xok_regs {
	uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15;
	uint64_t rip, rflags, rsp;
	uint64_t fs_base, gs_base;
	uint64_t trapno, error, addr; /* x86 vector, its error code, cr2; 0 for a slice end */
};

struct xok_uenv {
	uint32_t disabled;
	uint32_t slice_pending;
	uint64_t crit_lo, crit_hi;
	uint64_t entry[XOK_NUPCALL]; /* 0: none */
	uint64_t upcall_sp;	     /* top of the upcall stack, 16-byte aligned */
	struct xok_regs save[XOK_NSAVE];
};

#define XOK_TICK_NS 10000000ull /* a slice */
#define XOK_GRACE \
	10u /* ticks taken in user mode after a slice-end upcall before the environment ends */
#define XOK_NSLICE 64u /* entries of a quantum vector */

/*
 * Packet rings. On machines without address spaces the kernel takes the frames itself, consecutive ones, XOK_FRAME_RING, which are one piece of
 * memory that its environment may map readable and writable: their first is ring_frame of the bookkeeping. Page 0 is the header, every further page holds two slots; nslots is a power of two. The kernel
 * produces at head, the environment consumes at tail; both count up and wrap at 2^32. The kernel keeps its own
 * head and treats a tail that is not in [head - nslots, head] as a full ring.
 */
#define XOK_RING_MAX 256u /* slots */
#define XOK_PKT_MAX 2032u

struct xok_ring {
	uint32_t head; /* written by the kernel */
	uint32_t nslots;
	uint32_t pad[14];
	uint32_t tail; /* written by the environment */
};

struct xok_slot {
	uint16_t len;
	uint16_t port;
	uint32_t filter; /* id of the filter that matched */
	uint64_t time;	 /* arrival, monotonic ns */
	uint8_t data[XOK_PKT_MAX];
	/* 2048 in all */
};

/* Gather list of `transmit`; at most XOK_NIOV parts, XOK_FRAME_MAX bytes in all. */
struct xok_iov {
	uint64_t base;
	uint64_t len;
};
#define XOK_NIOV 8u
#define XOK_FRAME_MIN 14u
#define XOK_FRAME_TAG 4u /* a frame may be as much longer than mtu + XOK_FRAME_MIN: 802.1Q */
#define XOK_FRAME_MAX 1518u

/*
 * Open bookkeeping, at XOK_INFO_VA, read-only. Offsets are in bytes from the start of struct xok_info.
 * Monotonic time is mono(tsc) = ((tsc - tsc0) * tsc_mult) >> 32 in ns; UTC is wall0 + mono.
 */
#define XOK_INFO_MAGIC 0x4f4e494bu

struct xok_info {
	uint32_t magic, version;
	uint32_t nenv, nframe, nport, nslice;
	uint32_t env_off, frame_off, port_off;
	uint32_t slice_off; /* nslice times uint32_t: the environment of each entry, 0: free */
	uint64_t tsc0, tsc_mult, wall0;
	uint64_t boot_len;	 /* bytes of the boot archive at XOK_BOOT_VA */
	uint64_t ticks, idle_ns; /* since boot */
	uint32_t frames_free;
	uint32_t current; /* environment id that runs */
	uint32_t nprog, ntable, prog_off, table_off;
	uint64_t handler_ns; /* time in handlers, and in what their verdicts ask for, since boot */
	uint64_t rx_deferrals;	    /* how often a port had to wait since that time was used up */
	uint32_t nlcore, lcore_off; /* xok/lcore.h; 0: this machine has none */
};

struct xok_env_info {
	uint32_t id, parent;
	uint8_t state, end; /* enum xok_env_state, enum xok_end */
	uint8_t ncap_used, nacl;
	int32_t exit_code;
	uint32_t frames,
		frames_quota; /* charged: user and page-table frames, kernel objects rounded up */
	uint64_t run_ns, slices, faults, syscalls, packets;
	uint64_t handler_rate; /* budget a second that its handlers may use together */
	char name[16];
	struct xok_cap cap[XOK_NCAP];
	struct xok_cap acl[XOK_NACL];
	struct xok_regs last;		    /* registers at its end, unless by exit or destroy */
	uint32_t ring_frame[XOK_ENV_RINGS]; /* first frame of each ring, 0: there is none */
};

enum xok_frame_type {
	XOK_FRAME_FREE,
	XOK_FRAME_KERNEL,
	XOK_FRAME_PT,
	XOK_FRAME_USER,
	XOK_FRAME_DMA,
	XOK_FRAME_TABLE, /* of a table: mapped as its access list permits, W only where table.h says */
	XOK_FRAME_RING, /* of a ring whose frames the kernel took itself */
};

#define XOK_FRAME_RELEASED 1u /* flag: given back; free once its last mapping and pin is gone */

struct xok_frame_info {
	uint8_t type;
	uint8_t flags;
	uint16_t refs;	/* mappings and pins */
	uint32_t owner; /* environment charged; of a free one: the next; its acl is the kernel's */
	struct xok_cap acl[XOK_NACL_FRAME];
};

/*
 * Each packet that arrived (rx_packets) is counted in rx_no_filter, or in rx_handled, or went straight to a ring. Of those that go to a
 * ring, straight or because a handler passed them on (passed, too_short), the ones that found it full are in rx_ring_full.
 */
#define XOK_PORT_MIRROR 1u /* flag: its other end is an interface of the host's own stack */

struct xok_port_info {
	char name[16]; /* "" where ports have no names */
	uint32_t flags;
	uint32_t twin; /* a port and its mirror name each other: 1 + number, 0: it has none */
	uint8_t mac[6];
	uint8_t up, nacl;
	uint16_t mtu;
	uint16_t txq; /* packets waiting in the device's transmit queue */
	uint32_t nfilter;
	uint64_t rx_packets, rx_bytes, tx_packets, tx_bytes;
	uint64_t rx_bad_length; /* the device reported a length that no frame has */
	uint64_t rx_no_filter;	/* nobody claimed it */
	uint64_t rx_ring_full;
	uint64_t rx_handled; /* went to a handler; what became of it stands there */
	uint64_t tx_full;    /* device queue full: transmit answered XOK_EAGAIN */
	/*
	 * Lost before they were received, so in no count above, as far as the device or its host knows: there was no room in its queue; they were broken; there was no
	 * buffer.
	 */
	uint64_t rx_missed, rx_errors, rx_no_buffer;
	struct xok_cap acl[XOK_NACL];
};

/*
 * Downloaded programs (xok/handler.h). prog_load verifies and compiles; what the program may reach is fixed then: the ports of `ports`
 * (k grants W), tables (k grants R on their frames, and W unless only looked up: a table is used as its access list permits k, writing
 * helpers answer -1 otherwise; ARRAY and PERCPU need W), and other loaded programs, which it may run with a part of its packet and its budget.
 * Programs are charged by frames: instructions, read-only and private data together, and code_bytes, each rounded up.
 *
 * A run is charged to the rate of the program and to that of its environment, with the budget it spent, its number of instructions, so that it
 * is as much as can have been executed, and one for each 8 bytes of data; a packet that leaves, as much as by send. A rate is saved up for an
 * eighth of a second; a run starts while something is left, and what it takes beyond is owed. A program that another one calls gets min(asked, what the caller has left); its number of instructions, one for
 * each 8 bytes of data, and what it spends of the rest are the caller's expense, and count for its own rate as well.
 */
#define XOK_PROG_TABLES 8u
#define XOK_PROG_CALLEES 4u
#define XOK_PROG_RODATA 16384u
#define XOK_PROG_DATA 4096u
#define XOK_BUDGET_MAX 100000u /* of one run at interrupt time */

/*
 * A hint, without any effect on results: for a packet that has them, the bytes at `offset` are likely to be looked up in the
 * longest-prefix table number `table` - 1 of the program's own; 0: no hint. The lookups of packets that arrived together then wait for memory together.
 */
#define XOK_PROG_LOOKAHEAD 2u
struct xok_lookahead {
	uint16_t table, offset;
};

struct xok_prog_spec {
	uint32_t kind;	  /* VC_KIND_HANDLER, ... */
	uint32_t ninsn;	  /* at most 4,096 */
	uint32_t entry;	  /* index of the first instruction */
	uint32_t min_len; /* packets shorter than this are passed on, not handled */
	uint32_t rodata_len, data_len;
	uint32_t budget; /* of one run, at most XOK_BUDGET_MAX; 0: the kind's default */
	uint32_t ports;	 /* bit n: it may send through port n */
	uint64_t rate;	 /* budget a second, within the environment's allowance; 0: all of that */
	uint64_t insn, rodata; /* user addresses */
	uint64_t report;       /* user address of a struct xok_prog_report, or 0 */
	uint32_t ntable, ncallee;
	uint32_t table[XOK_PROG_TABLES];   /* ids */
	uint32_t callee[XOK_PROG_CALLEES]; /* ids of programs of the caller's */
	struct xok_lookahead lookahead[XOK_PROG_LOOKAHEAD];
	char name[16];
};

/* Why a program was refused (XOK_EINVAL), or all zero. */
struct xok_prog_report {
	uint32_t reason; /* of xok/vcode/reasons.def; 0: not the verifier's */
	uint32_t insn;
	char state[256], text[256];
};

/*
 * What became of a program's packets: each packet of its filters counts in exactly one of those that XOK_PROG_OUTCOMES names. Runs
 * that another program asked for count in runs and units, and in stopped and throttled when it was answered -1 for that.
 */
#define XOK_PROG_OUTCOMES(X)                                                                   \
	X(dropped, "verdict DROP")                                                             \
	X(passed, "verdict PASS")                                                              \
	X(consumed, "verdict CONSUME")                                                         \
	X(replied, "verdict REPLY")                                                            \
	X(forwarded, "verdict FORWARD")                                                        \
	X(tx_full, "REPLY or FORWARD, but the port's queue was full: dropped")                 \
	X(denied, "REPLY or FORWARD to a port that it may not send through, that is down, or " \
		  "whose MTU is less: dropped")                                                \
	X(bad_verdict, "a result that is no verdict: dropped")                                 \
	X(stopped, "out of budget, or an access out of bounds: dropped")                       \
	X(throttled, "its rate, or its environment's, is used up: dropped unhandled")          \
	X(too_short, "shorter than min_len: passed on unhandled")

struct xok_prog_info {
	uint32_t id, owner;			  /* id 0: free entry. owner: environment */
	uint32_t kind, ninsn, code_bytes, frames; /* frames charged */
	uint32_t refs;				  /* filters and callers it is bound to */
	uint32_t last_stop, last_pc;		  /* reason and instruction of the last stop */
	uint32_t ports;
	uint64_t runs, units; /* budget spent in all */
	uint64_t rate;
#define XOK_PROG_COUNTER(name, text) uint64_t name;
	XOK_PROG_OUTCOMES(XOK_PROG_COUNTER)
#undef XOK_PROG_COUNTER
	char name[16];
};

struct xok_table_info {
	uint32_t id, owner;	/* id 0: free entry */
	uint32_t first, nframe; /* its frames */
	uint32_t refs;		/* programs that use it: it lives until the last one is gone */
	uint32_t used;		/* entries */
	struct xok_table_spec spec;
};

/* One call of a batch; batch, env_exit, env_sleep, yield, table_create and prog_load are refused inside one. */
struct xok_call {
	uint64_t nr; /* without XOK_SYS_BASE */
	uint64_t arg[6];
	int64_t result;
};

/* power(): how. */
#define XOK_POWER_OFF 0u
#define XOK_POWER_RESET 1u
#define XOK_POWER_EXIT 2u /* tests: QEMU's isa-debug-exit with the given status */

#ifndef __BPF__
_Static_assert(sizeof(struct xok_cap) == 16, "capability layout");
_Static_assert(sizeof(struct xok_slot) == 2048, "two slots a page");
_Static_assert(sizeof(struct xok_uenv) <= XOK_PAGE, "control page");
_Static_assert(offsetof(struct xok_ring, tail) == 64, "head and tail on lines of their own");
_Static_assert(sizeof(struct xok_frame_info) == 40, "frame table entry");
#endif

#endif
