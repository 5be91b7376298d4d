/* SPDX-License-Identifier: BSD-2-Clause */
/* rows.c - medians, the table and the JSON file of a benchmark. */
#include "testbed/bench/rows.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cjson/cJSON.h>

void rows_open(struct rows *r, const char *bench, const char *unit)
{
	const char *b = getenv("B");

	memset(r, 0, sizeof(*r));
	snprintf(r->bench, sizeof(r->bench), "%s", bench);
	snprintf(r->unit, sizeof(r->unit), "%s", unit);
	snprintf(r->dir, sizeof(r->dir), "%s/bench", b && *b ? b : "build");
}

struct row *rows_add(struct rows *r, const char *name, const char *peer, double limit)
{
	struct row *row;

	if (r->nrow == ROWS_MAX) {
		fprintf(stderr, "bench: more than %d rows\n", ROWS_MAX);
		exit(1);
	}
	row = &r->row[r->nrow++];
	snprintf(row->name, sizeof(row->name), "%s", name);
	snprintf(row->peer, sizeof(row->peer), "%s", peer);
	snprintf(row->unit, sizeof(row->unit), "%s", r->unit);
	row->limit = limit;
	return row;
}

struct row *rows_figure(struct rows *r, const char *name, const char *unit)
{
	struct row *row = rows_add(r, name, "", 0);

	snprintf(row->unit, sizeof(row->unit), "%s", unit);
	return row;
}

void row_sample(struct row *row, double peer, double ours)
{
	if (row->rounds == ROW_ROUNDS)
		return;
	row->peer_value[row->rounds] = peer;
	row->ours_value[row->rounds] = ours;
	row->rounds++;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double rows_median(const double *v, int n)
{
	double sorted[ROW_ROUNDS];

	if (n == 0)
		return 0;
	memcpy(sorted, v, (size_t)n * sizeof(*v));
	qsort(sorted, (size_t)n, sizeof(*sorted), by_value);
	return n % 2 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
}

static void extremes(const double *v, int n, double *low, double *high)
{
	*low = *high = n ? v[0] : 0;
	for (int i = 1; i < n; i++) {
		*low = v[i] < *low ? v[i] : *low;
		*high = v[i] > *high ? v[i] : *high;
	}
}

/* The processor's name, as the kernel tells it. */
static void machine(char *buf, size_t len)
{
	FILE *f = fopen("/proc/cpuinfo", "re");
	char line[256];

	snprintf(buf, len, "unknown processor");
	while (f && fgets(line, sizeof(line), f)) {
		char *colon = strchr(line, ':');

		if (strncmp(line, "model name", 10) != 0 || !colon)
			continue;
		snprintf(buf, len, "%s", colon + 2);
		buf[strcspn(buf, "\n")] = 0;
		break;
	}
	if (f)
		fclose(f);
}

static void print_row(const struct row *w)
{
	double ours = rows_median(w->ours_value, w->rounds), low, high;
	double peer = rows_median(w->peer_value, w->rounds), plow, phigh;

	extremes(w->ours_value, w->rounds, &low, &high);
	if (!w->peer[0]) {
		printf("%-32s %10.4g %-8s (%.4g-%.4g, %d rounds)\n", w->name, ours, w->unit, low,
		       high, w->rounds);
		return;
	}
	extremes(w->peer_value, w->rounds, &plow, &phigh);
	printf("%-32s %10.4g %-8s (%.4g-%.4g)  %-14s %10.4g (%.4g-%.4g)  ratio %.3g", w->name, ours,
	       w->unit, low, high, w->peer, peer, plow, phigh, ours / peer);
	if (w->limit > 0)
		printf(" (goal %.3g%s)", w->limit, ours / peer <= w->limit ? "" : ", MISSED");
	printf("  %d rounds\n", w->rounds);
}

static cJSON *json_row(const struct row *w)
{
	double ours = rows_median(w->ours_value, w->rounds), low, high;
	double peer = rows_median(w->peer_value, w->rounds);
	cJSON *o = cJSON_CreateObject(), *spread = cJSON_CreateArray();

	extremes(w->ours_value, w->rounds, &low, &high);
	cJSON_AddStringToObject(o, "row", w->name);
	cJSON_AddStringToObject(o, "unit", w->unit);
	if (w->peer[0]) {
		cJSON_AddStringToObject(o, "peer", w->peer);
		cJSON_AddNumberToObject(o, "peer_value", peer);
	} else {
		cJSON_AddNullToObject(o, "peer");
		cJSON_AddNullToObject(o, "peer_value");
	}
	cJSON_AddNumberToObject(o, "ours_value", ours);
	if (w->peer[0])
		cJSON_AddNumberToObject(o, "ratio", ours / peer);
	else
		cJSON_AddNullToObject(o, "ratio");
	cJSON_AddNumberToObject(o, "rounds", w->rounds);
	cJSON_AddItemToArray(spread, cJSON_CreateNumber(low));
	cJSON_AddItemToArray(spread, cJSON_CreateNumber(high));
	cJSON_AddItemToObject(o, "spread", spread);
	return o;
}

static int write_json(const struct rows *r, const char *path)
{
	cJSON *all = cJSON_CreateArray();
	char *text;
	FILE *f;
	int bad;

	for (int i = 0; i < r->nrow; i++)
		cJSON_AddItemToArray(all, json_row(&r->row[i]));
	text = cJSON_Print(all);
	cJSON_Delete(all);
	f = fopen(path, "we");
	bad = !text || !f || fputs(text, f) < 0 || fputc('\n', f) < 0;
	if (f && fclose(f) != 0)
		bad = 1;
	free(text);
	if (bad)
		fprintf(stderr, "bench: %s: %s\n", path, strerror(errno));
	return bad;
}

int rows_close(struct rows *r)
{
	char cpu[128], path[512];

	machine(cpu, sizeof(cpu));
	printf("\n%s, on %s. Medians (lowest-highest), rounds interleaved.\n", r->bench, cpu);
	for (int i = 0; i < r->nrow; i++)
		print_row(&r->row[i]);
	mkdir(r->dir, 0777);
	snprintf(path, sizeof(path), "%s/%s.json", r->dir, r->bench);
	return write_json(r, path);
}
