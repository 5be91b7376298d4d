/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_packet_text.c - any bytes become one line of printable text that fits. */
#include <stdlib.h>
#include <string.h>

#include "testbed/packet_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint32_t captured = size < 1518 ? (uint32_t)size : 1518;
	uint8_t *frame = malloc(captured ? captured : 1);
	char text[256];

	if (!frame)
		abort();
	if (captured)
		memcpy(frame, data, captured);
	for (uint32_t more = 0; more < 2000; more += 700) {
		packet_text(frame, captured, captured + more, text, sizeof(text));
		if (!*text || strlen(text) >= sizeof(text))
			abort();
		for (const char *c = text; *c; c++)
			if (*c < ' ' || *c > '~')
				abort();
	}
	free(frame);
	return 0;
}
