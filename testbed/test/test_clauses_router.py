# SPDX-License-Identifier: BSD-2-Clause
"""What a router is told to do beside forwarding: reverse-path checks, several next hops for a route, VLANs; on both machines."""
import pytest

from clauses import HOST4, HOST6, HOST_MAC, node  # noqa: F401
from scapy.all import (ARP, ICMP, IP, TCP, UDP, Dot1Q, Ether, HBHOptUnknown, IPOption_NOP, IPv6, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop, Raw,
                       fragment, raw)


# ---- RFC 3704: ingress filtering ----

@pytest.fixture(params=["strict", "loose"])
def rpf(node, request):
    node.tell(f"port 0 rpf {request.param}")
    yield request.param
    node.tell("port 0 rpf off")


def plain4(node, src):
    return node.udp4(src=src)


def options4(node, src):
    return node.udp4(src=src, options=[IPOption_NOP()])


def plain6(node, src):
    return node.udp6(src=src)


def hop_by_hop6(node, src):
    return node.ether() / IPv6(src=src, dst=HOST6[1]) / IPv6ExtHdrHopByHop(options=[HBHOptUnknown(otype=0x1e, optdata=b"1234")]) / UDP()


KINDS = [(plain4, ("10.0.1.9", "10.0.2.77", "203.0.113.1")), (options4, ("10.0.1.9", "10.0.2.77", "203.0.113.1")),
         (plain6, ("fd00:1::9", "fd00:2::77", "2001:db8::77")), (hop_by_hop6, ("fd00:1::9", "fd00:2::77", "2001:db8::77"))]


@pytest.mark.parametrize("make,sources", KINDS, ids=[k[0].__name__ for k in KINDS])
def test_reverse_path(node, rpf, make, sources):
    """RFC 3704 2.2: strict: a packet passes when its source would be reached by the interface it came in at; 2.4: loose: when there is a route to it at all.
    Packets with options or extension headers are no exception. A default route counts as one."""
    right, elsewhere, nowhere = sources
    node.exchange(make(node, right)).only(1)
    for src, passes in ((elsewhere, rpf == "loose"), (nowhere, False)):
        x = node.exchange(make(node, src))
        assert bool(x.out[1]) == passes and not x.out[0]
        drops = sum(v for group in (x.forward, x.ip, x.ip6) for k, v in group.items() if "drop-reverse-path" in k)
        assert drops == (0 if passes else 1)


def test_reverse_path_blackhole(node):
    """RFC 5635 3: with a reverse-path check, a black hole for a source's prefix stops what comes from there (remotely triggered, source-based)."""
    node.tell("route 192.0.2.0/24 blackhole", "port 0 rpf loose")
    try:
        for make in (plain4, options4):
            x = node.exchange(make(node, "192.0.2.7"))
            assert not x.frames
    finally:
        node.tell("port 0 rpf off")


# ---- RFC 2991, RFC 2992: several next hops ----

MEMBERS = {"02:00:00:00:02:21": "10.0.2.21", "02:00:00:00:02:22": "10.0.2.22", "02:00:00:00:02:23": "10.0.2.23"}


@pytest.fixture(scope="module")
def ways(node):
    """Two prefixes with three next hops each."""
    for i, (mac, addr) in enumerate(MEMBERS.items()):
        node.tell(f"neighbour 1 {addr} {mac}", f"neighbour 1 fd00:2::2{i + 1} {mac}")
    node.tell("route 10.50.0.0/16 " + " ".join(f"via {a}" for a in MEMBERS.values()),
              "route 2001:db8:50::/48 " + " ".join(f"via fd00:2::2{i + 1}" for i in range(3)))
    return node


def ways_of(node, frames):
    x = node.exchange(*frames)
    assert len(x.out[1]) == len(frames)
    return [p.dst for p in x.out[1]]


@pytest.mark.parametrize("transport", [UDP, TCP])
def test_flows_are_stable(ways, transport):
    """RFC 2991 2: packets of a flow that take different ways arrive out of order; so all of a flow go the same way, and flows are spread over all."""
    flows = [ways.ether() / IP(src=HOST4[0], dst="10.50.1.1") / transport(sport=p, dport=80) / Raw(b"x") for p in range(4000, 4064)]
    first = ways_of(ways, flows)
    assert set(first) == set(MEMBERS)
    assert ways_of(ways, flows) == first
    assert all(first.count(mac) > 6 for mac in MEMBERS)


def test_flows_of_ipv6(ways):
    """RFC 6438 3: the flow label, where the source sets one, tells flows apart, and addresses and ports do."""
    flows = [ways.ether() / IPv6(src=HOST6[0], dst="2001:db8:50::1", fl=f) / UDP(sport=p, dport=80) / Raw(b"x")
             for f, p in [(n, 4000) for n in range(32)] + [(0, 4000 + n) for n in range(32)]]
    first = ways_of(ways, flows)
    assert set(first[:32]) == set(first[32:]) == set(MEMBERS)
    assert ways_of(ways, flows) == first


def test_fragments_stay_together(ways):
    """RFC 2992, RFC 4459 3: only the first fragment has ports: they do not count for any of the fragments."""
    for port in range(16):
        parts = fragment(IP(src=HOST4[0], dst="10.50.1.1", id=port) / UDP(sport=port) / Raw(bytes(1200)), 400)
        assert len(set(ways_of(ways, [ways.ether() / p for p in parts]))) == 1
    for port in range(4):
        parts = [ways.ether() / IPv6(src=HOST6[0], dst="2001:db8:50::1") / IPv6ExtHdrFragment(offset=o, m=1, id=port, nh=17) / Raw(bytes([port]) * 64) for o in (0, 8, 16)]
        assert len(set(ways_of(ways, parts))) == 1


# ---- IEEE 802.1Q ----

@pytest.fixture(scope="module")
def vlan(node):
    node.tell("port 0 vlan 7 address 10.77.0.1/24", "port 0 vlan 7 address fd00:77::1/64", "neighbour 0.7 10.77.0.9 02:00:00:00:77:09",
              "neighbour 0.7 fd00:77::9 02:00:00:00:77:09")
    return node


def tagged(node, vlan=7, **more):
    return Ether(src="02:00:00:00:77:09", dst=node.mac[0]) / Dot1Q(vlan=vlan, **more)


@pytest.mark.parametrize("priority", [0, 5, 7])
def test_vlan_in(vlan, priority):
    """IEEE 802.1Q 6.9: a frame belongs to the VLAN that its tag says; the tag is not the next link's."""
    for ip in (IP(src="10.77.0.9", dst=HOST4[1]), IPv6(src="fd00:77::9", dst=HOST6[1])):
        p = vlan.exchange(tagged(vlan, prio=priority) / ip / UDP() / Raw(vlan.payload())).only(1)
        assert Dot1Q not in p and p.dst == HOST_MAC[1] and (p.ttl if IP in p else p.hlim) == 63


def test_vlan_out(vlan):
    """IEEE 802.1Q 6.9.2: a frame sent in a VLAN carries its tag; the largest packet is as large as without (IEEE 802.3ac)."""
    for size in (18, 1472):
        p = vlan.exchange(vlan.udp4(vlan.payload(size), port=1, dst="10.77.0.9"), port=1).only(0)
        assert p[Dot1Q].vlan == 7 and p[Dot1Q].prio == 0 and p.dst == "02:00:00:00:77:09" and len(p[UDP].payload) == size
        p = vlan.exchange(vlan.udp6(vlan.payload(min(size, 1452)), port=1, dst="fd00:77::9"), port=1).only(0)
        assert p[Dot1Q].vlan == 7


def test_vlan_to_untagged(vlan):
    """Between two interfaces of one port a packet is forwarded as between two ports."""
    p = vlan.exchange(tagged(vlan) / IP(src="10.77.0.9", dst=HOST4[0]) / UDP() / Raw(vlan.payload())).only(0)
    assert Dot1Q not in p and p.dst == HOST_MAC[0]
    p = vlan.exchange(vlan.udp4(dst="10.77.0.9")).only(0)
    assert p[Dot1Q].vlan == 7


def test_vlan_of_others(vlan):
    """IEEE 802.1Q 6.9: frames of VLANs that we are not in are dropped, under a name; double tags are one of those."""
    x = vlan.exchange(tagged(vlan, vlan=8) / IP(src="10.77.0.9", dst=HOST4[1]) / UDP())
    assert x.ip == {"drop-ether-type": 1} and not x.frames
    x = vlan.exchange(tagged(vlan) / Dot1Q(vlan=9) / IP(src="10.77.0.9", dst=HOST4[1]) / UDP())
    assert x.ip == {"drop-ether-type": 1} and not x.frames


def test_vlan_errors(vlan):
    """What is said about a tagged packet goes back in its VLAN, from the address there (RFC 1812 4.3.2.4)."""
    p = vlan.exchange(tagged(vlan) / IP(src="10.77.0.9", dst=HOST4[1], ttl=1) / UDP() / Raw(vlan.payload())).only(0)
    assert p[Dot1Q].vlan == 7 and p[IP].src == "10.77.0.1" and (p[ICMP].type, p[ICMP].code) == (11, 0)


def test_vlan_arp(vlan):
    """ARP is its VLAN's own: an address of it is told there, and nowhere else."""
    ask = lambda head: head / ARP(op=1, hwsrc="02:00:00:00:77:09", psrc="10.77.0.9", pdst="10.77.0.1")  # noqa: E731
    everybody = {"src": "02:00:00:00:77:09", "dst": "ff:ff:ff:ff:ff:ff"}
    p = vlan.exchange(ask(Ether(**everybody) / Dot1Q(vlan=7))).only(0)
    assert p[Dot1Q].vlan == 7 and p[ARP].psrc == "10.77.0.1"
    assert not vlan.exchange(ask(Ether(**everybody))).frames
