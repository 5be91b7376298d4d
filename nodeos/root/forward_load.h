/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * forward_load.h - making the tables of the forwarding handlers, and loading these.
 */
#ifndef NODEOS_ROOT_FORWARD_LOAD_H
#define NODEOS_ROOT_FORWARD_LOAD_H

#include "nodeos/root/forward.h"

/* Makes the tables and maps those that are memory. False: why says what is missing, and f has none. */
bool forward_tables(struct forward *f, char why[AMP_WHY]);

/* Loads the handler of a family; its id, or an error and why. */
int64_t forward_load(const struct forward *f, unsigned family, const struct forward_module *m,
		     char why[AMP_WHY]);

#endif
