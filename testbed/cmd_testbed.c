/* SPDX-License-Identifier: BSD-2-Clause */
/* cmd_testbed.c - amp testbed: its options, and status, log and console. */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include "cmd.h"
#include "cmd_up.h"
#include "text.h"

#define CONSOLE_LEAVE 0x1d   /* Ctrl-], as in telnet */
#define CONSOLE_QUIET_MS 500 /* without a word from the node, after the end of piped input */

static const char *const usage =
	"usage: amp testbed up FILE.yaml [--state DIR] [--wait SECS] [--foreground] [--capture] "
	"[--accel A]\n"
	"       amp testbed down [TESTBED]\n"
	"       amp testbed status [TESTBED] [--json]\n"
	"       amp testbed log [TESTBED] [NODE] [--events]\n"
	"       amp testbed console [TESTBED] NODE\n"
	"       amp testbed exec [TESTBED] NODE -- COMMAND [ARG...]\n"
	"\n"
	"up starts one QEMU per xok node, one xokd per router, a network namespace per host and "
	"one "
	"process per edge, joins them by the links of the "
	"file and returns\n"
	"when every node has said that it is ready. TESTBED is its name, its file or its state "
	"directory; it may be\n"
	"left out when only one runs.\n"
	"\n"
	"  --state DIR    where sockets and logs go (default: $XDG_RUNTIME_DIR/amp/NAME or "
	"~/.local/state/amp/NAME)\n"
	"  --wait SECS    how long the nodes may take to be ready (default 60)\n"
	"  --foreground   stay until Ctrl-C, then take everything down\n"
	"  --capture      write the frames of every port to NODE-PORT.pcap in the state directory\n"
	"  --accel A      tcg (default), kvm, or auto: KVM when the first router really boots with "
	"it\n"
	"  --json         for programs\n"
	"  --events       the events of a node rather than its console\n"
	"\n"
	"console connects to console 0 of a node, where `help` lists the commands; Ctrl-] or "
	"Ctrl-D "
	"leaves it.\n"
	"exec runs a program in a host (or a router with mirrors), with its standard streams and "
	"exit "
	"status; what it leaves\n"
	"running there ends with the host. The nodes' names are in /etc/hosts there.\n"
	"--state DIR must be new, empty, or the state directory of an earlier testbed.\n";

/* ---- status ---- */

static cJSON *drops_text(const cJSON *drops)
{
	char text[256] = "";
	const cJSON *d;

	cJSON_ArrayForEach(d, drops)
	{
		if (d->valuedouble > 0)
			text_append(text, sizeof(text), "%s%s %.0f", *text ? ", " : "", d->string,
				    d->valuedouble);
	}
	return cJSON_CreateString(*text ? text : "-");
}

static void print_status(const cJSON *testbed, const cJSON *nodes, const cJSON *links)
{
	struct table t;
	const cJSON *o;

	printf("%s: %s, up %.1f s, ready after %.2f s\n%s\n\n", member_text(testbed, "name"),
	       cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(testbed, "ready")) ? "ready"
										: "coming up",
	       member_number(testbed, "up_ms") / 1000, member_number(testbed, "ready_ms") / 1000,
	       member_text(testbed, "dir"));
	table_init(&t, "node|kind|state|address|pid|ready s|");
	cJSON_ArrayForEach(o, nodes)
	{
		const char *address = member_text(o, "address");

		/* Those of amp router are in its own configuration: amp show NODE ports. */
		table_row(&t, "%s\t%s\t%s\t%s\t%.0f\t%.2f\t%s", member_text(o, "node"),
			  member_text(o, "kind"), member_text(o, "state"),
			  strcmp(address, "0.0.0.0") ? address : "-", member_number(o, "pid"),
			  member_number(o, "ready_ms") / 1000, member_text(o, "why"));
	}
	table_print(&t, stdout);
	if (!links->child)
		return;
	putchar('\n');
	table_init(&t, "from|to|delay ms|loss %|frames in|frames out|waiting|dropped");
	cJSON_ArrayForEach(o, links)
	{
		cJSON *drops = drops_text(cJSON_GetObjectItemCaseSensitive(o, "drops"));

		table_row(&t, "%s\t%s\t%g\t%g\t%.0f\t%.0f\t%.0f\t%s", member_text(o, "from"),
			  member_text(o, "to"), member_number(o, "delay_ms"),
			  member_number(o, "loss_percent"), member_number(o, "in_frames"),
			  member_number(o, "out_frames"), member_number(o, "waiting"),
			  drops->valuestring);
		cJSON_Delete(drops);
	}
	table_print(&t, stdout);
}

static int status(const char *which, bool json)
{
	struct control c;

	if (!control_open(&c, which))
		return cmd_error("testbed", "%s", c.err);
	cJSON *testbed = control_ask(&c, "-", "testbed");
	cJSON *nodes = control_ask(&c, "-", "nodes"), *links = control_ask(&c, "-", "links");
	int rc = AMP_DONE;

	if (!testbed || !testbed->child || !nodes || !links) {
		rc = cmd_error("testbed", "%s", c.err);
	} else if (json) {
		cJSON *all = cJSON_CreateObject();

		cJSON_AddItemToObject(all, "testbed", cJSON_Duplicate(testbed->child, true));
		cJSON_AddItemToObject(all, "nodes", cJSON_Duplicate(nodes, true));
		cJSON_AddItemToObject(all, "links", cJSON_Duplicate(links, true));
		rows_print(all, true);
		cJSON_Delete(all);
	} else {
		print_status(testbed->child, nodes, links);
	}
	const cJSON *o;
	cJSON_ArrayForEach(o, nodes)
	{
		if (strcmp(member_text(o, "state"), "ready"))
			rc = AMP_FAILED;
	}
	cJSON_Delete(testbed);
	cJSON_Delete(nodes);
	cJSON_Delete(links);
	control_close(&c);
	return rc;
}

/* ---- log and console ---- */

static int show_log(const char *which, const char *node, bool events)
{
	char dir[STATE_DIR_MAX], err[STATE_ERROR], path[STATE_DIR_MAX + 64];
	size_t len;

	/* One word is a testbed, or a node of one that runs. */
	if (!state_find(which, dir, err)) {
		if (node || !which || !state_find_node(NULL, which, dir, err))
			return cmd_error("testbed", "%s", err);
		node = which;
	}
	if (node && !text_is_name(node))
		return cmd_error("testbed", "'%s' is no node's name", node);
	snprintf(path, sizeof(path), "%s/%.32s.%s", dir, node ? node : "supervisor",
		 events && node ? "events" : "log");
	char *text = text_file(path, 64u << 20, &len);
	if (!text && node && errno == ENOENT)
		return cmd_error("testbed",
				 "%s keeps no log of a node '%s': amp testbed status shows "
				 "the nodes",
				 strrchr(dir, '/') + 1, node);
	if (!text)
		return cmd_error("testbed", "cannot read %s: %s", path, strerror(errno));
	fwrite(text, 1, len, stdout);
	free(text);
	return AMP_DONE;
}

/* Bytes both ways until the node or the person ends it. */
static void converse(int fd)
{
	struct pollfd p[2] = {{.fd = fd, .events = POLLIN}, {.fd = 0, .events = POLLIN}};
	const struct timespec quiet = {0, CONSOLE_QUIET_MS * 1000000L}, *wait = NULL;
	sigset_t none;
	char buf[1024];

	sigemptyset(&none);
	while (ppoll(p, 2, wait, &none) > 0 && !cmd_interrupted) {
		if (p[0].revents) {
			ssize_t n = read(fd, buf, sizeof(buf));

			if (n <= 0 || write(1, buf, (size_t)n) != n)
				return;
		}
		if (p[1].revents) {
			ssize_t n = read(0, buf, sizeof(buf));

			if (n <= 0) { /* the end of piped input: the answer may still come */
				p[1].fd = -1;
				wait = &quiet;
			} else if (memchr(buf, CONSOLE_LEAVE, (size_t)n) ||
				   send(fd, buf, (size_t)n, MSG_NOSIGNAL) != n) {
				return;
			}
		}
	}
}

/*
 * A node's console neither echoes nor edits, so the terminal goes on doing both and hands over whole lines; Ctrl-] is made a
 * second end of a line, so that it is seen at once.
 */
static bool line_mode(struct termios *old)
{
	struct termios line;

	if (!isatty(0) || tcgetattr(0, old))
		return false;
	line = *old;
	line.c_lflag |= ICANON | ECHO | ECHOE | ISIG;
	line.c_iflag |= ICRNL;
	line.c_cc[VEOL] = CONSOLE_LEAVE;
	return tcsetattr(0, TCSANOW, &line) == 0;
}

static int console(const char *which, const char *node)
{
	struct termios old;
	struct control c;

	if (!places_open(&c, which, node) || !control_do(&c, "-", "console %s", node))
		return cmd_error("testbed", "%s", c.err);
	cmd_catch_signals();
	cmd_block_signals();
	bool tty = line_mode(&old);
	if (tty)
		fprintf(stderr, "console of %s: help lists the commands, Ctrl-] leaves it\n", node);
	if (c.have && write(1, c.buf, c.have) < 0)
		return AMP_FAILED;
	converse(c.fd);
	if (tty) {
		tcsetattr(0, TCSANOW, &old);
		fputc('\n', stderr);
	}
	control_close(&c);
	return AMP_DONE;
}

/* ---- the verb ---- */

static const struct option options[] = {{"state", required_argument, NULL, 's'},
					{"wait", required_argument, NULL, 'w'},
					{"foreground", no_argument, NULL, 'f'},
					{"capture", no_argument, NULL, 'c'},
					{"accel", required_argument, NULL, 'a'},
					{"json", no_argument, NULL, 'j'},
					{"events", no_argument, NULL, 'e'},
					{"help", no_argument, NULL, 'h'},
					{NULL, 0, NULL, 0}};

static int wrong_form(const char *what)
{
	static const char *const forms[][2] = {
		{"up", "FILE.yaml [options]"}, {"down", "[TESTBED]"},
		{"status", "[TESTBED]"},       {"log", "[TESTBED] [NODE]"},
		{"console", "[TESTBED] NODE"}, {"exec", "[TESTBED] NODE -- COMMAND"}};

	for (size_t i = 0; what && i < sizeof(forms) / sizeof(forms[0]); i++)
		if (!strcmp(forms[i][0], what))
			return cmd_misuse("testbed", "write: amp testbed %s %s", what, forms[i][1]);
	return cmd_misuse("testbed", "say up, down, status, log, console or exec");
}

/* Options end at "--", and what stands behind it is a command: cut off here, so that getopt does not look at it. */
static char **command_of(int *argc, char **argv)
{
	for (int i = 1; i < *argc; i++)
		if (!strcmp(argv[i], "--")) {
			argv[i] = NULL;
			*argc = i;
			return argv + i + 1;
		}
	return NULL;
}

int cmd_testbed(int argc, char **argv)
{
	char **command = command_of(&argc, argv);
	struct sup_options o = {.accel = "tcg", .wait = 60, .report = -1};
	bool foreground = false, json = false, events = false;
	static const struct cmd_value none[] = {{0}};
	const char *state = NULL;
	uint64_t wait;

	for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		switch (c) {
		case 's': state = optarg; break;
		case 'w':
			if (parse_u64(optarg, &wait) || wait < 1 || wait > 3600)
				return cmd_misuse("testbed", "--wait takes 1 to 3600 seconds");
			o.wait = (uint32_t)wait;
			break;
		case 'f': foreground = true; break;
		case 'c': o.capture = true; break;
		case 'a':
			if (strcmp(optarg, "tcg") && strcmp(optarg, "kvm") &&
			    strcmp(optarg, "auto"))
				return cmd_misuse("testbed", "--accel is tcg, kvm or auto");
			o.accel = optarg;
			break;
		case 'j': json = true; break;
		case 'e': events = true; break;
		case 'h': fputs(usage, stdout); return AMP_DONE;
		default: return cmd_bad_option("testbed", none, c, optarg);
		}
	}
	const char *what = argv[optind], *a = what ? argv[optind + 1] : NULL;
	const char *b = a ? argv[optind + 2] : NULL;

	if (!what || (b && argv[optind + 3]))
		return wrong_form(what);
	if (!strcmp(what, "exec") && a && command && *command)
		return cmd_exec(b ? a : NULL, b ? b : a, command);
	if (command)
		return wrong_form(what);
	if (!strcmp(what, "up") && a && !b)
		return cmd_up(a, state, &o, foreground);
	if (!strcmp(what, "down") && !b)
		return cmd_down(a);
	if (!strcmp(what, "status") && !b)
		return status(a, json);
	if (!strcmp(what, "log"))
		return show_log(a, b, events);
	if (!strcmp(what, "console") && a)
		return console(b ? a : NULL, b ? b : a);
	return wrong_form(what);
}
