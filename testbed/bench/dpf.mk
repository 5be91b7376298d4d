# SPDX-License-Identifier: BSD-2-Clause
#
# bench-dpf: demultiplexing, against libpcap and rte_acl. The DPDK side is compiled with DPDK's own flags.

BENCHES += bench-dpf

$(B)/host/testbed/bench/dpf_dpdk.o: EXTRA_CFLAGS = $(shell pkg-config --cflags libdpdk)

$(B)/bench/dpf: $(patsubst %.c,$(B)/host/%.o,$(addprefix testbed/bench/,dpf.c dpf_pcap.c dpf_dpdk.c) $(DPF_SRC)) $(BENCH_ROWS)
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) -o $@ $^ -lcjson -lpcap -lrte_acl -lrte_eal

bench-dpf:
	@testbed/packages build bench
	@+$(MAKE) --no-print-directory $(B)/bench/dpf
	@B=$(B) $(B)/bench/dpf
