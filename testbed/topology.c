/* SPDX-License-Identifier: BSD-2-Clause */
/* topology.c - the YAML file of a topology: one table of keys per kind of mapping, positions in every error. */
#include "topology.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "reader.h"

/* ---- links ---- */

static int link_endpoint(struct reader *r, const yaml_node_t *v, void *arg)
{
	struct topo_link *l = arg;
	uint32_t end = l->node[0] != TOPO_NONE;
	const char *s = reader_scalar(r, v, "an endpoint");
	char node[TOPO_NODE_NAME];
	uint64_t port;

	if (!s)
		return -1;
	const char *colon = strchr(s, ':');
	if (l->node[1] != TOPO_NONE)
		return reader_bad(r, v, "a link has two endpoints: make two links");
	if (!colon || colon == s || (size_t)(colon - s) >= sizeof(node))
		return reader_bad(r, v, "endpoint '%.40s': write NODE:PORT, such as \"r1:0\"", s);
	memcpy(node, s, (size_t)(colon - s));
	node[colon - s] = 0;
	uint32_t n = topo_find(r->t, node);
	if (n == TOPO_NONE)
		return reader_bad(r, v, "endpoint '%.40s': there is no node '%s'; add it to nodes",
				  s, node);
	if (parse_u64(colon + 1, &port) || port >= TOPO_PORTS)
		return reader_bad(r, v, "endpoint '%.40s': ports are 0 to %u", s, TOPO_PORTS - 1);
	struct topo_port *p = &r->t->node[n].port[port];
	if (p->link != TOPO_NONE || (end && l->node[0] == n && l->port[0] == port))
		return reader_bad(r, v, "endpoint '%.40s' has a link already: use another port", s);
	p->link = (uint32_t)(l - r->t->link);
	p->end = end;
	l->node[end] = n;
	l->port[end] = (uint32_t)port;
	return 0;
}

static int link_endpoints(struct reader *r, const yaml_node_t *v, void *arg)
{
	struct topo_link *l = arg;

	if (reader_items(r, v, "endpoints", link_endpoint, l))
		return -1;
	if (l->node[1] == TOPO_NONE)
		return reader_bad(r, v, "a link has two endpoints: write [\"a:0\", \"b:0\"]");
	if (l->node[0] == l->node[1])
		return reader_bad(r, v, "a link from '%s' to itself: join two nodes",
				  r->t->node[l->node[0]].name);
	return 0;
}

static const struct parse_unit times[] = {
	{"ns", 1}, {"us", 1000}, {"ms", 1000000}, {"s", 1000000000}, {NULL, 0}};
static const struct parse_unit rates[] = {
	{"bit", 1}, {"kbit", 1000}, {"mbit", 1000000}, {"gbit", 1000000000}, {NULL, 0}};
static const struct parse_unit percent[] = {{"%", 10000}, {NULL, 0}};

static int link_delay(struct reader *r, const yaml_node_t *v, void *arg)
{
	return reader_quantity(r, v, "delay", times, 60000000000ull,
			       "write 5ms, 200us or 1s, up to 60s",
			       &((struct topo_link *)arg)->params.delay);
}

static int link_jitter(struct reader *r, const yaml_node_t *v, void *arg)
{
	return reader_quantity(r, v, "jitter", times, 60000000000ull,
			       "write 5ms, 200us or 1s, up to 60s",
			       &((struct topo_link *)arg)->params.jitter);
}

static int link_rate(struct reader *r, const yaml_node_t *v, void *arg)
{
	struct topo_link *l = arg;
	const char *form = "write 10mbit, 500kbit or 1gbit, 1kbit to 100gbit";

	if (reader_quantity(r, v, "rate", rates, 100000000000ull, form, &l->params.rate))
		return -1;
	return l->params.rate < 1000 ? reader_bad(r, v, "rate is below 1kbit: %s", form) : 0;
}

static int link_loss(struct reader *r, const yaml_node_t *v, void *arg)
{
	uint64_t loss;

	if (reader_quantity(r, v, "loss", percent, 1000000, "write 20% or 0.5%, 0% to 100%", &loss))
		return -1;
	((struct topo_link *)arg)->params.loss = (uint32_t)loss;
	return 0;
}

static int link_queue(struct reader *r, const yaml_node_t *v, void *arg)
{
	uint64_t n;

	if (reader_number(r, v, "queue", 1, RELAY_QUEUE_MAX, &n))
		return -1;
	((struct topo_link *)arg)->params.queue = (uint32_t)n;
	return 0;
}

/* RFC 8200 5: no link of IPv6 carries less than 1280 octets. */
static int link_mtu(struct reader *r, const yaml_node_t *v, void *arg)
{
	uint64_t n;

	if (reader_number(r, v, "mtu", RELAY_MTU_MIN, RELAY_MTU_MAX, &n))
		return -1;
	((struct topo_link *)arg)->params.mtu = (uint32_t)n;
	return 0;
}

struct addresses {
	uint32_t addr[2], plen[2], n;
};

static int link_address(struct reader *r, const yaml_node_t *v, void *arg)
{
	struct addresses *a = arg;
	const char *s = reader_scalar(r, v, "an address");

	if (!s)
		return -1;
	if (a->n == 2)
		return reader_bad(r, v, "a link has two addresses, one per endpoint");
	if (parse_prefix(s, &a->addr[a->n], &a->plen[a->n]) || a->plen[a->n] < 8 ||
	    a->plen[a->n] > 30)
		return reader_bad(r, v, "address '%.40s': write A.B.C.D/LEN with LEN 8 to 30", s);
	uint32_t host = ~prefix_mask(a->plen[a->n]);
	if ((a->addr[a->n] & host) == 0 || (a->addr[a->n] & host) == host)
		return reader_bad(
			r, v, "address '%.40s' is the network's own or its broadcast address", s);
	uint32_t first = a->addr[a->n] >> 24;
	if (first == 0 || first == 127 || first >= 224)
		return reader_bad(r, v, "address '%.40s' is no host's address: try 10.x.y.z", s);
	a->n++;
	return 0;
}

/* The endpoints may stand behind the addresses, so the link keeps them until topo_assign hands them to the ports. */
static int link_addresses(struct reader *r, const yaml_node_t *v, void *arg)
{
	struct topo_link *l = arg;
	struct addresses a = {.n = 0};

	if (reader_items(r, v, "addresses", link_address, &a))
		return -1;
	if (a.n != 2)
		return reader_bad(r, v, "a link has two addresses, one per endpoint: write both");
	uint32_t mask = prefix_mask(a.plen[0]);
	if (a.plen[0] != a.plen[1] || ((a.addr[0] ^ a.addr[1]) & mask) || a.addr[0] == a.addr[1])
		return reader_bad(r, v, "the two addresses of a link are two hosts of one network");
	l->addressed = true;
	l->net = a.addr[0] & mask;
	l->plen = a.plen[0];
	l->host[0] = a.addr[0];
	l->host[1] = a.addr[1];
	return 0;
}

struct addresses6 {
	uint8_t addr[2][16];
	uint32_t plen[2], n;
};

static int link_address6(struct reader *r, const yaml_node_t *v, void *arg)
{
	struct addresses6 *a = arg;
	const char *s = reader_scalar(r, v, "an address");
	static const uint8_t none[16];

	if (!s)
		return -1;
	if (a->n == 2)
		return reader_bad(r, v, "a link has two addresses, one per endpoint");
	if (parse_prefix6(s, a->addr[a->n], &a->plen[a->n]) || a->plen[a->n] < 16 ||
	    a->plen[a->n] > 127)
		return reader_bad(
			r, v,
			"address '%.60s': write it as fd00:1::1/64, with a length of 16 to 127", s);
	/* ::/16 holds the addresses that are no host's, or another family's. */
	if (a->addr[a->n][0] == 0xff || !memcmp(a->addr[a->n], none, 2) ||
	    (a->addr[a->n][0] == 0xfe && (a->addr[a->n][1] & 0xc0) == 0x80))
		return reader_bad(r, v,
				  "address '%.60s' is no host's global address: try fd00:x::y", s);
	a->n++;
	return 0;
}

static int link_addresses6(struct reader *r, const yaml_node_t *v, void *arg)
{
	struct topo_link *l = arg;
	struct addresses6 a = {.n = 0};
	uint8_t net[2][16];

	if (reader_items(r, v, "addresses6", link_address6, &a))
		return -1;
	if (a.n != 2)
		return reader_bad(r, v, "a link has two addresses, one per endpoint: write both");
	prefix6(net[0], a.addr[0], a.plen[0]);
	prefix6(net[1], a.addr[1], a.plen[1]);
	if (a.plen[0] != a.plen[1] || memcmp(net[0], net[1], 16) != 0 ||
	    !memcmp(a.addr[0], a.addr[1], 16))
		return reader_bad(r, v, "the two addresses of a link are two hosts of one network");
	memcpy(l->host6, a.addr, sizeof(l->host6));
	l->plen6 = a.plen[0];
	return 0;
}

/* The networks of two links must not overlap: which of them would a packet go to? */
static int check_overlap(struct reader *r, const yaml_node_t *item, const struct topo_link *l)
{
	for (uint32_t i = 0; i < r->t->nlink; i++) {
		const struct topo_link *o = &r->t->link[i];
		uint32_t shorter = l->plen < o->plen ? l->plen : o->plen;
		uint32_t shorter6 = l->plen6 < o->plen6 ? l->plen6 : o->plen6;
		uint8_t a[16], b[16];
		bool overlap = l->addressed && o->addressed &&
			       !((l->net ^ o->net) & prefix_mask(shorter));

		prefix6(a, l->host6[0], shorter6);
		prefix6(b, o->host6[0], shorter6);
		if (overlap || (shorter6 && !memcmp(a, b, 16)))
			return reader_bad(r, item,
					  "its network overlaps that of the link in line %zu",
					  o->line);
	}
	return 0;
}

static int one_link(struct reader *r, const yaml_node_t *item, void *arg)
{
	static const struct reader_key keys[] = {{"endpoints", link_endpoints, true},
						 {"delay", link_delay, false},
						 {"jitter", link_jitter, false},
						 {"loss", link_loss, false},
						 {"rate", link_rate, false},
						 {"queue", link_queue, false},
						 {"addresses", link_addresses, false},
						 {"addresses6", link_addresses6, false},
						 {"mtu", link_mtu, false}};
	struct topo *t = arg;
	struct topo_link *l = &t->link[t->nlink];

	if (t->nlink == TOPO_LINKS)
		return reader_bad(r, item, "more than %u links: this testbed has no more",
				  TOPO_LINKS);
	memset(l, 0, sizeof(*l));
	l->node[0] = l->node[1] = TOPO_NONE;
	l->params.queue = 64;
	l->line = item->start_mark.line + 1;
	if (reader_map(r, item, "a link", keys, 9, l))
		return -1;
	if (l->params.jitter > l->params.delay)
		return reader_bad(r, item,
				  "jitter is larger than delay: nothing arrives before it is sent");
	if (check_overlap(r, item, l))
		return -1;
	t->nlink++;
	return 0;
}

/* ---- principals and rules ---- */

static int principal_name(struct reader *r, const yaml_node_t *v, void *arg)
{
	struct topo_principal *p = arg;

	return reader_name(r, v, "a principal's name", p->name, sizeof(p->name));
}

static int path_value(struct reader *r, const yaml_node_t *v, const char *what, char *out)
{
	const char *s = reader_scalar(r, v, what);

	if (!s)
		return -1;
	if (!*s || strlen(s) >= TOPO_PATH)
		return reader_bad(r, v, "%s has 1 to %u characters", what, TOPO_PATH - 1);
	strcpy(out, s);
	return 0;
}

static int principal_key(struct reader *r, const yaml_node_t *v, void *arg)
{
	return path_value(r, v, "key", ((struct topo_principal *)arg)->path);
}

static int one_principal(struct reader *r, const yaml_node_t *item, void *arg)
{
	static const struct reader_key keys[] = {{"name", principal_name, true},
						 {"key", principal_key, true}};
	struct topo *t = arg;
	struct topo_principal *p = &t->principal[t->nprincipal];

	if (t->nprincipal == TOPO_PRINCIPALS)
		return reader_bad(r, item, "more than %u principals", TOPO_PRINCIPALS);
	memset(p, 0, sizeof(*p));
	p->line = item->start_mark.line + 1;
	if (reader_map(r, item, "a principal", keys, 2, p))
		return -1;
	for (uint32_t i = 0; i < t->nprincipal; i++)
		if (!strcmp(t->principal[i].name, p->name))
			return reader_bad(r, item, "principal '%s' stands twice: rename one",
					  p->name);
	t->nprincipal++;
	return 0;
}

static int allow_principal(struct reader *r, const yaml_node_t *v, void *arg)
{
	struct topo_allow *a = arg;
	const char *s = reader_scalar(r, v, "principal");

	if (!s)
		return -1;
	for (uint32_t i = 0; i < r->t->nprincipal; i++)
		if (!strcmp(r->t->principal[i].name, s)) {
			a->principal = i;
			return 0;
		}
	return reader_bad(r, v, "there is no principal '%.40s': add it to principals", s);
}

static int allow_module(struct reader *r, const yaml_node_t *v, void *arg)
{
	return path_value(r, v, "module", ((struct topo_allow *)arg)->module);
}

static int allow_budget(struct reader *r, const yaml_node_t *v, void *arg)
{
	uint64_t n;

	if (reader_number(r, v, "budget", 1, UINT32_MAX, &n))
		return -1;
	((struct topo_allow *)arg)->budget = (uint32_t)n;
	return 0;
}

static int allow_at_node(struct reader *r, const yaml_node_t *v, void *arg)
{
	const char *s = reader_scalar(r, v, "a node");

	if (!s)
		return -1;
	uint32_t n = topo_find(r->t, s);
	if (n == TOPO_NONE)
		return reader_bad(r, v, "there is no node '%.40s': add it to nodes", s);
	((struct topo_allow *)arg)->at |= 1ull << n;
	return 0;
}

static int allow_at(struct reader *r, const yaml_node_t *v, void *arg)
{
	if (reader_items(r, v, "at", allow_at_node, arg))
		return -1;
	return ((struct topo_allow *)arg)->at ? 0
					      : reader_bad(r, v, "'at' names no node: name one");
}

static int one_allow(struct reader *r, const yaml_node_t *item, void *arg)
{
	static const struct reader_key keys[] = {{"principal", allow_principal, true},
						 {"module", allow_module, true},
						 {"budget", allow_budget, true},
						 {"at", allow_at, false}};
	struct topo *t = arg;
	struct topo_allow *a = &t->allow[t->nallow];

	if (t->nallow == TOPO_ALLOWS)
		return reader_bad(r, item, "more than %u rules", TOPO_ALLOWS);
	memset(a, 0, sizeof(*a));
	a->line = item->start_mark.line + 1;
	if (reader_map(r, item, "a rule", keys, 4, a))
		return -1;
	t->nallow++;
	return 0;
}

/* ---- the file ---- */

static int top_name(struct reader *r, const yaml_node_t *v, void *arg)
{
	(void)arg;
	return reader_name(r, v, "name", r->t->name, sizeof(r->t->name));
}

static int top_seed(struct reader *r, const yaml_node_t *v, void *arg)
{
	(void)arg;
	return reader_number(r, v, "seed", 0, UINT64_MAX, &r->t->seed);
}

#define KEEP(field)                                                                \
	static int keep_##field(struct reader *r, const yaml_node_t *v, void *arg) \
	{                                                                          \
		(void)arg;                                                         \
		r->field = v;                                                      \
		return 0;                                                          \
	}
KEEP(topology)
KEEP(nodes)
KEEP(links)
KEEP(principals)
KEEP(allow)
#undef KEEP

/* Ports are numbered without gaps: the node's ports are devices, and port 2 of two devices does not exist. */
static int check_ports(struct reader *r)
{
	for (uint32_t i = 0; i < r->t->nnode; i++) {
		struct topo_node *n = &r->t->node[i];

		for (uint32_t p = 0; p < TOPO_PORTS; p++) {
			if (n->port[p].link == TOPO_NONE)
				continue;
			if (n->nport != p) {
				reader_bad(r, NULL,
					   "node '%s' has a port %u but no port %u: number them "
					   "from 0 without gaps",
					   n->name, p, n->nport);
				r->err->line = n->line;
				r->err->column = 1;
				return -1;
			}
			n->nport++;
		}
	}
	return 0;
}

static int read_document(struct reader *r)
{
	static const struct reader_key top[] = {{"name", top_name, true},
						{"seed", top_seed, false},
						{"topology", keep_topology, true},
						{"principals", keep_principals, false},
						{"allow", keep_allow, false}};
	static const struct reader_key parts[] = {{"nodes", keep_nodes, true},
						  {"links", keep_links, false}};
	const yaml_node_t *root = yaml_document_get_root_node(r->doc);

	if (!root)
		return reader_bad(r, NULL, "the file is empty: see testbed/topologies/demo.yaml");
	if (reader_map(r, root, "the topology file", top, 5, NULL) ||
	    reader_map(r, r->topology, "'topology'", parts, 2, NULL) ||
	    reader_pairs(r, r->nodes, "nodes", topology_node, r->t))
		return -1;
	if (!r->t->nnode)
		return reader_bad(r, r->nodes,
				  "there are no nodes: add one, such as h1: {kind: edge}");
	if ((r->links && reader_items(r, r->links, "links", one_link, r->t)) ||
	    (r->principals && reader_items(r, r->principals, "principals", one_principal, r->t)) ||
	    (r->allow && reader_items(r, r->allow, "allow", one_allow, r->t)))
		return -1;
	return check_ports(r) || topo_assign(r->t, r->err) ? -1 : 0;
}

int topo_parse(struct topo *t, const char *text, size_t len, struct topo_error *err)
{
	yaml_parser_t parser;
	yaml_document_t doc;
	struct reader r = {.t = t, .doc = &doc, .err = err};

	memset(t, 0, sizeof(*t));
	memset(err, 0, sizeof(*err));
	t->seed = 1;
	if (!yaml_parser_initialize(&parser))
		return reader_bad(&r, NULL, "no memory for the YAML parser");
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	int rc = -1;
	if (yaml_parser_load(&parser, &doc)) {
		rc = read_document(&r);
		yaml_document_delete(&doc);
	} else {
		reader_bad(&r, NULL, "not YAML: %s",
			   parser.problem ? parser.problem : "unreadable");
		err->line = parser.problem_mark.line + 1;
		err->column = parser.problem_mark.column + 1;
	}
	yaml_parser_delete(&parser);
	return rc;
}

int topo_read(struct topo *t, const char *path, struct topo_error *err)
{
	size_t len;
	char *text = text_file(path, TOPO_FILE_MAX, &len);

	memset(err, 0, sizeof(*err));
	if (!text) {
		snprintf(err->text, sizeof(err->text), "cannot read it: %s", strerror(errno));
		return -1;
	}
	int rc = topo_parse(t, text, len, err);
	free(text);
	return rc;
}
