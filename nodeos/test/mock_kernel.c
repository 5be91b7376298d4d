/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mock_kernel.c - tables and programs for tests. Each run has its packet in memory of exactly its length, so that a byte beyond it shows; it is
 * interpreted on copies of packet and tables, then run by generated code on the tables themselves, and both must agree.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "nodeos/test/mock_kernel.h"
#include "xok/handler.h"
#include "xok/table/table.h"
#include "xok/vcode/vcode.h"

#define TABLES 32u
#define PROGS 16u
#define FILTERS 64u

struct prog {
	struct xok_prog_spec spec;
	struct vc_prog prog;
	struct vc_code code;
	void *base; /* of the code */
};

static struct {
	void *mem[TABLES]; /* the table's id is 1 + its place */
	struct prog *prog[PROGS];
	struct {
		uint32_t filter, prog;
	} bound[FILTERS];
} kernel;

int mock_table_error, mock_prog_error, mock_send_error;
uint32_t mock_updates;
struct mock_side mock_side;
uint32_t mock_updates_left = UINT32_MAX;

static void unload(struct prog **p)
{
	if (*p)
		munmap((*p)->base, (*p)->code.size);
	free(*p);
	*p = NULL;
}

void mock_kernel_reset(void)
{
	for (uint32_t i = 0; i < TABLES; i++)
		free(kernel.mem[i]);
	for (uint32_t i = 0; i < PROGS; i++)
		unload(&kernel.prog[i]);
	memset(&kernel, 0, sizeof(kernel));
	memset(&mock_side, 0, sizeof(mock_side));
	mock_table_error = mock_prog_error = mock_send_error = 0;
	mock_updates = 0;
	mock_updates_left = UINT32_MAX;
}

uint32_t mock_tables(void)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < TABLES; i++)
		n += kernel.mem[i] != NULL;
	return n;
}

uint32_t mock_progs(void)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < PROGS; i++)
		n += kernel.prog[i] != NULL;
	return n;
}

/* ---- tables ---- */

int64_t amp_table_create(const struct xok_table_spec *spec)
{
	size_t size = tbl_size(spec, 1);

	if (mock_table_error)
		return mock_table_error;
	if (!size)
		return XOK_EINVAL;
	for (uint32_t i = 0; i < TABLES; i++) {
		if (kernel.mem[i])
			continue;
		kernel.mem[i] = aligned_alloc(XOK_PAGE, size);
		memset(kernel.mem[i], 0, size);
		tbl_init(kernel.mem[i], spec, 1, 7);
		return i + 1;
	}
	return XOK_EQUOTA;
}

static void *table(uint32_t id)
{
	return id >= 1 && id <= TABLES ? kernel.mem[id - 1] : NULL;
}

int amp_table_destroy(uint32_t id)
{
	if (!table(id))
		return XOK_ENOENT;
	free(kernel.mem[id - 1]);
	kernel.mem[id - 1] = NULL;
	return 0;
}

static int from_table(int rc)
{
	switch (rc) {
	case 0: return 0;
	case TBL_ENOENT: return XOK_ENOENT;
	case TBL_ENOMEM: return XOK_ENOMEM;
	default: return XOK_EINVAL;
	}
}

int amp_table_update(uint32_t id, const struct xok_table_update *u)
{
	const struct xok_prefix4 *p4 = (const void *)u->key;
	const struct xok_prefix6 *p6 = (const void *)u->key;
	void *mem = table(id);

	if (!mem)
		return XOK_ENOENT;
	if (mock_updates_left != UINT32_MAX && mock_updates_left-- == 0)
		return XOK_ENOMEM;
	mock_updates++;
	if (tbl_spec(mem)->type == XOK_TABLE_HASH)
		return from_table(tbl_update(mem, u, 0));
	if (tbl_spec(mem)->type == XOK_TABLE_LPM4)
		return from_table(u->op == XOK_TABLE_SET ? tbl_lpm4_set(mem, p4, u->number)
							 : tbl_lpm4_delete(mem, p4));
	return from_table(u->op == XOK_TABLE_SET ? tbl_lpm6_set(mem, p6, u->number)
						 : tbl_lpm6_delete(mem, p6));
}

uint32_t amp_table_update_many(uint32_t id, const struct xok_table_update *u, uint32_t n, int *err)
{
	for (uint32_t i = 0; i < n; i++) {
		*err = amp_table_update(id, &u[i]);
		if (*err < 0)
			return i;
	}
	return n;
}

/* ---- tables of an earlier process ---- */

uint32_t mock_starts;

uint32_t amp_starts(void)
{
	return mock_starts ? mock_starts : 1;
}

int64_t amp_table_find(const char *name)
{
	for (uint32_t i = 0; i < TABLES; i++) {
		if (kernel.mem[i] &&
		    !strncmp(tbl_spec(kernel.mem[i])->name, name, sizeof(tbl_spec(NULL)->name)))
			return i + 1;
	}
	return XOK_ENOENT;
}

void *amp_table_map(uint32_t id)
{
	return table(id);
}

void *amp_table_memory(uint32_t id, size_t *bytes)
{
	*bytes = 0;
	return table(id) ? tbl_memory(table(id), 0, bytes) : NULL;
}

uint32_t amp_tables(void)
{
	return 0;
}

const struct xok_table_info *amp_table_info(uint32_t index)
{
	(void)index;
	return NULL;
}

/* ---- programs ---- */

static void compile(struct prog *p, void *scratch)
{
	uint32_t cpu = vc_cpu();

	if (vc_compile(&p->prog, scratch, cpu, NULL, 0, &p->code))
		abort();
	p->base = mmap(NULL, p->code.size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		       0);
	if (p->base == MAP_FAILED ||
	    vc_compile(&p->prog, scratch, cpu, p->base, p->code.size, &p->code) ||
	    mprotect(p->base, p->code.size, PROT_READ | PROT_EXEC))
		abort();
}

int64_t amp_prog_load(const struct xok_prog_spec *spec, char why[AMP_WHY])
{
	struct vc_report rep;
	void *scratch;
	struct prog *p;
	uint32_t at = 0;

	if (mock_prog_error) {
		snprintf(why, AMP_WHY, "told so");
		return mock_prog_error;
	}
	while (at < PROGS && kernel.prog[at])
		at++;
	if (at == PROGS)
		return XOK_EQUOTA;
	p = calloc(1, sizeof(*p));
	p->spec = *spec;
	p->prog = (struct vc_prog){
		.kind = &vc_kinds[spec->kind],
		.insn = (const void *)(uintptr_t)spec->insn,
		.ninsn = spec->ninsn,
		.rodata = (const void *)(uintptr_t)spec->rodata,
		.rodata_len = spec->rodata_len,
		.data_len = spec->data_len,
		.entry = {spec->entry},
		.nentry = 1,
		.min_window = spec->min_len,
		.ntable = spec->ntable,
	};
	for (uint32_t i = 0; i < spec->ntable; i++) {
		size_t bytes = 0;

		(void)tbl_memory(table(spec->table[i]), 0, &bytes);
		p->prog.table_bytes[i] = (uint32_t)bytes;
	}
	scratch = malloc(vc_scratch_size(spec->ninsn));
	if (vc_verify(&p->prog, scratch, vc_scratch_size(spec->ninsn), &rep)) {
		snprintf(why, AMP_WHY, "%s", rep.text);
		free(p);
		p = NULL;
	} else {
		compile(p, scratch);
	}
	free(scratch);
	kernel.prog[at] = p;
	return p ? (int64_t)at + 1 : XOK_EINVAL;
}

int amp_prog_unload(uint32_t id)
{
	unload(&kernel.prog[id - 1]);
	return 0;
}

int amp_handler_bind(uint32_t filter, uint32_t prog)
{
	for (uint32_t i = 0; i < FILTERS; i++) {
		if (kernel.bound[i].filter && kernel.bound[i].filter != filter)
			continue;
		kernel.bound[i].filter = filter;
		kernel.bound[i].prog = prog;
		return 0;
	}
	return XOK_EQUOTA;
}

int amp_handler_rate(uint32_t env, uint64_t rate)
{
	(void)env;
	(void)rate;
	return 0;
}

uint32_t amp_progs(void)
{
	return 0;
}

const struct xok_prog_info *amp_prog_info(uint32_t index)
{
	(void)index;
	return NULL;
}

/* ---- runs ---- */

struct run {
	struct vc_run run;
	const struct prog *p;
	size_t len; /* after trim */
};

static uint64_t help_lpm4(struct vc_run *run, uint64_t a, uint64_t b, uint64_t c, uint64_t d,
			  uint64_t e)
{
	const struct run *r = run->user;

	(void)c;
	(void)d;
	(void)e;
	return (uint64_t)(int64_t)tbl_lpm4_lookup(table(r->p->spec.table[a]), (uint32_t)b);
}

static uint64_t help_lpm6(struct vc_run *run, uint64_t a, uint64_t b, uint64_t c, uint64_t d,
			  uint64_t e)
{
	const struct run *r = run->user;

	(void)d;
	(void)e;
	return c == 16 ? (uint64_t)(int64_t)tbl_lpm6_lookup(table(r->p->spec.table[a]),
							    (const uint8_t *)(uintptr_t)b)
		       : UINT64_MAX;
}

static uint64_t help_trim(struct vc_run *run, uint64_t a, uint64_t b, uint64_t c, uint64_t d,
			  uint64_t e)
{
	struct run *r = run->user;

	(void)b;
	(void)c;
	(void)d;
	(void)e;
	if (a > run->window_len || a < 14)
		return UINT64_MAX;
	r->len = a;
	return 0;
}

/* port + 1 (0: any), VLAN, family (0: whatever it is). */
static uint32_t id_of(uint32_t port, uint32_t vlan, uint32_t type)
{
	uint32_t family = type == 0x0800 ? 1 : type == 0x86dd ? 2 : 0;

	return 1u << 31 | port << 16 | vlan << 2 | family;
}

uint32_t mock_filter_id(const struct xok_filter *f)
{
	uint32_t port = f->port == XOK_PORT_ANY ? 0 : (uint32_t)f->port + 1;

	if (f->natoms == 3 && f->atom[0].value == 0x8100)
		return id_of(port, (uint32_t)f->atom[1].value, (uint32_t)f->atom[2].value);
	if (f->natoms == 1)
		return id_of(port, 0, (uint32_t)f->atom[0].value);
	return f->natoms == 0 && port ? id_of(port, 0, 0) : 0;
}

static const struct prog *bound_to(uint32_t id)
{
	for (uint32_t i = 0; i < FILTERS; i++) {
		if (kernel.bound[i].filter == id && kernel.bound[i].prog)
			return kernel.prog[kernel.bound[i].prog - 1];
	}
	return NULL;
}

static const struct prog *handler_of(uint32_t port, const uint8_t *frame)
{
	uint32_t type = (uint32_t)frame[12] << 8 | frame[13], vlan = 0;
	const struct prog *p;

	if (type == 0x8100) {
		vlan = (frame[14] & 15u) << 8 | frame[15];
		type = (uint32_t)frame[16] << 8 | frame[17];
	}
	p = bound_to(id_of(port + 1, vlan, type));
	if (!p && !vlan)
		p = bound_to(id_of(0, 0, type));
	return p ? p : bound_to(id_of(port + 1, 0, 0));
}

static uint64_t help_get(struct vc_run *run, uint64_t a, uint64_t b, uint64_t c, uint64_t d,
			 uint64_t e)
{
	const struct run *r = run->user;

	if (c != 4 || e != 4)
		return UINT64_MAX;
	return (uint64_t)(int64_t)tbl_hash_get(table(r->p->spec.table[a]), (void *)(uintptr_t)b,
					       (void *)(uintptr_t)d);
}

static uint64_t help_vector(struct vc_run *run, uint64_t a, uint64_t b, uint64_t c, uint64_t d,
			    uint64_t e)
{
	(void)d;
	(void)e;
	if (c > run->window_len || b > run->window_len - c)
		return UINT64_MAX;
	memcpy((void *)(uintptr_t)a, run->window + c, b);
	return 0;
}

static uint64_t help_send(struct vc_run *run, uint64_t a, uint64_t b, uint64_t c, uint64_t d,
			  uint64_t e)
{
	(void)run;
	(void)d;
	(void)e;
	if (mock_send_error)
		return UINT64_MAX;
	mock_side.n++;
	mock_side.port = (uint32_t)a;
	mock_side.len = c;
	memcpy(mock_side.data, (const void *)(uintptr_t)b, c);
	return 0;
}

/* One run on a packet and tables of its own; the verdict, with the rest in r. */
static uint64_t run(struct run *r, bool compiled, uint32_t port, uint8_t *window, size_t len,
		    uint8_t *const tables[VC_TABLES_MAX])
{
	static const vc_helper_fn fn[VC_NHELPER] = {
		[VC_HELPER_lpm4] = help_lpm4,	  [VC_HELPER_lpm6] = help_lpm6,
		[VC_HELPER_trim] = help_trim,	  [VC_HELPER_table_get] = help_get,
		[VC_HELPER_vector] = help_vector, [VC_HELPER_send] = help_send,
	};
	static _Alignas(16) uint8_t stack[VC_STACK_BYTES], data[XOK_PROG_DATA];
	struct xok_handler_ctx ctx = {.packet = window, .len = (uint32_t)len, .port = port};
	const struct prog *p = r->p;
	int rc;

	memset(data, 0, sizeof(data));
	r->len = len;
	r->run = (struct vc_run){.ctx = &ctx,
				 .window = window,
				 .window_len = len,
				 .data = data,
				 .stack = stack,
				 .fn = fn,
				 .user = r,
				 .budget = p->prog.kind->budget};
	memcpy(r->run.table, tables, sizeof(r->run.table));
	rc = compiled ? vc_exec(&p->prog, &p->code, p->base, 0, &r->run)
		      : vc_interp(&p->prog, 0, &r->run);
	if (rc) {
		fprintf(stderr, "the handler was stopped at %u: %s\n", r->run.pc,
			vc_reason_text(rc));
		abort();
	}
	return r->run.r0;
}

static void *copy_of(const void *p, size_t len)
{
	void *copy = malloc(len);

	return memcpy(copy, p, len);
}

static void agree(bool yes, const char *what)
{
	if (yes)
		return;
	fprintf(stderr, "interpreter and generated code disagree: %s\n", what);
	abort();
}

uint64_t mock_handle(uint32_t port, uint8_t *frame, size_t *len)
{
	const struct prog *p = handler_of(port, frame);
	struct run a = {.p = p}, b = {.p = p};
	uint8_t *mine[VC_TABLES_MAX] = {NULL}, *theirs[VC_TABLES_MAX] = {NULL}, *window[2];
	size_t bytes[VC_TABLES_MAX] = {0};
	uint64_t verdict;

	if (!p)
		return MOCK_UNHANDLED;
	if (*len < p->spec.min_len)
		return XOK_V_PASS;
	window[0] = copy_of(frame, *len);
	window[1] = copy_of(frame, *len);
	for (uint32_t i = 0; i < p->spec.ntable; i++) {
		mine[i] = tbl_memory(table(p->spec.table[i]), 0, &bytes[i]);
		theirs[i] = mine[i] ? copy_of(mine[i], bytes[i]) : NULL;
	}
	verdict = run(&a, false, port, window[0], *len, theirs);
	agree(verdict == run(&b, true, port, window[1], *len, mine), "verdict");
	agree(a.len == b.len && !memcmp(window[0], window[1], *len), "packet");
	agree(a.run.budget == b.run.budget, "budget");
	for (uint32_t i = 0; i < p->spec.ntable; i++) {
		if (mine[i] && theirs[i])
			agree(!memcmp(mine[i], theirs[i], bytes[i]), "tables");
		free(theirs[i]);
	}
	memcpy(frame, window[0], *len);
	free(window[0]);
	free(window[1]);
	*len = a.len;
	return verdict;
}
