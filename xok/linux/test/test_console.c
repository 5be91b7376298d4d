/* SPDX-License-Identifier: BSD-2-Clause */
/* test_console.c - consoles over FIFOs: nothing is lost or taken twice, and a reader that does not read holds nobody up. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "xok/linux/linux.h"

static struct xokd d;
static char dir[64], path[2][80];
static int to[2], from[2];
static unsigned arrivals[2];

/* The core's side. */
void xok_cons_in(struct xok *x, uint32_t cons)
{
	(void)x;
	arrivals[cons]++;
}

static void name(char *buf, unsigned cons, const char *end)
{
	sprintf(buf, "%s.%s", path[cons], end);
}

static int set_up(void **state)
{
	char fifo[100];
	(void)state;

	memset(&d, 0, sizeof(d));
	memset(arrivals, 0, sizeof(arrivals));
	strcpy(dir, "/tmp/test_console.XXXXXX");
	if (!mkdtemp(dir) || loop_init())
		return -1;
	for (unsigned i = 0; i < 2; i++) {
		sprintf(path[i], "%s/c%u", dir, i);
		name(fifo, i, "in");
		mkfifo(fifo, 0600);
		to[i] = open(fifo, O_RDWR | O_NONBLOCK);
		name(fifo, i, "out");
		mkfifo(fifo, 0600);
		from[i] = open(fifo, O_RDWR | O_NONBLOCK);
		d.opt.console[i] = path[i];
	}
	return consoles_init(&d);
}

static int tear_down(void **state)
{
	char fifo[100];
	(void)state;

	consoles_fini(&d);
	loop_fini();
	for (unsigned i = 0; i < 2; i++) {
		close(to[i]);
		close(from[i]);
		name(fifo, i, "in");
		unlink(fifo);
		name(fifo, i, "out");
		unlink(fifo);
	}
	return rmdir(dir);
}

static void stop_now(void *arg)
{
	(void)arg;
	loop_stop();
}

/* Lets the loop run until nothing is left to do for a moment. */
static void turn(void)
{
	struct timer t = {.fn = stop_now};

	loop_after(&t, 20000000);
	loop_run();
}

static void test_in(void **state)
{
	char buf[32];
	(void)state;

	assert_int_equal(write(to[1], "hello", 5), 5);
	turn();
	assert_int_equal(arrivals[1], 1);
	assert_int_equal(arrivals[0], 0);
	assert_int_equal(console_read(&d, 1, buf, 2), 2);
	assert_memory_equal(buf, "he", 2);
	assert_int_equal(console_read(&d, 1, buf, sizeof(buf)), 3);
	assert_memory_equal(buf, "llo", 3);
	assert_int_equal(console_read(&d, 1, buf, sizeof(buf)), 0);
	assert_int_equal(console_read(&d, 0, buf, sizeof(buf)), 0);
}

/* What finds no room stays in the FIFO, and the loop does not spin over it. */
static void test_in_is_bounded(void **state)
{
	static char much[20000], back[20000];
	size_t got = 0;
	(void)state;

	for (size_t i = 0; i < sizeof(much); i++)
		much[i] = (char)(i * 7 + i / 256);
	assert_int_equal(write(to[0], much, sizeof(much)), sizeof(much));
	while (got < sizeof(back)) {
		unsigned before = arrivals[0];
		size_t n;

		turn();
		assert_in_range(arrivals[0] - before, 1, 4);
		n = console_read(&d, 0, back + got, 8192);
		assert_in_range(n, 1, 8192);
		got += n;
	}
	assert_memory_equal(much, back, sizeof(much));
	turn();
	assert_int_equal(console_read(&d, 0, back, sizeof(back)), 0);
}

static void test_out(void **state)
{
	char buf[32];
	(void)state;

	assert_int_equal(console_write(&d, 0, "abc", 3), 3);
	assert_int_equal(read(from[0], buf, sizeof(buf)), 3);
	assert_memory_equal(buf, "abc", 3);
	assert_int_equal(read(from[1], buf, sizeof(buf)), -1);
}

/* Nobody reads: as much is taken as there is room for, in order, and the rest is refused. */
static void test_out_is_bounded(void **state)
{
	static char chunk[10000], back[300000];
	size_t taken = 0, n, got = 0;
	ssize_t r;
	(void)state;

	do {
		for (size_t i = 0; i < sizeof(chunk); i++)
			chunk[i] = (char)((taken + i) % 251);
		n = console_write(&d, 0, chunk, sizeof(chunk));
		taken += n;
	} while (n == sizeof(chunk));
	assert_in_range(taken, 65536, sizeof(back));
	assert_int_equal(console_write(&d, 0, "x", 1), 0);
	/* The reader comes back. */
	while ((r = read(from[0], back + got, sizeof(back) - got)) > 0)
		got += (size_t)r;
	consoles_fini(&d);
	while ((r = read(from[0], back + got, sizeof(back) - got)) > 0)
		got += (size_t)r;
	assert_int_equal(got, taken);
	for (size_t i = 0; i < got; i++)
		assert_int_equal((uint8_t)back[i], i % 251);
}

static void test_refusals(void **state)
{
	struct xokd e = {.opt.console = {"/nonexistent/c", NULL}};
	(void)state;

	assert_int_equal(consoles_init(&e), -1);
	consoles_fini(&e);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_in),	     TEST(test_in_is_bounded),
		TEST(test_out),	     TEST(test_out_is_bounded),
		TEST(test_refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
