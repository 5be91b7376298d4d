/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * apic.c - interrupt controllers: the old PICs silenced, the local APIC with its one-shot timer
 * (xAPIC, memory mapped), and the I/O APIC for the two serial lines. Devices interrupt by MSI-X.
 *
 * Source: SDM volume 3, chapter 11; Intel 82093AA data sheet.
 */
#include "pc.h"
#include "x86.h"

#define LAPIC_ID 0x20
#define LAPIC_TPR 0x80
#define LAPIC_EOI 0xb0
#define LAPIC_SPURIOUS 0xf0
#define LAPIC_LVT_TIMER 0x320
#define LAPIC_LVT_PERF 0x340
#define LAPIC_LVT_LINT0 0x350
#define LAPIC_LVT_LINT1 0x360
#define LAPIC_LVT_ERROR 0x370
#define LAPIC_TIMER_INIT 0x380
#define LAPIC_TIMER_COUNT 0x390
#define LAPIC_TIMER_DIVIDE 0x3e0
#define LVT_MASKED (1u << 16)
#define LVT_NMI (4u << 8)
#define APIC_ENABLE (1u << 8)
#define DIVIDE_BY_16 3u

#define IOAPIC_BASE 0xfec00000ull
#define IOAPIC_VERSION 1
#define IOAPIC_REDIRECT 0x10
#define LINE_COM1 4
#define LINE_COM2 3

static volatile uint32_t *lapic, *ioapic;
static uint64_t armed; /* what the timer is set to: a monotonic time, or UINT64_MAX */

static uint32_t lapic_read(uint32_t reg)
{
	return lapic[reg / 4];
}

static void lapic_write(uint32_t reg, uint32_t v)
{
	lapic[reg / 4] = v;
}

static uint32_t ioapic_read(uint32_t reg)
{
	ioapic[0] = reg;
	return ioapic[4];
}

static void ioapic_write(uint32_t reg, uint32_t v)
{
	ioapic[0] = reg;
	ioapic[4] = v;
}

static void pic_silence(void)
{
	/*
	 * Give both a defined state with vectors out of the way (a spurious one cannot be masked),
	 * then mask.
	 */
	outb(0x20, 0x11);
	outb(0xa0, 0x11);
	outb(0x21, 0xf0);
	outb(0xa1, 0xf8);
	outb(0x21, 4);
	outb(0xa1, 2);
	outb(0x21, 1);
	outb(0xa1, 1);
	outb(0x21, 0xff);
	outb(0xa1, 0xff);
}

/* Edge-triggered, active high, fixed to this processor: how ISA lines are wired. */
static void ioapic_route(uint32_t line, uint8_t vector)
{
	ioapic_write(IOAPIC_REDIRECT + line * 2 + 1, apic_id() << 24);
	ioapic_write(IOAPIC_REDIRECT + line * 2, vector);
}

static void ioapic_setup(void)
{
	uint32_t lines;

	ioapic = mmio_map(IOAPIC_BASE, XOK_PAGE);
	lines = ((ioapic_read(IOAPIC_VERSION) >> 16) & 0xff) + 1;
	for (uint32_t i = 0; i < lines; i++)
		ioapic_write(IOAPIC_REDIRECT + i * 2, LVT_MASKED);
	ioapic_route(LINE_COM1, VEC_COM1);
	ioapic_route(LINE_COM2, VEC_COM2);
}

void apic_init(void)
{
	pic_silence();
	lapic = mmio_map(rdmsr(MSR_APIC_BASE) & PTE_ADDR, XOK_PAGE);
	lapic_write(LAPIC_SPURIOUS, APIC_ENABLE | VEC_SPURIOUS);
	lapic_write(LAPIC_TPR, 0);
	lapic_write(LAPIC_LVT_PERF, LVT_MASKED);
	lapic_write(LAPIC_LVT_LINT0, LVT_MASKED);
	lapic_write(LAPIC_LVT_LINT1, LVT_NMI);
	lapic_write(LAPIC_LVT_ERROR, LVT_MASKED);
	lapic_write(LAPIC_TIMER_DIVIDE, DIVIDE_BY_16);
	lapic_write(LAPIC_LVT_TIMER, VEC_TIMER);
	armed = UINT64_MAX;
	ioapic_setup();
}

void apic_eoi(void)
{
	lapic_write(LAPIC_EOI, 0);
}

uint32_t apic_id(void)
{
	return lapic_read(LAPIC_ID) >> 24;
}

void apic_timer_raw(uint32_t count)
{
	lapic_write(LAPIC_TIMER_INIT, count);
}

uint32_t apic_timer_count(void)
{
	return lapic_read(LAPIC_TIMER_COUNT);
}

void apic_timer_fired(void)
{
	armed = UINT64_MAX;
}

void apic_timer_at(uint64_t at)
{
	uint64_t now, count;

	/*
	 * One that is set for earlier stays: it fires for nothing, at most once in a slice, which
	 * is cheaper than setting it at each change of mind.
	 */
	if (at >= armed)
		return;
	armed = at;
	now = clock_now();
	/* Beyond the counter's reach it fires early, and whoever set it asks again. */
	if (at > now + 1000000000ull)
		at = now + 1000000000ull;
	count = at <= now ? 1 : (((at - now) * clock.lapic_mult) >> 32) + 1;
	apic_timer_raw(count > UINT32_MAX ? UINT32_MAX : (uint32_t)count);
}
