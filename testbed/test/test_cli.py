# SPDX-License-Identifier: BSD-2-Clause
"""The amp command in the hands of people in a hurry: odd arguments, odd places, odd terminals."""
import os
import pty
import select
import subprocess
import termios
import time

import pytest

from conftest import AMP


# ---- arguments ----

@pytest.mark.parametrize("args,says", [
    (["ping", "h1", "h2", "-c", "x"], "-c x: give a number from 1 to 100000"),
    (["ping", "h1", "h2", "-i", "-1"], "-i -1: give seconds"),
    (["ping", "h1", "h2", "--wait", "0"], "--wait 0: give whole seconds"),
    (["trace", "h1", "h2", "-c", "2"], "one of amp ping"),
    (["inject", "--at", "h1", "--budget", "lots", "ping"], "--budget lots: give a number"),
    (["inject", "--at", "h1", "--to", "h2", "--data", "961", "ping"], "--data 961: give a number of octets"),
    (["inject", "--at", "h1", "--to", "h2", "--data", "960", "--payload", "00", "ping"], "at most 960 octets"),
    (["inject", "--at", "h1", "--to", "h2", "--arg", "0", "ping"], "two digits an octet"),
    (["show", "h1", "colours"], "routes neighbours"),
    (["show", "h1", "port"], "routes neighbours"),
    (["show", "h1", "rotues"], "did you mean routes?"),
    (["show", "h1", "arp"], "did you mean neighbours?"),
    (["show", "h1", "neighbors"], "did you mean neighbours?"),
    (["testbed", "up"], "amp testbed up FILE.yaml"),
    (["testbed", "console"], "amp testbed console [TESTBED] NODE"),
    (["testbed", "frob"], "say up, down, status, log, console or exec"),
    (["sign"], "give one module"),
], ids=lambda v: " ".join(v) if isinstance(v, list) else "")
def test_wrong_usage(place, args, says):
    done = place.amp(*args, check=64)
    assert says in done.err and f"try: amp {args[0]} --help" in done.err


@pytest.mark.parametrize("verb", ["router", "testbed", "filter", "show", "capture", "reload"])
def test_unknown_option_once(place, verb):
    done = place.amp(verb, "--frob", check=64)
    assert done.err == f"amp {verb}: unrecognized option '--frob'\ntry: amp {verb} --help\n"


def test_help_is_in_columns(place):
    lines = [line for line in place.amp("--help", check=0).out.splitlines() if line.startswith("  ") and "Usage" not in line]
    verbs = lines[:next(i for i, line in enumerate(lines) if line.startswith("  2 refused"))]
    column = lines[0].index("make a principal")
    assert len(verbs) > 10
    for line in verbs:
        assert line[column - 2:column] == "  " and line[column] != " ", line


def test_inject_where_and_what(demo):
    done = demo.amp("inject", "--at", "r1", "--to", "h2", "ping", check=1)
    assert "r1 is a router" in done.err and "edges are h1, h2" in done.err
    assert "another one" in demo.amp("inject", "--at", "h1", "--to", "h1", "ping", check=1).err
    assert "another one" in demo.amp("ping", "h1", "h1", check=1).err
    cap = demo.sign("sealed.cap", "ping.mod")
    assert "signed already" in demo.amp("inject", "--at", "h1", "--to", "r1", cap, check=1).err
    assert "a public key" in demo.amp("inject", "--at", "h1", "--to", "h2", "--key", "alice.pub", "ping", check=1).err
    # An edge may be named by its address, as a node may elsewhere.
    demo.amp("inject", "--at", demo.address("h1"), "--to", "r1", "ping", check=0)


def test_payload_or_none(demo):
    done = demo.amp("inject", "--at", "h1", "--to", "r1", "ping", check=0)
    assert "no payload: " in done.out and "--data N" in done.out and "after 1 active node," in done.out
    done = demo.amp("inject", "--at", "h1", "--to", "r1", "--arg", "0102030405060708", "--data", "2", "ping", check=0)
    assert "payload, 10 octets, 8 of them arguments:\n     0  01020304 05060708 0000\n" in done.out


def test_unknown_nodes(demo):
    for args in (["show", "r9", "ports"], ["testbed", "console", "r9"], ["testbed", "log", "r9"],
                 ["testbed", "log", "demo", "r9"]):
        done = demo.amp(*args, check=1)
        assert "'r9'" in done.err


def test_tables_end_where_they_end(demo):
    out = demo.amp("testbed", "status", check=0).out + demo.amp("show", "r1", "principals", check=0).out
    assert [line for line in out.splitlines() if line != line.rstrip()] == []


# ---- two testbeds, and places for them ----

def test_two_testbeds(place):
    place.write("second.yaml", (place.dir / "edges.yaml").read_text().replace("name: edges", "name: second"))
    assert "and 1 link\n" in place.amp("testbed", "up", "edges.yaml", check=0).out
    place.amp("testbed", "up", "second.yaml", check=0)
    for args in (["ping", "h1", "h2"], ["testbed", "down"], ["testbed", "status"], ["testbed", "log", "h1"]):
        done = place.amp(*args, check=1)
        assert "edges" in done.err and "second" in done.err and "by its name" in done.err
    for name in ("edges", "second"):
        place.amp("ping", "h1", "h2", "-c", "1", "-t", name, check=0)
        place.amp("testbed", "down", name, check=0)
        assert "was not running" in place.amp("testbed", "down", name, check=0).out
    place.nothing_left()


class Routers:
    """Routers of one place, on sockets that nobody else has."""

    CONF = "node {name}\ninterface lan unix:{dir}/{file}.n;{dir}/{file}.h\nport lan address 10.1.0.1/24\n"

    def __init__(self, place):
        self.place, self.process = place, {}

    def conf(self, name, file):
        return self.place.write(f"{file}.conf", self.CONF.format(name=name, file=file, dir=self.place.dir))

    def start(self, name, file=None):
        file = file or name
        self.process[file] = p = self.place.start("router", "-c", self.conf(name, file), "--state", self.place.dir / f"s-{file}")
        log, until = self.place.dir / f"s-{file}" / "supervisor.log", time.monotonic() + 30
        while not (log.exists() and "is ready" in log.read_text()):
            assert p.poll() is None and time.monotonic() < until, p.communicate() if p.poll() is not None else "it is not ready"
            time.sleep(0.05)

    def end(self):
        for p in self.process.values():
            p.terminate()
        for p in self.process.values():
            p.communicate(timeout=20)


@pytest.fixture
def routers(place):
    r = Routers(place)
    try:
        yield r
    finally:
        r.end()


def test_nothing_runs(place):
    """Both ways to have something that can be asked."""
    for args in (["show", "r1", "ports"], ["ping", "h1", "h2"], ["capture", "r1"], ["reload", "r1"], ["reload"], ["testbed", "status"],
                 ["testbed", "log"], ["testbed", "log", "r1"], ["testbed", "console", "r1"]):
        done = place.amp(*args, check=1)
        assert "amp testbed up FILE.yaml" in done.err and "amp router -c FILE" in done.err, (args, done)


def test_routers_by_their_nodes(routers):
    """Of several that run, each is found by its node; only a name that two have needs more."""
    amp = routers.place.amp
    routers.start("op-r")
    routers.start("op-s")
    for name in ("op-r", "op-s"):
        assert amp("show", name, "interfaces", "--json", check=0).rows[0]["name"] == "lan"
        assert "rx_packets" in amp("watch", name, "ports", "-n", "1", "-i", "100ms", "--all", check=0).out
        assert f"/{name}.conf is in force" in amp("reload", name, check=0).out
        assert f"{name} is ready" in amp("testbed", "log", name, check=0).out
        status = amp("testbed", "status", name, check=0).out
        assert f"{name}  router  ready  -  " in status and "0.0.0.0" not in status
        done = amp("capture", name, "-i", "wan", check=1)
        assert f"{name} has lan" in done.err  # it was reached
        done = amp("trace-packet", name, "-i", "wan", check=1)
        assert f"{name} has lan" in done.err
    done = amp("show", "opr", "ports", check=1)
    assert "there is no node 'opr' here: did you mean op-r?" in done.err and f"op-s (in {routers.place.dir}/amp/op-s)" in done.err
    done = amp("reload", check=1)
    assert "op-r" in done.err and "op-s" in done.err and "by its name" in done.err

    # A testbed that has a node of the same name.
    routers.place.write("twin.yaml", (routers.place.dir / "edges.yaml").read_text().replace("name: edges", "name: twin").replace("h1", "op-r"))
    amp("testbed", "up", "twin.yaml", check=0)
    done = amp("show", "op-r", "ports", check=1)
    assert "a node 'op-r' is in each of" in done.err and "twin" in done.err and "-t NAME" in done.err and "op-s" not in done.err
    for which in ("op-r", "twin"):
        amp("show", "op-r", "ports", "-t", which, check=0)
    amp("show", "op-s", "ports", check=0)
    amp("ping", "h2", "op-r", "-c", "1", check=0)
    amp("testbed", "down", "twin", check=0)


def test_router_of_a_taken_name(routers):
    """The same file again, and a copy of it whose name was not changed: nothing leads to the end of the one that works by mistake."""
    amp = routers.place.amp
    routers.start("op-r")
    copy = routers.conf("op-r", "copy")
    done = amp("router", "-c", copy, "--state", routers.place.dir / "s2", check=1)
    pid = routers.process["op-r"].pid
    assert f"a router named op-r runs already (pid {pid}, from {routers.place.dir}/op-r.conf)" in done.err
    assert f"give this one another name (node NAME in {copy})" in done.err and "down" not in done.err
    done = amp("router", "-c", routers.place.dir / "op-r.conf", "--state", routers.place.dir / "s2", check=1)
    assert f"op-r is running already (pid {pid})" in done.err and "amp reload op-r" in done.err
    amp("show", "op-r", "ports", check=0)


def test_state_of_strangers(place):
    """A directory with files of somebody else's is not taken, whatever their names: `up` clears its place."""
    mine = place.dir / "mine"
    mine.mkdir()
    names = {"a.out", "my.conf", "notes.log", "trace.pcap", "run"}
    for name in names:
        (mine / name).write_text("precious")
    done = place.amp("testbed", "up", "edges.yaml", "--state", mine, check=1)
    assert "no testbed's" in done.err
    assert {p.name for p in mine.iterdir()} == names
    assert not (place.dir / "amp/edges").is_symlink()


def test_state_of_a_running_testbed(place):
    place.write("second.yaml", (place.dir / "edges.yaml").read_text().replace("name: edges", "name: second"))
    place.amp("testbed", "up", "edges.yaml", "--state", place.dir / "s", check=0)
    done = place.amp("testbed", "up", "second.yaml", "--state", place.dir / "s", check=1)
    assert "that is running" in done.err
    place.amp("ping", "h1", "h2", "-c", "1", check=0)
    place.amp("testbed", "down", check=0)
    # When it is down the place is free for another, and leads to that alone.
    place.amp("testbed", "up", "second.yaml", "--state", place.dir / "s", check=0)
    assert place.amp("testbed", "down", "edges").code == 1
    place.amp("testbed", "down", check=0)
    place.nothing_left()


def test_state_that_cannot_be(place):
    place.write("file", "")
    assert "Not a directory" in place.amp("testbed", "up", "edges.yaml", "--state", "file", check=1).err
    assert "comma" in place.amp("testbed", "up", "edges.yaml", "--state", place.dir / "a,b", check=1).err
    # Of a file system that takes nothing the reason is told, and no advice that was followed already.
    done = place.amp("testbed", "up", "edges.yaml", "--state", "/sys/kernel/amp/s", check=1)
    assert "cannot use the directory /sys/kernel/amp/s: " in done.err and "No such file" not in done.err
    assert "name another one with --state DIR" in done.err and "XDG_RUNTIME_DIR" not in done.err
    assert not (place.dir / "amp/edges").is_symlink()


def test_paths_with_blanks(place):
    far = place.dir / "a b"
    far.mkdir()
    for name in ("edges.yaml", "alice.pub", "alice.key"):
        (far / name).write_bytes((place.dir / name).read_bytes())
    (far / "alice.key").chmod(0o600)
    place.amp("testbed", "up", far / "edges.yaml", "--state", far / "s t", check=0)
    place.amp("ping", "h1", "h2", "-c", "1", check=0)
    place.amp("testbed", "down", far / "edges.yaml", check=0)
    place.nothing_left()


# ---- standard streams ----

def test_reader_that_leaves(place):
    """`amp testbed up | head -1`: the network comes up all the same."""
    up = place.start("testbed", "up", "edges.yaml")
    up.stdout.close()
    assert up.wait(timeout=20) == 0
    place.amp("ping", "h1", "h2", "-c", "1", check=0)
    place.amp("testbed", "down", check=0)


def test_no_streams(place):
    """With 0, 1 and 2 closed, sockets must not get these numbers."""
    script = f'"{AMP}" testbed up edges.yaml <&- >&- 2>&-'
    assert subprocess.run(["/bin/sh", "-c", script], env=place.env, cwd=place.dir, timeout=20).returncode == 0
    place.amp("ping", "h1", "h2", "-c", "1", check=0)
    place.amp("testbed", "down", check=0)
    place.nothing_left()


def test_full_disk_is_no_success(place):
    with open("/dev/full", "w") as full:
        for args in (["keygen", "carol"], ["verify", "alice.pub"],
                     ["sign", "--unsigned", "--from", "10.0.0.1", "--to", "10.0.0.2", "-o", "-",
                      place.env["AMP_DATA"] + "/capsules/ping.mod"]):
            done = subprocess.run([AMP, *args], env=place.env, cwd=place.dir, stdout=full,
                                  stderr=subprocess.PIPE, text=True, timeout=20)
            assert done.returncode == 1 and "cannot write to standard output" in done.stderr


# ---- the console at a terminal ----

class Terminal:
    """amp at the far end of a pseudo-terminal."""

    def __init__(self, place, *args):
        self.ours, theirs = pty.openpty()
        self.before = termios.tcgetattr(self.ours)
        self.process = subprocess.Popen([AMP, *args], env=place.env, cwd=place.dir, stdin=theirs, stdout=theirs,
                                        stderr=theirs, start_new_session=True,
                                        preexec_fn=lambda: os.close(os.open(os.ttyname(0), os.O_RDWR)))
        self.theirs, self.text = theirs, ""

    def until(self, text, within=10):
        end = time.monotonic() + within
        while text not in self.text and time.monotonic() < end:
            if select.select([self.ours], [], [], 0.1)[0]:
                self.text += os.read(self.ours, 4096).decode(errors="replace")
        assert text in self.text, self.text

    def type(self, text):
        self.text = ""
        os.write(self.ours, text.encode())

    def left(self):
        code = self.process.wait(timeout=10)
        same = termios.tcgetattr(self.ours) == self.before
        os.close(self.ours)
        os.close(self.theirs)
        return code == 0 and same


@pytest.mark.parametrize("node", ["r1", "h1"])
@pytest.mark.parametrize("leave", ["\x1d", "half a line\x1d", "\x04", "\x03"],
                         ids=["ctrl-]", "in the line", "ctrl-d", "ctrl-c"])
def test_typing_at_a_node(demo, node, leave):
    """What one types is seen and can be mended, and the terminal is afterwards as it was."""
    t = Terminal(demo, "testbed", "console", node)
    t.until("Ctrl-] leaves it")
    t.type("shox\x7fw portz\x7fs\r")
    t.until("sho")
    t.until("10.0.1.")
    t.type("frob\r")
    t.until("frob\r\n")
    t.until('no command "frob"')
    t.type(leave)
    assert t.left()
