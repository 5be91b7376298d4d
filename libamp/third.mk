# SPDX-License-Identifier: BSD-2-Clause
#
# Other people's code: libsodium for the environments, lwIP for environments and host, both from Debian's source
# packages, and the host stack on lwIP (amp/ip.h).
#
#   SODIUM_ENV_LIB, SODIUM_ENV_INC     libsodium for programs built with ENV_CC (host programs: Debian's -lsodium)
#   LWIP_ENV_LIB, LWIP_HOST_LIB        lwIP itself; link it behind LIBAMP_IP_SRC
#   LWIP_INC                           flags for files that include lwip/*.h
#   LIBAMP_IP_SRC                      amp/ip.h
#   $(call uses_sodium,OBJECTS)        environment objects that include <sodium.h>
#   $(call uses_lwip,OBJECTS)          objects that include lwip/*.h; both by $(eval $(call ...))

THIRD := $(B)/third
SODIUM_ENV_LIB := $(THIRD)/env/lib/libsodium.a
SODIUM_ENV_INC := -isystem $(THIRD)/env/include
LWIP_ENV_LIB := $(THIRD)/env/lib/liblwip.a
LWIP_HOST_LIB := $(THIRD)/host/lib/liblwip.a
LWIP_SAN_LIB := $(THIRD)/san/lib/liblwip.a
LWIP_FUZZ_LIB := $(THIRD)/fuzzobj/lib/liblwip.a
LWIP_INC := -Ilibamp/lwip -isystem $(THIRD)/src/lwip/src/include

LIBAMP_IP_SRC := $(addprefix libamp/lwip/,ip.c icmp.c udp.c echo.c segment.c)

define uses_sodium
$(1): | $$(SODIUM_ENV_LIB)
$(1): EXTRA_CFLAGS += $$(SODIUM_ENV_INC)
endef

define uses_lwip
$(1): | $$(THIRD)/lwip.stamp
$(1): EXTRA_CFLAGS += $$(LWIP_INC)
endef

# ---- sources ----

$(THIRD)/%.stamp: libamp/third/fetch
	@mkdir -p $(@D)
	$(Q)libamp/third/fetch $(THIRD) $*
	@touch $@

# ---- libsodium ----

$(SODIUM_ENV_LIB): libamp/third/sodium | $(THIRD)/libsodium.stamp
	+$(Q)MAKE="$(MAKE)" libamp/third/sodium $(THIRD)

# ---- lwIP ----

LWIP_SRC := $(addprefix src/core/,def.c inet_chksum.c init.c ip.c mem.c memp.c netif.c pbuf.c raw.c stats.c tcp.c \
	tcp_in.c tcp_out.c timeouts.c udp.c) $(addprefix src/core/ipv4/,icmp.c ip4.c ip4_addr.c ip4_frag.c)
LWIP_CONF := $(addprefix libamp/lwip/,lwipopts.h hooks.h arch/cc.h)

# Its warnings are its own affair; ours stay on in libamp/lwip.
LWIP_CFLAGS := -std=gnu11 -O2 -g $(SAME_PATHS) -w -D_GNU_SOURCE -fno-strict-aliasing -Ilibamp/lwip -I$(THIRD)/src/lwip/src/include
LWIP_ENV_CC := $(ENV_CC) -fno-pic -fno-pie -fno-omit-frame-pointer -ffunction-sections -fdata-sections
LWIP_HOST_CC := $(HOST_CC)
LWIP_SAN_CC := $(HOST_CC) -fsanitize=address -fno-omit-frame-pointer
LWIP_FUZZ_CC := $(FUZZ_CC) -fsanitize=fuzzer-no-link,address -fno-omit-frame-pointer

# $(1): directory, $(2): compiler. The rule's stamp makes the sources appear, so they are no prerequisites.
define lwip_library
$(THIRD)/$(1)/lib/liblwip.a: $(LWIP_SRC:%.c=$(THIRD)/$(1)/lwip/%.o)
	@mkdir -p $$(@D)
	@rm -f $$@
	$$(Q)ar rcs $$@ $$^

$(LWIP_SRC:%.c=$(THIRD)/$(1)/lwip/%.o): $(THIRD)/$(1)/lwip/%.o: $(LWIP_CONF) | $(THIRD)/lwip.stamp
	@mkdir -p $$(@D)
	$$(Q)$(2) $$(LWIP_CFLAGS) -c -o $$@ $$(THIRD)/src/lwip/$$*.c
endef
$(eval $(call lwip_library,env,$(LWIP_ENV_CC)))
$(eval $(call lwip_library,host,$(LWIP_HOST_CC)))
$(eval $(call lwip_library,san,$(LWIP_SAN_CC)))
$(eval $(call lwip_library,fuzzobj,$(LWIP_FUZZ_CC)))

# ---- the host stack ----

TIDY_INC += $(LWIP_INC)
$(foreach k,env host san fuzzobj,$(eval $(call uses_lwip,$(LIBAMP_IP_SRC:%.c=$(B)/$(k)/%.o))))
$(LIBAMP_IP_SRC:%.c=$(B)/tidy/%.ok): | $(THIRD)/lwip.stamp

LIBAMP_IP_TEST_SRC := $(LIBAMP_IP_SRC) $(addprefix libamp/lwip/test/,test_ip.c test_tcp.c packets.c mock_loop.c)

HOST_TESTS += $(B)/test/libamp_ip

$(B)/test/libamp_ip: $(LIBAMP_IP_TEST_SRC:%.c=$(B)/san/%.o) $(LWIP_SAN_LIB)
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) $(SAN) -o $@ $^ -lcmocka

LIBAMP_IP_FUZZ_SRC := $(LIBAMP_IP_SRC) $(addprefix libamp/lwip/test/,fuzz_ip.c packets.c mock_loop.c)

FUZZERS += $(B)/fuzz/fuzz_ip

$(B)/fuzz/fuzz_ip: $(LIBAMP_IP_FUZZ_SRC:%.c=$(B)/fuzzobj/%.o) $(LWIP_FUZZ_LIB)
	@mkdir -p $(@D)
	$(Q)$(FUZZ_CC) $(FUZZ_SAN) -o $@ $^
