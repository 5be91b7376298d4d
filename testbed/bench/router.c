/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * router.c - bench-router: forwarding 64-byte packets on one lcore, ours (xokd with the NodeOS, as it is installed) against DPDK's l3fwd with rte_lpm, and the
 * ceiling, which forwards without looking. DPDK's net_pcap replays the same 32,000 frames to each from memory without end, and drops what is sent; over
 * net_memif the same frames come from a process on another core, which takes back what is forwarded.
 *
 * What each does not do. l3fwd: no header checksum, no comparison of lengths with the frame's, no look at TTL or hop limit (and none is taken
 * from IPv6), no check of sources, no link address checked, no counters, no adjacency that can change; no other protocol. Ours does all that. Neither
 * computes UDP checksums.
 *
 * Bursts: ours has up to 64 packets in one, l3fwd its 32, with which it is faster than with 64 (by about a sixth on net_pcap).
 *
 * Ours learns its routes as a router does: from the tables of the network namespace that its mirrors are in. The namespace is this program's own.
 */
#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "testbed/bench/router.h"
#include "testbed/bench/rows.h"

#define ROUNDS 9
#define SLICE_MS 400
#define PATH 192
#define COUNTS 3

enum side { CEILING, L3FWD, OURS, SIDES };

struct setting {
	bool wide, memif;
	uint32_t n;
	char capture[PATH], empty[PATH], rules[2][PATH], batch[PATH];
};

static const char *build; /* the build directory */
static int cpu;		  /* that forwards */

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Ticks of the time stamp counter in a nanosecond. */
static double ticks_per_ns(void)
{
	uint64_t from = __builtin_ia32_rdtsc();
	double start = seconds();

	usleep(100000);
	return (double)(__builtin_ia32_rdtsc() - from) / ((seconds() - start) * 1e9);
}

static void run(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void run(const char *fmt, ...)
{
	char command[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(command, sizeof(command), fmt, ap);
	va_end(ap);
	if (system(command)) {
		fprintf(stderr, "bench-router: this failed: %s\n", command);
		exit(1);
	}
}

/* ---- the three ---- */

/* Words of a command line, kept until the next one. */
static struct {
	char text[4096], *argv[PROCESS_ARGS];
	size_t used;
	int n;
} line;

static void word(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void word(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	line.argv[line.n++] = line.text + line.used;
	line.argv[line.n] = NULL;
	line.used += (size_t)vsnprintf(line.text + line.used, sizeof(line.text) - line.used, fmt,
				       ap) +
		     1;
	va_end(ap);
}

static void program(const char *name)
{
	line.used = 0;
	line.n = 0;
	word("%s/%s", build, name);
}

static void eal(int core, unsigned mib)
{
	word("-l");
	word("%d", core);
	word("--no-huge");
	word("--no-pci");
	word("-m");
	word("%u", mib);
	word("--log-level=lib.eal:error");
}

static unsigned setting; /* how many there were before: a socket's name is not used again */

/* Where the two memif ports of a side meet those of its source. */
static const char *socket_of(const char *side, int port)
{
	static char path[2][PATH];

	snprintf(path[port], PATH, "%.100s/%.40s.%u.%d.sock", process_dir(), side, setting, port);
	return path[port];
}

static void memif(const char *side, const char *role)
{
	for (int port = 0; port < 2; port++)
		word("--vdev=net_memif%d,role=%s,id=0,socket-abstract=no,socket=%s", port, role,
		     socket_of(side, port));
}

static void ports(const struct setting *s, const char *side)
{
	if (s->memif) {
		memif(side, "client");
		return;
	}
	word("--vdev=net_pcap0,rx_pcap=%s,infinite_rx=1", s->capture);
	word("--vdev=net_pcap1,rx_pcap=%s", s->empty);
}

/* What a side's packets come from over memif, on another core; it must be there first, for clients do not try again. */
static void start_source(struct process *source, const char *side, const struct setting *s)
{
	char name[32];

	program("bench/router_source");
	eal(0, 128);
	memif(side, "server");
	word("--");
	word("%s", s->capture);
	snprintf(name, sizeof(name), "%s-source", side);
	process_start(source, name, line.argv);
	run("for i in $(seq 100); do grep -q ready %s/%s.log && exit; sleep 0.1; done; exit 1",
	    process_dir(), name);
}

static void start_ceiling(struct process *p, const struct setting *s)
{
	program("bench/router_ceiling");
	eal(cpu, 1024);
	ports(s, "ceiling");
	process_start(p, "ceiling", line.argv);
}

static void start_l3fwd(struct process *p, const struct setting *s)
{
	program("bench/l3fwd");
	eal(cpu, 3584); /* most of it for the groups of rte_lpm6, touched as they are used */
	ports(s, "l3fwd");
	word("--");
	word("-p");
	word("3");
	word("-P");
	word("--no-numa");
	word("--parse-ptype");
	word("--lookup=lpm");
	word("--config=(0,0,%d)", cpu);
	word("--rx-queue-size");
	word("65535"); /* so that there are buffers for the capture */
	word("--rule_ipv4=%s", s->rules[0]);
	word("--rule_ipv6=%s", s->rules[1]);
	process_start(p, "l3fwd", line.argv);
}

static void start_ours(struct process *p, const struct setting *s)
{
	char conf[PATH];
	FILE *f;

	snprintf(conf, sizeof(conf), "%s/node.conf", process_dir());
	f = fopen(conf, "we");
	if (!f || fprintf(f, "node bench\nrole router\nroutes %u\n", s->n + 1000) < 0 ||
	    fclose(f)) {
		perror(conf);
		exit(1);
	}
	program("xokd");
	word("--name");
	word("bench");
	word("--port");
	if (s->memif)
		word("in=memif:%s;role=client,mirror=in,mac=" OUR_MAC, socket_of("xokd", 0));
	else
		word("in=pcap:%s;loop,mirror=in,mac=" OUR_MAC, s->capture);
	word("--port");
	if (s->memif)
		word("out=memif:%s;role=client,mirror=out", socket_of("xokd", 1));
	else
		word("out=pcap:%s,mirror=out", s->empty);
	word("--lcores");
	word("%d", cpu);
	word("--memory");
	word("512");
	word("--programs");
	word("%s/linux-env", build);
	word("--boot");
	word("node.conf=%s", conf);
	word("--run");
	word("%s/xokd", process_dir());
	word("--netlink");
	word("--eal=--telemetry");
	process_start(p, "xokd", line.argv);
	run("for i in $(seq 100); do ip link show out >/dev/null 2>&1 && break; sleep 0.1; done");
	run("ip link set in up && ip link set out up && ip addr add 10.0.0.1/16 dev in && ip addr "
	    "add 198.18.0.1/24 dev out && "
	    "ip addr add fd01::1/64 dev out nodad");
	run("ip neigh replace 198.18.0.2 lladdr 02:00:00:00:00:09 dev out && ip neigh replace "
	    "fd01::2 lladdr "
	    "02:00:00:00:00:09 dev out");
	run("ip %s -batch %s", s->wide ? "-6" : "-4", s->batch);
}

/* ---- measuring ---- */

static void prepare(struct setting *s)
{
	const char *dir = process_dir();
	struct bench_route *r = calloc(s->n, sizeof(*r)), few[16];

	if (!r)
		abort();
	snprintf(s->capture, PATH, "%s/frames.pcap", dir);
	snprintf(s->empty, PATH, "%s/empty.pcap", dir);
	snprintf(s->batch, PATH, "%s/routes.batch", dir);
	for (int wide = 0; wide < 2; wide++) {
		snprintf(s->rules[wide], PATH, "%s/routes.v%d", dir, wide ? 6 : 4);
		routes_make(few, 16, wide);
		files_l3fwd(s->rules[wide], few, 16, wide);
	}
	routes_make(r, s->n, s->wide);
	files_capture(s->capture, r, s->n, s->wide);
	files_empty(s->empty);
	files_l3fwd(s->rules[s->wide], r, s->n, s->wide);
	files_ip(s->batch, r, s->n, s->wide, s->wide ? "fd01::2" : "198.18.0.2", "out");
	free(r);
}

/* Millions a second, of a thread that is not interrupted. */
static double mpps(const struct sample *s)
{
	return s->cpu > 0 ? s->out / s->cpu * 1e3 : 0;
}

static void bench(struct rows *rows, bool memif, bool wide, uint32_t n, double ticks)
{
	void (*const start[SIDES])(struct process *, const struct setting *) = {
		start_ceiling, start_l3fwd, start_ours};
	static const char *const names[SIDES] = {"ceiling", "l3fwd", "xokd"};
	struct setting s = {.wide = wide, .memif = memif, .n = n};
	struct process p[SIDES], source[SIDES];
	struct row *rate, *ceiling, *cycles;
	char what[32], name[48];

	prepare(&s);
	for (int i = 0; i < SIDES; i++) {
		if (memif)
			start_source(&source[i], names[i], &s);
		start[i](&p[i], &s);
		p[i].source = memif ? &source[i] : NULL;
		process_settle(&p[i], 600);
	}
	snprintf(what, sizeof(what), "IPv%c, %u routes%s", wide ? '6' : '4', n,
		 memif ? ", memif" : "");
	snprintf(name, sizeof(name), "%s", what);
	rate = rows_add(rows, name, "l3fwd", 0);
	cycles = rows_add(rows, name, "l3fwd", 1.0);
	snprintf(cycles->unit, sizeof(cycles->unit), "cycles");
	snprintf(name, sizeof(name), "%s, ceiling", what);
	ceiling = rows_figure(rows, name, rows->unit);
	for (int round = 0; round < ROUNDS; round++) {
		double v[SIDES];

		for (int i = 0; i < SIDES; i++) {
			struct sample x = process_run(&p[i], SLICE_MS);

			v[i] = mpps(&x);
		}
		row_sample(rate, v[L3FWD], v[OURS]);
		row_sample(cycles, ticks * 1e3 / v[L3FWD], ticks * 1e3 / v[OURS]);
		row_sample(ceiling, 0, v[CEILING]);
	}
	snprintf(name, sizeof(name), "%s, xokd resident", what);
	row_sample(rows_figure(rows, name, "MiB"), 0, process_resident(&p[OURS]));
	for (int i = 0; i < SIDES; i++) {
		if (memif)
			process_end(&source[i]);
		process_end(&p[i]);
	}
	setting++;
}

/* NULL: none. */
static const char *option(const char *name)
{
	const char *v = getenv(name);

	return v && *v ? v : NULL;
}

int main(void)
{
	static const uint32_t counts[COUNTS] = {16, 10000, 1000000};
	const char *routes = option("ROUTES"), *only_ports = option("PORTS"),
		   *family = option("FAMILY");
	uint32_t only_routes = routes ? (uint32_t)atoi(routes) : 0;
	static struct rows rows;
	double ticks = ticks_per_ns();

	build = option("B");
	build = build ? build : "build";
	cpu = (int)sysconf(_SC_NPROCESSORS_ONLN) - 1;
	if (unshare(CLONE_NEWNET)) {
		fprintf(stderr,
			"bench-router: a network namespace cannot be made: %s; run it as root\n",
			strerror(errno));
		return 1;
	}
	rows_open(&rows, "router", "Mpps");
	for (int k = 0; k < 4 * COUNTS; k++) {
		bool memif = k / COUNTS / 2, wide = k / COUNTS % 2;
		uint32_t n = counts[k % COUNTS];

		if ((!only_ports || memif == !strcmp(only_ports, "memif")) &&
		    (!family || wide == (*family == '6')) && (!only_routes || n == only_routes))
			bench(&rows, memif, wide, n, ticks);
	}
	return rows_close(&rows);
}
