/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz_jit.c - generated code against the interpreter, on whatever libFuzzer thinks of. The first byte chooses the generator and how
 * it is run, the next two window and budget; the last eighth becomes mutations.
 */
#include "xok/vcode/test/jit_generate.h"
#include "xok/vcode/test/jit_lab.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct trial t;
	struct bytes b, tail;
	struct lab_case c;

	if (size < 16)
		return 0;
	lab_open();
	tail = (struct bytes){data + size - size / 8, size / 8};
	b = (struct bytes){data + 3, size - 3 - tail.len};
	if (data[0] & 1) {
		t.kind = data[0] & 8 ? VC_KIND_RAW : VC_KIND_HANDLER;
		t.min_window = 0;
		t.n = (uint32_t)(b.len / sizeof(t.insn[0]));
		t.n = t.n > GENERATE_MAX ? GENERATE_MAX : t.n;
		memcpy(t.insn, b.data, t.n * sizeof(t.insn[0]));
	} else {
		if (data[0] & 2)
			generate(&b, &t);
		else
			jit_generate(&b, &t);
		if (data[0] & 4)
			jit_mutate(&tail, &t);
	}
	c = (struct lab_case){
		.kind = &vc_kinds[t.kind],
		.insn = t.insn,
		.ninsn = t.n,
		.min_window = t.min_window,
		.window_len = data[1] + T_MIN_WINDOW + t.min_window,
		.budget = (int64_t)data[2] * data[2] / 8,
		.cpu = data[0] & 16 ? lab_cpu() : 0,
		.low = data[0] & 32,
		.fill = data[0],
	};
	lab_try(&c);
	return 0;
}
