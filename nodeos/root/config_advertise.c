/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * config_advertise.c - `port PORT advertise`: router advertisements, with the variables, limits and defaults of RFC 4861 6.2.1.
 */
#include <stdio.h>
#include <string.h>

#include "nodeos/root/config_args.h"

#define INTERVAL_MIN 4u
#define INTERVAL_MAX 1800u
#define INTERVAL 600u
#define LIFETIME_MAX 9000u
#define VALID 2592000u	  /* 30 days */
#define PREFERRED 604800u /* 7 days */

enum option { OPT_INTERVAL, OPT_LIFETIME, OPT_VALID, OPT_PREFERRED, NUMBERS };
enum { OPT_MANAGED = NUMBERS, OPT_OTHER, OPTIONS };

static const char *const option[OPTIONS] = {"interval",	 "lifetime", "valid",
					    "preferred", "managed",  "other"};
static const uint64_t most[NUMBERS] = {INTERVAL_MAX, LIFETIME_MAX, UINT32_MAX, UINT32_MAX};

/* What was said: the numbers, and where they stand; 0: not said. */
struct said {
	uint64_t value[NUMBERS];
	unsigned at[NUMBERS];
	bool flag[OPTIONS];
};

static bool read_options(const struct args *a, unsigned at, struct said *s)
{
	while (at < a->w->n) {
		const char *word = a->w->w[at++];
		unsigned k = 0;

		while (k < OPTIONS && strcmp(word, option[k]))
			k++;
		if (k == OPTIONS)
			return config_unknown(a, "part of an advertisement", word, option, OPTIONS);
		s->flag[k] = true;
		if (k >= NUMBERS)
			continue;
		config_blame(a, word);
		if (at == a->w->n)
			return config_fail(a, "the seconds are missing behind \"%s\"", word);
		config_blame(a, a->w->w[at]);
		if (!text_u64(a->w->w[at], most[k], &s->value[k]))
			return config_fail(a, "\"%.20s\" is not a number of seconds: up to %u",
					   a->w->w[at], (unsigned)most[k]);
		s->at[k] = at++;
	}
	return true;
}

/* What was not said is as usual. */
static void defaults(struct said *s)
{
	const uint64_t usual[NUMBERS] = {INTERVAL, 0, VALID, PREFERRED};

	for (unsigned k = 0; k < NUMBERS; k++) {
		if (!s->at[k])
			s->value[k] = usual[k];
	}
	if (!s->at[OPT_LIFETIME])
		s->value[OPT_LIFETIME] = 3 * s->value[OPT_INTERVAL];
	if (!s->at[OPT_PREFERRED] && s->value[OPT_PREFERRED] > s->value[OPT_VALID])
		s->value[OPT_PREFERRED] = s->value[OPT_VALID];
}

static bool sensible(const struct args *a, const struct said *s)
{
	const uint64_t *v = s->value;

	*a->blame = s->at[OPT_INTERVAL];
	if (v[OPT_INTERVAL] < INTERVAL_MIN)
		return config_fail(a, "%u s is no interval between advertisements: %u to %u",
				   (unsigned)v[OPT_INTERVAL], INTERVAL_MIN, INTERVAL_MAX);
	*a->blame = s->at[OPT_LIFETIME];
	if (v[OPT_LIFETIME] && v[OPT_LIFETIME] < v[OPT_INTERVAL])
		return config_fail(a,
				   "a lifetime of %u s ends before the next advertisement: give it "
				   "%u or more, or 0 to be no default router",
				   (unsigned)v[OPT_LIFETIME], (unsigned)v[OPT_INTERVAL]);
	*a->blame = s->at[OPT_PREFERRED];
	if (v[OPT_PREFERRED] > v[OPT_VALID])
		return config_fail(a, "addresses cannot be preferred for %u s and valid for %u",
				   (unsigned)v[OPT_PREFERRED], (unsigned)v[OPT_VALID]);
	return true;
}

bool config_advertise(struct config *c, const struct args *a, uint16_t port, unsigned at)
{
	static const char *const onoff[] = {"on", "off"};
	struct said s = {0};
	bool on = !strcmp(a->w->w[at], "on");

	if (!on && strcmp(a->w->w[at], "off"))
		return config_unknown(a, "way to advertise", a->w->w[at], onoff, 2);
	if (!on) {
		config_blame(a, a->w->w[a->w->n - 1]);
		if (a->w->n > at + 1)
			return config_fail(a, "nothing follows \"off\"");
		c->advertise[port] = (struct config_advertise){0};
		return true;
	}
	if (!read_options(a, at + 1, &s))
		return false;
	defaults(&s);
	if (!sensible(a, &s))
		return false;
	c->advertise[port] = (struct config_advertise){
		.on = true,
		.line = c->line,
		.managed = s.flag[OPT_MANAGED],
		.other = s.flag[OPT_OTHER],
		.interval = (uint16_t)s.value[OPT_INTERVAL],
		.lifetime = (uint16_t)s.value[OPT_LIFETIME],
		.valid = (uint32_t)s.value[OPT_VALID],
		.preferred = (uint32_t)s.value[OPT_PREFERRED]};
	return true;
}

const char *config_advertise_text(const struct config_advertise *c, char buf[CONFIG_ADVERTISE])
{
	if (c->on)
		snprintf(buf, CONFIG_ADVERTISE, "every %u s, lifetime %u s", c->interval,
			 c->lifetime);
	else
		snprintf(buf, CONFIG_ADVERTISE, "off");
	return buf;
}
