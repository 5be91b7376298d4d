# SPDX-License-Identifier: BSD-2-Clause
"""How much a router takes and holds: memory with default tables and with a million routes, and that many routes read, and replaced, under full load.

The routes come from Linux, as those of a routing daemon do. How fast `ip` puts them there is Linux's affair; how fast a router reads them is measured with one
whose root process starts anew.
"""
import json
import os
import pathlib
import random
import signal
import socket
import time

import pytest

from test_hitless import Loaded, Lossless, pytestmark  # noqa: F401
from test_lifecycle import wait_for

MILLION = 1_000_000
DEFAULT_MIB, MILLION_MIB = 64, 256
LOAD_S = 5.0
LAST = "223.255.255.255/32"


def test_default_tables():
    """In test mode, without huge pages: everything that runs, together."""
    r = Loaded([], idle=True)
    try:
        wait_for(lambda: r.pid("capsule"), within=10)
        mib, by = r.resident()
        print(f"default tables: {mib:.1f} MiB resident ({by})")
        assert mib < DEFAULT_MIB
    finally:
        r.close()


def dotted(a):
    return f"{a >> 24}.{a >> 16 & 255}.{a >> 8 & 255}.{a & 255}"


def prefixes(n):
    """Of lengths as they are in the Internet's table, spread over all of it."""
    some, found = random.Random(4), set()
    lengths = [24] * 60 + [22] * 12 + [23] * 11 + [21] * 5 + [20] * 5 + [19] * 3 + [18] * 2 + [16] * 2
    while len(found) < n:
        first, length = some.randrange(1, 223), some.choice(lengths)
        if first not in (10, 127, 169, 198):
            found.add(((first << 24 | some.getrandbits(24)) >> 32 - length << 32 - length, length))
    return list(found)


@pytest.fixture(scope="module")
def full():
    nets = prefixes(MILLION)
    r = Loaded([net | 1 for net, _ in nets[::977]], routes=MILLION + 1000, memory=256)
    try:
        for hop in (2, 3):
            with open(r.dir / f"via{hop}", "w") as batch:
                batch.writelines(f"route replace {dotted(net)}/{length} via 198.18.0.{hop} dev out\n" for net, length in nets)
        r.empty = r.used()
        started = time.monotonic()
        r.linux("ip -batch via2")
        in_linux = time.monotonic() - started
        wait_for(lambda: r.used() >= r.empty + MILLION, within=60)
        print(f"Linux took {in_linux:.1f} s for {MILLION} routes, the router had them {time.monotonic() - started - in_linux:.1f} s later")
        yield r
    finally:
        r.close()


def test_memory(full):
    mib, by = full.resident()
    print(f"{MILLION} routes: {mib:.1f} MiB resident ({by})")
    assert mib < MILLION_MIB


def cpu_seconds(path):
    """What a process or thread has run, also in system calls."""
    fields = (path / "stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_read(full):
    """
    A new root process reads all of them into new tables, which then take the place of the old ones. It and xokd's control thread do that in turn: the time that
    they run is the time that it takes where nothing else runs.
    """
    xokd = full.pid("xokd")
    control = pathlib.Path(f"/proc/{xokd}/task/{xokd}")
    with Lossless(full):
        before, started = cpu_seconds(control), time.monotonic()
        os.kill(full.pid("init"), signal.SIGKILL)
        full.back(within=60)
        took = time.monotonic() - started
        ran = cpu_seconds(control) - before, cpu_seconds(pathlib.Path(f"/proc/{full.pid('init')}"))
        assert full.used() >= full.empty + MILLION
    mib, _ = full.resident()
    print(f"{MILLION} routes loaded in {took:.2f} s (xokd ran {ran[0]:.2f} s, the root process {ran[1]:.2f} s), {mib:.1f} MiB resident afterwards")
    assert sum(ran) < LOAD_S
    assert mib < MILLION_MIB


def sample(router, n):
    """The gateways of the first n routes that the router lists; it has too many to ask for all."""
    found = set()
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(15)
        s.connect(str(router.state / "ctl"))
        s.sendall(b"t1 full show routes\n")
        for line in s.makefile():
            row = json.loads(line[3:]) if line.startswith("t1 {") else {}
            found.add(row.get("via") if row.get("source") == "host" else None)
            n -= 1
            if not n:
                return found - {None, ""}


def test_replaced(full):
    """Each of them by one with another next hop, one after the other, and one more that marks the end."""
    with open(full.dir / "via3", "a") as batch:
        batch.write(f"route replace {LAST} via 198.18.0.3 dev out\n")
    before = full.used()
    with Lossless(full):
        started = time.monotonic()
        full.linux("ip -batch via3")
        in_linux = time.monotonic() - started
        wait_for(lambda: full.used() > before, within=60)
        took = time.monotonic() - started
    print(f"{MILLION} routes replaced in {took:.1f} s, of which Linux took {in_linux:.1f} s")
    assert sample(full, 20000) == {"198.18.0.3"}
