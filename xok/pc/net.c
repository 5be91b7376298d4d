/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net.c - virtio-net ports (Virtio 1.1, section 5.1): one receive and one transmit queue each, no
 * offloads.
 *
 * Packets are handled in turns, each bounded in packets and in time. While environments want the
 * processor all ports together may take a tenth of it: after each turn nine times what it took must
 * pass outside before the next one, until which the interrupts of ports that wait are off and the
 * timer calls net_poll. While no environment can run, packets are handled as they come.
 *
 * Transmission copies into the queue's own buffers. Finished ones are taken back behind the
 * doorbell of a later frame, without interrupts.
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
#define BURST 64u /* packets of one port in a turn */

/*
 * A turn ends with the first packet after TURN_NS; WAY_NS is what it costs beside, by the interrupt
 * that started it and perhaps one that found it was not yet time. A longer pause than PAUSE_MAX is
 * owed by no turn, even when its last packet met a handler that spends the largest budget on an
 * emulated processor: it was the host that took the time.
 */
#define TURN_NS 200000ull
#define WAY_NS 2000ull
#define PAUSE_PER_NS 9u
#define PAUSE_MAX (5 * XOK_TICK_NS)

struct port {
	struct virtio v;
	struct vq rx, tx;
	uint8_t mac[6];
	uint16_t mtu;
	bool broken;
	bool deaf; /* interrupts are off: it is in `waiting` */
	uint16_t tx_free[VQ_SIZE];
	uint16_t tx_nfree;
	struct xok_port_info *info;
};

static struct port ports[PC_NPORT];
static uint32_t nports;
static struct xok *xok;
static struct xok_info *info;

static uint32_t waiting;    /* ports with packets that wait for a turn, by bits */
static uint32_t next_first; /* the port with which the next turn begins */
static uint64_t after;	    /* no turn before, unless idle */

_Static_assert(PC_NPORT <= 32, "bits of `waiting`");

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

void net_attach(struct xok *x, struct xok_info *bookkeeping)
{
	xok = x;
	info = bookkeeping;
	for (uint32_t i = 0; i < nports; i++) {
		struct port *p = &ports[i];

		p->info = xok_port(x, i);
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
	waiting &= ~(1u << number);
	virtio_fail(&p->v);
	p->info->up = 0;
	p->info->txq = 0;
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
	p->info->txq = p->tx.posted;
}

int net_transmit(void *m, uint32_t number, const void *frame, size_t len)
{
	struct port *p = &ports[number];
	uint16_t id;

	(void)m;
	if (number >= nports || p->broken || len > VQ_BUFFER - HEADER)
		return XOK_EAGAIN;
	if (p->tx_nfree == 0)
		reclaim(number);
	if (p->broken || p->tx_nfree == 0)
		return XOK_EAGAIN;
	id = p->tx_free[--p->tx_nfree];
	/* The header before it is all zeros for ever: the device only reads these buffers. */
	memcpy(vq_buffer(&p->tx, id) + HEADER, frame, len);
	vq_post(&p->tx, id, HEADER + (uint32_t)len, false);
	vq_kick(&p->tx);
	reclaim(number);
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
		ports[number].info->rx_bad_length++;
	else
		xok_packet_in(xok, number, vq_buffer(q, id) + HEADER, len - HEADER);
	vq_post(q, id, VQ_BUFFER, true);
}

/* Wants interrupts of this port, or keeps it for the next turn instead. */
static void listen(uint32_t number, bool want)
{
	struct port *p = &ports[number];

	if (p->deaf == want) {
		vq_interrupts(&p->rx, want);
		p->deaf = !want;
		/* What came before the device saw that brings no interrupt. */
		if (want && vq_waiting(&p->rx)) {
			vq_interrupts(&p->rx, false);
			p->deaf = true;
		}
	}
	if (p->deaf)
		waiting |= 1u << number;
	else
		waiting &= ~(1u << number);
}

/* Handles packets of one port, until there is none, or it has had its share, or time is up. */
static void serve(uint32_t number, uint64_t start_ns)
{
	struct port *p = &ports[number];
	struct vq *q = &p->rx;
	unsigned done = 0;
	bool more;

	while ((more = vq_waiting(q)) && done < BURST &&
	       (done == 0 || clock_now() - start_ns <= TURN_NS)) {
		uint16_t id;
		uint32_t len;

		switch (vq_take(q, &id, &len)) {
		case VQ_EMPTY: break;
		case VQ_BUFFER_BACK: receive(number, id, len); break;
		case VQ_BAD_ID: p->info->rx_bad_length++; break;
		case VQ_BROKEN: give_up(number); return;
		}
		/* What a handler sent may have shown that this very device cannot be trusted. */
		if (p->broken)
			return;
		done++;
	}
	if (done > 0)
		vq_kick(q);
	if (p->deaf || more)
		listen(number, !more);
	p->info->txq = vq_unfinished(&p->tx);
}

/* A turn is over: nothing more may be handled for so long. */
static void rest(uint64_t start_ns, uint64_t end_ns)
{
	uint64_t pause = PAUSE_PER_NS * (end_ns - start_ns + WAY_NS);

	after = end_ns + (pause < PAUSE_MAX ? pause : PAUSE_MAX);
}

/* A turn of the ports that wait, beginning with the one whose turn it is. Returns when it ended. */
static uint64_t turn(uint64_t start_ns)
{
	uint64_t now = start_ns;
	uint32_t which = waiting, number = next_first;

	while (which != 0 && now - start_ns <= TURN_NS) {
		if (which >> number == 0)
			number = 0;
		number += (uint32_t)__builtin_ctz(which >> number);
		which &= ~(1u << number);
		serve(number, start_ns);
		number = (number + 1) % PC_NPORT;
		now = clock_now();
	}
	next_first = number;
	return now;
}

void net_interrupt(uint32_t number, bool idle)
{
	struct port *p = &ports[number];
	uint64_t now = clock_now();

	/* One that is deaf has its turn coming; this interrupt was on its way before. */
	if (number >= nports || p->broken || p->deaf || xok == NULL)
		return;
	if (idle || now >= after) {
		serve(number, now);
		rest(now, clock_now());
	} else {
		listen(number, false);
	}
	info->rx_deferrals += !idle && p->deaf;
}

/* Apart, so that asking for nothing costs nothing. */
static __attribute__((noinline)) uint64_t poll_waiting(bool idle)
{
	uint64_t now = clock_now();

	if (idle || now >= after) {
		rest(now, turn(now));
		for (uint32_t w = idle ? 0 : waiting; w != 0; w &= w - 1)
			info->rx_deferrals++;
	}
	return waiting == 0 ? UINT64_MAX : after;
}

uint64_t net_poll(bool idle)
{
	return waiting == 0 ? UINT64_MAX : poll_waiting(idle);
}
