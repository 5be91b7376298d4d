/* SPDX-License-Identifier: BSD-2-Clause */
/* capture_ring.c - rings come and go with captures. Their memory is taken by Linux as it is used. */
#include "capture_ring.h"

#include <string.h>
#include <sys/mman.h>

bool capture_ring_init(struct capture_ring *r, uint32_t slot_bytes, size_t room)
{
	uint32_t n = 1;

	while (n < UINT32_MAX / 4 && (size_t)n * 2 * slot_bytes <= room)
		n *= 2;
	memset(r, 0, sizeof(*r));
	void *at = mmap(NULL, (size_t)n * slot_bytes, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		return false;
	r->slot = at;
	r->nslot = n;
	r->bytes = slot_bytes;
	return true;
}

void capture_ring_fini(struct capture_ring *r)
{
	if (r->slot)
		munmap(r->slot, (size_t)r->nslot * r->bytes);
	r->slot = NULL;
}
