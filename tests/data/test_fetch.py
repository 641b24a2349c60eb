"""Downloads from a local server: good, corrupt and absent mirrors, and the commands that fetch and verify."""

from __future__ import annotations

import contextlib
import gzip
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from samestep.commands.data import command as data_command
from samestep.data import DataError, DataMissing, fetch, find, sets
from samestep.data.fetch import ROOM, ensure
from tests.made.data_sets import bare_machine, files, made_up, write

FILES = {f"{name}.gz": gzip.compress(content, mtime=0) for name, content in files().items()}
FIRST = "train-images-idx3-ubyte.gz"


#: Where mirrors redirect to that are broken.
REDIRECTS = {
    "loop": f"/loop/{FIRST}",
    "no-address": "http://",
    "no-port": "http://127.0.0.1:port/",
    "no-label": f"http://{'a' * 64}..{'b' * 300}/",
    "no-scheme": "file:///etc/hostname",
}


class Mirror(BaseHTTPRequestHandler):
    """Each folder of the server is a mirror of its own kind; ``requests`` are the paths that it was sent."""

    requests: list[str]
    stopped: threading.Event

    def do_GET(self) -> None:
        self.requests.append(self.path)
        _, kind, name = self.path.split("/")
        body = {"garbage": b"<html>Sorry</html>", "cut": FILES[name][:-9], "bomb": bytes(1 << 21)}.get(
            kind, FILES[name]
        )
        if kind == "packed":
            body = bytes(1 << 21)
        self.send_response({"gone": 404, "down": 503}.get(kind, 302 if kind in REDIRECTS else 200))
        if kind in REDIRECTS:
            self.send_header("Location", REDIRECTS[kind])
        if kind == "packed":  # a bomb, if the client undid that
            self.send_header("Content-Encoding", "gzip")
        if kind == "unpacking":  # the client undoes this encoding
            self.send_header("Content-Encoding", "gzip")
        length = str(len(body) + (kind == "broken"))
        self.send_header("Content-Length", "many" if kind == "no-length" else length)
        self.end_headers()
        if kind == "drips":
            self.wfile.write(body[:1])
            self.stopped.wait(60)
        with contextlib.suppress(ConnectionError):  # a client that refuses the rest closes the connection
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@pytest.fixture
def server() -> Iterator[str]:
    """Return the address of a local server."""
    Mirror.requests, Mirror.stopped = [], threading.Event()
    with ThreadingHTTPServer(("127.0.0.1", 0), Mirror) as running:
        threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}/"
        Mirror.stopped.set()
        running.shutdown()


@pytest.fixture
def machine(monkeypatch, tmp_path) -> Path:
    for variable in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    return bare_machine(monkeypatch, tmp_path)


def from_mirrors(*mirrors: str) -> sets.DataSet:
    return made_up(mirrors=mirrors)


def quiet(*_: object) -> None:
    """Report nothing."""


def cached_files() -> list[str]:
    """Return the paths of all files in the cache."""
    return sorted(str(path.relative_to(find.cache())) for path in find.cache().rglob("*") if path.is_file())


WHOLE = sorted(f"mnist/{name}" for name in FILES)


def test_fetches_whole_and_counts_bytes(machine, server):
    progress: dict[str, tuple[int, int]] = {}

    def report(file: str, done: int, total: int) -> None:
        progress[f"{file}.gz"] = done, total

    folder = ensure(from_mirrors(f"{server}good/"), report)
    assert folder == find.cache() / "mnist" == find.find(from_mirrors())
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == FILES
    assert progress == {name: (len(content), len(content)) for name, content in FILES.items()}
    assert cached_files() == WHOLE


@pytest.mark.parametrize("bad", ["garbage", "cut", "broken", "bomb", "gone", "down"])
def test_bad_mirror_is_passed_over_once(machine, server, bad):
    ensure(from_mirrors(f"{server}{bad}/", f"{server}good/"), quiet)
    assert cached_files() == WHOLE
    assert [path for path in Mirror.requests if bad in path] == [f"/{bad}/{FIRST}"]


REASONS = {
    "garbage": "magic number 0x3c68746d",
    "cut": "cannot be read (it ends inside its gzip member)",
    "broken": "ProtocolError",
    "bomb": f"serves more than {16 + 6 * 784 + ROOM} bytes",
    "gone": "HTTPError 404",
    "down": "HTTPError 503",
    "packed": "serves more than",
    "loop": "TooManyRedirects",
    "no-address": "TooManyRedirects 302",
    "no-port": "InvalidURL",
    "no-label": "LocationParseError",
    "no-scheme": "InvalidSchema",
    "no-length": "ValueError",
}


@pytest.mark.parametrize("bad", REASONS)
def test_no_good_mirror_says_why_and_leaves_nothing(machine, server, bad):
    with pytest.raises(DataMissing) as caught:
        ensure(from_mirrors(f"{server}{bad}/"), quiet)
    message = str(caught.value)
    assert message.startswith(f"mnist: no mirror gave {FIRST} (127.0.0.1:")
    assert REASONS[bad] in message
    assert "\n" not in message
    assert message.endswith("; try again later, or put the files into DIR/mnist and set SAMESTEP_DATA=DIR")
    assert list(find.cache().iterdir()) == []


def test_a_mirror_that_drips_is_given_up(machine, server, monkeypatch):
    monkeypatch.setattr(fetch, "GRACE", 0.25)
    with pytest.raises(DataMissing, match="serves less than 32768 bytes a second"):
        ensure(from_mirrors(f"{server}drips/"), quiet)
    ensure(from_mirrors(f"{server}drips/", f"{server}good/"), quiet)
    assert cached_files() == WHOLE


def test_right_size_with_wrong_content_is_refused(machine, server):
    other = made_up(seed=1, mirrors=(f"{server}good/",))
    with pytest.raises(DataMissing, match="wrong content, unpacked sha256"):
        ensure(other, quiet)
    assert cached_files() == []


def test_unreachable_mirror(machine, server):
    absent = "http://127.0.0.1:9/"  # the discard port: nothing listens
    with pytest.raises(DataMissing, match=r"127\.0\.0\.1:9: ConnectionError"):
        ensure(from_mirrors(absent), quiet)
    ensure(from_mirrors(absent, f"{server}good/"), quiet)
    assert cached_files() == WHOLE


def test_server_that_unpacks_on_the_way(machine, server):
    ensure(from_mirrors(f"{server}unpacking/"), quiet)
    assert cached_files() == WHOLE


def test_only_what_is_missing_or_bad_is_fetched(machine, server):
    folder = write(find.cache() / "mnist")
    (folder / FIRST).write_bytes(b"half")
    (folder / "t10k-labels-idx1-ubyte.gz").unlink()
    ensure(from_mirrors(f"{server}good/"), quiet)
    assert Mirror.requests == [f"/good/{FIRST}", "/good/t10k-labels-idx1-ubyte.gz"]
    assert cached_files() == WHOLE
    ensure(from_mirrors(f"{server}good/"), quiet)
    assert len(Mirror.requests) == 2


def test_bad_unpacked_file_does_not_stay_in_front(machine, server):
    folder = write(find.cache() / "mnist")
    (folder / FIRST.removesuffix(".gz")).write_bytes(b"half")
    ensure(from_mirrors(f"{server}good/"), quiet)
    assert cached_files() == WHOLE


def test_a_bad_copy_is_fetched_anew_but_not_behind_the_variable(machine, monkeypatch, server):
    bad = write(machine / "home/data/mnist", seed=1)
    assert ensure(from_mirrors(f"{server}good/"), quiet) == find.cache() / "mnist"
    monkeypatch.setenv(find.VARIABLE, str(bad.parent))
    with pytest.raises(DataError, match=r"is not mnist's: .*; delete it"):
        ensure(from_mirrors(f"{server}good/"), quiet)


def test_cache_that_cannot_be_made(machine, monkeypatch, server):
    (machine / "file").write_text("in the way")
    monkeypatch.setenv("XDG_CACHE_HOME", str(machine / "file"))
    with pytest.raises(DataError, match=r"cannot be written .*; make room there, or set XDG_CACHE_HOME"):
        ensure(from_mirrors(f"{server}good/"), quiet)


def run(*words: str) -> Result:
    return CliRunner().invoke(data_command, words)


@pytest.fixture
def known(machine, monkeypatch, server) -> str:
    """The real names, with small contents and a local server."""
    monkeypatch.setitem(sets.SETS, "mnist", from_mirrors(f"{server}good/"))
    monkeypatch.setitem(sets.SETS, "fashion", made_up(sets.FASHION, mirrors=(f"{server}gone/",)))
    return server


def test_commands_before_and_after_fetch(known):
    assert (run("path", "mnist").exit_code, run("verify", "mnist").exit_code) == (1, 1)
    assert run("path").exit_code == run("verify").exit_code == 0
    fetched = run("fetch", "mnist")
    folder = find.cache() / "mnist"
    assert (fetched.exit_code, fetched.stdout) == (0, f"mnist: {folder}\n")
    assert FIRST.removesuffix(".gz") in fetched.stderr
    assert run("path", "mnist").stdout == f"{folder}\n"
    assert "mnist: 6 + 4 images, all right" in run("verify", "mnist").stdout
    listed = run("path").stdout.splitlines()
    assert [line.split(":")[0] for line in listed] == ["mnist_sample", "mnist", "fashion"]
    assert "run: samestep data fetch fashion" in listed[2]


def test_verify_fails_on_a_bad_file(known):
    folder = write(find.cache() / "mnist", seed=1)
    for words in (("verify",), ("verify", "mnist")):
        result = run(*words)
        assert result.exit_code == 1
        assert f"{folder}/{FIRST}: is not mnist's" in result.stderr


def test_fetch_fails_in_one_line(known):
    result = run("fetch", "fashion")
    assert result.exit_code == 1
    assert [line for line in result.stderr.splitlines() if line.startswith("Error: fashion: no mirror gave")]


@pytest.mark.parametrize("command", ["fetch", "path", "verify"])
def test_unknown_name_is_a_wrong_command_line(command):
    result = run(command, "cifar")
    assert result.exit_code == 2
    assert "'mnist', 'fashion'" in result.stderr


def test_import_loads_neither_numpy_nor_requests():
    heavy = "{'numpy', 'requests', 'rich'}"
    code = f"import sys, samestep.data, samestep.commands.data; print({heavy} & {{*sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
