/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * arith.c - proto[off:size] OP value.
 *
 * One side is a field of a header, perhaps masked and shifted right, the other a constant expression. Comparisons become masks, ranges,
 * or unions of them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

/* A constant; or a field: (load & mask) >> shift. */
struct term {
	bool field, length; /* length: of the packet, `len` */
	const struct token *at;
	unsigned proto, off, size, shift;
	uint32_t mask, value;
};

static const struct {
	const char *name;
	uint32_t value;
} constants[] = {
	{"tcpflags", 13},
	{"tcp-fin", 0x01},
	{"tcp-syn", 0x02},
	{"tcp-rst", 0x04},
	{"tcp-push", 0x08},
	{"tcp-ack", 0x10},
	{"tcp-urg", 0x20},
	{"tcp-ece", 0x40},
	{"tcp-cwr", 0x80},
	{"icmptype", 0},
	{"icmpcode", 1},
	{"icmp6type", 0},
	{"icmp6code", 1},
	{"icmp-echoreply", 0},
	{"icmp-unreach", 3},
	{"icmp-sourcequench", 4},
	{"icmp-redirect", 5},
	{"icmp-echo", 8},
	{"icmp-routeradvert", 9},
	{"icmp-routersolicit", 10},
	{"icmp-timxceed", 11},
	{"icmp-paramprob", 12},
	{"icmp-tstamp", 13},
	{"icmp-tstampreply", 14},
	{"icmp-ireq", 15},
	{"icmp-ireqreply", 16},
	{"icmp-maskreq", 17},
	{"icmp-maskreply", 18},
	{"icmp6-destinationunreach", 1},
	{"icmp6-packettoobig", 2},
	{"icmp6-timeexceeded", 3},
	{"icmp6-parameterproblem", 4},
	{"icmp6-echo", 128},
	{"icmp6-echoreply", 129},
	{"icmp6-multicastlistenerquery", 130},
	{"icmp6-routersolicit", 133},
	{"icmp6-routeradvert", 134},
	{"icmp6-neighborsolicit", 135},
	{"icmp6-neighboradvert", 136},
	{"icmp6-redirect", 137},
};

static const char *const relations[] = {"=", "==", "!=", "<", "<=", ">", ">="};

static bool is_relation(const struct token *t)
{
	for (size_t i = 0; i < sizeof(relations) / sizeof(relations[0]); i++)
		if (is_op(t, relations[i]))
			return true;
	return false;
}

/* Whether what comes is arithmetic: a field, `len`, or a number or parenthesis with an operator behind it. */
bool starts_relation(const struct parser *p)
{
	const struct token *t = peek(p);
	unsigned open = 0;

	if (is_word(p, t, "len"))
		return true;
	if (t->kind == T_WORD)
		return proto_of(p, t) && is_op(t + 1, "[");
	if (is_op(t, "("))
		do {
			open += is_op(t, "(");
			open -= is_op(t, ")");
			t++;
		} while (open && t->kind != T_END);
	else if (t->kind == T_NUMBER)
		t++;
	else
		return false;
	return !open && t->kind == T_OP && !is_op(t, "&&") && !is_op(t, "||") && !is_op(t, "!") &&
	       !is_op(t, "(") && !is_op(t, ")") && !is_op(t, "[") && !is_op(t, "]") &&
	       !is_op(t, "/");
}

static bool expression(struct parser *p, struct term *x, unsigned level);

static bool index_constant(struct parser *p, uint32_t *value)
{
	const struct token *t = peek(p);
	struct term x;

	if (!expression(p, &x, 0))
		return false;
	if (x.field || x.length) {
		fail(p, EINVAL, t,
		     "an offset that depends on the packet cannot be followed, but that behind "
		     "the IPv4 header's options: use tcp[], udp[] or icmp[]");
		return false;
	}
	*value = x.value;
	return true;
}

static bool field(struct parser *p, struct term *x)
{
	const struct token *t = next(p);
	uint32_t off, size = 1;

	next(p); /* [ */
	if (!index_constant(p, &off) || (eat_op(p, ":") && !index_constant(p, &size)))
		return false;
	if (!eat_op(p, "]")) {
		fail(p, EINVAL, peek(p), "the bracket of '%.*s[' is not closed", t->len,
		     p->text + t->at);
		return false;
	}
	if (size != 1 && size != 2 && size != 4) {
		fail(p, EINVAL, t, "a field has 1, 2 or 4 bytes, not %u", size);
		return false;
	}
	if (off > 9000) {
		fail(p, EINVAL, t, "no frame is that long: offset %u", off);
		return false;
	}
	*x = (struct term){
		.field = true, .at = t, .proto = proto_of(p, t), .off = off, .size = size};
	x->mask = UINT32_MAX >> (32 - 8 * size);
	return true;
}

static bool atom(struct parser *p, struct term *x)
{
	const struct token *t = peek(p);

	if (is_op(t, "(")) {
		if (p->depth == 30) {
			fail(p, E2BIG, t, "too many parentheses inside each other");
			return false;
		}
		p->depth++;
		next(p);
		if (!expression(p, x, 0))
			return false;
		p->depth--;
		if (eat_op(p, ")"))
			return true;
		fail(p, EINVAL, t, "this parenthesis is not closed");
		return false;
	}
	if (t->kind == T_WORD && proto_of(p, t) && is_op(t + 1, "["))
		return field(p, x);
	next(p);
	*x = (struct term){.at = t, .value = t->number, .length = is_word(p, t, "len")};
	if (x->length)
		return true;
	if (t->kind == T_NUMBER && !t->big)
		return true;
	for (size_t i = 0; i < sizeof(constants) / sizeof(constants[0]); i++) {
		if (is_word(p, t, constants[i].name)) {
			x->value = constants[i].value;
			return true;
		}
	}
	fail(p, EINVAL, t,
	     t->kind == T_NUMBER
		     ? "numbers have at most 32 bits"
		     : "a number is needed here, a field like ip[8], or a name like tcp-syn");
	return false;
}

/* Both constant. False: division by zero. */
static bool fold(char op, uint32_t *a, uint32_t b)
{
	switch (op) {
	case '|': *a |= b; break;
	case '^': *a ^= b; break;
	case '&': *a &= b; break;
	case '<': *a = b < 32 ? *a << b : 0; break;
	case '>': *a = b < 32 ? *a >> b : 0; break;
	case '+': *a += b; break;
	case '-': *a -= b; break;
	case '*': *a *= b; break;
	case '/':
		if (!b)
			return false;
		*a /= b;
		break;
	default:
		if (!b)
			return false;
		*a %= b;
	}
	return true;
}

static bool combine(struct parser *p, const struct token *op, struct term *a, const struct term *b)
{
	struct term c = a->field ? *b : *a;

	if (!a->field && !b->field && !a->length && !b->length) {
		if (fold(op->op[0], &a->value, b->value))
			return true;
		fail(p, EINVAL, op, "division by zero");
		return false;
	}
	if (!c.field && !c.length && is_op(op, "&")) {
		*a = a->field ? *a : *b;
		a->mask &= c.value << a->shift;
		return true;
	}
	if (a->field && !c.field && !c.length && is_op(op, ">>") && c.value < 32 - a->shift) {
		a->shift += c.value;
		a->mask &= UINT32_MAX << a->shift;
		return true;
	}
	fail(p, EINVAL, op,
	     "filters compare a field, masked (&) or shifted right (>>), to a number: nothing else "
	     "can be "
	     "computed from packets");
	return false;
}

/* Binary operators by level, the loosest first. */
static bool expression(struct parser *p, struct term *x, unsigned level)
{
	static const char *const ops[][3] = {{"|"},	   {"^"},      {"&"},
					     {"<<", ">>"}, {"+", "-"}, {"*", "/", "%"}};

	if (level == sizeof(ops) / sizeof(ops[0]))
		return atom(p, x);
	if (!expression(p, x, level + 1))
		return false;
	for (;;) {
		const struct token *op = peek(p);
		struct term y;
		bool here = false;

		for (unsigned i = 0; i < 3 && ops[level][i]; i++)
			here |= is_op(op, ops[level][i]);
		if (!here)
			return true;
		next(p);
		if (!expression(p, &y, level + 1) || !combine(p, op, x, &y))
			return false;
	}
}

/* ---- from comparisons to tests ---- */

/* The tests that make the packet one that has the field, and where the field is. */
static bool base(struct parser *p, const struct term *x, struct conj *c, struct place *at)
{
	unsigned l3 = p->l2 + 2, number = x->proto - P_OVER_IP;

	if (x->proto < P_OVER_IP) {
		*at = (struct place){.off = (uint16_t)((x->proto == P_ETHER ? 0 : l3) + x->off)};
		return x->proto == P_ETHER || is_ether_type(p, c, ether_type_of(x->proto));
	}
	if (number == 58) {
		*at = (struct place){.off = (uint16_t)(l3 + 40 + x->off)};
		return is_ether_type(p, c, ether_type_of(P_IP6)) &&
		       conj_equal(p, c, (struct place){.off = (uint16_t)(l3 + 6)}, 1, 0xff, 58);
	}
	*at = (struct place){.off = (uint16_t)(l3 + 20 + x->off), .l3 = (uint16_t)l3};
	return is_over_ip4(p, c, number, true);
}

/* A further alternative, ready for the field's test; NULL: the packet cannot be such a one, or failure. */
static struct conj *another(struct parser *p, struct alts *all, const struct term *x,
			    struct place *at)
{
	struct conj *c = alts_add(p, all, NULL);

	if (c && base(p, x, c, at))
		return c;
	if (c)
		alts_drop_last(all);
	return NULL;
}

static void add_equal(struct parser *p, struct alts *all, const struct term *x, uint32_t mask,
		      uint32_t value)
{
	struct place at;
	struct conj *c = another(p, all, x, &at);

	if (c && !conj_equal(p, c, at, x->size, mask, value))
		alts_drop_last(all);
}

static void add_range(struct parser *p, struct alts *all, const struct term *x, uint32_t low,
		      uint32_t high)
{
	struct place at;
	struct conj *c = another(p, all, x, &at);

	if (c && !conj_range(p, c, at, x->size, low, high))
		alts_drop_last(all);
}

static uint32_t most(const struct term *x)
{
	return UINT32_MAX >> (32 - 8 * x->size);
}

/* field != value: of whole fields what is below and above; of masked ones, one alternative for each bit that may differ. */
static void unequal(struct parser *p, struct alts *all, const struct term *x, uint32_t value)
{
	if (x->mask == most(x)) {
		if (value > 0)
			add_range(p, all, x, 0, value - 1);
		if (value < most(x))
			add_range(p, all, x, value + 1, most(x));
		return;
	}
	for (uint32_t bits = x->mask; bits; bits &= bits - 1) {
		uint32_t bit = bits & ~(bits - 1);

		add_equal(p, all, x, bit, ~value & bit);
	}
}

/*
 * low <= field <= high. A mask of the field's upper bits only (a shift, too) keeps the order, so that the bounds can be widened to its grain;
 * one of its lower bits, or of some in the middle, does not.
 */
static void between(struct parser *p, struct alts *all, const struct term *x, uint64_t low,
		    uint64_t high)
{
	uint32_t grain = x->mask ? x->mask & ~(x->mask - 1) : 0;

	if (low == 0 && high >= most(x) >> x->shift) {
		add_equal(p, all, x, 0, 0);
		return;
	}
	if (low > high || low > most(x) >> x->shift)
		return;
	if (!grain || x->mask != (most(x) & ~(grain - 1))) {
		fail(p, EINVAL, x->at,
		     "ranges are of whole fields, or of the upper bits of one: use =, or list the "
		     "values");
		return;
	}
	/* field >= low, when the lower bits do not count: the first multiple of the grain that is. */
	low = ((low << x->shift) + grain - 1) / grain * grain;
	high = ((high << x->shift | ((UINT64_C(1) << x->shift) - 1)) / grain + 1) * grain - 1;
	if (low <= most(x))
		add_range(p, all, x, (uint32_t)low, high < most(x) ? (uint32_t)high : most(x));
}

static void compare(struct parser *p, struct alts *all, const struct term *x,
		    const struct token *op, uint32_t n)
{
	/* The field's number in its place; bits that its mask excludes are never set in it. */
	uint64_t value = (uint64_t)n << x->shift;
	bool possible = !(value & ~(uint64_t)x->mask);

	if (is_op(op, "=") || is_op(op, "==")) {
		if (possible)
			add_equal(p, all, x, x->mask, (uint32_t)value);
	} else if (is_op(op, "!=")) {
		if (possible)
			unequal(p, all, x, (uint32_t)value);
		else
			add_equal(p, all, x, 0, 0);
	} else if (is_op(op, "<")) {
		if (n)
			between(p, all, x, 0, n - 1);
	} else if (is_op(op, "<=")) {
		between(p, all, x, 0, n);
	} else if (x->mask != most(x) &&
		   ((is_op(op, ">") && n == 0) || (is_op(op, ">=") && n == 1))) {
		unequal(p, all, x, 0);
	} else if (is_op(op, ">")) {
		between(p, all, x, (uint64_t)n + 1, UINT32_MAX);
	} else {
		between(p, all, x, n, UINT32_MAX);
	}
}

/* len >= n: the byte before must be there. */
static struct alts *length_test(struct parser *p, const struct token *op, uint32_t n)
{
	struct alts *all = alts_new(p);
	struct conj *c = all ? alts_add(p, all, NULL) : NULL;
	uint64_t least = (uint64_t)n + is_op(op, ">");

	if (!c)
		return NULL;
	if ((!is_op(op, ">") && !is_op(op, ">=")) || least > 65536)
		return fail(p, EINVAL, op,
			    "filters can only say that a packet is at least so long: len >= N");
	return !least || conj_equal(p, c, (struct place){.off = (uint16_t)(least - 1)}, 1, 0, 0)
		       ? all
		       : NULL;
}

/* N < field is field > N. */
static struct token mirrored(const struct token *op)
{
	struct token t = *op;

	if (t.op[0] == '<')
		t.op[0] = '>';
	else if (t.op[0] == '>')
		t.op[0] = '<';
	return t;
}

struct alts *relation(struct parser *p)
{
	struct term x, y;
	const struct token *op;
	struct token turned;
	struct alts *all;

	if (!expression(p, &x, 0))
		return NULL;
	op = next(p);
	if (!is_relation(op))
		return fail(p, EINVAL, op, "a comparison is needed here: = != < <= > >=");
	if (!expression(p, &y, 0))
		return NULL;
	if (!x.field && !x.length) {
		struct term z = x;

		x = y;
		y = z;
		turned = mirrored(op);
		op = &turned;
	}
	if ((!x.field && !x.length) || y.field || y.length)
		return fail(p, EINVAL, y.at,
			    "one side of a comparison is a field, the other a number");
	if (x.length)
		return length_test(p, op, y.value);
	all = alts_new(p);
	if (all)
		compare(p, all, &x, op, y.value);
	return all && !p->failed ? all : NULL;
}
