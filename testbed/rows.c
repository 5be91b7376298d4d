/* SPDX-License-Identifier: BSD-2-Clause */
/* rows.c - the supervisor's own tables: what `amp testbed status` shows, and what commands need to know of the topology. */
#include <string.h>

#include <cjson/cJSON.h>

#include "supervisor.h"

static void row(struct chan *to, const char *id, cJSON *o)
{
	char *text = cJSON_PrintUnformatted(o);

	if (text)
		chan_printf(to, "%s %s\n", id, text);
	cJSON_free(text);
	cJSON_Delete(o);
}

static double ms(uint64_t ns)
{
	return (double)(ns / 1000) / 1000.0;
}

static void testbed_row(struct sup *s, struct chan *to, const char *id)
{
	cJSON *o = cJSON_CreateObject();

	cJSON_AddStringToObject(o, "name", s->topo->name);
	cJSON_AddStringToObject(o, "file", s->opt->file);
	cJSON_AddStringToObject(o, "dir", s->opt->dir);
	cJSON_AddStringToObject(o, "data", s->opt->data);
	cJSON_AddBoolToObject(o, "ready", s->ready);
	cJSON_AddNumberToObject(o, "ready_ms", s->ready ? ms(s->ready_at - s->began) : 0);
	cJSON_AddNumberToObject(o, "up_ms", ms(loop_now() - s->began));
	row(to, id, o);
}

static void node_rows(struct sup *s, struct chan *to, const char *id)
{
	for (uint32_t i = 0; i < s->topo->nnode; i++) {
		struct node *n = &s->node[i];
		cJSON *o = cJSON_CreateObject(), *all = cJSON_CreateArray();
		char text[128] = "";

		cJSON_AddStringToObject(o, "node", n->conf->name);
		cJSON_AddStringToObject(o, "kind", topo_kind_name(n->conf->kind));
		cJSON_AddStringToObject(o, "state", node_state_name(n->state));
		cJSON_AddStringToObject(o, "address",
					topo_addr_text(topo_address(s->topo, i), text));
		for (uint32_t p = 0; p < n->conf->nport; p++)
			cJSON_AddItemToArray(all, cJSON_CreateString(topo_addr_text(
							  n->conf->port[p].addr, text)));
		cJSON_AddItemToObject(o, "addresses", all);
		cJSON_AddNumberToObject(o, "pid", n->pid);
		cJSON_AddBoolToObject(o, "namespaces", node_is_inside(n));
		cJSON_AddNumberToObject(o, "memory_mib",
					topo_forwards(n->conf->kind) ? n->conf->memory : 0);
		cJSON_AddNumberToObject(o, "ready_ms",
					n->state == NODE_READY ? ms(n->ready_at - n->sup->began)
							       : 0);
		if (n->state == NODE_ENDED)
			cJSON_AddStringToObject(o, "why", node_status_text(n, text, sizeof(text)));
		row(to, id, o);
	}
}

/* One row per direction. */
static void link_rows(struct sup *s, struct chan *to, const char *id)
{
	for (uint32_t i = 0; i < s->nport; i++) {
		const struct port *p = &s->port[i], *far = &s->port[p->peer];
		const struct relay *r = &p->relay;
		cJSON *o = cJSON_CreateObject(), *drops = cJSON_CreateObject();
		char text[64];

		snprintf(text, sizeof(text), "%s:%u", s->topo->node[p->node].name, p->port);
		cJSON_AddStringToObject(o, "from", text);
		snprintf(text, sizeof(text), "%s:%u", s->topo->node[far->node].name, far->port);
		cJSON_AddStringToObject(o, "to", text);
		cJSON_AddNumberToObject(o, "link", i / 2);
		cJSON_AddNumberToObject(o, "delay_ms", ms(r->params.delay));
		cJSON_AddNumberToObject(o, "jitter_ms", ms(r->params.jitter));
		cJSON_AddNumberToObject(o, "loss_percent", r->params.loss / 10000.0);
		cJSON_AddNumberToObject(o, "rate_bps", (double)r->params.rate);
		cJSON_AddNumberToObject(o, "queue", r->params.queue);
		cJSON_AddNumberToObject(o, "waiting", relay_waiting(r, loop_now()));
		cJSON_AddNumberToObject(o, "in_frames", (double)r->in_frames);
		cJSON_AddNumberToObject(o, "in_bytes", (double)r->in_bytes);
		cJSON_AddNumberToObject(o, "out_frames", (double)r->out_frames);
		cJSON_AddNumberToObject(o, "out_bytes", (double)r->out_bytes);
		for (int d = 1; d < RELAY_NDROP; d++)
			cJSON_AddNumberToObject(drops, relay_drop_name(d), (double)r->drops[d]);
		cJSON_AddItemToObject(o, "drops", drops);
		row(to, id, o);
	}
}

static void principal_rows(struct sup *s, struct chan *to, const char *id)
{
	for (uint32_t i = 0; i < s->topo->nprincipal; i++) {
		cJSON *o = cJSON_CreateObject();

		cJSON_AddStringToObject(o, "name", s->topo->principal[i].name);
		cJSON_AddStringToObject(o, "key", s->topo->principal[i].path);
		row(to, id, o);
	}
}

static void rule_rows(struct sup *s, struct chan *to, const char *id)
{
	for (uint32_t i = 0; i < s->topo->nallow; i++) {
		const struct topo_allow *a = &s->topo->allow[i];
		cJSON *o = cJSON_CreateObject();

		cJSON_AddStringToObject(o, "principal", s->topo->principal[a->principal].name);
		cJSON_AddStringToObject(o, "module", a->module);
		cJSON_AddNumberToObject(o, "budget", a->budget);
		row(to, id, o);
	}
}

bool rows_answer(struct sup *s, struct chan *to, const char *id, const char *what)
{
	static const struct {
		const char *name;
		void (*fn)(struct sup *s, struct chan *to, const char *id);
	} tables[] = {{"testbed", testbed_row},
		      {"nodes", node_rows},
		      {"links", link_rows},
		      {"principals", principal_rows},
		      {"rules", rule_rows}};

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		if (!strcmp(tables[i].name, what)) {
			tables[i].fn(s, to, id);
			return true;
		}
	return false;
}
