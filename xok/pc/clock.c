/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * clock.c - monotonic time from the time-stamp counter, measured once against the PIT together with
 * the local APIC's timer, and UTC from the CMOS clock.
 *
 * A virtual processor may lose the host's processor at any time, so each reading is the tightest of
 * several, the one with the fewest counts around the PIT's latch, and a long gap between two of
 * them does not count.
 */
#include "pc.h"
#include "x86.h"

#define PIT_HZ 1193182ull
#define PIT_INTERVAL (PIT_HZ / 100) /* 10 ms */
#define PIT_READINGS 5u
#define GAPS_FIRST 8u
#define GAP_LONG 64u /* times the shortest: some milliseconds at most */
#define NS 1000000000ull

#define CMOS_SECONDS 0x00
#define CMOS_MINUTES 0x02
#define CMOS_HOURS 0x04
#define CMOS_DAY 0x07
#define CMOS_MONTH 0x08
#define CMOS_YEAR 0x09
#define CMOS_STATUS_A 0x0a
#define CMOS_STATUS_B 0x0b

struct clock clock;

struct reading {
	uint64_t tsc;
	uint32_t lapic, pit;
};

static struct reading read_all(void)
{
	struct reading best = {0, 0, 0};
	uint64_t tightest = UINT64_MAX;

	for (unsigned i = 0; i < PIT_READINGS; i++) {
		struct reading r;
		uint64_t before = rdtsc(), after;

		outb(0x43, 0x00); /* latch channel 0 */
		r.lapic = apic_timer_count();
		after = rdtsc();
		r.pit = inb(0x40);
		r.pit |= (uint32_t)inb(0x40) << 8;
		r.tsc = before + (after - before) / 2;
		if (after - before < tightest) {
			tightest = after - before;
			best = r;
		}
	}
	return best;
}

/* 2^32 * num / den, without overflow for num below 2^64 / 2^32 * den. */
static uint64_t ratio32(uint64_t num, uint64_t den)
{
	uint64_t whole = num / den, rest = num % den;

	return whole << 32 | (rest << 32) / den;
}

/*
 * Adds up short gaps between readings. A longer one is left out: the host may have had the
 * processor for more than the 55 ms in which the PIT's 16 bits go round, and then it says nothing.
 */
static void calibrate(void)
{
	uint64_t tsc = 0, lapic = 0, ticks = 0, shortest = UINT64_MAX, ns;
	struct reading a, b;

	outb(0x43, 0x34); /* channel 0, both bytes, rate generator: counts down from 65536 */
	outb(0x40, 0);
	outb(0x40, 0);
	apic_timer_raw(UINT32_MAX);
	a = read_all();
	for (unsigned i = 0; ticks < PIT_INTERVAL; i++, a = b) {
		uint64_t gap;

		b = read_all();
		gap = b.tsc - a.tsc;
		if (gap < shortest)
			shortest = gap;
		/* The first ones tell what is short; the very first may precede the first count. */
		if (i < GAPS_FIRST || gap / GAP_LONG > shortest)
			continue;
		tsc += gap;
		lapic += a.lapic - b.lapic;
		ticks += (a.pit - b.pit) & 0xffff;
	}
	apic_timer_raw(0);

	ns = ticks * NS / PIT_HZ;
	clock.tsc_mult = ratio32(ns, tsc);
	clock.lapic_mult = ratio32(lapic, ns);
	if (clock.tsc_mult == 0 || clock.lapic_mult == 0)
		panic("the time-stamp counter or the timer stands still");
}

uint64_t clock_now(void)
{
	return (uint64_t)(((unsigned __int128)(rdtsc() - clock.tsc0) * clock.tsc_mult) >> 32);
}

static uint8_t cmos(uint8_t reg)
{
	outb(0x70, reg);
	return inb(0x71);
}

static uint32_t from_bcd(uint8_t v, bool binary)
{
	return binary ? v : (uint32_t)(v >> 4) * 10 + (v & 15);
}

/*
 * Days since 1 January 1970 in the Gregorian calendar: years are counted from 1 March, so a leap
 * day ends one.
 */
static uint64_t days_since_1970(uint32_t year, uint32_t month, uint32_t day)
{
	uint32_t y = month <= 2 ? year - 1 : year;
	uint32_t m = month <= 2 ? month + 9 : month - 3;
	uint64_t days = (uint64_t)y * 365 + y / 4 - y / 100 + y / 400 + (m * 153 + 2) / 5 + day - 1;

	return days - 719468;
}

static void read_cmos(uint8_t v[6])
{
	static const uint8_t reg[6] = {CMOS_SECONDS, CMOS_MINUTES, CMOS_HOURS,
				       CMOS_DAY,     CMOS_MONTH,   CMOS_YEAR};

	/*
	 * Bit 7 of status A: an update is near. A broken clock may leave it set, so do not wait for
	 * ever.
	 */
	for (unsigned i = 0; i < 10000 && (cmos(CMOS_STATUS_A) & 0x80) != 0; i++)
		cpu_relax();
	for (unsigned i = 0; i < 6; i++)
		v[i] = cmos(reg[i]);
}

/* Two equal readings in a row: no update fell between their bytes. */
static uint64_t cmos_seconds(void)
{
	uint8_t v[6], again[6], status = cmos(CMOS_STATUS_B);
	bool binary = (status & 4) != 0;
	uint32_t hour;

	read_cmos(v);
	for (unsigned i = 0; i < 10; i++) {
		read_cmos(again);
		if (memcmp(v, again, sizeof(v)) == 0)
			break;
		memcpy(v, again, sizeof(v));
	}
	hour = from_bcd(v[2] & 0x7f, binary);
	if (!(status & 2)) /* twelve-hour clock: 12 is 0, bit 7 is "pm" */
		hour = hour % 12 + (v[2] & 0x80 ? 12 : 0);
	return days_since_1970(2000 + from_bcd(v[5], binary), from_bcd(v[4], binary),
			       from_bcd(v[3], binary)) *
		       86400 +
	       hour * 3600 + from_bcd(v[1], binary) * 60 + from_bcd(v[0], binary);
}

void clock_init(uint64_t tsc0)
{
	clock.tsc0 = tsc0;
	calibrate();
	clock.wall0 = cmos_seconds() * NS - clock_now();
}
