"""The promises of the store, under any interleaving of what may happen to it."""

import shutil
import tempfile
from pathlib import Path

import atlases
import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from pipeline import verify
from pipeline.explore import index
from pipeline.plan.batches import Batch
from pipeline.store.store import Store

PATTERNS = (("mixed2:0-2",), ("mixed2:all",), ("mixed2:all", "mixed4:1-4"))


class Promises(RuleBasedStateMachine):
    """An atlas that is built, killed, damaged, verified, repaired and extended, in any order."""

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.patterns = 0
        self.committed: dict[str, bytes] = {}  # by record's name, its bytes when it was committed
        self.originals: dict[Path, bytes] = {}  # what was committed, of files that were damaged
        self._open()

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            shutil.rmtree(self.folder)

    @property
    def damaged(self) -> set[str]:
        """Names of the committed records that are damaged, or whose chunks are."""
        return {
            name
            for name in self.committed
            for path in self._files(name)
            if path in self.originals and _content(path) != self.originals[path]
        }

    def _files(self, name: str) -> list[Path]:
        _, section, file = name.split("/")
        chunks = self.store.arrays.files_of(section, int(file.removesuffix(".json")))
        return [self.folder / name for name in [name, *chunks]]

    def _open(self) -> None:
        known = atlases.provenance(*PATTERNS[self.patterns], batch_size=2)
        self.store = Store.create(self.folder, known)
        for section in known.sections():
            self.store.prepare(section, self.store.missing(section))

    def _missing(self) -> list[Batch]:
        sections = self.store.provenance.sections()
        return [batch for section in sections for batch in self.store.missing(section)]

    def _name(self, batch: Batch) -> str:
        return self.store.records.name(batch.section, batch.chunk)

    @precondition(lambda self: self._missing())
    @rule(data=st.data())
    def commit(self, data: st.DataObject) -> None:
        batch = data.draw(st.sampled_from(self._missing()))
        self.store.commit(batch, atlases.results(batch))
        name = self._name(batch)
        self.committed[name] = self.store.folder.read(name)
        for path in self._files(name):
            self.originals.pop(path, None)

    @precondition(lambda self: self._missing())
    @rule(data=st.data(), part=st.sampled_from(["chunks", "half a chunk"]))
    def killed_while_writing(self, data: st.DataObject, part: str) -> None:
        batch = data.draw(st.sampled_from(self._missing()))
        self.store.arrays.write(batch, atlases.results(batch).arrays())
        if part == "half a chunk":
            path = self.folder / self.store.arrays.files_of(batch.section, batch.chunk)[0]
            path.write_bytes(path.read_bytes()[:20])

    @precondition(lambda self: self.committed)
    @rule(data=st.data(), how=st.sampled_from(["flip", "short", "empty", "gone"]))
    def damage(self, data: st.DataObject, how: str) -> None:
        name = data.draw(st.sampled_from(sorted(self.committed)))
        path = data.draw(st.sampled_from(self._files(name)))
        content = bytearray(_content(path) or b"")
        if not content:
            return
        self.originals.setdefault(path, bytes(content))
        content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
        if how == "gone":
            path.unlink()
        else:
            kept = {"flip": len(content), "short": len(content) // 2, "empty": 0}[how]
            path.write_bytes(content[:kept])

    @rule()
    def reopen_after_a_kill(self) -> None:
        self._open()

    @precondition(lambda self: self.patterns + 1 < len(PATTERNS))
    @rule()
    def add_units(self) -> None:
        self.patterns += 1
        self._open()

    @rule()
    def verify_names_what_is_damaged_and_nothing_else(self) -> None:
        found = {
            finding.files[0]
            for finding in verify.verify(self.store)
            if finding.state == "damaged" and finding.files[0].startswith("records/")
        }
        there = {name for name in self.damaged if (self.folder / name).exists()}
        assert found == there

    @rule()
    def repair(self) -> None:
        verify.repair(self.store, [f for f in verify.verify(self.store) if f.state == "damaged"])
        self._forget_damaged()

    @rule()
    def begin_the_next_build(self) -> None:
        verify.drop_damaged(self.store)
        for name in [n for n in self.damaged if not (self.folder / n).exists()]:
            self._forget(name)
        for name in self.damaged:  # what is left is a damaged record: absent, and overwritten
            section, chunk = name.split("/")[1], int(name[-11:-5])
            assert self.store.records.one(section, chunk) is None

    @rule()
    def end_a_build(self) -> None:
        if not self.damaged:
            verify.trust(self.store)

    def _forget_damaged(self) -> None:
        for name in list(self.damaged):
            self._forget(name)

    def _forget(self, name: str) -> None:
        self.committed.pop(name, None)

    @invariant()
    def a_unit_is_committed_or_missing(self) -> None:
        if not hasattr(self, "store"):
            return
        missing = {unit.id for batch in self._missing() for unit in batch.units}
        done = set(self.store.records.places())
        assert missing.isdisjoint(done)
        assert missing | done == {unit.id for unit in self.store.provenance.units()}

    @invariant()
    def what_is_whole_is_what_was_stored(self) -> None:
        if not hasattr(self, "store"):
            return
        for name, content in self.committed.items():
            if name not in self.damaged:
                assert (self.folder / name).read_bytes() == content
                record = self.store.records.one(name.split("/")[1], int(name[-11:-5]))
                assert record is not None
                for offset, unit in enumerate(record.units):
                    number = int(unit.rpartition(":")[2])
                    expected = np.random.default_rng(number + 1)
                    image = expected.integers(0, 256, (8, 8, 3), np.uint8)
                    np.testing.assert_array_equal(self.store.read(record, "images", offset), image)

    @precondition(lambda self: not self.damaged)
    @rule()
    def the_index_tells_what_is_done(self) -> None:
        frame = index.build(self.store)
        done = set(frame[frame["status"] == "done"]["unit"])
        assert done == set(self.store.records.places())


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


Promises.TestCase.settings = settings(
    max_examples=40, stateful_step_count=25, deadline=None,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
TestPromises = Promises.TestCase
