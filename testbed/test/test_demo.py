# SPDX-License-Identifier: BSD-2-Clause
"""The demo, as a user runs it, and as a user interrupts it."""
import os
import pathlib
import re
import signal
import subprocess
import time

import pytest

from conftest import BUILD, TOP


def start():
    """With Ctrl-C as a terminal has it, whatever started the tests: bash cannot trap what was ignored when it began."""
    return subprocess.Popen([TOP / "testbed" / "demo", BUILD], text=True, stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
                            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))


def left(session):
    """Processes of the demo's session, or of one that its supervisor opened: those with its directory in the environment."""
    found = []
    for proc in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if f"\0XDG_RUNTIME_DIR={session}".encode() in b"\0" + proc.joinpath("environ").read_bytes():
                found.append(proc.joinpath("cmdline").read_bytes())
        except OSError:
            pass
    return found


def directories():
    return set(pathlib.Path("/tmp").glob("amp-demo.*"))


def test_demo():
    before = directories()
    began = time.monotonic()
    demo = start()
    out, _ = demo.communicate(timeout=120)
    print(f"\nthe demo took {time.monotonic() - began:.1f} s")
    assert demo.returncode == 0, out
    assert "Everything was as it should be." in out
    for reason in ("unsigned", "bad-signature", "not-permitted", "expired"):
        assert f"refused at r1: counter {reason} " in out
    assert len(re.findall(r"^ +\d  (?:r1|r2|r3|h2) ", out, re.M)) >= 4
    assert directories() - before == set()


@pytest.mark.parametrize("moment", ["starting 5 nodes", "ready after", "Round trips", "Refused: a capsule altered"])
def test_interrupted(moment):
    """Ctrl-C goes to the whole process group of the terminal."""
    before = directories()
    demo = start()
    out = ""
    for line in demo.stdout:
        out += line
        if moment in line:
            break
    mine = directories() - before
    os.killpg(demo.pid, signal.SIGINT)
    rest, _ = demo.communicate(timeout=30)
    assert demo.returncode != 0
    assert "Everything was as it should be" not in out + rest
    assert len(mine) == 1
    assert left(mine.pop()) == []
    assert directories() - before == set()
