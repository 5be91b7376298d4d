/* SPDX-License-Identifier: BSD-2-Clause */
/* Heap sort of the window's first bytes in a local array, through functions that get a pointer into the caller's stack. */
#include "xok/vcode/test/programs/program.h"

#define N 48u

NOINLINE void sift(uint8_t *heap, uint32_t root, uint32_t n)
{
	uint32_t child;

	while ((child = 2 * root + 1) < n) {
		uint8_t was = heap[root];

		if (child + 1 < n && heap[child + 1] > heap[child])
			child++;
		if (was >= heap[child])
			return;
		heap[root] = heap[child];
		heap[child] = was;
		root = child;
	}
}

NOINLINE void sort(uint8_t *v, uint32_t n)
{
	for (uint32_t i = n / 2; i-- > 0;)
		sift(v, i, n);
	while (n > 1) {
		uint8_t last = v[--n];

		v[n] = v[0];
		v[0] = last;
		sift(v, 0, n);
	}
}

PROGRAM(heapsort)
{
	uint8_t v[N];
	uint64_t sum = 0;

	for (uint32_t i = 0; i < N; i++)
		v[i] = (uint8_t)(ctx->window[i % 16] * 167 + i * 31);
	sort(v, N);
	for (uint32_t i = 0; i < N; i++) {
		sum = sum * 31 + v[i];
		if (i < 16)
			ctx->window[i] = v[i];
	}
	return sum;
}
