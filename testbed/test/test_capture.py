# SPDX-License-Identifier: BSD-2-Clause
"""amp capture and amp trace-packet on running routers: what they say of packets, and that other programs read the files."""
import json
import logging
import os
import signal
import subprocess
import time

import pytest

from conftest import AMP
from test_lifecycle import wait_for
from test_router import Router, router  # noqa: F401

logging.getLogger("scapy.runtime").setLevel(logging.ERROR)
from scapy.all import ICMP, IP, UDP, Ether, rdpcap  # noqa: E402


def started(place, *words):
    """An amp that runs; where it tells of packets, it has been told of a first one."""
    process = place.start(*words)
    time.sleep(0.5)
    assert process.poll() is None, process.communicate()
    return process


def ended(process):
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=10)
    return process.returncode, out, err


def mac_of(router):  # noqa: F811
    return next(p["mac"] for p in router.amp("show", "r1", "ports", "--json", check=0).rows if p["port"] == 0)


def inject(router, packet):  # noqa: F811
    router.lan.sendto(bytes(Ether(dst=mac_of(router), src="02:00:00:00:01:09") / packet), str(router.dir / "lan.r"))


def spoiled(packet):
    """The same with a wrong header checksum."""
    packet[IP].chksum = 1
    return packet


def test_lines(router):  # noqa: F811
    c = started(router, "capture", "r1")
    assert router.forward("10.3.0.7")
    inject(router, spoiled(IP(src="10.1.0.9", dst="10.3.0.8") / UDP()))
    inject(router, IP(src="10.1.0.9", dst="10.3.0.7", ttl=1) / ICMP(id=5, seq=6))
    wait_for(lambda: any(d["name"] == "ipv4-drop-checksum" for d in router.amp("show", "r1", "counters", "--json").rows))
    time.sleep(0.3)
    code, out, err = ended(c)
    assert code == 0 and "packets captured, 0 missed" in err
    for line in ("lan in: forwarded to wan: IP 10.1.0.9.1 > 10.3.0.7.9: UDP, length 4",
                 "wan out: forwarded from lan: IP 10.1.0.9.1 > 10.3.0.7.9: UDP, length 4",
                 "lan in: dropped: ipv4-drop-checksum: IP 10.1.0.9.53 > 10.3.0.8.53: UDP, length 0",
                 "lan in: passed to the node: IP (ttl 1) 10.1.0.9 > 10.3.0.7: ICMP echo request, id 5, seq 6, length 8",
                 "lan out: sent: IP 10.1.0.1 > 10.1.0.9: ICMP time exceeded in transit"):
        assert out.count(line) == 1, (line, out)


def test_files(router):  # noqa: F811
    """tcpdump and scapy read them; they have names of interfaces, directions and comments."""
    path = router.dir / "x.pcapng"
    c = started(router, "capture", "r1", "-w", path, "udp")
    assert router.forward("10.3.0.7")
    inject(router, spoiled(IP(src="10.1.0.9", dst="10.3.0.8") / UDP() / b"spoiled"))
    wait_for(lambda: path.read_bytes().count(b"handler forward4") == 3)
    code, out, err = ended(c)
    assert code == 0 and out == "" and "3 packets captured, 0 missed" in err
    read = subprocess.run(["tcpdump", "-nr", path], capture_output=True, text=True, check=True)
    assert read.stdout.count("10.3.0.7.9: UDP, length 4") == 2 and "10.3.0.8.53" in read.stdout
    packets = rdpcap(str(path))
    assert [p[IP].ttl for p in packets] == [64, 63, 64] and packets[2][IP].chksum == 1
    assert packets[0][Ether].dst == mac_of(router) and packets[1][Ether].dst == "02:00:00:00:02:09"
    assert abs(float(packets[0].time) - time.time()) < 60
    data = path.read_bytes()
    for text in (b"r1/lan", b"r1/wan", b"forwarded to wan, handler forward4", b"forwarded from lan, handler forward4",
                 b"dropped: ipv4-drop-checksum, handler forward4"):
        assert data.count(text) == 1, text


def test_into_a_pipe(router):  # noqa: F811
    """A reader at the other end has each packet when it comes."""
    amp = subprocess.Popen([AMP, "capture", "r1", "-w", "-", "-Q", "out", "-i", "wan"], env=router.env, stdout=subprocess.PIPE)
    dump = subprocess.Popen(["tcpdump", "-lnr", "-"], stdin=amp.stdout, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                            text=True)
    amp.stdout.close()
    time.sleep(0.5)
    for i in range(3):
        assert router.forward(f"10.3.0.{i}")
        assert f"10.3.0.{i}.9: UDP" in dump.stdout.readline()
    amp.send_signal(signal.SIGINT)
    assert amp.wait(timeout=10) == 0 and dump.wait(timeout=10) == 0
    dump.stdout.close()


def test_a_reader_that_goes(router):  # noqa: F811
    """Without another packet: Wireshark was closed."""
    amp = subprocess.Popen([AMP, "capture", "r1", "-w", "-"], env=router.env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert amp.stdout.read(4) == b"\n\r\r\n"
    amp.stdout.close()
    amp.wait(timeout=5)


def test_by_reason(router):  # noqa: F811
    some = started(router, "capture", "r1", "--drop", "ipv4-drop-checksum", "-c", "2")
    number = started(router, "capture", "r1", "--drop", "12")
    every = started(router, "capture", "r1", "--drops", "-s", "20")
    fate = started(router, "capture", "r1", "--drop", "bad-length", "--drop", "no-filter")
    assert router.forward("10.3.0.7")
    inject(router, IP(src="127.0.0.1", dst="10.3.0.7") / UDP())
    for _ in range(3):
        inject(router, spoiled(IP(src="10.1.0.9", dst="10.3.0.8") / UDP()))
    router.lan.sendto(b"x" * 10, str(router.dir / "lan.r"))
    assert some.wait(timeout=10) == 0
    time.sleep(0.3)
    out = some.communicate()[0]
    assert out.count("dropped: ipv4-drop-checksum") == 2 == out.count("\n")
    out = ended(number)[1]
    assert out.count("dropped: ipv4-drop-checksum") == 3 == out.count("\n")
    out = ended(every)[1]
    assert out.count("ipv4-drop-checksum") == 3 and out.count("ipv4-drop-bad-source") == 1 and "forwarded" not in out
    assert out.count("dropped: bad-length: frame [too short], length 10") == 1
    out = ended(fate)[1]
    assert out.count("\n") == 1 and "bad-length" in out


@pytest.mark.parametrize("word", ["drop-checksum", "checksum", "ipv4-checksum", "ipv4-drop-checksum"])
def test_reasons_as_one_spells_them(router, word):  # noqa: F811
    """Every name of `show drops`, with and without its beginnings."""
    c = started(router, "capture", "r1", "--drop", word, "--drop", "drop-bad-length", "--drop", "transmit-full", "-c", "2")
    inject(router, IP(src="127.0.0.1", dst="10.3.0.7") / UDP())
    inject(router, spoiled(IP(src="10.1.0.9", dst="10.3.0.8") / UDP()))
    router.lan.sendto(b"x" * 10, str(router.dir / "lan.r"))
    out = c.communicate(timeout=20)[0]
    assert out.count("dropped: ipv4-drop-checksum") == 1 == out.count("dropped: bad-length") and out.count("\n") == 2


def test_trace(router):  # noqa: F811
    t = started(router, "trace-packet", "r1", "-i", "lan", "-c", "2", "ip")
    j = started(router, "trace-packet", "r1", "--json", "-c", "1", "dst host 10.3.0.7")
    assert router.forward("10.3.0.7")
    inject(router, spoiled(IP(src="10.1.0.9", dst="10.3.0.8") / UDP()))
    out, _ = t.communicate(timeout=10)
    assert t.returncode == 0
    for line in ("in at lan, lcore 0: IP 10.1.0.9.1 > 10.3.0.7.9: UDP, length 4", "of init, any port", "at 12, 2 bytes = 0x0800",
                 "lpm4(routes4, 10.3.0.7) = ", "verdict  FORWARD to wan", "outcome  forwarded to wan",
                 "changed  destination MAC, source MAC, ttl 64 to 63, checksum", "02:00:00:00:02:09, 46 bytes",
                 "verdict  DROP for ipv4-drop-checksum", "outcome  dropped: ipv4-drop-checksum"):
        assert out.count(line) >= 1, (line, out)
    out, _ = j.communicate(timeout=10)
    row = json.loads(out)
    assert row["handler"]["name"] == "forward4" and row["handler"]["verdict"] == "FORWARD to wan"
    assert row["handler"]["executed"] > 20 and 0 < row["handler"]["spent"] < row["handler"]["budget"]
    assert [c["helper"] for c in row["handler"]["calls"]][:1] == ["lpm4"] and row["handler"]["calls"][0]["table"] == "routes4"
    assert row["filter"]["atoms"] == [{"kind": "equal", "off": 12, "size": 2, "mask": "0xffff", "value": "0x0800"}]
    before, after = (Ether(bytes.fromhex(row[k]["bytes"])) for k in ("in", "out"))
    assert before[IP].ttl == 64 and after[IP].ttl == 63 and row["out"]["port"] == "wan"


WRONG = [
    (("capture",), 64, "name a router"),
    (("capture", "r1", "-c", "0"), 64, "a number from 1"),
    (("capture", "r1", "-s", "1519"), 64, "a number from 1 to 1518"),
    (("capture", "r1", "-Q", "up"), 64, "in or out"),
    (("capture", "r1", "--drop", "ipv4-drop-chksum"), 64, "ipv4-drop-checksum"),
    (("capture", "r1", "--drop", "forwarded"), 64, "there is no reason 'forwarded'"),
    (("capture", "r1", "--drop", "drop-ttl"), 64, "captured as passed to the node"),
    (("capture", "r1", "--drop", "no-route"), 64, "the node's root domain counts it"),
    (("capture", "r1", "--drops", "--drop", "1"), 64, "leave out --drop"),
    (("capture", "r1", "-i", "dmz"), 1, "there is no port 'dmz': r1 has lan wan"),
    (("capture", "r2"), 1, "there is no node 'r2'"),
    (("capture", "r1", "udp prt 5"), 1, "column 5"),
    (("capture", "r1", "-w", "/nonexistent/x"), 1, "cannot write /nonexistent/x"),
    (("trace-packet",), 64, "name a router"),
    (("trace-packet", "r1", "-i", "9"), 1, "there is no port '9'"),
    (("trace-packet", "r1", "not udp"), 1, "not"),
]


def test_what_is_wrong_is_named(router):  # noqa: F811
    for words, code, says in WRONG:
        done = router.amp(*words)
        assert done.code == code and says in done.err, (words, done)
    for verb in ("capture", "trace-packet"):
        assert f"usage: amp {verb} NODE" in router.amp(verb, "--help", check=0).out


def test_when_the_router_ends(router):  # noqa: F811
    c = started(router, "capture", "r1")
    assert router.end()[0] == 0
    assert c.wait(timeout=10) == 1
    assert "the node has ended" in c.communicate()[1]


@pytest.mark.skipif(os.getuid() != 0, reason="makes network namespaces")
def test_in_a_testbed(place):
    """Two routers of one testbed; one in a network namespace with mirrors, and a node of another kind."""
    text = (place.dir / "router.yaml").read_text()
    place.write("caps.yaml", text.replace("name: router", "name: caps").replace("r1: {kind: router}", "r1: {kind: router, mirror: true}"))
    place.amp("testbed", "up", "caps.yaml", check=0)
    mirrors = started(place, "capture", "r1", "-i", "p0.linux")
    ping = ("testbed", "exec", "caps", "n1", "--", "ping", "-4", "-i", "0.1", "n2", "-c")
    assert place.amp(*ping, "1").code == 0  # who is where is found out
    c = started(place, "capture", "r1", "icmp")
    assert place.amp(*ping, "3").code == 0
    time.sleep(0.3)
    out = ended(c)[1]
    assert out.count("p0 in: forwarded to p1: IP 10.0.1.1 > 10.0.2.2: ICMP echo request") == 3, out
    assert out.count("p0 out: forwarded from p1: IP 10.0.2.2 > 10.0.1.1: ICMP echo reply") == 3, out
    assert ended(mirrors)[0] == 0
    done = place.amp("capture", "n1")
    assert done.code == 1 and "n1 is of kind host, and only routers can be watched from inside: r1" in done.err
    place.amp("testbed", "down", "caps", check=0)
    place.nothing_left()
