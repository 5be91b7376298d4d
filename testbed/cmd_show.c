/* SPDX-License-Identifier: BSD-2-Clause */
/* cmd_show.c - amp show: a table of a running node. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "cmd.h"

#define TABLES "ports routes neighbours domains modules principals counters handlers tables"

static const char *const usage =
	"usage: amp show NODE TABLE [FILTER] [-t TESTBED] [--json]\n"
	"\n"
	"TABLE: " TABLES "\n"
	"       handlers are the programs in the kernel and what each did with its packets (--json "
	"has every\n"
	"       outcome: stopped, throttled, ...), tables what they share with the node; units are "
	"work units.\n"
	"FILTER: only rows one of whose cells is this text, such as the name of a counter\n";

static const struct option options[] = {{"testbed", required_argument, NULL, 't'},
					{"json", no_argument, NULL, 'j'},
					{"help", no_argument, NULL, 'h'},
					{NULL, 0, NULL, 0}};

static bool row_has(const cJSON *row, const char *text)
{
	const cJSON *v;

	cJSON_ArrayForEach(v, row)
	{
		if (cJSON_IsString(v) && !strcmp(v->valuestring, text))
			return true;
	}
	return false;
}

static void filter(cJSON *rows, const char *text)
{
	for (int i = cJSON_GetArraySize(rows) - 1; i >= 0; i--)
		if (!row_has(cJSON_GetArrayItem(rows, i), text))
			cJSON_DeleteItemFromArray(rows, i);
}

static bool known_table(const char *name)
{
	size_t n = strlen(name);

	for (const char *p = TABLES; p; p = strchr(p, ' ') ? strchr(p, ' ') + 1 : NULL)
		if (!strncmp(p, name, n) && (p[n] == ' ' || !p[n]))
			return n > 0;
	return false;
}

int cmd_show(int argc, char **argv)
{
	static struct control c;
	const char *testbed = NULL;
	bool json = false;

	for (int o; (o = getopt_long(argc, argv, "t:", options, NULL)) != -1;) {
		switch (o) {
		case 't': testbed = optarg; break;
		case 'j': json = true; break;
		case 'h': fputs(usage, stdout); return AMP_DONE;
		default: return cmd_misuse("show", "unknown or incomplete option");
		}
	}
	if (argc - optind < 2 || argc - optind > 3)
		return cmd_misuse("show", "name a node and a table");
	if (!known_table(argv[optind + 1]))
		return cmd_misuse("show", "there is no table '%s': a node has " TABLES,
				  argv[optind + 1]);
	if (!control_open(&c, testbed))
		return cmd_error("show", "%s", c.err);
	cJSON *rows = control_ask(&c, argv[optind], "show %.64s", argv[optind + 1]);
	int rc = AMP_DONE;
	if (rows) {
		if (argc - optind == 3)
			filter(rows, argv[optind + 2]);
		rows_print(rows, json);
	} else {
		rc = cmd_error("show", "%s", c.err);
	}
	cJSON_Delete(rows);
	control_close(&c);
	return rc;
}
