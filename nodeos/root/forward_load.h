/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * forward_load.h - making the tables of the forwarding handlers, loading these, and the filters whose packets they get.
 */
#ifndef NODEOS_ROOT_FORWARD_LOAD_H
#define NODEOS_ROOT_FORWARD_LOAD_H

#include "nodeos/root/forward.h"

/* Makes the tables and maps those that are memory. False: why says what is missing, and f has none. */
bool forward_tables(struct forward *f, char why[AMP_WHY]);

/* Loads a handler, unless it is there; false: it cannot be, and the log says so. */
bool forward_program(struct forward *f, enum forward_program which);

/* Adds the filters that the node's interfaces ask for and that are not there yet. */
void forward_filters(struct forward *f);

#endif
