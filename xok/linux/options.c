/* SPDX-License-Identifier: BSD-2-Clause */
/* options.c - reads and checks the command line. */
#include "options.h"

#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VERSION "0.4"
#define MEMORY_MB 256u
#define MTU_MIN 68u /* RFC 791: every module must be able to forward a datagram of 68 octets */
#define MTU_MAX 1500u
#define QUEUES_MAX 16u

static int wrong(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static int wrong(const char *fmt, ...)
{
	va_list ap;

	fputs("xokd: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return -1;
}

static bool number(const char *s, uint32_t min, uint32_t max, uint32_t *out)
{
	char *end;

	if (*s < '0' || *s > '9')
		return false;
	errno = 0;
	unsigned long v = strtoul(s, &end, 10);
	if (*end || errno || v < min || v > max)
		return false;
	*out = (uint32_t)v;
	return true;
}

static bool is_name(const char *s, size_t len, size_t max)
{
	return len && len <= max &&
	       strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") >=
		       len;
}

/* ---- --port NAME=DEVICE[,mirror[=IFNAME]][,mac=MAC][,mtu=BYTES][,queues=N] ---- */

/* An address of one station: not all zero, no group bit. */
static bool read_mac(const char *s, uint8_t mac[6])
{
	int used = -1;

	if (sscanf(s, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%n", &mac[0], &mac[1], &mac[2], &mac[3],
		   &mac[4], &mac[5], &used) != 6 ||
	    s[used])
		return false;
	return !(mac[0] & 1) && (mac[0] | mac[1] | mac[2] | mac[3] | mac[4] | mac[5]);
}

enum taken { TAKEN, NOT_OURS, TAKEN_WRONG };

/* One part behind a comma. */
static enum taken port_part(struct option_port *p, const char *part)
{
	uint32_t v;

	if (!strcmp(part, "mirror") || !strncmp(part, "mirror=", 7)) {
		const char *name = part[6] ? part + 7 : p->name;

		if (!*name || strlen(name) >= IFNAMSIZ || strpbrk(name, "/ \t:")) {
			wrong("--port %s: \"%s\" is not an interface's name: up to %d characters, "
			      "no slash, "
			      "colon or blank",
			      p->name, name, IFNAMSIZ - 1);
			return TAKEN_WRONG;
		}
		strcpy(p->mirror, name);
		return TAKEN;
	}
	if (!strncmp(part, "mac=", 4)) {
		if (read_mac(part + 4, p->mac))
			return TAKEN;
		wrong("--port %s: \"%s\" is not the address of a station: six bytes, as "
		      "02:00:00:00:00:01, the "
		      "first of them even",
		      p->name, part + 4);
		return TAKEN_WRONG;
	}
	if (!strncmp(part, "mtu=", 4)) {
		if (number(part + 4, MTU_MIN, MTU_MAX, &v)) {
			p->mtu = (uint16_t)v;
			return TAKEN;
		}
		wrong("--port %s: mtu is a number from %u to %u, not \"%s\"", p->name, MTU_MIN,
		      MTU_MAX, part + 4);
		return TAKEN_WRONG;
	}
	if (!strncmp(part, "queues=", 7)) {
		if (number(part + 7, 1, QUEUES_MAX, &v)) {
			p->queues = (uint16_t)v;
			return TAKEN;
		}
		wrong("--port %s: queues is a number from 1 to %u, not \"%s\"", p->name, QUEUES_MAX,
		      part + 7);
		return TAKEN_WRONG;
	}
	return NOT_OURS;
}

/* Only what EAL is given as it is may have commas of its own. */
static bool device_has_commas(const char *device)
{
	return !strncmp(device, "vdev:", 5);
}

static int read_port(struct options *o, char *text)
{
	size_t len = strcspn(text, "=");
	struct option_port *p = &o->port[o->nport];
	char device[512], *comma;

	if (!text[len] || !is_name(text, len, sizeof(p->name) - 1))
		return wrong("--port %s: write NAME=DEVICE, the name up to %zu letters, digits and "
			     "- _ .",
			     text, sizeof(p->name) - 1);
	if (o->nport == XOKD_PORTS)
		return wrong("--port %s: there are %u ports already", text, XOKD_PORTS);
	memset(p, 0, sizeof(*p));
	memcpy(p->name, text, len);
	for (uint32_t i = 0; i < o->nport; i++)
		if (!strcmp(o->port[i].name, p->name))
			return wrong("--port %s: there is a port of this name already", text);

	if (strlen(text + len + 1) >= sizeof(device))
		return wrong("--port %s: what follows is longer than %zu bytes", p->name,
			     sizeof(device) - 1);
	strcpy(device, text + len + 1);
	/* From the end, as far as the words are ours. */
	while ((comma = strrchr(device, ','))) {
		enum taken t = port_part(p, comma + 1);

		if (t == TAKEN_WRONG)
			return -1;
		if (t == NOT_OURS)
			break;
		*comma = 0;
	}
	if (comma && !device_has_commas(device))
		return wrong("--port %s: \"%s\" is not known here: say mirror, mirror=IFNAME, "
			     "mac=02:00:00:00:00:01, mtu=BYTES or queues=N",
			     p->name, comma + 1);
	if (*p->mirror && strlen(p->name) + strlen(".linux") >= sizeof(p->name))
		return wrong("--port %s: a port with a mirror has a name of at most %zu "
			     "characters, since the "
			     "mirror is called %s.linux",
			     p->name, sizeof(p->name) - 1 - strlen(".linux"), p->name);

	const char *why = device_parse(&p->device, device, o->nport);

	if (why)
		return wrong("--port %s: %s", p->name, why);
	o->nport++;
	return 0;
}

/* Names of interfaces and mirrors must differ, and mirrors are ports as well. */
static int check_ports(const struct options *o)
{
	uint32_t n = o->nport;

	for (uint32_t i = 0; i < o->nport; i++) {
		if (!*o->port[i].mirror)
			continue;
		n++;
		for (uint32_t k = 0; k < o->nport; k++) {
			const struct option_port *q = &o->port[k];
			bool tun = q->device.kind == DEVICE_TUN;

			if ((k < i && !strcmp(o->port[i].mirror, q->mirror)) ||
			    (tun && !strcmp(o->port[i].mirror, q->device.what)))
				return wrong("--port %s: the interface %s is port %s's: give the "
					     "mirror another "
					     "name with mirror=IFNAME",
					     o->port[i].name, o->port[i].mirror, q->name);
		}
	}
	if (n > XOKD_PORTS)
		return wrong("--port: %u ports and %u mirrors are more than %u", o->nport,
			     n - o->nport, XOKD_PORTS);
	return 0;
}

/* ---- --lcores LIST: processors, as 1,3-5 ---- */

static int add_lcore(struct options *o, const char *list, uint32_t cpu, const cpu_set_t *mine)
{
	if (cpu >= CPU_SETSIZE || !CPU_ISSET(cpu, mine))
		return wrong("--lcores %s: there is no processor %u here that this process may use "
			     "(see taskset "
			     "-pc $$)",
			     list, cpu);
	for (uint32_t i = 0; i < o->nlcore; i++)
		if (o->lcore[i] == cpu)
			return wrong("--lcores %s: processor %u is there twice", list, cpu);
	if (o->nlcore == XOKD_LCORES)
		return wrong("--lcores %s: at most %u processors", list, XOKD_LCORES);
	o->lcore[o->nlcore++] = cpu;
	return 0;
}

static int read_lcores(struct options *o, const char *list)
{
	cpu_set_t mine;
	const char *at = list;

	if (sched_getaffinity(0, sizeof(mine), &mine))
		return wrong("--lcores %s: cannot read which processors there are: %s", list,
			     strerror(errno));
	o->nlcore = 0;
	do {
		char *end;
		unsigned long first = strtoul(at, &end, 10), last = first;
		bool good = end != at && *at >= '0' && *at <= '9';

		if (good && *end == '-') {
			at = end + 1;
			last = strtoul(at, &end, 10);
			good = end != at && *at >= '0' && *at <= '9';
		}
		if (!good || (*end && *end != ',') || last < first || last >= CPU_SETSIZE)
			return wrong("--lcores %s: write numbers of processors, as 1,3-5", list);
		for (unsigned long cpu = first; cpu <= last; cpu++)
			if (add_lcore(o, list, (uint32_t)cpu, &mine))
				return -1;
		at = end + (*end == ',');
		if (*end == ',' && !*at)
			return wrong("--lcores %s: a number is missing behind the comma", list);
	} while (*at);
	return 0;
}

/* The last processor there is: the first ones are busiest with everything else. */
static int default_lcores(struct options *o)
{
	cpu_set_t mine;

	if (sched_getaffinity(0, sizeof(mine), &mine))
		return wrong("--lcores: cannot read which processors there are: %s",
			     strerror(errno));
	for (uint32_t cpu = CPU_SETSIZE; cpu-- > 0;)
		if (CPU_ISSET(cpu, &mine)) {
			o->lcore[0] = cpu;
			o->nlcore = 1;
			return 0;
		}
	return wrong("--lcores: this process may use no processor");
}

/* ---- the others ---- */

static int read_boot(struct options *o, const char *text)
{
	size_t len = strcspn(text, "=");

	if (!text[len] || !text[len + 1] || !is_name(text, len, sizeof(o->boot[0].name) - 1))
		return wrong(
			"--boot %s: write NAME=FILE, the name up to %zu letters, digits and - _ .",
			text, sizeof(o->boot[0].name) - 1);
	if (o->nboot == XOKD_FILES)
		return wrong("--boot %s: there are %u files already", text, XOKD_FILES);
	for (uint32_t i = 0; i < o->nboot; i++)
		if (strlen(o->boot[i].name) == len && !strncmp(o->boot[i].name, text, len))
			return wrong("--boot %s: there is a file of this name already", text);
	memset(o->boot[o->nboot].name, 0, sizeof(o->boot[0].name));
	memcpy(o->boot[o->nboot].name, text, len);
	o->boot[o->nboot++].path = text + len + 1;
	return 0;
}

enum option {
	OPT_NAME,
	OPT_PORT,
	OPT_LCORES,
	OPT_MEMORY,
	OPT_PROGRAMS,
	OPT_BOOT,
	OPT_CONSOLE0,
	OPT_CONSOLE1,
	OPT_RUN,
	OPT_NETLINK,
	OPT_CODE,
	OPT_HUGEPAGES,
	OPT_UNCONFINED,
	OPT_HITLESS,
	OPT_EAL,
	OPT_HELP,
	OPT_VERSION,
	NOPTION
};

static const struct {
	const char *name, *value, *text;
} options[NOPTION] = {
	[OPT_NAME] = {"--name", "NAME", "the node's name (xokd)"},
	[OPT_PORT] = {"--port", "NAME=DEVICE[,mirror[=IFNAME]][,mac=MAC][,mtu=BYTES][,queues=N]",
		      "a network port; see below"},
	[OPT_LCORES] = {"--lcores", "LIST", "the processors that forward, as 1,3-5 (the last one)"},
	[OPT_MEMORY] = {"--memory", "MB",
			"memory for the environments' rings and tables, taken as it is used (256)"},
	[OPT_PROGRAMS] = {"--programs", "DIR", "where the environments' programs are"},
	[OPT_BOOT] = {"--boot", "NAME=FILE", "a file that the root environment may read"},
	[OPT_CONSOLE0] = {"--console0", "PATH",
			  "console for people: FIFOs PATH.in and PATH.out (standard output)"},
	[OPT_CONSOLE1] = {"--console1", "PATH",
			  "console for programs: FIFOs PATH.in and PATH.out (none)"},
	[OPT_RUN] = {"--run", "DIR", "directory for what is needed while it runs"},
	[OPT_NETLINK] = {"--netlink", NULL,
			 "the root environment may follow this network namespace's routes"},
	[OPT_CODE] = {"--code", "KIB", "memory for generated code; 0: as much as it takes (0)"},
	[OPT_HUGEPAGES] = {"--hugepages", NULL,
			   "packets lie in huge pages, which must be there; network cards need it"},
	[OPT_UNCONFINED] = {"--unconfined", NULL,
			    "run environments without namespaces where the host has none to give"},
	[OPT_HITLESS] = {"--hitless", NULL,
			 "handlers keep forwarding while the root environment is started again"},
	[OPT_EAL] = {"--eal", "ARGUMENT",
		     "a word for DPDK's own command line, as --eal=--log-level=debug"},
	[OPT_HELP] = {"--help", NULL, "this text"},
	[OPT_VERSION] = {"--version", NULL, "the version"},
};

static int help(void)
{
	printf("usage: xokd OPTION...\nThe exokernel as a Linux process. Normally `amp router` "
	       "starts it.\n\n");
	for (unsigned i = 0; i < NOPTION; i++) {
		int n = printf("  %s%s%s", options[i].name, options[i].value ? " " : "",
			       options[i].value ? options[i].value : "");

		printf("%*s%s\n", n > 24 ? (printf("\n"), 25) : 25 - n, "", options[i].text);
	}
	printf("\nDEVICE is one of\n%s", device_help());
	return 1;
}

/* Carries out one option; `value` is its own, or NULL when it takes none. */
static int perform(struct options *o, enum option which, char *value)
{
	switch (which) {
	case OPT_NAME:
		if (!is_name(value, strlen(value), 31))
			return wrong("--name %s: up to 31 letters, digits and - _ .", value);
		o->name = value;
		return 0;
	case OPT_PORT: return read_port(o, value);
	case OPT_LCORES: return read_lcores(o, value);
	case OPT_MEMORY:
		if (!number(value, 16, 65536, &o->memory_mb))
			return wrong("--memory %s: a number of MiB from 16 to 65536", value);
		return 0;
	case OPT_PROGRAMS: o->programs = value; return 0;
	case OPT_BOOT: return read_boot(o, value);
	case OPT_CONSOLE0: o->console[0] = value; return 0;
	case OPT_CONSOLE1: o->console[1] = value; return 0;
	case OPT_RUN: o->run_dir = value; return 0;
	case OPT_NETLINK: o->netlink = true; return 0;
	case OPT_CODE:
		if (!number(value, 0, 65536, &o->code_kb))
			return wrong("--code %s: a number of KiB up to 65536", value);
		return 0;
	case OPT_HUGEPAGES: o->hugepages = true; return 0;
	case OPT_UNCONFINED: o->unconfined = true; return 0;
	case OPT_HITLESS: o->hitless = true; return 0;
	case OPT_EAL:
		if (o->neal == XOKD_EAL)
			return wrong("--eal %s: there are %u words already", value, XOKD_EAL);
		o->eal[o->neal++] = value;
		return 0;
	case OPT_HELP: return help();
	case OPT_VERSION: printf("xokd %s\n", VERSION); return 1;
	case NOPTION: break;
	}
	return -1;
}

/* --name VALUE or --name=VALUE. Returns how many words it was, or 0 or below: the result of all. */
static int one_option(struct options *o, int left, char **argv, int *result)
{
	size_t len = strcspn(argv[0], "=");
	char *value = argv[0][len] ? argv[0] + len + 1 : NULL;

	for (unsigned i = 0; i < NOPTION; i++) {
		if (strlen(options[i].name) != len || strncmp(options[i].name, argv[0], len) != 0)
			continue;
		int words = 1;

		if (!options[i].value && value) {
			*result = wrong("%s takes no value", options[i].name);
			return 0;
		}
		if (options[i].value && !value) {
			value = left > 1 ? argv[1] : NULL;
			words = 2;
		}
		if (options[i].value && (!value || !*value)) {
			*result = wrong("%s needs a value: %s %s", options[i].name, options[i].name,
					options[i].value);
			return 0;
		}
		*result = perform(o, i, value);
		return words;
	}
	*result = wrong("\"%s\" is no option; xokd --help lists them", argv[0]);
	return 0;
}

int options_read(struct options *o, int argc, char **argv)
{
	memset(o, 0, sizeof(*o));
	o->name = "xokd";
	o->memory_mb = MEMORY_MB;
	for (int i = 1, words; i < argc; i += words) {
		int result = 0;

		words = one_option(o, argc - i, argv + i, &result);
		if (result)
			return result;
	}
	if (check_ports(o))
		return -1;
	if (!o->nlcore && default_lcores(o))
		return -1;
	if (!o->programs)
		return wrong("where are the environments' programs? Say --programs DIR");
	return 0;
}
