/* SPDX-License-Identifier: BSD-2-Clause */
/* common.h - what the verbs share: messages, files, numbers, addresses. */
#ifndef CAPSULE_TOOL_COMMON_H
#define CAPSULE_TOOL_COMMON_H

#include "capsule/module.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TOOL_OK 0
#define TOOL_FAILED 1
#define TOOL_USAGE 64

#define TOOL_FILE_MAX (16u << 20)
#define TOOL_ADDRESS_TEXT 46u /* INET6_ADDRSTRLEN */

/* "amp VERB: message" on standard error; returns TOOL_FAILED. */
__attribute__((format(printf, 2, 3))) int tool_error(const char *verb, const char *format, ...);
/* The same with a pointer to --help; returns TOOL_USAGE. */
__attribute__((format(printf, 2, 3))) int tool_misuse(const char *verb, const char *format, ...);

/* Prepares libsodium; false with a message when it cannot. */
bool tool_ready(const char *verb);

/* A whole file in memory from malloc (so aligned for any type) with room for one octet more; NULL with a message. */
uint8_t *tool_read(const char *verb, const char *path, size_t *len);
/* Writes a file, complete or not at all; "-" is standard output. False with a message. */
bool tool_write(const char *verb, const char *path, const uint8_t *bytes, size_t len);

/* An unsigned decimal (or 0x...) number and nothing else. */
bool tool_number(const char *text, uint64_t max, uint64_t *value);
/* IPv4 or IPv6 text to 16 bytes, and back. */
bool tool_address(const char *text, uint8_t out[16]);
void tool_address_text(const uint8_t a[16], char out[TOOL_ADDRESS_TEXT]);

/* "2026-01-31 12:00:00 UTC", or the number when it is out of the calendar's range. */
void tool_time_text(uint64_t seconds, char out[32]);
uint64_t tool_now_ns(void);

/* The part of a path behind the last '/', without this suffix if it has it. Returns false when it does not fit. */
bool tool_stem(const char *path, const char *suffix, char *out, size_t size);

/* Prints and frees; returns status. */
int tool_json(cJSON *object, int status);
void tool_json_hex(cJSON *object, const char *name, const uint8_t *bytes, size_t len);
/* Exact also beyond 2^53, which JSON numbers of many readers are not: a string. */
void tool_json_u64(cJSON *object, const char *name, uint64_t value);

/*
 * Parses and verifies a module as a node would: true, or false with v->parsed or v->report saying why. v points into bytes, which are aligned
 * as malloc gives them.
 */
struct tool_verdict {
	enum module_result parsed; /* MODULE_OK, or what is wrong; then nothing else counts */
	struct module module;
	struct vc_prog prog;
	struct vc_report report; /* reason 0: it verifies */
};
bool tool_verify_module(const uint8_t *bytes, size_t len, struct tool_verdict *v);

#endif
