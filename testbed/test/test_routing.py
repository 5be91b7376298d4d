# SPDX-License-Identifier: BSD-2-Clause
"""Routing daemons beside routers: BIRD (OSPF, both versions) and FRR (BGP), as Debian has them, speak through the mirrors of the ports, and what they put into
Linux's tables is what the handlers forward by.
"""
import contextlib
import json
import re
import shutil
import subprocess
import time

import pytest

from conftest import AMP, Place, Testbed
from test_lifecycle import wait_for

ROUTES = 100_000

OSPF = """name: ospf
topology:
  nodes:
    n1: {kind: host}
    r1: {kind: router, mirror: true, static: false}
    r2: {kind: router, mirror: true, static: false}
    r3: {kind: router, mirror: true, static: false}
    n2: {kind: host}
  links:
    - {endpoints: ["n1:0", "r1:0"], addresses6: ["fd00:1::1/64", "fd00:1::2/64"]}
    - {endpoints: ["r1:1", "r2:0"], addresses6: ["fd00:2::1/64", "fd00:2::2/64"]}
    - {endpoints: ["r2:1", "r3:0"], addresses6: ["fd00:3::1/64", "fd00:3::2/64"]}
    - {endpoints: ["r3:1", "n2:0"], addresses6: ["fd00:4::1/64", "fd00:4::2/64"]}
    - {endpoints: ["r1:2", "r3:2"], addresses6: ["fd00:5::1/64", "fd00:5::2/64"]}
"""

# The link at p2 costs more than the way by r2.
AREA = """	area 0 {
		interface "p0", "p1" { hello 1; dead 4; };
		interface "p2" { hello 1; dead 4; cost 50; };
	};
"""
BIRD = """router id 10.255.0.%d;
protocol device { }
protocol kernel { ipv4 { export all; }; }
protocol kernel { ipv6 { export all; }; }
protocol ospf v2 {
""" + AREA + """}
protocol ospf v3 {
	ipv6 { };
""" + AREA + "}\n"

BGP = """name: bgp
topology:
  nodes:
    n1: {kind: host}
    r1: {kind: router, mirror: true, static: false, routes: 150000, memory: 256}
    r2: {kind: router, mirror: true, static: false, routes: 150000, memory: 256}
    n2: {kind: host}
  links:
    - {endpoints: ["n1:0", "r1:0"]}
    - {endpoints: ["r1:1", "r2:0"]}
    - {endpoints: ["r2:1", "n2:0"]}
"""
SPEAKER = """router id 10.0.1.1;
protocol device { }
protocol bgp {
	local 10.0.1.1 as 65100;
	neighbor 10.0.1.2 as 65001;
	ipv4 { import none; export all; };
}
protocol static {
	ipv4;
%s}
"""
FRR = {
    "r1": """router bgp 65001
 no bgp ebgp-requires-policy
 neighbor 10.0.1.1 remote-as 65100
 neighbor 10.0.2.2 remote-as 65002
 address-family ipv4 unicast
  network 10.0.1.0/24
""",
    "r2": """router bgp 65002
 no bgp ebgp-requires-policy
 neighbor 10.0.2.1 remote-as 65001
 address-family ipv4 unicast
  network 10.0.3.0/24
""",
}


class Bed(Place):
    """A testbed whose routers have daemons beside them."""

    ask = Testbed.ask  # `amp show` waits 10 s, and a busy machine takes longer for all rows of a large table

    def __init__(self, name, text):
        super().__init__()
        self.name = name
        self.state = self.dir / "amp" / name
        self.write(f"{name}.yaml", text)
        self.amp("testbed", "up", f"{name}.yaml", check=0)

    def run(self, node, *command, check=None):
        return self.amp("testbed", "exec", self.name, node, "--", *command, check=check)

    def bird(self, node, text):
        self.run(node, "bird", "-c", self.write(f"{node}.bird", text), "-s", "/run/bird.ctl", "-P", "/run/bird.pid", check=0)

    def birdc(self, node, *words):
        return self.run(node, "birdc", "-s", "/run/bird.ctl", *words, check=0).out

    def frr(self, node, text):
        """zebra and bgpd, as Debian starts them: as a user of their own, with a directory under /run."""
        self.write(f"{node}.bgpd", text)
        self.run(node, "sh", "-ec", f"mkdir -p /run/frr; cp {node}.bgpd /run/frr/bgpd.conf; : > /run/frr/zebra.conf; "
                                    "chown -R frr:frr /run/frr; /usr/lib/frr/zebra -d -f /run/frr/zebra.conf; "
                                    "/usr/lib/frr/bgpd -d -f /run/frr/bgpd.conf", check=0)

    def routes(self, node):
        """The routes by gateways that the router has from its Linux: prefix to the set of gateways and ports."""
        found = {}
        for r in self.ask(node, "show routes", timeout=60):
            if r["source"] == "host" and r["via"]:
                found.setdefault(r["prefix"], set()).add((r["via"], r["port"]))
        return found

    def linux(self, node, version=4):
        """What Linux itself says."""
        found = {}
        for r in json.loads(self.run(node, "ip", "-j", f"-{version}", "route", "show", check=0).out or "[]"):
            hops = {(h["gateway"], int(h["dev"][1:])) for h in r.get("nexthops", [r]) if "gateway" in h}
            if hops:
                found[r["dst"]] = hops
        return found

    def agrees(self, node):
        return self.routes(node) == {**self.linux(node), **self.linux(node, 6)}

    def used(self, node, table="routes4"):
        """Entries in the handlers' table."""
        return next(r["used"] for r in self.amp("show", node, "tables", "--json", check=0).rows if r["name"] == table)

    @contextlib.contextmanager
    def cut(self, *sockets):
        """No frame crosses a link while nobody is where its ends send to; nobody is told of it."""
        for name in sockets:
            (self.state / name).rename(self.state / f"{name}.cut")
        try:
            yield
        finally:
            for name in sockets:
                (self.state / f"{name}.cut").rename(self.state / name)

    def down(self):
        self.amp("testbed", "down", self.name, check=0)
        self.nothing_left()


def bed(name, text):
    b = Bed(name, text)
    try:
        yield b
        b.down()
    finally:
        b.close()


def program(name):
    return pytest.mark.skipif(not shutil.which(name, path="/usr/sbin:/usr/lib/frr:/usr/bin"),
                              reason=f"{name} is not there: testbed/packages routing")


# ---- OSPF ----

@pytest.fixture(scope="module")
def ospf():
    for b in bed("ospf", OSPF):
        for i in (1, 2, 3):
            b.bird(f"r{i}", BIRD % i)
        yield b


def converged(b, port):
    """r1 has all networks, that of n2 by this port."""
    r = b.routes("r1")
    return all({p for _, p in r.get(net, ())} == {port} for net in ("10.0.4.0/24", "fd00:4::/64"))


def by_way_of(b, family, far):
    """The routers that answer on the way from n1."""
    return re.findall(r"^ *\d+ +(\S+)", b.run("n1", "traceroute", f"-{family}", "-n", "-q", "1", "-w", "3", far, check=0).out, re.M)


@program("bird")
def test_adjacencies(ospf):
    """Hellos go to groups and answers to link-local addresses: all of that passes the mirrors."""
    wait_for(lambda: ospf.birdc("r1", "show", "ospf", "neighbors").count("Full/") == 4, within=30)
    wait_for(lambda: ospf.birdc("r2", "show", "ospf", "neighbors").count("Full/") == 4, within=30)


@program("bird")
def test_routes_follow(ospf):
    wait_for(lambda: converged(ospf, 1), within=20)
    for node in ("r1", "r2", "r3"):
        wait_for(lambda node=node: ospf.agrees(node), within=10)
        assert len(ospf.routes(node)) == (6 if node == "r2" else 4), ospf.routes(node)
    # From r2, the link between r1 and r3 is as far by either.
    assert ospf.routes("r2")["10.0.5.0/24"] == {("10.0.2.1", 0), ("10.0.3.2", 1)}
    assert {port for _, port in ospf.routes("r2")["fd00:5::/64"]} == {0, 1}


@program("bird")
@pytest.mark.parametrize("family,far,way", [(4, "10.0.4.2", ["10.0.1.2", "10.0.2.2", "10.0.3.2", "10.0.4.2"]),
                                            (6, "fd00:4::2", ["fd00:1::2", "fd00:2::2", "fd00:3::2", "fd00:4::2"])])
def test_across_three(ospf, family, far, way):
    wait_for(lambda: converged(ospf, 1), within=20)
    done = ospf.run("n1", "ping", f"-{family}", "-c", "5", "-i", "0.1", "-W", "5", far)
    assert "5 received" in done.out and "ttl=61" in done.out, done
    assert by_way_of(ospf, family, far) == way


@program("bird")
def test_cut_link(ospf):
    """Neither end of the link learns anything but that hellos stay away; the way by r3 takes over, and gives back."""
    wait_for(lambda: converged(ospf, 1), within=30)
    ping = subprocess.Popen([AMP, "testbed", "exec", "ospf", "n1", "--", "ping", "-n", "-i", "0.05", "10.0.4.2"], env=ospf.env, cwd=ospf.dir,
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    time.sleep(0.5)
    started = time.monotonic()
    with ospf.cut("n1.1", "n2.0"):
        wait_for(lambda: converged(ospf, 2), within=15)
        took = time.monotonic() - started
        for node in ("r1", "r2", "r3"):
            wait_for(lambda node=node: ospf.agrees(node), within=10)
        assert by_way_of(ospf, 4, "10.0.4.2") == ["10.0.1.2", "10.0.5.2", "10.0.4.2"]
        assert "3 received" in ospf.run("n1", "ping", "-6", "-c", "3", "-i", "0.1", "-W", "5", "fd00:4::2").out
    wait_for(lambda: converged(ospf, 1), within=30)
    time.sleep(0.5)
    ping.terminate()
    out, _ = ping.communicate(timeout=10)
    seen = [int(n) for n in re.findall(r"icmp_seq=(\d+) ttl=", out)]
    gap = max(b - a for a, b in zip(seen, seen[1:]))
    print(f"reconverged after {took:.1f} s, {gap * 0.05:.2f} s without an answer; the dead interval is 4 s")
    assert took < 8 and gap * 0.05 < 8, out
    # Back to the better way: both are up, nothing should be lost.
    assert by_way_of(ospf, 4, "10.0.4.2") == ["10.0.1.2", "10.0.2.2", "10.0.3.2", "10.0.4.2"]


@program("bird")
def test_interface_down(ospf):
    """Linux forgets the routes of an interface that goes down without a word about each."""
    wait_for(lambda: converged(ospf, 1), within=30)
    ospf.run("r1", "ip", "link", "set", "p1", "down", check=0)
    wait_for(lambda: converged(ospf, 2), within=15)
    assert all(port != 1 for hops in ospf.routes("r1").values() for _, port in hops)
    ospf.run("r1", "ip", "link", "set", "p1", "up", check=0)
    ospf.run("r1", "ip", "address", "replace", "fd00:2::1/64", "dev", "p1", "nodad", check=0)
    wait_for(lambda: converged(ospf, 1), within=30)
    wait_for(lambda: ospf.agrees("r1") and ospf.agrees("r2"), within=10)


# ---- BGP ----

def many(n):
    return "".join(f"\troute 20.{i >> 10}.{i >> 2 & 255}.{(i & 3) << 6}/26 via 10.0.1.1;\n" for i in range(n))


@pytest.fixture(scope="module")
def bgp():
    for b in bed("bgp", BGP):
        b.before = {}
        for node, text in FRR.items():
            b.frr(node, text)
        wait_for(lambda: "10.0.3.0/24" in b.routes("r1") and "10.0.1.0/24" in b.routes("r2"), within=30)
        assert "3 received" in b.run("n1", "ping", "-c", "3", "-i", "0.1", "-W", "5", "n2").out
        for node in FRR:
            b.before[node] = b.used(node)
        yield b


@program("bgpd")
def test_hundred_thousand(bgp):
    """From a speaker in n1 over r1 to r2: complete in both, packets go by them, and they are all withdrawn when the speaker falls silent."""
    started = time.monotonic()
    bgp.bird("n1", SPEAKER % many(ROUTES))
    for node in FRR:
        wait_for(lambda node=node: bgp.used(node) >= bgp.before[node] + ROUTES, within=60)
    print(f"{ROUTES} routes in both routers' tables after {time.monotonic() - started:.1f} s")
    for node, via in ("r1", ("10.0.1.1", 0)), ("r2", ("10.0.2.1", 0)):
        ours = bgp.routes(node)
        assert ours == bgp.linux(node)
        assert sum(v == {via} and k.startswith("20.") for k, v in ours.items()) == ROUTES
        # Beside them at most a neighbour or two that has been met meanwhile.
        assert bgp.used(node) - bgp.before[node] - ROUTES <= 2
    # A packet from n2 to one of them comes to n1, by r2 and r1.
    bgp.run("n1", "ip", "address", "add", "20.97.167.200/32", "dev", "lo", check=0)
    done = bgp.run("n2", "ping", "-c", "3", "-i", "0.1", "-W", "5", "20.97.167.200")
    assert "3 received" in done.out and "ttl=62" in done.out, done

    started = time.monotonic()
    bgp.birdc("n1", "down")
    for node in FRR:
        wait_for(lambda node=node: bgp.used(node) <= bgp.before[node] + 2, within=60)
    print(f"withdrawn after {time.monotonic() - started:.1f} s")
    for node in FRR:
        wait_for(lambda node=node: bgp.routes(node) == bgp.linux(node), within=10)
        assert not any(k.startswith("20.") for k in bgp.routes(node))
    assert "3 received" in bgp.run("n1", "ping", "-c", "3", "-i", "0.1", "-W", "5", "n2").out
