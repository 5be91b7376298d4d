/* SPDX-License-Identifier: BSD-2-Clause */
#include "interface.h"

#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

int interface_open(struct interface *i, const char *name)
{
	struct ifreq ifr = {0};

	snprintf(i->name, sizeof(i->name), "%.15s", name);
	snprintf(ifr.ifr_name, IFNAMSIZ, "%.15s", name);
	i->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (i->fd < 0 || ioctl(i->fd, SIOCGIFINDEX, &ifr))
		return -1;
	i->index = (unsigned)ifr.ifr_ifindex;
	return 0;
}

void interface_close(struct interface *i)
{
	if (i->fd >= 0)
		close(i->fd);
	i->fd = -1;
}

/* An answer that says neither is taken for none. */
enum interface_state interface_state(struct interface *i, bool wire)
{
	struct ifreq ifr = {.ifr_ifindex = (int)i->index};
	short want = IFF_UP | (wire ? IFF_RUNNING : 0);

	if (ioctl(i->fd, SIOCGIFNAME, &ifr))
		return errno == ENODEV ? INTERFACE_GONE : INTERFACE_UP;
	snprintf(i->name, sizeof(i->name), "%.15s", ifr.ifr_name);
	if (ioctl(i->fd, SIOCGIFFLAGS, &ifr))
		return INTERFACE_UP;
	return (ifr.ifr_flags & want) == want ? INTERFACE_UP : INTERFACE_DOWN;
}

/* A number in a file of Linux's; 0 where it cannot be read. */
static uint64_t number_in(const char *path)
{
	char text[32];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return 0;
	text[n] = 0;
	return strtoull(text, NULL, 10);
}

uint64_t interface_lost(const struct interface *i)
{
	char path[96];

	snprintf(path, sizeof(path), "/sys/class/net/%s/statistics/tx_dropped", i->name);
	return number_in(path);
}

/* ---- whose frames they are ---- */

static bool setting(const char *family, const char *where, const char *what)
{
	char path[128];

	snprintf(path, sizeof(path), "/proc/sys/net/%s/conf/%s/%s", family, where, what);
	return number_in(path) != 0;
}

/* Link-local addresses every interface has. */
static bool is_address(const struct sockaddr *a)
{
	if (!a || a->sa_family != AF_INET6)
		return a && a->sa_family == AF_INET;
	return !IN6_IS_ADDR_LINKLOCAL(&((const struct sockaddr_in6 *)(const void *)a)->sin6_addr);
}

static bool has_addresses(const char *name)
{
	struct ifaddrs *all;
	bool found = false;

	if (getifaddrs(&all))
		return false;
	for (const struct ifaddrs *a = all; a && !found; a = a->ifa_next)
		found = !strcmp(a->ifa_name, name) && is_address(a->ifa_addr);
	freeifaddrs(all);
	return found;
}

/* What is said of it so far, " and " or the like, and more. */
static void add(char *text, size_t max, const char *between, const char *more, const char *name,
		const char *rest)
{
	size_t at = strlen(text);

	snprintf(text + at, max - at, "%s%s%s%s", at ? between : "", more, name, rest);
}

/*
 * For IPv6 only the setting of all interfaces says whether Linux forwards, but any can be left out of IPv6.
 */
bool interface_is_used(const struct interface *i, char why[INTERFACE_WHY], char how[INTERFACE_HOW])
{
	*why = *how = 0;
	if (has_addresses(i->name)) {
		add(why, INTERFACE_WHY, "", "has addresses on it", "", "");
		add(how, INTERFACE_HOW, "", "ip address flush dev ", i->name, "");
	}
	if (setting("ipv4", i->name, "forwarding")) {
		add(why, INTERFACE_WHY, " and ", "forwards IPv4", "", "");
		add(how, INTERFACE_HOW, "; ", "sysctl net/ipv4/conf/", i->name, "/forwarding=0");
	}
	if (setting("ipv6", "all", "forwarding") && !setting("ipv6", i->name, "disable_ipv6")) {
		add(why, INTERFACE_WHY, " and ", "forwards IPv6", "", "");
		add(how, INTERFACE_HOW, "; ", "sysctl net/ipv6/conf/", i->name, "/disable_ipv6=1");
	}
	return *why;
}
