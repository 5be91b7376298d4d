/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * count.h - the counters of groups "ip" and "ip6", generated from counters.def and counters6.def.
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

enum ip6_counter {
#define COUNTER(name, stable, text) IP6C_##name,
#include "nodeos/counters6.def"
#undef COUNTER
	IP6C_N
};

struct ip6_counters {
	uint64_t n[IP6C_N];
};

#endif
