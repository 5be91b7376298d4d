/* SPDX-License-Identifier: BSD-2-Clause */
/* packet_text.h - an Ethernet frame in one line, much as tcpdump has it. */
#ifndef TESTBED_PACKET_TEXT_H
#define TESTBED_PACKET_TEXT_H

#include <stddef.h>
#include <stdint.h>

/* The first `captured` bytes of a frame of `len` bytes: what there is to say about it, cut to fit. */
void packet_text(const uint8_t *frame, uint32_t captured, uint32_t len, char *buf, size_t size);

#endif
