/* SPDX-License-Identifier: BSD-2-Clause */
/* device.h - what a port is made of, as --port names it: KIND:WHERE. */
#ifndef XOK_LINUX_DEVICE_H
#define XOK_LINUX_DEVICE_H

#include <stddef.h>
#include <stdint.h>

enum device_kind { DEVICE_PCI, DEVICE_VDEV, DEVICE_RING, DEVICE_UNIX, DEVICE_TUN };

struct device {
	enum device_kind kind;
	/*
	 * PCI: address. VDEV: driver and number, a comma, its arguments, as EAL has it. RING: the ring's name. UNIX: the local socket. TUN: the
	 * interface.
	 */
	char what[512];
	char peer[108]; /* UNIX: the other side's socket */
	char replay
		[256]; /* a capture file that the driver reads in a loop, so that all of it is held in buffers; "": none */
};

/*
 * Reads `text`, the device of port number `port` (drivers want distinct numbers). NULL, or what is wrong with it and how to write it, in memory
 * that the next call overwrites.
 */
const char *device_parse(struct device *d, const char *text, unsigned port);

/* How many packets its driver holds for ever: those of `replay`. */
uint32_t device_packets(const struct device *d);

/* All kinds, a line each, for --help. */
const char *device_help(void);

#endif
