/* SPDX-License-Identifier: BSD-2-Clause */
/* follow.c - lists and changes of the host's own stack, brought to addresses, neighbours and routes. */
#include <errno.h>
#include <string.h>

#include "nodeos/lib/inet6.h"
#include "nodeos/root/root.h"

#define INET 2u
#define INET6 10u
#define MAIN_TABLE 254u
#define SCOPE_LINK 253u
#define READS 64u /* datagrams at a time: the other callbacks have their turn, too */

/* The lists, in this order: interfaces come before what is at them. */
static const struct {
	enum netlink_type type;
	uint8_t family;
} list[] = {{NETLINK_GETLINK, 0},      {NETLINK_GETADDR, 0},	 {NETLINK_GETNEIGH, INET},
	    {NETLINK_GETNEIGH, INET6}, {NETLINK_GETROUTE, INET}, {NETLINK_GETROUTE, INET6}};
#define STAGES (sizeof(list) / sizeof(list[0]))

/* ---- interfaces ---- */

static uint16_t iface_of(const struct follow *f, uint32_t index)
{
	for (uint32_t i = 0; i < f->nlink; i++) {
		if (f->link[i].index == index)
			return f->link[i].iface;
	}
	return FOLLOW_OTHER;
}

/* The port whose mirror this is: it has the port's name or, being no VLAN or suchlike on top of another one, its link address. */
static uint16_t port_of(const struct follow *f, const struct netlink_link *l)
{
	const struct node_pub *p = f->root->pub;
	uint16_t by_mac = FOLLOW_OTHER;

	for (uint16_t i = 0; i < p->nport; i++) {
		if (!p->port[i].twin || twin_is_mirror(p, i))
			continue;
		if (!strcmp(f->root->config_host.name[i], l->name))
			return i;
		if (l->has_mac && !l->parent && !memcmp(l->mac, p->port[i].mac, 6))
			by_mac = i;
	}
	return by_mac;
}

static uint16_t match_link(const struct follow *f, const struct netlink_link *l)
{
	const struct node_pub *p = f->root->pub;
	uint16_t port = l->vlan ? iface_of(f, l->parent) : port_of(f, l);

	if (!l->vlan || port == FOLLOW_OTHER)
		return port;
	/* A VLAN of the host's on a mirror is the one that the configuration has at the port. */
	for (uint16_t i = FORWARD_VLANS; i < FORWARD_IFACES; i++) {
		if (p->port[i].used && p->port[i].device == port && p->port[i].vlan == l->vlan)
			return i;
	}
	return FOLLOW_OTHER;
}

static void on_link(struct follow *f, const struct netlink_link *l, bool gone)
{
	uint16_t iface = match_link(f, l);
	uint32_t i = 0;

	while (i < f->nlink && f->link[i].index != l->index)
		i++;
	/* RTM_DELROUTE is not sent for the IPv4 routes that go with an interface, and nothing for those that die or live again with its carrier. */
	if (i < f->nlink && (gone || f->link[i].up != l->up || f->link[i].iface != iface))
		f->again |= f->stage > 0;
	if (gone) {
		if (i < f->nlink)
			f->link[i] = f->link[--f->nlink];
		return;
	}
	if (i == FOLLOW_LINKS)
		return;
	if (i == f->nlink)
		f->nlink++;
	f->link[i].index = l->index;
	f->link[i].iface = iface;
	f->link[i].up = l->up;
	f->link[i].mark = f->mark;
}

/* ---- addresses ---- */

static bool worth(const struct netlink_addr *a)
{
	if (ip6_is_mapped(&a->addr))
		return inet_host_address(ip6_unmapped(&a->addr));
	return ip6_host(&a->addr);
}

static void on_addr(struct follow *f, const struct netlink_addr *a, bool gone)
{
	uint16_t iface = iface_of(f, a->index);
	uint32_t i = 0;

	if (!worth(a) || (iface == FOLLOW_OTHER && a->scope >= SCOPE_LINK))
		return;
	while (i < f->naddress &&
	       (f->address[i].index != a->index || !ip6_equal(&f->address[i].addr, &a->addr)))
		i++;
	f->addresses = true;
	if (gone || !a->usable) {
		if (i < f->naddress)
			f->address[i] = f->address[--f->naddress];
		/* Nor is it for the routes that go with an address. */
		f->again |= gone && f->stage > 0;
		return;
	}
	if (i == FOLLOW_ADDRESSES) {
		f->count.no_room++;
		return;
	}
	if (i == f->naddress)
		f->naddress++;
	f->address[i] = (struct follow_address){
		.addr = a->addr, .index = a->index, .iface = iface, .len = a->len, .mark = f->mark};
}

/* ---- neighbours ---- */

static void on_neigh(struct follow *f, const struct netlink_neigh *n, bool gone)
{
	bool ip4 = ip6_is_mapped(&n->addr);
	uint16_t iface = iface_of(f, n->index);
	struct neigh *t = ip4 ? &f->root->ip.neigh : &f->root->ip6.neigh;

	/* One that it forgets, we ask ourselves when its time comes. */
	if (gone || !n->has_mac || iface == FOLLOW_OTHER)
		return;
	if (ip4 ? !inet_host_address(ip6_unmapped(&n->addr)) : !ip6_host(&n->addr))
		return;
	if (n->permanent)
		(void)neigh_static(t, iface, &n->addr, n->mac);
	else
		neigh_told(t, iface, &n->addr, n->mac);
}

/* ---- routes ---- */

/* A number with a reference, or -1: it does not concern us, or XOK_ENOMEM. */
static int32_t number_of(struct follow *f, const struct netlink_route *r)
{
	struct hops_member m[NETLINK_HOPS];
	unsigned n = 0;

	switch (r->kind) {
	case NETLINK_BLACKHOLE: return FORWARD_BLACKHOLE;
	case NETLINK_UNREACHABLE: return FORWARD_UNREACHABLE;
	case NETLINK_PROHIBIT: return FORWARD_PROHIBITED;
	case NETLINK_UNICAST: break;
	default: return -1;
	}
	for (uint32_t i = 0; i < r->nhop; i++) {
		const struct netlink_hop *h = &r->hop[i];
		uint16_t iface = iface_of(f, h->index);

		if (iface == FOLLOW_OTHER)
			continue;
		if (ip6_unspecified(&h->via))
			return (int32_t)(FORWARD_LINK + iface);
		m[n++] = (struct hops_member){.addr = h->via, .port = iface, .weight = h->weight};
	}
	return n ? hops_group(&f->root->forward.hops, m, n) : -1;
}

static bool concerns_us(const struct netlink_route *r)
{
	return r->plain && r->table == MAIN_TABLE && !ip6_multicast(&r->prefix) &&
	       !(r->len && ip6_link_local(&r->prefix));
}

static void on_route(struct follow *f, const struct netlink_route *r, bool gone)
{
	struct forward *w = &f->root->forward;
	int32_t number;

	if (!concerns_us(r))
		return;
	number = gone ? -1 : number_of(f, r);
	if (number == XOK_ENOMEM) {
		f->count.no_room++;
		number = -1;
	}
	if (number < 0) {
		(void)rib_delete(&w->rib, &r->prefix, r->len, RIB_HOST, r->metric);
		return;
	}
	f->count.routes++;
	if (forward_route(w, &r->prefix, r->len, RIB_HOST, r->metric, (uint32_t)number) < 0)
		f->count.no_room++;
}

/* ---- lists ---- */

static void ask(struct follow *f)
{
	uint8_t request[NETLINK_REQUEST];
	size_t len = netlink_list(request, list[f->stage].type, list[f->stage].family, ++f->seq);

	if (f->send(f->fd, request, len) == (long)len)
		return;
	amp_log("the host's routes are not followed any more: its netlink socket refuses requests");
	f->stage = STAGES;
}

static void begin(struct follow *f)
{
	f->again = false;
	f->mark++;
	f->stage = 0;
	f->count.resyncs++;
	rib_mark(&f->root->forward.rib, RIB_HOST);
	ask(f);
}

/* What was not listed is gone. */
static void sweep(struct follow *f)
{
	for (uint32_t i = f->nlink; i-- > 0;) {
		if (f->link[i].mark != f->mark)
			f->link[i] = f->link[--f->nlink];
	}
	for (uint32_t i = f->naddress; i-- > 0;) {
		if (f->address[i].mark != f->mark)
			f->address[i] = f->address[--f->naddress];
	}
	f->addresses = true;
	rib_sweep(&f->root->forward.rib, RIB_HOST);
}

/* A list has come to its end. */
static void listed(struct follow *f)
{
	if (++f->stage < STAGES)
		ask(f);
	else if (!f->again)
		sweep(f);
}

void follow_event(void *arg, const struct netlink_event *e)
{
	struct follow *f = arg;
	bool gone = e->type == NETLINK_DELLINK || e->type == NETLINK_DELADDR ||
		    e->type == NETLINK_DELNEIGH || e->type == NETLINK_DELROUTE;

	f->count.messages++;
	f->again |= e->interrupted;
	switch (e->type) {
	case NETLINK_NEWLINK:
	case NETLINK_DELLINK: on_link(f, &e->link, gone); break;
	case NETLINK_NEWADDR:
	case NETLINK_DELADDR: on_addr(f, &e->addr, gone); break;
	case NETLINK_NEWNEIGH:
	case NETLINK_DELNEIGH: on_neigh(f, &e->neigh, gone); break;
	case NETLINK_NEWROUTE:
	case NETLINK_DELROUTE: on_route(f, &e->route, gone); break;
	case NETLINK_DONE:
		if (f->stage < STAGES && e->seq == f->seq)
			listed(f);
		break;
	case NETLINK_ERROR:
		/* A list that the host does not have (no IPv6) is an empty one. */
		if (f->stage < STAGES && e->seq == f->seq && e->error)
			listed(f);
		break;
	default: break;
	}
}

/* One datagram. False: there is none now. */
static bool one_read(struct follow *f)
{
	long n = f->receive(f->fd, f->buf, sizeof(f->buf));

	if (n > 0) {
		f->count.malformed += netlink_read(f->buf, (size_t)n, follow_event, f);
		return true;
	}
	/* The socket ran over, and messages are lost: nothing but the whole list helps. */
	if (n == -ENOBUFS) {
		f->count.overruns++;
		f->again = true;
		return true;
	}
	return n == -EINTR;
}

static void publish(struct follow *f)
{
	if (f->addresses && f->stage == STAGES) {
		f->addresses = false;
		root_host_addresses(f->root);
	}
	forward_flush(&f->root->forward);
}

void follow_work(struct follow *f)
{
	for (unsigned i = 0; i < READS && one_read(f); i++)
		;
	if (f->again && f->stage == STAGES)
		begin(f);
	publish(f);
}

void follow_init(struct follow *f, struct root *root, int fd,
		 long (*receive)(int fd, void *buf, size_t cap),
		 long (*send)(int fd, const void *buf, size_t len))
{
	memset(f, 0, sizeof(*f));
	f->root = root;
	f->fd = fd;
	f->receive = receive;
	f->send = send;
	f->stage = STAGES;
	if (fd < 0)
		return;
	begin(f);
	/* A list is made as it is read, without waiting: it ends here, or the socket is in trouble. */
	while (f->stage < STAGES || f->again) {
		if (f->stage == STAGES)
			begin(f);
		else if (!one_read(f))
			break;
	}
	publish(f);
}
