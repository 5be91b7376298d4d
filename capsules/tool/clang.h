/* SPDX-License-Identifier: BSD-2-Clause */
/* clang.h - the compiler behind `amp build`. */
#ifndef CAPSULE_TOOL_CLANG_H
#define CAPSULE_TOOL_CLANG_H

#include <stdbool.h>

/*
 * Compiles source to a BPF object for this verb; its messages go to standard error. False with a message when there is no clang, no SDK, or the source
 * does not compile.
 */
bool clang_compile(const char *verb, const char *source, const char *object);

#endif
