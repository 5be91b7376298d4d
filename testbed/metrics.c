/* SPDX-License-Identifier: BSD-2-Clause */
#include "metrics.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "supervisor.h"
#include "version.h"

#define ASK_NS 5000000000ull   /* for the whole request to come */
#define NODE_NS 5000000000ull  /* for the node to answer */
#define READ_NS 10000000000ull /* for the answer to be taken */
#define LEAVE_NS 1000000000ull /* for the client to close */
#define FRESH_NS 100000000ull  /* a scrape is as good as a new one */

/* ---- answers ---- */

static void forget(void *arg)
{
	struct metrics_client *c = arg;

	chan_close(&c->chan);
	c->state = METRICS_FREE;
}

/* Our side is closed first, and the client's is waited for: else what it has not read might be lost (RFC 9112 9.6). */
static void answered(void *arg)
{
	struct metrics_client *c = arg;

	if (c->state != METRICS_READS || c->chan.waits)
		return;
	shutdown(c->chan.w.fd, SHUT_WR);
	c->state = METRICS_LEAVES;
	c->until = loop_now() + LEAVE_NS;
}

static void answer(struct metrics_client *c, int status, const char *body, size_t len)
{
	chan_printf(&c->chan,
		    "HTTP/1.1 %d %s\r\n"
		    "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
		    "Content-Length: %zu\r\n%s"
		    "Connection: close\r\n\r\n",
		    status, metrics_reason(status), len,
		    status == 405 ? "Allow: GET, HEAD\r\n" : "");
	if (!c->head)
		chan_write(&c->chan, body, len);
	if (!chan_is_open(&c->chan))
		return; /* it has gone */
	c->state = METRICS_READS;
	c->until = loop_now() + READ_NS;
	answered(c);
}

static void refuse(struct metrics_client *c, int status, const char *text)
{
	answer(c, status, text, strlen(text));
}

/* ---- what is scraped ---- */

static void drop_rows(struct metrics *m)
{
	for (unsigned i = 0; i < METRICS_TABLES; i++) {
		cJSON_Delete(m->rows[i]);
		m->rows[i] = NULL;
	}
}

static void print_body(struct metrics *m)
{
	free(m->body);
	m->body = NULL;
	FILE *f = open_memstream(&m->body, &m->body_len);

	if (!f)
		return;
	metrics_print(f, m->rows, m->sup->opt->router->name, AMP_VERSION);
	if (fclose(f) == 0)
		m->body_at = loop_now();
}

static void answer_all(struct metrics *m, bool good)
{
	for (unsigned i = 0; i < METRICS_CLIENTS; i++) {
		struct metrics_client *c = &m->client[i];

		if (c->state != METRICS_WAITS)
			continue;
		if (good && m->body)
			answer(c, 200, m->body, m->body_len);
		else
			refuse(c, 503, "the node does not answer\n");
	}
}

/* The node has been heard out, or for long enough. */
static void scraped(struct metrics *m, bool good)
{
	m->asked = 0;
	if (good)
		print_body(m);
	drop_rows(m);
	answer_all(m, good);
}

/* A table's rows come here. What comes for a scrape that was given up is not taken for one of the next. */
struct asked {
	struct metrics *m;
	unsigned table;
	uint64_t scrape;
};

static void take_row(struct metrics *m, unsigned table, const char *row)
{
	m->taken += strlen(row) + METRICS_ROW;
	m->failed = m->failed || m->taken > METRICS_TAKEN;
	if (!m->failed)
		cJSON_AddItemToArray(m->rows[table], cJSON_Parse(row));
}

static void node_says(void *arg, const char *rest)
{
	struct asked *a = arg;
	struct metrics *m = a->m;
	bool ours = m->asked && a->scrape == m->asked, end = *rest == '.' || *rest == '!';

	if (ours && !end)
		take_row(m, a->table, rest);
	if (!end)
		return;
	free(a);
	if (!ours)
		return;
	m->failed = m->failed || *rest == '!';
	if (--m->missing == 0)
		scraped(m, !m->failed);
}

static bool ask_table(struct metrics *m, unsigned table)
{
	struct asked *a = malloc(sizeof(*a));
	char command[64];

	if (!a)
		return false;
	*a = (struct asked){m, table, m->asked};
	m->rows[table] = cJSON_CreateArray();
	m->missing++;
	snprintf(command, sizeof(command), "show %s", metrics_table[table]);
	if (m->rows[table] && mux_ask(&m->sup->node[0], command, node_says, a))
		return true;
	free(a);
	return false;
}

static void scrape(struct metrics *m)
{
	if (m->body && loop_now() - m->body_at < FRESH_NS) {
		answer_all(m, true);
		return;
	}
	m->asked = loop_now();
	m->missing = 0;
	m->taken = 0;
	m->failed = false;
	for (unsigned i = 0; i < METRICS_TABLES; i++)
		if (!ask_table(m, i)) {
			scraped(m, false);
			return;
		}
}

/* ---- requests ---- */

static void request_in(void *arg, const char *buf, size_t len)
{
	struct metrics_client *c = arg;
	size_t room = sizeof(c->request) - c->len;

	if (c->state != METRICS_ASKS)
		return; /* one request a connection; what else comes is not read */
	len = len < room ? len : room;
	memcpy(c->request + c->len, buf, len);
	c->len += len;
	int status = metrics_request(c->request, c->len, &c->head);

	if (status == 200) {
		c->state = METRICS_WAITS;
		c->until = UINT64_MAX;
		if (!c->m->asked)
			scrape(c->m);
	} else if (status == 404) {
		refuse(c, status, "there is /metrics\n");
	} else if (status) {
		refuse(c, status, "");
	}
}

static void no_lines(void *arg, char *line, bool cut)
{
	(void)arg;
	(void)line;
	(void)cut;
}

/* A free one, or the one whose client we have waited for longest; NULL: all wait for the node. */
static struct metrics_client *make_room(struct metrics *m)
{
	struct metrics_client *oldest = NULL;

	for (unsigned i = 0; i < METRICS_CLIENTS; i++) {
		struct metrics_client *c = &m->client[i];

		if (c->state == METRICS_FREE)
			return c;
		if (c->state != METRICS_WAITS && (!oldest || c->until < oldest->until))
			oldest = c;
	}
	if (oldest)
		forget(oldest);
	return oldest;
}

static void client_in(void *arg, uint32_t events)
{
	struct metrics *m = arg;
	int fd = accept4(m->listen.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct metrics_client *c = fd < 0 ? NULL : make_room(m);

	(void)events;
	if (!c) {
		if (fd >= 0)
			close(fd);
		return;
	}
	*c = (struct metrics_client){.m = m, .state = METRICS_ASKS, .until = loop_now() + ASK_NS};
	c->chan.on_raw = request_in;
	c->chan.on_line = no_lines;
	c->chan.on_close = forget;
	c->chan.on_room = answered;
	c->chan.arg = c;
	if (chan_open(&m->sup->loop, &c->chan, fd, fd)) {
		close(fd);
		c->state = METRICS_FREE;
	}
}

/* ---- life ---- */

bool metrics_open(struct metrics *m, struct sup *s)
{
	const struct router *r = s->opt->router;
	const int one = 1;

	m->sup = s;
	if (!r || !r->metrics.length)
		return true;
	int fd = socket(r->metrics.address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
			0);
	const struct log_field f[] = {{"address", r->metrics.text, 0}, {0}};

	if (fd >= 0 && !setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) &&
	    !bind(fd, (const struct sockaddr *)&r->metrics.address, r->metrics.length) &&
	    !listen(fd, 16) && !watch_open(&s->loop, &m->listen, fd, EPOLLIN, client_in, m)) {
		log_event(s->opt->log, LOG_INFO, "router", "metrics", f,
			  "metrics are at http://%s/metrics", r->metrics.text);
		return true;
	}
	log_event(s->opt->log, LOG_ERR, "router", "no-metrics", f,
		  "there are no metrics: cannot listen at %s: %s", r->metrics.text,
		  strerror(errno));
	if (fd >= 0)
		close(fd);
	return false;
}

void metrics_close(struct metrics *m)
{
	if (m->listen.loop) {
		watch_close(&m->listen);
		close(m->listen.fd);
	}
	for (unsigned i = 0; i < METRICS_CLIENTS; i++)
		if (m->client[i].state != METRICS_FREE)
			forget(&m->client[i]);
	m->asked = 0;
	drop_rows(m);
	free(m->body);
	m->body = NULL;
}

void metrics_tick(struct metrics *m)
{
	uint64_t now = loop_now();

	for (unsigned i = 0; i < METRICS_CLIENTS; i++) {
		struct metrics_client *c = &m->client[i];

		if (c->state != METRICS_FREE && now >= c->until)
			forget(c);
	}
	if (m->asked && now >= m->asked + NODE_NS)
		scraped(m, false);
}
