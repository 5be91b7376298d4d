/* SPDX-License-Identifier: BSD-2-Clause */
/* cmd_up.h - the parts of `amp testbed` that start and end things. Both return the exit status. */
#ifndef TESTBED_CMD_UP_H
#define TESTBED_CMD_UP_H

#include <signal.h>

#include "supervisor.h"

/* Comes back when every node is ready, or with foreground when everything is down again. Fills in the rest of *o. */
int cmd_up(const char *file, const char *state, struct sup_options *o, bool foreground);
int cmd_down(const char *which);

/* Runs a program (argv-like, ends with NULL) in the namespaces of a node. Its exit status, or 126, 127 and 128 + signal as env(1) has them. */
int cmd_exec(const char *which, const char *node, char **command);

/*
 * What is left of a supervisor that was killed goes first; one that lives is not disturbed. The place of testbed or router NAME, which file says is wanted, or
 * with NULL the directory of --state. False with a message.
 */
bool cmd_place_is_free(const char *verb, const char *dir, const char *name, const char *file);
/* What nodes of these kinds need is in the data directory; false with a message. */
bool cmd_files_there(const char *verb, const char *data, const struct topo *t);

/* SIGINT, SIGTERM and SIGHUP from now on only set this. */
extern volatile sig_atomic_t cmd_interrupted;
void cmd_catch_signals(void);
/* They come in ppoll only, with an empty mask: so none is missed between looking at cmd_interrupted and waiting. */
void cmd_block_signals(void);

#endif
