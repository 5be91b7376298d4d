# SPDX-License-Identifier: BSD-2-Clause
#
# The exokernel core. CORE_SRC is freestanding; it needs DPF_SRC, VCODE_SRC and TABLE_SRC beside it.

CORE_SRC := $(addprefix xok/core/,cap.c checksum.c code.c cons.c cpu.c env.c filter.c frame.c handler.c helpers.c \
	init.c log.c map.c object.c port.c prog.c ring.c sched.c syscall.c tables.c trace.c upcall.c)

# The core on a machine in memory. What it needs comes from fragments that are read later.
CORE_FAKE_SRC := $(CORE_SRC) $(wildcard xok/dpf/*.c xok/table/*.c xok/vcode/*.c) \
	$(addprefix xok/core/test/,fake.c books.c load.c) xok/vcode/test/asm.c
CORE_TESTS := $(addprefix $(B)/test/test_core_,burst cap env handler helpers map packet pieces prog sched syscall table trace)

$(CORE_TESTS): $(B)/test/test_core_%: $(B)/san/xok/core/test/test_%.o $(CORE_FAKE_SRC:%.c=$(B)/san/%.o)
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) $(SAN) -o $@ $^ -lcmocka

# Several processors, with the thread sanitizer. It knows no fences: those of sequence numbers only
# bring order into words that are read and written atomically.
CORE_TSAN := -fsanitize=thread -Wno-tsan -fno-omit-frame-pointer
$(B)/tsan/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CC      $@"
	$(Q)$(HOST_CC) $(BASE_CFLAGS) -O1 -D_GNU_SOURCE $(CORE_TSAN) -c -o $@ $<

$(B)/test/test_core_threads: $(B)/tsan/xok/core/test/test_threads.o $(CORE_FAKE_SRC:%.c=$(B)/tsan/%.o)
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) $(CORE_TSAN) -pthread -o $@ $^ -lcmocka

HOST_TESTS += $(CORE_TESTS) $(B)/test/test_core_threads

$(B)/fuzz/fuzz_syscall: $(patsubst %,$(B)/fuzzobj/xok/core/test/%.o,fuzz_syscall fuzz_make) \
		$(CORE_FAKE_SRC:%.c=$(B)/fuzzobj/%.o)
	@mkdir -p $(@D)
	$(Q)$(FUZZ_CC) $(FUZZ_SAN) -o $@ $^

# The check of the books is not what is looked for.
$(B)/fuzzobj/xok/core/test/books.o: EXTRA_CFLAGS := -fno-sanitize=fuzzer

FUZZERS += $(B)/fuzz/fuzz_syscall
