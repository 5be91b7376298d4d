/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * icmp.c - our own echo requests, and what comes back for them. Answering those of others is
 * lwIP's.
 */
#include "ip_int.h"

#include <string.h>

#include "lwip/icmp.h"
#include "lwip/inet_chksum.h"
#include "lwip/ip.h"
#include "lwip/prot/ip4.h"
#include "lwip/raw.h"

#include "hooks.h"

#define ICMP_HLEN 8u /* of an echo, and of an error before the packet that it quotes */

static void (*icmp_fn)(void *arg, uint8_t type, uint8_t code, uint32_t from, uint16_t id,
		       uint16_t seq);
static void *icmp_arg;

static uint16_t be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

/* lwIP shows packets before it has verified ICMP's checksum. */
static bool checksum_good(struct pbuf *p, uint16_t hlen)
{
	bool good;

	if (pbuf_remove_header(p, hlen))
		return false;
	good = inet_chksum_pbuf(p) == 0;
	pbuf_add_header_force(p, hlen);
	return good;
}

/*
 * The echo request that an error quotes: RFC 792: its IP header and at least 64 bits of what
 * follows. Returns where its ICMP header begins in the error's body, or 0.
 */
static uint16_t quoted_echo(const uint8_t *body, uint16_t len)
{
	uint16_t hlen;

	/* Shorter than a header without options there is no length field to trust. */
	if (len < IP_HLEN || body[0] >> 4 != 4)
		return 0;
	hlen = (uint16_t)((body[0] & 15) * 4);
	if (hlen < IP_HLEN || len < hlen + ICMP_HLEN)
		return 0;
	/* RFC 792: a later fragment carries no ICMP header. */
	if (body[9] != IP_PROTO_ICMP || be16(body + 6) & IP_OFFMASK || body[hlen] != ICMP_ECHO)
		return 0;
	return hlen;
}

/* Sees every ICMP packet that is for us, and leaves it to lwIP (returns 0). */
static u8_t on_icmp(void *arg, struct raw_pcb *pcb, struct pbuf *p, const ip_addr_t *from)
{
	uint8_t icmp[ICMP_HLEN + 60 + ICMP_HLEN], head;
	const uint8_t *echo = icmp;
	uint16_t hlen, len, at;

	(void)arg;
	(void)pcb;
	if (!icmp_fn || pbuf_copy_partial(p, &head, 1, 0) != 1)
		return 0;
	hlen = (uint16_t)((head & 15) * 4);
	len = pbuf_copy_partial(p, icmp, sizeof(icmp), hlen);
	if (len < ICMP_HLEN || !checksum_good(p, hlen))
		return 0;
	switch (icmp[0]) {
	case ICMP_ER: break;
	case ICMP_DUR:
	case ICMP_TE:
	case ICMP_PP:
		at = quoted_echo(icmp + ICMP_HLEN, (uint16_t)(len - ICMP_HLEN));
		if (!at)
			return 0;
		echo = icmp + ICMP_HLEN + at;
		break;
	default: return 0;
	}
	icmp_fn(icmp_arg, icmp[0], icmp[1], from->addr, be16(echo + 4), be16(echo + 6));
	return 0;
}

int amp_ip_icmp_init(void)
{
	struct raw_pcb *pcb = raw_new(IP_PROTO_ICMP);

	if (!pcb)
		return XOK_ENOMEM;
	raw_recv(pcb, on_icmp, NULL);
	return amp_ip_error(raw_bind(pcb, IP_ADDR_ANY));
}

void amp_ip_on_icmp(void (*fn)(void *arg, uint8_t type, uint8_t code, uint32_t from, uint16_t id,
			       uint16_t seq),
		    void *arg)
{
	icmp_fn = fn;
	icmp_arg = arg;
}

int amp_ip_echo(uint32_t dst, uint8_t ttl, uint16_t id, uint16_t seq, const void *data, size_t len)
{
	ip4_addr_t to = {.addr = dst};
	struct netif *netif = amp_lwip_route(NULL, &to);
	uint8_t head[ICMP_HLEN] = {
		ICMP_ECHO,	     0,		  0, 0, (uint8_t)(id >> 8), (uint8_t)id,
		(uint8_t)(seq >> 8), (uint8_t)seq};
	uint16_t sum;
	struct pbuf *p;
	bool was;
	err_t err;

	/* A datagram cannot be longer than 65535 bytes with its header. */
	if (!dst || !ttl || len > 65535u - IP_HLEN - ICMP_HLEN)
		return XOK_EINVAL;
	if (!netif)
		return XOK_ENOENT;
	p = pbuf_alloc(PBUF_IP, (u16_t)(ICMP_HLEN + len), PBUF_RAM);
	if (!p)
		return XOK_ENOMEM;
	memcpy(p->payload, head, ICMP_HLEN);
	if (len)
		memcpy((uint8_t *)p->payload + ICMP_HLEN, data, len);
	sum = inet_chksum_pbuf(p);
	memcpy((uint8_t *)p->payload + 2, &sum, sizeof(sum));
	was = amp_ip_enter();
	err = ip4_output_if(p, netif_ip4_addr(netif), &to, ttl, 0, IP_PROTO_ICMP, netif);
	amp_ip_leave(was);
	pbuf_free(p);
	return amp_ip_error(err);
}
