/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cc.h - what lwIP asks of a compiler and a platform, beyond what its own header finds in C11.
 */
#ifndef AMP_LWIP_ARCH_CC_H
#define AMP_LWIP_ARCH_CC_H

#include <stdint.h>

#ifndef BYTE_ORDER
#define LITTLE_ENDIAN 1234
#define BIG_ENDIAN 4321
#define BYTE_ORDER LITTLE_ENDIAN
#endif

uint32_t amp_lwip_random(void);
_Noreturn void amp_lwip_panic(const char *what, const char *file, int line);

#define LWIP_RAND() amp_lwip_random()
#define LWIP_PLATFORM_ASSERT(what) amp_lwip_panic((what), __FILE__, __LINE__)
/* Its debug output is off; nothing may reach a console behind libamp's back. */
#define LWIP_PLATFORM_DIAG(x)

#endif
