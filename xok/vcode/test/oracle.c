/* SPDX-License-Identifier: BSD-2-Clause */
/* oracle.c - the very text of the interpreter, driven one instruction at a time. */
#include <stdlib.h>

#include "xok/vcode/vcode.h"

#define vc_interp oracle_interp
int oracle_interp(const struct vc_prog *p, uint32_t e, struct vc_run *r);
#include "xok/vcode/interp.c"
#undef vc_interp

#include "xok/vcode/test/oracle.h"

/* The tag that goes with a kind; the other kinds of an accepted program may have any. */
static int tag_of(uint8_t kind)
{
	switch (kind) {
	case VC_K_BYTES:
	case VC_K_SCALAR: return TAG_NUMBER;
	case VC_K_HANDLE: return TAG_HANDLE;
	case VC_K_CTX: return TAG_CTX;
	case VC_K_WINDOW: return TAG_WINDOW;
	case VC_K_RODATA: return TAG_RODATA;
	case VC_K_DATA: return TAG_DATA;
	case VC_K_STACK: return TAG_STACK;
	case VC_K_OUTER: return TAG_OUTER;
	default: return kind >= VC_K_TABLE0 ? TAG_TABLE + kind - VC_K_TABLE0 : -1;
	}
}

static bool agrees(const struct vm *vm, struct vc_val v, uint8_t tag, uint64_t value)
{
	int want = tag_of(v.kind);

	if (want < 0)
		return true;
	if (tag != want)
		return false;
	if (v.kind == VC_K_HANDLE && value >= vm->p->ntable)
		return false;
	if (v.kind < VC_K_HANDLE || v.var)
		return true;
	if (v.kind == VC_K_STACK)
		value -= vm->reg[10];
	return value == (uint64_t)(int64_t)v.off;
}

static const char *check_regs(const struct vm *vm, const struct vc_state *s)
{
	for (uint32_t n = 0; n < VC_NREG; n++)
		if (!agrees(vm, s->reg[n], vm->tag[n], vm->reg[n]))
			return "a register is not what the verifier knows";
	if (vm->reg[10] != (vm->depth + 1ull) * VC_STACK || vm->tag[10] != TAG_STACK)
		return "r10 is not the top of the frame";
	return NULL;
}

static const char *check_slots(const struct vm *vm, const struct vc_state *s)
{
	const uint8_t *frame = vm->region[TAG_STACK].base;

	for (uint32_t n = 0; n < VC_SLOTS; n++) {
		uint8_t tag = vm->slot_tag[vm->depth][n];
		uint64_t value = read_bytes(frame + 8ul * n, 8);

		if (tag == TAG_CTX || tag == TAG_HANDLE)
			value = (uint64_t)(int64_t)vm->slot_value[vm->depth][n];
		if (!agrees(vm, s->slot[n], tag, value))
			return "a slot of the stack is not what the verifier knows";
	}
	return NULL;
}

/* What the verifier knows before each instruction. */
struct knowledge {
	bool live;
	struct vc_state s;
};

static struct knowledge *replay(const struct vc_prog *p, void *scratch)
{
	struct knowledge *k = calloc(p->ninsn, sizeof(*k));
	struct vc_work *w = vc_work_of(scratch);

	for (uint32_t pc = 0; pc < p->ninsn; pc++) {
		k[pc].live = vc_replay(w, pc);
		if (k[pc].live)
			k[pc].s = w->cur;
	}
	return k;
}

static int loop(struct vm *vm, const struct knowledge *know, const char **wrong)
{
	int64_t pc = vm->p->entry[0];
	int r = RUNNING;

	while (r == RUNNING) {
		const struct vc_insn *i = &vm->p->insn[pc];
		uint32_t cls = VC_CLASS(i->op);

		vm->run->pc = (uint32_t)pc;
		vm->run->insns++;
		*wrong = know[pc].live ? check_regs(vm, &know[pc].s)
				       : "an instruction runs that the verifier takes for dead";
		if (!*wrong)
			*wrong = check_slots(vm, &know[pc].s);
		if (*wrong)
			return -1;
		r = cls == VC_JMP || cls == VC_JMP32 ? branch(vm, i, &pc) : straight(vm, i, &pc);
	}
	return r;
}

int oracle_run(const struct vc_prog *p, void *scratch, struct vc_run *run, const char **wrong)
{
	struct knowledge *know;
	struct vm vm;
	int r;

	*wrong = NULL;
	run->r0 = 0;
	run->insns = 0;
	run->stop = 0;
	run->pc = p->entry[0];
	if (run->window_len < vc_min_window(p))
		return VC_WINDOW_BOUNDS;
	know = replay(p, scratch);
	vm_init(&vm, p, run);
	r = loop(&vm, know, wrong);
	free(know);
	return r;
}
