# SPDX-License-Identifier: BSD-2-Clause
"""xokd from outside: real ports, a small root environment that answers packets of its own EtherType, and the kernel's open bookkeeping.

Nothing here needs root but the tests that say so. The build directory is $AMP_DATA, or build/ at the top of the tree.
"""
import contextlib
import ctypes
import json
import os
import pathlib
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time

import pytest

TOP = pathlib.Path(__file__).resolve().parents[3]
BUILD = pathlib.Path(os.environ.get("AMP_DATA", TOP / "build")).resolve()
XOKD = BUILD / "xokd"
REQUEST, ANSWER = b"\x88\xb5", b"\x88\xb6"
STATION = bytes.fromhex("020000000001")
root_only = pytest.mark.skipif(os.getuid() != 0, reason="makes interfaces, so it needs root")


def frame(kind=REQUEST, length=60, fill=b"x"):
    return (STATION + bytes.fromhex("020000000099") + kind).ljust(length, fill)


def pcap(path, frames):
    """A capture file of these frames."""
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for data in frames:
            file.write(struct.pack("<IIII", 0, 0, len(data), len(data)) + data)


def pcap_frames(path):
    data, at, frames = pathlib.Path(path).read_bytes(), 24, []
    while at + 16 <= len(data):
        length = struct.unpack_from("<I", data, at + 8)[0]
        frames.append(data[at + 16:at + 16 + length])
        at += 16 + length
    return frames


def eventually(condition, seconds=5.0):
    """Waits until the condition holds; its last value is returned."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value or time.monotonic() > end:
            return value
        time.sleep(0.02)


class Node:
    """An xokd in a directory of its own."""

    def __init__(self, directory):
        self.dir = pathlib.Path(directory)
        self.process = None
        self.fifo = {}
        (self.dir / "programs").mkdir()
        shutil.copy(BUILD / "linux-env" / "env_root", self.dir / "programs" / "init")
        for end in ("in", "out"):
            os.mkfifo(self.dir / f"control.{end}")
            self.fifo[end] = os.open(self.dir / f"control.{end}", os.O_RDWR | os.O_NONBLOCK)

    def has_hostile(self):
        shutil.copy(BUILD / "linux-env" / "env_hostile", self.dir / "programs" / "hostile")

    def start(self, *words, before=()):
        self.process = subprocess.Popen(
            [*before, XOKD, "--programs", "programs", "--console1", "control", "--memory", "16", *words],
            cwd=self.dir, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert self.wait_for("ready"), self.stop()

    def heard(self):
        try:
            return os.read(self.fifo["out"], 65536).decode()
        except BlockingIOError:
            return ""

    def wait_for(self, word, seconds=10.0):
        text = ""

        def look():
            nonlocal text
            text += self.heard()
            return word in text or self.process.poll() is not None

        eventually(look, seconds)
        return word in text

    def type(self, line):
        os.write(self.fifo["in"], line.encode() + b"\n")

    def books(self):
        done = subprocess.run([BUILD / "test" / "books", str(self.process.pid)], capture_output=True, check=True)
        return json.loads(done.stdout)

    def port(self, name):
        return next(p for p in self.books()["ports"] if p["name"] == name)

    def counted(self, name, **counters):
        """Whether the port's counters come to be as said."""
        ok = eventually(lambda: all(self.port(name)[k] == v for k, v in counters.items()))
        assert ok, f"{name}: {self.port(name)}, wanted {counters}"

    def stop(self, how=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(how)
        out, _ = self.process.communicate(timeout=20)
        return self.process.returncode, out


@pytest.fixture
def node():
    directory = tempfile.mkdtemp(prefix="xokd-", dir="/tmp")
    os.chmod(directory, 0o755)
    node = Node(directory)
    yield node
    if node.process and node.process.poll() is None:
        node.process.kill()
        node.process.communicate()
    for fd in node.fifo.values():
        os.close(fd)
    shutil.rmtree(directory)


@contextlib.contextmanager
def cable(node, name):
    """The other end of a unix port, NAME.l and NAME.r in the node's directory."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.bind(str(node.dir / f"{name}.r"))
        s.settimeout(5)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        yield s


def unix(name, *more):
    return "--port", ",".join([f"{name}=unix:{name}.l;{name}.r", *more])


# ---- what comes in, and what becomes of it ----


def test_every_frame_is_accounted_for(node):
    with cable(node, "a") as a:
        node.start(*unix("a"), *unix("b"))
        for data in (frame(b"\x08\x00"), frame(b"\x08\x00", 1518), frame(b"\x08\x00", 1519), b"x" * 9000, b"x" * 13,
                     b"", frame(b"\x08\x00", 14)):
            a.sendto(data, str(node.dir / "a.l"))
        node.counted("a", rx_packets=3, rx_bytes=60 + 1518 + 14, rx_no_filter=3, rx_bad_length=4, rx_ring_full=0)
        node.counted("b", rx_packets=0, tx_packets=0)
        assert node.stop()[0] == 0


def test_answers_come_back(node):
    with cable(node, "a") as a:
        node.start(*unix("a"))
        for i in range(300):
            data = frame(length=60 + i)
            a.sendto(data, str(node.dir / "a.l"))
            assert a.recv(4096) == data[:12] + ANSWER + data[14:]
        node.counted("a", rx_packets=300, tx_packets=300, rx_no_filter=0, tx_full=0)
        lcore, = node.books()["lcores"]
        assert lcore["packets"] == 300 and lcore["unsent"] == 0


def test_a_sleeping_lcore_wakes_at_once(node):
    """Idle lcores sleep for up to 50 ms when descriptors can wake them; a frame must not wait for that."""
    with cable(node, "a") as a:
        node.start(*unix("a"))
        delays = []
        for _ in range(15):
            time.sleep(0.06)
            start = time.monotonic()
            a.sendto(frame(), str(node.dir / "a.l"))
            a.recv(4096)
            delays.append(time.monotonic() - start)
        assert node.books()["lcores"][0]["sleeps"] > 0
        assert sorted(delays)[7] < 0.02, delays


def test_capture_files(node):
    """Read, answered through the ring to the owner of the transmit queue, and written: each frame once, in order."""
    frames = [frame(length=60 + i) for i in range(50)]
    pcap(node.dir / "in.pcap", [])
    pcap(node.dir / "in.pcap", frames)
    with cable(node, "a"):
        node.start("--port", "p=pcap:in.pcap;out.pcap", *unix("a"))
        books = eventually(lambda: node.port("p")["rx_packets"] == 50 and node.port("p"))
        assert books, node.port("p")
        # What came before the environment had its filter nobody claimed.
        answered = 50 - books["rx_no_filter"]
        node.counted("p", tx_packets=answered)
        assert eventually(lambda: len(pcap_frames(node.dir / "out.pcap")) == answered)
        assert pcap_frames(node.dir / "out.pcap") == [
            f[:12] + ANSWER + f[14:] for f in frames[books["rx_no_filter"]:]]


def test_replay_of_a_large_file(node):
    """loop: all of the file is held in buffers, of which there must be as many."""
    pcap(node.dir / "in.pcap", [frame(b"\x08\x00") for _ in range(20000)])
    node.start("--port", "p=pcap:in.pcap;loop")
    assert eventually(lambda: node.port("p")["rx_packets"] > 40000), node.port("p")
    p = node.port("p")
    # They go on being counted while they are read: a burst may be in between.
    assert 0 <= p["rx_packets"] - p["rx_no_filter"] <= 64 and p["rx_bad_length"] == 0
    assert node.stop()[0] == 0


def test_two_lcores(node):
    """Each port's frames are served by its own lcore, and those for a device with one transmit queue cross over."""
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("one processor")
    lcores = ",".join(map(str, sorted(os.sched_getaffinity(0))[:2]))
    with cable(node, "a") as a, cable(node, "b") as b:
        node.start(*unix("a"), *unix("b"), "--lcores", lcores)
        for side, name in ((a, "a"), (b, "b")):
            for _ in range(20):
                side.sendto(frame(), str(node.dir / f"{name}.l"))
                assert side.recv(4096)[12:14] == ANSWER
        assert [l["packets"] for l in node.books()["lcores"]] == [20, 20]
        assert node.stop()[0] == 0


def test_memif(node):
    """Two nodes over shared memory; the link comes up when the second is there, and goes with it."""
    other = tempfile.mkdtemp(prefix="xokd-", dir="/tmp")
    second = Node(other)
    try:
        node.start("--port", f"m=memif:{node.dir}/m.sock;role=server")
        assert eventually(lambda: node.port("m")["up"] == 0)
        pcap(second.dir / "in.pcap", [])
        second.start("--port", f"m=memif:{node.dir}/m.sock;role=client")
        assert eventually(lambda: node.port("m")["up"] == 1)
        assert eventually(lambda: second.port("m")["up"] == 1)
        assert second.stop()[0] == 0
        assert eventually(lambda: node.port("m")["up"] == 0)
        assert node.stop()[0] == 0
    finally:
        if second.process and second.process.poll() is None:
            second.process.kill()
            second.process.communicate()
        for fd in second.fifo.values():
            os.close(fd)
        shutil.rmtree(other)


def test_addresses(node):
    """A port without an address of its own always gets the same, and never another port's; mac= wins."""
    words = [*unix("a"), *unix("b"), *unix("c", "mac=02:00:00:00:00:07", "mtu=1280")]
    node.start("--name", "one", *words)
    first = {p["name"]: p["mac"] for p in node.books()["ports"]}
    assert node.port("c")["mtu"] == 1280 and node.port("a")["mtu"] == 1500
    node.stop()
    node.start("--name", "one", *words)
    assert {p["name"]: p["mac"] for p in node.books()["ports"]} == first
    node.stop()
    node.start("--name", "two", *words)
    second = {p["name"]: p["mac"] for p in node.books()["ports"]}
    assert first["c"] == second["c"] == "02:00:00:00:00:07"
    assert len({first["a"], first["b"], second["a"], second["b"]}) == 4


# ---- starting and stopping ----


def test_needs_no_root(node):
    if os.getuid() != 0:
        pytest.skip("every other test shows it")
    for path in (node.dir, *node.dir.rglob("*")):
        os.chown(path, 65534, 65534)
    pcap(node.dir / "in.pcap", [frame(b"\x08\x00")] * 3)
    with cable(node, "a") as a:
        os.chmod(node.dir / "a.r", 0o777)
        node.start("--port", "p=pcap:in.pcap", "--unconfined", *unix("a"),
                   before=["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"])
        node.counted("p", rx_packets=3, rx_no_filter=3)
        os.chmod(node.dir / "a.l", 0o777)
        a.sendto(frame(), str(node.dir / "a.l"))
        assert a.recv(4096)[12:14] == ANSWER
        assert node.stop()[0] == 0


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_everything_is_given_back(node, how):
    before = {p for p in os.listdir("/proc") if p.isdigit()}
    places = [p for p in ("/var/run/dpdk", "/tmp") if os.path.isdir(p)]
    listed = {p: {f for f in os.listdir(p) if f.startswith(("xokd.", "dpdk"))} for p in places}
    (node.dir / "run").mkdir()
    node.start(*unix("a"), "--run", "run")
    code, out = node.stop(how)
    assert code == 0 and f"{how.name}: ending" in out
    assert not (node.dir / "a.l").exists() and not list((node.dir / "run").iterdir())
    assert {p: {f for f in os.listdir(p) if f.startswith(("xokd.", "dpdk"))} for p in places} == listed

    def strays():
        found = []
        for pid in {p for p in os.listdir("/proc") if p.isdigit()} - before:
            with contextlib.suppress(OSError):
                if str(node.dir) == os.readlink(f"/proc/{pid}/cwd"):
                    found.append(pid)
        return found

    assert eventually(lambda: not strays()), strays()


def test_a_killed_one_leaves_nothing_in_the_way(node):
    node.start(*unix("a"))
    node.stop(signal.SIGKILL)
    assert (node.dir / "a.l").exists()
    with cable(node, "a") as a:
        node.heard()
        node.start(*unix("a"))
        a.sendto(frame(), str(node.dir / "a.l"))
        assert a.recv(4096)[12:14] == ANSWER
        assert node.stop()[0] == 0


def test_the_root_environment_ends_the_node(node):
    node.start(*unix("a"))
    node.type("stop 7")
    assert node.process.wait(timeout=10) == 7
    assert not (node.dir / "a.l").exists()


def refused(node, *words):
    done = subprocess.run([XOKD, "--programs", "programs", *words], cwd=node.dir, capture_output=True, text=True,
                          timeout=20, check=False)
    assert done.returncode in (1, 2) and done.stdout == ""
    return done.stderr


def test_what_is_wrong_is_named(node):
    assert "--port a" in refused(node, "--port", "a=eth0")
    assert "no such file" in refused(node, "--port", "a=pcap:none.pcap").lower()
    error = refused(node, "--port", "a=memif:/nonexistent/m.sock")
    assert "port a" in error
    assert "mkfifo" in refused(node, "--console0", "none")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.bind(str(node.dir / "taken"))
        error = refused(node, "--port", "a=unix:taken;r")
        assert "port a" in error and "taken" in error and (node.dir / "taken").exists()
    error = refused(node, "--port", "r=ring:q", "--port", "s=ring:q", "--port", "t=ring:q")
    assert "port t" in error and "two ports already" in error
    assert "port a" in refused(node, "--port", "a=vdev:net_nosuch0")


# ---- interfaces of Linux ----


@contextlib.contextmanager
def packet_socket(name):
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)) as s:
        s.bind((name, 0))
        s.settimeout(5)
        yield s


def received(s, kind):
    """The next frame of a kind; Linux talks of its own accord as well."""
    while True:
        data = s.recv(4096)
        if data[12:14] == kind:
            return data


def interface(name):
    """Address, MTU, whether it is up and has a carrier; None: there is none."""
    place = pathlib.Path("/sys/class/net") / name
    if not place.exists():
        return None
    read = lambda f: (place / f).read_text().strip()
    up = bool(int(read("flags"), 16) & 1)
    return read("address"), int(read("mtu")), up, up and read("carrier") == "1"


@root_only
def test_mirror(node):
    """A TAP of the port's address and MTU, another port of the kernel's; it goes when xokd goes."""
    node.start(*unix("lan", "mirror=xxm0", "mac=02:00:00:00:00:31", "mtu=1400"))
    lan, mirror = node.books()["ports"]
    assert (lan["name"], lan["twin"], lan["flags"]) == ("lan", 2, 0)
    assert (mirror["name"], mirror["twin"], mirror["flags"]) == ("lan.linux", 1, 1)
    assert lan["mac"] == mirror["mac"] == "02:00:00:00:00:31" and mirror["mtu"] == 1400
    assert interface("xxm0") == ("02:00:00:00:00:31", 1400, True, True)
    with packet_socket("xxm0") as s:
        s.send(frame())
        assert received(s, ANSWER)[:12] == frame()[:12]
    code, _ = node.stop()
    assert code == 0 and interface("xxm0") is None


@root_only
def test_tun_port(node):
    """The interface is another station's: it has an address of its own."""
    node.start("--port", "t=tun:xxt0")
    address, mtu, up, carrier = interface("xxt0")
    assert up and carrier and mtu == 1500 and address != node.port("t")["mac"]
    with packet_socket("xxt0") as s:
        for _ in range(100):
            s.send(frame(length=100))
            assert received(s, ANSWER)[14:] == frame(length=100)[14:]
    assert node.stop()[0] == 0 and interface("xxt0") is None


@root_only
def test_af_packet_port(node):
    subprocess.run(["ip", "link", "add", "xxv0", "type", "veth", "peer", "name", "xxv1"], check=True)
    try:
        for name in ("xxv0", "xxv1"):
            subprocess.run(["ip", "link", "set", name, "up"], check=True)
        node.start("--port", "v=af_packet:xxv0")
        assert node.port("v")["mac"] == interface("xxv0")[0]
        with packet_socket("xxv1") as s:
            s.send(frame())
            assert received(s, ANSWER)[:12] == frame()[:12]
        assert node.stop()[0] == 0
    finally:
        subprocess.run(["ip", "link", "del", "xxv0"], check=True)


# ---- fresh code ----

REGISTER_SYNC_CORE, SYNC_CORE = 64, 32  # commands of membarrier(2)
ERRNO_ENOSYS, KILL = 0x00050000 | 38, 0x80000000  # of seccomp(2)


def membarrier_answers(command, action):
    """What is done in the child before it becomes xokd: a filter that gives this command of membarrier another end."""
    def code(op, k, yes=0, no=0):
        return struct.pack("<HBBI", op, yes, no, k)

    program = b"".join([code(0x20, 0), code(0x15, 324, 0, 3), code(0x20, 16), code(0x15, command, 0, 1),
                        code(0x06, action), code(0x06, 0x7FFF0000)])
    instructions = ctypes.create_string_buffer(program)
    head = struct.pack("<HxxxxxxQ", len(program) // 8, ctypes.addressof(instructions))
    libc = ctypes.CDLL(None)

    def install(_keep=instructions):
        libc.prctl(38, 1, 0, 0, 0)  # PR_SET_NO_NEW_PRIVS
        libc.prctl(22, 2, head, 0, 0)  # PR_SET_SECCOMP, SECCOMP_MODE_FILTER
    return install


def test_lcores_forget_old_code(node):
    """Whatever is published for lcores waits until each has serialised: the first filter cannot come into force without."""
    with cable(node, "a"):
        node.process = subprocess.Popen(
            [XOKD, "--programs", "programs", "--console1", "control", "--memory", "16", *unix("a")], cwd=node.dir,
            preexec_fn=membarrier_answers(SYNC_CORE, KILL), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        assert node.process.wait(20) == -signal.SIGSYS


def test_without_serialisation_there_is_no_router(node):
    with cable(node, "a"):
        done = subprocess.run(
            [XOKD, "--programs", "programs", "--console1", "control", "--memory", "16", *unix("a")], cwd=node.dir,
            preexec_fn=membarrier_answers(REGISTER_SYNC_CORE, ERRNO_ENOSYS), capture_output=True, text=True, timeout=20)
        assert done.returncode == 1 and "membarrier" in done.stderr


# ---- environments that take what they can ----


def longest_delay(node, a, seconds):
    """Of the answers of the root environment to one frame at a time."""
    end, longest = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        start = time.monotonic()
        a.sendto(frame(), str(node.dir / "a.l"))
        a.recv(4096)
        longest = max(longest, time.monotonic() - start)
        time.sleep(0.01)
    return longest


def test_long_requests_wait_their_turn(node):
    """A child asks for as much work as it can; the requests of the root environment are made in between."""
    node.has_hostile()
    with cable(node, "a") as a:
        node.start(*unix("a"), "--memory", "64")
        node.type("spawn hogs")
        assert node.wait_for("spawned")
        delay = longest_delay(node, a, 2)
        assert delay < 1, delay  # it would be as long as the child goes on: three seconds
        assert node.wait_for("ended 1 42")


def processes_of(pid):
    """All below it, the oldest first."""
    found, seen = [], [pid]
    while seen:
        for task in pathlib.Path(f"/proc/{seen.pop()}/task").glob("*/children"):
            below = [int(word) for word in task.read_text().split()]
            found += below
            seen += below
    return sorted(found)


def named(pid, name):
    return pathlib.Path(f"/proc/{pid}/comm").read_text().strip() == name


def test_starting_processes_holds_nobody_up(node):
    """A child that starts processes without end does not keep the root environment's from coming back."""
    node.has_hostile()
    with cable(node, "a") as a:
        node.start(*unix("a"), "--hitless")
        root = next(pid for pid in processes_of(node.process.pid) if named(pid, "init"))
        node.type("spawn respawns")
        assert node.wait_for("spawned")
        time.sleep(1)
        os.kill(root, signal.SIGKILL)
        killed = time.monotonic()
        assert node.wait_for("ready")
        assert time.monotonic() - killed < 1
        a.sendto(frame(), str(node.dir / "a.l"))
        a.recv(4096)
        # Nor does what is said of them fill a disk.
        assert len(node.stop()[1].splitlines()) < 60


def status(pid, key):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(key + ":"):
            return line.split()[1:]
    return []


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two processors")
def test_environments_keep_off_lcores(node):
    """One that never lets go of its processor does not take an lcore's."""
    node.has_hostile()
    first, *rest = sorted(os.sched_getaffinity(0))
    with cable(node, "a"):
        node.start(*unix("a"), "--lcores", str(first))
        node.type("spawn loops")
        assert node.wait_for("spawned")
        names = {}
        assert eventually(lambda: names.update({p: 0 for p in processes_of(node.process.pid)}) or len(names) >= 3)
        for pid in names:
            assert os.sched_getaffinity(pid) == set(rest)


@root_only
def test_environments_are_users_of_their_own(node):
    """Nobody else is the same user: not "nobody", as which other programs run, nor the other environments."""
    node.has_hostile()
    with cable(node, "a"):
        node.start(*unix("a"))
        node.type("spawn loops")
        assert node.wait_for("spawned")
        # The spawner, the root environment, the child.
        pids = eventually(lambda: len(processes_of(node.process.pid)) == 3 and processes_of(node.process.pid))

        def users():
            return [int(status(pid, "Uid")[0]) for pid in pids[1:]]

        # A process becomes its user before it becomes the environment's program.
        assert eventually(lambda: len(set(users())) == 2 and min(users()) >= 0x70000000), users()
        assert all(status(pid, "Uid") == status(pid, "Gid") for pid in pids[1:])
        for pid in pids[1:]:
            done = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "kill", "-9", str(pid)],
                                  capture_output=True)
            assert done.returncode != 0
        assert node.process.poll() is None
