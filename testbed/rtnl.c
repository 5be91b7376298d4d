/* SPDX-License-Identifier: BSD-2-Clause */
#include "rtnl.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- by ioctl ---- */

static int link_ioctl(unsigned long op, struct ifreq *req)
{
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int rc = s < 0 ? -1 : ioctl(s, op, req);
	int saved = errno;

	if (s >= 0)
		close(s);
	errno = saved;
	return rc;
}

static struct ifreq named(const char *ifname)
{
	struct ifreq req = {0};

	strncpy(req.ifr_name, ifname, IFNAMSIZ - 1);
	return req;
}

/* ---- netlink: one request, one acknowledgement ---- */

struct message {
	struct nlmsghdr head;
	union {
		struct ifaddrmsg address;
		struct rtmsg route;
	};
	uint8_t attributes[128];
};

int rtnl_open(struct rtnl *r)
{
	r->seq = 0;
	r->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	return r->fd < 0 ? -1 : 0;
}

void rtnl_close(struct rtnl *r)
{
	close(r->fd);
}

/* The callers' few attributes always fit. */
static void attribute(struct message *m, uint16_t type, const void *data, size_t len)
{
	struct rtattr *a = (struct rtattr *)((char *)m + NLMSG_ALIGN(m->head.nlmsg_len));

	a->rta_type = type;
	a->rta_len = (uint16_t)RTA_LENGTH(len);
	memcpy(RTA_DATA(a), data, len);
	m->head.nlmsg_len = (uint32_t)(NLMSG_ALIGN(m->head.nlmsg_len) + RTA_ALIGN(a->rta_len));
}

#define PUT (NLM_F_CREATE | NLM_F_REPLACE)
#define ADD (NLM_F_CREATE | NLM_F_EXCL)

static int request(struct rtnl *r, struct message *m, unsigned flags)
{
	struct {
		struct nlmsghdr head;
		struct nlmsgerr error;
		uint8_t rest[256];
	} answer;

	m->head.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
	m->head.nlmsg_seq = ++r->seq;
	if (send(r->fd, m, m->head.nlmsg_len, 0) < 0)
		return -1;
	ssize_t n = recv(r->fd, &answer, sizeof(answer), 0);
	if (n < (ssize_t)offsetof(typeof(answer), rest) || answer.head.nlmsg_type != NLMSG_ERROR) {
		errno = n < 0 ? errno : EPROTO;
		return -1;
	}
	errno = -answer.error.error;
	return errno ? -1 : 0;
}

static size_t width(int family)
{
	return family == AF_INET ? 4 : 16;
}

static int address(struct rtnl *r, uint16_t type, unsigned flags, int family, const char *ifname,
		   const void *addr, uint32_t plen)
{
	struct ifreq req = named(ifname);
	struct message m = {
		.head = {.nlmsg_len = NLMSG_LENGTH(sizeof(struct ifaddrmsg)), .nlmsg_type = type}};

	if (link_ioctl(SIOCGIFINDEX, &req))
		return -1;
	m.address = (struct ifaddrmsg){.ifa_family = (uint8_t)family,
				       .ifa_prefixlen = (uint8_t)plen,
				       .ifa_flags = family == AF_INET6 ? IFA_F_NODAD : 0,
				       .ifa_index = (uint32_t)req.ifr_ifindex};
	attribute(&m, IFA_LOCAL, addr, width(family));
	attribute(&m, IFA_ADDRESS, addr, width(family));
	return request(r, &m, flags);
}

int rtnl_address(struct rtnl *r, int family, const char *ifname, const void *addr, uint32_t plen)
{
	return address(r, RTM_NEWADDR, PUT, family, ifname, addr, plen);
}

int rtnl_address_add(struct rtnl *r, int family, const char *ifname, const void *addr,
		     uint32_t plen)
{
	return address(r, RTM_NEWADDR, ADD, family, ifname, addr, plen);
}

int rtnl_address_remove(struct rtnl *r, int family, const char *ifname, const void *addr,
			uint32_t plen)
{
	return address(r, RTM_DELADDR, 0, family, ifname, addr, plen);
}

int rtnl_route(struct rtnl *r, int family, const void *prefix, uint32_t plen, const void *gateway)
{
	struct message m = {.head = {.nlmsg_len = NLMSG_LENGTH(sizeof(struct rtmsg)),
				     .nlmsg_type = RTM_NEWROUTE}};

	m.route = (struct rtmsg){.rtm_family = (uint8_t)family,
				 .rtm_dst_len = (uint8_t)plen,
				 .rtm_table = RT_TABLE_MAIN,
				 .rtm_protocol = RTPROT_STATIC,
				 .rtm_scope = RT_SCOPE_UNIVERSE,
				 .rtm_type = RTN_UNICAST};
	if (plen)
		attribute(&m, RTA_DST, prefix, width(family));
	attribute(&m, RTA_GATEWAY, gateway, width(family));
	return request(r, &m, PUT);
}

/* ---- interfaces ---- */

int link_up(const char *ifname)
{
	struct ifreq req = named(ifname);

	if (link_ioctl(SIOCGIFFLAGS, &req))
		return -1;
	req.ifr_flags |= IFF_UP;
	return link_ioctl(SIOCSIFFLAGS, &req);
}

int link_mtu(const char *ifname, uint32_t mtu)
{
	struct ifreq req = named(ifname);

	req.ifr_mtu = (int)mtu;
	return link_ioctl(SIOCSIFMTU, &req);
}

/*
 * No offload is asked for with TUNSETOFFLOAD, so Linux finishes checksums and segments before it hands frames over, as a wire would want
 * them, and checks those that it gets.
 */
int tap_open(const char *ifname, const uint8_t mac[6])
{
	struct ifreq req = named(ifname);
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return -1;
	req.ifr_flags = IFF_TAP | IFF_NO_PI;
	if (ioctl(fd, TUNSETIFF, &req) == 0) {
		req.ifr_hwaddr.sa_family = ARPHRD_ETHER;
		memcpy(req.ifr_hwaddr.sa_data, mac, 6);
		if (link_ioctl(SIOCSIFHWADDR, &req) == 0)
			return fd;
	}
	int saved = errno;
	close(fd);
	errno = saved;
	return -1;
}
