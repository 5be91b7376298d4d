/* SPDX-License-Identifier: BSD-2-Clause */
/* twin.c - frames for the host's own stack. */
#include <string.h>

#include "amp/amp.h"
#include "nodeos/lib/inet.h"
#include "nodeos/root/twin.h"

bool twin_is_mirror(const struct node_pub *p, uint32_t iface)
{
	return node_port_used(p, iface) && amp_port(p->port[iface].device)->flags & XOK_PORT_MIRROR;
}

uint32_t twin_of(const struct node_pub *p, uint32_t iface)
{
	return node_port_used(p, iface) ? p->port[iface].twin : 0;
}

/* A head of 12 octets with the addresses, the VLAN's tag if there is one, and the rest from the type on. */
static bool send(const struct node_pub *p, uint32_t iface, const uint8_t *addresses,
		 const uint8_t *rest, size_t len, const uint8_t *tail, size_t tail_len)
{
	uint8_t tag[ETH_TAG];
	struct xok_iov iov[4] = {{.base = (uint64_t)(uintptr_t)addresses, .len = 12}};
	uint32_t n = 1, twin = twin_of(p, iface);

	if (!twin)
		return false;
	if (p->port[iface].vlan) {
		put16(tag, ETH_VLAN);
		put16(tag + 2, p->port[iface].vlan);
		iov[n++] = (struct xok_iov){.base = (uint64_t)(uintptr_t)tag, .len = ETH_TAG};
	}
	iov[n++] = (struct xok_iov){.base = (uint64_t)(uintptr_t)rest, .len = len};
	if (tail_len)
		iov[n++] = (struct xok_iov){.base = (uint64_t)(uintptr_t)tail, .len = tail_len};
	return amp_transmit(twin - 1, iov, n) == 0;
}

bool twin_transmit(const struct node_pub *p, uint32_t iface, const uint8_t *frame, size_t len)
{
	return len >= ETH_HLEN && send(p, iface, frame, frame + 12, len - 12, NULL, 0);
}

bool twin_packet(const struct node_pub *p, uint32_t iface, uint16_t type, const uint8_t *packet,
		 size_t len)
{
	uint8_t addresses[12], ether[2];

	if (!twin_of(p, iface))
		return false;
	memcpy(addresses, p->port[iface].mac, 6);
	memcpy(addresses + 6, p->port[iface].mac, 6);
	put16(ether, type);
	return send(p, iface, addresses, ether, 2, packet, len);
}
