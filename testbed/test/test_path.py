# SPDX-License-Identifier: BSD-2-Clause
"""The demo's path: capsules out and back through three routers of our own."""
import os
import signal
import socket
import subprocess
import time

import pytest

from conftest import AMP, BUILD

WAY = ["r1", "r2", "r3", "h2"]


def test_ready(demo, record_property):
    record_property("ready_s", demo.ready_s)
    print(f"\nh1 - r1 - r2 - r3 - h2 was ready after {demo.ready_s:.2f} s")
    status = demo.amp("testbed", "status", "--json", check=0).rows
    assert [n["state"] for n in status["nodes"]] == ["ready"] * 5
    assert all(n["memory_mib"] <= 64 for n in status["nodes"])


def test_image_size():
    files = [BUILD / "xok.stripped", BUILD / "env/root.stripped", BUILD / "env/ee.stripped"]
    size = sum(f.stat().st_size for f in files)
    print(f"\nkernel and environments: {size} bytes")
    assert size < 4 << 20


def test_ping_by_capsule(demo):
    rows = demo.amp("ping", "h1", "h2", "-c", "3", "--json", check=0).rows
    assert [r["end"] for r in rows] == ["answered"] * 3
    # Twice 1 + 5 + 10 + 1 ms of link delay; the first also fetched code and resolved addresses.
    assert all(r["rtt_ms"] >= 34 for r in rows)


def test_ping_back(demo):
    demo.amp("ping", "h2", "h1", "-c", "1", check=0)


@pytest.mark.parametrize("goal,crossed", [("r1", 1), ("r2", 2), ("r3", 3), ("h2", 4)])
def test_trace(demo, goal, crossed):
    rows = demo.amp("trace", "h1", goal, "--json", check=0).rows
    assert [r["node"] for r in rows] == WAY[:crossed]
    assert [r["in"] for r in rows] == [0] * crossed
    assert [r["out"] for r in rows[:-1]] == [1] * (crossed - 1)
    assert [r["link"] for r in rows] == ["h1:0-r1:0", "r1:1-r2:0", "r2:1-r3:0", "r3:1-h2:0"][:crossed]
    assert all(r["work"] > 0 for r in rows)


def test_trace_back(demo):
    rows = demo.amp("trace", "h2", "h1", "--json", check=0).rows
    assert [r["node"] for r in rows] == ["r3", "r2", "r1", "h1"]
    assert [r["in"] for r in rows] == [1, 1, 1, 0]


def test_arrival_order(demo):
    """Arrivals grow along the way: the clocks agree better than the links' delays. (The first link's 1 ms may be within the error.)"""
    rows = demo.amp("trace", "h1", "h2", "--json", check=0).rows
    at = [r["arrival_ms"] for r in rows]
    print("\narrivals:", at)
    assert at[0] < at[1] < at[2]


def test_trace_table(demo):
    out = demo.amp("trace", "h1", "h2", check=0).out.splitlines()
    assert out[0].split()[:3] == ["hop", "node", "address"]
    assert [line.split()[1] for line in out[1:5]] == WAY


def test_events_at_each_node(demo):
    done = demo.amp("inject", "--at", "h1", "--to", "h2", "ping", "--json", check=0)
    ran = [(e["node"], e["action"]) for e in done.rows if e["event"] == "ran"]
    assert sorted(ran) == sorted([("r1", "forward"), ("r2", "forward"), ("r3", "forward"), ("h2", "return"),
                                  ("r3", "forward"), ("r2", "forward"), ("r1", "forward"), ("h1", "deliver")])


def test_payload_that_came_home(demo):
    done = demo.amp("inject", "--at", "h1", "--to", "h2", "--args", "0102030405060708",
                    "--payload", "c0ffee00" * 5, "ping", check=0)
    assert "payload, 28 octets, 8 of them arguments:\n     0  01020304 05060708 c0ffee00 c0ffee00\n    16  " in done.out


def test_router_only(demo):
    """A router can be asked for its tables, and a capsule can end at it."""
    names = {r["name"] for r in demo.amp("show", "r2", "modules", "--json", check=0).rows}
    assert "ping" in names
    demo.amp("ping", "h1", "r2", "-c", "1", check=0)


def test_commands_by_name_and_state_dir(demo):
    for which in ("demo", "demo.yaml", demo.state):
        demo.amp("testbed", "status", which, check=0)


def test_wrong_names(demo):
    done = demo.amp("ping", "h1", "h9")
    assert done.code == 1 and "h9" in done.err and "h2" in done.err
    done = demo.amp("ping", "r1", "h2")
    assert done.code == 1 and "edge" in done.err
    assert demo.amp("ping", "h1").code == 64
    done = demo.amp("show", "r1", "colours")
    assert done.code == 64 and "colours" in done.err and "counters" in done.err


def test_console(demo):
    """Console 0 is for people: what one types is answered in plain text."""
    for node in ("r1", "h1"):
        out = subprocess.run([AMP, "testbed", "console", node], env=demo.env, input="show domains\n", text=True,
                             capture_output=True, timeout=20).stdout
        assert "capsule" in out and "root" in out


def test_slow_reader(demo):
    """The supervisor is held while a router answers: not a byte of the answer is lost."""
    pid = int((demo.state / "run").read_text().split()[1])
    want = len(demo.ask("r1", "show counters"))
    for delay in (0, 0.001, 0.003):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(10)
            s.connect(str(demo.state / "ctl"))
            s.sendall(b"slow r1 show counters\n")
            time.sleep(delay)
            os.kill(pid, signal.SIGSTOP)
            time.sleep(0.4)
            os.kill(pid, signal.SIGCONT)
            lines = []
            for line in s.makefile():
                lines.append(line)
                if line == "slow .\n":
                    break
            assert len(lines) == want + 1
