/* SPDX-License-Identifier: BSD-2-Clause */
/* ee_bench.c - the bench of ee_bench.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "nodeos/test/ee_bench.h"

struct node_pub pub;
struct ee_shared *shared;
struct ee *ee;
struct msgq events, punts;
uint8_t sk[3][64], pk[3][32]; /* alice, bob (no rules), a stranger */
uint8_t mod[MODULES][WIRE_CODE_NAME];
uint8_t *mod_bytes[MODULES];
size_t mod_len[MODULES];
unsigned notified;

static void notify(void *arg)
{
	(void)arg;
	notified++;
}

void make_module(int which, const struct vc_insn *insn, uint32_t n)
{
	struct module m = {.name = "test", .kind = VC_KIND_CAPSULE, .ninsn = n, .nentry = 1};
	enum module_result why;

	m.name[3] = (char)('0' + which);
	m.insn = (const uint8_t *)insn;
	strcpy(m.entry[0].name, "main");
	mod_bytes[which] = malloc(4096);
	mod_len[which] = module_write(&m, mod_bytes[which], 4096, &why);
	assert_true(mod_len[which] > 0);
	module_code_name(mod_bytes[which], mod_len[which], mod[which]);
}

static void make_modules(void)
{
	const struct vc_insn forward[] = {MOV(0, CAPSULE_FORWARD), EXIT};
	const struct vc_insn back[] = {MOV(0, CAPSULE_RETURN), EXIT};
	const struct vc_insn deliver[] = {MOV(0, CAPSULE_DELIVER), EXIT};
	const struct vc_insn odd[] = {MOV(0, 77), EXIT};
	const struct vc_insn loop[] = {MOV(0, 0), JA(-2), EXIT};
	/* A byte behind the window, which only shows when it runs. */
	const struct vc_insn wild[] = {LDX(2, 1, 0), LDXW(3, 1, 12), ADD(2, 3),
				       STB(2, 0, 1), MOV(0, 1),	     EXIT};
	/* Writes into argument and data, grows the payload to 100, forwards. */
	const struct vc_insn writer[] = {LDX(2, 1, 0), STB(2, 0, 0x66), STB(2, 20, 0x77),
					 MOV(1, 100),  CALL(3),		MOV(0, CAPSULE_FORWARD),
					 EXIT};
	/* Asks for less room than its arguments take. */
	const struct vc_insn shrink[] = {MOV(1, 7), CALL(3), MOV(0, CAPSULE_FORWARD), EXIT};
	const struct vc_insn absent[] = {MOV(0, CAPSULE_FORWARD), MOV(3, 1), EXIT};

#define M(which, code) make_module(which, code, sizeof(code) / sizeof(code[0]))
	M(FORWARD, forward);
	M(RETURN, back);
	M(DELIVER, deliver);
	M(ODD, odd);
	M(LOOP, loop);
	M(WILD, wild);
	M(WRITER, writer);
	M(SHRINK, shrink);
	M(ABSENT, absent);
}

static void add_module(int which)
{
	uint8_t *copy = malloc(mod_len[which]);
	char err[EE_ERROR] = "";

	memcpy(copy, mod_bytes[which], mod_len[which]);
	if (!ee_module_add(ee, copy, mod_len[which], err))
		fail_msg("%s", err);
}

static void neighbour(uint16_t port, uint32_t addr)
{
	struct node_neigh *n = &pub.neigh[node_neigh_set(port, addr)];

	*n = (struct node_neigh){
		.addr = addr, .port = port, .usable = 1, .mac = {2, 0, 0, 0, 0, 1}};
}

int bench_setup(void **state)
{
	const struct ee_host host = {.notify = notify};
	int rc;

	(void)state;
	mock_reset(2);
	mock_node(&pub, 2, NODE_ROUTER);
	for (int i = 0; i < 3; i++) {
		uint8_t seed[32] = {(uint8_t)(i + 1)};

		crypto_sign_seed_keypair(pk[i], sk[i], seed);
	}
	memcpy(pub.principal[0].key, pk[0], 32);
	memcpy(pub.principal[1].key, pk[1], 32);
	pub.nprincipal = 2;
	neighbour(0, ORIGIN);
	neighbour(1, DEST);
	make_modules();
	for (int i = 0; i < MODULES; i++) {
		pub.rule[i] = (struct node_rule){.budget = BUDGET};
		memcpy(pub.rule[i].module, mod[i], 32);
	}
	pub.nrule = MODULES;
	shared = calloc(1, sizeof(*shared));
	assert_non_null(shared);
	msgq_open_consumer(&events, shared->events, EE_EVENTS_SIZE);
	msgq_open_consumer(&punts, shared->punts, EE_PUNTS_SIZE);
	ee = ee_create(&pub, shared, &host, &rc);
	assert_non_null(ee);
	for (int i = 0; i < ABSENT; i++)
		add_module(i);
	return 0;
}

int bench_teardown(void **state)
{
	(void)state;
	for (int i = 0; i < MODULES; i++)
		free(mod_bytes[i]);
	for (unsigned i = 0; i < EE_MODULES; i++)
		free(ee->cache.m[i].bytes);
	for (unsigned i = 0; i < FETCHES; i++)
		free(ee->fetches.f[i].bytes);
	free(ee);
	free(shared);
	return 0;
}

/* ---- packets ---- */

struct wire_capsule sound(int which)
{
	struct wire_capsule c = {
		.sequence = 1,
		.not_before = NOW - 10,
		.not_after = NOW + 10,
		.budget = BUDGET,
		.arg_len = 8,
		.payload_len = 40,
		.is_signed = true,
		.hop = {.budget_left = BUDGET, .hops = 3},
	};

	memcpy(c.code, mod[which], sizeof(c.code));
	wire_address4(c.origin, ORIGIN);
	wire_address4(c.destination, DEST);
	wire_address4(c.hop.previous, ORIGIN);
	return c;
}

void send_udp_at(uint16_t port, uint32_t src, uint32_t dst, uint8_t ttl, const uint8_t *data,
		 size_t len)
{
	uint8_t f[1600] = {0x52, 0x54, 0, 0, 0, (uint8_t)port, 2, 0, 0, 0, 0, 1, 8, 0};
	uint8_t *udp = f + ETH_HLEN + IP4_HLEN;

	inet_ip4_header(f + ETH_HLEN, 0, IP4_HLEN + UDP_HLEN + len, IP4_DF, ttl, PROTO_UDP, src,
			dst);
	put16(udp, WIRE_PORT);
	put16(udp + 2, WIRE_PORT);
	put16(udp + 4, (uint16_t)(UDP_HLEN + len));
	memcpy(udp + UDP_HLEN, data, len);
	put16(udp + 6, inet_udp_sum(src, dst, udp, UDP_HLEN + len));
	mock_frame_in(port, f, ETH_HLEN + IP4_HLEN + UDP_HLEN + len, true);
}

void send_udp(uint32_t src, uint32_t dst, uint8_t ttl, const uint8_t *data, size_t len)
{
	send_udp_at(0, src, dst, ttl, data, len);
}

size_t build(uint8_t *buf, const struct wire_capsule *c, int who)
{
	uint8_t payload[WIRE_PAYLOAD_MAX];
	struct wire_capsule copy = *c;
	enum wire_result why = WIRE_OK;
	size_t len;

	memset(payload, 0x11, sizeof(payload));
	memcpy(copy.principal, pk[who], 32);
	len = wire_build(buf, WIRE_PACKET_MAX, &copy, payload, &why);
	if (!len)
		fail_msg("%s", wire_result_text(why));
	if (c->is_signed)
		assert_true(wire_sign(buf, len, sk[who]));
	return len;
}

void send_capsule(const struct wire_capsule *c, uint8_t ttl)
{
	uint8_t buf[WIRE_PACKET_MAX];

	send_udp(ORIGIN, DEST, ttl, buf, build(buf, c, 0));
}

uint64_t refusals(void)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < EE_NREFUSAL; i++)
		n += shared->pub.refused[i];
	return n;
}

void expect_refusal(enum ee_refusal why)
{
	assert_int_equal(shared->pub.refused[why], 1);
	assert_int_equal(refusals(), 1);
	shared->pub.refused[why] = 0;
}

/* The capsule that left by a port, its headers checked. */
struct wire_capsule sent(uint32_t port, uint32_t src, uint32_t dst, uint8_t ttl,
			 const uint8_t **anep)
{
	const struct mock_frame *f = mock_take();
	struct wire_capsule c;
	const uint8_t *h;

	assert_non_null(f);
	h = f->data + ETH_HLEN;
	assert_int_equal(f->port, port);
	assert_int_equal(inet_ip4_check(h, f->len - ETH_HLEN), INET_OK);
	assert_int_equal(be32(h + IP4_SRC), src);
	assert_int_equal(be32(h + IP4_DST), dst);
	assert_int_equal(h[IP4_TTL_AT], ttl);
	assert_int_not_equal(be16(h + 26), 0);
	assert_int_equal(inet_udp_sum(src, dst, h + 20, be16(h + 24)), 0);
	*anep = h + 28;
	assert_int_equal(wire_parse(*anep, be16(h + 24) - 8u, &c), WIRE_OK);
	assert_true(wire_verify(*anep, be16(h + 24) - 8u));
	return c;
}

/* The next event of a kind. */
bool event(enum ee_event_kind kind, struct ee_event *e, uint8_t *text)
{
	uint8_t buf[MSGQ_MAX];
	long n;

	while ((n = msgq_get(&events, buf)) >= 0) {
		memcpy(e, buf, sizeof(*e));
		assert_int_equal((size_t)n, sizeof(*e) + e->text_len);
		if (text)
			memcpy(text, buf + sizeof(*e), e->text_len);
		if (e->kind == kind)
			return true;
	}
	return false;
}
