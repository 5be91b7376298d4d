/* SPDX-License-Identifier: BSD-2-Clause */
/* edge.c - `amp edge-node`: the process of one edge, a user-level host. The supervisor starts it; people do not. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "amp/host.h"
#include "cmd.h"
#include "nodeos/edge.h"
#include "topology.h"

static const struct option options[] = {
	{"name", required_argument, NULL, 'n'},	  {"conf", required_argument, NULL, 'c'},
	{"port", required_argument, NULL, 'p'},	  {"cons-fd", required_argument, NULL, '0'},
	{"ctl-fd", required_argument, NULL, '1'}, {NULL, 0, NULL, 0}};

/* LOCAL,REMOTE,MAC; the option's own text is cut into pieces. */
static bool read_port(char *text, struct amp_host_port *p)
{
	char *remote = strchr(text, ','), *mac = remote ? strchr(remote + 1, ',') : NULL;
	char rest;

	if (!mac)
		return false;
	*remote = *mac = 0;
	p->local = text;
	p->remote = remote + 1;
	return sscanf(mac + 1, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx%c", &p->mac[0], &p->mac[1],
		      &p->mac[2], &p->mac[3], &p->mac[4], &p->mac[5], &rest) == 6;
}

int cmd_edge_node(int argc, char **argv)
{
	struct amp_host_port port[TOPO_PORTS];
	const char *name = NULL, *conf = NULL;
	int fds[2] = {-1, -1};
	uint32_t nport = 0;

	for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		switch (c) {
		case 'n': name = optarg; break;
		case 'c': conf = optarg; break;
		case '0': fds[0] = atoi(optarg); break;
		case '1': fds[1] = atoi(optarg); break;
		case 'p':
			if (nport == TOPO_PORTS || !read_port(optarg, &port[nport++]))
				return cmd_misuse("edge-node", "--port takes LOCAL,REMOTE,MAC");
			break;
		default: return cmd_misuse("edge-node", "see amp testbed");
		}
	}
	if (!name || !conf)
		return cmd_misuse("edge-node", "--name and --conf are needed");
	if (amp_host_init(name, port, nport, fds))
		return AMP_FAILED;
	int rc = nodeos_edge_run(name, conf);
	amp_host_fini();
	return rc;
}
