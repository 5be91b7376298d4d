/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_metrics.c - anybody's bytes at the metrics endpoint: an answer stands for good once there is one, and is none of a request that is not whole. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "testbed/metrics_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *buf = malloc(len + 1);
	bool head;
	int before = 0;

	memcpy(buf, data, len);
	for (size_t n = 0; n <= len; n++) {
		int status = metrics_request(buf, n, &head);

		if ((before && status != before) || !*metrics_reason(status) ||
		    (status == 200 && memcmp(buf, head ? "HEAD " : "GET ", head ? 5 : 4) != 0))
			abort();
		before = status;
	}
	free(buf);
	return 0;
}
