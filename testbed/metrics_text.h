/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * metrics_text.h - the two texts of the metrics endpoint: a request of HTTP/1.1 (RFC 9112), and Prometheus' text exposition format, version 0.0.4.
 * No descriptor is touched here.
 */
#ifndef TESTBED_METRICS_TEXT_H
#define TESTBED_METRICS_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <cjson/cJSON.h>

#define METRICS_REQUEST 4096u /* bytes of a request's head; more is refused */

/*
 * What to answer to what has come so far: 0: the head of the request is not whole yet; 200: GET or HEAD of /metrics; else the status of the refusal
 * (400, 404, 405, 431, 505). *head: the answer has no body.
 */
int metrics_request(const char *buf, size_t len, bool *head);

/* The reason phrase of one of those, and of 503. */
const char *metrics_reason(int status);

/* The tables of the node that a scrape is made from; the commands that answer them are `show NAME`. */
#define METRICS_TABLES 9u
extern const char *const metrics_table[METRICS_TABLES];

/* The exposition: rows[i] are those of metrics_table[i], a JSON array; a row of ports gets the name of its interface here. */
void metrics_print(FILE *out, cJSON *rows[METRICS_TABLES], const char *node, const char *version);

#endif
