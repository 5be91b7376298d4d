/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pci.c - configuration space by ports CF8 and CFC, and a walk over all functions in a fixed order.
 *
 * The firmware has assigned bus numbers and base addresses. Source: PCI Local Bus Specification
 * 3.0; PCI-to-PCI Bridge Architecture Specification 1.2.
 */
#include "pc.h"
#include "x86.h"

#define CFG_VENDOR 0x00
#define CFG_COMMAND 0x04
#define CFG_STATUS 0x06
#define CFG_HEADER 0x0e
#define CFG_BAR0 0x10
#define CFG_SECONDARY 0x19
#define CFG_CAPS 0x34
#define CMD_MEMORY 0x002
#define CMD_MASTER 0x004
#define CMD_NO_INTX 0x400
#define STATUS_CAPS 0x10
#define HEADER_MULTI 0x80
#define HEADER_BRIDGE 1
#define CAP_MSIX 0x11
#define MAX_DEPTH 8u

static void select(const struct pci_dev *d, uint32_t off)
{
	outl(0xcf8, 0x80000000u | (uint32_t)d->bus << 16 | (uint32_t)d->dev << 11 |
			    (uint32_t)d->fn << 8 | (off & 0xfc));
}

uint32_t pci_read(const struct pci_dev *d, uint32_t off, uint32_t size)
{
	select(d, off);
	if (size == 1)
		return inb((uint16_t)(0xcfc + (off & 3)));
	if (size == 2)
		return inw((uint16_t)(0xcfc + (off & 2)));
	return inl(0xcfc);
}

void pci_write(const struct pci_dev *d, uint32_t off, uint32_t size, uint32_t v)
{
	select(d, off);
	if (size == 1)
		outb((uint16_t)(0xcfc + (off & 3)), (uint8_t)v);
	else if (size == 2)
		outw((uint16_t)(0xcfc + (off & 2)), (uint16_t)v);
	else
		outl(0xcfc, v);
}

static void scan_bus(uint8_t bus, unsigned depth, void (*fn)(const struct pci_dev *d));

static void scan_function(struct pci_dev *d, unsigned depth, void (*fn)(const struct pci_dev *d))
{
	uint8_t secondary;

	d->vendor = (uint16_t)pci_read(d, CFG_VENDOR, 2);
	if (d->vendor == 0xffff)
		return;
	d->device = (uint16_t)pci_read(d, CFG_VENDOR + 2, 2);
	fn(d);
	if ((pci_read(d, CFG_HEADER, 1) & 0x7f) != HEADER_BRIDGE)
		return;
	/* A bridge leads to higher bus numbers only; anything else would be a loop. */
	secondary = (uint8_t)pci_read(d, CFG_SECONDARY, 1);
	if (secondary > d->bus && depth < MAX_DEPTH)
		scan_bus(secondary, depth + 1, fn);
}

static void scan_bus(uint8_t bus, unsigned depth, void (*fn)(const struct pci_dev *d))
{
	for (uint8_t dev = 0; dev < 32; dev++) {
		struct pci_dev d = {.bus = bus, .dev = dev};
		unsigned functions;

		if (pci_read(&d, CFG_VENDOR, 2) == 0xffff)
			continue;
		functions = pci_read(&d, CFG_HEADER, 1) & HEADER_MULTI ? 8 : 1;
		for (unsigned f = 0; f < functions; f++) {
			struct pci_dev one = {.bus = bus, .dev = dev, .fn = (uint8_t)f};

			scan_function(&one, depth, fn);
		}
	}
}

void pci_scan(void (*fn)(const struct pci_dev *d))
{
	scan_bus(0, 0, fn);
}

uint32_t pci_cap(const struct pci_dev *d, uint8_t id, uint32_t after)
{
	uint32_t at;

	if (!(pci_read(d, CFG_STATUS, 2) & STATUS_CAPS))
		return 0;
	at = pci_read(d, after == 0 ? CFG_CAPS : after + 1, 1) & 0xfc;
	/* At most 48 capabilities fit: a longer list runs in a circle. */
	for (unsigned i = 0; i < 48 && at >= 0x40; i++) {
		if (pci_read(d, at, 1) == id)
			return at;
		at = pci_read(d, at + 1, 1) & 0xfc;
	}
	return 0;
}

uint64_t pci_bar(const struct pci_dev *d, uint32_t bar)
{
	uint32_t low;
	uint64_t base;

	if (bar > 5)
		return 0;
	low = pci_read(d, CFG_BAR0 + bar * 4, 4);
	if (low & 1)
		return 0;
	base = low & ~0xfu;
	if ((low & 6) == 4 && bar < 5)
		base |= (uint64_t)pci_read(d, CFG_BAR0 + bar * 4 + 4, 4) << 32;
	return base;
}

void pci_enable(const struct pci_dev *d)
{
	uint32_t command = pci_read(d, CFG_COMMAND, 2);

	pci_write(d, CFG_COMMAND, 2, command | CMD_MEMORY | CMD_MASTER | CMD_NO_INTX);
}

bool pci_msix(const struct pci_dev *d, uint32_t entry, uint8_t vector)
{
	uint32_t cap = pci_cap(d, CAP_MSIX, 0), control, where;
	volatile uint32_t *e;
	uint64_t base;

	if (cap == 0)
		return false;
	control = pci_read(d, cap + 2, 2);
	where = pci_read(d, cap + 4, 4);
	base = pci_bar(d, where & 7);
	if (base == 0 || entry > (control & 0x7ff))
		return false;
	e = mmio_map(base + (where & ~7u) + entry * 16, 16);
	e[0] = 0xfee00000u | apic_id() << 12;
	e[1] = 0;
	e[2] = vector; /* fixed delivery, edge */
	e[3] = 0;      /* not masked */
	pci_write(d, cap + 2, 2, (control & 0x3fff) | 0x8000);
	return true;
}
