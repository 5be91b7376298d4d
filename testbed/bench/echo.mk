# SPDX-License-Identifier: BSD-2-Clause
#
# bench-echo: a round trip in instructions, against Debian's cloud kernel.

BENCHES += bench-echo
BENCH_ECHO := $(addprefix $(B)/bench/,echo_linux echo_xok.elf)

$(B)/bench/echo_linux: testbed/bench/echo_linux.c
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) $(HOST_CFLAGS) -static -o $@ $<

$(B)/bench/echo_handler.insns: testbed/bench/echo_handler_bpf.c testbed/bench/echo_packet.h
	@mkdir -p $(@D)
	$(Q)clang -O2 -target bpf -mcpu=v3 -ffreestanding -Wall -Wextra -Werror $(INC) -c -o $(@:.insns=.o) $<
	$(Q)objcopy -I elf64-little -O binary --only-section=handler/echo $(@:.insns=.o) $@

$(B)/bench/echo_xok.o: testbed/bench/echo_xok.c $(B)/bench/echo_handler.insns
	@mkdir -p $(@D)
	$(Q)$(GUEST_CC) $(GUEST_CFLAGS) -DHANDLER_CODE='"$(B)/bench/echo_handler.insns"' -c -o $@ $<

$(B)/bench/echo_xok.elf: $(B)/bench/echo_xok.o $(B)/guest/guest.o
	$(Q)$(GUEST_CC) -nostdlib -static -no-pie -Wl,--build-id=none -Wl,-z,noexecstack \
		-Wl,-z,max-page-size=4096 -o $@ $^

.PHONY: bench-echo-run
bench-echo:
	@testbed/packages build bench
	@+$(MAKE) --no-print-directory bench-echo-run
bench-echo-run: $(BENCH_ECHO) $(B)/xok.stripped
	@testbed/bench/echo $(B)

TIDY_INC += -DHANDLER_CODE='""'
