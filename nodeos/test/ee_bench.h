/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ee_bench.h - a capsule domain on a bench, for the tests of its parts: a router with two ports (mock_amp.h), one principal with rules, and
 * modules that each do one thing. A capsule comes from ORIGIN at port 0 and goes to DEST at port 1.
 */
#ifndef NODEOS_EE_BENCH_H
#define NODEOS_EE_BENCH_H

#include "nodeos/ee/ee.h"
#include "nodeos/test/mock_amp.h"

#define ORIGIN 0x0a000005u
#define DEST 0x0a000107u
#define BUDGET 1000u
#define NOW (MOCK_WALL / 1000000000u + 1)

/* BPF instructions, RFC 9669. */
#define MOV(d, i) ((struct vc_insn){.op = 0xb7, .regs = (d), .imm = (i)})
#define EXIT ((struct vc_insn){.op = 0x95})
#define JA(o) ((struct vc_insn){.op = 0x05, .off = (o)})
#define LDX(d, s, o) ((struct vc_insn){.op = 0x79, .regs = (d) | (s) << 4, .off = (o)})
#define LDXW(d, s, o) ((struct vc_insn){.op = 0x61, .regs = (d) | (s) << 4, .off = (o)})
#define ADD(d, s) ((struct vc_insn){.op = 0x0f, .regs = (d) | (s) << 4})
#define STB(d, o, i) ((struct vc_insn){.op = 0x72, .regs = (d), .off = (o), .imm = (i)})
#define CALL(n) ((struct vc_insn){.op = 0x85, .imm = (n)})

/* Which module does what. */
enum { FORWARD, RETURN, DELIVER, ODD, LOOP, WILD, WRITER, SHRINK, ABSENT, MODULES };

extern struct node_pub pub;
extern struct ee_shared *shared;
extern struct ee *ee;
extern struct msgq events, punts;
extern uint8_t sk[3][64], pk[3][32]; /* alice, bob (no rules), a stranger */
extern uint8_t mod[MODULES][WIRE_CODE_NAME];
extern uint8_t *mod_bytes[MODULES];
extern size_t mod_len[MODULES];
extern unsigned notified;

int bench_setup(void **state);
int bench_teardown(void **state);

/* Assembles the module of this number anew. */
void make_module(int which, const struct vc_insn *insn, uint32_t n);

/* A capsule for this module that nothing is wrong with. */
struct wire_capsule sound(int which);
/* Writes and signs it as principal `who` (0 alice, 1 bob, 2 a stranger). Returns the length. */
size_t build(uint8_t *buf, const struct wire_capsule *c, int who);
/* Gives a UDP payload to the node in a frame at a port; the others: at port 0, and there a capsule of alice's. */
void send_udp_at(uint16_t port, uint32_t src, uint32_t dst, uint8_t ttl, const uint8_t *data,
		 size_t len);
void send_udp(uint32_t src, uint32_t dst, uint8_t ttl, const uint8_t *data, size_t len);
void send_capsule(const struct wire_capsule *c, uint8_t ttl);

uint64_t refusals(void);
/* Exactly one refusal has been counted since the last call, for this reason. */
void expect_refusal(enum ee_refusal why);
/* The capsule that left by a port, its headers and signature checked; *anep is the packet. */
struct wire_capsule sent(uint32_t port, uint32_t src, uint32_t dst, uint8_t ttl,
			 const uint8_t **anep);
/* The next event of a kind. */
bool event(enum ee_event_kind kind, struct ee_event *e, uint8_t *text);

#endif
