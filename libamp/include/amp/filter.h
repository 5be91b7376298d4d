/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * filter.h - tcpdump's filter expressions (pcap-filter(7)) as packet filters of the kernel.
 *
 * What can be said: every union of conjunctions of header tests.
 *	ether|ip|ip6|arp|rarp|tcp|udp|sctp|icmp|icmp6|igmp|pim|vrrp|ah|esp; [ether] proto N, ip proto N, ip6 proto N
 *	[ether|ip|ip6|arp|rarp] [src|dst|src or dst|src and dst] [host|net] ADDRESS; net A/LEN, net A mask M
 *	[tcp|udp|sctp] [src|dst|...] port N, portrange N-M; vlan [N]; greater N; [ether|ip|ip6] broadcast, multicast
 *	P[OFF:SIZE] = N, with & MASK, >> N, and =, ==, !=, <, <=, >, >= where ranges or single bits express them
 *	and, &&, or, || (of equal precedence, from left to right, as in tcpdump), parentheses, `port 53 or 80`, `host (a or b)`
 * What cannot, is refused with a reason: `not`, comparisons between fields, arithmetic on them, names that need a resolver, less.
 *
 * It matches what libpcap's matches on Ethernet, but for two things. A test that needs more bytes than the packet has is false, and only it:
 * libpcap's then refuse the packet even if another branch of an `or` holds. And `and` may be left out between tests.
 */
#ifndef AMP_FILTER_H
#define AMP_FILTER_H

#include <stddef.h>

#include "xok/filter.h"

#define AMP_FILTER_ERR 256u /* bytes that are enough for every message */

/*
 * Fills at most `max` filters, of which a packet must match one, *n in all; their port is XOK_PORT_ANY. None of them is covered by another.
 * The empty expression is one filter without atoms. On failure writes a line to err: what, where, and what to do. 0, -EINVAL: not an expression, or one
 * that cannot be expressed, or that no packet matches; -E2BIG: more filters than max, or more atoms in one than there can be; -ENOMEM.
 */
int amp_filter_parse(const char *text, struct xok_filter *out, unsigned max, unsigned *n, char *err,
		     size_t err_len);

#endif
