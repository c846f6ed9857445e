"""Tests of `atlas site`, and of `atlas view` of several atlases."""

import webbrowser
from http.server import ThreadingHTTPServer
from pathlib import Path

import pairs as made
import pytest
from command import call


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pages")
    made.before_and_after(folder)
    return folder


@pytest.fixture(autouse=True)
def _here(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)


def test_site_writes_a_page_of_one_or_of_several(
    folder: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, text, error = call(capfd, monkeypatch, "site", "before", "-o", "one")
    assert (code, text, error) == (0, "saved one: open one/site/index.html\n", "")
    assert (folder / "one/site/index.html").is_file()
    several = ("site", "before", "tuned=after", "gone", "-o", "both")
    code, text, error = call(capfd, monkeypatch, *several)
    assert (code, text) == (0, "saved both: open both/index.html\n")
    assert error.splitlines()[0].startswith("gone is left out: the atlas folder /")
    assert "2 units are built in before and not in the other" in error
    assert (folder / "both/tuned/site/index.html").is_file()


def test_view_of_several_says_what_is_left_out(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(webbrowser, "open", asked.append)
    monkeypatch.setattr(ThreadingHTTPServer, "serve_forever", lambda *_: None)
    monkeypatch.setattr(ThreadingHTTPServer, "shutdown", lambda *_: None)
    code, text, error = call(capfd, monkeypatch, "view", "before", "after", "gone", "--port", "0")
    assert (code, "(Ctrl-C ends it)" in text, "gone is left out" in error) == (0, True, True)
    assert asked[0].startswith("http://127.0.0.1:")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("view", "before", "--by", "id"), "--by: expected several atlases"),
        (("site", "before", "gone", "-o", "x"), "two atlases at least are wanted"),
        (("site", "before", "after", "-o", "x", "--by", "name"), "there is no way 'name'"),
    ],
)
def test_what_is_asked_wrongly_is_told_in_a_line(
    words: tuple[str, ...],
    said: str,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    code, _, error = call(capfd, monkeypatch, *words)
    assert (code, said in error) == (2, True)
