/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mock_amp.c - libamp for tests.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "amp/ip.h"
#include "nodeos/lib/inet6.h"
#include "nodeos/test/mock_amp.h"
#include "nodeos/test/mock_kernel.h"

#define TIMERS 256u
#define RINGS 4u

struct amp_ring {
	void (*fn)(void *arg, struct amp_packet *p);
	void *arg;
	uint32_t natoms;
	bool used;
};

static struct {
	uint64_t now;
	struct amp_timer *timer[TIMERS];
	uint32_t ntimer;
	struct mock_frame sent[MOCK_SENT];
	uint32_t nsent, taken;
	int transmit_result;
	struct xok_port_info port[NODE_PORTS];
	uint32_t nport;
	struct {
		size_t len;
		uint8_t data[2048];
	} delivered[64];
	uint32_t ndelivered, delivered_taken;
	char console[2][65536];
	size_t console_len[2];
	struct {
		void (*fn)(void *arg, char *line, bool cut);
		void *arg;
	} cons[2];
	void (*events)(void *arg, uint32_t bits);
	void *events_arg;
	uint32_t posted;
	struct amp_ring ring[RINGS];
} mock;

struct xok_env_info mock_env;
uint32_t mock_spawned, mock_destroyed, mock_queued;
int64_t mock_spawn_result;

void mock_reset(uint32_t nport)
{
	memset(&mock, 0, sizeof(mock));
	memset(&mock_env, 0, sizeof(mock_env));
	mock_stack = NULL;
	mock_spawned = mock_destroyed = mock_queued = 0;
	mock_spawn_result = 0x101;
	mock.now = 1000000000u;
	mock.nport = nport;
	for (uint32_t i = 0; i < nport; i++) {
		const uint8_t mac[6] = {0x52, 0x54, 0, 0, 0, (uint8_t)i};

		memcpy(mock.port[i].mac, mac, 6);
		mock.port[i].mtu = 1500;
		mock.port[i].up = 1;
	}
}

void mock_number(struct node_pub *p, const struct ip6 *prefix, unsigned len, uint32_t number)
{
	if (node_fib_set(p, prefix, len, number) < 0)
		abort();
}

void mock_route(struct node_pub *p, const struct ip6 *prefix, unsigned len, const struct ip6 *via,
		uint16_t port)
{
	uint32_t i = 0;

	if (!via) {
		mock_number(p, prefix, len, FORWARD_LINK + port);
		return;
	}
	while (i < FORWARD_HOPS && p->next[i].used &&
	       !(p->next[i].port == port && ip6_equal(&p->next[i].addr, via)))
		i++;
	if (i == FORWARD_HOPS)
		abort();
	p->next[i] = (struct node_next){.addr = *via, .port = port, .used = 1};
	mock_number(p, prefix, len, FORWARD_HOP + i);
}

void mock_route4(struct node_pub *p, uint32_t prefix, unsigned len, uint32_t via, uint16_t port)
{
	struct ip6 net = ip6_mapped(prefix), hop = ip6_mapped(via);

	mock_route(p, &net, 96 + len, via ? &hop : NULL, port);
}

void mock_no_route(struct node_pub *p, const struct ip6 *prefix, unsigned len)
{
	if (node_fib_delete(p, prefix, len) < 0)
		abort();
}

void mock_mirror(uint32_t port, uint32_t of, const char *name)
{
	struct xok_port_info *m = &mock.port[port], *o = &mock.port[of];

	memcpy(m->mac, o->mac, 6);
	m->flags = XOK_PORT_MIRROR;
	m->twin = 1 + of;
	o->twin = 1 + port;
	snprintf(o->name, sizeof(o->name), "%s", name);
	snprintf(m->name, sizeof(m->name), "%s.linux", name);
}

void mock_node(struct node_pub *p, uint32_t nport, enum node_role role)
{
	node_init(p);
	node_write_begin(p);
	p->role = role;
	p->nport = nport;
	for (uint32_t i = 0; i < nport; i++) {
		p->port[i].used = 1;
		p->port[i].device = (uint8_t)i;
		p->port[i].twin = (uint8_t)mock.port[i].twin;
		memcpy(p->port[i].mac, mock.port[i].mac, 6);
		p->port[i].mtu = 1500;
		p->addresses[p->naddress++] = (struct node_address){
			.addr = 0x0a000001u | i << 8, .len = 24, .port = (uint16_t)i};
		mock_route4(p, 0x0a000000u | i << 8, 24, 0, (uint16_t)i);
	}
	p->address = 0x0a000001u;
	if (nport > 1)
		mock_route4(p, 0x0a090000, 16, 0x0a000102, 1);
	if (nport > 2)
		mock_route4(p, 0, 0, 0x0a000202, 2);
	node_write_end(p);
}

/* ---- time ---- */

uint64_t amp_now(void)
{
	return mock.now;
}

uint64_t amp_wall(void)
{
	return MOCK_WALL + mock.now;
}

void amp_random(void *buf, size_t len)
{
	memset(buf, 0x5a, len);
}

int amp_timer_at(struct amp_timer *t, uint64_t at)
{
	t->at = at;
	for (uint32_t i = 0; i < mock.ntimer; i++) {
		if (mock.timer[i] == t)
			return 0;
	}
	if (mock.ntimer == TIMERS)
		return XOK_ENOMEM;
	mock.timer[mock.ntimer++] = t;
	return 0;
}

int amp_timer_in(struct amp_timer *t, uint64_t delay)
{
	return amp_timer_at(t, mock.now + delay);
}

void amp_timer_cancel(struct amp_timer *t)
{
	for (uint32_t i = 0; i < mock.ntimer; i++) {
		if (mock.timer[i] == t) {
			mock.timer[i] = mock.timer[--mock.ntimer];
			return;
		}
	}
}

uint32_t mock_timers(void)
{
	return mock.ntimer;
}

void mock_advance(uint64_t ns)
{
	uint64_t end = mock.now + ns;

	for (;;) {
		struct amp_timer *first = NULL;

		for (uint32_t i = 0; i < mock.ntimer; i++) {
			if (mock.timer[i]->at <= end && (!first || mock.timer[i]->at < first->at))
				first = mock.timer[i];
		}
		if (!first)
			break;
		if (first->at > mock.now)
			mock.now = first->at;
		amp_timer_cancel(first);
		first->fn(first->arg);
	}
	mock.now = end;
}

/* ---- log and consoles ---- */

void amp_log(const char *fmt, ...)
{
	(void)fmt;
}

void amp_fatal(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	abort();
}

int amp_cons_open(uint32_t cons, void (*fn)(void *arg, char *line, bool cut), void *arg)
{
	mock.cons[cons].fn = fn;
	mock.cons[cons].arg = arg;
	return 0;
}

int amp_cons_write(uint32_t cons, const void *buf, size_t len)
{
	if (len >= sizeof(mock.console[cons]) - mock.console_len[cons])
		return XOK_EAGAIN; /* nobody reads it */
	memcpy(mock.console[cons] + mock.console_len[cons], buf, len);
	mock.console_len[cons] += len;
	return 0;
}

const char *mock_console(uint32_t cons)
{
	mock.console[cons][mock.console_len[cons]] = 0;
	mock.console_len[cons] = 0;
	return mock.console[cons];
}

void mock_typed(uint32_t cons, const char *line)
{
	char *copy = strdup(line);

	mock.cons[cons].fn(mock.cons[cons].arg, copy, false);
	free(copy);
}

void amp_power_off(void)
{
	abort();
}

/* ---- events ---- */

void amp_on_events(void (*fn)(void *arg, uint32_t bits), void *arg)
{
	mock.events = fn;
	mock.events_arg = arg;
}

void amp_post(uint32_t bits)
{
	mock.posted |= bits;
}

void mock_post_events(void)
{
	while (mock.posted && mock.events) {
		uint32_t bits = mock.posted;

		mock.posted = 0;
		mock.events(mock.events_arg, bits);
	}
}

/* ---- packets ---- */

uint32_t amp_ports(void)
{
	return mock.nport;
}

const struct xok_port_info *amp_port(uint32_t port)
{
	return &mock.port[port];
}

const struct xok_lcore_info *amp_lcore_info(uint32_t index)
{
	static const struct xok_lcore_info one = {.processor = 3, .packets = 17};

	return index == 0 ? &one : NULL;
}

int amp_transmit(uint32_t port, const struct xok_iov *iov, uint32_t n)
{
	struct mock_frame *f = &mock.sent[mock.nsent % MOCK_SENT];

	if (mock.transmit_result < 0)
		return mock.transmit_result;
	f->port = port;
	f->len = 0;
	for (uint32_t i = 0; i < n; i++) {
		if (iov[i].len > XOK_FRAME_MAX - f->len)
			return XOK_EINVAL;
		memcpy(f->data + f->len, (const void *)(uintptr_t)iov[i].base, iov[i].len);
		f->len += iov[i].len;
	}
	mock.nsent++;
	return 0;
}

void mock_transmit_result(int rc)
{
	mock.transmit_result = rc;
}

const struct mock_frame *mock_take(void)
{
	return mock.taken == mock.nsent ? NULL : &mock.sent[mock.taken++ % MOCK_SENT];
}

void mock_forget_sent(void)
{
	mock.taken = mock.nsent;
}

struct amp_ring *amp_ring_open(uint32_t nslots, void (*fn)(void *arg, struct amp_packet *p),
			       void *arg)
{
	(void)nslots;
	for (unsigned i = 0; i < RINGS; i++) {
		if (!mock.ring[i].used) {
			mock.ring[i] = (struct amp_ring){.fn = fn, .arg = arg, .used = true};
			return &mock.ring[i];
		}
	}
	return NULL;
}

void amp_ring_close(struct amp_ring *r)
{
	r->used = false;
}

int64_t amp_filter_add(struct amp_ring *r, const struct xok_filter *f)
{
	r->natoms = f->natoms;
	/* Those of handlers are known by what they ask for: see mock_kernel.h. */
	return mock_filter_id(f) ? (int64_t)mock_filter_id(f) : r - mock.ring;
}

int amp_filter_remove(uint32_t id)
{
	(void)id;
	return 0;
}

void mock_frame_in(uint32_t port, const uint8_t *data, size_t len, bool most_specific)
{
	struct amp_ring *best = NULL;
	uint8_t *copy = malloc(len ? len
				   : 1); /* of its own size, so that reading past its end shows */
	struct amp_packet p = {
		.data = copy, .len = len, .port = port, .time = mock.now, .queued = mock_queued};

	memcpy(copy, data, len);
	for (unsigned i = 0; i < RINGS; i++) {
		struct amp_ring *r = &mock.ring[i];

		if (r->used && (!best || (r->natoms > best->natoms) == most_specific))
			best = r;
	}
	if (best)
		best->fn(best->arg, &p);
	free(copy);
}

/* ---- the host stack ---- */

void (*mock_stack)(const uint8_t *packet, size_t len);

int amp_ip_init(void (*out)(void *arg, const uint8_t *packet, size_t len), void *arg)
{
	(void)out;
	(void)arg;
	return 0;
}

int amp_ip_address(uint32_t addr, uint32_t netmask)
{
	(void)addr;
	(void)netmask;
	return 0;
}

void amp_ip_keep(bool (*keep)(const void *arg, uint32_t addr), const void *arg)
{
	(void)keep;
	(void)arg;
}

void amp_ip_input(const uint8_t *packet, size_t len)
{
	uint32_t at = mock.ndelivered++ % 64;

	mock.delivered[at].len = len;
	memcpy(mock.delivered[at].data, packet, len);
	if (mock_stack)
		mock_stack(packet, len);
}

size_t mock_delivered(uint8_t *buf, size_t cap)
{
	uint32_t at = mock.delivered_taken % 64;
	size_t len;

	if (mock.delivered_taken == mock.ndelivered)
		return 0;
	mock.delivered_taken++;
	len = mock.delivered[at].len;
	memcpy(buf, mock.delivered[at].data, len < cap ? len : cap);
	return len;
}

void amp_ip_stats(struct amp_ip_stats *s)
{
	memset(s, 0, sizeof(*s));
	s->in = mock.ndelivered;
}

int amp_ip_echo_service(void)
{
	return 0;
}

int amp_ip_udp_open(uint16_t port,
		    void (*fn)(void *arg, uint32_t src, uint16_t sport, const uint8_t *data,
			       size_t len),
		    void *arg)
{
	(void)port;
	(void)fn;
	(void)arg;
	return 0;
}

int amp_ip_udp_send(uint16_t sport, uint32_t dst, uint16_t dport, const void *data, size_t len)
{
	(void)sport;
	(void)dst;
	(void)dport;
	(void)data;
	(void)len;
	return 0;
}

int amp_ip_echo(uint32_t dst, uint8_t ttl, uint16_t id, uint16_t seq, const void *data, size_t len)
{
	(void)dst;
	(void)ttl;
	(void)id;
	(void)seq;
	(void)data;
	(void)len;
	return 0;
}

void amp_ip_on_icmp(void (*fn)(void *arg, uint8_t type, uint8_t code, uint32_t from, uint16_t id,
			       uint16_t seq),
		    void *arg)
{
	(void)fn;
	(void)arg;
}

/* ---- environments ---- */

int64_t amp_spawn(const struct amp_spawn *s)
{
	(void)s;
	if (mock_spawn_result >= 0)
		mock_spawned++;
	return mock_spawn_result;
}

int amp_env_destroy(uint32_t id)
{
	(void)id;
	mock_destroyed++;
	return 0;
}

const struct xok_env_info *amp_env_info(uint32_t id)
{
	(void)id;
	return &mock_env;
}

uint32_t amp_self(void)
{
	return 0x100;
}

const char *amp_strerror(int err)
{
	(void)err;
	return "error";
}
