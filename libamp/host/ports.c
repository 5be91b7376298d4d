/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ports.c - a port is a Unix datagram socket: one datagram is one Ethernet frame, as QEMU's dgram
 * network back end sends them. The peer's socket need not exist yet, and may vanish and come back:
 * that is a cable unplugged.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "libamp/host/host.h"

static struct port {
	int fd;
	struct sockaddr_un local, remote;
	struct xok_port_info info;
	struct amp_host_drops drops;
} * ports;

static uint32_t nports;

uint32_t amp_ports(void)
{
	return nports;
}

const struct xok_port_info *amp_port(uint32_t port)
{
	return port < nports ? &ports[port].info : NULL;
}

struct xok_port_info *ports_info(uint32_t port)
{
	return &ports[port].info;
}

int ports_fd(uint32_t port)
{
	return ports[port].fd;
}

const struct amp_host_drops *amp_host_port_drops(uint32_t port)
{
	return port < nports ? &ports[port].drops : NULL;
}

static int set_path(struct sockaddr_un *sa, const char *path)
{
	sa->sun_family = AF_UNIX;
	if (strlen(path) >= sizeof(sa->sun_path))
		return -ENAMETOOLONG;
	strcpy(sa->sun_path, path);
	return 0;
}

static int open_port(struct port *p, const struct amp_host_port *spec)
{
	int err = set_path(&p->local, spec->local);

	if (err == 0)
		err = set_path(&p->remote, spec->remote);
	if (err != 0)
		return err;
	p->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (p->fd < 0)
		return -errno;
	unlink(p->local.sun_path); /* left behind by a process that was killed */
	if (bind(p->fd, (const struct sockaddr *)&p->local, sizeof(p->local)) < 0) {
		err = -errno;
		close(p->fd);
		p->fd = -1;
		return err;
	}
	memcpy(p->info.mac, spec->mac, sizeof(p->info.mac));
	p->info.up = 1;
	p->info.mtu = 1500;
	return 0;
}

int ports_open(const struct amp_host_port *port, uint32_t nport)
{
	if (nport > HOST_PORTS) {
		amp_log("%u ports asked for, at most %u can be had", nport, HOST_PORTS);
		return -EINVAL;
	}
	ports = calloc(nport > 0 ? nport : 1, sizeof(*ports));
	if (ports == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < nport; i++) {
		int err = open_port(&ports[i], &port[i]);

		if (err != 0) {
			amp_log("port %u: cannot create the socket %s: %s", i, port[i].local,
				strerror(-err));
			ports_close();
			return err;
		}
		nports++;
	}
	return 0;
}

void ports_close(void)
{
	for (uint32_t i = 0; i < nports; i++) {
		close(ports[i].fd);
		unlink(ports[i].local.sun_path);
	}
	free(ports);
	ports = NULL;
	nports = 0;
}

void ports_receive(uint32_t port)
{
	struct port *p = &ports[port];

	for (uint32_t i = 0; i < XOK_RING_MAX; i++) {
		uint8_t frame[XOK_FRAME_MAX];
		/*
		 * MSG_TRUNC: the true length comes back, so that a giant is told from a full-sized
		 * frame.
		 */
		ssize_t n = recv(p->fd, frame, sizeof(frame), MSG_TRUNC);

		if (n < 0)
			return;
		if (n < (ssize_t)XOK_FRAME_MIN || n > (ssize_t)XOK_FRAME_MAX) {
			p->info.rx_bad_length++;
			continue;
		}
		p->info.rx_packets++;
		p->info.rx_bytes += (uint64_t)n;
		demux_packet(port, frame, (size_t)n, amp_now());
	}
}

/* Sums up and checks a gather list as the kernel's transmit does. */
static int gather(struct iovec *to, const struct xok_iov *iov, uint32_t n, size_t *total)
{
	*total = 0;
	if (n == 0 || n > XOK_NIOV)
		return XOK_EINVAL;
	for (uint32_t i = 0; i < n; i++) {
		if (iov[i].len > XOK_FRAME_MAX - *total)
			return XOK_EINVAL;
		*total += iov[i].len;
		to[i].iov_base = (void *)(uintptr_t)iov[i].base;
		to[i].iov_len = iov[i].len;
	}
	return *total < XOK_FRAME_MIN ? XOK_EINVAL : XOK_OK;
}

int amp_transmit(uint32_t port, const struct xok_iov *iov, uint32_t n)
{
	struct iovec parts[XOK_NIOV];
	struct msghdr msg = {.msg_iov = parts, .msg_iovlen = n};
	struct port *p;
	size_t total;
	int err;

	if (port >= nports)
		return XOK_ENOENT;
	err = gather(parts, iov, n, &total);
	if (err != XOK_OK)
		return err;
	p = &ports[port];
	msg.msg_name = &p->remote;
	msg.msg_namelen = sizeof(p->remote);
	if (sendmsg(p->fd, &msg, MSG_NOSIGNAL) < 0) {
		if (errno == EAGAIN || errno == ENOBUFS || errno == EINTR) {
			p->info.tx_full++;
			return XOK_EAGAIN;
		}
		p->drops.tx_no_peer++;
		return XOK_OK;
	}
	p->info.tx_packets++;
	p->info.tx_bytes += total;
	return XOK_OK;
}
