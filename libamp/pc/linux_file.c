/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * linux_file.c - descriptors: 0, 1 and 2 are console 0, the others files of the boot archive,
 * read-only. A path's leading slash does not matter.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "libamp/pc/pc.h"

#define FIRST 3
#define NFILE 16
#define IOV_LIMIT 64

static struct {
	const uint8_t *data; /* NULL: not open */
	size_t len, off;
} files[NFILE];

static int index_of(uint64_t fd)
{
	int i = (int)fd - FIRST;

	return i >= 0 && i < NFILE && files[i].data != NULL ? i : -1;
}

static int64_t write_(uint64_t fd, const void *buf, uint64_t len)
{
	if (fd != 1 && fd != 2)
		return -EBADF;
	return amp_cons_write(0, buf, len) == XOK_OK ? (int64_t)len : -EIO;
}

static int64_t read_(uint64_t fd, void *buf, uint64_t len)
{
	int i = index_of(fd);
	size_t n;

	if (fd == 0) {
		int64_t got = cons_read_wait(buf, len);

		return got < 0 ? -EIO : got;
	}
	if (i < 0)
		return -EBADF;
	n = files[i].len - files[i].off;
	if (n > len)
		n = len;
	memcpy(buf, files[i].data + files[i].off, n);
	files[i].off += n;
	return (int64_t)n;
}

/* readv and writev: part by part, until one comes up short. */
static int64_t vector(uint64_t fd, const struct iovec *iov, uint64_t n, bool out)
{
	int64_t total = 0;

	if (n > IOV_LIMIT)
		return -EINVAL;
	for (uint64_t i = 0; i < n; i++) {
		int64_t done = 0;

		if (iov[i].iov_len > 0)
			done = out ? write_(fd, iov[i].iov_base, iov[i].iov_len)
				   : read_(fd, iov[i].iov_base, iov[i].iov_len);
		if (done < 0)
			return total > 0 ? total : done;
		total += done;
		if ((uint64_t)done < iov[i].iov_len)
			break;
	}
	return total;
}

static int64_t open_(const char *path, uint64_t flags)
{
	int i = 0;

	if ((flags & O_ACCMODE) != O_RDONLY)
		return -EROFS;
	while (i < NFILE && files[i].data != NULL)
		i++;
	if (i == NFILE)
		return -EMFILE;
	while (*path == '/')
		path++;
	files[i].data = amp_boot_file(path, &files[i].len);
	files[i].off = 0;
	return files[i].data != NULL ? i + FIRST : -ENOENT;
}

static int64_t close_(uint64_t fd)
{
	int i = index_of(fd);

	if (i < 0)
		return fd < FIRST ? 0 : -EBADF;
	files[i].data = NULL;
	return 0;
}

static int64_t lseek_(uint64_t fd, int64_t off, uint64_t whence)
{
	int i = index_of(fd);
	int64_t from;

	if (i < 0)
		return fd < FIRST ? -ESPIPE : -EBADF;
	from = whence == SEEK_CUR ? (int64_t)files[i].off : (int64_t)files[i].len;
	if (whence == SEEK_SET)
		from = 0;
	else if (whence != SEEK_CUR && whence != SEEK_END)
		return -EINVAL;
	/* The end is as far as one gets: nothing can be written behind it. */
	if (off < -from || off > (int64_t)files[i].len - from)
		return -EINVAL;
	files[i].off = (size_t)(from + off);
	return from + off;
}

static int64_t fstat_(uint64_t fd, struct stat *st)
{
	int i = index_of(fd);

	if (i < 0 && fd >= FIRST)
		return -EBADF;
	memset(st, 0, sizeof(*st));
	st->st_mode = i < 0 ? S_IFCHR | 0600 : S_IFREG | 0400;
	st->st_nlink = 1;
	st->st_size = i < 0 ? 0 : (off_t)files[i].len;
	st->st_blksize = XOK_PAGE;
	return 0;
}

int64_t linux_file(uint64_t nr, const uint64_t a[6])
{
	switch (nr) {
	case SYS_write: return write_(a[0], (const void *)a[1], a[2]);
	case SYS_read: return read_(a[0], (void *)a[1], a[2]);
	case SYS_writev: return vector(a[0], (const struct iovec *)a[1], a[2], true);
	case SYS_readv: return vector(a[0], (const struct iovec *)a[1], a[2], false);
	case SYS_open: return open_((const char *)a[0], a[1]);
	case SYS_openat: return open_((const char *)a[1], a[2]);
	case SYS_close: return close_(a[0]);
	case SYS_lseek: return lseek_(a[0], (int64_t)a[1], a[2]);
	case SYS_fstat: return fstat_(a[0], (struct stat *)a[1]);
	case SYS_ioctl: return -ENOTTY; /* stdio asks whether it is a terminal */
	case SYS_fcntl: return a[0] < FIRST || index_of(a[0]) >= 0 ? 0 : -EBADF;
	default: return -ENOSYS;
	}
}
