/* SPDX-License-Identifier: BSD-2-Clause */
/* burner.c - works as long as its budget lets it and would end some time (budget-exhausted). Entry 1 spends it on a costly helper. */
#include "capsule/sdk.h"

CAPSULE_ENTRY(burner)
{
	volatile uint64_t sum = 0;

	for (uint64_t i = 0; i < 1000000000ull; i++)
		sum += i;
	return sum ? CAPSULE_FORWARD : CAPSULE_DROP;
}

CAPSULE_ENTRY(helper)
{
	int64_t found = 0;

	for (uint32_t i = 0; i < 100000000u; i++)
		found += capsule_route(ctx->destination + i);
	return found ? CAPSULE_FORWARD : CAPSULE_DROP;
}
