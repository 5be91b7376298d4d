/* SPDX-License-Identifier: BSD-2-Clause */
/* address.c - host and net: addresses of Ethernet, IPv4, IPv6, ARP and RARP. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "internal.h"

struct address {
	unsigned size; /* 4, 16, 6 */
	uint8_t byte[16], mask[16];
	bool whole; /* no length or mask was given */
};

static bool read_mac(const char *s, uint8_t *mac)
{
	unsigned b[6];
	int end = 0;
	char sep = s[strcspn(s, ":-.")];

	for (const char *c = s; *c; c++)
		if (!strchr("0123456789abcdefABCDEF:-", *c) || (*c == '-' && sep == ':'))
			return false;
	if (sscanf(s, sep == '-' ? "%2x-%2x-%2x-%2x-%2x-%2x%n" : "%2x:%2x:%2x:%2x:%2x:%2x%n", &b[0],
		   &b[1], &b[2], &b[3], &b[4], &b[5], &end) != 6 ||
	    s[end])
		return false;
	for (int i = 0; i < 6; i++)
		mac[i] = (uint8_t)b[i];
	return true;
}

/* Dotted decimal of one to four parts; how many. 0: not such a thing. */
static unsigned read_ip4(const char *s, uint8_t *byte)
{
	for (unsigned n = 0;; n++, s++) {
		unsigned v = 0, digits = 0;

		for (; *s >= '0' && *s <= '9' && digits < 4; s++, digits++)
			v = 10 * v + (unsigned)(*s - '0');
		if (!digits || digits > 3 || v > 255 || n == 4)
			return 0;
		byte[n] = (uint8_t)v;
		if (!*s)
			return n + 1;
		if (*s != '.')
			return 0;
	}
}

static void prefix_mask(uint8_t *mask, unsigned size, unsigned len)
{
	for (unsigned i = 0; i < size; i++)
		mask[i] = len >= 8 * (i + 1) ? 0xff
			  : len > 8 * i	     ? (uint8_t)(0xff00 >> (len - 8 * i))
					     : 0;
}

/* `/LEN` or `mask M` behind the address of a net. */
static bool read_mask(struct parser *p, struct address *a, unsigned parts)
{
	const struct token *t;
	char text[64];

	if (eat_op(p, "/")) {
		t = next(p);
		if (t->kind != T_NUMBER || t->big || t->number > 8 * a->size) {
			fail(p, EINVAL, t, "a prefix has 0 to %u bits", 8 * a->size);
			return false;
		}
		prefix_mask(a->mask, a->size, t->number);
	} else if (is_word(p, peek(p), "mask")) {
		next(p);
		t = next(p);
		if (a->size != 4 || !token_text(p, t, text, sizeof(text)) ||
		    read_ip4(text, a->mask) != 4) {
			fail(p, EINVAL, t, "a mask is an IPv4 one, such as 255.255.255.0");
			return false;
		}
	} else {
		prefix_mask(a->mask, a->size, a->size == 4 ? 8 * parts : 8 * a->size);
		a->whole = parts == 4;
		return true;
	}
	for (unsigned i = 0; i < a->size; i++) {
		if (a->byte[i] & ~a->mask[i]) {
			fail(p, EINVAL, t, "the address has bits outside the network: clear them");
			return false;
		}
	}
	return true;
}

/* What is wrong with a text that is neither an address nor a network. */
static const char *no_address(const struct token *t, const char *text)
{
	if (t->kind != T_WORD)
		return "an address is needed here";
	if (text[strspn(text, "0123456789.")] == 0)
		return "an IPv4 address is four numbers up to 255: 10.0.0.1";
	if (text[strspn(text, "0123456789abcdefABCDEF:.")] == 0 && strchr(text, ':'))
		return "this is no address of IPv6 (fd00::1) and none of Ethernet (six octets)";
	return "names are not looked up: give the address";
}

static bool read_address(struct parser *p, const struct token *t, bool is_net, struct address *a)
{
	char text[64];
	unsigned parts = 4;

	*a = (struct address){.whole = true};
	memset(a->mask, 0xff, sizeof(a->mask));
	if (!token_text(p, t, text, sizeof(text))) {
		fail(p, EINVAL, t, "this is no address");
		return false;
	}
	if (read_mac(text, a->byte)) {
		a->size = 6;
		return true;
	}
	if (inet_pton(AF_INET6, text, a->byte) == 1) {
		a->size = 16;
	} else if ((parts = read_ip4(text, a->byte))) {
		a->size = 4;
	} else {
		fail(p, EINVAL, t, "%s", no_address(t, text));
		return false;
	}
	if (parts < 4 && !is_net && !is_op(peek(p), "/")) {
		fail(p, EINVAL, t, "an IPv4 address has four parts; a network is: net %s", text);
		return false;
	}
	return (is_net || is_op(peek(p), "/")) ? read_mask(p, a, parts) : true;
}

static bool test_address(struct parser *p, struct conj *c, unsigned off, const struct address *a,
			 bool fixed)
{
	for (unsigned i = 0; i < a->size; i++) {
		struct place at = fixed ? (struct place){.off = (uint16_t)(off + i)}
					: net(p, off + i);

		/* Words that no bit counts of need not be there. */
		if (a->size != 6 && !memcmp(&a->mask[i & ~3u], "\0\0\0", 4))
			continue;
		if (!conj_equal(p, c, at, 1, a->mask[i], a->byte[i]))
			return false;
	}
	return true;
}

/* Adds the alternatives of an address at src, or dst, or either, or both, in packets of one Ethernet type (0: any). */
static bool add_address(struct parser *p, struct alts *all, unsigned type, unsigned src,
			unsigned dst, enum dir dir, const struct address *a)
{
	for (unsigned i = 0; i < 2; i++) {
		struct conj *c;
		bool ok;

		if ((i == 0 && dir == D_DST) || (i == 1 && (dir == D_SRC || dir == D_BOTH)))
			continue;
		c = alts_add(p, all, NULL);
		if (!c)
			return false;
		ok = (!type || is_ether_type(p, c, type)) &&
		     test_address(p, c, i ? dst : src, a, !type) &&
		     (dir != D_BOTH || test_address(p, c, dst, a, !type));
		if (!ok)
			alts_drop_last(all);
	}
	return !p->failed;
}

static struct alts *ether_host(struct parser *p, const struct token *t, const struct qual *q,
			       const struct address *a)
{
	struct alts *all;

	if (q->proto != P_ETHER)
		return fail(p, EINVAL, t, "for the address of an Ethernet card say: ether host");
	all = alts_new(p);
	return all && add_address(p, all, 0, 6, 0, q->dir, a) ? all : NULL;
}

/* Where addresses are in each protocol's header. */
struct alts *host(struct parser *p, const struct token *t, const struct qual *q)
{
	static const struct {
		unsigned proto, size, src, dst;
	} where[] = {
		{P_IP, 4, 12, 16}, {P_ARP, 4, 14, 24}, {P_RARP, 4, 14, 24}, {P_IP6, 16, 8, 24}};
	struct address a;
	struct alts *all;

	if (q->proto >= P_OVER_IP)
		return fail(p, EINVAL, t,
			    "addresses are of ether, ip, ip6, arp or rarp: put `and` between the "
			    "protocol and "
			    "the address");
	if (!read_address(p, t, q->type == Q_NET, &a))
		return NULL;
	if (a.size == 6)
		return ether_host(p, t, q, &a);
	if (q->proto == P_ETHER)
		return fail(p, EINVAL, t, "ether wants an address like 52:54:00:12:34:56");
	all = alts_new(p);
	for (unsigned i = 0; all && i < 4; i++) {
		if (where[i].size != a.size || (q->proto && q->proto != where[i].proto))
			continue;
		if (!add_address(p, all, ether_type_of(where[i].proto), where[i].src, where[i].dst,
				 q->dir, &a))
			return NULL;
	}
	if (all && !all->n)
		return fail(p, EINVAL, t, "this address is not of the family named before it");
	return all;
}
