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
BASE_CFLAGS := -std=gnu11 -g $(WARN) $(INC) -MMD -MP

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

HOST_TESTS :=
FUZZERS :=
ENVS :=
PROGRAMS :=

include xok/xok.mk
include libamp/libamp.mk
include capsules/capsules.mk
include nodeos/nodeos.mk
include testbed/testbed.mk

# Objects, keyed by how they are compiled and by the path of their source.
$(B)/host/%.o: %.c
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) $(HOST_CFLAGS) $(EXTRA_CFLAGS) -c -o $@ $<
$(B)/san/%.o: %.c
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) $(SAN_CFLAGS) $(EXTRA_CFLAGS) -c -o $@ $<
$(B)/fuzzobj/%.o: %.c
	@mkdir -p $(@D)
	$(Q)$(FUZZ_CC) $(FUZZ_CFLAGS) $(EXTRA_CFLAGS) -c -o $@ $<
$(B)/kern/%.o: %.c
	@mkdir -p $(@D)
	$(Q)$(KERN_CC) $(KERN_CFLAGS) $(EXTRA_CFLAGS) -c -o $@ $<
$(B)/kern/%.o: %.S
	@mkdir -p $(@D)
	$(Q)$(KERN_CC) $(KERN_CFLAGS) $(EXTRA_CFLAGS) -c -o $@ $<
$(B)/env/%.o: %.c
	@mkdir -p $(@D)
	$(Q)$(ENV_CC) $(ENV_CFLAGS) $(EXTRA_CFLAGS) -c -o $@ $<
$(B)/env/%.o: %.S
	@mkdir -p $(@D)
	$(Q)$(ENV_CC) $(ENV_CFLAGS) $(EXTRA_CFLAGS) -c -o $@ $<

DEPS := $(shell test -d $(B) && find $(B) -name '*.d')
-include $(DEPS)

.PHONY: all
all: $(PROGRAMS) $(ENVS)
