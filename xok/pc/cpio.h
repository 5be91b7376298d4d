/* SPDX-License-Identifier: BSD-2-Clause */
/* cpio.h - files in a cpio archive of the "newc" format, in place. Freestanding: the kernel and libamp read the boot archive with it. */
#ifndef XOK_PC_CPIO_H
#define XOK_PC_CPIO_H

#include <stddef.h>
#include <stdint.h>

struct cpio {
	const uint8_t *data;
	size_t len, off; /* off: of the next member */
};

struct cpio_file {
	const char *name; /* NUL-terminated, inside the archive */
	uint32_t mode;
	const uint8_t *data;
	size_t len;
};

/* The next member: 1, 0 at the trailer or the archive's end, -1 when the archive is damaged. */
int cpio_next(struct cpio *c, struct cpio_file *f);

/*
 * A regular file by its name, without a leading "./"; NULL when there is none before the end or the
 * damage.
 */
const void *cpio_find(const void *archive, size_t bytes, const char *name, size_t *len);

#endif
