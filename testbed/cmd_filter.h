/* SPDX-License-Identifier: BSD-2-Clause */
/* cmd_filter.h - packet filters for people, and expressions that are none. */
#ifndef TESTBED_CMD_FILTER_H
#define TESTBED_CMD_FILTER_H

#include <cjson/cJSON.h>

#include "xok/filter.h"

/* Its atoms, a line each behind this indent. */
void filter_print(const struct xok_filter *f, const char *indent);
/* An array of its atoms. */
cJSON *filter_json(const struct xok_filter *f);

/* An expression given as the rest of the command line; without words *n is 0. Exit status, or -1: fine. */
int filter_expression(const char *verb, int argc, char *const *argv, struct xok_filter *f,
		      unsigned max, unsigned *n);

#endif
