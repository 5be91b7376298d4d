/* SPDX-License-Identifier: BSD-2-Clause */
/* ports.c - see ports.h. */
#include "ports.h"

#define NFRAMES (1 + NSLOTS / 2)

uint8_t frame[XOK_FRAME_MAX];
struct xok_prog_report report;
static uint32_t frames[NFRAMES];
static uint32_t tail;

static struct xok_ring *header(void)
{
	return (struct xok_ring *)RING;
}

uint64_t open_ring(void)
{
	int64_t ring;

	for (unsigned i = 0; i < NFRAMES; i++) {
		frames[i] = new_frame();
		map_at(RING + i * XOK_PAGE, frames[i], XOK_PROT_R | XOK_PROT_W);
	}
	ring = sys_ring_bind(0, frames, NFRAMES);
	CHECK(ring >= 0);
	tail = 0;
	return (uint64_t)ring;
}

void close_ring(uint64_t ring)
{
	CHECK_EQ(sys_ring_release(ring), XOK_OK);
	for (unsigned i = 0; i < NFRAMES; i++) {
		unmap_at(RING + i * XOK_PAGE);
		CHECK_EQ(sys_frame_free(0, frames[i]), XOK_OK);
	}
}

struct xok_slot *receive(uint64_t ns)
{
	uint64_t until = now() + ns;

	__atomic_store_n(&header()->tail, tail, __ATOMIC_RELEASE);
	while (__atomic_load_n(&header()->head, __ATOMIC_ACQUIRE) == tail) {
		if (now() >= until)
			return NULL;
		sys_env_sleep(XOK_EV_PACKET, until);
	}
	return (struct xok_slot *)(RING + XOK_PAGE) + tail++ % NSLOTS;
}

uint64_t want(char letter, uint64_t ring)
{
	const struct xok_filter f = {
		.port = XOK_PORT_ANY,
		.natoms = 1,
		.atom = {{.off = LETTER, .size = 1, .mask = 0xff, .value = (uint8_t)letter}},
	};
	int64_t id = sys_filter_insert(0, &f, ring);

	CHECK(id >= 0);
	return (uint64_t)id;
}

void make(char letter, size_t len)
{
	for (size_t i = 0; i < len; i++)
		frame[i] = (uint8_t)(i * 13 + 1);
	frame[0] = 2;
	frame[6] = 4;
	frame[LETTER] = (uint8_t)letter;
}

int64_t send(uint32_t port, size_t len)
{
	const struct xok_iov iov = {(uint64_t)frame, len};
	int64_t err;

	while ((err = sys_transmit(0, port, &iov, 1)) == XOK_EAGAIN)
		sys_yield(0);
	return err;
}

int64_t load(const struct program *p)
{
	const struct xok_prog_spec s = {
		.kind = VC_KIND_HANDLER,
		.ninsn = p->ninsn,
		.min_len = p->min_len,
		.budget = p->budget,
		.ports = p->ports,
		.rate = p->rate,
		.insn = (uint64_t)p->insn,
		.report = (uint64_t)&report,
		.ntable = p->ntable,
		.table = {p->table},
		.ncallee = p->ncallee,
		.callee = {p->callee},
		.name = "test",
	};

	memset(&report, 0xff, sizeof(report));
	return sys_prog_load(0, &s);
}

uint64_t handle(uint64_t filter, const struct program *p)
{
	int64_t id = load(p);

	if (id <= 0 && report.reason > 0 && report.reason < VC_NREASON)
		say(report.text);
	CHECK(id > 0);
	CHECK_EQ(sys_handler_bind(0, filter, (uint64_t)id), XOK_OK);
	return (uint64_t)id;
}

void unload(uint64_t prog)
{
	CHECK_EQ(sys_prog_unload(prog), XOK_OK);
}

const struct xok_prog_info *prog_info(uint64_t id)
{
	const struct xok_prog_info *table = (const void *)(XOK_INFO_VA + info()->prog_off);

	return &table[id % XOK_NPROG];
}

const struct xok_table_info *table_info(uint64_t id)
{
	const struct xok_table_info *table = (const void *)(XOK_INFO_VA + info()->table_off);

	return &table[id % XOK_NTABLE];
}
