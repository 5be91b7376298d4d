/* SPDX-License-Identifier: BSD-2-Clause */
/* test_env.c - environments as real processes: what they can do, that nothing else can be done, and that the kernel goes on. */
#include <dirent.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "env_bed.h"
#include "env_test.h"

static struct bed bed;

static int setup(void **state)
{
	(void)state;
	bed_start(&bed);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	bed_stop(&bed);
	return 0;
}

static struct process *root(void)
{
	return &bed.d.envs->process[0];
}

/* The process's number, of which we have only a descriptor, and that may come after what the process says. */
static pid_t pid_of(const struct process *p)
{
	char path[64], line[128];
	int pid = -1;

	for (int i = 0; i < 500 && p->pidfd < 0; i++)
		bed_pass(&bed, 10);
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", p->pidfd);
	FILE *f = fopen(path, "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "Pid: %d", &pid) == 1)
			break;
	fclose(f);
	assert_true(pid > 0);
	return pid;
}

/* ---- what an environment can do ---- */

static bool answered(struct bed *b, const void *arg)
{
	return b->nsent > *(const uint32_t *)arg;
}

static void packet(void)
{
	uint8_t frame[60] = {
		2,   0,	 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, TEST_REQUEST >> 8, TEST_REQUEST & 0xff,
		'h', 'i'};
	uint32_t before = bed.nsent;

	xok_packet_in(bed.d.xok, 1, frame, sizeof(frame));
	bed_run(&bed, answered, &before, 60000);
	assert_int_equal(bed.sent_len, sizeof(frame));
	assert_int_equal(bed.sent[13], TEST_ANSWER & 0xff);
	assert_memory_equal(bed.sent + 14, "hi", 2);
}

static void receives_and_sends(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 100; i++)
		packet();
}

static void boot_files(void **state)
{
	(void)state;
	bed_ask(&bed, "boot node.conf", "boot 8 port lan\n");
	bed_ask(&bed, "boot empty", "boot 0 \n");
	bed_ask(&bed, "boot passwd", "boot: none");
}

static void netlink(void **state)
{
	(void)state;
	bed_ask(&bed, "netlink", "netlink 1");
	/* It may look, and nothing else: EPERM, and not ENODEV. */
	bed_ask(&bed, "cut", "cut -1\n");
}

static void tables(void **state)
{
	(void)state;
	bed_ask(&bed, "table", "table 1\n");
	bed_ask(&bed, "table", "table 2\n");
}

static void stops_by_itself(void **state)
{
	(void)state;
	bed_type(&bed, "stop 3");
	bed_pass(&bed, 500);
	assert_int_equal(bed.powered, 1 + 3);
}

/* ---- what confines it ---- */

static void link_differs(pid_t pid, const char *ns)
{
	char path[64], mine[64] = "", its[64] = "";

	snprintf(path, sizeof(path), "/proc/self/ns/%s", ns);
	assert_true(readlink(path, mine, sizeof(mine) - 1) > 0);
	snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)pid, ns);
	assert_true(readlink(path, its, sizeof(its) - 1) > 0);
	assert_string_not_equal(mine, its);
}

static void status_is(pid_t pid, const char *key, unsigned long long want)
{
	char path[64], line[256], name[64];
	unsigned long long v = ~0ull;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	FILE *f = fopen(path, "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%63[^:]: %llx", name, &v) == 2 && !strcmp(name, key))
			break;
	fclose(f);
	assert_string_equal(name, key);
	assert_int_equal(v, want);
}

static void file_is(pid_t pid, const char *name, const char *want)
{
	char path[64], word[32] = "";

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	FILE *f = fopen(path, "r");
	assert_non_null(f);
	assert_int_equal(fscanf(f, "%31s", word), 1);
	fclose(f);
	assert_string_equal(word, want);
}

static void confinement(void **state)
{
	static const char *const ns[] = {"user", "mnt", "pid", "net", "ipc", "uts", "cgroup"};
	static const char *const caps[] = {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"};
	const pid_t pid = pid_of(root());
	char path[64];
	struct dirent *entry;
	(void)state;

	for (unsigned i = 0; i < sizeof(ns) / sizeof(ns[0]); i++)
		link_differs(pid, ns[i]);
	for (unsigned i = 0; i < sizeof(caps) / sizeof(caps[0]); i++)
		status_is(pid, caps[i], 0);
	status_is(pid, "NoNewPrivs", 1);
	status_is(pid, "Seccomp", 2);
	file_is(pid, "oom_score_adj", "500");
	if (!geteuid())
		status_is(pid, "Uid", 0x1879048192); /* CONFINE_USERS, read as hexadecimal */
	snprintf(path, sizeof(path), "/proc/%d/root", (int)pid);
	DIR *dir = opendir(path);
	assert_non_null(dir);
	while ((entry = readdir(dir)))
		assert_true(entry->d_name[0] == '.');
	closedir(dir);
}

/* ---- hostile environments ---- */

enum outcome { KILLED = XOK_END_VIOLATION, FAULTED = XOK_END_FAULT, NOWHERE = XOK_END_EXIT };

static const struct hostile {
	const char *mode;
	enum outcome outcome;
} hostiles[] = {
	{"forks", KILLED},	   {"clones", KILLED},
	{"opens", KILLED},	   {"sockets", KILLED},
	{"connects", KILLED},	   {"traces", KILLED},
	{"executes", KILLED},	   {"makes_executable", KILLED},
	{"execs", KILLED},	   {"mounts", KILLED},
	{"truncates", KILLED},	   {"kills", KILLED},
	{"looks_around", KILLED},  {"old_numbers", KILLED},
	{"eats", NOWHERE},	   {"writes_readable", FAULTED},
	{"writes_books", FAULTED}, {"makes_books_writable", NOWHERE},
	{"scribbles", NOWHERE},	   {"garbage", KILLED},
	{"short_message", KILLED}, {"huge_message", KILLED},
	{"wrong_pieces", KILLED},  {"sends_descriptors", KILLED},
	{"closes", KILLED},	   {"reads_nothing", KILLED},
	{"floods", NOWHERE},	   {"second_hello", NOWHERE},
	{"random_calls", NOWHERE}, {"asks_for_more", NOWHERE},
	{"shares_much", NOWHERE},  {"punches", KILLED},
};

/* It ends as it should, and the kernel has all its memory back and goes on. */
static void hostile(void **state)
{
	const struct hostile *h = *state;
	uint32_t frames;
	char line[64], end[64];

	bed_start(&bed);
	frames = bed.d.info->frames_free;
	snprintf(line, sizeof(line), "spawn %s", h->mode);
	bed_type(&bed, line);
	if (h->outcome == NOWHERE)
		snprintf(end, sizeof(end), "ended %d %d,", h->outcome, TEST_DONE);
	else
		snprintf(end, sizeof(end), "ended %d 0,", h->outcome);
	bed_expect(&bed, end);
	bed_ask(&bed, "hello", "starts 1");
	packet();
	assert_int_equal(bed.d.info->frames_free, frames);
	bed_stop(&bed);
}

static void notifies(void **state)
{
	(void)state;
	bed_ask(&bed, "spawn notifies", "notified");
}

/* One that never lets go of the processor is ended by its parent; the kernel does not notice it before. */
static void destroyed(void **state)
{
	(void)state;
	bed_ask(&bed, "spawn loops", "spawned");
	bed_pass(&bed, 100);
	packet();
	bed_type(&bed, "destroy");
	bed_ask(&bed, "hello", "starts 1");
	bed_pass(&bed, 100);
	bed_ask(&bed, "spawn notifies", "notified");
}

/* While one sends requests as fast as it can, the others' are made as well. */
static void fair(void **state)
{
	(void)state;
	bed_ask(&bed, "spawn floods", "spawned");
	for (uint32_t i = 0; i < 20; i++)
		packet();
	bed_expect(&bed, "ended 1 42");
}

/* ---- the root's process is lost ---- */

static uint32_t filters(void)
{
	return xok_port(bed.d.xok, 1)->nfilter;
}

static void starts_again(void **state)
{
	uint32_t frames;
	uint64_t t0;
	char want[32];
	(void)state;

	bed_ask(&bed, "table", "table 1\n");
	bed_ask(&bed, "spawn loops", "spawned");
	bed_pass(&bed, 50);
	frames = bed.d.info->frames_free;
	for (uint32_t i = 2; i < 5; i++) {
		t0 = clock_now();
		kill(pid_of(root()), SIGKILL);
		/* Meanwhile everything stands, but for the process. */
		assert_int_equal(filters(), 1);
		bed_expect(&bed, "ready");
		assert_true(clock_now() - t0 < 2000000000u);
		snprintf(want, sizeof(want), "starts %u\n", i);
		bed_ask(&bed, "hello", want);
		snprintf(want, sizeof(want), "table %u\n", i);
		bed_ask(&bed, "table", want);
		packet();
		assert_int_equal(filters(), 1);
	}
	/* Its child went; nothing else did, and nothing is there twice. */
	assert_true(bed.d.info->frames_free >= frames);
	bed_ask(&bed, "spawn notifies", "notified");
}

static void ends_with_the_root(void **state)
{
	(void)state;
	bed.d.opt.hitless = false;
	kill(pid_of(root()), SIGKILL);
	bed_pass(&bed, 300);
	assert_int_not_equal(bed.powered, 0);
	assert_int_equal(root()->token, 0);
}

/* Without the process that starts others nothing can be started; the end of that one is theirs as well. */
static void ends_with_the_spawner(void **state)
{
	const pid_t pid = pid_of(root());
	(void)state;

	kill(bed.d.envs->spawner.pid, SIGKILL);
	loop_run(); /* until it is noticed */
	assert_int_equal(bed.d.exit_status, 1);
	for (unsigned i = 0; i < 100 && !kill(pid, 0); i++)
		usleep(20000);
	assert_int_equal(kill(pid, 0), -1);
}

#define NHOSTILE (sizeof(hostiles) / sizeof(hostiles[0]))

int main(void)
{
	const struct CMUnitTest own[] = {
		cmocka_unit_test_setup_teardown(receives_and_sends, setup, teardown),
		cmocka_unit_test_setup_teardown(boot_files, setup, teardown),
		cmocka_unit_test_setup_teardown(netlink, setup, teardown),
		cmocka_unit_test_setup_teardown(tables, setup, teardown),
		cmocka_unit_test_setup_teardown(stops_by_itself, setup, teardown),
		cmocka_unit_test_setup_teardown(confinement, setup, teardown),
		cmocka_unit_test_setup_teardown(notifies, setup, teardown),
		cmocka_unit_test_setup_teardown(destroyed, setup, teardown),
		cmocka_unit_test_setup_teardown(fair, setup, teardown),
		cmocka_unit_test_setup_teardown(starts_again, setup, teardown),
		cmocka_unit_test_setup_teardown(ends_with_the_root, setup, teardown),
		cmocka_unit_test_setup_teardown(ends_with_the_spawner, setup, teardown),
	};
	struct CMUnitTest each[NHOSTILE];
	int failed = cmocka_run_group_tests_name("environments", own, NULL, NULL);

	for (unsigned i = 0; i < NHOSTILE; i++)
		each[i] = (struct CMUnitTest){hostiles[i].mode, hostile, NULL, NULL,
					      (void *)&hostiles[i]};
	return failed + cmocka_run_group_tests_name("hostile environments", each, NULL, NULL);
}
