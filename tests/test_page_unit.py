"""Tests of a unit's page: its picture, as it is shown and saved, and the photographs beside it."""

import hashlib
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import atlases
import browsing
import pytest
import sites
from loopback import running
from playwright.sync_api import Browser, Page, expect

from pipeline.examples import seen
from pipeline.explore import index
from pipeline.publish import serve, site, site_photographs
from pipeline.store.folder import LocalFolder
from pipeline.store.store import Store

pytestmark = pytest.mark.browser

DARK = """() => {
    const canvas = document.querySelector("#photograph canvas");
    if (canvas.hidden) return null;
    const { data, width } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    const at = (row) => 4 * (Math.floor((row / 8) * width) * width + width / 2) + 3;
    return [1, 3, 5, 7].map((row) => data[at(row)]);
}"""
"""How dark the middle of each quarter of what lies over a photograph is, from the top."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("unit") / "atlas"
    sites.write(made)
    return made


@pytest.fixture(scope="module")
def address(folder: Path) -> str:
    return (folder / site.NAME).as_uri()


@pytest.fixture(scope="module")
def served(folder: Path) -> Iterator[str]:
    with running(serve.serve(LocalFolder(folder), 0)) as port:
        yield f"http://127.0.0.1:{port}/"


def write(
    folder: Path, names: list[str], *, is_whole: bool = True, is_measured: bool = False
) -> str:
    """The page of a small atlas that was shown pictures; its address."""
    store = atlases.commit(Store.create(folder, atlases.provenance("mixed2:all", "mixed4:0-3")))
    if is_measured:
        atlases.measure(store)
    with tempfile.TemporaryDirectory() as pictures:
        atlases.show(store, Path(pictures), names)
        seen.begin(store, seen.listed(store), whole=is_whole)
        index.refresh(store)
        site.write(store)
    return (folder / site.NAME).as_uri()


# The picture ------------------------------------------------------------------------------------


def test_what_people_look_at_comes_first(page: Page, address: str) -> None:
    page.goto(f"{address}#mixed4:3")
    page.locator("details").wait_for()
    order = ["Photographs", "Built from", "Feeds", "Most alike", "Statistics", "Provenance"]
    found = [text for text in page.locator("#unit h2").all_text_contents() if text in order]
    assert found == order
    picture = page.locator(".large img").bounding_box()
    photographs = page.locator("#photographs").bounding_box()
    assert picture is not None
    assert photographs is not None
    assert photographs["x"] > picture["x"] + picture["width"]  # beside it
    assert abs(photographs["y"] - picture["y"]) < 40


def test_the_saved_file_is_the_one_whose_digest_is_shown(page: Page, served: str) -> None:
    page.goto(f"{served}#mixed4:3")
    said = page.locator("#file-sha256").text_content()
    with page.expect_download() as saving:
        page.get_by_text("Save the picture (PNG)").click()
    assert saving.value.suggested_filename == "mixed4_3.png"
    content = Path(saving.value.path()).read_bytes()
    assert content.startswith(b"\x89PNG")
    assert hashlib.sha256(content).hexdigest() == said


def test_the_picture_has_three_sizes_by_button_and_key(page: Page, address: str) -> None:
    page.goto(f"{address}#mixed4:3")
    page.locator("details").wait_for()
    image = page.locator(".large img")

    def width() -> float:
        box = image.bounding_box()
        assert box is not None
        return box["width"]

    fit = width()
    assert fit > 400
    page.get_by_role("button", name="1:1").click()
    assert width() == 8
    expect(page.get_by_role("button", name="1:1")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("z")
    assert width() % 8 == 0
    assert 400 < width() <= fit
    expect(image).to_have_css("image-rendering", "pixelated")
    page.locator("#unit-next").click()
    expect(page.locator("h1#unit-heading")).not_to_have_text("mixed4:3")
    expect(page.locator(".large img")).to_have_css("image-rendering", "pixelated")  # kept
    page.keyboard.press("z")
    expect(page.get_by_role("button", name="Fit")).to_have_attribute("aria-pressed", "true")
    assert width() == fit


def test_other_channels_that_the_picture_excites(page: Page, tmp_path: Path) -> None:
    address = write(tmp_path / "atlas", ["a"], is_measured=True)
    page.goto(f"{address}#mixed2:3")
    part = page.locator(".part", has=page.get_by_role("heading", name="Its picture excites"))
    names = part.locator(".name").all_text_contents()
    assert 1 <= len(names) <= 10
    assert "mixed2:3" not in names
    expect(part.locator(".mini .muted").first).to_contain_text("deviations")


# Photographs ------------------------------------------------------------------------------------


def test_photographs_are_strong_middle_and_weak(page: Page, address: str) -> None:
    page.goto(f"{address}#mixed4:3")
    headings = page.locator("#photographs h3")
    expect(headings).to_have_text(
        ["Strong the 9 of 24 pictures that come first", "Middle at 60, 50 and 40 % of them",
         "Weak the 3 that come last"]
    )  # fmt: skip
    parts = page.locator("#photographs .examples").all()
    assert [part.locator("figure").count() for part in parts] == [9, 3, 3]
    expect(page.locator("#photographs .said").first).to_contain_text("label </script>")


def test_a_photograph_opens_whole_with_where_the_unit_fires(page: Page, address: str) -> None:
    page.goto(f"{address}#mixed4:4")
    page.locator("#photographs button.crop").first.click()
    dialog = page.locator("#photograph")
    expect(dialog).to_be_visible()
    expect(dialog.locator(".whole img")).to_have_attribute("src", re.compile("^photographs/"))
    expect(dialog.locator(".told")).to_contain_text("1 of 15, strong: activation 12, more than")
    expect(dialog.locator(".told")).to_contain_text("Bright where mixed4:4 fires")
    page.wait_for_function("() => document.querySelector('#photograph img').naturalWidth === 12")
    page.wait_for_function(f"() => ({DARK})()?.[2] > 0")
    dark = page.evaluate(DARK)  # mixed4 has three rows; channel 4 fires in the second
    assert dark[0] > 150 > dark[1]
    image, canvas = (dialog.locator(one).bounding_box() for one in (".whole img", "canvas"))
    assert image is not None
    assert canvas is not None
    assert canvas["width"] == pytest.approx(canvas["height"], abs=2)  # the middle square
    assert canvas["width"] == pytest.approx(image["width"] * 8 / 12, abs=2)
    page.locator("#gloom").fill("30")
    assert page.evaluate(DARK)[0] < dark[0]
    browsing.check_bars_nobody(page)
    page.keyboard.press("h")
    assert page.evaluate(DARK) is None
    page.locator("#photograph-next").click()
    expect(dialog.locator("h2")).to_contain_text("1 </script>")
    assert page.evaluate(DARK) is None  # as it was left
    page.locator("#hot").click()
    page.locator("#photograph h2").click()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    expect(dialog.locator(".told")).to_contain_text("15 of 15, weak")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page.locator("h1#unit-heading")).to_have_text("mixed4:4")
    expect(page.locator("#photographs button.crop").first).to_be_focused()


@pytest.mark.parametrize("size", [(390, 800), (768, 1024), (1920, 1080)])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_dialog_is_for_everybody_and_every_screen(
    browser: Browser, address: str, size: tuple[int, int], scheme: str
) -> None:
    viewport = {"width": size[0], "height": size[1]}
    with browser.new_context(viewport=viewport, color_scheme=scheme) as context:
        page = context.new_page()
        page.goto(f"{address}#mixed4:4")
        page.locator("#photographs button.crop").first.click()
        browsing.settled(page)
        browsing.check_bars_nobody(page)
        box = page.locator("#photograph").bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= size[0]
        assert page.evaluate("() => document.documentElement.scrollWidth") <= size[0]
        dialog = "() => document.querySelector('#photograph')"
        assert page.evaluate(f"{dialog}.scrollWidth") <= page.evaluate(f"{dialog}.clientWidth")


def test_copies_are_folded_until_asked_for(
    page: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(site_photographs, "_ALIKE", 70.0)
    address = write(tmp_path / "atlas", [f"{n}.png" for n in range(9)])
    page.goto(f"{address}#mixed2:3")
    button = page.locator("#photographs .alike").first
    said = button.text_content() or ""
    folded = int(re.fullmatch(r"\+(\d+) alike", said)[1])  # type: ignore[index]
    figures = page.locator("#photographs figure:visible")
    before = figures.count()
    assert before < 9
    button.click()
    expect(figures).to_have_count(before + folded)
    expect(button).to_have_attribute("aria-expanded", "true")
    button.click()
    expect(figures).to_have_count(before)


def test_where_whole_pictures_are_kept_away_the_crop_is_shown(page: Page, tmp_path: Path) -> None:
    address = write(tmp_path / "atlas", [f"{n}.png" for n in range(9)], is_whole=False)
    page.goto(f"{address}#mixed2:3")
    page.locator("#photographs button.crop").nth(2).click()
    dialog = page.locator("#photograph")
    expect(dialog).to_contain_text("The whole picture is not on this page")
    expect(dialog.locator("img")).to_have_attribute("src", re.compile("^examples/"))
    expect(dialog.locator("canvas")).to_be_hidden()
    assert not (tmp_path / "atlas/site/photographs").exists()


@pytest.mark.parametrize(
    "unit", ["logits:0", "deepdream:mixed2+mixed4", "-mixed4:1", "mixed4:0@1,1"]
)
def test_photographs_of_every_kind_open(page: Page, address: str, unit: str) -> None:
    page.goto(f"{address}#{unit}")
    page.locator("#photographs button.crop").first.click()
    expect(page.locator("#photograph .told")).to_contain_text("1 of 15")
    if unit.startswith(("logits", "deepdream")):
        expect(page.locator("#photograph .told")).to_contain_text("has no map of its own")
