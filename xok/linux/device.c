/* SPDX-License-Identifier: BSD-2-Clause */
/* device.c - reads KIND:WHERE. */
#include "device.h"

#include <ctype.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

static char why[512];

static const char *wrong(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static const char *wrong(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	return why;
}

/* What follows the kind, cut at each semicolon. */
struct parts {
	char text[400];
	char *part[4];
	unsigned n;
};

static const char *split(struct parts *p, const char *rest)
{
	p->n = 0;
	if (strlen(rest) >= sizeof(p->text))
		return wrong("it is longer than %zu bytes", sizeof(p->text) - 1);
	strcpy(p->text, rest);
	for (char *at = p->text; at; p->n++) {
		if (p->n == 4)
			return wrong("\"%.100s\" has too many semicolons", rest);
		p->part[p->n] = at;
		at = strchr(at, ';');
		if (at)
			*at++ = 0;
	}
	return NULL;
}

static const char *bad_ifname(const char *s)
{
	if (!*s || strlen(s) >= IFNAMSIZ || strpbrk(s, "/ \t:,;"))
		return wrong("\"%.50s\" is not an interface's name: up to %d characters, no slash, "
			     "colon, "
			     "comma or blank",
			     s, IFNAMSIZ - 1);
	return NULL;
}

/* Drivers' arguments are separated by commas, and nothing quotes one. */
static const char *bad_path(const char *s, size_t max)
{
	if (!*s)
		return wrong("a file's name is missing");
	if (strlen(s) >= max)
		return wrong("\"%.60s...\" is longer than %zu bytes, choose a shorter path", s,
			     max - 1);
	if (strchr(s, ','))
		return wrong("the driver cannot have a comma in \"%.100s\"", s);
	return NULL;
}

/* Fills in d->what; its size is more than that of all parts together. */
static void vdev(struct device *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void vdev(struct device *d, const char *fmt, ...)
{
	va_list ap;

	d->kind = DEVICE_VDEV;
	va_start(ap, fmt);
	vsnprintf(d->what, sizeof(d->what), fmt, ap);
	va_end(ap);
}

static const char *read_pci(struct device *d, struct parts *p, unsigned port)
{
	unsigned v[4];
	int used = -1;
	const char *s = p->part[0];
	(void)port;

	if (sscanf(s, "%4x:%2x:%2x.%1x%n", &v[0], &v[1], &v[2], &v[3], &used) != 4 || s[used]) {
		v[0] = 0;
		if (sscanf(s, "%2x:%2x.%1x%n", &v[1], &v[2], &v[3], &used) != 3 || s[used])
			return wrong("\"%.50s\" is not a PCI address: write it as lspci does, "
				     "0000:03:00.0",
				     s);
	}
	d->kind = DEVICE_PCI;
	snprintf(d->what, sizeof(d->what), "%04x:%02x:%02x.%x", v[0], v[1], v[2], v[3]);
	return NULL;
}

static const char *read_vdev(struct device *d, struct parts *p, unsigned port)
{
	const char *s = p->part[0];
	size_t name = strcspn(s, ",");
	(void)port;

	if (!name || !isdigit((unsigned char)s[name - 1]))
		return wrong("\"%.50s\" does not begin with a driver and a number, as in "
			     "net_null0,size=64",
			     s);
	vdev(d, "%s", s);
	return NULL;
}

static const char *interface_driver(struct device *d, struct parts *p, unsigned port,
				    const char *driver)
{
	const char *rc = bad_ifname(p->part[0]);

	if (!rc)
		vdev(d, "%s%u,iface=%s", driver, port, p->part[0]);
	return rc;
}

static const char *read_tap(struct device *d, struct parts *p, unsigned port)
{
	return interface_driver(d, p, port, "net_tap");
}

static const char *read_af_packet(struct device *d, struct parts *p, unsigned port)
{
	return interface_driver(d, p, port, "net_af_packet");
}

static const char *read_af_xdp(struct device *d, struct parts *p, unsigned port)
{
	return interface_driver(d, p, port, "net_af_xdp");
}

static const char *read_memif(struct device *d, struct parts *p, unsigned port)
{
	const char *role = "client", *rc = bad_path(p->part[0], 100);
	unsigned id = 0;
	int used;

	if (rc)
		return rc;
	for (unsigned i = 1; i < p->n; i++) {
		const char *s = p->part[i];

		if (!strcmp(s, "role=server") || !strcmp(s, "role=client"))
			role = s + strlen("role=");
		else if (sscanf(s, "id=%9u%n", &id, &used) != 1 || s[used])
			return wrong(
				"\"%.50s\" is not known to memif: say id=NUMBER, role=server or "
				"role=client",
				s);
	}
	/* The driver looks for the directory from nowhere, so that a relative path is none. */
	char cwd[256] = "";

	if (p->part[0][0] != '/' &&
	    (!getcwd(cwd, sizeof(cwd) - 1) || strlen(cwd) + strlen(p->part[0]) > 106))
		return wrong("\"%.60s\" is too long from the root directory; write a shorter "
			     "absolute path",
			     p->part[0]);
	if (*cwd)
		strcat(cwd, "/");
	vdev(d, "net_memif%u,role=%s,id=%u,socket=%s%s,socket-abstract=no", port, role, id, cwd,
	     p->part[0]);
	return NULL;
}

static const char *read_pcap(struct device *d, struct parts *p, unsigned port)
{
	const char *rx = p->part[0], *tx = "", *rc;
	bool loop = false;

	for (unsigned i = 1; i < p->n; i++) {
		if (!strcmp(p->part[i], "loop"))
			loop = true;
		else if (*tx)
			return wrong("\"%.50s\" is one file too many: the first is read, the "
				     "second written",
				     p->part[i]);
		else
			tx = p->part[i];
	}
	if (!*rx && loop)
		return wrong("loop needs a file to read");
	if (!*rx && !*tx)
		return wrong("it names no file, to read or to write");
	if ((*rx && (rc = bad_path(rx, 200))) || (*tx && (rc = bad_path(tx, 200))))
		return rc;
	vdev(d, "net_pcap%u%s%s%s%s%s", port, *rx ? ",rx_pcap=" : "", rx, *tx ? ",tx_pcap=" : "",
	     tx, loop ? ",infinite_rx=1" : "");
	if (loop)
		snprintf(d->replay, sizeof(d->replay), "%s", rx);
	return NULL;
}

static const char *read_ring(struct device *d, struct parts *p, unsigned port)
{
	const char *s = p->part[0];
	(void)port;

	if (!*s || strlen(s) > 15 ||
	    strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		      "0123456789-_.") != strlen(s))
		return wrong("\"%.50s\" is not a ring's name: up to 15 letters, digits and - _ .",
			     s);
	d->kind = DEVICE_RING;
	snprintf(d->what, sizeof(d->what), "%s", s);
	return NULL;
}

static const char *read_unix(struct device *d, struct parts *p, unsigned port)
{
	size_t max = sizeof(((struct sockaddr_un *)NULL)->sun_path);
	(void)port;

	if (p->n != 2 || !*p->part[0] || !*p->part[1])
		return wrong("it takes two sockets: unix:LOCAL;REMOTE");
	for (unsigned i = 0; i < 2; i++)
		if (strlen(p->part[i]) >= max)
			return wrong("\"%.60s...\" is too long for a socket: %zu bytes at most, "
				     "choose a "
				     "shorter path",
				     p->part[i], max - 1);
	d->kind = DEVICE_UNIX;
	snprintf(d->what, sizeof(d->what), "%s", p->part[0]);
	snprintf(d->peer, sizeof(d->peer), "%s", p->part[1]);
	return NULL;
}

static const char *read_tun(struct device *d, struct parts *p, unsigned port)
{
	const char *rc = bad_ifname(p->part[0]);
	(void)port;

	d->kind = DEVICE_TUN;
	if (!rc)
		snprintf(d->what, sizeof(d->what), "%s", p->part[0]);
	return rc;
}

static const struct kind {
	const char *name;
	unsigned parts; /* at most */
	const char *(*read)(struct device *d, struct parts *p, unsigned port);
	const char *how, *text;
} kinds[] = {
	{"pci", 1, read_pci, "pci:ADDRESS",
	 "a network card that is bound to vfio-pci or another driver of DPDK's"},
	{"af_packet", 1, read_af_packet, "af_packet:IFNAME",
	 "a packet socket on a Linux interface"},
	{"af_xdp", 1, read_af_xdp, "af_xdp:IFNAME", "an XDP socket on a Linux interface"},
	{"tap", 1, read_tap, "tap:IFNAME", "a TAP interface made by DPDK's net_tap"},
	{"tun", 1, read_tun, "tun:IFNAME",
	 "a TAP interface on /dev/net/tun; checksums are complete"},
	{"unix", 2, read_unix, "unix:LOCAL;REMOTE",
	 "Unix datagram sockets, a frame a datagram, as QEMU's -netdev dgram"},
	{"memif", 3, read_memif, "memif:SOCKET[;id=N][;role=server|client]",
	 "shared memory with another process"},
	{"pcap", 3, read_pcap, "pcap:READ[;WRITE][;loop]", "capture files"},
	{"ring", 1, read_ring, "ring:NAME",
	 "another port of the same name in this process; alone, back to itself"},
	{"vdev", 1, read_vdev, "vdev:DRIVER,ARGUMENTS", "any virtual device that DPDK knows"},
};
#define NKIND (sizeof(kinds) / sizeof(kinds[0]))

const char *device_parse(struct device *d, const char *text, unsigned port)
{
	const char *colon = strchr(text, ':');
	struct parts p = {.n = 0};

	memset(d, 0, sizeof(*d));
	for (unsigned k = 0; colon && k < NKIND; k++) {
		const struct kind *kind = &kinds[k];

		if (strlen(kind->name) != (size_t)(colon - text) ||
		    strncmp(kind->name, text, strlen(kind->name)) != 0)
			continue;
		const char *rc = split(&p, colon + 1);

		if (rc)
			return rc;
		if (p.n > kind->parts)
			return wrong("there is too much after the semicolon: write %s", kind->how);
		return kind->read(d, &p, port);
	}

	int at = snprintf(why, sizeof(why), "\"%.60s\" is no device; write one of", text);

	for (unsigned k = 0; k < NKIND && at < (int)sizeof(why) - 1; k++)
		at += snprintf(why + at, sizeof(why) - (size_t)at, "\n    %s", kinds[k].how);
	return why;
}

const char *device_help(void)
{
	static char text[2048];
	int at = 0;

	for (unsigned k = 0; k < NKIND && at < (int)sizeof(text) - 1; k++)
		at += snprintf(text + at, sizeof(text) - (size_t)at, "  %-42s %s\n", kinds[k].how,
			       kinds[k].text);
	return text;
}

/*
 * The packets of a capture file. Records of the classic format are counted; of another it is as many as there can be with 60
 * bytes each.
 */
uint32_t device_packets(const struct device *d)
{
	FILE *f = *d->replay ? fopen(d->replay, "re") : NULL;
	uint32_t head[6], rec[4], n = 0;

	if (!f)
		return 0; /* the driver will say so */
	bool whole = fread(head, sizeof(head), 1, f) == 1;
	bool swapped = head[0] == 0xd4c3b2a1u || head[0] == 0x4d3cb2a1u;

	if (whole && (swapped || head[0] == 0xa1b2c3d4u || head[0] == 0xa1b23c4du)) {
		while (fread(rec, sizeof(rec), 1, f) == 1 && n < UINT32_MAX) {
			uint32_t len = swapped ? __builtin_bswap32(rec[2]) : rec[2];

			if (fseek(f, len, SEEK_CUR))
				break;
			n++;
		}
	} else if (whole && fseek(f, 0, SEEK_END) == 0) {
		n = (uint32_t)(ftell(f) / 60);
	}
	fclose(f);
	return n;
}
