# SPDX-License-Identifier: BSD-2-Clause
#
# Benchmarks: `make bench`, or one of them with `make bench-NAME`. They are not tests. Each adds its target to BENCHES and links $(BENCH_ROWS), which needs -lcjson.

BENCHES :=
BENCH_ROWS := $(B)/host/testbed/bench/rows.o

include $(filter-out testbed/bench/bench.mk,$(wildcard testbed/bench/*.mk))

.PHONY: bench $(BENCHES)
bench: $(BENCHES)
