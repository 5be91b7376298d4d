# SPDX-License-Identifier: BSD-2-Clause
"""IPv4: one test for each clause that the router implements, the clause quoted; on both machines. The books are balanced after each."""
import pytest

from clauses import (HOST4, HOST_MAC, ROUTER4, at_rest, errors_limited, icmp_of, ip4_sum, node, poke)  # noqa: F401
from scapy.all import (ICMP, IP, UDP, Ether, IPOption_LSRR, IPOption_NOP, IPOption_Router_Alert, IPOption_RR, IPOption_SSRR,
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
    """RFC 1812 5.2.2: "Before a router can process any IP packet, it MUST perform a the following basic validity checks on the packet's IP header
    to ensure that the header is meaningful."
    One that passes them goes on as it came, but for TTL, checksum and link addresses."""
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
    """RFC 1812 5.2.2 (3): "The IP version number must be 4." """
    dropped(node, poke(node.udp4(), 0, bytes([version << 4 | 5])), "ipv4-drop-version")


@pytest.mark.parametrize("words", range(5))
def test_header_length(node, words):
    """RFC 1812 5.2.2 (4): "The IP header length field must be large enough to hold the minimum length legal IP datagram (20 bytes = 5 words)." """
    dropped(node, poke(node.udp4(), 0, bytes([0x40 | words])), "ipv4-drop-header-length")


@pytest.mark.parametrize("length", [0, 1, 19])
def test_total_length(node, length):
    """RFC 1812 5.2.2 (5): "The IP total length field must be large enough to hold the IP datagram header, whose length is specified in the IP
    header length field." """
    dropped(node, poke(node.udp4(), 2, length.to_bytes(2, "big")), "ipv4-drop-length")


@pytest.mark.parametrize("more", [1, 100, 1 << 15])
def test_truncated(node, more):
    """RFC 1812 5.2.2: "Additionally, the router SHOULD verify that the packet length reported by the Link Layer is at least as large as the IP
    total length recorded in the packet's IP header. If it appears that the packet has been truncated, the packet MUST be discarded" """
    total = len(raw(node.udp4())) - 14
    dropped(node, poke(node.udp4(), 2, (total + more).to_bytes(2, "big")), "ipv4-drop-length")


def test_link_padding(node):
    """RFC 894: "This padding is not part of the IP packet and is not included in the total length field of the IP header."
    So it is not sent on."""
    load = node.payload()[:11]
    p = node.exchange(raw(node.udp4(load)) + b"\xaa" * 21).only(1)
    assert len(raw(p)) == 14 + 20 + 8 + len(load)


# ---- RFC 1812 5.3.7: martian address filtering ----

@pytest.mark.parametrize("source", ["0.0.0.0", "0.1.2.3", "127.0.0.1", "127.255.255.255", "224.0.0.1", "239.255.255.255", "240.0.0.1",
                                    "255.255.255.255", ROUTER4[0], ROUTER4[1], "10.0.1.255", "10.0.2.255"])
def test_martian_source(node, source):
    """RFC 1812 5.3.7: "An IP source address is invalid if it is a special IP address, as defined in 4.2.2.11 or 5.3.7, or is not a unicast
    address. ... A router SHOULD NOT forward any packet that has an invalid IP source address or a source address on network 0. A router SHOULD
    NOT forward, except over a loopback interface, any packet that has a source address on network 127."
    Nor one that has ours."""
    dropped(node, poke(node.udp4(), 12, v4(source)), "ipv4-drop-bad-source")


@pytest.mark.parametrize("source", ["0.0.0.0", "0.0.0.9", "255.255.255.255", "10.0.1.255", "127.0.0.1", "224.0.0.1", "240.0.0.1"])
def test_invalid_source_for_us(node, source):
    """RFC 1812 4.2.2.11: "A router MUST silently discard any received datagram containing an IP source address that is invalid by the rules of this
    section." """
    dropped(node, node.ether() / IP(src=source, dst=ROUTER4[0]) / ICMP() / Raw(node.payload()), "ipv4-drop-bad-source")


@pytest.mark.parametrize("destination", ["0.0.0.0", "0.255.0.1", "127.0.0.1", "127.9.9.9", "240.0.0.1", "255.255.255.254"])
def test_martian_destination(node, destination):
    """RFC 1812 5.3.7: "A router SHOULD NOT forward any packet that has an invalid IP destination address or a destination address on network 0. A
    router SHOULD NOT forward, except over a loopback interface, any packet that has a destination address on network 127."
    RFC 1812 5.3.7: "An IP destination address is invalid if it is among those defined as illegal destinations in 4.2.3.1, or is a Class E address
    (except 255.255.255.255)." """
    dropped(node, poke(node.udp4(), 16, v4(destination)), "ipv4-drop-bad-destination")


# ---- RFC 1812 5.3.1: time to live ----

@pytest.mark.parametrize("ttl", [0, 1])
def test_ttl_runs_out(node, ttl):
    """RFC 1812 5.3.1: "If the TTL is reduced to zero (or less), the packet MUST be discarded, and if the destination is not a multicast address
    the router MUST send an ICMP Time Exceeded message, Code 0 (TTL Exceeded in Transit) message to the source." """
    sent = node.udp4(ttl=ttl)
    x = node.exchange(sent)
    assert x.forward == {"ipv4-pass-ttl": 1} and x.ip["drop-ttl"] == 1
    p = icmp_of(x, 11, 0)
    assert (p[IP].src, p[IP].dst) == (ROUTER4[0], HOST4[0])
    assert raw(p[ICMP].payload).startswith(raw(sent[IP])), "the packet as it came"


@pytest.mark.parametrize("ttl", [2, 3, 64, 128, 255])
@pytest.mark.parametrize("number", [0, 1, 0x00ff, 0xfeff, 0xffff])
def test_ttl_decremented(node, ttl, number):
    """RFC 1812 5.3.1: "When a router forwards a packet, it MUST reduce the TTL by at least one."
    RFC 1812 4.2.2.5: "A router MAY use incremental IP header checksum updating when the only change to the IP header is the time to live."
    What comes of that is the checksum that would be computed anew, whatever carries."""
    sent = node.udp4(ttl=ttl, id=number)
    p = node.exchange(sent).only(1)
    assert p[IP].ttl == ttl - 1
    assert ip4_sum(raw(p[IP])[:20]) == 0


def test_ttl_left_for_others(node):
    """RFC 1812 5.3.1: "Note that a router MUST NOT discard an IP unicast or broadcast packet with a non-zero TTL merely because it can predict that
    another router on the path to the packet's final destination will decrement the TTL to zero." """
    node.tell(f"route 198.51.103.0/24 via {HOST4[1]}")
    assert node.exchange(node.udp4(dst="198.51.103.1", ttl=2)).only(1)[IP].ttl == 1


def test_ttl_for_us(node):
    """RFC 1812 4.2.2.9: "A router MUST NOT discard a datagram just because it was received with TTL equal to zero or one; if it is to the router
    and otherwise valid, the router MUST attempt to receive it." """
    for ttl in (0, 1):
        frame = node.ether() / IP(src=HOST4[0], dst=ROUTER4[0], ttl=ttl) / ICMP(id=ttl) / Raw(node.payload())
        p = node.exchange(frame).only(0)
        assert p[ICMP].type == 0 and p[ICMP].id == ttl


# ---- RFC 1812 5.2.5, 5.3.3: what is passed through ----

@pytest.mark.parametrize("flags,tos", [("evil", 0), (0, 1), ("evil", 1)])
def test_reserved_bits(node, flags, tos):
    """RFC 1812 5.2.5: "Routers MUST ignore and MUST pass through unchanged the values of these reserved bits." """
    p = node.exchange(node.udp4(flags=flags, tos=tos)).only(1)
    assert (p[IP].flags.evil, p[IP].tos) == (flags == "evil", tos)


@pytest.mark.parametrize("precedence", range(8))
def test_precedence(node, precedence):
    """RFC 1812 5.3.3.3: "MUST accept and process incoming traffic of all precedence levels normally, unless it has been administratively configured to do
    otherwise. ... MUST NOT change precedence settings on packets it did not originate." """
    assert node.exchange(node.udp4(tos=precedence << 5)).only(1)[IP].tos == precedence << 5


# ---- RFC 1812 4.2.2.1, 5.3.13: options ----

@pytest.mark.parametrize("options", [
    [IPOption_NOP()], [IPOption_Router_Alert()], [IPOption_RR(routers=["0.0.0.0", "0.0.0.0"])],
    [IPOption_Timestamp(timestamp=0)], [b"\x9e\x04ab"],
], ids=["nop", "router-alert", "record-route", "timestamp", "unknown"])
def test_options(node, options):
    """RFC 1812 5.3.13.1: "Unrecognized IP options in forwarded packets MUST be passed through unchanged."
    TTL and checksum apart, the packet is the same. Record Route and Timestamp count as unrecognized here."""
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
    """RFC 1812 4.3.3.5: "A router MUST generate a Parameter Problem message for any error not specifically covered by another ICMP message. The
    IP header field or IP option including the byte indicated by the pointer field MUST be included unchanged in the IP header returned with this
    ICMP message." """
    frame = poke(node.ether() / IP(src=HOST4[0], dst=HOST4[1], ihl=6) / Raw(option + node.payload()), 0, b"\x46")
    x = node.exchange(frame)
    assert x.ip["drop-options"] == 1
    p = icmp_of(x, 12, 0)
    assert p[ICMP].ptr == 20 + (3 if option.startswith(b"\x01") else 0)


@pytest.mark.parametrize("option", [IPOption_LSRR, IPOption_SSRR])
def test_source_route(node, option):
    """RFC 7126 4.3.5, 4.4.5: "Routers, security gateways, and firewalls SHOULD implement an option-specific configuration knob to select whether
    packets with this option are dropped ... The default setting for this knob SHOULD be "drop""
    RFC 1812 5.2.7.1: "5 = Source Route Failed - generated if a router cannot forward a packet to the next hop in a source route option" """
    for dst in (HOST4[1], ROUTER4[0]):
        x = node.exchange(node.udp4(dst=dst, options=[option(routers=[HOST4[1]])]))
        assert x.ip["drop-source-route"] == 1
        icmp_of(x, 3, 5)


# ---- RFC 1812 5.3.4, 5.3.5, 5.2.1.2: broadcasts and multicasts ----

@pytest.mark.parametrize("mac", ["ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:01", "33:33:00:00:00:01"])
def test_link_broadcast(node, mac):
    """RFC 1812 5.3.4: "A router MUST NOT forward any packet that the router received as a Link Layer broadcast, unless it is directed to an IP
    Multicast address. ... A router MUST NOT forward any packet which the router received as a Link Layer multicast unless the packet's
    destination address is an IP multicast address." """
    frame = node.udp4()
    frame[Ether].dst = mac
    dropped(node, frame, "ipv4-drop-link-group")


def test_other_station(node):
    """IEEE 802.3: a station takes frames with its own address or with that of a group it is in. A port that listens to everything hears others,
    too, which are for another station to forward."""
    frame = node.udp4()
    frame[Ether].dst = "02:00:00:99:99:99"
    dropped(node, frame, "ipv4-drop-ether-address")


def test_limited_broadcast(node):
    """RFC 1812 5.3.5.1: "Limited broadcasts MUST NOT be forwarded." """
    for mac in ("ff:ff:ff:ff:ff:ff", node.mac[0]):
        frame = node.udp4(dst="255.255.255.255")
        frame[Ether].dst = mac
        dropped(node, frame, "ipv4-drop-broadcast")


@pytest.mark.parametrize("destination", ["10.0.2.255", "10.0.1.255"])
def test_directed_broadcast(node, destination):
    """RFC 2644 3: "A router MAY have an option to enable receiving network-prefix-directed broadcasts on an interface and MAY have an option to
    enable forwarding network-prefix-directed broadcasts. These options MUST default to blocking receipt and blocking forwarding of
    network-prefix-directed broadcasts." """
    dropped(node, node.udp4(dst=destination), "ipv4-drop-broadcast")


@pytest.mark.parametrize("destination,name", [("0.0.0.0", "bad-destination"), ("10.0.2.0", "broadcast"), ("10.0.1.0", "broadcast")])
def test_old_broadcast(node, destination, name):
    """RFC 1812 4.2.3.1 (2): "SHOULD silently discard on receipt (i.e., do not even deliver to applications in the router) any packet addressed to
    0.0.0.0 or { <Network-prefix>, 0 }." """
    dropped(node, node.udp4(dst=destination), f"ipv4-drop-{name}")


@pytest.mark.parametrize("group", ["224.0.0.1", "224.0.0.5", "224.1.2.3", "239.255.255.255"])
def test_multicast(node, group):
    """RFC 1812 5.2.1.3: "Based on the IP source and destination addresses found in the datagram header, the router determines the datagram's
    outgoing interfaces."
    There are none without multicast routing, and this is no multicast router (5.3.10)."""
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
    """RFC 1812 4.2.2.7: "Fragmentation, as described in [INTERNET:1], MUST be supported by a router. When a router fragments an IP datagram, it
    SHOULD minimize the number of fragments. When a router fragments an IP datagram, it SHOULD send the fragments in order."
    RFC 791 3.2: "If an internet datagram is fragmented, its data portion must be broken on 8 octet boundaries." """
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
    """RFC 791 2.3: "The more-fragments flag carries the same value as the long datagram. The fragment offset field of the second new internet
    datagram is set to the value of that field in the long datagram plus NFB." """
    x = node.exchange(node.ether() / IP(src=HOST4[0], dst=HOST4[1], id=9, frag=100, flags="MF") / Raw(node.payload(1400)))
    assert [(p[IP].frag, p[IP].flags.MF) for p in x.out[1]] == [(100, True), (257, True)]


def test_fragmented_options(node, narrow):
    """RFC 791 3.1: "The copied flag indicates that this option is copied into all fragments on fragmentation. 0 = not copied 1 = copied" """
    copied, once = b"\x94\x04\x00\x00", b"\x07\x07\x04\x00\x00\x00\x00"
    x = node.exchange(poke(node.ether() / IP(src=HOST4[0], dst=HOST4[1], ihl=8) / Raw(once + copied + b"\x00" + node.payload(1400)), 0, b"\x48"))
    heads = [raw(p[IP])[20:(p[IP].ihl * 4)] for p in x.out[1]]
    assert len(heads) == 2 and once in heads[0] and copied in heads[0] and once not in heads[1] and copied in heads[1]


def test_reserved_bits_of_fragments(node, narrow):
    """RFC 1812 5.2.5: "If a router fragments a packet, it MUST copy these bits into each fragment." """
    x = node.exchange(node.udp4(node.payload(1400), flags="evil", tos=1))
    assert [(p[IP].flags.evil, p[IP].tos) for p in x.out[1]] == [(True, 1)] * 2


@pytest.mark.parametrize("how", ["in order", "reversed", "overlapping", "alone"])
def test_fragments_are_forwarded(node, how):
    """RFC 1812 5.2.6: "A router MUST NOT reassemble any datagram before forwarding it."
    Each fragment goes on as it came, whatever the others were."""
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
    """RFC 1191 4: "When a router is unable to forward a datagram because it exceeds the MTU of the next-hop network and its Don't Fragment bit is
    set, the router is required to return an ICMP Destination Unreachable message to the source of the datagram, with the Code indicating
    "fragmentation needed and DF set". ... the router MUST include the MTU of that next-hop network in the low-order 16 bits of the ICMP header
    field that is labelled "unused" in the ICMP specification [7]. The high-order 16 bits remain unused, and MUST be set to zero." """
    sent = node.udp4(node.payload(1300), flags="DF")
    x = node.exchange(sent)
    assert x.ip["drop-fragmentation-needed"] == 1
    p = icmp_of(x, 3, 4)
    assert raw(p[ICMP])[4:8] == narrow.to_bytes(4, "big") and raw(p[ICMP].payload)[:20] == raw(sent[IP])[:20]


@pytest.mark.parametrize("more,fits", [(0, True), (1, False)])
def test_next_hop_mtu(node, narrow, more, fits):
    """RFC 1191 4: "The size in octets of the largest datagram that could be forwarded, along the path of the original datagram, without being
    fragmented at this router. The size includes the IP header and IP data, and does not include any lower-level headers." """
    x = node.exchange(node.udp4(node.payload(narrow - 28 + more), flags="DF"))
    assert bool(x.out[1]) == fits and bool(x.out[0]) != fits


# ---- RFC 1812 4.3.2: ICMP errors ----

def test_error_quotes(node):
    """RFC 1812 4.3.2.3: "the ICMP datagram SHOULD contain as much of the original datagram as possible without the length of the ICMP datagram
    exceeding 576 bytes." """
    for size in (0, 8, 512, 548, 549, 1400):
        sent = node.udp4(node.payload(size) if size >= 16 else b"x" * max(size, 1), ttl=1)
        p = icmp_of(node.exchange(sent), 11, 0)
        original = raw(sent[IP])
        assert p[IP].len == min(576, 28 + len(original))
        assert raw(p[ICMP])[8:p[IP].len - 20] == original[:548]


def test_error_precedence(node):
    """RFC 1812 4.3.2.5: "All other ICMP error messages (Destination Unreachable, Redirect, Time Exceeded, and Parameter Problem) SHOULD have
    their precedence value set to 6 (INTERNETWORK CONTROL) or 7 (NETWORK CONTROL)." """
    assert icmp_of(node.exchange(node.udp4(ttl=1)), 11, 0)[IP].tos >> 5 in (6, 7)


@pytest.mark.parametrize("tos", [0x04, 0x08, 0x10, 0x5c, 0xe3])
def test_error_tos(node, tos):
    """RFC 1812 4.3.2.5: "ICMP error messages SHOULD have their TOS bits set to the same value as the TOS bits in the packet that provoked the sending of the
    ICMP error message"
    But for the lowest, which RFC 3168 took away from them."""
    assert icmp_of(node.exchange(node.udp4(ttl=1, tos=tos)), 11, 0)[IP].tos == 0xc0 | (tos & 0x1c)


def test_error_source(node):
    """RFC 1812 4.3.2.4: "Except where this document specifies otherwise, the IP source address in an ICMP message originated by the router MUST
    be one of the IP addresses associated with the physical interface over which the ICMP message is transmitted." """
    x = node.exchange(node.udp4(port=1, ttl=1), port=1)
    assert x.only(1)[IP].src == ROUTER4[1]


def test_error_ttl(node):
    """RFC 1812 4.3.2.2: "When originating an ICMP message, the router MUST initialize the TTL. The TTL for ICMP responses must not be taken from the packet
    that triggered the response." """
    assert icmp_of(node.exchange(node.udp4(ttl=1)), 11, 0)[IP].ttl >= 64
    for ttl in (1, 7, 255):
        p = node.exchange(node.ether() / IP(src=HOST4[0], dst=ROUTER4[0], ttl=ttl) / ICMP() / Raw(node.payload())).only(0)
        assert p[ICMP].type == 0 and p[IP].ttl >= 64


def silent(node, frame):
    """It dies, and nothing is said."""
    x = node.exchange(frame)
    assert not x.frames
    return x


@pytest.mark.parametrize("type_", [3, 4, 5, 11, 12])
def test_no_error_about_errors(node, type_):
    """RFC 1812 4.3.2.7: "An ICMP error message MUST NOT be sent as the result of receiving: o An ICMP error message" """
    quoted = raw(IP(src=HOST4[1], dst=HOST4[0]) / UDP())
    x = silent(node, node.ether() / IP(src=HOST4[0], dst=HOST4[1], ttl=1) / ICMP(type=type_) / Raw(quoted))
    assert x.ip["icmp-not-sent"] == 1 and x.ip["drop-ttl"] == 1


def test_error_about_queries(node):
    """RFC 1812 5.2.7.3: "A router MUST generate a Time Exceeded message Code 0 (In Transit) when it discards a packet due to an expired TTL
    field."
    About an ICMP query, too: 4.3.2.7 excepts errors only."""
    icmp_of(node.exchange(node.ether() / IP(src=HOST4[0], dst=HOST4[1], ttl=1) / ICMP(type=8) / Raw(node.payload())), 11, 0)


def test_no_error_about_bad_headers(node):
    """RFC 1812 4.3.2.7: "An ICMP error message MUST NOT be sent as the result of receiving: ... A packet which fails the IP header validation
    tests described in Section [5.2.2] (except where that section specifically permits the sending of an ICMP error message)" """
    frame = bytearray(raw(node.udp4(ttl=1)))
    frame[24] ^= 0x80
    silent(node, bytes(frame))


@pytest.mark.parametrize("destination", ["224.0.0.9", "255.255.255.255", "10.0.2.255"])
def test_no_error_about_broadcasts(node, destination):
    """RFC 1812 4.3.2.7: "An ICMP error message MUST NOT be sent as the result of receiving: ... A packet destined to an IP broadcast or IP
    multicast address" """
    silent(node, node.udp4(dst=destination, ttl=1))
    silent(node, node.udp4(dst=destination, options=[IPOption_LSRR(routers=["1.2.3.4"])]))


@pytest.mark.parametrize("mac", ["ff:ff:ff:ff:ff:ff", "01:00:5e:01:01:01"])
def test_no_error_about_link_broadcasts(node, mac):
    """RFC 1812 4.3.2.7: "An ICMP error message MUST NOT be sent as the result of receiving: ... A packet sent as a Link Layer broadcast or
    multicast" """
    for frame in (node.udp4(ttl=1), node.udp4(dst="203.0.113.1"), poke(node.udp4(options=[IPOption_Router_Alert()]), 21, b"\x00")):
        frame = bytes.fromhex(mac.replace(":", "")) + raw(frame)[6:]
        silent(node, frame)


@pytest.mark.parametrize("source", ["0.0.0.0", "127.0.0.1", "224.0.0.1", "255.255.255.255", "10.0.1.255", "240.1.1.1"])
def test_no_error_to_no_host(node, source):
    """RFC 1812 4.3.2.7: "An ICMP error message MUST NOT be sent as the result of receiving: ... A packet whose source address has a network
    prefix of zero or is an invalid source address (as defined in Section [5.3.7])" """
    silent(node, node.udp4(src=source, ttl=1))
    silent(node, node.udp4(src=source, options=[IPOption_LSRR(routers=["1.2.3.4"])]))


def test_no_error_about_later_fragments(node):
    """RFC 1812 4.3.2.7: "An ICMP error message MUST NOT be sent as the result of receiving: ... Any fragment of a datagram other then the first
    fragment (i.e., a packet for which the fragment offset in the IP header is nonzero)."
    About the first one there is."""
    x = silent(node, node.ether() / IP(src=HOST4[0], dst=HOST4[1], ttl=1, frag=1, proto=17) / Raw(node.payload()))
    assert x.ip["icmp-not-sent"] == 1
    icmp_of(node.exchange(node.ether() / IP(src=HOST4[0], dst=HOST4[1], ttl=1, flags="MF") / UDP() / Raw(node.payload())), 11, 0)


def test_error_rate(node):
    """RFC 1812 4.3.2.8: "A router SHOULD also be able to limit the rate at which it sends other sorts of ICMP error messages (Destination
    Unreachable, Redirect, Time Exceeded, Parameter Problem)." """
    assert errors_limited(node, node.udp4(b"rate", ttl=1), "ip").ip["drop-ttl"] == 180


def test_no_redirects(node):
    """RFC 1812 5.2.7.2: "Routers MUST NOT generate the Redirect for Network or Redirect for Network and Type of Service messages (Codes 0 and 2)"
    Nor does this one generate those for hosts, which the RFC wants: what leaves by the port it came in is forwarded, and no word is said."""
    other = "10.0.1.77"
    node.tell(f"neighbour 0 {other} 02:00:00:00:01:77")
    x = node.exchange(node.udp4(dst=other))
    p = x.only(0)
    assert x.forward == {"ipv4-pass-same-port": 1} and p[Ether].dst == "02:00:00:00:01:77" and ICMP not in p and p[IP].ttl == 63


# ---- RFC 1812 5.2.7.1, 5.2.1: destinations that are not reached ----

def test_no_route(node):
    """RFC 1812 4.3.3.1: "If a router cannot forward a packet because it has no routes at all (including no default route) to the destination
    specified in the packet, then the router MUST generate a Destination Unreachable, Code 0 (Network Unreachable) ICMP message." """
    x = node.exchange(node.udp4(dst="203.0.113.9"))
    assert x.ip["drop-no-route"] == 1
    icmp_of(x, 3, 0)


def test_blackhole(node):
    """RFC 1812 5.3.9: "The router MUST allow packets to be silently discarded (i.e., discarded without an ICMP error message being sent)." """
    node.tell("route 198.18.0.0/15 blackhole")
    dropped(node, node.udp4(dst="198.19.255.255"), "ipv4-drop-blackhole")
    x = node.exchange(node.udp4(dst="198.18.0.1", options=[IPOption_NOP()]))
    assert x.ip["drop-blackhole"] == 1 and not x.frames


@pytest.mark.parametrize("kind,code", [("unreachable", 1), ("prohibit", 13)])
def test_routes_that_say_no(node, kind, code):
    """RFC 1812 5.2.7.1: "13 = Communication Administratively Prohibited - generated if a router cannot forward a packet due to administrative
    filtering"
    RFC 1812 5.2.7.1: "Routers MUST use Host Unreachable or Destination Host Unknown codes whenever other hosts on the same destination network
    might be reachable" """
    node.tell(f"route 198.51.100.0/24 {kind}")
    icmp_of(node.exchange(node.udp4(dst="198.51.100.7")), 3, code)


# ---- for us ----

def test_echo(node):
    """RFC 1812 4.3.3.6: "A router MUST implement an ICMP Echo server function that receives Echo Requests sent to the router, and sends
    corresponding Echo Replies. ... The IP source address in an ICMP Echo Reply MUST be the same as the specific-destination address of the
    corresponding ICMP Echo Request message. Data received in an ICMP Echo Request MUST be entirely included in the resulting Echo Reply." """
    for to in ROUTER4:
        load = node.payload()
        p = node.exchange(node.ether() / IP(src=HOST4[0], dst=to) / ICMP(id=5, seq=6) / Raw(load)).only(0)
        assert (p[ICMP].type, p[ICMP].id, p[ICMP].seq, raw(p[Raw])[:30]) == (0, 5, 6, load) and p[IP].src == to


@pytest.mark.parametrize("precedence", range(8))
def test_echo_precedence(node, precedence):
    """RFC 1812 4.3.2.5: "An ICMP reply message MUST have its IP Precedence field set to the same value as the IP Precedence field in the ICMP request that
    provoked the reply." """
    p = node.exchange(node.ether() / IP(src=HOST4[0], dst=ROUTER4[0], tos=precedence << 5 | 0x10) / ICMP() / Raw(node.payload())).only(0)
    assert p[ICMP].type == 0 and p[IP].tos >> 5 == precedence


@pytest.mark.parametrize("how", ["whole", "in order", "reversed"])
def test_echo_size(node, how):
    """RFC 1812 4.3.3.6: "A router MUST be prepared to receive, reassemble and echo an ICMP Echo Request datagram at least as the maximum of 576 and the
    MTUs of all the connected networks." """
    load = node.payload(1472)
    parts = [IP(src=HOST4[0], dst=ROUTER4[0], id=31) / ICMP(id=9) / Raw(load)]
    if how != "whole":
        parts = fragment(parts[0], 512)
    if how == "reversed":
        parts.reverse()
    p = node.exchange(*[node.ether() / f for f in parts]).only(0)
    assert (p[ICMP].type, p[ICMP].id, raw(p[Raw])) == (0, 9, load) and ip4_sum(raw(p[ICMP])) == 0


@pytest.mark.parametrize("destination,mac", [("255.255.255.255", "ff:ff:ff:ff:ff:ff"), ("10.0.1.255", "ff:ff:ff:ff:ff:ff"),
                                             ("224.0.0.1", "01:00:5e:00:00:01")])
def test_no_echo_to_broadcasts(node, destination, mac):
    """RFC 1812 4.3.3.6: "The Echo server function MAY choose not to respond to ICMP echo requests addressed to IP broadcast or IP multicast
    addresses."
    This one does."""
    frame = node.ether() / IP(src=HOST4[0], dst=destination) / ICMP() / Raw(node.payload())
    frame[Ether].dst = mac
    silent(node, frame)


def test_port_unreachable(node):
    """RFC 1122 4.1.3.1: "If a datagram arrives addressed to a UDP port for which there is no pending LISTEN call, UDP SHOULD send an ICMP Port
    Unreachable message." """
    icmp_of(node.exchange(node.udp4(dst=ROUTER4[0])), 3, 3)


@pytest.mark.parametrize("proto", [2, 41, 89, 253])
def test_protocol_unreachable(node, proto):
    """RFC 1812 5.2.7.1: "2 = Protocol Unreachable - generated if the transport protocol designated in a datagram is not supported in the transport layer of
    the final destination" """
    icmp_of(node.exchange(node.ether() / IP(src=HOST4[0], dst=ROUTER4[0], proto=proto) / Raw(node.payload())), 3, 2)


@pytest.fixture(params=["port", "protocol"])
def nobody(node, request):
    """A maker of datagrams that nobody here wants, with so many bytes of data, and the code that says so."""
    if request.param == "port":
        return (lambda load, **ip: node.udp4(load, dst=ROUTER4[0], **ip)), 3
    return (lambda load, **ip: node.ether() / IP(src=HOST4[0], dst=ROUTER4[0], proto=253, **ip) / Raw(load)), 2


def test_unreachable_quotes(node, nobody):
    """RFC 1812 4.3.2.3: "the ICMP datagram SHOULD contain as much of the original datagram as possible without the length of the ICMP datagram
    exceeding 576 bytes."
    Options of the datagram are part of it."""
    make, code = nobody
    for size, options in ((1, []), (40, []), (520, []), (548, []), (1400, []), (600, [IPOption_NOP(), IPOption_NOP(), IPOption_Router_Alert()])):
        sent = make(b"x" * size, options=options)
        p = icmp_of(node.exchange(sent), 3, code)
        original = raw(sent[IP])
        assert p[IP].len == min(576, 28 + len(original)) and raw(p[ICMP])[8:p[IP].len - 20] == original[:548]


@pytest.mark.parametrize("tos", [0x00, 0x10, 0xe3])
def test_unreachable_tos(node, nobody, tos):
    """RFC 1812 4.3.2.5: "All other ICMP error messages (Destination Unreachable, Redirect, Time Exceeded, and Parameter Problem) SHOULD have
    their precedence value set to 6 (INTERNETWORK CONTROL) or 7 (NETWORK CONTROL)."
    The packet's own type of service is kept (ibid.)."""
    make, code = nobody
    assert icmp_of(node.exchange(make(node.payload(), tos=tos)), 3, code)[IP].tos == 0xc0 | (tos & 0x1c)


def test_unreachable_source(node):
    """RFC 1812 4.3.2.4: "Except where this document specifies otherwise, the IP source address in an ICMP message originated by the router MUST
    be one of the IP addresses associated with the physical interface over which the ICMP message is transmitted."
    Whichever of our addresses was asked."""
    for to in ROUTER4:
        assert icmp_of(node.exchange(node.udp4(dst=to)), 3, 3)[IP].src == ROUTER4[0]


def test_unreachable_rate(node, nobody):
    """RFC 1812 4.3.2.8: "A router SHOULD also be able to limit the rate at which it sends other sorts of ICMP error messages (Destination
    Unreachable, Redirect, Time Exceeded, Parameter Problem)." """
    make, _ = nobody
    x = errors_limited(node, make(b"rate"), "ip")
    assert x.ip["delivered"] == x.ip["stack-errors"] == 180


def test_unreachable_of_fragments(node):
    """RFC 1812 4.3.2.3: "the ICMP datagram SHOULD contain as much of the original datagram as possible without the length of the ICMP datagram
    exceeding 576 bytes."
    What came in fragments is quoted as far as the host stack has kept it, and its ports are among that; the rules hold as for others."""
    parts = fragment(IP(src=HOST4[0], dst=ROUTER4[0], id=99) / UDP(sport=5000, dport=5001) / Raw(node.payload(1400)), 512)
    p = icmp_of(node.exchange(*[node.ether() / f for f in parts]), 3, 3)
    assert p[IP].tos == 0xc0 and raw(p[ICMP])[28:36] == raw(parts[0])[20:28]


def test_unreachable_silence(node, nobody):
    """RFC 1812 4.3.2.7: "An ICMP error message MUST NOT be sent as the result of receiving: ... A packet sent as a Link Layer broadcast or
    multicast" """
    make, _ = nobody
    x = silent(node, bytes.fromhex("ffffffffffff") + raw(make(node.payload()))[6:])
    assert x.ip["delivered"] == x.ip["stack-errors"] == x.ip["icmp-not-sent"] == 1


@pytest.mark.parametrize("type_", [1, 7, 19, 42, 127, 255])
def test_unknown_icmp(node, type_):
    """RFC 1812 4.3.2.1: "If an ICMP message of unknown type is received, it MUST be passed to the ICMP user interface (if the router has one) or silently
    discarded (if the router does not have one)." """
    silent(node, node.ether() / IP(src=HOST4[0], dst=ROUTER4[0]) / ICMP(type=type_) / Raw(node.payload()))


@pytest.mark.parametrize("type_", [15, 16])
def test_information_request(node, type_):
    """RFC 1812 4.3.3.7: "A router SHOULD NOT originate or respond to these messages." """
    silent(node, node.ether() / IP(src=HOST4[0], dst=ROUTER4[0]) / ICMP(type=type_) / Raw(node.payload()))


def test_redirected(node):
    """RFC 1812 5.2.7.2: "A router using a routing protocol (other than static routes) MUST NOT consider paths learned from ICMP Redirects when forwarding a
    packet." """
    routes = node.ask("show routes")
    quoted = raw(IP(src=ROUTER4[0], dst=HOST4[1]) / UDP(sport=1, dport=2))
    silent(node, node.ether() / IP(src=HOST4[0], dst=ROUTER4[0]) / ICMP(type=5, code=1, gw="10.0.1.77") / Raw(quoted))
    assert node.ask("show routes") == routes and node.exchange(node.udp4()).only(1)


def test_udp_checksum(node):
    """RFC 1122 4.1.3.4: "If a UDP datagram is received with a checksum that is non-zero and invalid, UDP MUST silently discard the datagram." """
    silent(node, node.ether() / IP(src=HOST4[0], dst=ROUTER4[0]) / UDP(sport=9, dport=5001, chksum=0x1234) / Raw(node.payload()))


@pytest.mark.parametrize("type_", [0x0600, 0x8035, 0x88cc, 0x9000, 0x05dc])
def test_other_protocols(node, type_):
    """RFC 894: "The type field of the Ethernet frame must contain the value hexadecimal 0800."
    What is neither IP nor ARP is dropped under a name."""
    x = silent(node, node.ether(type=type_) / Raw(b"x" * 60))
    assert x.ip == {"drop-ether-type": 1}
