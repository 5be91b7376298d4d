# SPDX-License-Identifier: BSD-2-Clause
"""amp vm: single programs, run by both engines, checked, listed; and the manual's examples."""
import json
import os
import struct
import subprocess

import pytest

import manual
from conftest import AMP, TOP

ENV = dict(os.environ, LC_ALL="C", AMP_SDK=str(TOP / "capsules" / "include"))
OBJECTS = TOP / "capsules" / "test" / "programs" / "objects"
ENGINES = ["--interp", "--jit"]
ALL = 2**64 - 1


def amp(*args, stdin="", cwd=None):
    return subprocess.run([AMP, "vm", *map(str, args)], env=ENV, cwd=cwd, input=stdin, text=True,
                          capture_output=True, timeout=60)


# ---- an assembler: RFC 9669, as far as it is needed here ----

def i(op, dst=0, src=0, off=0, imm=0):
    return struct.pack("<BBhi", op, dst | src << 4, off, imm - 2**32 if imm >= 2**31 else imm)


def lddw(dst, value):
    return i(0x18, dst, 0, 0, value & 0xffffffff) + i(0, imm=value >> 32)


def mov(dst, imm):
    return i(0xb7, dst, imm=imm)


def mov_x(dst, src):
    return i(0xbf, dst, src)


def call(offset):
    return i(0x85, 0, 1, 0, offset)


EXIT = i(0x95)
R0, R1, R2, R3, R4, R5, R6, R10 = 0, 1, 2, 3, 4, 5, 6, 10


def alu(op, a, b):
    """r0 = a op b, both in registers."""
    return lddw(R0, a) + lddw(R3, b) + i(op, R0, R3) + EXIT


def alu_k(op, a, k, off=0):
    return lddw(R0, a) + i(op, R0, 0, off, k) + EXIT


def jump(op, a, b):
    """1 when the jump is taken."""
    return mov(R0, 1) + lddw(R3, a) + lddw(R4, b) + i(op, R3, R4, 1) + mov(R0, 0) + EXIT


def atomic(op, imm, at, value, result=R5):
    """The stack's 8 octets hold `at`; r5 = value; the memory and a register, 32 bits of each, are the result."""
    return (lddw(R3, at) + i(0x7b, R10, R3, -8) + lddw(R5, value) + mov(R0, 7) + i(op, R10, R5, -8, imm)
            + i(0x79, R3, R10, -8) + i(0x67, R3, 0, 0, 32) + (mov_x(R4, result)) + i(0x67, R4, 0, 0, 32)
            + i(0x77, R4, 0, 0, 32) + i(0x4f, R3, R4) + mov_x(R0, R3) + EXIT)


NEG1 = ALL
A, B = 0x1122334455667788, 0x99aabbccddeeff00
SUM32 = 0x55667788 + 0xddeeff00 & 0xffffffff

PROGRAMS = {
    "mov-k": (mov(R0, -1), ALL), "mov32-k": (i(0xb4, R0, imm=-1), 0xffffffff),
    "mov-x": (lddw(R3, A) + mov_x(R0, R3), A), "mov32-x": (lddw(R3, A) + i(0xbc, R0, R3), 0x55667788),
    "movsx8": (mov(R3, 0x80) + i(0xbf, R0, R3, 8), ALL - 0x7f), "movsx16": (mov(R3, 0x8000) + i(0xbf, R0, R3, 16), ALL - 0x7fff),
    "movsx32": (lddw(R3, 0x80000000) + i(0xbf, R0, R3, 32), ALL - 0x7fffffff),
    "movsx8-32": (mov(R3, 0x80) + i(0xbc, R0, R3, 8), 0xffffff80),
    "lddw": (lddw(R0, B), B),
    "add": (alu(0x0f, A, B), A + B & ALL), "add32": (alu(0x0c, A, B), SUM32), "add-k": (alu_k(0x07, A, -1), A - 1),
    "sub": (alu(0x1f, A, B), A - B & ALL), "sub32": (alu(0x1c, 0, 1), 0xffffffff), "sub-k": (alu_k(0x17, 0, 1), ALL),
    "mul": (alu(0x2f, A, B), A * B & ALL), "mul32": (alu(0x2c, A, B), 0x55667788 * 0xddeeff00 & 0xffffffff),
    "mul-k": (alu_k(0x27, A, 1000), A * 1000 & ALL),
    "div": (alu(0x3f, B, 1000), B // 1000), "div-0": (alu(0x3f, B, 0), 0), "div32": (alu(0x3c, B, 7), 0xddeeff00 // 7),
    "div-k": (alu_k(0x37, B, 10), B // 10), "sdiv": (alu_k(0x37, -100 & ALL, 7, 1), -14 & ALL),
    "sdiv-0": (alu_k(0x37, 100, 0, 1), 0), "sdiv-min": (alu_k(0x37, 1 << 63, -1, 1), 1 << 63),
    "mod": (alu(0x9f, B, 1000), B % 1000), "mod-0": (alu(0x9f, B, 0), B), "mod32-0": (alu(0x9c, B, 0), 0xddeeff00),
    "smod": (alu_k(0x97, -100 & ALL, 7, 1), -2 & ALL), "smod-min": (alu_k(0x97, 1 << 63, -1, 1), 0),
    "or": (alu(0x4f, A, B), A | B), "and": (alu(0x5f, A, B), A & B), "xor": (alu(0xaf, A, B), A ^ B),
    "and-k": (alu_k(0x57, A, -256), A & ~0xff), "or32-k": (alu_k(0x44, A, 0x0f), 0x5566778f),
    "lsh": (alu(0x6f, A, 68), A << 4 & ALL), "lsh32": (alu(0x6c, A, 36), 0x56677880), "rsh": (alu(0x7f, B, 64 + 9), B >> 9),
    "rsh32": (alu(0x7c, B, 33), 0xddeeff00 >> 1), "arsh": (alu(0xcf, B, 8), (B >> 8) | 0xff << 56),
    "arsh32": (alu(0xcc, B, 4), 0xfddeeff0), "lsh-k": (alu_k(0x67, A, 63), 0),
    "neg": (alu_k(0x87, 5, 0), -5 & ALL), "neg32": (alu_k(0x84, 5, 0), -5 & 0xffffffff),
    "le16": (alu_k(0xd4, A, 16), 0x7788), "le32": (alu_k(0xd4, A, 32), 0x55667788), "be16": (alu_k(0xdc, A, 16), 0x8877),
    "be32": (alu_k(0xdc, A, 32), 0x88776655), "be64": (alu_k(0xdc, A, 64), 0x8877665544332211),
    "bswap16": (alu_k(0xd7, A, 16), 0x8877), "bswap64": (alu_k(0xd7, A, 64), 0x8877665544332211),
    "ja": (mov(R0, 1) + i(0x05, off=1) + mov(R0, 2), 1), "gotol": (mov(R0, 1) + i(0x06, imm=1) + mov(R0, 2), 1),
    "jeq": (jump(0x1d, A, A), 1), "jeq-not": (jump(0x1d, A, B), 0), "jne": (jump(0x5d, A, B), 1),
    "jgt": (jump(0x2d, B, A), 1), "jge": (jump(0x3d, A, A), 1), "jlt": (jump(0xad, B, A), 0), "jle": (jump(0xbd, A, B), 1),
    "jset": (jump(0x4d, 6, 4), 1), "jset-not": (jump(0x4d, 6, 9), 0), "jsgt": (jump(0x6d, NEG1, 1), 0),
    "jsge": (jump(0x7d, 1, NEG1), 1), "jslt": (jump(0xcd, NEG1, 1), 1), "jsle": (jump(0xdd, NEG1, NEG1), 1),
    "jeq32": (jump(0x1e, A, A | 1 << 63), 1), "jslt32": (jump(0xce, 0xffffffff, 0), 1), "jlt32": (jump(0xae, 0xffffffff, 0), 0),
    "jgt-k": (mov(R0, 1) + lddw(R3, 1 << 40) + i(0x25, R3, 0, 1, -1) + mov(R0, 0), 0),
    "loop": (mov(R0, 0) + mov(R3, 10) + i(0x0f, R0, R3) + i(0x07, R3, imm=-1) + i(0x55, R3, 0, -3, 0), 55),
    "stx-ldx": (lddw(R3, B) + i(0x7b, R10, R3, -8) + i(0x69, R0, R10, -6), 0xddee),
    "st-imm": (i(0x7a, R10, 0, -16, -2) + i(0x72, R10, 0, -16, 1) + i(0x79, R0, R10, -16), (ALL - 1) & ~0xff | 1),
    "ldxsb": (i(0x72, R10, 0, -8, 0x80) + i(0x91, R0, R10, -8), ALL - 0x7f),
    "ldxsw": (i(0x62, R10, 0, -8, -3) + i(0x81, R0, R10, -8), -3 & ALL),
    "atomic-add": (atomic(0xc3, 0x00, 5, 6), 11 << 32 | 6), "fetch-add": (atomic(0xdb, 0x01, 5, 6), 11 << 32 | 5),
    "fetch-or": (atomic(0xc3, 0x41, 5, 6), 7 << 32 | 5), "fetch-and": (atomic(0xdb, 0x51, 5, 6), 4 << 32 | 5),
    "atomic-xor": (atomic(0xdb, 0xa0, 5, 6), 3 << 32 | 6), "xchg": (atomic(0xdb, 0xe1, 5, 6), 6 << 32 | 5),
    "cmpxchg": (atomic(0xdb, 0xf1, 7, 6, R0), 6 << 32 | 7), "cmpxchg-not": (atomic(0xc3, 0xf1, 5, 6, R0), 5 << 32 | 5),
    "call": (mov(R1, 40) + call(1) + EXIT + mov_x(R0, R1) + i(0x07, R0, imm=2), 42),
    "call-saves": (mov(R6, 5) + mov(R1, 1) + call(2) + i(0x0f, R0, R6) + EXIT + mov(R6, 100) + mov_x(R0, R1), 6),
    "checksum": (i(0x6a, R10, 0, -8, 0x0102) + mov_x(R1, R10) + i(0x07, R1, imm=-8) + mov(R2, 8) + i(0x85, imm=7), 0x0102),
}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", PROGRAMS)
def test_instructions(name, engine):
    code, want = PROGRAMS[name]
    done = amp("run", engine, stdin=(code if code.endswith(EXIT) else code + EXIT).hex())
    assert (done.stdout, done.stderr, done.returncode) == (f"{want:x}\n", "", 0)


LOAD = {"b": 0x71, "h": 0x69, "w": 0x61, "dw": 0x79}


@pytest.mark.parametrize("engine", ENGINES)
def test_memory(engine):
    memory = "0123456789abcdef"
    for size, want in ("b", 0x45), ("h", 0x6745), ("w", 0xab896745):
        assert amp("run", engine, memory, stdin=(i(LOAD[size], R0, R1, 2) + EXIT).hex()).stdout == f"{want:x}\n"
    assert amp("run", engine, memory, stdin=(mov_x(R0, R2) + EXIT).hex()).stdout == "8\n"
    assert amp("run", engine, stdin=(mov_x(R0, R2) + EXIT).hex()).stdout == "0\n"
    assert amp("run", engine, "", stdin=(mov_x(R0, R2) + EXIT).hex()).stdout == "0\n"
    assert amp("run", engine, "01 02\n03", stdin=(i(0x71, R0, R1, 2) + EXIT).hex()).stdout == "3\n"
    write = i(0x72, R1, 0, 1, 7) + i(0x69, R0, R1) + EXIT
    assert amp("run", engine, "aabb", stdin=write.hex()).stdout == "7aa\n"


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("code,memory,says", [
    (i(0x71, R0, R1, 2), "0102", "stopped: window-bounds: instruction 0"),
    (i(0x71, R0, R1), "", "stopped: window-bounds: instruction 0"),
    (i(0x79, R0, R1, 1), "0102030405060708", "stopped: window-bounds"),
    (i(0x0f, R1, R2) + i(0x71, R0, R1, -1) + i(0x71, R0, R1, -5), "0102", "stopped: window-bounds: instruction 2"),
    (mov(R0, 0) + i(0x05, off=-1), "", "stopped: budget-exhausted: instruction 1"),
], ids=["behind", "nothing", "half", "before", "endless"])
def test_stops(engine, code, memory, says):
    done = amp("run", engine, memory, stdin=(code + EXIT).hex())
    assert says in done.stderr and done.stdout == "" and done.returncode == 1


@pytest.mark.parametrize("engine", ENGINES)
def test_budget(engine):
    # Ten rounds of three instructions: nine jumps back, 3 units each.
    loop = (mov(R0, 0) + mov(R3, 10) + i(0x07, R0, imm=1) + i(0x07, R3, imm=-1) + i(0x55, R3, 0, -3, 0) + EXIT).hex()
    assert amp("run", engine, "--budget", 27, stdin=loop).stdout == "a\n"
    done = amp("run", engine, "--budget", 26, stdin=loop)
    assert "budget-exhausted" in done.stderr and done.returncode == 1
    assert amp("run", engine, "--budget", 0, stdin=EXIT.hex()).returncode == 1  # r0 has no value
    # A helper that charges for the length: 20, and 1 for eight octets.
    checksum = PROGRAMS["checksum"][0] + EXIT
    assert amp("run", engine, "--budget", 21, stdin=checksum.hex()).stdout == "102\n"
    for budget in 20, 19:
        assert "budget-exhausted" in amp("run", engine, "--budget", budget, stdin=checksum.hex()).stderr
    for bad in "x", "-1", "1e9", "":
        assert amp("run", engine, "--budget", bad, stdin=loop).returncode == 64


@pytest.mark.parametrize("text,says", [
    ("", "has 0 octets"), (" \n\t ", "has 0 octets"), ("95", "has 1 octets"), ("950", "half an octet"),
    ("9500000000000000 95", "has 9 octets"), ("0x95", "character 2 is not a hex digit"), ("95-", "character 3"),
    ("95" * 8 * 4097, "longer than"), ("00" * 40000, "longer than"),
])
def test_bad_hex(text, says):
    done = amp("run", stdin=text)
    assert says in done.stderr and done.returncode == 1 and done.stdout == ""


def test_bad_memory():
    for memory, says in ("012", "half an octet"), ("0g", "the memory: character 2"), ("00" * 60000, None):
        done = amp("run", memory, stdin=(mov(R0, 0) + EXIT).hex())
        assert (says in done.stderr and done.returncode == 1) if says else done.stdout == "0\n"


def test_upper_case_and_blanks():
    text = (lddw(R0, 0xABCDEF) + EXIT).hex().upper()
    assert amp("run", stdin="\n".join(text[n:n + 3] for n in range(0, len(text), 3)) + "\n").stdout == "abcdef\n"


@pytest.mark.parametrize("code,reason", [
    (mov_x(R0, R1), "pointer-leak"), (b"", "uninitialised"), (mov_x(R0, R3), "uninitialised"), (i(0xff), "bad-opcode"),
    (mov(R10, 1), "bad-register"), (mov(R0, 0) + i(0x05, off=9), "bad-jump"), (mov(R0, 0) + call(-2), "recursion"),
    (i(0x85, imm=4711), "bad-helper"), (i(0x85, imm=1), "bad-helper"), (i(0x71, R0, R2), "not-a-pointer"),
    (i(0x7a, R10, 0, -520, 1), "stack-bounds"), (i(0x05, off=1) + lddw(R0, 1), "jump-into-insn"),
    (i(0x79, R0, R10, -512), "uninitialised"),
])
def test_refused(code, reason):
    done = amp("run", stdin=(code + EXIT).hex())
    assert f"refused: {reason}: " in done.stderr and "what to do: " in done.stderr
    assert done.stdout == "" and done.returncode == 1


def test_trace():
    done = amp("run", "--trace", "0102", stdin=(mov(R0, 16) + i(0x0f, R0, R2) + EXIT).hex())
    assert done.stdout == "12\n"
    lines = [line.split() for line in done.stderr.splitlines()]
    assert [line[0] for line in lines] == ["0", "1", "2"]
    assert "r2=2" in lines[0] and "r0=10" in lines[1] and "r0=12" in lines[2]


def test_wrong_usage():
    for args in ([], ["fly"], ["run", "--jit", "--interp"], ["run", "--jit", "--trace"], ["run", "00", "00"], ["run", "--fast"],
                 ["check"], ["check", "a.c", "b.c"], ["check", "--kind", "plain", "a.c"], ["dump"], ["dump", "--kind"],
                 ["helpers", "plain"], ["helpers", "raw", "udf"]):
        done = amp(*args)
        assert done.returncode == 64 and "try: amp vm" in done.stderr, args
    for part in [], ["run"], ["check"], ["dump"], ["helpers"]:
        done = amp(*part, "--help")
        assert done.returncode == 0 and done.stdout.startswith("usage: amp vm") and done.stderr == ""


# ---- files ----

def test_check_ok(tmp_path):
    done = amp("check", OBJECTS / "tables.c")
    assert done.returncode == 0 and done.stderr == ""
    for line in ("kind      handler", "entry     sum, at instruction 0", "table     routes", "table     pairs, memory of 64 octets",
                 "helpers   lpm4", "length    at least 60 octets", "loops     0"):
        assert f"  {line}\n" in done.stdout
    o = json.loads(amp("check", "--json", OBJECTS / "tables.c").stdout)
    assert o["ok"] is True and o["kind"] == "handler" and o["min_len"] == 60 and o["code"] > 0
    assert sorted((t["name"], t["bytes"]) for t in o["tables"]) == [("behind", 32), ("hidden", 32), ("pairs", 64), ("routes", 0)]
    assert [e["name"] for e in o["entries"]] == ["sum", "other"] and o["helpers"] == [{"number": 12, "name": "lpm4"}]
    assert o["straight_units"] == 40 and o["depth"] == 1


def test_check_costs(tmp_path):
    source = tmp_path / "costs.c"
    source.write_text("""#include "xok/handler.h"
static __attribute__((noinline)) uint32_t inner(uint8_t *p)
{
	uint64_t sums[4] = {0};
	for (int i = 0; i < p[0]; i++)
		sums[i & 3] += p[i];
	return sums[p[1] & 3] + xok_checksum(sums, sizeof(sums));
}
HANDLER(costs)
{
	return ctx->len > 100 ? inner(ctx->packet) & 1 : XOK_V_PASS;
}
""")
    o = json.loads(amp("check", "--json", source).stdout)
    entry = o["entries"][0]["insn"]
    assert entry == 0 and o["depth"] == 2 and o["loops"] == 1 and o["stack"] == 32
    dump = amp("dump", source).stdout
    length = o["insns"] - int(dump.split("\ninner:\n")[1].split("\n")[1].split()[0])
    assert o["straight_units"] == length + 20  # the call and the helper


def test_check_refused():
    done = amp("check", OBJECTS / "refused.c")
    assert done.returncode == 1 and done.stdout == ""
    assert "refused.c:7:" in done.stderr and "in function 'refused': read-only: " in done.stderr
    for line in ("    ctx->hops = 1;", "  before it: r1 is the context; ", "  what to do: "):
        assert "\n" + line in done.stderr
    o = json.loads(amp("check", "--json", OBJECTS / "refused.c").stdout)
    assert o["ok"] is False and o["reason"] == "read-only" and o["line"] == 7 and o["function"] == "refused"
    assert o["source_line"].startswith("ctx->hops = 1;") and o["hint"] and "r1=ctx" in o["state"] and "(r1 + 44)" in o["instruction"]


@pytest.mark.parametrize("name,says", [
    ("twokinds", "kinds capsule and handler"), ("undefined", "helper_of_others"), ("pointers", "'names' holds an address"),
    ("noentry", "no entry point"), ("statictable", "is static"), ("longest", "1518"),
])
def test_not_linked(name, says):
    for part in "check", "dump":
        done = amp(part, OBJECTS / f"{name}.c")
        assert says in done.stderr and done.returncode == 1 and done.stdout == ""


def test_kinds():
    for kind, entry in ("capsule", "one"), ("handler", "two"):
        o = json.loads(amp("check", "--json", "--kind", kind, OBJECTS / "twokinds.c").stdout)
        assert o["kind"] == kind and [e["name"] for e in o["entries"]] == [entry]
    assert "no entry point of the kind udf" in amp("check", "--kind", "udf", OBJECTS / "twokinds.c").stderr


def test_modules(tmp_path):
    mod = tmp_path / "t.mod"
    subprocess.run([AMP, "build", OBJECTS / "tables.c", "-o", mod], env=ENV, check=True, capture_output=True)
    from_source, from_module = (json.loads(amp("check", "--json", f).stdout) for f in (OBJECTS / "tables.c", mod))
    del from_source["file"], from_module["file"]
    assert from_source == from_module
    assert "kind handler" in amp("check", "--kind", "capsule", mod).stderr
    mod.write_bytes(mod.read_bytes()[:-1])
    assert "not a module: shorter" in amp("check", mod).stderr
    for name, text in ("x.o", "no object"), ("x.mod", "AMPM"), ("empty.o", ""):
        (tmp_path / name).write_text(text)
        assert amp("check", tmp_path / name).returncode == 1
    assert "cannot open it" in amp("check", tmp_path / "nowhere.c").stderr
    assert "cannot open it" in amp("check", tmp_path / "nowhere.o").stderr


def test_dump():
    out = amp("dump", OBJECTS / "tables.c").stdout
    assert "\nsum:\n" in out and "\nother:\n" in out and "hidden[3] += port;" in out
    assert "the handle of table 'routes'" in out and "r1 is the context; proved" in out
    assert "table 'behind' + a variable offset; checked when it runs" in out
    facts = amp("dump", "--facts", OBJECTS / "tables.c").stdout
    assert "r1=ctx r10=stack" in facts
    code = amp("dump", "--code", OBJECTS / "tables.c").stdout
    assert "the start of a run" in code and "the end of a run, and its stops" in code and " ret\n" in code
    # The same instructions, in the same order.
    assert [line[:36].rstrip() for line in code.splitlines() if line[:5].strip().isdigit()] == \
           [line[:36].rstrip() for line in out.splitlines() if line[:5].strip().isdigit()]


def test_dump_refused():
    done = amp("dump", OBJECTS / "refused.c")
    assert done.returncode == 1 and "ctx->hops = 1;" in done.stdout and "read-only" in done.stderr


def test_dump_targets():
    """What the listing says as a number, its comments say in words; and the code of a run's end is under its heading."""
    out = amp("dump", OBJECTS / "tables.c").stdout
    assert any("goto +" in line and int(line.split("; to ")[1]) > int(line.split()[0]) for line in out.splitlines())
    assert any("; the handle of table 'routes'" in line and " ll " in line for line in out.splitlines())
    assert any("; table 'behind'" in line and " ll " in line for line in out.splitlines())
    code = amp("dump", "--code", OBJECTS / "tables.c").stdout.split("  the end of a run, and its stops ")
    assert code[0].rstrip().endswith("ret") and len(code[1].splitlines()) > 2


HANDLER = '#include "xok/handler.h"\n'


@pytest.mark.parametrize("text,says", [
    (HANDLER + "XOK_TABLE(t);\nHANDLER(a) { uint32_t k = 1; return xok_table_get(&t, &k, 4, 0, 0); }\n",
     ["helper-argument", "the helper: int64_t xok_table_get(const void *table, ", "argument 4 must be the address of memory to write to"]),
    (HANDLER + "XOK_ARRAY(int, t, 4);\nHANDLER(a) { return xok_bucket(&t, 1, 1); }\n", ["argument 1 must be a table that XOK_TABLE"]),
    (HANDLER + "XOK_TABLE(t);\nHANDLER(a) { return xok_bucket(t, 1, 1); }\n", ["write & before the name of a table"]),
    (HANDLER + "HANDLER(a) { return xok_time(); }\n",
     ["bad-helper", "the helper: uint64_t capsule_time(void)", "this is a handler; who may call it: capsule\n"]),
    (HANDLER + "HANDLER(a) { uint8_t b[ctx->len]; return xok_vector(b, ctx->len, 0); }\n",
     ["variable length array", "give the array a constant length"]),
    (HANDLER + "HANDLER(a) { uint8_t *b = __builtin_alloca(ctx->len); return xok_vector(b, ctx->len, 0); }\n",
     ["does not compile: in function 'a': Unsupported dynamic stack allocation", "give the array a constant length"]),
    (HANDLER + "HANDLER(a) { return (int)ctx->len / (int)ctx->port; }\n",
     ["m.c:2:35: error: BPF has no signed division\n", "does not compile: in function 'a'\n", "use unsigned types"]),
    (HANDLER + "HANDLER(a) { return xok_spent; }\n", ["error: incompatible pointer to integer", "call a function with ()"]),
    (HANDLER + "HANDLER(a) { uint8_t *p = 0x7c00; return p[0]; }\n", ["error: incompatible integer to pointer", "a number is no pointer here"]),
    (HANDLER + "struct s { uint64_t a, b, c; };\n__attribute__((noinline)) static struct s f(uint64_t x) { return (struct s){x, x, x}; }\n"
     "HANDLER(a) { return f(ctx->len).b; }\n", ["pass it the address of a structure to fill in"]),
    (HANDLER + "static uint8_t large[5000];\nHANDLER(a) { large[ctx->len] = 1; return large[ctx->port]; }\n",
     ["'large' (5000 octets) does not fit: there are 4096 octets for static variables", "XOK_ARRAY"]),
    (HANDLER + "static int f(int a) { return a; }\nstatic int g(int a) { return a + 1; }\n"
     "HANDLER(a) { int (*h)(int) = ctx->len > 60 ? f : g; return h(ctx->port); }\n", ["takes the address of function", "use if or switch"]),
    (HANDLER + "#include <netinet/ip.h>\nHANDLER(a) { return 1; }\n", ["declare the structures that you need", "__builtin_bswap16"]),
    (HANDLER + "HANDLER(a) { if (ctx->len > 60) return 1; }\n", ["end every path with a return"]),
    (HANDLER + "HANDLER(a) { return *(uint64_t *)((uint8_t *)ctx + 32); }\n", ["8 octets at offset 32 of the context, which has 32\n"]),
    ("HANDLER(a)\n{\n\treturn 1;\n}\n", ["no entry point", "xok/handler.h"]),
], ids=["pointer", "array", "ampersand", "helper", "vla", "alloca", "division", "call", "pointer-from-number", "structure", "large", "function", "header", "return", "context", "include"])
def test_messages(tmp_path, text, says):
    """What a newcomer writes, and the words that tell what to do about it."""
    (tmp_path / "m.c").write_text(text)
    done = amp("check", "m.c", cwd=tmp_path)
    assert done.returncode == 1 and done.stdout == ""
    for words in says:
        assert words in done.stderr
    assert "Stack dump" not in done.stderr and "submit a bug report" not in done.stderr


def test_odd_files(tmp_path):
    (tmp_path / "d.c").mkdir()
    (tmp_path / "plus.cc").write_text("int main() { return 0; }\n")
    (tmp_path / "-x.c").write_text(HANDLER + "HANDLER(a) { return 1; }\n")
    (tmp_path / "h.c").write_text(HANDLER + "HANDLER(mine) { return 1; }\n")
    assert "d.c: not a regular file" in amp("check", "d.c", cwd=tmp_path).stderr
    assert "plus.cc: neither C source (FILE.c), nor an object" in amp("check", "plus.cc", cwd=tmp_path).stderr
    assert amp("check", "--", "-x.c", cwd=tmp_path).stdout.startswith("-x.c: ok\n")
    assert "no entry point of the kind raw; 'mine' is a handler" in amp("run", "--file", "h.c", cwd=tmp_path).stderr
    subprocess.run(["gcc", "-c", "-x", "c", "-o", tmp_path / "x86.o", "-"], input=b"int f(void) { return 1; }", check=True)
    assert "x86.o: not a BPF object" in amp("check", "x86.o", cwd=tmp_path).stderr
    nowhere = subprocess.run([AMP, "vm", "check", "h.c"], env=dict(ENV, PATH=str(tmp_path)), cwd=tmp_path, capture_output=True, text=True)
    assert nowhere.returncode == 1 and "clang is not installed; run: apt-get install clang" in nowhere.stderr


def test_helpers():
    out = amp("helpers").stdout
    for words in ("uint64_t capsule_time(void)", "int64_t xok_lpm4(const void *table, uint32_t address)", "helper 12, costs 40",
                  "raw: for experiments"):
        assert words in out
    assert "xok_lpm4" not in amp("helpers", "udf").stdout and "capsule_wake" not in out


def test_run_file(tmp_path):
    source = tmp_path / "f.c"
    source.write_text("""#include <stdint.h>
__attribute__((section("raw/f"))) uint64_t f(const uint8_t *p, uint64_t len) { return len * 256 + p[1]; }
""")
    for engine in ENGINES:
        assert amp("run", engine, "--file", source, "0102").stdout == "202\n"
    stop = amp("run", "--file", source, "01").stderr
    assert "window-bounds" in stop and "f.c:2: " in stop and "return len * 256" in stop
    subprocess.run(["clang", "-O2", "-target", "bpf", "-ffreestanding", "-c", source, "-o", tmp_path / "f.o"], check=True)
    assert amp("run", "--file", tmp_path / "f.o", "0102").stdout == "202\n"
    source.write_text("#include <stdint.h>\nuint64_t f(const uint8_t *p) { return p[1]; }\n")
    assert amp("run", "--file", source, "0102").stdout == "2\n"


# ---- the manual ----

def test_manual():
    """Every example of the page prints what the page says, and every mended program is accepted."""
    page = TOP / "capsules" / "PROGRAMS.md"
    os.environ["AMP_SDK"] = ENV["AMP_SDK"]
    assert manual.difference(page, AMP) == ""
    text = page.read_text()
    mended = [line for line in text.splitlines() if line.startswith("$ amp vm check") and "-mended.c" in line]
    assert len(mended) >= 10
    for line in mended:
        assert f"{line.split()[4]}: ok\n" in text
