/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz_ip6.c - IPv6 packets, one after the other, at any ports: ipv6.c, icmp6.c, nd.c, ra.c, fragment6.c and reass.c. They are what the input says, or have a
 * header that is as it should be, with an ICMPv6 message or a fragment behind it. In the end every fragment is accounted for.
 */
#include <stdlib.h>
#include <string.h>

#include "nodeos/root/ipv6.h"
#include "nodeos/test/mock_amp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct node_pub pub;
static struct ipv6 ip;

static const struct config_advertise advertise[NODE_PORTS] = {
	[0] = {.on = true, .interval = 4, .lifetime = 12, .valid = 60, .preferred = 60}};

static void begin(void)
{
	mock_reset(3);
	mock_node(&pub, 3, NODE_ROUTER);
	for (uint16_t i = 0; i < 3; i++) {
		struct ip6 net, addr = {{0xfd, 0, 0, (uint8_t)i, [15] = 1}};

		pub.addresses6[pub.naddress6++] = (struct node_address6){
			.addr = ip6_from_mac(pub.port[i].mac), .len = 64, .port = i};
		pub.addresses6[pub.naddress6++] = (struct node_address6){
			.addr = addr, .len = 64, .port = i};
		net = ip6_prefix(&addr, 64);
		mock_route(&pub, &net, 64, NULL, i);
	}
	ipv6_init(&ip, &pub);
	ra_config(&ip, advertise);
}

/* How a packet is made, the two lowest bits of a byte; the next two say its port, and the others this. */
enum how { RAW, MENDED, MESSAGE, FRAGMENT };
enum { GROUP = 0x10, NO_SOURCE = 0x20, LOCAL = 0x40, WAIT = 0x80 };

/* A header for what stands behind it. */
static void put_header(uint8_t how, uint8_t *packet, size_t len, uint8_t next)
{
	struct ip6 src = {{0xfd, [15] = 9}}, dst = {{0xfd, [15] = 1}};

	if (how & LOCAL)
		src.b[0] = 0xfe, src.b[1] = 0x80;
	if (how & NO_SOURCE)
		src = (struct ip6){{0}};
	if (how & GROUP)
		dst = (struct ip6){{0xff, 2, [15] = 2}};
	inet_ip6_header(packet, len, next, 255, &src, &dst);
}

/* The frame's packet, from `len` bytes of the input. Returns its length. */
static size_t make(uint8_t how, uint8_t *packet, const uint8_t *data, size_t len)
{
	size_t front = (how & 3) >= MESSAGE ? IP6_HLEN : 0;
	uint8_t *h = packet + IP6_HLEN;

	memcpy(packet + front, data, len);
	len += front;
	if ((how & 3) == MESSAGE)
		put_header(how, packet, len - IP6_HLEN, PROTO_ICMP6);
	if ((how & 3) == FRAGMENT && len >= IP6_HLEN + 8) {
		/* Of one of four packets, and not far into it, so that they meet. */
		put_header(how, packet, len - IP6_HLEN, PROTO_FRAGMENT);
		h[2] = 0;
		h[3] &= 0x39;
		put32(h + 4, h[4] & 3);
	}
	if (((how & 3) == MENDED || (how & 3) == MESSAGE) && len >= IP6_HLEN + ICMP6_HLEN) {
		put16(h + 2, 0);
		put16(h + 2, inet_upper6_sum(packet, PROTO_ICMP6, h, len - IP6_HLEN));
	}
	return len;
}

static void one(uint8_t how, const uint8_t *data, size_t len)
{
	uint16_t port = (how >> 2 & 3) % 3;
	uint8_t packet[IP6_HLEN + 256 * 8], *frame;

	len = make(how, packet, data, len);
	/* Of exactly its length, so that reading past it shows. */
	frame = malloc(ETH_HLEN + len);
	memcpy(frame, pub.port[port].mac, 6);
	memset(frame + 6, 2, 6);
	put16(frame + 12, ETH_IP6);
	memcpy(frame + ETH_HLEN, packet, len);
	ipv6_frame(&ip, port, frame, ETH_HLEN + len);
	free(frame);
	if (how & WAIT)
		mock_advance(REASS_NS / 4);
}

/* Of each packet: a byte that says how it is made, one that says how long it is, in units of 8, and what is in it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t lost = 0;

	begin();
	while (size > 2) {
		size_t len = data[1] * 8u;

		len = len < size - 2 ? len : size - 2;
		one(data[0], data + 2, len);
		data += 2 + len;
		size -= 2 + len;
	}
	for (unsigned i = IP6C_FRAGMENT_LENGTH; i <= IP6C_FRAGMENT_TIME; i++)
		lost += ip.count.n[i];
	if (ip.count.n[IP6C_FRAGMENTS_RECEIVED] !=
	    ip.count.n[IP6C_FRAGMENTS_JOINED] + lost + reass_waiting(&ip.reass))
		abort();
	mock_advance(REASS_NS);
	if (reass_waiting(&ip.reass))
		abort();
	return 0;
}
