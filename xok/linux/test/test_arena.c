/* SPDX-License-Identifier: BSD-2-Clause */
/* test_arena.c - frames, shared pieces and code memory: what others may do with them, and that everything is given back. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "xok/linux/linux.h"

#define FRAMES 64u

static struct xokd d;
static unsigned descriptors;

static unsigned count_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned n = 0;

	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static int set_up(void **state)
{
	(void)state;
	memset(&d, 0, sizeof(d));
	descriptors = count_descriptors();
	return arena_init(&d, FRAMES);
}

/* A leaked descriptor fails the test. */
static int tear_down(void **state)
{
	(void)state;
	arena_fini(&d);
	return count_descriptors() == descriptors ? 0 : -1;
}

static uint8_t *frame(uint32_t f)
{
	return arena_frame(&d, f);
}

static uint8_t *map(int fd, size_t bytes, int prot)
{
	uint8_t *p = mmap(NULL, bytes, prot, MAP_SHARED, fd, 0);

	return p == MAP_FAILED ? NULL : p;
}

static void test_frames_are_consecutive_and_zero(void **state)
{
	(void)state;
	for (uint32_t f = 0; f < FRAMES; f++) {
		assert_ptr_equal(frame(f), frame(0) + f * XOK_PAGE);
		assert_int_equal(frame(f)[0] | frame(f)[XOK_PAGE - 1], 0);
	}
}

static void test_share_keeps_contents(void **state)
{
	uint32_t n = 0;
	(void)state;

	for (uint32_t f = 0; f < FRAMES; f++)
		memset(frame(f), (int)f, XOK_PAGE);
	assert_int_equal(arena_share(&d, 10, 4), XOK_OK);
	for (uint32_t f = 0; f < FRAMES; f++)
		assert_int_equal(frame(f)[100], f);

	int fd = arena_piece(&d, 10, true, &n);

	assert_true(fd >= 0);
	assert_int_equal(n, 4);
	uint8_t *p = map(fd, 4 * XOK_PAGE, PROT_READ | PROT_WRITE);

	assert_int_equal(p[0], 10);
	assert_int_equal(p[4 * XOK_PAGE - 1], 13);
	/* One memory, seen from both sides. */
	p[0] = 99;
	assert_int_equal(frame(10)[0], 99);
	frame(13)[1] = 98;
	assert_int_equal(p[3 * XOK_PAGE + 1], 98);
	munmap(p, 4 * XOK_PAGE);
	close(fd);
	arena_unshare(&d, 10, 4);
}

static void test_unshared_frames_are_nobody_elses(void **state)
{
	uint32_t n;
	(void)state;

	assert_int_equal(arena_share(&d, 5, 2), XOK_OK);
	int fd = arena_piece(&d, 5, true, &n);
	uint8_t *p = map(fd, 2 * XOK_PAGE, PROT_READ | PROT_WRITE);

	frame(5)[0] = 1;
	arena_unshare(&d, 5, 2);
	assert_int_equal(frame(5)[0], 0);
	p[0] = 77;
	p[XOK_PAGE] = 77;
	assert_int_equal(frame(5)[0] | frame(6)[0], 0);
	frame(6)[0] = 3;
	assert_int_equal(p[XOK_PAGE], 77);
	munmap(p, 2 * XOK_PAGE);
	close(fd);
	assert_int_equal(arena_piece(&d, 5, false, &n), XOK_ENOENT);
}

static void test_only_whole_pieces(void **state)
{
	uint32_t n;
	(void)state;

	assert_int_equal(arena_share(&d, 20, 3), XOK_OK);
	assert_int_equal(arena_piece(&d, 19, false, &n), XOK_ENOENT);
	assert_int_equal(arena_piece(&d, 21, false, &n), XOK_ENOENT);
	assert_int_equal(arena_piece(&d, FRAMES, false, &n), XOK_ENOENT);
	assert_int_equal(arena_piece(&d, UINT32_MAX, false, &n), XOK_ENOENT);
	arena_unshare(&d, 20, 3);
}

/* What was given for reading cannot be written, and nobody can change the size, which would kill who touches what is gone. */
static void test_rights(void **state)
{
	uint32_t n;
	(void)state;

	assert_int_equal(arena_share(&d, 1, 1), XOK_OK);
	int ro = arena_piece(&d, 1, false, &n), rw = arena_piece(&d, 1, true, &n);

	assert_null(map(ro, XOK_PAGE, PROT_READ | PROT_WRITE));
	uint8_t *p = map(ro, XOK_PAGE, PROT_READ);

	assert_non_null(p);
	assert_int_equal(mprotect(p, XOK_PAGE, PROT_READ | PROT_WRITE), -1);
	assert_int_equal(ftruncate(rw, 0), -1);
	assert_int_equal(ftruncate(rw, 8192), -1);
	assert_int_equal(fcntl(rw, F_ADD_SEALS, F_SEAL_WRITE), -1);
	munmap(p, XOK_PAGE);
	close(ro);
	close(rw);
	arena_unshare(&d, 1, 1);
}

static void test_books(void **state)
{
	(void)state;
	struct xok_info *info = arena_books(&d, 2 * XOK_PAGE);

	assert_non_null(info);
	assert_ptr_equal(d.info, info);
	info->magic = 42;
	int fd = arena_info_fd(&d);

	assert_true(fd >= 0);
	assert_null(map(fd, XOK_PAGE, PROT_READ | PROT_WRITE));
	const struct xok_info *seen = (void *)map(fd, 2 * XOK_PAGE, PROT_READ);

	assert_int_equal(seen->magic, 42);
	info->nenv = 7;
	assert_int_equal(seen->nenv, 7);
	assert_int_equal(ftruncate(fd, 0), -1);
	munmap((void *)seen, 2 * XOK_PAGE);
	close(fd);
}

static void test_code_is_never_both(void **state)
{
	static const uint8_t returns_7[] = {0xb8, 7, 0, 0, 0, 0xc3};
	(void)state;

	assert_int_equal(arena_code(&d, 4 * XOK_PAGE), 0);
	memcpy(d.code[0].at, returns_7, sizeof(returns_7));
	int (*fn)(void);

	memcpy(&fn, &d.code[1].at, sizeof(fn));
	assert_int_equal(fn(), 7);
	assert_int_equal(mprotect(d.code[1].at, XOK_PAGE, PROT_READ | PROT_WRITE), -1);
	assert_int_equal(errno, EACCES);
}

/* Sharing takes only what was touched: the rest of a large table costs nothing. */
static void test_untouched_pages_stay_so(void **state)
{
	struct stat st;
	uint32_t n;
	(void)state;

	frame(33)[5] = 1;
	assert_int_equal(arena_share(&d, 32, 16), XOK_OK);
	int fd = arena_piece(&d, 32, false, &n);

	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_blocks * 512, XOK_PAGE);
	assert_int_equal(frame(33)[5], 1);
	close(fd);
	arena_unshare(&d, 32, 16);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_frames_are_consecutive_and_zero),
		TEST(test_share_keeps_contents),
		TEST(test_unshared_frames_are_nobody_elses),
		TEST(test_only_whole_pieces),
		TEST(test_rights),
		TEST(test_books),
		TEST(test_code_is_never_both),
		TEST(test_untouched_pages_stay_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
