"""What a worker does with a batch, in this process."""

from pathlib import Path

import atlases
import pytest
from builds import begun

from pipeline.errors import AtlasFolderError, StorageError, WorkError
from pipeline.plan.batches import Batch
from pipeline.store.store import Store
from tasks.pool import work
from tasks.pool.work import Do

pytestmark = pytest.mark.usefixtures("cpu")


@pytest.fixture
def given(configure) -> tuple[str, Batch, str]:
    """A folder, a batch of it, and its fingerprint."""
    plan, batches = begun(configure("batch_size=8", units=("relu:0-7",)))
    return str(plan.folder), batches[0], plan.provenance.fingerprint.digest


def test_a_batch_by_halves_is_the_same(given: tuple[str, Batch, str]) -> None:
    store = Store.open(given[0])

    def computed(most: int | None, expected: int | None) -> tuple[str, ...]:
        assert work.run(work.compute, *given, most) == expected
        record = store.records.one("relu", 0)
        assert record is not None
        store.records.drop(record)
        return record.image_sha256

    whole = computed(None, None)
    assert computed(4, 4) == computed(None, 4) == whole
    assert len(set(whole)) == 8


def test_what_is_committed_is_not_computed_again(tmp_path: Path) -> None:
    """It cannot be: the weights are nowhere."""
    store = Store.create(tmp_path, atlases.provenance("mixed2:0-3"))
    [section] = store.provenance.sections()
    [batch] = store.missing(section)
    atlases.commit(store)
    digest = store.provenance.fingerprint.digest
    assert work.run(work.compute, str(tmp_path), batch, digest, 4) == 4


def test_images_that_are_gone_are_not_measured(given: tuple[str, Batch, str]) -> None:
    assert work.run(work.respond, *given) is None
    assert not Store.open(given[0]).folder.folders("responses")


def test_images_that_are_gone_are_not_seen_otherwise(given: tuple[str, Batch, str]) -> None:
    assert work.run(work.view, *given) is None
    assert not Store.open(given[0]).folder.folders("truth")


def test_a_folder_of_another_atlas_is_refused(given: tuple[str, Batch, str]) -> None:
    folder, batch, _ = given
    with pytest.raises(WorkError, match="is another atlas here than where the build runs"):
        work.run(work.compute, folder, batch, "other")


def _raising(error: Exception) -> Do:
    def do(*_: object) -> None:
        raise error

    return do


@pytest.mark.parametrize("error", [OSError(28, "No space left"), AtlasFolderError("it is gone")])
def test_errors_of_the_folder_are_told_as_such(
    given: tuple[str, Batch, str], error: Exception
) -> None:
    with pytest.raises(
        StorageError, match=r"(No space left|it is gone).*make room or mend"
    ) as told:
        work.run(_raising(error), *given)
    assert told.value.__cause__ is error


def test_other_errors_are_left_as_they_are(given: tuple[str, Batch, str]) -> None:
    with pytest.raises(MemoryError, match="no room for it"):
        work.run(_raising(MemoryError("no room for it")), *given)
