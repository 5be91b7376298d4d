/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * serial.c - consoles on 16550 UARTs: receive by interrupt into a ring, transmit by polling.
 *
 * A full receive ring masks the receiver, so that a sender with flow control (a socket) waits
 * instead of losing bytes. Transmission waits at most STALL_READS polls without progress; a line
 * that nobody reads then loses output at once until it moves again, and never holds up the kernel.
 */
#include "pc.h"
#include "x86.h"

#define RING 16384u /* a power of two */
#define FIFO 16u
#define STALL_READS 100000u

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

struct uart {
	uint16_t base;
	bool present, stalled, masked;
	uint32_t head, tail; /* of ring: written at head, read at tail; both count up */
	char ring[RING];
};

static struct uart uart[2] = {{.base = 0x3f8}, {.base = 0x2f8}};

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

static bool wait_room(struct uart *u)
{
	for (unsigned i = 0; i < (u->stalled ? 1 : STALL_READS); i++) {
		if (inb(u->base + REG_LSR) & LSR_THRE) {
			u->stalled = false;
			return true;
		}
		cpu_relax();
	}
	u->stalled = true;
	return false;
}

void serial_write(void *m, uint32_t cons, const char *buf, size_t len)
{
	struct uart *u = &uart[cons & 1];

	(void)m;
	if (!u->present)
		return;
	while (len > 0) {
		size_t n = len < FIFO ? len : FIFO;

		if (!wait_room(u))
			return;
		for (size_t i = 0; i < n; i++)
			outb(u->base + REG_DATA, (uint8_t)buf[i]);
		buf += n;
		len -= n;
	}
}

/*
 * Empties the receiver into the ring; a full ring masks the receiver until serial_read makes room.
 */
static void receive(struct uart *u)
{
	while (inb(u->base + REG_LSR) & LSR_DATA) {
		if (u->head - u->tail == RING) {
			u->masked = true;
			outb(u->base + REG_IER, 0);
			return;
		}
		u->ring[u->head++ % RING] = (char)inb(u->base + REG_DATA);
	}
}

bool serial_interrupt(uint32_t cons)
{
	struct uart *u = &uart[cons & 1];

	/* The line is edge-triggered: leave only when no cause is left, or none can come again. */
	for (unsigned i = 0; u->present && i < RING / FIFO; i++) {
		receive(u);
		if (u->masked || (inb(u->base + REG_IIR) & 1))
			break;
	}
	return u->head != u->tail;
}

size_t serial_read(void *m, uint32_t cons, char *buf, size_t len)
{
	struct uart *u = &uart[cons & 1];
	size_t n = 0;

	(void)m;
	while (n < len && u->tail != u->head)
		buf[n++] = u->ring[u->tail++ % RING];
	if (u->masked && u->head - u->tail <= RING / 2) {
		u->masked = false;
		receive(u);
		if (!u->masked)
			outb(u->base + REG_IER, IER_RECEIVE);
	}
	return n;
}
