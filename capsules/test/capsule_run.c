/* SPDX-License-Identifier: BSD-2-Clause */
/* capsule_run.c - one node for unit tests. */
#include "capsules/test/capsule_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct node {
	struct capsule_run *r;
	struct vc_run run;
};

static uint64_t fn_time(void *user, const uint64_t a[5], int *stop)
{
	struct node *n = user;

	(void)a;
	(void)stop;
	return n->r->ctx.arrival + 1000;
}

static uint64_t fn_spent(void *user, const uint64_t a[5], int *stop)
{
	(void)user;
	(void)a;
	(void)stop;
	return 42;
}

static uint64_t fn_resize(void *user, const uint64_t a[5], int *stop)
{
	struct node *n = user;
	uint32_t len = (uint32_t)a[0];

	(void)stop;
	if (len < n->r->ctx.arg_len || len > n->r->ctx.payload_max)
		return (uint64_t)-1;
	n->r->payload_len = len;
	return 0;
}

static uint64_t fn_route(void *user, const uint64_t a[5], int *stop)
{
	(void)user;
	(void)a;
	(void)stop;
	return 2;
}

static uint64_t fn_queue(void *user, const uint64_t a[5], int *stop)
{
	(void)user;
	(void)stop;
	return a[0];
}

static uint64_t fn_log(void *user, const uint64_t a[5], int *stop)
{
	struct node *n = user;
	size_t len = (size_t)a[1];

	(void)stop;
	if (len >= sizeof(n->r->log))
		return (uint64_t)-1;
	memcpy(n->r->log, (const char *)(uintptr_t)a[0], len);
	n->r->log[len] = 0;
	return 0;
}

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
	const struct module_helper_fns fns = {.time = fn_time,
					      .spent = fn_spent,
					      .resize = fn_resize,
					      .route = fn_route,
					      .queue = fn_queue,
					      .log = fn_log};
	static _Alignas(16) uint8_t stack[VC_STACK * VC_FRAMES];
	struct node n = {.r = r};
	struct module_kind kind;
	struct vc_prog prog;
	int reason;

	module_kind_init(&kind, &fns);
	assert_true(module_prog(m, &kind.kind, &prog));
	verify(&prog);
	r->ctx.payload = r->window;
	r->payload_len = r->ctx.payload_len;
	r->start = r->budget;
	n.run = (struct vc_run){.ctx = &r->ctx,
				.window = r->window,
				.window_len = r->ctx.payload_max,
				.data = calloc(1, m->data_len > 0 ? m->data_len : 1),
				.stack = stack,
				.user = &n,
				.budget = r->budget};
	assert_non_null(n.run.data);
	reason = vc_interp(&prog, entry, &n.run);
	free(n.run.data);
	r->budget = n.run.budget;
	r->action = n.run.r0;
	return reason;
}
