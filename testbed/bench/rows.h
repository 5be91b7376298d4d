/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rows.h - what every benchmark shares: rounds of measurements, their medians, a table for people and the JSON file for programs.
 *
 *	struct rows r;
 *	rows_open(&r, "vcode", "ns/run");
 *	struct row *x = rows_add(&r, "hash", "gcc -O2", 0);	one row for each thing and peer; limit of the ratio, 0: none
 *	for each round: row_sample(x, peer_ns, ours_ns);	interleaved: peer, ours, peer, ours ...
 *	return rows_close(&r);			prints, writes build/bench/vcode.json; the exit status
 */
#ifndef TESTBED_BENCH_ROWS_H
#define TESTBED_BENCH_ROWS_H

#include <stdio.h>

#define ROWS_MAX 128
#define ROW_ROUNDS 64

struct row {
	char name[48], peer[32], unit[16];
	double limit; /* the ratio ours/peer that is hoped for; shown, not enforced; 0: none */
	int rounds;
	double peer_value[ROW_ROUNDS], ours_value[ROW_ROUNDS];
};

struct rows {
	char bench[32], unit[16], dir[256];
	int nrow;
	struct row row[ROWS_MAX];
};

/* dir: where NAME.json goes, "build/bench" unless the environment's B says another build directory. */
void rows_open(struct rows *r, const char *bench, const char *unit);
struct row *rows_add(struct rows *r, const char *name, const char *peer, double limit);
void row_sample(struct row *row, double peer, double ours);

/* Ours alone: a figure without a peer (memory, insertion time); peer is "" and the ratio null. */
struct row *rows_figure(struct rows *r, const char *name, const char *unit);

double rows_median(const double *v, int n);
int rows_close(struct rows *r);

#endif
