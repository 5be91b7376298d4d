# SPDX-License-Identifier: BSD-2-Clause
"""Code on demand while every link loses one packet in five."""

BIG = """#include "capsule/sdk.h"
/* 16,000 octets of read-only data: the module travels in 16 chunks, so that losses hit it. */
static const uint8_t table[16000] = {%s};
CAPSULE_ENTRY(big)
{
	uint32_t at = ctx->hops * 1999u %% 16000u;
	if (table[at] == 255)
		return CAPSULE_DROP;
	return ctx->flags & CAPSULE_AT_DESTINATION ? CAPSULE_DELIVER : CAPSULE_FORWARD;
}
"""


def build_big(bed):
    bed.write("big.c", BIG % ",".join(str((i * 7 + i // 251) % 255) for i in range(16000)))
    bed.amp("build", "big.c", "-o", "big.mod", check=0)
    return bed.dir / "big.mod"


def test_fetch_under_loss(lossy):
    module = build_big(lossy)
    way = ["r1", "r2", "r3", "h2"]
    sent, delivered = 0, None
    # Capsules are datagrams and a link may lose one; each attempt is a new capsule, and code that has come stays.
    while not delivered and sent < 60:
        sent += 1
        done = lossy.amp("inject", "--at", "h1", "--to", "h2", module, "--wait", "8", "--json")
        assert done.code in (0, 3), done
        delivered = [e for e in done.rows if e["event"] == "delivered"]
    assert delivered, f"none of {sent} capsules arrived"
    print(f"\ncapsule {sent} arrived")
    for node in way:
        events = lossy.events(node)
        code = delivered[0]["code"]
        start = next(i for i, e in enumerate(events) if e["event"] == "fetch" and e["code"] == code)
        done = [e for e in events[start:] if e["event"] == "fetch" and e["state"] == "done" and e["code"] == code]
        assert done, f"{node} never got the code: {events[start:]}"
        fetch = done[-1]
        assert fetch["chunks"] == 16 or fetch["chunks"] == 17
        # The capsule that triggered the fetch had waited, and ran here.
        assert fetch["resumed"] >= 1
        ran = [e for e in events if e["event"] == "ran" and e["code"] == code]
        assert ran
        print(f"{node}: {fetch['chunks']} chunks, {fetch['retransmits']} sent again, {fetch['resumed']} resumed")
    # The capsule that made h2 fetch is the one that it delivered: no other had come so far.
    last = [e for e in lossy.events("h2") if e.get("code") == code]
    assert [e["event"] for e in last] == ["fetch", "fetch", "ran", "delivered"]
    assert last[3]["seq"] == delivered[0]["seq"]
    total = sum(e["retransmits"] for n in way for e in lossy.events(n)
                if e["event"] == "fetch" and e["code"] == code)
    assert total > 0, "no link lost anything: the test shows nothing"


def test_links_lost(lossy):
    links = lossy.amp("testbed", "status", "--json", check=0).rows["links"]
    lost = sum(row["drops"]["loss"] for row in links)
    frames = sum(row["in_frames"] for row in links)
    print(f"\n{lost} of {frames} frames lost")
    assert 0.1 * frames < lost < 0.3 * frames
    assert sum(row["drops"]["queue-full"] + row["drops"]["wire-full"] for row in links) == 0
