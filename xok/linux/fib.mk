# SPDX-License-Identifier: BSD-2-Clause
#
# The lookup tables of machine `linux`: LINUX_FIB_SRC goes into xokd.

LINUX_FIB_SRC := $(addprefix xok/linux/,fib.c fib4.c fib6.c)

LINUX_FIB_TESTS := $(addprefix $(B)/test/test_linux_,fib fib_readers)

$(LINUX_FIB_TESTS): $(B)/test/test_linux_%: $(LINUX_FIB_SRC:%.c=$(B)/san/%.o) $(TABLE_SRC:%.c=$(B)/san/%.o) $(B)/san/xok/linux/test/test_%.o
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) $(SAN) -o $@ $^ -lcmocka -lpthread

HOST_TESTS += $(LINUX_FIB_TESTS)
