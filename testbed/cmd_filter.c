/* SPDX-License-Identifier: BSD-2-Clause */
/* cmd_filter.c - amp filter: a tcpdump expression as the packet filters that the kernel demultiplexes by. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "amp/filter.h"
#include "cmd.h"
#include "cmd_filter.h"
#include "text.h"

#define FILTERS 512u

static const char *const usage =
	"usage: amp filter [--json] EXPRESSION\n"
	"\n"
	"Shows the packet filters that an expression of tcpdump's syntax (pcap-filter(7)) becomes: "
	"a packet\n"
	"must match one of them. Each is a list of atoms, which load a field of the packet, "
	"big-endian,\n"
	"mask it, and compare it; `base` lines move the base from which later offsets count.\n"
	"\n"
	"What works: unions (or) of conjunctions (and) of header tests:\n"
	"  ip, ip6, arp, tcp, udp, sctp, icmp, icmp6, ...; ether proto N, ip proto N, ip6 proto N\n"
	"  [ether|ip|ip6|arp] [src|dst] host ADDRESS, net ADDRESS/LEN, [tcp|udp] [src|dst] port "
	"N,\n"
	"  portrange N-M, vlan [N], broadcast, multicast, greater N\n"
	"  ip[8] < 2, tcp[13] & 0x12 = 2, ether[12:2] != 0x806\n"
	"What does not: `not`, names of hosts and services, comparing two fields, computing with "
	"them.\n"
	"\n"
	"examples: amp filter 'udp dst port 3322'\n"
	"          amp filter 'vlan 5 and tcp port 80 and tcp[tcpflags] & tcp-syn != 0'\n";

static const struct option options[] = {
	{"json", no_argument, NULL, 'j'}, {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};

static const char *const kinds[] = {"equal", "shift", "range"};

static void hex(char *buf, size_t size, uint64_t v, unsigned bytes)
{
	snprintf(buf, size, "0x%0*" PRIx64, (int)(2 * bytes), v);
}

/* "at base + 16, 2 bytes in 1000 ... 2000" */
static void print_atom(const struct xok_atom *a, bool moved, const char *indent)
{
	uint64_t all = UINT64_MAX >> (64 - 8 * a->size);
	char where[64], mask[32], value[32];

	snprintf(where, sizeof(where), "%s%u, %u byte%s", moved ? "base + " : "", a->off, a->size,
		 a->size > 1 ? "s" : "");
	hex(mask, sizeof(mask), a->mask, a->size);
	hex(value, sizeof(value), a->value, a->size);
	if (a->kind == XOK_ATOM_SHIFT)
		printf("%sbase += (at %s & %s) << %u\n", indent, where, mask, a->shl);
	else if (a->kind == XOK_ATOM_RANGE)
		printf("%sat %s: %" PRIu32 " ... %" PRIu64 "\n", indent, where, (uint32_t)a->value,
		       a->value >> 32);
	else if (!a->mask)
		printf("%sat %s: must be there\n", indent, where);
	else if (a->mask != all)
		printf("%sat %s & %s = %s\n", indent, where, mask, value);
	else
		printf("%sat %s = %s\n", indent, where, value);
}

void filter_print(const struct xok_filter *f, const char *indent)
{
	bool moved = false;

	for (uint32_t k = 0; k < f->natoms && k < XOK_FILTER_ATOMS; k++) {
		print_atom(&f->atom[k], moved, indent);
		moved |= f->atom[k].kind == XOK_ATOM_SHIFT;
	}
}

static void print_filters(const struct xok_filter *f, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		printf("filter %u of %u, %u atom%s%s\n", i + 1, n, f[i].natoms,
		       f[i].natoms == 1 ? "" : "s", f[i].natoms ? "" : ": every packet");
		filter_print(&f[i], "  ");
	}
}

static cJSON *json_atom(const struct xok_atom *a)
{
	cJSON *o = cJSON_CreateObject();
	char text[32];

	cJSON_AddStringToObject(o, "kind", kinds[a->kind]);
	cJSON_AddNumberToObject(o, "off", a->off);
	cJSON_AddNumberToObject(o, "size", a->size);
	hex(text, sizeof(text), a->mask, a->size);
	cJSON_AddStringToObject(o, "mask", text);
	if (a->kind == XOK_ATOM_EQ) {
		hex(text, sizeof(text), a->value, a->size);
		cJSON_AddStringToObject(o, "value", text);
	} else if (a->kind == XOK_ATOM_RANGE) {
		cJSON_AddNumberToObject(o, "low", (uint32_t)a->value);
		cJSON_AddNumberToObject(o, "high", (double)(a->value >> 32));
	} else {
		cJSON_AddNumberToObject(o, "shl", a->shl);
	}
	return o;
}

cJSON *filter_json(const struct xok_filter *f)
{
	cJSON *one = cJSON_CreateArray();

	for (uint32_t k = 0; k < f->natoms && k < XOK_FILTER_ATOMS; k++)
		cJSON_AddItemToArray(one, json_atom(&f->atom[k]));
	return one;
}

/* An array of filters, which are arrays of atoms. */
static void json_filters(const struct xok_filter *f, unsigned n)
{
	cJSON *all = cJSON_CreateArray();
	char *text;

	for (unsigned i = 0; i < n; i++)
		cJSON_AddItemToArray(all, filter_json(&f[i]));
	text = cJSON_PrintUnformatted(all);
	if (text)
		puts(text);
	cJSON_free(text);
	cJSON_Delete(all);
}

/* The expression, and a mark under the column that the message names. */
static int refuse(const char *verb, const char *expression, const char *err)
{
	unsigned column;
	int rc = cmd_error(verb, "%s", err);

	if (sscanf(err, "column %u", &column) == 1)
		fprintf(stderr, "  %s\n  %*s\n", expression, (int)column, "^");
	return rc;
}

int filter_expression(const char *verb, int argc, char *const *argv, struct xok_filter *f,
		      unsigned max, unsigned *n)
{
	char expression[4200] = "", err[AMP_FILTER_ERR];

	*n = 0;
	if (!argc)
		return -1;
	for (int i = 0; i < argc; i++)
		text_append(expression, sizeof(expression), "%s%s", i ? " " : "", argv[i]);
	if (amp_filter_parse(expression, f, max, n, err, sizeof(err)))
		return refuse(verb, expression, err);
	return -1;
}

int cmd_filter(int argc, char **argv)
{
	static const struct cmd_value none[] = {{0}};
	static struct xok_filter f[FILTERS];
	bool json = false;
	unsigned n;

	for (int o; (o = getopt_long(argc, argv, "+", options, NULL)) != -1;) {
		switch (o) {
		case 'j': json = true; break;
		case 'h': fputs(usage, stdout); return AMP_DONE;
		default: return cmd_bad_option("filter", none, o, optarg);
		}
	}
	if (optind == argc)
		return cmd_misuse("filter", "give an expression");
	int rc = filter_expression("filter", argc - optind, argv + optind, f, FILTERS, &n);
	if (rc >= 0)
		return rc;
	if (json)
		json_filters(f, n);
	else
		print_filters(f, n);
	return AMP_DONE;
}
