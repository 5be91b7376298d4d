/* SPDX-License-Identifier: BSD-2-Clause */
/* balance_packets.c - packets, their mutations, and a router that does everything the plain way. */
#include "xok/linux/test/balance_packets.h"

#include <stdlib.h>
#include <string.h>

#include "nodeos/lib/inet6.h"
#include "nodeos/lib/text.h"

#define VLAN 7u
#define IFACES 4u /* the three ports, and the VLAN at the first one */
#define IFACE_VLAN 3u

const char packet_conf[] = "node r1\n"
			   "port lan address 10.0.1.2/24\n"
			   "port lan address fd00:1::2/64\n"
			   "port wan address 10.0.2.1/24\n"
			   "port wan address fd00:2::1/64\n"
			   "port dmz address 10.0.3.1/24\n"
			   "port dmz address fd00:3::1/64\n"
			   "port lan vlan 7 address 10.77.0.1/24\n"
			   "port lan vlan 7 address fd00:77::1/64\n"
			   "port wan mtu 1400\n"
			   "port wan rpf loose\n"
			   "port dmz rpf strict\n"
			   "neighbour lan 10.0.1.9 02:00:00:00:00:09\n"
			   "neighbour lan fd00:1::9 02:00:00:00:00:09\n"
			   "neighbour wan 10.0.2.9 02:00:00:00:01:09\n"
			   "neighbour wan fd00:2::9 02:00:00:00:01:09\n"
			   "neighbour dmz 10.0.3.9 02:00:00:00:02:09\n"
			   "neighbour dmz fd00:3::9 02:00:00:00:02:09\n"
			   "neighbour lan.7 10.77.0.9 02:00:00:00:03:09\n"
			   "neighbour lan.7 fd00:77::9 02:00:00:00:03:09\n"
			   "route 10.9.0.0/16 via 10.0.2.9\n"
			   "route 10.9.128.0/17 via 10.0.3.9\n"
			   "route 10.50.0.0/16 via 10.0.2.9 via 10.0.3.9\n"
			   "route 10.60.0.0/16 via 10.0.2.77\n"
			   "route 198.18.0.0/15 blackhole\n"
			   "route 198.51.100.0/24 unreachable\n"
			   "route 203.0.113.0/24 prohibit\n"
			   "route 2001:db8::/32 via fd00:2::9\n"
			   "route 2001:db8:8000::/33 via fd00:3::9\n"
			   "route 2001:db8:50::/48 via fd00:2::9 via fd00:3::9\n"
			   "route 2001:db8:66::/48 blackhole\n"
			   "route 2001:db8:67::/48 prohibit\n";

/* The same as a list: what a prefix leads to. Interfaces are bits. */
enum leads { OURS, NOBODY, LINK, VIA, HOPS }; /* VIA: one gateway that is not known at first */
static struct naive {
	const char *text;
	enum leads to;
	uint32_t ifaces;
	struct ip6 net;
	unsigned len;
} routes[] = {
	{"10.0.1.2/32", OURS, 0, {{0}}, 0},	   {"10.0.2.1/32", OURS, 0, {{0}}, 0},
	{"10.0.3.1/32", OURS, 0, {{0}}, 0},	   {"10.77.0.1/32", OURS, 0, {{0}}, 0},
	{"10.0.1.0/32", OURS, 0, {{0}}, 0},	   {"10.0.1.255/32", OURS, 0, {{0}}, 0},
	{"10.0.2.0/32", OURS, 0, {{0}}, 0},	   {"10.0.2.255/32", OURS, 0, {{0}}, 0},
	{"10.0.3.0/32", OURS, 0, {{0}}, 0},	   {"10.0.3.255/32", OURS, 0, {{0}}, 0},
	{"10.77.0.0/32", OURS, 0, {{0}}, 0},	   {"10.77.0.255/32", OURS, 0, {{0}}, 0},
	{"10.0.1.0/24", LINK, 1, {{0}}, 0},	   {"10.0.2.0/24", LINK, 2, {{0}}, 0},
	{"10.0.3.0/24", LINK, 4, {{0}}, 0},	   {"10.77.0.0/24", LINK, 8, {{0}}, 0},
	{"10.0.1.9/32", HOPS, 1, {{0}}, 0},	   {"10.0.2.9/32", HOPS, 2, {{0}}, 0},
	{"10.0.3.9/32", HOPS, 4, {{0}}, 0},	   {"10.77.0.9/32", HOPS, 8, {{0}}, 0},
	{"10.9.0.0/16", HOPS, 2, {{0}}, 0},	   {"10.9.128.0/17", HOPS, 4, {{0}}, 0},
	{"10.50.0.0/16", HOPS, 6, {{0}}, 0},	   {"10.60.0.0/16", VIA, 2, {{0}}, 0},
	{"198.18.0.0/15", NOBODY, 0, {{0}}, 0},	   {"198.51.100.0/24", NOBODY, 0, {{0}}, 0},
	{"203.0.113.0/24", NOBODY, 0, {{0}}, 0},   {"fd00:1::2/128", OURS, 0, {{0}}, 0},
	{"fd00:2::1/128", OURS, 0, {{0}}, 0},	   {"fd00:3::1/128", OURS, 0, {{0}}, 0},
	{"fd00:77::1/128", OURS, 0, {{0}}, 0},	   {"fd00:1::/64", LINK, 1, {{0}}, 0},
	{"fd00:2::/64", LINK, 2, {{0}}, 0},	   {"fd00:3::/64", LINK, 4, {{0}}, 0},
	{"fd00:77::/64", LINK, 8, {{0}}, 0},	   {"fd00:1::9/128", HOPS, 1, {{0}}, 0},
	{"fd00:2::9/128", HOPS, 2, {{0}}, 0},	   {"fd00:3::9/128", HOPS, 4, {{0}}, 0},
	{"fd00:77::9/128", HOPS, 8, {{0}}, 0},	   {"2001:db8::/32", HOPS, 2, {{0}}, 0},
	{"2001:db8:8000::/33", HOPS, 4, {{0}}, 0}, {"2001:db8:50::/48", HOPS, 6, {{0}}, 0},
	{"2001:db8:66::/48", NOBODY, 0, {{0}}, 0}, {"2001:db8:67::/48", NOBODY, 0, {{0}}, 0},
};
#define NROUTE (sizeof(routes) / sizeof(routes[0]))

static void parse_routes(void)
{
	for (size_t i = 0; i < NROUTE; i++) {
		uint32_t v4;
		uint8_t len;

		if (text_prefix(routes[i].text, &v4, &len)) {
			routes[i].net = ip6_mapped(v4);
			routes[i].len = len + 96u;
		} else if (text_prefix6(routes[i].text, &routes[i].net, &len)) {
			routes[i].len = len;
		} else {
			abort();
		}
	}
}

static const struct naive *longest(const struct ip6 *addr)
{
	const struct naive *best = NULL;

	if (!routes[0].len)
		parse_routes();
	for (size_t i = 0; i < NROUTE; i++)
		if (ip6_match(addr, &routes[i].net, routes[i].len) &&
		    (!best || routes[i].len > best->len))
			best = &routes[i];
	return best;
}

/* ---- random ---- */

uint32_t random_below(struct random *r, uint32_t n)
{
	r->state ^= r->state >> 12;
	r->state ^= r->state << 25;
	r->state ^= r->state >> 27;
	return (uint32_t)((r->state * 0x2545f4914f6cdd1dull >> 32) % n);
}

static bool chance(struct random *r, uint32_t one_in)
{
	return random_below(r, one_in) == 0;
}

static const char *one_of(struct random *r, const char *const *list, size_t n)
{
	return list[random_below(r, (uint32_t)n)];
}
#define ONE_OF(r, list) one_of(r, list, sizeof(list) / sizeof((list)[0]))

/* ---- packets of every kind ---- */

static const char *const addresses4[] = {
	"10.0.1.9",  "10.0.2.9",  "10.0.3.9",  "10.77.0.9",  "10.9.1.2",     "10.9.200.2",
	"10.50.3.4", "10.60.0.1", "10.0.2.77", "198.18.5.5", "198.51.100.1", "203.0.113.9",
	"8.8.8.8",   "10.0.1.2",  "10.0.3.1",  "10.0.2.255", "10.0.1.0",     "255.255.255.255",
	"224.0.0.5", "239.1.2.3", "127.0.0.1", "0.0.0.0",    "240.0.0.1",    "10.9.7.7",
};
static const char *const near4[] = {"10.0.1.9", "10.0.2.9", "10.0.3.9", "10.77.0.9"};
static const char *const addresses6[] = {
	"fd00:1::9",
	"fd00:2::9",
	"fd00:3::9",
	"fd00:77::9",
	"2001:db8::1",
	"2001:db8:8000::1",
	"2001:db8:50::1",
	"2001:db8:66::1",
	"2001:db8:67::1",
	"fd00:2::c8",
	"2600::1",
	"fd00:1::2",
	"fd00:3::1",
	"fe80::1",
	"ff02::1",
	"ff02::1:ff00:2",
	"ff05::2",
	"ff0e::1",
	"::",
	"::1",
};
static const char *const near6[] = {"fd00:1::9", "fd00:2::9", "fd00:3::9", "fd00:77::9"};

static uint32_t ip4(const char *s)
{
	uint32_t a;

	if (!text_ip4(s, &a))
		abort();
	return a;
}

static struct ip6 ip6(const char *s)
{
	struct ip6 a;

	if (!text_ip6(s, &a))
		abort();
	return a;
}

static void fill(uint8_t *p, size_t len, struct random *r)
{
	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)random_below(r, 256);
}

static size_t size(struct random *r)
{
	return chance(r, 8) ? 1380 + random_below(r, 100) : random_below(r, 120);
}

/* The source is likely to be the host that lives at the interface. */
static size_t make4(uint8_t *ip, uint32_t iface, struct random *r)
{
	static const uint8_t protocols[] = {1, 6, 17, 17, 47};
	static const uint8_t options[][4] = {{1, 1, 1, 0},   {0x94, 4, 0, 0}, {7, 3, 4, 0},
					     {131, 3, 4, 0}, {137, 3, 4, 0},  {7, 0, 0, 0}};
	size_t hlen = 20, len = hlen + size(r);
	const char *src = chance(r, 6) ? ONE_OF(r, addresses4) : near4[iface];

	fill(ip + 20, len - 20, r);
	inet_ip4_header(ip, (uint8_t)random_below(r, 256), len, (uint16_t)random_below(r, 65536),
			(uint8_t)(chance(r, 6) ? random_below(r, 3) : 2 + random_below(r, 254)),
			protocols[random_below(r, 5)], ip4(src), ip4(ONE_OF(r, addresses4)));
	if (chance(r, 10)) {
		hlen = 24;
		len = len < hlen ? hlen : len;
		memcpy(ip + 20, options[random_below(r, 6)], 4);
		ip[0] = 0x46;
		put16(ip + 2, (uint16_t)len);
	}
	if (chance(r, 6))
		put16(ip + 6, (uint16_t)(random_below(r, 8) << 13 |
					 (chance(r, 2) ? random_below(r, 8192) : 0)));
	put16(ip + 10, 0);
	put16(ip + 10, inet_fold(inet_sum(ip, hlen)));
	return len;
}

static size_t make6(uint8_t *ip, uint32_t iface, struct random *r)
{
	static const uint8_t next[] = {0, 6, 17, 17, 43, 44, 58, 58, 59, 60, 253};
	static const uint8_t types[] = {1, 2, 3, 128, 129, 133, 134, 135, 136, 137};
	struct ip6 src = ip6(chance(r, 6) ? ONE_OF(r, addresses6) : near6[iface]);
	struct ip6 dst = ip6(ONE_OF(r, addresses6));
	uint8_t proto = next[random_below(r, 11)], *up = ip + 40;
	size_t len = size(r);

	fill(up, len, r);
	if (len >= 8 && proto != 58 && proto != 6 && proto != 17) {
		up[0] = next[random_below(r, 11)];
		up[1] = (uint8_t)(chance(r, 4) ? random_below(r, 20) : 0);
		if (chance(r, 2))
			memcpy(up + 2, (const uint8_t[]){1, 4, 0, 0, 0, 0}, 6);
	}
	inet_ip6_header(ip, len, proto,
			(uint8_t)(chance(r, 6) ? random_below(r, 3) : 2 + random_below(r, 254)),
			&src, &dst);
	if (proto == 58 && len >= 32) {
		struct ip6 target = ip6(ONE_OF(r, addresses6));

		up[0] = types[random_below(r, 10)];
		up[1] = 0;
		memcpy(up + 8, &target, 16);
		memcpy(up + 24, (const uint8_t[]){1, 1, 2, 0, 0, 0, 9, 9}, 8);
		ip[7] = chance(r, 4) ? ip[7] : 255;
		put16(ip + 4, 32);
		len = 32;
		put16(up + 2, 0);
		put16(up + 2, inet_upper6_sum(ip, 58, up, len));
	}
	ip[1] = (uint8_t)((ip[1] & 0xf0) | random_below(r, 16));
	return 40 + len;
}

static size_t make_arp(uint8_t *frame, uint8_t *arp, uint32_t iface, struct random *r)
{
	put16(arp, 1);
	put16(arp + 2, 0x0800);
	arp[4] = 6;
	arp[5] = 4;
	put16(arp + 6, (uint16_t)(1 + random_below(r, 2)));
	memcpy(arp + 8, frame + 6, 6);
	put32(arp + 14, ip4(chance(r, 3) ? ONE_OF(r, addresses4) : near4[iface]));
	memset(arp + 18, 0, 6);
	put32(arp + 24, ip4(ONE_OF(r, addresses4)));
	return 28;
}

/* Of the interface's port: 02:00:00:00:aa:0N, that of the host beside it: 02:00:00:00:0N:09. */
static void ether(uint8_t *frame, uint32_t iface, struct random *r)
{
	const uint8_t to[6] = {2, 0, 0, 0, 0xaa, (uint8_t)(iface == IFACE_VLAN ? 0 : iface)};
	const uint8_t from[6] = {2, 0, 0, 0, (uint8_t)iface, 9};

	memcpy(frame, to, 6);
	memcpy(frame + 6, from, 6);
	if (chance(r, 16))
		memset(frame, 0xff, 6);
	else if (chance(r, 20))
		memcpy(frame, (const uint8_t[]){0x33, 0x33, 0, 0, 0, 1}, 6);
	else if (chance(r, 30))
		frame[5] ^= 0x40;
}

static void make(struct packet *p, uint32_t port, struct random *r)
{
	bool tagged = port == 0 && chance(r, 3);
	uint32_t iface = tagged ? IFACE_VLAN : port == 3 ? 2 : port, at = tagged ? 18 : 14;
	uint8_t *ip = p->data + at;
	uint16_t type = 0x0800;
	size_t len;

	ether(p->data, iface, r);
	switch (random_below(r, 16)) {
	case 0: type = 0x0806, len = make_arp(p->data, ip, iface, r); break;
	case 1: type = (uint16_t)random_below(r, 65536), len = size(r), fill(ip, len, r); break;
	case 2:
	case 3:
	case 4:
	case 5:
	case 6:
	case 7: type = 0x86dd, len = make6(ip, iface, r); break;
	default: len = make4(ip, iface, r); break;
	}
	if (tagged) {
		put16(p->data + 12, 0x8100);
		put16(p->data + 14, (uint16_t)(random_below(r, 8) << 13 |
					       (chance(r, 16) ? random_below(r, 4096) : VLAN)));
	}
	put16(p->data + at - 2, type);
	p->len = at + len;
	if (p->len < 60 && chance(r, 2)) { /* as Ethernet pads it */
		memset(p->data + p->len, 0xaa, 60 - p->len);
		p->len = 60;
	}
}

/* ---- mutations ---- */

static void splice(struct packet *p, uint32_t port, struct random *r)
{
	static struct packet other;
	size_t from, to, n;

	make(&other, port, r);
	from = random_below(r, (uint32_t)other.len);
	to = random_below(r, (uint32_t)p->len);
	n = 1 + random_below(r, 64);
	n = n < other.len - from ? n : other.len - from;
	n = n < PACKET_MAX - to ? n : PACKET_MAX - to;
	memcpy(p->data + to, other.data + from, n);
	p->len = to + n > p->len ? to + n : p->len;
}

static void mend(struct packet *p)
{
	uint8_t *ip = p->data + 14;

	if (p->len < 34)
		return;
	put16(ip + 10, 0);
	put16(ip + 10, inet_fold(inet_sum(ip, 20)));
}

static void mutate(struct packet *p, uint32_t port, struct random *r)
{
	static const uint16_t lies[] = {0,  1,	 19,   20,   21,   39,	 40,
					41, 576, 1280, 1400, 1500, 1501, 65535};
	size_t header = p->len < 64 ? p->len : 64;

	switch (p->len ? random_below(r, 7) : 6) {
	case 0:
		p->data[random_below(r, (uint32_t)p->len)] ^= (uint8_t)(1u << random_below(r, 8));
		break;
	case 1:
		p->data[random_below(r, (uint32_t)header)] ^= (uint8_t)(1u << random_below(r, 8));
		break;
	case 2: p->data[random_below(r, (uint32_t)header)] = (uint8_t)random_below(r, 256); break;
	case 3: p->len = random_below(r, (uint32_t)p->len + 1); break;
	case 4: /* either family's length, tagged or not */
		put16(p->data + 14 + 2 * random_below(r, 5),
		      lies[random_below(r, sizeof(lies) / sizeof(lies[0]))]);
		break;
	case 5: splice(p, port, r); break;
	default:
		header = p->len;
		p->len += random_below(r, PACKET_MAX + 1 - (uint32_t)p->len);
		fill(p->data + header, p->len - header, r);
		break;
	}
}

void packet_make(struct packet *p, uint32_t port, struct random *r)
{
	make(p, port, r);
	if (chance(r, 2))
		return;
	do
		mutate(p, port, r);
	while (chance(r, 2));
	if (chance(r, 2)) /* so that what was changed is looked at, and not the checksum */
		mend(p);
}

/* ---- the plain router ---- */

/* A packet as a handler finds it. */
struct view {
	const uint8_t *ip;
	size_t room;
	uint32_t iface, port;
	bool four, tagged;
	struct ip6 src, dst;
	size_t total;
};

static bool view(const struct packet *p, uint32_t port, struct view *v)
{
	size_t at = 14;
	uint16_t type;

	if (port > 2 || p->len < 14 || p->len > 1518)
		return false;
	*v = (struct view){.iface = port, .port = port};
	type = be16(p->data + 12);
	if (type == 0x8100 && p->len >= 18) {
		if (port || (be16(p->data + 14) & 0xfff) != VLAN)
			return false;
		type = be16(p->data + 16);
		at = 18;
		v->tagged = true;
		v->iface = IFACE_VLAN;
	}
	v->four = type == 0x0800;
	v->ip = p->data + at;
	v->room = p->len - at;
	return (type == 0x0800 && v->room >= 20) || (type == 0x86dd && v->room >= 40);
}

static bool good4(struct view *v)
{
	uint32_t sum = 0, src = be32(v->ip + 12), dst = be32(v->ip + 16);

	v->src = ip6_mapped(src);
	v->dst = ip6_mapped(dst);
	v->total = be16(v->ip + 2);
	for (uint32_t i = 0; i < 20; i += 2)
		sum += be16(v->ip + i);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	if (v->ip[0] != 0x45 || sum != 0xffff || v->total < 20 || v->total > v->room ||
	    v->ip[8] < 2)
		return false;
	for (uint32_t i = 0; i < 2; i++) {
		uint8_t top = v->ip[i ? 16 : 12];

		if (top == 0 || top == 127 || top >= 224)
			return false;
	}
	return true;
}

static bool good6(struct view *v)
{
	static const uint8_t zero[15];

	v->src = ip6_at(v->ip + 8);
	v->dst = ip6_at(v->ip + 24);
	v->total = 40u + be16(v->ip + 4);
	if (v->ip[0] >> 4 != 6 || v->total > v->room || v->ip[7] < 2 || v->ip[6] == 0)
		return false;
	for (uint32_t i = 0; i < 2; i++) {
		const uint8_t *a = v->ip + (i ? 24 : 8);

		if (a[0] == 0xff || (a[0] == 0xfe && (a[1] & 0xc0) == 0x80) ||
		    (!memcmp(a, zero, 15) && a[15] < 2))
			return false;
	}
	return true;
}

/* RFC 3704: port 1 is loose, port 2 strict. */
static bool source_ok(const struct view *v)
{
	const struct naive *r = longest(&v->src);

	if (r && r->to == OURS)
		return false;
	if (v->port != 1 && v->port != 2)
		return true;
	return r && r->to != NOBODY && (v->port == 1 || r->ifaces >> v->iface & 1);
}

struct way packet_way(const struct packet *p, uint32_t port)
{
	const uint8_t mac[6] = {2, 0, 0, 0, 0xaa, (uint8_t)port};
	struct way w = {.n = 0};
	const struct naive *r;
	struct view v;

	if (!view(p, port, &v) || memcmp(p->data, mac, 6) || !(v.four ? good4(&v) : good6(&v)) ||
	    !source_ok(&v))
		return w;
	r = longest(&v.dst);
	if (!r || r->to < LINK)
		return w;
	for (uint32_t i = 0; i < IFACES; i++) {
		if (!(r->ifaces >> i & 1))
			continue;
		if (i == v.iface || v.total > (i == 1 ? WAN_MTU : 1500)) {
			w.maybe = true; /* if the flow's hash says so */
			continue;
		}
		w.hop[w.n] = (struct hop_to){.port = i == IFACE_VLAN ? 0 : i,
					     .vlan = i == IFACE_VLAN ? VLAN : 0,
					     .mac = {2, 0, 0, 0, (uint8_t)i, 9}};
		w.other = v.tagged || i == IFACE_VLAN;
		if (r->to != HOPS) {
			struct ip6 gateway = ip6_mapped(ip4("10.0.2.77"));

			w.maybe = true;
			if (!packet_neighbour(i, r->to == VIA ? &gateway : &v.dst, w.hop[w.n].mac))
				continue;
		}
		w.n++;
	}
	w.tagged = v.tagged;
	w.four = v.four;
	w.total = v.total;
	return w;
}

void packet_forwarded(struct packet *out, const struct packet *in, const struct way *w,
		      const struct hop_to *hop)
{
	const uint8_t from[6] = {2, 0, 0, 0, 0xaa, (uint8_t)hop->port};
	size_t was = w->tagged ? 18 : 14, at = hop->vlan ? 18 : 14;
	uint8_t *ip = out->data + at;

	memcpy(out->data, hop->mac, 6);
	memcpy(out->data + 6, from, 6);
	if (hop->vlan) {
		put16(out->data + 12, 0x8100);
		put16(out->data + 14, (uint16_t)hop->vlan);
	}
	memcpy(ip - 2, in->data + was - 2, w->total + 2);
	out->len = at + w->total;
	ip[w->four ? 8 : 7]--;
	if (w->four) {
		put16(ip + 10, 0);
		put16(ip + 10, inet_fold(inet_sum(ip, 20)));
	}
}
