/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * internal.h - inside the front end for filter expressions.
 *
 *	lex.c	text to tokens
 *	parse.c	and, or, parentheses
 *	prim.c	port, proto, vlan ...; what qualifies a value
 *	address.c	host, net
 *	arith.c	proto[off:size] op value
 *	conj.c	conjunctions, and unions of them: contradictions, duplicates, and the filters that come out
 */
#ifndef AMP_FILTER_INTERNAL_H
#define AMP_FILTER_INTERNAL_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

#include "amp/filter.h"

/* ---- conjunctions ---- */

#define CONJ_BYTES 96u
#define CONJ_RANGES 12u
#define UNION_MAX 512u

/* Bytes are compared with masks, mask 0: must only be there. Sorted by place. */
struct byte_test {
	uint16_t off;
	uint8_t mask, value;
};
struct range_test {
	uint16_t off;
	uint8_t size;
	uint32_t low, high;
};

/* Tests at fixed offsets, or (part 1) at offsets that count from behind the options of the IPv4 header at `shift`. */
struct conj {
	struct part {
		uint32_t nbytes, nranges;
		struct byte_test byte[CONJ_BYTES];
		struct range_test range[CONJ_RANGES];
	} part[2];
	uint16_t shift; /* offset of the byte with the header's length; 0: none */
};

/* A union. No conjunctions at all: matches nothing. */
struct alts {
	struct alts *prev, *next; /* among those of a parser */
	uint32_t n, cap;
	struct conj *v;
};

struct parser;

/* Where a test is: at a fixed offset, or behind the IPv4 header that starts at l3 (offset as if it had no options, from the frame's start). */
struct place {
	uint16_t off;
	uint16_t l3; /* 0: fixed */
};

/* These add to a conjunction; false: nothing can match it any more, or (parser failed) it has too many tests. */
bool conj_equal(struct parser *p, struct conj *c, struct place at, unsigned size, uint64_t mask,
		uint64_t value);
bool conj_range(struct parser *p, struct conj *c, struct place at, unsigned size, uint32_t low,
		uint32_t high);

/* NULL: out of memory, or too many: the parser failed. Operands are used up. */
struct alts *alts_new(struct parser *p);
struct conj *alts_add(struct parser *p, struct alts *a, const struct conj *from); /* NULL: empty */
struct alts *alts_or(struct parser *p, struct alts *a, struct alts *b);
struct alts *alts_and(struct parser *p, struct alts *a, struct alts *b);
void alts_drop_last(struct alts *a);
void alts_free(struct parser *p, struct alts *a);
int alts_emit(struct parser *p, struct alts *a, struct xok_filter *out, unsigned max, unsigned *n);

/* ---- tokens ---- */

#define TOKENS 512u

enum token_kind { T_END, T_WORD, T_NUMBER, T_OP };

struct token {
	enum token_kind kind;
	uint16_t at, len; /* in the text */
	uint32_t number;  /* T_NUMBER */
	bool big;	  /* T_NUMBER of more than 32 bits */
	char op[3];	  /* T_OP */
};

/* ---- the parser ---- */

enum proto {
	P_NONE,
	P_ETHER,
	P_IP,
	P_IP6,
	P_ARP,
	P_RARP,
	P_OVER_IP /* a protocol over IP: its number is P_OVER_IP + n */
};
enum dir { D_ANY, D_SRC, D_DST, D_BOTH };
enum type { Q_NONE, Q_HOST, Q_NET, Q_PORT, Q_PORTRANGE, Q_PROTO };

struct qual {
	unsigned proto;
	enum dir dir;
	enum type type;
};

struct parser {
	const char *text;
	struct token token[TOKENS + 1];
	unsigned at, depth;
	unsigned l2;	  /* offset of the Ethernet type: 12, and 4 for each vlan so far */
	struct qual last; /* what a value without qualifiers inherits */
	bool has_last;
	struct alts *live;
	char *err;
	size_t err_len;
	int failed;
};

/* Notes the first failure: code, and text with the column and the word of a token. Always returns NULL. */
__attribute__((format(printf, 4, 5))) void *fail(struct parser *p, int code, const struct token *t,
						 const char *fmt, ...);

bool lex(struct parser *p);
static inline const struct token *peek(const struct parser *p)
{
	return &p->token[p->at];
}
static inline const struct token *next(struct parser *p)
{
	const struct token *t = &p->token[p->at];

	if (t->kind != T_END)
		p->at++;
	return t;
}
bool is_word(const struct parser *p, const struct token *t, const char *word);
bool is_op(const struct token *t, const char *op);
bool eat_op(struct parser *p, const char *op);
bool eat_word(struct parser *p, const char *word);
/* The text of a token, or false: it does not fit. */
bool token_text(const struct parser *p, const struct token *t, char *buf, size_t size);

struct alts *parse_any(struct parser *p); /* and, or */
struct alts *primitive(struct parser *p);
bool starts_relation(const struct parser *p);
struct alts *relation(struct parser *p);

/* The value of a host or net, with what was said before it. */
struct alts *host(struct parser *p, const struct token *t, const struct qual *q);

/* A place in the network header, counted from its start. */
static inline struct place net(const struct parser *p, unsigned off)
{
	return (struct place){.off = (uint16_t)(p->l2 + 2 + off)};
}

/* Of prim.c. The protocol that a token names, or P_NONE. */
unsigned proto_of(const struct parser *p, const struct token *t);
/* Adds the tests that make the packet one of this protocol: one conjunction. */
bool is_ether_type(struct parser *p, struct conj *c, unsigned type);
bool is_over_ip4(struct parser *p, struct conj *c, unsigned number, bool first_fragment);
unsigned ether_type_of(unsigned proto);

#endif
