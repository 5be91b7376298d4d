# SPDX-License-Identifier: BSD-2-Clause
"""A router under full load, as `amp router` runs it, while the processes beside the forwarding die: no transit packet notices.

Full load is a capture file that DPDK replays without end into port `in`, as fast as the lcore takes it; all of it leaves by `out`, and is dropped there.
"""
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import struct
import subprocess
import time

import pytest

from conftest import AMP, BUILD, Place
from test_lifecycle import wait_for

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="a network namespace for the mirrors needs root")

CONF = """node full
interface in pcap:{dir}/frames.pcap;loop mirror in mac 02:00:00:00:00:01
interface out pcap:{dir}/empty.pcap mirror out mac 02:00:00:00:00:02
lcores {lcore}
memory {memory}
routes {routes}
port in address 10.0.0.1/16
port out address 198.18.0.1/24
neighbour out 198.18.0.2 02:00:00:00:00:99
neighbour out 198.18.0.3 02:00:00:00:00:98
route 1.0.0.0/8 via 198.18.0.2
"""
NAME = 15  # characters of a domain's name
BURST = 64  # packets that may be on their way through, each time counters are read
REPLAYED = 2048


def checksum(head):
    total = sum(struct.unpack(">10H", head))
    total = (total & 0xFFFF) + (total >> 16)
    return ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF


def udp(dst, n):
    """A minimal frame for the router's port `in`."""
    head = struct.pack(">BBHHHBBHII", 0x45, 0, 46, n, 0, 64, 17, 0, 0x0A000002, dst)
    head = head[:10] + struct.pack(">H", checksum(head)) + head[12:]
    return (bytes.fromhex("0200000000010200000000090800") + head + struct.pack(">HHHH", 1024 + n, 9, 26, 0)).ljust(60, b"\0")


def capture(path, frames):
    with open(path, "wb") as f:
        f.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for data in frames:
            f.write(struct.pack("<IIII", 0, 0, len(data), len(data)) + data)


def children():
    kids = {}
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            kids.setdefault(int(stat.read_text().rsplit(")", 1)[1].split()[1]), []).append(int(stat.parent.name))
        except OSError:
            pass
    return kids


class Loaded(Place):
    """`amp router` in a network namespace of its own, and what it counts."""

    def __init__(self, destinations, routes=1024, memory=64, idle=False, programs=()):
        super().__init__()
        if programs:
            self.add(programs)
        self.state = self.dir / "s"
        capture(self.dir / "empty.pcap", [])
        capture(self.dir / "frames.pcap", [] if idle else [udp(d, n) for n, d in enumerate(destinations)])
        lcore = sorted(os.sched_getaffinity(0))[-1]
        text = CONF.format(dir=self.dir, lcore=lcore, memory=memory, routes=routes)
        self.write("r.conf", text.replace(";loop", "") if idle else text)
        self.log = open(self.dir / "log", "w")
        self.process = subprocess.Popen(["unshare", "-n", AMP, "router", "-c", self.dir / "r.conf", "--state", self.state],
                                        env=self.env, cwd=self.dir, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        wait_for(lambda: "ready after" in self.said() or self.process.poll() is not None, within=40)
        assert self.process.poll() is None, self.said()
        self.linux("ip link set in up; ip link set out up; ip addr replace 10.0.0.1/16 dev in; ip addr replace 198.18.0.1/24 dev out")

    def add(self, programs):
        """More programs for `run NAME`, all of them env_hostile, which goes by its name: xokd is given a boot file of each name."""
        data = self.dir / "data"
        shutil.copytree(BUILD / "linux-env", data / "linux-env")
        for name in programs:
            shutil.copy(BUILD / "linux-env" / "env_hostile", data / "linux-env" / name[:NAME])
        for path in BUILD.iterdir():
            if path.name not in ("xokd", "linux-env"):
                (data / path.name).symlink_to(path)
        boots = " ".join(f"--boot {name[:NAME]}={self.dir}/hosts" for name in programs)
        (self.dir / "hosts").write_text("#\n")
        (data / "xokd").write_text(f'#!/bin/sh\nexec {BUILD}/xokd "$@" {boots}\n')
        (data / "xokd").chmod(0o755)
        self.dir.chmod(0o755)
        self.env["AMP_DATA"] = str(data)

    def ask(self, command):
        """A command of the node: what it says is wrong, or None."""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(15)
            s.connect(str(self.state / "ctl"))
            s.sendall(f"t1 full {command}\n".encode())
            for line in s.makefile():
                if line.startswith("t1 ."):
                    return None
                if line.startswith("t1 !"):
                    return line[4:].strip()
        return "no answer"

    def said(self):
        return (self.dir / "log").read_text()

    def linux(self, script):
        """In the network namespace of the mirrors."""
        subprocess.run(["nsenter", "-t", str(self.process.pid), "-n", "sh", "-ec", script], check=True, capture_output=True, cwd=self.dir,
                       timeout=300)

    def tree(self):
        """Every process of the router: pid to name."""
        kids, found, todo = children(), {}, [self.process.pid]
        while todo:
            pid = todo.pop()
            todo += kids.get(pid, [])
            try:
                found[pid] = pathlib.Path(f"/proc/{pid}/comm").read_text().strip()
            except OSError:  # it has ended meanwhile
                pass
        return found

    def pid(self, name):
        return next((pid for pid, comm in self.tree().items() if comm == name), None)

    def resident(self):
        """MiB of all processes together, what they share once (PSS), and by process."""
        by = {}
        for pid, name in self.tree().items():
            by[name] = int(re.search(r"^Pss: +(\d+)", pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text(), re.M).group(1)) / 1024
        return sum(by.values()), ", ".join(f"{name} {mib:.1f}" for name, mib in by.items())

    def show(self, what):
        done = self.amp("show", "full", what, "-t", self.state, "--json", timeout=60)
        return json.loads(done.out) if done.code == 0 else None

    def used(self):
        return next((r["used"] for r in self.show("tables") or () if r["name"] == "routes4"), -1)

    def drops(self):
        """By name, of what came in at `in` and the handlers' own."""
        return {r["name"]: r["value"] for r in self.show("drops") if r["group"] in ("port0", "forward")}

    def transit(self):
        """Packets that have come in at `in` and that have left by `out`, read at one moment but for the packets in between."""
        ports = {p["port"]: p for p in self.show("ports")}
        return ports[0]["rx_packets"], ports[1]["tx_packets"]

    def ran(self):
        """Seconds that each thread of xokd has run."""
        tasks = pathlib.Path(f"/proc/{self.pid('xokd')}/task").glob("*/schedstat")
        return {task.parent.name: int(task.read_text().split()[0]) / 1e9 for task in tasks}

    def rate(self, seconds=0.5):
        """Millions of packets that leave in a second that the lcore runs: what else the machine does takes time from it, but not speed."""
        before, sent = self.ran(), self.transit()[1]
        time.sleep(seconds)
        sent, after = self.transit()[1] - sent, self.ran()
        return sent / max(after[task] - before.get(task, 0) for task in after) / 1e6

    def settled(self):
        """Everything is forwarded: what the ports count differs by no more from now on."""
        def steady():
            before = self.drops(), self.transit()
            time.sleep(0.3)
            after = self.drops(), self.transit()
            return before[0] == after[0] and after[1][1] > before[1][1] + 1000
        wait_for(steady, within=30)

    def back(self, within):
        """Seconds until it answers again."""
        started = time.monotonic()
        wait_for(lambda: self.show("ports") is not None, within)
        return time.monotonic() - started

    def close(self):
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(timeout=20)
        self.log.close()
        super().close()


class Lossless:
    """Within the block nothing of the transit traffic is lost."""

    def __init__(self, router, stray=0):
        self.router, self.stray = router, stray

    def __enter__(self):
        self.router.settled()
        self.drops, (self.rx, self.tx) = self.router.drops(), self.router.transit()
        return self

    def __exit__(self, kind, *error):
        if kind:
            return
        self.router.settled()
        drops, (rx, tx) = self.router.drops(), self.router.transit()
        rx, tx = rx - self.rx, tx - self.tx
        lost = {name: n - self.drops.get(name, 0) for name, n in drops.items() if n != self.drops.get(name, 0)}
        print(f"{rx} packets came, {tx} went, named drops: {lost or 'none'}")
        assert not lost and tx > 10000
        assert abs(rx - tx) <= 2 * BURST + self.stray, (rx, tx)


@pytest.fixture(scope="module")
def router():
    r = Loaded([0x01000000 | n * 7919 % (1 << 24) for n in range(REPLAYED)])
    try:
        r.settled()
        yield r
    finally:
        r.close()


@pytest.mark.parametrize("nth", [1, 2, 3])
def test_root_killed(router, nth):
    """The root process of the NodeOS dies, and is back within 2 seconds; a second and a third time as well."""
    with Lossless(router):
        old = router.pid("init")
        os.kill(old, signal.SIGKILL)
        took = router.back(within=20)
        assert router.pid("init") not in (None, old)
    print(f"back after {took:.2f} s, {router.rate():.2f} Mpps")
    assert took < 2.0
    assert {r["prefix"]: r["via"] for r in router.show("routes")}["1.0.0.0/8"] == "198.18.0.2"


def test_capsule_domain_killed(router):
    """The domain that runs capsules is started anew by the root."""
    wait_for(lambda: router.pid("capsule"), within=10)
    with Lossless(router):
        old = router.pid("capsule")
        started = time.monotonic()
        os.kill(old, signal.SIGKILL)
        wait_for(lambda: router.pid("capsule") not in (None, old), within=10)
        took = time.monotonic() - started
        wait_for(lambda: [d["state"] for d in router.show("domains") if d["name"] == "capsule"][-1:] == ["started"], within=10)
    print(f"back after {took:.2f} s")
    assert took < 2.0


def test_both_killed(router):
    wait_for(lambda: router.pid("capsule"), within=10)
    with Lossless(router):
        for name in "capsule", "init":
            os.kill(router.pid(name), signal.SIGKILL)
        took = router.back(within=20)
        wait_for(lambda: router.pid("capsule"), within=10)
    print(f"back after {took:.2f} s")


def test_host_routes_over_a_restart(router):
    """Routes that come from Linux, at work before and after, and one that changes while nobody looks."""
    router.linux("ip route add 2.0.0.0/8 via 198.18.0.2")
    wait_for(lambda: "2.0.0.0/8" in {r["prefix"] for r in router.show("routes")}, within=5)
    with Lossless(router):
        os.kill(router.pid("init"), signal.SIGKILL)
        router.linux("ip route replace 2.0.0.0/8 via 198.18.0.3; ip route add 3.0.0.0/8 via 198.18.0.3")
        router.back(within=20)
    routes = {r["prefix"]: r["via"] for r in router.show("routes")}
    assert routes["2.0.0.0/8"] == routes["3.0.0.0/8"] == "198.18.0.3"


# ---- environments that mean harm ----

LINUX = ["forks", "clones", "opens", "sockets", "connects", "traces", "executes", "makes_executable", "execs", "mounts", "truncates", "kills",
         "punches", "looks_around", "old_numbers"]
MEMORY = ["eats", "writes_readable", "writes_books", "makes_books_writable", "scribbles", "shares_much"]
CALLS = ["loops", "garbage", "short_message", "huge_message", "wrong_pieces", "sends_descriptors", "closes", "reads_nothing", "floods", "hogs",
         "respawns", "second_hello", "random_calls", "asks_for_more", "notifies"]


def domain(router, name):
    return next(d for d in router.show("domains") if d["name"] == name)


def one(router, name):
    """It runs until it ends, or for a second; then all that is left of it is taken away. Returns how it ended."""
    name = name[:NAME]
    assert router.ask(f"run {name}") is None
    until = time.monotonic() + 1
    while domain(router, name)["state"] == "started":
        if time.monotonic() > until and router.pid(name):
            os.kill(router.pid(name), signal.SIGKILL)
        assert time.monotonic() < until + 10, f"{name} does not end"
        time.sleep(0.05)
    why = domain(router, name)["why"]
    # Status 1: what it tried had an effect. 2: it did not know what to try.
    assert why and not re.search(r"code [12]$", why), f"{name}: {why}"
    return f"{name}: {why}"


def held(router):
    """What xokd has: descriptors, and MiB of its own."""
    pid = router.pid("xokd")
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    return len(os.listdir(f"/proc/{pid}/fd")), int(re.search(r"^Pss_Anon: +(\d+)", text, re.M).group(1)) / 1024


@pytest.fixture(params=[LINUX, MEMORY, CALLS], ids=["linux", "memory", "calls"])
def prey(request):
    """A router with up to 15 such programs: xokd takes 16 boot files."""
    r = Loaded([0x01000000 | n * 7919 % (1 << 24) for n in range(REPLAYED)], programs=request.param)
    r.names = request.param
    try:
        r.settled()
        yield r
    finally:
        r.close()


def test_hostile_under_load(prey):
    """Whatever it tries: every packet goes its way, xokd is as fast as before, and has what it had."""
    names = prey.names
    one(prey, names[0])  # what the first one brings with it stays
    before, rate = held(prey), prey.rate()
    with Lossless(prey):
        ends = [one(prey, name) for name in names]
    time.sleep(0.3)
    after, rates = held(prey), sorted(prey.rate() for _ in range(3))
    print("; ".join(ends))
    print(f"{len(names)} environments: {rate:.2f} Mpps before, {rates[1]:.2f} after; descriptors {before[0]}, {after[0]}; MiB {before[1]:.1f}, {after[1]:.1f}")
    assert prey.process.poll() is None and prey.show("ports")
    assert after[0] <= before[0] and after[1] < before[1] + 1
    assert rates[-1] > rate / 2
