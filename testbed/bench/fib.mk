# SPDX-License-Identifier: BSD-2-Clause
#
# bench-fib: longest-prefix tables of machine linux, against rte_lpm, rte_fib, rte_lpm6 and rte_fib6.

BENCHES += bench-fib

$(B)/host/testbed/bench/fib_dpdk.o: EXTRA_CFLAGS = $(patsubst -I%,-isystem %,$(shell pkg-config --cflags libdpdk))

$(B)/bench/fib: $(patsubst %.c,$(B)/host/%.o,$(addprefix testbed/bench/,fib.c fib_dpdk.c router_routes.c) $(LINUX_FIB_SRC) $(TABLE_SRC)) $(BENCH_ROWS)
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) -o $@ $^ -lcjson -lrte_fib -lrte_lpm -lrte_eal

# Or a part of it: `make bench-fib ROUTES=16`.
bench-fib:
	@testbed/packages build bench
	@+$(MAKE) --no-print-directory $(B)/bench/fib
	@B=$(B) ROUTES=$(ROUTES) $(B)/bench/fib
