/* SPDX-License-Identifier: BSD-2-Clause */
/* bpf_elf.h - reads what clang -target bpf writes, enough for test programs; anything unexpected ends the process. */
#ifndef XOK_VCODE_TEST_BPF_ELF_H
#define XOK_VCODE_TEST_BPF_ELF_H

#include "xok/vcode/vcode.h"

struct bpf_object {
	struct vc_insn insn[VC_INSNS_MAX];
	uint32_t ninsn;
	uint8_t rodata[4096];
	uint32_t rodata_len;
	uint32_t data_len; /* zeroed */
	uint32_t entry;	   /* where the section "program" went */
};

void bpf_object_read(struct bpf_object *o, const char *path);

#endif
