/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * root.c - putting the root domain together, and a configuration in force.
 */
#include <string.h>

#include "amp/ip.h"
#include "nodeos/lib/inet6.h"
#include "nodeos/root/root.h"

/* The VLAN at this port; NODE_PORTS: we are not in it. */
static uint32_t vlan_at(const struct node_pub *p, uint32_t port, uint16_t id)
{
	uint32_t i = FORWARD_VLANS;

	while (i < FORWARD_IFACES &&
	       !(p->port[i].used && p->port[i].device == port && p->port[i].vlan == id))
		i++;
	return i;
}

/* A tagged frame becomes one of its VLAN's interface. False: it is of a VLAN that we are not in. */
static bool untag(struct root *r, struct amp_packet *p)
{
	uint32_t iface;

	if (p->len < ETH_HLEN + ETH_TAG || be16(p->data + 12) != ETH_VLAN)
		return true;
	iface = vlan_at(r->pub, p->port, be16(p->data + 14) & 0xfff);
	if (iface == NODE_PORTS)
		return false;
	memmove(p->data + ETH_TAG, p->data, 12);
	p->data += ETH_TAG;
	p->len -= ETH_TAG;
	p->port = iface;
	return true;
}

/* A frame with an IPv6 packet, for us or a group, at a router; hosts speak IPv4 only. */
static bool is_ip6(const struct root *r, const struct amp_packet *p)
{
	return p->len >= ETH_HLEN && node_port_used(r->pub, p->port) &&
	       be16(p->data + 12) == ETH_IP6 && r->pub->role == NODE_ROUTER &&
	       ((p->data[0] & 1) || !memcmp(p->data, r->pub->port[p->port].mac, 6));
}

/* What nobody here speaks may mean something to the host's own stack: LLDP, IS-IS, a VLAN of its own. */
static bool is_foreign(const struct amp_packet *p)
{
	uint16_t type = p->len >= ETH_HLEN ? be16(p->data + 12) : ETH_IP4;

	return type != ETH_IP4 && type != ETH_ARP && type != ETH_IP6;
}

/* To the other side of a mirror as it is. */
static void mirror(struct root *r, const struct amp_packet *p)
{
	r->ip.count
		.n[twin_transmit(r->pub, p->port, p->data, p->len) ? IPC_MIRRORED : IPC_MIRROR]++;
}

static void on_packet(void *arg, struct amp_packet *p)
{
	struct root *r = arg;

	/* What the host's own stack sends before its handler is there goes its way all the same. */
	if (twin_is_mirror(r->pub, p->port))
		mirror(r, p);
	else if ((!untag(r, p) || is_foreign(p)) && twin_of(r->pub, p->port))
		mirror(r, p);
	else if (is_ip6(r, p))
		ipv6_frame(&r->ip6, (uint16_t)p->port, p->data, p->len);
	else
		ipv4_frame(&r->ip, p);
}

static void on_stack_out(void *arg, const uint8_t *packet, size_t len)
{
	struct root *r = arg;

	ipv4_stack_output(&r->ip, packet, len);
}

static void on_bits(void *arg, uint32_t bits)
{
	struct root *r = arg;

	if (bits & XOK_EV_CHILD)
		domains_reap(&r->domains);
	if (bits & EE_EV_WORK)
		ee_link_work(&r->ee);
}

static void on_domain(void *arg, const struct domain *d)
{
	struct root *r = arg;
	struct json *j = event_begin(&r->control, "domain");

	json_put_text(j, "name", d->name);
	json_put_u64(j, "env", d->env);
	json_put_text(j, "state", domain_state_name(d->state));
	json_put_text(j, "why", d->why);
	event_end(&r->control);
	if (d->state == DOMAIN_ENDED)
		amp_log("domain %s ended: %s", d->name, d->why);
}

/* What the port carries, and no more than our buffers hold. */
static uint16_t port_mtu(uint32_t port)
{
	uint16_t mtu = amp_port(port)->mtu;

	return mtu && mtu <= IP4_PACKET_MAX ? mtu : IP4_PACKET_MAX;
}

static void read_ports(struct root *r)
{
	struct node_pub *p = r->pub;
	uint32_t n = amp_ports();

	p->nport = n < FORWARD_PORTS ? n : FORWARD_PORTS;
	r->config_host.nport = p->nport;
	for (uint32_t i = 0; i < p->nport; i++) {
		const struct xok_port_info *info = amp_port(i);
		struct node_port *o = &p->port[i];

		memcpy(o->mac, info->mac, 6);
		o->mtu = port_mtu(i);
		o->used = 1;
		o->device = (uint8_t)i;
		o->twin = (uint8_t)(info->twin <= p->nport ? info->twin : 0);
		r->config_host.mirror[i] = info->flags & XOK_PORT_MIRROR;
		text_copy(r->config_host.name[i], sizeof(r->config_host.name[i]), info->name);
	}
}

int root_init(struct root *r, struct node_pub *pub, struct ee_shared *ee,
	      const struct root_host *host)
{
	const struct in_chan_spec in = {
		.protocol = "if*", .buffers = ROOT_RING, .handler = on_packet, .arg = r};
	int rc;

	memset(r, 0, sizeof(*r));
	r->follow.fd = -1;
	r->pub = pub;
	r->host = *host;
	memset(pub, 0, sizeof(*pub));
	node_make(pub, host->routes ? host->routes : NODE_ROUTES);
	r->config_host = (struct config_host){.load = host->load, .arg = host->arg};
	read_ports(r);
	config_init(&r->cfg, &r->config_host);
	config_init(&r->draft, &r->config_host);
	control_init(&r->control, r);
	domains_init(&r->domains, on_domain, r);
	ee_link_init(&r->ee, r, ee);
	ipv4_init(&r->ip, pub);
	ipv6_init(&r->ip6, pub);
	r->ip.rpf = r->forward.rpf;
	verbs_init(r);
	amp_on_events(on_bits, r);
	rc = amp_ip_init(on_stack_out, r);
	if (rc < 0)
		return rc;
	rc = amp_ip_echo_service();
	if (rc < 0)
		return rc;
	rc = in_chan_create(&r->in, &in);
	if (rc < 0)
		return rc;
	forward_init(&r->forward, pub, &r->ip.neigh, &r->ip6.neigh, r->in.ring,
		     host->routes ? host->routes : NODE_ROUTES, r->host.forward);
	return 0;
}

unsigned root_read(struct root *r, const char *text, size_t len, struct config_error *err,
		   unsigned max)
{
	return config_file(&r->draft, text, len, err, max);
}

/* ---- a configuration comes into force ---- */

static void add_route(struct root *r, const struct ip6 *prefix, unsigned len,
		      enum rib_source source, uint32_t number)
{
	if (forward_route(&r->forward, prefix, len, source, 0, number) < 0)
		root_log(r, "root", "no room for a route: see `routes`", 33);
}

static void add_static(struct root *r, const struct config_route *c)
{
	struct hops_member m[CONFIG_HOPS];
	int32_t number = c->number;
	unsigned n = 0;

	for (unsigned i = 0; i < c->nhop; i++) {
		const struct config_hop *h = &c->hop[i];

		m[n] = (struct hops_member){.addr = h->via, .weight = h->weight};
		if (ip6_is_mapped(&h->via)
			    ? config_connected(&r->cfg, ip6_unmapped(&h->via), &m[n].port)
			    : config_connected6(&r->cfg, &h->via, &m[n].port))
			n++;
	}
	if (c->nhop)
		number = hops_group(&r->forward.hops, m, n);
	if (number < 0)
		root_log(r, "root", "no room for a next hop", 22);
	else
		add_route(r, &c->prefix, c->len, RIB_STATIC, (uint32_t)number);
}

/* RFC 1812 5.3.5: the broadcast addresses of a network, the old one of all zeros among them; RFC 3021: not of the smallest networks. */
static void add_address(struct root *r, const struct node_address *a, enum rib_source source)
{
	uint32_t net = a->addr & mask4(a->len);
	const struct ip6 local = ip6_mapped(a->addr), zeros = ip6_mapped(net),
			 ones = ip6_mapped(net | ~mask4(a->len));

	add_route(r, &local, 128, source, FORWARD_LOCAL);
	if (a->port == NODE_NO_PORT)
		return;
	if (a->len < 31) {
		add_route(r, &zeros, 128, source, FORWARD_BROADCAST);
		add_route(r, &ones, 128, source, FORWARD_BROADCAST);
	}
	/* The host has a route to its network itself. */
	if (source == RIB_LOCAL)
		add_route(r, &zeros, 96u + a->len, RIB_CONNECTED, FORWARD_LINK + a->port);
}

/* RFC 4291 2.6.1: the subnet-router anycast address of an address's network is for us as well. */
static void add_anycast(struct root *r, const struct ip6 *addr, unsigned len,
			enum rib_source source)
{
	struct ip6 net = ip6_prefix(addr, len);

	if (len <= IP6_ANYCAST_LEN && r->pub->role == NODE_ROUTER)
		add_route(r, &net, 128, source, FORWARD_LOCAL);
}

/* A link-local address is ours at one port only, and its packets are passed on whatever stands in the tables. */
static void add_address6(struct root *r, const struct node_address6 *a)
{
	struct ip6 net = ip6_prefix(&a->addr, a->len);

	if (ip6_link_local(&a->addr))
		return;
	add_route(r, &a->addr, 128, RIB_LOCAL, FORWARD_LOCAL);
	add_anycast(r, &a->addr, a->len, RIB_LOCAL);
	if (a->port != NODE_NO_PORT && a->len < 128)
		add_route(r, &net, a->len, RIB_CONNECTED, FORWARD_LINK + a->port);
}

static void publish_routes(struct root *r)
{
	static const enum rib_source ours[] = {RIB_LOCAL, RIB_CONNECTED, RIB_STATIC};
	const struct node_pub *p = r->pub;
	struct rib *rib = &r->forward.rib;

	for (unsigned i = 0; i < 3; i++)
		rib_mark(rib, ours[i]);
	for (uint32_t i = 0; i < r->cfg.naddress; i++)
		add_address(r, &r->cfg.address[i], RIB_LOCAL);
	/* Hosts have no IPv6. */
	for (uint32_t i = 0; p->role == NODE_ROUTER && i < r->cfg.naddress6; i++)
		add_address6(r, &r->cfg.address6[i]);
	for (uint32_t i = 0; i < r->cfg.nroute; i++) {
		const struct config_route *c = &r->cfg.route[i];

		if (p->role == NODE_ROUTER || ip6_is_mapped(&c->prefix))
			add_static(r, c);
	}
	for (unsigned i = 0; i < 3; i++)
		rib_sweep(rib, ours[i]);
}

/*
 * Routers have IPv6: a link-local address at every interface (RFC 4291 2.8) that is wide enough for it, and what the configuration says. Hosts have
 * none.
 */
static void publish_ip6(struct node_pub *p, const struct config *c)
{
	p->naddress6 = 0;
	if (c->role != NODE_ROUTER)
		return;
	for (uint32_t i = 0; i < NODE_PORTS; i++) {
		if (p->port[i].used && p->port[i].mtu >= IP6_MTU_MIN &&
		    p->naddress6 < NODE_ADDRESSES6)
			p->addresses6[p->naddress6++] = (struct node_address6){
				.addr = ip6_from_mac(p->port[i].mac),
				.len = 64,
				.port = (uint16_t)i};
	}
	for (uint32_t i = 0; i < c->naddress6 && p->naddress6 < NODE_ADDRESSES6; i++)
		p->addresses6[p->naddress6++] = c->address6[i];
}

/* CONTROL.md: the first address of the lowest port. */
static uint32_t own_address(const struct node_pub *p)
{
	const struct node_address *best = NULL;

	for (uint32_t i = 0; i < p->naddress; i++) {
		/* Loopback addresses are behind all ports. */
		if (!best || p->addresses[i].port < best->port)
			best = &p->addresses[i];
	}
	return best ? best->addr : 0;
}

static bool has_address(const struct node_pub *p, uint32_t addr)
{
	for (uint32_t i = 0; i < p->naddress; i++) {
		if (p->addresses[i].addr == addr)
			return true;
	}
	return false;
}

static bool has_address6(const struct node_pub *p, const struct ip6 *addr, uint16_t port)
{
	for (uint32_t i = 0; i < p->naddress6; i++) {
		if (p->addresses6[i].port == port && ip6_equal(&p->addresses6[i].addr, addr))
			return true;
	}
	return false;
}

static void host_address(struct node_pub *p, const struct follow_address *a)
{
	uint16_t port = a->iface == FOLLOW_OTHER ? NODE_NO_PORT : a->iface;

	if (ip6_is_mapped(&a->addr)) {
		uint32_t addr = ip6_unmapped(&a->addr);

		if (p->naddress < NODE_ADDRESSES && !has_address(p, addr))
			p->addresses[p->naddress++] = (struct node_address){
				.addr = addr,
				.len = (uint8_t)(port == NODE_NO_PORT ? 32 : a->len - 96),
				.port = port};
	} else if (p->role == NODE_ROUTER && p->naddress6 < NODE_ADDRESSES6 &&
		   !has_address6(p, &a->addr, port)) {
		p->addresses6[p->naddress6++] = (struct node_address6){
			.addr = a->addr,
			.len = (uint8_t)(port == NODE_NO_PORT ? 128 : a->len),
			.port = port};
	}
}

/* Those of the configuration, and those that the host's own stack has. */
static void publish_addresses(struct root *r)
{
	struct node_pub *p = r->pub;

	p->naddress = r->cfg.naddress;
	memcpy(p->addresses, r->cfg.address, sizeof(p->addresses));
	publish_ip6(p, &r->cfg);
	for (uint32_t i = 0; i < r->follow.naddress; i++)
		host_address(p, &r->follow.address[i]);
	p->address = own_address(p);
}

static void publish_ports(struct root *r)
{
	struct node_pub *p = r->pub;
	const struct config *c = &r->cfg;

	for (uint32_t i = 0; i < FORWARD_IFACES - FORWARD_VLANS; i++) {
		uint16_t device = c->vlan[i].port;
		struct node_port *o = &p->port[FORWARD_VLANS + i];

		if (!c->vlan[i].id)
			continue;
		memcpy(o->mac, p->port[device].mac, 6);
		o->used = 1;
		o->device = (uint8_t)device;
		o->vlan = c->vlan[i].id;
		o->twin = p->port[device].twin;
	}
	for (uint32_t i = 0; i < NODE_PORTS; i++) {
		struct node_port *o = &p->port[i];
		uint16_t most;

		if (!o->used)
			continue;
		most = port_mtu(o->device);
		memcpy(o->peer, c->peer[i], NODE_NAME);
		o->mtu = c->mtu[i] && c->mtu[i] < most ? c->mtu[i] : most;
		r->forward.rpf[i] = c->rpf[i];
	}
}

static void publish(struct root *r)
{
	struct node_pub *p = r->pub;
	const struct config *c = &r->cfg;

	node_write_begin(p);
	p->role = c->role;
	memcpy(p->name, c->name, sizeof(p->name));
	publish_ports(r);
	publish_addresses(r);
	p->nprincipal = c->nprincipal;
	memcpy(p->principal, c->principal, sizeof(p->principal));
	p->nrule = c->nrule;
	memcpy(p->rule, c->rule, sizeof(p->rule));
	if (c->set_clock)
		p->utc_offset = (int64_t)(c->clock - amp_wall());
	node_write_end(p);
	publish_routes(r);
}

/* Ours and the host's: what is in the tables, and what the neighbours hear. */
static void host_routes(struct root *r)
{
	rib_mark(&r->forward.rib, RIB_HOST_LOCAL);
	for (uint32_t i = 0; i < r->follow.naddress; i++) {
		const struct follow_address *a = &r->follow.address[i];
		struct node_address n = {.port = a->iface == FOLLOW_OTHER ? NODE_NO_PORT : a->iface,
					 .len = (uint8_t)(a->len - 96)};

		if (ip6_is_mapped(&a->addr)) {
			n.addr = ip6_unmapped(&a->addr);
			add_address(r, &n, RIB_HOST_LOCAL);
		} else if (!ip6_link_local(&a->addr)) {
			add_route(r, &a->addr, 128, RIB_HOST_LOCAL, FORWARD_LOCAL);
			if (a->iface != FOLLOW_OTHER)
				add_anycast(r, &a->addr, a->len, RIB_HOST_LOCAL);
		}
	}
	rib_sweep(&r->forward.rib, RIB_HOST_LOCAL);
}

static uint32_t net32(uint32_t v)
{
	return __builtin_bswap32(v);
}

static bool is_ours(const void *pub, uint32_t addr)
{
	return has_address(pub, net32(addr));
}

/*
 * To our own stack, which answers echo requests there; those that are gone make room first. It takes the first for its preferred source: the node's own goes
 * before the others.
 */
static void give_addresses(struct root *r)
{
	const struct node_pub *p = r->pub;
	bool full = false;

	amp_ip_keep(is_ours, p);
	for (unsigned others = 0; others < 2; others++) {
		for (uint32_t i = 0; i < p->naddress; i++) {
			const struct node_address *a = &p->addresses[i];

			if ((a->addr != p->address) == others &&
			    amp_ip_address(net32(a->addr), net32(mask4(a->len))) == XOK_ENOMEM)
				full = true;
		}
	}
	if (full)
		root_log(r, "root", "the host stack takes no more addresses", 38);
}

/* Routers only, and once there is a configuration. Solicitations go where they are heard. */
static void advertise(struct root *r)
{
	ra_config(&r->ip6, r->cfg.role == NODE_ROUTER ? r->cfg.advertise : NULL);
	claims_update(r);
}

void root_host_addresses(struct root *r)
{
	node_write_begin(r->pub);
	publish_addresses(r);
	node_write_end(r->pub);
	if (r->configured) {
		give_addresses(r);
		advertise(r);
	}
	host_routes(r);
}

void root_end(struct root *r)
{
	rib_end(&r->forward.rib);
}

bool root_apply(struct root *r, char err[CONFIG_ERROR])
{
	/* First what can fail. Modules loaded by a command that then fails stay loaded: they are soft state. */
	for (uint32_t i = 0; i < r->draft.nmodule; i++) {
		if (!r->host.module(r->host.arg, &r->draft.module[i], err)) {
			config_drop_modules(&r->draft);
			return false;
		}
		r->draft.module[i].bytes = NULL;
	}
	r->draft.nmodule = 0;
	r->cfg = r->draft;
	r->draft.set_clock = false;
	publish(r);
	r->cfg.set_clock = false;
	give_addresses(r);
	for (uint32_t i = 0; i < r->cfg.nneighbour; i++) {
		const struct config_neighbour *n = &r->cfg.neighbour[i];

		if (!arp_static(&r->ip.neigh, n->port, n->addr, n->mac))
			root_log(r, "root", "no room for a static neighbour", 30);
	}
	for (uint32_t i = 0; i < r->cfg.nneighbour6; i++) {
		const struct config_neighbour6 *n = &r->cfg.neighbour6[i];

		if (!neigh_static(&r->ip6.neigh, n->port, &n->addr, n->mac))
			root_log(r, "root", "no room for a static neighbour", 30);
	}
	forward_config(&r->forward);
	advertise(r);
	r->configured = true;
	root_ready(r);
	return true;
}

void root_ready(struct root *r)
{
	if (r->ready || !r->configured || !r->ee.up)
		return;
	r->ready = true;
	json_put_text(event_begin(&r->control, "ready"), "node", r->cfg.name);
	event_end(&r->control);
	amp_log("%s is ready", r->cfg.name);
}

void root_log(struct root *r, const char *source, const char *text, size_t len)
{
	struct json *j = event_begin(&r->control, "log");
	char line[201];
	size_t n = len < sizeof(line) - 1 ? len : sizeof(line) - 1;

	json_key(j, "text");
	json_textn(j, text, n);
	json_put_text(j, "source", source);
	event_end(&r->control);
	/* A line of somebody else's making must not move the cursor of whoever reads the console. */
	for (size_t i = 0; i < n; i++)
		line[i] = text[i] >= 0x20 && text[i] < 0x7f ? text[i] : '?';
	line[n] = 0;
	amp_log("%s: %s", source, line);
}
