"""Tests of galleries: what a search finds, in a grid, on a terminal, and no markup from names."""

import base64
import io
import re
from pathlib import Path

import atlases
import pytest
import sites
from PIL import Image

import pipeline
from pipeline import Atlas, Card, Gallery
from pipeline.errors import ConfigError, DamageError
from pipeline.store.store import Store


@pytest.fixture
def atlas(tmp_path: Path) -> Atlas:
    return Atlas(atlases.commit(Store.create(tmp_path / "atlas", sites.provenance())))


def pictures(text: str) -> list[tuple[int, int]]:
    """The sizes of the pictures that are in some HTML."""
    found = re.findall(r'src="data:image/webp;base64,([^"]+)"', text)
    return [Image.open(io.BytesIO(base64.b64decode(data))).size for data in found]


def test_what_is_found_is_shown_and_the_rest_counted(atlas: Atlas) -> None:
    found = atlas.gallery("layer:mixed4 activation > 5", sort="-activation", top=3)
    expected = list(atlas.query("layer:mixed4 activation > 5", sort="-activation")["unit"])
    assert found.units == expected
    assert len(found) == len(expected) > 3
    text = found._repr_html_()
    assert pictures(text) == [(8, 8)] * 3
    assert f"<div>and {len(expected) - 3} more</div>" in re.sub(r' style="[^"]*"', "", text)
    assert re.findall(r'title="([^"]*)"', text) == expected[:3]
    assert "activation 1010" in text


def test_a_terminal_has_a_line_a_unit(atlas: Atlas) -> None:
    lines = repr(atlas.gallery("mixed2:0-5 variant=0", top=2)).splitlines()
    assert lines[0] == "Gallery(mixed2:0-5 variant=0: 6 units)"
    assert [line.split() for line in lines[1:3]] == [
        ["mixed2:0", "activation", "1"],
        ["mixed2:1", "activation", "2"],
    ]
    assert lines[3:] == ["and 4 more"]


def test_it_is_a_sequence_and_a_slice_is_one_too(atlas: Atlas) -> None:
    found = atlas.gallery("mixed2:0-5 variant=0", top=2)
    assert isinstance(found[0], Card)
    assert [card.unit for card in found][-1] == "mixed2:5"
    rest = found[2:4]
    assert isinstance(rest, Gallery)
    assert rest.units == ["mixed2:2", "mixed2:3"]
    assert "more" not in rest._repr_html_()


def test_all_units_and_none(atlas: Atlas) -> None:
    assert atlas.gallery().units == list(atlas)
    none = atlas.gallery("nothing of the sort")
    assert (len(none), pictures(none._repr_html_())) == (0, [])
    assert "nothing of the sort: 0 units" in none._repr_html_()
    with pytest.raises(ConfigError, match="no column 'activaton'"):
        atlas.gallery("activaton > 5")
    with pytest.raises(ConfigError, match="no column 'strength'"):
        atlas.gallery(sort="strength")


def test_one_that_is_not_built_says_so(tmp_path: Path) -> None:
    atlas = Atlas(Store.create(tmp_path / "atlas", atlases.provenance()))
    text = atlas.gallery(top=1)._repr_html_()
    assert pictures(text) == []
    assert ">missing</div>" in text


def test_names_and_searches_stay_text(atlas: Atlas) -> None:
    text = atlas.gallery("logits:0-2")._repr_html_()
    text += atlas.gallery('"<script>harm()</script>"')._repr_html_()
    assert "&lt;script&gt;harm()" in text
    assert "<script" not in text
    assert "<img src=x" not in text


def test_by_the_folder_alone(atlas: Atlas) -> None:
    folder = str(atlas.folder)
    assert pipeline.gallery("mixed2:3", atlas=folder).units[0] == "mixed2:3"
    assert pipeline.gallery("mixed2:3", atlas=atlas).units[0] == "mixed2:3"


def test_damage_is_seen(atlas: Atlas) -> None:
    found = atlas.gallery("mixed2:0-5")
    for path in Path(str(atlas.folder)).glob("atlas.zarr/mixed2/images/c/*/0/0/0"):
        path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(DamageError):
        found._repr_html_()
