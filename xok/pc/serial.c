/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * serial.c - consoles on 16550 UARTs: a ring for each direction, moved by interrupts.
 *
 * A full receive ring masks the receiver, so that a sender with flow control (a socket) waits
 * instead of losing bytes. A full transmit ring makes serial_write take less than it was given: the
 * kernel never waits for who reads a console, but for a bounded time in serial_drain, when the
 * machine stops.
 */
#include "pc.h"
#include "x86.h"

#define RING 32768u /* a power of two */
#define FIFO 16u
#define STALL_READS \
	1000000u /* polls without progress after which a line is given up when stopping */

#define REG_DATA 0
#define REG_IER 1
#define REG_FCR 2
#define REG_IIR 2
#define REG_LCR 3
#define REG_MCR 4
#define REG_LSR 5
#define LSR_DATA 0x01
#define LSR_THRE 0x20
#define IER_RECEIVE 0x01
#define IER_TRANSMIT 0x02
#define IIR_NONE 0x01

struct ring {
	uint32_t head, tail; /* written at head, read at tail; both count up */
	char byte[RING];
};

struct uart {
	uint16_t base;
	bool present, masked; /* masked: rx is full */
	struct ring *rx, *tx;
};

static struct ring ring[4]; /* apart from the ports, so that the image does not carry their zeros */
static struct uart uart[2] = {
	{.base = 0x3f8, .rx = &ring[0], .tx = &ring[1]},
	{.base = 0x2f8, .rx = &ring[2], .tx = &ring[3]},
};

static uint32_t used(const struct ring *r)
{
	return r->head - r->tail;
}

static void put(struct ring *r, char c)
{
	r->byte[r->head++ % RING] = c;
}

static char take(struct ring *r)
{
	return r->byte[r->tail++ % RING];
}

static void setup(struct uart *u)
{
	/*
	 * Without a UART the bus answers ones; with one the low nibble of the interrupt enables is
	 * ours to set.
	 */
	outb(u->base + REG_IER, 0);
	if (inb(u->base + REG_IER) != 0)
		return;
	u->present = true;
	outb(u->base + REG_LCR, 0x80); /* divisor 1: 115200 baud */
	outb(u->base + REG_DATA, 1);
	outb(u->base + REG_IER, 0);
	outb(u->base + REG_LCR, 0x03); /* 8 data bits, no parity, 1 stop bit */
	outb(u->base + REG_FCR, 0x01); /* FIFO on, an interrupt for each byte that waits */
	outb(u->base + REG_MCR, 0x0b); /* DTR, RTS, and OUT2, which gates the interrupt line */
	outb(u->base + REG_IER, IER_RECEIVE);
}

void serial_init(void)
{
	setup(&uart[0]);
	setup(&uart[1]);
}

/*
 * Tells the UART which interrupts it may raise: input while there is room, output while there is
 * some to send.
 */
static void set_interrupts(struct uart *u)
{
	uint8_t ier = 0;

	if (!u->masked)
		ier |= IER_RECEIVE;
	if (u->tx->head != u->tx->tail)
		ier |= IER_TRANSMIT;
	outb(u->base + REG_IER, ier);
}

/* Moves what waits to the transmitter, as long as it takes some: a FIFO at a time. */
static void pump(struct uart *u)
{
	while (used(u->tx) > 0 && (inb(u->base + REG_LSR) & LSR_THRE))
		for (unsigned i = 0; i < FIFO && used(u->tx) > 0; i++)
			outb(u->base + REG_DATA, (uint8_t)take(u->tx));
}

size_t serial_write(void *m, uint32_t cons, const char *buf, size_t len)
{
	struct uart *u = &uart[cons & 1];
	size_t n = 0;

	(void)m;
	if (!u->present)
		return len;
	pump(u);
	while (n < len && used(u->tx) < RING)
		put(u->tx, buf[n++]);
	pump(u);
	set_interrupts(u);
	return n;
}

void serial_drain(void)
{
	for (unsigned c = 0; c < 2; c++) {
		struct uart *u = &uart[c];

		for (unsigned i = 0; u->present && used(u->tx) > 0 && i < STALL_READS; i++) {
			uint32_t before = u->tx->tail;

			pump(u);
			cpu_relax();
			if (u->tx->tail != before)
				i = 0;
		}
	}
}

/*
 * Empties the receiver into the ring; a full ring masks the receiver until serial_read makes room.
 */
static void receive(struct uart *u)
{
	while (inb(u->base + REG_LSR) & LSR_DATA) {
		if (used(u->rx) == RING) {
			u->masked = true;
			return;
		}
		put(u->rx, (char)inb(u->base + REG_DATA));
	}
}

bool serial_interrupt(uint32_t cons)
{
	struct uart *u = &uart[cons & 1];

	if (!u->present)
		return false;
	/*
	 * The line is edge-triggered: leave only when no cause is left, or none can come again.
	 * Each turn takes input, until the receiver is masked, or gives output, until there is
	 * none.
	 */
	for (unsigned i = 0; i < 2 * RING; i++) {
		receive(u);
		pump(u);
		set_interrupts(u);
		if (inb(u->base + REG_IIR) & IIR_NONE)
			break;
	}
	return used(u->rx) > 0;
}

size_t serial_read(void *m, uint32_t cons, char *buf, size_t len)
{
	struct uart *u = &uart[cons & 1];
	size_t n = 0;

	(void)m;
	while (n < len && used(u->rx) > 0)
		buf[n++] = take(u->rx);
	if (u->masked && used(u->rx) <= RING / 2) {
		u->masked = false;
		receive(u);
		set_interrupts(u);
	}
	return n;
}
