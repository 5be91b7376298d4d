# SPDX-License-Identifier: BSD-2-Clause
"""What the manual and the completion are made from: the tables of the tree (*.def) and what the programs say of themselves (--help).

A table's line or a help text that this does not understand is an error, so that neither can go on without it.
"""
import dataclasses
import email.utils
import os
import pathlib
import re
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]


def wrong(text):
    sys.exit(f"{pathlib.Path(sys.argv[0]).name}: {text}")


# ---- the tables ----

STRING = r'"((?:[^"\\]|\\.)*)"'


def unquote(s):
    return re.sub(r"\\(.)", r"\1", s)


def table(path, *macros):
    """The lines MACRO(a, b, ...) of a .def file: lists of their arguments, strings without quotes, NULL as None."""
    rows = []
    text = re.sub(r"/\*.*?\*/", "", (TOP / path).read_text(), flags=re.S)
    argument = re.compile(rf"\s*(?:{STRING}|(NULL)|([\w.|&<>+* -]+?))\s*(,|\)$)")
    for line in re.sub(r'"\s*\n\s*"', "", text).splitlines():
        head = re.match(r"(\w+)\(", line)
        if not head:
            if line.strip() and not line.startswith("#"):
                wrong(f"{path}: cannot read the line: {line}")
            continue
        if macros and head[1] not in macros:
            continue
        at, row = head.end(), []
        while at < len(line):
            m = argument.match(line, at)
            if not m:
                wrong(f"{path}: cannot read the line: {line}")
            row.append(None if m[2] else unquote(m[1]) if m[1] is not None else m[3])
            at = m.end()
        rows.append(row)
    if not rows:
        wrong(f"{path}: there is nothing of {', '.join(macros)}")
    return rows


def verbs():
    """name, arguments, summary of what amp --help lists."""
    return [(name, args, text) for name, _, args, text in table("testbed/verbs.def", "VERB") if text]


def node_commands(macro):
    """name, usage, text of the node's commands: CONFIG_VERB or RUN_VERB."""
    return [(name, usage, text) for name, _, _, usage, text in table("nodeos/verbs.def", macro)]


def show_tables():
    return next(usage for name, usage, _ in node_commands("RUN_VERB") if name == "show").split("|")


def metrics():
    """name, help of what a router serves to Prometheus; a metric of several lines once."""
    text = (TOP / "testbed/metrics.def").read_text()
    found = re.findall(r'METRIC\((amp_\w+), (?:counter|gauge), .*"([^"]+)"\)', text)
    if len({name for name, _ in found}) != len(found) or len(found) < 10:
        wrong("testbed/metrics.def: a metric is described twice, or they cannot be read")
    return found


def machine_commands():
    """The names of the lines of router.conf that are the machine's."""
    text = (TOP / "testbed/router_machine.c").read_text()
    found = re.search(r"\} machine\[\] = \{(.*?)\};", text, flags=re.S)
    names = re.findall(r'\{"(\w+)",', found[1]) if found else []
    if not names:
        wrong("testbed/router_machine.c: there is no table machine[]")
    return names


# ---- what programs say ----

@dataclasses.dataclass
class Help:
    """A help text taken apart: how the program is called, and what follows as paragraphs of three sorts."""
    usages: list  # (form, remark)
    parts: list  # ("text", str), ("literal", [line]) or ("options", [(form, text)])

    def options(self):
        return [o for kind, rows in self.parts if kind == "options" for o in rows]


OPTION = re.compile(r" {2,6}(-\S.*?)(?: {2,}(\S.*))?$")


def usage_part(lines):
    """The lines "usage: ..." and those below, which are further forms or go on with the one before."""
    usages = []
    for line in lines:
        body = re.sub(r"^[Uu]sage:", "      ", line)
        form, _, remark = body.strip().partition("   ")
        program = form.split()[0]
        if not usages or program == usages[0][0].split()[0]:
            usages.append((form, remark.strip()))
        else:
            usages[-1] = (usages[-1][0] + " " + form, remark.strip())
    return usages


def sort_part(lines):
    """One paragraph as parts."""
    parts = []
    if lines and (head := re.match(r"(examples?): (.*)", lines[0], flags=re.I)):
        return [("text", head[1].capitalize() + ":"), ("literal", ["  " + head[2], *("  " + line.strip() for line in lines[1:])])]
    for line in lines:
        option = OPTION.match(line)
        kind = parts[-1][0] if parts else None
        if option:
            if kind != "options":
                parts.append(("options", []))
            parts[-1][1].append((option[1], option[2] or ""))
        elif kind == "options" and re.match(r" {8,}\S", line):
            form, text = parts[-1][1][-1]
            parts[-1][1][-1] = (form, (text + " " + line.strip()).strip())
        elif re.match(r"\s", line):
            if kind == "literal":
                parts[-1][1].append(line)
            else:
                parts.append(("literal", [line]))
        elif kind == "text":
            parts[-1] = ("text", parts[-1][1] + " " + line)
        else:
            parts.append(("text", line))
    return parts


def parse_help(text):
    paragraphs = [p.splitlines() for p in re.split(r"\n\s*\n", text.strip("\n"))]
    if not re.match(r"[Uu]sage: ", paragraphs[0][0]):
        wrong(f"this help text does not begin with usage: {paragraphs[0][0]}")
    first = next((i for i, line in enumerate(paragraphs[0]) if i and not line.startswith("  ")), len(paragraphs[0]))
    parts = sort_part(paragraphs[0][first:])
    for p in paragraphs[1:]:
        parts += sort_part(p)
    return Help(usage_part(paragraphs[0][:first]), parts)


class Programs:
    """The programs as built."""

    def __init__(self, build):
        self.build = pathlib.Path(build)
        self.known = {}

    def say(self, *argv):
        done = subprocess.run([self.build / argv[0], *argv[1:]], text=True, stdin=subprocess.DEVNULL, capture_output=True,
                              env=dict(os.environ, LC_ALL="C.UTF-8"), check=False)
        if done.returncode or not done.stdout:
            wrong(f"{' '.join(argv)} failed: {done.stderr.strip()}")
        return done.stdout

    def help(self, *argv):
        if argv not in self.known:
            self.known[argv] = parse_help(self.say(*argv, "--help"))
        return self.known[argv]


def vm_verbs(programs):
    """The verbs of amp vm that have a help of their own."""
    names = [form.split()[2] for form, _ in programs.help("amp", "vm").usages]
    return [n for n in names if programs.help("amp", "vm", n).usages[0][0].startswith(f"amp vm {n}")]


# ---- version and date ----

def changelog():
    """The newest entry of the package's changelog: version, and when it was made."""
    text = (TOP / "testbed/package/debian/changelog").read_text()
    head = re.match(r"amp \(([^)]+)\) ", text)
    date = re.search(r"^ -- .*>  (.*)$", text, flags=re.M)
    if not head or not date:
        wrong("testbed/package/debian/changelog: its first entry cannot be read")
    return head[1], email.utils.parsedate_to_datetime(date[1])


def version():
    found = re.search(r'AMP_VERSION "([^"]+)"', (TOP / "testbed/version.h").read_text())
    if not found:
        wrong("testbed/version.h: there is no AMP_VERSION")
    return found[1]
