# SPDX-License-Identifier: BSD-2-Clause
#
# bench-vcode: downloaded code against gcc's and rte_bpf's.

BENCHES += bench-vcode
BENCH_VCODE := nothing rewrite hash fnv checksum parse search count
BENCH_VCODE_CAPSULES := ping trace
BENCH_VCODE_DIR := $(B)/bench/programs
BENCH_CLANG := clang -O2 -target bpf -ffreestanding -Wall -Wextra -Werror $(INC)

$(BENCH_VCODE_DIR)/programs.v3.o: testbed/bench/vcode_programs_bpf.c testbed/bench/vcode_programs.h
	@mkdir -p $(@D)
	$(Q)$(BENCH_CLANG) -mcpu=v3 -c -o $@ $<
$(BENCH_VCODE_DIR)/programs.v2.o: testbed/bench/vcode_programs_bpf.c testbed/bench/vcode_programs.h
	@mkdir -p $(@D)
	$(Q)$(BENCH_CLANG) -mcpu=v2 -DEXTERN -c -o $@ $<
$(BENCH_VCODE_DIR)/%.v3.o: capsules/programs/%.c
	@mkdir -p $(@D)
	$(Q)$(BENCH_CLANG) -mcpu=v3 -c -o $@ $<
$(BENCH_VCODE_DIR)/%.v2.o: capsules/programs/%.c
	@mkdir -p $(@D)
	$(Q)$(BENCH_CLANG) -mcpu=v2 -c -o $@ $<
$(BENCH_VCODE:%=$(BENCH_VCODE_DIR)/%.insns): $(BENCH_VCODE_DIR)/%.insns: $(BENCH_VCODE_DIR)/programs.v3.o
	$(Q)llvm-objcopy-14 -O binary --only-section=bench/$* $< $@
$(BENCH_VCODE_CAPSULES:%=$(BENCH_VCODE_DIR)/%.insns): $(BENCH_VCODE_DIR)/%.insns: $(BENCH_VCODE_DIR)/%.v3.o
	$(Q)llvm-objcopy-14 -O binary --only-section=capsule/$* $< $@

# The programs as gcc -O2 makes them, as the rules of this tree do for the host.
$(B)/host/testbed/bench/vcode_dpdk.o: EXTRA_CFLAGS := $(shell pkg-config --cflags libdpdk 2>/dev/null) -Wno-error

$(B)/bench/vcode: $(patsubst %.c,$(B)/host/%.o,$(VCODE_SRC) $(addprefix testbed/bench/,vcode.c vcode_run.c vcode_dpdk.c vcode_programs_bpf.c vcode_capsules_bpf.c)) $(BENCH_ROWS)
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) -o $@ $^ -lcjson -lrte_bpf -lrte_eal

.PHONY: bench-vcode-run
bench-vcode:
	@testbed/packages build bench
	@+$(MAKE) --no-print-directory bench-vcode-run
bench-vcode-run: $(B)/bench/vcode $(addprefix $(BENCH_VCODE_DIR)/,$(BENCH_VCODE:%=%.insns) $(BENCH_VCODE_CAPSULES:%=%.insns) \
		programs.v2.o $(BENCH_VCODE_CAPSULES:%=%.v2.o))
	@B=$(B) $(B)/bench/vcode $(BENCH_VCODE_DIR)
