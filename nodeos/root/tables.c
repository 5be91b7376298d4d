/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tables.c - `show`: the rows of CONTROL.md.
 */
#include <stdio.h>
#include <string.h>

#include "amp/ip.h"
#include "nodeos/lib/inet6.h"
#include "nodeos/root/root.h"

#define PART 256u /* rows of a long table that are shown at once */

/* An address of each family of an interface; "": none. */
static void addresses_of(const struct node_pub *p, uint32_t i, char addr[TEXT_PREFIX],
			 char addr6[TEXT_PREFIX6])
{
	addr[0] = addr6[0] = 0;
	for (uint32_t k = p->naddress; k-- > 0;) {
		if (p->addresses[k].port == i)
			text_put_prefix(addr, p->addresses[k].addr, p->addresses[k].len);
	}
	/* A global one where there is one: they stand behind the link-local ones. */
	for (uint32_t k = 0; k < p->naddress6; k++) {
		const struct node_address6 *a = &p->addresses6[k];

		if (a->port == i)
			text_put_prefix6(addr6, &a->addr, a->len);
	}
}

static void show_interfaces(struct root *root, const struct reply *r)
{
	static const char *const rpf[] = {"off", "strict", "loose", "strict"};
	const struct node_pub *p = root->pub;
	struct control *c = &root->control;

	for (uint32_t i = 0; i < NODE_PORTS; i++) {
		char addr[TEXT_PREFIX], addr6[TEXT_PREFIX6], mac[TEXT_MAC], name[CONFIG_PORT];
		char advertise[CONFIG_ADVERTISE];
		const struct node_port *o = &p->port[i];

		if (!o->used)
			continue;
		addresses_of(p, i, addr, addr6);
		row_begin(c, r);
		row_text(c, "name", config_port_name(&root->cfg, (uint16_t)i, name));
		row_u64(c, "port", o->device);
		row_u64(c, "vlan", o->vlan);
		row_text(c, "address", addr);
		row_text(c, "address6", addr6);
		row_text(c, "mac", text_put_mac(mac, o->mac));
		row_u64(c, "mtu", o->mtu);
		row_text(c, "rpf", rpf[root->forward.rpf[i] & 3]);
		row_text(c, "advertise", config_advertise_text(&root->cfg.advertise[i], advertise));
		row_text(c, "twin",
			 o->twin ? config_port_name(&root->cfg, o->twin - 1u, name) : "");
		row_text(c, "state", amp_port(o->device)->up ? "up" : "down");
		row_end(c);
	}
}

static void show_ports(struct root *root, const struct reply *r)
{
	struct control *c = &root->control;

	for (uint32_t i = 0; i < root->pub->nport; i++) {
		const struct xok_port_info *info = amp_port(i);
		char addr[TEXT_PREFIX], addr6[TEXT_PREFIX6], mac[TEXT_MAC];
		char advertise[CONFIG_ADVERTISE];

		addresses_of(root->pub, i, addr, addr6);
		row_begin(c, r);
		row_u64(c, "port", i);
		row_text(c, "address", addr);
		row_text(c, "address6", addr6);
		row_text(c, "peer", root->cfg.peer[i]);
		row_text(c, "mac", text_put_mac(mac, info->mac));
		row_u64(c, "rx_packets", info->rx_packets);
		row_u64(c, "tx_packets", info->tx_packets);
		row_u64(c, "rx_bytes", info->rx_bytes);
		row_u64(c, "tx_bytes", info->tx_bytes);
		row_u64(c, "txq", info->txq);
		row_u64(c, "rx_missed", info->rx_missed);
		row_u64(c, "rx_errors", info->rx_errors);
		row_u64(c, "rx_no_buffer", info->rx_no_buffer);
		row_text(c, "state", info->up ? "up" : "down");
		row_text(c, "advertise", config_advertise_text(&root->cfg.advertise[i], advertise));
		row_end(c);
	}
}

static const char *source_name(unsigned source)
{
	static const char *const name[RIB_SOURCES] = {[RIB_LOCAL] = "local",
						      [RIB_CONNECTED] = "connected",
						      [RIB_STATIC] = "static",
						      [RIB_HOST_LOCAL] = "local",
						      [RIB_HOST] = "host"};

	return source < RIB_SOURCES ? name[source] : "?";
}

static const char *kind_of_number(uint32_t number)
{
	static const char *const name[FORWARD_LINK] = {"local", "broadcast", "blackhole",
						       "unreachable", "prohibit"};

	return number < FORWARD_LINK ? name[number] : number >= FORWARD_GROUP ? "multipath" : "";
}

static const char *put_any(char buf[TEXT_IP6], const struct ip6 *a)
{
	return ip6_is_mapped(a) ? text_put_ip4(buf, ip6_unmapped(a)) : text_put_ip6(buf, a);
}

/* One row for each next hop of a route. Returns how many. */
static unsigned route_rows(struct root *root, const struct reply *r, const struct rib_route *e)
{
	struct hops_member m[HOPS_MEMBERS];
	unsigned n = hops_list(&root->forward.hops, e->number, m), rows = n ? n : 1;
	char prefix[TEXT_PREFIX6], via[TEXT_IP6];
	struct control *c = &root->control;

	if (ip6_is_mapped(&e->prefix) && e->len >= 96)
		text_put_prefix(prefix, ip6_unmapped(&e->prefix), e->len - 96u);
	else
		text_put_prefix6(prefix, &e->prefix, e->len);
	for (unsigned i = 0; i < rows; i++) {
		row_begin(c, r);
		row_text(c, "prefix", prefix);
		row_text(c, "via", n ? put_any(via, &m[i].addr) : "");
		if (n)
			row_u64(c, "port", m[i].port);
		else
			row_u64(c, "port",
				e->number >= FORWARD_LINK ? e->number - FORWARD_LINK : 0);
		row_text(c, "source", source_name(e->source));
		row_text(c, "kind", kind_of_number(e->number));
		row_u64(c, "weight", n ? m[i].weight : 0);
		row_u64(c, "metric", e->metric);
		row_end(c);
	}
	return rows;
}

/*
 * Our own addresses are no routes to people; they stand in `show interfaces`. A part has PART rows or a few more. Entries keep their places, so a route
 * that is there all the time is in exactly one part; one that comes or goes meanwhile may be in none.
 */
static uint32_t show_routes(struct root *root, uint32_t from, const struct reply *r)
{
	const struct rib *rib = &root->forward.rib;
	unsigned rows = 0;

	for (uint32_t i = from; i < rib->nroute; i++) {
		const struct rib_route *e = &rib->route[i];

		if (!e->used || e->source == RIB_LOCAL || e->source == RIB_HOST_LOCAL)
			continue;
		if (rows >= PART)
			return i;
		rows += route_rows(root, r, e);
	}
	return 0;
}

static void neighbour_rows(struct control *c, const struct neigh *t, bool ip4,
			   const struct reply *r)
{
	for (uint32_t i = 0; i < NODE_NEIGHS; i++) {
		const struct neigh_entry *e = &t->entry[i];
		char mac[TEXT_MAC] = "", addr[TEXT_IP6];

		if (e->state == NEIGH_FREE)
			continue;
		if (e->usable)
			text_put_mac(mac, e->mac);
		row_begin(c, r);
		row_u64(c, "port", e->port);
		row_text(c, "address",
			 ip4 ? text_put_ip4(addr, ip6_unmapped(&e->addr))
			     : text_put_ip6(addr, &e->addr));
		row_text(c, "mac", mac);
		row_text(c, "state", neigh_state_name(e->state));
		row_end(c);
	}
}

static void show_neighbours(struct root *root, const struct reply *r)
{
	neighbour_rows(&root->control, &root->ip.neigh, true, r);
	neighbour_rows(&root->control, &root->ip6.neigh, false, r);
}

static void domain_row(struct root *root, const struct reply *r, const char *name, uint32_t env,
		       const char *state, const char *why)
{
	static const struct xok_env_info none;
	const struct xok_env_info *info = env ? amp_env_info(env) : NULL;
	struct control *c = &root->control;

	if (!info)
		info = &none;
	row_begin(c, r);
	row_text(c, "name", name);
	row_u64(c, "env", env);
	row_text(c, "state", state);
	row_u64(c, "frames", info->frames);
	row_u64(c, "quota", info->frames_quota);
	row_u64(c, "slices", info->slices);
	row_u64(c, "run_ns", info->run_ns);
	row_u64(c, "packets", info->packets);
	row_text(c, "why", why);
	row_end(c);
}

static void show_domains(struct root *root, const struct reply *r)
{
	domain_row(root, r, "root", amp_self(), "started", "");
	for (unsigned i = 0; i < DOMAINS; i++) {
		const struct domain *d = &root->domains.d[i];

		if (d->state != DOMAIN_FREE)
			domain_row(root, r, d->name, d->env, domain_state_name(d->state), d->why);
	}
}

static void show_modules(struct root *root, const struct reply *r)
{
	struct control *c = &root->control;
	struct ee_module m;

	for (unsigned i = 0; i < EE_MODULES; i++) {
		if (!ee_link_module(&root->ee, i, &m))
			continue;
		row_begin(c, r);
		row_hex(c, "code", m.code, 32);
		row_text(c, "name", m.name);
		row_u64(c, "insns", m.insns);
		row_u64(c, "runs", m.runs);
		row_ip4(c, "from", m.from);
		row_end(c);
	}
}

static void show_principals(struct root *root, const struct reply *r)
{
	struct control *c = &root->control;
	const struct config *f = &root->cfg;
	char hex[65];

	for (uint32_t i = 0; i < f->nprincipal; i++) {
		row_begin(c, r);
		row_text(c, "name", f->principal[i].name);
		row_hex(c, "key", f->principal[i].key, 32);
		row_list_begin(c, "allow");
		for (uint32_t k = 0; k < f->nrule; k++) {
			if (f->rule[k].principal != i)
				continue;
			text_hex(hex, f->rule[k].module, 32);
			row_list_pair(c, "module", f->rule[k].any ? "*" : hex, "budget",
				      f->rule[k].budget);
		}
		row_list_end(c);
		row_end(c);
	}
}

static void counter_row(struct control *c, const struct reply *r, const char *group,
			const char *name, uint64_t value)
{
	row_begin(c, r);
	row_text(c, "group", group);
	row_text(c, "name", name);
	row_u64(c, "value", value);
	row_end(c);
}

static void port_counters(struct control *c, const struct reply *r, uint32_t port)
{
	const struct xok_port_info *p = amp_port(port);
	const struct {
		const char *name;
		uint64_t value;
	} row[] = {
		{"rx-packets", p->rx_packets},
		{"rx-bytes", p->rx_bytes},
		{"tx-packets", p->tx_packets},
		{"tx-bytes", p->tx_bytes},
		{"drop-bad-length", p->rx_bad_length},
		{"drop-no-filter", p->rx_no_filter},
		{"drop-ring-full", p->rx_ring_full},
		{"transmit-full", p->tx_full},
		{"handled", p->rx_handled},
	};
	char group[16];

	snprintf(group, sizeof(group), "port%u", port);
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++)
		counter_row(c, r, group, row[i].name, row[i].value);
}

static void stack_counters(struct control *c, const struct reply *r)
{
	struct amp_ip_stats s = {0};

	amp_ip_stats(&s);
	const struct {
		const char *name;
		uint64_t value;
	} row[] = {
		{"received", s.in},
		{"sent", s.out},
		{"drop-not-ours", s.not_ours},
		{"drop-checksum", s.bad_checksum},
		{"drop-length", s.bad_length},
		{"drop-option", s.bad_option},
		{"drop-no-service", s.no_service},
		{"drop-no-memory", s.no_memory},
		{"drop-queue-full", s.queue_full},
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++)
		counter_row(c, r, "stack", row[i].name, row[i].value);
}

struct named {
	const char *group, *name, *text;
};
static const struct named ip_name[] = {
#define COUNTER(name, stable, text) {"ip", stable, text},
#include "nodeos/counters.def"
#undef COUNTER
};
static const struct named ip6_name[] = {
#define COUNTER(name, stable, text) {"ip6", stable, text},
#include "nodeos/counters6.def"
#undef COUNTER
};
static const struct named forward_name[] = {
#define FORWARD(name, stable, text) {"forward", stable, text},
#include "nodeos/forward/forward.def"
#undef FORWARD
};

static void show_counters(struct root *root, const struct reply *r)
{
	struct control *c = &root->control;
	const struct ee_pub *ee = &root->ee.shared->pub;

	for (unsigned i = 0; i < FORWARD_COUNTERS; i++)
		counter_row(c, r, "forward", forward_name[i].name,
			    forward_counted(&root->forward, (enum forward_counter)i));
	for (unsigned i = 0; i < IPC_N; i++)
		counter_row(c, r, "ip", ip_name[i].name, root->ip.count.n[i]);
	for (unsigned i = 0; i < IP6C_N; i++)
		counter_row(c, r, "ip6", ip6_name[i].name, root->ip6.count.n[i]);
	stack_counters(c, r);
	for (unsigned i = 0; i < EE_NREFUSAL; i++)
		counter_row(c, r, "capsule", ee_refusal_name(i), ee->refused[i]);
	for (unsigned i = 0; i < EEC_N; i++)
		counter_row(c, r, "capsule", ee_counter_name(i), ee->counter[i]);
	counter_row(c, r, "capsule", "drop-malformed-event", root->ee.malformed);
	counter_row(c, r, "capsule", "drop-event-limit", root->ee.limited);
	counter_row(c, r, "capsule", "queue-resets",
		    root->ee.events.resets + root->ee.punts.resets);
	counter_row(c, r, "console", "lines", c->lines);
	counter_row(c, r, "console", "drop-line", c->errors);
	for (uint32_t i = 0; i < root->pub->nport; i++)
		port_counters(c, r, i);
}

/* ---- drops: each that has happened, with its meaning ---- */

static void drop_row(struct root *root, const struct reply *r, const struct named *n,
		     uint64_t value)
{
	const char *text = n->text;
	struct control *c = &root->control;

	if (!value)
		return;
	if (!strncmp(text, "dropped: ", 9))
		text += 9;
	row_begin(c, r);
	row_text(c, "group", n->group);
	row_text(c, "name", n->name);
	row_u64(c, "value", value);
	row_text(c, "text", text);
	row_end(c);
}

static void port_drops(struct root *root, const struct reply *r, uint32_t port)
{
	const struct xok_port_info *p = amp_port(port);
	char group[16];
	const struct {
		struct named n;
		uint64_t value;
	} row[] = {
		{{group, "drop-bad-length", "the device reported a length that no frame has"},
		 p->rx_bad_length},
		{{group, "drop-no-filter", "nobody claims such frames"}, p->rx_no_filter},
		{{group, "drop-ring-full", "the environment that claims them was too slow"},
		 p->rx_ring_full},
		{{group, "transmit-full", "the port's transmit queue was full"}, p->tx_full},
	};

	snprintf(group, sizeof(group), "port%u", port);
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++)
		drop_row(root, r, &row[i].n, row[i].value);
}

/* What the kernel did to a program's packets without asking it. */
static void program_drops(struct root *root, const struct reply *r, const struct xok_prog_info *p)
{
	char name[17];
	const struct {
		struct named n;
		uint64_t value;
	} row[] = {
		{{name, "tx_full", "REPLY or FORWARD, but the port's queue was full"}, p->tx_full},
		{{name, "denied", "REPLY or FORWARD to where it may not send"}, p->denied},
		{{name, "bad_verdict", "a result that is no verdict"}, p->bad_verdict},
		{{name, "stopped", "out of budget, or an access out of bounds"}, p->stopped},
		{{name, "throttled", "its rate, or its environment's, is used up"}, p->throttled},
	};

	memcpy(name, p->name, 16);
	name[16] = 0;
	for (char *s = name; *s; s++)
		*s = (char)(*s > 0x20 && *s < 0x7f ? *s : '?');
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++)
		drop_row(root, r, &row[i].n, row[i].value);
}

static bool is_drop(const struct named *n)
{
	return strstr(n->name, "drop-") != NULL;
}

static void show_drops(struct root *root, const struct reply *r)
{
	const struct ee_pub *ee = &root->ee.shared->pub;

	for (unsigned i = 0; i < FORWARD_COUNTERS; i++) {
		if (is_drop(&forward_name[i]))
			drop_row(root, r, &forward_name[i],
				 forward_counted(&root->forward, (enum forward_counter)i));
	}
	for (unsigned i = 0; i < IPC_N; i++) {
		if (is_drop(&ip_name[i]))
			drop_row(root, r, &ip_name[i], root->ip.count.n[i]);
	}
	for (unsigned i = 0; i < IP6C_N; i++) {
		if (is_drop(&ip6_name[i]))
			drop_row(root, r, &ip6_name[i], root->ip6.count.n[i]);
	}
	for (unsigned i = 0; i < EE_NREFUSAL; i++) {
		const struct named n = {"capsule", ee_refusal_name(i), "a capsule was refused"};

		drop_row(root, r, &n, ee->refused[i]);
	}
	for (uint32_t i = 0; i < root->pub->nport; i++)
		port_drops(root, r, i);
	for (uint32_t i = 0; i < amp_progs(); i++) {
		const struct xok_prog_info *p = amp_prog_info(i);

		if (p)
			program_drops(root, r, p);
	}
}

/* ---- filters of ours ---- */

static void show_filters(struct root *root, const struct reply *r)
{
	static const char *const program[FORWARD_PROGRAMS] = {
		"forward4", "forward6", "forward4_tagged", "forward6_tagged", "mirror"};
	struct control *c = &root->control;

	for (uint32_t i = 0; i < root->forward.nfilter; i++) {
		const struct forward_filter *x = &root->forward.filter[i];
		char name[CONFIG_PORT] = "any";

		if (x->port >= 0)
			config_port_name(&root->cfg, x->iface ? x->iface : (uint16_t)x->port, name);
		row_begin(c, r);
		row_u64(c, "id", x->id);
		row_text(c, "interface", name);
		row_text(c, "handler", program[x->program]);
		row_text(c, "state", x->bound ? "bound" : "ring");
		row_end(c);
	}
}

static const struct {
	const char *name;
	void (*fn)(struct root *root, const struct reply *r);
	uint32_t (*part)(struct root *root, uint32_t from, const struct reply *r);
} table[] = {
	{"ports", show_ports, NULL},	       {"interfaces", show_interfaces, NULL},
	{"routes", NULL, show_routes},	       {"neighbours", show_neighbours, NULL},
	{"domains", show_domains, NULL},       {"modules", show_modules, NULL},
	{"principals", show_principals, NULL}, {"counters", show_counters, NULL},
	{"drops", show_drops, NULL},	       {"handlers", tables_handlers, NULL},
	{"filters", show_filters, NULL},       {"tables", tables_tables, NULL},
	{"lcores", tables_lcores, NULL},
};
#define TABLES (sizeof(table) / sizeof(table[0]))

const char *table_nearest(const char *what)
{
	const char *name[TABLES];

	for (size_t i = 0; i < TABLES; i++)
		name[i] = table[i].name;
	return text_nearest(what, name, TABLES);
}

bool table_show(struct root *root, const char *what, uint32_t *from, const struct reply *r)
{
	size_t i = 0;

	while (i < TABLES && strcmp(table[i].name, what) != 0)
		i++;
	if (i == TABLES)
		return false;
	if (table[i].part) {
		*from = table[i].part(root, *from, r);
		return true;
	}
	if (!*from)
		table[i].fn(root, r);
	*from = 0;
	return true;
}
