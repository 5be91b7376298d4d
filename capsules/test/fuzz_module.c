/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz_module.c - any file: parsing reads nothing outside it, what is accepted is its program's one encoding, and the verifier takes
 * whatever program it holds. The first octet of the input chooses how much of the header is made right.
 */
#include "capsule/module.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void check(const struct module *m, const uint8_t *p, size_t n)
{
	static uint8_t again[MODULE_MAX];
	struct vc_prog prog;
	struct vc_report rep;
	size_t scratch_len;
	void *scratch;

	must(module_write(m, again, sizeof(again), NULL) == n);
	must(memcmp(again, p, n) == 0);
	must(module_prog(m, &prog));
	scratch_len = vc_scratch_size(prog.ninsn);
	scratch = malloc(scratch_len);
	must(scratch != NULL);
	vc_verify(&prog, scratch, scratch_len, &rep);
	free(scratch);
}

/* Magic, version, length; with `all` also the counts: one entry point, no helpers and no data, so that all of the rest is code. */
static void make_right(uint8_t *p, size_t n, bool all)
{
	static const uint8_t head[] = {'A', 'M', 'P', 'M', 1, 0, 1, 0};
	uint32_t len = (uint32_t)n, ninsn = (uint32_t)((n - 96) / 8);

	memcpy(p, head, sizeof(head));
	memcpy(p + 8, &len, 4);
	if (!all)
		return;
	p[6] = p[7] % 4 + 1;
	p[7] = 0;
	memset(p + 12, 0, 84);
	memcpy(p + 12, &ninsn, 4);
	p[24] = 1;
	p[36] = 'f';
	p[68] = 'f';
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct module m;
	uint8_t *p;
	size_t n;

	if (size == 0)
		return 0;
	n = size - 1;
	p = malloc(n > 0 ? n : 1);
	must(p != NULL);
	memcpy(p, data + 1, n);
	if ((data[0] & 0x80) && n >= 96)
		make_right(p, n, data[0] & 0x40);
	if (module_parse(p, n, &m) == MODULE_OK)
		check(&m, p, n);
	free(p);
	return 0;
}
