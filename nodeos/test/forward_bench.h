/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * forward_bench.h - for tests of forwarding: a node whose kernel is mock_kernel.h's, frames that come to it, and what is expected of the handlers. The
 * node has three ports, see mock_amp.h; the far network is behind a gateway at port 1.
 */
#ifndef NODEOS_TEST_FORWARD_BENCH_H
#define NODEOS_TEST_FORWARD_BENCH_H

#include "nodeos/forward/modules.h"
#include "nodeos/lib/inet6.h"
#include "nodeos/lib/text.h"
#include "nodeos/root/arp.h"
#include "nodeos/root/forward.h"
#include "nodeos/root/ipv6.h"
#include "nodeos/test/mock_amp.h"
#include "nodeos/test/mock_kernel.h"
#include "xok/handler.h"

#define HOST 0x0a000005u /* a host at port 0 */
#define FAR 0x0a090001u	 /* behind GATEWAY */
#define GATEWAY 0x0a000102u
#define NEAR 0x0a000107u /* a neighbour at port 1 */

extern struct node_pub router;
extern struct neigh arp, nd;
extern struct forward fwd;
extern const uint8_t mac_host[6], mac_gateway[6], mac_near[6];
extern struct ip6 host6, far6, gateway6, near6, our6;

/* A router with its handlers bound and all neighbours known; and nothing left of it. */
int forward_setup(void **state);
int forward_teardown(void **state);

/* Its parts: a node of this role that knows nobody, and its neighbours. */
void forward_start(enum node_role role);
void forward_learn(void);
struct ip6 addr6(const char *s);

/* Routes through a gateway (NULL: connected) at a port, or that lead to a number of forward.h; forward_flush brings them to the handlers. */
void route_to(const char *prefix, const char *via, uint16_t port);
void special_route(const char *prefix, uint32_t number);
void no_route_to(const char *prefix);

/* Whether the next node's ports have mirrors: ports 3 to 5. */
extern bool forward_mirrors;

struct frame {
	uint8_t data[XOK_FRAME_MAX];
	size_t len;
};

uint8_t *ip_of(struct frame *f);

/* A UDP packet of `len` bytes, with `payload` bytes, or with a few, from HOST, in at port 0. */
struct frame make4_sized(uint32_t dst, size_t len);
struct frame make4(uint32_t dst);
struct frame make6_sized(const struct ip6 *dst, size_t payload);
struct frame make6(const struct ip6 *dst);

/* Makes the IPv4 header's checksum right again. */
void fix(struct frame *f);

/* Runs the handler; exactly one counter rises by one. Returns the verdict. */
uint64_t handle(struct frame *f, uint32_t port, enum forward_counter want);

/* Dropped, under this name; the packet is nobody's any more. */
void expect_drop(struct frame f, enum forward_counter why);

/* Passed on, under this name, and not changed in a single byte. */
void expect_pass(struct frame f, enum forward_counter why);

/* Sent to port 1 and this station; everything but TTL and checksum is as it was. */
void expect_forward4(struct frame f, const uint8_t mac[6]);
void expect_forward6(struct frame f, const uint8_t mac[6]);

#endif
