/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_topology.c - any bytes as a topology file: an error with a place, or a topology whose configurations can be written. */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "testbed/topology.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct topo t;
	static char sink[1 << 20];
	struct topo_error err;

	if (size > 4096)
		return 0;
	if (topo_parse(&t, (const char *)data, size, &err)) {
		assert(err.text[0] && strlen(err.text) < sizeof(err.text));
		return 0;
	}
	assert(t.nnode > 0 && t.nnode <= TOPO_NODES && t.nlink <= TOPO_LINKS);
	for (uint32_t i = 0; i < t.nnode && i < 4; i++) {
		FILE *f = fmemopen(sink, sizeof(sink), "w");

		topo_write_conf(&t, i, f);
		fclose(f);
	}
	return 0;
}
