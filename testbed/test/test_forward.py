# SPDX-License-Identifier: BSD-2-Clause
"""IPv4 and IPv6 through one and three routers: what is in transit is forwarded by the handler in the kernel, every reason not to
forward is counted under its name, and what the handler passes on is answered by the router domain."""
import logging
import time

import pytest

import conftest

logging.getLogger("scapy.runtime").setLevel(logging.ERROR)
from scapy.all import (ARP, ICMP, IP, UDP, Dot1Q, Ether, ICMPv6DestUnreach, ICMPv6EchoReply, ICMPv6EchoRequest,  # noqa: E402
                       ICMPv6ND_NA, ICMPv6ND_NS, ICMPv6NDOptDstLLAddr, ICMPv6NDOptSrcLLAddr, ICMPv6PacketTooBig,
                       ICMPv6ParamProblem, ICMPv6TimeExceeded, IPOption_NOP, IPOption_Router_Alert, IPv6, IPv6ExtHdrHopByHop,
                       PadN, Raw, HBHOptUnknown, raw, rdpcap)

BEDS = {"one": 1, "ipv6": 3}


class Net:
    """A row of routers between h1 and h2, both of which we play ourselves for IPv6."""

    def __init__(self, bed):
        self.bed = bed
        self.routers = [f"r{i + 1}" for i in range(BEDS[bed.name])]
        self.last = self.routers[-1]
        self.a4, self.b4 = bed.address("h1"), bed.address("h2")
        links = len(self.routers) + 1
        self.a6, self.r6 = "fd00:1::1", "fd00:1::2"
        self.b6, self.b_gateway = f"fd00:{links}::2", f"fd00:{links}::1"
        self.b_net = f"fd00:{links}::"
        self.a_mac, self.b_mac = "52:54:00:00:01:00", f"52:54:00:00:{links + 1:02x}:00"
        self.r_mac, self.last_mac = "52:54:00:00:02:00", f"52:54:00:00:{links:02x}:01"
        self.mark = 0

    def from_a(self, *frames):
        self.bed.send_frames("r0.0", frames)

    def from_b(self, *frames):
        self.bed.send_frames(f"r{len(self.routers) + 1}.0", frames)

    def frames(self, node, want, within=3.0):
        """The packets at a node's port 0 for which want holds, once there is one."""
        until = time.monotonic() + within
        while True:
            found = [p for p in rdpcap(str(self.bed.state / f"{node}-0.pcap")) if want(p)]
            if found or time.monotonic() > until:
                return found
            time.sleep(0.05)

    def counters(self, node):
        rows = self.bed.ask(node, "show counters")
        return {(r["group"], r["name"]): r["value"] for r in rows}

    def wait(self, node, group, name, value):
        """A counter, once it has reached this value, or after a while."""
        until = time.monotonic() + 3
        while True:
            now = self.counters(node)
            if now[group, name] >= value or time.monotonic() > until:
                return now
            time.sleep(0.05)

    def payload(self):
        """Bytes that no other packet of the test has."""
        self.mark += 1
        return b"mark %06d" % self.mark + bytes(range(20))

    def ether(self):
        return Ether(src=self.a_mac, dst=self.r_mac)

    def probe4(self, load=b"", **ip):
        """An echo reply: nobody answers it, whoever gets it."""
        return self.ether() / IP(**{"src": self.a4, "dst": self.b4, **ip}) / ICMP(type=0) / Raw(load)

    def probe6(self, load=b"", **ip):
        return self.ether() / IPv6(**{"src": self.a6, "dst": self.b6, **ip}) / UDP(sport=5000, dport=5001) / Raw(load)

    def introduce(self):
        """Both our hosts ask their routers for their link addresses, which tells these ours; and the way between is known."""
        self.bed.alive()
        self.from_a(Ether(src=self.a_mac, dst=self.r_mac) / IPv6(src=self.a6, dst=self.r6) /
                    ICMPv6ND_NS(tgt=self.r6) / ICMPv6NDOptSrcLLAddr(lladdr=self.a_mac))
        self.from_b(Ether(src=self.b_mac, dst=self.last_mac) / IPv6(src=self.b6, dst=self.b_gateway) /
                    ICMPv6ND_NS(tgt=self.b_gateway) / ICMPv6NDOptSrcLLAddr(lladdr=self.b_mac))
        load = self.payload()
        self.from_a(self.probe6(load))
        assert self.frames("h2", lambda p: load in raw(p)), "IPv6 does not get through"


@pytest.fixture(scope="module", params=sorted(BEDS))
def net(request):
    for bed in conftest.testbed(request.param):
        n = Net(bed)
        n.introduce()
        yield n


# ---- transit ----

@pytest.mark.parametrize("family", [4, 6])
def test_transit_is_the_handlers(net, family):
    """Packets in transit never reach the router domain: the handler's counter rises by their number, and no other."""
    count, group = 25, "ip" if family == 4 else "ip6"
    before = {r: net.counters(r) for r in net.routers}
    load = net.payload()
    make = net.probe4 if family == 4 else net.probe6
    net.from_a(*[make(load + bytes([i])) for i in range(count)])
    for router in net.routers:
        now = net.wait(router, "forward", f"ipv{family}-forwarded", before[router]["forward", f"ipv{family}-forwarded"] + count)
        changed = {k: now[k] - before[router][k] for k in now if now[k] != before[router][k] and k[0] in ("forward", group)}
        # Neighbours may be asked about meanwhile; they are not in transit.
        changed = {k: v for k, v in changed.items() if "arp" not in k[1] and "nd-" not in k[1]}
        if family == 6:
            changed = {k: v for k, v in changed.items() if k[1] not in ("ipv6-pass-local", "ipv6-pass-scope", "received", "delivered")}
        assert changed == {("forward", f"ipv{family}-forwarded"): count}, router
    assert len(net.frames("h2", lambda p: load in raw(p))) == count


@pytest.mark.parametrize("size", [0, 1, 18, 500, 1452])
def test_transit_is_exact(net, size):
    """TTL and hop limit are one less for each router, the checksum is right, the link addresses are the last link's."""
    load = net.payload()
    load = (load + bytes(size))[:size] if size > len(load) else load
    sent4, sent6 = net.probe4(load, id=77), net.probe6(load)
    net.from_a(sent4, sent6)
    got4 = net.frames("h2", lambda p: IP in p and load in raw(p))
    got6 = net.frames("h2", lambda p: IPv6 in p and load in raw(p))
    assert len(got4) == 1 and len(got6) == 1
    for p in got4 + got6:
        assert (p[Ether].src, p[Ether].dst) == (net.last_mac, net.b_mac)
    want = sent4[IP].copy()
    want.ttl -= len(net.routers)
    assert raw(got4[0][IP]) == raw(want)
    want = sent6[IPv6].copy()
    want.hlim -= len(net.routers)
    assert raw(got6[0][IPv6]) == raw(want)


def test_padding_is_cut(net):
    """What Ethernet padded a short packet with stays behind."""
    load = net.payload()[:11]
    net.from_a(raw(net.probe4(load)) + bytes(20))
    got = net.frames("h2", lambda p: load in raw(p))
    assert len(got) == 1 and len(got[0]) == 14 + 20 + 8 + len(load)


# ---- what is dropped: the counter of the handler, and how the frame is made ----

def header(offset, value):
    """Changes bytes of the IP header, and mends the IPv4 checksum."""
    def change(net, frame):
        b = bytearray(raw(frame))
        b[14 + offset:14 + offset + len(value)] = value
        if b[12:14] == b"\x08\x00":
            b[24:26] = b"\0\0"
            s = sum(int.from_bytes(b[i:i + 2], "big") for i in range(14, 34, 2))
            s = (s & 0xffff) + (s >> 16)
            s = (s & 0xffff) + (s >> 16)
            b[24:26] = (s ^ 0xffff).to_bytes(2, "big")
        return bytes(b)
    return change


def wrong_checksum(net, frame):
    b = bytearray(raw(frame))
    b[24] ^= 1
    return bytes(b)


def to_mac(mac):
    def change(net, frame):
        frame[Ether].dst = mac
        return frame
    return change


def v4(*numbers):
    return bytes(numbers)


def v6(text):
    import socket
    return socket.inet_pton(socket.AF_INET6, text)


# RFC 1812 5.2.2 and 5.3.7, RFC 8200 3, RFC 4291 2.5 and 2.7.
DROPS = [
    ("ipv4-drop-version", header(0, b"\x65")),
    ("ipv4-drop-header-length", header(0, b"\x44")),
    ("ipv4-drop-length", header(2, b"\x00\x13")),
    ("ipv4-drop-length", header(2, b"\x05\xdc")),
    ("ipv4-drop-checksum", wrong_checksum),
    ("ipv4-drop-bad-source", header(12, v4(0, 1, 2, 3))),
    ("ipv4-drop-bad-source", header(12, v4(127, 0, 0, 1))),
    ("ipv4-drop-bad-source", header(12, v4(224, 0, 0, 1))),
    ("ipv4-drop-bad-source", header(12, v4(240, 0, 0, 1))),
    ("ipv4-drop-bad-source", header(12, v4(255, 255, 255, 255))),
    ("ipv4-drop-bad-source", header(12, v4(10, 0, 1, 2))),  # the router's own
    ("ipv4-drop-bad-source", header(12, v4(10, 0, 1, 255))),
    ("ipv4-drop-bad-destination", header(16, v4(0, 0, 0, 0))),
    ("ipv4-drop-bad-destination", header(16, v4(127, 0, 0, 1))),
    ("ipv4-drop-bad-destination", header(16, v4(250, 0, 0, 1))),
    ("ipv4-drop-multicast", header(16, v4(224, 0, 0, 5))),
    ("ipv4-drop-multicast", header(16, v4(239, 1, 2, 3))),
    ("ipv4-drop-broadcast", header(16, v4(255, 255, 255, 255))),
    ("ipv4-drop-broadcast", header(16, v4(10, 0, 1, 255))),
    ("ipv4-drop-link-group", to_mac("ff:ff:ff:ff:ff:ff")),
    ("ipv4-drop-link-group", to_mac("01:00:5e:00:00:05")),
    ("ipv4-drop-ether-address", to_mac("52:54:00:99:99:99")),
    ("ipv6-drop-version", header(0, b"\x40")),
    ("ipv6-drop-length", header(4, b"\x01\x00")),
    ("ipv6-drop-bad-source", header(8, v6("::"))),
    ("ipv6-drop-bad-source", header(8, v6("::1"))),
    ("ipv6-drop-bad-source", header(8, v6("ff02::5"))),
    ("ipv6-drop-bad-source", header(8, v6("fd00:1::2"))),  # the router's own
    ("ipv6-drop-bad-destination", header(24, v6("::"))),
    ("ipv6-drop-bad-destination", header(24, v6("::1"))),
    ("ipv6-drop-multicast", header(24, v6("ff05::5"))),
    ("ipv6-drop-multicast", header(24, v6("ff0e::5"))),
    ("ipv6-drop-link-group", to_mac("33:33:00:00:00:05")),
    ("ipv6-drop-ether-address", to_mac("52:54:00:99:99:99")),
]


@pytest.mark.parametrize("name,change", DROPS, ids=[f"{d[0]}-{i}" for i, d in enumerate(DROPS)])
def test_drops(net, name, change):
    make = net.probe4 if name.startswith("ipv4") else net.probe6
    before = net.counters("r1")
    load = net.payload()
    net.from_a(change(net, make(load)))
    now = net.wait("r1", "forward", name, before["forward", name] + 1)
    drops = {k[1]: now[k] - before[k] for k in now if k[0] == "forward" and "drop" in k[1] and now[k] != before[k]}
    assert drops == {name: 1}
    assert not net.frames("h2", lambda p: load in raw(p), within=0)


# Those that a command has to ask for: the command, how the frame is made, and what takes it back.
ASKED = [
    ("ipv4-drop-blackhole", "route 198.18.0.0/15 blackhole", header(16, v4(198, 18, 0, 1)), None),
    ("ipv6-drop-blackhole", "route 2001:db8:66::/48 blackhole", header(24, v6("2001:db8:66::1")), None),
    ("ipv4-drop-reverse-path", "port 0 rpf strict", header(12, v4(10, 0, 2, 77)), "port 0 rpf off"),
    ("ipv4-drop-reverse-path", "port 0 rpf loose", header(12, v4(203, 0, 113, 1)), "port 0 rpf off"),
    ("ipv6-drop-reverse-path", "port 0 rpf strict", header(8, v6("2001:db8::77")), "port 0 rpf off"),
]

# What no frame can bring about here: a VLAN without a filter, a full queue, a mirror without its port (nodeos/test/test_forward_more.c).
NOT_HERE = {"ipv4-drop-vlan", "ipv6-drop-vlan", "ipv4-drop-transmit", "ipv6-drop-transmit", "drop-no-twin"}


@pytest.mark.parametrize("name,command,change,back", ASKED, ids=[f"{d[0]}-{i}" for i, d in enumerate(ASKED)])
def test_drops_when_asked(net, name, command, change, back):
    assert net.bed.ask("r1", command) == []
    try:
        test_drops(net, name, change)
    finally:
        if back:
            assert net.bed.ask("r1", back) == []


@pytest.mark.parametrize("kind,code4,code6", [("unreachable", 1, 6), ("prohibit", 13, 1)])
def test_routes_that_say_no(net, kind, code4, code6):
    """RFC 1812 5.2.7.1, RFC 4443 3.1: the sender is told."""
    assert net.bed.ask("r1", f"route 198.51.100.0/24 {kind}") == []
    assert net.bed.ask("r1", f"route 2001:db8:67::/48 {kind}") == []
    load = net.payload()
    net.from_a(net.probe4(load, dst="198.51.100.1"), net.probe6(load, dst="2001:db8:67::1"))
    icmp4(net, load, 3, code4)
    icmp6(net, load, ICMPv6DestUnreach, code6)


def test_every_drop_is_tested(net):
    """The lists above name every reason there is."""
    names = {k[1] for k in net.counters("r1") if k[0] == "forward" and "drop" in k[1]}
    assert names == {d[0] for d in DROPS + ASKED} | NOT_HERE


# ---- what is passed on, and what the router domain makes of it ----

def passes(net, name, frame, router="r1"):
    """Sends a frame of h1's that counts under this name."""
    before = net.counters(router)["forward", name]
    net.from_a(frame)
    assert net.wait(router, "forward", name, before + 1)["forward", name] == before + 1


def icmp4(net, load, type_, code):
    errors = net.frames("h1", lambda p: ICMP in p and (p[ICMP].type, p[ICMP].code) == (type_, code) and load in raw(p))
    assert len(errors) == 1
    assert errors[0][IP].dst == net.a4
    return errors[0]


def icmp6(net, load, layer, code):
    errors = net.frames("h1", lambda p: layer in p and p[layer].code == code and load in raw(p))
    assert len(errors) == 1
    p = errors[0]
    assert p[IPv6].dst == net.a6
    fresh = p[IPv6].copy()
    del fresh[layer].cksum
    assert p[layer].cksum == IPv6(raw(fresh))[layer].cksum
    return p


def test_ttl(net):
    """RFC 1812 5.3.1: at each router in turn, which says so."""
    for i, router in enumerate(net.routers):
        load = net.payload()
        passes(net, "ipv4-pass-ttl", net.probe4(load, ttl=i + 1), router)
        assert net.bed.owner(icmp4(net, load, 11, 0)[IP].src) == router


def test_hop_limit(net):
    """RFC 8200 3, RFC 4443 3.3."""
    for i, router in enumerate(net.routers):
        load = net.payload()
        passes(net, "ipv6-pass-hop-limit", net.probe6(load, hlim=i + 1), router)
        assert icmp6(net, load, ICMPv6TimeExceeded, 0)[IPv6].src == f"fd00:{i + 1}::2"


def test_local(net):
    passes(net, "ipv4-pass-local", net.probe4(net.payload(), dst="10.0.1.2"))
    load = net.payload()
    passes(net, "ipv6-pass-local", net.probe6(load, dst=net.r6))
    icmp6(net, load, ICMPv6DestUnreach, 4)


def test_no_route(net):
    load = net.payload()
    passes(net, "ipv4-pass-no-route", net.probe4(load, dst="203.0.113.1"))
    icmp4(net, load, 3, 0)
    load = net.payload()
    passes(net, "ipv6-pass-no-route", net.probe6(load, dst="2001:db8::1"))
    icmp6(net, load, ICMPv6DestUnreach, 0)


def test_options(net):
    """The router domain forwards packets with options (RFC 1812 5.2.4.1), at every router."""
    load = net.payload()
    passes(net, "ipv4-pass-options", net.probe4(load, options=[IPOption_Router_Alert(), IPOption_NOP()]))
    assert len(net.frames("h2", lambda p: load in raw(p))) == 1


def test_hop_by_hop(net):
    """RFC 8200 4.2 and 4.3: padding goes through, an unknown option that forbids it does not."""
    load = net.payload()
    frame = net.ether() / IPv6(src=net.a6, dst=net.b6) / IPv6ExtHdrHopByHop(options=[PadN(optdata=b"\0" * 4)]) / UDP() / Raw(load)
    passes(net, "ipv6-pass-hop-by-hop", frame)
    assert len(net.frames("h2", lambda p: load in raw(p))) == 1
    load = net.payload()
    frame = net.ether() / IPv6(src=net.a6, dst=net.b6) / IPv6ExtHdrHopByHop(options=[HBHOptUnknown(otype=0xbe, optdata=b"\0" * 4)]) / UDP() / Raw(load)
    passes(net, "ipv6-pass-hop-by-hop", frame)
    assert icmp6(net, load, ICMPv6ParamProblem, 2)[ICMPv6ParamProblem].ptr == 42
    assert not net.frames("h2", lambda p: load in raw(p), within=0)


@pytest.fixture
def narrow(net):
    """The first router's far port carries packets of 1,300 bytes at most."""
    assert net.bed.ask("r1", "port 1 mtu 1300") == []
    yield 1300
    assert net.bed.ask("r1", "port 1 mtu 1500") == []


def test_too_big(net, narrow):
    """RFC 1812 4.3.3.3 and RFC 1191 4; RFC 4443 3.2: told with the MTU."""
    load = net.payload() + bytes(1300)
    passes(net, "ipv4-pass-too-big", net.probe4(load, flags="DF"))
    assert icmp4(net, load[:30], 3, 4)[ICMP].nexthopmtu == narrow
    load = net.payload() + bytes(1300)
    passes(net, "ipv6-pass-too-big", net.probe6(load))
    assert icmp6(net, load[:30], ICMPv6PacketTooBig, 0)[ICMPv6PacketTooBig].mtu == narrow


def test_fragments(net, narrow):
    """RFC 791 3.2: without DF the router domain cuts it, and the fragments make up the packet."""
    load = net.payload() + bytes(i % 251 for i in range(1400))
    passes(net, "ipv4-pass-too-big", net.probe4(load, id=4242))
    until = time.monotonic() + 3
    while True:
        parts = net.frames("h2", lambda p: IP in p and p[IP].id == 4242)
        if len(parts) >= 2 or time.monotonic() > until:
            break
    whole = bytearray()
    for p in sorted(parts, key=lambda p: p[IP].frag):
        assert p[IP].len <= narrow and p[IP].frag * 8 == len(whole)
        whole += raw(p[IP].payload)[:p[IP].len - 20]
    assert bytes(whole) == raw(net.probe4(load, id=4242)[ICMP])


def test_same_port(net):
    """RFC 1812 5.2.7.2: what would leave by the port it came in is the router domain's."""
    load = net.payload()
    passes(net, "ipv4-pass-same-port", net.probe4(load, src="10.0.1.9", dst=net.a4))
    assert net.frames("h1", lambda p: load in raw(p) and p[Ether].src == net.r_mac)
    load = net.payload()
    passes(net, "ipv6-pass-same-port", net.probe6(load, src="fd00:1::9", dst=net.a6))
    assert net.frames("h1", lambda p: load in raw(p) and p[Ether].src == net.r_mac)


def test_no_neighbour(net):
    """RFC 1812 4.3.3.1 (code 1), RFC 4861 7.2.2: asked for in vain, and told."""
    load4, load6 = net.payload(), net.payload()
    host4, host6 = net.b4.rsplit(".", 1)[0] + ".200", net.b_net + "c8"
    before = net.counters(net.last)
    net.from_a(net.probe4(load4, dst=host4), net.probe6(load6, dst=host6))
    for name in ("ipv4-pass-no-neighbour", "ipv6-pass-no-neighbour"):
        assert net.wait(net.last, "forward", name, before["forward", name] + 1)["forward", name] == before["forward", name] + 1
    errors = net.frames("h1", lambda p: ICMP in p and p[ICMP].type == 3 and load4 in raw(p), within=10)
    assert [e[ICMP].code for e in errors] == [1]
    errors = net.frames("h1", lambda p: ICMPv6DestUnreach in p and load6 in raw(p), within=10)
    assert [e[ICMPv6DestUnreach].code for e in errors] == [3]


def test_link_local(net):
    """RFC 4291 2.5.6, RFC 4443 3.1 code 2: link-local addresses end at the link."""
    local = "fe80::1234"
    load = net.payload()
    net.from_a(net.ether() / IPv6(src=local, dst="fe80::5054:ff:fe00:200") / ICMPv6ND_NS(tgt="fe80::5054:ff:fe00:200") /
               ICMPv6NDOptSrcLLAddr(lladdr=net.a_mac))
    before = net.counters("r1")["ip6", "drop-scope"]
    passes(net, "ipv6-pass-scope", net.probe6(load, src=local))
    errors = net.frames("h1", lambda p: ICMPv6DestUnreach in p and load in raw(p))
    assert [(e[ICMPv6DestUnreach].code, e[IPv6].dst) for e in errors] == [(2, local)]
    passes(net, "ipv6-pass-scope", net.probe6(load, dst="fe80::9999"))
    assert net.wait("r1", "ip6", "drop-scope", before + 2)["ip6", "drop-scope"] == before + 2
    assert not net.frames("h2", lambda p: load in raw(p), within=0)


def test_link_multicast(net):
    """Groups of the link are the router domain's, which is in few of them."""
    before = net.counters("r1")["ip6", "drop-multicast"]
    frame = net.probe6(net.payload(), dst="ff02::5")
    frame[Ether].dst = "33:33:00:00:00:05"
    passes(net, "ipv6-pass-scope", frame)
    assert net.wait("r1", "ip6", "drop-multicast", before + 1)["ip6", "drop-multicast"] == before + 1


# ---- neighbours ----

def test_neighbour_discovery(net):
    """RFC 4861 7.2.2: a packet waits while its next hop is asked for; then the handler knows it."""
    load, host, mac = net.payload(), net.b_net + "77", "02:00:00:00:00:77"
    net.from_a(net.probe6(load, dst=host))
    asked = net.frames("h2", lambda p: ICMPv6ND_NS in p and p[ICMPv6ND_NS].tgt == host)
    assert asked and asked[0][Ether].dst == "33:33:ff:00:00:77" and asked[0][IPv6].dst == "ff02::1:ff00:77"
    assert asked[0][IPv6].hlim == 255 and asked[0][ICMPv6NDOptSrcLLAddr].lladdr == net.last_mac
    assert not net.frames("h2", lambda p: load in raw(p) and UDP in p, within=0)
    net.from_b(Ether(src=mac, dst=net.last_mac) / IPv6(src=host, dst=asked[0][IPv6].src) /
               ICMPv6ND_NA(tgt=host, R=0, S=1, O=1) / ICMPv6NDOptDstLLAddr(lladdr=mac))
    got = net.frames("h2", lambda p: load in raw(p) and UDP in p)
    assert len(got) == 1 and got[0][Ether].dst == mac
    before, load = net.counters(net.last), net.payload()
    net.from_a(net.probe6(load, dst=host))
    assert net.frames("h2", lambda p: load in raw(p) and p[Ether].dst == mac)
    now = net.counters(net.last)
    assert now["forward", "ipv6-forwarded"] == before["forward", "ipv6-forwarded"] + 1
    assert now["ip6", "forwarded"] == before["ip6", "forwarded"]
    rows = net.bed.ask(net.last, "show neighbours")
    assert [r["mac"] for r in rows if r["address"] == host] == [mac]


def test_solicitations_are_answered(net):
    """RFC 4861 7.2.4, 7.1.1: for our addresses, with the router flag; one that crossed a router is not believed."""
    for target in (net.r6, "fe80::5054:ff:fe00:200"):
        group = "ff02::1:ff00:2" if target == net.r6 else "ff02::1:ff00:200"
        net.from_a(Ether(src=net.a_mac, dst="33:33:ff:00:" + ("00:02" if target == net.r6 else "02:00")) / IPv6(src=net.a6, dst=group) /
                   ICMPv6ND_NS(tgt=target) / ICMPv6NDOptSrcLLAddr(lladdr=net.a_mac))
        got = net.frames("h1", lambda p: ICMPv6ND_NA in p and p[ICMPv6ND_NA].tgt == target)
        assert got and got[-1][ICMPv6ND_NA].R == 1 and got[-1][ICMPv6NDOptDstLLAddr].lladdr == net.r_mac
    before = net.counters("r1")["ip6", "drop-nd-malformed"]
    net.from_a(net.ether() / IPv6(src=net.a6, dst=net.r6, hlim=254) / ICMPv6ND_NS(tgt=net.r6) /
               ICMPv6NDOptSrcLLAddr(lladdr="02:00:00:00:66:66"))
    assert net.wait("r1", "ip6", "drop-nd-malformed", before + 1)["ip6", "drop-nd-malformed"] == before + 1


# ---- ping ----

def test_ping6_answers(net):
    data = net.payload()
    for i, router in enumerate(net.routers):
        net.from_a(net.ether() / IPv6(src=net.a6, dst=f"fd00:{i + 1}::2") / ICMPv6EchoRequest(id=i, seq=9, data=data))
        got = net.frames("h1", lambda p: ICMPv6EchoReply in p and p[ICMPv6EchoReply].id == i and data in raw(p))
        assert len(got) == 1 and got[0][IPv6].src == f"fd00:{i + 1}::2", router


def test_ping6_asks(net):
    """The verb, through the whole network and against a hop limit; and to nobody."""
    far = f"fd00:{len(net.routers)}::2"
    rows = net.bed.ask("r1", f"ping {far}")
    assert isinstance(rows, list) and (rows[0]["from"], rows[0]["type"]) == (far, 129), rows
    if len(net.routers) > 1:
        rows = net.bed.ask("r1", f"ping {far} ttl 1")
        assert (rows[0]["type"], rows[0]["code"]) == (3, 0), rows
    assert isinstance(net.bed.ask("r1", "ping 2001:db8::1"), str)
    assert isinstance(net.bed.ask("h1", "ping fd00:1::2"), str)  # edges have no IPv6


# ---- capsules go before, and the handlers are to be seen ----

def test_capsules_go_before(net):
    """Capsules in transit are the capsule domain's: their filter is the more specific one."""
    net.bed.amp("ping", "h1", "h2", "-c", "1", check=0)  # the code is fetched
    before = net.counters("r1")
    net.bed.amp("ping", "h1", "h2", "-c", "3", "-i", "0.05", check=0)
    now = net.counters("r1")
    assert now["forward", "ipv4-forwarded"] == before["forward", "ipv4-forwarded"]
    assert now["capsule", "ran"] >= before["capsule", "ran"] + 6


def test_shown(net):
    rows = net.bed.amp("show", "r1", "handlers", "--json", check=0).rows
    by_name = {r["name"]: r for r in rows}
    assert {"forward4", "forward6"} <= set(by_name)
    counters = net.counters("r1")
    for family in ("4", "6"):
        r = by_name[f"forward{family}"]
        assert r["kind"] == "handler" and r["runs"] > 0 and r["units"] > 0
        assert (r["stopped"], r["bad_verdict"], r["denied"], r["throttled"]) == (0, 0, 0, 0)
        assert r["forwarded"] + r["tx_full"] == counters["forward", f"ipv{family}-forwarded"]
        assert r["dropped"] == sum(v for k, v in counters.items() if k[0] == "forward" and k[1].startswith(f"ipv{family}-drop"))
    tables = {r["name"]: r for r in net.bed.amp("show", "r1", "tables", "--json", check=0).rows}
    assert {t: tables[t]["type"] for t in ("routes4", "routes6", "adjacency", "ports", "counters")} == {
        "routes4": "lpm4", "routes6": "lpm6", "adjacency": "array", "ports": "array", "counters": "percpu"}
    assert tables["routes4"]["used"] >= 8 and tables["routes6"]["used"] >= 4
    for table in ("handlers", "tables"):
        assert net.bed.amp("show", "r1", table, check=0).out.count("\n") >= 3
    names = {r["name"] for r in net.bed.ask("r1", "show drops") if r["group"] == "forward"}
    assert {d[0] for d in DROPS + ASKED} <= names and all(r["text"] for r in net.bed.ask("r1", "show drops"))
    assert {r["handler"]: r["state"] for r in net.bed.ask("r1", "show filters")} == {"forward4": "bound", "forward6": "bound"}


# ---- VLANs; last, since what they send on the side is no verdict ----

def test_vlan(net):
    """An interface of its own at port 0: tagged frames come in and lose their tag, and what goes there gets it."""
    assert net.bed.ask("r1", "port 0 vlan 7 address 10.77.0.1/24") == []
    tagged = Ether(src=net.a_mac, dst=net.r_mac) / Dot1Q(vlan=7)
    load = net.payload()
    net.from_a(tagged / IP(src="10.77.0.9", dst=net.b4) / UDP(sport=5000, dport=5001) / Raw(load))
    got = net.frames("h2", lambda p: load in raw(p))
    assert len(got) == 1 and Dot1Q not in got[0] and got[0][IP].ttl == 64 - len(net.routers)
    # Its own ARP, and its own neighbours.
    net.from_a(Ether(src=net.a_mac, dst="ff:ff:ff:ff:ff:ff") / Dot1Q(vlan=7) /
               ARP(op=1, hwsrc=net.a_mac, psrc="10.77.0.9", pdst="10.77.0.1"))
    got = net.frames("h1", lambda p: ARP in p and p[ARP].psrc == "10.77.0.1")
    assert len(got) == 1 and got[0][Dot1Q].vlan == 7 and got[0][ARP].hwsrc == net.r_mac
    if len(net.routers) == 1:
        load = net.payload() * 50  # as long as can be
        net.from_b(Ether(src=net.b_mac, dst=net.last_mac) / IP(src=net.b4, dst="10.77.0.9") / UDP(sport=5000, dport=5001) /
                   Raw(load[:1472]))
        got = net.frames("h1", lambda p: load[:1000] in raw(p))
        assert len(got) == 1 and got[0][Dot1Q].vlan == 7 and len(got[0]) == 1518
    # A VLAN that we are not in is nobody's.
    before = net.counters("r1")
    net.from_a(Ether(src=net.a_mac, dst=net.r_mac) / Dot1Q(vlan=8) / IP(src="10.77.0.9", dst=net.b4) / UDP() / Raw(load[:30]))
    now = net.wait("r1", "ip", "drop-ether-type", before["ip", "drop-ether-type"] + 1)
    assert now["ip", "drop-ether-type"] == before["ip", "drop-ether-type"] + 1
    assert now["forward", "ipv4-forwarded"] == before["forward", "ipv4-forwarded"]
