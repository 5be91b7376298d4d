/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * echo_linux.c - the peer of the round-trip benchmark: "init" of a Linux guest. Loads the modules
 * that stand in /modules in the order of their names, brings eth0 up, and answers each UDP
 * datagram to port 7 by recvfrom and sendto: the shortest loop that a Linux program can be.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define OWN "10.9.0.1"
#define PEER "10.9.0.2"
#define PORT 7

static void must(int ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	for (;;)
		pause();
}

static struct sockaddr_in address(const char *text, uint16_t port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};

	inet_pton(AF_INET, text, &a.sin_addr);
	return a;
}

static void load_modules(void)
{
	for (unsigned i = 0; i < 100; i++) {
		char path[32];

		snprintf(path, sizeof(path), "/modules/%02u.ko", i);
		int fd = open(path, O_RDONLY | O_CLOEXEC);

		if (fd < 0)
			return;
		must(syscall(SYS_finit_module, fd, "", 0) == 0, path);
		close(fd);
	}
}

/* Address, link up, and the peer's hardware address, so that nothing has to be resolved. */
static void configure(int s)
{
	static const unsigned char mac[6] = {0x02, 0, 0, 0, 0, 2};
	struct sockaddr_in own = address(OWN, 0), mask = address("255.255.255.0", 0);
	struct sockaddr_in peer = address(PEER, 0);
	struct ifreq r = {.ifr_name = "eth0"};
	struct arpreq arp = {.arp_flags = ATF_COM | ATF_PERM, .arp_dev = "eth0"};

	memcpy(&r.ifr_addr, &own, sizeof(own));
	must(ioctl(s, SIOCSIFADDR, &r) == 0, "address");
	memcpy(&r.ifr_netmask, &mask, sizeof(mask));
	must(ioctl(s, SIOCSIFNETMASK, &r) == 0, "netmask");
	r.ifr_flags = IFF_UP | IFF_RUNNING;
	must(ioctl(s, SIOCSIFFLAGS, &r) == 0, "up");
	memcpy(&arp.arp_pa, &peer, sizeof(peer));
	arp.arp_ha.sa_family = ARPHRD_ETHER;
	memcpy(arp.arp_ha.sa_data, mac, sizeof(mac));
	must(ioctl(s, SIOCSARP, &arp) == 0, "neighbour");
}

int main(void)
{
	struct sockaddr_in own = address(OWN, PORT), from;
	char data[2048];

	load_modules();
	int s = socket(AF_INET, SOCK_DGRAM, 0);
	must(s >= 0, "socket");
	configure(s);
	must(bind(s, (struct sockaddr *)&own, sizeof(own)) == 0, "bind");
	printf("ready\n");
	for (;;) {
		socklen_t len = sizeof(from);
		ssize_t n = recvfrom(s, data, sizeof(data), 0, (struct sockaddr *)&from, &len);

		if (n >= 0)
			sendto(s, data, (size_t)n, 0, (struct sockaddr *)&from, len);
	}
}
