/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_cpio.c - any bytes as a boot archive: every member lies inside, and the walk ends. */
#include <stdlib.h>
#include <string.h>

#include "xok/pc/cpio.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cpio c = {.data = data, .len = size};
	struct cpio_file f;
	size_t len, before = 0;

	while (cpio_next(&c, &f) == 1) {
		if (c.off <= before || c.off > size || f.data < data || f.data > data + size ||
		    f.len > (size_t)(data + size - f.data))
			abort();
		if ((const uint8_t *)f.name + strlen(f.name) >= data + size)
			abort();
		before = c.off;
	}
	cpio_find(data, size, "init", &len);
	return 0;
}
