/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz_ip.c - whatever bytes come in as packets to our address, the host stack survives, and sends
 * nothing but good packets.
 *
 * Input: packets, each two bytes of length (the top bit: as it is; else with its checksums, its
 * version and its destination made good, so that it gets beyond them) and the packet; a length of
 * zero lets time pass.
 */
#include <stdlib.h>
#include <string.h>

#include "amp/ip.h"
#include "mock_loop.h"
#include "packets.h"

#define US 0x0a000001u

static struct packet last;

static void out(void *arg, const uint8_t *packet, size_t len)
{
	(void)arg;
	if (len < 20 || len > PACKET_MAX)
		abort();
	memcpy(last.b, packet, len);
	last.len = len;
	/* An echo reply keeps the options of its request: those packets.c does not read. */
	if (last.b[0] == 0x45 && !packet_good(&last))
		abort();
}

static void on_udp(void *arg, uint32_t src, uint16_t sport, const uint8_t *data, size_t len)
{
	(void)arg;
	amp_ip_udp_send(4000, src, sport, data, len);
}

static void on_icmp(void *arg, uint8_t type, uint8_t code, uint32_t from, uint16_t id, uint16_t seq)
{
	(void)arg;
	(void)code;
	/* Calls into the stack from its own callbacks are allowed. */
	if (type)
		amp_ip_echo(from, 1, id, seq, "again", 5);
}

static void start(void)
{
	static bool started;
	uint8_t addr[4], mask[4];
	uint32_t a, m;

	if (started)
		return;
	started = true;
	put32(addr, US);
	put32(mask, 0xffffff00);
	memcpy(&a, addr, 4);
	memcpy(&m, mask, 4);
	if (amp_ip_init(out, NULL) || amp_ip_address(a, m) || amp_ip_echo_service() ||
	    amp_ip_udp_open(4000, on_udp, NULL))
		abort();
	amp_ip_on_icmp(on_icmp, NULL);
}

/* Half of the acknowledgements are right for what was sent last, so that connections come about. */
static void follow(struct packet *p)
{
	if (p->b[9] != 6 || last.len < 40 || last.b[9] != 6 || p->b[4] & 1)
		return;
	put32(p->b + 12, ip_dst(&last));
	put16(IP_BODY(p), get16(IP_BODY(&last) + 2));
	put16(IP_BODY(p) + 2, get16(IP_BODY(&last)));
	put32(IP_BODY(p) + 4, get32(IP_BODY(&last) + 8));
	put32(IP_BODY(p) + 8, get32(IP_BODY(&last) + 4) + 1);
}

static void give(struct packet *p, bool good)
{
	uint8_t *exact;

	if (good && p->len >= 40) {
		p->b[0] = 0x45;
		put16(p->b + 2, (uint16_t)p->len);
		put32(p->b + 16, US);
		follow(p);
		fix_checksums(p);
	}
	exact = malloc(p->len);
	if (!exact)
		abort();
	memcpy(exact, p->b, p->len);
	amp_ip_input(exact, p->len);
	free(exact);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct packet p;

	start();
	while (size >= 2) {
		uint16_t head = get16(data);
		size_t len = head & 0x7ff;

		data += 2;
		size -= 2;
		len = len < size ? len : size;
		p.len = len < PACKET_MAX ? len : PACKET_MAX;
		memcpy(p.b, data, p.len);
		data += p.len;
		size -= p.len;
		if (p.len)
			give(&p, !(head & 0x8000));
		else
			mock_run((uint64_t)(head & 0x7fff) << 20);
	}
	return 0;
}
