/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_ip.h - the stack under test and what came out of it, for the files that make up one test
 * program.
 */
#ifndef AMP_TEST_IP_H
#define AMP_TEST_IP_H

#include "amp/ip.h"
#include "mock_loop.h"
#include "packets.h"

#define US 0x0a000001u	  /* 10.0.0.1/24, the first address */
#define US2 0x0a010001u	  /* 10.1.0.1/24 */
#define US3 0x0a010201u	  /* 10.1.2.1/16 */
#define PEER 0xc0a80002u  /* 192.168.0.2, in none of our networks */
#define PEER2 0x0a010063u /* 10.1.0.99: in the /24 and the /16 */
#define SECOND 1000000000ull

/* What the stack has sent since nsent was set to 0; all of it was good. */
#define SENT_MAX 128u
extern struct packet sent[SENT_MAX];
extern uint32_t nsent;

/* Hands a copy in that ends where the packet ends, so that a read beyond it is seen. */
void in(const struct packet *p);
/*
 * The one packet that was sent, which must be of this protocol and between these two; forgets it.
 */
const struct packet *only_answer(uint8_t proto, uint32_t src, uint32_t dst);
struct amp_ip_stats stats(void);

void test_tcp_echo(void **state);
void test_tcp_reset_to_closed_port(void **state);
void test_tcp_retransmits(void **state);
void test_tcp_deaf_peer(void **state);
void test_tcp_late_mss(void **state);
void test_tcp_window_opens_late(void **state);

#endif
