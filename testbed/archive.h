/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * archive.h - the boot archive of a node: cpio "newc" (cpio(5)), uncompressed, regular files only.
 */
#ifndef TESTBED_ARCHIVE_H
#define TESTBED_ARCHIVE_H

#include <stddef.h>
#include <stdio.h>

/* Adds a file; returns 0, or -1 with errno. */
int archive_add(FILE *out, const char *name, const void *data, size_t len);
/* The end; checks that everything was written. */
int archive_end(FILE *out);

#endif
