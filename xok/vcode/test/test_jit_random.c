/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_jit_random.c - random verified programs: generated code against the interpreter. VCODE_RANDOM says how many (accepted ones are
 * counted), VCODE_SEED which case is the first; a case that fails is run again alone with VCODE_SEED=case VCODE_RANDOM=1.
 */
#include "xok/vcode/test/jit_evolve.h"
#include "xok/vcode/test/jit_generate.h"
#include "xok/vcode/test/jit_lab.h"

#define CHOICES 1024u

static uint64_t state;

static uint64_t rnd(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static uint64_t number_of(const char *name, uint64_t otherwise)
{
	const char *s = getenv(name);

	return s && *s ? strtoull(s, NULL, 0) : otherwise;
}

static void choose(uint8_t *choices)
{
	for (uint32_t n = 0; n < CHOICES; n += 8) {
		uint64_t v = rnd();

		memcpy(choices + n, &v, 8);
	}
}

/* Everything about a case follows from its number. */
static struct lab_result one(uint64_t name)
{
	static struct trial t;
	uint8_t choices[CHOICES];
	struct bytes b = {choices, CHOICES};
	struct lab_case c;

	state = (name + 1) * 0x9e3779b97f4a7c15;
	choose(choices);
	if (name % 4 == 0)
		generate(&b, &t);
	else
		jit_generate(&b, &t);
	if (name % 4 >= 2) {
		choose(choices);
		b = (struct bytes){choices, CHOICES};
		jit_mutate(&b, &t);
	}
	c = (struct lab_case){
		.kind = &vc_kinds[t.kind],
		.insn = t.insn,
		.ninsn = t.n,
		.min_window = t.min_window,
		.cpu = name / 4 % 2 ? lab_cpu() : 0,
		.low = name / 8 % 2,
		.fill = rnd(),
		.name = name,
	};
	c.window_len = t.kind == VC_KIND_RAW ? 0 : T_MIN_WINDOW;
	if (c.window_len < t.min_window)
		c.window_len = t.min_window;
	c.window_len += (uint32_t)(rnd() >> 32) % 120;
	c.budget = (int64_t)((rnd() >> 32) % (name / 16 % 4 ? 150 : 3000));
	return lab_try(&c);
}

static void test_random(void **unused)
{
	uint64_t wanted = number_of("VCODE_RANDOM", 500000), seed = number_of("VCODE_SEED", 0);
	uint64_t accepted = 0, tried = 0, octets = 0, stops[VC_NREASON] = {0};

	(void)unused;
	lab_open();
	for (; accepted < wanted; tried++) {
		struct lab_result r = one(seed + tried);

		accepted += r.accepted;
		octets += r.size;
		stops[r.accepted ? r.reason : VC_BAD_OPCODE]++;
		/* If most were refused this would show little. */
		if (tried > 1000)
			assert_true(accepted > tried / 2);
	}
	print_message("%llu programs, %llu accepted, %llu octets of code; ended by:",
		      (unsigned long long)tried, (unsigned long long)accepted,
		      (unsigned long long)octets);
	for (int r = 0; r < VC_NREASON; r++)
		if (stops[r] && r != VC_BAD_OPCODE)
			print_message(" %s %llu", r ? vc_reason_name(r) : "exit",
				      (unsigned long long)stops[r]);
	print_message("\n");
}

/* One of the many programs on the way from nothing to something. */
static struct lab_result try_evolved(struct evolve *g, uint64_t name)
{
	struct lab_case c = {
		.kind = g->kind,
		.insn = g->insn,
		.ninsn = g->n,
		.nentry = g->nentry,
		.min_window = g->min_window,
		.window_len = evolve_pick(g, evolve_pick(g, 3) ? 100 : 12),
		.budget = evolve_pick(g, evolve_pick(g, 2) ? 200 : 5000),
		.cpu = evolve_pick(g, 2) ? lab_cpu() : 0,
		.low = evolve_pick(g, 2),
		.fill = evolve_pick(g, UINT32_MAX),
		.name = name,
	};

	c.window_len += c.min_window > g->kind->min_window ? c.min_window : g->kind->min_window;
	memcpy(c.entry, g->entry, sizeof(c.entry));
	return lab_try(&c);
}

/* A tenth as many as above, since each took a lot of verifying. */
static void test_evolved(void **unused)
{
	uint64_t wanted = number_of("VCODE_RANDOM", 500000) / 10, ran = 0, whole = 0;
	uint64_t name = number_of("VCODE_SEED", 0);
	static struct evolve g;

	(void)unused;
	lab_open();
	for (; ran < wanted; name++) {
		evolve_start(&g, name);
		for (uint32_t step = 0; step < 1000; step++) {
			struct lab_result r;

			evolve_step(&g);
			if (step % 16)
				continue;
			r = try_evolved(&g, name);
			if (!r.accepted)
				fail_msg("case %llu: %s", (unsigned long long)name, r.why);
			ran++;
			whole += r.reason == VC_FINE;
		}
	}
	print_message("%llu runs, %llu to the end\n", (unsigned long long)ran,
		      (unsigned long long)whole);
	assert_true(whole > ran / 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_evolved),
	};

	return cmocka_run_group_tests_name("vcode: random programs, compiled", tests, NULL, NULL);
}
