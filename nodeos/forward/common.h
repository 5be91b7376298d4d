/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * common.h - the half of forwarding that does not depend on the family: tables, counters, link addresses, adjacencies. BPF only; each
 * handler includes it once. With TAGGED the frames that come in carry an 802.1Q tag.
 *
 * Loads are cast to the width they need: a window has no alignment.
 */
#ifndef NODEOS_FORWARD_COMMON_H
#define NODEOS_FORWARD_COMMON_H

#include "nodeos/forward/forward.h"
#include "xok/handler.h"

#ifdef TAGGED
#define ETHER 18u /* bytes before the IP header: an Ethernet header with a tag */
#else
#define ETHER 14u
#endif
#define TAG 4u
#define TPID 0x0081u /* 802.1Q's EtherType as it is loaded */

#define inline_ static inline __attribute__((always_inline))
#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

XOK_ARRAY(struct forward_adjacency, adjacency, FORWARD_ADJACENCIES);
XOK_ARRAY(struct forward_group, groups, FORWARD_GROUPS);
XOK_ARRAY(struct forward_port, ports, FORWARD_IFACES);
XOK_ARRAY(uint64_t, counters, FORWARD_COUNTERS);
#ifdef TAGGED
XOK_TABLE(vlans);
#else
XOK_ARRAY(uint64_t, scratch, 256); /* where a frame that gets a tag is made */
#endif

inline_ uint16_t load16(const uint8_t *p)
{
	return *(const uint16_t *)p;
}

inline_ uint32_t load32(const uint8_t *p)
{
	return *(const uint32_t *)p;
}

inline_ uint64_t load64(const uint8_t *p)
{
	return *(const uint64_t *)p;
}

inline_ uint16_t be16(const uint8_t *p)
{
	return __builtin_bswap16(load16(p));
}

/*
 * The compiler would merge the ways out, and have the packets that go on load what only the dropped ones need: what differs in the operand of a
 * statement that it cannot look into stays apart. No instruction comes of it.
 */
#define apart(which)                                         \
	do {                                                 \
		if (__builtin_constant_p(which))             \
			__asm__ volatile("" : : "i"(which)); \
	} while (0)

inline_ uint64_t count(enum forward_counter which, uint64_t verdict)
{
	apart(which);
	counters[which]++;
	apart(which);
	return verdict;
}

inline_ uint64_t pass(enum forward_counter why)
{
	return count(why, XOK_V_PASS);
}

/* The counter is the reason, too. */
inline_ uint64_t drop(enum forward_counter why)
{
	return count(why, XOK_DROP_FOR(why));
}

/* In a broadcast or multicast frame? */
inline_ int link_group(const uint8_t *frame)
{
	return frame[0] & 1;
}

/* The interface a packet came in by; FORWARD_IFACES: none of ours. */
inline_ uint32_t interface(const struct xok_handler_ctx *ctx, const uint8_t *frame)
{
#ifdef TAGGED
	uint32_t key = ctx->port << 12 | (be16(frame + 14) & 0xfff), iface = FORWARD_IFACES;

	xok_table_get(&vlans, &key, sizeof(key), &iface, sizeof(iface));
	return iface;
#else
	(void)frame;
	return ctx->port;
#endif
}

/* The same interface; where it is the port, the context has it still. */
inline_ uint32_t again(const struct xok_handler_ctx *ctx, uint32_t iface)
{
#ifdef TAGGED
	(void)ctx;
	return iface;
#else
	(void)iface;
	return *(const volatile uint32_t *)&ctx->port;
#endif
}

/* What is known of an interface. The compiler, not knowing that the number is below FORWARD_IFACES, masks it, and the verifier sees that it is. */
inline_ const struct forward_port *port_at(uint32_t iface)
{
	__asm__("" : "+r"(iface));
	return &ports[iface % FORWARD_IFACES];
}
_Static_assert((FORWARD_IFACES & (FORWARD_IFACES - 1)) == 0, "a mask");

/* What was looked at before is read again rather than kept: it is nearer than a place on the stack. No instruction comes of it. */
#define read_again() __asm__ volatile("" : : : "memory")

/* Sent to this station? A port that listens to everything hears what another one forwards, too. */
inline_ int for_us(const struct forward_port *in, const uint8_t *frame)
{
	return load64(frame) << 16 == in->mac;
}

/* The twin of the interface's port, 1 + its number; 0: it has none. */
inline_ uint8_t twin_of(const struct xok_handler_ctx *ctx, uint32_t iface)
{
	return port_at(again(ctx, iface))->twin;
}

/* For us, or for everybody on the link: the host's own stack gets it, or, where there is none, the router domain. */
inline_ uint64_t deliver(uint8_t twin, enum forward_counter host, enum forward_counter domain)
{
	return twin ? count(host, XOK_FORWARD_TO(twin - 1u)) : pass(domain);
}

/* An adjacency, as it is at one moment: its words. */
struct hop {
	uint64_t first; /* version, MTU, interface, port */
	uint64_t head;	/* the first eight bytes of the frame, */
	uint64_t rest;	/* the next four, and the tag above them */
};

inline_ uint32_t hop_mtu(const struct hop *hop)
{
	return (uint16_t)(hop->first >> 32);
}

inline_ uint32_t hop_iface(const struct hop *hop)
{
	return (uint8_t)(hop->first >> 48);
}

inline_ uint32_t hop_port(const struct hop *hop)
{
	return (uint32_t)(hop->first >> 56);
}

/* In network byte order; 0: none. */
inline_ uint16_t hop_tag(const struct hop *hop)
{
	return unlikely(hop->first & FORWARD_TAGGED) ? (uint16_t)(hop->rest >> 32) : 0;
}

/* By a number below FORWARD_GROUP; 0: nothing can be sent to it, or it is just changing. */
inline_ int hop_get(uint64_t number, struct hop *hop)
{
	const volatile uint64_t *word =
		(const volatile uint64_t *)&adjacency[number % FORWARD_ADJACENCIES];
	uint32_t version;

	hop->first = word[0];
	hop->head = word[1];
	hop->rest = word[2];
	version = *(const volatile uint32_t *)word;
	return version == (uint32_t)hop->first && !(version & FORWARD_CLOSED);
}

/* The adjacency of a group that a flow with this hash takes (RFC 2992: each has a region of the hash's space). */
inline_ uint64_t group_hop(uint64_t number, uint32_t hash)
{
	uint64_t g = number - FORWARD_GROUP;

	hash *= 0x9e3779b1u;
	return g < FORWARD_GROUPS ? groups[g].bucket[hash >> 26] : FORWARD_UNREACHABLE;
}
_Static_assert(FORWARD_BUCKETS == 1u << (32 - 26), "the hash has six bits");

/* RFC 3704: does a route to the source lead back by this interface (strict), or anywhere (loose)? */
inline_ int source_reached(int64_t from, uint32_t iface, uint32_t flags)
{
	uint64_t n = (uint64_t)from;

	if (n < FORWARD_LINK || n >= FORWARD_NUMBERS)
		return 0;
	if (!(flags & FORWARD_RPF_STRICT))
		return 1;
	if (n < FORWARD_GROUP)
		return adjacency[n % FORWARD_ADJACENCIES].iface == iface;
	n -= FORWARD_GROUP;
	return n < FORWARD_GROUPS && (groups[n].ifaces >> (iface & 63) & 1);
}

/* A frame of another length than the one that came is sent on the side, and that one is done with. */
inline_ uint64_t send_other(const uint8_t *frame, const struct hop *hop, uint32_t len,
			    enum forward_counter which, enum forward_counter full)
{
	if (xok_send(hop_port(hop), frame, len))
		return drop(full);
	return count(which, XOK_V_CONSUME);
}

/*
 * The frame gets the adjacency's link addresses, and tag if it has one, loses what the link padded it with, and goes.
 */
#ifdef TAGGED
inline_ uint64_t send(const struct xok_handler_ctx *ctx, uint8_t *frame, const struct hop *hop,
		      uint32_t ip_len, enum forward_counter which, enum forward_counter full)
{
	if (!hop_tag(hop)) { /* addresses and type move up to the IP header */
		*(uint64_t *)(frame + TAG) = hop->head;
		*(uint32_t *)(frame + TAG + 8) = (uint32_t)hop->rest;
		return send_other(frame + TAG, hop, 14 + ip_len, which, full);
	}
	*(uint64_t *)frame = hop->head;
	*(uint32_t *)(frame + 8) = (uint32_t)hop->rest;
	/* The priority stays, the VLAN is the next link's. */
	*(uint16_t *)(frame + 14) = (uint16_t)((load16(frame + 14) & 0x00f0) | hop_tag(hop));
	if (ctx->len != ETHER + ip_len)
		xok_trim(ETHER + ip_len);
	return count(which, XOK_FORWARD_TO(hop_port(hop)));
}
#else
inline_ uint64_t send(const struct xok_handler_ctx *ctx, uint8_t *frame, const struct hop *hop,
		      uint32_t ip_len, enum forward_counter which, enum forward_counter full)
{
	if (hop_tag(hop)) {
		scratch[0] = hop->head;
		scratch[1] = (uint32_t)hop->rest | (uint64_t)TPID << 32 |
			     (uint64_t)hop_tag(hop) << 48;
		if (ip_len > FORWARD_FRAME - 18 || xok_vector(&scratch[2], ip_len + 2, 12) < 0)
			return drop(full);
		return send_other((const uint8_t *)scratch, hop, 18 + ip_len, which, full);
	}
	*(uint64_t *)frame = hop->head;
	*(uint32_t *)(frame + 8) = (uint32_t)hop->rest;
	if (unlikely(ctx->len != ETHER + ip_len))
		xok_trim(ETHER + ip_len);
	return count(which, XOK_FORWARD_TO(hop_port(hop)));
}
#endif

#endif
