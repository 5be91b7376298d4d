# SPDX-License-Identifier: BSD-2-Clause
#
# Tables that programs and environments share: TABLE_SRC is freestanding and goes into kernels, environments and the host's programs.

TABLE_SRC := $(addprefix xok/table/,table.c hash.c lpm.c flow.c)

TABLE_TESTS := $(addprefix $(B)/test/test_table_,table hash lpm reader)

$(B)/test/test_table_%: $(TABLE_SRC:%.c=$(B)/san/%.o) $(B)/san/xok/table/test/test_%.o
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) $(SAN) -o $@ $^ -lcmocka -lpthread

$(B)/fuzz/fuzz_table: $(TABLE_SRC:%.c=$(B)/fuzzobj/%.o) $(B)/fuzzobj/xok/table/test/fuzz_table.o
	@mkdir -p $(@D)
	$(Q)$(FUZZ_CC) $(FUZZ_SAN) -o $@ $^

HOST_TESTS += $(TABLE_TESTS)
FUZZERS += $(B)/fuzz/fuzz_table
