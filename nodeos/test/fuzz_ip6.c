/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_ip6.c - any IPv6 packet, at any port, with its upper-layer checksum mended where it has one: ipv6.c, icmp6.c, nd.c. */
#include <stdlib.h>
#include <string.h>

#include "nodeos/root/ipv6.h"
#include "nodeos/test/mock_amp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct node_pub pub;
static struct ipv6 ip;

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
}

/* The first byte says the port and what is mended; the rest is the frame from its IPv6 header on. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *frame, *packet;
	size_t len = size - 1;

	if (size < 1 || len > IP6_PACKET_MAX)
		return 0;
	begin();
	frame = malloc(ETH_HLEN + len);
	packet = frame + ETH_HLEN;
	memcpy(frame, pub.port[data[0] % 3].mac, 6);
	memset(frame + 6, 2, 6);
	put16(frame + 12, ETH_IP6);
	memcpy(packet, data + 1, len);
	if ((data[0] & 0x80) && len >= IP6_HLEN + ICMP6_HLEN) {
		packet[0] = 0x60;
		put16(packet + IP6_LEN, (uint16_t)(len - IP6_HLEN));
		packet[IP6_NEXT] = PROTO_ICMP6;
		put16(packet + IP6_HLEN + 2, 0);
		put16(packet + IP6_HLEN + 2,
		      inet_upper6_sum(packet, PROTO_ICMP6, packet + IP6_HLEN, len - IP6_HLEN));
	}
	ipv6_frame(&ip, data[0] % 3, frame, ETH_HLEN + len);
	free(frame);
	mock_advance(10000000000);
	return 0;
}
