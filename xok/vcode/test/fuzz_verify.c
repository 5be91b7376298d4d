/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz_verify.c - the verifier and the interpreter on whatever libFuzzer thinks of. The first byte chooses how the rest becomes a
 * program: as it stands, through the generator, or through the generator and then damaged by the last bytes. The two next ones are
 * the window's length and the budget.
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
	static struct vc_insn insn[GENERATE_MAX];
	struct bytes b;
	size_t tail = 0;
	uint32_t n, window;
	int64_t budget;

	if (size < 3)
		return 0;
	window = T_MIN_WINDOW + data[1];
	budget = (int64_t)data[2] * data[2];
	if (data[0] % 3 == 0) {
		n = (uint32_t)((size - 3) / sizeof(*insn));
		if (n > GENERATE_MAX)
			n = GENERATE_MAX;
		memcpy(insn, data + 3, n * sizeof(*insn));
	} else {
		if (data[0] % 3 == 2)
			tail = (size - 3) / 8 < 30 ? (size - 3) / 8 : 30;
		b = (struct bytes){data + 3, size - 3 - tail};
		n = generate(&b, insn);
		damage(insn, n, data + size - tail, tail);
	}
	examine(insn, n, window, budget);
	return 0;
}
