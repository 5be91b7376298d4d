/* SPDX-License-Identifier: BSD-2-Clause */
/* cmd_capture.c - amp capture: packets of a running router as it sees them, with what became of each, as lines or as pcapng. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "capture_link.h"
#include "cmd.h"
#include "cmd_filter.h"
#include "cmd_up.h"
#include "packet_text.h"
#include "pcapng.h"
#include "text.h"

static const char *const usage =
	"usage: amp capture NODE [-i PORT] [-Q in|out] [-w FILE.pcapng|-] [--drops | --drop "
	"REASON]\n"
	"                   [-c COUNT] [-s SNAPLEN] [-t TESTBED] [EXPRESSION]\n"
	"\n"
	"Shows packets of a router as they came in and as they went out, with what became of each, "
	"until "
	"Ctrl-C. Those that match\n"
	"EXPRESSION are copied by the forwarding processors themselves (amp filter --help tells "
	"what may be "
	"said).\n"
	"\n"
	"  -i PORT         of one port, by name or number (default: of all, mirrors among them)\n"
	"  -Q in|out       only what comes in, or goes out\n"
	"  -w FILE         write pcapng to FILE, for Wireshark and tcpdump -r; - is standard "
	"output\n"
	"  --drops         only what was dropped\n"
	"  --drop REASON   only what the kernel or a handler dropped for this reason; may be "
	"repeated. Names are those of\n"
	"                  amp show NODE drops, with or without drop-; without ipv4- or ipv6- "
	"of both. What the node itself\n"
	"                  counts there (groups ip and ip6, such as drop-ttl) was passed to it, "
	"and "
	"is captured as that\n"
	"  -c COUNT        end after so many packets\n"
	"  -s SNAPLEN      bytes of each packet (default: all)\n"
	"\n"
	"examples: amp capture r1 -i lan 'icmp or icmp6'\n"
	"          amp capture r1 --drop ipv4-drop-checksum -c 10\n"
	"          amp capture r1 -w - | wireshark -k -i -\n";

static const struct option options[] = {{"drops", no_argument, NULL, 'D'},
					{"drop", required_argument, NULL, 'd'},
					{"testbed", required_argument, NULL, 't'},
					{"help", no_argument, NULL, 'h'},
					{NULL, 0, NULL, 0}};

struct request {
	const char *node, *port, *file, *testbed;
	struct capture_request r;
	struct xok_filter filter[CAPTURE_FILTERS];
};

/* What -d and its like say of the fates wanted. False: that was said. */
static bool want(struct capture_request *r, const char *reason)
{
	char err[2400];

	if (capture_want_drop(r, reason, err, sizeof(err)))
		return true;
	cmd_misuse("capture", "--drop: %s", err);
	return false;
}

static bool direction(struct capture_request *r, const char *word)
{
	r->directions = !strcmp(word, "in") ? CAPTURE_IN : !strcmp(word, "out") ? CAPTURE_OUT : 0;
	return r->directions != 0;
}

static bool number(const char *text, uint64_t most, uint32_t *out)
{
	uint64_t v;

	if (parse_u64(text, &v) || !v || v > most)
		return false;
	*out = (uint32_t)v;
	return true;
}

/* AMP_DONE after --help; -1: go on. */
static int read_options(struct request *q, int argc, char **argv)
{
	static const struct cmd_value forms[] = {{'c', "-c", "a number from 1 to 4000000000"},
						 {'s', "-s", "a number from 1 to 1518"},
						 {'Q', "-Q", "in or out"},
						 {0}};
	bool drops = false;

	q->r = (struct capture_request){.magic = CAPTURE_MAGIC,
					.kind = CAPTURE_PACKETS,
					.port = CAPTURE_ANY,
					.directions = CAPTURE_IN | CAPTURE_OUT,
					.snap = XOK_FRAME_MAX};
	for (int c; (c = getopt_long(argc, argv, "i:Q:w:c:s:t:", options, NULL)) != -1;) {
		bool good = true;

		switch (c) {
		case 'i': q->port = optarg; break;
		case 'Q': good = direction(&q->r, optarg); break;
		case 'w': q->file = optarg; break;
		case 'D': drops = true; break;
		case 'd':
			if (!want(&q->r, optarg))
				return AMP_USAGE;
			break;
		case 'c': good = number(optarg, 4000000000u, &q->r.count); break;
		case 's': good = number(optarg, XOK_FRAME_MAX, &q->r.snap); break;
		case 't': q->testbed = optarg; break;
		case 'h': fputs(usage, stdout); return AMP_DONE;
		default: good = false; break;
		}
		if (!good)
			return cmd_bad_option("capture", forms, c, optarg);
	}
	if (drops && (q->r.fates || q->r.nreason))
		return cmd_misuse("capture", "--drops is all of them: leave out --drop");
	if (drops)
		capture_want_drops(&q->r);
	else if (!q->r.fates && !q->r.nreason)
		q->r.fates = (1u << CAPTURE_NFATE) - 1;
	return -1;
}

/* AMP_DONE after --help; -1: go on. */
static int read_request(struct request *q, int argc, char **argv)
{
	int rc = read_options(q, argc, argv);

	if (rc >= 0)
		return rc;
	if (optind == argc)
		return cmd_misuse("capture", "name a router");
	q->node = argv[optind++];
	return filter_expression("capture", argc - optind, argv + optind, q->filter,
				 CAPTURE_FILTERS, &q->r.nfilter);
}

/* ---- what is shown ---- */

static void show_line(const struct capture_link *l, const struct capture_packet *p)
{
	time_t seconds = (time_t)(p->time / 1000000000);
	char clock[16], outcome[96], text[256];
	struct tm tm;

	strftime(clock, sizeof(clock), "%H:%M:%S", localtime_r(&seconds, &tm));
	capture_outcome(l, p, outcome, sizeof(outcome));
	packet_text((const uint8_t *)(p + 1), p->captured, p->len, text, sizeof(text));
	printf("%s.%06u %s %s: %s: %s\n", clock, (unsigned)(p->time % 1000000000 / 1000),
	       capture_link_port_name(l, p->port), p->direction == CAPTURE_IN ? "in" : "out",
	       outcome, text);
}

static bool begin_file(const struct capture_link *l, uint32_t snap, FILE *f)
{
	struct pcapng_interface i[CAPTURE_PORTS] = {0};
	char name[CAPTURE_PORTS][64];

	for (uint32_t k = 0; k < l->hello.nport; k++) {
		snprintf(name[k], sizeof(name[k]), "%.31s/%.16s", l->hello.node,
			 l->hello.port[k].name);
		i[k].name = name[k];
		i[k].snap = snap;
		memcpy(i[k].mac, l->hello.port[k].mac, 6);
	}
	return pcapng_begin(f, "amp capture", i, l->hello.nport);
}

static bool write_packet(const struct capture_link *l, const struct capture_packet *p, FILE *f)
{
	char comment[128];
	const struct pcapng_packet out = {
		.interface = p->port,
		.time = p->time,
		.len = p->len,
		.captured = p->captured,
		.data = p + 1,
		.direction = p->direction == CAPTURE_IN ? PCAPNG_IN : PCAPNG_OUT,
		.comment = comment,
	};

	capture_outcome(l, p, comment, sizeof(comment));
	if (*p->program)
		text_append(comment, sizeof(comment), ", handler %s", p->program);
	return pcapng_packet(f, &out);
}

/* Nothing that has come is kept back while there is nothing more to read: so a reader at the other end of a pipe sees each packet at once. */
static int follow(struct capture_link *l, FILE *f)
{
	const struct capture_head *h;
	uint64_t packets = 0;

	while ((h = capture_link_next(l)) && h->type == CAPTURE_PACKET) {
		const struct capture_packet *p = (const void *)h;

		if (p->port >= l->hello.nport)
			return cmd_error("capture", "the node names a port that it has not");
		packets++;
		if (!f)
			show_line(l, p);
		else if (!write_packet(l, p, f) || (!capture_link_more(l) && fflush(f)))
			return cmd_error("capture", "cannot write: %s", strerror(errno));
	}
	if (!h)
		return cmd_error("capture", "%s", l->err);
	fflush(stdout);
	fprintf(stderr, "%" PRIu64 " packet%s captured, %" PRIu64 " missed\n", packets,
		plural((double)packets), ((const struct capture_end *)(const void *)h)->missed);
	return AMP_DONE;
}

static int to_file(struct capture_link *l, const struct request *q)
{
	bool out = !strcmp(q->file, "-");
	FILE *f = out ? stdout : fopen(q->file, "we");

	if (!f)
		return cmd_error("capture", "cannot write %s: %s", q->file, strerror(errno));
	if (out)
		setvbuf(stdout, NULL, _IOFBF, 1 << 16);
	int rc = begin_file(l, q->r.snap, f) && fflush(f) == 0
			 ? follow(l, f)
			 : cmd_error("capture", "cannot write %s: %s", q->file, strerror(errno));

	if (!out && fclose(f) && rc == AMP_DONE)
		rc = cmd_error("capture", "cannot write %s: %s", q->file, strerror(errno));
	return rc;
}

int cmd_capture(int argc, char **argv)
{
	static struct capture_link l;
	static struct request q;
	int rc = read_request(&q, argc, argv);

	if (rc >= 0)
		return rc;
	if (q.file && !strcmp(q.file, "-") && isatty(1))
		return cmd_misuse("capture",
				  "-w - writes bytes for a program: say what reads them, "
				  "such as | wireshark -k -i -");
	cmd_catch_signals();
	if (!capture_link_open(&l, q.testbed, q.node) ||
	    (q.port && !capture_link_port(&l, q.port, &q.r.port)) ||
	    !capture_link_ask(&l, &q.r, q.filter))
		rc = cmd_error("capture", "%s", l.err);
	else
		rc = q.file ? to_file(&l, &q) : follow(&l, NULL);
	capture_link_close(&l);
	return rc;
}
