/* SPDX-License-Identifier: BSD-2-Clause */
/* cmd_router.c - amp router: one node of kind router on the machine's own interfaces, supervised in the foreground. */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "cmd_up.h"
#include "router.h"
#include "text.h"

static const char *const usage =
	"usage: amp router -c FILE [--check] [--name NAME] [--state DIR] [--wait SECS] [--log "
	"text|json]\n"
	"\n"
	"Reads and checks all of FILE, then forwards until it is told to end (SIGTERM, Ctrl-C). "
	"Nothing "
	"is changed when any line\n"
	"is wrong. `amp show NAME routes` and the like show what it does; NAME is the file's `node "
	"NAME`.\n"
	"\n"
	"  --check      read and check, then end: exit status 0 when all is right, else 78\n"
	"  --name NAME  the node's name, when the file has none\n"
	"  --state DIR  where sockets and logs go (default: /run/amp/NAME for root, else as amp "
	"testbed)\n"
	"  --wait SECS  how long the node may take to be ready (default 30)\n"
	"  --log text|json  events as lines of text (default) or as JSON, an object a line\n"
	"\n"
	"A file of two interfaces:\n"
	"\n"
	"  node r1\n"
	"  hugepages on\n"
	"  interface lan pci:0000:03:00.0 mirror\n"
	"  interface wan pci:0000:03:00.1 mirror\n"
	"  port lan address 10.0.1.1/24\n"
	"  port wan address 192.0.2.2/30\n"
	"  route 0.0.0.0/0 via 192.0.2.1\n";

struct request {
	const char *file, *name, *state, *log;
	bool check;
	uint64_t wait;
};

static const struct option options[] = {
	{"config", required_argument, NULL, 'c'}, {"check", no_argument, NULL, 'k'},
	{"name", required_argument, NULL, 'n'},	  {"state", required_argument, NULL, 's'},
	{"wait", required_argument, NULL, 'w'},	  {"log", required_argument, NULL, 'l'},
	{"help", no_argument, NULL, 'h'},	  {NULL, 0, NULL, 0}};

/* AMP_DONE after --help; -1: go on. */
static int read_options(struct request *q, int argc, char **argv)
{
	static const struct cmd_value forms[] = {
		{'n', "--name", "a letter, then letters, digits, - or _, at most 15"},
		{'w', "--wait", "whole seconds, 1 to 3600"},
		{'l', "--log", "text or json"},
		{0}};

	for (int c; (c = getopt_long(argc, argv, "c:", options, NULL)) != -1;) {
		bool bad = false;

		switch (c) {
		case 'c': q->file = optarg; break;
		case 'k': q->check = true; break;
		case 'n':
			q->name = optarg;
			bad = !text_is_name(optarg) || strlen(optarg) >= ROUTER_NAME;
			break;
		case 's': q->state = optarg; break;
		case 'w': bad = parse_u64(optarg, &q->wait) || !q->wait || q->wait > 3600; break;
		case 'l':
			q->log = optarg;
			bad = strcmp(optarg, "text") != 0 && strcmp(optarg, "json") != 0;
			break;
		case 'h': fputs(usage, stdout); return AMP_DONE;
		default: bad = true; break;
		}
		if (bad)
			return cmd_bad_option("router", forms, c, optarg);
	}
	if (!q->file || optind != argc)
		return cmd_misuse("router", "name the configuration: amp router -c FILE");
	return -1;
}

/* ---- running it ---- */

/* One node without links: the supervisor knows the rest from struct router. */
static void one_node(struct topo *t, const struct router *r)
{
	memset(t, 0, sizeof(*t));
	strcpy(t->name, r->name);
	t->nnode = 1;
	strcpy(t->node[0].name, r->name);
	t->node[0].kind = TOPO_ROUTER;
	t->node[0].memory = r->memory;
}

static bool make_place(const struct request *q, const char *name, char dir[STATE_DIR_MAX])
{
	char err[STATE_ERROR];

	if (!q->state && geteuid() == 0) {
		char at[STATE_DIR_MAX];

		snprintf(at, sizeof(at), "%s/%s", STATE_SERVICES, name);
		if (!cmd_place_is_free("router", at, name, q->file))
			return false;
		if (state_make_service(name, dir, err))
			return true;
		return cmd_error("router", "%s", err), false;
	}
	if (!state_dir(name, dir, err) || (q->state && !state_usable(q->state, err)))
		return cmd_error("router", "%s", err), false;
	if (!cmd_place_is_free("router", dir, name, q->file) ||
	    (q->state && !cmd_place_is_free("router", q->state, NULL, q->file)))
		return false;
	return state_make(name, q->state, dir, err) || (cmd_error("router", "%s", err), false);
}

/* Links in it stay: what they lead to may be another file when it is read again. */
static bool absolute(const char *file, char full[PATH_MAX])
{
	char here[PATH_MAX] = "";

	return (*file == '/' || getcwd(here, sizeof(here))) &&
	       text_path(full, PATH_MAX, "%s%s%s", here, *here ? "/" : "", file);
}

static int run(const struct request *q, struct router *r, const char *data, struct log *log)
{
	static struct topo t;
	char full[PATH_MAX], dir[STATE_DIR_MAX], self[PATH_MAX], path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n < 0 || !absolute(q->file, full))
		return cmd_error("router", "%s: %s", q->file, strerror(errno));
	self[n] = 0;
	one_node(&t, r);
	if (!cmd_files_there("router", data, &t) || !make_place(q, r->name, dir))
		return AMP_FAILED;
	snprintf(path, sizeof(path), "%s/supervisor.log", dir);
	log->file = fopen(path, "ae");
	if (!log->file)
		return cmd_error("router", "cannot write %s: %s", path, strerror(errno));
	const struct sup_options o = {.topo = &t,
				      .file = full,
				      .dir = dir,
				      .data = data,
				      .accel = "tcg",
				      .wait = (uint32_t)q->wait,
				      .report = -1,
				      .self = self,
				      .router = r,
				      .log = log};
	int rc = sup_run(&o) ? AMP_FAILED : AMP_DONE;

	fclose(log->file);
	return rc;
}

int cmd_router(int argc, char **argv)
{
	static struct router r;
	struct request q = {.wait = 30, .log = "text"};
	char data[PATH_MAX];
	struct log log;
	int rc = read_options(&q, argc, argv);

	if (rc >= 0 || !q.file)
		return rc;
	log_open(&log, q.log);
	if (!router_load(&r, q.file, q.name, false, &log))
		rc = AMP_CONFIG;
	else if (q.check) {
		printf("%s: all is right: node %s, %u interface%s\n", q.file, r.name, r.nport,
		       plural(r.nport));
		rc = AMP_DONE;
	} else {
		rc = cmd_data_dir("router", data, sizeof(data)) ? run(&q, &r, data, &log)
								: AMP_FAILED;
	}
	router_free(&r);
	return rc;
}
