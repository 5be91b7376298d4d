/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ee_link.h - the root's end of the two queues from the capsule domain: events to report, packets to finish. Whatever comes
 * out of them may be hostile.
 */
#ifndef NODEOS_EE_LINK_H
#define NODEOS_EE_LINK_H

#include "nodeos/lib/bucket.h"
#include "nodeos/lib/event.h"
#include "nodeos/lib/msgq.h"

struct root;

struct ee_link {
	struct root *root;
	struct ee_shared *shared;
	struct msgq events, punts;
	bool up; /* it said so */
	struct bucket
		rate; /* of event bytes; the capsule domain's own limits bind it only while it is honest */
	uint64_t malformed, limited;
	uint8_t buf[MSGQ_MAX];
};

void ee_link_init(struct ee_link *l, struct root *root, struct ee_shared *shared);

/* Empties what is shared, before the capsule domain is started (again). */
void ee_link_reset(struct ee_link *l);

/* Takes a bounded number of messages from each queue, and posts EE_EV_WORK to itself when more is there. */
void ee_link_work(struct ee_link *l);

/* A module of the published table, copied and made printable. False: the place is empty. */
bool ee_link_module(const struct ee_link *l, unsigned i, struct ee_module *out);

const char *ee_refusal_name(unsigned refusal);
const char *ee_refusal_text(unsigned refusal);
const char *ee_counter_name(unsigned counter);

#endif
