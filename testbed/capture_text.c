/* SPDX-License-Identifier: BSD-2-Clause */
/* capture_text.c - fates and reasons by name. Those of the forwarding handlers are the lines of forward.def. */
#include <stdio.h>
#include <string.h>

#include "capture_link.h"
#include "nodeos/forward/forward.h"
#include "text.h"

static const struct {
	const char *name;
	bool drop;
} fate[] = {
#define XOK_FATE(NAME, name, drop, text) {name, drop},
#include "xok/core/fates.def"
#undef XOK_FATE
	{"sent", false},
};
_Static_assert(sizeof(fate) / sizeof(fate[0]) == CAPTURE_NFATE, "one name each");

static const char *const reason[] = {
#define FORWARD(name, stable, text) stable,
#include "nodeos/forward/forward.def"
#undef FORWARD
};
#define REASONS (sizeof(reason) / sizeof(reason[0]))

/* Which handlers give a reason of this name: the beginning of theirs. */
static const char *handlers(const char *name)
{
	if (!strncmp(name, "ipv4-", 5))
		return "forward4";
	return !strncmp(name, "ipv6-", 5) ? "forward6" : "mirror";
}

const char *capture_reason_name(uint64_t number, const char program[16])
{
	const char *name = number && number < REASONS ? reason[number] : NULL;

	return name && !strncmp(program, handlers(name), strlen(handlers(name))) ? name : NULL;
}

static void dropped(const struct capture_packet *p, char *buf, size_t size)
{
	const char *name = capture_reason_name(p->reason, p->program);

	if (p->fate != XOK_FATE_DROPPED)
		snprintf(buf, size, "dropped: %s", fate[p->fate].name);
	else if (name)
		snprintf(buf, size, "dropped: %s", name);
	else if (p->reason)
		snprintf(buf, size, "dropped: reason %u of %s", p->reason, p->program);
	else
		snprintf(buf, size, "dropped by %s", *p->program ? p->program : "a handler");
}

void capture_outcome(const struct capture_link *l, const struct capture_packet *p, char *buf,
		     size_t size)
{
	bool other = p->other != CAPTURE_NONE;

	if (p->fate >= CAPTURE_NFATE)
		snprintf(buf, size, "fate %u", p->fate);
	else if (fate[p->fate].drop)
		dropped(p, buf, size);
	else if (p->fate == XOK_FATE_FORWARDED && other)
		snprintf(buf, size, "forwarded %s %s", p->direction == CAPTURE_IN ? "to" : "from",
			 capture_link_port_name(l, p->other));
	else if (p->fate == XOK_FATE_RING)
		snprintf(buf, size, "passed to the node");
	else
		snprintf(buf, size, "%s", fate[p->fate].name);
}

void capture_want_drops(struct capture_request *r)
{
	for (uint32_t i = 0; i < CAPTURE_NFATE; i++)
		if (fate[i].drop)
			r->fates |= 1u << i;
}

static bool want_reason(struct capture_request *r, uint32_t number, const char *program, char *err,
			size_t size)
{
	struct capture_reason *to = &r->reason[r->nreason];

	if (r->nreason == CAPTURE_REASONS) {
		snprintf(err, size, "at most %u reasons", CAPTURE_REASONS);
		return false;
	}
	to->number = number;
	snprintf(to->program, sizeof(to->program), "%s", program);
	r->nreason++;
	return true;
}

/* ---- reasons by any of their spellings ---- */

#define SPELLING 48u

/* "no-filter" of "drop-no-filter", "ipv4-checksum" of "ipv4-drop-checksum", "tx-full" of "tx_full". */
static const char *plain(const char *name, char buf[SPELLING])
{
	char *drop;

	snprintf(buf, SPELLING, "%s", name);
	for (char *s = buf; *s; s++)
		*s = (char)(*s == '_' ? '-' : *s);
	drop = strstr(buf, "drop-");
	if (drop && (drop == buf || drop[-1] == '-'))
		memmove(drop, drop + 5, strlen(drop + 5) + 1);
	return buf;
}

/* Is this word a spelling of the handlers' reason? Without ipv4- or ipv6- it stands for both. */
static bool spells(const char *word, const char *name)
{
	char a[SPELLING], b[SPELLING];
	const char *family = plain(name, b);

	if (!strncmp(family, "ipv4-", 5) || !strncmp(family, "ipv6-", 5))
		family += 5;
	return !strcmp(plain(word, a), b) || !strcmp(a, family);
}

/* What the root domain drops, when a handler has handed it over. */
static const char *const of_root[] = {
#define COUNTER(NAME, name, text) name,
#include "nodeos/counters.def"
#include "nodeos/counters6.def"
#undef COUNTER
};

static bool is_of_root(const char *word)
{
	char a[SPELLING], b[SPELLING];

	plain(word, a);
	for (size_t i = 0; i < sizeof(of_root) / sizeof(of_root[0]); i++)
		if (!strncmp(of_root[i], "drop-", 5) && !strcmp(a, plain(of_root[i], b)))
			return true;
	return false;
}

/* The same of fates; a port's own counter calls one by another name. */
static bool want_fate(struct capture_request *r, const char *word)
{
	char a[SPELLING];

	plain(strcmp(word, "transmit-full") ? word : "tx-full", a);
	for (uint32_t i = 0; i < CAPTURE_NFATE; i++) {
		if (strcmp(a, fate[i].name) != 0 || !fate[i].drop)
			continue;
		r->fates |= 1u << i;
		return true;
	}
	return false;
}

static void name_all(char *err, size_t size)
{
	text_append(err, size, "; there are");
	for (uint32_t i = 0; i < CAPTURE_NFATE; i++)
		if (fate[i].drop)
			text_append(err, size, " %s", fate[i].name);
	for (uint32_t i = 0; i < REASONS; i++)
		if (strstr(reason[i], "drop"))
			text_append(err, size, " %s", reason[i]);
	text_append(err, size, ", and for handlers of your own their numbers");
}

bool capture_want_drop(struct capture_request *r, const char *name, char *err, size_t size)
{
	uint64_t number;
	bool found = false;

	*err = 0;
	if (parse_u64(name, &number) == 0 && number <= UINT16_MAX)
		return want_reason(r, (uint32_t)number, "", err, size);
	if (want_fate(r, name))
		return true;
	for (uint32_t i = 0; i < REASONS; i++) {
		if (!strstr(reason[i], "drop-") || !spells(name, reason[i]))
			continue;
		if (!want_reason(r, i, handlers(reason[i]), err, size))
			return false;
		found = true;
	}
	if (found)
		return true;
	if (is_of_root(name)) {
		snprintf(err, size,
			 "'%.40s' is no reason of a handler's: the node's root domain counts it, "
			 "and its packets are captured as passed to the node, without --drop "
			 "(amp show NODE drops counts them)",
			 name);
		return false;
	}
	snprintf(err, size, "there is no reason '%.40s'", name);
	name_all(err, size);
	return false;
}
