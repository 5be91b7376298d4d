/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ra.c - when router advertisements are sent, and what they say (RFC 4861 6.2). One timer serves all interfaces.
 */
#include "nodeos/root/ipv6.h"

#define RA_HOPS 255u
#define RS_HLEN 8u
#define RA_HLEN 16u
#define RA_LINK 8u    /* option: our link address */
#define RA_MTU 8u     /* option: the link's MTU */
#define RA_PREFIX 32u /* option: a prefix */
#define RA_MANAGED 0x80u
#define RA_OTHER 0x40u
#define RA_ON_LINK 0x80u
#define RA_AUTONOMOUS 0x40u
enum { RA_CUR_HOPS = 4, RA_FLAGS = 5, RA_LIFETIME = 6 };
enum { PREFIX_LEN = 2, PREFIX_FLAGS = 3, PREFIX_VALID = 4, PREFIX_PREFERRED = 8, PREFIX_AT = 16 };
#define SECOND 1000000000ull

static void on_timer(void *arg);

void ra_init(struct ipv6 *ip)
{
	ip->ra.timer.fn = on_timer;
	ip->ra.timer.arg = ip;
}

bool ra_advertises(const struct ipv6 *ip, uint32_t port)
{
	return port < NODE_PORTS && ip->ra.port[port].is.on;
}

/* ---- the prefixes ---- */

static struct ra_prefix *find(struct ra *ra, uint16_t port, const struct ip6 *net, uint8_t len)
{
	for (uint32_t i = 0; i < ra->nprefix; i++) {
		struct ra_prefix *o = &ra->prefix[i];

		if (o->port == port && o->len == len && ip6_equal(&o->net, net))
			return o;
	}
	return NULL;
}

/* A place for one more; there are as many as addresses, so one that is gone gives way if need be. */
static struct ra_prefix *vacant(struct ra *ra)
{
	if (ra->nprefix < NODE_ADDRESSES6)
		return &ra->prefix[ra->nprefix++];
	for (uint32_t i = 0; i < NODE_ADDRESSES6; i++) {
		if (ra->prefix[i].gone)
			return &ra->prefix[i];
	}
	return NULL;
}

/* An interface has an address: there is its network's prefix. */
static void add(struct ra *ra, const struct node_address6 *a)
{
	struct ip6 net = ip6_prefix(&a->addr, a->len);
	struct ra_prefix *o = find(ra, a->port, &net, a->len);

	if (o && !o->gone) {
		o->seen = true;
		return;
	}
	if (!o)
		o = vacant(ra);
	if (!o)
		return;
	*o = (struct ra_prefix){.net = net, .port = a->port, .len = a->len, .seen = true};
	ra->port[a->port].changed = true;
}

/* Prefixes that have no address any more begin to go. Those whose time is up are forgotten, and those that no host hears of. */
static void retire(struct ra *ra, uint64_t now)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < ra->nprefix; i++) {
		struct ra_prefix *o = &ra->prefix[i];

		if (!o->seen && !o->gone) {
			o->gone = now + RA_GONE_NS;
			ra->port[o->port].changed = true;
		}
		if (!o->gone || (o->gone > now && ra->port[o->port].is.on))
			ra->prefix[n++] = *o;
	}
	ra->nprefix = n;
}

static void collect(struct ipv6 *ip)
{
	const struct node_pub *p = ip->pub;
	struct ra *ra = &ip->ra;

	for (uint32_t i = 0; i < ra->nprefix; i++)
		ra->prefix[i].seen = false;
	for (uint32_t i = 0; i < p->naddress6; i++) {
		const struct node_address6 *a = &p->addresses6[i];

		if (a->port < NODE_PORTS && !ip6_link_local(&a->addr) && a->len < 128)
			add(ra, a);
	}
	retire(ra, amp_now());
}

/* ---- the message ---- */

static void put_prefix(uint8_t *o, const struct ra_prefix *a, const struct config_advertise *c)
{
	memset(o, 0, RA_PREFIX);
	o[0] = ND_PREFIX;
	o[1] = RA_PREFIX / 8;
	o[PREFIX_LEN] = a->len;
	/* RFC 4862 5.5.3 (d): with an interface identifier of 64 bits there is an address in prefixes of 64 bits only. */
	o[PREFIX_FLAGS] = (uint8_t)(RA_ON_LINK | (a->len == 64 ? RA_AUTONOMOUS : 0));
	/* RFC 4862 5.5.4: addresses from a prefix that is gone are "deprecated": not to be used for what is new. */
	put32(o + PREFIX_VALID, a->gone ? 0 : c->valid);
	put32(o + PREFIX_PREFERRED, a->gone ? 0 : c->preferred);
	memcpy(o + PREFIX_AT, a->net.b, 16);
}

/* 4.2: the message, and the options that each one has. Returns its length. */
static size_t put_head(const struct ipv6 *ip, uint16_t port, uint16_t lifetime, uint8_t *ra)
{
	const struct config_advertise *c = &ip->ra.port[port].is;
	const struct node_port *o = &ip->pub->port[port];
	uint8_t *option = ra + RA_HLEN;

	/* Reachable and retransmission time stay 0: "unspecified (by this router)". */
	memset(ra, 0, RA_HLEN + RA_LINK + RA_MTU);
	ra[0] = ICMP6_RA;
	ra[RA_CUR_HOPS] = IP6_HOPS;
	ra[RA_FLAGS] = (uint8_t)((c->managed ? RA_MANAGED : 0) | (c->other ? RA_OTHER : 0));
	put16(ra + RA_LIFETIME, lifetime);
	option[0] = ND_SOURCE;
	option[1] = RA_LINK / 8;
	memcpy(option + 2, o->mac, 6);
	option += RA_LINK;
	option[0] = ND_MTU;
	option[1] = RA_MTU / 8;
	put32(option + 4, o->mtu);
	return RA_HLEN + RA_LINK + RA_MTU;
}

/* 4.2: the source "MUST be the link-local address assigned to the interface". */
static bool link_local(const struct node_pub *p, uint16_t port, struct ip6 *out)
{
	for (uint32_t i = 0; i < p->naddress6; i++) {
		*out = p->addresses6[i].addr;
		if (p->addresses6[i].port == port && ip6_link_local(out))
			return true;
	}
	return false;
}

static void transmit(struct ipv6 *ip, uint16_t port, uint8_t *packet, size_t len,
		     const struct ip6 *src)
{
	static const struct ip6 all_nodes = {{0xff, 2, [15] = 1}};
	uint8_t *ra = packet + IP6_HLEN, mac[6];

	inet_ip6_header(packet, len, PROTO_ICMP6, RA_HOPS, src, &all_nodes);
	put16(ra + 2, 0);
	put16(ra + 2, inet_upper6_sum(packet, PROTO_ICMP6, ra, len));
	ip6_multicast_mac(mac, &all_nodes);
	neigh_transmit(&ip->neigh, port, mac, ETH_IP6, packet, IP6_HLEN + len);
	ip->count.n[IP6C_RA_SENT]++;
}

/* 6.2.3: "If including all options causes the size of an advertisement to exceed the link MTU, multiple advertisements can be sent". */
static void send(struct ipv6 *ip, uint16_t port, uint16_t lifetime)
{
	uint8_t packet[IP6_MTU_MIN], *ra = packet + IP6_HLEN;
	const struct node_pub *p = ip->pub;
	uint64_t now = amp_now();
	struct ip6 src;
	size_t len;

	ip->ra.port[port].last = now;
	if (!node_port_used(p, port) || !link_local(p, port, &src))
		return; /* there is no IPv6 here (any more) */
	len = put_head(ip, port, lifetime, ra);
	for (uint32_t i = 0; i < ip->ra.nprefix; i++) {
		const struct ra_prefix *o = &ip->ra.prefix[i];

		if (o->port != port || (o->gone && o->gone <= now))
			continue;
		if (IP6_HLEN + len + RA_PREFIX > sizeof(packet)) {
			transmit(ip, port, packet, len, &src);
			len = put_head(ip, port, lifetime, ra);
		}
		put_prefix(ra + len, o, &ip->ra.port[port].is);
		len += RA_PREFIX;
	}
	transmit(ip, port, packet, len, &src);
}

/* ---- when they are sent ---- */

static uint64_t between(uint64_t least, uint64_t most)
{
	uint64_t v;

	amp_random(&v, sizeof(v));
	return least + v % (most - least + 1);
}

/* Not before the last one is 3 s ago. */
static uint64_t not_before(const struct ra_port *o, uint64_t at)
{
	return o->last && at < o->last + RA_MIN_DELAY_NS ? o->last + RA_MIN_DELAY_NS : at;
}

/* 6.2.4: a random time between MinRtrAdvInterval and MaxRtrAdvInterval; the first few come sooner. */
static uint64_t interval(const struct ra_port *o)
{
	uint64_t most = o->is.interval * SECOND, least = most / 3, at;

	if (least < RA_MIN_DELAY_NS)
		least = RA_MIN_DELAY_NS;
	at = between(least, most);
	return o->initial && at > RA_INITIAL_NS ? RA_INITIAL_NS : at;
}

static void arm(struct ipv6 *ip)
{
	uint64_t at = UINT64_MAX;

	for (unsigned i = 0; i < NODE_PORTS; i++) {
		if (ip->ra.port[i].next && ip->ra.port[i].next < at)
			at = ip->ra.port[i].next;
	}
	if (at == UINT64_MAX)
		amp_timer_cancel(&ip->ra.timer);
	else if (amp_timer_at(&ip->ra.timer, at) < 0)
		amp_log("router advertisements cease: no timer is free");
}

static void advertise(struct ipv6 *ip, uint16_t port)
{
	struct ra_port *o = &ip->ra.port[port];

	send(ip, port, o->is.on ? o->is.lifetime : 0);
	if (o->is.on) {
		o->initial -= o->initial > 0;
		o->next = o->last + interval(o);
	} else {
		o->final -= o->final > 0;
		o->next = o->final ? o->last + RA_MIN_DELAY_NS : 0;
	}
}

static void on_timer(void *arg)
{
	struct ipv6 *ip = arg;
	uint64_t now = amp_now();

	for (uint16_t i = 0; i < NODE_PORTS; i++) {
		if (ip->ra.port[i].next && ip->ra.port[i].next <= now)
			advertise(ip, i);
	}
	arm(ip);
}

/* ---- what begins and ends it ---- */

static bool same(const struct config_advertise *a, const struct config_advertise *b)
{
	return a->on == b->on && a->managed == b->managed && a->other == b->other &&
	       a->interval == b->interval && a->lifetime == b->lifetime && a->valid == b->valid &&
	       a->preferred == b->preferred;
}

static void set(struct ipv6 *ip, uint16_t port, const struct config_advertise *c)
{
	struct ra_port *o = &ip->ra.port[port];
	uint64_t now = amp_now();
	bool was_on = o->is.on;

	if (same(&o->is, c) && !o->changed)
		return;
	o->changed = false;
	if (c->on) {
		o->is = *c;
		/* 6.2.4: when what it says changes, a router "MAY transmit up to MAX_INITIAL_RTR_ADVERTISEMENTS", too. */
		o->initial = RA_INITIAL;
		o->final = 0;
		o->next = not_before(o, now + between(0, RA_RESPONSE_DELAY_NS));
	} else if (was_on) {
		/* 6.2.5: "the router SHOULD transmit one or more (but not more than MAX_FINAL_RTR_ADVERTISEMENTS) final" ones. What they say else stays as it was. */
		o->is.on = false;
		o->final = RA_FINAL;
		o->next = not_before(o, now);
	}
}

void ra_config(struct ipv6 *ip, const struct config_advertise *c)
{
	static const struct config_advertise off;

	collect(ip);
	for (uint16_t i = 0; i < NODE_PORTS; i++)
		set(ip, i, c && c[i].on ? &c[i] : &off);
	on_timer(ip);
}

bool ra_end(struct ipv6 *ip)
{
	bool any = false;

	for (uint16_t i = 0; i < NODE_PORTS; i++) {
		if (ip->ra.port[i].is.on || ip->ra.port[i].final) {
			send(ip, i, 0);
			any = true;
		}
		ip->ra.port[i] = (struct ra_port){0};
	}
	arm(ip);
	return any;
}

/* 6.2.6: a random delay, unless one is due before; never less than 3 s after the last one. */
static void solicited(struct ipv6 *ip, struct ra_port *o)
{
	uint64_t delay = between(0, RA_RESPONSE_DELAY_NS), now = amp_now(), at = now + delay;

	if (o->last && now < o->last + RA_MIN_DELAY_NS)
		at = o->last + RA_MIN_DELAY_NS + delay;
	if (at < o->next) {
		o->next = at;
		arm(ip);
	}
}

void ra_input(struct ipv6 *ip, const struct ip6_in *in, size_t at)
{
	const uint8_t *rs = in->packet + at, *mac;
	struct ip6 src = ip6_at(in->packet + IP6_SRC);
	size_t len = in->len - at;

	ip->count.n[IP6C_RS_RECEIVED]++;
	/*
	 * 6.1.1: hop limit 255, code 0, 8 octets or more, options of a length; "if the IP source address is the unspecified address, there is no
	 * source link-layer address option". RFC 6980 5: what comes in fragments is ignored.
	 */
	if (in->fragmented || in->packet[IP6_HOPS_AT] != RA_HOPS || rs[1] != 0 || len < RS_HLEN ||
	    !nd_link_address(rs, RS_HLEN, len, ND_SOURCE, &mac) || (ip6_unspecified(&src) && mac)) {
		ip->count.n[IP6C_RS_MALFORMED]++;
		return;
	}
	/* 6.2.6: it updates the neighbour cache, as a neighbour solicitation does. */
	if (mac && node_is_connected6(ip->pub, in->port, &src))
		neigh_learn(&ip->neigh, in->port, &src, mac, true, true);
	solicited(ip, &ip->ra.port[in->port]);
}
