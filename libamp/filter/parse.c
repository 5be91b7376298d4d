/* SPDX-License-Identifier: BSD-2-Clause */
/* parse.c - the expression: tests, `and` and `or`, parentheses. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

#define DEPTH 40u

static bool at_end(const struct parser *p)
{
	return peek(p)->kind == T_END || is_op(peek(p), ")");
}

static struct alts *term(struct parser *p)
{
	const struct token *t = peek(p);
	struct alts *a;

	if (is_op(t, "!") || is_word(p, t, "not"))
		return fail(p, EINVAL, t,
			    "filters cannot say what a packet is not; name what should match, or "
			    "use != on "
			    "a field: tcp[2:2] != 22");
	if (starts_relation(p))
		return relation(p);
	if (!is_op(t, "("))
		return primitive(p);
	if (p->depth == DEPTH)
		return fail(p, E2BIG, t, "more than %u parentheses inside each other", DEPTH);
	next(p);
	p->depth++;
	a = parse_any(p);
	p->depth--;
	if (a && !eat_op(p, ")")) {
		alts_free(p, a);
		return fail(p, EINVAL, t, "this parenthesis is not closed");
	}
	return a;
}

/* Terms joined by `and` and `or`, which bind equally; nothing between two means `and`. */
struct alts *parse_any(struct parser *p)
{
	struct alts *a = term(p);

	while (a && !at_end(p)) {
		bool either = eat_op(p, "||") || eat_word(p, "or");
		struct alts *b;

		if (!either && !eat_op(p, "&&"))
			eat_word(p, "and");
		b = term(p);
		if (!b) {
			alts_free(p, a);
			return NULL;
		}
		a = either ? alts_or(p, a, b) : alts_and(p, a, b);
	}
	return a;
}

static struct alts *whole(struct parser *p)
{
	struct alts *a;

	if (peek(p)->kind == T_END) {
		a = alts_new(p);
		return a && alts_add(p, a, NULL) ? a : NULL;
	}
	a = parse_any(p);
	if (a && peek(p)->kind != T_END)
		return fail(p, EINVAL, peek(p), "there is no parenthesis that this could close");
	/* One test alone may be several filters that are the same: net 0.0.0.0/0. */
	return alts_or(p, alts_new(p), a);
}

int amp_filter_parse(const char *text, struct xok_filter *out, unsigned max, unsigned *n, char *err,
		     size_t err_len)
{
	struct parser *p = calloc(1, sizeof(*p));
	struct alts *a;
	int rc;

	*n = 0;
	if (err_len)
		err[0] = '\0';
	if (!p)
		return -ENOMEM;
	p->text = text;
	p->err = err;
	p->err_len = err_len;
	p->l2 = 12;
	a = lex(p) ? whole(p) : NULL;
	if (!a)
		fail(p, EINVAL, NULL, "no packet can match");
	rc = a && !p->failed ? alts_emit(p, a, out, max, n) : -p->failed;
	while (p->live)
		alts_free(p, p->live);
	free(p);
	return rc;
}
