# SPDX-License-Identifier: BSD-2-Clause
#
# The one Makefile; every component adds a fragment. Everything built goes under $(B).
# `make help` lists the targets.

SHELL := /bin/bash
.DELETE_ON_ERROR:
.SECONDARY:
.DEFAULT_GOAL := all
MAKEFLAGS += --no-builtin-rules

B ?= build

WARN := -Wall -Wextra -Wshadow -Wvla -Wstrict-prototypes -Werror
INC := -Ixok/include -Ilibamp/include -Inodeos/include -Icapsules/include -I.
# The same bytes wherever the tree and $(B) lie.
SAME_PATHS := -ffile-prefix-map=$(CURDIR)=. -ffile-prefix-map=$(B)/=build/
BASE_CFLAGS := -std=gnu11 -g $(SAME_PATHS) $(WARN) $(INC) -MMD -MP

HOST_CC := gcc
HOST_CFLAGS := $(BASE_CFLAGS) -O2 -D_GNU_SOURCE
SAN := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
SAN_CFLAGS := $(BASE_CFLAGS) -O1 -D_GNU_SOURCE $(SAN)
FUZZ_CC := clang
FUZZ_SAN := -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all
FUZZ_CFLAGS := $(BASE_CFLAGS) -O1 -D_GNU_SOURCE $(FUZZ_SAN)
KERN_CC := gcc
KERN_CFLAGS := $(BASE_CFLAGS) -O2 -ffreestanding -fno-stack-protector -fno-pic -fno-pie -mno-red-zone \
	-mgeneral-regs-only -mcmodel=kernel -fno-omit-frame-pointer -fno-asynchronous-unwind-tables \
	-fno-tree-loop-distribute-patterns
ENV_CC := musl-gcc
ENV_CFLAGS := $(BASE_CFLAGS) -O2 -D_GNU_SOURCE -fno-pic -fno-pie -fno-omit-frame-pointer \
	-ffunction-sections -fdata-sections

# `make Q=` shows the commands.
Q ?= @

HOST_TESTS :=
FUZZERS :=
ENVS :=
PROGRAMS :=

include xok/xok.mk
include libamp/libamp.mk
include capsules/capsules.mk
include nodeos/nodeos.mk
include testbed/testbed.mk
include testbed/bench/bench.mk

# Objects, keyed by how they are compiled and by the path of their source.
$(B)/host/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CC      $@"
	$(Q)$(HOST_CC) $(HOST_CFLAGS) $(EXTRA_CFLAGS) -c -o $@ $<
$(B)/san/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CC      $@"
	$(Q)$(HOST_CC) $(SAN_CFLAGS) $(EXTRA_CFLAGS) -c -o $@ $<
$(B)/fuzzobj/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CC      $@"
	$(Q)$(FUZZ_CC) $(FUZZ_CFLAGS) $(EXTRA_CFLAGS) -c -o $@ $<
$(B)/kern/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CC      $@"
	$(Q)$(KERN_CC) $(KERN_CFLAGS) $(EXTRA_CFLAGS) -c -o $@ $<
$(B)/kern/%.o: %.S
	@mkdir -p $(@D)
	@echo "  CC      $@"
	$(Q)$(KERN_CC) $(KERN_CFLAGS) $(EXTRA_CFLAGS) -c -o $@ $<
$(B)/env/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CC      $@"
	$(Q)$(ENV_CC) $(ENV_CFLAGS) $(EXTRA_CFLAGS) -c -o $@ $<
$(B)/env/%.o: %.S
	@mkdir -p $(@D)
	@echo "  CC      $@"
	$(Q)$(ENV_CC) $(ENV_CFLAGS) $(EXTRA_CFLAGS) -c -o $@ $<

DEPS := $(shell test -d $(B) && find $(B) -name '*.d')
-include $(DEPS)

.PHONY: all
all: $(PROGRAMS) $(ENVS)

# ---- what people type ----

FUZZ_SECONDS ?= 60
FUZZ_SECONDS_OTHER ?= 5
SOAK_SECONDS ?= 1800
# The two parsers that strangers reach first, the verifier and the wire format, get the long runs.
FUZZERS_LONG = $(filter %/fuzz_verify %/fuzz_wire,$(FUZZERS))
FUZZERS_SHORT = $(filter-out $(FUZZERS_LONG),$(FUZZERS))
C_FILES := $(shell git ls-files -co --exclude-standard '*.c' '*.h' 2>/dev/null || find xok libamp nodeos capsules testbed -name '*.[ch]')
# What is compiled for BPF, or needs DPDK's headers, is not looked at.
TIDY_FILES := $(filter-out capsules/programs/% capsules/test/programs/% nodeos/forward/% testbed/bench/%_dpdk.c testbed/bench/%_bpf.c,$(filter %.c,$(C_FILES)))

.PHONY: demo demo-run router test test-run check check-run soak soak-run clean help setup

setup:
	@testbed/packages build

demo:
	@testbed/packages build
	@+$(MAKE) --no-print-directory demo-run

# xokd and its environments, for `amp router` and for nodes of kind router. DPDK is looked for anew once its packages are there.
router:
	@testbed/packages build router
	@+$(MAKE) --no-print-directory -j$$(nproc) all

test:
	@testbed/packages build router test routing
	@+$(MAKE) --no-print-directory test-run

check:
	@testbed/packages build router test check
	@+$(MAKE) --no-print-directory check-run

soak:
	@testbed/packages build router test routing
	@+$(MAKE) --no-print-directory soak-run

demo-run:
	@echo "Building ..."
	@+$(MAKE) --no-print-directory -j$$(nproc) all
	@testbed/demo $(B)

test-run:
	@echo "Building ..."
	@+$(MAKE) --no-print-directory -j$$(nproc) all $(HOST_TESTS) $(FUZZERS) $(GUEST_TESTS) $(LIBAMP_GUEST_TESTS)
	@AMP_DATA=$(abspath $(B)) testbed/test/run --host $(HOST_TESTS) --fuzz $(FUZZ_SECONDS) $(FUZZERS_LONG) --fuzz $(FUZZ_SECONDS_OTHER) $(FUZZERS_SHORT) \
		--guest $(MAKE) --no-print-directory guest-tests --e2e $(E2E_TESTS)

soak-run:
	@+$(MAKE) --no-print-directory -j$$(nproc) all $(HOST_TESTS) $(FUZZERS)
	@testbed/test/run --host $(HOST_TESTS) --fuzz $(SOAK_SECONDS) $(FUZZERS)

check-run:
	@clang-format --dry-run -Werror $(C_FILES)
	@+$(MAKE) --no-print-directory -j$$(nproc) all $(HOST_TESTS) tidy
	@echo "check: formatted, no warnings, nothing found by clang-tidy"

# clang-tidy, one stamp a file, so that only what changed is looked at again; a header may be behind any of them.
.PHONY: tidy
tidy: $(TIDY_FILES:%.c=$(B)/tidy/%.ok)

$(B)/tidy/%.ok: %.c .clang-tidy $(filter %.h,$(C_FILES))
	@mkdir -p $(@D)
	@clang-tidy --quiet $< -- -std=gnu11 -D_GNU_SOURCE $(INC) $(TIDY_INC) 2>$@.log >$@.out || \
		{ cat $@.out $@.log; exit 1; }
	@touch $@

clean:
	rm -rf $(B)

help:
	@echo "make demo         set up, build, and show three exokernel routers carrying signed capsules"
	@echo "make test         set up, build, and run every test; ends with 'N passed, N failed'"
	@echo "make router       set up and build the router on Linux: amp router, and nodes of kind router"
	@echo "make install      install amp, xokd and their manual under PREFIX=/usr/local; make uninstall takes it back"
	@echo "make deb          a Debian package of the same"
	@echo "make              build everything under $(B)/"
	@echo "make check        format, warnings and clang-tidy"
	@echo "make bench        every benchmark, or one: make bench-vcode, bench-dpf, bench-echo; each prints its peers from the same run"
	@echo "make soak         the host tests, then every fuzzer for SOAK_SECONDS=$(SOAK_SECONDS)"
	@echo "make setup        install the packages that building needs, or name the command"
	@echo "make clean        remove $(B)/"
	@echo
	@echo "B=DIR builds elsewhere. FUZZ_SECONDS=$(FUZZ_SECONDS) is how long 'make test' fuzzes the verifier and the wire parser."
