/* SPDX-License-Identifier: BSD-2-Clause */
/* cmd_up.h - the parts of `amp testbed` that start and end things. Both return the exit status. */
#ifndef TESTBED_CMD_UP_H
#define TESTBED_CMD_UP_H

#include <signal.h>

#include "supervisor.h"

/* Comes back when every node is ready, or with foreground when everything is down again. Fills in the rest of *o. */
int cmd_up(const char *file, const char *state, struct sup_options *o, bool foreground);
int cmd_down(const char *which);

/* SIGINT, SIGTERM and SIGHUP from now on only set this. */
extern volatile sig_atomic_t cmd_interrupted;
void cmd_catch_signals(void);

#endif
