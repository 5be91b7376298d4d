/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * forward_load.c - tables, programs and filters of the forwarding handlers, as the kernel takes them. A module names its tables; here they are
 * given.
 */
#include <stdio.h>
#include <string.h>

#include "capsule/module.h"
#include "nodeos/lib/inet6.h"
#include "nodeos/root/adopt.h"
#include "nodeos/root/forward_load.h"

#define SCRATCH 2048u
#define IP4_DST_AT 30u /* of an untagged frame */
#define IP6_DST_AT 38u

/* ---- tables ---- */

static bool create(uint32_t *id, const char *name, uint32_t type, uint32_t key_size,
		   uint32_t value_size, uint32_t entries, char why[AMP_WHY])
{
	struct xok_table_spec spec = {
		.type = type, .key_size = key_size, .value_size = value_size, .entries = entries};
	int64_t rc;

	memcpy(spec.name, name, strnlen(name, sizeof(spec.name)));
	rc = amp_table_create(&spec);
	if (rc < 0) {
		snprintf(why, AMP_WHY, "table %s: %s", name, amp_strerror((int)rc));
		return false;
	}
	*id = (uint32_t)rc;
	return true;
}

/* The memory of an ARRAY, as large as it was asked for. */
static void *memory(uint32_t id, size_t need)
{
	size_t bytes;
	void *p = amp_table_memory(id, &bytes);

	return bytes >= need ? p : NULL;
}

/* Those of an earlier process go on where they are like ours. */
static bool create_counters(struct forward *f, char why[AMP_WHY])
{
	f->counters = adopt_counters(f);
	return f->counters || create(&f->counters, "counters", XOK_TABLE_PERCPU, 0,
				     sizeof(uint64_t), FORWARD_COUNTERS, why);
}

static bool create_all(struct forward *f, char why[AMP_WHY])
{
	uint32_t prefixes = f->routes + NODE_NEIGHS;

	return create(&f->adjacencies, "adjacency", XOK_TABLE_ARRAY, 0,
		      sizeof(struct forward_adjacency), FORWARD_ADJACENCIES, why) &&
	       create(&f->groups, "groups", XOK_TABLE_ARRAY, 0, sizeof(struct forward_group),
		      FORWARD_GROUPS, why) &&
	       create(&f->ports, "ports", XOK_TABLE_ARRAY, 0, sizeof(struct forward_port),
		      FORWARD_IFACES, why) &&
	       create(&f->ours_table, "ours", XOK_TABLE_ARRAY, 0, 1, FORWARD_OURS, why) &&
	       create_counters(f, why) &&
	       create(&f->scratch, "scratch", XOK_TABLE_PERCPU, 0, 1, SCRATCH, why) &&
	       create(&f->vlans, "vlans", XOK_TABLE_HASH, sizeof(uint32_t), sizeof(uint32_t),
		      FORWARD_IFACES, why) &&
	       create(&f->path[FORWARD_IP4].table, "routes4", XOK_TABLE_LPM4, 0, 0, prefixes,
		      why) &&
	       create(&f->path[FORWARD_IP6].table, "routes6", XOK_TABLE_LPM6, 0, 0, prefixes, why);
}

static void destroy_all(struct forward *f)
{
	const uint32_t id[] = {f->adjacencies,
			       f->groups,
			       f->ports,
			       f->ours_table,
			       f->counters,
			       f->scratch,
			       f->vlans,
			       f->path[FORWARD_IP4].table,
			       f->path[FORWARD_IP6].table};

	for (size_t i = 0; i < sizeof(id) / sizeof(id[0]); i++) {
		if (id[i])
			(void)amp_table_destroy(id[i]);
	}
	f->hops.adjacency = NULL;
	f->hops.groups = NULL;
	f->port = NULL;
	f->ours = NULL;
	f->counters_mem = NULL;
}

bool forward_tables(struct forward *f, char why[AMP_WHY])
{
	if (create_all(f, why)) {
		f->hops.adjacency = memory(f->adjacencies,
					   sizeof(struct forward_adjacency) * FORWARD_ADJACENCIES);
		f->hops.groups = memory(f->groups, sizeof(struct forward_group) * FORWARD_GROUPS);
		f->port = memory(f->ports, sizeof(struct forward_port) * FORWARD_IFACES);
		f->ours = memory(f->ours_table, FORWARD_OURS);
		f->counters_mem = amp_table_map(f->counters);
		if (f->hops.adjacency && f->hops.groups && f->port && f->ours && f->counters_mem) {
			/* Nothing can be sent anywhere yet. */
			for (uint32_t i = 0; i < FORWARD_ADJACENCIES; i++)
				f->hops.adjacency[i].version = FORWARD_CLOSED;
			return true;
		}
		snprintf(why, AMP_WHY, "the tables cannot be mapped");
	}
	destroy_all(f);
	return false;
}

/* ---- programs ---- */

/* The table behind a module's name; 0: there is none of that name and size. */
static uint32_t table_named(const struct forward *f, const struct module_table *t)
{
	const struct {
		const char *name;
		uint32_t id;
		size_t bytes;
	} table[] = {
		{"adjacency", f->adjacencies,
		 sizeof(struct forward_adjacency) * FORWARD_ADJACENCIES},
		{"groups", f->groups, sizeof(struct forward_group) * FORWARD_GROUPS},
		{"ports", f->ports, sizeof(struct forward_port) * FORWARD_IFACES},
		{"ours", f->ours_table, FORWARD_OURS},
		{"counters", f->counters, sizeof(uint64_t) * FORWARD_COUNTERS},
		{"scratch", f->scratch, SCRATCH},
		{"vlans", f->vlans, 0},
		{"routes4", f->path[FORWARD_IP4].table, 0},
		{"routes6", f->path[FORWARD_IP6].table, 0},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (!strcmp(t->name, table[i].name) && t->bytes <= table[i].bytes)
			return table[i].id;
	}
	return 0;
}

static bool give_tables(const struct forward *f, const struct module *mod, bool tagged,
			struct xok_prog_spec *spec, char why[AMP_WHY])
{
	const uint16_t tag = tagged ? ETH_TAG : 0;

	for (uint32_t i = 0; i < mod->ntable; i++) {
		spec->table[i] = table_named(f, &mod->table[i]);
		if (!spec->table[i]) {
			snprintf(why, AMP_WHY, "its module wants a table %s that is not here",
				 mod->table[i].name);
			return false;
		}
		/* The destination is what nearly every packet is looked up for. */
		if (spec->table[i] == f->path[FORWARD_IP4].table)
			spec->lookahead[0] = (struct xok_lookahead){(uint16_t)(i + 1),
								    IP4_DST_AT + tag};
		if (spec->table[i] == f->path[FORWARD_IP6].table)
			spec->lookahead[0] = (struct xok_lookahead){(uint16_t)(i + 1),
								    IP6_DST_AT + tag};
	}
	spec->ntable = mod->ntable;
	return true;
}

static int64_t load(const struct forward *f, const struct forward_module *m, bool tagged,
		    char why[AMP_WHY])
{
	struct xok_prog_spec spec = {
		.kind = VC_KIND_HANDLER,
		.ports = (uint32_t)((1ull << f->pub->nport) - 1),
	};
	enum module_result r;
	struct module mod;

	r = module_parse(m->bytes, m->len, &mod);
	if (r != MODULE_OK || mod.kind != VC_KIND_HANDLER || mod.ntable > XOK_PROG_TABLES) {
		snprintf(why, AMP_WHY, "its module: %s",
			 r != MODULE_OK ? module_result_text(r) : "it is no handler");
		return XOK_EINVAL;
	}
	if (!give_tables(f, &mod, tagged, &spec, why))
		return XOK_EINVAL;
	spec.ninsn = mod.ninsn;
	spec.entry = mod.entry[0].insn;
	spec.min_len = mod.min_len;
	spec.budget = mod.budget;
	spec.rodata_len = mod.rodata_len;
	spec.data_len = mod.data_len;
	spec.insn = (uint64_t)(uintptr_t)mod.insn;
	spec.rodata = (uint64_t)(uintptr_t)mod.rodata;
	memcpy(spec.name, mod.name, strnlen(mod.name, sizeof(spec.name) - 1));
	return amp_prog_load(&spec, why);
}

bool forward_program(struct forward *f, enum forward_program which)
{
	static const char *const name[FORWARD_PROGRAMS] = {
		"IPv4 is forwarded", "IPv6 is forwarded", "IPv4 of VLANs is forwarded",
		"IPv6 of VLANs is forwarded", "what the host's own stack sends is left"};
	bool tagged = which == FORWARD_TAGGED4 || which == FORWARD_TAGGED6;
	char why[AMP_WHY] = "";
	int64_t prog;

	if (f->prog[which])
		return true;
	if (!f->module[which].bytes)
		return false;
	prog = load(f, &f->module[which], tagged, why);
	if (prog < 0) {
		amp_log("%s without a handler: %s", name[which], why);
		return false;
	}
	f->prog[which] = (uint32_t)prog;
	return true;
}

/* ---- filters ---- */

static struct xok_atom word(uint16_t off, uint16_t mask, uint16_t value)
{
	return (struct xok_atom){
		.off = off, .size = 2, .kind = XOK_ATOM_EQ, .mask = mask, .value = value};
}

static void add(struct forward *f, const struct xok_filter *filter, enum forward_program program,
		unsigned family, uint32_t iface)
{
	int64_t id;

	if (f->nfilter == FORWARD_FILTERS || !forward_program(f, program))
		return;
	id = amp_filter_add(f->ring, filter);
	if (id < 0) {
		amp_log("port %d is without a forwarding handler: its filter: %s",
			(int)filter->port, amp_strerror((int)id));
		return;
	}
	f->filter[f->nfilter++] = (struct forward_filter){.id = (uint32_t)id,
							  .program = (uint8_t)program,
							  .family = (uint8_t)family,
							  .iface = (uint8_t)iface,
							  .port = filter->port};
}

/* Packets of these Ethernet types; more specific filters, such as that of capsules, go before. */
static void add_families(struct forward *f, int32_t port)
{
	const uint16_t type[FORWARD_FAMILIES] = {ETH_IP4, ETH_IP6};

	for (unsigned i = 0; i < FORWARD_FAMILIES; i++) {
		struct xok_filter filter = {.port = port, .natoms = 1};

		filter.atom[0] = word(12, 0xffff, type[i]);
		if (f->path[i].usable)
			add(f, &filter, FORWARD_PLAIN4 + i, i, 0);
	}
}

static void add_vlan(struct forward *f, uint32_t iface)
{
	const uint16_t type[FORWARD_FAMILIES] = {ETH_IP4, ETH_IP6};
	const struct node_port *p = &f->pub->port[iface];
	struct xok_table_update u = {.op = XOK_TABLE_SET};
	uint32_t key = (uint32_t)p->device << 12 | p->vlan;

	memcpy(u.key, &key, sizeof(key));
	memcpy(u.value, &iface, sizeof(iface));
	if (amp_table_update(f->vlans, &u) < 0)
		return;
	for (unsigned i = 0; i < FORWARD_FAMILIES; i++) {
		struct xok_filter filter = {.port = p->device, .natoms = 3};

		filter.atom[0] = word(12, 0xffff, ETH_VLAN);
		filter.atom[1] = word(14, 0x0fff, p->vlan);
		filter.atom[2] = word(16, 0xffff, type[i]);
		if (f->path[i].usable)
			add(f, &filter, FORWARD_TAGGED4 + i, i, iface);
	}
}

static bool has_filter(const struct forward *f, uint32_t iface)
{
	for (uint32_t i = 0; i < f->nfilter; i++) {
		if (f->filter[i].iface == iface)
			return true;
	}
	return false;
}

static bool is_mirror(uint32_t port)
{
	return amp_port(port)->flags & XOK_PORT_MIRROR;
}

/* One filter serves all ports, unless some of them are mirrors: what these hear has another way. */
static void add_ports(struct forward *f)
{
	bool mirrors = false;

	for (uint32_t i = 0; i < f->pub->nport; i++)
		mirrors |= is_mirror(i);
	if (!mirrors)
		add_families(f, XOK_PORT_ANY);
	for (uint32_t i = 0; mirrors && i < f->pub->nport; i++) {
		const struct xok_filter all = {.port = (int32_t)i};

		if (is_mirror(i))
			add(f, &all, FORWARD_TO_TWIN, FORWARD_FAMILIES, 0);
		else
			add_families(f, (int32_t)i);
	}
}

void forward_filters(struct forward *f)
{
	if (!f->nfilter)
		add_ports(f);
	for (uint32_t i = FORWARD_VLANS; i < FORWARD_IFACES; i++) {
		if (f->pub->port[i].used && !has_filter(f, i))
			add_vlan(f, i);
	}
}
