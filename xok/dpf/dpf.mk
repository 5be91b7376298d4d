# SPDX-License-Identifier: BSD-2-Clause
#
# The demultiplexer: DPF_SRC is freestanding and goes into every kernel and into the host's programs.

DPF_SRC := $(addprefix xok/dpf/,dpf.c canon.c heap.c table.c vec.c match.c x86.c)

DPF_TEST_LIBS := -lcmocka -lpthread

$(B)/test/test_dpf: $(DPF_SRC:%.c=$(B)/san/%.o) $(B)/san/xok/dpf/test/test_dpf.o
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) $(SAN) -o $@ $^ $(DPF_TEST_LIBS)

$(B)/test/test_dpf_random: $(DPF_SRC:%.c=$(B)/san/%.o) $(B)/san/xok/dpf/test/linear.o \
		$(B)/san/xok/dpf/test/test_random.o
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) $(SAN) -o $@ $^ $(DPF_TEST_LIBS)

$(B)/fuzz/fuzz_dpf: $(DPF_SRC:%.c=$(B)/fuzzobj/%.o) $(B)/fuzzobj/xok/dpf/test/linear.o \
		$(B)/fuzzobj/xok/dpf/test/fuzz_dpf.o
	@mkdir -p $(@D)
	$(Q)$(FUZZ_CC) $(FUZZ_SAN) -o $@ $^

HOST_TESTS += $(B)/test/test_dpf $(B)/test/test_dpf_random
FUZZERS += $(B)/fuzz/fuzz_dpf

# `make soak` asks for twenty times as many random cases as `make test`.
soak-run: export DPF_RANDOM ?= 10000000
