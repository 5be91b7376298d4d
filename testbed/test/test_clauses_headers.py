# SPDX-License-Identifier: BSD-2-Clause
"""IPv6 extension headers and fragments: one test for each clause that the router implements, the clause quoted; on both machines. The books are
balanced after each."""
import pytest

from clauses import HOST6, ROUTER6, at_rest, error6_of, node, right, silent6  # noqa: F401
from scapy.all import (UDP, Ether, HBHOptUnknown, ICMPv6EchoReply, ICMPv6EchoRequest, ICMPv6ParamProblem, IPv6, IPv6ExtHdrDestOpt,
                       IPv6ExtHdrFragment, IPv6ExtHdrHopByHop, IPv6ExtHdrRouting, PadN, Raw, RouterAlert, raw)


# ---- RFC 8200 4: extension headers ----

@pytest.mark.parametrize("header", [
    IPv6ExtHdrDestOpt(options=[HBHOptUnknown(otype=0xbe, optdata=b"1234")]), IPv6ExtHdrRouting(addresses=["2001:db8::1"], segleft=1),
    IPv6ExtHdrFragment(offset=0, m=1, id=9), IPv6ExtHdrFragment(offset=100, m=0, id=9), Raw(b"\x3b\xff" + b"x" * 6),
], ids=["destination", "routing", "first-fragment", "last-fragment", "nonsense"])
def test_extension_headers_in_transit(node, header):
    """RFC 8200 4: "Extension headers (except for the Hop-by-Hop Options header) are not processed, inserted, or deleted by any node along a
    packet's delivery path, until the packet reaches the node (or each of the set of nodes, in the case of multicast) identified in the
    Destination Address field of the IPv6 header."
    Fragments are among them."""
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
    silent6(node, hop_by_hop(node, 0x5e), drop_options=1, icmp_sent=0)


@pytest.mark.parametrize("otype", [0x9e, 0xde])
def test_hop_by_hop_told(node, otype):
    """RFC 8200 4.2: "10 - discard the packet and, regardless of whether or not the packet's Destination Address was a multicast address, send an
    ICMP Parameter Problem, Code 2, message to the packet's Source Address, pointing to the unrecognized Option Type. 11 - discard the packet and,
    only if the packet's Destination Address was not a multicast address, send an ICMP Parameter Problem, Code 2, message to the packet's Source
    Address, pointing to the unrecognized Option Type." """
    error6_of(node.exchange(hop_by_hop(node, otype)), ICMPv6ParamProblem, 2, ptr=42)


@pytest.mark.parametrize("otype,told", [(0x9e, True), (0xde, False)])
def test_options_to_groups(node, otype, told):
    """RFC 4443 2.4 (e.3): "(There are two exceptions to this rule: ... (2) the Parameter Problem Message, Code 2 (Section 3.4) reporting an
    unrecognized IPv6 option (see Section 4.2 of [IPv6]) that has the Option Type highest-order two bits set to 10)."
    RFC 4443 2.2 (b): "the Source Address of the ICMPv6 packet MUST be a unicast address belonging to the node." """
    frame = hop_by_hop(node, otype, dst="ff02::1")
    frame[Ether].dst = "33:33:00:00:00:01"
    x = node.exchange(frame)
    assert x.ip6["drop-options"] == 1
    if told:
        assert error6_of(x, ICMPv6ParamProblem, 2)[IPv6].src == ROUTER6[0]
    else:
        assert not x.frames


def test_options_in_order(node):
    """RFC 8200 4.2: "The sequence of options within a header must be processed strictly in the order they appear in the header" """
    make = lambda *types: (node.ether() / IPv6(src=HOST6[0], dst=HOST6[1]) /  # noqa: E731
                           IPv6ExtHdrHopByHop(options=[HBHOptUnknown(otype=t, optdata=b"1234") for t in types]) / UDP())
    error6_of(node.exchange(make(0x1e, 0x9e, 0x5e)), ICMPv6ParamProblem, 2, ptr=48)
    silent6(node, make(0x1e, 0x5e, 0x9e), drop_options=1, icmp_sent=0)


@pytest.mark.parametrize("to", [HOST6[1], ROUTER6[0]])
@pytest.mark.parametrize("length", [1, 10, 255])
def test_hop_by_hop_too_long(node, length, to):
    """RFC 4443 3.4: "If an IPv6 node processing a packet finds a problem with a field in the IPv6 header or extension headers such that it cannot
    complete processing the packet, it MUST discard the packet and SHOULD originate an ICMPv6 Parameter Problem message to the packet's source,
    indicating the type and location of the problem."
    The field here is Hdr Ext Len, which leads beyond the packet's end."""
    x = node.exchange(node.ether() / IPv6(src=HOST6[0], dst=to, nh=0) / Raw(bytes([59, length]) + b"\x01\x04\0\0\0\0"))
    assert x.ip6["drop-headers"] == 1
    error6_of(x, ICMPv6ParamProblem, 0, ptr=41)


@pytest.mark.parametrize("to", [HOST6[1], ROUTER6[0]])
def test_option_too_long(node, to):
    """RFC 4443 3.4: "The pointer identifies the octet of the original packet's header where the error was detected."
    That is where the option stands which is longer than its header."""
    x = node.exchange(node.ether() / IPv6(src=HOST6[0], dst=to, nh=0) / Raw(b"\x3b\x00\x00\x1e\x05\0\0\0"))
    assert x.ip6["drop-options"] == 1
    error6_of(x, ICMPv6ParamProblem, 0, ptr=43)


def test_hop_by_hop_first(node):
    """RFC 8200 4: "The same action should be taken if a node encounters a Next Header value of zero in any header other than an IPv6 header."
    The action is a Parameter Problem with code 1, pointing to that value."""
    frame = node.ether() / IPv6(src=HOST6[0], dst=ROUTER6[0], nh=60) / Raw(b"\x00\x00\x01\x04\0\0\0\0" + b"\x3a\x00\x01\x04\0\0\0\0" + raw(ICMPv6EchoRequest()))
    x = node.exchange(frame)
    assert x.ip6["drop-headers"] == 1
    error6_of(x, ICMPv6ParamProblem, 1, ptr=40)


@pytest.mark.parametrize("otype,told", [(0x1e, None), (0x5e, False), (0x9e, True), (0xde, True)])
def test_destination_options(node, otype, told):
    """RFC 8200 4.2: "The Option Type identifiers are internally encoded such that their highest-order 2 bits specify the action that must be taken if the
    processing IPv6 node does not recognize the Option Type"
    In a Destination Options header (4.6) that is the node it is for."""
    x = node.exchange(node.ether() / IPv6(src=HOST6[0], dst=ROUTER6[0]) / IPv6ExtHdrDestOpt(options=[HBHOptUnknown(otype=otype, optdata=b"1234")]) /
                      ICMPv6EchoRequest(id=4))
    if told is None:
        assert x.only(0)[ICMPv6EchoReply].id == 4
    elif told:
        error6_of(x, ICMPv6ParamProblem, 2, ptr=42)
    else:
        assert x.ip6["drop-options"] == 1 and not x.frames


PADDING, ROUTED = IPv6ExtHdrDestOpt(options=[PadN(optdata=b"\0" * 4)]), IPv6ExtHdrRouting(type=253, addresses=[], segleft=0)


@pytest.mark.parametrize("headers", [
    [PADDING], [PADDING, PADDING, PADDING], [ROUTED, PADDING], [PADDING, ROUTED], [ROUTED, ROUTED], [IPv6ExtHdrHopByHop(options=[PadN(optdata=b"\0" * 4)]), ROUTED],
], ids=["one", "three", "routing-options", "options-routing", "routing-twice", "hop-by-hop-routing"])
def test_headers_in_any_order(node, headers):
    """RFC 8200 4.1: "IPv6 nodes must accept and attempt to process extension headers in any order and occurring any number of times in the same packet, except
    for the Hop-by-Hop Options header, which is restricted to appear immediately after an IPv6 header only." """
    packet = IPv6(src=HOST6[0], dst=ROUTER6[0])
    for h in headers:
        packet /= h
    assert node.exchange(node.ether() / packet / ICMPv6EchoRequest(id=77)).only(0)[ICMPv6EchoReply].id == 77


@pytest.mark.parametrize("kind", [1, 253])
def test_unknown_routing_type(node, kind):
    """RFC 8200 4.4: "If Segments Left is zero, the node must ignore the Routing header and proceed to process the next header in the packet, whose type is
    identified by the Next Header field in the Routing header. If Segments Left is non-zero, the node must discard the packet and send an ICMP
    Parameter Problem, Code 0, message to the packet's Source Address, pointing to the unrecognized Routing Type." """
    routed(node, kind)


def test_routing_type_0(node):
    """RFC 5095 3: "An IPv6 node that receives a packet with a destination address assigned to it and that contains an RH0 extension header MUST NOT execute
    the algorithm specified in the latter part of Section 4.4 of [RFC2460] for RH0. Instead, such packets MUST be processed according to the
    behaviour specified in Section 4.4 of [RFC2460] for a datagram that includes an unrecognised Routing Type value" """
    routed(node, 0)


def routed(node, kind):
    make = lambda left: (node.ether() / IPv6(src=HOST6[0], dst=ROUTER6[0]) /  # noqa: E731
                         IPv6ExtHdrRouting(type=kind, addresses=["2001:db8::1"], segleft=left) / ICMPv6EchoRequest(id=6))
    x = node.exchange(make(1))
    assert x.ip6["drop-headers"] == 1
    error6_of(x, ICMPv6ParamProblem, 0, ptr=42)
    assert node.exchange(make(0)).only(0)[ICMPv6EchoReply].id == 6


# ---- RFC 8200 4.5: fragments for us ----

def parts_of(node, load, size=512, **fragment_header):
    """An echo request in fragments of so many octets."""
    whole = raw(IPv6(src=HOST6[0], dst=ROUTER6[0]) / ICMPv6EchoRequest(id=61, data=load))[40:]
    return [part(node, at, len(whole) > at + size, whole[at:at + size], **fragment_header) for at in range(0, len(whole), size)]


def part(node, at, more, data, **fragment_header):
    fields = {"nh": 58, "id": node.mark, **fragment_header}
    return node.ether() / IPv6(src=HOST6[0], dst=ROUTER6[0]) / IPv6ExtHdrFragment(offset=at // 8, m=int(more), **fields) / Raw(data)


def echoed(p, load):
    return p[ICMPv6EchoReply].id == 61 and p[ICMPv6EchoReply].data == load and right(p)


ORDERS = {"in order": lambda parts: parts, "reversed": lambda parts: parts[::-1], "last first": lambda parts: parts[-1:] + parts[:-1]}


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("size", [8, 512, 1232])
def test_reassembly(node, size, order):
    """RFC 8200 5: "A node must be able to accept a fragmented packet that, after reassembly, is as large as 1500 octets." """
    load = node.payload(1452 if size > 8 else 200)
    x = node.exchange(*ORDERS[order](parts_of(node, load, size)))
    assert echoed(x.only(0), load) and x.ip6["reassembled"] == 1


def test_long_reply(node):
    """RFC 8200 5: "However, a minimal IPv6 implementation (e.g., in a boot ROM) may simply restrict itself to sending packets no larger than 1280
    octets, and omit implementation of Path MTU Discovery."
    RFC 8200 4.5: "Each complete fragment, except possibly the last ("rightmost") one, is an integer multiple of 8 octets long." """
    load = node.payload(4000)
    x = node.exchange(*parts_of(node, load, 1232))
    whole = b""
    for i, p in enumerate(x.out[0]):
        header = p[IPv6ExtHdrFragment]
        assert (header.offset * 8, header.m, header.nh, header.id) == (len(whole), i + 1 < len(x.out[0]), 58, x.out[0][0][IPv6ExtHdrFragment].id)
        assert p[IPv6].plen <= 1240
        whole += raw(header)[8:p[IPv6].plen]
    assert echoed(IPv6(raw(IPv6(src=ROUTER6[0], dst=HOST6[0], nh=58, plen=len(whole)) / Raw(whole))), load)


def test_reassembly_of_two(node):
    """RFC 8200 4.5: "An original packet is reassembled only from fragment packets that have the same Source Address, Destination Address, and Fragment
    Identification." """
    loads = [node.payload(900) for _ in range(2)]
    both = [parts_of(node, load, id=1000 + i) for i, load in enumerate(loads)]
    x = node.exchange(*[p for pair in zip(*both) for p in pair])
    assert [p[ICMPv6EchoReply].data for p in x.out[0]] == loads


def test_duplicates(node):
    """RFC 8200 4.5: "Instead of treating these exact duplicate fragments as overlapping fragments, an implementation may choose to detect this case and
    drop exact duplicate fragments while keeping the other fragments belonging to the same packet." """
    load = node.payload(900)
    parts = parts_of(node, load)
    x = node.exchange(parts[0], parts[0], *parts[1:])
    assert echoed(x.only(0), load) and x.ip6["drop-fragment-duplicate"] == 1


@pytest.mark.parametrize("offset", [8, 256, 504])
def test_overlaps(node, offset):
    """RFC 5722 4: "When reassembling an IPv6 datagram, if one or more its constituent fragments is determined to be an overlapping fragment, the entire
    datagram (and any constituent fragments, including those not yet received) MUST be silently discarded." """
    parts = parts_of(node, node.payload(1452))
    silent6(node, parts[0], part(node, offset, True, b"y" * 512), *parts[1:], icmp_sent=0, reassembled=0)


def test_fragment_length(node):
    """RFC 8200 4.5: "If the length of a fragment, as derived from the fragment packet's Payload Length field, is not a multiple of 8 octets and the M flag of
    that fragment is 1, then that fragment must be discarded and an ICMP Parameter Problem, Code 0, message should be sent to the source of the
    fragment, pointing to the Payload Length field of the fragment packet." """
    node.payload()
    x = node.exchange(part(node, 0, True, raw(ICMPv6EchoRequest(data=b"x" * 493))))
    assert x.ip6["drop-fragment-length"] == 1
    error6_of(x, ICMPv6ParamProblem, 0, ptr=4)


def test_fragment_beyond(node):
    """RFC 8200 4.5: "If the length and offset of a fragment are such that the Payload Length of the packet reassembled from that fragment would exceed 65,535
    octets, then that fragment must be discarded and an ICMP Parameter Problem, Code 0, message should be sent to the source of the fragment,
    pointing to the Fragment Offset field of the fragment packet." """
    node.payload()
    x = node.exchange(part(node, 65528, False, b"x" * 8))
    assert x.ip6["drop-fragment-length"] == 1
    error6_of(x, ICMPv6ParamProblem, 0, ptr=42)


@pytest.mark.parametrize("nh,data", [(6, b"\0" * 8), (60, b"\x11\x01\x01\x04\0\0\0\0"), (60, b"\x11\0\x01\x04\0\0\0\0")], ids=["upper", "options", "between"])
def test_first_fragment(node, nh, data):
    """RFC 8200 4.5: "If the first fragment does not include all headers through an Upper-Layer header, then that fragment should be discarded and an
    ICMP Parameter Problem, Code 3, message should be sent to the source of the fragment, with the Pointer field set to zero."
    RFC 7112 5: "the ICMPv6 error message MUST be Type 4 ("Parameter Problem") and MUST use Code 3 ("First Fragment has incomplete IPv6 Header
    Chain"). The Pointer field contained by the ICMPv6 Parameter Problem message MUST be set to zero." """
    node.payload()
    x = node.exchange(part(node, 0, True, data, nh=nh))
    assert x.ip6["drop-fragment-headers"] == 1
    error6_of(x, ICMPv6ParamProblem, 3, ptr=0)


def test_atomic_fragment(node):
    """RFC 6946 4: "A host that receives an IPv6 packet that includes a Fragment Header with the "Fragment Offset" equal to 0 and the "M" flag equal to 0
    MUST process that packet in isolation from any other packets/fragments, even if such packets/fragments contain the same set {IPv6 Source
    Address, IPv6 Destination Address, Fragment Identification}. ... such fragments MUST NOT be discarded upon receipt of the "colliding" IPv6
    atomic fragment" """
    loads = [node.payload(900), node.payload(100)]
    parts, (atomic,) = parts_of(node, loads[0], id=2000), parts_of(node, loads[1], id=2000)
    x = node.exchange(parts[0], atomic, *parts[1:])
    assert [p[ICMPv6EchoReply].data for p in x.out[0]] == loads[::-1]


@pytest.mark.parametrize("nh", [253, 41, 0x90])
def test_unknown_next_header(node, nh):
    """RFC 8200 4: "If, as a result of processing a header, the destination node is required to proceed to the next header but the Next Header
    value in the current header is unrecognized by the node, it should discard the packet and send an ICMP Parameter Problem message to the source
    of the packet, with an ICMP Code value of 1 ("unrecognized Next Header type encountered") and the ICMP Pointer field containing the offset of
    the unrecognized value within the original packet." """
    error6_of(node.exchange(node.ether() / IPv6(src=HOST6[0], dst=ROUTER6[0], nh=nh) / Raw(node.payload())), ICMPv6ParamProblem, 1, ptr=6)


def test_no_next_header(node):
    """RFC 8200 4.7: "The value 59 in the Next Header field of an IPv6 header or any extension header indicates that there is nothing following
    that header." """
    silent6(node, node.ether() / IPv6(src=HOST6[0], dst=ROUTER6[0], nh=59), drop_no_service=1, icmp_sent=0)


def test_no_next_header_in_transit(node):
    """RFC 8200 4.7: "If the Payload Length field of the IPv6 header indicates the presence of octets past the end of a header whose Next Header field contains 59,
    those octets must be ignored and passed on unchanged if the packet is forwarded." """
    load = node.payload()
    assert raw(node.exchange(node.ether() / IPv6(src=HOST6[0], dst=HOST6[1], nh=59) / Raw(load)).only(1)[IPv6].payload) == load
