/* SPDX-License-Identifier: BSD-2-Clause */
/* host.h - what the files of the host backend share. */
#ifndef AMP_HOST_INTERNAL_H
#define AMP_HOST_INTERNAL_H

#include "amp/host.h"
#include "libamp/common/backend.h"

#define HOST_PORTS 64u
#define HOST_FILTERS 256u
#define HOST_ARENA 65536u /* bytes of each port's demultiplexer */

/* Ports: ports.c opens sockets, demux.c finds the ring a frame belongs to. */
int ports_open(const struct amp_host_port *port, uint32_t nport);
void ports_close(void);
int ports_fd(uint32_t port);
struct xok_port_info *ports_info(uint32_t port);
/* Takes what waits at a port's socket, at most a ring's worth, into rings. */
void ports_receive(uint32_t port);

int demux_open(uint32_t nport);
void demux_close(void);
void demux_packet(uint32_t port, const uint8_t *data, size_t len, uint64_t time);

/* Consoles. */
void cons_init(const int fds[2]);
void cons_fini(void);
int cons_poll_fd(uint32_t cons); /* -1: not open for reading, or ended */
void cons_readable(uint32_t cons);

#endif
