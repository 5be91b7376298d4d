/* SPDX-License-Identifier: BSD-2-Clause */
/* forward6_tagged.c - forward6.c for frames with an 802.1Q tag. */
#define TAGGED
#include "nodeos/forward/forward6.c"
