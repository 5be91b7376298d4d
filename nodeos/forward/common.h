/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * common.h - the half of forwarding that does not depend on the family: tables, counters, link addresses, adjacencies. BPF only; each
 * handler includes it once.
 *
 * Loads are cast to the width they need: a window has no alignment.
 */
#ifndef NODEOS_FORWARD_COMMON_H
#define NODEOS_FORWARD_COMMON_H

#include "nodeos/forward/forward.h"
#include "xok/handler.h"

#define ETHER 14u /* bytes of an Ethernet header */
#define MAC_MASK 0xffffffffffffull

#define inline_ static inline __attribute__((always_inline))

XOK_ARRAY(struct forward_adjacency, adjacency, FORWARD_ADJACENCIES);
XOK_ARRAY(struct forward_port, ports, FORWARD_PORTS);
XOK_ARRAY(uint64_t, counters, FORWARD_COUNTERS);

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

inline_ uint64_t count(enum forward_counter which, uint64_t verdict)
{
	counters[which]++;
	return verdict;
}

inline_ uint64_t pass(enum forward_counter why)
{
	return count(why, XOK_V_PASS);
}

inline_ uint64_t drop(enum forward_counter why)
{
	return count(why, XOK_V_DROP);
}

/* In a broadcast or multicast frame? */
inline_ int link_group(const uint8_t *frame)
{
	return frame[0] & 1;
}

/* Sent to this station? A port that listens to everything hears what another one forwards, too. */
inline_ int for_us(const struct xok_handler_ctx *ctx, const uint8_t *frame)
{
	return link_group(frame) || (ctx->port < FORWARD_PORTS &&
				     (load64(frame) & MAC_MASK) == load64(ports[ctx->port].mac));
}

struct hop {
	uint64_t head; /* the first eight bytes of the frame */
	uint32_t rest; /* the next four */
	uint32_t port, mtu;
};

/* One consistent copy of an adjacency; 0: it is incomplete, or being written. */
inline_ int hop_get(int64_t index, struct hop *hop)
{
	const volatile struct forward_adjacency *a;
	uint32_t version;

	if ((uint64_t)index >= FORWARD_ADJACENCIES)
		return 0;
	a = &adjacency[index];
	version = a->version;
	if ((version & 1) || !a->complete)
		return 0;
	hop->head = *(const volatile uint64_t *)a->ether;
	hop->rest = *(const volatile uint32_t *)(a->ether + 8);
	hop->port = a->port;
	hop->mtu = a->mtu;
	return a->version == version;
}

/* The frame gets the adjacency's link addresses, loses what the link padded it with, and goes. */
inline_ uint64_t send(const struct xok_handler_ctx *ctx, uint8_t *frame, const struct hop *hop,
		      uint32_t ip_len, enum forward_counter which)
{
	*(uint64_t *)frame = hop->head;
	*(uint32_t *)(frame + 8) = hop->rest;
	if (ctx->len != ETHER + ip_len)
		xok_trim(ETHER + ip_len);
	return count(which, XOK_FORWARD_TO(hop->port));
}

#endif
