/* SPDX-License-Identifier: BSD-2-Clause */
/* capsule_run.c - one node for unit tests. */
#include "capsules/test/capsule_run.h"
#include "capsule/helpers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct node {
	struct capsule_run *r;
	struct vc_run run;
};

#define FN(name)                                                                                \
	static uint64_t fn_##name(                                                              \
		struct vc_run *run __attribute__((unused)), uint64_t a __attribute__((unused)), \
		uint64_t b __attribute__((unused)), uint64_t c __attribute__((unused)),         \
		uint64_t d __attribute__((unused)), uint64_t e __attribute__((unused)))

FN(time)
{
	struct node *n = run->user;

	return n->r->ctx.arrival + 1000;
}

FN(spent)
{
	return 42;
}

FN(resize)
{
	struct node *n = run->user;
	uint32_t len = (uint32_t)a;

	if (len < n->r->ctx.arg_len || len > n->r->ctx.payload_max)
		return (uint64_t)-1;
	n->r->payload_len = len;
	return 0;
}

FN(route)
{
	return 2;
}

FN(queue)
{
	return a;
}

FN(log)
{
	struct node *n = run->user;

	if (b >= sizeof(n->r->log))
		return (uint64_t)-1;
	memcpy(n->r->log, (const char *)(uintptr_t)a, b);
	n->r->log[b] = 0;
	return 0;
}

static const vc_helper_fn helpers[VC_NHELPER] = {
	[VC_HELPER_time] = fn_time,
	[VC_HELPER_spent] = fn_spent,
	[VC_HELPER_resize] = fn_resize,
	[VC_HELPER_route] = fn_route,
	[VC_HELPER_queue] = fn_queue,
	[VC_HELPER_log] = fn_log,
	[VC_HELPER_checksum] = capsule_checksum,
};

static void verify(const struct vc_prog *prog)
{
	size_t scratch_len = vc_scratch_size(prog->ninsn);
	void *scratch = malloc(scratch_len);
	struct vc_report rep;

	assert_non_null(scratch);
	if (vc_verify(prog, scratch, scratch_len, &rep) != 0)
		fail_msg("instruction %u: %s", rep.insn, rep.text);
	free(scratch);
}

int capsule_run(const struct module *m, uint32_t entry, struct capsule_run *r)
{
	static _Alignas(16) uint8_t stack[VC_STACK_BYTES];
	struct node n = {.r = r};
	struct vc_prog prog;
	int reason;

	assert_true(module_prog(m, &prog));
	verify(&prog);
	r->ctx.payload = r->window;
	r->payload_len = r->ctx.payload_len;
	r->start = r->budget;
	n.run = (struct vc_run){.ctx = &r->ctx,
				.window = r->window,
				.window_len = r->ctx.payload_max,
				.data = calloc(1, m->data_len > 0 ? m->data_len : 1),
				.stack = stack,
				.fn = helpers,
				.user = &n,
				.budget = r->budget};
	assert_non_null(n.run.data);
	reason = vc_interp(&prog, entry, &n.run);
	free(n.run.data);
	r->budget = n.run.budget;
	r->action = n.run.r0;
	return reason;
}
