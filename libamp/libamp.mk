# SPDX-License-Identifier: BSD-2-Clause
#
# libamp: the library operating system, three times over one common half.
#   LIBAMP_HOST_SRC  for Linux processes (needs DPF_SRC beside it)
#   LIBAMP_ENV_SRC   for environments; env_program links it
#   $(eval $(call env_program,NAME,SOURCES))  the environment $(B)/env/NAME.elf and its stripped copy; libsodium and lwIP
#                    are at hand, LIBAMP_IP_SRC is not (name it among SOURCES)
#   LIBAMP_LINUX_SRC and $(eval $(call linux_env_program,NAME,SOURCES)) likewise for environments under xokd: $(B)/linux-env/NAME

LIBAMP_COMMON_SRC := $(addprefix libamp/common/,console.c log.c lines.c loop.c ring.c strerror.c timers.c)
LIBAMP_HOST_SRC := $(LIBAMP_COMMON_SRC) libamp/common/watch.c $(addprefix libamp/host/,cons.c demux.c init.c none.c ports.c wait.c)
LIBAMP_ENV_SRC := $(LIBAMP_COMMON_SRC) libamp/common/chacha.c xok/pc/cpio.c xok/pc/elf.c $(addprefix libamp/pc/,cons.c crt.c \
	fault.c info.c linux.c linux_file.c linux_mem.c none.c programs.c random.c rings.c spawn.c tables.c vm.c wait.c) $(TABLE_SRC)

include libamp/third.mk

# ---- environments ----

LIBAMP_ENV_OBJ := $(B)/env/libamp/pc/start.o $(B)/env/libamp/pc/upcall.o $(LIBAMP_ENV_SRC:%.c=$(B)/env/%.o)

# Code, constants and data each in segments of their own, so that no page is both writable and executable.
ENV_LINK := $(ENV_CC) -static -no-pie -nostartfiles -Wl,--gc-sections -Wl,--build-id=none -Wl,-z,separate-code \
	-Wl,-z,max-page-size=4096 -Wl,-z,norelro -Wl,-z,noexecstack

# $(1): name, $(2): sources. Tests are linked the same way, but are not among what is built by default.
define env_program
ENVS += $$(B)/env/$(1).elf $$(B)/env/$(1).stripped
$(call env_link,$(1),$(2))
endef

define env_link
$$(B)/env/$(1).elf: $(patsubst %.c,$(B)/env/%.o,$(2)) $$(LIBAMP_ENV_OBJ) $$(LWIP_ENV_LIB) $$(SODIUM_ENV_LIB)
	@mkdir -p $$(@D)
	$$(Q)$$(ENV_LINK) -o $$@ $$^
endef

$(B)/env/%.stripped: $(B)/env/%.elf
	$(Q)strip -o $@ $<

# ---- environments of machine linux: static programs of the same objects over libamp/linux ----

LIBAMP_LINUX_SRC := $(LIBAMP_COMMON_SRC) libamp/common/watch.c $(addprefix libamp/linux/,call.c cons.c info.c init.c packets.c programs.c \
	spawn.c tables.c wait.c) $(TABLE_SRC)

# $(1): name, $(2): sources. Tests use linux_env_link, and are not among what is built by default.
define linux_env_program
ENVS += $$(B)/linux-env/$(1)
$(call linux_env_link,$(1),$(2))
endef

# $(1): objects of environments that include Linux's own headers (linux/netlink.h), which musl does not bring.
define uses_linux_headers
$(1): EXTRA_CFLAGS += -idirafter /usr/include -idirafter /usr/include/x86_64-linux-gnu
endef

define linux_env_link
$$(B)/linux-env/$(1): $(patsubst %.c,$(B)/env/%.o,$(2)) $$(LIBAMP_LINUX_SRC:%.c=$(B)/env/%.o) $$(LWIP_ENV_LIB) $$(SODIUM_ENV_LIB)
	@mkdir -p $$(@D)
	$$(Q)$$(ENV_CC) -static -no-pie -Wl,--gc-sections -Wl,--build-id=none -Wl,-z,separate-code -Wl,-z,relro,-z,now \
		-Wl,-z,noexecstack -o $$@ $$^
endef

$(eval $(call uses_linux_headers,$(B)/env/xok/linux/test/env_root.o))
$(foreach t,$(LINUX_ENV_NAMES),$(eval $(call linux_env_link,$(t),xok/linux/test/$(t).c)))

# ---- host tests ----

LIBAMP_COMMON_TEST_SRC := libamp/test/unit_common.c libamp/common/timers.c libamp/common/lines.c \
	libamp/common/strerror.c
LIBAMP_HOST_TEST_SRC = libamp/test/unit_host.c $(LIBAMP_HOST_SRC) $(DPF_SRC)

HOST_TESTS += $(B)/test/libamp_common $(B)/test/libamp_host

$(B)/test/libamp_common: $(LIBAMP_COMMON_TEST_SRC:%.c=$(B)/san/%.o)
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) $(SAN) -o $@ $^ -lcmocka

$(B)/test/libamp_host: $(LIBAMP_HOST_TEST_SRC:%.c=$(B)/san/%.o)
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) $(SAN) -o $@ $^ -lcmocka

LIBAMP_PC_TEST_SRC := libamp/test/unit_pc.c xok/pc/cpio.c xok/pc/elf.c libamp/common/chacha.c

HOST_TESTS += $(B)/test/libamp_pc

$(B)/test/libamp_pc: $(LIBAMP_PC_TEST_SRC:%.c=$(B)/san/%.o)
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) $(SAN) -o $@ $^ -lcmocka

FUZZERS += $(B)/fuzz/libamp_cpio $(B)/fuzz/libamp_elf

$(B)/fuzz/libamp_%: $(B)/fuzzobj/libamp/fuzz/fuzz_%.o $(B)/fuzzobj/xok/pc/cpio.o $(B)/fuzzobj/xok/pc/elf.o
	@mkdir -p $(@D)
	$(Q)$(FUZZ_CC) $(FUZZ_SAN) -o $@ $^

# ---- tests in the guest: each is "init" of an archive of its own, run by xok/pc/test/run ----

LIBAMP_GUEST_NAMES := $(basename $(notdir $(wildcard libamp/test/g_*.c)))
LIBAMP_GUEST_TESTS := $(LIBAMP_GUEST_NAMES:%=$(B)/guest/%.elf)

$(foreach t,$(LIBAMP_GUEST_NAMES),$(eval $(call env_link,$(t),libamp/test/$(t).c libamp/test/tap.c)))
$(eval $(call uses_sodium,$(B)/env/libamp/test/g_sodium.o))

$(LIBAMP_GUEST_TESTS): $(B)/guest/%.elf: $(B)/env/%.stripped
	@mkdir -p $(@D)
	$(Q)cp $< $@

GUEST_TESTS += $(LIBAMP_GUEST_TESTS)
guest-tests: $(LIBAMP_GUEST_TESTS)

# ---- filter expressions: LIBAMP_FILTER_SRC needs nothing else of libamp ----

LIBAMP_FILTER_SRC := $(addprefix libamp/filter/,address.c arith.c conj.c lex.c parse.c prim.c)

HOST_TESTS += $(B)/test/filter
FUZZERS += $(B)/fuzz/filter

$(B)/test/filter: $(patsubst %.c,$(B)/san/%.o,$(LIBAMP_FILTER_SRC) libamp/filter/test/unit_filter.c libamp/filter/test/packets.c \
		libamp/filter/test/match.c)
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) $(SAN) -o $@ $^ -lcmocka -lpcap

$(B)/fuzz/filter: $(patsubst %.c,$(B)/fuzzobj/%.o,$(LIBAMP_FILTER_SRC) libamp/filter/test/fuzz_filter.c libamp/filter/test/match.c)
	@mkdir -p $(@D)
	$(Q)$(FUZZ_CC) $(FUZZ_SAN) -o $@ $^
