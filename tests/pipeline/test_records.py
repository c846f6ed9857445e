"""Tests of records: valid ones commit, all else is absent."""

import json
from pathlib import Path

import pytest

from pipeline.files import write_json
from pipeline.records import Failure, Record, Records

RECORD = Record("mixed4", 3, 4, ("mixed4:1", "mixed4:2"), {"images": "a"}, ("b", "c"))


@pytest.fixture
def records(tmp_path: Path) -> Records:
    found = Records(tmp_path)
    found.add(RECORD)
    return found


def test_a_record_is_found_again(records: Records) -> None:
    assert records.one("mixed4", 3) == RECORD
    assert records.of("mixed4") == [RECORD]
    assert records.sections() == ["mixed4"]
    assert RECORD.first_row == 12


def test_what_is_not_there_is_absent(records: Records) -> None:
    assert records.one("mixed4", 0) is None
    assert records.of("mixed2") == []
    assert Records(records.folder / "none").sections() == []


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "null", "{}", '{"self": "x"}', "\x00"])
def test_a_damaged_record_is_absent(
    records: Records, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    records.path("mixed4", 3).write_text(text)
    assert records.of("mixed4") == []
    assert "000003.json is damaged" in caplog.text


def test_a_changed_value_breaks_the_seal(
    records: Records, caplog: pytest.LogCaptureFixture
) -> None:
    path = records.path("mixed4", 3)
    write_json(path, json.loads(path.read_text()) | {"units": ["mixed4:7"]})
    assert records.one("mixed4", 3) is None
    assert "does not match its own digest" in caplog.text


def test_a_record_under_another_number_is_absent(
    records: Records, caplog: pytest.LogCaptureFixture
) -> None:
    records.path("mixed4", 3).rename(records.path("mixed4", 4))
    assert records.of("mixed4") == []
    assert "it is of batch mixed4/000003" in caplog.text


def test_records_come_in_the_order_of_their_chunks(records: Records) -> None:
    for chunk in (11, 2):
        records.add(Record("mixed4", chunk, 4, (), {}, ()))
    (records.path("mixed4", 0).parent / "notes.json").touch()
    assert [record.chunk for record in records.of("mixed4")] == [2, 3, 11]


def test_failures_are_noted_and_forgotten(records: Records) -> None:
    assert records.failures() == []
    records.note_failures([])
    assert not (records.folder / "failures.json").exists()
    failure = Failure("mixed4/000001", ("mixed4:5",), "it died")
    records.note_failures([failure])
    assert records.failures() == [failure]
    records.note_failures([])
    assert records.failures() == []
