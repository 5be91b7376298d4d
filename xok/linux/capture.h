/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * capture.h - how packets are captured and traced in a running xokd: what is spoken on the socket RUN_DIR/NAME.capture.
 *
 * The socket is SOCK_SEQPACKET, and its user's alone: others' connections are refused, and no environment sees the directory. What xokd sends
 * are messages of whole records, each 8-aligned and headed by struct capture_head. It begins with CAPTURE_HELLO; then the client sends one
 * request, a struct capture_request with its filters behind it, and nothing more. Records follow until as many packets as asked for
 * were sent, or the client shuts its side down: what was captured up to then is still sent, then CAPTURE_END, then the socket is closed. A
 * request that is wrong is answered by CAPTURE_REFUSED and the end.
 *
 * Nobody waits for a client: each lcore has a ring of bounded size for each capture, and what finds it full is counted as missed.
 *
 * Numbers are the machine's own; both sides are programs of one build.
 */
#ifndef XOK_LINUX_CAPTURE_H
#define XOK_LINUX_CAPTURE_H

#include <stddef.h>

#include "xok/core/core.h"
#include "xok/core/trace.h"

#define CAPTURE_MAGIC 0x31706178u /* "xap1": another build's requests are refused */
#define CAPTURE_ANY UINT32_MAX
#define CAPTURE_NONE UINT16_MAX
#define CAPTURE_FILTERS 256u
#define CAPTURE_REASONS 8u
#define CAPTURE_PORTS 32u
#define CAPTURE_TEXT 120u
#define CAPTURE_MESSAGE 65536u /* no message is longer, but a request */

enum capture_kind {
	CAPTURE_PACKETS,
	CAPTURE_TRACES, /* each packet's way through the kernel; packets that come in only */
	CAPTURE_KINDS
};

#define CAPTURE_IN 1u
#define CAPTURE_OUT 2u

/* A fate beside those of enum xok_fate: an environment sent it, or a handler by itself. Such packets only go out. */
#define CAPTURE_SENT ((unsigned)XOK_NFATE)
#define CAPTURE_NFATE (CAPTURE_SENT + 1)

/* Dropped with this reason, by a handler whose name begins like this ("": any). */
struct capture_reason {
	char program[16];
	uint32_t number;
};

/*
 * Wanted are packets that came in at (CAPTURE_IN), or went out of (CAPTURE_OUT), the port, that match one of the filters (if there are any;
 * their own ports do not count), as they were when they came in, or out; and whose fate is one of the set, or dropped for one of the
 * reasons. What goes out has been forwarded, replied, or sent; one that did not find room in the port's queue is tx-full, at the port where it
 * came in, or, if it was on its way to the port's own lcore by then, at the port that it did not leave by.
 */
struct capture_request {
	uint32_t magic;
	uint32_t kind;	     /* enum capture_kind */
	uint32_t port;	     /* or CAPTURE_ANY */
	uint32_t directions; /* CAPTURE_IN | CAPTURE_OUT */
	uint32_t fates;	     /* bit n: fate n */
	uint32_t snap;	     /* bytes of each packet, 1 to XOK_FRAME_MAX */
	uint32_t count;	     /* the end after so many packets; 0: none */
	uint32_t nreason;
	struct capture_reason reason[CAPTURE_REASONS];
	uint32_t nfilter; /* that follow; 0: every packet */
	uint32_t pad;	  /* 0 */
};
#define CAPTURE_REQUEST_MAX \
	(sizeof(struct capture_request) + CAPTURE_FILTERS * sizeof(struct xok_filter))

/*
 * capture_request.c: checks a message of `len` bytes for a machine of `nport` ports, and copies it. NULL, or what is wrong with it, a sentence's
 * end.
 */
struct capture_asked {
	struct capture_request head;
	struct xok_filter filter[CAPTURE_FILTERS];
};
const char *capture_decode(struct capture_asked *to, const void *message, size_t len,
			   uint32_t nport);

enum capture_type { CAPTURE_HELLO, CAPTURE_REFUSED, CAPTURE_PACKET, CAPTURE_TRACE, CAPTURE_END };

struct capture_head {
	uint32_t size; /* of the record with all that follows it, a multiple of 8 */
	uint32_t type; /* enum capture_type */
};

struct capture_hello {
	struct capture_head head;
	uint32_t magic, nport;
	char node[32];
	struct {
		char name[16];
		uint8_t mac[6];
		uint16_t mtu;
	} port[CAPTURE_PORTS];
};

struct capture_refused {
	struct capture_head head;
	char text[CAPTURE_TEXT];
};

/* One packet; `captured` bytes of it follow. A length that no frame has comes with none of its bytes. */
struct capture_packet {
	struct capture_head head;
	uint64_t time; /* UTC, ns */
	uint32_t len, captured;
	uint16_t port;	    /* where it was seen */
	uint16_t other;	    /* in: where it left by; out: where it came in; or CAPTURE_NONE */
	uint16_t direction; /* CAPTURE_IN or CAPTURE_OUT */
	uint16_t fate;
	uint32_t reason;  /* of XOK_FATE_DROPPED */
	uint32_t lcore;	  /* that saw it; as many as there are: the control thread */
	char program[16]; /* the handler's name, "": none */
};

/* One packet's way. Behind it the packet's bytes as it came in, and, 8-aligned, `left_captured` bytes as it left. */
struct capture_trace {
	struct capture_packet packet;
	uint32_t left_len, left_captured;
	struct xok_trace trace;
};

struct capture_end {
	struct capture_head head;
	uint64_t missed; /* packets that found a ring full */
};

static inline uint32_t capture_round(uint32_t bytes)
{
	return (bytes + 7) & ~7u;
}

_Static_assert(sizeof(struct capture_request) % 8 == 0, "filters are aligned behind it");
_Static_assert(sizeof(struct capture_packet) % 8 == 0 && sizeof(struct capture_trace) % 8 == 0 &&
		       sizeof(struct capture_hello) % 8 == 0 &&
		       sizeof(struct capture_refused) % 8 == 0 &&
		       sizeof(struct capture_end) % 8 == 0,
	       "records are aligned");
_Static_assert(CAPTURE_NFATE <= 32, "a set of fates");

#endif
