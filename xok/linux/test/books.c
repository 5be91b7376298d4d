/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * books.c - books PID: the ports and lcores of an xokd that runs, out of its open bookkeeping, as JSON: for the tests. What lcores have counted is added up ten
 * times a second.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "xok/abi.h"
#include "xok/lcore.h"

static int open_books(const char *pid)
{
	char dir[64], path[384], target[64];
	struct dirent *e;
	int fd = -1;

	snprintf(dir, sizeof(dir), "/proc/%s/fd", pid);
	DIR *d = opendir(dir);

	while (d && fd < 0 && (e = readdir(d))) {
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		ssize_t n = readlink(path, target, sizeof(target) - 1);

		if (n > 0 && !strncmp(target, "/memfd:xok-books", 16))
			fd = open(path, O_RDONLY | O_CLOEXEC);
	}
	if (d)
		closedir(d);
	return fd;
}

static void print_port(const struct xok_port_info *p)
{
	printf("{\"name\":\"%.16s\",\"flags\":%u,\"twin\":%u,\"up\":%u,\"mtu\":%u,"
	       "\"mac\":\"%02x:%02x:%02x:%02x:%02x:%02x\"",
	       p->name, p->flags, p->twin, p->up, p->mtu, p->mac[0], p->mac[1], p->mac[2],
	       p->mac[3], p->mac[4], p->mac[5]);
#define COUNTER(name) printf(",\"%s\":%lu", #name, (unsigned long)p->name)
	COUNTER(rx_packets);
	COUNTER(rx_bytes);
	COUNTER(tx_packets);
	COUNTER(tx_bytes);
	COUNTER(rx_bad_length);
	COUNTER(rx_no_filter);
	COUNTER(rx_ring_full);
	COUNTER(rx_handled);
	COUNTER(tx_full);
	COUNTER(rx_missed);
	COUNTER(rx_errors);
	COUNTER(rx_no_buffer);
	printf("}");
}

int main(int argc, char **argv)
{
	struct stat st;
	int fd = argc == 2 ? open_books(argv[1]) : -1;

	if (fd < 0 || fstat(fd, &st)) {
		fprintf(stderr, "usage: books PID of an xokd that runs\n");
		return 1;
	}
	const char *base = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);

	if (base == MAP_FAILED)
		return 1;
	const struct xok_info *info = (const void *)base;
	const struct xok_port_info *port = (const void *)(base + info->port_off);
	const struct xok_lcore_info *lcore = (const void *)(base + info->lcore_off);

	printf("{\"ports\":[");
	for (uint32_t i = 0; i < info->nport; i++) {
		printf("%s", i ? "," : "");
		print_port(&port[i]);
	}
	printf("],\"lcores\":[");
	for (uint32_t i = 0; i < info->nlcore; i++)
		printf("%s{\"processor\":%u,\"packets\":%lu,\"bursts\":%lu,\"injected\":%lu,"
		       "\"unsent\":%lu,"
		       "\"sleeps\":%lu}",
		       i ? "," : "", lcore[i].processor, (unsigned long)lcore[i].packets,
		       (unsigned long)lcore[i].bursts, (unsigned long)lcore[i].injected,
		       (unsigned long)lcore[i].unsent, (unsigned long)lcore[i].sleeps);
	printf("]}\n");
	return 0;
}
