/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * udp.c - UDP for programs that want no more than datagrams in and out.
 */
#include "ip_int.h"

#include "lwip/ip.h"
#include "lwip/prot/udp.h"
#include "lwip/stats.h"
#include "lwip/udp.h"

#define OPEN_MAX_PORTS 16u
#define UDP_DATA_MAX (65535u - IP_HLEN - UDP_HLEN)

static struct udp_port {
	struct udp_pcb *pcb; /* NULL: free */
	void (*fn)(void *arg, uint32_t src, uint16_t sport, const uint8_t *data, size_t len);
	void *arg;
} open_port[OPEN_MAX_PORTS];

static struct udp_port *find_port(uint16_t port)
{
	for (uint32_t i = 0; i < OPEN_MAX_PORTS; i++)
		if (open_port[i].pcb && open_port[i].pcb->local_port == port)
			return &open_port[i];
	return NULL;
}

static struct udp_port *free_port(void)
{
	for (uint32_t i = 0; i < OPEN_MAX_PORTS; i++)
		if (!open_port[i].pcb)
			return &open_port[i];
	return NULL;
}

bool amp_ip_udp_trim(struct pbuf *p)
{
	const struct udp_hdr *h;
	uint16_t len = 0;

	/* The header is still there, before the payload. */
	if (pbuf_add_header(p, UDP_HLEN) == 0) {
		h = p->payload;
		len = lwip_ntohs(h->len);
		pbuf_remove_header(p, UDP_HLEN);
	}
	/* RFC 768: 8 at least. A longer one than the packet claims data that did not come. */
	if (len < UDP_HLEN || len - UDP_HLEN > p->tot_len) {
		lwip_stats.udp.lenerr++;
		return false;
	}
	pbuf_realloc(p, (u16_t)(len - UDP_HLEN));
	return true;
}

static void on_datagram(void *arg, struct udp_pcb *pcb, struct pbuf *p, const ip_addr_t *from,
			u16_t sport)
{
	/*
	 * One that came in fragments is a chain; single-threaded, so one buffer serves all ports.
	 */
	static uint8_t flat[UDP_DATA_MAX];
	struct udp_port *o = arg;
	const uint8_t *data = p->payload;

	(void)pcb;
	if (amp_ip_udp_trim(p)) {
		if (p->next) {
			pbuf_copy_partial(p, flat, p->tot_len, 0);
			data = flat;
		}
		o->fn(o->arg, from->addr, sport, data, p->tot_len);
	}
	pbuf_free(p);
}

int amp_ip_udp_open(uint16_t port,
		    void (*fn)(void *arg, uint32_t src, uint16_t sport, const uint8_t *data,
			       size_t len),
		    void *arg)
{
	struct udp_port *o = free_port();
	struct udp_pcb *pcb;
	err_t err;

	if (!port || !fn)
		return XOK_EINVAL;
	if (!o)
		return XOK_ENOMEM;
	pcb = udp_new();
	if (!pcb)
		return XOK_ENOMEM;
	err = udp_bind(pcb, IP_ADDR_ANY, port);
	if (err) {
		udp_remove(pcb);
		return amp_ip_error(err);
	}
	*o = (struct udp_port){pcb, fn, arg};
	udp_recv(pcb, on_datagram, o);
	return 0;
}

int amp_ip_udp_close(uint16_t port)
{
	struct udp_port *o = find_port(port);

	if (!o)
		return XOK_ENOENT;
	udp_remove(o->pcb);
	o->pcb = NULL;
	return 0;
}

/* The open port's own block, or one for this datagram alone. */
static err_t send_from(uint16_t sport, struct pbuf *p, const ip_addr_t *dst, uint16_t dport)
{
	struct udp_port *o = find_port(sport);
	struct udp_pcb *pcb;
	err_t err;

	if (o)
		return udp_sendto(o->pcb, p, dst, dport);
	pcb = udp_new();
	if (!pcb)
		return ERR_MEM;
	err = udp_bind(pcb, IP_ADDR_ANY, sport);
	if (!err)
		err = udp_sendto(pcb, p, dst, dport);
	udp_remove(pcb);
	return err;
}

int amp_ip_udp_send(uint16_t sport, uint32_t dst, uint16_t dport, const void *data, size_t len)
{
	ip_addr_t to = {.addr = dst};
	struct pbuf *p;
	bool was;
	err_t err;

	if (!dst || !dport || len > UDP_DATA_MAX)
		return XOK_EINVAL;
	p = pbuf_alloc(PBUF_TRANSPORT, (u16_t)len, PBUF_RAM);
	if (!p)
		return XOK_ENOMEM;
	if (len)
		pbuf_take(p, data, (u16_t)len);
	was = amp_ip_enter();
	err = send_from(sport, p, &to, dport);
	amp_ip_leave(was);
	pbuf_free(p);
	return amp_ip_error(err);
}
