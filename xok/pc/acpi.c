/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * acpi.c - just enough of ACPI to switch off and reset: RSDP, root table, FADT, and the sleep type
 * in the DSDT's _S5_ object. Every table is read through the direct map with its length checked;
 * without tables the ports of QEMU's q35 are used.
 *
 * Source: ACPI 6.4, sections 5.2.5 to 5.2.9, 4.8.3, 7.4.2.
 */
#include "pc.h"
#include "x86.h"

#define Q35_PM1A_CNT 0x604
#define SLP_EN (1u << 13)
#define SLP_TYP_SHIFT 10
#define FADT_DSDT 40
#define FADT_PM1A_CNT 64
#define FADT_MIN 72u
#define TABLE_HEADER 36u
#define TABLE_MAX (1u << 20)

static uint16_t pm1a_cnt = Q35_PM1A_CNT;
static uint16_t slp_typ;

static uint32_t get32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static uint64_t get64(const uint8_t *p)
{
	return get32(p) | (uint64_t)get32(p + 4) << 32;
}

/* A whole table with a sound length, or NULL. */
static const uint8_t *table_at(uint64_t pa, uint32_t *len)
{
	const uint8_t *t = phys_ptr_checked(pa, TABLE_HEADER);

	if (pa == 0 || t == NULL)
		return NULL;
	*len = get32(t + 4);
	if (*len < TABLE_HEADER || *len > TABLE_MAX)
		return NULL;
	return phys_ptr_checked(pa, *len);
}

/*
 * _S5_ is a package whose first element is the sleep type: NameOp "_S5_" PackageOp length count
 * element (20.2). The element is a byte constant (0x0a, value) or the opcodes Zero and One, which
 * are their own values.
 */
static void find_s5(const uint8_t *dsdt, uint32_t len)
{
	for (uint32_t i = TABLE_HEADER; i + 9 < len; i++) {
		const uint8_t *p = dsdt + i;

		if (memcmp(p, "_S5_", 4) != 0 || p[4] != 0x12)
			continue;
		/* The package length takes 1 to 4 bytes, as the top bits of its first one say. */
		p += 5 + 1 + (p[5] >> 6) + 1;
		if (p + 1 >= dsdt + len)
			return;
		slp_typ = p[0] == 0x0a ? p[1] & 7 : p[0] & 7;
		return;
	}
}

static void read_fadt(const uint8_t *fadt, uint32_t len)
{
	const uint8_t *dsdt;
	uint32_t dsdt_len;

	if (len < FADT_MIN || get32(fadt + FADT_PM1A_CNT) == 0)
		return;
	pm1a_cnt = (uint16_t)get32(fadt + FADT_PM1A_CNT);
	dsdt = table_at(get32(fadt + FADT_DSDT), &dsdt_len);
	if (dsdt != NULL)
		find_s5(dsdt, dsdt_len);
}

void acpi_init(void)
{
	const uint8_t *rsdp = phys_ptr_checked(memmap.rsdp, 36), *root, *t;
	uint32_t root_len, len, width;
	bool extended;

	if (memmap.rsdp == 0 || rsdp == NULL || memcmp(rsdp, "RSD PTR ", 8) != 0)
		return;
	extended = rsdp[15] >= 2 && get64(rsdp + 24) != 0;
	width = extended ? 8 : 4;
	root = table_at(extended ? get64(rsdp + 24) : get32(rsdp + 16), &root_len);
	if (root == NULL)
		return;
	for (uint32_t off = TABLE_HEADER; off + width <= root_len; off += width) {
		t = table_at(extended ? get64(root + off) : get32(root + off), &len);
		if (t != NULL && memcmp(t, "FACP", 4) == 0)
			read_fadt(t, len);
	}
}

void power(void *m, uint32_t how, uint32_t status)
{
	(void)m;
	__asm__ volatile("cli");
	serial_drain();
	if (how == XOK_POWER_EXIT)
		outl(0xf4, status);
	if (how == XOK_POWER_RESET) {
		outb(0xcf9, 0x06); /* chip set reset control: hard reset */
		outb(0x64, 0xfe);  /* keyboard controller: pulse the reset line */
	}
	outw(pm1a_cnt, (uint16_t)(slp_typ << SLP_TYP_SHIFT | SLP_EN));
	outw(Q35_PM1A_CNT, SLP_EN);
	for (;;)
		__asm__ volatile("hlt");
}
