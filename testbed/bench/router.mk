# SPDX-License-Identifier: BSD-2-Clause
#
# bench-router: forwarding, against DPDK's l3fwd, which is built from Debian's source package of DPDK.

BENCHES += bench-router

$(B)/third/src/dpdk:
	@libamp/third/fetch $(B)/third dpdk

$(B)/bench/l3fwd: testbed/bench/router_l3fwd | $(B)/third/src/dpdk
	@mkdir -p $(@D)
	@echo "  L3FWD   $@"
	$(Q)testbed/bench/router_l3fwd $(B)/third/src/dpdk $(@D)

$(B)/host/testbed/bench/router_%_dpdk.o: EXTRA_CFLAGS = $(patsubst -I%,-isystem %,$(shell pkg-config --cflags libdpdk))

$(B)/bench/router_ceiling $(B)/bench/router_source: $(B)/bench/router_%: $(B)/host/testbed/bench/router_%_dpdk.o
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) -o $@ $^ -lrte_ethdev -lrte_mbuf -lrte_mempool -lrte_ring -lrte_eal

$(B)/bench/router: $(patsubst %.c,$(B)/host/%.o,$(addprefix testbed/bench/router,.c _files.c _process.c _routes.c)) $(BENCH_ROWS)
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) -o $@ $^ -lcjson

BENCH_ROUTER := $(addprefix $(B)/,bench/router bench/router_ceiling bench/router_source bench/l3fwd xokd linux-env/init linux-env/ee)

# Alone on the machine, as root: `make bench-router`, or a part of it, `make bench-router ROUTES=10000 PORTS=memif FAMILY=6` (or pcap; or 4).
bench-router:
	@testbed/packages build bench
	@+$(MAKE) --no-print-directory $(BENCH_ROUTER)
	@B=$(B) ROUTES=$(ROUTES) PORTS=$(PORTS) FAMILY=$(FAMILY) $(B)/bench/router
