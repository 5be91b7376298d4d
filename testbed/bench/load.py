#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""bench-load: how long a router takes to have a million routes, read from Linux by a root process that starts anew (as after `kill -9`), until forwarding uses all of
them; with no traffic, and with one lcore under full load. Beside it `ip route show`, which reads the same table out of the same kernel and does nothing with it.

What each does not do: `ip` keeps nothing. Ours reads addresses, neighbours and links as well, and builds tables for IPv4 and IPv6.
"""
import json
import os
import pathlib
import signal
import statistics
import sys
import time

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "testbed" / "test"))
# pylint: disable=wrong-import-position
from test_capacity import LOAD_S, MILLION, dotted, prefixes  # noqa: E402
from test_hitless import Loaded  # noqa: E402
from test_lifecycle import wait_for  # noqa: E402

ROUNDS = 8


def linux_reads(router):
    """Seconds that `ip` takes to list them."""
    started = time.monotonic()
    router.linux(f"test $(ip -4 route show | wc -l) -ge {MILLION}")
    return time.monotonic() - started


def router_reads(router, all_of_them):
    """Seconds from the end of the root process to the use of all routes by the next one."""
    before = router.pid("init")
    os.kill(before, signal.SIGKILL)
    started = time.monotonic()
    wait_for(lambda: router.pid("init") not in (None, before) and router.used() >= all_of_them, within=60)
    return time.monotonic() - started


def measure(name, idle):
    nets = prefixes(MILLION)
    router = Loaded([net | 1 for net, _ in nets[::977]], routes=MILLION + 1000, memory=256, idle=idle)
    try:
        with open(router.dir / "all", "w") as batch:
            batch.writelines(f"route replace {dotted(net)}/{length} via 198.18.0.2 dev out\n" for net, length in nets)
        all_of_them = router.used() + MILLION
        router.linux("ip -batch all")
        wait_for(lambda: router.used() >= all_of_them, within=120)
        ours, peer = [], []
        for _ in range(ROUNDS):
            peer.append(linux_reads(router))
            ours.append(router_reads(router, all_of_them))
    finally:
        router.close()
    return {"row": name, "unit": "s", "peer": "ip route show", "peer_value": statistics.median(peer), "ours_value": statistics.median(ours),
            "ratio": statistics.median(ours) / statistics.median(peer), "rounds": ROUNDS, "spread": [min(ours), max(ours)]}


def main():
    model = next((line.split(": ", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "unknown processor")
    print(f"\nload, on {model}. Medians (lowest-highest), rounds interleaved.")
    rows = []
    for name, idle in (("1000000 routes, idle", True), ("1000000 routes, full load", False)):
        row = measure(name, idle)
        verdict = "" if row["ours_value"] <= LOAD_S else ", MISSED"
        print(f"{name:32} {row['ours_value']:10.3g} s        ({row['spread'][0]:.3g}-{row['spread'][1]:.3g}, goal {LOAD_S:.0f}{verdict})  "
              f"{row['peer']:14} {row['peer_value']:10.3g}  ratio {row['ratio']:.3g}  {ROUNDS} rounds", flush=True)
        rows.append(row)
    out = pathlib.Path(os.environ.get("AMP_DATA", TOP / "build")) / "bench"
    out.mkdir(parents=True, exist_ok=True)
    (out / "load.json").write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    if os.geteuid() != 0:
        sys.exit("bench-load: a network namespace for the mirrors needs root")
    main()
