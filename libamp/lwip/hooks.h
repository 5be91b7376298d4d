/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hooks.h - the decisions that lwIP leaves to us. lwipopts.h names the first, where lwIP looks for
 * it.
 */
#ifndef AMP_LWIP_HOOKS_H
#define AMP_LWIP_HOOKS_H

#include "lwip/ip_addr.h"
#include "lwip/netif.h"

struct tcp_pcb;
struct tcp_hdr;

/*
 * The interface, and so the source address, for packets to dest; src is what the sender is bound
 * to, or NULL.
 */
struct netif *amp_lwip_route(const ip4_addr_t *src, const ip4_addr_t *dest);

/* RFC 6528: what matters is that nobody else can guess it. */
#define LWIP_HOOK_TCP_ISN(lip, lport, rip, rport) \
	((void)(lip), (void)(lport), (void)(rip), (void)(rport), amp_lwip_random())

/*
 * Each TCP segment for a known port; what is not ERR_OK is dropped. Reads the options, opt1len
 * bytes of them behind hdr.
 */
err_t amp_lwip_segment(struct tcp_pcb *pcb, const struct tcp_hdr *hdr, uint16_t optlen,
		       uint16_t opt1len, const uint8_t *opt2);
#define LWIP_HOOK_TCP_INPACKET_PCB(pcb, hdr, optlen, opt1len, opt2, p) \
	amp_lwip_segment((pcb), (hdr), (optlen), (opt1len), (opt2))

#endif
