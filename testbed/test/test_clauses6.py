# SPDX-License-Identifier: BSD-2-Clause
"""IPv6: one test for each clause that the router implements, the clause quoted; on both machines. The books are balanced after each."""
import socket

import pytest

from clauses import HOST6, HOST_MAC, ROUTER6, node, poke  # noqa: F401
from scapy.all import (UDP, Ether, HBHOptUnknown, ICMPv6DestUnreach, ICMPv6EchoReply, ICMPv6EchoRequest, ICMPv6ND_NA, ICMPv6ND_NS,
                       ICMPv6ND_RA, ICMPv6ND_Redirect, ICMPv6NDOptDstLLAddr, ICMPv6NDOptSrcLLAddr, ICMPv6PacketTooBig, ICMPv6ParamProblem,
                       ICMPv6TimeExceeded, ICMPv6Unknown, IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop, IPv6ExtHdrRouting,
                       PadN, Raw, RouterAlert, raw)

LOCAL = "fe80::5054:ff:fe00:200"  # the router's link-local address at port 0


def v6(text):
    return socket.inet_pton(socket.AF_INET6, text)


def right(packet):
    """The checksum of a packet's last layer is the one that would be computed anew."""
    fresh = packet[IPv6].copy()
    layer = next(x for x in fresh.layers()[1:] if "cksum" in [f.name for f in x.fields_desc])
    had = fresh[layer].cksum
    del fresh[layer].cksum
    return had == IPv6(raw(fresh))[layer].cksum


def dropped(node, frame, name):
    x = node.exchange(frame)
    assert x.forward == {name: 1} and not x.ip6 and not x.frames
    return x


def silent(node, *frames, **counted):
    """Nothing comes out; these counters of the router domain rise by one."""
    x = node.exchange(*frames)
    assert not x.frames
    for name, n in counted.items():
        assert x.ip6.get(name.replace("_", "-"), 0) == n, x.ip6
    return x


def error_of(x, layer, code, **fields):
    p = x.only(0)
    assert layer in p and p[layer].code == code, p.summary()
    assert right(p) and x.ip6["icmp-sent"] == 1
    for name, value in fields.items():
        assert getattr(p[layer], name) == value
    return p


# ---- RFC 8200 3: the header ----

def test_valid_packet(node):
    """RFC 8200 3: Hop Limit is "decremented by 1 by each node that forwards the packet"; all else stays: traffic class and flow label, too."""
    sent = node.udp6(tc=0xb8, fl=0xabcde)
    p = node.exchange(sent).only(1)
    want = sent[IPv6].copy()
    want.hlim -= 1
    assert raw(p[IPv6]) == raw(want) and (p.src, p.dst) == (node.mac[1], HOST_MAC[1])


@pytest.mark.parametrize("version", [0, 4, 5, 7, 15])
def test_version(node, version):
    """RFC 8200 3: "Version  4-bit Internet Protocol version number = 6." """
    dropped(node, poke(node.udp6(), 0, bytes([version << 4])), "ipv6-drop-version")


@pytest.mark.parametrize("size", [14, 30, 53])
def test_header_cut(node, size):
    """RFC 8200 3: the header has 40 octets."""
    silent(node, raw(node.udp6())[:size], received=1, drop_short=1)


@pytest.mark.parametrize("more", [1, 1000, 60000])
def test_payload_length(node, more):
    """RFC 8200 3: "Payload Length  16-bit unsigned integer.  Length of the IPv6 payload, i.e., the rest of the packet following this IPv6 header, in
    octets." A packet that ends before was cut."""
    length = len(raw(node.udp6())) - 54
    dropped(node, poke(node.udp6(), 4, (length + more).to_bytes(2, "big")), "ipv6-drop-length")


def test_link_padding(node):
    """RFC 8200 3, RFC 2464 3: "If the IPv6 packet is shorter than" the link's minimum, padding follows, which the payload length leaves out."""
    sent = node.udp6(b"x")
    p = node.exchange(raw(sent) + b"\xaa" * 20).only(1)
    assert len(raw(p)) == len(raw(sent))


@pytest.mark.parametrize("hops", [0, 1])
def test_hop_limit_runs_out(node, hops):
    """RFC 8200 3: "When forwarding, the packet is discarded if Hop Limit was zero when received or is decremented to zero." RFC 4443 3.3: "it MUST discard the packet
    and originate an ICMPv6 Time Exceeded message with Code 0 to the source of the packet." """
    sent = node.udp6(hlim=hops)
    x = node.exchange(sent)
    assert x.forward == {"ipv6-pass-hop-limit": 1} and x.ip6["drop-hop-limit"] == 1
    p = error_of(x, ICMPv6TimeExceeded, 0)
    assert (p[IPv6].src, p[IPv6].dst) == (ROUTER6[0], HOST6[0]) and raw(sent[IPv6]) in raw(p)


@pytest.mark.parametrize("hops", [2, 3, 64, 255])
def test_hop_limit_decremented(node, hops):
    """RFC 8200 3: "Decremented by 1 by each node that forwards the packet." """
    assert node.exchange(node.udp6(hlim=hops)).only(1)[IPv6].hlim == hops - 1


def test_hop_limit_for_us(node):
    """RFC 8200 3: "A node that is the destination of a packet should not discard a packet with Hop Limit equal to zero; it should process the packet
    normally." """
    for hops in (0, 1):
        p = node.exchange(node.ether() / IPv6(src=HOST6[0], dst=ROUTER6[0], hlim=hops) / ICMPv6EchoRequest(id=hops)).only(0)
        assert p[ICMPv6EchoReply].id == hops


# ---- RFC 8200 4: extension headers ----

@pytest.mark.parametrize("header", [
    IPv6ExtHdrDestOpt(options=[HBHOptUnknown(otype=0xbe, optdata=b"1234")]), IPv6ExtHdrRouting(addresses=["2001:db8::1"], segleft=1),
    IPv6ExtHdrFragment(offset=0, m=1, id=9), IPv6ExtHdrFragment(offset=100, m=0, id=9), Raw(b"\x3b\xff" + b"x" * 6),
], ids=["destination", "routing", "first-fragment", "last-fragment", "nonsense"])
def test_extension_headers_in_transit(node, header):
    """RFC 8200 4: "Extension headers (except for the Hop-by-Hop Options header) are not processed, inserted, or deleted by any node along a packet's delivery
    path, until the packet reaches the node ... identified in the Destination Address field". Fragments (4.5) among them."""
    nh = 60 if header.name == "Raw" else header.overload_fields.get(IPv6, {}).get("nh", {"IPv6 Extension Header - Routing": 43}.get(header.name, 44))
    if isinstance(header, IPv6ExtHdrDestOpt):
        nh = 60
    sent = node.ether() / IPv6(src=HOST6[0], dst=HOST6[1], nh=nh) / Raw(raw(header) + node.payload(64))
    x = node.exchange(sent)
    assert x.forward == {"ipv6-forwarded": 1}
    want = bytearray(raw(sent)[14:])
    want[7] -= 1
    assert raw(x.only(1))[14:] == bytes(want)


@pytest.mark.parametrize("options", [[PadN(optdata=b"\0" * 4)], [RouterAlert(value=0)], [HBHOptUnknown(otype=0x1e, optdata=b"1234")],
                                     [HBHOptUnknown(otype=0x3e, optdata=b"1234")]], ids=["padding", "router-alert", "skip", "skip-change"])
def test_hop_by_hop_skipped(node, options):
    """RFC 8200 4.2: "00 - skip over this option and continue processing the header." """
    sent = node.ether() / IPv6(src=HOST6[0], dst=HOST6[1]) / IPv6ExtHdrHopByHop(options=options) / UDP() / Raw(node.payload())
    x = node.exchange(sent)
    assert x.forward == {"ipv6-pass-hop-by-hop": 1} and x.ip6["forwarded"] == 1
    want = sent[IPv6].copy()
    want.hlim -= 1
    assert raw(x.only(1)[IPv6]) == raw(want)


def hop_by_hop(node, otype, **ip):
    return (node.ether() / IPv6(**{"src": HOST6[0], "dst": HOST6[1], **ip}) / IPv6ExtHdrHopByHop(options=[HBHOptUnknown(otype=otype, optdata=b"1234")]) /
            UDP() / Raw(node.payload()))


def test_hop_by_hop_discard(node):
    """RFC 8200 4.2: "01 - discard the packet." """
    silent(node, hop_by_hop(node, 0x5e), drop_options=1, icmp_sent=0)


@pytest.mark.parametrize("otype", [0x9e, 0xde])
def test_hop_by_hop_told(node, otype):
    """RFC 8200 4.2: "10 - discard the packet and, regardless of whether or not the packet's Destination Address was a multicast address, send an ICMP
    Parameter Problem, Code 2, message to the packet's Source Address, pointing to the unrecognized Option Type.  11 - discard the packet and, only if the
    packet's Destination Address was not a multicast address" likewise."""
    error_of(node.exchange(hop_by_hop(node, otype)), ICMPv6ParamProblem, 2, ptr=42)


@pytest.mark.parametrize("otype,told", [(0x9e, True), (0xde, False)])
def test_options_to_groups(node, otype, told):
    """RFC 8200 4.2, RFC 4443 2.4 (e.3): of the two, only that of 10 is told when the destination is a group; the source is our own address then."""
    frame = hop_by_hop(node, otype, dst="ff02::1")
    frame[Ether].dst = "33:33:00:00:00:01"
    x = node.exchange(frame)
    assert x.ip6["drop-options"] == 1
    if told:
        assert error_of(x, ICMPv6ParamProblem, 2)[IPv6].src == ROUTER6[0]
    else:
        assert not x.frames


@pytest.mark.parametrize("length", [1, 10, 255])
def test_hop_by_hop_too_long(node, length):
    """RFC 8200 4.3: "Hdr Ext Len ... Length of the Hop-by-Hop Options header in 8-octet units"; one beyond the packet's end cannot be followed."""
    frame = node.ether() / IPv6(src=HOST6[0], dst=HOST6[1], nh=0) / Raw(bytes([59, length]) + b"\x01\x04\0\0\0\0")
    silent(node, frame, drop_headers=1)


def test_hop_by_hop_first(node):
    """RFC 8200 4.1: a Hop-by-Hop Options header "is restricted to appear immediately after an IPv6 header only"."""
    frame = node.ether() / IPv6(src=HOST6[0], dst=ROUTER6[0], nh=60) / Raw(b"\x00\x00\x01\x04\0\0\0\0" + b"\x3a\x00\x01\x04\0\0\0\0" + b"x" * 8)
    silent(node, frame, drop_headers=1)


def test_routing_header_for_us(node):
    """RFC 8200 4.4: "If Segments Left is non-zero, the node must discard the packet and send an ICMP Parameter Problem, Code 0, message to the packet's Source
    Address, pointing to the unrecognized Routing Type." RFC 5095: type 0 is one of those. "If Segments Left is zero, the node must ignore the Routing
    header and proceed"."""
    make = lambda left: (node.ether() / IPv6(src=HOST6[0], dst=ROUTER6[0]) /  # noqa: E731
                         IPv6ExtHdrRouting(type=0, addresses=["2001:db8::1"], segleft=left) / ICMPv6EchoRequest())
    x = node.exchange(make(1))
    assert x.ip6["drop-headers"] == 1
    error_of(x, ICMPv6ParamProblem, 0, ptr=42)
    frame = node.ether() / IPv6(src=HOST6[0], dst=ROUTER6[0], nh=43) / Raw(b"\x3b\x00\x00\x00\0\0\0\0")
    silent(node, frame, drop_no_service=1)


def test_fragments_for_us(node):
    """RFC 8200 4.5: nothing here is reassembled, and a fragment for us has a counter; RFC 6946: one that is the whole packet is none."""
    echo = raw(IPv6(src=HOST6[0], dst=ROUTER6[0]) / ICMPv6EchoRequest(id=3))[40:]
    make = lambda offset, m: (node.ether() / IPv6(src=HOST6[0], dst=ROUTER6[0]) / IPv6ExtHdrFragment(nh=58, offset=offset, m=m) / Raw(echo))  # noqa: E731
    silent(node, make(0, 1), drop_fragment=1)
    silent(node, make(7, 0), drop_fragment=1)
    assert node.exchange(make(0, 0)).only(0)[ICMPv6EchoReply].id == 3


@pytest.mark.parametrize("nh", [253, 41, 0x90])
def test_unknown_next_header(node, nh):
    """RFC 8200 4: "If, as a result of processing a header, the destination node is required to proceed to the next header but the Next Header value in the
    current header is unrecognized by the node, it should discard the packet and send an ICMP Parameter Problem message to the source of the packet, with an
    ICMP Code value of 1" pointing to the value."""
    error_of(node.exchange(node.ether() / IPv6(src=HOST6[0], dst=ROUTER6[0], nh=nh) / Raw(node.payload())), ICMPv6ParamProblem, 1, ptr=6)


def test_no_next_header(node):
    """RFC 8200 4.7: "The value 59 in the Next Header field ... indicates that there is nothing following that header." """
    silent(node, node.ether() / IPv6(src=HOST6[0], dst=ROUTER6[0], nh=59), drop_no_service=1, icmp_sent=0)


# ---- RFC 4291: addresses and their scope ----

@pytest.mark.parametrize("source", ["::", "::1", "ff02::1", "ff0e::9", ROUTER6[0], ROUTER6[1]])
def test_bad_source(node, source):
    """RFC 4291 2.5.2: "An IPv6 packet with a source address of unspecified must never be forwarded by an IPv6 router." 2.5.3: "An IPv6 packet with a destination
    address of loopback ... must never be forwarded", nor such a source sent. 2.7: "Multicast addresses must not be used as source addresses in IPv6
    packets". Our own is a forgery."""
    dropped(node, poke(node.udp6(), 8, v6(source)), "ipv6-drop-bad-source")


@pytest.mark.parametrize("destination", ["::", "::1"])
def test_bad_destination(node, destination):
    """RFC 4291 2.5.2: "The unspecified address must not be used as the destination address of IPv6 packets or in IPv6 Routing headers." 2.5.3: "An IPv6 packet with a
    destination address of loopback must never be sent outside of a single node and must never be forwarded by an IPv6 router.  A packet received on an
    interface with a destination address of loopback must be dropped." """
    dropped(node, poke(node.udp6(), 24, v6(destination)), "ipv6-drop-bad-destination")


@pytest.mark.parametrize("group", ["ff00::1", "ff01::1", "ff05::2", "ff08::9", "ff0e::1"])
def test_multicast(node, group):
    """RFC 4291 2.7: "Routers must not forward any multicast packets beyond of the scope indicated by the scop field"; this one forwards none at all. "Nodes must
    not originate a packet to a multicast address whose scop field contains the reserved value 0; if such a packet is received, it must be silently
    dropped." """
    frame = node.udp6(dst=group)
    frame[Ether].dst = "33:33:00:00:00:01"
    dropped(node, frame, "ipv6-drop-multicast")


def test_link_local_source(node):
    """RFC 4291 2.5.6: "Routers must not forward any packets with Link-Local source or destination addresses to other links." RFC 4443 3.1: "If the reason for the
    failure to deliver is that the destination is beyond the scope of the source address, the Code field is set to 2." """
    local = "fe80::1:9"
    node.exchange(node.ether() / IPv6(src=local, dst=LOCAL) / ICMPv6ND_NS(tgt=LOCAL) / ICMPv6NDOptSrcLLAddr(lladdr=HOST_MAC[0]))
    x = node.exchange(node.udp6(src=local))
    assert x.ip6["drop-scope"] == 1
    errors = [p for p in x.frames if ICMPv6DestUnreach in p]
    assert [(p[ICMPv6DestUnreach].code, p[IPv6].dst) for p in errors] == [(2, local)] and right(errors[0])


def test_link_local_destination(node):
    """RFC 4291 2.5.6, as above: that of another node on the link is not ours to deliver to."""
    silent(node, node.udp6(dst="fe80::77"), drop_scope=1, icmp_sent=0)


@pytest.mark.parametrize("mac", ["ff:ff:ff:ff:ff:ff", "33:33:00:00:00:01"])
def test_link_multicast(node, mac):
    """RFC 1812 5.3.4 said for IPv4, and it holds here: unicast in a frame for a group is nobody's to forward."""
    frame = node.udp6()
    frame[Ether].dst = mac
    dropped(node, frame, "ipv6-drop-link-group")


def test_other_station(node):
    """RFC 2464 6: a frame for another station is that one's."""
    frame = node.udp6()
    frame[Ether].dst = "02:00:00:99:99:99"
    dropped(node, frame, "ipv6-drop-ether-address")


# ---- RFC 4443 2.4: message processing rules ----

@pytest.mark.parametrize("type_", [0, 5, 100, 127])
def test_unknown_error(node, type_):
    """RFC 4443 2.4 (a): "If an ICMPv6 error message of unknown type is received at its destination, it MUST be passed to the upper-layer process that originated the
    packet that caused the error"; there is none, and nothing is answered."""
    silent(node, node.ether() / IPv6(src=HOST6[0], dst=ROUTER6[0]) / ICMPv6Unknown(type=type_, msgbody=b"x" * 40), drop_icmp_type=1, icmp_sent=0)


@pytest.mark.parametrize("type_", [144, 200, 255])
def test_unknown_informational(node, type_):
    """RFC 4443 2.4 (b): "If an ICMPv6 informational message of unknown type is received, it MUST be silently discarded." """
    silent(node, node.ether() / IPv6(src=HOST6[0], dst=ROUTER6[0]) / ICMPv6Unknown(type=type_, msgbody=b"x" * 40), drop_icmp_type=1, icmp_sent=0)


@pytest.mark.parametrize("size", [1, 1000, 1184, 1185, 1400])
def test_error_quotes(node, size):
    """RFC 4443 2.4 (c): "Every ICMPv6 error message (type < 128) MUST include as much of the IPv6 offending (invoking) packet (the packet that caused the error) as
    possible without making the error message packet exceed the minimum IPv6 MTU". """
    sent = node.udp6(node.payload(size) if size >= 16 else b"x", hlim=1)
    p = error_of(node.exchange(sent), ICMPv6TimeExceeded, 0)
    original = raw(sent[IPv6])
    assert len(raw(p)) - 14 == min(1280, 48 + len(original))
    assert raw(p)[14 + 48:] == original[:1232]


ERRORS = [ICMPv6DestUnreach(), ICMPv6PacketTooBig(), ICMPv6TimeExceeded(), ICMPv6ParamProblem(), ICMPv6Unknown(type=100)]


@pytest.mark.parametrize("message", ERRORS, ids=[m.name for m in ERRORS])
def test_no_error_about_errors(node, message):
    """RFC 4443 2.4 (e.1): "An ICMPv6 error message MUST NOT be originated as a result of receiving the following: (e.1) An ICMPv6 error message." """
    quoted = raw(IPv6(src=HOST6[1], dst=HOST6[0]) / UDP())
    silent(node, node.ether() / IPv6(src=HOST6[0], dst=HOST6[1], hlim=1) / message / Raw(quoted), drop_hop_limit=1, icmp_not_sent=1)


def test_no_error_about_redirects(node):
    """RFC 4443 2.4 (e.2): "An ICMPv6 redirect message [IPv6-DISC]." """
    silent(node, node.ether() / IPv6(src=HOST6[0], dst=HOST6[1], hlim=1) / ICMPv6ND_Redirect(), drop_hop_limit=1, icmp_not_sent=1)


def test_error_about_queries(node):
    """RFC 4443 2.4 (e) names errors and redirects: about an informational message one is sent."""
    error_of(node.exchange(node.ether() / IPv6(src=HOST6[0], dst=HOST6[1], hlim=1) / ICMPv6EchoRequest()), ICMPv6TimeExceeded, 0)


def test_no_error_about_multicast(node):
    """RFC 4443 2.4 (e.3): "A packet destined to an IPv6 multicast address." """
    for frame in (node.udp6(dst="ff02::1"), node.udp6(dst="ff02::1", nh=253), node.udp6(dst="ff05::1", hlim=1)):
        frame[Ether].dst = "33:33:00:00:00:01"
        silent(node, frame, icmp_sent=0)


def test_no_error_about_link_multicast(node):
    """RFC 4443 2.4 (e.4): "A packet sent as a link-layer multicast", (e.5) "A packet sent as a link-layer broadcast"."""
    for mac in ("33:33:00:00:00:01", "ff:ff:ff:ff:ff:ff"):
        for frame in (node.udp6(hlim=1), node.udp6(dst=ROUTER6[0]), node.udp6(dst="2001:db8::1")):
            frame[Ether].dst = mac
            silent(node, frame, icmp_sent=0)


@pytest.mark.parametrize("source", ["::", "ff02::1", "::1"])
def test_no_error_to_nobody(node, source):
    """RFC 4443 2.4 (e.6): "A packet whose source address does not uniquely identify a single node -- e.g., the IPv6 Unspecified Address, an IPv6 multicast address, or
    an address known by the ICMP message originator to be an IPv6 anycast address." """
    for frame in (node.udp6(src=source, hlim=1), node.udp6(src=source, dst=ROUTER6[0])):
        silent(node, frame, icmp_sent=0)


def test_error_rate(node):
    """RFC 4443 2.4 (f): "Finally, in order to limit the bandwidth and forwarding costs incurred by originating ICMPv6 error messages, an IPv6 node MUST limit the rate
    of ICMPv6 error messages it originates." Each one not sent is counted."""
    n = 180
    x = node.exchange(*[node.udp6(b"rate", hlim=1)] * n)
    assert x.ip6["icmp-sent"] + x.ip6.get("icmp-limited", 0) == n == x.ip6["drop-hop-limit"] and len(x.out[0]) == x.ip6["icmp-sent"] >= 50
    if node.machine == "linux":  # QEMU may take its time
        assert x.ip6["icmp-limited"] > 0


# ---- RFC 4443 2.2, 3, 4 ----

def test_error_source(node):
    """RFC 4443 2.2: "If the message is a response to a message sent to one of the node's unicast addresses, the Source Address of the reply MUST be that same
    address."  Else one of the interface's."""
    for to in ROUTER6:
        assert error_of(node.exchange(node.udp6(dst=to)), ICMPv6DestUnreach, 4)[IPv6].src == to
    assert node.exchange(node.udp6(port=1, hlim=1), port=1).only(1)[IPv6].src == ROUTER6[1]


@pytest.mark.parametrize("size,fits", [(1232, True), (1233, False), (1452, False)])
def test_too_big(node, size, fits):
    """RFC 4443 3.2: "A Packet Too Big MUST be sent by a router in response to a packet that it cannot forward because the packet is larger than the MTU of the outgoing
    link.  The information in this message is used as part of the Path MTU Discovery process". RFC 8200 5: routers do not fragment."""
    node.tell("port 1 mtu 1280")
    try:
        x = node.exchange(node.udp6(node.payload(size)))
    finally:
        node.tell("port 1 mtu 1500")
    if fits:
        x.only(1)
    else:
        assert x.ip6["drop-too-big"] == 1
        error_of(x, ICMPv6PacketTooBig, 0, mtu=1280)


def test_no_route(node):
    """RFC 4443 3.1: "If the reason for the failure to deliver is lack of a matching entry in the forwarding node's routing table, the Code field is set to 0." """
    x = node.exchange(node.udp6(dst="2001:db8::9"))
    assert x.ip6["drop-no-route"] == 1
    error_of(x, ICMPv6DestUnreach, 0)


@pytest.mark.parametrize("kind,code", [("unreachable", 3), ("prohibit", 1)])
def test_routes_that_say_no(node, kind, code):
    """RFC 4443 3.1: "If the reason for the failure to deliver is administrative prohibition, e.g., a "firewall filter", the Code field is set to 1." Code 3 is for "any other
    reason"."""
    node.tell(f"route 2001:db8:67::/48 {kind}")
    error_of(node.exchange(node.udp6(dst="2001:db8:67::7")), ICMPv6DestUnreach, code)


def test_blackhole(node):
    """RFC 6666 in a router of one's own: what a route discards on purpose is not told."""
    node.tell("route 2001:db8:66::/48 blackhole")
    dropped(node, node.udp6(dst="2001:db8:66::1"), "ipv6-drop-blackhole")
    silent(node, hop_by_hop(node, 0x1e, dst="2001:db8:66::1"), drop_blackhole=1)


def test_neighbour_unreachable(node):
    """RFC 4861 7.2.2: "If no Neighbor Advertisement is received after MAX_MULTICAST_SOLICIT solicitations, address resolution has failed.  The sender MUST return ICMP
    destination unreachable indications with code 3 (Address Unreachable) for each packet queued awaiting address resolution." For links that lose frames this
    node asks more often than the three times of RFC 4861 10, once a second."""
    x = node.exchange(node.udp6(dst="fd00:2::c8"))
    asked = [p for p in x.out[1] if ICMPv6ND_NS in p]
    assert len(asked) >= 3 and all(p.dst == "33:33:ff:00:00:c8" and p[IPv6].dst == "ff02::1:ff00:c8" and p[IPv6].hlim == 255 for p in asked)
    assert x.ip6["drop-no-neighbour"] == 1 and [p[ICMPv6DestUnreach].code for p in x.out[0]] == [3]


def test_port_unreachable(node):
    """RFC 4443 3.1: "A destination node SHOULD originate a Destination Unreachable message with Code 4 in response to a packet for which the transport protocol (e.g., UDP)
    has no listener". """
    x = node.exchange(node.udp6(dst=ROUTER6[0]))
    assert x.ip6["drop-no-service"] == 1
    error_of(x, ICMPv6DestUnreach, 4)


def test_echo(node):
    """RFC 4443 4.2: "Every node MUST implement an ICMPv6 Echo responder function that receives Echo Requests and originates corresponding Echo Replies.... The source address
    of an Echo Reply sent in response to a unicast Echo Request message MUST be the same as the destination address of that Echo Request message.... The data
    received in the ICMPv6 Echo Request message MUST be returned entirely and unmodified". """
    for to in ROUTER6:
        load = node.payload(1000)
        p = node.exchange(node.ether() / IPv6(src=HOST6[0], dst=to) / ICMPv6EchoRequest(id=5, seq=6, data=load)).only(0)
        assert (p[ICMPv6EchoReply].id, p[ICMPv6EchoReply].seq, p[ICMPv6EchoReply].data, p[IPv6].src) == (5, 6, load, to) and right(p)


def test_echo_to_group(node):
    """RFC 4443 4.2: "An Echo Reply SHOULD be sent in response to an Echo Request message sent to an IPv6 multicast or anycast address.  In this case, the source address of
    the reply MUST be a unicast address belonging to the interface on which the Echo Request message was received." """
    p = node.exchange(Ether(src=HOST_MAC[0], dst="33:33:00:00:00:01") / IPv6(src=HOST6[0], dst="ff02::1") / ICMPv6EchoRequest(id=8)).only(0)
    assert p[ICMPv6EchoReply].id == 8 and p[IPv6].src == ROUTER6[0]


def test_checksum(node):
    """RFC 4443 2.3: the checksum covers the message and a pseudo-header; what it does not fit is not processed."""
    frame = bytearray(raw(node.ether() / IPv6(src=HOST6[0], dst=ROUTER6[0]) / ICMPv6EchoRequest(data=node.payload())))
    frame[-1] ^= 1
    silent(node, bytes(frame), drop_checksum=1)


# ---- RFC 4861: neighbour discovery ----

def solicit(node, target=ROUTER6[0], src=HOST6[0], dst=None, mac=HOST_MAC[0], hlim=255, **more):
    frame = node.ether() / IPv6(src=src, dst=dst or target, hlim=hlim) / ICMPv6ND_NS(tgt=target, **more)
    return frame / ICMPv6NDOptSrcLLAddr(lladdr=mac) if mac else frame


def test_solicitation(node):
    """RFC 4861 7.2.4: "A node sends a Neighbor Advertisement in response to a valid Neighbor Solicitation targeting one of the node's assigned addresses. ... If the node is a
    router, it MUST set the Router flag to one", and the solicited flag."""
    for target, group, mac in ((ROUTER6[0], "ff02::1:ff00:2", "33:33:ff:00:00:02"), (LOCAL, "ff02::1:ff00:200", "33:33:ff:00:02:00")):
        for to_group in (False, True):
            frame = solicit(node, target, dst=group if to_group else target)
            if to_group:
                frame[Ether].dst = mac
            p = node.exchange(frame).only(0)
            na = p[ICMPv6ND_NA]
            assert (na.tgt, na.R, na.S, p[IPv6].hlim, p[IPv6].src, p[IPv6].dst) == (target, 1, 1, 255, target, HOST6[0])
            assert p[ICMPv6NDOptDstLLAddr].lladdr == node.mac[0] and right(p)


def test_solicitation_of_others(node):
    """RFC 4861 7.2.3: "If the Target Address is not" one of ours "the node MUST silently discard" it. Addresses of other ports are not this link's."""
    for target in ("fd00:1::77", ROUTER6[1], HOST6[0]):
        silent(node, solicit(node, target, dst=ROUTER6[0]), nd_not_ours=1)


def malformed(node, frame):
    silent(node, frame, nd_received=1, drop_nd_malformed=1)


@pytest.mark.parametrize("hops", [0, 1, 64, 254])
def test_nd_hop_limit(node, hops):
    """RFC 4861 7.1.1, 7.1.2: "- The IP Hop Limit field has a value of 255, i.e., the packet could not possibly have been forwarded by a router." """
    malformed(node, solicit(node, hlim=hops))
    malformed(node, node.ether() / IPv6(src=HOST6[0], dst=ROUTER6[0], hlim=hops) / ICMPv6ND_NA(tgt=HOST6[0]) / ICMPv6NDOptDstLLAddr(lladdr=HOST_MAC[0]))


def test_nd_checksum(node):
    """RFC 4861 7.1.1: "- ICMP Checksum is valid." """
    silent(node, solicit(node, cksum=0x1234), drop_checksum=1, nd_received=0)


def test_nd_code(node):
    """RFC 4861 7.1.1: "- ICMP Code is 0." """
    malformed(node, solicit(node, code=1))


def test_nd_length(node):
    """RFC 4861 7.1.1: "- ICMP length (derived from the IP length) is 24 or more octets." """
    short = raw(solicit(node, mac=None)[ICMPv6ND_NS])[:23]
    malformed(node, node.ether() / IPv6(src=HOST6[0], dst=ROUTER6[0], hlim=255) / ICMPv6Unknown(type=135, msgbody=short[4:]))


def test_nd_target(node):
    """RFC 4861 7.1.1: "- Target Address is not a multicast address." """
    malformed(node, solicit(node, "ff02::1", dst=ROUTER6[0]))


def test_nd_option_length(node):
    """RFC 4861 7.1.1: "- All included options have a length that is greater than zero." """
    for option in (b"\x01\x00" + b"x" * 6, b"\x01\x02" + b"x" * 6, b"\x0e"):
        body = raw(solicit(node, mac=None)[ICMPv6ND_NS])[4:24] + option
        malformed(node, node.ether() / IPv6(src=HOST6[0], dst=ROUTER6[0], hlim=255) / ICMPv6Unknown(type=135, msgbody=body))


def test_nd_unspecified_source(node):
    """RFC 4861 7.1.1: "- If the IP source address is the unspecified address, the IP destination address is a solicited-node multicast address.  - If the IP source address is the
    unspecified address, there is no source link-layer address option in the message." RFC 4862 5.4.3: one that is valid is answered to all nodes."""
    group = "ff02::1:ff00:2"
    malformed(node, solicit(node, src="::", dst=group))
    frame = solicit(node, src="::", dst="ff02::1", mac=None)
    frame[Ether].dst = "33:33:00:00:00:01"
    malformed(node, frame)
    frame = solicit(node, src="::", dst=group, mac=None)
    frame[Ether].dst = "33:33:ff:00:00:02"
    p = node.exchange(frame).only(0)
    assert p[IPv6].dst == "ff02::1" and p.dst == "33:33:00:00:00:01" and (p[ICMPv6ND_NA].S, p[ICMPv6ND_NA].tgt) == (0, ROUTER6[0])


def test_na_to_group(node):
    """RFC 4861 7.1.2: "- If the IP Destination Address is a multicast address the Solicited flag is zero." """
    malformed(node, Ether(src=HOST_MAC[0], dst="33:33:00:00:00:01") / IPv6(src=HOST6[0], dst="ff02::1", hlim=255) /
              ICMPv6ND_NA(tgt=HOST6[0], S=1) / ICMPv6NDOptDstLLAddr(lladdr=HOST_MAC[0]))


def test_unsolicited_advertisement(node):
    """RFC 4861 7.2.5: "When a valid Neighbor Advertisement is received (either solicited or unsolicited), the Neighbor Cache is searched for the target's entry.  If no entry exists,
    the advertisement SHOULD be silently discarded." """
    frame = node.ether() / IPv6(src="fd00:1::50", dst=ROUTER6[0], hlim=255) / ICMPv6ND_NA(tgt="fd00:1::50", S=1) / ICMPv6NDOptDstLLAddr(lladdr="02:00:00:00:00:50")
    silent(node, frame, nd_received=1, drop_nd_unsolicited=1)
    assert not [r for r in node.ask("show neighbours") if r["address"] == "fd00:1::50"]


def test_resolution(node):
    """RFC 4861 7.2.2: "While waiting for address resolution to complete, the sender MUST, for each neighbor, retain a small queue of packets waiting for address resolution to
    complete. ... Once address resolution completes, the node transmits any queued packets." """
    target, mac, load = "fd00:2::77", "02:00:00:00:00:77", node.payload()
    before = node.books()
    node.send(node.udp6(load, dst=target))
    node.send(Ether(src=mac, dst=node.mac[1]) / IPv6(src=target, dst=ROUTER6[1], hlim=255) / ICMPv6ND_NA(tgt=target, R=0, S=1, O=1) / ICMPv6NDOptDstLLAddr(lladdr=mac), port=1)
    x = node.settle(before, {0: 1, 1: 1})
    assert [p.dst for p in x.out[1] if UDP in p] == [mac] and any(ICMPv6ND_NS in p for p in x.out[1])
    x = node.exchange(node.udp6(dst=target))
    assert x.forward == {"ipv6-forwarded": 1} and x.only(1).dst == mac


@pytest.mark.parametrize("message", [ICMPv6ND_RA(), ICMPv6ND_Redirect()], ids=["advertisement", "redirect"])
def test_router_messages(node, message):
    """RFC 4861 6.2.7, 8.1: "A router MUST NOT update its routing tables upon receipt of a Redirect." Advertisements of others are no orders to a router either."""
    routes = node.ask("show routes")
    silent(node, node.ether() / IPv6(src=HOST6[0], dst=ROUTER6[0], hlim=255) / message, drop_icmp_type=1)
    assert node.ask("show routes") == routes


def test_no_redirects(node):
    """RFC 4861 8.2: a router that would send redirects is not this one: what leaves by the port it came in is forwarded, and no word is said."""
    node.tell("neighbour 0 fd00:1::78 02:00:00:00:01:78")
    x = node.exchange(node.udp6(dst="fd00:1::78"))
    p = x.only(0)
    assert x.forward == {"ipv6-pass-same-port": 1} and p.dst == "02:00:00:00:01:78" and UDP in p
