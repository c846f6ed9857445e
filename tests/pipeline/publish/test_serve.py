"""Tests of the page's server: the page's files to loopback, and nothing else to anybody."""

import contextlib
import http.client
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import atlases
import pytest
from loopback import running

from pipeline.errors import ConfigError, MissingError
from pipeline.publish import serve, site
from pipeline.store.folder import LocalFolder
from pipeline.store.store import Store


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    site.write(atlases.commit(Store.create(tmp_path / "atlas", atlases.provenance("mixed2:0-3"))))
    (tmp_path / "atlas/secret.html").write_text("secret")
    (tmp_path / "atlas/site/.hidden.html").write_text("secret")
    (tmp_path / "atlas/site/images/link.webp").symlink_to(tmp_path / "atlas/secret.html")
    return tmp_path / "atlas"


@pytest.fixture
def port(folder: Path) -> Iterator[int]:
    with running(serve.serve(LocalFolder(folder), 0)) as port:
        yield port


class Answer(NamedTuple):
    status: int
    headers: http.client.HTTPMessage
    body: bytes


def ask(port: int, path: str, method: str = "GET", **headers: str) -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    with contextlib.closing(connection):
        connection.request(method, path, headers=headers)
        found = connection.getresponse()
        return Answer(found.status, found.headers, found.read())


def test_every_file_of_the_page_is_served(folder: Path, port: int) -> None:
    root = folder / "site"
    paths = [p for p in root.rglob("*.*") if p.is_file() and not p.is_symlink()]
    for path in (path for path in paths if not path.name.startswith(".")):
        answer = ask(port, f"/{path.relative_to(root)}")
        assert (answer.status, answer.body) == (200, path.read_bytes())
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        changes = path.name in ("index.html", "now.js")
        assert ("immutable" in answer.headers["Cache-Control"]) is not changes
    assert ask(port, "/").body == (root / "index.html").read_bytes()
    assert ask(port, "/data/now.js?7").status == 200


def test_a_head_has_no_body(port: int) -> None:
    answer = ask(port, "/", "HEAD")
    assert int(answer.headers["Content-Length"]) > 0
    assert answer.body == b""


@pytest.mark.parametrize(
    "path",
    ["/../secret.html", "/%2e%2e/secret.html", "/..%2fsecret.html", "//etc/passwd", "/images/",
     "/images/../../secret.html", "/.hidden.html", "/nothing.html", "/index.html%00", "/site.json",
     "/images/..\\secret.html", "/images/link.webp"],
)  # fmt: skip
def test_nothing_else_is(port: int, path: str) -> None:
    answer = ask(port, path)
    assert answer.status == 404
    assert b"secret" not in answer.body


@pytest.mark.parametrize(
    "host", ["evil.example:80", "evil.example", "127.0.0.1.evil.example:1", ""]
)
def test_a_page_elsewhere_cannot_ask(port: int, host: str) -> None:
    assert ask(port, "/", Host=host).status == 403


def test_it_listens_on_loopback_alone(folder: Path) -> None:
    with serve.serve(LocalFolder(folder), 0) as server:
        assert server.server_address[0] == "127.0.0.1"


def test_an_atlas_without_a_page_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match=r"has no page site/index.html: `atlas build`"):
        serve.serve(LocalFolder(tmp_path), 0)


def test_a_port_that_is_taken(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(ConfigError, match=rf"port {port} cannot be had .*name another"):
            serve.serve(LocalFolder(folder), port)
