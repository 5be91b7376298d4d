/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * main.c - the program "ee" on machine pc: the capsule domain in an environment of its own, with what its parent shares.
 */
#include "amp/amp.h"
#include "nodeos/ee.h"
#include "nodeos/lib/event.h"

static void notify(void *arg)
{
	(void)arg;
	(void)amp_env_notify(amp_parent(), EE_EV_WORK); /* a root that is gone takes us with it */
}

int main(void)
{
	const struct ee_host host = {.notify = notify};
	int rc;

	if (!ee_create((const struct node_pub *)EE_NODE_VA, (struct ee_shared *)EE_SHARED_VA, &host,
		       &rc))
		amp_fatal("the capsule domain cannot start: %s", amp_strerror(rc));
	return amp_run();
}
