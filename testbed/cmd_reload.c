/* SPDX-License-Identifier: BSD-2-Clause */
/* cmd_reload.c - amp reload: a running router reads its configuration again. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "cmd.h"

static const char *const usage =
	"usage: amp reload [NODE]\n"
	"\n"
	"The router NODE (a name, or its state directory; default: the only one that runs) reads "
	"its configuration file again. All of it is\n"
	"checked; when any line is wrong that is told, and nothing changes. Else its routes, "
	"addresses and rules are in force in the place of\n"
	"what was, and forwarding goes on meanwhile. What needs a restart is named. SIGHUP does "
	"the same.\n"
	"\n"
	"exit status: 0 in force, 78 the configuration is wrong, 1 it could not be done\n";

static const struct option options[] = {{"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};

static bool show_message(void *arg, cJSON *row)
{
	bool *wrong = arg, error = !strcmp(member_text(row, "level"), "error");

	*wrong = *wrong || error;
	fprintf(error ? stderr : stdout, "%s\n", member_text(row, "message"));
	cJSON_Delete(row);
	return true;
}

static bool open_router(struct control *c, const char *name)
{
	return name && text_is_name(name) ? places_open(c, NULL, name) : control_open(c, name);
}

int cmd_reload(int argc, char **argv)
{
	static const struct cmd_value none[] = {{0}};
	static struct control c;
	bool wrong = false;

	for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		if (o != 'h')
			return cmd_bad_option("reload", none, o, optarg);
		fputs(usage, stdout);
		return AMP_DONE;
	}
	if (argc - optind > 1)
		return cmd_misuse("reload", "name one router");
	if (!open_router(&c, argv[optind]))
		return cmd_error("reload", "%s", c.err);
	bool good = control_rows(&c, "-", show_message, &wrong, "reload");

	if (!good)
		cmd_error("reload", "%s", c.err);
	control_close(&c);
	return good ? AMP_DONE : wrong ? AMP_CONFIG : AMP_FAILED;
}
