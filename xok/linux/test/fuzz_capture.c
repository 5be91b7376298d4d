/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_capture.c - whatever a client sends: what is accepted is within all bounds, and its filters can be put into a demultiplexer. */
#include <stdlib.h>
#include <string.h>

#include "xok/dpf/dpf.h"
#include "xok/linux/capture.h"

#define NPORT 4u
#define ARENA (DPF_ARENA_MIN + CAPTURE_FILTERS * DPF_FILTER_MAX)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(int ok)
{
	if (!ok)
		abort();
}

/* The magic and the number of filters are given, so that more than the first checks is reached. */
static size_t shape(uint8_t *m, size_t size)
{
	struct capture_request *r = (void *)m;

	if (size < sizeof(*r))
		return size;
	if (r->pad & 1) {
		r->magic = CAPTURE_MAGIC;
		r->pad = 0;
		r->nfilter = (uint32_t)((size - sizeof(*r)) / sizeof(struct xok_filter));
		size = sizeof(*r) + r->nfilter * sizeof(struct xok_filter);
	}
	return size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct capture_asked asked;
	static _Alignas(4096) uint8_t arena[ARENA];
	uint8_t *m = malloc(size ? size : 1);
	uint32_t equal;

	need(m != NULL);
	if (size)
		memcpy(m, data, size);
	size = shape(m, size);
	if (!capture_decode(&asked, m, size, NPORT)) {
		const struct capture_request *r = &asked.head;
		struct dpf *d = dpf_init(arena, sizeof(arena));

		need(r->kind < CAPTURE_KINDS && r->snap && r->snap <= XOK_FRAME_MAX);
		need(r->port < NPORT || r->port == CAPTURE_ANY);
		need(r->nreason <= CAPTURE_REASONS && r->nfilter <= CAPTURE_FILTERS && d);
		for (uint32_t i = 0; i < r->nreason; i++)
			need(strlen(r->reason[i].program) < sizeof(r->reason[i].program));
		for (uint32_t i = 0; i < r->nfilter; i++)
			need(dpf_insert(d, &asked.filter[i], i, &equal) != DPF_EINVAL);
		(void)dpf_match(d, m, size < 1518 ? size : 1518);
	}
	free(m);
	return 0;
}
