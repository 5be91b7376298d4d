/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net.c - virtio-net ports (Virtio 1.1, section 5.1): one receive and one transmit queue each, no
 * offloads.
 *
 * Receiving takes at most half the processor while environments want it. Each burst is bounded, and
 * the time it took must pass outside before the next one; until then the queue's interrupts are off
 * and the timer calls net_poll. While no environment can run, packets are handled as they come.
 * Transmission copies into the queue's own buffers; finished ones are taken back at the next burst
 * or transmit, without interrupts.
 */
#include "virtio.h"
#include "x86.h"

#define VENDOR_VIRTIO 0x1af4
#define DEVICE_NET 0x1041
#define DEVICE_NET_TRANSITIONAL 0x1000

#define NET_F_MTU (1ull << 3)
#define NET_F_MAC (1ull << 5)
#define CONFIG_MTU 10 /* in the device's configuration; the address is at 0 */

/* 5.1.6: the header before each frame; its last field is there for every version-1 device. */
#define HEADER 12u
#define MTU_DEFAULT 1500u
#define BURST 64u
#define PAUSE_MIN 20000ull    /* ns between bursts at least */
#define PAUSE_MAX XOK_TICK_NS /* and at most: what took longer was the host's doing */

struct port {
	struct virtio v;
	struct vq rx, tx;
	uint8_t mac[6];
	uint16_t mtu;
	bool broken;
	bool pending;	/* a burst is due at `after`, and interrupts are off */
	uint64_t after; /* no burst before */
	uint16_t tx_free[VQ_SIZE];
	uint16_t tx_nfree;
};

static struct port ports[PC_NPORT];
static uint32_t nports;
static struct xok *xok;

static void read_config(struct port *p)
{
	for (unsigned i = 0; i < 6; i++)
		p->mac[i] = p->v.device[i];
	p->mtu = MTU_DEFAULT;
	if (p->v.features & NET_F_MTU) {
		uint16_t mtu = *(volatile uint16_t *)(p->v.device + CONFIG_MTU);

		/* 5.1.4.1: below 68 is not allowed; more than a buffer holds we do not use. */
		if (mtu >= 68 && mtu < MTU_DEFAULT)
			p->mtu = mtu;
	}
}

static bool start(struct port *p, const struct pci_dev *d, uint32_t number)
{
	if (!virtio_start(&p->v, d, NET_F_MTU | VIRTIO_F_ACCESS_PLATFORM,
			  VIRTIO_F_VERSION_1 | NET_F_MAC))
		return false;
	read_config(p);
	if (!pci_msix(d, 0, (uint8_t)(VEC_PORT0 + number)))
		return false;
	if (!virtio_queue(&p->v, &p->rx, 0, 0) || !virtio_queue(&p->v, &p->tx, 1, VIRTIO_NO_VECTOR))
		return false;
	vq_interrupts(&p->tx, false);
	for (uint16_t i = 0; i < p->tx.size; i++)
		p->tx_free[p->tx_nfree++] = i;
	virtio_ready(&p->v);
	return true;
}

static void found(const struct pci_dev *d)
{
	struct port *p = &ports[nports];

	if (d->vendor != VENDOR_VIRTIO)
		return;
	if (d->device != DEVICE_NET && d->device != DEVICE_NET_TRANSITIONAL)
		return;
	if (nports == PC_NPORT) {
		kprintf("xok: more than %u ports; one is not used\n", PC_NPORT);
		return;
	}
	/* A device that does not start keeps its number, so that those behind it keep theirs. */
	p->broken = !start(p, d, nports);
	if (p->broken)
		kprintf("xok: port %u: the device does not start\n", nports);
	nports++;
}

void net_init(void)
{
	pci_scan(found);
}

uint32_t net_ports(void)
{
	return nports;
}

void net_attach(struct xok *x)
{
	xok = x;
	for (uint32_t i = 0; i < nports; i++) {
		struct port *p = &ports[i];

		if (p->broken)
			continue;
		xok_port_up(x, i, p->mac, p->mtu);
		for (uint16_t id = 0; id < p->rx.size; id++)
			vq_post(&p->rx, id, VQ_BUFFER, true);
		vq_kick(&p->rx);
	}
}

/* The device cannot be trusted any more: it is stopped, and the port stays down. */
static void give_up(uint32_t number)
{
	struct port *p = &ports[number];

	p->broken = true;
	p->pending = false;
	virtio_fail(&p->v);
	xok_port(xok, number)->up = 0;
	xok_port(xok, number)->txq = 0;
}

static void reclaim(uint32_t number)
{
	struct port *p = &ports[number];
	enum vq_result r;
	uint32_t len;
	uint16_t id;

	/*
	 * At most as often as there are descriptors: a device that repeats itself gets no further.
	 */
	for (uint16_t i = 0; i < p->tx.size; i++) {
		r = vq_take(&p->tx, &id, &len);
		if (r == VQ_EMPTY)
			break;
		if (r == VQ_BROKEN) {
			give_up(number);
			return;
		}
		if (r == VQ_BUFFER_BACK)
			p->tx_free[p->tx_nfree++] = id;
	}
	xok_port(xok, number)->txq = p->tx.posted;
}

int net_transmit(void *m, uint32_t number, const void *frame, size_t len)
{
	struct port *p = &ports[number];
	uint8_t *buf;
	uint16_t id;

	(void)m;
	if (number >= nports || p->broken || len > VQ_BUFFER - HEADER)
		return XOK_EAGAIN;
	reclaim(number);
	if (p->broken || p->tx_nfree == 0)
		return XOK_EAGAIN;
	id = p->tx_free[--p->tx_nfree];
	buf = vq_buffer(&p->tx, id);
	memset(buf, 0, HEADER);
	memcpy(buf + HEADER, frame, len);
	vq_post(&p->tx, id, HEADER + (uint32_t)len, false);
	vq_kick(&p->tx);
	xok_port(xok, number)->txq = p->tx.posted;
	return XOK_OK;
}

/* One used buffer of the receive queue, whatever the device wrote about it. */
static void receive(uint32_t number, uint16_t id, uint32_t len)
{
	struct vq *q = &ports[number].rx;

	/*
	 * Less than header and Ethernet header would make the demultiplexer read what an earlier
	 * frame left; more than the longest frame is none of ours, and more than was posted cannot
	 * be.
	 */
	if (len < HEADER + XOK_FRAME_MIN || len > HEADER + XOK_FRAME_MAX)
		xok_port(xok, number)->rx_bad_length++;
	else
		xok_packet_in(xok, number, vq_buffer(q, id) + HEADER, len - HEADER);
	vq_post(q, id, VQ_BUFFER, true);
}

/* Handles at most BURST packets; true when more may wait. */
static bool burst(uint32_t number)
{
	struct vq *q = &ports[number].rx;
	unsigned done = 0;
	bool more = true;

	while (done < BURST && more) {
		uint16_t id;
		uint32_t len;

		switch (vq_take(q, &id, &len)) {
		case VQ_EMPTY: more = false; break;
		case VQ_BUFFER_BACK: receive(number, id, len); break;
		case VQ_BAD_ID: xok_port(xok, number)->rx_bad_length++; break;
		case VQ_BROKEN: give_up(number); return false;
		}
		done++;
	}
	if (done > 1 || more)
		vq_kick(q);
	reclaim(number);
	return more && !ports[number].broken;
}

/*
 * A burst now, and what follows from it: when the next one may come, and whether interrupts are
 * wanted.
 */
static void run(uint32_t number)
{
	struct port *p = &ports[number];
	uint64_t start_ns = clock_now(), end_ns, pause;

	p->pending = burst(number);
	if (p->broken)
		return;
	if (!p->pending) {
		vq_interrupts(&p->rx, true);
		/* What came before the device saw that brings no interrupt. */
		p->pending = vq_waiting(&p->rx);
	}
	if (p->pending)
		vq_interrupts(&p->rx, false);
	end_ns = clock_now();
	pause = end_ns - start_ns;
	if (pause < PAUSE_MIN)
		pause = PAUSE_MIN;
	if (pause > PAUSE_MAX)
		pause = PAUSE_MAX;
	p->after = end_ns + pause;
}

void net_interrupt(uint32_t number)
{
	struct port *p = &ports[number];

	if (number >= nports || p->broken || p->pending || xok == NULL)
		return;
	if (clock_now() >= p->after) {
		run(number);
		return;
	}
	p->pending = true;
	vq_interrupts(&p->rx, false);
}

uint64_t net_poll(bool idle)
{
	uint64_t next = UINT64_MAX, now = 0;

	for (uint32_t i = 0; i < nports; i++) {
		struct port *p = &ports[i];

		if (!p->pending)
			continue;
		if (now == 0)
			now = clock_now();
		if (idle || now >= p->after)
			run(i);
		if (p->pending && p->after < next)
			next = p->after;
	}
	return next;
}
