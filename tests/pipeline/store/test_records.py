"""Tests of records: valid ones commit, all else is absent."""

import dataclasses
import json
import re
from pathlib import Path

import pytest
from folders import Noting

from pipeline.store.place import at
from pipeline.store.records import Failure, Record, Records

RECORD = Record("mixed4", 3, 4, ("mixed4:1", "mixed4:2"), {"images": "a"}, ("b", "c"))


@pytest.fixture
def records(tmp_path: Path) -> Records:
    found = Records(at(tmp_path))
    found.add(RECORD)
    return found


def test_a_record_is_found_again(records: Records) -> None:
    assert records.one("mixed4", 3) == RECORD
    assert records.of("mixed4") == [RECORD]
    assert records.sections() == ["mixed4"]
    assert records.contents() == [("mixed4", 3, {"images": "a"})]
    assert RECORD.first_row == 12


def test_what_is_not_there_is_absent(records: Records, tmp_path: Path) -> None:
    assert records.one("mixed4", 0) is None
    assert records.of("mixed2") == []
    assert Records(at(tmp_path / "none")).sections() == []


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "null", "{}", '{"self": "x"}', "\x00"])
def test_a_damaged_record_is_absent(
    records: Records, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    records.folder.write_bytes(records.name("mixed4", 3), text.encode())
    assert records.of("mixed4") == []
    assert re.search(r"000003.json in \S+ is damaged", caplog.text)


def test_a_changed_value_breaks_the_seal(
    records: Records, caplog: pytest.LogCaptureFixture
) -> None:
    name = records.name("mixed4", 3)
    changed = json.loads(records.folder.read(name)) | {"units": ["mixed4:7"]}
    records.folder.write_json(name, changed)
    assert records.one("mixed4", 3) is None
    assert "does not match its own digest" in caplog.text


def test_a_record_under_another_number_is_absent(
    records: Records, caplog: pytest.LogCaptureFixture
) -> None:
    content = records.folder.read(records.name("mixed4", 3))
    records.drop(RECORD)
    records.folder.write_bytes(records.name("mixed4", 4), content)
    assert records.of("mixed4") == []
    assert "it is of batch mixed4/000003" in caplog.text


def test_records_come_in_the_order_of_their_chunks(records: Records) -> None:
    for chunk in (11, 2):
        records.add(Record("mixed4", chunk, 4, (), {}, ()))
    records.folder.write_bytes("records/mixed4/notes.json", b"")
    assert [record.chunk for record in records.of("mixed4")] == [2, 3, 11]


def test_failures_are_noted_and_forgotten(records: Records) -> None:
    assert records.failures() == []
    records.note_failures([])
    assert not records.folder.has("failures.json")
    failure = Failure("mixed4/000001", ("mixed4:5",), "it died")
    records.note_failures([failure])
    assert records.failures() == [failure]
    records.note_failures([])
    assert records.failures() == []


def test_a_record_is_read_once_until_it_changes(tmp_path: Path) -> None:
    folder = Noting(tmp_path)
    records = Records(folder)
    records.add(RECORD)
    assert records.of("mixed4") == records.of("mixed4") == [RECORD]
    assert folder.read_names == [records.name("mixed4", 3)]
    other = dataclasses.replace(RECORD, units=("mixed4:5", "mixed4:6"))
    records.add(other)
    assert records.of("mixed4") == [other]
    assert folder.read_names == [records.name("mixed4", 3)] * 2
    records.drop(other)
    assert records.of("mixed4") == []
