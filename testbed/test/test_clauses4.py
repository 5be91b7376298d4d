# SPDX-License-Identifier: BSD-2-Clause
"""IPv4: one test for each clause that the router implements, the clause quoted; on both machines. The books are balanced after each."""
import pytest

from clauses import (HOST4, HOST_MAC, ROUTER4, icmp_of, ip4_sum, node, poke)  # noqa: F401
from scapy.all import (ARP, ICMP, IP, UDP, Ether, IPOption_LSRR, IPOption_NOP, IPOption_Router_Alert, IPOption_RR, IPOption_SSRR,
                       IPOption_Timestamp, Raw, fragment, raw)


def v4(text):
    return bytes(int(n) for n in text.split("."))


def dropped(node, frame, name, port=0):
    """The handler drops it under this name: nothing else is counted, and nothing comes out."""
    x = node.exchange(frame, port=port)
    assert x.forward == {name: 1} and not x.ip and not x.frames
    return x


# ---- RFC 1812 5.2.2: IP header validation ----

def test_valid_packet(node):
    """RFC 1812 5.2.2: "Before a router can process any IP packet, it MUST perform a the following basic validity checks on the packet's IP header to
    ensure that the header is meaningful." One that passes them goes on as it came, but for TTL, checksum and link addresses."""
    sent = node.udp4()
    p = node.exchange(sent).only(1)
    want = sent[IP].copy()
    want.ttl -= 1
    del want.chksum
    assert raw(p[IP]) == raw(want)
    assert (p.src, p.dst) == (node.mac[1], HOST_MAC[1])


@pytest.mark.parametrize("size", [14, 15, 20, 33])
def test_packet_length(node, size):
    """RFC 1812 5.2.2 (1): "The packet length reported by the Link Layer must be large enough to hold the minimum length legal IP datagram (20
    bytes)." """
    x = node.exchange(raw(node.udp4())[:size])
    assert x.ip == {"received": 1, "drop-short": 1} and not x.forward and not x.frames


@pytest.mark.parametrize("bit", range(16))
def test_header_checksum(node, bit):
    """RFC 1812 5.2.2 (2): "The IP checksum must be correct." """
    frame = bytearray(raw(node.udp4()))
    frame[24 + bit // 8] ^= 1 << bit % 8
    dropped(node, bytes(frame), "ipv4-drop-checksum")


@pytest.mark.parametrize("version", [0, 5, 6, 15])
def test_version(node, version):
    """RFC 1812 5.2.2 (3): "The IP version number must be 4.  If the version number is not 4 then the packet may be another version of IP, such as
    IPng or ST-II." """
    dropped(node, poke(node.udp4(), 0, bytes([version << 4 | 5])), "ipv4-drop-version")


@pytest.mark.parametrize("words", range(5))
def test_header_length(node, words):
    """RFC 1812 5.2.2 (4): "The IP header length field must be large enough to hold the minimum length legal IP datagram (20 bytes = 5 words)." """
    dropped(node, poke(node.udp4(), 0, bytes([0x40 | words])), "ipv4-drop-header-length")


@pytest.mark.parametrize("length", [0, 1, 19])
def test_total_length(node, length):
    """RFC 1812 5.2.2 (5): "The IP total length field must be large enough to hold the IP datagram header, whose length is specified in the IP header
    length field." """
    dropped(node, poke(node.udp4(), 2, length.to_bytes(2, "big")), "ipv4-drop-length")


@pytest.mark.parametrize("more", [1, 100, 1 << 15])
def test_truncated(node, more):
    """RFC 1812 5.2.2: a packet whose total length is more than what arrived of it has been truncated, and what was not received is not sent on."""
    total = len(raw(node.udp4())) - 14
    dropped(node, poke(node.udp4(), 2, (total + more).to_bytes(2, "big")), "ipv4-drop-length")


def test_link_padding(node):
    """RFC 1812 5.2.2: what the link padded a packet with is no part of it: the total length counts."""
    load = node.payload()[:11]
    p = node.exchange(raw(node.udp4(load)) + b"\xaa" * 21).only(1)
    assert len(raw(p)) == 14 + 20 + 8 + len(load)


# ---- RFC 1812 5.3.7: martian address filtering ----

@pytest.mark.parametrize("source", ["0.0.0.0", "0.1.2.3", "127.0.0.1", "127.255.255.255", "224.0.0.1", "239.255.255.255", "240.0.0.1",
                                    "255.255.255.255", ROUTER4[0], ROUTER4[1], "10.0.1.255", "10.0.2.255"])
def test_martian_source(node, source):
    """RFC 1812 5.3.7: "A router SHOULD NOT forward any packet that has an invalid IP source address or a source address on network 0.  A router
    SHOULD NOT forward, except over a loopback interface, any packet that has a source address on network 127." """
    dropped(node, poke(node.udp4(), 12, v4(source)), "ipv4-drop-bad-source")


@pytest.mark.parametrize("destination", ["0.0.0.0", "0.255.0.1", "127.0.0.1", "127.9.9.9", "240.0.0.1", "255.255.255.254"])
def test_martian_destination(node, destination):
    """RFC 1812 5.3.7: "A router SHOULD NOT forward any packet that has an invalid IP destination address or a destination address on network 0." """
    dropped(node, poke(node.udp4(), 16, v4(destination)), "ipv4-drop-bad-destination")


# ---- RFC 1812 5.3.1: time to live ----

@pytest.mark.parametrize("ttl", [0, 1])
def test_ttl_runs_out(node, ttl):
    """RFC 1812 5.3.1: "If the TTL is reduced to zero (or less), the packet MUST be discarded, and if the destination is not a multicast address the
    router MUST send an ICMP Time Exceeded message, Code 0 (TTL Exceeded in Transit) message to the source." """
    sent = node.udp4(ttl=ttl)
    x = node.exchange(sent)
    assert x.forward == {"ipv4-pass-ttl": 1} and x.ip["drop-ttl"] == 1
    p = icmp_of(x, 11, 0)
    assert (p[IP].src, p[IP].dst) == (ROUTER4[0], HOST4[0])
    assert raw(p[ICMP].payload).startswith(raw(sent[IP])), "the packet as it came"


@pytest.mark.parametrize("ttl", [2, 3, 64, 128, 255])
@pytest.mark.parametrize("number", [0, 1, 0x00ff, 0xfeff, 0xffff])
def test_ttl_decremented(node, ttl, number):
    """RFC 1812 5.3.1: "a router ... MUST decrement the TTL by at least one" when it forwards. 4.2.2.5 and RFC 1624: an updated checksum is the one
    that would be computed anew, whatever carries."""
    sent = node.udp4(ttl=ttl, id=number)
    p = node.exchange(sent).only(1)
    assert p[IP].ttl == ttl - 1
    assert ip4_sum(raw(p[IP])[:20]) == 0


def test_ttl_for_us(node):
    """RFC 1812 5.3.1: "a router MUST NOT discard a datagram just because it was received with TTL equal to zero or one; if it is to the router and
    otherwise valid, the router MUST attempt to receive it." """
    for ttl in (0, 1):
        frame = node.ether() / IP(src=HOST4[0], dst=ROUTER4[0], ttl=ttl) / ICMP(id=ttl) / Raw(node.payload())
        p = node.exchange(frame).only(0)
        assert p[ICMP].type == 0 and p[ICMP].id == ttl


# ---- RFC 1812 4.2.2.1: options ----

@pytest.mark.parametrize("options", [
    [IPOption_NOP()], [IPOption_Router_Alert()], [IPOption_RR(routers=["0.0.0.0", "0.0.0.0"])],
    [IPOption_Timestamp(timestamp=0)], [b"\x9e\x04ab"],
], ids=["nop", "router-alert", "record-route", "timestamp", "unknown"])
def test_options(node, options):
    """RFC 1812 4.2.2.6, 5.2.4: options that the router does not know or does not act upon are passed on unchanged; TTL and checksum apart, the packet is the
    same."""
    if isinstance(options[0], bytes):
        load = node.payload()
        frame = node.ether() / IP(src=HOST4[0], dst=HOST4[1], proto=17) / Raw(options[0] + raw(UDP(sport=1, dport=2, len=8 + len(load))) + load)
        frame = poke(frame, 0, b"\x46")
    else:
        frame = node.udp4(options=options)
    sent = raw(frame)
    x = node.exchange(sent)
    assert x.forward == {"ipv4-pass-options": 1} and x.ip["with-options"] == 1 and x.ip["forwarded"] == 1
    want = bytearray(sent[14:])
    want[8] -= 1
    want[10:12] = b"\0\0"
    want[10:12] = ip4_sum(bytes(want[:(want[0] & 15) * 4])).to_bytes(2, "big")
    assert raw(x.only(1)[IP])[:len(want)] == bytes(want)


@pytest.mark.parametrize("option", [b"\x07\x00\x00\x00", b"\x07\x01\x00\x00", b"\x07\x05\x04\x00", b"\x94\xff\x00\x00", b"\x01\x01\x01\x07"])
def test_malformed_options(node, option):
    """RFC 1812 4.3.3.5: "The Parameter Problem message, Code 0 MUST be generated when a router receives an IP packet which must be discarded because
    of ... an error in the IP header"; the pointer tells where."""
    frame = poke(node.ether() / IP(src=HOST4[0], dst=HOST4[1], ihl=6) / Raw(option + node.payload()), 0, b"\x46")
    x = node.exchange(frame)
    assert x.ip["drop-options"] == 1
    p = icmp_of(x, 12, 0)
    assert p[ICMP].ptr == 20 + (3 if option.startswith(b"\x01") else 0)


@pytest.mark.parametrize("option", [IPOption_LSRR, IPOption_SSRR])
def test_source_route(node, option):
    """RFC 7126 4.3.5, 4.4.5: the "default setting for this knob SHOULD be 'drop'", whoever the next hop is. RFC 1812 5.2.7.1: told with code 5, source
    route failed."""
    for dst in (HOST4[1], ROUTER4[0]):
        x = node.exchange(node.udp4(dst=dst, options=[option(routers=[HOST4[1]])]))
        assert x.ip["drop-source-route"] == 1
        icmp_of(x, 3, 5)


# ---- RFC 1812 5.3.4, 5.3.5, 5.2.1.2: broadcasts and multicasts ----

@pytest.mark.parametrize("mac", ["ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:01", "33:33:00:00:00:01"])
def test_link_broadcast(node, mac):
    """RFC 1812 5.3.4: "A router MUST NOT forward any packet that the router received as a Link Layer broadcast (or multicast), unless it is directed to an
    IP Multicast address." """
    frame = node.udp4()
    frame[Ether].dst = mac
    dropped(node, frame, "ipv4-drop-link-group")


def test_other_station(node):
    """RFC 1812 3.3.1: a frame for another station on the link, which a port that listens to everything hears, is that one's to forward."""
    frame = node.udp4()
    frame[Ether].dst = "02:00:00:99:99:99"
    dropped(node, frame, "ipv4-drop-ether-address")


def test_limited_broadcast(node):
    """RFC 1812 5.3.5.1: "Limited broadcasts MUST NOT be forwarded." """
    for mac in ("ff:ff:ff:ff:ff:ff", node.mac[0]):
        frame = node.udp4(dst="255.255.255.255")
        frame[Ether].dst = mac
        dropped(node, frame, "ipv4-drop-broadcast")


@pytest.mark.parametrize("destination", ["10.0.2.255", "10.0.2.0", "10.0.1.255", "10.0.1.0"])
def test_directed_broadcast(node, destination):
    """RFC 2644 (which amends RFC 1812 5.3.5.2): "A router MAY have an option to enable receiving network-prefix-directed broadcasts on an interface and MAY
    have an option to enable forwarding ... These options MUST default to blocking". All zeros count as well (4.2.3.1)."""
    dropped(node, node.udp4(dst=destination), "ipv4-drop-broadcast")


@pytest.mark.parametrize("group", ["224.0.0.1", "224.0.0.5", "224.1.2.3", "239.255.255.255"])
def test_multicast(node, group):
    """RFC 1812 5.2.1.2: without a multicast routing protocol, multicasts are not forwarded; 5.3.10: those to 224.0.0.0/24 never are."""
    frame = node.udp4(dst=group)
    frame[Ether].dst = "01:00:5e:00:00:05"
    dropped(node, frame, "ipv4-drop-multicast")
    dropped(node, node.udp4(dst=group), "ipv4-drop-multicast")


# ---- fragments ----

@pytest.fixture
def narrow(node):
    """The far link carries packets of at most 1,280 bytes."""
    node.tell("port 1 mtu 1280")
    yield 1280
    node.tell("port 1 mtu 1500")


def test_fragmentation(node, narrow):
    """RFC 1812 4.2.2.7: "A router MUST support fragmentation." RFC 791 3.2: all but the last carry a multiple of eight bytes, and together they are the
    packet."""
    sent = node.udp4(node.payload(1400), id=4242)
    x = node.exchange(sent)
    assert x.forward == {"ipv4-pass-too-big": 1} and (x.ip["fragmented"], x.ip["fragments"]) == (1, 2)
    whole = b""
    for i, p in enumerate(x.out[1]):
        assert p[IP].len <= narrow and p[IP].id == 4242 and p[IP].ttl == 63 and ip4_sum(raw(p[IP])[:20]) == 0
        assert p[IP].frag * 8 == len(whole) and p[IP].flags.MF == (i < 1)
        whole += raw(p[IP].payload)[:p[IP].len - 20]
    assert whole == raw(sent[IP].payload) and not x.out[0]


def test_fragments_of_fragments(node, narrow):
    """RFC 791 3.2: a fragment that is cut again keeps its offset, and MF stays where more follows."""
    x = node.exchange(node.ether() / IP(src=HOST4[0], dst=HOST4[1], id=9, frag=100, flags="MF") / Raw(node.payload(1400)))
    assert [(p[IP].frag, p[IP].flags.MF) for p in x.out[1]] == [(100, True), (257, True)]


def test_fragmented_options(node, narrow):
    """RFC 791 3.1: options without the copied flag are in the first fragment only; those with it are in all."""
    copied, once = b"\x94\x04\x00\x00", b"\x07\x07\x04\x00\x00\x00\x00"
    x = node.exchange(poke(node.ether() / IP(src=HOST4[0], dst=HOST4[1], ihl=8) / Raw(once + copied + b"\x00" + node.payload(1400)), 0, b"\x48"))
    heads = [raw(p[IP])[20:(p[IP].ihl * 4)] for p in x.out[1]]
    assert len(heads) == 2 and once in heads[0] and copied in heads[0] and once not in heads[1] and copied in heads[1]


@pytest.mark.parametrize("how", ["in order", "reversed", "overlapping", "alone"])
def test_fragments_are_forwarded(node, how):
    """RFC 1812 4.2.2.8: "it is not necessary for routers to reassemble datagrams" in transit: each fragment goes on as it came, whatever the others were."""
    parts = fragment(IP(src=HOST4[0], dst=HOST4[1], id=77) / UDP() / Raw(node.payload(1400)), 512)
    if how == "reversed":
        parts.reverse()
    elif how == "overlapping":
        parts = [IP(src=HOST4[0], dst=HOST4[1], id=78, frag=o, flags="MF", proto=17) / Raw(node.payload(64)) for o in (0, 4, 2, 0, 8191 - 8)]
    elif how == "alone":
        parts = parts[-1:]
    x = node.exchange(*[node.ether() / p for p in parts])
    assert x.forward == {"ipv4-forwarded": len(parts)}
    for sent, got in zip(parts, x.out[1]):
        want = IP(raw(sent))
        want.ttl -= 1
        del want.chksum
        assert raw(got[IP]) == raw(want)


def test_dont_fragment(node, narrow):
    """RFC 1191 4: "When a router is unable to forward a datagram because it exceeds the MTU of the next-hop network and its Don't Fragment bit is set,
    the router is required to return an ICMP Destination Unreachable message to the source of the datagram, with the Code indicating "fragmentation
    needed and DF set".  ... the router MUST include the MTU of that next-hop network in the low-order 16 bits" """
    sent = node.udp4(node.payload(1300), flags="DF")
    x = node.exchange(sent)
    assert x.ip["drop-fragmentation-needed"] == 1
    p = icmp_of(x, 3, 4)
    assert p[ICMP].nexthopmtu == narrow and raw(p[ICMP].payload)[:20] == raw(sent[IP])[:20]
    node.exchange(node.udp4(node.payload(1252), flags="DF")).only(1)


# ---- RFC 1812 4.3.2: ICMP errors ----

def test_error_quotes(node):
    """RFC 1812 4.3.2.3: "the ICMP datagram SHOULD contain as much of the original datagram as possible without the length of the ICMP datagram exceeding 576
    bytes." """
    for size in (0, 8, 512, 548, 549, 1400):
        sent = node.udp4(node.payload(size) if size >= 16 else b"x" * max(size, 1), ttl=1)
        p = icmp_of(node.exchange(sent), 11, 0)
        original = raw(sent[IP])
        assert p[IP].len == min(576, 28 + len(original))
        assert raw(p[ICMP])[8:p[IP].len - 20] == original[:548]


def test_error_precedence(node):
    """RFC 1812 4.3.2.5: "ICMP error messages SHOULD have their IP Precedence field set to either 6 (INTERNETWORK CONTROL) or 7 (NETWORK CONTROL)." """
    assert icmp_of(node.exchange(node.udp4(ttl=1)), 11, 0)[IP].tos >> 5 in (6, 7)


def test_error_source(node):
    """RFC 1812 4.3.2.4: "the IP source address in an ICMP message originated by the router MUST be one of the IP addresses associated with the physical
    interface over which the ICMP message is transmitted." """
    x = node.exchange(node.udp4(port=1, ttl=1), port=1)
    assert x.only(1)[IP].src == ROUTER4[1]


def silent(node, frame):
    """It dies, and nothing is said."""
    x = node.exchange(frame)
    assert not x.frames
    return x


@pytest.mark.parametrize("type_", [3, 4, 5, 11, 12])
def test_no_error_about_errors(node, type_):
    """RFC 1812 4.3.2.7: "An ICMP error message MUST NOT be sent as the result of receiving: - An ICMP error message" """
    quoted = raw(IP(src=HOST4[1], dst=HOST4[0]) / UDP())
    x = silent(node, node.ether() / IP(src=HOST4[0], dst=HOST4[1], ttl=1) / ICMP(type=type_) / Raw(quoted))
    assert x.ip["icmp-not-sent"] == 1 and x.ip["drop-ttl"] == 1


def test_error_about_queries(node):
    """RFC 1812 4.3.2.7 names errors only: about an ICMP query one is sent."""
    icmp_of(node.exchange(node.ether() / IP(src=HOST4[0], dst=HOST4[1], ttl=1) / ICMP(type=8) / Raw(node.payload())), 11, 0)


def test_no_error_about_bad_headers(node):
    """RFC 1812 4.3.2.7: "- A packet which fails the IP header validation tests described in Section [5.2.2]" """
    frame = bytearray(raw(node.udp4(ttl=1)))
    frame[24] ^= 0x80
    silent(node, bytes(frame))


@pytest.mark.parametrize("destination", ["224.0.0.9", "255.255.255.255", "10.0.2.255"])
def test_no_error_about_broadcasts(node, destination):
    """RFC 1812 4.3.2.7: "- A packet destined to an IP broadcast or IP multicast address" """
    silent(node, node.udp4(dst=destination, ttl=1))
    silent(node, node.udp4(dst=destination, options=[IPOption_LSRR(routers=["1.2.3.4"])]))


@pytest.mark.parametrize("mac", ["ff:ff:ff:ff:ff:ff", "01:00:5e:01:01:01"])
def test_no_error_about_link_broadcasts(node, mac):
    """RFC 1812 4.3.2.7: "- A packet sent as a Link Layer broadcast or multicast" """
    for frame in (node.udp4(ttl=1), node.udp4(dst="203.0.113.1"), poke(node.udp4(options=[IPOption_Router_Alert()]), 21, b"\x00")):
        frame = bytes.fromhex(mac.replace(":", "")) + raw(frame)[6:]
        silent(node, frame)


@pytest.mark.parametrize("source", ["0.0.0.0", "127.0.0.1", "224.0.0.1", "255.255.255.255", "10.0.1.255", "240.1.1.1"])
def test_no_error_to_no_host(node, source):
    """RFC 1812 4.3.2.7: "- A packet whose source address has a network prefix of zero or is an invalid source address (as defined in Section [5.3.7])" """
    silent(node, node.udp4(src=source, ttl=1))
    silent(node, node.udp4(src=source, options=[IPOption_LSRR(routers=["1.2.3.4"])]))


def test_no_error_about_later_fragments(node):
    """RFC 1812 4.3.2.7: "- Any fragment of a datagram other then the first fragment (i.e., a packet for which the fragment offset in the IP header is
    nonzero)." About the first one there is."""
    x = silent(node, node.ether() / IP(src=HOST4[0], dst=HOST4[1], ttl=1, frag=1, proto=17) / Raw(node.payload()))
    assert x.ip["icmp-not-sent"] == 1
    icmp_of(node.exchange(node.ether() / IP(src=HOST4[0], dst=HOST4[1], ttl=1, flags="MF") / UDP() / Raw(node.payload())), 11, 0)


def test_error_rate(node):
    """RFC 1812 4.3.2.8: "A router which sends ICMP Source Quench messages MUST be able to limit the rate at which the messages can be generated.  A router
    SHOULD also be able to limit the rate at which it sends other sorts of ICMP error messages". Each one not sent is counted."""
    n = 180
    x = node.exchange(*[node.udp4(b"rate", ttl=1)] * n)
    assert x.ip["drop-ttl"] == n
    assert x.ip["icmp-sent"] + x.ip.get("icmp-limited", 0) == n and len(x.out[0]) == x.ip["icmp-sent"] >= 50
    if node.machine == "linux":  # QEMU may take its time
        assert x.ip["icmp-limited"] > 0


def test_no_redirects(node):
    """RFC 1812 5.2.7.2: redirects, which only hosts act upon and anybody may forge, are not sent: what leaves by the port it came in is forwarded, and no
    word is said."""
    other = "10.0.1.77"
    node.tell(f"neighbour 0 {other} 02:00:00:00:01:77")
    x = node.exchange(node.udp4(dst=other))
    p = x.only(0)
    assert x.forward == {"ipv4-pass-same-port": 1} and p[Ether].dst == "02:00:00:00:01:77" and ICMP not in p and p[IP].ttl == 63


# ---- RFC 1812 5.2.7.1, 5.2.1: destinations that are not reached ----

def test_no_route(node):
    """RFC 1812 5.2.7.1: "0 = Network Unreachable - generated by a router if a forwarding path (route) to the destination network is not available" """
    x = node.exchange(node.udp4(dst="203.0.113.9"))
    assert x.ip["drop-no-route"] == 1
    icmp_of(x, 3, 0)


def test_host_unreachable(node):
    """RFC 1812 4.3.3.1, 3.3.2: "1 = Host Unreachable - generated by a router if a forwarding path (route) to the destination host on a directly connected
    network is not available (does not respond to ARP)" """
    x = node.exchange(node.udp4(dst="10.0.2.200"))
    asked = [p for p in x.out[1] if ARP in p]
    assert asked and all(p[ARP].pdst == "10.0.2.200" and p[ARP].psrc == ROUTER4[1] and p.dst == "ff:ff:ff:ff:ff:ff" for p in asked)
    assert x.ip["drop-no-neighbour"] == 1 and [(p[ICMP].type, p[ICMP].code) for p in x.out[0]] == [(3, 1)]


def test_blackhole(node):
    """RFC 1812 5.2.7.1 and 4.3.2.7: a route into a black hole discards silently; neither error nor packet comes of it."""
    node.tell("route 198.18.0.0/15 blackhole")
    dropped(node, node.udp4(dst="198.19.255.255"), "ipv4-drop-blackhole")
    x = node.exchange(node.udp4(dst="198.18.0.1", options=[IPOption_NOP()]))
    assert x.ip["drop-blackhole"] == 1 and not x.frames


@pytest.mark.parametrize("kind,code", [("unreachable", 1), ("prohibit", 13)])
def test_routes_that_say_no(node, kind, code):
    """RFC 1812 5.2.7.1: "13 = Communication Administratively Prohibited - generated if a router cannot forward a packet due to administrative
    filtering"; 1: host unreachable."""
    node.tell(f"route 198.51.100.0/24 {kind}")
    icmp_of(node.exchange(node.udp4(dst="198.51.100.7")), 3, code)


# ---- for us ----

def test_echo(node):
    """RFC 1812 4.3.3.6: "A router MUST implement an ICMP Echo server function that receives Echo Requests sent to the router, and sends corresponding
    Echo Replies." At whichever of its addresses (5.2.3)."""
    for to in ROUTER4:
        load = node.payload()
        p = node.exchange(node.ether() / IP(src=HOST4[0], dst=to) / ICMP(id=5, seq=6) / Raw(load)).only(0)
        assert (p[ICMP].type, p[ICMP].id, p[ICMP].seq, raw(p[Raw])[:30]) == (0, 5, 6, load) and p[IP].src == to


@pytest.mark.parametrize("destination,mac", [("255.255.255.255", "ff:ff:ff:ff:ff:ff"), ("10.0.1.255", "ff:ff:ff:ff:ff:ff"),
                                             ("224.0.0.1", "01:00:5e:00:00:01")])
def test_no_echo_to_broadcasts(node, destination, mac):
    """RFC 1812 4.3.3.6: an echo request to a broadcast or multicast address may be discarded silently, and this router does that."""
    frame = node.ether() / IP(src=HOST4[0], dst=destination) / ICMP() / Raw(node.payload())
    frame[Ether].dst = mac
    silent(node, frame)


def test_port_unreachable(node):
    """RFC 1122 3.2.2.1, 4.1.3.1: nobody listens to the port: code 3."""
    icmp_of(node.exchange(node.udp4(dst=ROUTER4[0])), 3, 3)


def test_arp(node):
    """RFC 826, RFC 1812 3.3.2: asked for our address on the link, and no other, we answer the one who asked."""
    ask = lambda target: Ether(src=HOST_MAC[0], dst="ff:ff:ff:ff:ff:ff") / ARP(op=1, hwsrc=HOST_MAC[0], psrc=HOST4[0], pdst=target)  # noqa: E731
    p = node.exchange(ask(ROUTER4[0])).only(0)
    assert (p[ARP].op, p[ARP].hwsrc, p[ARP].psrc, p[ARP].hwdst, p.dst) == (2, node.mac[0], ROUTER4[0], HOST_MAC[0], HOST_MAC[0])
    for target in ("10.0.1.77", ROUTER4[1], HOST4[1], "10.0.1.255"):
        silent(node, ask(target))


def test_arp_of_liars(node):
    """RFC 1812 3.3.2: "A router MUST not believe any ARP reply that claims that the Link Layer address of another host or router is a broadcast or
    multicast address." Nor one that nobody asked for, nor one for our own address."""
    reply = lambda mac, addr: Ether(src=mac, dst=node.mac[0]) / ARP(op=2, hwsrc=mac, psrc=addr, hwdst=node.mac[0], pdst=ROUTER4[0])  # noqa: E731
    for frame, name in ((reply("03:00:00:00:00:01", "10.0.1.50"), "drop-arp-malformed"), (reply("02:00:00:00:00:50", "10.0.1.50"), "drop-arp-unsolicited"),
                        (reply("02:00:00:00:00:50", ROUTER4[0]), "drop-arp-conflict"), (reply("02:00:00:00:00:50", HOST4[0]), "drop-arp-conflict")):
        x = silent(node, frame)
        assert x.ip == {"arp-received": 1, name: 1}
    assert node.exchange(node.udp4(port=1), port=1).only(0).dst == HOST_MAC[0]


@pytest.mark.parametrize("type_", [0x0600, 0x8035, 0x88cc, 0x9000, 0x05dc])
def test_other_protocols(node, type_):
    """RFC 1122 2.3.1: "All other packets are discarded": what is neither IP nor ARP has a counter."""
    x = silent(node, node.ether(type=type_) / Raw(b"x" * 60))
    assert x.ip == {"drop-ether-type": 1}
