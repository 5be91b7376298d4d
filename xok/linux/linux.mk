# SPDX-License-Identifier: BSD-2-Clause
#
# Machine `linux`: xokd, the kernel as a Linux process on DPDK. It is built where libdpdk-dev and libseccomp-dev are (testbed/packages router).

# What needs DPDK, and what only Linux.
LINUX_DPDK_SRC := $(addprefix xok/linux/,eal.c lcore.c machine.c main.c port.c port_dpdk.c port_tun.c port_unix.c)
LINUX_SRC := $(LINUX_DPDK_SRC) $(addprefix xok/linux/,arena.c capture.c capture_lcore.c capture_request.c capture_ring.c capture_set.c clock.c console.c device.c interface.c log.c loop.c options.c)

DPDK := $(shell pkg-config --exists libdpdk libseccomp 2>/dev/null && echo yes)
DPDK_CFLAGS := $(if $(DPDK),$(patsubst -I%,-isystem %,$(filter -I%/dpdk -march=%,$(shell pkg-config --cflags libdpdk))) -include rte_config.h)
DPDK_LIBS := -lrte_ethdev -lrte_mbuf -lrte_mempool -lrte_rcu -lrte_ring -lrte_eal -lrte_bus_vdev -lrte_net_ring

$(LINUX_DPDK_SRC:%.c=$(B)/host/%.o) $(LINUX_DPDK_SRC:%.c=$(B)/san/%.o): EXTRA_CFLAGS = $(DPDK_CFLAGS)

$(B)/xokd: $(patsubst %.c,$(B)/host/%.o,$(LINUX_SRC) $(LINUX_ENV_SRC) $(LINUX_FIB_SRC) \
		$(CORE_SRC) $(DPF_SRC) $(TABLE_SRC) $(VCODE_SRC))
	@mkdir -p $(@D)
	@echo "  LD      $@"
	$(Q)$(HOST_CC) -o $@ $^ $(DPDK_LIBS) $(LINUX_ENV_LIBS) -lpthread

PROGRAMS += $(if $(DPDK),$(B)/xokd)

# ---- tests ----

LINUX_TESTS := $(addprefix $(B)/test/test_linux_,options arena console)

$(B)/test/test_linux_options: $(addprefix $(B)/san/xok/linux/,options.o device.o)
$(B)/test/test_linux_arena: $(addprefix $(B)/san/xok/linux/,arena.o log.o)
$(B)/test/test_linux_console: $(addprefix $(B)/san/xok/linux/,console.o loop.o log.o)

$(LINUX_TESTS): $(B)/test/test_linux_%: $(B)/san/xok/linux/test/test_%.o
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) $(SAN) -o $@ $^ -lcmocka

HOST_TESTS += $(LINUX_TESTS)

# On DPDK's packets.
LINUX_DPDK_TESTS := $(B)/test/test_linux_unix
$(B)/san/xok/linux/test/test_unix.o: EXTRA_CFLAGS = $(DPDK_CFLAGS)

$(B)/test/test_linux_unix: $(addprefix $(B)/san/xok/linux/,test/test_unix.o port_unix.o log.o)
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) $(SAN) -o $@ $^ $(DPDK_LIBS) -lcmocka

HOST_TESTS += $(if $(DPDK),$(LINUX_DPDK_TESTS))

# The whole of it, from outside.
$(B)/test/books: $(B)/host/xok/linux/test/books.o
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) -o $@ $^

LINUX_E2E := $(B)/xokd $(B)/test/books $(LINUX_ENV_PROGRAMS)
test-run: $(if $(DPDK),$(LINUX_E2E))
E2E_TESTS += $(if $(DPDK),$(addprefix xok/linux/test/,test_capture_socket.py test_interfaces.py test_xokd.py))

# clang-tidy needs DPDK's headers for these.
$(patsubst %.c,$(B)/tidy/%.ok,$(LINUX_DPDK_SRC) xok/linux/test/test_unix.c): TIDY_INC += $(DPDK_CFLAGS)

# Captures: the request decoder and the rings.
$(B)/test/test_linux_capture: $(patsubst %.c,$(B)/san/%.o,$(addprefix xok/linux/,capture_request.c capture_ring.c test/test_capture.c) $(DPF_SRC))
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) $(SAN) -o $@ $^ -lcmocka -lpthread
$(B)/fuzz/linux_capture: $(patsubst %.c,$(B)/fuzzobj/%.o,$(addprefix xok/linux/,capture_request.c test/fuzz_capture.c) $(DPF_SRC))
	@mkdir -p $(@D)
	$(Q)$(FUZZ_CC) $(FUZZ_SAN) -o $@ $^

HOST_TESTS += $(B)/test/test_linux_capture
FUZZERS += $(B)/fuzz/linux_capture
