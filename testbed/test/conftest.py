# SPDX-License-Identifier: BSD-2-Clause
"""Testbeds for the end-to-end tests. Each lives in a directory of its own with a short path, keys included.

The build directory is $AMP_DATA, or build/ at the top of the tree.
"""
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("AMP_DATA", TOP / "build")).resolve()
AMP = BUILD / "amp"
TOPOLOGIES = TOP / "testbed" / "topologies"


class Result:
    def __init__(self, done):
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr

    @property
    def rows(self):
        return json.loads(self.out)

    def __repr__(self):
        return f"exit {self.code}\n{self.out}\n{self.err}"


class Place:
    """A directory with keys and topologies, in which amp finds nobody else's testbeds."""

    def __init__(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="amp-", dir="/tmp"))
        self.env = dict(os.environ, XDG_RUNTIME_DIR=str(self.dir), AMP_DATA=str(BUILD))
        if BUILD.parent != TOP:  # a build directory elsewhere: amp cannot find the SDK by itself
            self.env["AMP_SDK"] = str(TOP / "capsules" / "include")
        for file in TOPOLOGIES.glob("*.yaml"):
            shutil.copy(file, self.dir)
        self.amp("keygen", "alice", "-d", self.dir, check=0)
        self.amp("keygen", "bob", "-d", self.dir, check=0)

    def amp(self, *args, check=None, timeout=120):
        done = Result(subprocess.run([AMP, *map(str, args)], env=self.env, cwd=self.dir, text=True,
                                     stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout))
        if check is not None:
            assert done.code == check, f"amp {' '.join(map(str, args))}: {done}"
        return done

    def start(self, *args):
        return subprocess.Popen([AMP, *map(str, args)], env=self.env, cwd=self.dir, text=True,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def write(self, name, text):
        path = self.dir / name
        path.write_text(text)
        return path

    def processes(self):
        """Every process whose command line or environment names this directory: ours, and nobody else's."""
        found = {}
        for proc in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                if proc.joinpath("stat").read_text().rsplit(")", 1)[1].split()[0] == "Z":
                    continue
                text = proc.joinpath("cmdline").read_bytes() + proc.joinpath("environ").read_bytes()
            except OSError:
                continue
            if str(self.dir).encode() in text and int(proc.name) != os.getpid():
                found[int(proc.name)] = proc.joinpath("cmdline").read_bytes().replace(b"\0", b" ")[:120]
        return found

    def nothing_left(self, within=5.0):
        until = time.monotonic() + within
        while self.processes() and time.monotonic() < until:
            time.sleep(0.05)
        assert self.processes() == {}
        left = [p for p in (self.dir / "amp").rglob("*")
                if p.is_socket() or p.is_fifo() or p.suffix == ".boot" or p.name == "run"]
        assert left == []

    def close(self):
        for pid in self.processes():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        shutil.rmtree(self.dir, ignore_errors=True)


class Testbed(Place):
    __test__ = False

    def __init__(self, name, *args):
        super().__init__()
        self.name = name
        self.state = self.dir / "amp" / name
        self.up = self.amp("testbed", "up", f"{name}.yaml", "--capture", *args, check=0)
        self.ready_s = float(re.search(r"are ready after ([\d.]+) s", self.up.out).group(1))

    def down(self):
        self.amp("testbed", "down", self.name, check=0)
        self.nothing_left()

    def ask(self, node, command, timeout=15):
        """Any command of a node, as amp's own verbs send it: the rows, or what the node says is wrong."""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(timeout)
            s.connect(str(self.state / "ctl"))
            s.sendall(f"t1 {node} {command}\n".encode())
            rows = []
            for line in s.makefile():
                word, rest = line.rstrip("\n").split(" ", 1)
                if word != "t1":
                    continue
                if rest == ".":
                    return rows
                if rest.startswith("!"):
                    return rest[1:].strip()
                rows.append(json.loads(rest))
        raise AssertionError(f"{node}: no answer to {command}")

    def counter(self, node, name, group="capsule"):
        rows = self.amp("show", node, "counters", name, "--json", check=0).rows
        return sum(r["value"] for r in rows if r["group"] == group)

    def address(self, node):
        for row in self.amp("testbed", "status", "--json", check=0).rows["nodes"]:
            if row["node"] == node:
                return row["address"]
        raise KeyError(node)

    def owner(self, address):
        for row in self.amp("testbed", "status", "--json", check=0).rows["nodes"]:
            if address in row["addresses"]:
                return row["node"]
        return None

    def run(self, node, *command, check=None, timeout=60):
        """A program in a host."""
        return self.amp("testbed", "exec", self.name, node, "--", *command, check=check, timeout=timeout)

    def arp(self, node, address):
        """The MAC that a host has found for a neighbour."""
        return re.search(r"lladdr (\S+)", self.run(node, "ip", "neighbour", "show", address, check=0).out).group(1)

    def alive(self, *path):
        """The nodes answer ICMP echo end to end."""
        path = path or ("h1", "h2")
        done = self.amp("ping", *path, "--icmp", "-c", "2", "-i", "0.05", "--json")
        assert done.code == 0, done

    def send_frames(self, socket_name, frames):
        """Ethernet frames into the relay as if a node had sent them: a host on that link that keeps to no rule."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            for frame in frames:
                s.sendto(bytes(frame), str(self.state / socket_name))

    def events(self, node):
        return [json.loads(line) for line in (self.state / f"{node}.events").read_text().splitlines()]

    def sign(self, out, module, *args, key="alice", src="h1", dst="h2"):
        key_args = ["--key", self.dir / f"{key}.key"] if key else ["--unsigned"]
        self.amp("sign", *key_args, "--from", self.address(src), "--to", self.address(dst), *args,
                 "-o", self.dir / out, BUILD / "capsules" / module, check=0)
        return self.dir / out


def testbed(name, *args):
    bed = Testbed(name, *args)
    try:
        yield bed
        if bed.processes():
            bed.down()
    finally:
        bed.close()


@pytest.fixture(scope="session")
def demo():
    """h1 - r1 - r2 - r3 - h2, shared: a test leaves it as it found it."""
    yield from testbed("demo")


@pytest.fixture(scope="module")
def lossy():
    """The same with 20 % loss on each link."""
    yield from testbed("lossy")


@pytest.fixture
def place():
    p = Place()
    try:
        yield p
    finally:
        p.close()
