/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * said.c - `amp router` listens: what the kernel says on its standard error goes to the node's log, as the kernel would have written it there, and what of it an
 * operator must know becomes an event; the node's own events likewise.
 */
#include <string.h>
#include <unistd.h>

#include "supervisor.h"

/* xok/linux/port.c: a link has changed. */
static bool link_changed(struct node *n, const char *text)
{
	char port[32], state[8];
	int end = 0;

	if (sscanf(text, "port %31[^:]: link is %7[a-z]%n", port, state, &end) != 2 ||
	    (text[end] && text[end] != ':'))
		return false;
	const struct log_field f[] = {{"interface", port, 0}, {"state", state, 0}, {0}};

	log_often(n->sup->opt->log, strcmp(state, "up") ? LOG_WARNING : LOG_NOTICE, "kernel",
		  "link", f, "%s: link is %s%s", port, state, text + end);
	return true;
}

/* xok/linux/env.c: something is wrong with an environment. The root environment, "init", will be started again. */
static bool environment_lost(struct node *n, const char *text)
{
	char name[32];
	int why = 0;

	if (sscanf(text, "environment %31[^:]: %n", name, &why) != 1 || !why || !text[why])
		return false;
	const struct log_field f[] = {{"environment", name, 0}, {"why", text + why, 0}, {0}};

	if (!strcmp(name, "init") && !n->lost_at)
		n->lost_at = loop_now();
	log_often(n->sup->opt->log, LOG_WARNING, "kernel", "environment", f, "%s", text);
	return true;
}

/* A line is "<LEVEL>TEXT", since we are to it what the journal would be; libraries in it write lines of their own. */
static void kernel_line(void *arg, char *line, bool cut)
{
	struct node *n = arg;
	unsigned level;
	int text = 0;

	(void)cut;
	if (sscanf(line, "<%1u>%n", &level, &text) != 1 || !text) {
		dprintf(n->log, "%s\n", line);
		return;
	}
	dprintf(n->log, "xokd: %s\n", line + text);
	if (link_changed(n, line + text) || environment_lost(n, line + text))
		return;
	if (level == LOG_WARNING)
		log_often(n->sup->opt->log, LOG_WARNING, "kernel", "warning", NULL, "%s",
			  line + text);
}

static void kernel_closed(void *arg)
{
	chan_close(&((struct node *)arg)->said);
}

int said_open(struct node *n, int fd)
{
	n->said.on_line = kernel_line;
	n->said.on_close = kernel_closed;
	n->said.arg = n;
	return chan_open(&n->sup->loop, &n->said, fd, fd);
}

void said_close(struct node *n)
{
	chan_drain(&n->said);
	chan_close(&n->said);
}

static const char *member(const cJSON *o, const char *name)
{
	const char *s = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, name));

	return s ? s : "";
}

/* Ready once more: its environment had ended, and another one has taken over. */
static void started_again(struct node *n)
{
	double seconds = n->lost_at ? (double)(loop_now() - n->lost_at) / 1e9 : 0;
	const struct log_field f[] = {{"seconds", NULL, seconds}, {0}};

	n->lost_at = 0;
	n->sup->reload.restarted = n->sup->reload.busy;
	mux_end_requests(n, "the node's environment was started again meanwhile: ask again");
	log_often(n->sup->opt->log, LOG_WARNING, "node", "restarted", f,
		  "the node's environment was started again, %.2f s after it ended", seconds);
}

void said_event(struct node *n, const char *what, const cJSON *o)
{
	struct log *l = n->sup->opt->log;

	if (!strcmp(what, "ready") && n->state == NODE_READY) {
		started_again(n);
	} else if (!strcmp(what, "domain")) {
		const char *name = member(o, "name"), *state = member(o, "state"),
			   *why = member(o, "why");
		const struct log_field f[] = {
			{"domain", name, 0}, {"state", state, 0}, {"why", why, 0}, {0}};

		log_often(l, strcmp(state, "started") ? LOG_WARNING : LOG_INFO, "node", "domain", f,
			  "domain %s %s%s%s", name, state, *why ? ": " : "", why);
	} else if (!strcmp(what, "log")) {
		const char *source = member(o, "source"), *text = member(o, "text");
		const struct log_field f[] = {{"source", source, 0}, {0}};

		log_often(l, LOG_NOTICE, "node", "log", f, "%s: %s", source, text);
	}
}
