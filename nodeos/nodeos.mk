# SPDX-License-Identifier: BSD-2-Clause
#
# nodeos: the root domain and the capsule domain.
#   NODEOS_SRC  portable node code with the edge entry (nodeos/edge.h); link LIBAMP_HOST_SRC, LIBAMP_IP_SRC, CAPSULE_SRC,
#               VCODE_SRC, DPF_SRC, LWIP_HOST_LIB and -lsodium beside it
#   $(B)/env/root.elf, $(B)/env/ee.elf  the environments of machine pc

NODEOS_LIB_SRC := $(addprefix nodeos/lib/,channel.c inet.c json.c msgq.c node.c text.c)
NODEOS_ROOT_SRC := $(addprefix nodeos/root/,config.c control.c domain.c ee_link.c icmp.c ipv4.c neigh.c root.c tables.c \
	verbs.c)
NODEOS_EE_SRC := $(addprefix nodeos/ee/,admit.c cache.c code.c ee.c fetch.c input.c output.c run.c)
NODEOS_SRC := $(NODEOS_LIB_SRC) $(NODEOS_ROOT_SRC) $(NODEOS_EE_SRC) nodeos/edge.c

# ---- environments ----

$(eval $(call uses_sodium,$(patsubst %.c,$(B)/env/%.o,nodeos/ee/ee.c $(CAPSULE_SRC))))

$(eval $(call env_program,root,nodeos/root/main.c $(NODEOS_LIB_SRC) $(NODEOS_ROOT_SRC) $(LIBAMP_IP_SRC)))
$(eval $(call env_program,ee,nodeos/ee/main.c $(NODEOS_LIB_SRC) $(NODEOS_EE_SRC) $(CAPSULE_SRC) $(VCODE_SRC)))

# ---- host tests ----

NODEOS_TEST_SRC := nodeos/test/mock_amp.c $(NODEOS_LIB_SRC) $(NODEOS_ROOT_SRC) $(NODEOS_EE_SRC) $(CAPSULE_SRC) \
	$(VCODE_SRC)
NODEOS_TESTS := node msgq ipv4 neigh config fetch admit run code root

HOST_TESTS += $(NODEOS_TESTS:%=$(B)/test/nodeos_%)

$(NODEOS_TESTS:%=$(B)/test/nodeos_%): $(B)/test/nodeos_%: $(B)/san/nodeos/test/test_%.o $(B)/san/nodeos/test/ee_bench.o \
		$(NODEOS_TEST_SRC:%.c=$(B)/san/%.o)
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) $(SAN) -o $@ $^ -lcmocka -lsodium

NODEOS_FUZZ := fuzz_ee fuzz_config

FUZZERS += $(NODEOS_FUZZ:%=$(B)/fuzz/nodeos_%)

$(NODEOS_FUZZ:%=$(B)/fuzz/nodeos_%): $(B)/fuzz/nodeos_%: $(B)/fuzzobj/nodeos/test/%.o $(NODEOS_TEST_SRC:%.c=$(B)/fuzzobj/%.o)
	@mkdir -p $(@D)
	$(Q)$(FUZZ_CC) $(FUZZ_SAN) -o $@ $^ -lsodium
