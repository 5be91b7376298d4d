/* SPDX-License-Identifier: BSD-2-Clause */
/* machine.c - what the core asks of this machine, and what it needs to begin with. */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>

#include "fib.h"
#include "port.h"

/* 16 KiB for each program there can be, and two demultiplexers of 64 KiB for each port, which get at most half. */
#define CODE_PROGRAMS (XOK_NPROG * (16u << 10))
#define CODE_PORT (4u * (64u << 10))

static uint64_t op_now(void *m)
{
	(void)m;
	return clock_now();
}

/* The kernel gives up to 256 bytes at once, and cannot fail once it has randomness. */
static void op_random(void *m, void *buf, size_t len)
{
	uint8_t *to = buf;
	(void)m;

	while (len) {
		ssize_t n = getrandom(to, len < 256 ? len : 256, 0);

		if (n < 0 && errno != EINTR) {
			say_error("Linux gives no random numbers: %m; ending");
			abort();
		}
		to += n < 0 ? 0 : n;
		len -= n < 0 ? 0 : (size_t)n;
	}
}

/* Of the processor's extended state Linux takes care. */
static void op_fpu_init(void *m, struct xok_env *e)
{
	(void)m, (void)e;
}

/* The node ends when the call that asked for it has been answered. */
static void op_power(void *m, uint32_t how, uint32_t status)
{
	struct xokd *d = m;

	if (d->stopping)
		return;
	d->stopping = true;
	d->exit_status = how == XOK_POWER_EXIT	  ? (int)(status & 0xff)
			 : how == XOK_POWER_RESET ? XOKD_EXIT_RESET
						  : 0;
	loop_stop();
}

const struct xok_machine_ops machine_ops = {
	.now = op_now,
	.random = op_random,
	.frame_ptr = arena_frame,
	.copyin = env_copyin,
	.copyout = env_copyout,
	.fpu_init = op_fpu_init,
	.transmit = port_transmit,
	.cons_write = console_write,
	.cons_read = console_read,
	.lpm = &fib_lpm,
	.quiesce = lcores_quiesce,
	.doorbell = env_doorbell,
	.share = arena_share,
	.unshare = arena_unshare,
	.ended = env_ended,
	.power = op_power,
};

static size_t pages(size_t bytes)
{
	return (bytes + XOK_PAGE - 1) & ~(size_t)(XOK_PAGE - 1);
}

int machine_start(struct xokd *d)
{
	uint32_t nport = ports_count(d);
	struct xok_boot b = {
		.ops = &machine_ops,
		.m = d,
		.nframe = d->opt.memory_mb * (1024 * 1024 / XOK_PAGE),
		.nport = nport,
		.ncpu = d->opt.nlcore,
	};
	size_t books = xok_info_size(b.nframe, nport);
	size_t core = xok_core_size(nport, b.ncpu);

	size_t code = d->opt.code_kb ? (size_t)d->opt.code_kb * 1024
				     : CODE_PROGRAMS + nport * CODE_PORT;

	d->nframe = b.nframe;
	if (arena_init(d, b.nframe))
		return -1;
	if (arena_code(d, code))
		return say_error("no memory for generated code: %m");
	b.code_w = d->code[0].at;
	b.code_x = d->code[1].at;
	b.code_bytes = code;
	b.info = arena_books(d, books + pages(lcores_info_size(b.ncpu)));
	b.core = mmap(NULL, core, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (!b.info || b.core == MAP_FAILED)
		return say_error("no memory for the kernel's own tables: %m");
	d->core.at = b.core;
	d->core.bytes = core;
	clock_boot(&b);
	d->xok = xok_init(&b);
	d->info->nlcore = b.ncpu;
	d->info->lcore_off = (uint32_t)books;
	lcores_info(d, books);

	/* Frame 0 is no frame: that number says "none". */
	for (uint32_t f = b.nframe; f-- > 1;)
		xok_frame_release(d->xok, f);
	return 0;
}

void machine_stop(struct xokd *d)
{
	if (d->core.at)
		munmap(d->core.at, d->core.bytes);
	d->core.at = NULL;
	d->xok = NULL;
	arena_fini(d);
}
