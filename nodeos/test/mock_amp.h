/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mock_amp.h - libamp for tests: a clock that moves when told, ports that remember what was sent, a host stack that remembers what it
 * was given, consoles that remember what was written.
 */
#ifndef NODEOS_MOCK_AMP_H
#define NODEOS_MOCK_AMP_H

#include "amp/amp.h"
#include "nodeos/node.h"

#define MOCK_SENT 512u
#define MOCK_WALL 1700000000000000000ull /* UTC when the monotonic clock stands at 0 */

struct mock_frame {
	uint32_t port;
	size_t len;
	uint8_t data[XOK_FRAME_MAX];
};

/* Forgets everything; `nport` ports with MAC 52:54:00:00:00:NN. */
void mock_reset(uint32_t nport);
/* Moves the clock, firing timers in their order. */
void mock_advance(uint64_t ns);
/* Takes the oldest frame sent; NULL: none. Valid until the next reset. */
const struct mock_frame *mock_take(void);
void mock_forget_sent(void);
/* The next amp_transmit calls answer this. */
void mock_transmit_result(int rc);
/* Takes the oldest packet given to the host stack; 0: none. */
size_t mock_delivered(uint8_t *buf, size_t cap);
/* What the host stack does with each; NULL: nothing. Reset with the rest. */
extern void (*mock_stack)(const uint8_t *packet, size_t len);
/* What was written to a console since the last call. */
const char *mock_console(uint32_t cons);
/* Types a line at a console. */
void mock_typed(uint32_t cons, const char *line);
/* Posts bits to the events handler, if it has been set. */
void mock_post_events(void);
/* Gives a frame to the ring whose filter has most atoms (0: the one with fewest). */
void mock_frame_in(uint32_t port, const uint8_t *data, size_t len, bool most_specific);
extern uint32_t mock_queued; /* packets that wait behind the next ones */
uint32_t mock_timers(void);  /* that are armed */
/* Sets the state of the pretended environment and its reason of ending. */
extern struct xok_env_info mock_env;
extern uint32_t mock_spawned, mock_destroyed;
extern int64_t mock_spawn_result;

/* A node with port i at 10.0.i.1/24 and routes 10.9.0.0/16 via 10.0.1.2 and, when there are three ports, 0/0 via 10.0.2.2. */
void mock_node(struct node_pub *p, uint32_t nport, enum node_role role);

/*
 * Routes in node_pub's tables only, of which the node itself forwards: through a gateway (NULL: connected) at a port, and a number of
 * forward.h. Prefixes as rib.h has them. mock_no_route takes one away.
 */
void mock_route(struct node_pub *p, const struct ip6 *prefix, unsigned len, const struct ip6 *via,
		uint16_t port);
void mock_route4(struct node_pub *p, uint32_t prefix, unsigned len, uint32_t via, uint16_t port);
void mock_number(struct node_pub *p, const struct ip6 *prefix, unsigned len, uint32_t number);
void mock_no_route(struct node_pub *p, const struct ip6 *prefix, unsigned len);
/* Makes port i a mirror of port `of`. */
void mock_mirror(uint32_t port, uint32_t of, const char *name);

#endif
