/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz_verify.c - the verifier and the interpreter on whatever libFuzzer thinks of. The first byte chooses how the rest becomes a
 * program: as it stands (of both kinds), through the generator, or through the generator and then damaged by the last bytes. The two next
 * ones are the window's length and the budget.
 */
#include "xok/vcode/test/generate.h"
#include "xok/vcode/test/harness.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Three bytes each: where, and which bits to turn over. */
static void damage(struct vc_insn *insn, uint32_t n, const uint8_t *d, size_t size)
{
	for (; size >= 3; d += 3, size -= 3)
		((uint8_t *)insn)[(d[0] | d[1] << 8) % (n * sizeof(*insn))] ^= d[2];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct trial t;
	struct bytes b;
	size_t tail = 0;

	if (size < 3)
		return 0;
	t.window_len = data[1];
	t.budget = (int64_t)data[2] * data[2];
	if (data[0] % 4 < 2) {
		t.kind = data[0] % 4 ? VC_KIND_RAW : VC_KIND_HANDLER;
		t.min_window = 0;
		t.n = (uint32_t)((size - 3) / sizeof(t.insn[0]));
		if (t.n > GENERATE_MAX)
			t.n = GENERATE_MAX;
		memcpy(t.insn, data + 3, t.n * sizeof(t.insn[0]));
	} else {
		if (data[0] % 4 == 3)
			tail = (size - 3) / 8 < 30 ? (size - 3) / 8 : 30;
		b = (struct bytes){data + 3, size - 3 - tail};
		generate(&b, &t);
		damage(t.insn, t.n, data + size - tail, tail);
	}
	examine(&t);
	return 0;
}
