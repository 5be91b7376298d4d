/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * count.h - the counters of group "ip", generated from counters.def.
 */
#ifndef NODEOS_COUNT_H
#define NODEOS_COUNT_H

#include <stdint.h>

enum ip_counter {
#define COUNTER(name, stable, text) IPC_##name,
#include "nodeos/counters.def"
#undef COUNTER
	IPC_N
};

struct ip_counters {
	uint64_t n[IPC_N];
};

#endif
