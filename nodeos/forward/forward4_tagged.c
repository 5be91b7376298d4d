/* SPDX-License-Identifier: BSD-2-Clause */
/* forward4_tagged.c - forward4.c for frames with an 802.1Q tag. */
#define TAGGED
#include "nodeos/forward/forward4.c"
