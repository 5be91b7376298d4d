# SPDX-License-Identifier: BSD-2-Clause
"""Long tables: they come whole, in parts that nobody waits behind, and no further than somebody reads them."""
import json
import signal
import socket
import subprocess
import time

import pytest

from conftest import AMP
from test_capacity import dotted
from test_hitless import Loaded, pytestmark  # noqa: F401
from test_lifecycle import wait_for

MANY = 100_000
FIRST = 20 << 24


@pytest.fixture(scope="module")
def many():
    """A router under full load that follows Linux's 100,000 routes."""
    r = Loaded([FIRST | n * 7919 % (MANY << 4) for n in range(256)], routes=MANY + 1000, memory=128)
    try:
        with open(r.dir / "batch", "w") as batch:
            batch.writelines(f"route add {dotted(FIRST + 16 * n)}/28 via 198.18.0.2 dev out\n" for n in range(MANY))
        r.linux("ip -batch batch")
        wait_for(lambda: r.used() > MANY, within=120)
        yield r
    finally:
        r.close()


def socket_of(router, line):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(60)
    s.connect(str(router.state / "ctl"))
    s.sendall(line)
    return s


def answers_within(router, seconds):
    """The longest that ten requests, one after the other, waited for their answers."""
    longest = 0
    for _ in range(10):
        started = time.monotonic()
        assert router.ask("show ports") is None
        longest = max(longest, time.monotonic() - started)
    assert longest < seconds, longest
    return longest


def expected():
    return {f"{dotted(FIRST + 16 * n)}/28" for n in range(MANY)}


def test_complete(many):
    """Each route once, in JSON and in text."""
    started = time.monotonic()
    rows = many.show("routes")
    took = time.monotonic() - started
    host = [r["prefix"] for r in rows if r["source"] == "host" and r["prefix"].endswith("/28")]
    assert len(host) == MANY and set(host) == expected()
    started = time.monotonic()
    text = many.amp("show", "full", "routes", "-t", many.state, check=0, timeout=60).out.splitlines()
    print(f"{len(rows)} rows as JSON in {took:.1f} s, as text in {time.monotonic() - started:.1f} s")
    assert text[0].split()[:2] == ["prefix", "via"] and {line.split()[0] for line in text} >= expected()
    one = many.amp("show", "full", "routes", "20.0.16.0/28", "-t", many.state, "--json", check=0, timeout=60).rows
    assert [r["prefix"] for r in one] == ["20.0.16.0/28"]


def test_in_parts(many):
    """A part by itself, as who speaks to the node has it; a place behind the end, and none at all."""
    rows = []
    with socket_of(many, b"t1 full show routes from 50000\n") as s:
        for line in s.makefile():
            if not line.startswith("t1 {"):
                break
            rows.append(json.loads(line[3:])["prefix"])
    assert line == "t1 .\n" and len(rows) == len(set(rows)) and MANY - 50000 <= len(rows) + 100 < MANY
    assert many.ask("show routes from 4000000000") is None
    for wrong in ("from", "from x", "until 3", "from 1 2"):
        assert many.ask(f"show routes {wrong}")


def test_nobody_waits(many):
    """Others are answered while two long tables are on their way."""
    shows = [subprocess.Popen([AMP, "show", "full", "routes", "-t", many.state, "--json"], env=many.env, stdout=subprocess.PIPE) for _ in range(2)]
    try:
        longest = answers_within(many, 2)
        print(f"an answer took {longest * 1000:.0f} ms at most")
        for show in shows:
            assert len(json.loads(show.communicate(timeout=120)[0])) > MANY
    finally:
        for show in shows:
            show.kill()
            show.wait()


def test_hangs_up(many):
    """Clients that go in the middle are not listed for any further."""
    for _ in range(20):
        with socket_of(many, b"t1 full show routes\n") as s:
            s.recv(100)
    answers_within(many, 2)
    wait_for(lambda: lines_of(many) < 100)


def lines_of(router):
    """How many requests the node gets in half a second beside those of who asks."""
    def lines():
        return next(r["value"] for r in router.show("counters") if r["group"] == "console" and r["name"] == "lines")
    before = lines()
    time.sleep(0.5)
    return lines() - before


def test_stops_reading(many):
    """Nor does one that stops reading keep anybody waiting; it gets the rest when it reads on."""
    stopped = subprocess.Popen([AMP, "show", "full", "routes", "-t", many.state, "--json"], env=many.env, stdout=subprocess.PIPE)
    with socket_of(many, b"t1 full show routes\n") as s:
        try:
            stopped.stdout.read(1000)
            stopped.send_signal(signal.SIGSTOP)
            answers_within(many, 2)
            wait_for(lambda: lines_of(many) < 100)
            stopped.send_signal(signal.SIGCONT)
            stopped.stdout.read()
            assert stopped.wait(timeout=120) == 0
            rows = [line for line in s.makefile() if line.startswith("t1 {") or line == "t1 .\n" and s.shutdown(socket.SHUT_RD)]
            assert len(rows) > MANY
        finally:
            stopped.kill()
            stopped.wait()
