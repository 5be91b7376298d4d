# SPDX-License-Identifier: BSD-2-Clause
"""Hosts: what programs find in them, how they run there, and that nothing of them is left behind."""
import os
import pathlib
import signal
import subprocess
import time

import pytest

from conftest import AMP, BUILD
from test_lifecycle import pids, wait_for

LINK = """name: pair
topology:
  nodes: {n1: {kind: host}, n2: {kind: host}}
  links:
    - {endpoints: ["n1:0", "n2:0"], addresses6: ["fd00:1::1/64", "fd00:1::2/64"]}
"""


@pytest.fixture
def pair(place):
    """Two hosts and a link, which come up at once."""
    place.write("pair.yaml", LINK)
    place.amp("testbed", "up", "pair.yaml", check=0)
    yield place
    place.amp("testbed", "down", "pair", check=0)
    place.nothing_left()


def run(place, node, *command, **more):
    return place.amp("testbed", "exec", node, "--", *command, **more)


def namespaces(place):
    return {os.readlink(f"/proc/{pid}/ns/net") for name, pid in pids(place, "pair").items() if name != "supervisor"}


def in_use(names):
    """Which of these network namespaces any process is in."""
    found = set()
    for ns in pathlib.Path("/proc").glob("[0-9]*/ns/net"):
        try:
            found.add(os.readlink(ns))
        except OSError:
            pass
    return found & names


# ---- programs ----

@pytest.mark.parametrize("status", [0, 1, 7, 255])
def test_exit_status(pair, status):
    assert run(pair, "n1", "sh", "-c", f"exit {status}").code == status


def test_exit_by_signal(pair):
    assert run(pair, "n1", "sh", "-c", "kill -9 $$").code == 128 + 9
    done = run(pair, "n1", "nosuchprogram")
    assert done.code == 127 and "n1: cannot run nosuchprogram" in done.err
    assert run(pair, "n1", "/etc/passwd").code == 126


def test_streams(pair):
    done = subprocess.run([AMP, "testbed", "exec", "pair", "n2", "--", "sh", "-c", "cat; echo bad >&2"], env=pair.env,
                          input=b"\0\xff\n" * 100000, capture_output=True, timeout=30, check=True)
    assert done.stdout == b"\0\xff\n" * 100000 and done.stderr == b"bad\n"


def test_signals_reach_the_program(pair):
    up = pair.start("testbed", "exec", "n1", "--", "sh", "-c", "trap 'echo told; exit 3' TERM; echo on; while :; do sleep 0.05; done")
    assert up.stdout.readline() == "on\n"
    up.send_signal(signal.SIGTERM)
    out, _ = up.communicate(timeout=10)
    assert out == "told\n" and up.returncode == 3


def test_exec_killed_ends_the_program(pair):
    up = pair.start("testbed", "exec", "n1", "--", "sleep", "1000")
    wait_for(lambda: "sleep" in run(pair, "n1", "ps", "-eo", "comm").out)
    up.kill()
    up.communicate(timeout=10)
    wait_for(lambda: "sleep" not in run(pair, "n1", "ps", "-eo", "comm").out, within=5)


def test_place(pair):
    """Name, working directory, own processes, own /run, and the others by name."""
    assert run(pair, "n1", "hostname").out == "n1\n"
    assert run(pair, "n1", "pwd").out == f"{pair.dir}\n"
    assert len(run(pair, "n1", "ps", "-eo", "pid").out.split()) <= 4
    run(pair, "n1", "sh", "-c", "echo one > /run/here", check=0)
    assert run(pair, "n2", "cat", "/run/here").code != 0
    assert not pathlib.Path("/run/here").exists()
    assert run(pair, "n1", "getent", "ahostsv4", "n2").out.split()[0] == "10.0.1.2"
    assert run(pair, "n1", "getent", "ahostsv6", "n2").out.split()[0] == "fd00:1::2"


def test_interfaces(pair):
    """Loopback up, the addresses of the file, the port's MAC, and no offload that would leave a checksum to hardware."""
    assert run(pair, "n1", "ping", "-c", "1", "127.0.0.1").code == 0
    assert run(pair, "n1", "ping", "-c", "1", "::1").code == 0
    address = run(pair, "n1", "ip", "address", "show", "eth0").out
    for word in ("10.0.1.1/24", "fd00:1::1/64", "52:54:00:00:01:00", "mtu 1500", "state UNKNOWN"):
        assert word in address
    assert "tentative" not in address
    offload = run(pair, "n1", "ethtool", "-k", "eth0").out
    for name in ("tx-checksumming", "tcp-segmentation-offload"):
        assert f"{name}: off" in offload
    assert run(pair, "n1", "ping", "-c", "2", "-i", "0.05", "n2").code == 0


# ---- errors ----

def test_refusals(place):
    place.amp("testbed", "up", "edges.yaml", check=0)
    done = run(place, "h1", "true")
    assert done.code == 1 and "exec is for hosts" in done.err
    assert run(place, "h9", "true").code == 1
    assert place.amp("testbed", "exec", "h1").code == 64
    assert place.amp("testbed", "exec", "h1", "--").code == 64
    assert place.amp("testbed", "status", "--", "x").code == 64
    place.amp("testbed", "down", check=0)
    done = run(place, "h1", "true")
    assert done.code == 1 and "no testbed runs" in done.err


def test_host_is_no_node_of_ours(pair):
    done = pair.amp("show", "n1", "routes")
    assert done.code == 1 and "amp testbed exec n1 -- ip route" in done.err
    done = pair.amp("testbed", "console", "n1")
    assert done.code == 1 and "amp testbed exec n1 -- bash" in done.err


# ---- the end ----

def test_nothing_left(place):
    """Programs in the background, their namespaces and the interfaces go with `down`."""
    place.write("pair.yaml", LINK)
    place.amp("testbed", "up", "pair.yaml", check=0)
    names = namespaces(place)
    assert len(names) == 2 and in_use(names) == names
    before = set(os.listdir("/sys/class/net"))
    run(place, "n1", "sh", "-c", "setsid sleep 1000 < /dev/null > /dev/null 2>&1 &", check=0)
    place.amp("testbed", "down", check=0)
    assert in_use(names) == set()
    assert set(os.listdir("/sys/class/net")) == before
    place.nothing_left()


def test_supervisor_killed(place):
    place.write("pair.yaml", LINK)
    place.amp("testbed", "up", "pair.yaml", check=0)
    names = namespaces(place)
    run(place, "n1", "sh", "-c", "setsid sleep 1000 < /dev/null > /dev/null 2>&1 &", check=0)
    os.kill(pids(place, "pair")["supervisor"], signal.SIGKILL)
    wait_for(lambda: not in_use(names), within=5)
    place.amp("testbed", "up", "pair.yaml", check=0)
    assert run(place, "n1", "ping", "-c", "1", "n2").code == 0
    place.amp("testbed", "down", check=0)
    place.nothing_left()


def test_host_dies(pair):
    """Its first process is killed: the others see a link that nobody listens at, and the status says so."""
    os.kill(pids(pair, "pair")["n2"], signal.SIGKILL)
    wait_for(lambda: "killed by signal 9" in pair.amp("testbed", "status").out)
    assert run(pair, "n1", "ping", "-c", "1", "-W", "1", "10.0.1.2").code != 0
    done = run(pair, "n2", "true")
    assert done.code == 1 and "n2 has ended" in done.err
    links = pair.amp("testbed", "status", "--json").rows["links"]
    assert sum(link["drops"]["peer-gone"] for link in links) > 0


def test_plain_user(place):
    """Where users may make user namespaces, hosts need no root."""
    if os.geteuid() != 0:
        return
    place.write("pair.yaml", LINK)
    for path in [place.dir, *place.dir.iterdir()]:
        os.chown(path, 65534, 65534)
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    if subprocess.run([*nobody, "unshare", "-Un", "true"], check=False, capture_output=True).returncode:
        pytest.skip("this machine lets users make no user namespaces")

    def amp(*args):
        return subprocess.run([*nobody, AMP, *args], env=place.env, cwd=place.dir, text=True, capture_output=True, timeout=60,
                              stdin=subprocess.DEVNULL, check=False)

    up = amp("testbed", "up", "pair.yaml")
    assert up.returncode == 0, up
    assert amp("testbed", "exec", "n1", "--", "ping", "-c", "2", "-i", "0.05", "n2").returncode == 0
    assert amp("testbed", "exec", "n1", "--", "id", "-u").stdout == "0\n"
    # Root of the namespace is nobody outside.
    assert amp("testbed", "exec", "n1", "--", "cat", "/etc/shadow").returncode != 0
    assert amp("testbed", "down", "pair").returncode == 0
    place.nothing_left()


def test_build_directory(place):
    """A router node without xokd: what is missing and which command makes it."""
    data = place.dir / "data"
    data.mkdir()
    for name in ("capsules", "env", "xok.stripped"):
        (data / name).symlink_to(BUILD / name)
    place.env["AMP_DATA"] = str(data)
    done = place.amp("testbed", "up", "router.yaml")
    assert done.code == 1 and "xokd is not there: build it with make router" in done.err
    time.sleep(0.1)
    place.nothing_left()
