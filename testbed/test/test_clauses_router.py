# SPDX-License-Identifier: BSD-2-Clause
"""What a router is told to do beside forwarding: reverse-path checks, several next hops for a route, VLANs; on both machines."""
import pytest

from clauses import HOST4, HOST6, HOST_MAC, at_rest, node  # noqa: F401
from test_advertise import hosts  # noqa: F401
from scapy.all import (ARP, ICMP, IP, TCP, UDP, Dot1Q, Ether, HBHOptUnknown, IPOption_NOP, IPv6, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop, Raw,
                       fragment)


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
    """RFC 3704 2.2: "the source address is looked up in the Forwarding Information Base (FIB) - and if the packet is received on the interface
    which would be used to forward the traffic to the source of the packet, it passes the check."
    RFC 3704 2.4: "a packet is dropped if there is no route at all ... but is not dropped if a route exists."
    Packets with options or extension headers are no exception."""
    right, elsewhere, nowhere = sources
    node.exchange(make(node, right)).only(1)
    for src, passes in ((elsewhere, rpf == "loose"), (nowhere, False)):
        x = node.exchange(make(node, src))
        assert bool(x.out[1]) == passes and not x.out[0]
        drops = sum(v for group in (x.forward, x.ip, x.ip6) for k, v in group.items() if "drop-reverse-path" in k)
        assert drops == (0 if passes else 1)


@pytest.mark.parametrize("make,sources", KINDS, ids=[k[0].__name__ for k in KINDS])
def test_reverse_path_off(node, make, sources):
    """RFC 1812 5.3.8: "If this feature is implemented, it MUST be disabled by default." """
    for src in sources:
        node.exchange(make(node, src)).only(1)


def test_reverse_path_blackhole(node):
    """RFC 5635 4.1: "This will cause the route to be installed with a next-hop of the discard interface, causing the uRPF check to fail and the
    packets to be discarded." """
    node.tell("route 192.0.2.0/24 blackhole", "port 0 rpf loose")
    try:
        for make in (plain4, options4):
            x = node.exchange(make(node, "192.0.2.7"))
            assert not x.frames
    finally:
        node.tell("port 0 rpf off")


# ---- RFC 1812 5.2.4: the next hop ----

@pytest.mark.parametrize("prefixes", [("10.60.0.0/16", "10.60.1.0/24", "10.60.1.5/32"), ("2001:db8:60::/48", "2001:db8:60:1::/64", "2001:db8:60:1::5/128")],
                         ids=["ipv4", "ipv6"])
def test_longest_match(node, prefixes):
    """RFC 1812 5.2.4.3 (2): "After performing Basic Match pruning, the algorithm examines the remaining routes to determine which among them have the largest
    route.length values. All except these are discarded." """
    four = "." in prefixes[0]
    macs = [f"02:00:00:00:02:3{i}" for i in range(3)]
    for i, prefix in enumerate(prefixes):
        hop = f"10.0.2.3{i}" if four else f"fd00:2::3{i}"
        node.tell(f"neighbour 1 {hop} {macs[i]}", f"route {prefix} via {hop}")
    inside = ("10.60.2.1", "10.60.1.4", "10.60.1.5") if four else ("2001:db8:60:2::1", "2001:db8:60:1::4", "2001:db8:60:1::5")
    assert [node.exchange((node.udp4 if four else node.udp6)(dst=dst)).only(1).dst for dst in inside] == macs


def test_point_to_point(node):
    """RFC 3021 2.1: "In a point-to-point link with a 31-bit subnet mask, the two addresses above MUST be interpreted as host addresses." """
    node.tell("port 1 address 10.0.31.0/31", "neighbour 1 10.0.31.1 02:00:00:00:31:01")
    p = node.exchange(node.ether() / IP(src=HOST4[0], dst="10.0.31.0") / ICMP(id=31)).only(0)
    assert (p[ICMP].type, p[ICMP].id, p[IP].src) == (0, 31, "10.0.31.0")
    assert node.exchange(node.udp4(dst="10.0.31.1")).only(1).dst == "02:00:00:00:31:01"


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
    """RFC 2991 3: "All of the problems outlined in the previous section arise when packets in the same unicast or multicast "flow" are split
    among multiple paths. The natural solution is therefore to ensure that packets for the same flow always use the same path." """
    flows = [ways.ether() / IP(src=HOST4[0], dst="10.50.1.1") / transport(sport=p, dport=80) / Raw(b"x") for p in range(4000, 4064)]
    first = ways_of(ways, flows)
    assert set(first) == set(MEMBERS)
    assert ways_of(ways, flows) == first
    assert all(first.count(mac) > 6 for mac in MEMBERS)


def test_flows_of_ipv6(ways):
    """RFC 6438 3: "the hash algorithm used to determine the outgoing component-link in an ECMP and/or LAG toward the next hop MUST minimally
    include the 3-tuple {dest addr, source addr, flow label} and MAY also include the remaining components of the 5-tuple." """
    flows = [ways.ether() / IPv6(src=HOST6[0], dst="2001:db8:50::1", fl=f) / UDP(sport=p, dport=80) / Raw(b"x")
             for f, p in [(n, 4000) for n in range(32)] + [(0, 4000 + n) for n in range(32)]]
    first = ways_of(ways, flows)
    assert set(first[:32]) == set(first[32:]) == set(MEMBERS)
    assert ways_of(ways, flows) == first


def test_fragments_stay_together(ways):
    """RFC 2991 3: "Indeed, including transport-layer information in the next-hop selection process can actually be problematic. For example, if
    packets are fragmented, the transport-layer information may not be available in every packet."
    So the ports do not count for fragments."""
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
    """RFC 1812 4.3.2.4: "Except where this document specifies otherwise, the IP source address in an ICMP message originated by the router MUST
    be one of the IP addresses associated with the physical interface over which the ICMP message is transmitted."
    An error about a tagged packet goes back in its VLAN, from the address there."""
    p = vlan.exchange(tagged(vlan) / IP(src="10.77.0.9", dst=HOST4[1], ttl=1) / UDP() / Raw(vlan.payload())).only(0)
    assert p[Dot1Q].vlan == 7 and p[IP].src == "10.77.0.1" and (p[ICMP].type, p[ICMP].code) == (11, 0)


def test_vlan_arp(vlan):
    """RFC 826: "Send the packet to the (new) target hardware address on the same hardware on which the request was received."
    That is the VLAN: an address of it is told there, and nowhere else."""
    ask = lambda head: head / ARP(op=1, hwsrc="02:00:00:00:77:09", psrc="10.77.0.9", pdst="10.77.0.1")  # noqa: E731
    everybody = {"src": "02:00:00:00:77:09", "dst": "ff:ff:ff:ff:ff:ff"}
    p = vlan.exchange(ask(Ether(**everybody) / Dot1Q(vlan=7))).only(0)
    assert p[Dot1Q].vlan == 7 and p[ARP].psrc == "10.77.0.1"
    assert not vlan.exchange(ask(Ether(**everybody))).frames


def test_reverse_path_default(node):
    """RFC 3704 2.4: "it checks only for the existence of a route (even a default route, if applicable), not where the route points to."
    It stands last: a default route stays."""
    node.tell("port 0 rpf loose", f"route 0.0.0.0/0 via {HOST4[1]}", f"route ::/0 via {HOST6[1]}")
    try:
        for make, sources in KINDS:
            node.exchange(make(node, sources[2])).only(1)
    finally:
        node.tell("port 0 rpf off")


# ---- what is for the router, with and without a mirror, asked for by real hosts ----

REFUSED = """import socket
s = socket.socket(socket.AF_INET{0}, socket.SOCK_DGRAM)
s.settimeout(20)
s.connect(("{1}", 4999))
s.send(b"x")
try:
    s.recv(1)
except ConnectionRefusedError:
    print("refused")
"""


def counters(bed):
    return {(r["group"], r["name"]): r["value"] for r in bed.ask("r1", "show counters")}


@pytest.mark.parametrize("family,address", [("", "10.0.2.1"), ("6", "fd00:2::1")], ids=["ipv4", "ipv6"])
def test_port_unreachable_of_hosts(hosts, family, address):  # noqa: F811
    """RFC 1122 4.1.3.1: "If a datagram arrives addressed to a UDP port for which there is no pending LISTEN call, UDP SHOULD send an ICMP Port
    Unreachable message."
    One of the two stacks does: behind a mirror the host's own, else the router."""
    mirror = any(i["twin"] for i in hosts.ask("r1", "show interfaces"))
    was = counters(hosts)
    assert hosts.run("n2", "python3", "-c", REFUSED.format(family, address)).out.strip() == "refused"
    now = counters(hosts)
    group = "ip6" if family else "ip"
    assert now[group, "icmp-sent"] - was[group, "icmp-sent"] == (0 if mirror else 1)
    assert now["ip", "stack-errors"] - was["ip", "stack-errors"] == (0 if mirror or family else 1)


def test_anycast_of_hosts(hosts):  # noqa: F811
    """RFC 4291 2.6.1: "All routers are required to support the Subnet-Router anycast addresses for the subnets to which they have interfaces."
    A real host finds the router by it. Behind a mirror the host's own stack answers, which has the address as far as it is a router itself."""
    hosts.run("r1", "sysctl", "-qw", "net.ipv6.conf.all.forwarding=1")  # no such program where there is no mirror
    done = hosts.run("n2", "ping", "-6", "-c", "3", "-i", "0.2", "-W", "20", "fd00:2::")
    assert done.code == 0 and " 0% packet loss" in done.out, done
    entry = hosts.run("n2", "ip", "-6", "neighbour", "show", "fd00:2::", check=0).out
    assert "52:54:00:00:02:01" in entry and "router" in entry
