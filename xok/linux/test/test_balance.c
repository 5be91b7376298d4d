/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_balance.c - mutated packets through the whole router: packets in = packets out + sum of named drops + what was consumed, exactly, by what became
 * of each packet and by every counter; and what the handlers send on is what a trivial router would have sent on, to the byte, no more and no
 * less.
 *
 * BALANCE_RANDOM says how many packets, BALANCE_SEED which is the first; time goes on by a microsecond a packet. Queues are full now and then, a link goes
 * and comes back, and the router domain leaves its ring alone for a while.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nodeos/lib/inet6.h"
#include "xok/linux/test/balance.h"
#include "xok/linux/test/balance_packets.h"

#define BURST 32u
#define CHECK_EVERY 256u /* bursts */

static struct {
	uint64_t fate[XOK_NFATE], reason[FORWARD_COUNTERS];
	uint64_t in[BALANCE_PORTS], bytes[BALANCE_PORTS], out[BALANCE_PORTS];
	uint64_t full[BALANCE_PORTS]; /* frames that a queue had no room for */
	uint64_t on_wire;	      /* by the environment, at ports that are no mirrors */
	/* Of this burst: what handlers sent on the side, and what they could not. */
	uint32_t nside, side_port[BURST], refused;
	struct packet side[BURST];
} seen;
static struct random chances;
static bool down; /* port 1's link */

static uint64_t number_of(const char *name, uint64_t otherwise)
{
	const char *s = getenv(name);

	return s ? strtoull(s, NULL, 0) : otherwise;
}

/* ---- what leaves ---- */

/* Whatever the router domain sends is right as well. */
static void check_own(uint32_t port, const uint8_t *frame, size_t len)
{
	const uint8_t *ip = frame + 14;
	uint16_t type = be16(frame + 12);

	assert_memory_equal(frame + 6, xok_port(balance.x, port)->mac, 6);
	if (type == 0x8100) {
		assert_int_equal(be16(ip) & 0xfff, 7);
		type = be16(ip + 2);
		ip += 4;
	}
	size_t room = len - (size_t)(ip - frame);
	if (type == 0x0800) {
		assert_int_equal(inet_ip4_check(ip, room), INET_OK);
		assert_true(ip[8] >= 1);
		assert_true(be16(ip + 2) <= (port == 1 ? WAN_MTU : 1500));
	} else if (type == 0x86dd) {
		assert_true(room >= 40 && ip[0] >> 4 == 6 && be16(ip + 4) <= room - 40);
		assert_true(ip[7] >= 1);
	} else {
		assert_int_equal(type, 0x0806);
	}
}

static bool sent(struct balance *b, uint32_t port, const uint8_t *frame, size_t len)
{
	if (random_below(&chances, 50) == 0) {
		seen.full[port]++;
		seen.refused += b->in_burst;
		return false;
	}
	seen.out[port]++;
	if (b->in_burst) {
		assert_true(seen.nside < BURST);
		seen.side_port[seen.nside] = port;
		seen.side[seen.nside].len = len;
		memcpy(seen.side[seen.nside++].data, frame, len);
	} else if (port != BALANCE_MIRROR) {
		seen.on_wire++;
		check_own(port, frame, len);
	}
	return true;
}

/* ---- one burst ---- */

static void show(const struct packet *p, uint32_t port, const char *what)
{
	fprintf(stderr, "%s; port %u, %zu bytes:", what, port, p->len);
	for (size_t i = 0; i < p->len && i < 96; i++)
		fprintf(stderr, "%s%02x", i % 16 ? " " : "\n\t", p->data[i]);
	fputc('\n', stderr);
}

/* The frame is the one that came, with its hop's addresses, one hop less to go, the right checksum, and no padding. */
static bool is_forwarded(const struct packet *was, const struct way *w, uint32_t port,
			 const uint8_t *frame, size_t len)
{
	struct packet want;

	for (uint32_t i = 0; i < w->n; i++) {
		if (w->hop[i].port != port)
			continue;
		packet_forwarded(&want, was, w, &w->hop[i]);
		if (want.len == len && !memcmp(want.data, frame, len))
			return true;
	}
	return false;
}

/* Does one of the ways lead through the link that is down? */
static bool cut(const struct way *w)
{
	for (uint32_t i = 0; i < w->n; i++)
		if (down && w->hop[i].port == 1)
			return true;
	return false;
}

static void check_packet(const struct packet *was, struct way w, uint32_t port,
			 const struct xok_packet *p, uint32_t *side)
{
	bool right = true;

	switch (p->fate) {
	case XOK_FATE_FORWARDED:
		if (port == BALANCE_MIRROR) /* the host's own: as it is */
			right = p->out == 2 && p->len == was->len &&
				!memcmp(p->frame, was->data, p->len);
		else if (p->out == BALANCE_MIRROR) /* for the host: as it is */
			right = port == 2 && !w.n && p->len == was->len &&
				!memcmp(p->frame, was->data, p->len);
		else
			right = w.n && !w.other && !(down && p->out == 1) &&
				is_forwarded(was, &w, p->out, p->frame, p->len);
		break;
	case XOK_FATE_DENIED: right = !w.other && cut(&w); break;
	case XOK_FATE_DROPPED:
		if (p->reason == FORWARD_IP4_TRANSMIT || p->reason == FORWARD_IP6_TRANSMIT)
			right = w.n && w.other && (cut(&w) || seen.refused-- > 0);
		else
			right = w.n == 0 || w.maybe;
		break;
	case XOK_FATE_CONSUMED: /* of another length than it came with */
		right = *side < seen.nside && w.n && w.other &&
			is_forwarded(was, &w, seen.side_port[*side], seen.side[*side].data,
				     seen.side[*side].len);
		++*side;
		break;
	default: right = w.n == 0 || w.maybe; break;
	}
	if (right)
		return;
	show(was, port, w.n ? "it is to be sent on" : "it is not to be sent on");
	fprintf(stderr, "fate %u, reason %u, port %u, %u bytes\n", p->fate, p->reason, p->out,
		p->len);
	fail();
}

bool packet_neighbour(uint32_t iface, const struct ip6 *addr, uint8_t mac[6])
{
	const struct neigh *t = ip6_is_mapped(addr) ? &balance.root.ip.neigh
						    : &balance.root.ip6.neigh;
	const struct neigh_entry *e = neigh_find(t, iface == 3 ? FORWARD_VLANS : (uint16_t)iface,
						 addr);

	if (!e || !e->usable)
		return false;
	memcpy(mac, e->mac, 6);
	return true;
}

/* The device has no room after all. */
static void give_up(struct xok_packet *p)
{
	xok_unsent(balance.x, 0, p);
	seen.out[p->out]--;
	seen.full[p->out]++;
	seen.fate[XOK_FATE_FORWARDED]--;
	seen.fate[XOK_FATE_TX_FULL]++;
}

/* Now and then the router domain does nothing for a while, and a link goes. */
static void disturb(struct random *r)
{
	if (random_below(r, balance.stuck ? 40 : 400) == 0) {
		balance.stuck = !balance.stuck;
		if (!balance.stuck)
			balance_drain();
	}
	if (random_below(r, down ? 20 : 400) == 0) {
		down = !down;
		xok_port_link(balance.x, 1, !down);
	}
}

static void burst(uint32_t port, struct random *r)
{
	static struct packet was[BURST];
	static struct way way[BURST];
	struct xok_packet p[BURST];
	uint32_t n = 1 + random_below(r, BURST), side = 0;

	for (uint32_t i = 0; i < n; i++) {
		packet_make(&was[i], port, r);
		way[i] = packet_way(&was[i], port);
		/* In memory of its own size, so that an access beyond it shows. */
		p[i] = (struct xok_packet){.frame = malloc(was[i].len ? was[i].len : 1),
					   .len = (uint32_t)was[i].len};
		memcpy(p[i].frame, was[i].data, was[i].len);
		seen.in[port]++;
		seen.bytes[port] += was[i].len;
	}
	seen.nside = seen.refused = 0;
	balance_burst(port, p, n);
	for (uint32_t i = 0; i < n; i++) {
		assert_true(p[i].fate < XOK_NFATE);
		seen.fate[p[i].fate]++;
		if (p[i].fate == XOK_FATE_BAD_LENGTH) {
			seen.in[port]--;
			seen.bytes[port] -= was[i].len;
		}
		if (p[i].fate == XOK_FATE_DROPPED)
			seen.reason[p[i].reason]++;
		if (p[i].out != XOK_OUT_NONE)
			seen.out[p[i].out]++;
		check_packet(&was[i], way[i], port, &p[i], &side);
		if (p[i].fate == XOK_FATE_FORWARDED && random_below(r, 50) == 0)
			give_up(&p[i]);
		free(p[i].frame);
	}
	assert_int_equal(side, seen.nside);
	balance_pass(n * 1000);
}

/* ---- the books ---- */

static uint64_t outcome(size_t offset)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < amp_progs(); i++) {
		const struct xok_prog_info *p = amp_prog_info(i);

		if (p)
			sum += *(const uint64_t *)((const char *)p + offset);
	}
	return sum;
}
#define OUTCOME(name) outcome(offsetof(struct xok_prog_info, name))

/* By the kernel: ports, handlers, rings. */
static uint64_t check_kernel(void)
{
	uint64_t in = 0, bad = 0, nobody = 0, handled = 0, full = 0;
	uint64_t ring = seen.fate[XOK_FATE_RING];

	xok_fold(balance.x);
	for (uint32_t i = 0; i < BALANCE_PORTS; i++) {
		const struct xok_port_info *p = xok_port(balance.x, i);

		assert_int_equal(p->rx_packets, seen.in[i]);
		assert_int_equal(p->rx_bytes, seen.bytes[i]);
		assert_int_equal(p->tx_packets, seen.out[i]);
		assert_int_equal(p->tx_full, seen.full[i]);
		in += p->rx_packets;
		bad += p->rx_bad_length;
		nobody += p->rx_no_filter;
		handled += p->rx_handled;
		full += p->rx_ring_full;
	}
	assert_int_equal(bad, seen.fate[XOK_FATE_BAD_LENGTH]);
	assert_int_equal(nobody, seen.fate[XOK_FATE_NO_FILTER]);
	assert_int_equal(full, seen.fate[XOK_FATE_RING_FULL]);
	assert_int_equal(OUTCOME(forwarded), seen.fate[XOK_FATE_FORWARDED]);
	assert_int_equal(OUTCOME(dropped), seen.fate[XOK_FATE_DROPPED]);
	assert_int_equal(OUTCOME(consumed), seen.fate[XOK_FATE_CONSUMED]);
	assert_int_equal(OUTCOME(denied), seen.fate[XOK_FATE_DENIED]);
	assert_int_equal(OUTCOME(tx_full), seen.fate[XOK_FATE_TX_FULL]);
	assert_int_equal(
		OUTCOME(stopped) + OUTCOME(bad_verdict) + OUTCOME(throttled) + OUTCOME(replied), 0);
	assert_int_equal(handled, OUTCOME(forwarded) + OUTCOME(dropped) + OUTCOME(consumed) +
					  OUTCOME(denied) + OUTCOME(tx_full) + OUTCOME(passed) +
					  OUTCOME(too_short));
	assert_int_equal(amp_env_info(amp_self())->packets, ring);
	assert_int_equal(in, nobody + handled - OUTCOME(passed) - OUTCOME(too_short) + ring + full);
	return ring;
}

/* By the handlers: every packet in one line, and every drop for the reason that it was given. */
static void check_handlers(void)
{
	static const char *const name[FORWARD_COUNTERS] = {
#define FORWARD(NAME, stable, text) stable,
#include "nodeos/forward/forward.def"
#undef FORWARD
	};
	uint64_t passed = 0, dropped = 0, sent_on = 0;

	for (uint32_t i = 0; i < FORWARD_COUNTERS; i++) {
		uint64_t n = forward_counted(&balance.root.forward, (enum forward_counter)i);

		assert_int_equal(strstr(name[i], "drop-") ? n : 0, seen.reason[i]);
		if (strstr(name[i], "drop-"))
			dropped += n;
		else if (strstr(name[i], "-pass-"))
			passed += n;
		else
			sent_on += n;
	}
	assert_int_equal(passed, OUTCOME(passed));
	assert_int_equal(dropped, OUTCOME(dropped));
	assert_int_equal(sent_on, OUTCOME(forwarded) + OUTCOME(consumed) + OUTCOME(tx_full) +
					  OUTCOME(denied));
}

#define IP(name) balance.root.ip.count.n[IPC_##name]
#define IP6(name) balance.root.ip6.count.n[IP6C_##name]

static uint64_t waiting(const struct neigh *t)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < NODE_NEIGHS; i++)
		n += t->entry[i].nwaiting;
	return n;
}

/* By the router domain: what came out of the ring, and what was sent. */
static void check_domain(uint64_t ring)
{
	uint64_t made, lost;

	assert_int_equal(ring, IP(ARP_RECEIVED) + IP(RECEIVED) + IP6(RECEIVED) + IP(MIRRORED) +
				       IP(ETHER_ADDRESS) + IP(ETHER_TYPE) + IP(MIRROR));
	assert_int_equal(IP(RECEIVED) + IP(ICMP_SENT),
			 IP(DELIVERED) + IP(TO_HOST) + IP(FORWARDED) + IP(SENT) + IP(SHORT) +
				 IP(VERSION) + IP(HEADER_LENGTH) + IP(LENGTH) + IP(CHECKSUM) +
				 IP(OPTIONS) + IP(SOURCE_ROUTE) + IP(BAD_SOURCE) +
				 IP(BAD_DESTINATION) + IP(RPF) + IP(MULTICAST) + IP(BROADCAST) +
				 IP(NOT_FOR_US) + IP(TTL) + IP(NO_ROUTE) + IP(BLACKHOLE) +
				 IP(PROHIBITED) + IP(FRAG_NEEDED) + IP(HOST));
	assert_int_equal(IP(DELIVERED), balance.stack_in);
	assert_int_equal(IP6(RECEIVED) + IP6(ICMP_SENT) + IP6(ECHO_REPLIES) + IP6(REASSEMBLED),
			 IP6(DELIVERED) + IP6(TO_HOST) + IP6(FORWARDED) + IP6(SENT) + IP6(SHORT) +
				 IP6(VERSION) + IP6(LENGTH) + IP6(BAD_SOURCE) +
				 IP6(BAD_DESTINATION) + IP6(MULTICAST) + IP6(LINK_GROUP) +
				 IP6(SCOPE) + IP6(OPTIONS) + IP6(HEADERS) +
				 IP6(FRAGMENTS_RECEIVED) + IP6(HOP_LIMIT) + IP6(NO_ROUTE) +
				 IP6(BLACKHOLE) + IP6(PROHIBITED) + IP6(TOO_BIG) + IP6(NO_SERVICE) +
				 IP6(CHECKSUM) + IP6(ICMP_TYPE) + IP6(HOST));
	made = IP(ARP_REQUESTS) + IP(ARP_REPLIES) + IP6(ND_SOLICITED) + IP6(ND_ADVERTISED) +
	       IP(FORWARDED) + IP(SENT) + IP(FRAGMENTS) - IP(FRAGMENTED) + IP6(FORWARDED) +
	       IP6(SENT) + IP6(FRAGMENTS) - IP6(FRAGMENTED) + IP6(RA_SENT);
	lost = IP(NO_NEIGHBOUR) + IP(QUEUE_FULL) + IP(TRANSMIT) + IP(TRANSMIT_FULL) + IP(ARP_FULL) +
	       IP6(ND_FULL) + IP6(NO_NEIGHBOUR) + IP6(QUEUE_FULL) + IP6(TRANSMIT) +
	       IP6(TRANSMIT_FULL) + waiting(&balance.root.ip.neigh) +
	       waiting(&balance.root.ip6.neigh);
	assert_int_equal(made, lost + seen.on_wire);
	assert_int_equal(IP6(FRAGMENTS_RECEIVED),
			 IP6(FRAGMENTS_JOINED) + IP6(FRAGMENT_LENGTH) + IP6(FRAGMENT_HEADERS) +
				 IP6(FRAGMENT_DUPLICATE) + IP6(FRAGMENT_OVERLAP) +
				 IP6(FRAGMENT_MANY) + IP6(FRAGMENT_FULL) + IP6(FRAGMENT_TIME) +
				 reass_waiting(&balance.root.ip6.reass));
}

static void mutated(void **state)
{
	uint64_t wanted = number_of("BALANCE_RANDOM", 200000), done = 0, bursts = 0;
	struct random r = {number_of("BALANCE_SEED", 1)};
	(void)state;

	chances = r;
	balance.sent = sent;
	balance_start(packet_conf);
	while (done < wanted) {
		uint64_t before = seen.in[0] + seen.in[1] + seen.in[2] + seen.in[3];

		disturb(&r);
		burst(random_below(&r, BALANCE_PORTS), &r);
		done += seen.in[0] + seen.in[1] + seen.in[2] + seen.in[3] - before;
		if (++bursts % CHECK_EVERY && done < wanted)
			continue;
		balance_drain();
		uint64_t ring = check_kernel();
		check_handlers();
		check_domain(ring);
	}
	print_message("%lu packets:", (unsigned long)done);
	static const char *const name[XOK_NFATE] = {
#define XOK_FATE(NAME, stable, drop, text) stable,
#include "xok/core/fates.def"
#undef XOK_FATE
	};
	for (uint32_t i = 0; i < XOK_NFATE; i++)
		if (seen.fate[i])
			print_message(" %s %lu", name[i], (unsigned long)seen.fate[i]);
	print_message("\n");
	/* All of them were looked at, and a good part of them went through. */
	assert_true(seen.fate[XOK_FATE_FORWARDED] > done / 20);
	assert_true(seen.fate[XOK_FATE_CONSUMED] > 0 && seen.fate[XOK_FATE_DROPPED] > 0);
	assert_true(seen.fate[XOK_FATE_TX_FULL] > 0);
	balance_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(mutated)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
