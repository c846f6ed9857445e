"""Tests of notes that a page sends: taken from the page alone, and nothing is replaced unseen."""

import http.client
import json
from email.message import Message
from http import HTTPStatus
from pathlib import Path

import atlases
import pytest

from pipeline import Atlas
from pipeline.explore import index
from pipeline.publish import site
from pipeline.store import lock
from pipeline.store.store import Store
from tasks.serving import noting
from tasks.serving.noting import Noter, Refused


@pytest.fixture
def noter(tmp_path: Path) -> Noter:
    store = atlases.commit(Store.create(tmp_path / "atlas", atlases.provenance("mixed2:0-3")))
    index.refresh(store)
    site.write(store)
    return Noter(Atlas(store), "a token")


def headers(**changed: str | None) -> Message:
    """What a page sends with a note, changed."""
    usual = {
        "Host": "127.0.0.1:8765",
        "Origin": "http://127.0.0.1:8765",
        "Sec-Fetch-Site": "same-origin",
        noting.TOKEN: "a token",
        "Content-Type": "application/json",
        "Content-Length": "12",
    }
    made = http.client.HTTPMessage()
    for name, text in (usual | {n.replace("_", "-"): t for n, t in changed.items()}).items():
        if text is not None:
            made[name] = text
    return made


def sent(
    unit: str = "mixed2:1", called: str = "", note: str = "", before=("", ""), **more
) -> bytes:
    return json.dumps(
        {"unit": unit, "called": called, "note": note, "before": list(before), **more}
    ).encode()


def test_the_page_may_send_a_note(noter: Noter) -> None:
    assert noter.check(headers()) == 12
    assert noter.check(headers(Sec_Fetch_Site=None)) == 12


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"Origin": None}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "https://127.0.0.1:8765"}, 403),
        ({"Origin": "http://127.0.0.1:8766"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Sec_Fetch_Site": "cross-site"}, 403),
        ({"Sec_Fetch_Site": "same-site"}, 403),
        ({noting.TOKEN: None}, 403),
        ({noting.TOKEN: "another"}, 403),
        ({noting.TOKEN: "ümlaut"}, 403),
        ({"Content_Type": "text/plain"}, 415),
        ({"Content_Type": None}, 415),
        ({"Content_Length": None}, 411),
        ({"Content_Length": "-1"}, 411),
        ({"Content_Length": "²"}, 411),
        ({"Transfer_Encoding": "chunked"}, 411),
        ({"Content_Length": str(noting.LONGEST + 1)}, 413),
        ({"Content_Length": "9" * 5000}, 413),
    ],
)
def test_nobody_else_may(noter: Noter, changed: dict[str, str | None], status: int) -> None:
    with pytest.raises(Refused) as refused:
        noter.check(headers(**changed))
    assert refused.value.status == status


def test_a_note_is_written_as_it_is_kept(noter: Noter) -> None:
    told = noter.take(sent(called=" =curves ", note="one\r\ntwo\u202e <b>🌀 👩\u200d🔬 שלום"))
    text = "one two <b>🌀 👩\u200d🔬 שלום"
    assert told == {"unit": "mixed2:1", "said": ["=curves", text]}
    assert noter.atlas.notes == {"mixed2:1": text}
    assert noter.atlas.called == {"mixed2:1": "=curves"}
    assert noter.all() == {"mixed2:1": ["=curves", text]}
    assert list(noter.atlas.query("called:curves")["unit"]) == ["mixed2:1"]
    noter.take(sent(before=("=curves", text)))
    assert noter.all() == {}


def test_what_somebody_else_wrote_is_not_replaced(noter: Noter) -> None:
    noter.atlas.note("mixed2:1", "by another hand")
    body = sent(note="mine")
    with pytest.raises(Refused, match="changed meanwhile") as refused:
        noter.take(body)
    assert refused.value.status == HTTPStatus.CONFLICT
    assert noter.answer(refused.value, body)["said"] == ["", "by another hand"]
    noter.take(sent(note="mine", before=("", "by another hand")))
    assert noter.atlas.notes == {"mixed2:1": "mine"}


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[]", b"{}", b'"x"', b"\xff", b"[" * 100_000, sent(more=1), sent(note=None),
        sent(unit=3), sent(before=("",)), sent(before=("", 3)), sent(before=("", "", "")),
    ],
)  # fmt: skip
def test_what_is_no_note_is_refused(noter: Noter, body: bytes) -> None:
    with pytest.raises(Refused, match="expected a unit") as refused:
        noter.take(body)
    assert refused.value.status == HTTPStatus.BAD_REQUEST
    assert noter.all() == {}


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (sent("mixed2:9"), 404, "no unit mixed2:9"),
        (sent("../../etc/passwd"), 404, "no unit"),
        (sent(note="x" * 5001), 400, "up to 5,000 characters"),
        (sent(called="x" * 201), 400, "up to 200 characters"),
    ],
)
def test_what_cannot_be_noted_is_told(noter: Noter, body: bytes, status: int, said: str) -> None:
    with pytest.raises(Refused, match=said) as refused:
        noter.take(body)
    assert refused.value.status == status
    assert noter.all() == {}
    noter.take(sent(note="🌀" * 5000, called="x" * 200))


def test_while_a_build_is_at_it_nothing_is_taken(noter: Noter) -> None:
    with lock.held(noter.atlas.folder), pytest.raises(Refused, match="is being built") as refused:
        noter.take(sent(note="x"))
    assert refused.value.status == HTTPStatus.SERVICE_UNAVAILABLE
