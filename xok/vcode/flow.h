/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * flow.h - inside the data-flow pass. Every vc_flow_... takes one instruction, updates w->cur and returns 0, or refuses.
 */
#ifndef XOK_VCODE_FLOW_H
#define XOK_VCODE_FLOW_H

#include "xok/vcode/internal.h"

#define VC_BIT(reg) (1u << (reg))

static inline struct vc_val vc_known(uint8_t kind)
{
	return (struct vc_val){.kind = kind};
}

/* Every byte of the stack that nobody wrote becomes a number: it reads as zero, or as what an unknown write left. */
void vc_stack_bytes(struct vc_state *s);

/* The offsets of pointers kept in the stack are not known any more. */
void vc_stack_pointers(struct vc_state *s);

/* Something was written at an unknown place through a pointer of this kind: notes what that means for the own stack or for OUTER. */
void vc_stack_written(struct vc_work *w, uint32_t pc, uint8_t kind);

/* The function of pc writes to the stacks of its callers. */
void vc_outer_written(struct vc_work *w, uint32_t pc);

int vc_flow_load(struct vc_work *w, uint32_t pc);
int vc_flow_store(struct vc_work *w, uint32_t pc);
int vc_flow_atomic(struct vc_work *w, uint32_t pc);
int vc_flow_alu(struct vc_work *w, uint32_t pc);
int vc_flow_compare(struct vc_work *w, uint32_t pc);
int vc_flow_helper(struct vc_work *w, uint32_t pc);

#endif
