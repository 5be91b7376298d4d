/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * eal.c - starts DPDK's environment abstraction layer.
 *
 * Its lcores 0 to n - 1 are ours, each bound to its processor; lcore n is the control thread, which may run on any. Without --hugepages memory is
 * ordinary memory and DPDK leaves nothing in the file system. Nothing of it listens for anybody, unless asked to with --eal=--telemetry.
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_log.h>
#include <rte_mempool.h>

#include "port.h"

#define EAL_MB 128u	/* without huge pages: rings, devices and the first few thousand packets */
#define EAL_PORT_MB 16u /* and for each port */
#define PACKET_BYTES 2560u /* a packet with all that is around it */
#define CACHE 256u

struct words {
	char *argv[64];
	int argc;
	char text[4096];
	size_t used;
};

static void word(struct words *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void word(struct words *w, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(w->text + w->used, sizeof(w->text) - w->used, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(w->text) - w->used || w->argc == 63)
		return; /* options_read bounds what there can be */
	w->argv[w->argc++] = w->text + w->used;
	w->used += (size_t)n + 1;
}

/* What DPDK said while a device was opened: of interest only when that failed. */
static struct {
	bool on;
	size_t len;
	char text[4096];
} held;

/* DPDK's messages, a line at a time, become ours. */
static void tell(const char *buf, size_t len)
{
	for (size_t at = 0, n; at < len; at += n + 1) {
		const char *end = memchr(buf + at, '\n', len - at);

		n = end ? (size_t)(end - (buf + at)) : len - at;
		if (n)
			say_error("%.*s", (int)n, buf + at);
	}
}

static ssize_t log_write(void *cookie, const char *buf, size_t len)
{
	(void)cookie;
	if (!held.on) {
		tell(buf, len);
		return (ssize_t)len;
	}
	size_t n = len < sizeof(held.text) - held.len ? len : sizeof(held.text) - held.len;

	memcpy(held.text + held.len, buf, n);
	held.len += n;
	return (ssize_t)len;
}

void eal_hold(void)
{
	held.on = true;
	held.len = 0;
}

int eal_release(int rc)
{
	held.on = false;
	if (rc)
		tell(held.text, held.len);
	return rc;
}

static void take_log(void)
{
	static FILE *log;
	cookie_io_functions_t io = {.write = log_write};

	if (!log && (log = fopencookie(NULL, "w", io)))
		setvbuf(log, NULL, _IOLBF, 0);
	if (log)
		rte_openlog_stream(log);
}

/* "0@3,1@5,2@(0,1,2,3)": the last one is the control thread's. */
static void lcore_map(const struct options *o, char *buf, size_t size)
{
	cpu_set_t mine;
	size_t at = 0;

	for (uint32_t i = 0; i < o->nlcore; i++)
		at += (size_t)snprintf(buf + at, size - at, "%u@%u,", i, o->lcore[i]);
	at += (size_t)snprintf(buf + at, size - at, "%u@(", o->nlcore);
	const char *comma = "";

	CPU_ZERO(&mine);
	sched_getaffinity(0, sizeof(mine), &mine);
	for (unsigned cpu = 0; cpu < CPU_SETSIZE && at + 8 < size; cpu++)
		if (CPU_ISSET(cpu, &mine)) {
			at += (size_t)snprintf(buf + at, size - at, "%s%u", comma, cpu);
			comma = ",";
		}
	snprintf(buf + at, size - at, ")");
}

/* Without huge pages it is all taken at once, as addresses: pages become resident as they are touched. */
static uint32_t memory_mb(const struct options *o)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < o->nport; i++)
		bytes += (uint64_t)device_packets(&o->port[i].device) * PACKET_BYTES;
	return EAL_MB + EAL_PORT_MB * o->nport + (uint32_t)(bytes >> 20);
}

static void command(struct words *w, const struct options *o)
{
	char map[2048];
	bool pci = false, telemetry = false;

	lcore_map(o, map, sizeof(map));
	word(w, "xokd");
	word(w, "--lcores=%s", map);
	word(w, "--main-lcore=%u", o->nlcore);
	if (o->hugepages) {
		word(w, "--in-memory");
	} else {
		word(w, "--no-huge");
		word(w, "--no-shconf");
		word(w, "-m");
		word(w, "%u", memory_mb(o));
	}
	for (uint32_t i = 0; i < o->nport; i++)
		if (o->port[i].device.kind == DEVICE_PCI) {
			word(w, "--allow=%s", o->port[i].device.what);
			pci = true;
		}
	if (!pci)
		word(w, "--no-pci");
	word(w, "--log-level=error");
	for (uint32_t i = 0; i < o->neal; i++) {
		telemetry |= !strcmp(o->eal[i], "--telemetry");
		word(w, "%s", o->eal[i]);
	}
	/* EAL listens unless it is told not to, and has no word that takes that back. */
	if (!telemetry)
		word(w, "--no-telemetry");
}

/*
 * EAL makes itself a directory, dpdk/rte below RUNTIME_DIRECTORY, and has nothing to put there when it shares no memory. So it gets a place where it is nobody
 * else's, and what is empty goes again.
 */
static struct {
	char path[256];
	bool ours;
} dir;

static void make_dir(const struct options *o)
{
	snprintf(dir.path, sizeof(dir.path), "%s", o->run_dir ? o->run_dir : "/tmp/xokd.XXXXXX");
	dir.ours = !o->run_dir && mkdtemp(dir.path);
	if (o->run_dir || dir.ours)
		setenv("RUNTIME_DIRECTORY", dir.path, 1);
}

static void remove_dir(void)
{
	static const char *const below[] = {"/dpdk/rte", "/dpdk", ""};
	char path[sizeof(dir.path) + 16];

	for (unsigned i = 0; i < (dir.ours ? 3 : 2); i++) {
		snprintf(path, sizeof(path), "%s%s", dir.path, below[i]);
		rmdir(path);
	}
}

int eal_start(struct xokd *d)
{
	static struct words w; /* EAL keeps pointers into it */

	take_log();
	command(&w, &d->opt);
	make_dir(&d->opt);
	d->eal = rte_eal_init(w.argc, w.argv) >= 0;
	remove_dir();
	if (d->eal)
		return 0;
	return say_error("DPDK does not start: %s%s", rte_strerror(rte_errno),
			 d->opt.hugepages
				 ? "; are there huge pages? (see /proc/meminfo), or leave out "
				   "--hugepages"
				 : "");
}

void eal_stop(struct xokd *d)
{
	d->eal = false;
	rte_eal_cleanup();
	remove_dir();
	rte_openlog_stream(NULL);
}

/*
 * Packets need not be contiguous for a device when it sees addresses as we do (IOVA as VA), or when there is no device; else each would take a
 * page of its own where pages are small.
 */
struct rte_mempool *eal_pool(struct xokd *d, uint32_t buffers)
{
	unsigned flags = rte_eal_iova_mode() == RTE_IOVA_VA ? RTE_MEMPOOL_F_NO_IOVA_CONTIG : 0;
	struct rte_pktmbuf_pool_private room = {.mbuf_data_room_size = RTE_MBUF_DEFAULT_BUF_SIZE};
	struct rte_mempool *pool;
	(void)d;

	pool = rte_mempool_create_empty("xok-packets", buffers,
					sizeof(struct rte_mbuf) + RTE_MBUF_DEFAULT_BUF_SIZE, CACHE,
					sizeof(room), SOCKET_ID_ANY, flags);
	if (pool && rte_mempool_set_ops_byname(pool, RTE_MBUF_DEFAULT_MEMPOOL_OPS, NULL) == 0) {
		rte_pktmbuf_pool_init(pool, &room);
		if (rte_mempool_populate_default(pool) >= 0) {
			rte_mempool_obj_iter(pool, rte_pktmbuf_init, NULL);
			return pool;
		}
	}
	say_error("no memory for %u packets: %s%s", buffers, rte_strerror(rte_errno),
		  d->opt.hugepages ? "; reserve more huge pages"
				   : "; say --eal=-m --eal=MB with more");
	rte_mempool_free(pool);
	return NULL;
}
