/* SPDX-License-Identifier: BSD-2-Clause */
/* lex.c - tokens of filter expressions. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

void *fail(struct parser *p, int code, const struct token *t, const char *fmt, ...)
{
	va_list ap;
	int n = 0;

	if (p->failed)
		return NULL;
	p->failed = code;
	if (!p->err_len)
		return NULL;
	if (t && t->kind == T_END)
		n = snprintf(p->err, p->err_len, "at the end: ");
	else if (t)
		n = snprintf(p->err, p->err_len, "column %d, '%.*s': ", t->at + 1,
			     t->len < 40 ? t->len : 40, p->text + t->at);
	if (n < 0 || (size_t)n >= p->err_len)
		return NULL;
	va_start(ap, fmt);
	vsnprintf(p->err + n, p->err_len - (size_t)n, fmt, ap);
	va_end(ap);
	return NULL;
}

static bool word_char(char c, bool index)
{
	/* In proto[a:b] colons and minus signs are operators, but not in tcp-syn. */
	return isalnum((unsigned char)c) || c == '.' || c == '_' || c == '-' ||
	       (c == ':' && !index);
}

/* How long the word at s is; in brackets a number ends at the first character that is no digit of it. */
static size_t word_length(const char *s, bool index)
{
	bool number = isdigit((unsigned char)s[0]);
	size_t n = s[0] == '\\';

	while (word_char(s[n], index) && !(number && index && !isalnum((unsigned char)s[n])))
		n++;
	return n;
}

static size_t op_length(const char *s)
{
	static const char *const two[] = {"&&", "||", "==", "!=", "<=", ">=", "<<", ">>"};

	for (size_t i = 0; i < sizeof(two) / sizeof(two[0]); i++)
		if (!strncmp(s, two[i], 2))
			return 2;
	return strchr("&|=<>!()[]:/+-*%^", *s) ? 1 : 0;
}

/* Decimal, 0x hexadecimal or 0 octal, as in C, and nothing else. */
static void as_number(struct token *t, const char *s)
{
	char *end;
	unsigned long long n;

	if (!isdigit((unsigned char)s[0]))
		return;
	errno = 0;
	n = strtoull(s, &end, 0);
	if (end != s + t->len)
		return;
	t->kind = T_NUMBER;
	t->number = (uint32_t)n;
	t->big = errno || n > UINT32_MAX;
}

bool lex(struct parser *p)
{
	size_t at = 0, length = strlen(p->text);
	unsigned n = 0, brackets = 0;

	if (length > 4096)
		return fail(p, E2BIG, NULL, "an expression has at most 4096 characters");
	for (;; n++) {
		const char *s = p->text + (at += strspn(p->text + at, " \t\r\n"));
		struct token *t = &p->token[n];
		size_t len;

		*t = (struct token){.at = (uint16_t)at};
		if (!*s)
			return true;
		if (n == TOKENS)
			return fail(p, E2BIG, t, "an expression has at most %u words", TOKENS);
		len = *s == '\\' || isalnum((unsigned char)*s) || (*s == ':' && !brackets)
			      ? word_length(s, brackets > 0)
			      : op_length(s);
		t->len = (uint16_t)(len ? len : 1);
		t->kind = T_OP;
		if (!len)
			return fail(p, EINVAL, t, "this character has no meaning in a filter");
		if (word_char(*s, brackets > 0) && *s != '-')
			t->kind = T_WORD;
		if (*s == '\\')
			t->kind = T_WORD;
		if (t->kind == T_OP)
			memcpy(t->op, s, len);
		else
			as_number(t, s);
		brackets += *s == '[';
		brackets -= *s == ']' && brackets;
		at += len;
	}
}

/* A backslash keeps a word from being a keyword; here, none has two meanings. */
bool is_word(const struct parser *p, const struct token *t, const char *word)
{
	const char *s = p->text + t->at;
	size_t len = t->len;

	if (len && *s == '\\') {
		s++;
		len--;
	}
	return t->kind == T_WORD && strlen(word) == len && !memcmp(s, word, len);
}

bool is_op(const struct token *t, const char *op)
{
	return t->kind == T_OP && !strcmp(t->op, op);
}

bool eat_op(struct parser *p, const char *op)
{
	bool yes = is_op(peek(p), op);

	p->at += yes;
	return yes;
}

bool eat_word(struct parser *p, const char *word)
{
	bool yes = is_word(p, peek(p), word);

	p->at += yes;
	return yes;
}

bool token_text(const struct parser *p, const struct token *t, char *buf, size_t size)
{
	if (t->len >= size)
		return false;
	memcpy(buf, p->text + t->at, t->len);
	buf[t->len] = '\0';
	return true;
}
