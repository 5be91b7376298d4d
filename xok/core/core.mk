# SPDX-License-Identifier: BSD-2-Clause
#
# The exokernel core. CORE_SRC is freestanding; it needs DPF_SRC beside it.

CORE_SRC := $(addprefix xok/core/,cap.c cons.c env.c filter.c frame.c init.c log.c map.c port.c ring.c \
	sched.c syscall.c upcall.c)

# The core on a machine in memory. DPF_SRC comes from a fragment that is read later.
CORE_FAKE_SRC := $(CORE_SRC) $(wildcard xok/dpf/*.c) xok/core/test/fake.c xok/core/test/books.c
CORE_TESTS := $(addprefix $(B)/test/test_core_,cap env map packet sched syscall)

$(CORE_TESTS): $(B)/test/test_core_%: $(B)/san/xok/core/test/test_%.o $(CORE_FAKE_SRC:%.c=$(B)/san/%.o)
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) $(SAN) -o $@ $^ -lcmocka

HOST_TESTS += $(CORE_TESTS)

$(B)/fuzz/fuzz_syscall: $(B)/fuzzobj/xok/core/test/fuzz_syscall.o $(CORE_FAKE_SRC:%.c=$(B)/fuzzobj/%.o)
	@mkdir -p $(@D)
	$(Q)$(FUZZ_CC) $(FUZZ_SAN) -o $@ $^

FUZZERS += $(B)/fuzz/fuzz_syscall
