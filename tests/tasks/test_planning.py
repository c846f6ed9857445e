from pathlib import Path

import atlases
import pytest

from pipeline.errors import AtlasFolderError, UnitError
from pipeline.store.store import Store
from tasks import planning


def test_a_plan_lists_what_is_missing_and_writes_nothing(configure, tmp_path: Path) -> None:
    plan = planning.make(configure())
    batches = {section.name: [len(b.units) for b in some] for section, some in plan.missing()}
    assert batches == {
        "relu": [4, 2], "deep": [4], "negative-relu": [2], "neurons-relu": [4],
        "deepdream": [1], "logits": [3], "softmax": [1],
    }  # fmt: skip
    assert not (tmp_path / "atlas").exists()


def test_only_restricts_the_units(configure) -> None:
    plan = planning.make(configure(), ["relu:1,5", "softmax:1"])
    assert [[u.id for u in s.units] for s in plan.sections()] == [
        ["relu:1", "relu:5"],
        ["softmax:1"],
    ]


def test_only_what_is_asked_for_is_called_unavailable(configure) -> None:
    known = atlases.provenance("mixed2:0-3", "logits:1-2")
    plans = [planning.Plan(configure(), known, only) for only in ((), ("mixed2:1",), ("logits:2",))]
    assert [[unit.id for unit in plan.unavailable()] for plan in plans] == [
        ["logits:1", "logits:2"], [], ["logits:2"],
    ]  # fmt: skip


def test_only_names_variants_or_as_many_as_there_are(configure) -> None:
    config = configure("render={variants: 2, diversity: 1}")
    plan = planning.make(config, ["relu:1#1", "softmax:1"])
    assert [[u.id for u in s.units] for s in plan.sections()] == [
        ["relu:1#1"],
        ["softmax:1", "softmax:1#1"],
    ]
    assert [batch.size for _, batches in plan.missing() for batch in batches] == [4, 4]
    with pytest.raises(UnitError, match=r"--only names relu:1#2 \(and 0 more\)"):
        planning.make(config, ["relu:1#2"])


def test_only_refuses_what_the_configuration_has_not(configure) -> None:
    with pytest.raises(UnitError, match=r"--only names relu:7 \(and 0 more\).*add it to `units`"):
        planning.make(configure(), ["relu:5,7"])


def test_another_configurations_atlas_is_refused(configure) -> None:
    plan = planning.make(configure())
    Store.create(plan.folder, plan.provenance)
    with pytest.raises(AtlasFolderError, match=r"seed: 0 there, 3 here; .*|image.size: 24 there"):
        planning.make(configure("seed=3", "image.size=32"))


def test_units_may_be_added(configure) -> None:
    plan = planning.make(configure(units=("relu:0",)))
    Store.create(plan.folder, plan.provenance)
    assert len(planning.make(configure()).provenance.units()) > 1


def test_a_folder_of_other_things_is_refused(configure, tmp_path: Path) -> None:
    (tmp_path / "atlas").mkdir()
    (tmp_path / "atlas" / "thesis.txt").touch()
    with pytest.raises(AtlasFolderError, match="is no atlas: expected an atlas folder"):
        planning.make(configure())
