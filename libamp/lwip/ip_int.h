/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ip_int.h - between the parts of the host stack: ip.c owns lwIP and its interfaces, icmp.c, udp.c
 * and echo.c use it.
 */
#ifndef AMP_IP_INT_H
#define AMP_IP_INT_H

#include "amp/ip.h"

#include "lwip/err.h"
#include "lwip/pbuf.h"

/*
 * Every call into lwIP that is not made from one of its callbacks stands between these two: while
 * it runs, packets that come in wait, and afterwards its timer is set anew.
 */
bool amp_ip_enter(void);
void amp_ip_leave(bool was);

/* An err_t as one of XOK_E... */
int amp_ip_error(err_t err);

int amp_ip_icmp_init(void);

/* Segments dropped for an option that they may not carry. */
uint64_t amp_ip_bad_option(void);

/*
 * Cuts a received datagram to the length that its UDP header gives; false, and counted, when that
 * does not fit it. lwIP does not look at the field.
 */
bool amp_ip_udp_trim(struct pbuf *p);

#endif
