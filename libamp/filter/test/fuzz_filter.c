/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_filter.c - any text: a message, or filters that the kernel would take. */
#include <stdlib.h>
#include <string.h>

#include "amp/filter.h"
#include "test.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct xok_filter f[64];
	char err[AMP_FILTER_ERR];
	unsigned n = 99, max;
	char *text;
	int rc;

	if (!size)
		return 0;
	max = data[0] % 65;
	text = malloc(size);
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	rc = amp_filter_parse(text, f, max, &n, err, data[0] & 0x80 ? sizeof(err) : data[0] % 20);
	if (rc > 0 || n > max || (rc < 0) != (n == 0))
		abort();
	if (rc < 0 && data[0] & 0x80 && !err[0])
		abort();
	for (unsigned i = 0; i < n; i++)
		if (!filter_valid(&f[i]))
			abort();
	free(text);
	return 0;
}
