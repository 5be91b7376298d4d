/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * echo.c - the echo services of RFC 862: what comes to port 7 goes back where it came from.
 */
#include "ip_int.h"

#include "lwip/ip.h"
#include "lwip/tcp.h"
#include "lwip/udp.h"

#define ECHO_PORT 7u
#define IDLE_POLLS 60u /* of a second each, then a silent connection ends */

/* ---- UDP ---- */

static void on_datagram(void *arg, struct udp_pcb *pcb, struct pbuf *p, const ip_addr_t *from,
			u16_t sport)
{
	(void)arg;
	/* Two echo services that were set on each other by a forged packet would never stop. */
	if (sport != ECHO_PORT && amp_ip_udp_trim(p))
		udp_sendto_if_src(pcb, p, from, sport, ip_current_netif(), ip_current_dest_addr());
	pbuf_free(p);
}

/* ---- TCP ---- */

/*
 * A connection's state is its pcb's argument: the data that is not yet written. What waits there is
 * kept out of the window that we offer, so a peer that does not read stops itself, and all
 * connections together leave some of the packet pool to others.
 */
struct conn {
	struct pbuf *pending;
	uint32_t idle;
	bool used, closing;
};

#define CONNS 4u
_Static_assert(CONNS *TCP_WND < PBUF_POOL_SIZE * TCP_MSS * 4 / 5, "the pool outlasts them");
static struct conn conn[CONNS];

static void release(struct conn *c)
{
	if (c->pending)
		pbuf_free(c->pending);
	*c = (struct conn){0};
}

static err_t end(struct tcp_pcb *pcb, struct conn *c)
{
	tcp_arg(pcb, NULL);
	tcp_recv(pcb, NULL);
	tcp_sent(pcb, NULL);
	tcp_err(pcb, NULL);
	tcp_poll(pcb, NULL, 0);
	release(c);
	if (tcp_close(pcb) == ERR_OK)
		return ERR_OK;
	/* No memory for a FIN: a reset needs none that lasts. */
	tcp_abort(pcb);
	return ERR_ABRT;
}

/* Writes back as much as the send buffer takes; the rest when acknowledgements have made room. */
static err_t pump(struct tcp_pcb *pcb, struct conn *c)
{
	while (c->pending) {
		struct pbuf *p = c->pending;
		uint32_t room = tcp_sndbuf(pcb);
		u16_t n = p->len < room ? p->len : (u16_t)room;

		if (n && tcp_write(pcb, p->payload, n, TCP_WRITE_FLAG_COPY) != ERR_OK)
			break;
		tcp_recved(pcb, n);
		if (n < p->len) {
			pbuf_remove_header(p, n);
			break;
		}
		c->pending = p->next;
		if (p->next)
			pbuf_ref(p->next);
		pbuf_free(p);
	}
	tcp_output(pcb);
	return c->closing && !c->pending ? end(pcb, c) : ERR_OK;
}

static err_t on_recv(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
	struct conn *c = arg;

	(void)err;
	c->idle = 0;
	if (!p)
		c->closing = true;
	else if (c->pending)
		pbuf_cat(c->pending, p);
	else
		c->pending = p;
	return pump(pcb, c);
}

static err_t on_sent(void *arg, struct tcp_pcb *pcb, u16_t len)
{
	struct conn *c = arg;

	(void)len;
	c->idle = 0;
	return pump(pcb, c);
}

static err_t on_poll(void *arg, struct tcp_pcb *pcb)
{
	struct conn *c = arg;

	if (++c->idle > IDLE_POLLS)
		return end(pcb, c);
	return pump(pcb, c);
}

/* The pcb is gone already. */
static void on_err(void *arg, err_t err)
{
	(void)err;
	release(arg);
}

static err_t on_accept(void *arg, struct tcp_pcb *pcb, err_t err)
{
	struct conn *c = conn;

	(void)arg;
	if (err != ERR_OK || !pcb)
		return ERR_VAL;
	while (c < conn + CONNS && c->used)
		c++;
	/* lwIP answers an error with a reset. */
	if (c == conn + CONNS)
		return ERR_MEM;
	c->used = true;
	tcp_arg(pcb, c);
	tcp_recv(pcb, on_recv);
	tcp_sent(pcb, on_sent);
	tcp_err(pcb, on_err);
	tcp_poll(pcb, on_poll, 2);
	return ERR_OK;
}

static int serve_tcp(void)
{
	struct tcp_pcb *pcb = tcp_new(), *listener;
	err_t err;

	if (!pcb)
		return XOK_ENOMEM;
	err = tcp_bind(pcb, IP_ADDR_ANY, ECHO_PORT);
	listener = err ? NULL : tcp_listen_with_backlog_and_err(pcb, CONNS, &err);
	if (!listener) {
		tcp_close(pcb);
		return amp_ip_error(err);
	}
	tcp_accept(listener, on_accept);
	return 0;
}

int amp_ip_echo_service(void)
{
	struct udp_pcb *udp = udp_new();
	int err;

	if (!udp)
		return XOK_ENOMEM;
	err = amp_ip_error(udp_bind(udp, IP_ADDR_ANY, ECHO_PORT));
	if (!err)
		err = serve_tcp();
	if (err) {
		udp_remove(udp);
		return err;
	}
	udp_recv(udp, on_datagram, NULL);
	return 0;
}
