/* SPDX-License-Identifier: BSD-2-Clause */
/* modules.c - the forwarding handlers as modules, as data. */
#include "nodeos/forward/modules.h"

#define MODULE(name, file)                                \
	__asm__(".pushsection .rodata\n"                  \
		".balign 8\n"                             \
		".global " #name "\n" #name ":\n"         \
		".incbin \"" file "\"\n"                  \
		".global " #name "_end\n" #name "_end:\n" \
		".popsection\n")

MODULE(forward4_module, "forward/forward4.mod");
MODULE(forward6_module, "forward/forward6.mod");
MODULE(forward4_tagged_module, "forward/forward4_tagged.mod");
MODULE(forward6_tagged_module, "forward/forward6_tagged.mod");
MODULE(mirror_module, "forward/mirror.mod");
