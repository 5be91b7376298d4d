# SPDX-License-Identifier: BSD-2-Clause
"""xokd on interfaces of Linux that go down, are deleted, are not there, are used by Linux as well, or lose frames; and with much memory."""
import contextlib
import os
import pathlib
import signal
import subprocess
import time

import pytest

from test_xokd import ANSWER, cable, eventually, frame, node, packet_socket, received, refused, root_only, unix  # noqa: F401


def ip(*words):
    subprocess.run(["ip", *words], check=True)


@contextlib.contextmanager
def veth():
    """xxv0 and xxv1, up; both go, if they are still there."""
    ip("link", "add", "xxv0", "type", "veth", "peer", "name", "xxv1")
    try:
        for name in ("xxv0", "xxv1"):
            ip("link", "set", name, "up")
        yield
    finally:
        subprocess.run(["ip", "link", "del", "xxv0"], capture_output=True, check=False)


def seconds_used(node):
    """Processor time of all its threads."""
    fields = pathlib.Path(f"/proc/{node.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@root_only
def test_tun_interface_deleted(node):
    """The port goes down and rests: its descriptor would wake whoever waits for it, without end."""
    with cable(node, "a") as a:
        node.start(*unix("a"), "--port", "t=tun:xxt0")
        assert node.port("t")["up"] == 1
        ip("link", "del", "xxt0")
        assert eventually(lambda: node.port("t")["up"] == 0)
        tun = [fd for fd in pathlib.Path(f"/proc/{node.process.pid}/fd").iterdir() if "net/tun" in os.readlink(fd)]
        assert not tun
        before = seconds_used(node)
        time.sleep(1)
        assert seconds_used(node) - before < 0.5
        # The lcore goes on with its other ports.
        a.sendto(frame(), str(node.dir / "a.l"))
        assert a.recv(4096)[12:14] == ANSWER
        code, out = node.stop()
        assert code == 0 and out.count("port t: link is down: its interface is gone") == 1


@root_only
def test_tun_interface_down(node):
    node.start("--port", "t=tun:xxt0")
    ip("link", "set", "xxt0", "down")
    assert eventually(lambda: node.port("t")["up"] == 0)
    ip("link", "set", "xxt0", "up")
    assert eventually(lambda: node.port("t")["up"] == 1)
    with packet_socket("xxt0") as s:
        s.send(frame())
        assert received(s, ANSWER)[:12] == frame()[:12]
    out = node.stop()[1]
    assert "port t: link is down\n" in out and "port t: link is up\n" in out


@root_only
def test_af_packet_link(node):
    """Its own interface down; the far end's, which takes away the carrier; deleted, and another one of the same name does not count."""
    with veth():
        node.start("--port", "v=af_packet:xxv0")
        up = lambda: node.port("v")["up"]  # noqa: E731
        for name in ("xxv0", "xxv1"):
            assert eventually(lambda: up() == 1)
            ip("link", "set", name, "down")
            assert eventually(lambda: up() == 0)
            ip("link", "set", name, "up")
        assert eventually(lambda: up() == 1)
        # Some are lost: Linux first tells a packet socket that the interface was down, and an interface that has come up may take a second to send.
        with packet_socket("xxv1") as s:
            s.settimeout(0.5)

            def answered():
                with contextlib.suppress(TimeoutError):
                    s.send(frame())
                    return received(s, ANSWER)[:12] == frame()[:12]

            assert eventually(answered, 20)
        ip("link", "del", "xxv0")
        assert eventually(lambda: up() == 0)
        with veth():
            time.sleep(0.6)
            assert up() == 0
        code, out = node.stop()
        assert code == 0 and out.count("port v: link is down: its interface is gone") == 1


@root_only
def test_interface_that_is_not_there(node):
    assert "port a: Linux has no interface xxnone" in refused(node, "--port", "a=af_packet:xxnone")
    with veth():
        error = refused(node, "--port", "a=tun:xxv0")
        assert "port a: xxv0 exists and is no TAP interface: write af_packet:xxv0, or another name" in error
        error = refused(node, *unix("a", "mirror=xxv0"))
        assert "port a.linux: xxv0 exists and is no TAP interface: choose another name" in error


@root_only
@pytest.mark.parametrize("do,why,how", [
    ("ip address add 192.0.2.77/32 dev xxv0", "has addresses on it", "ip address flush dev xxv0"),
    ("sysctl -q net/ipv4/conf/xxv0/forwarding=1", "forwards IPv4", "sysctl net/ipv4/conf/xxv0/forwarding=0")])
def test_linux_takes_the_frames_as_well(node, do, why, how):
    """Said at the start, with what to type; no more when that was typed."""
    with veth():
        subprocess.run(do.split(), check=True)
        node.start("--port", "v=af_packet:xxv0")
        line, = [l for l in node.stop()[1].splitlines() if "as well" in l]
        assert f"port v: Linux takes the frames of xxv0 as well, since it {why}" in line and how in line
        node.heard()
        subprocess.run(line.split("type ")[1], shell=True, check=True, capture_output=True)
        node.start("--port", "v=af_packet:xxv0")
        assert "as well" not in node.stop()[1]


@root_only
def test_losses_before_the_port(node):
    """What Linux could not queue for us while we did not read is no packet of ours, but counted."""
    node.start("--port", "t=tun:xxt0")
    assert node.port("t")["rx_missed"] == 0
    node.process.send_signal(signal.SIGSTOP)
    try:
        ip("link", "set", "xxt0", "txqueuelen", "10")
        with packet_socket("xxt0") as s:
            for _ in range(3000):
                with contextlib.suppress(OSError):
                    s.send(frame(b"\x08\x00"))
    finally:
        node.process.send_signal(signal.SIGCONT)
    lost = int(pathlib.Path("/sys/class/net/xxt0/statistics/tx_dropped").read_text())
    assert lost > 0
    assert eventually(lambda: node.port("t")["rx_missed"] >= lost), node.port("t")
    p = node.port("t")
    assert p["rx_packets"] == p["rx_no_filter"] + p["rx_handled"] + p["rx_ring_full"] and p["rx_packets"] < 3000


# ---- memory ----


@pytest.mark.parametrize("mib", ["16384", "65536"])
def test_much_memory(node, mib):
    """It is taken as it is used. The root environment maps the bookkeeping, which is as large as that."""
    with cable(node, "a") as a:
        node.start(*unix("a"), "--memory", mib)
        a.sendto(frame(), str(node.dir / "a.l"))
        assert a.recv(4096)[12:14] == ANSWER
        assert node.stop()[0] == 0
