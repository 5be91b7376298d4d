/* SPDX-License-Identifier: BSD-2-Clause */
#include "archive.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

/* Header and name together, and the data, are each padded to a multiple of 4. */
static void pad(FILE *out, size_t len)
{
	static const char zero[4];

	fwrite(zero, 1, -len & 3, out);
}

static int entry(FILE *out, const char *name, const void *data, size_t len, uint32_t ino,
		 uint32_t mode)
{
	size_t nlen = strlen(name) + 1;

	if (len > UINT32_MAX) {
		errno = EFBIG;
		return -1;
	}
	/* magic, ino, mode, uid, gid, nlink, mtime, size, device (2), rdev (2), name size, check */
	fprintf(out, "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X", ino, mode, 0, 0,
		1, 0, (unsigned)len, 0, 0, 0, 0, (unsigned)nlen, 0);
	fwrite(name, 1, nlen, out);
	pad(out, 110 + nlen);
	fwrite(data, 1, len, out);
	pad(out, len);
	return ferror(out) ? -1 : 0;
}

int archive_add(FILE *out, const char *name, const void *data, size_t len)
{
	return entry(out, name, data, len, 1, 0100644);
}

int archive_end(FILE *out)
{
	if (entry(out, "TRAILER!!!", "", 0, 0, 0))
		return -1;
	return fflush(out) ? -1 : 0;
}
