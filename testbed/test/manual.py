#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Keeps the examples of a manual page true: runs its commands and compares, or (--write) puts in what they printed.

A page's C blocks whose first line is `/* NAME.c ... */` are files; in its plain fenced blocks a line that begins with `$ ` is a command, and what
follows it is what the command prints, messages included. Everything happens in an empty directory, in the order of the page.

    AMP_DATA=build testbed/test/manual.py capsules/PROGRAMS.md [--write]
"""
import difflib
import os
import pathlib
import re
import subprocess
import sys
import tempfile

BLOCK = re.compile(r"^```(c?)\n(.*?)^```$", re.M | re.S)
CODE_SIZE = re.compile(r"\d+ octets of x86-64 code")  # depends on the processor
START = pathlib.Path.cwd()
NAME = re.compile(r"/\* ([\w-]+\.c)\b")


def run(command, directory, amp):
    env = dict(os.environ, PATH=f"{amp.parent}:{os.environ['PATH']}", LC_ALL="C")
    if "AMP_SDK" in env:
        env["AMP_SDK"] = START / env["AMP_SDK"]
    done = subprocess.run(["/bin/bash", "-c", command], cwd=directory, env=env, text=True, timeout=60,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.stdout


def fresh(page, amp):
    """The page as it would be if it were written now."""
    with tempfile.TemporaryDirectory(prefix="amp-") as directory:
        def block(match):
            is_c, text = match.groups()
            if is_c:
                name = NAME.match(text)
                if name:
                    pathlib.Path(directory, name.group(1)).write_text(text)
                return match.group(0)
            if not text.startswith("$ "):
                return match.group(0)
            out = ""
            for line in text.splitlines():
                if line.startswith("$ "):
                    out += line + "\n" + run(line[2:], directory, amp)
            return "```\n" + out + "```"

        return BLOCK.sub(block, page)


def difference(path, amp):
    """What is not as the page says, as a unified diff; "" when all is."""
    old = path.read_text()
    pages = [CODE_SIZE.sub("some octets of x86-64 code", text).splitlines(True) for text in (old, fresh(old, amp))]
    return "".join(difflib.unified_diff(*pages, str(path), "now"))


if __name__ == "__main__":
    page = pathlib.Path(sys.argv[1])
    program = pathlib.Path(os.environ.get("AMP_DATA", "build")).resolve() / "amp"
    if "--write" in sys.argv:
        page.write_text(fresh(page.read_text(), program))
    else:
        told = difference(page, program)
        print(told, end="")
        sys.exit(bool(told))
