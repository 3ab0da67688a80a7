"""Downloads from a server here that breaks off, forgets, changes or lies."""

import hashlib
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from da.system.remote_files import RemoteFile

CONTENT = bytes(range(256)) * 40
MD5 = f"md5:{hashlib.md5(CONTENT).hexdigest()}"


class Server(ThreadingHTTPServer):
    """A server of one file."""

    content, version, breaks, ranges = CONTENT, '"1"', 0, True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/set.tar"


class Handler(BaseHTTPRequestHandler):
    """Answers whole or from a byte on, and breaks off after 4,000 bytes as often as it is told."""

    server: Server

    def do_GET(self) -> None:
        own, wanted = self.server, self.headers.get("Range", "")
        own.asked.append(wanted)
        start = int(wanted[6:-1] or 0) if wanted else 0
        same = own.ranges and self.headers.get("If-Range") in (None, "", own.version)
        if wanted and same and start >= len(own.content):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(own.content)}")
            return self.end_headers()
        start = start if same else 0
        self.send_response(206 if wanted and same else 200)
        self.send_header("Content-Length", str(len(own.content) - start))
        self.send_header("ETag", own.version)
        self.end_headers()
        most = 4000 if own.breaks else len(own.content)
        own.breaks = max(0, own.breaks - 1)
        self.wfile.write(own.content[start : start + most])
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as own:
        thread = Thread(target=partial(own.serve_forever, poll_interval=0.01))
        thread.start()
        yield own
        own.shutdown()
        thread.join()


def test_a_download_that_breaks_goes_on_where_it_was(server, tmp_path):
    server.breaks = 2
    RemoteFile("set.tar", server.url, digest=MD5).fetch(tmp_path / "set.tar")
    assert (tmp_path / "set.tar").read_bytes() == CONTENT
    assert server.asked == ["", "bytes=4000-", "bytes=8000-"]
    assert [path.name for path in tmp_path.iterdir()] == ["set.tar"]


def test_an_earlier_process_left_a_part(server, tmp_path):
    file = RemoteFile("set.tar", server.url, digest=MD5)
    left, version = tmp_path / "set.tar.partial", tmp_path / "set.tar.partial.version"
    left.write_bytes(CONTENT[:5000])
    version.write_text(server.version)
    file.fetch(tmp_path / "set.tar")
    left.write_bytes(CONTENT)  # all of it, but killed before it got its name
    version.write_text(server.version)
    (tmp_path / "set.tar").unlink()
    file.fetch(tmp_path / "set.tar")
    assert server.asked == ["bytes=5000-", f"bytes={len(CONTENT)}-"]
    assert (tmp_path / "set.tar").read_bytes() == CONTENT


@pytest.mark.parametrize("fault", ["another version", "no ranges", "no mark of the version"])
def test_what_cannot_be_gone_on_with_comes_again(fault, server, tmp_path):
    server.ranges = fault != "no ranges"
    (tmp_path / "set.tar.partial").write_bytes(b"old bytes")
    if fault != "no mark of the version":
        known = '"0"' if fault == "another version" else server.version
        (tmp_path / "set.tar.partial.version").write_text(known)
    RemoteFile("set.tar", server.url, digest=MD5).fetch(tmp_path / "set.tar")
    assert (tmp_path / "set.tar").read_bytes() == CONTENT


def test_a_wrong_checksum_leaves_nothing(server, tmp_path):
    file = RemoteFile("set.tar", server.url, digest="sha256:" + "0" * 64)
    with pytest.raises(ValueError, match=r"has SHA256 .*, known: 0000"):
        file.fetch(tmp_path / "set.tar")
    assert not [*tmp_path.iterdir()]


def test_a_server_that_is_away_leaves_what_came(server, tmp_path, monkeypatch):
    (tmp_path / "set.tar.partial").write_bytes(CONTENT[:5000])
    (tmp_path / "set.tar.partial.version").write_text(server.version)
    away = RemoteFile("set.tar", "http://127.0.0.1:9/set.tar")
    with pytest.raises(
        ValueError, match=r"cannot fetch http://127\.0\.0\.1:9/set\.tar: .*; 5,000 bytes are kept"
    ):
        away.fetch(tmp_path / "set.tar")
    RemoteFile("set.tar", server.url, digest=MD5).fetch(tmp_path / "set.tar")
    assert server.asked == ["bytes=5000-"]
