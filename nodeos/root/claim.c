/* SPDX-License-Identifier: BSD-2-Clause */
/* claim.c - filters for the answers to our own requests and for router solicitations, and how answers are told from what is the host's own stack's. */
#include "nodeos/lib/inet.h"
#include "nodeos/lib/inet6.h"
#include "nodeos/root/root.h"

/* Where things stand in an untagged frame, behind IP headers without options. */
#define IP4_AT ETH_HLEN
#define ICMP4_AT (IP4_AT + IP4_HLEN)
#define QUOTED4_AT (ICMP4_AT + 8)
#define IP6_AT ETH_HLEN
#define ICMP6_AT (IP6_AT + IP6_HLEN)
#define QUOTED6_AT (ICMP6_AT + 8)

#define ECHO4 8u
#define ECHO4_REPLY 0u
#define ECHO6 128u
#define ECHO6_REPLY 129u

/* ---- filters ---- */

/* The frame has this number, of that many bytes, there. */
static void has(struct xok_filter *f, size_t at, uint8_t size, uint64_t value)
{
	f->atom[f->natoms++] = (struct xok_atom){.off = (uint16_t)at,
						 .size = size,
						 .kind = XOK_ATOM_EQ,
						 .mask = (1ull << 8 * size) - 1,
						 .value = value};
}

/* Of frames with this type; behind a tag all stands so much further on, which is returned. */
static size_t of_type(struct xok_filter *f, uint16_t type, bool tagged)
{
	size_t tag = tagged ? ETH_TAG : 0;

	*f = (struct xok_filter){.port = XOK_PORT_ANY};
	if (tagged)
		has(f, 12, 2, ETH_VLAN);
	has(f, 12 + tag, 2, type);
	return tag;
}

static void echo_at(struct xok_filter *f, size_t at, uint8_t type, uint16_t id)
{
	has(f, at, 1, type);
	has(f, at + 4, 2, id);
}

static void reply4(struct xok_filter *f, uint16_t id, bool tagged)
{
	size_t tag = of_type(f, ETH_IP4, tagged);

	has(f, tag + IP4_AT, 1, 0x45);
	has(f, tag + IP4_AT + IP4_PROTO, 1, PROTO_ICMP);
	echo_at(f, tag + ICMP4_AT, ECHO4_REPLY, id);
}

static void error4(struct xok_filter *f, uint16_t id, bool tagged)
{
	size_t tag = of_type(f, ETH_IP4, tagged);

	has(f, tag + IP4_AT, 1, 0x45);
	has(f, tag + IP4_AT + IP4_PROTO, 1, PROTO_ICMP);
	has(f, tag + QUOTED4_AT, 1, 0x45);
	has(f, tag + QUOTED4_AT + IP4_PROTO, 1, PROTO_ICMP);
	echo_at(f, tag + QUOTED4_AT + IP4_HLEN, ECHO4, id);
}

static void reply6(struct xok_filter *f, uint16_t id, bool tagged)
{
	size_t tag = of_type(f, ETH_IP6, tagged);

	has(f, tag + IP6_AT + IP6_NEXT, 1, PROTO_ICMP6);
	echo_at(f, tag + ICMP6_AT, ECHO6_REPLY, id);
}

static void error6(struct xok_filter *f, uint16_t id, bool tagged)
{
	size_t tag = of_type(f, ETH_IP6, tagged);

	has(f, tag + IP6_AT + IP6_NEXT, 1, PROTO_ICMP6);
	has(f, tag + QUOTED6_AT + IP6_NEXT, 1, PROTO_ICMP6);
	echo_at(f, tag + QUOTED6_AT + IP6_HLEN, ECHO6, id);
}

static void datagram(struct xok_filter *f, uint16_t port, bool tagged)
{
	size_t tag = of_type(f, ETH_IP4, tagged);

	has(f, tag + IP4_AT, 1, 0x45);
	has(f, tag + IP4_AT + IP4_PROTO, 1, PROTO_UDP);
	has(f, tag + IP4_AT + IP4_HLEN + 2, 2, port);
}

static void solicitation(struct xok_filter *f, uint16_t unused, bool tagged)
{
	size_t tag = of_type(f, ETH_IP6, tagged);

	(void)unused;
	has(f, tag + IP6_AT + IP6_NEXT, 1, PROTO_ICMP6);
	has(f, tag + ICMP6_AT, 1, ICMP6_RS);
}

/* ---- adding and removing ---- */

/* Without room for a filter the answer goes to the stack, and the request times out. */
static void add(struct root *r, enum claim which,
		void (*make)(struct xok_filter *f, uint16_t value, bool tagged), uint16_t value)
{
	const struct node_pub *p = r->pub;
	struct claims *c = &r->claims;
	bool vlans = which == CLAIM_SOLICITATIONS; /* it stays, and a VLAN may come */

	for (uint32_t i = FORWARD_VLANS; i < FORWARD_IFACES; i++)
		vlans |= p->port[i].used;
	for (int tagged = 0; tagged <= vlans; tagged++) {
		struct xok_filter f;
		int64_t id;

		make(&f, value, tagged);
		id = amp_filter_add(r->in.ring, &f);
		if (id >= 0)
			c->of[which].filter[c->of[which].n++] = (uint32_t)id;
	}
}

static void begin(struct root *r, enum claim which)
{
	uint16_t id = r->pendings.id;

	switch (which) {
	case CLAIM_ECHO4:
		add(r, which, reply4, id);
		add(r, which, error4, id);
		break;
	case CLAIM_ECHO6:
		add(r, which, reply6, id);
		add(r, which, error6, id);
		break;
	case CLAIM_SOLICITATIONS: add(r, which, solicitation, 0); break;
	default: add(r, which, datagram, UDP_SOURCE); break;
	}
	r->claims.of[which].on = true;
}

static void end(struct root *r, enum claim which)
{
	while (r->claims.of[which].n)
		(void)amp_filter_remove(r->claims.of[which].filter[--r->claims.of[which].n]);
	r->claims.of[which].on = false;
}

static enum claim kind(const struct pending *p)
{
	if (p->udp)
		return CLAIM_UDP;
	return ip6_is_mapped(&p->to) ? CLAIM_ECHO4 : CLAIM_ECHO6;
}

static bool has_twins(const struct node_pub *p)
{
	for (uint32_t i = 0; i < p->nport; i++) {
		if (p->port[i].twin)
			return true;
	}
	return false;
}

static bool advertises(const struct root *r)
{
	for (uint32_t i = 0; i < NODE_PORTS; i++) {
		if (twin_of(r->pub, i) && ra_advertises(&r->ip6, i))
			return true;
	}
	return false;
}

static bool waits(const struct root *r, enum claim which)
{
	if (which == CLAIM_SOLICITATIONS)
		return advertises(r);
	for (unsigned i = 0; i < PENDING; i++) {
		if (r->pendings.p[i].used && kind(&r->pendings.p[i]) == which)
			return true;
	}
	return false;
}

void claims_update(struct root *r)
{
	bool twins = has_twins(r->pub);

	for (enum claim i = 0; i < CLAIMS; i++) {
		bool on = twins && waits(r, i);

		if (on && !r->claims.of[i].on)
			begin(r, i);
		else if (!on && r->claims.of[i].on)
			end(r, i);
	}
}

/* ---- what is an answer ---- */

/* An echo of this type with our identifier. */
static bool is_echo(const struct root *r, const uint8_t *icmp, size_t len, uint8_t type)
{
	return len >= 8 && icmp[0] == type && be16(icmp + 4) == r->pendings.id;
}

/* The IPv4 header's length, or 0: no header with this protocol, or no first fragment. */
static size_t header4(const uint8_t *packet, size_t len, uint8_t proto)
{
	if (len < IP4_HLEN || packet[0] != 0x45 || packet[IP4_PROTO] != proto ||
	    (be16(packet + IP4_FRAG) & (IP4_OFFSET | IP4_MF)))
		return 0;
	return IP4_HLEN;
}

static bool is_echo4(const struct root *r, const uint8_t *packet, size_t len, uint8_t type)
{
	size_t at = header4(packet, len, PROTO_ICMP);

	return at && is_echo(r, packet + at, len - at, type);
}

static bool is_datagram(const struct root *r, const uint8_t *packet, size_t len)
{
	size_t at = header4(packet, len, PROTO_UDP);
	struct ip6 from;

	if (!at || len < at + 8 || be16(packet + at + 2) != UDP_SOURCE)
		return false;
	from = ip6_mapped(be32(packet + IP4_SRC));
	for (unsigned i = 0; i < PENDING; i++) {
		const struct pending *p = &r->pendings.p[i];

		if (p->used && p->udp && ip6_equal(&p->to, &from) && p->port == be16(packet + at))
			return true;
	}
	return false;
}

bool claim_packet4(void *arg, const uint8_t *packet, size_t len)
{
	const struct root *r = arg;
	const size_t quoted = IP4_HLEN + 8;

	if (waits(r, CLAIM_UDP) && is_datagram(r, packet, len))
		return true;
	if (!waits(r, CLAIM_ECHO4) || !header4(packet, len, PROTO_ICMP))
		return false;
	return is_echo4(r, packet, len, ECHO4_REPLY) ||
	       (len > quoted && packet[IP4_HLEN] != ECHO4 && packet[IP4_HLEN] != ECHO4_REPLY &&
		is_echo4(r, packet + quoted, len - quoted, ECHO4));
}

static bool is_echo6(const struct root *r, const uint8_t *packet, size_t len, uint8_t type)
{
	return len >= IP6_HLEN && packet[IP6_NEXT] == PROTO_ICMP6 &&
	       is_echo(r, packet + IP6_HLEN, len - IP6_HLEN, type);
}

bool claim_packet6(void *arg, const uint8_t *packet, size_t len)
{
	const struct root *r = arg;
	const size_t quoted = IP6_HLEN + 8;

	if (!waits(r, CLAIM_ECHO6) || len <= IP6_HLEN || packet[IP6_NEXT] != PROTO_ICMP6)
		return false;
	/* RFC 4443 2.1: "error messages have message types from 0 to 127". */
	return is_echo6(r, packet, len, ECHO6_REPLY) ||
	       (len > quoted && packet[IP6_HLEN] < 128 &&
		is_echo6(r, packet + quoted, len - quoted, ECHO6));
}
