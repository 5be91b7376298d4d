/* SPDX-License-Identifier: BSD-2-Clause */
/* cmd_trace_packet.c - amp trace-packet: the way of packets through a running router, step by step. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cmd.h"
#include "cmd_filter.h"
#include "cmd_up.h"
#include "text.h"
#include "trace_text.h"

static const char *const usage =
	"usage: amp trace-packet NODE [-i PORT] [-c COUNT] [--json] [-t TESTBED] [EXPRESSION]\n"
	"\n"
	"Follows packets that match EXPRESSION (amp filter --help) where they come in: which "
	"filter claims "
	"them, what its\n"
	"handler does (instructions, budget, each helper with arguments and result, verdict), and "
	"what "
	"leaves. Traced packets\n"
	"are forwarded, by an interpreter and with the same results; others are not slowed down. "
	"Until "
	"Ctrl-C.\n"
	"\n"
	"  -i PORT     of one port, by name or number (default: all)\n"
	"  -c COUNT    end after so many packets\n"
	"  --json      an object for each packet, on a line\n"
	"\n"
	"example: amp trace-packet r1 -i lan -c 1 'icmp and dst host 10.0.2.1'\n";

static const struct option options[] = {{"json", no_argument, NULL, 'j'},
					{"testbed", required_argument, NULL, 't'},
					{"help", no_argument, NULL, 'h'},
					{NULL, 0, NULL, 0}};

struct request {
	const char *node, *port, *testbed;
	bool json;
	struct capture_request r;
	struct xok_filter filter[CAPTURE_FILTERS];
};

/* AMP_DONE after --help; -1: go on. */
static int read_request(struct request *q, int argc, char **argv)
{
	static const struct cmd_value forms[] = {{'c', "-c", "a number from 1 to 4000000000"}, {0}};

	q->r = (struct capture_request){.magic = CAPTURE_MAGIC,
					.kind = CAPTURE_TRACES,
					.port = CAPTURE_ANY,
					.directions = CAPTURE_IN,
					.fates = (1u << CAPTURE_NFATE) - 1,
					.snap = XOK_FRAME_MAX};
	for (int c; (c = getopt_long(argc, argv, "i:c:t:", options, NULL)) != -1;) {
		uint64_t n = 1;

		switch (c) {
		case 'i': q->port = optarg; break;
		case 'c':
			if (parse_u64(optarg, &n) || !n || n > 4000000000u)
				return cmd_bad_option("trace-packet", forms, c, optarg);
			q->r.count = (uint32_t)n;
			break;
		case 'j': q->json = true; break;
		case 't': q->testbed = optarg; break;
		case 'h': fputs(usage, stdout); return AMP_DONE;
		default: return cmd_bad_option("trace-packet", forms, c, optarg);
		}
	}
	if (optind == argc)
		return cmd_misuse("trace-packet", "name a router");
	q->node = argv[optind++];
	return filter_expression("trace-packet", argc - optind, argv + optind, q->filter,
				 CAPTURE_FILTERS, &q->r.nfilter);
}

static int follow(struct capture_link *l, bool json)
{
	const struct capture_head *h;
	uint64_t missed;

	while ((h = capture_link_next(l)) && h->type == CAPTURE_TRACE) {
		const struct capture_trace *t = (const void *)h;

		if (json)
			trace_print_json(l, t);
		else
			trace_print(l, t);
		fflush(stdout);
	}
	if (!h)
		return cmd_error("trace-packet", "%s", l->err);
	missed = ((const struct capture_end *)(const void *)h)->missed;
	if (missed)
		fprintf(stderr, "%" PRIu64 " packet%s not traced: too many at once\n", missed,
			missed == 1 ? " was" : "s were");
	return AMP_DONE;
}

int cmd_trace_packet(int argc, char **argv)
{
	static struct capture_link l;
	static struct request q;
	int rc = read_request(&q, argc, argv);

	if (rc >= 0)
		return rc;
	cmd_catch_signals();
	if (!capture_link_open(&l, q.testbed, q.node) ||
	    (q.port && !capture_link_port(&l, q.port, &q.r.port)) ||
	    !capture_link_ask(&l, &q.r, q.filter))
		rc = cmd_error("trace-packet", "%s", l.err);
	else
		rc = follow(&l, q.json);
	capture_link_close(&l);
	return rc;
}
