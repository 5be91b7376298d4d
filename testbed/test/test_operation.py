# SPDX-License-Identifier: BSD-2-Clause
"""What an operator has of a running router: events, metrics, and a configuration that is read again while it forwards."""
import datetime
import json
import os
import re
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request

import pytest

from conftest import AMP, TOP
from test_hitless import Loaded, Lossless
from test_lifecycle import wait_for
from test_router import CONF, Router, check, pids_of
from scapy.all import ICMP, IP, Ether

UNIT = TOP / "testbed/package/amp-router@.service.in"


def started(conf=CONF, args=(), **env):
    """A router that is ready, with more on its command line."""
    class Started(Router):
        def start(self, *words):
            return super().start(*words, *args)
    r = Started(conf, **env)
    try:
        r.told("READY=1")
    except BaseException:
        r.close()
        raise
    return r


def root_of(router):
    """The process of the node's root environment."""
    spawner = next(p for p in children(pids_of(router)["r1"]))
    return next(p for p in children(spawner) if comm(p) == "init")


def restart_root(router):
    os.kill(root_of(router), signal.SIGKILL)


def children(pid):
    return [int(p) for p in open(f"/proc/{pid}/task/{pid}/children").read().split()]


def comm(pid):
    return open(f"/proc/{pid}/comm").read().strip()


# ---- exit status ----

def test_unit_knows_the_status():
    """A wrong configuration is not tried five times over."""
    kept = re.search(r"^RestartPreventExitStatus=(.*)$", UNIT.read_text(), re.M)[1].split()
    assert kept == ["64", "78"]
    assert "ExecReload=/bin/kill -HUP $MAINPID" in UNIT.read_text()


# ---- events ----

def events(text):
    return [json.loads(line) for line in text.splitlines()]


def test_events():
    """Each a JSON object with the members that all have, on standard error and in the log; from start to stop, a restart in between."""
    r = started(args=["--log", "json"])
    try:
        restart_root(r)
        wait_for(lambda: '"event":"restarted"' in (r.state / "supervisor.log").read_text())
        code, _, err = r.end()
        assert code == 0
        found = events(err)
        for e in found:
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", e["time"])
            now = datetime.datetime.now(datetime.timezone.utc)
            assert abs(now - datetime.datetime.fromisoformat(e["time"].replace("Z", "+00:00"))) < datetime.timedelta(minutes=5)
            assert e["node"] == "r1" and e["level"] in ("error", "warning", "notice", "info") and e["message"]
            assert e["component"] in ("router", "kernel", "node", "config")
        by = {e["event"]: e for e in found}
        assert by["ready"]["seconds"] > 0 and by["ready"]["component"] == "node"
        assert by["environment"]["environment"] == "init" and "signal 9" in by["environment"]["why"]
        assert 0 < by["restarted"]["seconds"] < 5
        assert by["stopping"]["signal"] == "TERM" and by["domain"]["domain"] == "capsule"
        assert [e["event"] for e in found][-2:] == ["stopping", "stopped"]
        assert (r.state / "supervisor.log").read_text() == err
        # The kernel's own words stand in the node's log, as ever.
        assert "xokd: environment init: its process was ended by signal 9" in (r.state / "r1.log").read_text()
    finally:
        r.close()


def test_requests_end_with_the_environment():
    """Who waits for one that is started again hears so at once."""
    r = started()
    try:
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(20)
            s.connect(str(r.state / "ctl"))
            s.sendall(b"t1 r1 ping 10.2.0.9\n")
            r.wan.recv(2000)  # the echo request, which nobody answers
            restart_root(r)
            assert s.recv(200) == b"t1 ! the node's environment was started again meanwhile: ask again\n"
        assert r.amp("show", "r1", "ports").code == 0
    finally:
        r.close()


def test_node_dies_in_json():
    r = started(args=["--log", "json"])
    try:
        os.kill(pids_of(r)["r1"], signal.SIGKILL)
        _, err = r.process.communicate(timeout=20)
        ended = next(e for e in events(err) if e["event"] == "ended")
        assert ended["level"] == "error" and "signal 9" in ended["why"]
    finally:
        r.close()


def test_wrong_file_in_json(place):
    """Whatever bytes stand in it."""
    path = place.dir / "r.conf"
    path.write_bytes(b'node r1\nfoo\nmemory \xff\xc0\x80"\\\x1b[2J\nport lan mtu 9 \xe2\x82\xac\ninterface wan ring:r\n')
    done = place.amp("router", "-c", path, "--check", "--log", "json", check=78)
    found = events(done.err)
    assert [(e["line"], e["column"]) for e in found[:-1]] == [(2, 1), (3, 8), (4, 6)]
    assert all(e["event"] == "wrong-line" and e["level"] == "error" and e["file"] == str(path) for e in found[:-1])
    assert found[-1]["event"] == "refused" and found[-1]["errors"] == 3
    assert "\x1b" not in done.err and found[1]["text"] == "the byte FF is no text: write the file as UTF-8"
    assert place.amp("router", "-c", path, "--check", "--log", "xml").code == 64
    done = place.amp("router", "-c", place.dir / "nowhere.conf", "--log", "json", check=78)
    assert [e["event"] for e in events(done.err)] == ["refused"]


@pytest.mark.parametrize("form", ["text", "json"])
def test_priorities(place, form):
    """In the journal a line begins with its priority; when only the variable says that it is one, it does not."""
    path = place.write("r.conf", "node r1\nfoo\ninterface lan ring:r\n")
    reader, writer = os.pipe()
    st = os.fstat(writer)
    for stream, prefix in ((f"{st.st_dev}:{st.st_ino}", "<3>"), (f"{st.st_dev}:{st.st_ino + 1}", "")):
        subprocess.run([AMP, "router", "-c", path, "--check", "--log", form], env=dict(place.env, JOURNAL_STREAM=stream), stderr=writer,
                       check=False, timeout=20)
        lines = os.read(reader, 10000).decode().splitlines()
        assert [line.startswith("<3>") for line in lines] == [bool(prefix)] * len(lines)
        if form == "json":
            assert [json.loads(line[len(prefix):])["event"] for line in lines] == ["wrong-line", "refused"]
    os.close(reader)
    os.close(writer)


def test_link(place):
    """A cable between two routers, whose other end comes and goes."""
    def start(name, role):
        conf = place.write(f"{name}.conf", f"node {name}\ninterface lan memif:{place.dir}/m;role={role}\nmemory 64\nport lan address 10.77.1.1/24\n")
        return place.start("router", "-c", conf, "--state", place.dir / name, "--log", "json")
    log = place.dir / "here" / "supervisor.log"
    links = lambda: [(e["interface"], e["state"], e["level"]) for e in events(log.read_text()) if e["event"] == "link"]  # noqa: E731
    here = start("here", "server")
    try:
        wait_for(lambda: log.exists() and '"ready"' in log.read_text())
        wait_for(lambda: links() == [("lan", "down", "warning")])
        there = start("there", "client")
        wait_for(lambda: links()[-1] == ("lan", "up", "notice"))
        assert {i["name"]: i["state"] for i in place.amp("show", "here", "interfaces", "-t", place.dir / "here", "--json").rows} == {"lan": "up"}
        there.terminate()
        there.communicate(timeout=20)
        wait_for(lambda: links()[-1] == ("lan", "down", "warning"))
        assert len(links()) == 3
    finally:
        here.terminate()
        here.communicate(timeout=20)


# ---- metrics ----

def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Scraped(Router):
    def __init__(self, host="127.0.0.1"):
        self.port = free_port()
        self.at = (host.strip("[]"), self.port)
        self.url = f"http://{host}:{self.port}/metrics"
        super().__init__(CONF + f"metrics {host}:{self.port}\n")
        self.told("READY=1")

    def scrape(self, timeout=20):
        with urllib.request.urlopen(self.url, timeout=timeout) as answer:
            assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
            return samples(answer.read().decode())

    def say(self, data, timeout=20):
        """What comes back for these bytes until the connection ends."""
        with socket.create_connection(self.at, timeout) as s:
            s.sendall(data)
            got = b""
            try:
                while more := s.recv(65536):
                    got += more
            except ConnectionResetError:
                pass
            return got

    def table(self, name):
        return self.amp("show", "r1", name, "--json", check=0).rows


SAMPLE = re.compile(r'([a-z_:][a-z0-9_:]*)(?:\{((?:[a-z_]+="(?:[^"\\\n]|\\[\\"n])*",?)*)\})? (\S+)')


def samples(text):
    """{(name, labels): value}; and that each metric is described once, before its samples, which stand together, each once."""
    found, described, now = {}, {}, None
    assert text.endswith("\n")
    for line in text.splitlines():
        if line.startswith("# HELP "):
            now = line.split()[2]
            assert now not in described and len(line.split(" ", 3)) == 4
            described[now] = None
        elif line.startswith("# TYPE "):
            assert line.split()[2] == now
            described[now] = line.split()[3]
            assert described[now] == ("counter" if now.endswith("_total") else "gauge")
        else:
            name, labels, value = SAMPLE.fullmatch(line).groups()
            assert name == now and (name, labels or "") not in found
            found[name, labels or ""] = int(value)
    return found


@pytest.fixture(scope="module")
def scraped():
    r = Scraped()
    try:
        yield r
    finally:
        r.close()


def test_numbers(scraped):
    """They are those of `amp show`, to the last one."""
    for n in range(7):
        assert scraped.forward(f"10.3.4.{n}")
    for _ in range(3):
        scraped.forward("10.9.9.9", within=0.3)
    wait_for(lambda: scraped.table("ports") == (time.sleep(0.3), scraped.table("ports"))[1])
    got = scraped.scrape()
    names = ["lan", "wan"]
    for p in scraped.table("ports"):
        labels = f'port="{p["port"]}",interface="{names[p["port"]]}"'
        for column, name in (("rx_packets", "receive_packets_total"), ("rx_bytes", "receive_bytes_total"),
                             ("tx_packets", "transmit_packets_total"), ("tx_bytes", "transmit_bytes_total")):
            assert got["amp_port_" + name, labels] == p[column]
    assert got["amp_port_receive_packets_total", 'port="0",interface="lan"'] == 10
    drops = scraped.table("drops")
    assert drops and {k: v for k, v in got.items() if k[0] == "amp_drops_total"} == {
        ("amp_drops_total", f'group="{d["group"]}",name="{d["name"]}"'): d["value"] for d in drops}
    counters = {k[1]: v for k, v in got.items() if k[0] == "amp_events_total"}
    shown = {f'group="{c["group"]}",name="{c["name"]}"': c["value"] for c in scraped.table("counters")}
    assert counters.keys() == shown.keys()
    assert {k: v for k, v in counters.items() if "console" not in k} == {k: v for k, v in shown.items() if "console" not in k}
    for h in scraped.table("handlers"):
        labels = f'id="{h["id"]}",name="{h["name"]}",kind="{h["kind"]}",env="{h["env"]}"'
        assert got["amp_handler_runs_total", labels] == h["runs"] and got["amp_handler_units_total", labels] == h["units"]
        for outcome in ("forwarded", "passed", "dropped", "too_short"):
            assert got["amp_handler_packets_total", f'{labels},outcome="{outcome}"'] == h[outcome]
    tables = {t["name"]: t["used"] for t in scraped.table("tables")}
    assert got["amp_routes", 'family="ipv4"'] == tables["routes4"] and got["amp_routes", 'family="ipv6"'] == tables["routes6"]
    states = [f'port="{n["port"]}",state="{n["state"]}"' for n in scraped.table("neighbours")]
    assert {k[1]: v for k, v in got.items() if k[0] == "amp_neighbours"} == {s: states.count(s) for s in states}
    assert got["amp_domain_up", 'name="root"'] == got["amp_domain_up", 'name="capsule"'] == 1
    assert got["amp_interface_up", 'name="lan",vlan="0"'] == 1
    busy, asleep = (got["amp_lcore_cycles_total", f'processor="{scraped.table("lcores")[0]["processor"]}",state="{s}"'] for s in ("busy", "asleep"))
    assert busy > 0 and asleep > 0
    version = scraped.amp("--version").out.split()[1]
    assert got["amp_build_info", f'version="{version}",node="r1"'] == 1


REFUSED = [
    (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 404),
    (b"GET /metricsx HTTP/1.1\r\nHost: x\r\n\r\n", 404),
    (b"POST /metrics HTTP/1.1\r\nHost: x\r\n\r\n", 405),
    (b"GET /metrics HTTP/1.1\r\n\r\n", 400),
    (b"GET /metrics HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400),
    (b"GET  /metrics HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    (b"GET /metrics HTTP/2.0\r\nHost: x\r\n\r\n", 505),
    (b"GET /metrics\r\n\r\n", 400),
    (b"\r\n\r\n", 400),
    (b"\0\0\0\0\r\n\r\n", 400),
    (b"\x16\x03\x01\x02\x00\n\n", 400),
    (b"GET /metrics HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 9000, 431),
    (b"x" * 100000, 431),
]


@pytest.mark.parametrize("data,status", REFUSED, ids=[f"{s}-{i}" for i, (_, s) in enumerate(REFUSED)])
def test_refused(scraped, data, status):
    assert scraped.say(data).startswith(f"HTTP/1.1 {status} ".encode())


TAKEN = [
    b"GET /metrics HTTP/1.0\r\n\r\n",
    b"GET /metrics?x=y HTTP/1.1\r\nhost: x\r\n\r\n",
    b"GET http://x:1/metrics HTTP/1.1\nHost: x\n\n",
    b"GET /metrics HTTP/1.1\r\nHost: x\r\nAccept: */*\r\n\r\nGET /metrics HTTP/1.1\r\nHost: x\r\n\r\n",
]


@pytest.mark.parametrize("data", TAKEN, ids=range(len(TAKEN)))
def test_taken(scraped, data):
    head, body = scraped.say(data).split(b"\r\n\r\n", 1)
    assert head.startswith(b"HTTP/1.1 200 OK") and f"Content-Length: {len(body)}\r\n".encode() in head and samples(body.decode())


def test_head(scraped):
    got = scraped.say(b"HEAD /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
    assert got.startswith(b"HTTP/1.1 200 OK") and got.endswith(b"\r\n\r\n") and b"amp_" not in got


def test_in_pieces(scraped):
    with socket.create_connection(scraped.at, 20) as s:
        for byte in b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n":
            s.sendall(bytes([byte]))
            time.sleep(0.002)
        assert s.recv(12) == b"HTTP/1.1 200"


def test_curl(scraped):
    done = subprocess.run(["curl", "-sf", scraped.url], capture_output=True, text=True, timeout=20, check=True)
    assert samples(done.stdout)


def test_slow_and_many(scraped):
    """Connections that say nothing, that never finish, that do not read: whoever means it is answered, and the node as well."""
    idle = []
    try:
        for n in range(60):
            s = socket.create_connection(scraped.at, 20)
            s.sendall([b"", b"GET /metrics HTTP/1.1\r\nX: ", b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"][n % 3])
            idle.append(s)
            if n % 10 == 0:
                assert scraped.scrape()
        assert scraped.amp("show", "r1", "ports").code == 0 and scraped.forward("10.3.0.1")
    finally:
        for s in idle:
            s.close()
    assert scraped.scrape()


def test_gives_up(scraped):
    """Who has said nothing for some seconds is not waited for."""
    with socket.create_connection(scraped.at, 20) as s:
        started_at = time.monotonic()
        assert s.recv(1) == b"" and 3 < time.monotonic() - started_at < 15


def test_all_at_once(scraped):
    """Eight scrapes at the same time are one."""
    clients = [socket.create_connection(scraped.at, 20) for _ in range(8)]
    try:
        for s in clients:
            s.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        for s in clients:
            assert s.recv(12) == b"HTTP/1.1 200"
    finally:
        for s in clients:
            s.close()


def test_node_hangs():
    """Then a scrape fails, and those after it do not."""
    r = Scraped("[::1]")
    try:
        assert r.scrape()
        os.kill(pids_of(r)["r1"], signal.SIGSTOP)
        time.sleep(0.3)
        with pytest.raises(urllib.error.HTTPError) as refused:
            r.scrape()
        assert refused.value.code == 503
        os.kill(pids_of(r)["r1"], signal.SIGCONT)
        wait_for(lambda: r.amp("show", "r1", "ports").code == 0)
        assert r.scrape()
    finally:
        r.close()


def test_address_is_taken():
    """The router routes all the same, and says so."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        r = started(CONF + f"metrics 127.0.0.1:{s.getsockname()[1]}\n")
        try:
            assert r.forward("10.3.0.1")
            _, _, err = r.end()
            assert "there are no metrics: cannot listen at 127.0.0.1:" in err and "Address already in use" in err
        finally:
            r.close()


@pytest.mark.parametrize("address", ["9477", "127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", "::1:9477", "[::1]", "[127.0.0.1]:1",
                                     "localhost:9477", "[]:1", ":1", "1.2.3.4:1 5"])
def test_wrong_address(place, address):
    done = check(place, CONF.format(dir=place.dir) + f"metrics {address}\n")
    assert done.code == 78 and "r.conf:10:" in done.err and "127.0.0.1:9477" in done.err


# ---- the configuration, read again ----

@pytest.fixture
def router():
    r = started()
    try:
        yield r
    finally:
        r.close()


def rewrite(router, old, new):
    text = router.conf.read_text()
    assert old in text
    router.conf.write_text(text.replace(old, new))


def routes(router):
    return {r["prefix"]: r["via"] for r in router.amp("show", "r1", "routes", "--json", check=0).rows}


def reload(router, code=0):
    return router.amp("reload", router.state, check=code)


def test_reload(router):
    """Routes and addresses come, change and go; what stays forwards."""
    rewrite(router, "route 10.3.0.0/16 via 10.2.0.9\n", "route 10.3.0.0/16 via 10.2.0.9\nroute 10.4.0.0/16 via 10.2.0.9\nport lan address 10.5.0.1/24\n")
    assert "is in force" in reload(router).out
    assert routes(router)["10.4.0.0/16"] == "10.2.0.9" and "10.5.0.0/24" in routes(router)
    assert router.forward("10.4.0.1") and router.forward("10.3.0.1")
    rewrite(router, "route 10.3.0.0/16 via 10.2.0.9\nroute", "route")
    rewrite(router, "port lan address 10.5.0.1/24\n", "")
    reload(router)
    assert "10.3.0.0/16" not in routes(router) and "10.5.0.0/24" not in routes(router)
    assert router.forward("10.4.0.1") and router.forward("10.3.0.1", within=0.5) is None
    # It is the file that counts: what was typed goes.
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(str(router.state / "ctl"))
        s.sendall(b"t1 r1 route 10.6.0.0/16 via 10.2.0.9\n")
        assert s.recv(100) == b"t1 .\n"
    assert "10.6.0.0/16" in routes(router)
    reload(router)
    assert "10.6.0.0/16" not in routes(router)


def test_reload_survives_a_restart(router):
    """The node's environment, started again, has what is in force: not the file's first text, and not one that was refused."""
    rewrite(router, "route 10.3.0.0/16", "route 10.4.0.0/16")
    reload(router)
    rewrite(router, "route 10.4.0.0/16 via 10.2.0.9", "route 10.4.0.0/16 via 10.99.0.9")
    reload(router, code=78)
    restart_root(router)
    wait_for(lambda: "started again" in (router.state / "supervisor.log").read_text())
    assert routes(router)["10.4.0.0/16"] == "10.2.0.9" and "10.3.0.0/16" not in routes(router)


def test_reload_meets_a_restart(router):
    """The environment ends before it reads the file: the next one has read it."""
    rewrite(router, "route 10.3.0.0/16", "route 10.4.0.0/16")
    os.kill(root_of(router), signal.SIGSTOP)
    asked = router.start("reload", router.state)
    wait_for(lambda: "10.4.0.0" in (router.state / "r1.conf").read_text())
    time.sleep(0.3)
    restart_root(router)
    out, _ = asked.communicate(timeout=20)
    assert asked.returncode == 0 and "is in force" in out
    assert "10.4.0.0/16" in routes(router)
    reload(router)


def test_reload_refused(router):
    """Every error is told with its place, and nothing changes."""
    before = routes(router)
    rewrite(router, "route 10.3.0.0/16", "route 10.4.0.0/16 via 10.2.0.9\nrute 10.5.0.0/16")
    done = reload(router, code=78)
    assert f"{router.conf}:10:1: there is no command \"rute\": did you mean route?" in done.err and "nothing was changed" in done.err
    assert routes(router) == before and router.forward("10.3.0.1")
    router.conf.unlink()
    assert "cannot read" in reload(router, code=78).err
    assert routes(router) == before


def test_reload_addresses(router):
    """However many there have been: those that are gone make room for those that come, which answer."""
    rewrite(router, "route 10.3.0.0", "port lan address 10.100.0.1/24\nroute 10.3.0.0")
    mac = next(p["mac"] for p in router.amp("show", "r1", "ports", "--json", check=0).rows if p["port"] == 0)
    for n in range(100, 120):
        reload(router)
        router.told("READY=1\nSTATUS=Forwarding.\n")
        router.said = ""
        ping = Ether(dst=mac, src="02:00:00:00:01:09") / IP(src="10.1.0.9", dst=f"10.{n}.0.1") / ICMP(id=1, seq=n)
        router.lan.sendto(bytes(ping), str(router.dir / "lan.r"))
        while ICMP not in (got := Ether(router.lan.recv(2000))):
            pass
        assert (got[ICMP].type, got[ICMP].seq, got[IP].src) == (0, n, f"10.{n}.0.1")
        rewrite(router, f"10.{n}.0.1/24", f"10.{n + 1}.0.1/24")


@pytest.mark.parametrize("what", ["fifo", "directory", "device", "huge"])
def test_reload_no_file(router, what):
    """Whatever stands in the file's place, nobody is waited for."""
    router.conf.unlink()
    {"fifo": lambda: os.mkfifo(router.conf), "directory": router.conf.mkdir, "device": lambda: router.conf.symlink_to("/dev/zero"),
     "huge": lambda: (router.conf.touch(), os.truncate(router.conf, 1 << 30))}[what]()
    why = {"directory": "Is a directory", "huge": "File too large"}.get(what, "it is not a regular file")
    assert f"cannot read {router.conf}: {why}" in reload(router, code=78).err
    assert router.forward("10.3.0.1")


def test_reload_before_ready():
    """What is asked for while the router starts is done when it has."""
    r = Router()
    try:
        wait_for(lambda: (r.state / "r1.conf").exists())
        rewrite(r, "route 10.3.0.0/16", "route 10.4.0.0/16")
        r.process.send_signal(signal.SIGHUP)
        r.told("RELOADING=1")
        wait_for(lambda: "is in force" in (r.state / "supervisor.log").read_text())
        assert "10.4.0.0/16" in routes(r)
    finally:
        r.close()


def test_reload_tries_metrics_again():
    """Once their address is free."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        at = f"127.0.0.1:{s.getsockname()[1]}"
        r = started(CONF + f"metrics {at}\n")
    try:
        assert f"metrics are at http://{at}/metrics" in reload(r).out
        with urllib.request.urlopen(f"http://{at}/metrics", timeout=20) as answer:
            assert samples(answer.read().decode())
    finally:
        r.close()


@pytest.mark.parametrize("old,new,what", [("memory 64", "memory 128", "memory"), ("memory 64", "memory 64\nlcores 0", "lcores"),
                                          ("mac 02:00:00:00:00:02", "mac 02:00:00:00:00:03", "interface wan"), ("node r1", "node r1\nroutes 2000", "routes")])
def test_reload_needs_restart(router, old, new, what):
    """That is named and left as it is; the rest is in force."""
    rewrite(router, old, new)
    rewrite(router, "route 10.3.0.0/16", "route 10.4.0.0/16")
    out = reload(router).out
    assert f"{what} has changed, which is in force from the next start on" in out and "is in force" in out
    assert "10.4.0.0/16" in routes(router) and router.forward("10.4.0.1")


def test_reload_other_interfaces(router):
    before = routes(router)
    rewrite(router, "memory 64\n", "memory 64\ninterface dmz tun:ampdmz\nport dmz address 10.8.0.1/24\n")
    assert "takes a restart" in reload(router, code=78).err
    rewrite(router, "node r1", "node r2")
    assert "takes a restart" in reload(router, code=78).err
    assert routes(router) == before and router.forward("10.3.0.1")


def test_reload_signal(router):
    """As `systemctl reload` does it: the service manager hears when it begins and when it is done."""
    rewrite(router, "route 10.3.0.0/16", "route 10.4.0.0/16")
    router.said = ""
    router.process.send_signal(signal.SIGHUP)
    router.told("RELOADING=1\nMONOTONIC_USEC=")
    router.told("READY=1")
    assert "10.4.0.0/16" in routes(router)
    rewrite(router, "node r1", "nonsense")
    for _ in range(5):
        router.process.send_signal(signal.SIGHUP)
    wait_for(lambda: "nothing was changed" in (router.state / "supervisor.log").read_text())
    assert "10.4.0.0/16" in routes(router) and router.process.poll() is None


def test_reload_neighbours(router):
    """A static neighbour that has gone from the file is one like others: asked, and given up when it does not answer."""
    rewrite(router, "neighbour wan 10.2.0.9 02:00:00:00:02:09\n", "")
    rewrite(router, "02:00:00:00:01:09", "02:00:00:00:01:0a")
    reload(router)
    table = lambda: {n["address"]: n for n in router.amp("show", "r1", "neighbours", "--json", check=0).rows}  # noqa: E731
    assert table()["10.1.0.9"]["mac"] == "02:00:00:00:01:0a" and table()["10.1.0.9"]["state"] == "static"
    assert table().get("10.2.0.9", {}).get("state") != "static"
    wait_for(lambda: not table().get("10.2.0.9", {}).get("mac"), within=30)


def test_reload_nobody(place):
    assert place.amp("reload").code == 1
    assert place.amp("reload", "a", "b").code == 64
    assert "usage: amp reload" in place.amp("reload", "--help", check=0).out


@pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces of the machine need root")
def test_reload_loses_nothing():
    """Under full load, twenty times, with routes that come and go beside those that the packets take; and its metrics, which come and go as well."""
    r = Loaded([0x01000000 | n * 7919 % (1 << 24) for n in range(1000)])
    try:
        r.linux("ip link set lo up")
        r.settled()
        first = (r.dir / "r.conf").read_text()
        more = first + "".join(f"route 9.{n}.0.0/16 via 198.18.0.2\n" for n in range(200)) + "metrics 127.0.0.1:9477\n"
        with Lossless(r):
            for n in range(20):
                (r.dir / "r.conf").write_text(first if n % 2 else more)
                r.amp("reload", r.state, check=0)
                prefixes = {x["prefix"] for x in r.show("routes")}
                assert ("9.7.0.0/16" in prefixes) == (n % 2 == 0) and "1.0.0.0/8" in prefixes
                if n % 2:
                    r.linux("! curl -sf http://127.0.0.1:9477/metrics")
                else:
                    r.linux("curl -sf --max-time 20 http://127.0.0.1:9477/metrics >scraped")
                    assert samples((r.dir / "scraped").read_text())["amp_routes", 'family="ipv4"'] > 200
    finally:
        r.close()


def test_events_are_in_the_manual():
    page = (TOP / "testbed/package/man/amp-router.8.in").read_text()
    named = " ".join(re.findall(r"^\.It Li (.*?)(?: Pq .*)?$", page[page.index(".Sh EVENTS"):page.index(".Sh METRICS")], re.M)).replace(",", " ").split()
    source = "".join(f.read_text() for f in (TOP / "testbed").glob("*.c"))
    used = set(re.findall(r'log_(?:event|often)\([^;]*?"(?:router|kernel|node|config)",\s*"([a-z-]+)"', source)) | {"error", "progress"}
    assert sorted(named) == sorted(used)
