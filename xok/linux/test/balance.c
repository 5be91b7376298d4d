/* SPDX-License-Identifier: BSD-2-Clause */
/* balance.c - the machine, and libamp on it. */
#include "xok/linux/test/balance.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "amp/sys.h"
#include "libamp/common/ring.h"
#include "libamp/common/timers.h"
#include "nodeos/forward/modules.h"
#include "nodeos/lib/inet.h"
#include "xok/linux/fib.h"
#include "xok/linux/linux.h"
#include "xok/table/table.h"

#define FRAMES 4096u
#define CODE_BYTES (4u << 20)

struct balance balance;

static struct {
	uint8_t *frames, *code_w, *code_x;
	void *core;
	struct xok_env *env;
	struct amp_ring *ring;
	struct timers timers;
	struct node_pub *pub;
} bed;

static void need(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "balance: %s\n", what);
	abort();
}

/* ---- the machine ---- */

static uint64_t op_now(void *m)
{
	(void)m;
	return balance.now;
}

static void op_random(void *m, void *buf, size_t len)
{
	(void)m;
	memset(buf, 0x5a, len);
}

static void *op_frame(void *m, uint32_t frame)
{
	(void)m;
	return bed.frames + (size_t)frame * XOK_PAGE;
}

/* The environment's memory is ours. */
static int op_copyin(void *m, uint32_t root, void *dst, uint64_t src, size_t len)
{
	(void)m, (void)root;
	memcpy(dst, (const void *)(uintptr_t)src, len);
	return XOK_OK;
}

static int op_copyout(void *m, uint32_t root, uint64_t dst, const void *src, size_t len)
{
	(void)m, (void)root;
	memcpy((void *)(uintptr_t)dst, src, len);
	return XOK_OK;
}

static void op_fpu_init(void *m, struct xok_env *e)
{
	(void)m, (void)e;
}

static int op_transmit(void *m, uint32_t port, const void *frame, size_t len)
{
	(void)m;
	return balance.sent(&balance, port, frame, len) ? XOK_OK : XOK_EAGAIN;
}

static size_t op_cons_write(void *m, uint32_t cons, const char *buf, size_t len)
{
	(void)m, (void)cons, (void)buf;
	return len;
}

static size_t op_cons_read(void *m, uint32_t cons, char *buf, size_t len)
{
	(void)m, (void)cons, (void)buf, (void)len;
	return 0;
}

static void op_nothing(void *m)
{
	(void)m;
}

static void op_number(void *m, uint32_t n)
{
	(void)m, (void)n;
}

static int op_share(void *m, uint32_t first, uint32_t n)
{
	(void)m, (void)first, (void)n;
	return XOK_OK;
}

static void op_unshare(void *m, uint32_t first, uint32_t n)
{
	(void)m, (void)first, (void)n;
}

/* When the root environment ends, the machine does. */
static void op_power(void *m, uint32_t how, uint32_t status)
{
	(void)m, (void)how, (void)status;
}

/* fib.c waits for lcores, of which there is one: this thread. */
void lcores_quiesce(void *machine)
{
	(void)machine;
}

static const struct xok_machine_ops ops = {
	.now = op_now,
	.random = op_random,
	.frame_ptr = op_frame,
	.copyin = op_copyin,
	.copyout = op_copyout,
	.fpu_init = op_fpu_init,
	.transmit = op_transmit,
	.cons_write = op_cons_write,
	.cons_read = op_cons_read,
	.lpm = &fib_lpm,
	.quiesce = op_nothing,
	.doorbell = op_number,
	.share = op_share,
	.unshare = op_unshare,
	.ended = op_number,
	.power = op_power,
};

static void *pages(size_t bytes)
{
	void *p = aligned_alloc(XOK_PAGE, bytes);

	need(p, "out of memory");
	return memset(p, 0, bytes);
}

/* One piece of memory, seen twice: what is written in one view is executed in the other. */
static void code_memory(void)
{
	int fd = memfd_create("code", MFD_CLOEXEC);

	need(fd >= 0 && !ftruncate(fd, CODE_BYTES), "no file for code");
	bed.code_w = mmap(NULL, CODE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	bed.code_x = mmap(NULL, CODE_BYTES, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
	need(bed.code_w != MAP_FAILED && bed.code_x != MAP_FAILED, "no code memory");
	close(fd);
}

static void ports_up(struct xok *x)
{
	static const char *const name[BALANCE_PORTS] = {"lan", "wan", "dmz", "dmz.linux"};

	for (uint32_t i = 0; i < BALANCE_PORTS; i++) {
		const uint8_t mac[6] = {2, 0, 0, 0, 0xaa, (uint8_t)(i == BALANCE_MIRROR ? 2 : i)};
		bool mirror = i == BALANCE_MIRROR;

		xok_port_name(x, i, name[i], mirror ? XOK_PORT_MIRROR : 0,
			      mirror   ? 2 + 1
			      : i == 2 ? BALANCE_MIRROR + 1
				       : 0);
		xok_port_up(x, i, mac, 1500);
	}
}

static void boot(void)
{
	void *info = pages(xok_info_size(FRAMES, BALANCE_PORTS));

	bed.frames = pages((size_t)FRAMES * XOK_PAGE);
	bed.core = pages(xok_core_size(BALANCE_PORTS, 1));
	code_memory();
	balance.now = 1000000000;
	balance.info = info;
	balance.x = xok_init(&(struct xok_boot){
		.ops = &ops,
		.m = &balance,
		.info = info,
		.core = bed.core,
		.nframe = FRAMES,
		.nport = BALANCE_PORTS,
		.ncpu = 1,
		.code_w = bed.code_w,
		.code_x = bed.code_x,
		.code_bytes = CODE_BYTES,
	});
	for (uint32_t f = FRAMES; f-- > 1;)
		xok_frame_release(balance.x, f);
	ports_up(balance.x);
	bed.env = xok_root_env(balance.x, "root");
	xok_root_run(balance.x, bed.env, 0, 0);
}

static int64_t call(uint64_t nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	const uint64_t arg[6] = {a, b, c, d};

	return xok_syscall(balance.x, bed.env, XOK_SYS_BASE + nr, arg);
}
#define CALL(name, a, b, c, d)                                                  \
	call(XOK_NR_##name, (uint64_t)(uintptr_t)(a), (uint64_t)(uintptr_t)(b), \
	     (uint64_t)(uintptr_t)(c), (uint64_t)(uintptr_t)(d))

/* ---- libamp: time, events, consoles ---- */

uint64_t amp_now(void)
{
	return balance.now;
}

uint64_t amp_wall(void)
{
	return balance.now;
}

void amp_random(void *buf, size_t len)
{
	memset(buf, 0x5a, len);
}

int amp_timer_at(struct amp_timer *t, uint64_t at)
{
	return timers_set(&bed.timers, t, at);
}

int amp_timer_in(struct amp_timer *t, uint64_t delay)
{
	return timers_set(&bed.timers, t, balance.now + delay);
}

void amp_timer_cancel(struct amp_timer *t)
{
	timers_cancel(&bed.timers, t);
}

void amp_log(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

void amp_fatal(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	abort();
}

int amp_cons_open(uint32_t cons, void (*fn)(void *arg, char *line, bool cut), void *arg)
{
	(void)cons, (void)fn, (void)arg;
	return 0;
}

int amp_cons_write(uint32_t cons, const void *buf, size_t len)
{
	(void)cons, (void)buf, (void)len;
	return 0;
}

void amp_on_events(void (*fn)(void *arg, uint32_t bits), void *arg)
{
	(void)fn, (void)arg;
}

void amp_power_off(void)
{
	abort();
}

/* ---- packets ---- */

uint32_t amp_ports(void)
{
	return BALANCE_PORTS;
}

const struct xok_port_info *amp_port(uint32_t port)
{
	return xok_port(balance.x, port);
}

const struct xok_lcore_info *amp_lcore_info(uint32_t index)
{
	(void)index;
	return NULL;
}

struct amp_ring *amp_ring_open(uint32_t nslots, void (*fn)(void *arg, struct amp_packet *p),
			       void *arg)
{
	int64_t id = CALL(ring_bind, 0, 0, ring_pages(nslots), 0);
	struct amp_ring *r = calloc(1, sizeof(*r));

	need(id >= 0 && r && !bed.ring, "the one ring");
	*r = (struct amp_ring){.hdr = op_frame(NULL, bed.env->info->ring_frame[id]),
			       .nslots = nslots,
			       .id = (uint32_t)id,
			       .fn = fn,
			       .arg = arg};
	bed.ring = r;
	return r;
}

void amp_ring_close(struct amp_ring *r)
{
	CALL(ring_release, r->id, 0, 0, 0);
	r->closed = true;
}

int64_t amp_filter_add(struct amp_ring *r, const struct xok_filter *f)
{
	return CALL(filter_insert, 0, f, r->id, 0);
}

int amp_filter_remove(uint32_t id)
{
	return (int)CALL(filter_remove, 0, id, 0, 0);
}

int amp_transmit(uint32_t port, const struct xok_iov *iov, uint32_t n)
{
	return (int)CALL(transmit, 0, port, iov, n);
}

/* ---- tables and programs ---- */

int64_t amp_table_create(const struct xok_table_spec *spec)
{
	return CALL(table_create, 0, spec, 0, 0);
}

int amp_table_destroy(uint32_t id)
{
	return (int)CALL(table_destroy, 0, id, 0, 0);
}

int64_t amp_table_find(const char *name)
{
	(void)name;
	return XOK_ENOENT;
}

uint32_t amp_starts(void)
{
	return 1;
}

int amp_table_update(uint32_t id, const struct xok_table_update *u)
{
	return (int)CALL(table_update, 0, id, u, 0);
}

uint32_t amp_table_update_many(uint32_t id, const struct xok_table_update *u, uint32_t n, int *err)
{
	for (uint32_t i = 0; i < n; i++) {
		*err = amp_table_update(id, &u[i]);
		if (*err < 0)
			return i;
	}
	return n;
}

static const void *books(uint32_t offset)
{
	return (const uint8_t *)balance.info + offset;
}

uint32_t amp_tables(void)
{
	return balance.info->ntable;
}

const struct xok_table_info *amp_table_info(uint32_t index)
{
	const struct xok_table_info *t = books(balance.info->table_off);

	return t[index].id ? &t[index] : NULL;
}

void *amp_table_map(uint32_t id)
{
	for (uint32_t i = 0; i < amp_tables(); i++) {
		const struct xok_table_info *t = amp_table_info(i);

		if (t && t->id == id)
			return op_frame(NULL, t->first);
	}
	return NULL;
}

void *amp_table_memory(uint32_t id, size_t *bytes)
{
	void *mem = amp_table_map(id);

	*bytes = 0;
	return mem && tbl_spec(mem)->type == XOK_TABLE_ARRAY ? tbl_memory(mem, 0, bytes) : NULL;
}

int64_t amp_prog_load(const struct xok_prog_spec *spec, char why[AMP_WHY])
{
	struct xok_prog_report report = {0};
	struct xok_prog_spec s = *spec;
	int64_t id;

	s.report = (uintptr_t)&report;
	id = CALL(prog_load, 0, &s, 0, 0);
	if (id < 0)
		snprintf(why, AMP_WHY, "%s", report.text);
	return id;
}

int amp_prog_unload(uint32_t id)
{
	return (int)CALL(prog_unload, id, 0, 0, 0);
}

int amp_handler_bind(uint32_t filter, uint32_t prog)
{
	return (int)CALL(handler_bind, 0, filter, prog, 0);
}

int amp_handler_rate(uint32_t env, uint64_t rate)
{
	return (int)CALL(handler_rate, 0, 0, env, rate);
}

uint32_t amp_progs(void)
{
	return balance.info->nprog;
}

const struct xok_prog_info *amp_prog_info(uint32_t index)
{
	const struct xok_prog_info *p = books(balance.info->prog_off);

	return p[index].id ? &p[index] : NULL;
}

/* ---- environments: there is but this one ---- */

uint32_t amp_self(void)
{
	return bed.env->info->id;
}

const struct xok_env_info *amp_env_info(uint32_t id)
{
	return id == amp_self() ? bed.env->info : NULL;
}

int64_t amp_spawn(const struct amp_spawn *s)
{
	(void)s;
	return XOK_ENOSYS;
}

int amp_env_destroy(uint32_t id)
{
	(void)id;
	return XOK_ENOENT;
}

int amp_env_notify(uint32_t id, uint32_t bits)
{
	(void)id, (void)bits;
	return 0;
}

void amp_post(uint32_t bits)
{
	(void)bits;
}

int amp_watch(int fd, void (*fn)(void *arg, int fd), void *arg)
{
	(void)fd, (void)fn, (void)arg;
	return XOK_ENOSYS;
}

int amp_netlink(uint32_t groups)
{
	(void)groups;
	return XOK_ENOSYS;
}

/* ---- the node ---- */

#define MODULE(name)                                                       \
	{                                                                  \
		name##_module, (size_t)(name##_module_end - name##_module) \
	}

void balance_start(const char *conf)
{
	static struct ee_shared ee;
	const struct root_host host = {.forward = {MODULE(forward4), MODULE(forward6),
						   MODULE(forward4_tagged), MODULE(forward6_tagged),
						   MODULE(mirror)}};
	struct config_error err[8];
	char why[CONFIG_ERROR] = "";

	boot();
	bed.pub = pages((node_size(NODE_ROUTES) + XOK_PAGE - 1) & ~(size_t)(XOK_PAGE - 1));
	need(root_init(&balance.root, bed.pub, &ee, &host) == 0, "root_init");
	if (root_read(&balance.root, conf, strlen(conf), err, 8)) {
		fprintf(stderr, "%u:%u: %s\n", err[0].line, err[0].column, err[0].text);
		abort();
	}
	need(root_apply(&balance.root, why), why);
	need(amp_handler_rate(amp_self(), UINT64_MAX) == 0, "handler_rate");
	for (uint32_t i = 0; i < balance.root.forward.nfilter; i++)
		need(balance.root.forward.filter[i].bound, "a handler is not bound");
}

void balance_end(void)
{
	root_end(&balance.root);
	CALL(env_exit, 0, 0, 0, 0);
	munmap(bed.code_w, CODE_BYTES);
	munmap(bed.code_x, CODE_BYTES);
	free(bed.ring);
	free(bed.pub);
	free(bed.frames);
	free(bed.core);
	free((void *)(uintptr_t)balance.info);
	memset(&bed, 0, sizeof(bed));
	memset(&balance, 0, sizeof(balance));
}

void balance_burst(uint32_t port, struct xok_packet *p, uint32_t n)
{
	balance.in_burst = true;
	xok_burst(balance.x, 0, port, balance.now, p, n);
	balance.in_burst = false;
	if (!balance.stuck)
		balance_drain();
}

void balance_drain(void)
{
	need(ring_drain(bed.ring, UINT32_MAX) == 0, "the ring is not empty");
}

void balance_pass(uint64_t ns)
{
	balance.now += ns;
	timers_run(&bed.timers, balance.now);
}
