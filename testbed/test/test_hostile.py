# SPDX-License-Identifier: BSD-2-Clause
"""Hostile modules by a principal who may run anything: refused or stopped with a named reason, while the nodes go on answering."""
import contextlib
import hashlib
import logging
import os
import signal
import struct
import time

import pytest

from conftest import BUILD

logging.getLogger("scapy.runtime").setLevel(logging.ERROR)
from scapy.all import IP, UDP, Ether, Raw  # noqa: E402

HOSTILE = BUILD / "capsules" / "test"

# Programs that a compiler makes, stopped when they run: module, entry point, the counter, a word of the detail.
STOPPED = [
    ("loop", None, "budget-exhausted", "budget-exhausted"),
    ("burner", None, "budget-exhausted", "budget-exhausted"),
    ("burner", "helper", "budget-exhausted", "budget-exhausted"),
    ("overrun", "write", "fault", "window-bounds"),
    ("overrun", "read", "fault", "window-bounds"),
    ("overrun", "wrap", "fault", "window-bounds"),
    ("badaction", None, "bad-action", "77"),
]

# Programs that no compiler makes, refused before they run: module, the verifier's reason.
REJECTED = [
    ("jump-into", "jump-into-insn"),
    ("no-exit", "no-exit"),
    ("forged-helper", "bad-helper"),
    ("jump-out", "bad-jump"),
    ("recursion", "recursion"),
    ("bad-opcode", "bad-opcode"),
    ("pointer-leak", "pointer-leak"),
    ("uninitialised", "uninitialised"),
]


class Pings:
    """ICMP echo through all routers while something else happens; each must be answered."""

    def __init__(self, bed, src="h1", dst="h2"):
        self.bed, self.src, self.dst = bed, src, dst

    def __enter__(self):
        self.run = self.bed.start("ping", self.src, self.dst, "--icmp", "-c", "6", "-i", "0.1", "--json")

    def __exit__(self, *what):
        out, err = self.run.communicate(timeout=60)
        if what[0] is None:
            assert self.run.returncode == 0, out + err


@pytest.mark.parametrize("module,entry,reason,word", STOPPED, ids=[f"{c[0]}-{c[1] or 'first'}" for c in STOPPED])
def test_stopped(demo, module, entry, reason, word):
    args = ["--entry", entry] if entry else []
    before = demo.counter("r1", reason)
    with Pings(demo):
        done = demo.amp("inject", "--at", "h1", "--to", "h2", HOSTILE / f"{module}.mod", *args,
                        "--budget", "1000000", "--wait", "10", "--json")
    assert done.code == 2, done
    last = [e for e in done.rows if e["event"] == "refused"][0]
    assert (last["node"], last["reason"]) == ("r1", reason)
    assert word in last["detail"]
    assert demo.counter("r1", reason) == before + 1


def test_edge_refuses(demo):
    """amp inject says so at once: our own edge does not carry what no node would run."""
    done = demo.amp("inject", "--at", "h1", "--to", "h2", HOSTILE / "no-exit.mod")
    assert done.code == 1 and "no-exit" in done.err


def from_h1(demo, dst, payload):
    return (Ether(src="52:54:00:00:01:00", dst="52:54:00:00:02:00") / IP(src=demo.address("h1"), dst=dst) /
            UDP(sport=3322, dport=3322) / Raw(payload))


def chunk(module):
    """A code chunk that holds a whole small module (capsules/FORMAT.md, 1.3)."""
    name = hashlib.blake2b(module, digest_size=32).digest()
    options = struct.pack(">HH", 0xC001, 9) + name + struct.pack(">HHHHI", 0xC005, 3, 0, 0, len(module))
    body = options + module
    return struct.pack(">BBHHH", 1, 0, 2004, 14, 8 + len(body)) + body


@contextlib.contextmanager
def held(demo, node):
    """A node's process stands still."""
    pid = next(r["pid"] for r in demo.amp("testbed", "status", "--json", check=0).rows["nodes"] if r["node"] == node)
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def event(demo, node, seen, what, within=5.0):
    """The first event of this kind behind the `seen` that were there before."""
    until = time.monotonic() + within
    while True:
        for e in demo.events(node)[seen:]:
            if e["event"] == what:
                return e
        assert time.monotonic() < until, f"{node} had no event {what}: {demo.events(node)[seen:]}"
        time.sleep(0.02)


def router_port(demo, node, port):
    rows = demo.ask(node, "show ports")
    return next(r["address"] for r in rows if r["port"] == port).split("/")[0]


@pytest.mark.parametrize("module,word", REJECTED, ids=[c[0] for c in REJECTED])
def test_rejected(demo, module, word):
    """
    A host that lies: it sends a well-signed capsule, and the code that r1 asks it for, which no honest edge would serve. The
    edge itself is held meanwhile, so that it does not say "I do not have it" first.
    """
    code = (HOSTILE / f"{module}.mod").read_bytes()
    assert len(code) <= 1024
    demo.alive()
    before, seen = demo.counter("r1", "code-rejected"), len(demo.events("r1"))
    cap = demo.sign("rejected.cap", f"test/{module}.mod").read_bytes()
    with Pings(demo, "h2", "r1"), held(demo, "h1"):
        demo.send_frames("r0.0", [from_h1(demo, demo.address("h2"), cap)])
        assert event(demo, "r1", seen, "fetch")["state"] == "started"
        demo.send_frames("r0.0", [from_h1(demo, router_port(demo, "r1", 0), chunk(code))])
        event(demo, "r1", seen, "refused")
    refused = [e for e in demo.events("r1")[seen:] if e["event"] == "refused"]
    assert [e["reason"] for e in refused] == ["code-rejected"], refused
    assert word in refused[0]["detail"]
    assert demo.counter("r1", "code-rejected") == before + 1


def test_malformed(demo):
    """Bytes that are no capsule, to the capsules' port."""
    before = demo.counter("r1", "malformed")
    cap = demo.sign("short.cap", "ping.mod").read_bytes()
    for bytes_ in (cap[:200], b"", b"\x02" + cap[1:], cap + b"x"):
        demo.send_frames("r0.0", [from_h1(demo, demo.address("h2"), bytes_)])
    time.sleep(0.3)
    assert demo.counter("r1", "malformed") >= before + 3
    demo.alive()


def test_still_there(demo):
    """After all of them: the capsule domain of every router is the one it started with, and runs good code."""
    for node in ("r1", "r2", "r3"):
        started = [e for e in demo.events(node) if e["event"] == "domain"]
        assert [e["state"] for e in started] == ["started"], started
    demo.amp("ping", "h1", "h2", "-c", "2", check=0)
