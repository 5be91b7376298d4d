/* SPDX-License-Identifier: BSD-2-Clause */
/* packet_text.c - headers are read as far as they were captured; what is cut off or malformed is said in brackets. */
#include "packet_text.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct view {
	const uint8_t *at;
	uint32_t have; /* bytes captured from there on */
	uint32_t len;  /* bytes there are, as the headers before say */
	char *buf;
	size_t size;
};

__attribute__((format(printf, 2, 3))) static void say(struct view *v, const char *fmt, ...)
{
	size_t used = strlen(v->buf);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(v->buf + used, v->size - used, fmt, ap);
	va_end(ap);
}

static uint32_t get16(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

static uint32_t get32(const uint8_t *p)
{
	return get16(p) << 16 | get16(p + 2);
}

/* Is so much of the header there? Says so if not. */
static bool has(struct view *v, uint32_t n, const char *what)
{
	if (v->have >= n && v->len >= n)
		return true;
	say(v, "%s [%s]", what, v->len < n ? "too short" : "cut");
	return false;
}

static void skip(struct view *v, uint32_t n)
{
	v->at += n;
	v->have -= n;
	v->len -= n;
}

/* ---- above IP ---- */

struct ends {
	char src[INET6_ADDRSTRLEN], dst[INET6_ADDRSTRLEN];
};

static void say_ends(struct view *v, const struct ends *e, const uint8_t *ports)
{
	if (ports)
		say(v, "%s.%u > %s.%u: ", e->src, get16(ports), e->dst, get16(ports + 2));
	else
		say(v, "%s > %s: ", e->src, e->dst);
}

static void say_tcp(struct view *v, const struct ends *e)
{
	static const char letters[] = "FSRP.UEW";
	const uint8_t *t = v->at;
	char flags[9] = "";
	uint32_t n = 0;

	if (v->have < 20 || v->len < 20) {
		say_ends(v, e, v->have >= 4 && v->len >= 4 ? t : NULL);
		has(v, 20, "TCP");
		return;
	}
	for (uint32_t i = 0; i < 8; i++)
		if (t[13] & 1u << i)
			flags[n++] = letters[i];
	say_ends(v, e, t);
	say(v, "TCP [%s], seq %u", n ? flags : "none", get32(t + 4));
	if (t[13] & 0x10)
		say(v, ", ack %u", get32(t + 8));
	uint32_t head = (uint32_t)(t[12] >> 4) * 4;
	say(v, ", win %u, length %u", get16(t + 14), v->len > head ? v->len - head : 0);
}

static void say_udp(struct view *v, const struct ends *e)
{
	say_ends(v, e, v->have >= 4 && v->len >= 4 ? v->at : NULL);
	if (has(v, 8, "UDP"))
		say(v, "UDP, length %u", v->len - 8);
}

struct name {
	uint8_t type, code; /* 255: any */
	const char *text;
};

static const struct name icmp4[] = {
	{0, 255, "echo reply"},
	{3, 0, "network unreachable"},
	{3, 1, "host unreachable"},
	{3, 2, "protocol unreachable"},
	{3, 3, "port unreachable"},
	{3, 4, "packet too big"},
	{3, 13, "administratively prohibited"},
	{3, 255, "destination unreachable"},
	{5, 255, "redirect"},
	{8, 255, "echo request"},
	{11, 0, "time exceeded in transit"},
	{11, 1, "time exceeded in reassembly"},
	{12, 255, "parameter problem"},
	{0, 0, NULL},
};
static const struct name icmp6[] = {
	{1, 0, "no route"},
	{1, 1, "administratively prohibited"},
	{1, 3, "address unreachable"},
	{1, 4, "port unreachable"},
	{1, 255, "destination unreachable"},
	{2, 255, "packet too big"},
	{3, 255, "time exceeded"},
	{4, 255, "parameter problem"},
	{128, 255, "echo request"},
	{129, 255, "echo reply"},
	{130, 255, "multicast listener query"},
	{131, 255, "multicast listener report"},
	{133, 255, "router solicitation"},
	{134, 255, "router advertisement"},
	{135, 255, "neighbour solicitation"},
	{136, 255, "neighbour advertisement"},
	{137, 255, "redirect"},
	{143, 255, "multicast listener report v2"},
	{0, 0, NULL},
};

static const char *name_of(const struct name *n, uint8_t type, uint8_t code)
{
	while (n->text && (n->type != type || (n->code != code && n->code != 255)))
		n++;
	return n->text;
}

static void say_icmp(struct view *v, const struct ends *e, bool six)
{
	const uint8_t *t = v->at;
	const char *what = six ? "ICMP6" : "ICMP", *name;

	say_ends(v, e, NULL);
	if (!has(v, 4, what))
		return;
	name = name_of(six ? icmp6 : icmp4, t[0], t[1]);
	if (name)
		say(v, "%s %s", what, name);
	else
		say(v, "%s type %u code %u", what, t[0], t[1]);
	bool echo = six ? t[0] == 128 || t[0] == 129 : t[0] == 8 || t[0] == 0;
	bool neighbour = six && (t[0] == 135 || t[0] == 136);
	if (echo && v->have >= 8 && v->len >= 8)
		say(v, ", id %u, seq %u", get16(t + 4), get16(t + 6));
	if (neighbour && v->have >= 24 && v->len >= 24) {
		char target[INET6_ADDRSTRLEN];

		say(v, ", %s", inet_ntop(AF_INET6, t + 8, target, sizeof(target)));
	}
	say(v, ", length %u", v->len);
}

static void say_upper(struct view *v, const struct ends *e, uint8_t protocol, bool six)
{
	switch (protocol) {
	case 1:
	case 58:
		if ((protocol == 58) == six) {
			say_icmp(v, e, six);
			return;
		}
		break;
	case 6: say_tcp(v, e); return;
	case 17: say_udp(v, e); return;
	case 59:
		say_ends(v, e, NULL);
		say(v, "no next header, length %u", v->len);
		return;
	default: break;
	}
	say_ends(v, e, NULL);
	say(v, "protocol %u, length %u", protocol, v->len);
}

/* ---- IP, ARP ---- */

static void say_ip4(struct view *v)
{
	const uint8_t *h = v->at;
	struct ends e;

	if (!has(v, 20, "IP"))
		return;
	uint32_t head = (uint32_t)(h[0] & 15) * 4, total = get16(h + 2), offset = get16(h + 6);
	inet_ntop(AF_INET, h + 12, e.src, sizeof(e.src));
	inet_ntop(AF_INET, h + 16, e.dst, sizeof(e.dst));
	say(v, "IP ");
	if (h[0] >> 4 != 4 || head < 20 || total < head || total > v->len) {
		say_ends(v, &e, NULL);
		say(v, "[bad header: version %u, header length %u, total length %u]", h[0] >> 4,
		    head, total);
		return;
	}
	if (h[8] <= 1)
		say(v, "(ttl %u) ", h[8]);
	v->len = total;
	if (head > v->have) {
		say_ends(v, &e, NULL);
		say(v, "[cut]");
		return;
	}
	skip(v, head);
	if (offset & 0x1fff) {
		say_ends(v, &e, NULL);
		say(v, "protocol %u, fragment at %u%s, length %u", h[9], (offset & 0x1fff) * 8,
		    offset & 0x2000 ? "+" : "", v->len);
		return;
	}
	say_upper(v, &e, h[9], false);
	if (offset & 0x2000)
		say(v, ", first fragment");
}

static bool is_extension(uint8_t protocol)
{
	return protocol == 0 || protocol == 43 || protocol == 44 || protocol == 60;
}

/* RFC 8200 4: as far as the one in front of what is carried. False: that was all that can be said. */
static bool skip_extensions(struct view *v, const struct ends *e, uint8_t *protocol)
{
	while (is_extension(*protocol)) {
		uint32_t len = v->have >= 2 ? (*protocol == 44 ? 8 : 8 + 8u * v->at[1]) : 8;
		bool fragment = *protocol == 44;

		if (v->have < len || v->len < len) {
			say_ends(v, e, NULL);
			say(v, "extension header %u [%s]", *protocol,
			    v->len < len ? "too short" : "cut");
			return false;
		}
		*protocol = v->at[0];
		uint32_t offset = fragment ? get16(v->at + 2) : 0;
		skip(v, len);
		if (!(offset & 0xfff8))
			continue;
		say_ends(v, e, NULL);
		say(v, "protocol %u, fragment at %u%s, length %u", *protocol, offset & 0xfff8,
		    offset & 1 ? "+" : "", v->len);
		return false;
	}
	return true;
}

static void say_ip6(struct view *v)
{
	const uint8_t *h = v->at;
	struct ends e;

	if (!has(v, 40, "IP6"))
		return;
	uint32_t payload = get16(h + 4);
	uint8_t protocol = h[6];
	inet_ntop(AF_INET6, h + 8, e.src, sizeof(e.src));
	inet_ntop(AF_INET6, h + 24, e.dst, sizeof(e.dst));
	say(v, "IP6 ");
	if (h[0] >> 4 != 6 || payload > v->len - 40) {
		say_ends(v, &e, NULL);
		say(v, "[bad header: version %u, payload length %u]", h[0] >> 4, payload);
		return;
	}
	if (h[7] <= 1)
		say(v, "(hop limit %u) ", h[7]);
	v->len = payload + 40;
	skip(v, 40);
	if (skip_extensions(v, &e, &protocol))
		say_upper(v, &e, protocol, true);
}

static void say_arp(struct view *v)
{
	const uint8_t *a = v->at;
	char src[INET_ADDRSTRLEN], dst[INET_ADDRSTRLEN];

	if (!has(v, 28, "ARP"))
		return;
	inet_ntop(AF_INET, a + 14, src, sizeof(src));
	inet_ntop(AF_INET, a + 24, dst, sizeof(dst));
	if (get16(a + 6) == 1)
		say(v, "ARP who has %s, tell %s", dst, src);
	else if (get16(a + 6) == 2)
		say(v, "ARP %s is at %02x:%02x:%02x:%02x:%02x:%02x", src, a[8], a[9], a[10], a[11],
		    a[12], a[13]);
	else
		say(v, "ARP operation %u", get16(a + 6));
}

void packet_text(const uint8_t *frame, uint32_t captured, uint32_t len, char *buf, size_t size)
{
	struct view v = {frame, captured, len, buf, size};

	buf[0] = 0;
	if (!has(&v, 14, "frame"))
		goto out;
	uint32_t type = get16(frame + 12);
	const uint8_t *f = frame;

	skip(&v, 14);
	for (int tags = 0; (type == 0x8100 || type == 0x88a8) && tags < 2; tags++) {
		if (!has(&v, 4, "VLAN"))
			goto out;
		say(&v, "VLAN %u, ", get16(v.at) & 0xfff);
		type = get16(v.at + 2);
		skip(&v, 4);
	}
	switch (type) {
	case 0x0800: say_ip4(&v); return;
	case 0x86dd: say_ip6(&v); return;
	case 0x0806: say_arp(&v); return;
	default:
		say(&v,
		    "%02x:%02x:%02x:%02x:%02x:%02x > %02x:%02x:%02x:%02x:%02x:%02x, ether type "
		    "0x%04x",
		    f[6], f[7], f[8], f[9], f[10], f[11], f[0], f[1], f[2], f[3], f[4], f[5], type);
		break;
	}
out:
	say(&v, ", length %u", len);
}
