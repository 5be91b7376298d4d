# SPDX-License-Identifier: BSD-2-Clause
"""What is installed: that it is complete, works from where it lies, reads well, and goes again without a trace; the same as a Debian package."""
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

from conftest import AMP, BUILD, TOP, Place
from test_router import Router

PACKAGE = TOP / "testbed" / "package"
sys.path.insert(0, str(PACKAGE))
import facts  # noqa: E402


def run(*argv, code=0, **env):
    done = subprocess.run([str(a) for a in argv], env=dict(os.environ, **{k: str(v) for k, v in env.items()}), text=True,
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=120, check=False)
    assert done.returncode == code, f"{argv}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


def files(root):
    return sorted(str(p.relative_to(root)) for p in root.rglob("*") if p.is_symlink() or not p.is_dir())


class Installed:
    """A whole installation below a directory, as `make install` makes it."""

    def __init__(self, root):
        self.root, self.prefix = root, root / "usr/local"
        self.install()

    def install(self, *args, code=0, **env):
        return run(PACKAGE / "install", *args, BUILD, code=code, **{"DESTDIR": self.root, "PREFIX": "/usr/local", **env})


@pytest.fixture
def installed(tmp_path):
    return Installed(tmp_path / "root")


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """The package, and what is in it."""
    made = pathlib.Path(run(PACKAGE / "deb", BUILD).strip())
    root = tmp_path_factory.mktemp("deb")
    run("dpkg-deb", "-R", made, root)
    return made, root


# ---- make install ----

def test_installs_and_goes(installed):
    listed = installed.install("--list").split()
    assert sorted(f.lstrip("/") for f in listed) == files(installed.root)
    installed.install()  # again: the same
    assert sorted(f.lstrip("/") for f in listed) == files(installed.root)
    for path in files(installed.root):
        mode = (installed.root / path).lstat().st_mode & 0o7777
        assert (installed.root / path).is_symlink() or mode in (0o644, 0o755), path
    installed.install("--uninstall")
    assert files(installed.root) == []
    assert not list(installed.prefix.rglob("amp*"))
    assert not (installed.root / "etc/amp").exists()


def test_everybodys_directories_stay(installed):
    installed.install("--uninstall")
    for d in ("bin", "sbin", "lib", "share", "share/man"):
        assert (installed.prefix / d).is_dir()


def test_configuration_is_the_operators(installed):
    conf = installed.root / "etc/amp/router.conf"
    conf.write_text("node mine\n")
    installed.install()
    assert conf.read_text() == "node mine\n"
    assert "stays" in installed.install("--uninstall")
    assert files(installed.root) == ["etc/amp/router.conf"]


def test_every_module_and_page(installed):
    assert {p.name for p in (BUILD / "forward").glob("*.mod")} == {p.name for p in (installed.prefix / "lib/amp/forward").iterdir()}
    pages = {p.name for p in (installed.prefix / "share/man").rglob("*.*")}
    assert pages == {"amp.1", "amp-testbed.1", "amp-capsule.5", "router.conf.5", "amp-router.8", "xokd.8"}


def test_no_place_is_left_out(installed):
    """No file that was written for a place has a gap, or names the tree it came from."""
    for path in files(installed.root):
        full = installed.root / path
        if full.is_symlink() or path.endswith((".md", ".mod", ".stripped")) or full.read_bytes()[:4] == b"\x7fELF":
            continue
        text = full.read_text()
        assert not re.search(r"@[A-Z]+@", text), path
        assert str(TOP) not in text and str(BUILD) not in text, path


def test_misuse(tmp_path):
    assert "without blanks" in run(PACKAGE / "install", BUILD, code=64, DESTDIR=tmp_path, PREFIX="/a b")
    assert "without blanks" in run(PACKAGE / "install", BUILD, code=64, DESTDIR=tmp_path, PREFIX="here")
    assert "make router" in run(PACKAGE / "install", tmp_path, code=1, DESTDIR=tmp_path / "d")
    assert "PREFIX" in run(PACKAGE / "install", code=64)


# ---- it works from there ----

def clean_env(place):
    env = {k: v for k, v in place.env.items() if k not in ("AMP_DATA", "AMP_SDK")}
    return env


def test_finds_its_files(installed):
    """Without AMP_DATA: the kernel, the capsules of the system, and the headers."""
    place = Place()
    try:
        amp, env = installed.prefix / "bin/amp", clean_env(place)
        call = lambda *a: subprocess.run([amp, *a], env=env, cwd=place.dir, text=True, capture_output=True, timeout=60, check=False)  # noqa: E731
        assert call("--version").stdout == f"amp {facts.version()}\n"
        done = call("testbed", "up", "edges.yaml")
        assert done.returncode == 0, done
        nodes = re.findall(r"^  (\S+) +ready", done.stdout, flags=re.M)
        done = call("ping", nodes[0], nodes[1], "-c", "1")
        assert call("testbed", "down").returncode == 0 and done.returncode == 0, done
        shutil.copy(installed.prefix / "share/doc/amp/examples/ping.c", place.dir)
        done = call("build", "ping.c")
        assert done.returncode == 0, done.stderr
        assert (place.dir / "ping.mod").read_bytes() == (BUILD / "capsules/ping.mod").read_bytes()
        place.nothing_left()
    finally:
        place.close()


def test_routes_from_there(installed, monkeypatch):
    monkeypatch.setattr("conftest.AMP", installed.prefix / "bin/amp")
    router = Router(AMP_DATA="")
    try:
        router.told("READY=1")
        assert str(installed.prefix) in " ".join(c.decode() for c in router.processes().values() if b"xokd" in c)
        assert router.forward("10.3.0.1").src
        assert router.end()[0] == 0
    finally:
        router.close()


# ---- the manual ----

def pages():
    return sorted((BUILD / "package").glob("*.[158]"))


def test_pages_are_there():
    assert len(pages()) == len(list((PACKAGE / "man").glob("*.in")))


@pytest.mark.parametrize("page", pages(), ids=lambda p: p.name)
def test_page_is_well_formed(page):
    if shutil.which("mandoc"):
        assert run("mandoc", "-Tlint", "-Wwarning", page) == ""
    elif shutil.which("groff"):
        assert run("groff", "-mandoc", "-Tutf8", "-ww", "-z", page) == ""
    else:
        pytest.skip("neither mandoc nor groff is here")


def test_pages_have_what_the_tables_have():
    text = {p.name: re.sub(r"\\[&-]|\\f.", lambda m: "-" if m[0] == "\\-" else "", p.read_text()) for p in pages()}
    for verb, _, _ in facts.verbs():
        assert f".Ss amp {verb}" in text["amp.1"]
    for name in facts.machine_commands():
        assert re.search(rf"^\.(It )?Cm {name}\b", text["router.conf.5"], flags=re.M), f"router.conf(5) does not know {name}"
    for name, _, what in facts.node_commands("CONFIG_VERB"):
        assert f".It Cm {name} " in text["router.conf.5"] or what.startswith("edge only")
    for option, _ in facts.Programs(BUILD).help("xokd").options():
        assert f".It Fl {option.split()[0][1:]}" in text["xokd.8"]
    for _, name, _ in facts.table("nodeos/forward/forward.def", "FORWARD"):
        assert f".It Li {name}" in text["amp-router.8"]
    for _, name, _ in facts.table("capsules/include/capsule/refusals.def", "REFUSAL"):
        assert f".It Li {name}" in text["amp-capsule.5"]


def configurations():
    """The examples of router.conf(5) and amp-router(8) that are whole files."""
    for page in ("router.conf.5.in", "amp-router.8.in"):
        for block in re.findall(r"\.Bd -literal.*?\n(.*?)\.Ed", (PACKAGE / "man" / page).read_text(), flags=re.S):
            if found := re.search(r"^node .*?(?=^end$|\Z)", block, flags=re.S | re.M):
                yield found[0]


LACKING = re.compile("no huge pages are reserved|there is no processor \\d|there is no device [0-9a-f:.]+: lspci|Linux has no interface \\w+ here|there is no interface: write interface")


def test_examples_are_right(tmp_path):
    found = list(configurations())
    assert len(found) == 2
    template = (PACKAGE / "router.conf").read_text()
    filled = re.sub("(?m)^#(?=[a-z])", "", template)
    # Its interfaces are of one sort or of the other.
    sorts = [re.sub(f"(?m)^({other}).*\n", "", filled) for other in (r"interface \w+ pci:|hugepages ", r"interface \w+ af_packet:")]
    assert all("\ninterface lan " in text for text in sorts)
    for text in [*found, template, *sorts]:
        (tmp_path / "r.conf").write_text(text)
        done = subprocess.run([AMP, "router", "-c", tmp_path / "r.conf", "--check"], text=True, capture_output=True, timeout=20)
        wrong = re.findall(r"^\S+/r\.conf(?::\d+:\d+)?: (?!all is right)(.*)$", done.stdout + done.stderr, flags=re.M)
        # Of the file nothing may be wrong; what it names, cards above all, this machine need not have.
        assert all(LACKING.match(w) for w in wrong), done
        assert wrong or (done.returncode == 0 and "all is right" in done.stdout), done


# ---- completion ----

def complete(place, *words):
    script = 'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _amp; printf "%s\\n" "${COMPREPLY[@]}"'
    done = subprocess.run(["bash", "-c", script, "bash", BUILD / "package/amp.bash", *words], env=dict(place.env, HOME=str(place.dir)), cwd=place.dir,
                          text=True, capture_output=True, timeout=20, check=True)
    assert done.stderr == ""
    return set(done.stdout.split("\n")) - {""}


def test_completes_words(place):
    assert {v for v, _, _ in facts.verbs()} <= complete(place, "amp", "")
    assert complete(place, "amp", "testb") == {"testbed"}
    assert complete(place, "amp", "testbed", "") >= {"up", "down", "status"}
    assert "--capture" in complete(place, "amp", "testbed", "up", "--")
    assert complete(place, "amp", "show", "r1", "") == set(facts.show_tables())
    assert complete(place, "amp", "show", "-t", "demo", "r1", "rou") == {"routes"}
    assert complete(place, "amp", "vm", "check", "--kind", "h") == {"handler"}
    assert complete(place, "amp", "nonsense", "") == set()


def test_completes_files(place):
    for name in ("a b.mod", "p.c", "x.mod"):
        place.write(name, "")
    (place.dir / "d").mkdir()
    assert complete(place, "amp", "build", "") == {"p.c", "d"}
    assert complete(place, "amp", "sign", "--key", "a") == {"alice.key"}
    assert complete(place, "amp", "inject", "--at", "h1", "") >= {"a b.mod", "x.mod", "d", "ping", "trace"}
    assert complete(place, "amp", "verify", "x.mod", "p") == {"p.c"}


def test_completes_what_runs(demo):
    assert {"h1", "r1", "r2", "r3", "h2"} <= complete(demo, "amp", "ping", "h1", "")
    assert "demo" in complete(demo, "amp", "testbed", "down", "")


# ---- the package ----

def test_package_is_the_same_again(package):
    first = hashlib.sha256(package[0].read_bytes()).digest()
    run(PACKAGE / "deb", BUILD)
    assert hashlib.sha256(package[0].read_bytes()).digest() == first


def test_package_control(package):
    made, root = package
    control = run("dpkg-deb", "-f", made)
    assert f"Version: {facts.version()}\n" in control
    for name in ("libc6", "libseccomp2", "librte-eal", "librte-mempool-ring", "librte-net-tap"):
        assert name in control
    assert (root / "DEBIAN/conffiles").read_text() == "/etc/amp/router.conf\n"
    for script in ("postinst", "prerm", "postrm"):
        run("sh", "-n", root / "DEBIAN" / script)
        assert os.access(root / "DEBIAN" / script, os.X_OK)
    assert not (root / "DEBIAN/triggers").exists()


def test_package_starts_nothing(package):
    """No unit is enabled, and no script starts one: only those that run are started again."""
    _, root = package
    assert not list(root.rglob("*.wants"))
    scripts = "".join((root / "DEBIAN" / s).read_text() for s in ("postinst", "prerm", "postrm"))
    assert not re.search(r"systemctl (start|enable)|invoke (start|restart)", scripts)


def test_purge_leaves_what_runs(tmp_path):
    """What is left of routers that have ended goes, also when the pid is another process's by now; one that runs can still be asked and ended."""
    run_dir, script = tmp_path / "run/amp", (PACKAGE / "debian/postrm").read_text()
    me = os.getpid()
    start = int(pathlib.Path(f"/proc/{me}/stat").read_text().rsplit(")", 1)[1].split()[19])
    for name, line in (("runs", f"supervisor {me} {start}"), ("ended", f"supervisor 999999999 {start}"), ("other", f"supervisor {me} {start + 1}"),
                       ("empty", None)):
        (run_dir / name).mkdir(parents=True)
        (run_dir / name / "supervisor.log").write_text("x")
        if line:
            (run_dir / name / "run").write_text(line + "\nr1 1 1\n")
    (tmp_path / "etc/amp").mkdir(parents=True)
    script = script.replace("/run/amp", str(run_dir)).replace("/etc/", f"{tmp_path}/etc/").replace("/run/systemd", "/nonexistent")
    done = subprocess.run(["sh", "-c", script, "postrm", "purge"], text=True, capture_output=True, timeout=20, check=True)
    assert [p.name for p in run_dir.iterdir()] == ["runs"] and (run_dir / "runs/supervisor.log").exists()
    assert f"the router in {run_dir}/runs still runs (pid {me}): end it with kill {me}" in done.stderr and done.stderr.count("\n") == 1
    (run_dir / "runs/run").unlink()
    for _ in range(2):  # the second time there is nothing any more
        done = subprocess.run(["sh", "-c", script, "postrm", "purge"], text=True, capture_output=True, timeout=20, check=True)
        assert not run_dir.exists() and done.stderr == ""


def test_package_owners_and_places(package):
    for line in run("dpkg-deb", "-c", package[0]).splitlines():
        mode, owner, path = line.split()[0], line.split()[1], line.split()[5]
        assert owner == "root/root" and "s" not in mode.lower(), line
        assert path.startswith(("./etc/amp", "./lib/systemd", "./usr/")) or path in ("./", "./etc/", "./lib/"), line


def test_unit(package, tmp_path):
    _, root = package
    text = (root / "lib/systemd/system/amp-router@.service").read_text()
    assert "ExecStart=/usr/bin/amp router -c /etc/amp/%i.conf\n" in text
    caps = re.search(r"CapabilityBoundingSet=(.*)", text)[1].split()
    assert set(caps) == {"CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_IPC_LOCK", "CAP_SETUID", "CAP_SETGID"}
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not here")
    unit = tmp_path / "amp-router@r1.service"
    unit.write_text(text.replace("/usr/bin/amp ", "/usr/bin/env "))
    assert run("systemd-analyze", "verify", "--man=no", unit) == ""


@pytest.mark.skipif(os.getuid() != 0 or not shutil.which("setpriv"), reason="needs root and setpriv")
def test_capabilities_suffice(installed, package):
    """As under the unit: a TAP with a mirror, in a network namespace that goes with it."""
    _, root = package
    caps = re.search(r"CapabilityBoundingSet=(.*)", (root / "lib/systemd/system/amp-router@.service").read_text())[1]
    some = ",".join("+" + c.removeprefix("CAP_").lower() for c in caps.split())
    place = Place()
    try:
        conf = place.write("r.conf", "node pk1\ninterface a tun:pk0 mirror\nport a address 10.9.0.1/24\n")
        amp = installed.prefix / "bin/amp"
        script = f"""{amp} router -c {conf} --state {place.dir}/s & for i in $(seq 100); do
            if {amp} show -t {place.dir}/s pk1 domains 2>/dev/null; then ip link show a; break; fi; sleep 0.1; done; kill %1; wait %1"""
        done = subprocess.run(["unshare", "-n", "setpriv", "--no-new-privs", f"--bounding-set=-all,{some}", "bash", "-c", script], env=clean_env(place),
                              text=True, capture_output=True, timeout=60, check=False)
        assert done.returncode == 0 and "started" in done.stdout and "UP" in done.stdout, done
        place.nothing_left()
    finally:
        place.close()


def test_lintian(package):
    if not shutil.which("lintian"):
        pytest.skip("lintian is not here")
    done = subprocess.run(["lintian", "--fail-on", "error,warning", package[0]], text=True, capture_output=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout


# ---- versions ----

def test_one_version():
    version = facts.version()
    assert facts.changelog()[0] == version
    programs = facts.Programs(BUILD)
    assert programs.say("amp", "--version") == f"amp {version}\n"
    assert programs.say("xokd", "--version") == f"xokd {version}\n"
