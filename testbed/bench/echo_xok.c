/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * echo_xok.c - our side of the round-trip benchmark: "init" of a guest of our kernel, on the
 * in-guest tests' library. UDP datagrams to port 7 are answered by a handler, those to port 8 by
 * this environment out of the ring they came in, where they stand; a datagram to port 9 says how
 * many other environments are to want the processor all the time.
 */
#include "testbed/bench/echo_packet.h"
#include "xok/pc/test/guest.h"
#include "xok/vcode/vcode.h"

#define RING 0x00006b0000100000ull
#define NSLOTS 32u
#define NFRAMES (1 + NSLOTS / 2)
#define SPINNERS 56u

/* The handler's instructions, as clang made them. */
__asm__(".section .rodata\n.balign 8\nhandler_code:\n.incbin \"" HANDLER_CODE
	"\"\nhandler_end:\n.previous\n");
extern const struct vc_insn handler_code[], handler_end[];

static const struct xok_cap nothing = {.valid = 1, .perms = XOK_R, .len = 2, .name = "zz"};
static uint64_t spinner[SPINNERS];
static uint32_t nspinner;
static struct xok_prog_report report;

static void spin(uint64_t arg)
{
	(void)arg;
	for (;;)
		__asm__ volatile("");
}

static void want_spinners(uint32_t n)
{
	while (nspinner > n)
		CHECK_EQ(wait_end(spinner[--nspinner], 1, NULL), XOK_END_NONE);
	while (nspinner < n && nspinner < SPINNERS)
		spinner[nspinner++] = spawn(spin, 0, &nothing);
}

static void answer(struct xok_slot *s)
{
	if (s->len < FRAME_LEN || !sound(s->data, s->len))
		return;
	if (get16(s->data + UDP + 2) == __builtin_bswap16(PORT_CONTROL))
		want_spinners(s->data[DATA]);
	turn(s->data);

	const struct xok_iov iov = {(uint64_t)s->data, s->len};

	sys_transmit(0, s->port, &iov, 1);
}

/* ---- bindings ---- */

static int64_t bind_ring(void)
{
	uint32_t frames[NFRAMES];

	for (unsigned i = 0; i < NFRAMES; i++) {
		frames[i] = new_frame();
		map_at(RING + i * XOK_PAGE, frames[i], XOK_PROT_R | XOK_PROT_W);
	}
	return sys_ring_bind(0, frames, NFRAMES);
}

/* IPv4 without options, not a fragment, UDP, to 10.9.0.1 and this port. */
static int64_t bind_port(uint16_t port, uint64_t ring)
{
	const struct xok_filter f = {
		.port = XOK_PORT_ANY,
		.natoms = 6,
		.atom = {{.off = 12, .size = 2, .mask = 0xffff, .value = 0x0800},
			 {.off = IP, .size = 1, .mask = 0xff, .value = 0x45},
			 {.off = IP + 6, .size = 2, .mask = 0x3fff, .value = 0},
			 {.off = IP + 9, .size = 1, .mask = 0xff, .value = 17},
			 {.off = IP + 16, .size = 4, .mask = 0xffffffff, .value = 0x0a090001},
			 {.off = UDP + 2, .size = 2, .mask = 0xffff, .value = port}},
	};

	return sys_filter_insert(0, &f, ring);
}

static void bind_handler(int64_t filter)
{
	const struct xok_prog_spec s = {
		.kind = VC_KIND_HANDLER,
		.ninsn = (uint32_t)(handler_end - handler_code),
		.min_len = FRAME_LEN,
		.ports = 1,
		.insn = (uint64_t)handler_code,
		.report = (uint64_t)&report,
		.name = "echo",
	};
	int64_t prog = sys_prog_load(0, &s);

	if (prog < 0)
		say(report.text);
	CHECK(prog > 0);
	CHECK_EQ(sys_handler_bind(0, (uint64_t)filter, (uint64_t)prog), XOK_OK);
}

static void serve(void)
{
	struct xok_ring *ring = (struct xok_ring *)RING;
	uint32_t tail = 0;
	int64_t r = bind_ring();

	CHECK(r >= 0);
	CHECK(bind_port(PORT_ENV, (uint64_t)r) >= 0);
	bind_handler(bind_port(PORT_HANDLER, (uint64_t)r));
	CHECK(bind_port(PORT_CONTROL, (uint64_t)r) >= 0);
	say("ready");
	for (;;) {
		while (__atomic_load_n(&ring->head, __ATOMIC_ACQUIRE) == tail)
			sys_env_sleep(XOK_EV_PACKET, UINT64_MAX);
		answer((struct xok_slot *)(RING + XOK_PAGE) + tail % NSLOTS);
		__atomic_store_n(&ring->tail, ++tail, __ATOMIC_RELEASE);
	}
}

const struct guest_test guest_tests[] = {
	{"answers", serve},
	{NULL, NULL},
};
