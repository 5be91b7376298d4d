/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * env_root.c - the root environment of the tests: does what lines on console 1 say, answers there, and sends packets of its own protocol
 * back to where they came from.
 *
 *   hello         starts N
 *   table         adds one to a number in a table, which it makes if there is none of this name: table N
 *   spawn MODE    starts the hostile environment, with memory shared both ways: spawned, and later ended END CODE; shared memory N
 *   destroy       ends it
 *   boot NAME     boot LENGTH TEXT
 *   netlink       asks for the interfaces: netlink 1, when one is told of
 *   cut           asks for an interface to be taken away: cut ERROR, of Linux
 *   stop N        exits
 */
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "amp/amp.h"
#include "env_test.h"

static uint32_t child;
static struct amp_ring *ring;
static uint32_t *both, *readable;

static void reply(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void reply(const char *fmt, ...)
{
	char line[512];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line) - 1, fmt, ap);
	va_end(ap);
	line[n++] = '\n';
	amp_cons_write(1, line, (size_t)n);
}

static void on_packet(void *arg, struct amp_packet *p)
{
	struct xok_iov iov[2] = {{(uintptr_t)p->data, 14}, {(uintptr_t)p->data + 14, p->len - 14}};
	(void)arg;

	p->data[12] = TEST_ANSWER >> 8;
	p->data[13] = TEST_ANSWER & 0xff;
	amp_transmit(p->port, iov, 2);
}

static void on_events(void *arg, uint32_t bits)
{
	const struct xok_env_info *e = child ? amp_env_info(child) : NULL;
	(void)arg;

	if (bits & TEST_EV)
		reply("notified");
	if (!e || e->state != XOK_ENV_ENDED)
		return;
	reply("ended %u %d, shared memory %u", e->end, e->exit_code, *both);
	amp_env_destroy(child);
	child = 0;
}

static void spawn(const char *mode)
{
	const char *const argv[] = {"hostile", mode, NULL};
	const struct amp_share share[] = {
		{both, TEST_BOTH_VA, XOK_PAGE, true},
		{readable, TEST_READABLE_VA, XOK_PAGE, false},
	};
	const struct amp_spawn s = {
		.file = "hostile",
		.argv = argv,
		.frames = 1024,
		.cap = {.valid = 1, .perms = XOK_PERM_ALL, .len = 1, .name = {7}},
		.share = share,
		.nshare = 2,
		.may_notify_us = true,
	};
	int64_t id;

	*both = 0;
	*readable = TEST_VALUE;
	id = amp_spawn(&s);
	if (id < 0) {
		reply("spawn: %s", amp_strerror((int)id));
		return;
	}
	child = (uint32_t)id;
	reply("spawned");
}

static void table(void)
{
	const struct xok_table_spec spec = {
		.type = XOK_TABLE_ARRAY, .value_size = 8, .entries = 1024, .name = "numbers"};
	int64_t id = amp_table_find("numbers");
	uint64_t *number;
	size_t bytes;

	if (id < 0)
		id = amp_table_create(&spec);
	number = id < 0 ? NULL : amp_table_memory((uint32_t)id, &bytes);
	if (!number)
		reply("table: %s", amp_strerror(id < 0 ? (int)id : XOK_ENOMEM));
	else
		reply("table %llu", (unsigned long long)++number[1023]);
}

static void on_netlink(void *arg, int fd)
{
	char buf[8192];
	ssize_t n = recv(fd, buf, sizeof(buf), 0);
	(void)arg;

	amp_unwatch(fd);
	reply("netlink %d", n >= (ssize_t)sizeof(struct nlmsghdr));
}

static void netlink(void)
{
	struct {
		struct nlmsghdr head;
		struct ifinfomsg info;
	} ask = {.head = {.nlmsg_len = sizeof(ask),
			  .nlmsg_type = RTM_GETLINK,
			  .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP}};
	int fd = amp_netlink(RTMGRP_LINK);

	if (fd < 0)
		reply("netlink: %s", amp_strerror(fd));
	else if (amp_watch(fd, on_netlink, NULL) < 0 || send(fd, &ask, sizeof(ask), 0) < 0)
		reply("netlink: cannot ask");
}

static void on_refusal(void *arg, int fd)
{
	struct {
		struct nlmsghdr head;
		struct nlmsgerr err;
		char rest[4096];
	} m;
	ssize_t n = recv(fd, &m, sizeof(m), 0);
	(void)arg;

	amp_unwatch(fd);
	if (n >= (ssize_t)(sizeof(m.head) + sizeof(m.err)) && m.head.nlmsg_type == NLMSG_ERROR)
		reply("cut %d", m.err.error);
	else
		reply("cut: no answer");
}

static void cut(void)
{
	struct {
		struct nlmsghdr head;
		struct ifinfomsg info;
	} ask = {.head = {.nlmsg_len = sizeof(ask),
			  .nlmsg_type = RTM_DELLINK,
			  .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK},
		 .info = {.ifi_index = 99999}};
	int fd = amp_netlink(0);

	if (fd < 0 || amp_watch(fd, on_refusal, NULL) < 0 || send(fd, &ask, sizeof(ask), 0) < 0)
		reply("cut: cannot ask");
}

static void boot(const char *name)
{
	size_t len;
	const char *text = amp_boot_file(name, &len);

	if (text)
		reply("boot %zu %.*s", len, (int)(len < 64 ? len : 64), text);
	else
		reply("boot: none");
}

static void on_line(void *arg, char *line, bool shortened)
{
	(void)arg;
	(void)shortened;
	if (!strcmp(line, "hello"))
		reply("starts %u", amp_starts());
	else if (!strcmp(line, "table"))
		table();
	else if (!strncmp(line, "spawn ", 6))
		spawn(line + 6);
	else if (!strcmp(line, "destroy"))
		amp_env_destroy(child);
	else if (!strncmp(line, "boot ", 5))
		boot(line + 5);
	else if (!strcmp(line, "netlink"))
		netlink();
	else if (!strcmp(line, "cut"))
		cut();
	else if (!strncmp(line, "stop ", 5))
		amp_stop(atoi(line + 5));
	else
		reply("what? %s", line);
}

int main(void)
{
	const struct xok_filter f = {
		.port = XOK_PORT_ANY,
		.natoms = 1,
		.atom = {{.off = 12, .size = 2, .mask = 0xffff, .value = TEST_REQUEST}},
	};
	int64_t id;

	both = amp_share_alloc(XOK_PAGE);
	readable = amp_share_alloc(XOK_PAGE);
	ring = amp_ring_open(64, on_packet, NULL);
	if (!both || !readable || !ring)
		amp_fatal("no memory");
	id = amp_filter_add(ring, &f);
	if (id < 0)
		amp_fatal("filter: %s", amp_strerror((int)id));
	(void)amp_table_find("numbers"); /* of the process before us */
	amp_on_events(on_events, NULL);
	amp_cons_open(1, on_line, NULL);
	reply("ready");
	return amp_run();
}
