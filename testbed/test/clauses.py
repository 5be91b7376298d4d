# SPDX-License-Identifier: BSD-2-Clause
"""One router between two links, on either machine, for tests of single clauses: frames go in, all that came out is handed back with all that
was counted, and the books are balanced after each exchange.

The router has port 0 (10.0.1.2/24, fd00:1::2/64) and port 1 (10.0.2.1/24, fd00:2::1/64). At each there is a host, .9 or ::9, that is known to it and
is played by the test.
"""
import collections
import logging
import os
import signal
import socket
import struct
import time

import pytest

from conftest import BUILD, Place, Testbed

logging.getLogger("scapy.runtime").setLevel(logging.ERROR)
from scapy.all import ICMP, IP, UDP, Ether, IPv6, Raw, raw  # noqa: E402

HOST4 = ("10.0.1.9", "10.0.2.9")
HOST6 = ("fd00:1::9", "fd00:2::9")
HOST_MAC = ("02:00:00:00:01:09", "02:00:00:00:02:09")
ROUTER4 = ("10.0.1.2", "10.0.2.1")
ROUTER6 = ("fd00:1::2", "fd00:2::1")
SETTLED = 60.0  # s: the router waits three for a neighbour, and a busy machine for its turn

CONF = """node r1
interface lan unix:{dir}/0.r;{dir}/0.h mac 52:54:00:00:02:00
interface wan unix:{dir}/1.r;{dir}/1.h mac 52:54:00:00:02:01
memory 64
port lan address 10.0.1.2/24
port lan address fd00:1::2/64
port wan address 10.0.2.1/24
port wan address fd00:2::1/64
"""


class LinuxWires(Place):
    """amp router over Unix sockets, whose far ends are ours."""

    def __init__(self):
        super().__init__()
        self.state = self.dir / "s"
        self.wire = []
        for i in range(2):
            s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            s.bind(str(self.dir / f"{i}.h"))
            s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
            self.wire.append(s)
        manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        manager.bind(str(self.dir / "notify"))
        manager.settimeout(20)
        self.env["NOTIFY_SOCKET"] = str(self.dir / "notify")
        self.process = self.start("router", "-c", self.write("r.conf", CONF.format(dir=self.dir)), "--state", self.state)
        while b"READY=1" not in manager.recv(4096):
            pass
        manager.close()

    ask = Testbed.ask

    def put(self, port, frame):
        self.wire[port].settimeout(5)
        self.wire[port].sendto(frame, str(self.dir / f"{port}.r"))

    def collect(self, port):
        frames = []
        self.wire[port].setblocking(False)
        try:
            while True:
                frames.append(self.wire[port].recv(4096))
        except BlockingIOError:
            return frames

    def close(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            _, err = self.process.communicate(timeout=20)
            assert self.process.returncode == 0, err
        finally:
            for s in self.wire:
                s.close()
            super().close()


class PcWires(Testbed):
    """The router in QEMU between two edges. What we play sends through the relay, and sees what its captures have."""

    def __init__(self):
        super().__init__("one")
        self.at = [24, 24]

    def put(self, port, frame):
        self.send_frames("r0.0" if port == 0 else "r2.0", [frame])

    def collect(self, port):
        """What the router has sent since the last time; the edges' own frames are in the capture as well."""
        data = (self.state / f"h{port + 1}-0.pcap").read_bytes()
        frames = []
        while self.at[port] + 16 <= len(data):
            length = struct.unpack_from("<I", data, self.at[port] + 8)[0]
            frame = data[self.at[port] + 16:self.at[port] + 16 + length]
            if len(frame) < length:
                break
            self.at[port] += 16 + length
            if frame[6:12] == bytes([0x52, 0x54, 0, 0, 2, port]):
                frames.append(frame)
        return frames

    def close(self):
        try:
            self.down()
        finally:
            super().close()


MACHINES = {"linux": LinuxWires, "pc": PcWires}

# Drops of the router domain that end what came in or was to be sent, before a next hop was sought for it.
ENDS4 = ("short version header-length length checksum options source-route bad-source bad-destination multicast broadcast not-for-us ttl "
         "no-route blackhole prohibited reverse-path fragmentation-needed to-host").split()
ENDS6 = ("short version length bad-source bad-destination multicast link-group scope options headers hop-limit no-route blackhole "
         "prohibited too-big no-service checksum icmp-type to-host").split()


class Exchange:
    """What an exchange changed: counters by group, and the frames that came out, by port."""

    def __init__(self, delta, out):
        self.out = out
        self.frames = out[0] + out[1]
        self.delta = delta
        self.forward = self.group("forward")
        self.ip, self.ip6 = self.group("ip"), self.group("ip6")

    def group(self, name):
        return {k[1]: v for k, v in self.delta.items() if k[0] == name and v}

    def only(self, port=None):
        """The one frame that came out."""
        assert len(self.frames) == 1, [f.summary() for f in self.frames]
        assert port is None or self.out[port], "it left by the other port"
        return self.frames[0]


class Node:
    def __init__(self, machine):
        self.machine = machine
        self.wires = MACHINES[machine]()
        self.mark = 0
        self.seen = [0, 0]  # frames that came out
        self.come = [[], []]  # those that no exchange has handed back yet
        for i in range(2):
            self.tell(f"neighbour {i} {HOST4[i]} {HOST_MAC[i]}", f"neighbour {i} {HOST6[i]} {HOST_MAC[i]}")
        self.mac = [p["mac"] for p in self.ask("show ports")[:2]]
        self.began = self.books()
        for i in range(2):
            self.seen[i] = len(self.wires.collect(i))
        self.missed = [self.began[f"port{i}", "tx-packets"] - self.seen[i] for i in range(2)]

    # ---- commands ----

    def ask(self, command):
        return self.wires.ask("r1", command)

    def tell(self, *commands):
        for command in commands:
            assert self.ask(command) == [], command

    # ---- frames ----

    def payload(self, size=30):
        """Bytes that no other packet of the test has."""
        self.mark += 1
        return (b"mark %06d " % self.mark + bytes(i & 255 for i in range(max(size, 16))))[:size]

    def ether(self, port=0, **more):
        return Ether(**{"src": HOST_MAC[port], "dst": self.mac[port], **more})

    def udp4(self, load=None, port=0, **ip):
        """From the host at this port to the other one."""
        fields = {"src": HOST4[port], "dst": HOST4[1 - port], "id": 7, **ip}
        return self.ether(port) / IP(**fields) / UDP(sport=5000, dport=5001) / Raw(load or self.payload())

    def udp6(self, load=None, port=0, **ip):
        fields = {"src": HOST6[port], "dst": HOST6[1 - port], **ip}
        return self.ether(port) / IPv6(**fields) / UDP(sport=5000, dport=5001) / Raw(load or self.payload())

    def send(self, *frames, port=0):
        for frame in frames:
            self.wires.put(port, raw(frame))

    def exchange(self, *frames, port=0):
        """Sends frames, waits until all that comes of them has come, and balances the books."""
        before = self.books()
        self.send(*frames, port=port)
        return self.settle(before, {port: len(frames)})

    def listen(self):
        for i in range(2):
            new = self.wires.collect(i)
            self.seen[i] += len(new)
            self.come[i] += [Ether(f) for f in new]

    def wait_for(self, port, wanted):
        """Until such a frame has come out, in the midst of an exchange; it is handed back with the others at the end."""
        until = time.monotonic() + SETTLED
        while True:
            self.listen()
            found = [f for f in self.come[port] if wanted(f)]
            if found:
                return found[-1]
            assert time.monotonic() < until, [f.summary() for f in self.come[port]]
            time.sleep(0.02)

    def count_until(self, group, name, before, n):
        """Until a counter has risen by so much: in the midst of an exchange, and soon, since neighbours are waited for three seconds only."""
        until = time.monotonic() + SETTLED
        while sum(r["value"] for r in self.ask("show counters") if (r["group"], r["name"]) == (group, name)) < before[group, name] + n:
            assert time.monotonic() < until, name
            time.sleep(0.02)

    def settle(self, before, sent):
        until = time.monotonic() + SETTLED
        while True:
            now = self.books()
            delta = collections.Counter({k: v - before[k] for k, v in now.items()})
            self.listen()
            wrong = [f"port {p}: {n} frames went in, {delta[f'port{p}', 'rx-packets']} came" for p, n in sent.items()
                     if delta[f"port{p}", "rx-packets"] + delta[f"port{p}", "drop-bad-length"] < n]
            wrong += [f"port {i}: {self.seen[i]} frames seen of {now[f'port{i}', 'tx-packets'] - self.missed[i]}"
                      for i in range(2) if self.seen[i] != now[f"port{i}", "tx-packets"] - self.missed[i]]
            wrong += unbalanced(delta)
            if not wrong:
                out, self.come = self.come, [[], []]
                return Exchange(delta, out)
            assert time.monotonic() < until, (wrong, {k: v for k, v in delta.items() if v})
            time.sleep(0.02)

    def books(self):
        """Every counter there is, as they stood at one moment: what changed between two questions is asked again."""
        while True:
            counters = collections.Counter()
            for r in self.ask("show counters"):
                counters[r["group"], r["name"]] = r["value"]
            for r in self.ask("show handlers"):
                for name, value in r.items():
                    if isinstance(value, int):
                        counters["handlers", name] += value
            for r in self.ask("show domains"):
                counters["rings", r["name"]] += r["packets"]
            if all(counters[r["group"], r["name"]] == r["value"] for r in self.ask("show counters") if r["group"] != "console"):
                return counters

    def hold_neighbours(self):
        """Neighbours that the router has learned become static. It would ask the others whether they are there when they are a minute old (RFC 4861
        7.3.3, RFC 1122 2.3.2.1), in the midst of whatever test has come to by then."""
        for r in self.ask("show neighbours"):
            if r["state"] in ("resolved", "stale", "probing"):
                self.tell(f"neighbour {r['port']} {r['address']} {r['mac']}")

    def close(self):
        assert not unbalanced(collections.Counter({k: v - self.began[k] for k, v in self.books().items()}))
        self.wires.close()


OUTCOMES = "dropped passed consumed replied forwarded tx_full denied bad_verdict stopped throttled too_short".split()


def unbalanced(d):
    """Packets in = packets out + sum of named drops + what is in rings or was consumed, exactly. The sums that are not."""
    ports = sorted({k[0] for k in d if k[0].startswith("port")})
    port = lambda name: sum(d[p, name] for p in ports)  # noqa: E731
    done = {name: d["handlers", name] for name in OUTCOMES}
    ip, ip6 = (lambda n: d["ip", n]), (lambda n: d["ip6", n])
    forward = {k[1]: v for k, v in d.items() if k[0] == "forward"}
    rings = sum(v for k, v in d.items() if k[0] == "rings")
    straight = port("rx-packets") - port("drop-no-filter") - port("handled")
    sent = lambda n: n.endswith("-forwarded") or n.endswith("-host") or n == "mirrored"  # noqa: E731
    sums = [
        ("what came in, and what its handlers did", port("handled"), sum(done.values())),
        ("what goes to rings", rings, straight + done["passed"] + done["too_short"] - port("drop-ring-full")),
        ("dropped by handlers, for a named reason", done["dropped"], sum(v for n, v in forward.items() if "drop-" in n)),
        ("passed on by handlers", done["passed"], sum(v for n, v in forward.items() if "-pass-" in n)),
        ("sent by handlers", done["forwarded"] + done["tx_full"] + done["denied"] + done["consumed"],
         sum(v for n, v in forward.items() if sent(n))),
        ("what the router domain took out of its ring", d["rings", "root"],
         ip("arp-received") + ip("received") - ip("punted") + ip6("received") + ip("drop-ether-address") +
         ip("drop-ether-type") + ip("mirrored") + ip("drop-mirror")),
        ("IPv4 in the router domain", ip("received") + ip("icmp-sent") + d["stack", "sent"],
         ip("delivered") + ip("to-host") + ip("forwarded") + ip("sent") + ip("stack-errors") + sum(ip(f"drop-{n}") for n in ENDS4)),
        ("IPv6 in the router domain", ip6("received") + ip6("icmp-sent") + ip6("echo-replies") + ip6("reassembled"),
         ip6("delivered") + ip6("to-host") + ip6("fragments-received") + ip6("forwarded") + ip6("sent") +
         sum(ip6(f"drop-{n}") for n in ENDS6)),
        ("what left", port("tx-packets"), done["forwarded"] + done["replied"] + done["consumed"] + ip("arp-requests") +
         ip("arp-replies") + ip6("nd-solicited") + ip6("nd-advertised") + ip6("ra-sent") + ip("forwarded") + ip("sent") +
         ip("fragments") - ip("fragmented") + ip6("forwarded") + ip6("sent") + ip6("fragments") - ip6("fragmented") - ip("drop-arp-full") - ip6("drop-nd-full") -
         sum(group(f"drop-{n}") for group in (ip, ip6) for n in ("no-neighbour", "queue-full", "transmit", "transmit-full"))),
    ]
    return [f"{what}: {a} != {b}" for what, a, b in sums if a != b]


def machine_node(request):
    if request.param == "linux" and not (BUILD / "xokd").exists():
        pytest.skip("xokd is built where DPDK is: make router")
    n = Node(request.param)
    try:
        yield n
    finally:
        n.close()


@pytest.fixture(scope="module", params=os.environ.get("AMP_MACHINES", "linux pc").split())
def node(request):
    yield from machine_node(request)


@pytest.fixture(autouse=True)
def at_rest(request):
    """Each test leaves a router that says nothing of its own accord."""
    yield
    if "node" in request.fixturenames:
        request.getfixturevalue("node").hold_neighbours()


ERRORS_BURST, ERRORS_RATE = 50, 200  # at once, and a second: a bucket of tokens


def errors_limited(node, frame, group):
    """So many packets, each of which asks for an ICMP error, that not all get theirs: never more than the bucket gives, each one not sent counted."""
    until = time.monotonic() + SETTLED
    limited = False
    while not limited:
        time.sleep(ERRORS_BURST / ERRORS_RATE + 0.1)  # it is full again
        n, began = 180, time.monotonic()
        x = node.exchange(*[frame] * n)
        sent = x.group(group)["icmp-sent"]
        assert ERRORS_BURST <= sent <= ERRORS_BURST + ERRORS_RATE * (time.monotonic() - began) + 1
        assert len(x.out[0]) == sent == n - x.group(group).get("icmp-limited", 0)
        limited = sent < n
        assert limited or time.monotonic() < until, "packets come too slowly to be too many"
    time.sleep(ERRORS_BURST / ERRORS_RATE + 0.1)  # for who comes next
    return x


def ip4_sum(header):
    """The Internet checksum (RFC 1071) of these bytes."""
    header = header + b"\0" * (len(header) & 1)
    s = sum(int.from_bytes(header[i:i + 2], "big") for i in range(0, len(header), 2))
    while s >> 16:
        s = (s & 0xffff) + (s >> 16)
    return s ^ 0xffff


def poke(frame, offset, value, mend=True):
    """The frame with bytes of its IP header changed, and the IPv4 checksum mended."""
    b = bytearray(raw(frame))
    b[14 + offset:14 + offset + len(value)] = value
    if mend and b[12:14] == b"\x08\x00":
        hlen = max((b[14] & 15) * 4, 20)
        b[24:26] = b"\0\0"
        b[24:26] = ip4_sum(bytes(b[14:14 + hlen])).to_bytes(2, "big")
    return bytes(b)


def right(packet):
    """The checksum of a packet's last layer is the one that would be computed anew."""
    fresh = packet[IPv6].copy()
    layer = next(x for x in fresh.layers()[1:] if "cksum" in [f.name for f in x.fields_desc])
    had = fresh[layer].cksum
    del fresh[layer].cksum
    return had == IPv6(raw(fresh))[layer].cksum


def icmp_of(x, type_, code):
    """The ICMP error that an exchange brought about, at port 0, and nothing else; checksums are looked at."""
    p = x.only(0)
    assert (p[ICMP].type, p[ICMP].code) == (type_, code), p.summary()
    assert ip4_sum(raw(p[IP])[:20]) == 0 and ip4_sum(raw(p[IP])[20:p[IP].len]) == 0
    return p


def silent6(node, *frames, **counted):
    """Nothing comes out; these counters of the router domain rise by so much."""
    x = node.exchange(*frames)
    assert not x.frames
    for name, n in counted.items():
        assert x.ip6.get(name.replace("_", "-"), 0) == n, x.ip6
    return x


def error6_of(x, layer, code, **fields):
    p = x.only(0)
    assert layer in p and p[layer].code == code, p.summary()
    assert right(p) and x.ip6["icmp-sent"] == 1
    for name, value in fields.items():
        assert getattr(p[layer], name) == value
    return p
