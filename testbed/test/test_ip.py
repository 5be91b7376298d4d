# SPDX-License-Identifier: BSD-2-Clause
"""Ordinary IP through three routers: echo, UDP, TTL expiry; checksums recomputed from the frames that the far end got."""
import logging
import time

import pytest

logging.getLogger("scapy.runtime").setLevel(logging.ERROR)
from scapy.all import ICMP, IP, UDP, Ether, rdpcap  # noqa: E402

ROUTERS = 3


def frames(demo, node, want, within=3.0):
    """The packets at a node's port 0 for which want holds, once there is one."""
    until = time.monotonic() + within
    while True:
        found = [p for p in rdpcap(str(demo.state / f"{node}-0.pcap")) if want(p)]
        if found or time.monotonic() > until:
            return found
        time.sleep(0.1)


def recomputed(packet):
    """The packet's IP layer with every checksum computed anew."""
    ip = packet[IP].copy()
    for layer in (IP, UDP, ICMP):
        if layer in ip:
            del ip[layer].chksum
    return IP(bytes(ip))


def assert_checksums(packet):
    fresh = recomputed(packet)
    assert packet[IP].chksum == fresh[IP].chksum
    for layer in (UDP, ICMP):
        if layer in packet:
            assert packet[layer].chksum == fresh[layer].chksum


def test_icmp_echo(demo):
    demo.amp("ping", "h1", "h2", "--icmp", "-c", "3", "-i", "0.05", check=0)
    h1, h2 = demo.address("h1"), demo.address("h2")
    requests = frames(demo, "h2", lambda p: ICMP in p and p[ICMP].type == 8 and p[IP].src == h1)
    replies = frames(demo, "h1", lambda p: ICMP in p and p[ICMP].type == 0 and p[IP].src == h2)
    assert len(requests) >= 3 and len(replies) >= 3
    sent = frames(demo, "h1", lambda p: ICMP in p and p[ICMP].type == 8 and p[IP].src == h1)
    for packet in requests:
        assert packet[IP].dst == h2
        assert packet[IP].ttl == sent[0][IP].ttl - ROUTERS
    for packet in requests + replies:
        assert_checksums(packet)


@pytest.mark.parametrize("size", [0, 1, 64, 1400, 1472])
def test_icmp_sizes(demo, size):
    rows = demo.ask("h1", f"ping {demo.address('h2')} size {size}")
    assert isinstance(rows, list), rows
    assert rows[0]["type"] == 0


def test_routers_answer(demo):
    for node in ("r1", "r2", "r3"):
        demo.alive("h1", node)
    demo.alive("r1", "h2")


@pytest.mark.parametrize("data", ["00", "616d70", "ff" * 1000])
def test_udp_echo(demo, data):
    rows = demo.ask("h1", f"udp {demo.address('h2')} 7 {data}")
    assert isinstance(rows, list), rows
    assert rows[0]["data"] == data and rows[0]["from"] == demo.address("h2")
    h1, h2 = demo.address("h1"), demo.address("h2")
    for node, src in (("h2", h1), ("h1", h2)):
        got = frames(demo, node, lambda p: UDP in p and p[IP].src == src and 7 in (p[UDP].sport, p[UDP].dport) and
                     bytes(p[UDP].payload)[:len(data) // 2] == bytes.fromhex(data))
        assert got
        for packet in got:
            assert packet[UDP].chksum != 0
            assert_checksums(packet)


@pytest.mark.parametrize("ttl,node", [(1, "r1"), (2, "r2"), (3, "r3")])
def test_ttl_expiry(demo, ttl, node):
    rows = demo.ask("h1", f"ping {demo.address('h2')} ttl {ttl}")
    assert isinstance(rows, list), rows
    assert (rows[0]["type"], rows[0]["code"]) == (11, 0)
    assert demo.owner(rows[0]["from"]) == node
    # The error quotes the header that caused it (RFC 792), and its checksums hold.
    errors = frames(demo, "h1", lambda p: ICMP in p and p[ICMP].type == 11 and p[IP].src == rows[0]["from"])
    assert errors
    for packet in errors:
        assert_checksums(packet)
        quoted = IP(bytes(packet[ICMP].payload))
        assert (quoted.src, quoted.dst) == (demo.address("h1"), demo.address("h2"))


def test_ttl_enough(demo):
    rows = demo.ask("h1", f"ping {demo.address('h2')} ttl 4")
    assert rows[0]["type"] == 0


def test_no_route(demo):
    rows = demo.ask("h1", "ping 10.0.1.77")
    assert isinstance(rows, str) or rows[0]["type"] == 3
    demo.alive()


def test_closed_port(demo):
    """Nobody listens: the far end says so (RFC 1122 4.1.3.1), in time for the asker."""
    rows = demo.ask("h1", f"udp {demo.address('h2')} 9 00")
    assert isinstance(rows, str) or rows[0].get("type") == 3
    errors = frames(demo, "h1", lambda p: ICMP in p and (p[ICMP].type, p[ICMP].code) == (3, 3))
    assert errors
    assert_checksums(errors[0])


def test_frames_are_legal(demo):
    """What crossed the middle of the network: Ethernet of legal size, the routers' own MACs, no bad IP checksum."""
    demo.alive()
    packets = rdpcap(str(demo.state / "r2-0.pcap"))
    assert packets
    for packet in packets:
        assert 14 <= len(packet) <= 1514
        assert packet[Ether].src in ("52:54:00:00:02:01", "52:54:00:00:03:00")
        if IP in packet:
            assert packet[IP].chksum == recomputed(packet)[IP].chksum
