"""Tests of the page in a frame: its address, its server, and no markup from names."""

import re
import urllib.request
from pathlib import Path

import atlases
import pytest
import sites

from pipeline import Atlas
from pipeline.errors import MissingError, UnitError
from pipeline.store.store import Store


@pytest.fixture(scope="module")
def atlas(tmp_path_factory: pytest.TempPathFactory) -> Atlas:
    folder = tmp_path_factory.mktemp("framed") / "atlas"
    sites.write(folder)
    return Atlas.open(folder)


def test_the_page_is_served_as_long_as_the_process_runs(atlas: Atlas) -> None:
    frame = atlas.page("mixed4:1", height=500)
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/#mixed4:1", frame.address)
    with urllib.request.urlopen(frame.address) as answer:
        assert b"Channel atlas" in answer.read()
    text = frame._repr_html_()
    assert f'<iframe src="{frame.address}" title="Page of mixed4:1"' in text
    assert 'height="500"' in text
    assert f'<a href="{frame.address}"' in text
    assert frame.address in repr(frame)


def test_an_atlas_has_one_server(atlas: Atlas) -> None:
    ports = {re.findall(r":(\d+)/", each.address)[0] for each in (
        atlas.page(), atlas.page("mixed4:2"), Atlas.open(atlas.folder).page(query="mixed2:0-3")
    )}  # fmt: skip
    assert len(ports) == 1


def test_what_is_asked_for_stands_in_the_address(atlas: Atlas) -> None:
    assert atlas.page().address.endswith("/#")
    found = atlas.page(query='layer:mixed4 activation > 5 "a&b"').address.partition("#")[2]
    assert found == "?q=layer%3Amixed4+activation+%3E+5+%22a%26b%22"
    assert atlas.page("-mixed4:3#1").address.endswith("/#-mixed4:3%231")
    assert atlas.page("mixed4:0@center").address.endswith("/#mixed4:0@1,1")


def test_searches_stay_text(atlas: Atlas) -> None:
    text = atlas.page(query='"><script>harm()</script>')._repr_html_()
    assert "<script" not in text
    assert text.count("<iframe") == 1


def test_what_is_not_there_is_told(atlas: Atlas, tmp_path: Path) -> None:
    with pytest.raises(UnitError):
        atlas.page("mixed9:1")
    bare = Atlas(atlases.commit(Store.create(tmp_path / "bare", atlases.provenance())))
    with pytest.raises(MissingError, match="has no page"):
        bare.page()
