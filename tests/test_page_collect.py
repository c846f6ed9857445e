"""Tests of the page in a browser: the first minute, what is collected and compared, paper."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sites
from browsing import check_bars_nobody, settled
from loopback import running
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

from pipeline import Atlas
from pipeline.explore import index, query
from pipeline.publish import serve, site
from pipeline.store.folder import LocalFolder

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An atlas whose page shows everything a page can."""
    found = tmp_path_factory.mktemp("collect") / "atlas"
    sites.write(found)
    return found


@pytest.fixture(scope="module")
def atlas(folder: Path) -> str:
    """Its page on the disk."""
    return (folder / site.NAME).as_uri()


@pytest.fixture(scope="module")
def served(folder: Path) -> Iterator[str]:
    """Its page's address on loopback."""
    with running(serve.serve(LocalFolder(folder), 0)) as port:
        yield f"http://127.0.0.1:{port}/"


@pytest.fixture(params=["file", "loopback"])
def address(request: pytest.FixtureRequest, atlas: str) -> str:
    return atlas if request.param == "file" else request.getfixturevalue("served")


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page of two thousand units."""
    return sites.write_large(tmp_path_factory.mktemp("large") / "atlas", 2000).as_uri()


@pytest.fixture(scope="module")
def called(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page of an atlas with a note that is a formula to a spreadsheet."""
    found = tmp_path_factory.mktemp("called") / "atlas"
    sites.write_called(found)
    Atlas.open(found).annotate({"mixed2:3": "=SUM(A1)"})
    return (found / site.NAME).as_uri()


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page of an atlas in which one picture does not tell."""
    return sites.write_tried(tmp_path_factory.mktemp("tried") / "atlas").as_uri()


def test_one_sentence_says_what_the_pictures_are(page: Page, tried: str) -> None:
    page.goto(tried)
    said = (
        "These pictures of 50 channels of mixed4 are no photographs: a program began each as noise "
        "and changed it in 4 small steps (recipe fourier, 8 px) to excite one unit of the network "
        "wide as strongly as it could."
    )
    intro = page.locator("#intro")
    expect(intro.locator("p")).to_have_text(said)
    page.get_by_role("button", name="Put this away").click()
    expect(intro).to_be_hidden()
    page.reload()
    expect(page.locator("#count")).to_have_text("50 units")
    expect(intro).to_be_hidden()
    page.keyboard.press("?")
    expect(page.locator("#help")).to_contain_text(said)
    page.get_by_role("button", name="Show this above the gallery again").click()
    expect(intro).to_be_visible()


def test_the_sentence_counts_what_is_there(page: Page, atlas: str) -> None:
    page.goto(atlas)
    intro = page.locator("#intro")
    expect(intro).to_contain_text("40 channels of mixed2 and mixed4")
    expect(intro).to_contain_text("6 neurons of mixed4")
    expect(intro).to_contain_text("of 8, to lower it")
    expect(intro).to_contain_text(sites.ARCHITECTURE.name)


def test_the_legend_follows_the_sort(page: Page, tried: str, atlas: str) -> None:
    page.goto(tried)
    legend = page.locator("#legend")
    expect(legend).to_contain_text("activation: the unit's value on the stored image")
    expect(legend).to_contain_text("? marks one that did not tell which of the builder's")
    page.locator("#sort").select_option("sparsity")
    expect(legend).to_contain_text("sparsity: share of its channel's map on the image that is zero")
    page.goto(atlas)
    expect(legend).not_to_contain_text("?")
    expect(legend).to_contain_text("Compare it within a section only")


def test_a_term_tells_what_it_means(page: Page, atlas: str) -> None:
    page.goto(f"{atlas}#mixed4:3")
    word = page.locator("dl.figures").get_by_role("button", name="own rank")
    word.click()
    meaning = page.locator(".meaning")
    expect(meaning).to_have_text(
        "own rank: channels of its layer that its image excites more; 0 is best."
    )
    check_bars_nobody(page)
    page.keyboard.press("Escape")
    expect(meaning).to_have_count(0)
    expect(word).to_be_focused()
    expect(page.locator("h1#unit-heading")).to_have_text("mixed4:3")  # Escape went no further
    page.keyboard.press("Enter")
    expect(meaning).to_be_visible()
    expect(word).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("Tab")
    expect(meaning).to_have_count(0)
    word.click()
    page.locator("h1#unit-heading").click()
    expect(meaning).to_have_count(0)


def test_every_term_and_column_is_in_the_glossary(page: Page, atlas: str) -> None:
    page.goto(atlas)
    page.keyboard.press("?")
    headings = page.locator("#help h3").all_text_contents()
    assert headings[:3] == ["What one can see", "Search", "Keys"]
    words = page.locator("#help .glossary dt").all_text_contents()
    for word in ("section", "negative direction", "distance", "own_rank", "kept_noise", "variant"):
        assert word in words
    lines = page.locator("#help .glossary dd").all_text_contents()
    assert all(0 < len(line) < 160 for line in lines)
    columns = {name for name in words if name.islower()}
    assert {"activation", "selectivity", "layer", "status"} <= columns


@pytest.mark.parametrize("width", [390, 768, 1280, 1920])
def test_meanings_stay_on_the_screen(page: Page, atlas: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(f"{atlas}#mixed4:3")
    settled(page)
    for word in page.locator("dl.figures .term").all():
        word.click()
        box = page.locator(".meaning").bounding_box()
        assert box
        assert (box["x"] >= 0, box["x"] + box["width"] <= width) == (True, True)


def test_a_shared_page_says_whose_photographs(page: Page, tried: str) -> None:
    page.goto(f"{tried}#mixed4:3")
    expect(page.locator("#unit")).to_contain_text("The builder's pictures that excite it most")
    page.keyboard.press("?")
    expect(page.locator("#help")).to_contain_text(
        "Photographs are of whoever built this atlas, the builder: 40 pictures from several"
    )
    whole = page.evaluate("() => document.body.textContent")
    assert "your picture" not in whole.lower()
    assert "your photo" not in whole.lower()


# What is collected ------------------------------------------------------------------------------


def collected(page: Page) -> list[str]:
    """The ids in the tray, in order."""
    links = page.locator("#tray .thumbs a").evaluate_all(
        "(links) => links.map((link) => decodeURI(link.getAttribute('href').slice(1)))"
    )
    return list(links)


def tile(page: Page, unit: str) -> Locator:
    return page.locator(f'a.tile[href="#{unit}"]')


def test_tiles_are_collected_by_modifiers_marks_and_keys(page: Page, atlas: str) -> None:
    page.goto(atlas)
    tile(page, "mixed2:1").click(modifiers=["ControlOrMeta"])
    assert collected(page) == ["mixed2:1"]
    tile(page, "mixed2:2#1").click(modifiers=["Shift"])
    assert collected(page) == ["mixed2:1", "mixed2:1#1", "mixed2:2", "mixed2:2#1"]
    page.get_by_role("button", name="Collect mixed2:5", exact=True).click()
    assert collected(page)[-1] == "mixed2:5"
    page.keyboard.press("ArrowRight")  # the tile of the mark is the active one
    page.keyboard.press("x")
    assert collected(page)[-1] == "mixed2:5#1"
    page.keyboard.press("x")
    assert collected(page)[-1] == "mixed2:5"
    expect(page.locator("#tray .counted")).to_have_text("5 collected")
    expect(page.locator("#told")).to_have_text("mixed2:5#1 taken out. 5 units collected.")
    pressed = page.locator('.pick[aria-pressed="true"]')
    expect(pressed).to_have_count(5)
    assert page.url == atlas  # nothing was opened
    check_bars_nobody(page)


def test_the_tray_stays_through_views_and_a_reload(page: Page, address: str) -> None:
    page.goto(f"{address}#mixed4:3")
    page.locator("#unit .collect").click()
    expect(page.locator("#unit .collect")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("m")
    expect(page.locator("#canvas")).to_be_focused()
    page.keyboard.press("ArrowRight")
    spoken = page.locator("#spoken").text_content() or ""
    page.keyboard.press("x")
    assert collected(page) == ["mixed4:3", spoken.split()[0].rstrip(",")]
    assert page.locator("#tray").bounding_box() is not None
    page.reload()
    expect(page.locator("#tray .counted")).to_have_text("2 collected")
    page.keyboard.press("g")
    expect(page.locator("#tray")).to_be_in_viewport(ratio=1)
    page.get_by_role("button", name="Take out mixed4:3", exact=True).click()
    expect(page.locator("#tray")).to_contain_text("mixed4:3 was taken out.")
    page.locator("#tray-undo").click()
    assert collected(page)[0] == "mixed4:3"
    page.get_by_role("button", name="Empty").click()
    expect(page.locator("#tray-undo")).to_be_focused()
    page.keyboard.press("Enter")
    assert len(collected(page)) == 2
    page.keyboard.press("v")
    expect(page.locator("h1#unit-heading")).to_have_text("2 units side by side")


def test_a_long_press_collects(browser: Browser, atlas: str) -> None:
    with browser.new_context(
        viewport={"width": 390, "height": 800}, has_touch=True, is_mobile=True
    ) as context:
        page = context.new_page()
        page.goto(atlas)
        settled(page)
        box = tile(page, "mixed2:1").bounding_box()
        assert box
        session = context.new_cdp_session(page)
        point = {"x": box["x"] + 30, "y": box["y"] + 50}
        touch = {"type": "touchStart", "touchPoints": [point]}
        session.send("Input.dispatchTouchEvent", touch)
        expect(page.locator("#tray .counted")).to_have_text("1 collected")
        session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        page.evaluate("() => new Promise((on) => requestAnimationFrame(on))")
        expect(page.locator("#gallery")).to_be_visible()
        assert collected(page) == ["mixed2:1"]
        page.locator(".pick").nth(4).tap()
        expect(page.locator("#tray .counted")).to_have_text("2 collected")
        assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
        tile(page, "mixed2:0").tap()
        expect(page.locator("h1#unit-heading")).to_have_text("mixed2:0")


def test_what_is_focused_is_not_under_the_tray(page: Page, atlas: str) -> None:
    page.set_viewport_size({"width": 1280, "height": 500})
    page.goto(atlas)
    tile(page, "mixed2:0").click(modifiers=["ControlOrMeta"])
    page.keyboard.press("PageDown")
    page.keyboard.press("ArrowDown")
    focused = page.locator("a.tile:focus").bounding_box()
    tray = page.locator("#tray").bounding_box()
    assert focused
    assert tray
    assert focused["y"] + focused["height"] <= tray["y"]


def test_all_that_was_found_is_collected(page: Page, large: str) -> None:
    page.goto(large)
    expect(page.locator("#count")).to_have_text("2,000 units")
    page.locator("#collect-found").click()
    expect(page.locator("#tray .counted")).to_have_text("2,000 collected")
    expect(page.locator("#tray .thumbs img")).to_have_count(60)
    expect(page.locator("#tray .thumbs")).to_contain_text("and 1,940 more")
    page.reload()
    expect(page.locator("#tray .counted")).to_have_text("2,000 collected")
    page.get_by_role("button", name="Take away").click()
    page.locator("#take-command").click()
    expect(page.locator("#take-says")).to_contain_text("too many for one command")
    page.keyboard.press("Escape")
    page.locator("#query").fill("wide:7")
    with page.expect_download() as started:
        page.locator("#csv-found").click()
    frame = pd.read_csv(started.value.path())
    assert frame["unit"].tolist() == ["wide:7"]


# What is compared -------------------------------------------------------------------------------


def test_units_stand_side_by_side(page: Page, atlas: str) -> None:
    page.goto(f"{atlas}#compare=mixed4:3,mixed4:9")
    expect(page.locator("h1#unit-heading")).to_have_text("2 units side by side")
    table = page.get_by_role("region", name="Units side by side")
    assert table.locator("thead b").all_text_contents() == ["mixed4:3", "mixed4:9"]
    sizes = table.locator("thead img").evaluate_all("(all) => all.map((one) => one.naturalWidth)")
    assert sizes == [8, 8]
    line = table.locator("tr", has=page.get_by_role("rowheader", name="activation", exact=True))
    expect(line.locator("td").nth(0)).to_contain_text("4")
    expect(line.locator("td.best")).to_contain_text("10 best")
    widths = line.locator(".up").evaluate_all("(bars) => bars.map((bar) => bar.style.width)")
    assert widths == ["40%", "100%"]
    rank = table.locator("tr", has=page.get_by_role("rowheader", name="own rank"))
    assert rank.locator("td").nth(0).locator("strong").count() == 1  # less is better
    for heading in ("Nearest in common", "Photographs in common", "Built from in common"):
        expect(page.get_by_role("heading", name=heading)).to_be_visible()
    built = page.locator("section", has=page.get_by_role("heading", name="Built from in common"))
    expect(built).to_contain_text("excites mixed4:3")
    before = table.locator("tbody tr:visible").count()
    page.get_by_label("Only what differs").check()
    assert 0 < table.locator("tbody tr:visible").count() < before
    check_bars_nobody(page)
    page.keyboard.press("Escape")
    expect(page.locator("#gallery")).to_be_visible()


def test_activations_of_several_sections_are_not_compared(page: Page, atlas: str) -> None:
    page.goto(f"{atlas}#compare=mixed2:3,mixed4:9")
    table = page.get_by_role("region", name="Units side by side")
    line = table.locator("tr", has=page.get_by_role("rowheader", name="activation", exact=True))
    expect(line.locator("td").nth(1)).to_contain_text("above")
    assert line.locator("strong, .bar-of").count() == 0
    expect(page.locator("#unit")).to_contain_text("on no common scale")


@pytest.mark.parametrize(
    ("asked", "heading", "said"),
    [
        ("mixed4:0@1,1,mixed4:3", "2 units side by side", ""),
        ("mixed4:0@1%2C1,MIXED4:3,mixed4:3", "2 units side by side", ""),
        ("mixed4:3", "1 unit side by side", "One is not enough"),
        ("", "Nothing to compare", "Collect units in the gallery"),
        ("mixed4:99,%E0%A4%A,mixed4:1,mixed4:2", "2 units side by side", "no units “mixed4:99”"),
        ("<img src=x onerror=harm()>:1", "Nothing to compare", "no unit “<img src=x onerror"),
        (",".join(f"x:{n}" for n in range(400)), "Nothing to compare", "and 395 more"),
        ("x" * 5000, "Nothing to compare", f"“{'x' * 60}…”"),
    ],
)
def test_an_address_asks_for_units(
    page: Page, atlas: str, asked: str, heading: str, said: str
) -> None:
    page.goto(f"{atlas}#compare={asked}")
    expect(page.locator("h1#unit-heading")).to_have_text(heading)
    expect(page.locator("#unit")).to_contain_text(said)
    assert page.evaluate("() => document.querySelectorAll('img[src=x]').length") == 0


def test_no_more_than_24_stand_side_by_side(page: Page, atlas: str) -> None:
    ids = [f"mixed4:{n}{v}" for n in range(10) for v in ("", "#1")]
    ids += [f"mixed2:{n}{v}" for n in range(5) for v in ("", "#1")]
    page.goto(f"{atlas}#compare={','.join(ids)}")
    expect(page.locator("#unit")).to_contain_text("The first 24 of 30 are shown.")
    assert page.locator(".compared thead th").count() == 24


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 768, 1280, 1920])
def test_comparing_fits_its_screen(browser: Browser, atlas: str, width: int, scheme: str) -> None:
    with browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme=scheme
    ) as context:
        page = context.new_page()
        page.goto(f"{atlas}#compare=mixed4:3,logits:1,-mixed4:3,mixed4:0@1,1,mixed2:4")
        page.get_by_role("button", name="Collect these").click()
        expect(page.get_by_role("heading", name="Photographs in common")).to_be_visible()
        assert page.evaluate("() => document.documentElement.scrollWidth") <= width
        page.get_by_role("button", name="Take away").click()
        expect(page.locator("#take")).to_be_in_viewport(ratio=1)
        check_bars_nobody(page)


# What is taken away -----------------------------------------------------------------------------


def taken(page: Page, address: str) -> None:
    page.goto(f"{address}#compare=mixed4:3,-mixed4:2,logits:1")
    page.get_by_role("button", name="Collect these").click()
    page.get_by_role("button", name="Take away").click()


def test_a_selection_goes_as_csv(page: Page, address: str) -> None:
    taken(page, address)
    with page.expect_download() as started:
        page.locator("#take-csv").click()
    assert started.value.suggested_filename.endswith("-units.csv")
    frame = pd.read_csv(started.value.path())
    assert list(frame) == list(index.TYPES)
    assert frame["unit"].tolist() == ["mixed4:3", "-mixed4:2", "logits:1"]
    assert frame["activation"].tolist()[0] == 4
    assert frame["class_name"].tolist()[2] == sites.HARM
    assert len(frame["nearest"][0].split()) == 10
    assert frame["image_sha256"].str.len().tolist() == [64] * 3
    expect(page.locator("#take-says")).to_have_text("3 rows saved.")


def test_no_cell_is_a_formula(page: Page, called: str) -> None:
    page.goto(called)
    with page.expect_download() as started:
        page.locator("#csv-found").click()
    notes = pd.read_csv(started.value.path()).set_index("unit")["note"].dropna()
    assert notes.to_dict() == {"mixed2:3": "'=SUM(A1)", "-mixed2:1": "whiskers, left"}


def test_a_sheet_is_drawn_of_the_pictures_as_they_are(
    page: Page, served: str, folder: Path
) -> None:
    taken(page, served)
    with page.expect_download() as started:
        page.locator("#take-png").click()
    check_sheet(Path(started.value.path()), folder)
    page.goto((folder / "site/index.html").as_uri())
    taken(page, (folder / "site/index.html").as_uri())
    page.locator("#take-png").click()
    expect(page.locator("#take-says")).to_contain_text("Choose the folder “images”")
    check_bars_nobody(page)
    with page.expect_download() as started:
        page.locator("#take-images").set_input_files(folder / "site/images")
    check_sheet(Path(started.value.path()), folder)


def check_sheet(path: Path, folder: Path) -> None:
    """Have the first picture of a sheet be mixed4:3's, pixel by pixel."""
    sheet = np.asarray(Image.open(path).convert("RGB"))
    own = Atlas.open(folder).image("mixed4:3").repeat(12, axis=0).repeat(12, axis=1)
    assert sheet.shape == (56 + 96 + 24 + 12 + 32, 12 + 3 * (96 + 12), 3)
    assert (sheet[56 : 56 + 96, 12 : 12 + 96] == own).all()
    assert (sheet[:50] < 128).any()  # the heading


def test_ids_address_and_command_are_copied(page: Page, served: str, folder: Path) -> None:
    taken(page, served)
    clipboard = "() => navigator.clipboard.readText()"
    page.locator("#take-ids").click()
    expect(page.locator("#take-says")).to_contain_text("The ids are copied")
    assert page.evaluate(clipboard).split("\n") == ["mixed4:3", "-mixed4:2", "logits:1"]
    page.locator("#take-address").click()
    expect(page.locator("#take-says")).to_contain_text("The address is copied")
    assert page.evaluate(clipboard) == f"{served}#compare=mixed4:3,-mixed4:2,logits:1"
    page.locator("#take-command").click()
    expect(page.locator("#take-says")).to_contain_text("The command is copied")
    words = shlex.split(page.evaluate(clipboard))
    assert words[:2] == ["atlas", "sheet"]
    assert set(query.select(Atlas.open(folder).index, words[2])["unit"]) == {
        "mixed4:3", "-mixed4:2", "logits:1",
    }  # fmt: skip
    assert words[3:] == ["--heading", f"Units of {sites.ARCHITECTURE.name}", "-o", "sheet.pdf"]


# On paper -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("paper", ["A4", "Letter"])
@pytest.mark.parametrize("unit", ["mixed4:3", "logits:1", "-mixed4:2", "mixed4:0@1,1"])
def test_a_unit_is_printed_on_one_sheet(page: Page, atlas: str, unit: str, paper: str) -> None:
    page.goto(f"{atlas}#{unit}")
    expect(page.locator("#unit details")).to_be_visible()
    assert len(re.findall(rb"/Type\s*/Page\b", page.pdf(format=paper))) == 1
    page.emulate_media(media="print")
    page.evaluate("() => dispatchEvent(new Event('beforeprint'))")
    sheet = page.locator(".paper")
    expect(sheet.locator("h1")).to_contain_text(unit)
    for said in ("activation", "Trajectory", "Most alike", "The builder’s pictures", "fingerprint"):
        expect(sheet).to_contain_text(said)
    shown = "(all) => all.every((one) => one.complete && one.naturalWidth > 0)"
    assert sheet.locator("img").evaluate_all(shown)
    expect(page.locator("main")).to_be_hidden()
    page.evaluate("() => dispatchEvent(new Event('afterprint'))")
    expect(sheet).to_have_count(0)


def test_a_printed_gallery_says_what_it_is(page: Page, atlas: str) -> None:
    page.goto(f"{atlas}#?q=layer:mixed4&sort=-activation")
    page.emulate_media(media="print")
    page.evaluate("() => dispatchEvent(new Event('beforeprint'))")
    head = page.locator("#print-head")
    expect(head).to_contain_text("found by layer:mixed4, sorted by activation, largest first")
    expect(page.locator("#print-foot")).to_contain_text("fourier, 4 steps, 8 px · fingerprint")
    expect(page.locator("#print-foot")).to_contain_text(re.compile(r"\d{4}-\d\d-\d\d$"))
    expect(page.locator("#legend")).to_be_visible()
    for away in (".pick", "#tray", ".all-found", "#intro"):
        assert page.locator(away).locator("visible=true").count() == 0
    sizes = "(all) => [...new Set(all.map((one) => Math.round(one.offsetHeight)))].length"
    assert page.locator(".tile-box").evaluate_all(sizes) == 1  # an even grid


@pytest.mark.parametrize("where", ["", "#map"])
def test_choices_can_be_read_on_a_phone(page: Page, atlas: str, where: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{atlas}{where}")
    settled(page)
    widths = page.locator(".tools select:visible").evaluate_all(
        "(all) => all.map((one) => one.getBoundingClientRect().width)"
    )
    assert len(widths) > 2
    assert min(widths) >= 72
    assert page.evaluate("document.documentElement.scrollWidth") == 390
