/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nd.c - neighbour solicitations and advertisements (RFC 4861 7): asking, answering, and what they teach.
 */
#include "nodeos/root/ipv6.h"
#include "nodeos/root/twin.h"

#define ND_HOPS 255u
#define ND_HLEN 24u  /* type, code, checksum, flags, target */
#define ND_OPTION 8u /* a link-address option */
#define NA_ROUTER 0x80u
#define NA_SOLICITED 0x40u
#define NA_OVERRIDE 0x20u
enum { ND_FLAGS = 4, ND_TARGET = 8 };

static const struct ip6 all_nodes = {{0xff, 2, [15] = 1}};

static void transmit(struct neigh *t, uint16_t port, uint8_t type, uint8_t flags,
		     const struct ip6 *src, const struct ip6 *dst, const uint8_t link_dst[6],
		     const struct ip6 *target)
{
	uint8_t p[IP6_HLEN + ND_HLEN + ND_OPTION] = {0}, *nd = p + IP6_HLEN;

	inet_ip6_header(p, ND_HLEN + ND_OPTION, PROTO_ICMP6, ND_HOPS, src, dst);
	nd[0] = type;
	nd[ND_FLAGS] = flags;
	memcpy(nd + ND_TARGET, target, 16);
	nd[ND_HLEN] = type == ICMP6_NS ? ND_SOURCE : ND_TARGET_LINK;
	nd[ND_HLEN + 1] = ND_OPTION / 8;
	memcpy(nd + ND_HLEN + 2, t->pub->port[port].mac, 6);
	put16(nd + 2, inet_upper6_sum(p, PROTO_ICMP6, nd, ND_HLEN + ND_OPTION));
	neigh_transmit(t, port, link_dst, ETH_IP6, p, sizeof(p));
	t->count[type == ICMP6_NS ? IP6C_ND_SOLICITED : IP6C_ND_ADVERTISED]++;
}

/* ---- the family ---- */

/* RFC 4861 7.2.2: to the solicited-node group, or, to verify an address that is known, to that. */
static void ask(struct neigh *t, const struct neigh_entry *e, bool unicast)
{
	struct ip6 group = ip6_solicited_node(&e->addr), src;
	uint8_t mac[6];

	if (!node_source6(t->pub, e->port, &e->addr, &src))
		return; /* no address there any more; the tries end all the same */
	ip6_multicast_mac(mac, &group);
	transmit(t, e->port, ICMP6_NS, 0, &src, unicast ? &e->addr : &group, unicast ? e->mac : mac,
		 &e->addr);
}

static void publish(struct neigh *t, unsigned i)
{
	const struct neigh_entry *e = &t->entry[i];
	struct node_neigh6 *n = &t->pub->neigh6[i];

	*n = (struct node_neigh6){.addr = e->addr, .port = e->port, .usable = e->usable};
	memcpy(n->mac, e->mac, 6);
}

void nd_init(struct neigh *t, struct node_pub *pub, struct ip6_counters *count,
	     void (*unreachable)(void *arg, uint8_t *packet, size_t len), void *arg)
{
	static const struct neigh_family family = {
		.ether_type = ETH_IP6,
		.counter =
			{
				[NEIGHC_NO_NEIGHBOUR] = IP6C_NO_NEIGHBOUR,
				[NEIGHC_QUEUE_FULL] = IP6C_QUEUE_FULL,
				[NEIGHC_FULL] = IP6C_ND_FULL,
				[NEIGHC_CLAIMS_FULL] = IP6C_ND_CLAIMS_FULL,
				[NEIGHC_UNSOLICITED] = IP6C_ND_UNSOLICITED,
				[NEIGHC_CONFLICT] = IP6C_ND_CONFLICT,
				[NEIGHC_TRANSMIT] = IP6C_TRANSMIT,
				[NEIGHC_TRANSMIT_FULL] = IP6C_TRANSMIT_FULL,
			},
		.set = node_neigh_set6,
		.ask = ask,
		.publish = publish,
	};

	neigh_init(t, &family, pub, count->n, unreachable, arg);
}

/* ---- receiving ---- */

/* RFC 4861 7.1.1: "All included options have a length that is greater than zero"; one that is zero would loop for ever. */
bool nd_link_address(const uint8_t *nd, size_t from, size_t len, uint8_t type, const uint8_t **mac)
{
	*mac = NULL;
	for (size_t i = from; i < len;) {
		size_t n;

		if (len - i < 2)
			return false;
		n = nd[i + 1] * 8u;
		if (n == 0 || n > len - i)
			return false;
		if (nd[i] == type)
			*mac = nd + i + 2;
		i += n;
	}
	/* A group address is nobody's own. */
	return !*mac || !(**mac & 1);
}

/* RFC 4861 7.1.1 */
static bool solicitation_ok(const struct ip6 *src, const struct ip6 *dst, const struct ip6 *target,
			    const uint8_t *mac)
{
	struct ip6 group = ip6_solicited_node(target);

	/* "If the IP source address is the unspecified address, the IP destination address is a solicited-node multicast address", no option. */
	return !ip6_unspecified(src) || (ip6_equal(dst, &group) && !mac);
}

/*
 * 7.2.3: the target must be "a "valid" unicast or anycast address assigned to the receiving interface": our addresses at other ports are not this link's,
 * nor are the subnet-router anycast addresses there.
 */
static bool assigned(const struct node_pub *p, uint16_t port, const struct ip6 *addr, bool *anycast)
{
	*anycast = false;
	for (uint32_t i = 0; i < p->naddress6; i++) {
		const struct node_address6 *a = &p->addresses6[i];
		struct ip6 net = ip6_prefix(&a->addr, a->len);

		if (a->port != port)
			continue;
		if (ip6_equal(&a->addr, addr)) {
			*anycast = false;
			return true;
		}
		if (a->len <= IP6_ANYCAST_LEN && ip6_equal(&net, addr))
			*anycast = true;
	}
	return *anycast;
}

/*
 * The answer to a solicitation. 7.2.7: for an anycast address without the Override flag, so that of several routers' "the first received advertisement is
 * used", and from an address that is ours alone. The random delay of up to a second that 7.2.7 asks for as well ("SHOULD") is left out.
 */
static void advertise(struct neigh *t, uint16_t port, uint8_t flags, const struct ip6 *target,
		      bool anycast, const struct ip6 *dst, const uint8_t link_dst[6])
{
	struct ip6 src = *target;

	if (anycast && !node_source6(t->pub, port, dst, &src))
		return;
	transmit(t, port, ICMP6_NA, NA_ROUTER | flags | (anycast ? 0 : NA_OVERRIDE), &src, dst,
		 link_dst, target);
}

static void solicited(struct neigh *t, const struct ip6_in *in, const struct ip6 *src,
		      const struct ip6 *target, const uint8_t *mac)
{
	bool dad = ip6_unspecified(src), anycast;
	uint8_t all[6];

	if (!assigned(t->pub, in->port, target, &anycast)) {
		t->count[IP6C_ND_NOT_OURS]++;
		return;
	}
	/* 7.2.4: somebody verifies that an address is free (RFC 4862 5.4.3); it is not, and everybody hears so. */
	if (dad) {
		ip6_multicast_mac(all, &all_nodes);
		advertise(t, in->port, 0, target, anycast, &all_nodes, all);
		return;
	}
	/* 7.2.3; who is not on the network teaches nothing, and gets its answer where it sent from. */
	if (mac && node_is_connected6(t->pub, in->port, src))
		neigh_learn(t, in->port, src, mac, true, true);
	advertise(t, in->port, NA_SOLICITED, target, anycast, src, mac ? mac : in->from);
}

void nd_input(struct neigh *t, const struct ip6_in *in, size_t at)
{
	const uint8_t *nd = in->packet + at, *mac;
	struct ip6 src = ip6_at(in->packet + IP6_SRC), dst = ip6_at(in->packet + IP6_DST), target;
	size_t len = in->len - at;
	bool ok;

	t->count[IP6C_ND_RECEIVED]++;
	/*
	 * 7.1.1, 7.1.2: hop limit 255, "i.e., the packet could not possibly have been forwarded by a router"; code 0; 24 octets or more. RFC 6980 5: what comes
	 * in fragments is ignored.
	 */
	ok = !in->fragmented && in->packet[IP6_HOPS_AT] == ND_HOPS && len >= ND_HLEN &&
	     nd[1] == 0 &&
	     nd_link_address(nd, ND_HLEN, len, nd[0] == ICMP6_NS ? ND_SOURCE : ND_TARGET_LINK,
			     &mac);
	if (ok) {
		target = ip6_at(nd + ND_TARGET);
		ok = ip6_host(&target);
	}
	if (ok && nd[0] == ICMP6_NS)
		ok = solicitation_ok(&src, &dst, &target, mac);
	else if (
		ok) /* 7.1.2: "If the IP Destination Address is a multicast address the Solicited flag is zero." */
		ok = !ip6_multicast(&dst) || !(nd[ND_FLAGS] & NA_SOLICITED);
	/* The host's own stack asks for itself, and verifies its addresses: it must hear the answers. */
	if (ok && nd[0] == ICMP6_NA && twin_of(t->pub, in->port))
		(void)twin_packet(t->pub, in->port, ETH_IP6, in->packet, in->len);
	/* Our own address, from another station: RFC 4862 5.4.4 has nothing better than to say so. */
	if (ok && (node_is_local6(t->pub, in->port, &src) ||
		   (nd[0] == ICMP6_NA && node_is_local6(t->pub, in->port, &target)))) {
		t->count[IP6C_ND_CONFLICT]++;
		return;
	}
	if (!ok) {
		t->count[IP6C_ND_MALFORMED]++;
	} else if (nd[0] == ICMP6_NS) {
		solicited(t, in, &src, &target, mac);
	} else if (node_is_connected6(t->pub, in->port, &target)) {
		neigh_advertised(t, in->port, &target, mac, nd[ND_FLAGS] & NA_SOLICITED,
				 nd[ND_FLAGS] & NA_OVERRIDE);
	} else {
		t->count[IP6C_ND_UNSOLICITED]++;
	}
}
