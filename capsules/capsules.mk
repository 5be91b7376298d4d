# SPDX-License-Identifier: BSD-2-Clause
#
# capsules: wire format, modules and keys (environments and host alike); the verbs of `amp` that make and check
# capsules (host); the capsule programs; tests and fuzz targets.

CAPSULE_SRC := capsules/wire.c capsules/module.c capsules/module_kind.c capsules/helpers.c capsules/keys.c
CAPSULE_TOOL_SRC := $(addprefix capsules/tool/,elf_file.c elf.c elf_lines.c common.c explain.c show.c clang.c program.c cost.c \
	keygen.c build.c sign.c verify.c)
CAPSULE_TOOL_LIBS := -lsodium -lcjson

# The build tool, and what it makes. It finds the SDK here whatever $(B) is.
$(B)/capsule-build: $(patsubst %.c,$(B)/host/%.o,capsules/tool/capsule_build.c $(CAPSULE_TOOL_SRC) \
		$(CAPSULE_SRC) $(VCODE_SRC))
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) $(HOST_CFLAGS) -o $@ $^ $(CAPSULE_TOOL_LIBS)

CAPSULE_SDK := $(wildcard capsules/include/capsule/*.h capsules/include/capsule/*.def) xok/include/xok/helpers.def \
	xok/include/xok/handler.h
CAPSULE_MODULES := $(B)/capsules/ping.mod $(B)/capsules/trace.mod
PROGRAMS += $(B)/capsule-build $(CAPSULE_MODULES)

$(B)/capsules/%.mod: capsules/programs/%.c $(B)/capsule-build $(CAPSULE_SDK)
	@mkdir -p $(@D)
	$(Q)AMP_SDK=capsules/include $(B)/capsule-build -o $@ $< >/dev/null

# Hostile capsules for the tests of whole networks: programs that must be stopped when they run, and modules that must
# not even be loaded.
CAPSULE_BAD_MODULES := $(addprefix $(B)/capsules/test/,$(addsuffix .mod,jump-into no-exit forged-helper \
	jump-out recursion bad-opcode pointer-leak uninitialised))
CAPSULE_TEST_MODULES := $(addprefix $(B)/capsules/test/,$(addsuffix .mod,loop overrun burner badaction)) \
	$(CAPSULE_BAD_MODULES)
PROGRAMS += $(CAPSULE_TEST_MODULES)

$(B)/capsules/test/%.mod: capsules/test/programs/%.c $(B)/capsule-build $(CAPSULE_SDK)
	@mkdir -p $(@D)
	$(Q)AMP_SDK=capsules/include $(B)/capsule-build -o $@ $< >/dev/null
$(B)/capsules/make_bad_modules: $(patsubst %.c,$(B)/host/%.o,capsules/test/make_bad_modules.c \
		capsules/module.c capsules/module_kind.c xok/vcode/kinds.c)
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) $(HOST_CFLAGS) -o $@ $^ -lsodium
$(CAPSULE_BAD_MODULES) &: $(B)/capsules/make_bad_modules
	@mkdir -p $(B)/capsules/test
	$(Q)$< $(B)/capsules/test

# Unit tests. Each is its own source, the test vectors' reader and what it tests.
CAPSULE_TEST_BASE := capsules/test/vectors.c $(CAPSULE_SRC) $(VCODE_SRC)
CAPSULE_TEST_TOOL := $(CAPSULE_TEST_BASE) capsules/test/capsule_run.c $(CAPSULE_TOOL_SRC)
HOST_TESTS += $(addprefix $(B)/test/capsules_,wire module keys elf programs tool)

$(B)/test/capsules_wire $(B)/test/capsules_module $(B)/test/capsules_keys: $(B)/test/capsules_%: \
		$(B)/san/capsules/test/test_%.o $(patsubst %.c,$(B)/san/%.o,$(CAPSULE_TEST_BASE))
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) $(SAN_CFLAGS) -o $@ $(filter $(B)/san/%.o,$^) $(CAPSULE_TOOL_LIBS) -lcmocka
$(B)/test/capsules_elf $(B)/test/capsules_programs $(B)/test/capsules_tool: $(B)/test/capsules_%: \
		$(B)/san/capsules/test/test_%.o $(patsubst %.c,$(B)/san/%.o,$(CAPSULE_TEST_TOOL))
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) $(SAN_CFLAGS) -o $@ $(filter $(B)/san/%.o,$^) $(CAPSULE_TOOL_LIBS) -lcmocka

# What the tests of the linker read: objects that clang made as `amp build` does, and (plain-) as it does by default.
CAPSULE_OBJECT_NAMES := $(patsubst capsules/test/programs/objects/%.c,%,$(wildcard capsules/test/programs/objects/*.c))
CAPSULE_TEST_OBJECTS := $(addprefix $(B)/capsules/test/objects/,$(addsuffix .o,$(CAPSULE_OBJECT_NAMES) \
	plain-everything))
CAPSULE_CLANG := clang -O2 -g -target bpf -mcpu=v3 -std=gnu11 -ffreestanding -Wall -Wextra -Icapsules/include \
	-Ixok/include -c
$(B)/capsules/test/objects/plain-%.o: capsules/test/programs/objects/%.c $(CAPSULE_SDK)
	@mkdir -p $(@D)
	$(Q)$(CAPSULE_CLANG) -o $@ $<
$(B)/capsules/test/objects/%.o: capsules/test/programs/objects/%.c $(CAPSULE_SDK)
	@mkdir -p $(@D)
	$(Q)$(CAPSULE_CLANG) -ffunction-sections -fdata-sections -o $@ $<
$(B)/test/capsules_elf: $(CAPSULE_TEST_OBJECTS)
$(B)/test/capsules_programs $(B)/test/capsules_tool: $(CAPSULE_MODULES) $(CAPSULE_TEST_MODULES)
TIDY_INC += -DTEST_OBJECTS='""' -DTEST_MODULES='""'
$(B)/san/capsules/test/%.o: EXTRA_CFLAGS += -DTEST_OBJECTS='"$(B)/capsules/test/objects"' \
	-DTEST_MODULES='"$(B)/capsules"'

FUZZERS += $(addprefix $(B)/fuzz/,fuzz_wire fuzz_module fuzz_elf)
$(addprefix $(B)/fuzz/,fuzz_wire fuzz_module fuzz_elf): $(B)/fuzz/%: $(B)/fuzzobj/capsules/test/%.o \
		$(patsubst %.c,$(B)/fuzzobj/%.o,$(CAPSULE_SRC) $(VCODE_SRC) capsules/tool/elf.c \
		capsules/tool/elf_file.c capsules/tool/elf_lines.c)
	@mkdir -p $(@D)
	$(Q)$(FUZZ_CC) $(FUZZ_CFLAGS) -o $@ $(filter $(B)/fuzzobj/%.o,$^) -lsodium
$(B)/fuzz/fuzz_elf: $(B)/capsules/test/objects/everything.o $(B)/capsules/test/objects/tables.o
$(B)/fuzzobj/capsules/test/%.o: EXTRA_CFLAGS += -DTEST_OBJECTS='"$(B)/capsules/test/objects"'
