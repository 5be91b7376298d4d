/* SPDX-License-Identifier: BSD-2-Clause */
/* env_memory.c - memory that is shared by descriptor: its size is sealed, so that no mapping of it can be pulled away. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "envs.h"

#define SIZE_SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)
#define FILE_MAX (64u << 20)

int memory_new(const char *name, uint64_t len)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return -1;
	if (!fchmod(fd, 0600) && !ftruncate(fd, (off_t)len) &&
	    fcntl(fd, F_ADD_SEALS, SIZE_SEALS) == 0)
		return fd;
	close(fd);
	return -1;
}

/* A descriptor keeps the rights that it was opened with; so this one is opened anew. */
int memory_reader(int fd)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, O_RDONLY | O_CLOEXEC);
}

static int copy_file(int from, uint64_t len)
{
	int to = memfd_create("boot", MFD_CLOEXEC | MFD_ALLOW_SEALING), reader;
	uint8_t buf[16384];
	uint64_t done = 0;

	if (to < 0)
		return XOK_ENOMEM;
	while (done < len) {
		ssize_t n = read(from, buf, sizeof(buf));

		if (n <= 0 || write(to, buf, (size_t)n) != n)
			break;
		done += (uint64_t)n;
	}
	reader = done == len && !fcntl(to, F_ADD_SEALS, SIZE_SEALS | F_SEAL_WRITE)
			 ? memory_reader(to)
			 : -1;
	close(to);
	return reader < 0 ? XOK_ENOMEM : reader;
}

int memory_of_file(const char *path, uint64_t *len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), copy = XOK_ENOMEM;
	struct stat st;

	if (fd < 0) {
		say("boot file %s: %s", path, strerror(errno));
		return XOK_ENOENT;
	}
	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_size > FILE_MAX) {
		say("boot file %s: not a plain file of at most %u MiB", path, FILE_MAX >> 20);
	} else {
		*len = (uint64_t)st.st_size;
		copy = copy_file(fd, *len);
	}
	close(fd);
	return copy;
}

void shares_init(struct share s[XL_SHARES])
{
	for (uint32_t i = 0; i < XL_SHARES; i++)
		s[i] = (struct share){.fd = -1};
}

void shares_close(struct share s[XL_SHARES])
{
	for (uint32_t i = 0; i < XL_SHARES; i++)
		if (s[i].fd >= 0)
			close(s[i].fd);
	shares_init(s);
}
