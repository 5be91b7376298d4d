/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * capture.c - the socket for captures and its clients. Everything here is done by the control thread, which empties the rings a few hundred times a second
 * into the sockets as far as those have room; what does not fit stays in the rings, and when these are full the lcores count what they miss.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "capture_control.h"

#define CLIENTS (2 * CAPTURES) /* those that have not asked yet among them */
#define BUSY_NS 2000000ull  /* how soon the rings are looked at again when there was something, */
#define IDLE_NS 10000000ull /* and when there was nothing */
#define ROUND 16u	    /* messages to one client at a time: others wait meanwhile */

struct client {
	struct xokd *d;
	struct watch w;		 /* fd -1: free */
	struct capture *capture; /* NULL: it has not asked yet, or no more records are made */
	bool ending;		 /* no more is taken out of rings than is there */
	bool over;		 /* the last record is in the message */
	bool waits;		 /* for room in the socket */
	uint64_t sent, missed;
	size_t len; /* of the message that is put together */
	_Alignas(8) uint8_t message[CAPTURE_MESSAGE];
};

static struct {
	struct watch listen;
	struct timer timer;
	char path[300];
	struct client *client[CLIENTS];
} all = {.listen = {.fd = -1}};

/* ---- clients come and go ---- */

/* Shows the lcores all captures that have not ended. */
static bool publish(struct xokd *d)
{
	struct capture *c[CAPTURES];
	uint32_t n = 0;

	for (uint32_t i = 0; i < CLIENTS && n < CAPTURES; i++)
		if (all.client[i] && all.client[i]->capture && !all.client[i]->ending)
			c[n++] = all.client[i]->capture;
	return captures_publish(d, c, n);
}

static uint32_t captures(void)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < CLIENTS; i++)
		n += all.client[i] && all.client[i]->capture && !all.client[i]->ending;
	return n;
}

/* Lcores put nothing into its rings any more. Without memory for a smaller set nobody captures: that needs none. */
static void stop_capture(struct client *c)
{
	if (!c->capture || c->ending)
		return;
	c->ending = true;
	if (!publish(c->d)) {
		say_error("capture: no memory; all captures end");
		captures_publish(c->d, NULL, 0);
		for (uint32_t i = 0; i < CLIENTS; i++) {
			struct client *other = all.client[i];

			if (!other || !other->capture)
				continue;
			other->ending = true;
			other->missed = capture_missed(other->capture);
		}
	}
	c->missed = capture_missed(c->capture);
}

static void drop(struct client *c)
{
	stop_capture(c);
	if (c->capture)
		capture_free(c->capture);
	loop_remove(&c->w);
	close(c->w.fd);
	for (uint32_t i = 0; i < CLIENTS; i++)
		if (all.client[i] == c)
			all.client[i] = NULL;
	free(c);
}

/* ---- what they are sent ---- */

static void *append(struct client *c, const void *record, uint32_t size)
{
	void *at = c->message + c->len;

	memcpy(at, record, size);
	c->len += size;
	return at;
}

/* True: what was put together is with Linux. False: there is no room, or the client is gone (errno). */
static bool flush(struct client *c)
{
	while (c->len) {
		ssize_t n = send(c->w.fd, c->message, c->len, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		c->len = 0;
	}
	return true;
}

/* Fills the message from the rings. False: there was nothing. */
static bool fill(struct client *c, uint64_t wall)
{
	uint32_t limit = c->capture->want.count;
	struct capture_ring *ring = NULL;
	struct capture_head *h;
	size_t before = c->len;

	while ((!limit || c->sent < limit) && (h = capture_oldest(c->capture, &ring)) &&
	       h->size <= CAPTURE_MESSAGE - c->len) {
		struct capture_packet *p = append(c, h, h->size);

		p->time += wall;
		capture_ring_next(ring);
		c->sent++;
	}
	if (limit && c->sent == limit)
		stop_capture(c);
	return c->len > before;
}

static void wait_for_room(struct client *c, bool yes)
{
	if (c->waits == yes)
		return;
	c->waits = yes;
	loop_change(&c->w, yes ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

/* Nothing more comes: how many are missing is the last record. */
static void finish(struct client *c)
{
	const struct capture_end end = {{sizeof(end), CAPTURE_END}, c->missed};

	append(c, &end, sizeof(end));
	c->over = true;
}

/* Sends what there is. True: there was something, and the client may be gone. */
static bool serve(struct client *c)
{
	bool some = false;
	uint64_t wall = clock_wall0();

	for (uint32_t i = 0; i < ROUND; i++) {
		bool room = flush(c);

		if (!room && errno == EAGAIN) {
			wait_for_room(c, true);
			return true;
		}
		if (!room || c->over) {
			drop(c);
			return true;
		}
		if (fill(c, wall))
			some = true;
		else if (c->ending)
			finish(c);
		else
			break;
	}
	wait_for_room(c, c->len > 0);
	return some;
}

static void tick(void *arg)
{
	bool some = false, any = false;

	for (uint32_t i = 0; i < CLIENTS; i++)
		if (all.client[i] && all.client[i]->capture)
			some |= serve(all.client[i]);
	for (uint32_t i = 0; i < CLIENTS; i++)
		any |= all.client[i] && all.client[i]->capture;
	if (any)
		loop_after(&all.timer, some ? BUSY_NS : IDLE_NS);
	(void)arg;
}

/* ---- what they ask ---- */

static void refuse(struct client *c, const char *why)
{
	struct capture_refused r = {.head = {sizeof(r), CAPTURE_REFUSED}};

	snprintf(r.text, sizeof(r.text), "%s", why);
	c->len = 0;
	append(c, &r, sizeof(r));
	flush(c);
	drop(c);
}

static void ask(struct client *c, const void *message, size_t len)
{
	static struct capture_asked asked;
	const char *wrong = capture_decode(&asked, message, len, c->d->info->nport);

	if (wrong || captures() == CAPTURES) {
		refuse(c, wrong ? wrong : "there are as many captures already as there can be");
		return;
	}
	c->capture = capture_make(c->d, &asked);
	if (!c->capture || !publish(c->d)) {
		if (c->capture)
			capture_free(c->capture);
		c->capture = NULL;
		refuse(c, "no memory for it, or its filters are too many");
		return;
	}
	loop_after(&all.timer, BUSY_NS);
}

static void on_client(void *arg, uint32_t events)
{
	static uint8_t message[CAPTURE_REQUEST_MAX + 1];
	struct client *c = arg;

	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
		ssize_t n = recv(c->w.fd, message, sizeof(message), MSG_DONTWAIT);

		if (n < 0 && errno == EAGAIN)
			return;
		if (n > 0 && !c->capture) {
			ask(c, message, (size_t)n);
			return;
		}
		if (n > 0 || !c->capture || (events & (EPOLLHUP | EPOLLERR))) {
			drop(c);
			return;
		}
		stop_capture(c); /* it wants no more */
		loop_change(&c->w, EPOLLOUT);
		c->waits = true;
	}
	if (c->capture)
		serve(c);
}

/* ---- the socket ---- */

static void hello(struct client *c)
{
	struct xokd *d = c->d;
	const struct xok_port_info *port = (const void *)((const uint8_t *)d->info +
							  d->info->port_off);
	struct capture_hello h = {.head = {sizeof(h), CAPTURE_HELLO},
				  .magic = CAPTURE_MAGIC,
				  .nport = d->info->nport};

	snprintf(h.node, sizeof(h.node), "%s", d->opt.name);
	for (uint32_t i = 0; i < h.nport && i < CAPTURE_PORTS; i++) {
		memcpy(h.port[i].name, port[i].name, sizeof(h.port[i].name));
		h.port[i].name[sizeof(h.port[i].name) - 1] = 0;
		memcpy(h.port[i].mac, port[i].mac, 6);
		h.port[i].mtu = port[i].mtu;
	}
	append(c, &h, sizeof(h));
	flush(c);
}

/* The socket's permissions keep others away; root may come in all the same. */
static bool is_ours(int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
	       (peer.uid == geteuid() || peer.uid == 0);
}

static void on_listen(void *arg, uint32_t events)
{
	int fd = accept4(all.listen.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	uint32_t i = 0;
	(void)events;

	if (fd < 0)
		return;
	while (i < CLIENTS && all.client[i])
		i++;
	struct client *c = i < CLIENTS && is_ours(fd) ? calloc(1, sizeof(*c)) : NULL;

	if (!c) {
		close(fd);
		return;
	}
	c->d = arg;
	c->w = (struct watch){fd, on_client, c};
	if (loop_add(&c->w, EPOLLIN)) {
		close(fd);
		free(c);
		return;
	}
	all.client[i] = c;
	hello(c);
}

/* A path of any length, by way of a descriptor of the directory. False: it cannot be opened. */
static bool address(const struct xokd *d, struct sockaddr_un *at, int *dir)
{
	*dir = open(d->opt.run_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	*at = (struct sockaddr_un){.sun_family = AF_UNIX};
	snprintf(at->sun_path, sizeof(at->sun_path), "/proc/self/fd/%d/%.40s.capture", *dir,
		 d->opt.name);
	return *dir >= 0;
}

/* Left behind by a process that was killed: nobody listens. */
static bool is_stale(const struct sockaddr_un *at)
{
	struct stat st;
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool stale = fd >= 0 && lstat(at->sun_path, &st) == 0 && S_ISSOCK(st.st_mode) &&
		     connect(fd, (const struct sockaddr *)at, sizeof(*at)) < 0 &&
		     errno == ECONNREFUSED;

	if (fd >= 0)
		close(fd);
	return stale;
}

static int listen_at(struct xokd *d, const struct sockaddr_un *at)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -1;
	if (is_stale(at))
		unlink(at->sun_path);
	mode_t mask = umask(0177);
	int rc = bind(fd, (const struct sockaddr *)at, sizeof(*at));

	umask(mask);
	all.listen = (struct watch){fd, on_listen, d};
	if (rc)
		return -1;
	snprintf(all.path, sizeof(all.path), "%s/%s.capture", d->opt.run_dir, d->opt.name);
	return listen(fd, 4) || loop_add(&all.listen, EPOLLIN) ? -1 : 0;
}

int captures_init(struct xokd *d)
{
	struct sockaddr_un at;
	int dir = -1;

	if (!d->opt.run_dir)
		return 0;
	all.timer = (struct timer){.fn = tick};
	int rc = address(d, &at, &dir) ? listen_at(d, &at) : -1;

	if (rc)
		say_error("--run %s: cannot make the socket %s.capture there: %m%s", d->opt.run_dir,
			  d->opt.name,
			  errno == EADDRINUSE ? "; another xokd of this name runs" : "");
	if (dir >= 0)
		close(dir);
	return rc;
}

void captures_fini(struct xokd *d)
{
	(void)d;
	loop_cancel(&all.timer);
	for (uint32_t i = 0; i < CLIENTS; i++)
		if (all.client[i])
			drop(all.client[i]);
	if (all.listen.fd < 0)
		return;
	loop_remove(&all.listen);
	close(all.listen.fd);
	all.listen.fd = -1;
	if (*all.path)
		unlink(all.path);
}
