/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * root.c - putting the root domain together, and a configuration in force.
 */
#include <string.h>

#include "amp/ip.h"
#include "nodeos/lib/inet6.h"
#include "nodeos/root/root.h"

/* A frame with an IPv6 packet, for us or a group, at a router; hosts speak IPv4 only. */
static bool is_ip6(const struct root *r, const struct amp_packet *p)
{
	return p->len >= ETH_HLEN && p->port < r->pub->nport && be16(p->data + 12) == ETH_IP6 &&
	       r->pub->role == NODE_ROUTER &&
	       ((p->data[0] & 1) || !memcmp(p->data, r->pub->port[p->port].mac, 6));
}

static void on_packet(void *arg, struct amp_packet *p)
{
	struct root *r = arg;

	if (is_ip6(r, p))
		ipv6_frame(&r->ip6, (uint16_t)p->port, p->data, p->len);
	else
		ipv4_frame(&r->ip, p);
}

static void on_stack_out(void *arg, const uint8_t *packet, size_t len)
{
	struct root *r = arg;

	ipv4_output(&r->ip, packet, len);
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

	p->nport = n < NODE_PORTS ? n : NODE_PORTS;
	for (uint32_t i = 0; i < p->nport; i++) {
		memcpy(p->port[i].mac, amp_port(i)->mac, 6);
		p->port[i].mtu = port_mtu(i);
	}
}

int root_init(struct root *r, struct node_pub *pub, struct ee_shared *ee,
	      const struct root_host *host)
{
	const struct in_chan_spec in = {
		.protocol = "if*", .buffers = ROOT_RING, .handler = on_packet, .arg = r};
	int rc;

	memset(r, 0, sizeof(*r));
	r->pub = pub;
	r->host = *host;
	node_init(pub);
	read_ports(r);
	r->config_host = (struct config_host){
		.nport = pub->nport, .load = host->load, .arg = host->arg};
	config_init(&r->cfg, &r->config_host);
	config_init(&r->draft, &r->config_host);
	control_init(&r->control, r);
	domains_init(&r->domains, on_domain, r);
	ee_link_init(&r->ee, r, ee);
	ipv4_init(&r->ip, pub);
	ipv6_init(&r->ip6, pub);
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
	forward_init(&r->forward, pub, &r->ip.neigh, &r->ip6.neigh, r->in.ring, r->host.forward);
	return 0;
}

unsigned root_read(struct root *r, const char *text, size_t len, struct config_error *err,
		   unsigned max)
{
	return config_file(&r->draft, text, len, err, max);
}

/* ---- a configuration comes into force ---- */

static void add_route(struct node_pub *p, uint32_t prefix, uint8_t len, uint32_t via, uint16_t port,
		      enum node_route_source source)
{
	p->route[p->nroute++] = (struct node_route){
		.prefix = prefix, .len = len, .via = via, .port = port, .source = (uint8_t)source};
}

/*
 * Static routes first: of two routes with the same prefix the one added later counts, and nothing may take a
 * connected network away.
 */
static void publish_routes(struct node_pub *p, const struct config *c)
{
	p->nroute = 0;
	for (uint32_t i = 0; i < c->nroute; i++) {
		const struct config_route *r = &c->route[i];
		uint16_t port = 0;

		if (config_connected(c, r->via, &port))
			add_route(p, r->prefix, r->len, r->via, port, NODE_STATIC);
	}
	for (uint32_t i = 0; i < c->naddress; i++) {
		const struct node_address *a = &c->address[i];

		add_route(p, a->addr & mask4(a->len), a->len, 0, a->port, NODE_CONNECTED);
	}
	node_lpm_build(p);
}

static void add_address6(struct node_pub *p, const struct ip6 *addr, uint8_t len, uint16_t port)
{
	p->addresses6[p->naddress6++] = (struct node_address6){
		.addr = *addr, .len = len, .port = port};
}

/* Routers have IPv6: a link-local address at every port (RFC 4291 2.8), and what the configuration says. Hosts have none. */
static void publish_ip6(struct node_pub *p, const struct config *c)
{
	p->naddress6 = p->nroute6 = 0;
	if (c->role != NODE_ROUTER)
		return;
	for (uint32_t i = 0; i < p->nport; i++) {
		struct ip6 addr = ip6_from_mac(p->port[i].mac);

		add_address6(p, &addr, 64, (uint16_t)i);
	}
	for (uint32_t i = 0; i < c->nroute6; i++) {
		const struct config_route6 *r = &c->route6[i];
		uint16_t port = 0;

		if (config_connected6(c, &r->via, &port))
			p->route6[p->nroute6++] = (struct node_route6){.prefix = r->prefix,
								       .len = r->len,
								       .via = r->via,
								       .port = port,
								       .source = NODE_STATIC};
	}
	for (uint32_t i = 0; i < c->naddress6; i++) {
		const struct node_address6 *a = &c->address6[i];

		add_address6(p, &a->addr, a->len, a->port);
		p->route6[p->nroute6++] = (struct node_route6){
			.prefix = ip6_prefix(&a->addr, a->len),
			.len = a->len,
			.port = a->port,
			.source = NODE_CONNECTED};
	}
}

/* CONTROL.md: the first address of the lowest port. */
static uint32_t own_address(const struct config *c)
{
	const struct node_address *best = NULL;

	for (uint32_t i = 0; i < c->naddress; i++) {
		if (!best || c->address[i].port < best->port)
			best = &c->address[i];
	}
	return best ? best->addr : 0;
}

static void publish(struct root *r)
{
	struct node_pub *p = r->pub;
	const struct config *c = &r->cfg;

	node_write_begin(p);
	p->role = c->role;
	memcpy(p->name, c->name, sizeof(p->name));
	for (uint32_t i = 0; i < p->nport; i++) {
		memcpy(p->port[i].peer, c->peer[i], NODE_NAME);
		p->port[i].mtu = c->mtu[i] && c->mtu[i] < port_mtu(i) ? c->mtu[i] : port_mtu(i);
	}
	p->naddress = c->naddress;
	memcpy(p->addresses, c->address, sizeof(p->addresses));
	p->address = own_address(c);
	publish_routes(p, c);
	publish_ip6(p, c);
	p->nprincipal = c->nprincipal;
	memcpy(p->principal, c->principal, sizeof(p->principal));
	p->nrule = c->nrule;
	memcpy(p->rule, c->rule, sizeof(p->rule));
	if (c->set_clock)
		p->utc_offset = (int64_t)(c->clock - amp_wall());
	node_write_end(p);
}

static uint32_t net32(uint32_t v)
{
	return __builtin_bswap32(v);
}

/* The host stack takes the first address for its preferred source: the node's own goes first. */
static void give_addresses(struct root *r)
{
	const struct config *c = &r->cfg;

	if (!r->addresses_given) {
		for (uint32_t i = 0; i < c->naddress; i++) {
			if (c->address[i].addr == r->pub->address)
				(void)amp_ip_address(net32(c->address[i].addr),
						     net32(mask4(c->address[i].len)));
		}
	}
	for (uint32_t i = r->addresses_given; i < c->naddress; i++) {
		const struct node_address *a = &c->address[i];

		if ((r->addresses_given || a->addr != r->pub->address) &&
		    amp_ip_address(net32(a->addr), net32(mask4(a->len))) < 0)
			root_log(r, "root", "the host stack takes no more addresses", 38);
	}
	r->addresses_given = c->naddress;
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
