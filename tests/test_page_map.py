"""Tests of the page's map: what its colours, axes and names say, and the look beside a unit."""

import io
import re
from pathlib import Path
from typing import Any

import browsing
import pytest
import sites
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from pipeline.explore import similarity
from pipeline.publish import site
from pipeline.sheets import orders, tiles
from pipeline.store.store import Store

pytestmark = pytest.mark.browser

WRITTEN = """() => {
    globalThis.written = [];
    const { fillText, clearRect } = CanvasRenderingContext2D.prototype;
    CanvasRenderingContext2D.prototype.clearRect = function (...box) {
        globalThis.written = [];
        clearRect.apply(this, box);
    };
    CanvasRenderingContext2D.prototype.fillText = function (text, x, y, ...more) {
        const width = this.measureText(text).width;
        const left = { right: x - width, center: x - width / 2 }[this.textAlign] ?? x;
        globalThis.written.push({ text, left, right: left + width, top: y - 10, bottom: y + 3 });
        fillText.call(this, text, x, y, ...more);
    };
}"""
"""Notes what the last drawing of the map wrote, and where."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An atlas folder with a page."""
    made = tmp_path_factory.mktemp("map") / "atlas"
    sites.write(made)
    return made


@pytest.fixture(scope="module")
def address(folder: Path) -> str:
    return (folder / site.NAME).as_uri()


def written(page: Page) -> list[dict[str, Any]]:
    """What the map says now, when it is at rest."""
    browsing.settled(page)
    browsing.settled(page)
    return page.evaluate("() => globalThis.written")


def noting(page: Page, address: str, where: str) -> list[dict[str, Any]]:
    page.add_init_script(f"({WRITTEN})()")
    page.goto(f"{address}#{where}")
    return written(page)


def middle(page: Page) -> tuple[float, float]:
    box = page.locator("#canvas").bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


# Names ------------------------------------------------------------------------------------------


def test_units_have_names_when_they_are_large_and_none_before(page: Page, address: str) -> None:
    small = [one["text"] for one in noting(page, address, "map?at=6,4,40")]
    assert not any(re.fullmatch(r"\d+(#1)?.*", text) for text in small)
    page.goto(f"{address}#map?at=2,3,80")
    assert {"0", "1#1", "2"} <= {one["text"] for one in written(page)}
    page.goto(f"{address}#map?on=logits:0")
    page.locator("#canvas").focus()
    for _ in range(3):
        page.keyboard.press("+")
    assert any(one["text"].startswith("logits:0 golden dog") for one in written(page))


@pytest.mark.parametrize("layout", ["channel", "similarity", "axes&y=own_rank&on=mixed4:5"])
def test_no_name_is_over_another(page: Page, address: str, layout: str) -> None:
    place = "" if "on=" in layout else "&at=3,3,70"
    found = noting(page, address, f"map?layout={layout}{place}")
    if "on=" in layout:
        page.locator("#canvas").focus()
        for _ in range(4):
            page.keyboard.press("+")
        found = written(page)
    names = [one for one in found if re.match(r"\d|−|mixed|-mixed|logits|deepdream", one["text"])]
    names = [
        one for one in names if not re.fullmatch(r"-?[\d,.]+", one["text"]) or "axes" not in layout
    ]
    assert len(names) >= (2 if "axes" in layout else 8)
    for number, one in enumerate(names):
        for other in names[:number]:
            across = one["left"] < other["right"] and other["left"] < one["right"]
            assert not (across and one["top"] < other["bottom"] and other["top"] < one["bottom"])


# Colours ----------------------------------------------------------------------------------------


def shade(page: Page, x: float, y: float) -> tuple[int, ...]:
    """The colour of the map at a place of the window."""
    browsing.settled(page)
    clip = {"x": x, "y": y, "width": 1, "height": 1}
    with Image.open(io.BytesIO(page.screenshot(clip=clip))) as shot:
        return shot.convert("RGB").getpixel((0, 0))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_layers_have_the_colours_that_the_legend_says(
    browser: Browser, address: str, scheme: str
) -> None:
    with browser.new_context(
        viewport={"width": 1280, "height": 800}, color_scheme=scheme
    ) as context:
        page = context.new_page()
        page.goto(f"{address}#map?colour=layer&on=mixed4:3")
        swatches = page.locator("#colours li")
        expect(swatches).to_have_text(["mixed2", "mixed4", "mixed2+mixed4", "logits units"])
        said = (
            swatches.nth(1)
            .locator(".swatch")
            .evaluate("(one) => getComputedStyle(one).backgroundColor")
        )
        page.locator("#peek-close").click()
        page.mouse.move(1, 1)
        page.locator("#canvas").evaluate("(canvas) => canvas.blur()")
        across, down = middle(page)
        # A unit of 96 px has a rim about its middle; its upper edge is 91 / 2 px above.
        found = shade(page, across - 2, down - 48)
        assert f"rgb({', '.join(map(str, found))})" == said
        page.locator("#colour").select_option("")
        expect(page.locator("#colours")).to_be_hidden()
        assert "colour" not in page.url


def test_a_number_has_a_scale_with_its_ends(page: Page, address: str) -> None:
    page.goto(f"{address}#map?layout=similarity")
    page.locator("#colour").select_option("selectivity")
    expect(page).to_have_url(re.compile("colour=selectivity"))
    legend = page.locator("#colours")
    expect(legend).to_contain_text("Colour: selectivity")
    expect(legend.locator(".ends span").first).to_contain_text("0.14")
    expect(legend.locator(".ends span").last).to_contain_text("7.4")
    page.reload()
    expect(page.locator("#colour")).to_have_value("selectivity")
    page.locator("#colour").select_option("kept")
    expect(legend).not_to_contain_text("selectivity")


# Axes -------------------------------------------------------------------------------------------


def test_any_two_numbers_are_axes_and_the_address_keeps_them(page: Page, address: str) -> None:
    found = noting(page, address, "map?layout=axes")
    assert {"activation →", "↑ selectivity", "0", "1,000"} <= {one["text"] for one in found}
    page.locator("#axis-x").select_option("own_rank")
    page.locator("#axis-y").select_option("activation")
    texts = {one["text"] for one in written(page)}
    assert {"own rank →", "↑ activation"} <= texts
    for part in ("layout=axes", "x=own_rank", "y=activation"):
        assert part in page.url
    page.reload()
    assert {"own rank →", "↑ activation"} <= {one["text"] for one in written(page)}
    page.locator("#layout").select_option("channel")
    expect(page.locator("#axis-x")).to_be_hidden()


def test_a_unit_is_where_its_numbers_say(page: Page, address: str) -> None:
    found = noting(page, address, "map?layout=axes&x=own_rank&y=natural_quantile")
    at = {one["text"]: one for one in found}
    low, high = at["10"], at["20"]
    canvas = page.locator("#canvas").bounding_box()
    assert canvas is not None
    centre = [(one["left"] + one["right"]) / 2 for one in (low, high)]
    ups = {
        float(one["text"]): one["bottom"] - 7
        for one in found
        if re.fullmatch(r"0\.\d", one["text"])
    }
    # mixed4:3 is unit 18 of the atlas: own rank 18, quantile 0.18
    x = canvas["x"] + centre[0] + (centre[1] - centre[0]) * 0.8
    y = canvas["y"] + ups[0.2] - (ups[0.4] - ups[0.2]) * 0.1
    page.mouse.move(x, y)
    expect(page.locator("#peek b")).to_have_text("mixed4:3")


def test_arrow_keys_go_along_an_axis_to_every_unit(page: Page, address: str) -> None:
    page.goto(f"{address}#map?layout=axes&x=own_rank&y=own_rank&on=mixed4:3")
    page.locator("#canvas").focus()
    for key, unit in [
        ("ArrowRight", "mixed4:3#1"),
        ("ArrowRight", "mixed4:4"),
        ("ArrowLeft", "mixed4:3#1"),
        ("ArrowUp", "mixed4:4"),
    ]:
        page.keyboard.press(key)
        expect(page.locator("#spoken")).to_contain_text(f"{unit}, ")
    page.keyboard.press("Enter")
    expect(page.locator("h1#unit-heading")).to_have_text("mixed4:4")


# One grid ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("section", ["", "mixed4"])
def test_the_page_and_the_mosaic_have_one_grid(
    page: Page, folder: Path, address: str, section: str
) -> None:
    store = Store.open(folder)
    frame = sites.measured(store)
    done = frame[frame["status"] == "done"].set_index("unit")
    known = store.provenance.available_sections()
    sections = [one for one in known if section in ("", one.name)]
    panel = orders.by_similarity(store, sections, done, alone=bool(section))
    cells = {
        unit: divmod(place, panel.columns) for place, (unit, _) in enumerate(panel.units) if unit
    }
    rows = done if not section else done[done["section"] == section]
    assert list(map(tuple, similarity.cells(rows, alone=bool(section)))) == [
        cells[unit] for unit in rows.index
    ]
    assert tiles.lay_out([panel], 8)
    for unit in list(cells)[::5]:
        row, column = cells[unit]
        page.goto("about:blank")
        page.goto(
            f"{address}#map?layout=similarity&section={section}&at={column + 0.5},{row + 0.5},100"
        )
        page.locator("#canvas").wait_for()
        page.mouse.move(*middle(page))
        expect(page.locator("#peek b")).to_contain_text(re.compile(rf"^{re.escape(unit)}( |$)"))


# The look ---------------------------------------------------------------------------------------


def meet(one: dict[str, float], other: dict[str, float]) -> bool:
    across = one["x"] < other["x"] + other["width"] and other["x"] < one["x"] + one["width"]
    return across and (
        one["y"] < other["y"] + other["height"] and other["y"] < one["y"] + one["height"]
    )


@pytest.mark.parametrize("size", [(390, 800), (768, 1024), (1280, 800), (1920, 1080)])
@pytest.mark.parametrize("scale", [60, 150, 320])
def test_a_look_covers_neither_its_unit_nor_the_pointer_and_stays_inside(
    browser: Browser, address: str, size: tuple[int, int], scale: int
) -> None:
    with browser.new_context(viewport={"width": size[0], "height": size[1]}) as context:
        page = context.new_page()
        page.goto(f"{address}#map?layout=similarity&at=2.5,4.5,{scale}")
        canvas = page.locator("#canvas").bounding_box()
        assert canvas is not None
        across, down = middle(page)
        for right, below in [(0, 0), (1, 0), (0, 1), (-1, -1), (1, 1)]:
            x, y = across + right * scale, down + below * scale
            if not (
                canvas["x"] < x < canvas["x"] + canvas["width"] and y < size[1] and y > canvas["y"]
            ):
                continue
            for way in ("hover", "click"):
                page.mouse.move(x, y)
                if way == "click":
                    page.mouse.click(x, y)
                peek = page.locator("#peek")
                expect(peek).to_be_visible()
                browsing.settled(page)
                box = peek.bounding_box()
                assert box is not None
                unit = {
                    "x": x - scale / 2,
                    "y": y - scale / 2,
                    "width": scale * 0.95 - 1,
                    "height": scale * 0.95 - 1,
                }
                assert not meet(box, unit), (right, below, way)
                assert not meet(box, {"x": x - 1, "y": y - 1, "width": 2, "height": 2})
                assert box["x"] >= canvas["x"]
                assert box["y"] >= canvas["y"]
                assert box["x"] + box["width"] <= canvas["x"] + canvas["width"]
                assert box["y"] + box["height"] <= canvas["y"] + canvas["height"]
                if way == "click":
                    page.locator("#peek-close").click()
                    page.mouse.move(1, 1)


def test_a_click_chooses_and_a_double_click_opens(page: Page, address: str) -> None:
    page.goto(f"{address}#map?layout=similarity&at=0.5,0.5,100")
    page.mouse.click(*middle(page))
    peek = page.locator("#peek")
    expect(peek).to_contain_text("mixed2:0")
    expect(peek).to_contain_text("or double click it, or Enter")
    expect(page).to_have_url(re.compile("on=mixed2:0"))
    expect(page.locator("#peek-open")).to_have_attribute("href", "#mixed2:0")
    page.keyboard.press("Escape")
    expect(peek).to_be_hidden()
    expect(page).not_to_have_url(re.compile("on="))
    page.mouse.dblclick(*middle(page))
    expect(page.locator("h1#unit-heading")).to_have_text("mixed2:0")


def test_touch_chooses_and_opens(browser: Browser, address: str) -> None:
    with browser.new_context(
        viewport={"width": 390, "height": 800}, has_touch=True, is_mobile=True
    ) as context:
        page = context.new_page()
        page.goto(f"{address}#map?layout=similarity&at=0.5,0.5,100")
        page.locator("#canvas").wait_for()
        page.touchscreen.tap(*middle(page))
        expect(page.locator("#peek")).to_contain_text("mixed2:0")
        page.locator("#peek-open").tap()
        expect(page.locator("h1#unit-heading")).to_have_text("mixed2:0")


@pytest.mark.parametrize("layout", ["channel", "similarity", "activation", "axes"])
def test_a_units_page_shows_it_on_the_map(page: Page, address: str, layout: str) -> None:
    page.goto(f"{address}#map?layout={layout}")
    page.goto(f"{address}#mixed4:5")
    page.locator("#on-map").click()
    expect(page.locator("#peek b")).to_have_text("mixed4:5")
    expect(page).to_have_url(re.compile("on=mixed4:5"))
    page.locator("#peek-close").click()
    page.mouse.move(*middle(page))
    expect(page.locator("#peek b")).to_have_text("mixed4:5")  # in the middle
    assert (f"layout={layout}" in page.url) == (layout != "channel")
