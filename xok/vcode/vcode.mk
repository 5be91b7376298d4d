# SPDX-License-Identifier: BSD-2-Clause
#
# Downloaded code: VCODE_SRC is freestanding and goes into kernels, environments and the host's programs.

VCODE_SRC := $(addprefix xok/vcode/,verify.c structure.c flow.c flow_memory.c flow_value.c known.c \
	interp.c disasm.c report.c text.c)

VCODE_TEST := $(addprefix xok/vcode/test/,asm.c harness.c)
VCODE_TESTS := $(addprefix $(B)/test/test_vcode_,opcodes refusals interp stops report random programs)

$(B)/test/test_vcode_%: $(patsubst %.c,$(B)/san/%.o,$(VCODE_SRC) $(VCODE_TEST)) $(B)/san/xok/vcode/test/test_%.o
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) $(SAN) -o $@ $^ -lcmocka

$(B)/test/test_vcode_random: $(patsubst %,$(B)/san/xok/vcode/test/%.o,generate examine)

$(B)/fuzz/fuzz_verify: $(patsubst %.c,$(B)/fuzzobj/%.o,$(VCODE_SRC) $(VCODE_TEST) \
		$(patsubst %,xok/vcode/test/%.c,generate examine fuzz_verify))
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

HOST_TESTS += $(VCODE_TESTS)
FUZZERS += $(B)/fuzz/fuzz_verify
