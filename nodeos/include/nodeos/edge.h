/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * edge.h - a user-level host: the root domain and the capsule domain of a node in one Linux process, on libamp/host.
 *
 * The caller has done amp_host_init (ports, consoles). The configuration file has the commands of CONTROL.md; its `node` and
 * `role` lines may be missing, then the node is `name` and a host. An edge that injects a capsule does not run it first.
 */
#ifndef NODEOS_EDGE_H
#define NODEOS_EDGE_H

/*
 * Runs the node until `poweroff` or amp_stop. Returns the exit status: 0 after an orderly end, 1 when the
 * configuration is refused (every error stands on standard error, with file, line and what to do) or something the node
 * needs cannot be had.
 */
int nodeos_edge_run(const char *name, const char *conf_path);

#endif
