/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ports.h - for in-guest tests of what happens to packets: a ring, frames that a peer echoes, and
 * handlers for frames whose first byte of data is a given letter.
 */
#ifndef PC_TEST_PORTS_H
#define PC_TEST_PORTS_H

#include "bpf.h"
#include "guest.h"

#define LETTER XOK_FRAME_MIN /* where it stands in a frame */
#define RING 0x00006b0000100000ull

extern uint8_t frame[XOK_FRAME_MAX]; /* what `send` sends */

/* A ring of this environment, with NSLOTS slots, without a filter; for tests that make one only. */
#define NSLOTS 64u
uint64_t open_ring(void);
void close_ring(uint64_t ring);
/* The next packet, or NULL after so long. It is given back by the next call. */
struct xok_slot *receive(uint64_t ns);

/* A filter for frames with this letter, from every port; returns its id. */
uint64_t want(char letter, uint64_t ring);

/* Fills `frame` with a pattern under this letter. */
void make(char letter, size_t len);
/* Sends it as soon as the port takes it. */
int64_t send(uint32_t port, size_t len);

/* ---- handlers ---- */
/* What load loads: its instructions and everything else that is not 0. */
struct program {
	const struct vc_insn *insn;
	uint32_t ninsn;
	uint32_t ports, budget, min_len;
	uint64_t rate;
	uint32_t ntable, table;
	uint32_t ncallee, callee;
};
#define PROGRAM(code, ...)        \
	(&(const struct program){ \
		.insn = (code), .ninsn = sizeof(code) / sizeof((code)[0]), __VA_ARGS__})

extern struct xok_prog_report report; /* of the last load */
/* Loads it with capability 0; its id, or why not. */
int64_t load(const struct program *p);
/* Loads it, which must succeed, and binds it to a filter. */
uint64_t handle(uint64_t filter, const struct program *p);
void unload(uint64_t prog);
const struct xok_prog_info *prog_info(uint64_t id);
const struct xok_table_info *table_info(uint64_t id);

#endif
