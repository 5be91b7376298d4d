# SPDX-License-Identifier: BSD-2-Clause
"""Router advertisements, and fragments for the router itself: clause by clause on both machines, and with Linux hosts that take their addresses from what they
hear.
"""
import json
import os
import re
import signal
import time

import pytest

from clauses import HOST6, HOST_MAC, ROUTER6, SETTLED, at_rest, node  # noqa: F401
from conftest import BUILD, Place, Testbed
from scapy.all import (Ether, ICMPv6EchoReply, ICMPv6EchoRequest, ICMPv6ND_RA, ICMPv6ND_RS, ICMPv6NDOptMTU, ICMPv6NDOptPrefixInfo,
                       ICMPv6NDOptSrcLLAddr, ICMPv6ParamProblem, IPv6, IPv6ExtHdrFragment, Raw, UDP, defragment6, fragment6, raw)
from test_lifecycle import wait_for
from test_router import CONF, Router, pids_of

LOCAL = "fe80::5054:ff:fe00:200"  # the router's link-local address at port 0
ALL_NODES, ALL_ROUTERS = "ff02::1", "ff02::2"
QUIET = "advertise on interval 1800 lifetime 5400 valid 7200 preferred 3600"
MIN_DELAY, MAX_DELAY = 3, 0.5  # s, RFC 4861 10: MIN_DELAY_BETWEEN_RAS, MAX_RA_DELAY_TIME


# ---- fragments for the router ----

def echo(size, node, **more):  # noqa: F811
    return IPv6(src=HOST6[0], dst=ROUTER6[0]) / IPv6ExtHdrFragment(id=0x1000 + size) / ICMPv6EchoRequest(
        id=7, seq=size, data=node.payload(size))


def pieces(node, size, at_most):  # noqa: F811
    return [node.ether() / f for f in fragment6(echo(size, node), at_most)]


@pytest.mark.parametrize("size", [100, 1452, 3000, 20000, 60000])
def test_reassembly(node, size):  # noqa: F811
    """RFC 8200 4.5: "An original packet is reassembled only from fragment packets that have the same Source Address, Destination Address, and Fragment
    Identification." In any order; the answer comes in fragments of our own where it must, none longer than every path carries (5)."""
    parts = pieces(node, size, 120 if size == 100 else 1400)
    assert len(parts) > 1
    x = node.exchange(*reversed(parts))
    got = {f[IPv6ExtHdrFragment].id for f in x.frames if IPv6ExtHdrFragment in f}
    assert len(got) <= 1 and all(len(f[IPv6]) <= 1280 for f in x.frames if IPv6ExtHdrFragment in f)
    whole = x.frames[0][IPv6] if not got else defragment6([f[IPv6] for f in x.frames])
    sent = defragment6([p[IPv6] for p in parts])
    whole, sent = IPv6(raw(whole)), IPv6(raw(sent))
    assert (whole.src, whole.dst, whole[ICMPv6EchoReply].seq) == (ROUTER6[0], HOST6[0], size)
    assert raw(whole[ICMPv6EchoReply].data) == raw(sent[ICMPv6EchoRequest].data)
    got = whole[ICMPv6EchoReply].cksum
    del whole[ICMPv6EchoReply].cksum
    assert IPv6(raw(whole))[ICMPv6EchoReply].cksum == got
    assert (x.ip6["fragments-received"], x.ip6["fragments-joined"], x.ip6["reassembled"]) == (len(parts), len(parts), 1)


def test_atomic_fragment(node):  # noqa: F811
    """RFC 6946 4: "A host that receives an IPv6 packet which includes a Fragment Header with the "Fragment Offset" equal to 0 and the "M" flag equal
    to 0 MUST process that packet in isolation from any other packets/fragments". """
    x = node.exchange(node.ether() / echo(40, node))
    assert x.only(0)[ICMPv6EchoReply].seq == 40 and "fragments-received" not in x.ip6


def test_overlap(node):  # noqa: F811
    """RFC 8200 4.5: "If any of the fragments being reassembled overlap with any other fragments being reassembled for the same packet, reassembly of
    that packet must be abandoned and all the fragments that have been received for that packet must be discarded, and no ICMP error messages
    should be sent." RFC 5722 4: what comes later, too."""
    first, second, *rest = pieces(node, 500, 200)
    bad = second.copy()
    bad[IPv6ExtHdrFragment].offset -= 1
    x = node.exchange(first, second, bad, *rest)
    assert not x.frames and x.ip6["drop-fragment-overlap"] == 3 + len(rest) and "reassembled" not in x.ip6


def test_duplicate(node):  # noqa: F811
    """RFC 8200 4.5: "an implementation may choose to detect this case and drop exact duplicate fragments while keeping the other fragments
    belonging to the same packet." """
    first, *rest = pieces(node, 501, 200)
    x = node.exchange(first, first, *rest)
    assert x.only(0)[ICMPv6EchoReply].seq == 501 and x.ip6["drop-fragment-duplicate"] == 1


def problem(x, code, pointer):
    p = x.only(0)
    assert (p[ICMPv6ParamProblem].code, p[ICMPv6ParamProblem].ptr, p[IPv6].dst) == (code, pointer, HOST6[0])


def one(node, payload, nh=58, **fields):  # noqa: F811
    return node.ether() / IPv6(src=HOST6[0], dst=ROUTER6[0]) / IPv6ExtHdrFragment(nh=nh, **fields) / Raw(payload)


def test_fragment_length(node):  # noqa: F811
    """RFC 8200 4.5: "If the length of a fragment, as derived from the fragment packet's Payload Length field, is not a multiple of 8 octets and the M
    flag of that fragment is 1, then that fragment must be discarded and an ICMP Parameter Problem, Code 0, message should be sent to the source
    of the fragment, pointing to the Payload Length field of the fragment packet." """
    x = node.exchange(one(node, b"\x80" + bytes(56), m=1, id=1))
    problem(x, 0, 4)
    assert x.ip6["drop-fragment-length"] == 1


def test_fragment_beyond_the_longest_packet(node):  # noqa: F811
    """RFC 8200 4.5: "If the length and offset of a fragment are such that the Payload Length of the packet reassembled from that fragment would
    exceed 65,535 octets, then that fragment must be discarded and an ICMP Parameter Problem, Code 0, message should be sent to the source of the
    fragment, pointing to the Fragment Offset field of the fragment packet." """
    x = node.exchange(one(node, bytes(8), offset=8191, id=2))
    problem(x, 0, 42)
    assert x.ip6["drop-fragment-length"] == 1


def test_first_fragment_without_headers(node):  # noqa: F811
    """RFC 8200 4.5: "If the first fragment does not include all headers through an Upper-Layer header, then that fragment should be discarded and
    an ICMP Parameter Problem, Code 3, message should be sent to the source of the fragment, with the Pointer field set to zero." """
    x = node.exchange(one(node, bytes([6, 0, 1, 4, 0, 0, 0, 0]), nh=60, m=1, id=3))
    problem(x, 3, 0)
    assert x.ip6["drop-fragment-headers"] == 1


def test_bounded(node):  # noqa: F811
    """RFC 8200 4.5 has no bound on what waits; here there is one, of all sources and of each, and the oldest packet gives way. Whoever fills the
    places does not keep others from being heard."""
    def later(src, number):
        return node.ether() / IPv6(src=src, dst=ROUTER6[0]) / IPv6ExtHdrFragment(nh=58, offset=10, m=1, id=number) / Raw(bytes(64))

    x = node.exchange(*[later(HOST6[0], 0x2000 + i) for i in range(20)])
    assert x.ip6["drop-fragment-full"] >= 18 and not x.frames
    x = node.exchange(*[later(f"fd00:1::{0x100 + i:x}", 1) for i in range(100)])
    assert x.ip6["drop-fragment-full"] >= 92 and not x.frames
    assert node.exchange(*pieces(node, 502, 200)).only(0)[ICMPv6EchoReply].seq == 502


def test_error_about_a_whole(node):  # noqa: F811
    """RFC 4443 3.1: "As much of invoking packet as possible": the packet that was put together is the one that nobody here wants."""
    parts = fragment6(IPv6(src=HOST6[0], dst=ROUTER6[0]) / IPv6ExtHdrFragment(id=0x3000) / UDP(sport=9, dport=9) / Raw(node.payload(400)), 300)
    p = node.exchange(*[node.ether() / f for f in parts]).only(0)
    whole = defragment6(parts)
    assert raw(p[IPv6])[48:48 + 400] == raw(IPv6(raw(whole)))[:400]


# ---- what is advertised ----

def is_ra(frame):
    return ICMPv6ND_RA in frame


def count(node, name):  # noqa: F811
    return sum(r["value"] for r in node.ask("show counters") if (r["group"], r["name"]) == ("ip6", name))


def solicitation(src="fe80::9", mac=HOST_MAC[0], **more):
    rs = Ether(src=HOST_MAC[0], dst="33:33:00:00:00:02") / IPv6(**{"src": src, "dst": ALL_ROUTERS, "hlim": 255, **more}) / ICMPv6ND_RS()
    return rs / ICMPv6NDOptSrcLLAddr(lladdr=mac) if mac else rs


def asked(node, *frames, **more):  # noqa: F811
    """What these bring about, but for advertisements that would have come anyhow."""
    x = node.exchange(*frames, **more)
    x.ip6.pop("ra-sent", None)
    return x, [f for f in x.frames if not is_ra(f)]


@pytest.fixture(scope="module")
def advertising(node):  # noqa: F811
    """Port 0 advertises from here to the end, and the first advertisement has come. In the end the last ones have."""
    before = node.books()
    node.tell(f"port 0 {QUIET}")
    node.wait_for(0, is_ra)
    node.advertised = node.settle(before, {}).frames[0]
    yield node
    before = node.books()
    node.tell("port 0 advertise off")
    # RFC 4861 6.2.5: no more than MAX_FINAL_RTR_ADVERTISEMENTS
    wait_for(lambda: node.listen() or sum(is_ra(f) and f[ICMPv6ND_RA].routerlifetime == 0 for f in node.come[0]) == 3, SETTLED)
    node.settle(before, {})


def test_off_by_default(node):  # noqa: F811
    """RFC 4861 6.2.1: "AdvSendAdvertisements MUST be FALSE by default so that a node will not accidentally start acting as a router unless it is
    explicitly configured by system management to send Router Advertisements." """
    assert [p["advertise"] for p in node.ask("show ports")][:2] == ["off", "off"]
    x = node.exchange(solicitation())
    assert not x.frames and x.ip6 == {"received": 1, "drop-icmp-type": 1}


def test_advertisement(advertising):
    """RFC 4861 4.2, 4.6: what an advertisement says. 6.1.2: what a host discards. 6.2.3: the options."""
    p = advertising.advertised
    assert (p.src, p.dst) == (advertising.mac[0], "33:33:00:00:00:01")
    assert (p[IPv6].src, p[IPv6].dst, p[IPv6].hlim) == (LOCAL, ALL_NODES, 255)
    again = p[IPv6].copy()
    del again[ICMPv6ND_RA].cksum
    assert IPv6(raw(again))[ICMPv6ND_RA].cksum == p[ICMPv6ND_RA].cksum
    ra = p[ICMPv6ND_RA]
    assert (ra.code, ra.chlim, ra.M, ra.O, ra.prf, ra.routerlifetime, ra.reachabletime, ra.retranstimer) == (0, 64, 0, 0, 0, 5400, 0, 0)
    assert p[ICMPv6NDOptSrcLLAddr].lladdr == advertising.mac[0] and p[ICMPv6NDOptMTU].mtu == 1500
    o = p[ICMPv6NDOptPrefixInfo]
    assert (o.prefix, o.prefixlen, o.L, o.A, o.validlifetime, o.preferredlifetime) == ("fd00:1::", 64, 1, 1, 7200, 3600)
    assert raw(p).count(b"\x03\x04\x40") == 1
    row = advertising.ask("show ports")[0]
    assert row["advertise"] == "every 1800 s, lifetime 5400 s"


def test_solicited(advertising):
    """RFC 4861 6.2.6: "a router sends advertisements in response to valid solicitations received on an advertising interface. ... the usual case is
    to multicast the response to the all-nodes group." With or without a source, with or without a link address."""
    for rs in (solicitation(), solicitation("::", None), solicitation("fe80::9", None), solicitation(HOST6[0], None)):
        before = advertising.books()
        advertising.send(rs)
        # Never at once: the last one may be just before.
        wait_for(lambda: count(advertising, "ra-sent") > before["ip6", "ra-sent"], SETTLED)  # noqa: B023
        *others, p = advertising.settle(before, {0: 1}).out[0]
        assert all(is_ra(f) for f in others)
        assert p[IPv6].dst == ALL_NODES and p[ICMPv6NDOptPrefixInfo].prefix == "fd00:1::"
    assert [r["mac"] for r in advertising.ask("show neighbours") if r["address"] == "fe80::9"] == [HOST_MAC[0]]


def test_rate(advertising):
    """RFC 4861 6.2.6: "consecutive Router Advertisements sent to the all-nodes multicast address MUST be rate limited to no more than one
    advertisement every MIN_DELAY_BETWEEN_RAS seconds." """
    before, began, asked_for = advertising.books(), time.monotonic(), 0
    while time.monotonic() < began + 2 * MIN_DELAY + 2 * MAX_DELAY + 1:
        advertising.send(*[solicitation()] * 20)
        asked_for += 20
        time.sleep(0.1)
    x = advertising.settle(before, {0: asked_for})
    took = time.monotonic() - began
    assert 1 <= len(x.frames) == x.ip6["ra-sent"] <= took / MIN_DELAY + 1 and x.ip6["rs-received"] == asked_for


@pytest.mark.parametrize("what", ["hop limit", "code", "option length", "option end", "unspecified", "fragment"])
def test_malformed_solicitation(advertising, what):
    """RFC 4861 6.1.1: "A router MUST silently discard any received Router Solicitation messages that do not satisfy all of the following validity
    checks". RFC 6980 5: those in fragments, too."""
    rs = {"hop limit": lambda: solicitation(hlim=254),
          "code": lambda: solicitation(mac=None)[Ether].copy(),
          "option length": lambda: solicitation(mac=None) / Raw(b"\1\0" + bytes(6)),
          "option end": lambda: solicitation(mac=None) / Raw(b"\1\2" + bytes(6)),
          "unspecified": lambda: solicitation("::"),
          "fragment": lambda: Ether(src=HOST_MAC[0], dst="33:33:00:00:00:02") / IPv6(src="fe80::9", dst=ALL_ROUTERS, hlim=255) /
          IPv6ExtHdrFragment(id=5) / ICMPv6ND_RS()}[what]()
    if what == "code":
        rs[ICMPv6ND_RS].code = 1
    x, frames = asked(advertising, rs)
    assert not frames and x.ip6 == {"received": 1, "delivered": 1, "rs-received": 1, "drop-rs-malformed": 1}


# ---- hosts ----

BEDS = {"linux": ("router", "{kind: router}"), "mirror": ("router", "{kind: router, mirror: true}"), "pc": ("hosts", "{kind: xok}")}


class Hosts(Place):
    """n1 - r1 - n2, of which n1 knows nothing but what it hears."""

    ask = Testbed.ask
    run = Testbed.run

    def __init__(self, machine):
        super().__init__()
        self.name, kind = BEDS[machine]
        self.state = self.dir / "amp" / self.name
        text = (self.dir / f"{self.name}.yaml").read_text()
        self.write(f"{self.name}.yaml", re.sub(r"r1: \{.*\}", f"r1: {kind}", text))
        self.amp("testbed", "up", f"{self.name}.yaml", check=0)
        self.run("n1", "sh", "-ec", "ip -6 addr flush dev eth0 scope global; ip -6 route flush default; "
                                    "cd /proc/sys/net/ipv6/conf/eth0; echo 1 >accept_ra; echo 1 >autoconf; echo 1 >accept_ra_defrtr; "
                                    "echo 1 >accept_ra_pinfo; ip link set eth0 down; ip link set eth0 up", check=0)

    def tell(self, *commands):
        for c in commands:
            assert self.ask("r1", c) == [], c

    def addresses(self):
        """Global addresses that n1 has made itself."""
        rows = json.loads(self.run("n1", "ip", "-j", "-6", "addr", "show", "dev", "eth0", "scope", "global", check=0).out)
        return [a["local"] for r in rows for a in r.get("addr_info", []) if a.get("dynamic")]

    def default(self):
        """The gateways of default routes that n1 has heard of."""
        rows = json.loads(self.run("n1", "ip", "-j", "-6", "route", "show", "default", check=0).out or "[]")
        return [r["gateway"] for r in rows if r.get("protocol") == "ra"]

    def ping(self, *args):
        return self.run("n1", "ping", "-6", "-c", "3", "-i", "0.2", "-W", "20", *args)


@pytest.fixture(scope="module", params=[m for m in BEDS if m.replace("mirror", "linux") in os.environ.get("AMP_MACHINES", "linux pc").split()])
def hosts(request):
    if request.param != "pc" and not (BUILD / "xokd").exists():
        pytest.skip("xokd is built where DPDK is: make router")
    bed = Hosts(request.param)
    try:
        yield bed
        bed.amp("testbed", "down", bed.name, check=0)
        bed.nothing_left()
    finally:
        bed.close()


def test_host_configures_itself(hosts):
    """RFC 4861 6.3.4, RFC 4862 5.5.3: a real host hears the router, makes itself an address, takes the router for its default one, and forgets
    it when it says so."""
    assert not hosts.addresses() and not hosts.default()
    hosts.tell("port 0 advertise on")
    wait_for(lambda: hosts.addresses() and hosts.default(), 60)
    address, = hosts.addresses()
    assert address.startswith("fd00:1::5054:ff:fe00:") and hosts.default() == [LOCAL]
    done = hosts.ping("fd00:2::2")
    assert done.code == 0 and " 0% packet loss" in done.out, done
    # It asks when its link comes up, and does not wait ten minutes for the next one: initial ones end after 32 s.
    heard = hosts.ask("r1", "show counters")
    hosts.run("n1", "sh", "-ec", "ip link set eth0 down; ip link set eth0 up", check=0)
    wait_for(hosts.default, 60)
    now = {(r["group"], r["name"]): r["value"] for r in hosts.ask("r1", "show counters")}
    was = {(r["group"], r["name"]): r["value"] for r in heard}
    assert now["ip6", "rs-received"] > was["ip6", "rs-received"]
    hosts.tell("port 0 advertise off")
    wait_for(lambda: not hosts.default(), 60)


def test_long_pings(hosts):
    """Both ways in fragments: 3,000 octets, and nearly as many as there can be."""
    hosts.tell("port 0 advertise on")
    wait_for(lambda: hosts.addresses() and hosts.default(), 60)
    for size in ("3000", "60000"):
        done = hosts.ping("-s", size, "fd00:1::2")
        assert done.code == 0 and " 0% packet loss" in done.out, done
    hosts.tell("port 0 advertise off")
    wait_for(lambda: not hosts.default(), 60)


def is_last(frame):
    return ICMPv6ND_RA in frame and frame[ICMPv6ND_RA].routerlifetime == 0


def heard_last(router):
    """What the router's link has had since, and whether its last words are among it."""
    router.lan.settimeout(0)
    frames = []
    try:
        while True:
            frames.append(Ether(router.lan.recv(2000)))
    except BlockingIOError:
        return any(map(is_last, frames))


@pytest.fixture
def service():
    """amp router, as a service manager starts it, which has advertised."""
    r = Router(CONF + "port lan address fd00:1::1/64\nport lan advertise on\n")
    try:
        r.told("READY=1")
        while ICMPv6ND_RA not in Ether(r.lan.recv(2000)):
            pass
        yield r
    finally:
        r.close()


def test_sigterm(service):
    """RFC 4861 6.2.5: as with SIGTERM, which is how `systemctl stop` says it; the node ends in good order."""
    code, _, err = service.end()
    assert code == 0 and heard_last(service) and "error" not in err, err


def test_sigterm_twice(service):
    """A second one does not wait: a node that is stopped, and cannot say anything, is killed after the two seconds that it has for SIGTERM."""
    kernel = pids_of(service)["r1"]
    os.kill(kernel, signal.SIGSTOP)
    service.process.send_signal(signal.SIGTERM)
    service.told("STOPPING=1")
    service.process.send_signal(signal.SIGTERM)
    service.process.communicate(timeout=20)
    assert service.process.returncode == 0 and not heard_last(service)
    with pytest.raises(ProcessLookupError):
        os.kill(kernel, 0)


def test_power_off(hosts):
    """RFC 4861 6.2.5: shutting down the system, too, has hosts hear that this is no router any more."""
    hosts.tell("port 0 advertise on")
    wait_for(hosts.default, 60)
    hosts.ask("r1", "poweroff")
    wait_for(lambda: not hosts.default(), 60)
