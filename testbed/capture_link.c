/* SPDX-License-Identifier: BSD-2-Clause */
/* capture_link.c - records are handed out as they stand in the message, after a look at their lengths. */
#include "capture_link.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "cmd.h"
#include "cmd_up.h"
#include "text.h"

__attribute__((format(printf, 2, 3))) static bool fail(struct capture_link *l, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(l->err, sizeof(l->err), fmt, ap);
	va_end(ap);
	return false;
}

/* ---- which node ---- */

static bool is_router(struct capture_link *l, struct control *c, const char *node)
{
	cJSON *nodes = control_ask(c, "-", "nodes");
	char kind[32] = "", names[300] = "";
	const cJSON *row;

	if (!nodes)
		return fail(l, "%s", c->err);
	cJSON_ArrayForEach(row, nodes)
	{
		if (!strcmp(member_text(row, "node"), node))
			snprintf(kind, sizeof(kind), "%s", member_text(row, "kind"));
		if (!strcmp(member_text(row, "kind"), "router"))
			text_append(names, sizeof(names), " %s", member_text(row, "node"));
	}
	cJSON_Delete(nodes);
	if (!strcmp(kind, "router"))
		return true;
	if (!*kind)
		return fail(l, "there is no node '%.40s': amp testbed status shows them", node);
	return fail(
		l,
		"%s is of kind %s, and only routers can be watched from inside%s%s; amp testbed "
		"up --capture records the links of all nodes",
		node, kind, *names ? ":" : "", names);
}

/* A path of any length, by way of a descriptor of the directory. */
static bool connect_to(struct capture_link *l, const char *dir, const char *node)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int at_dir = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);

	l->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	snprintf(at.sun_path, sizeof(at.sun_path), "/proc/self/fd/%d/%.40s.capture", at_dir, node);
	int rc = at_dir < 0 || l->fd < 0 ? -1
					 : connect(l->fd, (const struct sockaddr *)&at, sizeof(at));
	int why = errno;

	if (at_dir >= 0)
		close(at_dir);
	return rc == 0 || fail(l, "cannot connect to %s/%s.capture: %s%s", dir, node, strerror(why),
			       why == ENOENT || why == ECONNREFUSED
				       ? ": the node does not run; see amp testbed status"
			       : why == EACCES ? ": it is another user's"
					       : "");
}

static bool read_hello(struct capture_link *l)
{
	const struct capture_head *h = capture_link_next(l);

	if (!h)
		return *l->err || fail(l, "it refuses the connection");
	if (h->type != CAPTURE_HELLO || h->size != sizeof(l->hello))
		return fail(l, "the node is of another version than this amp");
	memcpy(&l->hello, h, sizeof(l->hello));
	if (l->hello.magic == CAPTURE_MAGIC && l->hello.nport <= CAPTURE_PORTS)
		return true;
	return fail(l, "the node is of another version than this amp");
}

bool capture_link_open(struct capture_link *l, const char *testbed, const char *node)
{
	static struct control c;
	bool good;

	memset(l, 0, sizeof(*l));
	l->fd = -1;
	if (!places_open(&c, testbed, node))
		return fail(l, "%s", c.err);
	good = is_router(l, &c, node) && connect_to(l, c.dir, node) && read_hello(l);
	control_close(&c);
	return good;
}

void capture_link_close(struct capture_link *l)
{
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
}

const char *capture_link_port_name(const struct capture_link *l, uint32_t port)
{
	return port < l->hello.nport ? l->hello.port[port].name : "?";
}

bool capture_link_port(struct capture_link *l, const char *name, uint32_t *port)
{
	char names[300] = "";
	uint64_t number;

	for (*port = 0; *port < l->hello.nport; ++*port) {
		if (!strcmp(name, l->hello.port[*port].name))
			return true;
		text_append(names, sizeof(names), " %s", l->hello.port[*port].name);
	}
	if (parse_u64(name, &number) || number >= l->hello.nport)
		return fail(l, "there is no port '%.40s': %s has%s", name, l->hello.node, names);
	*port = (uint32_t)number;
	return true;
}

/* ---- requests and records ---- */

bool capture_link_ask(struct capture_link *l, const struct capture_request *r,
		      const struct xok_filter *f)
{
	/* Neither is written to. */
	struct iovec iov[2] = {{(void *)(uintptr_t)r, sizeof(*r)},
			       {(void *)(uintptr_t)f, r->nfilter * sizeof(*f)}};
	const struct msghdr m = {.msg_iov = iov, .msg_iovlen = r->nfilter ? 2 : 1};

	return sendmsg(l->fd, &m, MSG_NOSIGNAL) > 0 || fail(l, "the node has ended");
}

/* A message, or the end. Who reads what we print may be gone, and would be noticed only at the next packet: that counts as a signal. */
static bool receive(struct capture_link *l)
{
	for (;;) {
		struct pollfd p[2] = {{.fd = l->fd, .events = POLLIN},
				      {.fd = l->hung_up ? -1 : STDOUT_FILENO}};
		int ready = poll(p, 2, 100);

		if ((cmd_interrupted || (ready > 0 && p[1].revents & POLLERR)) && !l->hung_up) {
			l->hung_up = true;
			shutdown(l->fd, SHUT_WR);
		}
		if (ready <= 0 || !p[0].revents)
			continue;
		ssize_t n = recv(l->fd, l->message, sizeof(l->message), MSG_DONTWAIT);

		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		l->at = 0;
		l->len = n > 0 ? (size_t)n : 0;
		return n > 0 || fail(l, "the node has ended");
	}
}

/* Its members may be believed: it is of this length, and what follows it is there. */
static bool sound(const struct capture_head *h)
{
	const struct capture_packet *p = (const void *)h;
	const struct capture_trace *t = (const void *)h;

	switch (h->type) {
	case CAPTURE_PACKET:
		return h->size >= sizeof(*p) && p->captured <= XOK_FRAME_MAX &&
		       h->size == sizeof(*p) + capture_round(p->captured);
	case CAPTURE_TRACE:
		return h->size >= sizeof(*t) && p->captured <= XOK_FRAME_MAX &&
		       t->left_captured <= XOK_FRAME_MAX &&
		       h->size == sizeof(*t) + capture_round(p->captured) +
					  capture_round(t->left_captured);
	case CAPTURE_HELLO: return h->size == sizeof(struct capture_hello);
	case CAPTURE_END: return h->size == sizeof(struct capture_end);
	case CAPTURE_REFUSED: return h->size == sizeof(struct capture_refused);
	default: return false;
	}
}

bool capture_link_more(const struct capture_link *l)
{
	return l->at < l->len;
}

const struct capture_head *capture_link_next(struct capture_link *l)
{
	if (l->at >= l->len && !receive(l))
		return NULL;
	const struct capture_head *h = (const void *)(l->message + l->at);
	size_t left = l->len - l->at;

	if (left < sizeof(*h) || h->size % 8 || h->size > left || !sound(h)) {
		fail(l, "the node sends what is no record: it is of another version than this amp");
		return NULL;
	}
	l->at += h->size;
	if (h->type != CAPTURE_REFUSED)
		return h;
	fail(l, "the node refuses: %.*s", (int)CAPTURE_TEXT,
	     ((const struct capture_refused *)h)->text);
	return NULL;
}
