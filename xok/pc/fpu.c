/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fpu.c - x87, SSE, AVX and AVX-512 state. Each environment has an area as large as CPUID says the
 * enabled state is. Registers are saved and loaded when the processor passes from one environment
 * to another (the kernel itself uses none), never on a trap later, so no environment runs on
 * another's registers.
 */
#include "pc.h"
#include "x86.h"

#define XCR0_X87 1u
#define XCR0_SSE 2u
#define XCR0_AVX 4u
#define XCR0_AVX512 0xe0u

/* Offsets in the legacy area (SDM 10.5.1). */
#define AREA_FCW 0
#define AREA_MXCSR 24
#define FCW_DEFAULT 0x37fu
#define MXCSR_DEFAULT 0x1f80u

static uint64_t fpu_mask;
static size_t area_size;
static uint8_t *areas;
static struct xok_env *owner; /* whose state is in the registers */

void fpu_setup(void)
{
	struct cpuid have = cpuid(0xd, 0);

	fpu_mask = XCR0_X87 | XCR0_SSE;
	if (have.a & XCR0_AVX) {
		fpu_mask |= XCR0_AVX;
		if ((have.a & XCR0_AVX512) == XCR0_AVX512)
			fpu_mask |= XCR0_AVX512;
	}
	xsetbv(0, fpu_mask);
	/* ebx is now the size of what is enabled. */
	area_size = ((size_t)cpuid(0xd, 0).b + 63) & ~(size_t)63;
	areas = boot_alloc(area_size * XOK_NENV, 64);
}

void fpu_init(void *m, struct xok_env *e)
{
	uint8_t *area = areas + area_size * XOK_ENV_INDEX(e->info->id);
	const uint16_t fcw = FCW_DEFAULT;
	const uint32_t mxcsr = MXCSR_DEFAULT;

	(void)m;
	/*
	 * With no bit set in the header's XSTATE_BV every component is loaded in its initial state.
	 */
	memset(area, 0, area_size);
	memcpy(area + AREA_FCW, &fcw, sizeof(fcw));
	memcpy(area + AREA_MXCSR, &mxcsr, sizeof(mxcsr));
	e->fpu = area;
	if (owner == e)
		owner = NULL;
}

void fpu_load(struct xok_env *e)
{
	if (owner == e)
		return;
	if (owner != NULL)
		xsave(owner->fpu, fpu_mask);
	xrstor(e->fpu, fpu_mask);
	owner = e;
}
