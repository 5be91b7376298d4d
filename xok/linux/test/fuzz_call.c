/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz_call.c - requests of a hostile root environment, through a real socket, the decoder, the core and the machine's own requests, with answers that are
 * read. The input is a list of requests in short: number, arguments that are small, an address or eight bytes of the input, and pieces.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "xok/linux/envs.h"

#define FRAMES 2048u
#define VA 0x7fff00000000ull

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct xokd d;
static int peer;

static void need(bool ok)
{
	if (!ok)
		abort();
}

/* ---- the rest of xokd ---- */

void say_often(const char *fmt, ...)
{
	(void)fmt;
}

void say(const char *fmt, ...)
{
	(void)fmt;
}

int say_error(const char *fmt, ...)
{
	(void)fmt;
	return -1;
}

int port_transmit(void *m, uint32_t port, const void *frame, size_t len)
{
	(void)m, (void)port, (void)frame;
	need(len <= XOK_FRAME_MAX);
	return XOK_OK;
}

void lcores_quiesce(void *m)
{
	(void)m;
}

static size_t console(void *m, uint32_t cons, const char *buf, size_t len)
{
	(void)m, (void)cons, (void)buf;
	return len;
}

static size_t console_in(void *m, uint32_t cons, char *buf, size_t len)
{
	(void)m, (void)cons;
	memset(buf, 'x', len < 10 ? len : 10);
	return len < 10 ? len : 10;
}

static uint64_t op_now(void *m)
{
	static uint64_t now;
	(void)m;

	return now += 1000;
}

static void op_random(void *m, void *buf, size_t len)
{
	(void)m;
	memset(buf, 0x5a, len);
}

static void op_fpu_init(void *m, struct xok_env *e)
{
	(void)m, (void)e;
}

static void op_power(void *m, uint32_t how, uint32_t status)
{
	(void)m, (void)how, (void)status;
	d.stopping = true;
}

static const struct xok_machine_ops ops = {
	.now = op_now,
	.random = op_random,
	.frame_ptr = arena_frame,
	.copyin = env_copyin,
	.copyout = env_copyout,
	.fpu_init = op_fpu_init,
	.transmit = port_transmit,
	.cons_write = console,
	.cons_read = console_in,
	.quiesce = lcores_quiesce,
	.doorbell = env_doorbell,
	.share = arena_share,
	.unshare = arena_unshare,
	.ended = env_ended,
	.power = op_power,
};

/* ---- one kernel with one environment ---- */

static void core_start(void)
{
	static const uint8_t mac[6] = {2, 0, 0, 0, 0, 1};
	struct xok_boot b = {.ops = &ops, .m = &d, .nframe = FRAMES, .nport = 2};

	d.info_bytes = xok_info_size(FRAMES, 2);
	d.core.bytes = xok_core_size(2, 0);
	d.core.at = mmap(NULL, d.core.bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			 -1, 0);
	need(d.core.at != MAP_FAILED && !arena_init(&d, FRAMES));
	b.core = d.core.at;
	b.info = arena_books(&d, d.info_bytes);
	need(b.info != NULL);
	d.xok = xok_init(&b);
	for (uint32_t f = FRAMES; f-- > 1;)
		xok_frame_release(d.xok, f);
	for (uint32_t i = 0; i < 2; i++)
		xok_port_up(d.xok, i, mac, 1500);
}

static struct process *process_start(void)
{
	struct xok_env *e = xok_root_env(d.xok, "init");
	struct process *p;

	need(e != NULL);
	xok_root_run(d.xok, e, XOK_USER_LO, XOK_USER_LO);
	p = process_of(&d, e->info->id);
	need(p && process_prepare(p) == XOK_OK);
	peer = p->sock;
	p->sock = -1;
	p->token = ++d.envs->token;
	return p;
}

static void stop(struct process *p)
{
	process_forget(p);
	close(peer);
	munmap(d.core.at, d.core.bytes);
	arena_fini(&d);
	d.stopping = false;
}

/* ---- input ---- */

struct input {
	const uint8_t *at, *end;
};

static uint8_t byte(struct input *in)
{
	return in->at < in->end ? *in->at++ : 0;
}

static uint64_t word(struct input *in)
{
	uint8_t how = byte(in);
	uint64_t v = 0;

	if (how < 0xc0)
		return how % 48; /* slots, ids, lengths */
	if (how < 0xf0)
		return VA + (how & 3) * 4096u;
	for (uint32_t i = 0; i < 8; i++)
		v = v << 8 | byte(in);
	return v;
}

static size_t request(struct input *in, uint8_t *buf)
{
	struct xl_request r = {.npiece = 3};
	uint8_t nr = byte(in);
	size_t len = sizeof(r) + 3 * sizeof(struct xl_piece);

	r.nr = nr < 0xc0 ? nr % 40 : XL_BASE + nr % 8;
	for (uint32_t i = 0; i < 6; i++)
		r.arg[i] = word(in);
	memcpy(buf, &r, sizeof(r));
	for (uint32_t i = 0; i < 3; i++) {
		struct xl_piece p = {
			.va = VA + i * 4096u, .len = 1 + byte(in) * 8u, .flags = 1 + byte(in) % 3};

		memcpy(buf + sizeof(r) + i * sizeof(p), &p, sizeof(p));
		for (uint32_t j = 0; p.flags & XL_READ && j < p.len; j++)
			buf[len++] = byte(in);
	}
	return len;
}

static void drain(void)
{
	static uint8_t buf[XL_ANSWER_MAX + 1];

	/* No room for descriptors: they are closed on the way. */
	for (ssize_t n; (n = recv(peer, buf, sizeof(buf), MSG_DONTWAIT)) > 0;)
		need((size_t)n >= sizeof(struct xl_answer) && (size_t)n <= XL_ANSWER_MAX);
}

static void init(void)
{
	d.opt.programs = "/nonexistent";
	d.opt.hitless = true;
	need(!loop_init() && !envs_prepare(&d));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t buf[XL_REQUEST_MAX];
	struct input in = {data, data + size};
	struct process *p;

	if (!d.envs)
		init();
	core_start();
	p = process_start();
	p->greeted = size && data[0] & 1;
	for (uint32_t i = 0; i < 32 && in.at < in.end && !p->wrong && !d.stopping; i++) {
		size_t len = request(&in, buf);

		need(send(peer, buf, len, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)len);
		call_ready(p, EPOLLIN);
		drain();
	}
	stop(p);
	return 0;
}
