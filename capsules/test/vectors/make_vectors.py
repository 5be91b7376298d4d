#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes the test vectors beside this file, from FORMAT.md alone: an implementation of its own, in another language.

The tests check the C code against the files, not against this script; it is needed only when the format changes.
Needs python3-cryptography.
"""
import hashlib
import ipaddress
import os
import struct

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

HERE = os.path.dirname(os.path.abspath(__file__))
SEED_A = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")  # RFC 8032 7.1, test 1
SEED_B = bytes(range(32))
HEAD = "# SPDX-License-Identifier: BSD-2-Clause\n# Made by make_vectors.py. A vector ends at an empty line; `-` is an empty string.\n\n"


def public(seed):
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def address(text):
    a = ipaddress.ip_address(text)
    return a.packed if a.version == 6 else b"\0" * 10 + b"\xff\xff" + a.packed


def anep(kind, header, body):
    return struct.pack(">BBHHH", 1, 0, kind, header // 4, 8 + len(body)) + body


CAPSULE = {
    "code": hashlib.blake2b(b"a module", digest_size=32).digest(), "seed": SEED_A, "sequence": 7, "not-before": 1700000000,
    "not-after": 1700000060, "budget": 100000, "entry": 0, "argument": b"pingpong", "data": b"",
    "origin": "10.0.1.1", "destination": "10.0.4.1", "budget-left": 99000, "flags": 0, "hops": 2,
    "previous": "10.0.2.1", "signed": True,
}


def capsule(**change):
    c = {**CAPSULE, **{k.replace("_", "-"): v for k, v in change.items()}}
    body = bytes.fromhex("c0010009") + c["code"] + bytes.fromhex("c0020019") + public(c["seed"])
    body += struct.pack(">QQQIHH", c["sequence"], c["not-before"], c["not-after"], c["budget"], c["entry"],
                        c.get("arg-len", len(c["argument"])))
    body += address(c["origin"]) + address(c["destination"])
    assert len(body) == 136
    signature = b""
    if c["signed"]:
        message = b"AMP capsule v1\0\0" + body + c["argument"]
        signature = Ed25519PrivateKey.from_private_bytes(c["seed"]).sign(message)
        body += bytes.fromhex("c0030011") + signature
    body += bytes.fromhex("c0040007") + struct.pack(">IBBH", c["budget-left"], c["flags"], c["hops"], c.get("zero", 0))
    body += address(c["previous"])
    packet = anep(2002, 240 if c["signed"] else 172, body + c["argument"] + c["data"])
    return c, signature, packet


def hexed(b):
    return b.hex() if b else "-"


def emit(f, **fields):
    for k, v in fields.items():
        v = hexed(v) if isinstance(v, bytes) else v
        f.write(f"{k.replace('_', '-')} {v}\n")
    f.write("\n")


def packets():
    cases = [("out", {}), ("returning", {"flags": 1, "hops": 5, "budget_left": 0}),
             ("data", {"data": bytes(range(200)), "entry": 3}), ("no-payload", {"argument": b""}),
             ("largest", {"argument": b"\xaa" * 400, "data": b"\x55" * 560}),
             ("extremes", {"sequence": 2**64 - 1, "not_before": 0, "not_after": 2**64 - 1, "budget": 2**32 - 1,
                           "budget_left": 2**32 - 1, "entry": 65535, "hops": 255, "seed": SEED_B}),
             ("ipv6", {"origin": "2001:db8::1", "destination": "2001:db8:0:4::1", "previous": "2001:db8:0:2::1"}),
             ("unsigned", {"signed": False}), ("unsigned-data", {"signed": False, "data": b"\1\2\3\4"})]
    with open(os.path.join(HERE, "packets.txt"), "w") as f:
        f.write(HEAD)
        for name, change in cases:
            c, signature, packet = capsule(**change)
            emit(f, name=name, result="ok" if c["signed"] else "unsigned", seed=c["seed"], code=c["code"],
                 principal=public(c["seed"]), sequence=c["sequence"], not_before=c["not-before"],
                 not_after=c["not-after"], budget=c["budget"], entry=c["entry"], arg_len=len(c["argument"]),
                 origin=address(c["origin"]), destination=address(c["destination"]), signature=signature,
                 budget_left=c["budget-left"], flags=c["flags"], hops=c["hops"], previous=address(c["previous"]),
                 payload=c["argument"] + c["data"], packet=packet)


def patched(packet, at, octets):
    return packet[:at] + octets + packet[at + len(octets):]


def malformed():
    good = capsule()[2]
    bare = capsule(signed=False)[2]
    cases = [
        ("empty", "short", b""), ("anep-cut", "short", good[:7]), ("version", "bad-version", patched(good, 0, b"\2")),
        ("anep-flags", "bad-anep-flags", patched(good, 1, b"\1")), ("type", "bad-type", patched(good, 2, b"\7\xd5")),
        ("request-type", "bad-type", patched(good, 2, b"\7\xd3")),
        ("header-length", "bad-header-length", patched(good, 4, b"\0\x3d")),
        ("header-length-code", "bad-header-length", patched(good, 4, b"\0\x0e")),
        ("packet-length-less", "bad-packet-length", patched(good, 6, struct.pack(">H", len(good) - 1))),
        ("packet-length-more", "bad-packet-length", patched(good, 6, struct.pack(">H", len(good) + 1))),
        ("trailing", "bad-packet-length", good + b"\0"),
        ("header-cut", "short", patched(good[:239], 6, struct.pack(">H", 239))),
        ("unsigned-cut", "short", patched(bare[:171], 6, struct.pack(">H", 171))),
        ("code-option", "bad-option", patched(good, 8, b"\xc0\x02")),
        ("origin-option", "bad-option", patched(good, 46, b"\0\x18")),
        ("auth-option", "bad-option", patched(good, 144, b"\xc0\x04")),
        ("hop-option", "bad-option", patched(good, 212, b"\0\4")),
        ("unsigned-hop-option", "bad-option", patched(bare, 146, b"\0\6")),
        ("signed-called-unsigned", "bad-option", patched(good, 4, b"\0\x2b")),
        ("hop-zero", "bad-reserved", capsule(zero=1)[2]),
        ("validity-empty", "bad-validity", capsule(not_after=1700000000)[2]),
        ("validity-reversed", "bad-validity", capsule(not_after=1)[2]),
        ("arguments", "bad-arguments", capsule(arg_len=9)[2]),
        ("origin-zero", "bad-address", capsule(origin="0.0.0.0")[2]),
        ("origin-unspecified", "bad-address", capsule(origin="::")[2]),
        ("destination-multicast", "bad-address", capsule(destination="224.0.0.1")[2]),
        ("destination-broadcast", "bad-address", capsule(destination="255.255.255.255")[2]),
        ("destination-multicast6", "bad-address", capsule(destination="ff02::1")[2]),
        ("families", "bad-address", capsule(destination="2001:db8::1")[2]),
        ("previous-family", "bad-address", capsule(previous="2001:db8::1")[2]),
        ("budget-grown", "bad-hop-budget", capsule(budget_left=100001)[2]),
        ("hop-flags", "bad-hop-flags", capsule(flags=2)[2]),
        ("too-long", "long", capsule(data=b"\0" * 953)[2]),
    ]
    with open(os.path.join(HERE, "malformed.txt"), "w") as f:
        f.write(HEAD)
        for name, result, packet in cases:
            emit(f, name=name, result=result, packet=packet)


def code_packet(kind, index, length, chunk=b"", zero=0):
    body = bytes.fromhex("c0010009") + CAPSULE["code"] + bytes.fromhex("c0050003")
    return anep(kind, 56, body + struct.pack(">HHI", index, zero, length) + chunk)


def code():
    full = bytes(i & 0xff for i in range(1024))
    cases = [("request", "ok", 2003, 3, 0, b"", 0), ("request-last", "ok", 2003, 63, 0, b"", 0),
             ("chunk", "ok", 2004, 1, 3000, full, 0), ("chunk-last", "ok", 2004, 2, 3000, full[:952], 0),
             ("chunk-only", "ok", 2004, 0, 200, full[:200], 0), ("chunk-64", "ok", 2004, 63, 65536, full, 0),
             ("not-here", "ok", 2004, 5, 0, b"", 0), ("request-index", "bad-chunk", 2003, 64, 0, b"", 0),
             ("request-length", "bad-chunk", 2003, 0, 1, b"", 0), ("request-chunk", "bad-chunk", 2003, 0, 0, b"x", 0),
             ("chunk-behind", "bad-chunk", 2004, 3, 3000, full[:952], 0),
             ("chunk-short", "bad-chunk", 2004, 1, 3000, full[:1023], 0),
             ("chunk-long", "bad-chunk", 2004, 2, 3000, full[:953], 0),
             ("module-long", "bad-chunk", 2004, 0, 65537, full, 0), ("zero", "bad-reserved", 2003, 0, 0, b"", 1)]
    with open(os.path.join(HERE, "code.txt"), "w") as f:
        f.write(HEAD)
        for name, result, kind, index, length, chunk, zero in cases:
            emit(f, name=name, result=result, type=kind, code=CAPSULE["code"], index=index, module_len=length,
                 chunk=chunk, packet=code_packet(kind, index, length, chunk, zero))


def insn(op, dst=0, src=0, off=0, imm=0):
    return struct.pack("<BBhi", op, dst | src << 4, off, imm)


EXIT = insn(0x95)


def name28(text):
    return text.encode().ljust(28, b"\0")


def module(name, code_, entries, helpers=(), rodata=b"", data=0, budget=0, kind=1, tables=(), min_len=0, **bad):
    parts = b"".join(struct.pack("<I", at) + name28(n) for n, at in entries)
    parts += b"".join(struct.pack("<I", size) + name28(n) for n, size in tables)
    parts += b"".join(struct.pack("<I", h) for h in helpers)
    parts += bad.get("padding", b"\0" * (-len(parts) % 8))
    parts += code_ + rodata + b"\0" * (-len(rodata) % 8)
    head = b"AMPM" + struct.pack("<HHIIIIHHHHI", bad.get("version", 1), kind, 64 + len(parts),
                                 bad.get("ninsn", len(code_) // 8), bad.get("rodata_len", len(rodata)), data,
                                 bad.get("nentry", len(entries)), bad.get("nhelper", len(helpers)),
                                 len(tables), min_len, budget) + name28(name)
    assert len(head) == 64
    return head + parts


def modules():
    small = insn(0xb7, imm=1) + EXIT
    call = insn(0x85, imm=3) + insn(0x85, imm=1) + insn(0x85, imm=3) + small
    lddw = insn(0x18, 1, 6, 0, 0) + insn(0, imm=4) + insn(0x85, imm=6) + small
    hidden = insn(0x18, 1, 0, 0, 0x85) + insn(0x85, imm=9) + small  # a call that is only a constant
    good = [("smallest", small[8:], [("a", 0)], (), b"", 0, 0), ("helpers", call, [("main", 0)], (1, 3), b"", 0, 0),
            ("all", lddw + small, [("out", 0), ("back", 5)], (6,), b"hello world", 24, 5000),
            ("n" * 28, small, [("e" * 28, 1)], (), b"", 16384, 2**32 - 1),
            ("rodata-8", small, [("main", 0)], (), b"\xff" * 8, 0, 0), ("hidden", hidden, [("main", 0)], (), b"", 0, 0),
            ("eight-entries", small * 8, [(f"e{i}", 2 * i) for i in range(8)], (), b"", 0, 0),
            ("odd!name#", small, [("~", 0)], (), b"", 0, 0)]
    handle = insn(0x18, 1, 5, 0, 2) + insn(0) + insn(0x85, imm=12) + insn(0x18, 2, 6, 0, 3) + insn(0, imm=8) + small
    kernel = [("handler", handle, [("ip", 0)], (12,), b"", 4096, 0, 2, [("routes", 0), ("count", 16)], 34),
              ("eight-tables", small, [("main", 0)], (), b"", 0, 7, 2, [(f"t{i}", 1 << 3 * i) for i in range(8)], 1514),
              ("odd-table", handle, [("x", 0), ("y", 5)], (12,), b"abc", 0, 0, 2, [("n" * 28, 2**22), ("m", 0)], 15),
              ("predicate", small, [("ready", 0)], (), b"", 0, 0, 3, [], 4096),
              ("udf", call, [("own", 0)], (1, 3), b"", 8, 0, 4, [], 0)]
    base = module("base", small, [("main", 0)])
    with_helper = module("base", call, [("main", 0)], (1, 3))
    bad = [("empty", "short", b""), ("cut", "short", base[:-1]), ("longer", "long", base + b"\0" * 8),
           ("length-less", "long", patched(base, 8, struct.pack("<I", len(base) - 8))),
           ("length-more", "short", patched(base, 8, struct.pack("<I", len(base) + 8))),
           ("magic", "bad-magic", b"AMPm" + base[4:]), ("version", "bad-version", patched(base, 4, b"\2")),
           ("kind", "bad-kind", patched(base, 6, b"\5")), ("kind-none", "bad-kind", patched(base, 6, b"\0")),
           ("no-insns", "bad-instructions", module("x", b"", [("a", 0)])),
           ("many-insns", "bad-instructions", patched(base, 12, struct.pack("<I", 4097))),
           ("rodata-long", "bad-rodata", patched(base, 16, struct.pack("<I", 16385))),
           ("data-long", "bad-data", patched(base, 20, struct.pack("<I", 16385))),
           ("no-entries", "bad-entries", module("x", small, [])), ("many-entries", "bad-entries", patched(base, 24, b"\x09")),
           ("entry-outside", "bad-entry", module("x", small, [("a", 2)])),
           ("entry-twice", "entry-twice", module("x", small, [("a", 0), ("a", 1)])),
           ("tables", "has-tables", patched(base, 28, b"\1")), ("min-len", "bad-min-len", patched(base, 30, b"\x60")),
           ("min-len-kind", "bad-min-len", module("x", small, [("a", 0)], kind=2, min_len=14)),
           ("min-len-much", "bad-min-len", module("x", small, [("a", 0)], kind=2, min_len=1519)),
           ("nine-tables", "has-tables", module("x", small, [("a", 0)], kind=2, tables=[(f"t{i}", 0) for i in range(9)])),
           ("predicate-table", "has-tables", module("x", small, [("a", 0)], kind=3, tables=[("t", 0)])),
           ("table-twice", "bad-table", module("x", small, [("a", 0)], kind=2, tables=[("t", 0), ("t", 8)])),
           ("table-large", "bad-table", module("x", small, [("a", 0)], kind=2, tables=[("t", 2**22 + 1)])),
           ("table-no-name", "bad-name", module("x", small, [("a", 0)], kind=2, tables=[("", 8)])),
           ("table-cut", "short", patched(module("x", small, [("a", 0)], kind=2), 28, b"\1")),
           ("data-handler", "bad-data", module("x", small, [("a", 0)], data=4097, kind=2)),
           ("no-name", "bad-name", module("", small, [("a", 0)])),
           ("name-space", "bad-name", module("a b", small, [("a", 0)])),
           ("name-tail", "bad-name", patched(base, 50, b"x")), ("name-8bit", "bad-name", patched(base, 36, b"\xe4")),
           ("entry-no-name", "bad-name", module("x", small, [("", 0)])),
           ("helper-missing", "bad-helpers", module("x", call, [("a", 0)], (1,))),
           ("helper-extra", "bad-helpers", module("x", call, [("a", 0)], (1, 2, 3))),
           ("helper-order", "bad-helpers", module("x", call, [("a", 0)], (3, 1))),
           ("helper-twice", "bad-helpers", module("x", call, [("a", 0)], (1, 3, 3))),
           ("padding", "bad-padding", module("x", insn(0x85, imm=3) + small, [("a", 0)], (3,), padding=b"\0\0\0\1")),
           ("rodata-padding", "bad-padding", module("x", small, [("a", 0)], (), b"abc")[:-1] + b"\1"),
           ("half-insn", "half-instruction", module("x", small + insn(0x18), [("a", 0)])),
           ("many-helpers", "bad-helpers", patched(with_helper, 26, b"\x41"))]
    with open(os.path.join(HERE, "modules.txt"), "w") as f:
        f.write(HEAD)
        for name, code_, entries, helpers, rodata, data, budget, kind, tables, min_len in \
                [g + (1, [], 0) for g in good] + kernel:
            b = module(name, code_, entries, helpers, rodata, data, budget, kind, tables, min_len)
            emit(f, name=name, result="ok", insns=code_, entries=" ".join(f"{at}:{n}" for n, at in entries),
                 helpers=" ".join(map(str, helpers)) or "-", kind=kind, min_len=min_len,
                 tables=" ".join(f"{size}:{n}" for n, size in tables) or "-", rodata=rodata, data_len=data, budget=budget, module=b,
                 code=hashlib.blake2b(b, digest_size=32).digest())
        for name, result, b in bad:
            emit(f, name=name, result=result, module=b)


def keys():
    cases = [("alice", SEED_A), ("b.o_b-1", SEED_B), ("n" * 28, bytes(32))]
    with open(os.path.join(HERE, "keys.txt"), "w") as f:
        f.write(HEAD)
        for name, seed in cases:
            emit(f, name=name, seed=seed, public=public(seed), secret_line=f"amp-secret-key {seed.hex()} {name}",
                 public_line=f"amp-public-key {public(seed).hex()} {name}")


packets()
malformed()
code()
modules()
keys()
