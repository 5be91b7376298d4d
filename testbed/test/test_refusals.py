# SPDX-License-Identifier: BSD-2-Clause
"""Capsules that no node may run: each is refused at the first router, counted under its own name, and the network goes on."""
import time

import pytest


def refused(demo, reason, *inject):
    before = demo.counter("r1", reason)
    done = demo.amp("inject", "--at", "h1", *inject, "--json")
    assert done.code == 2, done
    rows = [e for e in done.rows if e["event"] == "refused"]
    assert [(e["node"], e["reason"]) for e in rows] == [("r1", reason)]
    assert demo.counter("r1", reason) == before + 1
    assert not [e for e in done.rows if e["event"] == "ran"]
    demo.alive()
    return rows[0]


def test_unsigned(demo):
    refused(demo, "unsigned", demo.sign("unsigned.cap", "ping.mod", key=None), "ping")


def flip(path, at):
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)
    return path


# An octet of each signed field: sequence, budget's last, argument.
@pytest.mark.parametrize("at", [87, 107, 240])
def test_altered(demo, at):
    cap = demo.sign("altered.cap", "ping.mod", "--arg", "0102030405060708", "--budget", "1000")
    if at == 107:  # budget 1000 -> 1001, so that the budget left stays below it
        assert cap.read_bytes()[107] & 1 == 0
    row = refused(demo, "bad-signature", flip(cap, at), "ping")
    assert row["principal"]


def test_no_permission(demo):
    row = refused(demo, "not-permitted", "--to", "h2", "ping", "--key", demo.dir / "bob.key")
    assert row["principal"] == "bob"


def test_unknown_principal(demo):
    if not (demo.dir / "mallory.key").exists():
        demo.amp("keygen", "mallory", "-d", demo.dir, check=0)
    refused(demo, "unknown-principal", "--to", "h2", "ping", "--key", demo.dir / "mallory.key")


def test_expired(demo):
    now = int(time.time())
    cap = demo.sign("expired.cap", "ping.mod", "--not-before", now - 100, "--not-after", now - 40)
    refused(demo, "expired", cap, "ping")


def test_not_yet_valid(demo):
    now = int(time.time())
    cap = demo.sign("early.cap", "ping.mod", "--not-before", now + 100, "--not-after", now + 200)
    refused(demo, "not-yet-valid", cap, "ping")


def test_over_budget(demo):
    refused(demo, "over-budget", "--to", "h2", "ping", "--budget", "1000001")


def test_wrong_destination_address(demo):
    """The origin that was signed is not where it is sent from."""
    cap = demo.sign("origin.cap", "ping.mod", src="h2")
    row = refused(demo, "address-mismatch", cap, "ping")
    assert row["detail"] == "came from 10.0.1.1 to 10.0.4.2, signed from 10.0.4.2 to 10.0.4.2"
