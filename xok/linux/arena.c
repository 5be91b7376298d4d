/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * arena.c - memory: the frames, pieces of them that environments may map, the bookkeeping, and code.
 *
 * Frames are private anonymous memory, one range of addresses, taken from Linux as they are touched. A piece that is shared becomes a memfd of its
 * own, mapped in the very place of its frames, so that the kernel's view does not change; it is sealed against growing and shrinking, since a file that
 * somebody truncates kills whoever touches what is gone. Afterwards fresh memory takes the place again: what an environment still has mapped is then nobody's
 * but its own.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "linux.h"

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010u
#endif
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008u
#endif

/* A piece, at the index of its first frame. */
struct piece {
	uint32_t n; /* frames; 0: no piece begins here */
	int fd;
};

struct arena {
	uint8_t *base;
	uint32_t nframe;
	struct piece *piece;
	int books; /* the bookkeeping's memfd */
};

/*
 * Kernels before 6.3 do not know the flags about execution. Mode 0600: an environment, which is another user, cannot open again for
 * writing what it was given for reading.
 */
static int memfd(const char *name, size_t bytes, unsigned exec)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | exec);

	if (fd < 0 && errno == EINVAL)
		fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -1;
	if (fchmod(fd, 0600) || ftruncate(fd, (off_t)bytes) ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)) {
		int saved = errno;
		close(fd);
		errno = saved;
		return -1;
	}
	return fd;
}

/* A second descriptor of the same file, with rights of its own. */
static int reopen(int fd, int flags)
{
	char path[40];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, flags | O_CLOEXEC);
}

int arena_init(struct xokd *d, uint32_t nframe)
{
	struct arena *a = calloc(1, sizeof(*a));
	size_t bytes = (size_t)nframe * XOK_PAGE;

	if (!a)
		return say_error("out of memory");
	d->arena = a;
	a->books = -1;
	a->nframe = nframe;
	a->piece = calloc(nframe, sizeof(*a->piece));
	a->base = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (!a->piece || a->base == MAP_FAILED) {
		a->base = NULL;
		return say_error(
			"--memory %u: Linux gives no such range of addresses: %m; say less",
			nframe / (1024 * 1024 / XOK_PAGE));
	}
	/* Huge pages would make memory resident that nobody has touched. */
	madvise(a->base, bytes, MADV_NOHUGEPAGE);
	return 0;
}

void arena_fini(struct xokd *d)
{
	struct arena *a = d->arena;

	if (!a)
		return;
	for (uint32_t i = 0; a->piece && i < a->nframe; i++)
		if (a->piece[i].n)
			close(a->piece[i].fd);
	if (a->base)
		munmap(a->base, (size_t)a->nframe * XOK_PAGE);
	for (unsigned i = 0; i < 2; i++)
		if (d->code[i].at)
			munmap(d->code[i].at, d->code[i].bytes);
	memset(d->code, 0, sizeof(d->code));
	if (d->info)
		munmap(d->info, d->info_bytes);
	d->info = NULL;
	if (a->books >= 0)
		close(a->books);
	free(a->piece);
	free(a);
	d->arena = NULL;
}

void *arena_frame(void *d, uint32_t frame)
{
	return ((struct xokd *)d)->arena->base + (size_t)frame * XOK_PAGE;
}

/* Pages that are all zero stay untouched, and so take no memory. */
static void copy_pages(uint8_t *to, const uint8_t *from, uint32_t n)
{
	static const uint8_t zero[XOK_PAGE];

	for (uint32_t i = 0; i < n; i++, to += XOK_PAGE, from += XOK_PAGE)
		if (memcmp(from, zero, XOK_PAGE) != 0)
			memcpy(to, from, XOK_PAGE);
}

int arena_share(void *d, uint32_t first, uint32_t n)
{
	struct arena *a = ((struct xokd *)d)->arena;
	size_t bytes = (size_t)n * XOK_PAGE;
	uint8_t *place = a->base + (size_t)first * XOK_PAGE;
	int fd = memfd("xok-frames", bytes, MFD_NOEXEC_SEAL);

	if (fd < 0)
		return XOK_ENOMEM;
	uint8_t *map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (map == MAP_FAILED) {
		close(fd);
		return XOK_ENOMEM;
	}
	copy_pages(map, place, n);
	/* Moved over its place in one step: nobody finds nothing there. */
	if (mremap(map, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, place) == MAP_FAILED) {
		munmap(map, bytes);
		close(fd);
		return XOK_ENOMEM;
	}
	a->piece[first] = (struct piece){n, fd};
	return XOK_OK;
}

void arena_unshare(void *d, uint32_t first, uint32_t n)
{
	struct arena *a = ((struct xokd *)d)->arena;
	size_t bytes = (size_t)n * XOK_PAGE;
	uint8_t *place = a->base + (size_t)first * XOK_PAGE;

	/* Frames that an environment can still write must never become another's. */
	if (mmap(place, bytes, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) == MAP_FAILED) {
		say_error("shared memory cannot be taken back: %m; ending");
		abort();
	}
	madvise(place, bytes, MADV_NOHUGEPAGE);
	close(a->piece[first].fd);
	a->piece[first] = (struct piece){0, -1};
}

int arena_piece(struct xokd *d, uint32_t first, bool writable, uint32_t *n)
{
	struct arena *a = d->arena;

	if (first >= a->nframe || !a->piece[first].n)
		return XOK_ENOENT;
	int fd = reopen(a->piece[first].fd, writable ? O_RDWR : O_RDONLY);

	if (fd < 0)
		return XOK_ENOMEM;
	*n = a->piece[first].n;
	return fd;
}

void *arena_books(struct xokd *d, size_t bytes)
{
	struct arena *a = d->arena;
	int fd = memfd("xok-books", bytes, MFD_NOEXEC_SEAL);

	if (fd < 0)
		return NULL;
	void *map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (map == MAP_FAILED) {
		close(fd);
		return NULL;
	}
	a->books = fd;
	d->info = map;
	d->info_bytes = bytes;
	return map;
}

int arena_info_fd(struct xokd *d)
{
	return reopen(d->arena->books, O_RDONLY);
}

/* No mapping is writable and executable, nor can it become so: the executable one's descriptor cannot write, and is gone. */
int arena_code(struct xokd *d, size_t bytes)
{
	int fd = memfd("xok-code", bytes, MFD_EXEC);

	if (fd < 0)
		return -1;
	int ro = reopen(fd, O_RDONLY);
	void *w = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	void *x = ro < 0 ? MAP_FAILED : mmap(NULL, bytes, PROT_READ | PROT_EXEC, MAP_SHARED, ro, 0);
	int saved = errno;

	if (w != MAP_FAILED) {
		d->code[0].at = w;
		d->code[0].bytes = bytes;
	}
	if (x != MAP_FAILED) {
		d->code[1].at = x;
		d->code[1].bytes = bytes;
	}
	close(fd);
	if (ro >= 0)
		close(ro);
	errno = saved;
	return w == MAP_FAILED || x == MAP_FAILED ? -1 : 0;
}
