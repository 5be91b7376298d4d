/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lcore.c - what each lcore does: run to completion. A burst of packets is received, goes through the core, and what is to leave is sent, grouped by
 * port, before the next is received.
 *
 * No lock is taken here, and no memory given back to anybody but the packet pool. After each round the lcore says that it is in no burst (rte_rcu's quiescent
 * state): that is what lcores_quiesce waits for.
 */
#include <linux/membarrier.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_errno.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_malloc.h>
#include <rte_pause.h>
#include <rte_prefetch.h>
#include <rte_rcu_qsbr.h>

#include "capture_lcore.h"
#include "port.h"
#include "xok/lcore.h"

#define MAXRX (XOKD_PORTS * 16u)
#define SPIN_NS 20000ull	/* idle for less than this, an lcore does not even pause */
#define PAUSE_NS 60000ull	/* and for less than this it pauses between polls */
#define SLEEP_NS 10000ull	/* then it sleeps, at first so long, each time twice as long, */
#define SLEEP_MAX_NS 200000ull	/* up to this while it has ports that must be polled, */
#define SLEEP_TX_NS 50000ull	/* up to this while packets wait for a socket to have room, */
#define SLEEP_FD_NS 50000000ull /* up to this when all it has can wake it */
#define FD_POLL_NS 5000ull	/* a descriptor that had nothing is not asked again sooner, */
#define FD_BUSY_NS 100000ull	/* nor so soon by an lcore to which packets come without a call */

/* One receive queue. */
struct source {
	struct port *port;
	uint16_t queue;
	bool fd;	/* polling is a system call */
	uint64_t empty; /* tsc when there was nothing the last time */
};

/* What is to leave by one port. */
struct outbox {
	uint16_t n;
	struct rte_mbuf *m[PORT_BURST];
	struct xok_packet *p[PORT_BURST];
};

struct lcore {
	uint32_t number;
	struct xokd *d;
	struct xok_lcore_info *info;
	struct rte_rcu_qsbr *rcu;
	uint32_t nsource, nowned, nfd;
	struct port **owned; /* whose rings it empties */
	struct source *source;
	struct pollfd *fd; /* what wakes it; the first is its own eventfd */
	uint64_t idle_since, sleep_ns;
	bool loaded; /* since it was idle packets came from a port that is no descriptor */
	uint64_t spin, pause, fd_poll, fd_busy; /* ticks */
	uint32_t touched;			/* bit n: outbox n is not empty */
	struct outbox out[XOKD_PORTS];
	_Alignas(64) atomic_bool asleep;
};

struct lcores {
	uint32_t n;
	struct lcore *lcore[XOKD_LCORES];
	struct rte_rcu_qsbr *rcu;
	bool running;
	_Alignas(64) atomic_bool stop;
};

_Static_assert(PORT_BURST <= XOK_BURST && PORT_BURST <= CAPTURE_BURST, "a burst is taken whole");

static __thread uint32_t self = UINT32_MAX;

uint32_t lcore_self(void)
{
	return self;
}

/* ---- sending ---- */

/* Those that did not leave are counted, and given up. */
static void give_up(struct lcore *l, struct rte_mbuf **m, struct xok_packet **p, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		xok_unsent(l->d->xok, l->number, p[i]);
		p[i]->fate = XOK_FATE_TX_FULL;
	}
	l->info->unsent += n;
	rte_pktmbuf_free_bulk(m, n);
}

/* To the owner's ring; what the owner needs to count it stays with the packet. */
static uint32_t hand_over(struct lcore *l, struct port *port, const struct outbox *o)
{
	for (uint32_t i = 0; i < o->n; i++)
		o->m[i]->hash.usr = (uint32_t)o->p[i]->fate << 16 | o->p[i]->prog;
	uint32_t n = rte_ring_enqueue_burst(port->inject, (void *const *)o->m, o->n, NULL);

	lcore_wake(l->d, port->owner);
	return n;
}

static void flush(struct lcore *l, uint32_t index)
{
	struct port *port = ports_at(l->d, index);
	struct outbox *o = &l->out[index];
	int queue = port_queue(port, l->number);
	uint32_t sent = queue >= 0 ? port->ops->tx(port, (uint16_t)queue, o->m, o->n)
				   : hand_over(l, port, o);

	if (sent < o->n)
		give_up(l, o->m + sent, o->p + sent, o->n - sent);
	o->n = 0;
}

static void flush_all(struct lcore *l)
{
	for (; l->touched; l->touched &= l->touched - 1)
		flush(l, (uint32_t)__builtin_ctz(l->touched));
}

/* Frames of other threads for a port that this lcore sends for. */
static uint32_t empty_ring(struct lcore *l, struct port *port)
{
	struct rte_mbuf *m[PORT_BURST];
	uint32_t n = rte_ring_dequeue_burst(port->inject, (void **)m, PORT_BURST, NULL);

	if (!n)
		return 0;
	uint32_t sent = port->ops->tx(port, port->queue_each ? (uint16_t)l->number : 0, m,
				      (uint16_t)n);

	l->info->injected += n;
	for (uint32_t i = sent; i < n; i++) {
		struct xok_packet p = {
			.frame = rte_pktmbuf_mtod(m[i], uint8_t *),
			.len = m[i]->data_len,
			.out = port->index,
			.prog = (uint16_t)m[i]->hash.usr,
			.fate = (uint16_t)(m[i]->hash.usr >> 16),
		};
		xok_unsent(l->d->xok, l->number, &p);
		capture_frame(l->number, p.out, p.frame, p.len, XOK_FATE_TX_FULL, p.prog);
	}
	l->info->unsent += n - sent;
	rte_pktmbuf_free_bulk(m + sent, n - sent);
	return n;
}

/* ---- receiving ---- */

/*
 * A packet that is not in one piece of our own, or whose lengths contradict each other: a copy when it is honest, else it gets a length that no
 * frame has, and the core counts it.
 */
static struct rte_mbuf *mend(struct rte_mbuf *m, uint32_t *len)
{
	struct rte_mbuf *copy;

	*len = m->pkt_len > XOK_FRAME_MAX ? m->pkt_len : 0;
	if (m->pkt_len > XOK_FRAME_MAX || m->nb_segs == 0 ||
	    (m->nb_segs == 1 && m->data_len != m->pkt_len))
		return m;
	copy = rte_pktmbuf_alloc(m->pool);
	if (!copy)
		return m;
	uint8_t *to = rte_pktmbuf_mtod(copy, uint8_t *);
	uint32_t at = 0;

	for (const struct rte_mbuf *s = m; s; s = s->next) {
		if (s->data_len > m->pkt_len - at ||
		    (uint32_t)s->data_off + s->data_len > s->buf_len) {
			rte_pktmbuf_free(copy);
			return m;
		}
		memcpy(to + at, rte_pktmbuf_mtod(s, uint8_t *), s->data_len);
		at += s->data_len;
	}
	*len = at;
	copy->data_len = (uint16_t)at;
	copy->pkt_len = at;
	rte_pktmbuf_free(m);
	return copy;
}

/* One segment, and nobody else's: both counts, which stand side by side, are looked at together. */
static inline bool is_sole(const struct rte_mbuf *b)
{
	uint32_t counts;

	_Static_assert(offsetof(struct rte_mbuf, nb_segs) ==
			       offsetof(struct rte_mbuf, refcnt) + sizeof(b->refcnt),
		       "side by side");
	memcpy(&counts, (const char *)b + offsetof(struct rte_mbuf, refcnt), sizeof(counts));
	return counts == 0x10001 && RTE_MBUF_DIRECT(b);
}

static inline void take_in(struct rte_mbuf **m, struct xok_packet *p, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		struct rte_mbuf *b = m[i];

		p[i].len = b->data_len;
		if (unlikely(!is_sole(b) || b->pkt_len != b->data_len ||
			     (uint32_t)b->data_off + b->data_len > b->buf_len))
			m[i] = b = mend(b, &p[i].len);
		p[i].frame = rte_pktmbuf_mtod(b, uint8_t *);
		rte_prefetch0(p[i].frame);
	}
}

/* The buffer around what the core made of the packet in it, which begins where it began. */
static inline void wrap(struct rte_mbuf *b, const struct xok_packet *p)
{
	b->data_len = (uint16_t)p->len;
	b->pkt_len = p->len;
	b->ol_flags = 0;
}

/* Puts what is to leave into outboxes; the rest is done with. */
static void sort_out(struct lcore *l, struct rte_mbuf **m, struct xok_packet *p, uint32_t n)
{
	struct rte_mbuf *dead[PORT_BURST];
	uint32_t ndead = 0;

	for (uint32_t i = 0; i < n; i++) {
		if (p[i].out == XOK_OUT_NONE) {
			dead[ndead++] = m[i];
			continue;
		}
		struct outbox *o = &l->out[p[i].out];

		wrap(m[i], &p[i]);
		o->m[o->n] = m[i];
		o->p[o->n++] = &p[i];
		l->touched |= 1u << p[i].out;
	}
	if (ndead)
		rte_pktmbuf_free_bulk(dead, ndead);
	flush_all(l);
}

/* What the core has decided. Mostly all packets of a burst leave by the same port, from where they are. */
static inline void send_on(struct lcore *l, struct rte_mbuf **m, struct xok_packet *p, uint32_t n)
{
	uint32_t out = p[0].out, other = 0, sent;

	for (uint32_t i = 1; i < n; i++)
		other |= p[i].out ^ out;
	struct port *port = other || out == XOK_OUT_NONE ? NULL : ports_at(l->d, out);
	int queue = port ? port_queue(port, l->number) : -1;

	if (queue < 0) {
		sort_out(l, m, p, n);
		return;
	}
	for (uint32_t i = 0; i < n; i++)
		wrap(m[i], &p[i]);
	sent = port->ops->tx(port, (uint16_t)queue, m, (uint16_t)n);
	for (; sent < n; sent++) {
		struct xok_packet *left = &p[sent];

		give_up(l, &m[sent], &left, 1);
	}
}

/* *now is when something was done last; and then, when this was done. */
static uint32_t serve(struct lcore *l, struct source *s, uint64_t *now)
{
	struct rte_mbuf *m[PORT_BURST];
	struct xok_packet p[PORT_BURST];
	uint64_t t0 = *now;

	if (s->fd && t0 - s->empty < (l->loaded ? l->fd_busy : l->fd_poll))
		return 0;
	uint16_t n = s->port->ops->rx(s->port, s->queue, m, PORT_BURST);

	if (!n) {
		s->empty = t0;
		return 0;
	}
	take_in(m, p, n);
	struct capture_set *capture = capture_set_get();
	uint64_t t1 = rte_rdtsc();

	if (likely(!capture))
		xok_burst(l->d->xok, l->number, s->port->index, clock_at(t1), p, n);
	else
		capture_burst(capture, l->number, s->port->index, clock_at(t1), p, n);
	uint64_t t2 = rte_rdtsc();

	send_on(l, m, p, n);
	if (unlikely(capture != NULL))
		capture_burst_sent(capture, l->number, s->port->index, clock_at(t1), p, n);
	uint64_t t3 = *now = rte_rdtsc();

	l->loaded |= !s->fd;
	l->info->bursts++;
	l->info->packets += n;
	l->info->rx_cycles += t1 - t0;
	l->info->core_cycles += t2 - t1;
	l->info->tx_cycles += t3 - t2;
	return n;
}

/* ---- idling ---- */

static bool rings_empty(const struct lcore *l)
{
	for (uint32_t i = 0; i < l->nowned; i++)
		if (!rte_ring_empty(l->owned[i]->inject))
			return false;
	return true;
}

static uint64_t sleep_max(const struct lcore *l)
{
	for (uint32_t i = 0; i < l->nsource; i++) {
		struct port *p = l->source[i].port;

		if (p->ops->waits && p->ops->waits(p))
			return SLEEP_TX_NS;
	}
	return l->nfd - 1 == l->nsource ? SLEEP_FD_NS : SLEEP_MAX_NS;
}

/*
 * While it sleeps, nobody waits for it. It first says so and then looks at the rings once more; lcore_wake looks after it has put something in: with a fence
 * on each side, one of the two sees the other.
 */
static void sleep_now(struct lcore *l, const atomic_bool *stop)
{
	uint64_t count, t0 = rte_rdtsc(), max = sleep_max(l);

	if (l->sleep_ns > max)
		l->sleep_ns = max;
	struct timespec ts = {0, (long)l->sleep_ns};

	rte_rcu_qsbr_thread_offline(l->rcu, l->number);
	atomic_store(&l->asleep, true);
	atomic_thread_fence(memory_order_seq_cst);
	if (rings_empty(l) && !atomic_load(stop))
		ppoll(l->fd, l->nfd, &ts, NULL);
	atomic_store(&l->asleep, false);
	rte_rcu_qsbr_thread_online(l->rcu, l->number);
	if (l->fd[0].revents && read(l->fd[0].fd, &count, sizeof(count)) < 0)
		return; /* somebody else's wake-up; there is nothing to do about it */

	l->sleep_ns *= 2;
	for (uint32_t i = 0; i < l->nsource; i++)
		l->source[i].empty = 0;
	l->info->sleeps++;
	l->info->sleep_cycles += rte_rdtsc() - t0;
}

/* Returns what time it is. */
static uint64_t idle(struct lcore *l, const atomic_bool *stop)
{
	uint64_t now = rte_rdtsc();

	l->loaded = false;
	if (!l->idle_since)
		l->idle_since = now;
	uint64_t since = now - l->idle_since;

	if (since < l->spin)
		return now;
	if (since < l->pause) {
		rte_pause();
		return now;
	}
	sleep_now(l, stop);
	return rte_rdtsc();
}

void lcore_wake(struct xokd *d, uint32_t lcore)
{
	struct lcore *l = d->lcores->lcore[lcore];
	uint64_t one = 1;

	atomic_thread_fence(memory_order_seq_cst);
	if (atomic_load_explicit(&l->asleep, memory_order_relaxed) &&
	    write(l->fd[0].fd, &one, sizeof(one)) < 0)
		return; /* it has been told already */
}

static int run(void *arg)
{
	struct lcore *l = arg;
	const atomic_bool *stop = &l->d->lcores->stop;

	self = l->number;
	prctl(PR_SET_NAME, "xok-lcore");
	prctl(PR_SET_TIMERSLACK, 1000ul);
	rte_rcu_qsbr_thread_online(l->rcu, l->number);
	uint64_t now = rte_rdtsc();

	while (!atomic_load_explicit(stop, memory_order_relaxed)) {
		uint32_t work = 0, injected = 0;
		uint64_t t0 = now;

		for (uint32_t i = 0; i < l->nsource; i++)
			work += serve(l, &l->source[i], &now);
		for (uint32_t i = 0; i < l->nowned; i++)
			injected += empty_ring(l, l->owned[i]);
		rte_rcu_qsbr_quiescent(l->rcu, l->number);
		l->info->polls++;
		if (work + injected) {
			l->idle_since = 0;
			l->sleep_ns = SLEEP_NS;
			now = injected ? rte_rdtsc() : now;
			l->info->busy_cycles += now - t0;
		} else {
			now = idle(l, stop);
		}
	}
	rte_rcu_qsbr_thread_offline(l->rcu, l->number);
	self = UINT32_MAX;
	return 0;
}

/* ---- setting up ---- */

static int make_lcore(struct xokd *d, uint32_t number)
{
	struct lcore *l = rte_zmalloc("lcore", sizeof(*l), 64);

	if (!l)
		return say_error("out of memory");
	d->lcores->lcore[number] = l;
	l->number = number;
	l->d = d;
	l->rcu = d->lcores->rcu;
	l->sleep_ns = SLEEP_NS;
	l->spin = clock_ticks(SPIN_NS);
	l->pause = clock_ticks(PAUSE_NS);
	l->fd_poll = clock_ticks(FD_POLL_NS);
	l->fd_busy = clock_ticks(FD_BUSY_NS);
	l->source = calloc(MAXRX, sizeof(*l->source));
	l->owned = calloc(XOKD_PORTS, sizeof(struct port *));
	l->fd = calloc(XOKD_PORTS + 1, sizeof(*l->fd));
	if (!l->source || !l->owned || !l->fd)
		return say_error("out of memory");
	l->fd[0] = (struct pollfd){eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), POLLIN, 0};
	l->nfd = 1;
	return l->fd[0].fd < 0 ? say_error("no event descriptor: %m") : 0;
}

/* In turn; a port's first queue makes its lcore the owner. */
static void deal_out(struct xokd *d)
{
	struct lcores *all = d->lcores;
	uint32_t turn = 0;

	for (uint32_t i = 0; i < ports_count(d); i++) {
		struct port *p = ports_at(d, i);

		p->owner = turn % all->n;
		for (uint16_t q = 0; q < p->nrx; q++) {
			struct lcore *l = all->lcore[turn++ % all->n];

			l->source[l->nsource++] = (struct source){p, q, p->fd >= 0, 0};
			if (p->fd >= 0)
				l->fd[l->nfd++] = (struct pollfd){p->fd, POLLIN, 0};
		}
		if (p->fd < 0)
			all->lcore[p->owner]->owned[all->lcore[p->owner]->nowned++] = p;
	}
}

static long membarrier(int command)
{
	return syscall(SYS_membarrier, command, 0, 0);
}

int lcores_init(struct xokd *d)
{
	struct lcores *all = aligned_alloc(64, sizeof(*all));

	if (membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE))
		return say_error("Linux cannot make processors see new code: membarrier: %m; "
				 "xokd needs Linux 4.16, and a system call filter that lets it "
				 "call membarrier");
	if (!all)
		return say_error("out of memory");
	memset(all, 0, sizeof(*all));
	d->lcores = all;
	all->n = d->opt.nlcore;
	all->rcu = rte_zmalloc("rcu", rte_rcu_qsbr_get_memsize(all->n), 64);
	if (!all->rcu)
		return say_error("out of memory");
	rte_rcu_qsbr_init(all->rcu, all->n);
	for (uint32_t i = 0; i < all->n; i++) {
		rte_rcu_qsbr_thread_register(all->rcu, i);
		if (make_lcore(d, i))
			return -1;
	}
	deal_out(d);
	return 0;
}

size_t lcores_info_size(uint32_t n)
{
	return n * sizeof(struct xok_lcore_info);
}

void lcores_info(struct xokd *d, size_t offset)
{
	struct xok_lcore_info *info = (void *)((char *)d->info + offset);

	for (uint32_t i = 0; i < d->lcores->n; i++) {
		d->lcores->lcore[i]->info = &info[i];
		info[i].processor = d->opt.lcore[i];
	}
}

int lcores_start(struct xokd *d)
{
	atomic_store(&d->lcores->stop, false);
	d->lcores->running = true;
	for (uint32_t i = 0; i < d->lcores->n; i++)
		if (rte_eal_remote_launch(run, d->lcores->lcore[i], i))
			return say_error("lcore %u does not start", i);
	return 0;
}

void lcores_stop(struct xokd *d)
{
	struct lcores *all = d->lcores;

	if (!all)
		return;
	atomic_store(&all->stop, true);
	for (uint32_t i = 0; all->running && i < all->n; i++)
		lcore_wake(d, i);
	if (all->running)
		rte_eal_mp_wait_lcore();
	for (uint32_t i = 0; i < all->n; i++) {
		struct lcore *l = all->lcore[i];

		if (!l)
			continue;
		if (l->fd && l->fd[0].fd >= 0)
			close(l->fd[0].fd);
		free(l->fd);
		free(l->source);
		free(l->owned);
		rte_free(l);
	}
	rte_free(all->rcu);
	free(all);
	d->lcores = NULL;
}

/*
 * An lcore that lost its processor in the middle of a burst may be waiting for ours. In the end each has executed an instruction that serialises: what it
 * had fetched of code memory before is forgotten (Intel SDM volume 3, 8.1.3).
 */
void lcores_quiesce(void *machine)
{
	struct xokd *d = machine;

	if (!d->lcores || !d->lcores->running)
		return;
	uint64_t token = rte_rcu_qsbr_start(d->lcores->rcu);

	for (uint32_t tries = 0; rte_rcu_qsbr_check(d->lcores->rcu, token, false) != 1; tries++) {
		struct timespec nap = {0, 20000};

		if (tries < 1000)
			rte_pause();
		else
			nanosleep(&nap, NULL);
	}
	if (membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE)) {
		say_error("membarrier: %m; ending");
		abort();
	}
}
