/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fib.h - longest prefixes as this machine looks them up: what stands behind struct tbl_lpm_ops (xok/table/table.h) here.
 *
 * The table in `mem`, which environments read, is a binary trie: compact, and a dozen dependent loads for each lookup. Beside it, in memory of
 * xokd's own, the same prefixes are kept in a form that costs one load for nearly every IPv4 address and about four for an IPv6 one. Why not
 * rte_fib, of DPDK 22.11: it frees groups that another lcore may be reading (it has no RCU yet), and its tables and route base take 516 MiB for a million
 * IPv4 prefixes and 2.5 GiB for as many of IPv6, where this takes 87 and 107 with the table in `mem` (make bench-fib).
 *
 * Any number of threads look up, without locks, while the control thread changes. Each sees, of every change, all or nothing for its
 * address. What a change frees is used again when lcores_quiesce has returned: every FIB_BATCH frees, or when nothing else is left.
 *
 * Memory is reserved for spec.entries prefixes when a table is made, so that no change runs out of it, and is touched as it is used: an empty
 * table is a few pages.
 */
#ifndef XOK_LINUX_FIB_H
#define XOK_LINUX_FIB_H

#include "xok/table/table.h"

#define FIB_BATCH 1024u

extern const struct tbl_lpm_ops fib_lpm;

#endif
