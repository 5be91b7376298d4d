/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_netlink.c - any datagram from the host's netlink socket: it is read within its bounds, and the router's tables bear what it says. */
#include <stdlib.h>
#include <string.h>

#include "nodeos/root/root.h"
#include "nodeos/test/mock_amp.h"

static struct node_pub pub;
static struct ee_shared shared;
static struct root root;

static long receive(int fd, void *buf, size_t cap)
{
	(void)fd;
	(void)buf;
	(void)cap;
	return -11; /* EAGAIN: there is nothing */
}

static long send_request(int fd, const void *buf, size_t len)
{
	(void)fd;
	(void)buf;
	return (long)len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct root_host none;
	uint8_t *copy = malloc(size ? size : 1);

	memcpy(copy, data, size);
	mock_reset(4);
	mock_mirror(2, 0, "lan");
	mock_mirror(3, 1, "wan");
	if (root_init(&root, &pub, &shared, &none) < 0)
		abort();
	/* The interfaces 0 to 3 of the host are two of ours, one of others, and none. */
	follow_init(&root.follow, &root, 7, receive, send_request);
	for (uint16_t i = 0; i < 3; i++) {
		root.follow.link[i].index = i + 1u;
		root.follow.link[i].iface = i < 2 ? i : FOLLOW_OTHER;
	}
	root.follow.nlink = 3;
	(void)netlink_read(copy, size, follow_event, &root.follow);
	follow_work(&root.follow);
	mock_advance(10000000000);
	root_end(&root);
	free(copy);
	return 0;
}
