"""Tests of what notebooks show: pictures, figures, and no markup from names."""

import base64
import io
import re
from pathlib import Path

import atlases
import numpy as np
import pytest
import sites
from PIL import Image

from pipeline import Atlas
from pipeline.errors import UnitError
from pipeline.store.store import Store


@pytest.fixture
def atlas(tmp_path: Path) -> Atlas:
    return Atlas(atlases.commit(Store.create(tmp_path / "atlas", sites.provenance()), most=1))


def pictures(text: str) -> list[np.ndarray]:
    found = re.findall(r'src="data:image/(?:png|webp);base64,([^"]+)"', text)
    return [np.asarray(Image.open(io.BytesIO(base64.b64decode(data)))) for data in found]


def test_a_card_shows_image_and_figures(atlas: Atlas) -> None:
    text = atlas.card("mixed4:1")._repr_html_()
    [image] = pictures(text)
    assert np.array_equal(image, atlas.image("mixed4:1"))
    assert "<th>activation</th><td>2</td>" in text
    assert repr(atlas.card("mixed4:1")) == "Card('mixed4:1', 2)"


def test_a_card_says_what_a_unit_is_built_from(atlas: Atlas) -> None:
    atlases.trace(Store.open(atlas.folder))
    text = atlas.card("mixed4:1")._repr_html_()
    assert "<th>built_from</th><td>mixed2:1 mixed2:0 mixed2:2 mixed2:3</td>" in text
    assert "<th>explained</th><td>Without the 4 that excite it, 80 % of its activation" in text
    assert "built_from" not in atlas.card("mixed2:1")._repr_html_()


def test_a_card_of_a_unit_that_is_missing(atlas: Atlas) -> None:
    text = atlas.card("mixed4:9")._repr_html_()
    assert pictures(text) == []
    assert "<td>missing</td>" in text
    assert repr(atlas.card("mixed4:9")) == "Card('mixed4:9', missing)"


def test_a_card_of_a_unit_that_is_not(atlas: Atlas) -> None:
    with pytest.raises(UnitError, match="no layer"):
        atlas.card("mixed9:1")


def test_an_atlas_shows_some_of_itself(atlas: Atlas) -> None:
    text = atlas._repr_html_()
    assert 1 <= len(pictures(text)) <= 16
    assert "<th>mixed4</th><td>4 done, 16 missing</td>" in text


def test_names_stay_text(atlas: Atlas) -> None:
    text = atlas.card("logits:1")._repr_html_() + atlas._repr_html_()
    assert "harm()&lt;/script&gt;" in text
    assert "<script" not in text
    assert "<img src=x" not in text
