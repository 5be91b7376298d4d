# SPDX-License-Identifier: BSD-2-Clause
#
# The bare-metal kernel: $(B)/xok.elf, linked twice so that panics can name functions, and its
# stripped copy.

PC_SRC := $(addprefix xok/pc/, boot.c memmap.c paging.c space.c cpu.c fpu.c trap.c clock.c apic.c \
	random.c serial.c pci.c virtio.c net.c acpi.c cpio.c elf.c load.c panic.c print.c lib.c)
PC_OBJ = $(B)/kern/xok/pc/entry.o $(B)/kern/xok/pc/trap-entry.o \
	$(patsubst %.c,$(B)/kern/%.o,$(PC_SRC) $(CORE_SRC) $(DPF_SRC) $(TABLE_SRC) $(VCODE_SRC))
PC_LINK = $(KERN_CC) -nostdlib -static -no-pie -Wl,-T,xok/pc/kernel.ld -Wl,--build-id=none \
	-Wl,-z,max-page-size=4096 -Wl,-z,noexecstack

PROGRAMS += $(B)/xok.elf $(B)/xok.stripped

$(B)/xok.first.elf: $(PC_OBJ) xok/pc/kernel.ld
	$(Q)$(PC_LINK) -o $@ $(PC_OBJ)

$(B)/kern/ksyms.S: $(B)/xok.first.elf xok/pc/ksyms.awk
	$(Q)nm -n $< | awk -f xok/pc/ksyms.awk >$@

$(B)/kern/ksyms.o: $(B)/kern/ksyms.S
	$(Q)$(KERN_CC) -c -o $@ $<

$(B)/xok.elf: $(PC_OBJ) $(B)/kern/ksyms.o xok/pc/kernel.ld
	$(Q)$(PC_LINK) -o $@ $(PC_OBJ) $(B)/kern/ksyms.o

$(B)/xok.stripped: $(B)/xok.elf
	$(Q)strip -o $@ $<

# In-guest tests: programs that are "init" of an archive of their own and use nothing but system
# calls.
GUEST_NAMES := $(basename $(notdir $(wildcard xok/pc/test/t_*.c)))
GUEST_TESTS := $(GUEST_NAMES:%=$(B)/guest/%.elf)
GUEST_CC := gcc
GUEST_CFLAGS = $(BASE_CFLAGS) -O2 -ffreestanding -fno-stack-protector -fno-pic -fno-pie -mno-avx \
	-fno-omit-frame-pointer -fno-asynchronous-unwind-tables -fno-tree-loop-distribute-patterns

$(B)/guest/%.o: xok/pc/test/%.c
	@mkdir -p $(@D)
	$(Q)$(GUEST_CC) $(GUEST_CFLAGS) -c -o $@ $<

# Tables are read by the code that the kernel writes them with.
$(B)/guest/%.o: xok/table/%.c
	@mkdir -p $(@D)
	$(Q)$(GUEST_CC) $(GUEST_CFLAGS) -c -o $@ $<

GUEST_PORTS := $(addprefix $(B)/guest/,ports.o $(patsubst xok/table/%.c,%.o,$(TABLE_SRC)))
$(addprefix $(B)/guest/,t_handlers.elf t_share.elf t_tables.elf): $(GUEST_PORTS)

$(B)/guest/%.elf: $(B)/guest/%.o $(B)/guest/guest.o
	$(Q)$(GUEST_CC) -nostdlib -static -no-pie -Wl,--build-id=none -Wl,-z,noexecstack \
		-Wl,-z,max-page-size=4096 -o $@ $^

.PHONY: guest-tests
guest-tests: $(B)/xok.stripped $(GUEST_TESTS)
	$(Q)xok/pc/test/run $(B)/xok.stripped $(GUEST_TESTS)

# The parts that parse what others wrote, on the host.
$(B)/test/test_load: $(B)/san/xok/pc/load.o $(B)/san/xok/pc/cpio.o $(B)/san/xok/pc/elf.o $(B)/san/xok/pc/test/test_load.o
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) $(SAN) -o $@ $^ -lcmocka

$(B)/test/test_virtio: $(B)/san/xok/pc/virtio.o $(B)/san/xok/pc/test/test_virtio.o
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) $(SAN) -o $@ $^ -lcmocka

$(B)/test/test_net: $(B)/san/xok/pc/net.o $(B)/san/xok/pc/test/test_net.o
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) $(SAN) -o $@ $^ -lcmocka

HOST_TESTS += $(B)/test/test_load $(B)/test/test_net $(B)/test/test_virtio
