/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vm.h - inside the interpreter: its registers with their tags, its regions, and the only way to an address, within(). The
 * argument why it suffices stands at the top of interp.c.
 */
#ifndef XOK_VCODE_VM_H
#define XOK_VCODE_VM_H

#include <string.h>

#include "xok/vcode/internal.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "loads and stores are little-endian");

enum tag {
	TAG_NUMBER,
	TAG_CTX,
	TAG_WINDOW,
	TAG_RODATA,
	TAG_DATA,
	TAG_STACK, /* of the function that runs */
	TAG_OUTER, /* of its callers */
	TAG_HANDLE,
	TAG_TABLE,
	NTAG = 16
};
_Static_assert(TAG_TABLE + VC_TABLES_MAX == NTAG, "a tag for each table");

/* The offsets [first, first + len), which lie at base. */
struct region {
	uint8_t *base;
	uint64_t first, len;
	bool writable;
	uint8_t outside; /* the reason when an access is not within it */
};

struct frame {
	uint64_t reg[4]; /* r6 to r9 of the caller */
	uint8_t tag[4];
	uint32_t pc; /* where to return to */
};

struct vm {
	const struct vc_prog *p;
	struct vc_run *run;
	uint64_t reg[16]; /* 11 in use; sixteen so that no register field leads outside */
	uint8_t tag[16];
	struct region region[NTAG];
	/* What was stored last through r10 as a whole slot: its tag, and for the context and handles the value. */
	uint8_t slot_tag[VC_FRAMES][VC_STACK / 8];
	int16_t slot_value[VC_FRAMES][VC_STACK / 8];
	struct frame frame[VC_FRAMES];
	uint32_t depth; /* of calls: frame[depth] is where the running function returns to */
	bool starts_known;
	uint64_t starts[VC_INSNS_MAX / 64]; /* first instructions of functions */
};

/* The bytes [off, off + size) of a region, or NULL and the reason. */
static inline uint8_t *within(struct vm *vm, uint8_t tag, uint64_t off, uint64_t size, bool write,
			      int *reason)
{
	struct region *g = &vm->region[tag % NTAG];

	if (write && !g->writable && g->len) {
		*reason = VC_READ_ONLY;
		return NULL;
	}
	off -= g->first;
	/* off + size could wrap; g->len - size cannot, once size <= g->len. */
	if (size > g->len || off > g->len - size) {
		*reason = g->outside;
		return NULL;
	}
	return off ? g->base + off : g->base; /* an empty region may be NULL */
}

static inline uint64_t read_bytes(const uint8_t *at, uint32_t size)
{
	uint64_t v = 0;

	switch (size) {
	case 1: return *at;
	case 2: memcpy(&v, at, 2); return v;
	case 4: memcpy(&v, at, 4); return v;
	default: memcpy(&v, at, 8); return v;
	}
}

static inline void write_bytes(uint8_t *at, uint64_t v, uint32_t size)
{
	switch (size) {
	case 1: *at = (uint8_t)v; break;
	case 2: memcpy(at, &v, 2); break;
	case 4: memcpy(at, &v, 4); break;
	default: memcpy(at, &v, 8); break;
	}
}

#endif
