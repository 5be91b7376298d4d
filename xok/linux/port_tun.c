/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * port_tun.c - ports that are TAP interfaces of Linux: what its stack sends arrives here, what is sent here its stack receives. Of offloads none is taken
 * over, so checksums are complete and no frame is longer than the MTU says. The interface goes when xokd does. Mirrors are made of these.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "interface.h"
#include "port.h"

struct tun_port {
	struct interface iface; /* what it is to Linux */
	uint64_t lost;		/* by Linux, before it was ours */
	struct rte_mbuf *spare; /* the receiving lcore's: to receive into */
};

/*
 * A mirror has the address of its port: Linux and we are one station. At the other end of any other port is a station of its own, with the address that Linux gave
 * it.
 */
static int interface(struct port *p, const char *ifname)
{
	struct tun_port *t = p->priv;
	struct ifreq ifr = {0};

	snprintf(ifr.ifr_name, IFNAMSIZ, "%.15s", ifname);
	ifr.ifr_hwaddr.sa_family = ARPHRD_ETHER;
	memcpy(ifr.ifr_hwaddr.sa_data, p->mac, 6);
	if (p->mirror && ioctl(t->iface.fd, SIOCSIFHWADDR, &ifr))
		return say_error("port %s: cannot give %s its address: %m", p->name, ifname);
	ifr.ifr_mtu = p->mtu ? p->mtu : PORT_MTU;
	if (ioctl(t->iface.fd, SIOCSIFMTU, &ifr))
		return say_error("port %s: cannot set the MTU of %s to %d: %m", p->name, ifname,
				 ifr.ifr_mtu);
	if (ioctl(t->iface.fd, SIOCGIFFLAGS, &ifr))
		return say_error("port %s: cannot read the flags of %s: %m", p->name, ifname);
	ifr.ifr_flags |= IFF_UP;
	if (ioctl(t->iface.fd, SIOCSIFFLAGS, &ifr))
		return say_error("port %s: cannot set %s up: %m", p->name, ifname);
	return 0;
}

/* errno says why. */
static int not_made(const struct port *p, const char *ifname)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/class/net/%.15s/tun_flags", ifname);
	if (errno == EINVAL && if_nametoindex(ifname)) {
		bool tap = access(path, F_OK) == 0;

		return say_error("port %s: %s exists and is %s: %s%s%sanother name", p->name,
				 ifname,
				 tap ? "a TAP interface with other flags" : "no TAP interface",
				 p->mirror || tap ? "choose " : "write af_packet:",
				 p->mirror || tap ? "" : ifname, p->mirror || tap ? "" : ", or ");
	}
	return say_error("port %s: cannot make the interface %s: %m%s", p->name, ifname,
			 errno == EPERM	  ? "; start xokd as root, or make it beforehand with ip "
					    "tuntap add, for this user"
			 : errno == EBUSY ? "; another process has it"
					  : "");
}

static int tun_open(struct port *p, const struct device *dev)
{
	struct tun_port *t = calloc(1, sizeof(*t));
	struct ifreq ifr = {.ifr_flags = IFF_TAP | IFF_NO_PI};

	p->priv = t;
	if (!t)
		return say_error("out of memory");
	t->iface.fd = -1;
	p->fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (p->fd < 0)
		return say_error("port %s: cannot open /dev/net/tun: %m", p->name);
	snprintf(ifr.ifr_name, IFNAMSIZ, "%.15s", dev->what);
	if (ioctl(p->fd, TUNSETIFF, &ifr))
		return not_made(p, dev->what);
	if (interface_open(&t->iface, dev->what))
		return say_error("port %s: cannot find the interface %s: %m", p->name, dev->what);
	t->lost = interface_lost(&t->iface);
	p->nrx = 1;
	return interface(p, dev->what);
}

static int tun_start(struct port *p, struct rte_mempool *pool)
{
	(void)p, (void)pool;
	return 0;
}

static uint16_t tun_rx(struct port *p, uint16_t queue, struct rte_mbuf **m, uint16_t n)
{
	struct tun_port *t = p->priv;
	uint16_t got = 0;
	(void)queue;

	while (got < n) {
		if (!t->spare && !(t->spare = rte_pktmbuf_alloc(p->pool)))
			break;
		struct rte_mbuf *b = t->spare;
		ssize_t len = read(p->fd, rte_pktmbuf_mtod(b, void *), rte_pktmbuf_tailroom(b));

		if (len <= 0)
			break;
		b->data_len = (uint16_t)len;
		b->pkt_len = (uint32_t)len;
		m[got++] = b;
		t->spare = NULL;
	}
	return got;
}

/* An interface that is down takes nothing (EIO): the frame is gone, as on a cable that is not plugged in. */
static uint16_t tun_tx(struct port *p, uint16_t queue, struct rte_mbuf **m, uint16_t n)
{
	uint16_t done = 0;
	(void)queue;

	while (done < n) {
		ssize_t rc = write(p->fd, rte_pktmbuf_mtod(m[done], void *), m[done]->data_len);

		if (rc < 0 && errno == EINTR)
			continue;
		if (rc < 0 && (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM))
			break;
		done++;
	}
	rte_pktmbuf_free_bulk(m, done);
	return done;
}

/*
 * The interface was deleted. What is left of the descriptor is never again without an event, so that who waits for it would not sleep. In its place comes a timer
 * that is never set: silent, with nothing to read, and not to be written to. Its number stays what it is for lcores, which know nothing of this.
 */
static void let_go(struct port *p)
{
	int silent = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);

	p->gone = silent >= 0 && dup3(silent, p->fd, O_CLOEXEC) >= 0;
	if (!p->gone)
		say_error("port %s: cannot close what is left of its interface: %m", p->name);
	if (silent >= 0)
		close(silent);
}

/* One that was moved to another network namespace is still ours: then Linux does not tell us its state. */
static bool tun_link(struct port *p)
{
	struct tun_port *t = p->priv;
	struct ifreq ifr = {0};

	if (!p->gone && ioctl(p->fd, TUNGETIFF, &ifr) && errno == EBADFD)
		let_go(p);
	return !p->gone && interface_state(&t->iface, false) != INTERFACE_DOWN;
}

/* Of what Linux wanted to send, the frames for which the queue had no room. */
static void tun_losses(struct port *p, struct port_losses *l)
{
	const struct tun_port *t = p->priv;
	uint64_t lost = interface_lost(&t->iface);

	l->missed = lost > t->lost ? lost - t->lost : 0;
}

static void tun_carrier(struct port *p, bool up)
{
	int on = up;

	if (!p->gone && ioctl(p->fd, TUNSETCARRIER, &on))
		say_error("port %s: cannot tell Linux that the link is %s: %m", p->name,
			  up ? "up" : "down");
}

static uint32_t tun_buffers(struct port *p)
{
	(void)p;
	return 1;
}

static void tun_close(struct port *p)
{
	struct tun_port *t = p->priv;

	if (p->fd >= 0)
		close(p->fd);
	p->fd = -1;
	if (!t)
		return;
	interface_close(&t->iface);
	rte_pktmbuf_free(t->spare);
	free(t);
	p->priv = NULL;
}

const struct port_ops port_tun = {
	.open = tun_open,
	.buffers = tun_buffers,
	.start = tun_start,
	.rx = tun_rx,
	.tx = tun_tx,
	.link = tun_link,
	.losses = tun_losses,
	.carrier = tun_carrier,
	.close = tun_close,
};
