/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * metrics.h - the metrics endpoint of `amp router`: GET /metrics by HTTP/1.1, Prometheus' text format, from the supervisor's own loop.
 *
 * Whoever comes costs little: METRICS_CLIENTS connections at most - with all taken, the one that has waited longest for its client goes -, METRICS_REQUEST bytes
 * of a request, so many seconds for it and for taking the answer. However many ask, the node is asked by one at a time, and ten times a second at most. Of
 * what it answers METRICS_TAKEN bytes are held; a node that says more has gone mad, and that scrape fails.
 */
#ifndef TESTBED_METRICS_H
#define TESTBED_METRICS_H

#include "loop.h"
#include "metrics_text.h"

#define METRICS_CLIENTS 8u
#define METRICS_TAKEN (1u << 20)
#define METRICS_ROW 128u /* what a row counts besides its bytes */

struct sup;
struct metrics;

struct metrics_client {
	struct metrics *m;
	struct chan chan;
	enum { METRICS_FREE, METRICS_ASKS, METRICS_WAITS, METRICS_READS, METRICS_LEAVES } state;
	bool head;
	uint64_t until;
	size_t len;
	char request[METRICS_REQUEST];
};

struct metrics {
	struct sup *sup;
	struct watch listen;
	struct metrics_client client[METRICS_CLIENTS];
	/* What the node is being asked for, and since when; how many tables are not there yet. 0: nothing. */
	cJSON *rows[METRICS_TABLES];
	bool failed;
	size_t taken; /* bytes of rows, and what each of them costs besides */
	uint32_t missing;
	uint64_t asked;
	char *body; /* of the last scrape, from malloc */
	size_t body_len;
	uint64_t body_at;
};

/* Listens where the configuration says, if it does. False, after an event: it cannot, and the router goes on without. */
bool metrics_open(struct metrics *m, struct sup *s);
void metrics_close(struct metrics *m);
/* Called some times a second: ends what has taken too long. */
void metrics_tick(struct metrics *m);

#endif
