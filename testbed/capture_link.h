/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * capture_link.h - the client's end of a capture in a running router (xok/linux/capture.h), and the words for what became of packets.
 */
#ifndef TESTBED_CAPTURE_LINK_H
#define TESTBED_CAPTURE_LINK_H

#include <stdbool.h>

#include "state.h"
#include "xok/linux/capture.h"

struct capture_link {
	int fd;
	bool hung_up; /* we want no more */
	struct capture_hello hello;
	size_t len, at;
	char err[STATE_ERROR];
	_Alignas(8) uint8_t message[CAPTURE_MESSAGE];
};

/* Finds the router NODE of a testbed (as state_find takes it) and connects to it. False with l->err. */
bool capture_link_open(struct capture_link *l, const char *testbed, const char *node);
void capture_link_close(struct capture_link *l);
/* The number of the port with this name, or number; false with l->err. */
bool capture_link_port(struct capture_link *l, const char *name, uint32_t *port);
bool capture_link_ask(struct capture_link *l, const struct capture_request *r,
		      const struct xok_filter *f);
/* The next record: CAPTURE_PACKET, CAPTURE_TRACE, or CAPTURE_END, which is the last. NULL with l->err. After a signal (cmd_interrupted) no more are made. */
const struct capture_head *capture_link_next(struct capture_link *l);
/* Is there another record, without waiting? */
bool capture_link_more(const struct capture_link *l);
const char *capture_link_port_name(const struct capture_link *l, uint32_t port);

/* capture_text.c: what became of a packet, in a few words. */
void capture_outcome(const struct capture_link *l, const struct capture_packet *p, char *buf,
		     size_t size);
/* The name of a forwarding handler's reason, or NULL: another handler's, or none. */
const char *capture_reason_name(uint64_t number, const char program[16]);
/*
 * Adds what NAME stands for to what is wanted: a fate that is a drop ("no-filter"), the name of a forwarding handler's reason ("ipv4-drop-checksum"; without
 * ipv4- or ipv6- both), each with or without "drop-", or any handler's number. False with err, which names them all, or says that it is the root domain's.
 */
bool capture_want_drop(struct capture_request *r, const char *name, char *err, size_t size);
/* Every drop there is. */
void capture_want_drops(struct capture_request *r);

#endif
