"""Tests of what an atlas held when a build last ended."""

from pathlib import Path

import pytest

from pipeline.errors import DamageError
from pipeline.store import ledger
from pipeline.store.ledger import Ledger
from pipeline.store.place import at
from pipeline.store.seal import seal

HELD = Ledger({"records/mixed4/000000.json ab12": "1 2"}, {"index.parquet": "3"}, "c0ffee")


def test_what_is_noted_is_read(tmp_path: Path) -> None:
    ledger.write(at(tmp_path), HELD)
    assert ledger.read(at(tmp_path)) == HELD
    assert HELD.names() == {"records/mixed4/000000.json", "index.parquet"}


def test_what_is_as_before_is_not_written_again(tmp_path: Path) -> None:
    ledger.write(at(tmp_path), HELD)
    before = (tmp_path / ledger.NAME).stat().st_ino
    ledger.write(at(tmp_path), HELD)
    assert (tmp_path / ledger.NAME).stat().st_ino == before


def test_without_a_note_nothing_was_held(tmp_path: Path) -> None:
    assert ledger.known(at(tmp_path)) == Ledger()
    with pytest.raises(FileNotFoundError):
        ledger.read(at(tmp_path))


@pytest.mark.parametrize("content", [{"stamps": []}, {"files": 1}, {"more": {}}])
def test_a_note_of_another_form_is_damaged_and_no_trouble(tmp_path: Path, content: dict) -> None:
    at(tmp_path).write_json(ledger.NAME, seal(content))
    with pytest.raises(DamageError):
        ledger.read(at(tmp_path))
    assert ledger.known(at(tmp_path)) == Ledger()
    ledger.write(at(tmp_path), HELD)
    assert ledger.read(at(tmp_path)) == HELD
