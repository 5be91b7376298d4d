/* SPDX-License-Identifier: BSD-2-Clause */
/* balance_stack.c - a host stack that takes all and says nothing. */
#include <stdlib.h>
#include <string.h>

#include "amp/ip.h"
#include "nodeos/lib/inet.h"
#include "xok/linux/test/balance.h"

int amp_ip_init(void (*out)(void *arg, const uint8_t *packet, size_t len), void *arg)
{
	(void)out, (void)arg;
	return 0;
}

int amp_ip_address(uint32_t addr, uint32_t netmask)
{
	(void)addr, (void)netmask;
	return 0;
}

void amp_ip_keep(bool (*keep)(const void *arg, uint32_t addr), const void *arg)
{
	(void)keep, (void)arg;
}

void amp_ip_input(const uint8_t *packet, size_t len)
{
	if (len < 20 || be16(packet + 2) != len)
		abort(); /* it is no packet */
	balance.stack_in++;
}

void amp_ip_stats(struct amp_ip_stats *s)
{
	memset(s, 0, sizeof(*s));
}

int amp_ip_echo_service(void)
{
	return 0;
}

int amp_ip_udp_open(uint16_t port,
		    void (*fn)(void *arg, uint32_t src, uint16_t sport, const uint8_t *data,
			       size_t len),
		    void *arg)
{
	(void)port, (void)fn, (void)arg;
	return 0;
}

int amp_ip_udp_send(uint16_t sport, uint32_t dst, uint16_t dport, const void *data, size_t len)
{
	(void)sport, (void)dst, (void)dport, (void)data, (void)len;
	return 0;
}

int amp_ip_echo(uint32_t dst, uint8_t ttl, uint16_t id, uint16_t seq, const void *data, size_t len)
{
	(void)dst, (void)ttl, (void)id, (void)seq, (void)data, (void)len;
	return 0;
}

void amp_ip_on_icmp(void (*fn)(void *arg, uint8_t type, uint8_t code, uint32_t from, uint16_t id,
			       uint16_t seq),
		    void *arg)
{
	(void)fn, (void)arg;
}
