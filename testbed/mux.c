/* SPDX-License-Identifier: BSD-2-Clause */
/* mux.c - lines between the nodes' consoles, the supervisor, and the clients on its socket (control.h). */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "supervisor.h"
#include "text.h"

#define CLOCK_TRIES 8u
#define CLOCK_EVERY 1000000000ull
/* Without a word about a request: longer than any command takes, and any client waits. */
#define SILENCE 60000000000ull

/* ---- events ---- */

static void broadcast(struct node *n, const char *json)
{
	struct sup *s = n->sup;

	dprintf(n->events, "%s\n", json);
	for (uint32_t i = 0; i < SUP_CLIENTS; i++)
		if (s->client[i].used && s->client[i].subscribed)
			chan_printf(&s->client[i].chan, "* %s %s\n", n->conf->name, json);
}

static void event(struct node *n, const char *json)
{
	cJSON *o = cJSON_Parse(json);
	const char *what = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, "event"));

	if (!what) {
		dprintf(n->log, "supervisor: not an event: %s\n", json);
	} else {
		broadcast(n, json);
		if (!strcmp(what, "ready") && n->state == NODE_STARTING)
			sup_node_ready(n->sup, n);
		else if (n->sup->opt->router)
			said_event(n, what, o);
	}
	cJSON_Delete(o);
}

/* ---- requests under way ---- */

static struct pending *pending_open(struct sup *s, struct node *n, struct client *c, const char *id,
				    const char *command)
{
	for (uint32_t i = 0; i < SUP_PENDING; i++) {
		struct pending *p = &s->pending[i];

		if (p->used)
			continue;
		*p = (struct pending){.used = true,
				      .serial = ++s->serial % 1000000,
				      .node = n,
				      .client = c,
				      .client_serial = c ? c->serial : 0,
				      .heard = loop_now()};
		snprintf(p->id, sizeof(p->id), "%s", id);
		if (sscanf(command, "show %23s", p->table) != 1)
			p->table[0] = 0;
		return p;
	}
	return NULL;
}

/* The id a node sees is SLOTxSERIAL: an answer to a request that is over finds no slot. */
static struct pending *pending_find(struct node *n, const char *id)
{
	unsigned slot, serial;
	char rest;

	if (sscanf(id, "%ux%u%c", &slot, &serial, &rest) != 2 || slot >= SUP_PENDING)
		return NULL;
	struct pending *p = &n->sup->pending[slot];
	return p->used && p->node == n && p->serial == serial ? p : NULL;
}

static struct client *pending_client(const struct pending *p)
{
	struct client *c = p->client;

	return c && c->used && c->serial == p->client_serial ? c : NULL;
}

/* Whoever asked hears why there is no answer. Its place is free before that, so who asks again at once finds one. */
static void pending_end(struct pending *p, const char *why)
{
	struct client *c = pending_client(p);
	char rest[160];

	p->used = false;
	if (c)
		chan_printf(&c->chan, "%s ! %s\n", p->id, why);
	snprintf(rest, sizeof(rest), "! %s", why);
	if (p->own)
		p->own(p->arg, rest);
}

void mux_end_requests(struct node *n, const char *why)
{
	for (uint32_t i = 0; i < SUP_PENDING; i++) {
		struct pending *p = &n->sup->pending[i];

		if (p->used && p->node == n)
			pending_end(p, why);
	}
}

/* Lines get lost when a console is full. What was asked must not stay asked for that, nor a place be taken for ever. */
void mux_tick(struct sup *s)
{
	uint64_t now = loop_now();

	for (uint32_t i = 0; i < SUP_PENDING; i++) {
		struct pending *p = &s->pending[i];
		bool ours = p->has_more &&
			    pending_client(p); /* to ask on, when the client reads on */

		if (p->used && !ours && now >= p->heard + SILENCE)
			pending_end(p, "the node does not answer");
	}
}

bool mux_ask(struct node *n, const char *command, void (*own)(void *arg, const char *rest),
	     void *arg)
{
	struct pending *p = chan_is_open(&n->control)
				    ? pending_open(n->sup, n, NULL, "own", command)
				    : NULL;

	if (!p)
		return false;
	p->own = own;
	p->arg = arg;
	chan_printf(&n->control, "%ux%u %s\n", (unsigned)(p - n->sup->pending), p->serial, command);
	return true;
}

/*
 * The clock command carries our time and half of the shortest way there and back that was seen. One that took much longer
 * than that came late, or no way is known yet: it is sent again at once, a few times. The shortest way is forgotten slowly.
 */
static void clock_answer(void *arg, const char *rest);

static void send_clock(struct node *n)
{
	char command[64];

	n->clock_due = loop_now() + CLOCK_EVERY;
	n->clock_sent = loop_now();
	snprintf(command, sizeof(command), "clock %" PRIu64, loop_wall() + n->clock_trip / 2);
	n->clock_busy = mux_ask(n, command, clock_answer, n);
}

static void clock_answer(void *arg, const char *rest)
{
	struct node *n = arg;
	uint64_t trip = loop_now() - n->clock_sent;
	bool good = n->clock_trip && trip <= 2 * n->clock_trip + 500000;

	if (*rest != '.' && *rest != '!')
		return;
	n->clock_busy = false;
	if (*rest == '!' && !n->clock_set && n->state != NODE_ENDED)
		sup_error(n->sup, "%s refuses its clock: %s", n->conf->name, rest + 1);
	n->clock_trip += n->clock_trip / 16;
	if (!n->clock_trip || trip < n->clock_trip)
		n->clock_trip = trip;
	if (!good && *rest == '.' && ++n->clock_tries < CLOCK_TRIES) {
		send_clock(n);
		return;
	}
	n->clock_tries = 0;
	n->clock_set = true;
}

void mux_clocks(struct sup *s)
{
	for (uint32_t i = 0; i < s->topo->nnode; i++) {
		struct node *n = &s->node[i];

		if (n->conf->kind == TOPO_XOK && n->state == NODE_READY && !n->clock_busy &&
		    chan_is_open(&n->control) && loop_now() >= n->clock_due)
			send_clock(n);
	}
}

static void ask_more(struct pending *p)
{
	p->has_more = false;
	p->heard = loop_now();
	chan_printf(&p->node->control, "%ux%u show %s from %u\n",
		    (unsigned)(p - p->node->sup->pending), p->serial, p->table, p->more);
}

/*
 * A part of a long table has ended (CONTROL.md). The next one is asked for when the client has taken this one: so a slow client keeps nobody waiting, and
 * for one that has gone nothing is asked any more.
 */
static void part_ended(struct pending *p, struct client *c, const char *from)
{
	uint64_t at;

	p->used = c || p->own;
	if (!p->used)
		return;
	/* One that does not go on from further behind would go on for ever. */
	if (!p->table[0] || parse_u64(from, &at) || at > UINT32_MAX || at <= p->more) {
		pending_end(p, "the node's answer makes no sense");
		return;
	}
	p->more = (uint32_t)at;
	p->has_more = true;
	if (!c || !c->chan.waits)
		ask_more(p);
}

static void client_room(void *arg)
{
	struct client *c = arg;

	for (uint32_t i = 0; i < SUP_PENDING; i++) {
		struct pending *p = &c->sup->pending[i];

		if (p->used && p->has_more && pending_client(p) == c)
			ask_more(p);
	}
}

static void answer(struct node *n, char *line)
{
	char *rest = strchr(line, ' ');

	if (rest)
		*rest++ = 0;
	struct pending *p = rest ? pending_find(n, line) : NULL;
	if (!p) {
		dprintf(n->log, "supervisor: answer to nothing: %s %s\n", line, rest ? rest : "");
		return;
	}
	struct client *c = pending_client(p);
	void (*own)(void *arg, const char *rest) = p->own;
	void *arg = p->arg;

	p->heard = loop_now();
	if (rest[0] == '+' && rest[1] == ' ') {
		part_ended(p, c, rest + 2);
		return;
	}
	if (c)
		chan_printf(&c->chan, "%s %s\n", p->id, rest);
	if (*rest == '.' || *rest == '!')
		p->used = false;
	if (own)
		own(arg, rest);
}

static void control_line(void *arg, char *line, bool cut)
{
	struct node *n = arg;

	if (cut)
		dprintf(n->log, "supervisor: line too long on the control console: %.200s...\n",
			line);
	else if (line[0] == '*' && line[1] == ' ')
		event(n, line + 2);
	else if (*line)
		answer(n, line);
}

static void request(struct node *n, struct client *c, const char *id, const char *command)
{
	if (n->conf->kind == TOPO_HOST) {
		chan_printf(
			&c->chan,
			"%s ! %s is a host, where Linux's own programs answer: amp testbed exec "
			"%s -- ip route\n",
			id, n->conf->name, n->conf->name);
		return;
	}
	if (!chan_is_open(&n->control)) {
		chan_printf(&c->chan, "%s ! node %s has ended: see amp testbed log\n", id,
			    n->conf->name);
		return;
	}
	struct pending *p = pending_open(n->sup, n, c, id, command);
	if (!p) {
		chan_printf(&c->chan, "%s ! too many requests are under way: ask again later\n",
			    id);
		return;
	}
	chan_printf(&n->control, "%ux%u %s\n", (unsigned)(p - n->sup->pending), p->serial, command);
}

/* ---- console 0 ---- */

static void people_in(void *arg, const char *buf, size_t len)
{
	struct node *n = arg;
	struct sup *s = n->sup;

	if (write(n->log, buf, len) < 0)
		return; /* a full disk must not end the testbed; the console itself goes on */
	for (uint32_t i = 0; i < SUP_CLIENTS; i++)
		if (s->client[i].used && s->client[i].console == n)
			chan_write(&s->client[i].chan, buf, len);
}

static void people_line(void *arg, char *line, bool cut)
{
	(void)arg;
	(void)line;
	(void)cut;
}

/* Its process ends, or closed it: the first is noticed by waitpid as well, so closing is all there is to do. */
static void people_closed(void *arg)
{
	chan_close(&((struct node *)arg)->people);
}

static void control_closed(void *arg)
{
	chan_close(&((struct node *)arg)->control);
}

int mux_node(struct node *n, const int people[2], const int control[2])
{
	n->people.on_raw = people_in;
	n->people.on_line = people_line;
	n->people.on_close = people_closed;
	n->people.arg = n;
	n->control.on_line = control_line;
	n->control.on_close = control_closed;
	n->control.arg = n;
	return chan_open(&n->sup->loop, &n->people, people[0], people[1]) ||
			       chan_open(&n->sup->loop, &n->control, control[0], control[1])
		       ? -1
		       : 0;
}

void mux_node_ended(struct node *n)
{
	struct sup *s = n->sup;
	char why[128], json[256];

	chan_drain(&n->people);
	chan_drain(&n->control);
	snprintf(json, sizeof(json), "node %s has ended: see amp testbed log", n->conf->name);
	mux_end_requests(n, json);
	chan_close(&n->people);
	chan_close(&n->control);
	said_close(n);
	snprintf(json, sizeof(json), "{\"event\":\"ended\",\"node\":\"%s\",\"why\":\"%s\"}",
		 n->conf->name, node_status_text(n, why, sizeof(why)));
	broadcast(n, json);
	if (!s->stopping)
		sup_node_ended(s, n, why);
}

/* ---- clients ---- */

static void client_close(void *arg)
{
	struct client *c = arg;

	/* What is listed for it goes no further; an answer that is under way finds nobody. */
	for (uint32_t i = 0; i < SUP_PENDING; i++) {
		struct pending *p = &c->sup->pending[i];

		if (p->used && p->has_more && pending_client(p) == c)
			p->used = false;
	}
	chan_close(&c->chan);
	c->used = false;
}

static void client_raw(void *arg, const char *buf, size_t len)
{
	struct client *c = arg;

	chan_write(&c->console->people, buf, len);
}

static struct node *node_named(struct sup *s, const char *name)
{
	uint32_t i = topo_find(s->topo, name);

	return i == TOPO_NONE ? NULL : &s->node[i];
}

static void no_node(struct client *c, const char *id, const char *name)
{
	chan_printf(&c->chan,
		    "%s ! there is no node '%.40s' in testbed %s: amp testbed status shows them\n",
		    id, name, c->sup->topo->name);
}

static void own_request(struct client *c, const char *id, const char *what)
{
	struct sup *s = c->sup;

	if (!strcmp(what, "subscribe")) {
		c->subscribed = true;
	} else if (!strncmp(what, "console ", 8)) {
		struct node *n = node_named(s, what + 8);

		if (!n) {
			no_node(c, id, what + 8);
			return;
		}
		if (n->conf->kind == TOPO_HOST) {
			chan_printf(
				&c->chan,
				"%s ! %s is a host, which has no console: amp testbed exec %s -- "
				"bash\n",
				id, n->conf->name, n->conf->name);
			return;
		}
		if (!chan_is_open(&n->people)) {
			chan_printf(&c->chan, "%s ! node %s has ended: see amp testbed log\n", id,
				    n->conf->name);
			return;
		}
		chan_printf(&c->chan, "%s .\n", id);
		c->console = n;
		c->chan.on_raw = client_raw;
		return;
	} else if (!strcmp(what, "reload") && s->opt->router) {
		reload_begin(s, c, id);
		return;
	} else if (!strcmp(what, "stop")) {
		sup_stop(s);
	} else if (!rows_answer(s, &c->chan, id, what)) {
		chan_printf(&c->chan,
			    "%s ! '%.40s': the supervisor knows testbed, nodes, links, principals, "
			    "rules, subscribe, console NODE, stop\n",
			    id, what);
		return;
	}
	chan_printf(&c->chan, "%s .\n", id);
}

static void client_line(void *arg, char *line, bool cut)
{
	struct client *c = arg;
	char *id = line, *node = strchr(line, ' ');
	char *command = node ? strchr(node + 1, ' ') : NULL;

	if (cut || !command || node == line || node - line > 15) {
		chan_printf(&c->chan, "? ! a request is: ID NODE COMMAND..., ID of 1 to 15 "
				      "characters, at most 8192 bytes\n");
		return;
	}
	*node++ = 0;
	*command++ = 0;
	if (!strcmp(node, "-")) {
		own_request(c, id, command);
		return;
	}
	struct node *n = node_named(c->sup, node);
	if (n)
		request(n, c, id, command);
	else
		no_node(c, id, node);
}

static void accept_client(void *arg, uint32_t events)
{
	struct sup *s = arg;
	int fd = accept4(s->listen.fd, NULL, NULL, SOCK_CLOEXEC);

	(void)events;
	for (uint32_t i = 0; fd >= 0 && i < SUP_CLIENTS; i++) {
		struct client *c = &s->client[i];

		if (c->used)
			continue;
		memset(c, 0, offsetof(struct client, chan));
		*c = (struct client){.sup = s, .used = true, .serial = ++s->serial};
		c->chan.on_line = client_line;
		c->chan.on_close = client_close;
		c->chan.on_room = client_room;
		c->chan.arg = c;
		if (chan_open(&s->loop, &c->chan, fd, fd)) {
			c->used = false;
			break;
		}
		return;
	}
	if (fd >= 0) {
		dprintf(fd, "? ! too many amp commands at once: try again\n");
		close(fd);
	}
}

int mux_open(struct sup *s)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd >= 0 && text_path(at.sun_path, 100, "%s/ctl", s->opt->dir) &&
	    bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0 && listen(fd, 16) == 0 &&
	    watch_open(&s->loop, &s->listen, fd, EPOLLIN, accept_client, s) == 0)
		return 0;
	sup_error(s, "cannot make the socket %s/ctl: %s", s->opt->dir, strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

void mux_close(struct sup *s)
{
	if (s->listen.loop) {
		watch_close(&s->listen);
		close(s->listen.fd);
	}
	for (uint32_t i = 0; i < SUP_CLIENTS; i++)
		if (s->client[i].used)
			client_close(&s->client[i]);
	for (uint32_t i = 0; i < s->topo->nnode; i++) {
		chan_close(&s->node[i].people);
		chan_close(&s->node[i].control);
		chan_close(&s->node[i].said);
	}
}
