/* SPDX-License-Identifier: BSD-2-Clause */
/* options.h - xokd's command line, read and checked as a whole. There is no configuration language. */
#ifndef XOK_LINUX_OPTIONS_H
#define XOK_LINUX_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "device.h"

#define XOKD_PORTS 32u /* mirrors among them */
#define XOKD_LCORES 16u
#define XOKD_FILES 16u
#define XOKD_EAL 16u

struct option_port {
	char name[16]; /* letters, digits, - _ . */
	struct device device;
	char mirror[16]; /* interface name of its mirror; "": none */
	uint8_t mac[6];	 /* all zero: the device's, or one made from the node's name and port */
	uint16_t mtu, queues; /* 0: the device's; 0: 1 */
};

struct options {
	const char *name, *programs, *run_dir, *console[2];
	struct option_port port[XOKD_PORTS];
	uint32_t nport;
	struct {
		char name[32];
		const char *path;
	} boot[XOKD_FILES];
	uint32_t nboot;
	uint32_t lcore[XOKD_LCORES], nlcore; /* Linux's numbers of processors */
	uint32_t memory_mb;		     /* of frames */
	uint32_t code_kb;		     /* 0: as much as it takes */
	bool netlink, hugepages, unconfined, hitless;
	const char *eal[XOKD_EAL];
	uint32_t neal;
};

/*
 * 0; or 1 after --help or --version, which were written to standard output; or -1 with a message on standard error that says what, where and
 * what to do. Strings are argv's.
 */
int options_read(struct options *o, int argc, char **argv);

#endif
