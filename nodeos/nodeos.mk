# SPDX-License-Identifier: BSD-2-Clause
#
# nodeos: the root domain and the capsule domain.
#   NODEOS_SRC  portable node code with the edge entry (nodeos/edge.h), TABLE_SRC among it; link LIBAMP_HOST_SRC, LIBAMP_IP_SRC, CAPSULE_SRC,
#               VCODE_SRC, DPF_SRC, LWIP_HOST_LIB and -lsodium beside it
#   $(B)/env/root.elf, $(B)/env/ee.elf  the environments of machine pc
#   $(B)/linux-env/init, $(B)/linux-env/ee  those of machine linux

NODEOS_LIB_SRC := $(addprefix nodeos/lib/,channel.c fib.c inet.c inet6.c json.c msgq.c node.c node6.c text.c)
NODEOS_ROOT_SRC := $(addprefix nodeos/root/,adopt.c arp.c claim.c config.c config6.c config_advertise.c config_file.c config_port.c control.c domain.c \
	ee_link.c follow.c forward.c forward_load.c fragment6.c hops.c icmp.c icmp6.c ipv4.c ipv6.c nd.c neigh.c netlink.c off.c ra.c reass.c reload.c rib.c root.c tables.c tables_kernel.c twin.c verbs.c)
NODEOS_EE_SRC := $(addprefix nodeos/ee/,admit.c cache.c code.c ee.c fetch.c input.c output.c run.c)
NODEOS_SRC := $(NODEOS_LIB_SRC) $(NODEOS_ROOT_SRC) $(NODEOS_EE_SRC) nodeos/edge.c $(TABLE_SRC)

# ---- the forwarding handlers: BPF, made into modules, and these into data ----

NODEOS_FORWARD_MODULES := $(addprefix $(B)/forward/,$(addsuffix .mod,forward4 forward6 forward4_tagged forward6_tagged mirror))
NODEOS_FORWARD_HEADERS := $(wildcard nodeos/forward/*.h nodeos/forward/*.def) xok/include/xok/handler.h xok/include/xok/helpers.def

$(B)/forward/forward4_tagged.o: nodeos/forward/forward4.c
$(B)/forward/forward6_tagged.o: nodeos/forward/forward6.c
$(B)/forward/%.o: nodeos/forward/%.c $(NODEOS_FORWARD_HEADERS)
	@mkdir -p $(@D)
	@echo "  BPF     $@"
	$(Q)clang -O2 -g -target bpf -mcpu=v3 -std=gnu11 -ffreestanding -Wall -Wextra -Werror -Ixok/include -I. -c -o $@ $<
$(B)/forward/%.mod: $(B)/forward/%.o $(B)/capsule-build
	$(Q)$(B)/capsule-build --name $* -o $@ $< >/dev/null
$(addsuffix /nodeos/forward/modules.o,$(B)/env $(B)/san): $(NODEOS_FORWARD_MODULES)
$(addsuffix /nodeos/forward/modules.o,$(B)/env $(B)/san): EXTRA_CFLAGS += -Wa,-I$(B)

# ---- environments ----

$(eval $(call uses_sodium,$(patsubst %.c,$(B)/env/%.o,nodeos/ee/ee.c $(CAPSULE_SRC))))

NODEOS_ROOT_PROGRAM := nodeos/root/main.c nodeos/forward/modules.c $(NODEOS_LIB_SRC) $(NODEOS_ROOT_SRC) $(LIBAMP_IP_SRC) \
	$(CAPSULE_SRC) $(VCODE_SRC)
NODEOS_EE_PROGRAM := nodeos/ee/main.c $(NODEOS_LIB_SRC) $(NODEOS_EE_SRC) $(CAPSULE_SRC) $(VCODE_SRC)

$(eval $(call env_program,root,$(NODEOS_ROOT_PROGRAM)))
$(eval $(call env_program,ee,$(NODEOS_EE_PROGRAM)))

# The same for machine linux, where the root environment's program is "init".
$(eval $(call linux_env_program,init,$(NODEOS_ROOT_PROGRAM)))
$(eval $(call linux_env_program,ee,$(NODEOS_EE_PROGRAM)))

# ---- host tests ----

NODEOS_TEST_SRC := nodeos/test/mock_amp.c nodeos/test/mock_kernel.c $(TABLE_SRC) $(NODEOS_LIB_SRC) $(NODEOS_ROOT_SRC) $(NODEOS_EE_SRC) $(CAPSULE_SRC) \
	$(VCODE_SRC)
NODEOS_TESTS := node msgq ipv4 ipv6 nd reass fragment6 ra neigh config fetch admit run code root off forward forward_more forward_tables follow

HOST_TESTS += $(NODEOS_TESTS:%=$(B)/test/nodeos_%)

$(NODEOS_TESTS:%=$(B)/test/nodeos_%): $(B)/test/nodeos_%: $(B)/san/nodeos/test/test_%.o $(B)/san/nodeos/test/ee_bench.o \
		$(NODEOS_TEST_SRC:%.c=$(B)/san/%.o)
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) $(SAN) -o $@ $^ -lcmocka -lsodium

$(addprefix $(B)/test/nodeos_,fragment6 ra nd): $(B)/san/nodeos/test/ip6_bench.o
$(addprefix $(B)/test/nodeos_,forward forward_more forward_tables): $(B)/san/nodeos/forward/modules.o $(B)/san/nodeos/test/forward_bench.o

NODEOS_FUZZ := fuzz_ee fuzz_config fuzz_ip6 fuzz_netlink

FUZZERS += $(NODEOS_FUZZ:%=$(B)/fuzz/nodeos_%)

$(NODEOS_FUZZ:%=$(B)/fuzz/nodeos_%): $(B)/fuzz/nodeos_%: $(B)/fuzzobj/nodeos/test/%.o $(NODEOS_TEST_SRC:%.c=$(B)/fuzzobj/%.o)
	@mkdir -p $(@D)
	$(Q)$(FUZZ_CC) $(FUZZ_SAN) -o $@ $^ -lsodium

# ---- mutated packets through kernel, handlers and router domain in one process: BALANCE_RANDOM of them ----

BALANCE_SRC := $(addprefix xok/linux/test/,test_balance.c balance.c balance_packets.c balance_stack.c) $(LINUX_FIB_SRC) $(CORE_SRC) $(DPF_SRC) $(VCODE_SRC) $(TABLE_SRC) \
	$(NODEOS_LIB_SRC) $(NODEOS_ROOT_SRC) nodeos/forward/modules.c $(CAPSULE_SRC) $(addprefix libamp/common/,ring.c strerror.c timers.c)

$(B)/test/test_balance: $(sort $(BALANCE_SRC:%.c=$(B)/san/%.o))
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) $(SAN) -o $@ $^ -lcmocka -lsodium

HOST_TESTS += $(B)/test/test_balance
soak-run: export BALANCE_RANDOM ?= 10000000
