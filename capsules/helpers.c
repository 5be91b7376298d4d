/* SPDX-License-Identifier: BSD-2-Clause */
/* helpers.c - helpers that need nothing of the node. */
#include "capsule/helpers.h"

#include <string.h>

uint64_t capsule_checksum(struct vc_run *run, uint64_t data, uint64_t len,
			  uint64_t c __attribute__((unused)), uint64_t d __attribute__((unused)),
			  uint64_t e __attribute__((unused)))
{
	const uint8_t *p = (const uint8_t *)(uintptr_t)data;
	uint64_t sum = 0, extra = len / 8;
	size_t i;

	if (run->budget < (int64_t)extra) {
		run->stop = CAPSULE_STOP_BUDGET;
		return 0;
	}
	run->budget -= (int64_t)extra;
	for (i = 0; i + 2 <= len; i += 2) {
		uint16_t word;

		memcpy(&word, p + i, sizeof(word));
		sum += word;
	}
	/* RFC 1071: an odd octet at the end is followed by a zero. */
	if (i < len)
		sum += p[i];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}
