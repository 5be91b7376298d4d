# SPDX-License-Identifier: BSD-2-Clause
#
# testbed: the `amp` command, which is also the supervisor of a testbed and each of its edges; the tests of whole networks.

TESTBED_SRC := $(addprefix testbed/,accel.c archive.c capture_link.c capture_text.c cmd_capture.c cmd_trace_packet.c packet_text.c pcapng.c trace_changes.c trace_text.c cmd_exec.c cmd_filter.c cmd_inject.c cmd_ping.c cmd_reload.c cmd_router.c cmd_show.c cmd_testbed.c cmd_up.c cmd_vm.c control.c edge.c host.c launch.c links.c \
	find.c log.c loop.c main.c metrics.c metrics_text.c mux.c nodes.c notify.c places.c plan.c reader.c relay.c reload.c reload_compare.c router.c router_file.c router_here.c router_machine.c router_said.c router_text.c router_twins.c rows.c rtnl.c said.c shot.c state.c supervisor.c text.c topology.c topology_nodes.c \
	vm_check.c vm_code.c vm_dump.c vm_run.c)
AMP_SRC = $(TESTBED_SRC) $(CAPSULE_TOOL_SRC) $(CAPSULE_SRC) $(NODEOS_SRC) $(LIBAMP_HOST_SRC) $(LIBAMP_IP_SRC) $(DPF_SRC) $(VCODE_SRC) $(LIBAMP_FILTER_SRC) xok/linux/device.c

PROGRAMS += $(B)/amp

$(B)/amp: $(sort $(AMP_SRC:%.c=$(B)/host/%.o)) $(LWIP_HOST_LIB)
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) -o $@ $^ -lyaml -lcjson -lsodium -lcapstone

# ---- host tests ----

TESTBED_PLAN_SRC = $(addprefix testbed/,topology.c topology_nodes.c reader.c plan.c text.c) $(CAPSULE_SRC) $(VCODE_SRC)

# What reads router.conf, with the node's own checks behind it, which are linked as the node's tests link them.
TESTBED_ROUTER_SRC = testbed/router.c testbed/router_here.c testbed/router_machine.c testbed/router_said.c testbed/router_text.c testbed/text.c xok/linux/device.c $(NODEOS_TEST_SRC)

HOST_TESTS += $(B)/test/testbed_topology $(B)/test/testbed_relay $(B)/test/testbed_router
FUZZERS += $(B)/fuzz/topology $(B)/fuzz/router

$(B)/test/testbed_router: $(patsubst %.c,$(B)/san/%.o,testbed/test/unit_router.c $(TESTBED_ROUTER_SRC))
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) $(SAN) -o $@ $^ -lcmocka -lsodium

$(B)/fuzz/router: $(patsubst %.c,$(B)/fuzzobj/%.o,testbed/test/fuzz_router.c $(TESTBED_ROUTER_SRC))
	@mkdir -p $(@D)
	$(Q)$(FUZZ_CC) $(FUZZ_SAN) -o $@ $^ -lsodium

TESTBED_OPERATION_SRC = testbed/control.c testbed/log.c testbed/loop.c testbed/metrics_text.c testbed/reload_compare.c $(TESTBED_ROUTER_SRC)

HOST_TESTS += $(B)/test/testbed_operation
FUZZERS += $(B)/fuzz/metrics

$(B)/test/testbed_operation: $(patsubst %.c,$(B)/san/%.o,testbed/test/unit_operation.c $(TESTBED_OPERATION_SRC))
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) $(SAN) -o $@ $^ -lcmocka -lcjson -lsodium

TESTBED_MUX_SRC = $(addprefix testbed/,log.c loop.c metrics.c metrics_text.c mux.c notify.c reload.c reload_compare.c router_file.c said.c) $(TESTBED_ROUTER_SRC)

HOST_TESTS += $(B)/test/testbed_mux

$(B)/test/testbed_mux: $(patsubst %.c,$(B)/san/%.o,testbed/test/unit_mux.c $(TESTBED_MUX_SRC))
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) $(SAN) -o $@ $^ -lcmocka -lcjson -lsodium

$(B)/fuzz/metrics: $(patsubst %.c,$(B)/fuzzobj/%.o,testbed/test/fuzz_metrics.c testbed/metrics_text.c testbed/text.c)
	@mkdir -p $(@D)
	$(Q)$(FUZZ_CC) $(FUZZ_SAN) -o $@ $^ -lcjson

$(B)/test/testbed_topology: $(patsubst %.c,$(B)/san/%.o,testbed/test/unit_topology.c $(TESTBED_PLAN_SRC))
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) $(SAN) -o $@ $^ -lcmocka -lyaml -lsodium

$(B)/test/testbed_relay: $(patsubst %.c,$(B)/san/%.o,testbed/test/unit_relay.c testbed/relay.c testbed/archive.c testbed/text.c)
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) $(SAN) -o $@ $^ -lcmocka

$(B)/fuzz/topology: $(patsubst %.c,$(B)/fuzzobj/%.o,testbed/test/fuzz_topology.c $(TESTBED_PLAN_SRC))
	@mkdir -p $(@D)
	$(Q)$(FUZZ_CC) $(FUZZ_SAN) -o $@ $^ -lyaml -lsodium

HOST_TESTS += $(B)/test/testbed_capture
FUZZERS += $(B)/fuzz/packet_text

$(B)/test/testbed_capture: $(patsubst %.c,$(B)/san/%.o,testbed/test/unit_capture.c testbed/pcapng.c testbed/packet_text.c)
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) $(SAN) -o $@ $^ -lcmocka

$(B)/fuzz/packet_text: $(patsubst %.c,$(B)/fuzzobj/%.o,testbed/test/fuzz_packet_text.c testbed/packet_text.c)
	@mkdir -p $(@D)
	$(Q)$(FUZZ_CC) $(FUZZ_SAN) -o $@ $^

# ---- whole networks: pytest, run with /usr/bin/python3 -m pytest and AMP_DATA=$(B) ----

E2E_TESTS += $(sort $(wildcard testbed/test/test_*.py))

# ---- what is installed ----

include testbed/package/package.mk
