# SPDX-License-Identifier: BSD-2-Clause
"""amp router: interfaces with a mirror answer for their addresses, since Linux's side of them has these too; and it keeps to what it has put there itself."""
import json
import os
import signal
import subprocess

import pytest

from conftest import AMP, Place
from test_lifecycle import wait_for

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces of the machine need root")

CONF = """node tw1
interface lan af_packet:eth0 mirror
memory 64
port lan address 10.81.1.1/24
port lan address fd81:1::1/64
"""


def sh(text):
    subprocess.run(["sh", "-ec", text], check=True, capture_output=True, text=True)


class Twin(Place):
    """The router in ampw-r, and a neighbour on its interface in ampw-n."""

    def __init__(self, conf=CONF, before=":"):
        super().__init__()
        self.process = None
        self.clear()
        sh("for x in r n; do ip netns add ampw-$x; ip -n ampw-$x link set lo up; done; "
           "ip -n ampw-r link add eth0 type veth peer name eth0 netns ampw-n; "
           "for x in r n; do ip -n ampw-$x link set eth0 up; ip netns exec ampw-$x ethtool -K eth0 tx off; done; "
           "ip -n ampw-n address add 10.81.1.2/24 dev eth0; ip -n ampw-n address add fd81:1::2/64 dev eth0 nodad; "
           "ip -n ampw-n address add 10.81.2.2/24 dev eth0")
        sh(before)
        self.conf, self.state = self.write("r.conf", conf), self.dir / "s"
        self.err = open(self.dir / "said", "w")
        self.process = subprocess.Popen(["ip", "netns", "exec", "ampw-r", AMP, "router", "-c", self.conf, "--state", self.state], env=self.env,
                                        cwd=self.dir, stdin=subprocess.DEVNULL, stdout=self.err, stderr=self.err)
        wait_for(lambda: "is ready" in self.said() or self.process.poll() is not None, within=40)
        assert self.process.poll() is None, self.said()

    def clear(self):
        subprocess.run(["sh", "-c", "for x in r n; do ip netns del ampw-$x; done"], capture_output=True, check=False)

    def said(self):
        return (self.dir / "said").read_text()

    def on_twin(self):
        """Its global addresses."""
        done = subprocess.run(["ip", "-n", "ampw-r", "-j", "address", "show", "dev", "lan"], capture_output=True, text=True, check=False)
        return {f"{a['local']}/{a['prefixlen']}" for i in json.loads(done.stdout or "[]") for a in i["addr_info"] if a["scope"] == "global"}

    def has(self, *addresses):
        wait_for(lambda: self.on_twin() == set(addresses))

    def pings(self, address):
        def one():
            return subprocess.run(["ip", "netns", "exec", "ampw-n", "ping", "-c", "3", "-i", "0.2", "-W", "5", address], capture_output=True, text=True,
                                  timeout=60, check=False)
        wait_for(lambda: " 3 received" in one().stdout, within=30)

    def reload(self, conf):
        self.write("r.conf", conf)
        done = self.amp("reload", self.state)
        assert done.code == 0, done

    def close(self):
        if self.process:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(timeout=20)
            self.err.close()
        self.clear()
        super().close()


@pytest.fixture
def twin():
    t = Twin()
    try:
        yield t
    finally:
        t.close()


def test_own_addresses_answer(twin):
    twin.has("10.81.1.1/24", "fd81:1::1/64")
    twin.pings("10.81.1.1")
    twin.pings("fd81:1::1")
    assert "cannot add" not in twin.said()


def test_reload(twin):
    """New addresses come, old ones go; what somebody else has put there stays, also when the file had it too."""
    sh("ip -n ampw-r address add 192.0.2.81/32 dev lan; ip -n ampw-r address add 10.81.3.1/24 dev lan")
    twin.reload(CONF.replace("10.81.1.1/24", "10.81.2.1/24") + "port lan address 10.81.3.1/24\n")
    twin.has("10.81.2.1/24", "fd81:1::1/64", "192.0.2.81/32", "10.81.3.1/24")
    twin.pings("10.81.2.1")
    twin.reload(CONF.replace("port lan address fd81:1::1/64\n", ""))
    twin.has("10.81.1.1/24", "192.0.2.81/32", "10.81.3.1/24")
    twin.pings("10.81.1.1")


def test_networks_first_address_goes(twin):
    """Linux takes away all of a network's addresses with its first."""
    twin.reload(CONF + "port lan address 10.81.1.7/24\n")
    twin.has("10.81.1.1/24", "10.81.1.7/24", "fd81:1::1/64")
    twin.reload(CONF.replace("10.81.1.1/24", "10.81.1.7/24"))
    twin.has("10.81.1.7/24", "fd81:1::1/64")
    twin.pings("10.81.1.7")


def test_what_fails_is_told():
    """IPv6 is off for Linux: the router goes on, and says what to type."""
    t = Twin(before="ip netns exec ampw-r sysctl -q net.ipv6.conf.default.disable_ipv6=1")
    try:
        t.has("10.81.1.1/24")
        wait_for(lambda: "type: ip address add fd81:1::1/64 dev lan" in t.said())
        t.pings("10.81.1.1")
    finally:
        t.close()


def test_link(twin):
    """As `show ports` and the log have it: the cable is pulled, and put back; the interface is gone for good."""
    def state():
        return next(p["state"] for p in twin.amp("show", "tw1", "ports", "-t", twin.state, "--json", check=0).rows if p["port"] == 0)

    assert state() == "up"
    sh("ip -n ampw-n link set eth0 down")
    wait_for(lambda: state() == "down")
    sh("ip -n ampw-n link set eth0 up")
    wait_for(lambda: state() == "up")
    twin.pings("10.81.1.1")
    sh("ip -n ampw-n link del eth0")
    wait_for(lambda: state() == "down" and "lan: link is down: its interface is gone" in twin.said())
    assert "lan: link is up" in twin.said()


def test_copies_are_told():
    """Linux has an address on the interface itself, and so answers as well."""
    t = Twin(before="ip -n ampw-r address add 10.81.1.9/24 dev eth0")
    try:
        wait_for(lambda: "port lan: Linux takes the frames of eth0 as well, since it has addresses on it: to end that, type ip address flush dev eth0"
                 in t.said())
    finally:
        t.close()


def test_losses(twin):
    """Columns of `show ports`; drops know nothing of them."""
    lan = next(p for p in twin.amp("show", "tw1", "ports", "-t", twin.state, "--json", check=0).rows if p["port"] == 0)
    assert (lan["rx_missed"], lan["rx_errors"], lan["rx_no_buffer"]) == (0, 0, 0)
