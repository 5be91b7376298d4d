/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tables.c - `show`: the rows of CONTROL.md.
 */
#include <stdio.h>
#include <string.h>

#include "amp/ip.h"
#include "nodeos/lib/inet6.h"
#include "nodeos/root/root.h"

static void show_ports(struct root *root, const struct reply *r)
{
	struct control *c = &root->control;

	for (uint32_t i = 0; i < root->pub->nport; i++) {
		const struct xok_port_info *info = amp_port(i);
		char addr[TEXT_PREFIX] = "", addr6[TEXT_PREFIX6] = "", mac[TEXT_MAC];

		for (uint32_t k = root->cfg.naddress; k-- > 0;) {
			if (root->cfg.address[k].port == i)
				text_put_prefix(addr, root->cfg.address[k].addr,
						root->cfg.address[k].len);
		}
		/* A global one where there is one: they stand behind the link-local ones. */
		for (uint32_t k = 0; k < root->pub->naddress6; k++) {
			const struct node_address6 *a = &root->pub->addresses6[k];

			if (a->port == i)
				text_put_prefix6(addr6, &a->addr, a->len);
		}
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
		row_end(c);
	}
}

static void route_row(struct control *c, const struct reply *r, const char *prefix, const char *via,
		      uint16_t port, uint8_t source)
{
	row_begin(c, r);
	row_text(c, "prefix", prefix);
	row_text(c, "via", via);
	row_u64(c, "port", port);
	row_text(c, "source", source == NODE_CONNECTED ? "connected" : "static");
	row_end(c);
}

static void show_routes(struct root *root, const struct reply *r)
{
	const struct node_pub *p = root->pub;
	char prefix[TEXT_PREFIX6], via[TEXT_IP6];

	for (uint32_t i = 0; i < p->nroute; i++) {
		const struct node_route *n = &p->route[i];

		route_row(&root->control, r, text_put_prefix(prefix, n->prefix, n->len),
			  n->via ? text_put_ip4(via, n->via) : "", n->port, n->source);
	}
	for (uint32_t i = 0; i < p->nroute6; i++) {
		const struct node_route6 *n = &p->route6[i];

		route_row(&root->control, r, text_put_prefix6(prefix, &n->prefix, n->len),
			  ip6_unspecified(&n->via) ? "" : text_put_ip6(via, &n->via), n->port,
			  n->source);
	}
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

static void show_counters(struct root *root, const struct reply *r)
{
	static const char *const ip_name[] = {
#define COUNTER(name, stable, text) stable,
#include "nodeos/counters.def"
#undef COUNTER
	};
	static const char *const ip6_name[] = {
#define COUNTER(name, stable, text) stable,
#include "nodeos/counters6.def"
#undef COUNTER
	};
	static const char *const forward_name[] = {
#define FORWARD(name, stable, text) stable,
#include "nodeos/forward/forward.def"
#undef FORWARD
	};
	struct control *c = &root->control;
	const struct ee_pub *ee = &root->ee.shared->pub;

	for (unsigned i = 0; i < FORWARD_COUNTERS; i++)
		counter_row(c, r, "forward", forward_name[i],
			    forward_counted(&root->forward, (enum forward_counter)i));
	for (unsigned i = 0; i < IPC_N; i++)
		counter_row(c, r, "ip", ip_name[i], root->ip.count.n[i]);
	for (unsigned i = 0; i < IP6C_N; i++)
		counter_row(c, r, "ip6", ip6_name[i], root->ip6.count.n[i]);
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

bool table_show(struct root *root, const char *what, const struct reply *r)
{
	static const struct {
		const char *name;
		void (*fn)(struct root *root, const struct reply *r);
	} table[] = {
		{"ports", show_ports},		 {"routes", show_routes},
		{"neighbours", show_neighbours}, {"domains", show_domains},
		{"modules", show_modules},	 {"principals", show_principals},
		{"counters", show_counters},	 {"handlers", tables_handlers},
		{"tables", tables_tables},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (!strcmp(table[i].name, what)) {
			table[i].fn(root, r);
			return true;
		}
	}
	return false;
}
