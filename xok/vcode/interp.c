/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * interp.c - the interpreter. It is the specification of what a program means, and it trusts nothing: whatever instructions it is
 * given, verified or not, it stays inside the memory of the run and comes to an end.
 *
 * Memory. A pointer is two things: a number in the register, the offset in its region, and a tag beside the register, the
 * region. Tags are never in reach of the program: moves copy them, addition and subtraction combine them, everything else
 * clears them. So no arithmetic on the number, however it wraps, can lead into another region, offsets may leave the region and
 * come back, and an access is inside when `offset <= length - size` holds without sign for that one region.
 * Combining tags can only give another of the 16 tags, each of which is a region (an empty one for those that
 * are not in use) or "a number", through which there is no access. Addresses of the machine are in no register, so none can leak. The
 * stack is two regions, the frame of the function that runs and those of all its callers; a call and a return move the line between.
 *
 * The tags of pointers kept in the stack stand in slot_tag, one for each 8 bytes, which only accesses through r10 read and change; the
 * bytes of the slot are bytes to everybody. So are those of the context and of handles, but a load through r10 gives what was stored
 * (see flow_memory.c). Frames are cleared when they are entered, so nothing of an earlier run shows.
 *
 * Time. Between two charges control only moves forward within one function. A jump from pc back to t allows pc - t + 1
 * instructions to run again and costs as many; a call allows the callee to run once and costs its length; the entry's function
 * is no longer than the program. Hence insns <= budget + ninsn. Programs that no verifier saw end as well: every turn backwards
 * is a jump, a call or a return from one, and each of them was paid with at least 1.
 */
#include <string.h>

#include "xok/vcode/alu.h"
#include "xok/vcode/vm.h"

_Static_assert(sizeof(struct vc_insn) == 8, "an instruction slot");

static bool spend(struct vm *vm, uint64_t cost)
{
	if (cost > (uint64_t)vm->run->budget)
		return false;
	vm->run->budget -= (int64_t)cost;
	return true;
}

/* ---- loads and stores ---- */

/* The slot of the running function's frame that an access through r10 is the whole of, or -1. */
static int whole_slot(const struct vm *vm, uint32_t base, uint64_t off, uint32_t size)
{
	uint64_t at = off - vm->region[TAG_STACK].first;

	if (base != 10 || vm->tag[10] != TAG_STACK || size != 8 || at % 8 || at >= VC_STACK)
		return -1;
	return (int)(at / 8);
}

/* The context: the window pointer is a tag, and the machine's value of that field is nobody's business. */
static int load_ctx(struct vm *vm, const struct vc_insn *i, uint64_t off, uint32_t size)
{
	uint64_t win = vm->p->kind->ctx_window_off;
	uint32_t d = vc_dst(i);
	int reason = 0;
	const uint8_t *at = within(vm, TAG_CTX, off, size, false, &reason);

	if (!at)
		return reason;
	if (win != UINT32_MAX && off < win + 8 && win < off + size) {
		if (off != win || size != 8)
			return VC_CONTEXT_ACCESS;
		vm->reg[d] = 0;
		vm->tag[d] = TAG_WINDOW;
		return 0;
	}
	vm->reg[d] = read_bytes(at, size);
	vm->tag[d] = TAG_NUMBER;
	return 0;
}

static int load_memory(struct vm *vm, const struct vc_insn *i, uint64_t off, uint32_t size)
{
	uint32_t base = vc_src(i), d = vc_dst(i);
	int reason = 0, slot = whole_slot(vm, base, off, size);
	const uint8_t *at = within(vm, vm->tag[base], off, size, false, &reason);

	if (!at)
		return reason;
	vm->reg[d] = read_bytes(at, size);
	vm->tag[d] = slot < 0 ? TAG_NUMBER : vm->slot_tag[vm->depth][slot];
	if (vm->tag[d] == TAG_CTX || vm->tag[d] == TAG_HANDLE)
		vm->reg[d] = (uint64_t)(int64_t)vm->slot_value[vm->depth][slot];
	return 0;
}

static int load(struct vm *vm, const struct vc_insn *i)
{
	uint32_t base = vc_src(i), size = vc_size(i->op), d = vc_dst(i);
	uint64_t off = vm->reg[base] + (uint64_t)(int64_t)i->off;
	int r = vm->tag[base] == TAG_CTX ? load_ctx(vm, i, off, size)
					 : load_memory(vm, i, off, size);

	if (!r && vc_is_signed_load(i->op)) {
		vm->reg[d] = vc_sign_extend(vm->reg[d], (int)size * 8);
		vm->tag[d] = TAG_NUMBER;
	}
	return r;
}

/* A store through r10 ends the life of the pointers kept in the slots that it touches; a whole slot may get another one. */
static void note_slots(struct vm *vm, uint64_t off, uint32_t size, uint8_t tag, uint64_t v)
{
	uint64_t at = off - vm->region[TAG_STACK].first;
	uint8_t *slots = vm->slot_tag[vm->depth];

	for (uint64_t n = at / 8; n * 8 < at + size; n++)
		slots[n] = TAG_NUMBER;
	if (tag) {
		slots[at / 8] = tag;
		vm->slot_value[vm->depth][at / 8] = (int16_t)v;
	}
}

static int store(struct vm *vm, const struct vc_insn *i)
{
	uint32_t base = vc_dst(i), size = vc_size(i->op);
	bool imm = VC_CLASS(i->op) == VC_ST;
	uint64_t off = vm->reg[base] + (uint64_t)(int64_t)i->off;
	uint64_t v = imm ? (uint64_t)(int64_t)i->imm : vm->reg[vc_src(i)];
	uint8_t stored = imm ? TAG_NUMBER : vm->tag[vc_src(i)];
	int reason = 0;
	uint8_t *at = within(vm, vm->tag[base], off, size, true, &reason);

	if (!at)
		return reason;
	if (stored && whole_slot(vm, base, off, size) < 0)
		return VC_POINTER_LEAK;
	if (base == 10 && vm->tag[10] == TAG_STACK)
		note_slots(vm, off, size, stored, v);
	write_bytes(at, v, size);
	return 0;
}

/* RFC 9669 5.3. A run is alone with its memory, so plain reads and writes are atomic enough. */
static int atomic(struct vm *vm, const struct vc_insn *i)
{
	uint32_t base = vc_dst(i), size = vc_size(i->op), s = vc_src(i);
	uint64_t off = vm->reg[base] + (uint64_t)(int64_t)i->off, was;
	int reason = 0;
	uint8_t *at = within(vm, vm->tag[base], off, size, true, &reason);

	if (!at)
		return reason;
	if (vm->tag[base] >= TAG_TABLE && off % size)
		return VC_TABLE_BOUNDS;
	if (vm->tag[s] || (i->imm == VC_CMPXCHG && vm->tag[0]))
		return VC_POINTER_LEAK;
	was = read_bytes(at, size);
	if (i->imm == VC_CMPXCHG) {
		uint64_t expected = size == 4 ? (uint32_t)vm->reg[0] : vm->reg[0];

		if (was == expected)
			write_bytes(at, vm->reg[s], size);
		vm->reg[0] = was;
		return 0;
	}
	write_bytes(at, i->imm == VC_XCHG ? vm->reg[s] : vc_atomic_result(i->imm, was, vm->reg[s]),
		    size);
	if (i->imm & VC_FETCH)
		vm->reg[s] = was;
	return 0;
}

/* ---- arithmetic and comparisons ---- */

/* The second operand: a register, or imm sign-extended. */
static uint64_t operand(const struct vm *vm, const struct vc_insn *i)
{
	return VC_X(i->op) ? vm->reg[vc_src(i)] : (uint64_t)(int64_t)i->imm;
}

static void alu64(struct vm *vm, const struct vc_insn *i)
{
	uint32_t d = vc_dst(i), code = VC_CODE(i->op);
	uint8_t other = VC_X(i->op) ? vm->tag[vc_src(i)] : TAG_NUMBER, tag = TAG_NUMBER;

	if (code == VC_END) {
		vm->reg[d] = vc_byte_order(vm->reg[d], i->imm, true);
		vm->tag[d] = TAG_NUMBER;
		return;
	}
	/* pointer + number, number + pointer; pointer - number, pointer - pointer: a number. */
	if (code == VC_ADD)
		tag = vm->tag[d] | other;
	else if (code == VC_SUB)
		tag = vm->tag[d] ^ other;
	else if (code == VC_MOV && i->off == 0)
		tag = other;
	vm->reg[d] = vc_alu64(code, vm->reg[d], operand(vm, i), i->off);
	vm->tag[d] = tag;
}

static void alu32(struct vm *vm, const struct vc_insn *i)
{
	uint32_t d = vc_dst(i), code = VC_CODE(i->op);

	if (code == VC_END)
		vm->reg[d] = vc_byte_order(vm->reg[d], i->imm, VC_X(i->op));
	else
		vm->reg[d] = vc_alu32(code, (uint32_t)vm->reg[d], (uint32_t)operand(vm, i), i->off);
	vm->tag[d] = TAG_NUMBER;
}

static bool is_unsigned_relation(uint32_t code)
{
	return code == VC_JGT || code == VC_JGE || code == VC_JLT || code == VC_JLE;
}

/*
 * Pointers into one memory compare by their signed offsets, whichever the signedness of the jump: so does an end pointer
 * with one before the start, as addresses do. A pointer equals no number and no pointer into another memory.
 */
static bool jump_taken(const struct vm *vm, const struct vc_insn *i)
{
	uint64_t a = vm->reg[vc_dst(i)], b = operand(vm, i);
	uint8_t tag = vm->tag[vc_dst(i)], other = VC_X(i->op) ? vm->tag[vc_src(i)] : TAG_NUMBER;
	uint32_t code = VC_CODE(i->op);

	if (VC_CLASS(i->op) == VC_JMP32)
		return vc_condition(code, vc_sign_extend(a, 32), vc_sign_extend(b, 32));
	if (tag != other && (code == VC_JEQ || code == VC_JNE))
		return code == VC_JNE;
	if (tag && is_unsigned_relation(code)) {
		a ^= 1ull << 63;
		b ^= 1ull << 63;
	}
	return vc_condition(code, a, b);
}

static void lddw(struct vm *vm, uint32_t pc)
{
	const struct vc_insn *i = &vm->p->insn[pc];
	uint64_t next = pc + 1 < vm->p->ninsn ? (uint32_t)i[1].imm : 0;
	uint32_t d = vc_dst(i), map = (uint32_t)i->imm;

	switch (vc_src(i)) {
	case VC_SRC_MAP:
		vm->reg[d] = next;
		vm->tag[d] = (uint8_t)(map == VC_MAP_RODATA ? TAG_RODATA
				       : map == VC_MAP_DATA
					       ? TAG_DATA
					       : TAG_TABLE + (map - VC_MAP_TABLE) % VC_TABLES_MAX);
		break;
	case VC_SRC_HANDLE:
		vm->reg[d] = map - VC_MAP_TABLE;
		vm->tag[d] = TAG_HANDLE;
		break;
	default: vm->reg[d] = next << 32 | map; vm->tag[d] = TAG_NUMBER;
	}
}

/* ---- calls ---- */

/* Argument n as the helper takes it; memory as a machine pointer, checked for its whole size. */
static int helper_argument(struct vm *vm, uint8_t kind, uint32_t n, uint64_t *a)
{
	uint64_t v = vm->reg[n + 1], size = n < 4 ? vm->reg[n + 2] : UINT64_MAX;
	uint8_t tag = vm->tag[n + 1];
	int reason = 0;

	*a = v;
	switch (kind) {
	case VC_ARG_NONE: *a = 0; return 0;
	case VC_ARG_SCALAR:
	case VC_ARG_MEM_SIZE: return tag ? VC_POINTER_LEAK : 0;
	case VC_ARG_CTX:
		*a = (uintptr_t)vm->run->ctx;
		return tag == TAG_CTX && v == 0 ? 0 : VC_HELPER_ARGUMENT;
	case VC_ARG_TABLE: return tag == TAG_HANDLE && v < vm->p->ntable ? 0 : VC_HELPER_ARGUMENT;
	default:
		if (size > VC_MEM_MAX || tag == TAG_CTX)
			return VC_HELPER_ARGUMENT;
		*a = (uintptr_t)within(vm, tag, v, size, kind == VC_ARG_MEM_W, &reason);
		return reason;
	}
}

static void forget_arguments(struct vm *vm)
{
	memset(&vm->reg[1], 0, 5 * sizeof(vm->reg[0]));
	memset(&vm->tag[1], 0, 5);
}

static int call_helper(struct vm *vm, const struct vc_insn *i, int64_t *pc)
{
	const struct vc_helper *h = vc_helper_find(vm->p->kind, i->imm);
	struct vc_run *run = vm->run;
	int64_t left;
	uint64_t a[5];

	if (!h || !run->fn || !run->fn[i->imm])
		return VC_BAD_HELPER;
	for (uint32_t n = 0; n < 5; n++) {
		int r = helper_argument(vm, h->arg[n], n, &a[n]);

		if (r)
			return r;
	}
	if (!spend(vm, h->cost))
		return VC_BUDGET_EXHAUSTED;
	left = run->budget;
	vm->reg[0] = run->fn[i->imm](run, a[0], a[1], a[2], a[3], a[4]);
	vm->tag[0] = TAG_NUMBER;
	/* A helper may charge more for what it did, never give any back. */
	if (run->budget > left)
		run->budget = left;
	else if (run->budget < 0)
		run->budget = 0;
	forget_arguments(vm);
	if (run->stop)
		return VC_HELPER_STOP;
	++*pc;
	return 0;
}

/* Draws the line between the running function's frame and those of its callers. */
static void set_stack(struct vm *vm)
{
	uint64_t first = (uint64_t)vm->depth * VC_STACK;
	struct region *own = &vm->region[TAG_STACK];

	own->base = vm->run->stack + first;
	own->first = first;
	vm->region[TAG_OUTER].len = first;
	vm->reg[10] = first + VC_STACK;
	vm->tag[10] = TAG_STACK;
}

static void enter_frame(struct vm *vm)
{
	set_stack(vm);
	memset(vm->region[TAG_STACK].base, 0, VC_STACK);
	memset(vm->slot_tag[vm->depth], 0, sizeof(vm->slot_tag[0]));
}

static void note_start(struct vm *vm, int64_t pc)
{
	if (pc >= 0 && pc < vm->p->ninsn && pc < (int64_t)VC_INSNS_MAX)
		vm->starts[pc / 64] |= 1ull << (pc % 64);
}

/* Found out at the first local call of a run, in one walk over the program; the structural pass has the same rule. */
static void find_starts(struct vm *vm)
{
	const struct vc_prog *p = vm->p;

	memset(vm->starts, 0, sizeof(vm->starts));
	for (uint32_t e = 0; e < p->nentry; e++)
		note_start(vm, p->entry[e]);
	for (uint32_t pc = 0; pc < p->ninsn; pc++)
		if (vc_is_local_call(&p->insn[pc]))
			note_start(vm, vc_target(&p->insn[pc], pc));
	vm->starts_known = true;
}

/* How many slots the function at pc has: up to the next function, or to the end. */
static uint32_t function_length(const struct vm *vm, uint32_t pc)
{
	uint32_t end = pc + 1;

	while (end < vm->p->ninsn) {
		uint64_t rest = end < VC_INSNS_MAX ? vm->starts[end / 64] >> (end % 64) : 1;

		if (rest) {
			end += (uint32_t)__builtin_ctzll(rest);
			break;
		}
		end = (end | 63) + 1;
	}
	return (end < vm->p->ninsn ? end : vm->p->ninsn) - pc;
}

static int call_local(struct vm *vm, const struct vc_insn *i, int64_t *pc)
{
	int64_t t = vc_target(i, (uint32_t)*pc);
	struct frame *f;

	if (t < 0 || t >= vm->p->ninsn)
		return VC_BAD_JUMP;
	if (vm->depth + 1 >= VC_FRAMES)
		return VC_RECURSION;
	if (!vm->starts_known)
		find_starts(vm);
	if (!spend(vm, function_length(vm, (uint32_t)t)))
		return VC_BUDGET_EXHAUSTED;
	f = &vm->frame[++vm->depth];
	memcpy(f->reg, &vm->reg[6], sizeof(f->reg));
	memcpy(f->tag, &vm->tag[6], sizeof(f->tag));
	f->pc = (uint32_t)*pc + 1;
	for (uint32_t n = 1; n <= 5; n++)
		if (vm->tag[n] == TAG_STACK)
			vm->tag[n] = TAG_OUTER;
	enter_frame(vm);
	*pc = t;
	return 0;
}

static void return_local(struct vm *vm, int64_t *pc)
{
	const struct frame *f = &vm->frame[vm->depth];

	memcpy(&vm->reg[6], f->reg, sizeof(f->reg));
	memcpy(&vm->tag[6], f->tag, sizeof(f->tag));
	*pc = f->pc;
	vm->depth--;
	set_stack(vm);
	forget_arguments(vm);
}

/* ---- control ---- */

#define RUNNING (-1) /* no reason, not at the last EXIT yet */

static int exit_insn(struct vm *vm, int64_t *pc)
{
	if (vm->depth) {
		return_local(vm, pc);
		return RUNNING;
	}
	if (vm->tag[0])
		return VC_POINTER_LEAK;
	vm->run->r0 = vm->reg[0];
	return VC_FINE;
}

/* Jumps, calls, EXIT. */
static int branch(struct vm *vm, const struct vc_insn *i, int64_t *pc)
{
	int64_t t;
	int r;

	if (i->op == VC_OP_EXIT)
		return exit_insn(vm, pc);
	if (i->op == VC_OP_CALL) {
		r = vc_src(i) == VC_SRC_LOCAL ? call_local(vm, i, pc) : call_helper(vm, i, pc);
		return r ? r : RUNNING;
	}
	if (i->op != VC_OP_JA && i->op != VC_OP_GOTOL && !jump_taken(vm, i)) {
		++*pc;
		return RUNNING;
	}
	t = vc_target(i, (uint32_t)*pc);
	if (t < 0 || t >= vm->p->ninsn)
		return VC_BAD_JUMP;
	if (t <= *pc && !spend(vm, (uint64_t)(*pc - t + 1)))
		return VC_BUDGET_EXHAUSTED;
	*pc = t;
	return RUNNING;
}

/* One instruction that is no branch. */
static int straight(struct vm *vm, const struct vc_insn *i, int64_t *pc)
{
	int r = 0;

	switch (VC_CLASS(i->op)) {
	case VC_ALU64: alu64(vm, i); break;
	case VC_ALU: alu32(vm, i); break;
	case VC_LDX: r = load(vm, i); break;
	case VC_ST: r = store(vm, i); break;
	case VC_STX: r = vc_is_atomic(i->op) ? atomic(vm, i) : store(vm, i); break;
	default: lddw(vm, (uint32_t)(*pc)++); break;
	}
	if (r)
		return r;
	++*pc;
	return RUNNING;
}

static int run_loop(struct vm *vm, int64_t pc)
{
	const struct vc_prog *p = vm->p;
	uint64_t insns = 0;
	int r = RUNNING;

	while (r == RUNNING) {
		const struct vc_insn *i = &p->insn[pc];
		uint32_t cls = VC_CLASS(i->op);

		vm->run->pc = (uint32_t)pc;
		vm->run->insns = ++insns;
		if (vm->run->trace)
			vm->run->trace(vm->run, (uint32_t)pc, vm->reg);
		r = cls == VC_JMP || cls == VC_JMP32 ? branch(vm, i, &pc) : straight(vm, i, &pc);
		if (r == RUNNING && pc >= p->ninsn)
			r = VC_NO_EXIT;
	}
	return r;
}

static void regions_init(struct vm *vm)
{
	const struct vc_prog *p = vm->p;
	struct vc_run *run = vm->run;
	struct region *g = vm->region;
	uint32_t ntable = p->ntable < VC_TABLES_MAX ? p->ntable : VC_TABLES_MAX;

	memset(g, 0, sizeof(vm->region));
	for (uint32_t t = 0; t < NTAG; t++)
		g[t].outside = t < TAG_TABLE ? VC_NOT_A_POINTER : VC_TABLE_BOUNDS;
	g[TAG_CTX] = (struct region){run->ctx, 0, p->kind->ctx_size, false, VC_CONTEXT_ACCESS};
	g[TAG_WINDOW] = (struct region){run->window, 0, run->window_len, true, VC_WINDOW_BOUNDS};
	/* The cast drops const; within() sees to it that nothing is written there. */
	g[TAG_RODATA] = (struct region){(uint8_t *)(uintptr_t)p->rodata, 0, p->rodata_len, false,
					VC_DATA_BOUNDS};
	g[TAG_DATA] = (struct region){run->data, 0, p->data_len, true, VC_DATA_BOUNDS};
	g[TAG_STACK] = (struct region){run->stack, 0, VC_STACK, true, VC_STACK_BOUNDS};
	g[TAG_OUTER] = (struct region){run->stack, 0, 0, true, VC_STACK_BOUNDS};
	for (uint32_t n = 0; n < ntable; n++)
		g[TAG_TABLE + n] = (struct region){run->table[n], 0, p->table_bytes[n], true,
						   VC_TABLE_BOUNDS};
}

static void vm_init(struct vm *vm, const struct vc_prog *p, struct vc_run *run)
{
	memset(vm->reg, 0, sizeof(vm->reg));
	memset(vm->tag, 0, sizeof(vm->tag));
	vm->p = p;
	vm->run = run;
	vm->depth = 0;
	vm->starts_known = false;
	regions_init(vm);
	if (vc_is_raw(p->kind)) {
		vm->tag[1] = TAG_WINDOW;
		vm->reg[2] = run->window_len;
	} else {
		vm->tag[1] = TAG_CTX;
	}
	enter_frame(vm);
}

int vc_interp(const struct vc_prog *p, uint32_t e, struct vc_run *r)
{
	struct vm vm;

	r->r0 = 0;
	r->insns = 0;
	r->pc = 0;
	r->stop = 0;
	if (r->budget < 0)
		r->budget = 0;
	if (e >= p->nentry || e >= VC_ENTRIES_MAX || p->entry[e] >= p->ninsn)
		return VC_BAD_JUMP;
	r->pc = p->entry[e];
	if (r->window_len < vc_min_window(p))
		return VC_WINDOW_BOUNDS;
	vm_init(&vm, p, r);
	return run_loop(&vm, p->entry[e]);
}
