/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rtnl.h - interfaces, addresses and routes of the network namespace we are in (rtnetlink(7), netdevice(7)). Addresses are bytes in network order:
 * 4 of AF_INET, 16 of AF_INET6. Functions return 0, or -1 with errno.
 */
#ifndef TESTBED_RTNL_H
#define TESTBED_RTNL_H

#include <stdint.h>

struct rtnl {
	int fd;
	uint32_t seq;
};

int rtnl_open(struct rtnl *r);
void rtnl_close(struct rtnl *r);

/* An address, usable at once: without duplicate address detection. */
int rtnl_address(struct rtnl *r, int family, const char *ifname, const void *addr, uint32_t plen);
/* The same when it is not there yet, else EEXIST; and away with it, EADDRNOTAVAIL: it was not there. */
int rtnl_address_add(struct rtnl *r, int family, const char *ifname, const void *addr,
		     uint32_t plen);
int rtnl_address_remove(struct rtnl *r, int family, const char *ifname, const void *addr,
			uint32_t plen);
int rtnl_route(struct rtnl *r, int family, const void *prefix, uint32_t plen, const void *gateway);

int link_up(const char *ifname);
int link_mtu(const char *ifname, uint32_t mtu);
/* A TAP, non-blocking, frames without any header (IFF_NO_PI); it goes when the last descriptor of it is closed. -1 with errno. */
int tap_open(const char *ifname, const uint8_t mac[6]);

#endif
