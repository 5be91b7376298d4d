/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz_dpf.c - filters as raw bytes, as they come through the system call, and packets; native code
 * and the interpreter against the linear matcher.
 *
 * Input: commands of one byte. The two low bits: 0, 1 insert (then the filter's natoms and atoms),
 * 2 remove, 3 match (then the length and the bytes). The upper bits are the id.
 */
#include <stdlib.h>
#include <string.h>

#include "code.h"
#include "linear.h"
#include "xok/dpf/dpf.h"

struct input {
	const uint8_t *p;
	size_t left;
};

static size_t take(struct input *in, void *to, size_t n)
{
	if (n > in->left)
		n = in->left;
	memcpy(to, in->p, n);
	in->p += n;
	in->left -= n;
	return n;
}

static void insert(struct dpf *d, struct linear *l, struct input *in, uint32_t id)
{
	struct xok_filter f;
	uint32_t equal = DPF_NONE;
	uint8_t n = 0;
	int err;

	memset(&f, 0, sizeof(f));
	take(in, &n, 1);
	f.natoms = n % (XOK_FILTER_ATOMS + 2);
	for (uint32_t i = 0; i < f.natoms && i < XOK_FILTER_ATOMS; i++)
		take(in, &f.atom[i], sizeof(f.atom[i]));
	err = dpf_insert(d, &f, id, &equal);
	if (err == 0)
		linear_insert(l, &f, id);
	else if (err == DPF_EEXIST && equal == DPF_NONE)
		abort();
	else if (dpf_check(&f) == 0 && err == DPF_EINVAL && id != DPF_NONE) {
		/* Only an id that is in use makes a good filter invalid. */
		if (!linear_remove(l, id) || dpf_remove(d, id) != 0)
			abort();
	}
}

static void match(const struct dpf *d, const struct linear *l, struct input *in)
{
	uint8_t len = 0, *pkt;
	size_t n;

	take(in, &len, 1);
	n = len < in->left ? len : in->left;
	pkt = malloc(n ? n : 1);
	if (!pkt)
		abort();
	take(in, pkt, n);
	if (dpf_match_plain(d, pkt, n) != linear_match(l, pkt, n) ||
	    dpf_match(d, guarded(pkt, n), n) != linear_match(l, pkt, n))
		abort();
	free(pkt);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static _Alignas(16) uint8_t arena[16384];
	static struct linear l;
	static struct code code;
	struct dpf *d = dpf_init(arena, sizeof(arena));
	struct input in = {data, size};
	uint8_t c;

	if (!d)
		abort();
	if (!code.w)
		code = code_new(16384);
	dpf_code(d, code.w, code.x, code.bytes);
	l.n = 0;
	while (take(&in, &c, 1) == 1) {
		uint32_t id = c >> 2;

		if ((c & 3) == 3)
			match(d, &l, &in);
		else if ((c & 3) < 2)
			insert(d, &l, &in, id);
		else if (linear_remove(&l, id) != (dpf_remove(d, id) == 0))
			abort();
	}
	return 0;
}
