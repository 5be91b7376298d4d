/* SPDX-License-Identifier: BSD-2-Clause */
/* router_said.c - what xokd says of its own command line, in the words of router.conf and at the line that is the cause. */
#include <stdio.h>
#include <string.h>

#include "router.h"
#include "text.h"

/* xokd's words, and those of router.conf or of whoever starts `amp router`. */
static const char *const words[][2] = {
	{"and say --hugepages", "and write hugepages on"},
	{"leave out --hugepages", "write hugepages off"},
	{"with mirror=IFNAME", "with mirror IFNAME"},
	{", or, where what they run is trusted, say --unconfined", ""},
	{"Start xokd as root, or", "Start amp router as root, and not in a chroot, or"},
	{"start xokd as root", "start amp router as root"},
};

static void reword(const char *said, char *out, size_t size)
{
	size_t at = 0;

	while (*said && at + 1 < size) {
		size_t k = 0, n = sizeof(words) / sizeof(words[0]);

		while (k < n && strncmp(said, words[k][0], strlen(words[k][0])) != 0)
			k++;
		if (k == n) {
			out[at++] = *said++;
			continue;
		}
		said += strlen(words[k][0]);
		at += (size_t)snprintf(out + at, size - at, "%s", words[k][1]);
	}
	out[at < size ? at : size - 1] = 0;
}

/* Behind one of these stands an interface's name and a colon. */
static const char *port_rest(const char *said, const char *name)
{
	static const char *const before[] = {"port ", "--port "};
	size_t n = strlen(name);

	for (size_t i = 0; i < 2; i++) {
		size_t k = strlen(before[i]);

		if (!strncmp(said, before[i], k) && !strncmp(said + k, name, n) &&
		    !strncmp(said + k + n, ": ", 2))
			return said + k + n + 2;
	}
	return NULL;
}

/* Where the cause stands; what is left to be said of it is at *said. */
static struct router_place cause(const struct router *r, const char **said)
{
	for (uint32_t i = 0; i < r->nport; i++) {
		const char *rest = port_rest(*said, r->port[i].name);

		if (!rest)
			continue;
		*said = rest;
		return strstr(rest, "mirror") && r->port[i].mirror_at.line ? r->port[i].mirror_at
									   : r->port[i].device_at;
	}
	if (!strncmp(*said, "--lcores ", 9) && strstr(*said, ": ")) {
		*said = strstr(*said, ": ") + 2;
		return r->at[ROUTER_AT_LCORES];
	}
	if (strstr(*said, "--hugepages"))
		return r->at[ROUTER_HUGEPAGES];
	return (struct router_place){0};
}

bool router_said(const struct router *r, const char *file, const char *line, char *out, size_t size)
{
	static const char who[] = "xokd: ";
	const char *said = line;

	if (strncmp(said, who, strlen(who)) != 0)
		return false;
	said += strlen(who);

	struct router_place at = cause(r, &said);
	char text[600];

	reword(said, text, sizeof(text));
	if (at.line)
		snprintf(out, size, "%s:%u:%u: %s", file, at.line, at.column, text);
	else
		snprintf(out, size, "%s", text);
	return at.line || strcmp(said, text) != 0;
}
