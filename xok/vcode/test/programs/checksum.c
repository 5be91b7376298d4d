/* SPDX-License-Identifier: BSD-2-Clause */
/* The Internet checksum (RFC 1071) of the window, by pointers up to an end pointer. */
#include "xok/vcode/test/programs/program.h"

PROGRAM(checksum)
{
	const uint8_t *p = ctx->window, *end = p + ctx->len;
	uint32_t sum = 0;

	for (; p + 1 < end; p += 2)
		sum += (uint32_t)(p[0] << 8 | p[1]);
	if (p < end)
		sum += (uint32_t)(p[0] << 8);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}
