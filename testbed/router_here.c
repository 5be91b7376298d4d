/* SPDX-License-Identifier: BSD-2-Clause */
/* router_here.c - router.conf and this machine: what a look can tell that a start would be refused for. Nothing is opened or made. */
#include <dirent.h>
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "router.h"
#include "text.h"
#include "xok/linux/device.h"

struct look {
	const struct router *r;
	struct router_error *err;
	unsigned n;
	cpu_set_t mine;
};

static void wrong(struct look *k, struct router_place at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static void wrong(struct look *k, struct router_place at, const char *fmt, ...)
{
	struct router_error spare, *e = k->n < ROUTER_ERRORS ? &k->err[k->n] : &spare;
	va_list ap;

	k->n++;
	*e = (struct router_error){.line = at.line, .column = at.column, .width = at.width};
	va_start(ap, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
}

/* ---- processors and memory ---- */

/* As in a configuration: 0-3,6. */
static void list_processors(const cpu_set_t *set, char *buf, size_t size)
{
	buf[0] = 0;
	for (unsigned cpu = 0, last; cpu < CPU_SETSIZE; cpu = last + 1) {
		last = cpu;
		if (!CPU_ISSET(cpu, set))
			continue;
		while (last + 1 < CPU_SETSIZE && CPU_ISSET(last + 1, set))
			last++;
		text_append(buf, size, "%s%u", *buf ? "," : "", cpu);
		if (last > cpu)
			text_append(buf, size, "-%u", last);
	}
}

static bool is_mine(void *arg, unsigned cpu)
{
	struct look *k = arg;
	char all[100];

	if (cpu < CPU_SETSIZE && CPU_ISSET(cpu, &k->mine))
		return true;
	list_processors(&k->mine, all, sizeof(all));
	wrong(k, k->r->at[ROUTER_AT_LCORES],
	      "there is no processor %u for this process: it may use %s", cpu, all);
	return false;
}

/* Are any reserved, free or not? */
static bool huge_pages(void)
{
	static const char dir[] = "/sys/kernel/mm/hugepages";
	DIR *d = opendir(dir);
	bool any = false;

	for (struct dirent *e; d && (e = readdir(d)) && !any;) {
		char path[400];
		unsigned long n = 0;

		snprintf(path, sizeof(path), "%s/%s/nr_hugepages", dir, e->d_name);
		FILE *f = *e->d_name == '.' ? NULL : fopen(path, "re");

		any = f && fscanf(f, "%lu", &n) == 1 && n;
		if (f)
			fclose(f);
	}
	if (d)
		closedir(d);
	return any;
}

static void check_memory(struct look *k)
{
	const struct router *r = k->r;
	struct sysinfo s;

	if (r->memory && !sysinfo(&s)) {
		uint64_t mib = (uint64_t)s.totalram * s.mem_unit >> 20;

		if (r->memory > mib)
			wrong(k, r->at[ROUTER_MEMORY], "this machine has %u MiB in all",
			      (unsigned)mib);
	}
	if (r->hugepages && !huge_pages())
		wrong(k, r->at[ROUTER_HUGEPAGES],
		      "no huge pages are reserved: sysctl vm.nr_hugepages=512 reserves 512 of "
		      "them, or "
		      "write hugepages off");
}

/* ---- interfaces ---- */

/* Linux knows the driver of each interface; TAP and TUN ones have "tun", and say which in the place of the bus. */
static bool is_tap(const char *ifname)
{
	struct ethtool_drvinfo info = {.cmd = ETHTOOL_GDRVINFO};
	struct ifreq ifr = {.ifr_data = (char *)&info};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool tap;

	snprintf(ifr.ifr_name, IFNAMSIZ, "%s", ifname);
	tap = fd >= 0 && !ioctl(fd, SIOCETHTOOL, &ifr) && !strcmp(info.driver, "tun") &&
	      !strcmp(info.bus_info, "tap");
	if (fd >= 0)
		close(fd);
	return tap;
}

static bool other_kind(const char *ifname)
{
	return if_nametoindex(ifname) && !is_tap(ifname);
}

/* Does another line of the file make this interface? */
static bool will_be(const struct router *r, const char *ifname)
{
	for (uint32_t i = 0; i < r->nport; i++)
		if (!strcmp(r->port[i].mirror, ifname) ||
		    (!strncmp(r->port[i].device, "t", 1) &&
		     !strcmp(router_ifname(r->port[i].device), ifname)))
			return true;
	return false;
}

static void check_ifname(struct look *k, const struct router_port *p, const char *ifname)
{
	if (p->device[0] != 't') {
		if (!if_nametoindex(ifname) && !will_be(k->r, ifname))
			wrong(k, p->device_at,
			      "Linux has no interface %s here: ip link shows which there are",
			      ifname);
	} else if (other_kind(ifname)) {
		wrong(k, p->device_at,
		      "%s exists, and is no TAP interface: write af_packet:%s to use it, or "
		      "another "
		      "name to have one made",
		      ifname, ifname);
	}
}

/* ---- sockets and cards ---- */

static void check_socket(struct look *k, const struct router_port *p, const char *path)
{
	char dir[108];
	const char *slash = strrchr(path, '/');
	struct stat st;

	snprintf(dir, sizeof(dir), "%.*s", slash ? (int)(slash - path) : 0, path);
	if (!slash)
		strcpy(dir, ".");
	else if (slash == path)
		strcpy(dir, "/");
	if (stat(dir, &st))
		wrong(k, p->device_at, "the socket's directory %s: %s%s", dir, strerror(errno),
		      errno == ENOENT ? "; make it, or write another path" : "");
	else if (!S_ISDIR(st.st_mode))
		wrong(k, p->device_at, "%s is no directory, so that no socket can be in it", dir);
	else if (access(dir, W_OK | X_OK))
		wrong(k, p->device_at, "no socket can be made in %s: %s", dir, strerror(errno));
}

static void check_card(struct look *k, const struct router_port *p, const char *address)
{
	char path[560];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s", address);
	if (access(path, F_OK))
		wrong(k, p->device_at, "there is no device %s: lspci -D lists them", address);
	if (!k->r->hugepages)
		wrong(k, p->device_at, "a network card needs huge pages: write hugepages on");
}

static void check_port(struct look *k, const struct router_port *p, unsigned number)
{
	const char *ifname = router_ifname(p->device);
	struct device d;

	if (p->mirror[0] && other_kind(p->mirror))
		wrong(k, p->mirror_at,
		      "%s exists, and is no TAP interface: write mirror and another name",
		      p->mirror);
	if (!p->device[0] || device_parse(&d, p->device, number))
		return; /* it has an error already */
	if (ifname)
		check_ifname(k, p, ifname);
	else if (d.kind == DEVICE_UNIX)
		check_socket(k, p, d.what);
	else if (d.kind == DEVICE_PCI)
		check_card(k, p, d.what);
}

unsigned router_here(const struct router *r, struct router_error err[ROUTER_ERRORS], unsigned n)
{
	struct look k = {.r = r, .err = err, .n = n};

	CPU_ZERO(&k.mine);
	if (r->lcores[0] && !sched_getaffinity(0, sizeof(k.mine), &k.mine))
		router_lcores(r->lcores, is_mine, &k);
	check_memory(&k);
	for (uint32_t i = 0; i < r->nport; i++)
		check_port(&k, &r->port[i], i);
	router_sort(err, k.n < ROUTER_ERRORS ? k.n : ROUTER_ERRORS);
	return k.n;
}
