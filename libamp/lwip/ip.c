/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ip.c - lwIP between the caller's packets and libamp's loop.
 *
 * lwIP knows one address an interface, so each local address is an interface of its own with the
 * mask /32; all of them send through the same `out`, and amp_lwip_route picks among them by the
 * real masks.
 *
 * lwIP must not be entered while it runs: a packet that comes in during a callback of it (or that
 * it sends to one of our own addresses) waits in a short queue for the loop.
 */
#include "ip_int.h"

#include <string.h>

#include "lwip/init.h"
#include "lwip/ip.h"
#include "lwip/stats.h"
#include "lwip/timeouts.h"

#define ADDRESSES 16u
#define MTU 1500u
#define PACKET_MAX 65535u /* a total length is 16 bits */
#define WAITING 32u	  /* packets in the queue */

static struct {
	bool ready, inside;
	void (*out)(void *arg, const uint8_t *packet, size_t len);
	void *out_arg;

	bool has[ADDRESSES]; /* an address stands there */
	struct netif netif[ADDRESSES];
	uint32_t mask[ADDRESSES];

	struct pbuf *waiting[WAITING];
	uint32_t first, nwaiting;
	struct amp_timer timer;

	uint64_t in, out_packets, not_ours, no_memory, queue_full;
} ip;

/* ---- what lwIP asks of us ---- */

uint32_t sys_now(void)
{
	return (uint32_t)(amp_now() / 1000000u);
}

uint32_t amp_lwip_random(void)
{
	uint32_t v;

	amp_random(&v, sizeof(v));
	return v;
}

void amp_lwip_panic(const char *what, const char *file, int line)
{
	amp_fatal("lwIP: %s (%s:%d)", what, file, line);
}

static struct netif *find_address(uint32_t addr)
{
	for (uint32_t i = 0; i < ADDRESSES; i++)
		if (ip.has[i] && netif_ip4_addr(&ip.netif[i])->addr == addr)
			return &ip.netif[i];
	return NULL;
}

/*
 * The sender's own address; else the one whose network holds dest, the longest mask first; else the
 * first.
 */
struct netif *amp_lwip_route(const ip4_addr_t *src, const ip4_addr_t *dest)
{
	struct netif *own = src ? find_address(src->addr) : NULL, *best = NULL;
	uint32_t best_mask = 0;

	if (own)
		return own;
	for (uint32_t i = 0; i < ADDRESSES; i++) {
		uint32_t net = netif_ip4_addr(&ip.netif[i])->addr;

		if (!ip.has[i])
			continue;
		if (!best)
			best = &ip.netif[i];
		if (!((net ^ dest->addr) & ip.mask[i]) && lwip_ntohl(ip.mask[i]) > best_mask) {
			best = &ip.netif[i];
			best_mask = lwip_ntohl(ip.mask[i]);
		}
	}
	return best;
}

/* ---- in and out of lwIP ---- */

bool amp_ip_enter(void)
{
	bool was = ip.inside;

	ip.inside = true;
	return was;
}

/* Packets that wait need the loop at once; otherwise it is needed at lwIP's next timeout. */
static void arm(void)
{
	uint32_t ms = ip.nwaiting ? 0 : sys_timeouts_sleeptime();

	if (ms == SYS_TIMEOUTS_SLEEPTIME_INFINITE)
		amp_timer_cancel(&ip.timer);
	else if (amp_timer_in(&ip.timer, (uint64_t)ms * 1000000u) < 0)
		amp_fatal("no timer for the host stack");
}

void amp_ip_leave(bool was)
{
	ip.inside = was;
	if (!was)
		arm();
}

static void deliver(struct pbuf *p)
{
	const struct ip_hdr *h = p->payload;
	struct netif *netif = find_address(h->dest.addr);

	if (!netif) {
		ip.not_ours++;
		pbuf_free(p);
		return;
	}
	ip.in++;
	/* ip4_input frees p, also when it fails, and fails never. */
	(void)ip4_input(p, netif);
}

static void enqueue(struct pbuf *p)
{
	if (ip.nwaiting == WAITING) {
		ip.queue_full++;
		pbuf_free(p);
		return;
	}
	ip.waiting[(ip.first + ip.nwaiting++) % WAITING] = p;
}

/*
 * lwIP's timeouts, and the packets that are waiting now: those they cause wait for the next time.
 */
static void on_timer(void *arg)
{
	bool was = amp_ip_enter();

	(void)arg;
	for (uint32_t n = ip.nwaiting; n > 0; n--) {
		struct pbuf *p = ip.waiting[ip.first];

		ip.first = (ip.first + 1) % WAITING;
		ip.nwaiting--;
		deliver(p);
	}
	sys_check_timeouts();
	amp_ip_leave(was);
}

static err_t loop_back(struct pbuf *p)
{
	struct pbuf *copy = pbuf_clone(PBUF_RAW, PBUF_POOL, p);

	if (!copy) {
		ip.no_memory++;
		return ERR_MEM;
	}
	enqueue(copy);
	return ERR_OK;
}

static void send_out(struct pbuf *p)
{
	static uint8_t flat[MTU];

	ip.out_packets++;
	if (!p->next) {
		ip.out(ip.out_arg, p->payload, p->len);
		return;
	}
	/* It fits: what is longer than the MTU has gone through ip4_frag. */
	pbuf_copy_partial(p, flat, sizeof(flat), 0);
	ip.out(ip.out_arg, flat, p->tot_len);
}

/*
 * Also the way by which users of the raw interface, who do not enter and leave, get the timer
 * armed.
 */
static err_t output(struct netif *netif, struct pbuf *p, const ip4_addr_t *dest)
{
	bool was = amp_ip_enter();
	err_t err = ERR_OK;

	(void)netif;
	if (find_address(dest->addr))
		err = loop_back(p);
	else
		send_out(p);
	amp_ip_leave(was);
	return err;
}

static err_t netif_start(struct netif *netif)
{
	netif->name[0] = 'a';
	netif->name[1] = 'm';
	netif->mtu = MTU;
	netif->output = output;
	netif->flags |= NETIF_FLAG_LINK_UP;
	return ERR_OK;
}

/* ---- the interface ---- */

int amp_ip_init(void (*out)(void *arg, const uint8_t *packet, size_t len), void *arg)
{
	if (!out)
		return XOK_EINVAL;
	if (ip.ready)
		return XOK_EBUSY;
	ip.out = out;
	ip.out_arg = arg;
	ip.timer.fn = on_timer;
	lwip_init();
	if (amp_ip_icmp_init() < 0)
		return XOK_ENOMEM;
	ip.ready = true;
	arm();
	return 0;
}

int amp_ip_address(uint32_t addr, uint32_t netmask)
{
	ip4_addr_t a = {.addr = addr}, all = {.addr = UINT32_MAX}, none = {.addr = 0};
	uint32_t host = ~lwip_ntohl(netmask), i = 0;

	if (!ip.ready || ip4_addr_isany_val(a) || ip4_addr_ismulticast(&a) || addr == UINT32_MAX)
		return XOK_EINVAL;
	/*
	 * RFC 950: the ones of a mask come first, so what is left is one less than a power of two.
	 */
	if (host & (host + 1))
		return XOK_EINVAL;
	if (find_address(addr))
		return XOK_EBUSY;
	while (i < ADDRESSES && ip.has[i])
		i++;
	if (i == ADDRESSES ||
	    !netif_add(&ip.netif[i], &a, &all, &none, NULL, netif_start, ip4_input))
		return XOK_ENOMEM;
	ip.has[i] = true;
	ip.mask[i] = netmask;
	if (!netif_default)
		netif_set_default(&ip.netif[i]);
	netif_set_up(&ip.netif[i]);
	return 0;
}

void amp_ip_keep(bool (*keep)(const void *arg, uint32_t addr), const void *arg)
{
	for (uint32_t i = 0; i < ADDRESSES; i++) {
		if (!ip.has[i] || keep(arg, netif_ip4_addr(&ip.netif[i])->addr))
			continue;
		ip.has[i] = false;
		netif_remove(&ip.netif[i]); /* the default one may have been this */
	}
	for (uint32_t i = 0; i < ADDRESSES && !netif_default; i++)
		if (ip.has[i])
			netif_set_default(&ip.netif[i]);
}

void amp_ip_input(const uint8_t *packet, size_t len)
{
	struct pbuf *p;
	bool was;

	/* A packet of less than a header has no destination to look at. */
	if (!ip.ready || len < IP_HLEN || len > PACKET_MAX) {
		ip.not_ours++;
		return;
	}
	p = pbuf_alloc(PBUF_RAW, (u16_t)len, PBUF_POOL);
	if (!p) {
		ip.no_memory++;
		return;
	}
	pbuf_take(p, packet, (u16_t)len);
	if (ip.inside) {
		enqueue(p);
		return;
	}
	was = amp_ip_enter();
	deliver(p);
	amp_ip_leave(was);
}

void amp_ip_stats(struct amp_ip_stats *s)
{
	const struct stats_proto *proto[] = {&lwip_stats.ip, &lwip_stats.ip_frag, &lwip_stats.icmp,
					     &lwip_stats.udp, &lwip_stats.tcp};

	*s = (struct amp_ip_stats){.in = ip.in,
				   .out = ip.out_packets,
				   .not_ours = ip.not_ours,
				   .no_memory = ip.no_memory,
				   .queue_full = ip.queue_full,
				   .bad_option = amp_ip_bad_option()};
	for (uint32_t i = 0; i < sizeof(proto) / sizeof(proto[0]); i++) {
		s->bad_checksum += proto[i]->chkerr;
		s->bad_length += proto[i]->lenerr;
		s->no_memory += proto[i]->memerr;
		s->no_service += proto[i]->proterr;
	}
}

int amp_ip_error(err_t err)
{
	switch (err) {
	case ERR_OK: return 0;
	case ERR_RTE: return XOK_ENOENT;
	case ERR_USE: return XOK_EBUSY;
	case ERR_VAL:
	case ERR_ARG: return XOK_EINVAL;
	default: return XOK_ENOMEM;
	}
}
