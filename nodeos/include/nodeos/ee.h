/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ee.h - the capsule domain: the execution environment that every capsule crossing a node goes through. It reads what the root
 * published, writes its counters, events and the packets it cannot finish into shared memory, and keeps all else to itself.
 *
 * In an environment of its own on machine pc; in the edge process beside the root on Linux.
 */
#ifndef NODEOS_EE_H
#define NODEOS_EE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ee;
struct ee_shared;
struct node_pub;

#define EE_ERROR 200u

struct ee_host {
	void (*notify)(void *arg); /* something is in a queue for the root */
	void *arg;
};

/* Starts it: opens its channels and reports itself ready. NULL and *err (a negative XOK_E...) when something cannot be had. */
struct ee *ee_create(const struct node_pub *pub, struct ee_shared *shared,
		     const struct ee_host *host, int *err);

/* A module loaded by hand; takes bytes (from malloc) over when it succeeds. */
bool ee_module_add(struct ee *ee, uint8_t *bytes, size_t len, char err[EE_ERROR]);

/* Sends a capsule packet (a UDP payload) from this node, without running it here. */
bool ee_inject(struct ee *ee, const uint8_t *packet, size_t len, char err[EE_ERROR]);

#endif
