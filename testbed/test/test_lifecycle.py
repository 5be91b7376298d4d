# SPDX-License-Identifier: BSD-2-Clause
"""Starting and stopping: nothing is left behind, whatever happened, and errors say where and what to do."""
import os
import signal
import time

import pytest

from conftest import Testbed


def pids(place, name):
    lines = (place.dir / "amp" / name / "run").read_text().split("\n")
    return {line.split()[0]: int(line.split()[1]) for line in lines if line}


def wait_for(what, within=20.0):
    until = time.monotonic() + within
    while not what():
        assert time.monotonic() < until, "it did not come"
        time.sleep(0.02)


def test_up_and_down(place):
    place.amp("testbed", "up", "edges.yaml", check=0)
    assert len(place.processes()) == 3
    assert place.amp("testbed", "status", check=0)
    place.amp("testbed", "down", "edges.yaml", check=0)
    place.nothing_left()
    assert "was not running" in place.amp("testbed", "down", "edges", check=0).out
    # Logs stay for whoever wants to know what happened.
    assert (place.dir / "amp/edges/h1.log").exists()


def test_twice(place):
    place.amp("testbed", "up", "edges.yaml", check=0)
    done = place.amp("testbed", "up", "edges.yaml")
    assert done.code == 1 and "amp testbed down edges" in done.err
    place.amp("ping", "h1", "h2", "-c", "1", check=0)
    place.amp("testbed", "down", check=0)
    place.amp("testbed", "up", "edges.yaml", check=0)
    place.amp("testbed", "down", check=0)
    place.nothing_left()


def test_state_elsewhere(place):
    place.amp("testbed", "up", "edges.yaml", "--state", place.dir / "s", check=0)
    assert (place.dir / "s/ctl").is_socket()
    place.amp("ping", "h1", "h2", "-c", "1", "-t", "edges", check=0)
    place.amp("testbed", "down", "edges", check=0)
    place.nothing_left()
    assert not (place.dir / "s/ctl").exists()


def test_xok_node(place):
    """One router is enough to see QEMU come and go."""
    place.amp("testbed", "up", "one.yaml", check=0)
    place.amp("ping", "h1", "h2", "--icmp", "-c", "2", check=0)
    place.amp("testbed", "down", check=0)
    place.nothing_left()


@pytest.mark.parametrize("sig", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_interrupted_on_the_way_up(place, sig):
    up = place.start("testbed", "up", "demo.yaml")
    wait_for(lambda: (place.dir / "amp/demo/run").exists() and "r2" in pids(place, "demo"))
    up.send_signal(sig)
    out, err = up.communicate(timeout=20)
    assert up.returncode == 1
    assert "are ready" not in out
    place.nothing_left(within=0.5)


def test_up_killed(place):
    """Even `up` itself may be killed: the supervisor notices."""
    up = place.start("testbed", "up", "demo.yaml")
    wait_for(lambda: (place.dir / "amp/demo/run").exists() and "r2" in pids(place, "demo"))
    up.kill()
    up.communicate(timeout=20)
    place.nothing_left(within=5)


def test_foreground(place):
    up = place.start("testbed", "up", "edges.yaml", "--foreground")
    wait_for(lambda: place.amp("ping", "h1", "h2", "-c", "1").code == 0)
    up.send_signal(signal.SIGINT)
    out, _ = up.communicate(timeout=20)
    assert up.returncode == 0 and "are ready" in out
    place.nothing_left(within=0.5)


def test_supervisor_killed(place):
    place.amp("testbed", "up", "one.yaml", check=0)
    os.kill(pids(place, "one")["supervisor"], signal.SIGKILL)
    # Its children die with it, by the kernel's hand; `down` clears the rest away.
    wait_for(lambda: not place.processes(), within=5)
    assert place.amp("ping", "h1", "h2").code == 1
    place.amp("testbed", "down", "one", check=0)
    place.nothing_left()


def test_supervisor_killed_then_up(place):
    place.amp("testbed", "up", "edges.yaml", check=0)
    os.kill(pids(place, "edges")["supervisor"], signal.SIGKILL)
    place.amp("testbed", "up", "edges.yaml", check=0)
    place.amp("ping", "h1", "h2", "-c", "1", check=0)
    place.amp("testbed", "down", check=0)
    place.nothing_left()


def test_down_leaves_strangers_alone(place):
    """A pid of the record that belongs to another process by now is not touched."""
    place.amp("testbed", "up", "edges.yaml", check=0)
    place.amp("testbed", "down", check=0)
    record = place.dir / "amp/edges/run"
    record.write_text(f"supervisor {os.getpid()} 1\nh1 {os.getpid()} 1\n")
    place.amp("testbed", "down", "edges", check=0)
    assert not record.exists()


def test_node_dies(place):
    place.amp("testbed", "up", "edges.yaml", check=0)
    os.kill(pids(place, "edges")["h2"], signal.SIGKILL)
    wait_for(lambda: "h2" in place.amp("testbed", "status").out and place.amp("testbed", "status").code == 1)
    assert "killed by signal 9" in place.amp("testbed", "status").out
    done = place.amp("show", "h2", "ports")
    assert done.code == 1 and "h2 has ended" in done.err
    assert place.amp("show", "h1", "ports").code == 0
    done = place.amp("inject", "--at", "h1", "--to", "h2", "ping", "--wait", "1")
    assert done.code == 3
    place.amp("testbed", "down", check=0)
    place.nothing_left()


def test_poweroff(place):
    place.amp("testbed", "up", "one.yaml", check=0)
    bed = Testbed.__new__(Testbed)
    bed.state = place.dir / "amp/one"
    Testbed.ask(bed, "r1", "poweroff")
    wait_for(lambda: "powered off" in place.amp("testbed", "status").out)
    place.amp("testbed", "down", check=0)
    place.nothing_left()


# ---- what is wrong with a file ----

BAD = [
    ("name: x\n", "1:1", "lacks 'topology'"),
    ("name: x\ntopology:\n  nodes:\n    a: {kind: vm}\n", "4:15", "'xok', 'router', 'host' and 'edge'"),
    ("name: x\ntopology:\n  nodes:\n    a: {kind: edge, cpus: 2}\n", "4:21", "unknown key 'cpus'"),
    ("name: x\ntopology:\n  nodes: {a: {kind: edge}}\n  links:\n    - endpoints: [\"a:0\", \"b:0\"]\n", "5:26", "no node 'b'"),
    ("name: x\ntopology:\n\tnodes: {}\n", "3:1", "not YAML"),
]


@pytest.mark.parametrize("text,where,says", BAD, ids=range(len(BAD)))
def test_bad_topology(place, text, where, says):
    file = place.write("bad.yaml", text)
    done = place.amp("testbed", "up", file)
    assert done.code == 1
    assert f"bad.yaml:{where}: " in done.err and says in done.err
    place.nothing_left()


def test_missing_key(place):
    (place.dir / "alice.pub").unlink()
    done = place.amp("testbed", "up", "edges.yaml")
    assert done.code == 1 and "edges.yaml:11:" in done.err
    command = done.err.split("make it: ")[1].split("\n")[0].split()
    assert command[:2] == ["amp", "keygen"]
    (place.dir / "alice.key").unlink()
    place.amp(*command[1:], check=0)
    place.amp("testbed", "up", "edges.yaml", check=0)
    place.amp("testbed", "down", check=0)


def test_missing_file(place):
    done = place.amp("testbed", "up", "nowhere.yaml")
    assert done.code == 1 and "nowhere.yaml" in done.err


def test_nothing_runs(place):
    done = place.amp("testbed", "status")
    assert done.code == 1 and "amp testbed up" in done.err
    assert place.amp("testbed").code == 64
    assert place.amp("testbed", "up", "edges.yaml", "--wait", "x").code == 64
    assert place.amp("nonsense").code == 64
    for verb in ("keygen", "build", "sign", "verify", "testbed", "inject", "ping", "trace", "show"):
        assert "sage:" in place.amp(verb, "--help", check=0).out
