/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ee/ee.h - the inside of the capsule domain, shared by its files.
 *
 *   input.c   a frame: IPv4 and UDP checks, what kind of packet it is
 *   admit.c   a capsule: the refusals, in their order, up to its code
 *   run.c     its program, and what the program decided
 *   code.c    modules asked for and handed on
 *   output.c  packets out, to the port or to the root; events
 */
#ifndef NODEOS_EE_EE_H
#define NODEOS_EE_EE_H

#include "amp/amp.h"
#include "capsule/helpers.h"
#include "capsule/module.h"
#include "capsule/sdk.h"
#include "capsule/wire.h"
#include "nodeos/channel.h"
#include "nodeos/ee.h"
#include "nodeos/ee/cache.h"
#include "nodeos/ee/fetch.h"
#include "nodeos/lib/bucket.h"
#include "nodeos/lib/event.h"
#include "nodeos/lib/inet.h"
#include "nodeos/node.h"

#define EE_RING 128u
#define EE_BEHIND (EE_RING / 2) /* packets waiting: more come in than we can look at */
#define EE_WAITING 64u
#define EE_WAITING_EACH (EE_WAITING / 2) /* of one principal: another's capsules still find room */
#define EE_FETCHES_EACH (FETCHES / 2)
#define EE_FORWARD_COST 50u /* work units for sending a capsule on */
#define EE_PACKET_MAX (IP4_HLEN + UDP_HLEN + WIRE_PACKET_MAX)

/* A packet on its way through: where things stand in it, read once. */
struct incoming {
	uint8_t *ip; /* header checked */
	size_t ip_len;
	uint8_t *anep; /* the UDP payload */
	size_t len;
	uint32_t src, dst;
	uint16_t port;
	uint8_t ttl;
	bool local;	  /* dst is one of our addresses */
	bool behind;	  /* EE_BEHIND others wait */
	uint64_t arrival; /* UTC ns */
};

/* A capsule that waits for its code. */
struct waiting {
	bool used;
	bool started; /* its fetch */
	uint8_t code[WIRE_CODE_NAME], principal[WIRE_PUBLIC_KEY];
	struct incoming in; /* its pointers are set again when it goes on */
	uint16_t anep_at;
	uint8_t packet[1500];
};

struct ee {
	const struct node_pub *pub;
	struct ee_shared *shared;
	struct ee_host host;
	struct msgq events, punts;
	struct bucket forged[NODE_PORTS]; /* signatures that did not fit, by port */
	struct bucket refused_rate, event_rate, log_rate, serve_rate;
	struct in_chan in;
	struct out_chan out;
	struct cache cache;
	struct fetches fetches;
	struct amp_timer fetch_timer;
	struct waiting waiting[EE_WAITING];
	uint8_t data[MODULE_DATA_MAX];
	uint8_t window[WIRE_PAYLOAD_MAX];
	uint8_t stack[VC_STACK_BYTES] __attribute__((aligned(16)));
};

void ee_count(struct ee *ee, enum ee_counter c);

/* input.c */
void ee_input(void *arg, struct amp_packet *p);

/* admit.c */
void ee_capsule(struct ee *ee, struct incoming *in);
/* Policy, validity and budget, as they are now; false: refused. */
bool ee_permitted(struct ee *ee, const struct incoming *in, const struct wire_capsule *c);
/* Refuses: counts and reports. c may be NULL when it could not be parsed. */
void ee_refuse(struct ee *ee, const struct incoming *in, const struct wire_capsule *c,
	       enum ee_refusal why, const char *detail);

/* run.c */
void ee_run(struct ee *ee, struct incoming *in, struct wire_capsule *c, struct cached *m);
void ee_run_init(void);

/* code.c */
void ee_code_init(struct ee *ee);
void ee_code_request(struct ee *ee, const struct incoming *in);
void ee_code_chunk(struct ee *ee, const struct incoming *in);
/* Keeps a capsule until its module is there. */
void ee_code_wait(struct ee *ee, const struct incoming *in, const struct wire_capsule *c);

/* output.c */
enum ee_sent { EE_SENT, EE_SENT_NO_ROUTE, EE_SENT_FULL };
/*
 * Sends `len` octets of payload that stand at packet + IP4_HLEN + UDP_HLEN; the headers are filled in. src 0: our address on the port
 * it leaves by.
 */
enum ee_sent ee_send(struct ee *ee, uint8_t *packet, size_t len, uint32_t src, uint32_t dst,
		     uint8_t ttl);
void ee_punt(struct ee *ee, enum ee_punt_kind kind, uint8_t type, uint8_t code, uint16_t in_port,
	     const uint8_t *packet, size_t len);
/* Reports; false: the rate limit or a full queue swallowed it. */
bool ee_report(struct ee *ee, struct ee_event *e, const void *text, size_t len);

#endif
