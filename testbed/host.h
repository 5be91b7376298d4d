/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host.h - nodes that live in Linux namespaces of their own (namespaces(7): network, pid, mount, UTS and IPC): hosts, in which real
 * programs run, and routers whose ports a Linux of their own mirrors.
 *
 * The first process of the namespaces is `amp host-node`, which the supervisor starts in them. It makes the node's interfaces and waits; when
 * it ends, for whatever reason, Linux ends every process in there and removes the interfaces, so nothing is left to be cleaned up.
 * Others join by its pid: `amp testbed exec`, or nsenter(1).
 *
 * A host's port P is the TAP ethP with the port's MAC, addresses, MTU and routes as the node's configuration file says. The TAP's other
 * side is the supervisor's, which gets it over the lifeline.
 *
 * The lifeline is a SOCK_SEQPACKET pair: descriptor 5 of the first process, the other end the supervisor's. A message from the host is one byte,
 * the number of a port, and one descriptor (SCM_RIGHTS), its TAP. The host ends when the supervisor's end does.
 */
#ifndef TESTBED_HOST_H
#define TESTBED_HOST_H

#include <stdint.h>
#include <sys/types.h>

#define HOST_CONTROL 4 /* console 1, on which a host says that it is ready */
#define HOST_LIFELINE 5

/* Names of interfaces, before the port's number: a host's, and a router's mirrors. */
#define HOST_PORT "eth"
#define HOST_MIRROR "p"

/* 1: a message; 0: the other end is gone; -1 with errno. */
ssize_t host_receive(int lifeline, uint8_t *port, int *tap);
/* 0, or -1 with errno. */
int host_send(int lifeline, uint8_t port, int tap);

#endif
