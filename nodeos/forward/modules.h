/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * modules.h - the forwarding handlers as modules (capsules/FORMAT.md), 8-aligned.
 */
#ifndef NODEOS_FORWARD_MODULES_H
#define NODEOS_FORWARD_MODULES_H

#include <stdint.h>

extern const uint8_t forward4_module[], forward4_module_end[];
extern const uint8_t forward6_module[], forward6_module_end[];
extern const uint8_t forward4_tagged_module[], forward4_tagged_module_end[];
extern const uint8_t forward6_tagged_module[], forward6_tagged_module_end[];
extern const uint8_t mirror_module[], mirror_module_end[];

#endif
