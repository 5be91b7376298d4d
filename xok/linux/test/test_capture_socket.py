# SPDX-License-Identifier: BSD-2-Clause
"""The capture socket of xokd from outside: what it tells of each packet, whom it lets in, and that no client can hold anybody up."""
import contextlib
import os
import random
import select
import signal
import socket
import struct
import subprocess
import time

import pytest

from test_xokd import ANSWER, BUILD, REQUEST, STATION, cable, eventually, frame, node, pcap, root_only, unix  # noqa: F401

MAGIC = 0x31706178
PACKETS, TRACES = 0, 1
IN, OUT = 1, 2
ANY = 0xFFFFFFFF
HELLO, REFUSED, PACKET, TRACE, END = range(5)
FATES = ("forwarded", "replied", "ring", "consumed", "dropped", "bad-length", "no-filter", "ring-full", "tx-full", "denied",
         "bad-verdict", "stopped", "throttled", "sent")
ALL = (1 << len(FATES)) - 1


def request(kind=PACKETS, port=ANY, directions=IN | OUT, fates=ALL, snap=1518, count=0, filters=b"", magic=MAGIC):
    return struct.pack("<8I160xII", magic, kind, port, directions, fates, snap, count, 0, len(filters) // 392, 0) + filters


def ether_type(value):
    """A filter of one atom."""
    atom = struct.pack("<HBB4xQQ", 12, 2, 0, 0xFFFF, value)
    return struct.pack("<iI", -1, 1) + atom.ljust(16 * 24, b"\0")


class Packet:
    def __init__(self, data):
        (self.time, self.len, captured, self.port, other, direction, fate, self.reason, self.lcore,
         program) = struct.unpack_from("<QIIHHHHII16s", data, 8)
        self.other = None if other == 0xFFFF else other
        self.direction = {IN: "in", OUT: "out"}[direction]
        self.fate = FATES[fate]
        self.program = program.rstrip(b"\0").decode()
        self.data = data[56:56 + captured]

    def __repr__(self):
        return f"{self.port} {self.direction} {self.fate} {self.len}"


class Client:
    def __init__(self, node, name="xokd"):
        self.s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.s.settimeout(10)
        path = node.dir / "run" / f"{name}.capture"
        assert eventually(path.exists)
        self.s.connect(str(path))
        self.queue = []
        self.missed = None
        kind, hello = self.record()
        assert kind == HELLO
        magic, ports = struct.unpack_from("<II", hello, 8)
        assert magic == MAGIC
        self.node = hello[16:48].rstrip(b"\0").decode()
        self.ports = [hello[48 + 24 * i:64 + 24 * i].rstrip(b"\0").decode() for i in range(ports)]

    def record(self):
        if not self.queue:
            message = self.s.recv(1 << 16)
            while message:
                size, kind = struct.unpack_from("<II", message)
                assert size % 8 == 0 and 8 <= size <= len(message)
                self.queue.append((kind, message[:size]))
                message = message[size:]
        return self.queue.pop(0) if self.queue else (None, b"")

    def ask(self, **words):
        self.s.send(request(**words))
        return self

    def started(self):
        """Whether it is; there is no answer to a good request but packets."""
        time.sleep(0.1)
        return self

    def packets(self, n=None):
        """So many of them, or all until the end."""
        got = []
        while n is None or len(got) < n:
            kind, data = self.record()
            if kind in (PACKET, TRACE):
                got.append(Packet(data))
            elif kind == END:
                self.missed, = struct.unpack_from("<Q", data, 8)
                assert n is None
                return got
            else:
                raise AssertionError((kind, data))
        return got

    def enough(self):
        self.s.shutdown(socket.SHUT_WR)
        return self.packets()

    def refused(self):
        kind, data = self.record()
        assert kind == REFUSED, kind
        assert self.s.recv(100) == b""
        return data[8:].rstrip(b"\0").decode()

    def close(self):
        self.s.close()


@pytest.fixture
def open_client(node):  # noqa: F811
    """Makes clients."""
    with contextlib.ExitStack() as stack:
        yield lambda *words: stack.enter_context(contextlib.closing(Client(node, *words)))


@pytest.fixture
def place(node):  # noqa: F811
    (node.dir / "run").mkdir()
    return node


def test_each_packet_with_its_fate(place, open_client):
    with cable(place, "a") as a:
        place.start(*unix("a"), *unix("b"), "--run", "run", "--name", "n1")
        everything, drops = open_client("n1").ask().started(), open_client("n1")
        assert everything.node == "n1" and everything.ports == ["a", "b"]
        drops.ask(directions=IN, fates=ALL & ~(1 << 2) & ~1, snap=20).started()
        sent = [frame(), frame(b"\x08\x00", 300), b"x" * 9, frame(REQUEST, 1518), b"y" * 3000]
        for data in sent:
            a.sendto(data, str(place.dir / "a.l"))
        before = time.time()
        got = everything.packets(7)
        assert [(p.direction, p.fate) for p in got if p.direction == "in"] == [
            ("in", "ring"), ("in", "no-filter"), ("in", "bad-length"), ("in", "ring"), ("in", "bad-length")]
        arrived = [p for p in got if p.direction == "in"]
        assert [p.data for p in arrived] == sent[:4] + [b""] and [p.len for p in arrived][:4] == [len(d) for d in sent[:4]]
        answers = [p for p in got if p.direction == "out"]
        assert [p.fate for p in answers] == ["sent", "sent"]
        assert [p.data[12:14] for p in answers] == [ANSWER] * 2
        assert all(abs(p.time / 1e9 - before) < 5 for p in got) and {p.port for p in got} == {0}
        dropped = drops.packets(3)
        assert [(p.fate, len(p.data)) for p in dropped] == [("no-filter", 20), ("bad-length", 9), ("bad-length", 0)]
        assert everything.enough() == [] and everything.missed == 0
        assert place.stop()[0] == 0


def test_filters_ports_and_directions(place, open_client):
    with cable(place, "a") as a, cable(place, "b") as b:
        place.start(*unix("a"), *unix("b"), "--run", "run")
        one = open_client().ask(filters=ether_type(0x88B5) + ether_type(0x0806)).started()
        at_b = open_client().ask(port=1).started()
        out = open_client().ask(directions=OUT).started()
        for s, name in ((a, "a"), (b, "b")):
            for kind in (REQUEST, b"\x08\x00", b"\x08\x06"):
                s.sendto(frame(kind), str(place.dir / f"{name}.l"))
                time.sleep(0.02)
        assert [(p.port, p.data[12:14]) for p in one.packets(4)] == [(0, REQUEST), (0, b"\x08\x06"), (1, REQUEST),
                                                                     (1, b"\x08\x06")]
        assert sorted((p.direction, p.data[12:14]) for p in at_b.packets(4)) == [
            ("in", b"\x08\x00"), ("in", b"\x08\x06"), ("in", REQUEST), ("out", ANSWER)]
        assert [(p.port, p.direction) for p in out.packets(2)] == [(0, "out"), (1, "out")]
        for c in (one, at_b, out):
            assert c.enough() == []


def test_count(place, open_client):
    with cable(place, "a") as a:
        place.start(*unix("a"), "--run", "run")
        three = open_client().ask(directions=IN, count=3).started()
        for _ in range(10):
            a.sendto(frame(), str(place.dir / "a.l"))
        assert len(three.packets()) == 3 and three.s.recv(10) == b""


def test_trace(place, open_client):
    """Of a packet without a handler: which filter claimed it, whose that is."""
    with cable(place, "a") as a:
        place.start(*unix("a"), "--run", "run")
        c = open_client().ask(kind=TRACES, directions=IN).started()
        a.sendto(frame(), str(place.dir / "a.l"))
        a.sendto(frame(b"\x08\x00"), str(place.dir / "a.l"))
        kind, data = c.record()
        assert kind == TRACE and Packet(data).fate == "ring"
        filter_id, owner = struct.unpack_from("<II", data, 64)
        assert filter_id and owner and data[72:88].rstrip(b"\0") == b"init"
        assert struct.unpack_from("<iI", data, 104) == (-1, 1)
        assert data[-64:].startswith(frame()) and a.recv(100)[12:14] == ANSWER
        kind, data = c.record()
        assert struct.unpack_from("<I", data, 64) == (0,) and Packet(data).fate == "no-filter"


# ---- whom it lets in ----


@root_only
def test_others_are_not_let_in(place, open_client):
    place.start(*unix("a"), "--run", "run")
    client = open_client()
    path = place.dir / "run" / "xokd.capture"
    assert path.stat().st_mode & 0o777 == 0o600
    os.chmod(path, 0o666)  # even so
    script = ("import socket,sys; s=socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET); "
              "s.connect(sys.argv[1]); print(len(s.recv(65536)))")
    done = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "/usr/bin/python3", "-c", script, path],
                          capture_output=True, text=True, check=False)
    assert done.stdout.strip() in ("0", "") and "Permission" not in done.stderr, done
    client.ask().started()
    assert client.enough() == []


@pytest.mark.parametrize("spoil,words", [
    (b"", "length"), (b"\0" * 199, "shorter"), (request(magic=1), "build"), (request(kind=9), "kind"),
    (request(port=1), "no such port"), (request(directions=0), "direction"), (request(fates=1 << 14), "fate"),
    (request(snap=0), "long"), (request(kind=TRACES), "come in"), (request() + b"x", "length"),
    (request(filters=ether_type(0x10000)), "malformed")])
def test_what_is_wrong_is_refused(place, open_client, spoil, words):
    place.start(*unix("a"), "--run", "run")
    client = open_client()
    if not spoil:
        client.s.shutdown(socket.SHUT_WR)
        assert client.s.recv(100) == b""
    else:
        client.s.send(spoil)
        assert words in client.refused()
    assert open_client().ask().started().enough() == []
    assert place.stop()[0] == 0


def test_as_many_as_there_can_be(place, open_client):
    place.start(*unix("a"), "--run", "run")
    eight = [open_client().ask() for _ in range(8)]
    assert "as many captures already" in open_client().ask().refused()
    eight[3].close()
    time.sleep(0.1)
    one = open_client().ask().started()
    for c in (*eight[:3], *eight[4:], one):
        assert c.enough() == []
    silent = [socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) for _ in range(20)]
    for s in silent:
        s.connect(str(place.dir / "run" / "xokd.capture"))
    time.sleep(0.1)
    for s in silent:
        s.close()
    assert eventually(lambda: open_client().ask().started().enough() == [])
    assert place.stop()[0] == 0


# ---- nobody is held up ----


def rate(node, port, seconds=0.5):  # noqa: F811
    before = node.port(port)["rx_packets"]
    time.sleep(seconds)
    return (node.port(port)["rx_packets"] - before) / seconds


def test_a_client_that_does_not_read(place, open_client):
    """What it does not take is counted, the packets go on, and others get theirs."""
    pcap(place.dir / "in.pcap", [frame(b"\x08\x00") for _ in range(5000)])
    place.start("--port", "p=pcap:in.pcap;loop", *unix("a"), "--run", "run")
    idle = rate(place, "p")
    deaf = open_client().ask(snap=64).started()
    assert rate(place, "p") > idle / 20
    other = open_client().ask(snap=64, count=1000).started()
    assert len(other.packets()) == 1000
    got = len(deaf.enough())
    books = place.port("p")
    assert got > 1000 and deaf.missed > 0
    assert got + deaf.missed <= books["rx_packets"]
    assert eventually(lambda: rate(place, "p") > idle / 3, 10)
    assert place.stop()[0] == 0


def test_every_packet_is_captured_or_missed(place, open_client):
    pcap(place.dir / "in.pcap", [frame(b"\x08\x00") for _ in range(3000)])
    with cable(place, "a") as a:
        place.start(*unix("a"), "--run", "run")
        c = open_client().ask(directions=IN, snap=40).started()
        for i in range(4000):
            a.sendto(frame(b"\x08\x00", 60 + i % 1000), str(place.dir / "a.l"))
        place.counted("a", rx_packets=4000)
        got = c.enough()
        assert len(got) + c.missed == 4000
        lens = [p.len for p in got]
        assert c.missed or lens == [60 + i % 1000 for i in range(4000)]


def test_clients_come_and_go(place, open_client):
    """At any moment, in any way, on two lcores under load; afterwards everything is as before."""
    cpus = sorted(os.sched_getaffinity(0))[:2]
    rng = random.Random(7)
    pcap(place.dir / "in.pcap", [frame(b"\x08\x00") for _ in range(100)])
    place.start("--port", "p=pcap:in.pcap;loop", "--port", "q=pcap:in.pcap;loop", "--lcores", ",".join(map(str, cpus)),
                "--run", "run")
    descriptors = len(os.listdir(f"/proc/{place.process.pid}/fd"))
    clients = []
    for _ in range(120):
        do = rng.random()
        if do < 0.5 and len(clients) < 7:
            clients.append(Client(place))
            clients[-1].ask(kind=rng.choice((PACKETS, TRACES)), directions=IN, snap=rng.choice((1, 64, 1518)),
                            count=rng.choice((0, 0, 50)), filters=rng.choice((b"", ether_type(0x800), ether_type(0x806))))
        elif do < 0.7 and clients:
            c = rng.choice(clients)
            if select.select([c.s], [], [], 0)[0]:
                c.s.recv(1 << 16)
        elif clients:
            c = clients.pop(rng.randrange(len(clients)))
            if rng.random() < 0.5:
                c.s.shutdown(socket.SHUT_WR)
                while c.s.recv(1 << 16):
                    pass
            c.close()
        time.sleep(rng.random() * 0.01)
    for c in clients:
        c.close()
    assert eventually(lambda: len(os.listdir(f"/proc/{place.process.pid}/fd")) == descriptors)
    code, out = place.stop()
    assert code == 0 and not list((place.dir / "run").iterdir()), out


def test_the_node_ends_with_clients(place, open_client):
    place.start(*unix("a"), "--run", "run")
    c = open_client().ask().started()
    assert place.stop(signal.SIGTERM)[0] == 0
    assert c.s.recv(100) == b"" and not list((place.dir / "run").iterdir())


def test_a_killed_one_leaves_no_socket_in_the_way(place, open_client):
    place.start(*unix("a"), "--run", "run")
    place.stop(signal.SIGKILL)
    assert (place.dir / "run" / "xokd.capture").exists()
    place.heard()
    place.start(*unix("a"), "--run", "run")
    assert open_client().ask().started().enough() == []
