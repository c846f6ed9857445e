"""Tests of the server of `atlas view`: its page may write notes, and nobody else."""

import contextlib
import http.client
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import atlases
import pytest
from loopback import running

from pipeline import Atlas
from pipeline.errors import AtlasFolderError, MissingError
from pipeline.explore import index
from pipeline.publish import site
from pipeline.store.folder import LocalFolder
from pipeline.store.store import Store
from tasks.serving import noting
from tasks.serving.view import view


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    store = atlases.commit(Store.create(tmp_path / "atlas", atlases.provenance("mixed2:0-3")))
    index.refresh(store)
    site.write(store)
    return tmp_path / "atlas"


@pytest.fixture
def port(folder: Path) -> Iterator[int]:
    with running(view(LocalFolder(folder), 0)) as port:
        yield port


class Answer(NamedTuple):
    status: int
    headers: http.client.HTTPMessage
    body: bytes


def ask(
    port: int, path: str, method: str = "GET", body: bytes | None = None, **more: str
) -> Answer:
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as to:
        to.request(method, path, body, {n.replace("_", "-"): text for n, text in more.items()})
        found = to.getresponse()
        return Answer(found.status, found.headers, found.read())


def token(port: int) -> str:
    found = re.search(r'<meta name="atlas-token" content="([\w-]{40,})">', _page(port))
    assert found
    return found[1]


def _page(port: int) -> str:
    return ask(port, "/").body.decode()


def send(port: int, note: str, **more: str) -> Answer:
    body = {"unit": "mixed2:1", "called": "", "note": note, "before": ["", ""]}
    usual = {
        "Origin": f"http://127.0.0.1:{port}",
        "Content_Type": "application/json",
        "X_Atlas_Token": token(port),
    }
    return ask(port, "/note", "POST", json.dumps(body).encode(), **(usual | more))


def test_the_page_that_is_served_may_ask_where_it_came_from_and_no_other(
    folder: Path, port: int
) -> None:
    plain = (folder / "site/index.html").read_text()
    assert "connect-src" not in plain
    assert "atlas-token" not in plain
    assert "default-src 'none'; connect-src 'self'; script-src" in _page(port)


def test_a_note_is_taken_once(folder: Path, port: int) -> None:
    answer = send(port, "curves <left>")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json")
    assert json.loads(answer.body) == {"unit": "mixed2:1", "said": ["", "curves <left>"]}
    assert Atlas.open(folder).notes == {"mixed2:1": "curves <left>"}
    again = send(port, "other")
    assert (again.status, json.loads(again.body)["said"]) == (409, ["", "curves <left>"])
    assert json.loads(ask(port, "/notes", X_Atlas_Token=token(port)).body) == {
        "mixed2:1": ["", "curves <left>"]
    }


@pytest.mark.parametrize(
    "more", [{"Origin": "http://evil.example"}, {"X_Atlas_Token": "x"}, {"Host": "evil.example:1"}]
)
def test_a_page_elsewhere_cannot_write(folder: Path, port: int, more: dict[str, str]) -> None:
    answer = send(port, "x", **more)
    assert answer.status == 403
    assert answer.headers["Connection"] == "close"
    assert not (folder / "notes.json").exists()


def test_what_is_noted_is_told_to_the_page_alone(port: int) -> None:
    assert ask(port, "/notes").status == 403
    assert ask(port, "/notes", X_Atlas_Token=token(port), Host="evil.example").status == 403


@pytest.mark.parametrize("path", ["/", "/index.html", "/note/x", "/note?unit=x", "/../note"])
def test_nothing_else_is_written(port: int, path: str) -> None:
    assert ask(port, path, "POST", b"{}").status == 404


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
def test_no_other_way_of_asking_is_known(port: int, method: str) -> None:
    assert ask(port, "/note", method).status == 501


def test_more_than_a_note_is_not_read(port: int) -> None:
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as to:
        to.putrequest("POST", "/note")
        sends = {
            "Origin": f"http://127.0.0.1:{port}", "Content-Type": "application/json",
            noting.TOKEN: token(port), "Content-Length": str(10**9),
        }  # fmt: skip
        for name, text in sends.items():
            to.putheader(name, text)
        to.endheaders()
        assert to.getresponse().status == 413


def test_a_folder_without_a_page_or_an_atlas(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(MissingError, match=r"has no page site/index.html"):
        view(LocalFolder(tmp_path), 0)
    (tmp_path / "site").mkdir()
    (tmp_path / site.NAME).write_text("")
    with pytest.raises(AtlasFolderError, match="holds no atlas"):
        view(LocalFolder(tmp_path), 0)
