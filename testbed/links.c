/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * links.c - every link of the testbed: for each port two Unix datagram sockets, the node's and ours, or a TAP in a host's network
 * namespace, and a relay for each direction between them.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "supervisor.h"
#include "text.h"

/* A receiver whose socket was full is tried again after this long; Unix sockets do not tell a sender when. */
#define RETRY_NS 500000u

/* ---- capture: pcap with nanoseconds, link type 1 (Ethernet) ---- */

static FILE *capture_open(struct sup *s, const struct port *p)
{
	char path[STATE_DIR_MAX + 64];
	const struct {
		uint32_t magic;
		uint16_t major, minor;
		uint32_t zone, accuracy, snap, type;
	} head = {0xa1b23c4d, 2, 4, 0, 0, 65535, 1};

	snprintf(path, sizeof(path), "%s/%s-%u.pcap", s->opt->dir, s->topo->node[p->node].name,
		 p->port);
	FILE *f = fopen(path, "we");
	if (f)
		fwrite(&head, sizeof(head), 1, f);
	return f;
}

/* Frames are flushed one by one: a test reads the file while the testbed runs. */
static void capture(struct port *p, const void *frame, size_t len)
{
	uint64_t now = loop_wall();
	const uint32_t head[4] = {(uint32_t)(now / 1000000000ull), (uint32_t)(now % 1000000000ull),
				  (uint32_t)len, (uint32_t)len};

	if (!p->pcap)
		return;
	fwrite(head, sizeof(head), 1, p->pcap);
	fwrite(frame, len, 1, p->pcap);
	fflush(p->pcap);
}

/* ---- frames ---- */

static void port_in(void *arg, uint32_t events)
{
	struct port *p = arg;
	uint8_t frame[RELAY_FRAME_MAX + 2];

	(void)events;
	for (int i = 0; i < 64; i++) {
		ssize_t n = read(p->w.fd, frame, sizeof(frame));

		if (n < 0)
			return;
		if ((size_t)n <= RELAY_FRAME_MAX)
			capture(p, frame, (size_t)n);
		relay_in(&p->relay, loop_now(), frame, (size_t)n);
	}
}

static ssize_t hand_over(struct port *to, const struct relay_frame *f)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};

	if (!to->w.loop) {
		errno = ENOTCONN;
		return -1;
	}
	if (to->tap)
		return write(to->w.fd, f->data, f->len);
	strcpy(at.sun_path, to->path);
	return sendto(to->w.fd, f->data, f->len, MSG_DONTWAIT | MSG_NOSIGNAL,
		      (struct sockaddr *)&at, sizeof(at));
}

/* Hands one due frame to the far node. False: its socket is full, the frame stays. */
static bool deliver(struct sup *s, struct port *p, const struct relay_frame *f)
{
	struct port *peer = &s->port[p->peer];
	ssize_t n = hand_over(peer, f);

	if (n < 0 && (errno == EAGAIN || errno == ENOBUFS))
		return false;
	if (n >= 0)
		capture(peer, f->data, f->len);
	relay_out(&p->relay, n < 0 ? RELAY_PEER_GONE : RELAY_PASSED);
	return true;
}

uint64_t links_run(struct sup *s)
{
	uint64_t next = UINT64_MAX, now = loop_now();

	for (uint32_t i = 0; i < s->nport; i++) {
		struct port *p = &s->port[i];
		const struct relay_frame *f;

		while (p->retry_at <= now && (f = relay_due(&p->relay, now)))
			if (!deliver(s, p, f))
				p->retry_at = now + RETRY_NS;
		uint64_t due = relay_next(&p->relay);

		if (due != UINT64_MAX && due < p->retry_at)
			due = p->retry_at;
		next = due < next ? due : next;
	}
	return next;
}

/* ---- sockets ---- */

static int port_open(struct sup *s, struct port *p)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int size = 1 << 20;

	if (!text_path(p->path, sizeof(p->path), "%s/n%u.%u", s->opt->dir, p->node, p->port) ||
	    !text_path(at.sun_path, 100, "%s/r%u.%u", s->opt->dir, p->node, p->port)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) ||
	    watch_open(&s->loop, &p->w, fd, EPOLLIN, port_in, p)) {
		int saved = errno;
		close(fd);
		errno = saved;
		return -1;
	}
	return 0;
}

int links_tap(struct node *n, uint32_t port, int fd)
{
	struct sup *s = n->sup;

	for (uint32_t i = 0; i < s->nport; i++) {
		struct port *p = &s->port[i];

		if (p->node == n->index && p->port == port && p->tap && !p->w.loop)
			return watch_open(&s->loop, &p->w, fd, EPOLLIN, port_in, p);
	}
	errno = EINVAL;
	return -1;
}

static void port_close(struct port *p)
{
	if (!p->w.loop)
		return;
	watch_close(&p->w);
	close(p->w.fd);
}

void links_untap(struct node *n)
{
	struct sup *s = n->sup;

	for (uint32_t i = 0; i < s->nport; i++)
		if (s->port[i].node == n->index && s->port[i].tap)
			port_close(&s->port[i]);
}

/* A seed for each direction: the topology's, spread by its place. */
static uint64_t seed_of(const struct topo *t, uint32_t link, uint32_t end)
{
	return (t->seed + 1) * 0xd1342543de82ef95ull + (link * 2 + end) * 0x2545f4914f6cdd1dull;
}

int links_open(struct sup *s)
{
	const struct topo *t = s->topo;

	s->nport = t->nlink * 2;
	for (uint32_t i = 0; i < s->nport; i++) {
		const struct topo_link *l = &t->link[i / 2];
		struct port *p = &s->port[i];

		p->sup = s;
		p->node = l->node[i & 1];
		p->port = l->port[i & 1];
		p->peer = i ^ 1;
		relay_init(&p->relay, &l->params, seed_of(t, i / 2, i & 1));
		p->tap = t->node[p->node].kind == TOPO_HOST;
		if (s->opt->capture)
			p->pcap = capture_open(s, p);
		if (!p->tap && port_open(s, p)) {
			sup_error(s, "link %s:%u: cannot make its socket in %s: %s",
				  t->node[p->node].name, p->port, s->opt->dir, strerror(errno));
			return -1;
		}
	}
	return 0;
}

void links_close(struct sup *s)
{
	for (uint32_t i = 0; i < s->nport; i++) {
		struct port *p = &s->port[i];

		port_close(p);
		if (p->sup)
			relay_fini(&p->relay);
		if (p->pcap)
			fclose(p->pcap);
	}
}
