# SPDX-License-Identifier: BSD-2-Clause
"""IPv6: one test for each clause that the router implements, the clause quoted; on both machines. The books are balanced after each."""
import socket

import pytest

from clauses import HOST6, HOST_MAC, ROUTER6, at_rest, error6_of, errors_limited, node, poke, right, silent6  # noqa: F401
from scapy.all import (UDP, Ether, ICMPv6DestUnreach, ICMPv6EchoReply, ICMPv6EchoRequest, ICMPv6ND_NS, ICMPv6ND_RA, ICMPv6ND_Redirect,
                       ICMPv6NDOptPrefixInfo, ICMPv6NDOptSrcLLAddr, ICMPv6PacketTooBig, ICMPv6ParamProblem, ICMPv6TimeExceeded,
                       ICMPv6Unknown, IPv6, IPv6ExtHdrHopByHop, PadN, Raw, raw)

LOCAL = "fe80::5054:ff:fe00:200"  # the router's link-local address at port 0


def v6(text):
    return socket.inet_pton(socket.AF_INET6, text)


def dropped(node, frame, name):
    x = node.exchange(frame)
    assert x.forward == {name: 1} and not x.ip6 and not x.frames
    return x


# ---- RFC 8200 3: the header ----

def test_valid_packet(node):
    """RFC 8200 3: "Decremented by 1 by each node that forwards the packet."
    All else is delivered as it was sent."""
    sent = node.udp6(tc=0xb8, fl=0xabcde)
    p = node.exchange(sent).only(1)
    want = sent[IPv6].copy()
    want.hlim -= 1
    assert raw(p[IPv6]) == raw(want) and (p.src, p.dst) == (node.mac[1], HOST_MAC[1])


@pytest.mark.parametrize("label", [0, 1, 0x80000, 0xfffff])
def test_flow_label(node, label):
    """RFC 6437 2: "A forwarding node MUST either leave a non-zero flow label value unchanged or change it only for compelling operational security reasons as
    described in Section 6.1." """
    assert node.exchange(node.udp6(fl=label)).only(1)[IPv6].fl == label


@pytest.mark.parametrize("version", [0, 4, 5, 7, 15])
def test_version(node, version):
    """RFC 8200 3: "4-bit Internet Protocol version number = 6." """
    dropped(node, poke(node.udp6(), 0, bytes([version << 4])), "ipv6-drop-version")


@pytest.mark.parametrize("size", [14, 30, 53])
def test_header_cut(node, size):
    """RFC 8200 3: "Length of the IPv6 payload, i.e., the rest of the packet following this IPv6 header, in octets."
    Without a whole header there is nothing that follows it."""
    silent6(node, raw(node.udp6())[:size], received=1, drop_short=1)


@pytest.mark.parametrize("more", [1, 1000, 60000])
def test_payload_length(node, more):
    """RFC 8200 3: "16-bit unsigned integer. Length of the IPv6 payload, i.e., the rest of the packet following this IPv6 header, in octets."
    A packet that ends before was cut."""
    length = len(raw(node.udp6())) - 54
    dropped(node, poke(node.udp6(), 4, (length + more).to_bytes(2, "big")), "ipv6-drop-length")


def test_link_padding(node):
    """RFC 2464 3: "The data field contains the IPv6 header followed immediately by the payload, and possibly padding octets to meet the minimum
    frame size for the Ethernet link."
    These are not sent on."""
    sent = node.udp6(b"x")
    p = node.exchange(raw(sent) + b"\xaa" * 20).only(1)
    assert len(raw(p)) == len(raw(sent))


@pytest.mark.parametrize("hops", [0, 1])
def test_hop_limit_runs_out(node, hops):
    """RFC 8200 3: "When forwarding, the packet is discarded if Hop Limit was zero when received or is decremented to zero."
    RFC 4443 3.3: "If a router receives a packet with a Hop Limit of zero, or if a router decrements a packet's Hop Limit to zero, it MUST discard
    the packet and originate an ICMPv6 Time Exceeded message with Code 0 to the source of the packet." """
    sent = node.udp6(hlim=hops)
    x = node.exchange(sent)
    assert x.forward == {"ipv6-pass-hop-limit": 1} and x.ip6["drop-hop-limit"] == 1
    p = error6_of(x, ICMPv6TimeExceeded, 0)
    assert (p[IPv6].src, p[IPv6].dst) == (ROUTER6[0], HOST6[0]) and raw(sent[IPv6]) in raw(p)


@pytest.mark.parametrize("hops", [2, 3, 64, 255])
def test_hop_limit_decremented(node, hops):
    """RFC 8200 3: "Decremented by 1 by each node that forwards the packet." """
    assert node.exchange(node.udp6(hlim=hops)).only(1)[IPv6].hlim == hops - 1


def test_hop_limit_for_us(node):
    """RFC 8200 3: "A node that is the destination of a packet should not discard a packet with Hop Limit equal to zero; it should process the
    packet normally." """
    for hops in (0, 1):
        p = node.exchange(node.ether() / IPv6(src=HOST6[0], dst=ROUTER6[0], hlim=hops) / ICMPv6EchoRequest(id=hops)).only(0)
        assert p[ICMPv6EchoReply].id == hops


# ---- RFC 4291: addresses and their scope ----

@pytest.mark.parametrize("source", ["::", "::1", "ff02::1", "ff0e::9", ROUTER6[0], ROUTER6[1]])
def test_bad_source(node, source):
    """RFC 4291 2.5.2: "An IPv6 packet with a source address of unspecified must never be forwarded by an IPv6 router."
    RFC 4291 2.5.3: "The loopback address must not be used as the source address in IPv6 packets that are sent outside of a single node."
    RFC 4291 2.7: "Multicast addresses must not be used as source addresses in IPv6 packets or appear in any Routing header."
    One that is ours is a forgery."""
    dropped(node, poke(node.udp6(), 8, v6(source)), "ipv6-drop-bad-source")


@pytest.mark.parametrize("destination", ["::", "::1"])
def test_bad_destination(node, destination):
    """RFC 4291 2.5.2: "The unspecified address must not be used as the destination address of IPv6 packets or in IPv6 Routing headers."
    RFC 4291 2.5.3: "A packet received on an interface with a destination address of loopback must be dropped." """
    dropped(node, poke(node.udp6(), 24, v6(destination)), "ipv6-drop-bad-destination")


@pytest.mark.parametrize("group", ["ff00::1", "ff01::1", "ff05::2", "ff08::9", "ff0e::1"])
def test_multicast(node, group):
    """RFC 4291 2.7: "Routers must not forward any multicast packets beyond of the scope indicated by the scop field in the destination multicast
    address. Nodes must not originate a packet to a multicast address whose scop field contains the reserved value 0; if such a packet is
    received, it must be silently dropped."
    This router forwards none at all."""
    frame = node.udp6(dst=group)
    frame[Ether].dst = "33:33:00:00:00:01"
    dropped(node, frame, "ipv6-drop-multicast")


def test_link_local_source(node):
    """RFC 4291 2.5.6: "Routers must not forward any packets with Link-Local source or destination addresses to other links."
    RFC 4443 3.1: "If the reason for the failure to deliver is that the destination is beyond the scope of the source address, the Code field is
    set to 2." """
    local = "fe80::1:9"
    node.exchange(node.ether() / IPv6(src=local, dst=LOCAL) / ICMPv6ND_NS(tgt=LOCAL) / ICMPv6NDOptSrcLLAddr(lladdr=HOST_MAC[0]))
    x = node.exchange(node.udp6(src=local))
    assert x.ip6["drop-scope"] == 1
    errors = [p for p in x.frames if ICMPv6DestUnreach in p]
    assert [(p[ICMPv6DestUnreach].code, p[IPv6].dst) for p in errors] == [(2, local)] and right(errors[0])


def test_link_local_destination(node):
    """RFC 4291 2.5.6: "Routers must not forward any packets with Link-Local source or destination addresses to other links."
    Nor is that of another node on the same link ours to deliver to."""
    silent6(node, node.udp6(dst="fe80::77"), drop_scope=1, icmp_sent=0)


@pytest.mark.parametrize("mac", ["ff:ff:ff:ff:ff:ff", "33:33:00:00:00:01"])
def test_link_multicast(node, mac):
    """RFC 1812 5.3.4: "A router MUST NOT forward any packet which the router received as a Link Layer multicast unless the packet's destination
    address is an IP multicast address."
    That is said of IPv4; the reasons are the same here."""
    frame = node.udp6()
    frame[Ether].dst = mac
    dropped(node, frame, "ipv6-drop-link-group")


def test_other_station(node):
    """IEEE 802.3: a station takes frames with its own address or with that of a group it is in; a frame for another station is that one's to
    forward."""
    frame = node.udp6()
    frame[Ether].dst = "02:00:00:99:99:99"
    dropped(node, frame, "ipv6-drop-ether-address")


# ---- RFC 4443 2.4: message processing rules ----

@pytest.mark.parametrize("type_", [0, 5, 100, 127])
def test_unknown_error(node, type_):
    """RFC 4443 2.4 (a): "If an ICMPv6 error message of unknown type is received at its destination, it MUST be passed to the upper-layer process
    that originated the packet that caused the error, where this can be identified (see Section 2.4, (d))."
    There is none, and nothing is answered."""
    silent6(node, node.ether() / IPv6(src=HOST6[0], dst=ROUTER6[0]) / ICMPv6Unknown(type=type_, msgbody=b"x" * 40), drop_icmp_type=1, icmp_sent=0)


@pytest.mark.parametrize("type_", [144, 200, 255])
def test_unknown_informational(node, type_):
    """RFC 4443 2.4 (b): "If an ICMPv6 informational message of unknown type is received, it MUST be silently discarded." """
    silent6(node, node.ether() / IPv6(src=HOST6[0], dst=ROUTER6[0]) / ICMPv6Unknown(type=type_, msgbody=b"x" * 40), drop_icmp_type=1, icmp_sent=0)


@pytest.mark.parametrize("size", [1, 1000, 1184, 1185, 1400])
def test_error_quotes(node, size):
    """RFC 4443 2.4 (c): "Every ICMPv6 error message (type < 128) MUST include as much of the IPv6 offending (invoking) packet (the packet that
    caused the error) as possible without making the error message packet exceed the minimum IPv6 MTU [IPv6]." """
    sent = node.udp6(node.payload(size) if size >= 16 else b"x", hlim=1)
    p = error6_of(node.exchange(sent), ICMPv6TimeExceeded, 0)
    original = raw(sent[IPv6])
    assert len(raw(p)) - 14 == min(1280, 48 + len(original))
    assert raw(p)[14 + 48:] == original[:1232]


ERRORS = [ICMPv6DestUnreach(), ICMPv6PacketTooBig(), ICMPv6TimeExceeded(), ICMPv6ParamProblem(), ICMPv6Unknown(type=100)]


@pytest.mark.parametrize("message", ERRORS, ids=[m.name for m in ERRORS])
def test_no_error_about_errors(node, message):
    """RFC 4443 2.4 (e): "An ICMPv6 error message MUST NOT be originated as a result of receiving the following: (e.1) An ICMPv6 error message." """
    quoted = raw(IPv6(src=HOST6[1], dst=HOST6[0]) / UDP())
    silent6(node, node.ether() / IPv6(src=HOST6[0], dst=HOST6[1], hlim=1) / message / Raw(quoted), drop_hop_limit=1, icmp_not_sent=1)


def test_no_error_about_redirects(node):
    """RFC 4443 2.4 (e): "An ICMPv6 error message MUST NOT be originated as a result of receiving the following: ... (e.2) An ICMPv6 redirect
    message [IPv6-DISC]." """
    silent6(node, node.ether() / IPv6(src=HOST6[0], dst=HOST6[1], hlim=1) / ICMPv6ND_Redirect(), drop_hop_limit=1, icmp_not_sent=1)


def test_error_about_queries(node):
    """RFC 4443 3.3: "If a router receives a packet with a Hop Limit of zero, or if a router decrements a packet's Hop Limit to zero, it MUST
    discard the packet and originate an ICMPv6 Time Exceeded message with Code 0 to the source of the packet."
    About an informational message, too: 2.4 (e) excepts errors and redirects only."""
    error6_of(node.exchange(node.ether() / IPv6(src=HOST6[0], dst=HOST6[1], hlim=1) / ICMPv6EchoRequest()), ICMPv6TimeExceeded, 0)


def test_no_error_about_multicast(node):
    """RFC 4443 2.4 (e): "An ICMPv6 error message MUST NOT be originated as a result of receiving the following: ... (e.3) A packet destined to an
    IPv6 multicast address." """
    for frame in (node.udp6(dst="ff02::1"), node.udp6(dst="ff02::1", nh=253), node.udp6(dst="ff05::1", hlim=1)):
        frame[Ether].dst = "33:33:00:00:00:01"
        silent6(node, frame, icmp_sent=0)


def test_no_error_about_link_multicast(node):
    """RFC 4443 2.4 (e): "An ICMPv6 error message MUST NOT be originated as a result of receiving the following: ... (e.4) A packet sent as a
    link-layer multicast ... (e.5) A packet sent as a link-layer broadcast" """
    for mac in ("33:33:00:00:00:01", "ff:ff:ff:ff:ff:ff"):
        for frame in (node.udp6(hlim=1), node.udp6(dst=ROUTER6[0]), node.udp6(dst="2001:db8::1")):
            frame[Ether].dst = mac
            silent6(node, frame, icmp_sent=0)


@pytest.mark.parametrize("source", ["::", "ff02::1", "::1"])
def test_no_error_to_nobody(node, source):
    """RFC 4443 2.4 (e): "An ICMPv6 error message MUST NOT be originated as a result of receiving the following: ... (e.6) A packet whose source
    address does not uniquely identify a single node -- e.g., the IPv6 Unspecified Address, an IPv6 multicast address, or an address known by the
    ICMP message originator to be an IPv6 anycast address." """
    for frame in (node.udp6(src=source, hlim=1), node.udp6(src=source, dst=ROUTER6[0])):
        silent6(node, frame, icmp_sent=0)


def test_error_rate(node):
    """RFC 4443 2.4 (f): "Finally, in order to limit the bandwidth and forwarding costs incurred by originating ICMPv6 error messages, an IPv6
    node MUST limit the rate of ICMPv6 error messages it originates." """
    assert errors_limited(node, node.udp6(b"rate", hlim=1), "ip6").ip6["drop-hop-limit"] == 180


# ---- RFC 4443 2.2, 3, 4 ----

def test_error_source(node):
    """RFC 4443 2.2 (a): "If the message is a response to a message sent to one of the node's unicast addresses, the Source Address of the reply
    MUST be that same address."
    RFC 4443 2.2 (b): "the Source Address of the ICMPv6 packet MUST be a unicast address belonging to the node."
    The latter is one of the interface by which it leaves."""
    for to in ROUTER6:
        assert error6_of(node.exchange(node.udp6(dst=to)), ICMPv6DestUnreach, 4)[IPv6].src == to
    assert node.exchange(node.udp6(port=1, hlim=1), port=1).only(1)[IPv6].src == ROUTER6[1]


@pytest.mark.parametrize("size,fits", [(1232, True), (1233, False), (1452, False)])
def test_too_big(node, size, fits):
    """RFC 4443 3.2: "A Packet Too Big MUST be sent by a router in response to a packet that it cannot forward because the packet is larger than
    the MTU of the outgoing link."
    RFC 8200 4.5: "unlike IPv4, fragmentation in IPv6 is performed only by source nodes, not by routers along a packet's delivery path" """
    node.tell("port 1 mtu 1280")
    try:
        x = node.exchange(node.udp6(node.payload(size)))
    finally:
        node.tell("port 1 mtu 1500")
    if fits:
        x.only(1)
    else:
        assert x.ip6["drop-too-big"] == 1
        error6_of(x, ICMPv6PacketTooBig, 0, mtu=1280)


def test_no_route(node):
    """RFC 4443 3.1: "If the reason for the failure to deliver is lack of a matching entry in the forwarding node's routing table, the Code field
    is set to 0." """
    x = node.exchange(node.udp6(dst="2001:db8::9"))
    assert x.ip6["drop-no-route"] == 1
    error6_of(x, ICMPv6DestUnreach, 0)


def test_prohibited(node):
    """RFC 4443 3.1: "If the reason for the failure to deliver is administrative prohibition (e.g., a "firewall filter"), the Code field is set to 1." """
    node.tell("route 2001:db8:67::/48 prohibit")
    error6_of(node.exchange(node.udp6(dst="2001:db8:67::7")), ICMPv6DestUnreach, 1)


def test_reject_route(node):
    """RFC 4443 3.1: "If the reason for the failure to deliver is that the route to the destination is a reject route, the Code field is set to 6. This may occur if
    the router has been configured to reject all the traffic for a specific prefix." """
    node.tell("route 2001:db8:68::/48 unreachable")
    error6_of(node.exchange(node.udp6(dst="2001:db8:68::7")), ICMPv6DestUnreach, 6)


def test_blackhole(node):
    """RFC 5635 3.1: "This causes traffic to the announced network prefix to be forwarded to the discard interface so that it does not transit the
    network wasting resources or triggering collateral damage to other resources along the path towards the target."
    Nor is the sender told."""
    node.tell("route 2001:db8:66::/48 blackhole")
    dropped(node, node.udp6(dst="2001:db8:66::1"), "ipv6-drop-blackhole")
    options = IPv6ExtHdrHopByHop(options=[PadN(optdata=b"\0" * 4)])
    silent6(node, node.ether() / IPv6(src=HOST6[0], dst="2001:db8:66::1") / options / UDP(), drop_blackhole=1)


def test_port_unreachable(node):
    """RFC 4443 3.1: "A destination node SHOULD originate a Destination Unreachable message with Code 4 in response to a packet for which the
    transport protocol (e.g., UDP) has no listener, if that transport protocol has no alternative means to inform the sender." """
    x = node.exchange(node.udp6(dst=ROUTER6[0]))
    assert x.ip6["drop-no-service"] == 1
    error6_of(x, ICMPv6DestUnreach, 4)


def test_port_unreachable_quotes(node):
    """RFC 4443 2.4 (c): "Every ICMPv6 error message (type < 128) MUST include as much of the IPv6 offending (invoking) packet (the packet that caused
    the error) as possible without making the error message packet exceed the minimum IPv6 MTU" """
    for size in (16, 1184, 1185, 1400):
        sent = node.udp6(node.payload(size), dst=ROUTER6[0])
        p = error6_of(node.exchange(sent), ICMPv6DestUnreach, 4)
        original = raw(sent[IPv6])
        assert raw(p[IPv6])[48:40 + p[IPv6].plen] == original[:1232] and p[IPv6].plen == min(1240, 8 + len(original))


@pytest.mark.parametrize("nh", [17, 253], ids=["port", "protocol"])
def test_nobody_rate(node, nh):
    """RFC 4443 2.4 (f): "Finally, in order to limit the bandwidth and forwarding costs incurred by originating ICMPv6 error messages, an IPv6 node MUST limit
    the rate of ICMPv6 error messages it originates."
    Those about ports and protocols that nobody has are no exception."""
    frame = node.udp6(dst=ROUTER6[0]) if nh == 17 else node.ether() / IPv6(src=HOST6[0], dst=ROUTER6[0], nh=nh) / Raw(b"rate")
    assert errors_limited(node, frame, "ip6").ip6["drop-no-service"] == 180


def test_echo(node):
    """RFC 4443 4.2: "Every node MUST implement an ICMPv6 Echo responder function that receives Echo Requests and originates corresponding Echo
    Replies. ... The source address of an Echo Reply sent in response to a unicast Echo Request message MUST be the same as the destination
    address of that Echo Request message. ... The data received in the ICMPv6 Echo Request message MUST be returned entirely and unmodified in the
    ICMPv6 Echo Reply message." """
    for to in ROUTER6:
        load = node.payload(1000)
        p = node.exchange(node.ether() / IPv6(src=HOST6[0], dst=to) / ICMPv6EchoRequest(id=5, seq=6, data=load)).only(0)
        assert (p[ICMPv6EchoReply].id, p[ICMPv6EchoReply].seq, p[ICMPv6EchoReply].data, p[IPv6].src) == (5, 6, load, to) and right(p)


def test_echo_to_group(node):
    """RFC 4443 4.2: "An Echo Reply SHOULD be sent in response to an Echo Request message sent to an IPv6 multicast or anycast address. In this
    case, the source address of the reply MUST be a unicast address belonging to the interface on which the Echo Request message was received." """
    p = node.exchange(Ether(src=HOST_MAC[0], dst="33:33:00:00:00:01") / IPv6(src=HOST6[0], dst="ff02::1") / ICMPv6EchoRequest(id=8)).only(0)
    assert p[ICMPv6EchoReply].id == 8 and p[IPv6].src == ROUTER6[0]


def test_checksum(node):
    """RFC 4443 2.3: "The checksum is the 16-bit one's complement of the one's complement sum of the entire ICMPv6 message, starting with the
    ICMPv6 message type field, and prepended with a "pseudo-header" of IPv6 header fields"
    What it does not fit is not processed."""
    frame = bytearray(raw(node.ether() / IPv6(src=HOST6[0], dst=ROUTER6[0]) / ICMPv6EchoRequest(data=node.payload())))
    frame[-1] ^= 1
    silent6(node, bytes(frame), drop_checksum=1)


# ---- RFC 4291 2.6.1: the subnet-router anycast address ----

ANYCAST = ("fd00:1::", "fd00:2::")


def test_anycast_echo(node):
    """RFC 4291 2.6.1: "Packets sent to the Subnet-Router anycast address will be delivered to one router on the subnet. All routers are required to
    support the Subnet-Router anycast addresses for the subnets to which they have interfaces."
    RFC 4443 4.2: "An Echo Reply SHOULD be sent in response to an Echo Request message sent to an IPv6 multicast or anycast address. In this
    case, the source address of the reply MUST be a unicast address belonging to the interface on which the Echo Request message was received." """
    for port in range(2):
        for to in ANYCAST:  # that of the other network as well: it is this router's
            p = node.exchange(node.ether(port) / IPv6(src=HOST6[port], dst=to) / ICMPv6EchoRequest(id=port, data=node.payload()), port=port).only(port)
            assert p[ICMPv6EchoReply].id == port and p[IPv6].src == ROUTER6[port] and right(p)
    node.tell(f"neighbour 0 fe80::9 {HOST_MAC[0]}")
    p = node.exchange(node.ether() / IPv6(src="fe80::9", dst="fe80::") / ICMPv6EchoRequest(id=3)).only(0)
    assert p[ICMPv6EchoReply].id == 3 and p[IPv6].src == LOCAL


def test_anycast_error(node):
    """RFC 4443 2.2 (b): "If the message is a response to a message sent to any other address, such as ... - an anycast address implemented by the node
    ... the Source Address of the ICMPv6 packet MUST be a unicast address belonging to the node." """
    for to in ANYCAST:
        assert error6_of(node.exchange(node.udp6(dst=to)), ICMPv6DestUnreach, 4)[IPv6].src == ROUTER6[0]


def test_anycast_in_transit(node):
    """RFC 4291 2.6.1: "This anycast address is syntactically the same as a unicast address for an interface on the link with the interface identifier
    set to zero."
    For whom it is another's, it is forwarded like one."""
    node.tell(f"route 2001:db8:5::/64 via {HOST6[1]}")
    assert node.exchange(node.udp6(dst="2001:db8:5::")).only(1)[IPv6].dst == "2001:db8:5::"


@pytest.mark.parametrize("length,base", [(126, "fd00:126::"), (127, "fd00:127::"), (128, "fd00:128::")])
def test_no_anycast_on_short_links(node, length, base):
    """RFC 6164 6: "Routers MUST disable Subnet-Router anycast for the prefix when /127 prefixes are used." """
    node.tell(f"port 1 address {base}1/{length}", f"neighbour 1 {base} {HOST_MAC[1]}" if length < 128 else f"route {base}/128 via {HOST6[1]}")
    x = node.exchange(node.ether() / IPv6(src=HOST6[0], dst=base) / ICMPv6EchoRequest(id=length))
    if length == 126:
        assert x.only(0)[ICMPv6EchoReply].id == 126
    else:
        assert x.only(1)[IPv6].dst == base


@pytest.mark.parametrize("group", ["ff02::1", "ff02::2", "ff02::1:ff00:2", "ff02::1:ff00:0"])
def test_required_groups(node, group):
    """RFC 4291 2.8: "o The All-Nodes multicast addresses defined in Section 2.7.1. o The Solicited-Node multicast address for each of its unicast and anycast
    addresses. ... o The All-Routers multicast addresses defined in Section 2.7.1."
    Of those, the ones of the link's scope."""
    mac = "33:33:" + ":".join(f"{b:02x}" for b in v6(group)[12:])
    p = node.exchange(Ether(src=HOST_MAC[0], dst=mac) / IPv6(src=HOST6[0], dst=group) / ICMPv6EchoRequest(id=88)).only(0)
    assert p[ICMPv6EchoReply].id == 88


def test_redirected(node):
    """RFC 4861 8.2: "A router MUST NOT update its routing tables upon receipt of a Redirect." """
    routes = node.ask("show routes")
    silent6(node, node.ether() / IPv6(src="fe80::1:9", dst=LOCAL, hlim=255) / ICMPv6ND_Redirect(tgt="fe80::1:9", dst=HOST6[1]), drop_icmp_type=1)
    assert node.ask("show routes") == routes


def test_advertised(node):
    """RFC 4862 1: "The autoconfiguration process specified in this document applies only to hosts and not routers." """
    state = [node.ask(f"show {table}") for table in ("routes", "interfaces")]
    silent6(node, Ether(src=HOST_MAC[0], dst="33:33:00:00:00:01") / IPv6(src="fe80::1:9", dst="ff02::1", hlim=255) / ICMPv6ND_RA() /
           ICMPv6NDOptPrefixInfo(prefix="2001:db8:1::", prefixlen=64), drop_icmp_type=1)
    assert [node.ask(f"show {table}") for table in ("routes", "interfaces")] == state


def test_no_redirects(node):
    """RFC 4861 8.2: "A router SHOULD send a redirect message, subject to rate limiting, whenever it forwards a packet that is not explicitly
    addressed to itself (i.e., a packet that is not source routed through the router)"
    This one does not: what leaves by the port it came in is forwarded, and no word is said."""
    node.tell("neighbour 0 fd00:1::78 02:00:00:00:01:78")
    x = node.exchange(node.udp6(dst="fd00:1::78"))
    p = x.only(0)
    assert x.forward == {"ipv6-pass-same-port": 1} and p.dst == "02:00:00:00:01:78" and UDP in p
