"""Tests of sheets as PNG and PDF."""

import re
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.errors import ConfigError, DamageError
from pipeline.sheets.paper import (
    Box,
    Line,
    Paper,
    Raster,
    Text,
    draw,
    drawable,
    fitting,
    save,
    width_of,
)

NOISE = np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)
PAPER = Paper(
    120, 80,
    (
        Raster(4, 6, 16, 16, lambda: NOISE),
        Raster(30, 6, 16, 16, lambda: None),
        Box(60, 6, 10, 10, "accent"),
        Line(((4, 40), (60, 44), (110, 40)), "ink", 2),
        Text(4, 60, "mixed4:42", 12),
        Text(116, 60, "12.5", 12, is_right=True),
    ),
)  # fmt: skip


def test_a_png_has_the_pixels(tmp_path: Path) -> None:
    save(PAPER, tmp_path / "s.png")
    pixels = np.asarray(Image.open(tmp_path / "s.png"))
    assert pixels.shape == (80, 120, 3)
    np.testing.assert_array_equal(pixels[6:22, 4:20], NOISE)
    assert len(np.unique(pixels[6:22, 30:46].reshape(-1, 3), axis=0)) == 1
    assert (pixels[6:16, 60:70] == (196, 78, 20)).all()
    assert (pixels[58:76] < 128).any()
    assert (pixels[:, 117:] == 255).all()  # the text on the right ends where it should


def test_a_png_may_have_more_pixels(tmp_path: Path) -> None:
    save(Paper(120, 80, PAPER.items, scale=2), tmp_path / "s.png")
    with Image.open(tmp_path / "s.png") as found:
        assert found.size == (240, 160)


def test_text_in_a_pdf_is_text(tmp_path: Path) -> None:
    pytest.importorskip("reportlab")
    save(PAPER, tmp_path / "s.pdf")
    content = (tmp_path / "s.pdf").read_bytes()
    assert content.startswith(b"%PDF-")
    assert re.search(rb"/MediaBox \[ 0 0 90 60 \]", content)
    assert b"/ToUnicode" in content  # so that a reader can copy it
    assert b"Aileron" in content
    assert len(re.findall(rb"/Subtype /Image", content)) == 1


@pytest.mark.parametrize("kind", ["png", "pdf"])
def test_equal_sheets_give_equal_bytes(tmp_path: Path, kind: str) -> None:
    if kind == "pdf":
        pytest.importorskip("reportlab")
    paths = [tmp_path / f"{name}.{kind}" for name in "ab"]
    for path in paths:
        save(PAPER, path)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert zlib.crc32(paths[0].read_bytes())


def test_refusals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match=r"s\.jpg: expected a file that ends in \.png or \.pdf"):
        save(PAPER, tmp_path / "s.jpg")
    with pytest.raises(ConfigError, match=r"s\.png: there is no folder .*none"):
        save(PAPER, tmp_path / "none" / "s.png")
    with pytest.raises(ConfigError, match=r"would have 20000 x 20000 pixels.*fewer units"):
        save(Paper(20_000, 20_000, ()), tmp_path / "s.png")
    monkeypatch.setitem(sys.modules, "reportlab", None)
    with pytest.raises(ConfigError, match=r"a sheet as PDF needs .*channel-atlas\[export\]"):
        save(PAPER, tmp_path / "s.pdf")
    assert list(tmp_path.iterdir()) == []


def test_a_failure_leaves_nothing(tmp_path: Path) -> None:
    def fail() -> None:
        raise DamageError("it is damaged")

    (tmp_path / "s.png").write_text("before")
    with pytest.raises(DamageError, match="it is damaged"):
        save(Paper(40, 40, (Raster(0, 0, 9, 9, fail),)), tmp_path / "s.png")
    assert [path.name for path in tmp_path.iterdir()] == ["s.png"]
    assert (tmp_path / "s.png").read_text() == "before"


def test_what_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "s.png").mkdir()
    with pytest.raises(ConfigError, match=r"s\.png cannot be written: Is a directory"):
        save(PAPER, tmp_path / "s.png")
    assert [path.name for path in tmp_path.iterdir()] == ["s.png"]


def test_texts_fit() -> None:
    assert fitting("mixed4:42", 200, 12) == "mixed4:42"
    cut = fitting("a name far too long to fit", 60, 12)
    assert cut.endswith("…")
    assert width_of(cut, 12) <= 60
    assert fitting("a", 1, 12) == ""


@pytest.mark.parametrize("behind", ["", "  44 %", "@3,3"])
def test_a_unit_keeps_its_number_where_its_layer_is_too_long(behind: str) -> None:
    cut = fitting(f"-block12_expand:602{behind}", 90, 12)
    assert re.fullmatch(rf"-b\w*…:602{behind}", cut)
    assert width_of(cut, 12) <= 90


def test_an_empty_box_says_why(tmp_path: Path) -> None:
    pytest.importorskip("reportlab")
    content = {}
    for text in ("", "not here"):
        paper = Paper(60, 40, (Raster(0, 0, 60, 40, lambda: None, text),))
        save(paper, tmp_path / "s.pdf")
        content[text] = (tmp_path / "s.pdf").read_bytes()
        assert (len(draw(paper).getcolors() or ()) > 1) == bool(text)
    assert len(content["not here"]) > len(content[""])


def test_letters_that_the_typeface_lacks() -> None:
    assert drawable("Köter – café × 2 · …") == "Koter - cafe x 2 · …"
    assert drawable("犬\n") == "??"
