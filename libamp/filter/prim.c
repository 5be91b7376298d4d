/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * prim.c - the tests that have names: protocols, ports, vlan, and what qualifies a value.
 *
 * What each looks at is pcap-filter(7)'s and libpcap's: `host` also finds ARP and RARP, ports those of TCP, UDP and SCTP, in
 * first fragments only, IPv6 without extension headers but, for protocols, a fragment header.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "internal.h"

#define ETHER_IP 0x0800u
#define ETHER_IP6 0x86ddu
#define OVER_FRAGMENT 44u

/* Keywords that begin a test and name a protocol. IP6_ONLY and BOTH say over what `tcp` and the others are found. */
enum over { NOT_OVER, OVER_IP4, OVER_IP6, OVER_BOTH };

static const struct {
	const char *name;
	unsigned proto;
	enum over over;
} protos[] = {
	{"ether", P_ETHER, NOT_OVER},
	{"link", P_ETHER, NOT_OVER},
	{"ip", P_IP, NOT_OVER},
	{"ip6", P_IP6, NOT_OVER},
	{"arp", P_ARP, NOT_OVER},
	{"rarp", P_RARP, NOT_OVER},
	{"tcp", P_OVER_IP + 6, OVER_BOTH},
	{"udp", P_OVER_IP + 17, OVER_BOTH},
	{"sctp", P_OVER_IP + 132, OVER_BOTH},
	{"icmp", P_OVER_IP + 1, OVER_IP4},
	{"icmp6", P_OVER_IP + 58, OVER_IP6},
	{"igmp", P_OVER_IP + 2, OVER_IP4},
	{"igrp", P_OVER_IP + 9, OVER_IP4},
	{"pim", P_OVER_IP + 103, OVER_BOTH},
	{"vrrp", P_OVER_IP + 112, OVER_IP4},
	{"ah", P_OVER_IP + 51, OVER_BOTH},
	{"esp", P_OVER_IP + 50, OVER_BOTH},
};

/* What `ether proto` and `ip proto` take beside numbers. */
static const struct {
	const char *name;
	uint32_t ether, ip; /* 0: not one */
} numbers[] = {
	{"ip", ETHER_IP, 4},   {"ip6", ETHER_IP6, 41}, {"arp", 0x0806, 0},
	{"rarp", 0x8035, 0},   {"tcp", 0, 6},	       {"udp", 0, 17},
	{"sctp", 0, 132},      {"icmp", 0, 1},	       {"icmp6", 0, 58},
	{"igmp", 0, 2},	       {"igrp", 0, 9},	       {"pim", 0, 103},
	{"vrrp", 0, 112},      {"ah", 0, 51},	       {"esp", 0, 50},
	{"gre", 0, 47},	       {"atalk", 0x809b, 0},   {"aarp", 0x80f3, 0},
	{"decnet", 0x6003, 0}, {"lat", 0x6004, 0},     {"sca", 0x6007, 0},
	{"mopdl", 0x6001, 0},  {"moprc", 0x6002, 0},   {"loopback", 0x9000, 0},
};

/* Keywords of pcap-filter(7) that filters have no means for, and why. */
static const struct {
	const char *name, *why;
} refused[] = {
	{"less", "filters can only say that a packet is at least so long: greater"},
	{"gateway", "it needs the addresses behind a name: use ether host MAC"},
	{"protochain", "it follows header chains of any length: use proto"},
	{"mpls",
	 "label stacks cannot be followed: use ether proto 0x8847 and ether[14:4] & 0xfffff000"},
	{"pppoes", "what is inside PPPoE cannot be reached: use ether proto 0x8864"},
	{"geneve", "tunnels cannot be looked into: use udp port 6081"},
	{"inbound", "filters see packets that arrive, and no others: leave it out"},
	{"outbound", "filters see packets that arrive, and no others"},
	{"ifname", "a filter is put at a port when it is installed: leave it out"},
	{"on", "a filter is put at a port when it is installed: leave it out"},
	{"llc", "use ether[12:2] <= 1500 and tests of ether[14] and on"},
	{"iso", "use ether[12:2] <= 1500 and ether[14:2] = 0xfefe"},
	{"stp", "use ether[12:2] <= 1500 and ether[14] = 0x42"},
	{"ipx", "use ether proto 0x8137"},
	{"netbeui", "use ether[12:2] <= 1500 and ether[14] = 0xf0"},
};

unsigned proto_of(const struct parser *p, const struct token *t)
{
	for (size_t i = 0; i < sizeof(protos) / sizeof(protos[0]); i++)
		if (is_word(p, t, protos[i].name))
			return protos[i].proto;
	return P_NONE;
}

static enum over over_of(unsigned proto)
{
	for (size_t i = 0; i < sizeof(protos) / sizeof(protos[0]); i++)
		if (protos[i].proto == proto)
			return protos[i].over;
	return OVER_BOTH;
}

unsigned ether_type_of(unsigned proto)
{
	static const uint16_t type[] = {
		[P_IP] = ETHER_IP, [P_IP6] = ETHER_IP6, [P_ARP] = 0x0806, [P_RARP] = 0x8035};

	return proto < sizeof(type) / sizeof(type[0]) ? type[proto] : 0;
}

bool is_ether_type(struct parser *p, struct conj *c, unsigned type)
{
	return conj_equal(p, c, (struct place){.off = (uint16_t)p->l2}, 2, 0xffff, type);
}

bool is_over_ip4(struct parser *p, struct conj *c, unsigned number, bool first_fragment)
{
	return is_ether_type(p, c, ETHER_IP) && conj_equal(p, c, net(p, 9), 1, 0xff, number) &&
	       (!first_fragment || conj_equal(p, c, net(p, 6), 2, 0x1fff, 0));
}

/* The conjunctions of a protocol over IPv4, IPv6, and IPv6 behind a fragment header. */
static struct alts *over_ip(struct parser *p, unsigned number, enum over over)
{
	struct alts *a = alts_new(p);

	for (unsigned i = 0; a && i < 3; i++) {
		struct conj *c;
		bool ok;

		if (i == 0 ? over == OVER_IP6 : over == OVER_IP4)
			continue;
		c = alts_add(p, a, NULL);
		if (!c)
			return NULL;
		if (i == 0)
			ok = is_over_ip4(p, c, number, false);
		else
			ok = is_ether_type(p, c, ETHER_IP6) &&
			     conj_equal(p, c, net(p, 6), 1, 0xff,
					i == 1 ? number : OVER_FRAGMENT) &&
			     (i == 1 || conj_equal(p, c, net(p, 40), 1, 0xff, number));
		if (!ok)
			alts_drop_last(a);
	}
	return a;
}

static struct alts *one_type(struct parser *p, unsigned type)
{
	struct alts *a = alts_new(p);
	struct conj *c = a ? alts_add(p, a, NULL) : NULL;

	return c && is_ether_type(p, c, type) ? a : NULL;
}

/* One test of `size` bytes at a place, with the Ethernet type before it unless 0. */
static struct alts *one_field(struct parser *p, unsigned type, struct place at, unsigned size,
			      uint64_t mask, uint64_t value)
{
	struct alts *a = alts_new(p);
	struct conj *c = a ? alts_add(p, a, NULL) : NULL;

	if (!c || (type && !is_ether_type(p, c, type)))
		return NULL;
	return conj_equal(p, c, at, size, mask, value) ? a : NULL;
}

static struct alts *protocol(struct parser *p, const struct token *t, unsigned proto)
{
	if (proto == P_ETHER)
		return fail(p, EINVAL, t,
			    "ether what? host, src, dst, proto, broadcast or multicast");
	if (proto >= P_OVER_IP)
		return over_ip(p, proto - P_OVER_IP, over_of(proto));
	return one_type(p, ether_type_of(proto));
}

/* ---- ports ---- */

static bool read_ports(struct parser *p, const struct token *t, bool range, uint32_t *low,
		       uint32_t *high)
{
	unsigned long lo, hi;
	char text[64];
	int end = 0;

	if (!range && t->kind == T_NUMBER && !t->big && t->number <= 65535) {
		*low = *high = t->number;
		return true;
	}
	if (range && token_text(p, t, text, sizeof(text)) && text[0] >= '0' && text[0] <= '9') {
		if (sscanf(text, "%9lu-%9lu%n", &lo, &hi, &end) == 2 && !text[end] && lo <= 65535 &&
		    hi <= 65535) {
			*low = (uint32_t)(lo < hi ? lo : hi);
			*high = (uint32_t)(lo < hi ? hi : lo);
			return true;
		}
		if (t->kind == T_NUMBER && !t->big && t->number <= 65535) {
			*low = *high = t->number;
			return true;
		}
	}
	if (t->kind == T_WORD && (text[0] = p->text[t->at]) > '9')
		fail(p, EINVAL, t,
		     "names are not looked up: give the port's number (see /etc/services)");
	else
		fail(p, EINVAL, t,
		     range ? "a range of ports is FIRST-LAST, each at most 65535"
			   : "a port is a number up to 65535");
	return false;
}

static bool test_ports(struct parser *p, struct conj *c, bool v6, enum dir dir, uint32_t low,
		       uint32_t high)
{
	struct place src = net(p, v6 ? 40 : 20), dst = net(p, v6 ? 42 : 22);

	src.l3 = dst.l3 = v6 ? 0 : (uint16_t)(p->l2 + 2);
	return (dir == D_DST || conj_range(p, c, src, 2, low, high)) &&
	       (dir == D_SRC || conj_range(p, c, dst, 2, low, high));
}

static struct alts *ports(struct parser *p, const struct token *t, const struct qual *q)
{
	static const unsigned over[] = {6, 17, 132};
	struct alts *all;
	uint32_t low, high;

	if (q->proto && q->proto != P_OVER_IP + 6 && q->proto != P_OVER_IP + 17 &&
	    q->proto != P_OVER_IP + 132)
		return fail(p, EINVAL, t,
			    "ports are tcp's, udp's and sctp's: for a family write: ip6 and port");
	if (!read_ports(p, t, q->type == Q_PORTRANGE, &low, &high))
		return NULL;
	all = alts_new(p);
	for (unsigned i = 0; all && i < 12; i++) {
		unsigned number = over[i / 4];
		enum dir dir = q->dir != D_ANY ? q->dir : i & 1 ? D_DST : D_SRC;
		bool v6 = i & 2, ok;
		struct conj *c;

		if ((q->proto && q->proto != P_OVER_IP + number) || (q->dir != D_ANY && i & 1))
			continue;
		c = alts_add(p, all, NULL);
		if (!c)
			return NULL;
		ok = v6 ? is_ether_type(p, c, ETHER_IP6) &&
				     conj_equal(p, c, net(p, 6), 1, 0xff, number)
			: is_over_ip4(p, c, number, true);
		if (!ok || !test_ports(p, c, v6, dir, low, high))
			alts_drop_last(all);
	}
	return all;
}

/* ---- proto ---- */

static struct alts *proto_number(struct parser *p, const struct token *t, const struct qual *q)
{
	uint32_t number = t->number;
	bool ether = q->proto == P_ETHER, found = t->kind == T_NUMBER && !t->big;

	if (q->proto > P_IP6)
		return fail(
			p, EINVAL, t,
			"proto is of ether, ip or ip6, or of both IPs without a name before it");
	for (size_t i = 0; !found && i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		number = ether ? numbers[i].ether : numbers[i].ip;
		found = number && is_word(p, t, numbers[i].name);
	}
	if (!found || number > (ether ? 65535u : 255u))
		return fail(p, EINVAL, t,
			    ether ? "an Ethernet type is a number up to 65535"
				  : "an IP protocol is a number up to 255");
	if (ether && number <= 1500)
		return fail(
			p, EINVAL, t,
			"numbers up to 1500 are lengths of LLC frames: say ether[12:2] <= 1500 and "
			"ether[14] = %u",
			number);
	if (ether)
		return one_type(p, number);
	return over_ip(p, number,
		       q->proto == P_IP	   ? OVER_IP4
		       : q->proto == P_IP6 ? OVER_IP6
					   : OVER_BOTH);
}

/* ---- vlan, broadcast, multicast, greater ---- */

static struct alts *vlan(struct parser *p)
{
	static const unsigned types[] = {0x8100, 0x88a8, 0x9100};
	const struct token *t = peek(p);
	struct alts *a = alts_new(p);
	bool id = t->kind == T_NUMBER;

	if (id && (t->big || t->number > 4095))
		return fail(p, EINVAL, t, "a VLAN is a number up to 4095");
	p->at += id;
	if (p->l2 > 12 + 4 * 8)
		return fail(p, E2BIG, t, "more than eight tags");
	for (unsigned i = 0; a && i < 3; i++) {
		struct conj *c = alts_add(p, a, NULL);

		if (!c)
			return NULL;
		if (!is_ether_type(p, c, types[i]) ||
		    (id && !conj_equal(p, c, net(p, 0), 2, 0x0fff, t->number)))
			alts_drop_last(a);
	}
	p->l2 += 4; /* all that follows in the expression is inside */
	return a;
}

static struct alts *broadcast(struct parser *p, const struct token *t, unsigned proto)
{
	if (proto != P_NONE && proto != P_ETHER)
		return fail(
			p, EINVAL, t,
			"which addresses these are depends on the network: use dst host ADDRESS");
	return one_field(p, 0, (struct place){0}, 6, UINT64_C(0xffffffffffff),
			 UINT64_C(0xffffffffffff));
}

static struct alts *multicast(struct parser *p, const struct token *t, unsigned proto)
{
	switch (proto) {
	case P_NONE:
	case P_ETHER: return one_field(p, 0, (struct place){0}, 1, 1, 1);
	/* libpcap's: 224 and above. */
	case P_IP: return one_field(p, ETHER_IP, net(p, 16), 1, 0xe0, 0xe0);
	case P_IP6: return one_field(p, ETHER_IP6, net(p, 24), 1, 0xff, 0xff);
	default: return fail(p, EINVAL, t, "multicast is of ether, ip or ip6");
	}
}

static struct alts *greater(struct parser *p)
{
	const struct token *t = next(p);
	struct alts *a;

	if (t->kind != T_NUMBER || t->big || t->number > 65535)
		return fail(p, EINVAL, t, "a length is a number up to 65535");
	if (t->number)
		return one_field(p, 0, (struct place){.off = (uint16_t)(t->number - 1)}, 1, 0, 0);
	a = alts_new(p);
	return a && alts_add(p, a, NULL) ? a : NULL;
}

/* ---- qualifiers ---- */

static enum dir direction(struct parser *p)
{
	enum dir one = eat_word(p, "src") ? D_SRC : eat_word(p, "dst") ? D_DST : D_ANY;
	const char *other = one == D_SRC ? "dst" : "src";
	const struct token *t = peek(p);

	if (one == D_ANY || t->kind == T_END || !is_word(p, t + 1, other))
		return one;
	if (is_word(p, t, "or") || is_op(t, "||"))
		one = D_ANY;
	else if (is_word(p, t, "and") || is_op(t, "&&"))
		one = D_BOTH;
	else
		return one;
	p->at += 2;
	return one;
}

static enum type what(struct parser *p)
{
	static const struct {
		const char *name;
		enum type type;
	} types[] = {{"host", Q_HOST},
		     {"net", Q_NET},
		     {"port", Q_PORT},
		     {"portrange", Q_PORTRANGE},
		     {"proto", Q_PROTO}};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (eat_word(p, types[i].name))
			return types[i].type;
	return Q_NONE;
}

/* A value with its qualifiers, or several in parentheses. */
static struct alts *value(struct parser *p, const struct qual *q)
{
	const struct token *t = peek(p);

	p->last = *q;
	p->has_last = true;
	if (is_op(t, "(")) {
		struct alts *a;

		if (p->depth++ > 30)
			return fail(p, E2BIG, t, "too many parentheses inside each other");
		next(p);
		a = parse_any(p);
		p->depth--;
		if (a && !eat_op(p, ")"))
			return fail(p, EINVAL, t, "this parenthesis is not closed");
		return a;
	}
	if (t->kind == T_END || t->kind == T_OP)
		return fail(p, EINVAL, t, "a value is missing here");
	next(p);
	switch (q->type) {
	case Q_PORT:
	case Q_PORTRANGE: return ports(p, t, q);
	case Q_PROTO: return proto_number(p, t, q);
	default: return host(p, t, q);
	}
}

static struct alts *unknown(struct parser *p, const struct token *t)
{
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if (is_word(p, t, refused[i].name))
			return fail(p, EINVAL, t, "not possible here: %s", refused[i].why);
	if (t->kind == T_END || t->kind == T_OP)
		return fail(p, EINVAL, t, "a test is missing here");
	if (is_word(p, t, "and") || is_word(p, t, "or"))
		return fail(p, EINVAL, t, "a test is missing before this");
	if (t->kind == T_NUMBER || (p->text[t->at] >= '0' && p->text[t->at] <= '9'))
		return fail(p, EINVAL, t, "say what this is: host, net or port");
	return fail(
		p, EINVAL, t,
		"no such test: there are host, net, port, portrange, proto, vlan, and protocols");
}

/* Whether a value follows that takes over what was said of the one before: `port 53 or 80`. */
static bool inherits(const struct parser *p)
{
	const struct token *t = peek(p);
	char first = p->text[t->at];

	if (!p->has_last || (t->kind != T_NUMBER && t->kind != T_WORD))
		return false;
	if (t->kind == T_NUMBER || (first >= '0' && first <= '9'))
		return true;
	/* fe80::1, aa:bb:cc:dd:ee:ff; and names of protocols in `ip proto \tcp or \udp`. */
	return memchr(&p->text[t->at], ':', t->len) || first == '\\';
}

struct alts *primitive(struct parser *p)
{
	const struct token *t = peek(p);
	struct qual q = {0};

	if (inherits(p)) {
		q = p->last;
		return value(p, &q);
	}
	if (eat_word(p, "vlan"))
		return vlan(p);
	if (eat_word(p, "greater"))
		return greater(p);
	q.proto = proto_of(p, t);
	p->at += q.proto != P_NONE;
	q.dir = direction(p);
	q.type = what(p);
	if (q.dir == D_ANY && q.type == Q_NONE && eat_word(p, "broadcast"))
		return broadcast(p, t, q.proto);
	if (q.dir == D_ANY && q.type == Q_NONE && eat_word(p, "multicast"))
		return multicast(p, t, q.proto);
	if (peek(p) == t)
		return unknown(p, t);
	if (q.dir == D_ANY && q.type == Q_NONE && p->token[p->at - 1].kind == T_WORD && q.proto &&
	    peek(p) == t + 1)
		return protocol(p, t, q.proto);
	return value(p, &q);
}
