/* SPDX-License-Identifier: BSD-2-Clause */
/* env_bed.c - the bed, and what stands in for the rest of xokd: ports, lcores, consoles. */
#include <dirent.h>
#include <fcntl.h>
#include <libgen.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "env_bed.h"

static struct bed *bed_of(void *m)
{
	return (struct bed *)m; /* d is its first member */
}

/* ---- the machine ---- */

int port_transmit(void *m, uint32_t port, const void *frame, size_t len)
{
	struct bed *b = bed_of(m);
	(void)port;

	memcpy(b->sent, frame, len);
	b->sent_len = len;
	b->nsent++;
	return XOK_OK;
}

void lcores_quiesce(void *m)
{
	(void)m;
}

size_t console_write(void *m, uint32_t cons, const char *buf, size_t len)
{
	struct bed *b = bed_of(m);

	if (len > sizeof(b->out[0]) - 1 - b->out_len[cons])
		b->out_len[cons] = 0;
	memcpy(b->out[cons] + b->out_len[cons], buf, len);
	b->out_len[cons] += len;
	b->out[cons][b->out_len[cons]] = 0;
	return len;
}

size_t console_read(void *m, uint32_t cons, char *buf, size_t len)
{
	struct bed *b = bed_of(m);

	if (cons != 1)
		return 0;
	if (len > b->in_len)
		len = b->in_len;
	memcpy(buf, b->in, len);
	memmove(b->in, b->in + len, b->in_len - len);
	b->in_len -= len;
	return len;
}

static uint64_t op_now(void *m)
{
	(void)m;
	return clock_now();
}

static void op_random(void *m, void *buf, size_t len)
{
	(void)m;
	assert_int_equal(getrandom(buf, len, 0), len);
}

static void op_fpu_init(void *m, struct xok_env *e)
{
	(void)m, (void)e;
}

static void op_power(void *m, uint32_t how, uint32_t status)
{
	(void)how;
	bed_of(m)->powered = 1 + status;
}

static const struct xok_machine_ops ops = {
	.now = op_now,
	.random = op_random,
	.frame_ptr = arena_frame,
	.copyin = env_copyin,
	.copyout = env_copyout,
	.fpu_init = op_fpu_init,
	.transmit = port_transmit,
	.cons_write = console_write,
	.cons_read = console_read,
	.quiesce = lcores_quiesce,
	.doorbell = env_doorbell,
	.share = arena_share,
	.unshare = arena_unshare,
	.ended = env_ended,
	.power = op_power,
};

/* ---- start and stop ---- */

static int count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

/* The programs are built beside the directory that this test is in. */
static void copy_file(const struct bed *b, const char *from, const char *to)
{
	char own[256], source[512], target[256], buf[65536];
	ssize_t n = readlink("/proc/self/exe", own, sizeof(own) - 1);

	assert_true(n > 0);
	own[n] = 0;
	snprintf(source, sizeof(source), "%s/../linux-env/%s", dirname(own), from);
	snprintf(target, sizeof(target), "%s/%s", b->dir, to);
	int in = open(source, O_RDONLY), out = open(target, O_WRONLY | O_CREAT | O_TRUNC, 0755);
	assert_true(in >= 0 && out >= 0);
	while ((n = read(in, buf, sizeof(buf))) > 0)
		assert_int_equal(write(out, buf, (size_t)n), n);
	close(in);
	close(out);
}

static void put_file(struct bed *b, const char *name, const char *text)
{
	static char path[2][128];
	uint32_t i = b->d.opt.nboot++;

	snprintf(path[i], sizeof(path[i]), "%s/%s", b->dir, name);
	FILE *f = fopen(path[i], "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	snprintf(b->d.opt.boot[i].name, sizeof(b->d.opt.boot[i].name), "%s", name);
	b->d.opt.boot[i].path = path[i];
}

static void core_start(struct xokd *d)
{
	static const uint8_t mac[6] = {2, 0, 0, 0, 0, 1};
	struct xok_boot k = {.ops = &ops, .m = d, .nframe = BED_FRAMES, .nport = 2};
	size_t core = xok_core_size(2, 0);

	d->info_bytes = xok_info_size(BED_FRAMES, 2);
	d->nframe = BED_FRAMES;
	assert_int_equal(arena_init(d, BED_FRAMES), 0);
	k.info = arena_books(d, d->info_bytes);
	k.core = d->core.at = mmap(NULL, core, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
				   -1, 0);
	d->core.bytes = core;
	assert_true(k.info && k.core != MAP_FAILED);
	clock_boot(&k);
	d->xok = xok_init(&k);
	for (uint32_t f = BED_FRAMES; f-- > 1;)
		xok_frame_release(d->xok, f);
	for (uint32_t i = 0; i < 2; i++)
		xok_port_up(d->xok, i, mac, 1500);
}

void bed_start(struct bed *b)
{
	memset(b, 0, sizeof(*b));
	b->fds = count_fds();
	snprintf(b->dir, sizeof(b->dir), "/tmp/xok-env-test.XXXXXX");
	assert_non_null(mkdtemp(b->dir));
	copy_file(b, "env_root", "init");
	copy_file(b, "env_hostile", "hostile");
	put_file(b, "node.conf", "port lan");
	put_file(b, "empty", "");
	b->d.opt.programs = b->dir;
	b->d.opt.netlink = b->d.opt.hitless = true;
	assert_int_equal(envs_prepare(&b->d), 0);
	assert_int_equal(clock_init(), 0);
	assert_int_equal(loop_init(), 0);
	core_start(&b->d);
	assert_int_equal(envs_init(&b->d), 0);
	assert_int_equal(envs_start_root(&b->d), 0);
	bed_expect(b, "ready");
}

static void remove_dir(const struct bed *b)
{
	static const char *const name[] = {"init", "hostile", "node.conf", "empty"};
	char path[128];

	for (unsigned i = 0; i < sizeof(name) / sizeof(name[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", b->dir, name[i]);
		unlink(path);
	}
	assert_int_equal(rmdir(b->dir), 0);
}

void bed_stop(struct bed *b)
{
	envs_stop(&b->d);
	munmap(b->d.core.at, b->d.core.bytes);
	arena_fini(&b->d);
	loop_fini();
	remove_dir(b);
	assert_int_equal(count_fds(), b->fds);
}

/* ---- running ---- */

struct run {
	struct bed *b;
	bool (*done)(struct bed *b, const void *arg);
	const void *arg;
	struct timer timer;
	uint64_t until;
	bool late;
};

static void look(void *arg)
{
	struct run *r = arg;

	r->late = clock_now() >= r->until;
	if (r->late || r->done(r->b, r->arg))
		loop_stop();
	else
		loop_after(&r->timer, 1000000);
}

static bool run(struct bed *b, bool (*done)(struct bed *b, const void *arg), const void *arg,
		unsigned ms)
{
	struct run r = {.b = b, .done = done, .arg = arg, .until = clock_now() + ms * 1000000ull};

	r.timer = (struct timer){.fn = look, .arg = &r};
	loop_after(&r.timer, 0);
	loop_run();
	return !r.late;
}

void bed_run(struct bed *b, bool (*done)(struct bed *b, const void *arg), const void *arg,
	     unsigned ms)
{
	if (run(b, done, arg, ms))
		return;
	print_message("console 0: %s\nconsole 1: %s\n", b->out[0], b->out[1]);
	fail_msg("nothing came of it in %u ms", ms);
}

static bool said(struct bed *b, const void *arg)
{
	return strstr(b->out[1], arg) != NULL;
}

void bed_expect(struct bed *b, const char *text)
{
	print_message("        expecting \"%s\"\n", text);
	bed_run(b, said, text, 60000); /* what comes comes at once, where nothing else runs */
	b->out_len[1] = 0;
	b->out[1][0] = 0;
}

void bed_type(struct bed *b, const char *line)
{
	size_t len = strlen(line);

	assert_true(len + 1 < sizeof(b->in) - b->in_len);
	memcpy(b->in + b->in_len, line, len);
	b->in_len += len;
	b->in[b->in_len++] = '\n';
	xok_cons_in(b->d.xok, 1);
}

void bed_ask(struct bed *b, const char *line, const char *answer)
{
	bed_type(b, line);
	bed_expect(b, answer);
}

static bool never(struct bed *b, const void *arg)
{
	(void)b, (void)arg;
	return false;
}

void bed_pass(struct bed *b, unsigned ms)
{
	run(b, never, NULL, ms);
}
