# SPDX-License-Identifier: BSD-2-Clause
"""amp router: its configuration's errors, its life under a service manager, and packets through it; nodes of kind router in a testbed."""
import logging
import os
import pathlib
import re
import signal
import socket
import subprocess
import time

import pytest

from conftest import AMP, Place
from test_lifecycle import pids, wait_for

logging.getLogger("scapy.runtime").setLevel(logging.ERROR)
from scapy.all import IP, UDP, Ether  # noqa: E402

CONF = """node r1
interface lan unix:{dir}/lan.r;{dir}/lan.h
interface wan unix:{dir}/wan.r;{dir}/wan.h mac 02:00:00:00:00:02
memory 64
port lan address 10.1.0.1/24
port wan address 10.2.0.1/24
neighbour lan 10.1.0.9 02:00:00:00:01:09
neighbour wan 10.2.0.9 02:00:00:00:02:09
route 10.3.0.0/16 via 10.2.0.9
"""


class Router(Place):
    """amp router in the foreground on Unix sockets, whose far ends are ours; it tells a service manager, which is us."""

    def __init__(self, conf=CONF, **env):
        super().__init__()
        self.state = self.dir / "s"
        self.conf = self.write("r.conf", conf.format(dir=self.dir))
        self.manager = self.socket("notify")
        self.lan, self.wan = self.socket("lan.h"), self.socket("wan.h")
        self.env.update(NOTIFY_SOCKET=str(self.dir / "notify"), **env)
        self.process = self.start("router", "-c", self.conf, "--state", self.state)
        self.said = ""

    def socket(self, name):
        s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        s.bind(str(self.dir / name))
        s.settimeout(20)
        return s

    def told(self, what, within=20.0):
        """Until the service manager has been told."""
        until = time.monotonic() + within
        while what not in self.said:
            assert time.monotonic() < until, f"{what} did not come: {self.said}"
            self.said += self.manager.recv(4096).decode() + "\n"

    def forward(self, dst, ttl=64, within=5.0):
        """An IPv4 packet into lan; the one that comes out of wan, or None."""
        mac = next(p["mac"] for p in self.amp("show", "r1", "ports", "--json", check=0).rows if p["port"] == 0)
        packet = Ether(dst=mac, src="02:00:00:00:01:09") / IP(src="10.1.0.9", dst=dst, ttl=ttl) / UDP(sport=1, dport=9) / b"data"
        self.lan.sendto(bytes(packet), str(self.dir / "lan.r"))
        self.wan.settimeout(within)
        try:
            while True:
                got = Ether(self.wan.recv(2000))
                if IP in got and got[IP].dst == dst:
                    return got
        except TimeoutError:
            return None

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        out, err = self.process.communicate(timeout=20)
        return self.process.returncode, out, err

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate(timeout=20)
        for s in (self.manager, self.lan, self.wan):
            s.close()
        super().close()


@pytest.fixture
def router():
    r = Router()
    try:
        r.told("READY=1")
        yield r
    finally:
        r.close()


# ---- the file ----

def check(place, text, *args):
    return place.amp("router", "-c", place.write("r.conf", text), "--check", *args)


def test_check(place):
    done = check(place, CONF.format(dir=place.dir))
    assert done.code == 0 and "all is right: node r1, 2 interfaces" in done.out
    place.nothing_left()


WRONG = [
    ("node r1\ninterface lan tap:t0\n\tport lan address 10.0.1.300/24\n", "3:19", "as in 10.0.0.1/24",
     "    \tport lan address 10.0.1.300/24\n    \t                 ^~~~~~~~~~~~~\n"),
    ("node r1\ninterfaze lan tap:t0\n", "2:1", "did you mean interface?", "    interfaze lan tap:t0\n    ^~~~~~~~~\n"),
    ("node r1\ninterface lan eth0\n", "2:15", "pci:ADDRESS", "                  ^~~~\n"),
    ("node r1\ninterface lan tap:t0\nport lam mtu 1400\n", "3:6", "did you mean lan?", "         ^~~\n"),
    ("node r1\ninterface lan tap:t0\nport lan address 10.0.1.1/24\nroute 0.0.0.0/0 via 10.0.2.1\n", "4:21", "no connected network",
     "    route 0.0.0.0/0 via 10.0.2.1\n                        ^~~~~~~~\n"),
]


@pytest.mark.parametrize("text,where,says,caret", WRONG, ids=[w[1] for w in WRONG])
def test_wrong_file(place, text, where, says, caret):
    done = check(place, text)
    assert done.code == 78
    assert f"r.conf:{where}: " in done.err and says in done.err and caret in done.err
    assert "nothing was changed" in done.err
    # Without --check it is refused just so, before anything is made.
    done = place.amp("router", "-c", place.dir / "r.conf", "--state", place.dir / "s")
    assert done.code == 78 and f"r.conf:{where}: " in done.err
    assert not (place.dir / "s").exists()


# What only a look at this machine tells, and how odd characters are shown.
HERE = [
    ("node r1\ninterface lan af_packet:no-nope\n", "2:15", "Linux has no interface no-nope here", "                  ^~~~~~~~~~~~~~~~~\n"),
    ("node r1\ninterface lan unix:/nonexistent/a;/tmp/b\n", "2:15", "the socket's directory /nonexistent: No such file", "^~~~"),
    ("node r1\ninterface lan tun:no-t mirror lo\n", "2:31", "lo exists, and is no TAP interface: write mirror and another name", "^~\n"),
    ("node r1\ninterface lan tun:lo\n", "2:15", "write af_packet:lo to use it", "^~~~~~\n"),
    ("node r1\nlcores 1023\ninterface lan tun:no-t\n", "2:8", "there is no processor 1023 for this process: it may use ", "^~~~\n"),
    ("node r1\ninterface lan pci:ffff:99:00.0\n", "2:15", "a network card needs huge pages: write hugepages on", "^~~~"),
    ("node r1\ninterface lan tun:no-t\nport lan\u00a0mtu 1400\n", "3:9", "a no-break space, and no blank",
     "    port lan<U+00A0>mtu 1400\n            ^~~~~~~~\n"),
    ("node r1\ninterface lan tun:no-t\nport \x1b[31m mtu 1400\n", "3:6", "control character", "    port <U+001B>[31m mtu 1400\n         ^~~~~~~~\n"),
    ("node r1\ninterface lan tun:no-t\nport lan peer " + "x" * 9000 + "\n", "3:1", "longer than 2047 bytes",
     "    port lan peer " + "x" * 86 + "\n    ^~~~\n"),
]


@pytest.mark.parametrize("text,where,says,caret", HERE, ids=range(len(HERE)))
def test_refused_here(place, text, where, says, caret):
    done = check(place, text)
    assert done.code == 78 and f"r.conf:{where}: " in done.err and says in done.err and caret in done.err


def test_no_text(place):
    """A byte order mark is none of the file's; a byte of value 0 ends it, and not in silence."""
    assert check(place, "\ufeffnode r1\ninterface lan tun:no-t\n").code == 0
    done = check(place, "node r1\ninterface lan tun:no-t\n\0nonsense\n")
    assert done.code == 78 and "r.conf:3:1: a byte of value 0 stands here" in done.err and "1 error in" in done.err


def test_installed_example(place):
    """As it comes it says what is missing; with the lines of its example it needs no more than the cards."""
    text = (pathlib.Path(__file__).parents[1] / "package/router.conf").read_text()
    done = check(place, text)
    assert done.code == 78 and "1 error in" in done.err
    assert "r.conf: there is no interface: write interface NAME DEVICE for each, such as interface lan af_packet:eth1" in done.err
    text = re.sub(r"^#(interface \w+ )af_packet:(\w+)", r"\1tun:no-\2", text, flags=re.M)
    text = re.sub(r"^#(port|route|metrics)", r"\1", text, flags=re.M)
    done = check(place, text)
    assert done.code == 0, done.err


def test_all_errors_at_once(place):
    done = check(place, "nonsense\n" * 30)
    assert done.code == 78 and "32 errors" in done.err and done.err.count("there is no command") == 18


def test_usage(place):
    assert place.amp("router").code == 64
    assert place.amp("router", "-c", "x", "--name", "a b").code == 64
    done = place.amp("router", "-c", place.dir / "nowhere.conf")
    assert done.code == 78 and "cannot read" in done.err
    assert "usage: amp router" in place.amp("router", "--help", check=0).out
    done = check(place, "interface a tap:a\n")
    assert done.code == 78 and "begin with node NAME" in done.err
    assert check(place, "interface a tap:a\n", "--name", "r5").code == 0
    done = place.amp("router", "-c", place.write("r.conf", "node r1\n"), "--state", place.dir / "s")
    assert done.code == 78 and "there is no interface" in done.err


# ---- its life ----

def test_forwards(router):
    got = router.forward("10.3.4.5")
    assert got is not None and got[IP].ttl == 63
    assert (got.dst, got.src) == ("02:00:00:00:02:09", "02:00:00:00:00:02")
    assert got[IP].chksum == IP(bytes(IP(src="10.1.0.9", dst="10.3.4.5", ttl=63) / UDP(sport=1, dport=9) / b"data")).chksum
    assert router.forward("10.3.4.5", ttl=1, within=0.5) is None
    assert router.forward("10.9.9.9", within=0.5) is None
    routes = {r["prefix"]: r for r in router.amp("show", "r1", "routes", "--json", check=0).rows}
    assert routes["10.3.0.0/16"]["via"] == "10.2.0.9"
    assert router.forward("10.2.0.9") is not None


def test_found_by_name(router):
    """As a testbed is: by name, by state directory, or as the only one."""
    for which in ([], ["-t", "r1"], ["-t", f"{router.state}/"]):
        assert router.amp("show", "r1", "ports", *which).code == 0
    status = router.amp("testbed", "status", "r1", check=0).out
    assert re.search(r"r1 +router +ready", status)
    assert "r1 is ready" in router.amp("testbed", "log", "r1", check=0).out
    assert "rx_packets" in router.amp("watch", "r1", "ports", "-n", "1", "-i", "200ms", "--all", check=0).out


def test_ends_cleanly(router):
    code, _, err = router.end()
    assert code == 0 and "r1 is ready" in err
    router.told("STOPPING=1")
    router.nothing_left()
    assert router.amp("show", "r1", "ports").code == 1


def test_twice(router):
    done = router.amp("router", "-c", router.conf, "--state", router.state)
    assert done.code == 1 and "running" in done.err
    assert router.amp("show", "r1", "ports").code == 0


def test_watchdog():
    """The service manager hears of us while the node answers, and only then."""
    r = Router(WATCHDOG_USEC="600000")
    try:
        r.told("READY=1")
        for _ in range(3):
            r.said = ""
            r.told("WATCHDOG=1", within=2)
        os.kill(pids_of(r)["r1"], signal.SIGSTOP)
        time.sleep(0.5)
        r.said = ""
        r.manager.settimeout(1.5)
        with pytest.raises(TimeoutError):
            while True:
                r.manager.recv(4096)
        os.kill(pids_of(r)["r1"], signal.SIGCONT)
        r.manager.settimeout(20)
        r.told("WATCHDOG=1")
    finally:
        r.close()


def pids_of(router):
    return {line.split()[0]: int(line.split()[1]) for line in (router.state / "run").read_text().splitlines()}


def test_node_dies(router):
    """Nothing is restarted in silence: it ends, says why, and with a status that a service manager acts on."""
    os.kill(pids_of(router)["r1"], signal.SIGKILL)
    _, err = router.process.communicate(timeout=20)
    assert router.process.returncode == 1 and "node r1: killed by signal 9" in err
    router.nothing_left()


def test_killed_then_started(router):
    router.process.kill()
    router.process.communicate(timeout=20)
    wait_for(lambda: not router.processes(), within=5)
    router.said = ""
    router.process = router.start("router", "-c", router.conf, "--state", router.state)
    router.told("READY=1")
    assert router.forward("10.3.0.1") is not None
    assert router.end()[0] == 0
    router.nothing_left()


def test_device_that_is_not_there(place):
    """What no look at the machine tells beforehand is told with the node's last words."""
    conf = place.write("r.conf", "node r1\ninterface lan vdev:net_af_packet0,iface=nosuch0\nport lan address 10.1.0.1/24\n")
    done = place.amp("router", "-c", conf, "--state", place.dir / "s")
    assert done.code == 1 and "node r1: ended with status" in done.err and "nosuch0" in done.err
    place.nothing_left()


def test_powered_off(router):
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(str(router.state / "ctl"))
        s.sendall(b"t1 r1 poweroff\n")
        _, err = router.process.communicate(timeout=20)
    assert router.process.returncode == 0 and "powered off" in err
    router.nothing_left()


# ---- between network namespaces, as an operator has it ----

def sh(text):
    subprocess.run(["sh", "-ec", text], check=True, capture_output=True, text=True)


@pytest.fixture
def namespaces():
    """Two hosts, each at a veth whose other end is the machine's: ampt-a and ampt-b."""
    if os.geteuid():
        pytest.skip("network namespaces of the machine need root")
    drop = "for x in a b; do ip netns del ampt-$x 2>/dev/null || :; ip link del ampt-$x 2>/dev/null || :; done"
    sh(drop)
    try:
        sh("for x in a b; do ip netns add ampt-$x; ip link add ampt-$x type veth peer name eth0 netns ampt-$x; ip link set ampt-$x up; "
           "ip -n ampt-$x link set eth0 up; ip netns exec ampt-$x ethtool -K eth0 tx off; done; "
           "ip -n ampt-a address add 10.77.1.2/24 dev eth0; ip -n ampt-a route add default via 10.77.1.1; "
           "ip -n ampt-b address add 10.77.2.2/24 dev eth0; ip -n ampt-b route add default via 10.77.2.1")
        yield lambda x, *cmd: subprocess.run(["ip", "netns", "exec", f"ampt-{x}", *cmd], capture_output=True, text=True, timeout=60,
                                             check=False)
    finally:
        sh(drop)


def test_operator(place, namespaces):
    conf = place.write("r.conf", "node op\ninterface lan af_packet:ampt-a\ninterface wan af_packet:ampt-b\nmemory 64\n"
                                 "port lan address 10.77.1.1/24\nport wan address 10.77.2.1/24\n")
    router = subprocess.Popen([AMP, "router", "-c", conf, "--state", place.dir / "s"], env=place.env, cwd=place.dir,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        wait_for(lambda: place.amp("show", "op", "ports").code == 0)
        done = namespaces("a", "ping", "-c", "5", "-i", "0.1", "-W", "5", "10.77.2.2")
        assert "5 received" in done.stdout and "ttl=63" in done.stdout
        assert namespaces("a", "traceroute", "-n", "-q", "1", "-w", "5", "10.77.2.2").stdout.count("10.77.") == 4
    finally:
        router.terminate()
        router.communicate(timeout=20)
    assert router.returncode == 0
    place.nothing_left()


# ---- nodes of kind router in a testbed ----

def test_mirrors(place):
    """A router with mirrors has a Linux of its own: interfaces as its ports, and programs beside it."""
    text = (place.dir / "router.yaml").read_text().replace("{kind: router}", "{kind: router, mirror: true}")
    place.write("mirrors.yaml", text.replace("name: router", "name: mirrors"))
    before = set(os.listdir("/sys/class/net"))
    place.amp("testbed", "up", "mirrors.yaml", check=0)
    assert set(os.listdir("/sys/class/net")) == before
    run = lambda node, *cmd: place.amp("testbed", "exec", "mirrors", node, "--", *cmd)  # noqa: E731
    wait_for(lambda: "fd00:2::1" in run("r1", "ip", "-br", "address").out)
    links = run("r1", "ip", "-br", "link").out
    assert "52:54:00:00:02:00" in links and "52:54:00:00:02:01" in links
    assert run("n1", "ping", "-c", "2", "-i", "0.1", "n2").code == 0
    assert run("r1", "ping", "-c", "2", "-i", "0.1", "10.0.1.1").code == 0
    os.kill(pids(place, "mirrors")["supervisor"], signal.SIGKILL)
    wait_for(lambda: not place.processes(), within=5)
    assert set(os.listdir("/sys/class/net")) == before
    place.amp("testbed", "down", "mirrors", check=0)
    place.nothing_left()


def test_router_node_dies(place):
    place.amp("testbed", "up", "router.yaml", check=0)
    os.kill(pids(place, "router")["r1"], signal.SIGKILL)
    wait_for(lambda: "killed by signal 9" in place.amp("testbed", "status").out)
    done = place.amp("show", "r1", "ports")
    assert done.code == 1 and "r1 has ended" in done.err
    place.amp("testbed", "down", check=0)
    place.nothing_left()
