/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * port_unix.c - ports of Unix datagram sockets, one Ethernet frame a datagram, as QEMU's `-netdev dgram` and the testbed's links speak. The other side need not be there:
 * what is sent meanwhile is lost, as on a cable that is not plugged in.
 *
 * Linux lets very few datagrams wait in a socket (net.unix.max_dgram_qlen, 10), less than a burst. So there is a queue here as a network card has one: who
 * sends, and the receiving lcore with each poll, first sends what waits. A lock, of which only senders to this port know, keeps the order.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <rte_spinlock.h>

#include "port.h"

#define SOCKET_BYTES (1 << 20)
#define QUEUE 512u /* packets; a power of two */

struct unix_port {
	struct sockaddr_un local, peer;
	bool bound;
	struct rte_mbuf *spare[PORT_BURST]; /* the receiving lcore's: packets to receive into */
	uint16_t nspare;

	rte_spinlock_t lock;
	uint32_t head,
		tail; /* of the queue, counting up: head - tail wait. Changed under the lock; a look without it may be late */
	struct rte_mbuf *queue[QUEUE];
};

/* What a process that was killed left behind is a socket that nobody has open. */
static bool is_stale(const struct sockaddr_un *a)
{
	struct stat st;

	if (lstat(a->sun_path, &st) || !S_ISSOCK(st.st_mode))
		return false;
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool stale = fd >= 0 && connect(fd, (const struct sockaddr *)a, sizeof(*a)) &&
		     errno == ECONNREFUSED;

	if (fd >= 0)
		close(fd);
	return stale;
}

static int unix_open(struct port *p, const struct device *dev)
{
	struct unix_port *u = calloc(1, sizeof(*u));
	int size = SOCKET_BYTES;

	p->priv = u;
	if (!u)
		return say_error("out of memory");
	u->local.sun_family = u->peer.sun_family = AF_UNIX;
	snprintf(u->local.sun_path, sizeof(u->local.sun_path), "%.107s", dev->what);
	snprintf(u->peer.sun_path, sizeof(u->peer.sun_path), "%.107s", dev->peer);
	p->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (p->fd < 0)
		return say_error("port %s: cannot make a socket: %m", p->name);
	setsockopt(p->fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	setsockopt(p->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (is_stale(&u->local))
		unlink(u->local.sun_path);
	if (bind(p->fd, (struct sockaddr *)&u->local, sizeof(u->local)))
		return say_error(
			"port %s: cannot make the socket %s: %m%s", p->name, u->local.sun_path,
			errno == EADDRINUSE ? "; another process has it, or it is no socket" : "");
	u->bound = true;
	p->nrx = 1;
	return 0;
}

static int unix_start(struct port *p, struct rte_mempool *pool)
{
	(void)p, (void)pool;
	return 0;
}

static uint32_t unix_buffers(struct port *p)
{
	(void)p;
	return PORT_BURST + QUEUE;
}

static bool refill(struct port *p, struct unix_port *u)
{
	uint16_t want = (uint16_t)(PORT_BURST - u->nspare);

	if (want && rte_pktmbuf_alloc_bulk(p->pool, u->spare + u->nspare, want) == 0)
		u->nspare = PORT_BURST;
	return u->nspare > 0;
}

/*
 * Hands Linux the first packets of m, at most a burst of them, which it takes, and says how many those are. A frame that nobody is there to take is gone; a
 * socket that is full ends the burst.
 */
static uint16_t send_some(struct port *p, struct unix_port *u, struct rte_mbuf **m, uint32_t n)
{
	struct mmsghdr msg[PORT_BURST];
	struct iovec iov[PORT_BURST];
	uint16_t done = 0;

	if (n > PORT_BURST)
		n = PORT_BURST;
	for (uint32_t i = 0; i < n; i++) {
		iov[i] = (struct iovec){rte_pktmbuf_mtod(m[i], void *), m[i]->data_len};
		msg[i].msg_hdr = (struct msghdr){.msg_name = &u->peer,
						 .msg_namelen = sizeof(u->peer),
						 .msg_iov = &iov[i],
						 .msg_iovlen = 1};
	}
	while (done < n) {
		int sent = sendmmsg(p->fd, msg + done, n - done, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (sent > 0)
			done = (uint16_t)(done + sent);
		else if (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM)
			break;
		else if (errno != EINTR)
			done++;
	}
	rte_pktmbuf_free_bulk(m, done);
	return done;
}

static uint32_t waiting(const struct unix_port *u)
{
	return __atomic_load_n(&u->head, __ATOMIC_RELAXED) -
	       __atomic_load_n(&u->tail, __ATOMIC_RELAXED);
}

/* Under the lock: what waits, up to the end of the array at once. */
static void send_queue(struct port *p, struct unix_port *u)
{
	while (u->head != u->tail) {
		uint32_t at = u->tail % QUEUE, n = u->head - u->tail;

		if (n > QUEUE - at)
			n = QUEUE - at;
		if (n > PORT_BURST)
			n = PORT_BURST;
		uint16_t sent = send_some(p, u, u->queue + at, n);

		__atomic_store_n(&u->tail, u->tail + sent, __ATOMIC_RELAXED);
		if (sent < n)
			return;
	}
}

static uint16_t unix_tx(struct port *p, uint16_t queue, struct rte_mbuf **m, uint16_t n)
{
	struct unix_port *u = p->priv;
	uint16_t done = 0;
	(void)queue;

	rte_spinlock_lock(&u->lock);
	send_queue(p, u);
	if (u->head == u->tail)
		done = send_some(p, u, m, n);
	while (done < n && u->head - u->tail < QUEUE) {
		u->queue[u->head % QUEUE] = m[done++];
		__atomic_store_n(&u->head, u->head + 1, __ATOMIC_RELAXED);
	}
	rte_spinlock_unlock(&u->lock);
	return done;
}

static bool unix_waits(struct port *p)
{
	return waiting(p->priv) > 0;
}

/*
 * Into packets that are kept ready, so that a poll that finds nothing costs one system call and nothing else. Datagrams longer than a packet has room for
 * arrive cut, with the flag that says so, and then get a length that no frame has: the core counts them.
 */
static uint16_t unix_rx(struct port *p, uint16_t queue, struct rte_mbuf **m, uint16_t n)
{
	struct unix_port *u = p->priv;
	struct mmsghdr msg[PORT_BURST];
	struct iovec iov[PORT_BURST];
	(void)queue;

	if (waiting(u)) {
		rte_spinlock_lock(&u->lock);
		send_queue(p, u);
		rte_spinlock_unlock(&u->lock);
	}
	if (!refill(p, u))
		return 0;
	if (n > u->nspare)
		n = u->nspare;
	for (uint16_t i = 0; i < n; i++) {
		struct rte_mbuf *b = u->spare[i];

		iov[i] = (struct iovec){rte_pktmbuf_mtod(b, void *), rte_pktmbuf_tailroom(b)};
		msg[i].msg_hdr = (struct msghdr){.msg_iov = &iov[i], .msg_iovlen = 1};
	}
	int got = recvmmsg(p->fd, msg, n, MSG_DONTWAIT, NULL);

	if (got <= 0)
		return 0;
	for (int i = 0; i < got; i++) {
		m[i] = u->spare[i];
		m[i]->data_len = (uint16_t)msg[i].msg_len;
		m[i]->pkt_len = msg[i].msg_hdr.msg_flags & MSG_TRUNC ? UINT16_MAX : msg[i].msg_len;
	}
	u->nspare = (uint16_t)(u->nspare - got);
	for (uint16_t i = 0; i < u->nspare; i++)
		u->spare[i] = u->spare[i + got];
	return (uint16_t)got;
}

static bool unix_link(struct port *p)
{
	(void)p;
	return true;
}

static void unix_close(struct port *p)
{
	struct unix_port *u = p->priv;

	if (u && u->bound)
		unlink(u->local.sun_path);
	if (u)
		rte_pktmbuf_free_bulk(u->spare, u->nspare);
	for (; u && u->tail != u->head; u->tail++)
		rte_pktmbuf_free(u->queue[u->tail % QUEUE]);
	if (p->fd >= 0)
		close(p->fd);
	p->fd = -1;
	free(u);
	p->priv = NULL;
}

const struct port_ops port_unix = {
	.open = unix_open,
	.buffers = unix_buffers,
	.start = unix_start,
	.rx = unix_rx,
	.tx = unix_tx,
	.waits = unix_waits,
	.link = unix_link,
	.close = unix_close,
};
