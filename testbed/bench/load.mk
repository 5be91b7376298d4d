# SPDX-License-Identifier: BSD-2-Clause
#
# bench-load: a million routes read from Linux.

BENCHES += bench-load

# Alone on the machine, as root.
bench-load:
	@testbed/packages build router test bench
	@+$(MAKE) --no-print-directory all
	@AMP_DATA=$(abspath $(B)) testbed/bench/load.py
