/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * event.h - what the capsule domain and the root share beside node.h: the messages in the two queues, and the table that
 * the capsule domain publishes. The root treats all of it as hostile: it copies, bounds and prints, and believes nothing.
 */
#ifndef NODEOS_EVENT_H
#define NODEOS_EVENT_H

#include <stdint.h>

#include "amp/amp.h"
#include "nodeos/lib/msgq.h"

enum ee_event_kind {
	EE_READY = 1,
	EE_RAN,
	EE_REFUSED,
	EE_DELIVERED,
	EE_FETCH,
	EE_LOG,
};

enum ee_fetch_state { EE_FETCH_STARTED, EE_FETCH_DONE, EE_FETCH_FAILED };

/* Why: capsule/refusals.def. */
enum ee_refusal {
#define REFUSAL(name, counter, text) EER_##name,
#include "capsule/refusals.def"
#undef REFUSAL
	EE_NREFUSAL
};

enum ee_counter {
#define COUNTER(name, stable, text) EEC_##name,
#include "nodeos/ee/counters.def"
#undef COUNTER
	EEC_N
};

/* One message; `text_len` bytes follow: the payload (delivered), the detail (refused), the line (log). */
struct ee_event {
	uint8_t kind;
	uint8_t state;	  /* fetch */
	uint8_t action;	  /* ran: enum capsule_action */
	uint8_t flags;	  /* delivered: flags of struct capsule_ctx */
	uint16_t refusal; /* refused: enum ee_refusal */
	uint16_t entry, hops, in_port, out_port, arg_len;
	uint32_t from; /* IPv4 address */
	uint32_t budget_left, spent;
	uint32_t chunks, retransmits, resumed;
	uint32_t text_len;
	uint64_t seq, arrival;
	uint8_t code[32], principal[32];
};

/* Packets that the root is to finish; an IPv4 packet follows. */
enum ee_punt_kind {
	EE_PUNT_SEND = 1, /* ready to go: route it, resolve the next hop, send it */
	EE_PUNT_FORWARD,  /* not for the capsule domain: treat it as received on in_port */
	EE_PUNT_ICMP,	  /* send this ICMP error about it */
};

struct ee_punt {
	uint8_t kind;
	uint8_t type, code; /* ICMP */
	uint8_t pad;
	uint16_t in_port;
	uint16_t len;
};

#define EE_MODULES 32u

struct ee_module {
	uint8_t used;
	char name[31];
	uint8_t code[32];
	uint32_t insns, from;
	uint64_t runs;
};

/* Written by the capsule domain, read by the root. */
struct ee_pub {
	uint64_t refused[EE_NREFUSAL];
	uint64_t counter[EEC_N];
	struct ee_module module[EE_MODULES];
};

#define EE_EVENTS_SIZE 65536u
#define EE_PUNTS_SIZE 65536u

/* The layout of the memory that both write; sizes are those of the queues' data. */
struct ee_shared {
	struct ee_pub pub;
	uint8_t pad[64 - sizeof(struct ee_pub) % 64];
	uint8_t events[sizeof(struct msgq_shared) + EE_EVENTS_SIZE];
	uint8_t punts[sizeof(struct msgq_shared) + EE_PUNTS_SIZE];
};

/* Where the capsule domain sees them on a machine where it is an environment. */
#define EE_NODE_VA AMP_SHARE_VA
#define EE_SHARED_VA (AMP_SHARE_VA + 0x20000000ull)

/* Events of the root: something is in a queue. */
#define EE_EV_WORK XOK_EV_USER

#endif
