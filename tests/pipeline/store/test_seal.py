import json
from pathlib import Path

import pytest

from pipeline.errors import DamageError
from pipeline.store.place import at
from pipeline.store.seal import seal, sealed


def test_a_sealed_file_is_read(tmp_path: Path) -> None:
    at(tmp_path).write_json("note.json", seal({"kind": "note", "pages": [1, 2]}))
    with sealed(at(tmp_path), "note.json") as found:
        assert found == {"kind": "note", "pages": [1, 2]}


@pytest.mark.parametrize("text", ["", "{", "[]", "7", "{}", '{"pages": 1}', '{"self": 1}'])
def test_what_is_not_sealed_is_damaged(tmp_path: Path, text: str) -> None:
    (tmp_path / "note.json").write_text(text)
    with (
        pytest.raises(DamageError, match=f"note.json in {tmp_path} is damaged"),
        sealed(at(tmp_path), "note.json"),
    ):
        pytest.fail("it was read")


def test_a_changed_document_is_damaged(tmp_path: Path) -> None:
    changed = {**seal({"pages": 1}), "pages": 2}
    (tmp_path / "note.json").write_text(json.dumps(changed))
    with (
        pytest.raises(DamageError, match="it does not match its own digest"),
        sealed(at(tmp_path), "note.json"),
    ):
        pytest.fail("it was read")


def test_what_the_block_misses_is_damage(tmp_path: Path) -> None:
    at(tmp_path).write_json("note.json", seal({"pages": 1}))
    with (
        pytest.raises(DamageError, match="damaged: 'kind'"),
        sealed(at(tmp_path), "note.json") as found,
    ):
        found["kind"]


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), sealed(at(tmp_path), "note.json"):
        pytest.fail("it was read")
