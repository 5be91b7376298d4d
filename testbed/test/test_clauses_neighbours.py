# SPDX-License-Identifier: BSD-2-Clause
"""Who is on the link, ARP and neighbour discovery: one test for each clause that the router implements, the clause quoted; on both machines. The books are
balanced after each."""
import time

import pytest

from clauses import HOST4, HOST6, HOST_MAC, ROUTER4, ROUTER6, at_rest, node, right, silent6  # noqa: F401
from scapy.all import (ARP, ICMP, IP, UDP, Ether, ICMPv6DestUnreach, ICMPv6ND_NA, ICMPv6ND_NS, ICMPv6NDOptDstLLAddr, ICMPv6NDOptSrcLLAddr,
                       ICMPv6Unknown, IPv6, IPv6ExtHdrFragment, Raw, raw)

LOCAL = "fe80::5054:ff:fe00:200"  # the router's link-local address at port 0
EVERYBODY = "ff:ff:ff:ff:ff:ff"
STRANGER = "02:00:00:00:00:50"
TRIES = 3  # requests before the router gives up, a second apart


def known(node, address):
    """What the router knows of it: a link address, or None."""
    macs = [r["mac"] for r in node.ask("show neighbours") if r["address"] == address]
    return macs[0] if macs else None


# ---- RFC 826, RFC 1122 2.3.2: ARP ----

def who_has(target, mac=HOST_MAC[0], psrc=HOST4[0], **more):
    return Ether(src=mac, dst=EVERYBODY) / ARP(**{"op": 1, "hwsrc": mac, "psrc": psrc, "pdst": target, **more})


def is_at(node, address, mac, port=0, **more):
    return Ether(src=mac, dst=node.mac[port]) / ARP(**{"op": 2, "hwsrc": mac, "psrc": address, "hwdst": node.mac[port], "pdst": ROUTER4[port], **more})


def test_arp(node):
    """RFC 826: "?Am I the target protocol address? ... ?Is the opcode ares_op$REQUEST? (NOW look at the opcode!!) Yes: Swap hardware and protocol
    fields, putting the local hardware and protocol addresses in the sender fields. Set the ar$op field to ares_op$REPLY Send the packet to the
    (new) target hardware address on the same hardware on which the request was received." """
    p = node.exchange(who_has(ROUTER4[0])).only(0)
    assert (p[ARP].op, p[ARP].hwsrc, p[ARP].psrc) == (2, node.mac[0], ROUTER4[0])
    assert (p[ARP].hwdst, p[ARP].pdst, p.dst) == (HOST_MAC[0], HOST4[0], HOST_MAC[0])
    for target in ("10.0.1.77", ROUTER4[1], HOST4[1], "10.0.1.255"):
        assert not node.exchange(who_has(target)).frames


def test_arp_learns(node):
    """RFC 826: "If Merge_flag is false, add the triplet <protocol type, sender protocol address, sender hardware address> to the translation table."
    From then on nobody asks for it."""
    node.exchange(who_has(ROUTER4[1], mac=STRANGER, psrc="10.0.2.50"), port=1).only(1)
    assert node.exchange(node.udp4(dst="10.0.2.50")).only(1).dst == STRANGER


def test_arp_for_others(node):
    """RFC 826: "?Am I the target protocol address? Yes: If Merge_flag is false, add the triplet <protocol type, sender protocol address, sender
    hardware address> to the translation table."
    Who asks for others is not learned: scans do not fill the table."""
    assert not node.exchange(who_has("10.0.1.77", mac=STRANGER, psrc="10.0.1.51")).frames
    assert known(node, "10.0.1.51") is None


@pytest.mark.parametrize("field", [{"hwtype": 6}, {"ptype": 0x86dd}, {"hwlen": 8}, {"plen": 16}, {"op": 3}, {"op": 9}], ids=lambda f: "-".join(f))
def test_arp_fields(node, field):
    """RFC 826: "Negative conditionals indicate an end of processing and a discarding of the packet. ?Do I have the hardware type in ar$hrd? ... ?Do I
    speak the protocol in ar$pro?" """
    good = raw(who_has(ROUTER4[0]))
    at, size = {"hwtype": (14, 2), "ptype": (16, 2), "hwlen": (18, 1), "plen": (19, 1), "op": (20, 2)}[next(iter(field))]
    value = next(iter(field.values())).to_bytes(size, "big")
    x = node.exchange(good[:at] + value + good[at + size:])
    assert x.ip == {"arp-received": 1, "drop-arp-malformed": 1} and not x.frames


@pytest.mark.parametrize("size", [14, 20, 41])
def test_arp_cut(node, size):
    """RFC 826: "mbytes: (ar$tpa) Protocol address of target."
    Without it nothing was asked."""
    x = node.exchange(raw(who_has(ROUTER4[0]))[:size])
    assert x.ip == {"arp-received": 1, "drop-arp-malformed": 1} and not x.frames


def test_arp_probe(node):
    """RFC 5227 2.1.1: "The 'sender IP address' field MUST be set to all zeroes; this is to avoid polluting ARP caches in other hosts on the same
    link in the case where the address turns out to be already in use by another host."
    It is in use: the probe is answered, and teaches nothing."""
    p = node.exchange(who_has(ROUTER4[0], mac=STRANGER, psrc="0.0.0.0")).only(0)
    assert (p[ARP].op, p[ARP].psrc, p[ARP].pdst, p.dst) == (2, ROUTER4[0], "0.0.0.0", STRANGER)
    assert known(node, "0.0.0.0") is None


def test_arp_of_groups(node):
    """RFC 1812 3.3.2: "A router MUST not believe any ARP reply that claims that the Link Layer address of another host or router is a broadcast or
    multicast address." """
    for mac in ("03:00:00:00:00:01", EVERYBODY):
        x = node.exchange(is_at(node, "10.0.1.50", mac))
        assert x.ip == {"arp-received": 1, "drop-arp-malformed": 1} and not x.frames


@pytest.mark.parametrize("address,name", [("10.0.1.50", "unsolicited"), (ROUTER4[0], "conflict"), (HOST4[0], "conflict")])
def test_arp_of_liars(node, address, name):
    """RFC 826: "?Am I the target protocol address? Yes: If Merge_flag is false, add the triplet"
    A reply that nobody asked for adds nothing here, nor does one change an address of ours, or one that was configured."""
    x = node.exchange(is_at(node, address, STRANGER))
    assert x.ip == {"arp-received": 1, f"drop-arp-{name}": 1} and not x.frames
    assert node.exchange(node.udp4(port=1), port=1).only(0).dst == HOST_MAC[0]


def test_arp_queue(node):
    """RFC 1122 2.3.2.2: "The link layer SHOULD save (rather than discard) at least one (the latest) packet of each set of packets destined to the same
    unresolved IP address, and transmit the saved packet when the address has been resolved."
    RFC 1812 3.3.2: "The link layer MUST NOT report a Destination Unreachable error to IP solely because there is no ARP cache entry for a
    destination" """
    before = node.books()
    loads = [node.payload() for _ in range(6)]
    node.send(*[node.udp4(load, dst="10.0.2.61") for load in loads])
    node.count_until("ip", "drop-queue-full", before, 2)
    asked = node.wait_for(1, lambda p: ARP in p)
    assert (asked[ARP].op, asked[ARP].pdst, asked[ARP].psrc, asked.dst) == (1, "10.0.2.61", ROUTER4[1], EVERYBODY)
    node.send(is_at(node, "10.0.2.61", STRANGER, port=1), port=1)
    x = node.settle(before, {0: 6, 1: 1})
    assert [p[Raw].load for p in x.out[1] if UDP in p] == loads[2:] and all(p.dst == STRANGER for p in x.out[1] if UDP in p)
    assert x.ip["drop-queue-full"] == 2 and not x.out[0]


def test_arp_rate(node):
    """RFC 1122 2.3.2.1: "A mechanism to prevent ARP flooding (repeatedly sending an ARP Request for the same IP address, at a high rate) MUST be included.
    The recommended maximum rate is 1 per second per destination." """
    began = time.monotonic()
    x = node.exchange(*[node.udp4(dst="10.0.2.62") for _ in range(20)])
    asked = [p for p in x.out[1] if ARP in p]
    assert TRIES <= len(asked) <= time.monotonic() - began + 1


def test_host_unreachable(node):
    """RFC 1812 4.3.3.1: "If a packet is to be forwarded to a host on a network that is directly connected to the router (i.e., the router is the
    last-hop router) and the router has ascertained that there is no path to the destination host then the router MUST generate a Destination
    Unreachable, Code 1 (Host Unreachable) ICMP message." """
    x = node.exchange(node.udp4(dst="10.0.2.200"))
    assert all(ARP in p for p in x.out[1]) and x.ip["drop-no-neighbour"] == 1
    assert [(p[ICMP].type, p[ICMP].code, p[IP].dst) for p in x.out[0]] == [(3, 1, HOST4[0])]


# ---- RFC 4861 7.2: neighbour discovery ----

def solicit(node, target=ROUTER6[0], src=HOST6[0], dst=None, mac=HOST_MAC[0], hlim=255, **more):
    frame = node.ether() / IPv6(src=src, dst=dst or target, hlim=hlim) / ICMPv6ND_NS(tgt=target, **more)
    return frame / ICMPv6NDOptSrcLLAddr(lladdr=mac) if mac else frame


def advertise(node, target, mac=STRANGER, port=0, hlim=255, **more):
    fields = {"R": 0, "S": 1, "O": 1, **more}
    frame = (Ether(src=mac or STRANGER, dst=node.mac[port]) / IPv6(src=HOST6[port], dst=ROUTER6[port], hlim=hlim) / ICMPv6ND_NA(tgt=target, **fields))
    return frame / ICMPv6NDOptDstLLAddr(lladdr=mac) if mac else frame


def malformed(node, frame):
    silent6(node, frame, nd_received=1, drop_nd_malformed=1)


def test_solicitation(node):
    """RFC 4861 7.2.4: "A node sends a Neighbor Advertisement in response to a valid Neighbor Solicitation targeting one of the node's assigned
    addresses. The Target Address of the advertisement is copied from the Target Address of the solicitation. ... If the solicitation's IP
    Destination Address is a multicast address, the Target Link-Layer option MUST be included in the advertisement. Furthermore, if the node is a
    router, it MUST set the Router flag to one ... Otherwise, the Override flag SHOULD be set to one. ... Otherwise, the node MUST set the
    Solicited flag to one and unicast the advertisement to the Source Address of the solicitation." """
    for target, group, mac in ((ROUTER6[0], "ff02::1:ff00:2", "33:33:ff:00:00:02"), (LOCAL, "ff02::1:ff00:200", "33:33:ff:00:02:00")):
        for to_group in (False, True):
            frame = solicit(node, target, dst=group if to_group else target)
            if to_group:
                frame[Ether].dst = mac
            p = node.exchange(frame).only(0)
            na = p[ICMPv6ND_NA]
            assert (na.tgt, na.R, na.S, na.O) == (target, 1, 1, 1)
            assert (p[IPv6].hlim, p[IPv6].src, p[IPv6].dst, p.dst) == (255, target, HOST6[0], HOST_MAC[0])
            assert p[ICMPv6NDOptDstLLAddr].lladdr == node.mac[0] and right(p)


def test_solicitation_of_nobody(node):
    """RFC 4861 7.2.4: "If the source of the solicitation is the unspecified address, the node MUST set the Solicited flag to zero and multicast the
    advertisement to the all-nodes address."
    RFC 4861 7.2.3: "If the Source Address is the unspecified address, the node MUST NOT create or update the Neighbor Cache entry." """
    frame = solicit(node, src="::", dst="ff02::1:ff00:2", mac=None)
    frame[Ether].dst = "33:33:ff:00:00:02"
    p = node.exchange(frame).only(0)
    assert (p[IPv6].dst, p.dst, p[ICMPv6ND_NA].S, p[ICMPv6ND_NA].tgt) == ("ff02::1", "33:33:00:00:00:01", 0, ROUTER6[0])
    assert known(node, "::") is None


def test_solicitation_of_others(node):
    """RFC 4861 7.2.3: "A valid Neighbor Solicitation that does not meet any of the following requirements MUST be silently discarded: - The Target
    Address is a "valid" unicast or anycast address assigned to the receiving interface [ADDRCONF]"
    Addresses of other ports are not this link's."""
    for target in ("fd00:1::77", ROUTER6[1], HOST6[0]):
        silent6(node, solicit(node, target, dst=ROUTER6[0]), nd_not_ours=1)


def test_solicitation_teaches(node):
    """RFC 4861 7.2.3: "If the Source Address is not the unspecified address and, on link layers that have addresses, the solicitation includes a Source
    Link-Layer Address option, then the recipient SHOULD create or update the Neighbor Cache entry for the IP Source Address of the solicitation."
    From then on nobody asks for it."""
    frame = solicit(node, src="fd00:1::52", mac=STRANGER)
    assert node.exchange(frame).only(0).dst == STRANGER
    assert node.exchange(node.udp6(dst="fd00:1::52", port=1), port=1).only(0).dst == STRANGER


def test_solicitation_without_address(node):
    """RFC 4861 7.2: "These messages MUST NOT create or update neighbor cache entries, except with respect to the IsRouter flag"
    These are the ones without a link-layer address option."""
    frame = solicit(node, src="fd00:1::53", mac=None)
    node.exchange(frame).only(0)
    assert known(node, "fd00:1::53") is None


@pytest.mark.parametrize("hops", [0, 1, 64, 254])
def test_nd_hop_limit(node, hops):
    """RFC 4861 7.1.1, 7.1.2: "The IP Hop Limit field has a value of 255, i.e., the packet could not possibly have been forwarded by a router." """
    malformed(node, solicit(node, hlim=hops))
    malformed(node, advertise(node, HOST6[0], HOST_MAC[0], hlim=hops))


def test_nd_checksum(node):
    """RFC 4861 7.1.1, 7.1.2: "ICMP Checksum is valid." """
    silent6(node, solicit(node, cksum=0x1234), drop_checksum=1, nd_received=0)
    silent6(node, advertise(node, HOST6[0], cksum=0x1234), drop_checksum=1, nd_received=0)


def test_nd_code(node):
    """RFC 4861 7.1.1, 7.1.2: "ICMP Code is 0." """
    malformed(node, solicit(node, code=1))
    malformed(node, advertise(node, HOST6[0], code=1))


def bare(node, type_, body):
    """A solicitation or advertisement of these bytes behind the checksum."""
    return node.ether() / IPv6(src=HOST6[0], dst=ROUTER6[0], hlim=255) / ICMPv6Unknown(type=type_, msgbody=body)


BODY = {135: raw(ICMPv6ND_NS(tgt=ROUTER6[0]))[4:24], 136: raw(ICMPv6ND_NA(tgt=HOST6[0], S=1))[4:24]}
KINDS = pytest.mark.parametrize("type_", BODY, ids=["solicitation", "advertisement"])


@KINDS
def test_nd_length(node, type_):
    """RFC 4861 7.1.1, 7.1.2: "ICMP length (derived from the IP length) is 24 or more octets." """
    malformed(node, bare(node, type_, BODY[type_][:19]))


@KINDS
@pytest.mark.parametrize("target", ["ff02::1", "ff02::1:ff00:2"])
def test_nd_target(node, target, type_):
    """RFC 4861 7.1.1, 7.1.2: "Target Address is not a multicast address." """
    malformed(node, bare(node, type_, BODY[type_][:4] + raw(IPv6(dst=target))[24:40]))


@KINDS
@pytest.mark.parametrize("option", [b"\x01\x00" + b"x" * 6, b"\x01\x02" + b"x" * 6, b"\x0e"], ids=["zero", "long", "cut"])
def test_nd_option_length(node, option, type_):
    """RFC 4861 7.1.1, 7.1.2: "All included options have a length that is greater than zero."
    Nor do they end beyond the message."""
    malformed(node, bare(node, type_, BODY[type_] + option))


@KINDS
def test_nd_fragment(node, type_):
    """RFC 6980 5: "Nodes MUST silently ignore the following Neighbor Discovery and SEcure Neighbor Discovery messages if the packets carrying them
    include an IPv6 Fragmentation Header: o Neighbor Solicitation o Neighbor Advertisement" """
    message = raw(bare(node, type_, BODY[type_])[IPv6].payload)
    malformed(node, node.ether() / IPv6(src=HOST6[0], dst=ROUTER6[0], hlim=255) / IPv6ExtHdrFragment(nh=58) / Raw(message))


def test_nd_reserved(node):
    """RFC 4861 7.1.1: "The contents of the Reserved field, and of any unrecognized options, MUST be ignored." """
    option = b"\xfd\x02" + b"?" * 14
    own = raw(ICMPv6NDOptSrcLLAddr(lladdr=HOST_MAC[0]))
    assert ICMPv6ND_NA in node.exchange(bare(node, 135, b"\xff\xff\xff\xff" + BODY[135][4:] + option + own + option)).only(0)


def test_nd_unspecified_source(node):
    """RFC 4861 7.1.1: "If the IP source address is the unspecified address, the IP destination address is a solicited-node multicast address. ... If
    the IP source address is the unspecified address, there is no source link-layer address option in the message." """
    malformed(node, solicit(node, src="::", dst="ff02::1:ff00:2"))
    frame = solicit(node, src="::", dst="ff02::1", mac=None)
    frame[Ether].dst = "33:33:00:00:00:01"
    malformed(node, frame)


def test_na_to_group(node):
    """RFC 4861 7.1.2: "If the IP Destination Address is a multicast address the Solicited flag is zero." """
    malformed(node, Ether(src=HOST_MAC[0], dst="33:33:00:00:00:01") / IPv6(src=HOST6[0], dst="ff02::1", hlim=255) /
              ICMPv6ND_NA(tgt=HOST6[0], S=1) / ICMPv6NDOptDstLLAddr(lladdr=HOST_MAC[0]))


def test_unsolicited_advertisement(node):
    """RFC 4861 7.2.5: "When a valid Neighbor Advertisement is received (either solicited or unsolicited), the Neighbor Cache is searched for the
    target's entry. If no entry exists, the advertisement SHOULD be silently discarded." """
    silent6(node, advertise(node, "fd00:1::50"), nd_received=1, drop_nd_unsolicited=1)
    assert known(node, "fd00:1::50") is None


def test_resolution(node):
    """RFC 4861 7.2.2: "The solicitation is sent to the solicited-node multicast address corresponding to the target address. ... If the solicitation is
    being sent to a solicited-node multicast address, the sender MUST include its link-layer address (if it has one) as a Source Link-Layer
    Address option."
    RFC 4861 7.2.5: "It sends any packets queued for the neighbor awaiting address resolution." """
    target, load = "fd00:2::77", node.payload()
    before = node.books()
    node.send(node.udp6(load, dst=target))
    p = node.wait_for(1, lambda p: ICMPv6ND_NS in p)
    assert (p.dst, p[IPv6].dst, p[IPv6].src, p[IPv6].hlim) == ("33:33:ff:00:00:77", "ff02::1:ff00:77", ROUTER6[1], 255)
    assert (p[ICMPv6ND_NS].tgt, p[ICMPv6NDOptSrcLLAddr].lladdr) == (target, node.mac[1]) and right(p)
    node.send(advertise(node, target, port=1), port=1)
    x = node.settle(before, {0: 1, 1: 1})
    assert [(p.dst, p[Raw].load) for p in x.out[1] if UDP in p] == [(STRANGER, load)] and not x.out[0]
    x = node.exchange(node.udp6(dst=target))
    assert x.forward == {"ipv6-forwarded": 1} and x.only(1).dst == STRANGER


def test_resolution_queue(node):
    """RFC 4861 7.2.2: "While waiting for address resolution to complete, the sender MUST, for each neighbor, retain a small queue of packets waiting for
    address resolution to complete. The queue MUST hold at least one packet, and MAY contain more. However, the number of queued packets per
    neighbor SHOULD be limited to some small value. When a queue overflows, the new arrival SHOULD replace the oldest entry." """
    target, loads = "fd00:2::78", [node.payload() for _ in range(6)]
    before = node.books()
    node.send(*[node.udp6(load, dst=target) for load in loads])
    node.count_until("ip6", "drop-queue-full", before, 2)
    node.send(advertise(node, target, port=1), port=1)
    x = node.settle(before, {0: 6, 1: 1})
    assert [p[Raw].load for p in x.out[1] if UDP in p] == loads[2:] and x.ip6["drop-queue-full"] == 2


def test_resolution_without_address(node):
    """RFC 4861 7.2.5: "If the link layer has addresses and no Target Link-Layer Address option is included, the receiving node SHOULD silently discard the
    received advertisement."
    That is, while it waits for one: the question stays open until an answer has it."""
    target = "fd00:2::79"
    before = node.books()
    node.send(node.udp6(dst=target))
    node.wait_for(1, lambda p: ICMPv6ND_NS in p)
    node.send(advertise(node, target, None, port=1), port=1)
    node.count_until("ip6", "nd-received", before, 1)
    assert not [p for p in node.come[1] if UDP in p]
    node.send(advertise(node, target, port=1), port=1)
    x = node.settle(before, {0: 1, 1: 2})
    assert [p.dst for p in x.out[1] if UDP in p] == [STRANGER]


def test_neighbour_unreachable(node):
    """RFC 4861 7.2.2: "If no Neighbor Advertisement is received after MAX_MULTICAST_SOLICIT solicitations, address resolution has failed. The sender
    MUST return ICMP destination unreachable indications with code 3 (Address Unreachable) for each packet queued awaiting address resolution." """
    x = node.exchange(*[node.udp6(dst="fd00:2::c8")] * 3)
    assert x.ip6["drop-no-neighbour"] == 3 and [p[ICMPv6DestUnreach].code for p in x.out[0]] == [3] * 3


def test_solicitation_rate(node):
    """RFC 4861 7.2.2: "While awaiting a response, the sender SHOULD retransmit Neighbor Solicitation messages approximately every RetransTimer milliseconds,
    even in the absence of additional traffic to the neighbor. Retransmissions MUST be rate-limited to at most one solicitation per neighbor every
    RetransTimer milliseconds." """
    began = time.monotonic()
    x = node.exchange(*[node.udp6(dst="fd00:2::c9") for _ in range(20)])
    asked = [p for p in x.out[1] if ICMPv6ND_NS in p]
    assert TRIES <= len(asked) <= time.monotonic() - began + 1


def test_solicitations(node):
    """RFC 4861 10: "MAX_MULTICAST_SOLICIT 3 transmissions" """
    x = node.exchange(node.udp6(dst="fd00:2::ca"))
    assert len([p for p in x.out[1] if ICMPv6ND_NS in p]) == TRIES


# ---- RFC 4861 7.2.7: anycast addresses ----

@pytest.mark.parametrize("target,group,mac", [("fd00:1::", "ff02::1:ff00:0", "33:33:ff:00:00:00"), ("fe80::", "ff02::1:ff00:0", "33:33:ff:00:00:00")])
def test_anycast_solicitation(node, target, group, mac):
    """RFC 4291 2.6.1: "All routers are required to support the Subnet-Router anycast addresses for the subnets to which they have interfaces."
    RFC 4861 7.2.7: "Second, the Override flag in Neighbor Advertisements SHOULD be set to 0, so that when multiple advertisements are received, the
    first received advertisement is used rather than the most recently received advertisement."
    RFC 4861 4.4: "Source Address An address assigned to the interface from which the advertisement is sent."
    A unicast one, as RFC 4443 2.2 (b) has it."""
    frame = solicit(node, target, dst=group)
    frame[Ether].dst = mac
    p = node.exchange(frame).only(0)
    assert (p[ICMPv6ND_NA].tgt, p[ICMPv6ND_NA].R, p[ICMPv6ND_NA].S, p[ICMPv6ND_NA].O) == (target, 1, 1, 0)
    assert p[IPv6].src == ROUTER6[0] and p[ICMPv6NDOptDstLLAddr].lladdr == node.mac[0] and right(p)
    silent6(node, solicit(node, "fd00:2::", dst=ROUTER6[0]), nd_not_ours=1)


def test_anycast_of_others(node):
    """RFC 4861 7.2.7: "so that when multiple advertisements are received, the first received advertisement is used rather than the most recently received
    advertisement."
    Other routers have it as well: that is no conflict."""
    x = silent6(node, advertise(node, "fd00:1::", O=0, S=0), nd_received=1, drop_nd_unsolicited=1)
    assert "drop-nd-conflict" not in x.ip6


# ---- RFC 4861 7.2.5: what an advertisement changes ----

def state(node, address):
    return next((r["state"], r["mac"]) for r in node.ask("show neighbours") if r["address"] == address)


def resolved(node, target, **how):
    """An entry at port 1 that came of an advertisement of this kind."""
    before = node.books()
    node.send(node.udp6(dst=target))
    node.wait_for(1, lambda p: ICMPv6ND_NS in p)
    node.send(advertise(node, target, port=1, **how), port=1)
    x = node.settle(before, {0: 1, 1: 1})
    assert [p.dst for p in x.out[1] if UDP in p] == [STRANGER] and not x.out[0]


OTHER = "02:00:00:00:00:51"


@pytest.mark.parametrize("override", [0, 1])
@pytest.mark.parametrize("solicited,name", [(1, "resolved"), (0, "stale")])
def test_advertisement_resolves(node, solicited, name, override):
    """RFC 4861 7.2.5: "- It records the link-layer address in the Neighbor Cache entry. - If the advertisement's Solicited flag is set, the state of the
    entry is set to REACHABLE; otherwise, it is set to STALE. ... - It sends any packets queued for the neighbor awaiting address resolution. Note
    that the Override flag is ignored if the entry is in the INCOMPLETE state." """
    target = f"fd00:2::8{solicited}{override}"
    resolved(node, target, S=solicited, O=override)
    assert state(node, target) == (name, STRANGER)


def test_advertisement_without_override(node):
    """RFC 4861 7.2.5 I: "If the Override flag is clear and the supplied link-layer address differs from that in the cache, then one of two actions takes
    place: a. If the state of the entry is REACHABLE, set it to STALE, but do not update the entry in any other way. b. Otherwise, the received
    advertisement should be ignored and MUST NOT update the cache." """
    target = "fd00:2::90"
    resolved(node, target)
    for _ in range(2):
        x = node.exchange(advertise(node, target, OTHER, port=1, O=0), port=1)
        assert x.ip6["drop-nd-conflict"] == 1
        assert state(node, target)[0] in ("stale", "probing") and state(node, target)[1] == STRANGER


@pytest.mark.parametrize("solicited,name", [(1, ("resolved",)), (0, ("stale", "probing"))])
def test_advertisement_with_override(node, solicited, name):
    """RFC 4861 7.2.5 II: "- The link-layer address in the Target Link-Layer Address option MUST be inserted in the cache (if one is supplied and differs
    from the already recorded address). - If the Solicited flag is set, the state of the entry MUST be set to REACHABLE. If the Solicited flag is
    zero and the link-layer address was updated with a different address, the state MUST be set to STALE." """
    target = f"fd00:2::9{1 + solicited}"
    resolved(node, target)
    node.exchange(advertise(node, target, OTHER, port=1, S=solicited), port=1)
    assert state(node, target)[0] in name and state(node, target)[1] == OTHER
    assert node.exchange(node.udp6(dst=target)).out[1][-1].dst == OTHER


def test_advertisement_changes_nothing(node):
    """RFC 4861 7.2.5 II: "Otherwise, the entry's state remains unchanged."
    RFC 4861 7.3.1: "Receipt of other Neighbor Discovery messages, such as Router Advertisements and Neighbor Advertisement with the Solicited
    flag set to zero, MUST NOT be treated as a reachability confirmation." """
    target = "fd00:2::93"
    resolved(node, target, S=0)
    for mac in (STRANGER, None):
        node.exchange(advertise(node, target, mac, port=1, S=0), port=1)
        assert state(node, target)[0] in ("stale", "probing")
    node.exchange(advertise(node, target, None, port=1), port=1)
    assert state(node, target) == ("resolved", STRANGER)
