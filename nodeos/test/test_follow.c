/* SPDX-License-Identifier: BSD-2-Clause */
/* test_follow.c - netlink messages, read, and what the router makes of them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nodeos/root/root.h"
#include "nodeos/test/mock_amp.h"
#include "nodeos/test/mock_kernel.h"

#define LAN 2u /* interface indices of the host: port 0's mirror, port 1's */
#define WAN 3u
#define MGMT 9u
#define MAX 400000u
#define DOWN 0u /* flags of an interface: linux/if.h */
#define NO_CARRIER 1u
#define UP 0x10001u
#define LINK_DOWN 0x10u /* of a route's way: linux/rtnetlink.h */

static struct node_pub pub;
static struct ee_shared shared;
static struct root root;

/* ---- the host: a queue of datagrams, and what it lists when it is asked ---- */

static struct {
	uint8_t out[MAX];
	size_t len[2048];
	size_t at, n, first, used;
	bool overrun;
	unsigned lists;
	uint32_t seq;
	uint8_t links[512], addrs[512], neighs[512], routes[65536], routes6[4096];
	size_t nlink, naddr, nneigh, nroute, nroute6;
	void (*meanwhile)(void); /* happens once, after a list of routes */
} host;

static void put(void *p, size_t *at, const void *data, size_t n)
{
	memcpy((uint8_t *)p + *at, data, n);
	*at += (n + 3) & ~(size_t)3;
}

static void attr(uint8_t *m, size_t *at, uint16_t type, const void *data, size_t n)
{
	uint16_t head[2] = {(uint16_t)(4 + n), type};

	put(m, at, head, 4);
	put(m, at, data, n);
}

/* Puts a header before the body at m + 16 and returns the whole length. */
static size_t finish(uint8_t *m, size_t at, uint16_t type, uint16_t flags, uint32_t seq)
{
	uint32_t len = (uint32_t)at;

	memcpy(m, &len, 4);
	memcpy(m + 4, &type, 2);
	memcpy(m + 6, &flags, 2);
	memcpy(m + 8, &seq, 4);
	memset(m + 12, 0, 4);
	return at;
}

static size_t link_msg(uint8_t *m, uint16_t type, uint32_t index, const char *name,
		       const uint8_t mac[6], uint32_t flags)
{
	uint32_t body[4] = {0, index, flags, 0};
	size_t at = 16;

	memset(m, 0, 128);
	put(m, &at, body, 16);
	attr(m, &at, 3, name, strlen(name) + 1);
	attr(m, &at, 1, mac, 6);
	return finish(m, at, type, 0, 0);
}

static size_t addr_msg(uint8_t *m, uint16_t type, uint32_t index, const char *prefix)
{
	struct ip6 a6;
	uint32_t a4, net;
	uint8_t len, body[4] = {2};
	size_t at = 16;

	memset(m, 0, 128);
	if (text_prefix(prefix, &a4, &len)) {
		net = __builtin_bswap32(a4);
		memcpy(&a6, &net, 4);
	} else {
		assert_true(text_prefix6(prefix, &a6, &len));
		body[0] = 10;
	}
	body[1] = len;
	put(m, &at, body, 4);
	put(m, &at, &index, 4);
	attr(m, &at, 1, &a6, body[0] == 2 ? 4 : 16);
	if (body[0] == 2)
		attr(m, &at, 2, &a6, 4);
	return finish(m, at, type, 0, 0);
}

static size_t neigh_msg(uint8_t *m, uint32_t index, uint32_t addr, const uint8_t mac[6],
			uint16_t state)
{
	uint8_t body[12] = {2};
	uint32_t net = __builtin_bswap32(addr);
	size_t at = 16;

	memset(m, 0, 128);
	memcpy(body + 4, &index, 4);
	memcpy(body + 8, &state, 2);
	put(m, &at, body, 12);
	attr(m, &at, 1, &net, 4);
	attr(m, &at, 2, mac, 6);
	return finish(m, at, NETLINK_NEWNEIGH, 0, 0);
}

struct way {
	uint32_t index, via; /* via 0: connected */
	uint8_t weight;	     /* less one */
};

static size_t route_msg(uint8_t *m, uint16_t type, const char *prefix, uint8_t kind,
			uint32_t metric, const struct way *w, unsigned n)
{
	uint8_t body[12] = {2, [4] = 254, [7] = kind}, len, nested[256];
	uint32_t addr, net, via;
	size_t at = 16, in = 0;

	memset(m, 0, 300);
	assert_true(text_prefix(prefix, &addr, &len));
	body[1] = len;
	put(m, &at, body, 12);
	net = __builtin_bswap32(addr);
	if (len)
		attr(m, &at, 1, &net, 4);
	if (metric)
		attr(m, &at, 6, &metric, 4);
	if (n == 1) {
		via = __builtin_bswap32(w->via);
		attr(m, &at, 4, &w->index, 4);
		if (via)
			attr(m, &at, 5, &via, 4);
	}
	for (unsigned i = 0; n > 1 && i < n; i++) {
		uint8_t hop[8] = {16, 0, 0, w[i].weight};

		memcpy(hop + 4, &w[i].index, 4);
		put(nested, &in, hop, 8);
		via = __builtin_bswap32(w[i].via);
		attr(nested, &in, 5, &via, 4);
	}
	if (n > 1)
		attr(m, &at, 9, nested, in);
	return finish(m, at, type, 0, 0);
}

static void say(const uint8_t *m, size_t n)
{
	assert_true(host.n < 2048 && host.used + n <= MAX);
	memcpy(host.out + host.used, m, n);
	host.used += n;
	host.len[host.n++] = n;
}

static long receive(int fd, void *buf, size_t cap)
{
	size_t n;

	assert_int_equal(fd, 7);
	if (host.overrun) {
		host.overrun = false;
		return -ENOBUFS;
	}
	if (host.first == host.n)
		return -EAGAIN;
	n = host.len[host.first++];
	assert_true(n <= cap);
	memcpy(buf, host.out + host.at, n);
	host.at += n;
	if (host.first == host.n)
		host.first = host.n = host.at = host.used = 0;
	return (long)n;
}

static void answer(const uint8_t *data, size_t n)
{
	uint8_t done[20] = {0};

	if (n)
		say(data, n);
	(void)finish(done, 20, NETLINK_DONE, 2, host.seq);
	say(done, 20);
}

static long send_request(int fd, const void *buf, size_t len)
{
	const uint8_t *m = buf;
	uint16_t type;

	assert_int_equal(fd, 7);
	memcpy(&type, m + 4, 2);
	memcpy(&host.seq, m + 8, 4);
	host.lists++;
	switch (type) {
	case NETLINK_GETLINK: answer(host.links, host.nlink); break;
	case NETLINK_GETADDR: answer(host.addrs, host.naddr); break;
	case NETLINK_GETNEIGH: answer(host.neighs, m[16] == 2 ? host.nneigh : 0); break;
	case NETLINK_GETROUTE:
		answer(m[16] == 2 ? host.routes : host.routes6,
		       m[16] == 2 ? host.nroute : host.nroute6);
		if (host.meanwhile)
			host.meanwhile();
		host.meanwhile = NULL;
		break;
	default: fail();
	}
	return (long)len;
}

#define LIST(what, call)                                     \
	do {                                                 \
		uint8_t m_[512];                             \
		size_t n_ = call;                            \
		memcpy(host.what##s + host.n##what, m_, n_); \
		host.n##what += n_;                          \
	} while (0)
#define TELL(call)                         \
	do {                               \
		uint8_t m_[512];           \
		size_t n_ = call;          \
		say(m_, n_);               \
		follow_work(&root.follow); \
	} while (0)

static const uint8_t mac_peer[6] = {2, 0, 0, 0, 0, 9}, mac_other[6] = {2, 0, 0, 0, 0, 10};

static int setup(void **state)
{
	static const struct root_host none;
	static const char conf[] = "node r1\n";
	struct config_error err[4];
	char why[CONFIG_ERROR];
	const struct way lan = {LAN, 0, 0}, wan = {WAN, 0, 0}, gw = {WAN, 0x0a010002, 0};

	(void)state;
	memset(&host, 0, sizeof(host));
	mock_reset(4);
	mock_kernel_reset();
	mock_mirror(2, 0, "lan");
	mock_mirror(3, 1, "wan");
	memset(&shared, 0, sizeof(shared));
	assert_int_equal(root_init(&root, &pub, &shared, &none), 0);
	assert_int_equal(root_read(&root, conf, sizeof(conf) - 1, err, 4), 0);
	assert_true(root_apply(&root, why));
	LIST(link, link_msg(m_, NETLINK_NEWLINK, LAN, "lan", pub.port[0].mac, UP));
	LIST(link, link_msg(m_, NETLINK_NEWLINK, WAN, "renamed", pub.port[1].mac, UP));
	LIST(link, link_msg(m_, NETLINK_NEWLINK, MGMT, "eth0", mac_other, UP));
	LIST(addr, addr_msg(m_, NETLINK_NEWADDR, LAN, "10.0.0.1/24"));
	LIST(addr, addr_msg(m_, NETLINK_NEWADDR, WAN, "10.1.0.1/24"));
	LIST(addr, addr_msg(m_, NETLINK_NEWADDR, WAN, "fd00:1::1/64"));
	LIST(addr, addr_msg(m_, NETLINK_NEWADDR, MGMT, "192.0.2.7/24"));
	LIST(addr, addr_msg(m_, NETLINK_NEWADDR, 1, "127.0.0.1/8"));
	LIST(neigh, neigh_msg(m_, WAN, 0x0a010002, mac_peer, 2));
	LIST(route, route_msg(m_, NETLINK_NEWROUTE, "10.0.0.0/24", 1, 0, &lan, 1));
	LIST(route, route_msg(m_, NETLINK_NEWROUTE, "10.1.0.0/24", 1, 0, &wan, 1));
	LIST(route, route_msg(m_, NETLINK_NEWROUTE, "0.0.0.0/0", 1, 100, &gw, 1));
	follow_init(&root.follow, &root, 7, receive, send_request);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	root_end(&root);
	mock_kernel_reset();
	return 0;
}

static bool goes(uint32_t dst, uint16_t port, uint32_t next)
{
	struct node_hop hop = {0};

	return node_route(&pub, dst, &hop) && hop.port == port && hop.next == next;
}

static int32_t number(const char *s)
{
	struct node_hop hop;
	uint32_t addr;

	assert_true(text_ip4(s, &addr));
	(void)node_route(&pub, addr, &hop);
	return hop.number;
}

/* ---- at first ---- */

static void first_lists(void **state)
{
	struct ip6 a;
	uint8_t mac[6], own[6];

	(void)state;
	assert_int_equal(host.lists, 6);
	assert_true(node_is_local(&pub, 0x0a000001) && node_is_local(&pub, 0x0a010001));
	assert_true(node_is_local(
		&pub, 0xc0000207)); /* the host's, at an interface that is none of ours */
	assert_false(node_is_local(&pub, 0x7f000001));
	assert_true(node_is_broadcast(&pub, 0x0a0000ff));
	assert_true(text_ip6("fd00:1::1", &a));
	assert_true(node_is_local6(&pub, 0, &a));
	assert_int_equal(node_fib(&pub, &a), FORWARD_LOCAL);
	assert_true(goes(0x0a000005, 0, 0x0a000005));
	assert_true(goes(0x08080808, 1, 0x0a010002));
	assert_true(node_link(&pub, 1, 0x0a010002, mac, own));
	assert_memory_equal(mac, mac_peer, 6);
	assert_int_equal(root.follow.count.malformed, 0);
}

/* ---- changes ---- */

static void routes_come_and_go(void **state)
{
	const struct way a = {WAN, 0x0a010002, 0}, b = {WAN, 0x0a010003, 0},
			 no = {MGMT, 0xc0000201, 0};

	(void)state;
	TELL(route_msg(m_, NETLINK_NEWROUTE, "10.9.0.0/16", 1, 20, &a, 1));
	assert_true(goes(0x0a090001, 1, 0x0a010002));
	/* The least metric counts, whoever comes first. */
	TELL(route_msg(m_, NETLINK_NEWROUTE, "10.9.0.0/16", 1, 10, &b, 1));
	assert_true(goes(0x0a090001, 1, 0x0a010003));
	TELL(route_msg(m_, NETLINK_NEWROUTE, "10.9.0.0/16", 1, 30, &a, 1));
	assert_true(goes(0x0a090001, 1, 0x0a010003));
	TELL(route_msg(m_, NETLINK_DELROUTE, "10.9.0.0/16", 1, 10, &b, 1));
	assert_true(goes(0x0a090001, 1, 0x0a010002));
	/* One through an interface that is none of ours is none of ours, and takes an earlier one's place. */
	TELL(route_msg(m_, NETLINK_NEWROUTE, "10.9.0.0/16", 1, 20, &no, 1));
	TELL(route_msg(m_, NETLINK_DELROUTE, "10.9.0.0/16", 1, 30, &a, 1));
	assert_true(number("10.9.0.1") == number("8.8.8.8"));
}

static void kinds(void **state)
{
	const struct way m[2] = {{WAN, 0x0a010002, 2}, {LAN, 0x0a000009, 0}};
	struct hops_member out[HOPS_MEMBERS];

	(void)state;
	TELL(route_msg(m_, NETLINK_NEWROUTE, "10.2.0.0/16", 6, 0, NULL, 0));
	TELL(route_msg(m_, NETLINK_NEWROUTE, "10.3.0.0/16", 7, 0, NULL, 0));
	TELL(route_msg(m_, NETLINK_NEWROUTE, "10.4.0.0/16", 8, 0, NULL, 0));
	TELL(route_msg(m_, NETLINK_NEWROUTE, "10.5.0.0/16", 1, 0, m, 2));
	assert_int_equal(number("10.2.0.1"), FORWARD_BLACKHOLE);
	assert_int_equal(number("10.3.0.1"), FORWARD_UNREACHABLE);
	assert_int_equal(number("10.4.0.1"), FORWARD_PROHIBITED);
	assert_true(number("10.5.0.1") >= FORWARD_GROUP);
	assert_int_equal(hops_list(&root.forward.hops, (uint32_t)number("10.5.0.1"), out), 2);
	assert_int_equal(out[0].weight + out[1].weight, 4);
}

/* What is configured goes before what the host says. */
static void configuration_wins(void **state)
{
	const struct way a = {WAN, 0x0a010002, 0};
	char why[CONFIG_ERROR];
	struct words w;
	char line[] = "route 10.9.0.0/16 blackhole";

	(void)state;
	TELL(route_msg(m_, NETLINK_NEWROUTE, "10.9.0.0/16", 1, 0, &a, 1));
	root.draft = root.cfg;
	assert_true(text_split(line, &w));
	assert_true(config_command(&root.draft, &w, why));
	assert_true(root_apply(&root, why));
	assert_int_equal(number("10.9.0.1"), FORWARD_BLACKHOLE);
	/* And what the host has, is there still. */
	assert_true(node_is_local(&pub, 0x0a000001));
	assert_true(goes(0x08080808, 1, 0x0a010002));
}

static void addresses_come_and_go(void **state)
{
	(void)state;
	TELL(addr_msg(m_, NETLINK_NEWADDR, LAN, "10.6.0.1/24"));
	assert_true(node_is_local(&pub, 0x0a060001));
	LIST(addr, addr_msg(m_, NETLINK_NEWADDR, LAN, "10.6.0.2/24"));
	TELL(addr_msg(m_, NETLINK_DELADDR, LAN, "10.6.0.1/24"));
	follow_work(&root.follow);
	assert_false(node_is_local(&pub, 0x0a060001));
	/* Its routes may have gone without a word: all was listed again. */
	assert_int_equal(host.lists, 12);
	assert_true(node_is_local(&pub, 0x0a060002));
}

/* ---- what is lost ---- */

static void overrun(void **state)
{
	const struct way a = {WAN, 0x0a010002, 0};

	(void)state;
	TELL(route_msg(m_, NETLINK_NEWROUTE, "10.9.0.0/16", 1, 0, &a, 1));
	assert_true(goes(0x0a090001, 1, 0x0a010002));
	/* Of two changes nothing is heard: this route goes, another one comes. */
	LIST(route, route_msg(m_, NETLINK_NEWROUTE, "10.8.0.0/16", 1, 0, &a, 1));
	host.overrun = true;
	follow_work(&root.follow);
	follow_work(&root.follow);
	assert_int_equal(root.follow.count.overruns, 1);
	assert_true(goes(0x0a080001, 1, 0x0a010002));
	assert_true(number("10.9.0.1") == number("8.8.8.8"));
}

/* A list that changed while it was made is made again. */
static void interrupted(void **state)
{
	const struct way a = {WAN, 0x0a010002, 0};
	uint8_t m[512];
	size_t n;

	(void)state;
	n = route_msg(m, NETLINK_NEWROUTE, "10.9.0.0/16", 1, 0, &a, 1);
	m[6] |= 0x10;
	say(m, n);
	follow_work(&root.follow);
	follow_work(&root.follow);
	assert_int_equal(host.lists, 12);
}

static void interface_down(void **state)
{
	(void)state;
	host.nroute = 0;
	TELL(link_msg(m_, NETLINK_NEWLINK, WAN, "renamed", pub.port[1].mac, DOWN));
	follow_work(&root.follow);
	assert_int_equal(host.lists, 12);
	assert_int_equal(number("8.8.8.8"), -1);
}

static void list_links(uint32_t wan)
{
	host.nlink = 0;
	LIST(link, link_msg(m_, NETLINK_NEWLINK, LAN, "lan", pub.port[0].mac, UP));
	LIST(link, link_msg(m_, NETLINK_NEWLINK, WAN, "renamed", pub.port[1].mac, wan));
}

/* How the host lists the default route, the only one. */
static void list_default(uint32_t flags)
{
	const struct way gw = {WAN, 0x0a010002, 0};

	host.nroute = 0;
	LIST(route, route_msg(m_, NETLINK_NEWROUTE, "0.0.0.0/0", 1, 100, &gw, 1));
	memcpy(host.routes + 16 + 8, &flags, 4);
}

/* The host tells nobody that the ways through an interface are dead without a carrier, nor that they are not dead with one. */
static void carrier(void **state)
{
	(void)state;
	list_links(NO_CARRIER);
	list_default(LINK_DOWN);
	TELL(link_msg(m_, NETLINK_NEWLINK, WAN, "renamed", pub.port[1].mac, NO_CARRIER));
	follow_work(&root.follow);
	assert_int_equal(host.lists, 12);
	assert_int_equal(number("8.8.8.8"), -1);
	TELL(link_msg(m_, NETLINK_NEWLINK, WAN, "renamed", pub.port[1].mac, NO_CARRIER));
	follow_work(&root.follow);
	assert_int_equal(host.lists, 12);
	list_links(UP);
	list_default(0);
	TELL(link_msg(m_, NETLINK_NEWLINK, WAN, "renamed", pub.port[1].mac, UP));
	follow_work(&root.follow);
	assert_int_equal(host.lists, 18);
	assert_true(goes(0x08080808, 1, 0x0a010002));
}

static void carrier_comes(void)
{
	uint8_t m[512];

	list_links(UP);
	list_default(0);
	say(m, link_msg(m, NETLINK_NEWLINK, WAN, "renamed", pub.port[1].mac, UP));
}

/* The routes have been listed as dead when the carrier comes, and the list is not at its end. */
static void carrier_in_a_list(void **state)
{
	(void)state;
	list_links(NO_CARRIER);
	list_default(LINK_DOWN);
	host.meanwhile = carrier_comes;
	TELL(link_msg(m_, NETLINK_NEWLINK, WAN, "renamed", pub.port[1].mac, NO_CARRIER));
	follow_work(&root.follow);
	follow_work(&root.follow);
	assert_int_equal(host.lists, 18);
	assert_true(goes(0x08080808, 1, 0x0a010002));
}

/* ---- many ---- */

static void many_routes(void **state)
{
	const struct way a = {WAN, 0x0a010002, 0};
	uint32_t before = root.forward.rib.used;
	char prefix[TEXT_PREFIX];
	uint8_t m[512];

	(void)state;
	for (uint32_t i = 0; i < 900; i++) {
		text_put_prefix(prefix, 0x14000000 + (i << 8), 24);
		say(m, route_msg(m, NETLINK_NEWROUTE, prefix, 1, 0, &a, 1));
		if (i % 50 == 49)
			follow_work(&root.follow);
	}
	for (unsigned i = 0; i < 20; i++)
		follow_work(&root.follow);
	assert_int_equal(root.forward.rib.used, before + 900);
	for (uint32_t i = 0; i < 900; i++)
		assert_true(goes(0x14000001 + (i << 8), 1, 0x0a010002));
	/* One next hop, however many lead to it: these, the default route, and the neighbour itself. */
	assert_int_equal(root.forward.hops.refs[number("20.0.0.1") - FORWARD_HOP], 902);
	host.overrun = true;
	follow_work(&root.follow);
	follow_work(&root.follow);
	assert_int_equal(root.forward.rib.used, before);
}

/* Random sets and deletions agree with a list. */
static void rib_agrees_with_a_list(void **state)
{
	static struct {
		bool there[3][8];
	} list[64];
	uint32_t seed = 5;

	(void)state;
	for (unsigned round = 0; round < 20000; round++) {
		struct ip6 net;
		const struct rib_route *best;
		unsigned i, metric, source, k;

		seed = seed * 1664525 + 1013904223;
		i = seed >> 26;
		metric = seed >> 20 & 7;
		k = seed >> 16 & 1;
		source = k ? RIB_STATIC : RIB_HOST;
		net = ip6_mapped(0x30000000 + (i << 8));
		if (seed & 0x8000) {
			assert_int_equal(forward_route(&root.forward, &net, 120, source, metric,
						       FORWARD_LINK + metric),
					 0);
			list[i].there[k][metric] = true;
		} else {
			assert_int_equal(rib_delete(&root.forward.rib, &net, 120, source, metric),
					 list[i].there[k][metric] ? 0 : XOK_ENOENT);
			list[i].there[k][metric] = false;
		}
		best = rib_best(&root.forward.rib, &net, 120);
		for (k = 2; k-- > 0;) {
			for (metric = 0; metric < 8 && !list[i].there[k][metric]; metric++)
				;
			if (metric < 8)
				break;
		}
		if (k == UINT32_MAX) {
			assert_null(best);
			continue;
		}
		assert_non_null(best);
		assert_int_equal(best->metric, metric);
		assert_int_equal(best->source, k ? RIB_STATIC : RIB_HOST);
		assert_int_equal(node_fib(&pub, &net), best->number);
	}
}

/* ---- frames for the host, and from it ---- */

static void frame_in(uint32_t port, const uint8_t *frame, size_t len)
{
	mock_forget_sent();
	mock_frame_in(port, frame, len, false);
}

/* It left by this port as it came, and nothing else did. */
static void expect_copy(uint32_t port, const uint8_t *frame, size_t len)
{
	const struct mock_frame *f = mock_take();

	assert_non_null(f);
	assert_int_equal(f->port, port);
	assert_int_equal(f->len, len);
	assert_memory_equal(f->data + 12, frame + 12, len - 12);
	assert_null(mock_take());
}

static size_t arp(uint8_t *f, uint16_t op, uint32_t spa, uint32_t tpa)
{
	memset(f, 0, 60);
	memset(f, 0xff, 6);
	memcpy(f + 6, mac_peer, 6);
	put16(f + 12, ETH_ARP);
	put16(f + 14, 1);
	put16(f + 16, ETH_IP4);
	f[18] = 6;
	f[19] = 4;
	put16(f + 20, op);
	memcpy(f + 22, mac_peer, 6);
	put32(f + 28, spa);
	put32(f + 38, tpa);
	return 60;
}

/* Requests are answered here; the host, which asks for itself, hears the answers. */
static void arp_and_the_host(void **state)
{
	const struct mock_frame *f;
	uint8_t p[60];
	size_t n;

	(void)state;
	n = arp(p, 1, 0x0a000009, 0x0a000001);
	frame_in(0, p, n);
	f = mock_take();
	assert_non_null(f);
	assert_int_equal(f->port, 0);
	assert_int_equal(be16(f->data + 20), 2);
	assert_null(mock_take());
	n = arp(p, 2, 0x0a000009, 0x0a000001);
	memcpy(p, pub.port[0].mac, 6);
	frame_in(0, p, n);
	expect_copy(2, p, n);
	assert_int_equal(root.ip.count.n[IPC_ARP_UNSOLICITED], 0);
}

static size_t advertisement(uint8_t *f)
{
	struct ip6 peer, own;
	uint8_t *ip = f + ETH_HLEN, *nd = ip + IP6_HLEN;

	assert_true(text_ip6("fd00:1::9", &peer) && text_ip6("fd00:1::1", &own));
	memset(f, 0, 86);
	memcpy(f, pub.port[1].mac, 6);
	memcpy(f + 6, mac_peer, 6);
	put16(f + 12, ETH_IP6);
	inet_ip6_header(ip, 32, PROTO_ICMP6, 255, &peer, &own);
	nd[0] = ICMP6_NA;
	nd[4] = 0x60;
	memcpy(nd + 8, &peer, 16);
	nd[24] = 2;
	nd[25] = 1;
	memcpy(nd + 26, mac_peer, 6);
	put16(nd + 2, inet_upper6_sum(ip, PROTO_ICMP6, nd, 32));
	return 86;
}

static void advertisements_and_the_host(void **state)
{
	uint8_t p[86];

	(void)state;
	frame_in(1, p, advertisement(p));
	expect_copy(3, p, 86);
	/* A forged one is nobody's. */
	(void)advertisement(p);
	p[ETH_HLEN + IP6_HOPS_AT] = 254;
	frame_in(1, p, 86);
	assert_null(mock_take());
}

/* What the handler passes on, with options say, and is for us, is the host's; so is what nobody here speaks. */
static void the_rest_for_the_host(void **state)
{
	uint8_t p[100] = {0}, *ip = p + ETH_HLEN;

	(void)state;
	memcpy(p, pub.port[0].mac, 6);
	memcpy(p + 6, mac_peer, 6);
	put16(p + 12, ETH_IP4);
	inet_ip4_header(ip, 0, 44, 0, 1, 2, 0x0a000009, 0xe0000016);
	ip[0] = 0x46;
	put32(ip + 20, 0x94040000); /* router alert */
	put16(ip + IP4_SUM, 0);
	put16(ip + IP4_SUM, inet_fold(inet_sum(ip, 24)));
	frame_in(0, p, ETH_HLEN + 44);
	expect_copy(2, p, ETH_HLEN + 44);
	assert_int_equal(root.ip.count.n[IPC_TO_HOST], 1);
	put16(p + 12, 0x88cc);
	frame_in(0, p, 60);
	expect_copy(2, p, 60);
	put16(p + 12, ETH_VLAN);
	put16(p + 14, 77);
	frame_in(0, p, 60);
	expect_copy(2, p, 60);
	/* And back: what comes in at the mirror leaves by its port. */
	frame_in(3, p, 60);
	expect_copy(1, p, 60);
}

/* ---- malformed ---- */

static void count_event(void *arg, const struct netlink_event *e)
{
	(void)e;
	++*(unsigned *)arg;
}

/* Every length is looked at before what it reaches. */
static void lengths(void **state)
{
	const struct way two[2] = {{WAN, 0x0a010002, 0}, {LAN, 0x0a000009, 0}};
	uint8_t m[512];
	size_t n = route_msg(m, NETLINK_NEWROUTE, "10.5.0.0/16", 1, 7, two, 2);

	(void)state;
	for (size_t cut = 0; cut < n; cut++) {
		uint8_t *copy = malloc(cut ? cut : 1);
		unsigned events = 0;

		memcpy(copy, m, cut);
		assert_int_equal(netlink_read(copy, cut, count_event, &events), cut != 0);
		assert_int_equal(events, 0);
		free(copy);
	}
	for (size_t at = 0; at + 2 <= n; at += 2) {
		for (unsigned v = 0; v < 3; v++) {
			const uint16_t bad[] = {0, 3, 0xffff};
			uint8_t *copy = malloc(n);
			unsigned events = 0;

			memcpy(copy, m, n);
			memcpy(copy + at, &bad[v], 2);
			(void)netlink_read(copy, n, count_event, &events);
			free(copy);
		}
	}
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(first_lists),
		T(routes_come_and_go),
		T(kinds),
		T(configuration_wins),
		T(overrun),
		T(addresses_come_and_go),
		T(interrupted),
		T(interface_down),
		T(carrier),
		T(carrier_in_a_list),
		T(many_routes),
		T(arp_and_the_host),
		T(advertisements_and_the_host),
		T(the_rest_for_the_host),
		T(rib_agrees_with_a_list),
		T(lengths),
	};

	return cmocka_run_group_tests_name("follow", tests, NULL, NULL);
}
