/* SPDX-License-Identifier: BSD-2-Clause */
#include "router_twins.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rtnl.h"
#include "supervisor.h"

/* "port N address ADDRESS/LEN", which has been checked: *a is what it says. False: it is another command, or N has no mirror. */
static bool read_address(const struct router *r, const char *line, struct twin_address *a)
{
	char address[TWIN_ADDRESS];
	unsigned port, plen;

	*a = (struct twin_address){0};
	if (sscanf(line, "port %u address %63s", &port, a->text) != 2 || port >= r->nport ||
	    !r->port[port].mirror[0] || sscanf(a->text, "%63[^/]/%3u", address, &plen) != 2)
		return false;
	a->family = strchr(address, ':') ? AF_INET6 : AF_INET;
	a->plen = (uint8_t)plen;
	strcpy(a->twin, r->port[port].mirror);
	return inet_pton(a->family, address, a->address) == 1;
}

void twins_free(struct twins *t)
{
	free(t->address);
	*t = (struct twins){0};
}

/* What of the configuration concerns twins. False: out of memory. */
static bool collect(struct twins *t, const struct router *r)
{
	struct twin_address a;

	*t = (struct twins){0};
	for (const char *line = r->commands; line && *line; line += *line == '\n') {
		if (read_address(r, line, &a)) {
			void *more = realloc(t->address, (t->n + 1) * sizeof(a));

			if (!more)
				return false;
			t->address = more;
			t->address[t->n++] = a;
		}
		line += strcspn(line, "\n");
	}
	return true;
}

static struct twin_address *find(const struct twins *t, const struct twin_address *a)
{
	for (uint32_t i = 0; i < t->n; i++) {
		struct twin_address *b = &t->address[i];

		if (!strcmp(a->twin, b->twin) && a->family == b->family && a->plen == b->plen &&
		    !memcmp(a->address, b->address, sizeof(a->address)))
			return b;
	}
	return NULL;
}

static void failed(struct sup *s, const char *verb, const struct twin_address *a)
{
	const struct log_field f[] = {{"interface", a->twin, 0},
				      {"address", a->text, 0},
				      {"why", strerror(errno), 0},
				      {0}};

	log_event(s->opt->log, LOG_WARNING, "router", "twin", f,
		  "cannot %s %s %s Linux's interface %s: %s; type: ip address %s %s dev %s", verb,
		  a->text, *verb == 'a' ? "to" : "from", a->twin, strerror(errno), verb, a->text,
		  a->twin);
}

/* What is gone from the file. Somebody may have taken it away already. */
static void take_away(struct sup *s, struct rtnl *r, const struct twins *before,
		      const struct twins *now)
{
	for (uint32_t i = 0; i < before->n; i++) {
		const struct twin_address *a = &before->address[i];

		if (a->ours && !find(now, a) &&
		    rtnl_address_remove(r, a->family, a->twin, a->address, a->plen) &&
		    errno != EADDRNOTAVAIL)
			failed(s, "del", a);
	}
}

/* All of them: with a network's first address Linux takes away its others. */
static void add(struct sup *s, struct rtnl *r, const struct twins *before, const struct twins *now)
{
	for (uint32_t i = 0; i < now->n; i++) {
		struct twin_address *a = &now->address[i];
		const struct twin_address *was = find(before, a);

		a->ours = was && was->ours;
		if (rtnl_address_add(r, a->family, a->twin, a->address, a->plen) == 0)
			a->ours = true;
		else if (errno != EEXIST)
			failed(s, "add", a);
	}
}

void twins_update(struct sup *s)
{
	struct twins now, *before = &s->twins;
	struct rtnl r;

	if (!collect(&now, s->opt->router) || rtnl_open(&r)) {
		sup_error(s, "Linux's interfaces get no addresses: %s", strerror(errno));
		twins_free(&now);
		return;
	}
	take_away(s, &r, before, &now);
	add(s, &r, before, &now);
	rtnl_close(&r);
	twins_free(before);
	*before = now;
}
