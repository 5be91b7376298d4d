/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * g_libc.c - the C library in an environment: stdio, memory, time, sorting, floating point, boot
 * files.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "libamp/test/tap.h"

static uint32_t frames_used(void)
{
	return amp_env_info(amp_self())->frames;
}

static void test_stdio(int argc, char **argv)
{
	char buf[128];
	int a;
	double b;

	tap(argc == 1 && strcmp(argv[0], "init") == 0, "argv is what the kernel said");
	snprintf(buf, sizeof(buf), "%d %s %.6f %lx", -7, "text", 3.25, 0xfeedfacecafeul);
	tap(strcmp(buf, "-7 text 3.250000 feedfacecafe") == 0, "printf formats");
	tap(sscanf("42 2.5", "%d %lf", &a, &b) == 2 && a == 42 && b == 2.5, "scanf reads");
	tap(getenv("HOME") == NULL, "the environment is empty");
}

/* Random allocations, each filled with its own byte, checked before it goes. */
static bool churn(void)
{
	static struct {
		uint8_t *p;
		size_t len;
	} block[200];
	unsigned seed = 5;

	for (unsigned i = 0; i < 5000; i++) {
		unsigned k = (unsigned)rand_r(&seed) % 200;
		size_t len = (size_t)rand_r(&seed) % (i % 50 == 0 ? 300000 : 3000) + 1;

		for (size_t j = 0; j < block[k].len; j++)
			if (block[k].p[j] != k)
				return false;
		block[k].p = i % 3 == 0 ? realloc(block[k].p, len)
					: (free(block[k].p), malloc(len));
		if (block[k].p == NULL)
			return false;
		memset(block[k].p, (int)k, len);
		block[k].len = len;
	}
	for (unsigned k = 0; k < 200; k++) {
		free(block[k].p);
		block[k].p = NULL;
		block[k].len = 0;
	}
	return true;
}

static void test_malloc(void)
{
	uint32_t before;

	tap(churn(), "malloc, realloc and free keep contents apart");
	before = frames_used();
	tap(churn(), "and again");
	tap(frames_used() <= before + 32, "what is freed is used again");
	tap(malloc((size_t)1 << 28) == NULL && errno == ENOMEM,
	    "more than the quota is refused, not promised");
}

static void test_mmap(void)
{
	uint32_t before = frames_used();
	uint8_t *p = mmap(NULL, 100 * XOK_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);
	uint8_t *q;
	bool ok = true;

	tap(p != MAP_FAILED && frames_used() <= before + 4, "mapped memory has no frames yet");
	for (unsigned i = 0; i < 100; i++)
		ok = ok && p[i * XOK_PAGE] == 0;
	tap(ok && frames_used() >= before + 100, "touched, it reads as zeros and has them");
	for (unsigned i = 0; i < 100; i++)
		p[i * XOK_PAGE] = (uint8_t)i;
	q = mremap(p, 100 * XOK_PAGE, 300 * XOK_PAGE, MREMAP_MAYMOVE);
	for (unsigned i = 0; i < 100; i++)
		ok = ok && q[i * XOK_PAGE] == i;
	tap(ok && q[299 * XOK_PAGE] == 0, "it can grow and keeps its contents");
	tap(mprotect(q, 300 * XOK_PAGE, PROT_READ) == 0 && q[7 * XOK_PAGE] == 7,
	    "it can be made read-only");
	tap(munmap(q, 300 * XOK_PAGE) == 0 && frames_used() <= before + 8,
	    "unmapped, its frames are back");
	tap(mmap(NULL, XOK_PAGE, PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
		    MAP_FAILED,
	    "writable and executable at once is refused");
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void test_compute(void)
{
	static double v[5000];
	bool ok = true;

	srand(3);
	for (unsigned i = 0; i < 5000; i++)
		v[i] = sqrt((double)rand()) * sin((double)i);
	qsort(v, 5000, sizeof(v[0]), compare);
	for (unsigned i = 1; i < 5000; i++)
		ok = ok && v[i - 1] <= v[i];
	tap(ok, "qsort sorts doubles");
	tap(fabs(exp(log(10.0)) - 10.0) < 1e-12 && fabsl(powl(2.0L, 0.5L) - sqrtl(2.0L)) < 1e-15L,
	    "SSE and x87 compute");
}

static void test_time(void)
{
	struct timespec a, b, d = {.tv_nsec = 20000000};
	uint64_t t0 = amp_now(), t1;
	time_t now = time(NULL);
	struct tm *tm = gmtime(&now);

	clock_gettime(CLOCK_MONOTONIC, &a);
	tap(nanosleep(&d, NULL) == 0, "nanosleep");
	clock_gettime(CLOCK_MONOTONIC, &b);
	t1 = amp_now();
	tap((b.tv_sec - a.tv_sec) * 1000000000ll + b.tv_nsec - a.tv_nsec >= 20000000 &&
		    t1 - t0 < 2000000000ull,
	    "it took as long as it should");
	tap(tm->tm_year + 1900 >= 2024, "the wall clock is set (%d)", tm->tm_year + 1900);
	amp_wall_set(1000000000ull * 1000000000ull);
	tap(time(NULL) - 1000000000 < 5, "and can be corrected");
}

static void test_files(void)
{
	FILE *f = fopen("/init", "r");
	char magic[4];
	size_t len;
	const void *image = amp_boot_file("init", &len);

	tap(f != NULL && fread(magic, 1, 4, f) == 4 && memcmp(magic, "\177ELF", 4) == 0,
	    "a boot file can be read with stdio");
	tap(f != NULL && fseek(f, 0, SEEK_END) == 0 && (size_t)ftell(f) == len && image != NULL,
	    "and has its size");
	if (f != NULL)
		fclose(f);
	tap(open("/init", O_RDWR) == -1 && errno == EROFS, "but not be written");
	tap(fopen("/nothing", "r") == NULL && errno == ENOENT,
	    "one that is not there is not there");
	tap(close(9) == -1 && errno == EBADF, "a descriptor that is not open is refused");
}

/* Uses 600 KiB of stack, page by page from the top. */
static __attribute__((noinline)) unsigned deep(unsigned n)
{
	volatile uint8_t room[4096];

	room[0] = (uint8_t)n;
	return n == 0 ? 0 : deep(n - 1) + (room[0] == (uint8_t)n);
}

static void test_random(void)
{
	uint8_t a[64], b[64];
	unsigned bits = 0;

	amp_random(a, sizeof(a));
	amp_random(b, sizeof(b));
	for (unsigned i = 0; i < 64; i++)
		bits += (unsigned)__builtin_popcount(a[i] ^ b[i]);
	tap(bits > 150 && bits < 362, "random bytes differ as they should (%u of 512 bits)", bits);
}

int main(int argc, char **argv)
{
	tap_begin();
	test_stdio(argc, argv);
	test_malloc();
	test_mmap();
	test_compute();
	test_time();
	test_files();
	tap(deep(150) == 150, "the stack grows on demand");
	test_random();
	tap_end();
}
