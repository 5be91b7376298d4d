/* SPDX-License-Identifier: BSD-2-Clause */
/* config_port.c - `port`: interfaces, that is ports and the VLANs at them, and what they have. */
#include <stdio.h>
#include <string.h>

#include "nodeos/lib/inet6.h"
#include "nodeos/root/config_args.h"

#define IP4_MTU_MIN \
	68u /* RFC 791 3.2: "Every internet module must be able to forward a datagram of 68 octets without further fragmentation." */
#define MTU_MAX 1500u

const char *config_port_name(const struct config *c, uint16_t iface, char buf[CONFIG_PORT])
{
	bool vlan = iface >= FORWARD_VLANS && iface < FORWARD_IFACES;
	uint16_t port = vlan ? c->vlan[iface - FORWARD_VLANS].port : iface;
	int n;

	if (iface == NODE_NO_PORT) {
		snprintf(buf, CONFIG_PORT, "loopback");
		return buf;
	}
	if (port < FORWARD_PORTS && c->host->name[port][0])
		n = snprintf(buf, CONFIG_PORT, "%.15s", c->host->name[port]);
	else
		n = snprintf(buf, CONFIG_PORT, "%u", port);
	if (vlan)
		snprintf(buf + n, CONFIG_PORT - (size_t)n, ".%u",
			 c->vlan[iface - FORWARD_VLANS].id);
	return buf;
}

/* ---- which interface ---- */

static bool no_port(const struct config *c, const struct args *a, const char *s)
{
	const char *name[FORWARD_PORTS];
	size_t n = 0;

	for (uint32_t i = 0; i < c->host->nport && i < FORWARD_PORTS; i++) {
		if (c->host->name[i][0] && !c->host->mirror[i])
			name[n++] = c->host->name[i];
	}
	if (n)
		return config_unknown(a, "port", s, name, n);
	return config_fail(a, "there is no port \"%.20s\": this node has %u, numbered from 0", s,
			   c->host->nport);
}

static bool find_port(const struct config *c, const struct args *a, const char *s, size_t len,
		      uint16_t *port)
{
	char name[20];
	uint64_t v = FORWARD_PORTS;

	snprintf(name, sizeof(name), "%.*s", (int)len, s);
	for (uint32_t i = 0; i < c->host->nport && i < FORWARD_PORTS; i++) {
		if (c->host->name[i][0] && !strcmp(name, c->host->name[i]))
			v = i;
	}
	if (v == FORWARD_PORTS && !text_u64(name, FORWARD_PORTS - 1, &v))
		return no_port(c, a, s);
	if (v >= c->host->nport)
		return no_port(c, a, s);
	if (c->host->mirror[v])
		return config_fail(a,
				   "%s is another port's mirror: configure that one, or the "
				   "interface of the host",
				   name);
	*port = (uint16_t)v;
	return true;
}

/* The number of a VLAN that there is; 0: none. */
static uint16_t vlan_of(const struct config *c, uint16_t port, uint16_t id)
{
	for (uint16_t i = 0; i < FORWARD_IFACES - FORWARD_VLANS; i++) {
		if (c->vlan[i].id == id && c->vlan[i].port == port)
			return (uint16_t)(FORWARD_VLANS + i);
	}
	return 0;
}

/* IEEE 802.1Q: 0 is no VLAN, 4095 is reserved. */
static bool vlan_id(const struct args *a, const char *s, uint16_t *id)
{
	uint64_t v;

	if (!text_u64(s, 4094, &v) || !v)
		return config_fail(a, "\"%.20s\" is not a VLAN: 1 to 4094", s);
	*id = (uint16_t)v;
	return true;
}

bool config_port_arg(const struct config *c, const struct args *a, const char *s, uint16_t *iface)
{
	const char *dot = strrchr(s, '.');
	uint16_t id = 0, at;
	char name[CONFIG_PORT];

	config_blame(a, s);
	for (uint32_t i = 0; dot && i < c->host->nport && i < FORWARD_PORTS; i++) {
		if (!strcmp(s, c->host->name[i]))
			dot = NULL; /* a port's name may have a dot */
	}
	if (!find_port(c, a, s, dot ? (size_t)(dot - s) : strlen(s), iface))
		return false;
	if (!dot)
		return true;
	if (!vlan_id(a, dot + 1, &id))
		return false;
	at = vlan_of(c, *iface, id);
	if (!at)
		return config_fail(a,
				   "there is no VLAN %u at port %s yet: write port %s vlan %u "
				   "address ... above",
				   id, config_port_name(c, *iface, name), name, id);
	*iface = at;
	return true;
}

/* `vlan ID` makes an interface of its own the first time it is named. */
static bool vlan_arg(struct config *c, const struct args *a, const char *s, uint16_t *iface,
		     uint16_t *id)
{
	uint16_t at;

	config_blame(a, s);
	if (!vlan_id(a, s, id))
		return false;
	at = vlan_of(c, *iface, *id);
	for (uint16_t i = 0; !at && i < FORWARD_IFACES - FORWARD_VLANS; i++) {
		if (!c->vlan[i].id)
			at = (uint16_t)(FORWARD_VLANS + i);
	}
	if (!at)
		return config_fail(a, "a node has at most %u VLANs",
				   FORWARD_IFACES - FORWARD_VLANS);
	*iface = at;
	return true;
}

/* ---- what it gets ---- */

static bool port_address(struct config *c, const struct args *a, uint16_t port, const char *s)
{
	struct node_address n = {.port = port};
	char name[CONFIG_PORT];

	config_blame(a, s);
	if (strchr(s, ':'))
		return config_address6(c, a, port, s);
	if (!text_prefix(s, &n.addr, &n.len))
		return config_fail(
			a, "\"%.24s\" is not an address with a prefix length, as in 10.0.0.1/24",
			s);
	if (!inet_host_address(n.addr) || n.len < 1)
		return config_fail(a, "%.24s is %s; no interface may have it", s,
				   inet_host_address(n.addr)
					   ? "no network's: its prefix length is 0"
					   : config_no_host4(n.addr));
	if (n.len < 31 && ((n.addr & ~mask4(n.len)) == 0 || !~(n.addr | mask4(n.len))))
		return config_fail(
			a, "%.24s is the network's own or its broadcast address: take another", s);
	for (uint32_t i = 0; i < c->naddress; i++) {
		const struct node_address *o = &c->address[i];

		if (o->addr == n.addr)
			return config_fail(a, "%.24s is an address of port %s already", s,
					   config_port_name(c, o->port, name));
		if (o->port != port && o->port != NODE_NO_PORT && o->len == n.len &&
		    !((o->addr ^ n.addr) & mask4(n.len)))
			return config_fail(a, "the network of %.24s is at port %s already", s,
					   config_port_name(c, o->port, name));
	}
	if (c->naddress == NODE_ADDRESSES)
		return config_fail(a, "a node has at most %u addresses", NODE_ADDRESSES);
	c->address[c->naddress++] = n;
	return true;
}

static bool port_mtu(struct config *c, const struct args *a, uint16_t port, const char *s)
{
	uint64_t mtu;

	config_blame(a, s);
	if (!text_u64(s, MTU_MAX, &mtu) || mtu < IP4_MTU_MIN)
		return config_fail(a, "\"%.20s\" is not an MTU: %u to %u, with IPv6 %u and more", s,
				   IP4_MTU_MIN, MTU_MAX, IP6_MTU_MIN);
	c->mtu[port] = (uint16_t)mtu;
	c->mtu_at[port].line = c->line;
	c->mtu_at[port].column = a->w->column[*a->blame];
	return true;
}

static bool port_peer(struct config *c, const struct args *a, uint16_t port, const char *s)
{
	config_blame(a, s);
	if (!text_name(s, NODE_NAME - 1))
		return config_fail(
			a,
			"\"%.40s\" is no name of a peer: 1 to %u letters, digits, '-', '_' or '.'",
			s, NODE_NAME - 1);
	text_copy(c->peer[port], NODE_NAME, s);
	return true;
}

static bool port_rpf(struct config *c, const struct args *a, uint16_t port, const char *s)
{
	static const char *const mode[] = {"strict", "loose", "off"};
	static const uint8_t flag[] = {FORWARD_RPF_STRICT, FORWARD_RPF_LOOSE, 0};
	unsigned i = 0;

	while (i < 3 && strcmp(s, mode[i]))
		i++;
	if (i == 3)
		return config_unknown(a, "reverse-path check", s, mode, 3);
	c->rpf[port] = flag[i];
	return true;
}

static const struct {
	const char *name;
	bool (*fn)(struct config *c, const struct args *a, uint16_t port, const char *s);
} item[] = {{"address", port_address},
	    {"mtu", port_mtu},
	    {"peer", port_peer},
	    {"rpf", port_rpf},
	    {"advertise", NULL}}; /* config_advertise, which takes more than one word */
#define ITEMS (sizeof(item) / sizeof(item[0]))
#define WORDS \
	"wrong number of words: port PORT [vlan ID] address|mtu|peer|rpf VALUE, or advertise ..."

bool config_port(struct config *c, const struct args *a)
{
	bool vlan = !strcmp(a->w->w[2], "vlan");
	unsigned at = vlan ? 4 : 2, i = 0;
	uint16_t port = 0, iface, id = 0;
	const char *name[ITEMS];

	if (!config_port_arg(c, a, a->w->w[1], &port))
		return false;
	iface = port;
	if (vlan && !vlan_arg(c, a, a->w->w[3], &iface, &id))
		return false;
	config_blame(a, a->w->w[a->w->n - 1]);
	if (a->w->n < at + 2)
		return config_fail(a, WORDS);
	for (unsigned k = 0; k < ITEMS; k++)
		name[k] = item[k].name;
	while (i < ITEMS && strcmp(a->w->w[at], name[i]))
		i++;
	if (i == ITEMS)
		return config_unknown(a, "part of a port", a->w->w[at], name, ITEMS);
	if (item[i].fn && a->w->n != at + 2) {
		config_blame(a, a->w->w[at + 2]);
		return config_fail(a, "\"%.40s\" is a word too many: port PORT %s%s takes one",
				   a->w->w[at + 2], vlan ? "vlan ID " : "", name[i]);
	}
	if (item[i].fn ? !item[i].fn(c, a, iface, a->w->w[at + 1])
		       : !config_advertise(c, a, iface, at + 1))
		return false;
	if (vlan) {
		c->vlan[iface - FORWARD_VLANS].port = port;
		c->vlan[iface - FORWARD_VLANS].id = id;
	}
	return true;
}
