# SPDX-License-Identifier: BSD-2-Clause
include xok/core/core.mk
include xok/dpf/dpf.mk
include xok/table/table.mk
include xok/vcode/vcode.mk
include xok/pc/pc.mk
include xok/linux/fib.mk
include xok/linux/env.mk
include xok/linux/linux.mk
