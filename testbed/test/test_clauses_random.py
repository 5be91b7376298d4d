# SPDX-License-Identifier: BSD-2-Clause
"""Packets of every kind, mutated, into a whole router: nothing that comes in goes uncounted, and the router lives. In one process and in far greater
numbers: xok/linux/test/test_balance.c. CLAUSES_RANDOM says how many, CLAUSES_SEED which. On machine linux only: of such frames QEMU's card did not
hand all to the guest, so that what goes in cannot be counted from outside."""
import os
import random

import pytest
from clauses import HOST4, HOST6, HOST_MAC, ROUTER4, ROUTER6, ip4_sum, node  # noqa: F401
from scapy.all import (ARP, ICMP, IP, TCP, UDP, Dot1Q, Ether, ICMPv6EchoRequest, ICMPv6ND_NA, ICMPv6ND_NS, ICMPv6NDOptSrcLLAddr,
                       ICMPv6PacketTooBig, IPOption_LSRR, IPOption_NOP, IPOption_RR, IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment,
                       IPv6ExtHdrHopByHop, IPv6ExtHdrRouting, Raw, raw)

LOT = 64  # as many as the router's ring takes at once, and more than a burst


def seeds(node):
    """Valid frames of every kind."""
    ether = Ether(src=HOST_MAC[0], dst=node.mac[0])
    four = [IP(src=HOST4[0], dst=d) / x for d in (HOST4[1], ROUTER4[0], "10.0.2.255", "224.0.0.5", "203.0.113.1")
            for x in (UDP() / Raw(b"x" * 40), TCP(), ICMP())]
    four += [IP(src=HOST4[0], dst=HOST4[1], options=[o]) / UDP() for o in (IPOption_NOP(), IPOption_RR(routers=["0.0.0.0"]), IPOption_LSRR(routers=["1.2.3.4"]))]
    four += [IP(src=HOST4[0], dst=HOST4[1], frag=3, flags="MF") / Raw(b"x" * 64), IP(src=HOST4[0], dst=HOST4[1], ttl=1) / UDP()]
    six = [IPv6(src=HOST6[0], dst=d) / x for d in (HOST6[1], ROUTER6[0], "ff02::1", "fe80::1", "2001:db8::1")
           for x in (UDP() / Raw(b"x" * 40), ICMPv6EchoRequest(), IPv6ExtHdrHopByHop() / UDP(), IPv6ExtHdrFragment(m=1) / UDP(),
                     IPv6ExtHdrRouting(addresses=["::1"]) / UDP(), IPv6ExtHdrDestOpt() / UDP(), ICMPv6PacketTooBig())]
    six += [IPv6(src=HOST6[0], dst=ROUTER6[0], hlim=255) / x for x in (ICMPv6ND_NS(tgt=ROUTER6[0]) / ICMPv6NDOptSrcLLAddr(lladdr=HOST_MAC[0]),
                                                                   ICMPv6ND_NA(tgt=HOST6[0], S=1))]
    rest = [ARP(op=o, hwsrc=HOST_MAC[0], psrc=HOST4[0], pdst=ROUTER4[0]) for o in (1, 2)] + [Dot1Q(vlan=5) / four[0], Raw(b"x" * 50)]
    return [raw(ether / p) for p in four + six + rest]


def mutated(r, frames):
    """One of them, changed somehow."""
    b = bytearray(r.choice(frames))
    for _ in range(r.choice((0, 1, 1, 2, 4))):
        at = r.randrange(min(len(b), 80)) if b else 0
        how = r.randrange(6)
        if how == 0 and b:
            b[at] ^= 1 << r.randrange(8)
        elif how == 1 and b:
            b[at] = r.randrange(256)
        elif how == 2:
            del b[r.randrange(len(b) + 1):]
        elif how == 3:
            other = r.choice(frames)
            b[at:at + 16] = other[at:at + r.randrange(64)]
        elif how == 4 and len(b) > 34:
            at = r.choice((16, 18, 20))  # a length, or what is taken for one
            b[at:at + 2] = r.choice((0, 19, 20, 39, 576, 1500, 65535)).to_bytes(2, "big")
        else:
            b += bytes(r.randrange(256) for _ in range(r.choice((1, 40, 1500 - min(len(b), 1500)))))
    if len(b) >= 34 and r.randrange(2):
        b[24:26] = b"\0\0"
        b[24:26] = ip4_sum(bytes(b[14:34])).to_bytes(2, "big")
    return bytes(b[:1518])


@pytest.mark.parametrize("node", ["linux"], indirect=True)
def test_mutated(node):  # noqa: F811
    """Packets in = packets out + sum of named drops (+ in rings, consumed), exactly, after each lot; and then it forwards as before."""
    r = random.Random(int(os.environ.get("CLAUSES_SEED", "1")))
    count = int(os.environ.get("CLAUSES_RANDOM", "640"))
    frames = seeds(node)
    for _ in range(count // LOT):
        for port in (0, 1):
            node.exchange(*[Raw(mutated(r, frames)) for _ in range(LOT // 2)], port=port)
    node.exchange(node.udp4()).only(1)
    node.exchange(node.udp6()).only(1)
