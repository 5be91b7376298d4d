/* SPDX-License-Identifier: BSD-2-Clause */
#include "reload.h"

#include <errno.h>
#include <string.h>

#include "notify.h"
#include "supervisor.h"
#include "text.h"

static struct client *asker(const struct reload *l)
{
	struct client *c = l->client;

	return c && c->used && c->serial == l->client_serial ? c : NULL;
}

/* What is logged meanwhile goes to who asked as well. */
static void tell_asker(void *arg, int level, const char *message)
{
	struct sup *s = arg;
	struct client *c = asker(&s->reload);
	cJSON *o = c ? cJSON_CreateObject() : NULL;

	if (!o)
		return;
	cJSON_AddStringToObject(o, "level", log_level_name(level));
	cJSON_AddStringToObject(o, "message", message);
	char *text = cJSON_PrintUnformatted(o);

	if (text)
		chan_printf(&c->chan, "%s %s\n", s->reload.id, text);
	cJSON_free(text);
	cJSON_Delete(o);
}

static void listen_in(struct sup *s, bool on)
{
	s->opt->log->also = on ? tell_asker : NULL;
	s->opt->log->also_arg = s;
}

static void end(struct sup *s, const char *why)
{
	struct reload *l = &s->reload;
	struct client *c = asker(l);
	bool again = l->again;

	if (c && why)
		chan_printf(&c->chan, "%s ! %s\n", l->id, why);
	else if (c)
		chan_printf(&c->chan, "%s .\n", l->id);
	router_free(&l->next);
	*l = (struct reload){0};
	notify_send("READY=1\nSTATUS=Forwarding.");
	if (again)
		reload_begin(s, NULL, "");
}

static bool write_commands(struct sup *s, const struct router *r)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s.conf", s->opt->dir, s->opt->router->name);
	return text_write(path, r->commands, r->len) == 0;
}

/* ---- the second half: the node has answered ---- */

static void refused(struct sup *s, const char *why)
{
	const struct log_field f[] = {{"why", why, 0}, {0}};

	/* A node that is started again must find what is in force. */
	if (!write_commands(s, s->opt->router))
		sup_error(s, "cannot write %s/%s.conf: %s", s->opt->dir, s->opt->router->name,
			  strerror(errno));
	listen_in(s, true);
	log_event(s->opt->log, LOG_ERR, "node", "not-reloaded", f, "the node refuses %s: %s",
		  s->opt->file, why);
	listen_in(s, false);
	end(s, "nothing was changed");
}

/* What the machine is made of stays what it is; the rest is the new one's. */
static void in_force(struct sup *s)
{
	struct router *now = s->opt->router, *next = &s->reload.next;
	const struct log_field f[] = {{"file", s->opt->file, 0}, {0}};
	/* Those that could not be served where they should are tried again. */
	bool moved = strcmp(now->metrics.text, next->metrics.text) != 0 ||
		     (next->metrics.length && !s->metrics.listen.loop);
	char *commands = now->commands;

	now->commands = next->commands;
	now->len = next->len;
	next->commands = commands;
	now->metrics = next->metrics;
	listen_in(s, true);
	twins_update(s);
	if (moved) {
		metrics_close(&s->metrics);
		metrics_open(&s->metrics, s);
	}
	log_event(s->opt->log, LOG_NOTICE, "router", "reloaded", f, "%s is in force", s->opt->file);
	listen_in(s, false);
	end(s, NULL);
}

static void ask_node(struct sup *s);

/* An environment that was started again may have read the file before it was written. */
static void node_answers(void *arg, const char *rest)
{
	struct sup *s = arg;

	if (*rest == '.')
		in_force(s);
	else if (*rest == '!' && s->reload.restarted)
		ask_node(s);
	else if (*rest == '!')
		refused(s, rest + 1 + (rest[1] == ' '));
}

static void ask_node(struct sup *s)
{
	s->reload.restarted = false;
	if (!mux_ask(&s->node[0], "reload", node_answers, s))
		refused(s, "the node has ended, or has too much to do");
}

/* ---- the first half: the file ---- */

static void needs_start(void *arg, const char *what)
{
	struct sup *s = arg;
	const struct log_field f[] = {{"what", what, 0}, {0}};

	log_event(s->opt->log, LOG_WARNING, "config", "needs-restart", f,
		  "%s has changed, which is in force from the next start on", what);
}

/* Reads, checks and compares. NULL, or why it goes no further. */
static const char *read_file(struct sup *s)
{
	struct router *next = &s->reload.next;
	const struct router *now = s->opt->router;
	const struct log_field f[] = {{"file", s->opt->file, 0}, {0}};

	if (!router_load(next, s->opt->file, now->name, true, s->opt->log))
		return "nothing was changed";
	if (reload_compare(now, next, needs_start, s))
		return NULL;
	log_event(s->opt->log, LOG_ERR, "config", "not-reloaded", f,
		  "%s has other interfaces, or another name for the node, which takes a restart",
		  s->opt->file);
	return "nothing was changed";
}

void reload_begin(struct sup *s, struct client *client, const char *id)
{
	struct reload *l = &s->reload;

	if (l->busy || !s->ready) {
		l->again = l->again || !client;
		if (client)
			chan_printf(&client->chan, "%s ! the router %s: ask again later\n", id,
				    l->busy ? "reads its file already" : "is not ready yet");
		return;
	}
	*l = (struct reload){
		.busy = true, .client = client, .client_serial = client ? client->serial : 0};
	snprintf(l->id, sizeof(l->id), "%s", id);
	notify_send("RELOADING=1\nMONOTONIC_USEC=%llu", (unsigned long long)(loop_now() / 1000));
	listen_in(s, true);
	const char *why = read_file(s);
	listen_in(s, false);
	if (why)
		end(s, why);
	else if (!write_commands(s, &l->next))
		refused(s, strerror(errno));
	else
		ask_node(s);
}
