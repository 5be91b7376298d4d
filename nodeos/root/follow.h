/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * follow.h - the router follows the host's own stack: addresses, neighbours and routes that Linux has at the mirrors of our ports (twin.h), so that routing
 * daemons run on it unmodified. Routes stand in the rib as RIB_HOST, addresses as RIB_HOST_LOCAL; neighbours are believed as if they had told us
 * themselves.
 *
 * At first everything is listed, and then changes are followed. When some of them may be lost (the socket overflows), or the host removes
 * routes without saying so (an interface goes down, an address goes), everything is listed again, and what is not in the list goes.
 */
#ifndef NODEOS_FOLLOW_H
#define NODEOS_FOLLOW_H

#include "amp/amp.h"
#include "nodeos/root/forward.h"
#include "nodeos/root/netlink.h"

#define FOLLOW_LINKS 256u
#define FOLLOW_BUFFER 65536u
#define FOLLOW_OTHER 0xffffu /* an interface that is none of ours */
#define FOLLOW_ADDRESSES 48u

struct root;

struct follow_address {
	struct ip6 addr;
	uint32_t index;
	uint16_t iface; /* or FOLLOW_OTHER */
	uint8_t len;
	uint8_t mark;
};

/* What happens, for `show`. */
struct follow_counters {
	uint64_t messages, malformed, resyncs, overruns, routes, no_room;
};

struct follow {
	struct root *root;
	int fd; /* -1: nobody to follow */
	/* Reads and writes the descriptor; as recv and send without waiting. */
	long (*receive)(int fd, void *buf, size_t cap);
	long (*send)(int fd, const void *buf, size_t len);
	unsigned stage; /* which list comes; FOLLOW_STAGES: none, changes are followed */
	uint32_t seq;
	bool again;	/* list everything once more after this */
	bool addresses; /* they have changed, and are not published yet */
	uint8_t mark;
	uint32_t nlink, naddress;
	struct {
		uint32_t index;
		uint16_t iface;
		bool up;
		uint8_t mark;
	} link[FOLLOW_LINKS];
	struct follow_address address[FOLLOW_ADDRESSES];
	struct follow_counters count;
	uint8_t buf[FOLLOW_BUFFER];
};

/* Follows whoever speaks on this descriptor; lists everything before it returns. */
void follow_init(struct follow *f, struct root *root, int fd,
		 long (*receive)(int fd, void *buf, size_t cap),
		 long (*send)(int fd, const void *buf, size_t len));

/* There is something to read. */
void follow_work(struct follow *f);

/* One message; for tests. */
void follow_event(void *arg, const struct netlink_event *e);

#endif
