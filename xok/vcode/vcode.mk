# SPDX-License-Identifier: BSD-2-Clause
#
# Downloaded code: VCODE_SRC is freestanding and goes into kernels, environments and the host's programs.

VCODE_SRC := $(addprefix xok/vcode/,kinds.c verify.c structure.c flow.c flow_memory.c flow_value.c known.c \
	interp.c disasm.c report.c text.c jit.c jit_plan.c jit_alu.c jit_mem.c jit_jump.c jit_call.c jit_emit.c)

# The harness has kinds and helpers of its own.
VCODE_UNDER_TEST := $(filter-out %/kinds.c,$(VCODE_SRC))
VCODE_TEST := $(addprefix xok/vcode/test/,asm.c harness.c)
VCODE_TESTS := $(addprefix $(B)/test/test_vcode_,opcodes refusals interp stops report random programs replay kinds)

$(B)/test/test_vcode_kinds: $(patsubst %.c,$(B)/san/%.o,$(VCODE_SRC)) $(B)/san/xok/vcode/test/test_kinds.o
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) $(SAN) -o $@ $^ -lcmocka

$(B)/test/test_vcode_%: $(patsubst %.c,$(B)/san/%.o,$(VCODE_UNDER_TEST) $(VCODE_TEST)) $(B)/san/xok/vcode/test/test_%.o
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) $(SAN) -o $@ $^ -lcmocka

$(B)/test/test_vcode_random: $(patsubst %,$(B)/san/xok/vcode/test/%.o,generate examine oracle)

$(B)/fuzz/fuzz_verify: $(patsubst %.c,$(B)/fuzzobj/%.o,$(VCODE_UNDER_TEST) $(VCODE_TEST) \
		$(patsubst %,xok/vcode/test/%.c,generate examine oracle fuzz_verify))
	@mkdir -p $(@D)
	$(Q)$(FUZZ_CC) $(FUZZ_SAN) -o $@ $^ -lcmocka

# Programs as clang makes them, for test_vcode_programs.
VCODE_PROGRAMS := $(patsubst xok/vcode/test/programs/%.c,$(B)/bpf/%.o,$(wildcard xok/vcode/test/programs/*.c))

$(B)/bpf/%.o: xok/vcode/test/programs/%.c xok/vcode/test/programs/program.h
	@mkdir -p $(@D)
	$(Q)clang -O2 -target bpf -mcpu=v3 -ffreestanding -Wall -Wextra -Werror -I. -c -o $@ $<

$(B)/test/test_vcode_programs: $(B)/san/xok/vcode/test/bpf_elf.o
$(B)/test/test_vcode_programs: | $(VCODE_PROGRAMS)
TIDY_INC += -DPROGRAMS='""'
$(B)/san/xok/vcode/test/test_programs.o: EXTRA_CFLAGS := -DPROGRAMS='"$(B)/bpf/"'

# Generated code against the interpreter. Without sanitizers: what they would see, the pages beside each region show.
JIT_TEST := $(addprefix xok/vcode/test/,asm.c harness.c generate.c jit_lab.c jit_generate.c jit_evolve.c)
JIT_TESTS := $(addprefix $(B)/test/test_vcode_,jit jit_random)

$(JIT_TESTS): $(B)/test/test_vcode_%: $(patsubst %.c,$(B)/host/%.o,$(VCODE_UNDER_TEST) $(JIT_TEST)) $(B)/host/xok/vcode/test/test_%.o
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) -o $@ $^ -lcmocka

$(B)/fuzz/fuzz_jit: $(patsubst %.c,$(B)/fuzzobj/%.o,$(VCODE_UNDER_TEST) $(JIT_TEST) xok/vcode/test/fuzz_jit.c)
	@mkdir -p $(@D)
	$(Q)$(FUZZ_CC) $(FUZZ_SAN) -o $@ $^ -lcmocka

# `make soak` asks for a hundred times as many random programs as `make test`.
soak-run: export VCODE_RANDOM ?= 50000000

HOST_TESTS += $(VCODE_TESTS) $(JIT_TESTS)
FUZZERS += $(B)/fuzz/fuzz_verify $(B)/fuzz/fuzz_jit
