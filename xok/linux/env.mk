# SPDX-License-Identifier: BSD-2-Clause
#
# Environments as processes: LINUX_ENV_SRC goes into xokd, which links LINUX_ENV_LIBS as well.

LINUX_ENV_SRC := $(addprefix xok/linux/,call.c call_machine.c call_message.c confine.c confine_calls.c env.c env_memory.c exec.c exec_child.c)
LINUX_ENV_LIBS := -lseccomp

# The request decoder by itself.
$(B)/test/test_linux_message: $(B)/san/xok/linux/call_message.o $(B)/san/xok/linux/test/test_message.o
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) $(SAN) -o $@ $^ -lcmocka
$(B)/fuzz/linux_message: $(B)/fuzzobj/xok/linux/call_message.o $(B)/fuzzobj/xok/linux/test/fuzz_message.o
	@mkdir -p $(@D)
	$(Q)$(FUZZ_CC) $(FUZZ_SAN) -o $@ $^

HOST_TESTS += $(B)/test/test_linux_message
FUZZERS += $(B)/fuzz/linux_message

# Real processes on a kernel without devices: what they run (linked by libamp.mk), and who looks after them.
LINUX_ENV_NAMES := env_hostile env_root
LINUX_ENV_PROGRAMS := $(LINUX_ENV_NAMES:%=$(B)/linux-env/%)

LINUX_ENV_TEST_SRC := $(LINUX_ENV_SRC) $(addprefix xok/linux/,arena.c clock.c log.c loop.c) $(addprefix xok/linux/test/,env_bed.c test_env.c) \
	$(CORE_SRC) $(wildcard xok/dpf/*.c xok/table/*.c xok/vcode/*.c)

$(B)/test/test_linux_env: $(LINUX_ENV_TEST_SRC:%.c=$(B)/san/%.o) | $(LINUX_ENV_PROGRAMS)
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) $(SAN) -o $@ $^ -lcmocka $(LINUX_ENV_LIBS)

HOST_TESTS += $(B)/test/test_linux_env

# The same requests without processes, as many as possible.
LINUX_CALL_FUZZ_SRC := $(LINUX_ENV_SRC) $(addprefix xok/linux/,arena.c loop.c test/fuzz_call.c) $(CORE_SRC) $(wildcard xok/dpf/*.c xok/table/*.c xok/vcode/*.c)

$(B)/fuzz/linux_call: $(LINUX_CALL_FUZZ_SRC:%.c=$(B)/fuzzobj/%.o)
	@mkdir -p $(@D)
	$(Q)$(FUZZ_CC) $(FUZZ_SAN) -o $@ $^ $(LINUX_ENV_LIBS)

FUZZERS += $(B)/fuzz/linux_call
