/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * code.h - for tests: code memory in two views, one that can be written and one that can be
 * executed; and packets whose last byte is the last that can be read.
 */
#ifndef DPF_TEST_CODE_H
#define DPF_TEST_CODE_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct code {
	uint8_t *w, *x;
	size_t bytes;
};

static inline struct code code_new(size_t bytes)
{
	struct code c = {.bytes = bytes};
	int fd = memfd_create("dpf", 0);

	if (fd < 0 || ftruncate(fd, (off_t)bytes) < 0)
		abort();
	c.w = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	c.x = mmap(NULL, bytes, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
	if (c.w == MAP_FAILED || c.x == MAP_FAILED)
		abort();
	close(fd);
	return c;
}

/* A page between two that cannot be touched; a packet is put flush against the second one. */
static inline uint8_t *guarded(const void *pkt, size_t len)
{
	static uint8_t *page;

	if (!page) {
		page = mmap(NULL, 3 * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (page == MAP_FAILED || mprotect(page + 4096, 4096, PROT_READ | PROT_WRITE))
			abort();
	}
	if (len > 4096)
		abort();
	if (len)
		memcpy(page + 8192 - len, pkt, len);
	return page + 8192 - len;
}

/* The same, flush against the page before it. */
static inline uint8_t *guarded_low(const void *pkt, size_t len)
{
	uint8_t *p = guarded("", 0) - 4096;

	if (len)
		memcpy(p, pkt, len);
	return p;
}

#endif
