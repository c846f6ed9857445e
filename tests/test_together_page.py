"""Several atlases on one page, in a browser: side by side, what changed most first."""

import re
from collections.abc import Iterator
from pathlib import Path

import browsing
import pairs as made
import pytest
import sites
from loopback import running
from playwright.sync_api import Browser, Page, expect

from pipeline import Atlas
from pipeline.publish import site
from pipeline.store.folder import LocalFolder
from pipeline.store.store import Store
from pipeline.together import page as together
from pipeline.together.opened import opened
from tasks.serving.several import several

pytestmark = pytest.mark.browser
HARM = "tuned <b onclick>" + sites.HARM.replace("=", ":").replace("/", "|")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two atlases of one network, and a third of another."""
    folder = tmp_path_factory.mktemp("together")
    names = made.before_and_after(folder)
    Atlas.open(names[1]).annotate({"mixed2:1": f"a note {sites.HARM}"}, {"mixed2:1": "<i>curves"})
    made.write(folder / "other", patterns=("block:0-5",), architecture=made.OTHER)
    return folder


@pytest.fixture(scope="module")
def same(folder: Path) -> str:
    """The page of two atlases of one network; a third is gone."""
    found = opened([str(folder / "before"), f"{HARM}={folder / 'after'}", "lost=gone"])
    together.write(found, LocalFolder(folder / "same"))
    return (folder / "same/index.html").as_uri()


@pytest.fixture(scope="module")
def nearest(folder: Path) -> str:
    """The page of two networks."""
    found = opened([str(folder / "before"), str(folder / "other")])
    together.write(found, LocalFolder(folder / "nearest"))
    return (folder / "nearest/index.html").as_uri()


@pytest.fixture(scope="module")
def served(folder: Path) -> Iterator[str]:
    names = [str(folder / name) for name in ("before", "after", "other")]
    for name in names[:2]:
        site.write(Store.open(name))
    with several(opened(names[:2]), 0) as server, running(server) as port:
        yield f"http://127.0.0.1:{port}/"


def test_pairs_stand_side_by_side_what_changed_most_first(page: Page, same: str) -> None:
    page.goto(same)
    browsing.settled(page)
    assert set(browsing.tiles(page)[:2]) == set(made.CHANGED)
    expect(page.locator("#sort")).to_have_value("response_distance")
    tile = page.locator("a.tile", has_text="mixed2:1").first
    sources = [image.get_attribute("src") or "" for image in tile.locator("img").all()]
    assert [source.split("/")[0] for source in sources] == ["before", "tuned_b_onclick_script_s"]
    assert sources[0].rpartition("/")[2] != sources[1].rpartition("/")[2]
    widths = tile.locator("img").evaluate_all("(all) => all.map((i) => [i.naturalWidth, i.width])")
    assert all(natural > 0 for natural, _ in widths)
    absent = page.locator("a.tile", has_text="mixed4:9").locator(".half").nth(1)
    expect(absent).to_contain_text("not there")


def test_which_is_which_and_what_is_lacking_stays_in_sight(page: Page, same: str) -> None:
    page.goto(same)
    names = page.locator("#sides li bdi")
    expect(names).to_have_text(["before", HARM])
    page.locator("#sides summary").click()
    expect(page.locator("#sides")).to_contain_text(
        "lost is left out: there is no atlas that can be read"
    )
    expect(page.locator("#sides")).to_contain_text("2 units are built in before")
    for where in ("#mixed2:1", "#map", "#?q=mixed4"):
        page.goto(f"{same}{where}")
        browsing.settled(page)
        page.mouse.wheel(0, 600)
        expect(page.locator("#sides ol")).to_be_in_viewport()


def test_a_unit_is_shown_in_every_atlas_with_its_figures(page: Page, same: str) -> None:
    page.goto(f"{same}#mixed2:1")
    expect(page.locator("h1#unit-heading")).to_have_text("mixed2:1")
    assert page.locator(".abreast-side img").count() >= 2
    row = page.get_by_role("row").filter(
        has=page.get_by_role("rowheader", name="activation", exact=True)
    )
    expect(row.locator("td")).to_have_text(["2", "5", "+3"])
    expect(page.locator(".changes")).to_contain_text("activation change+3")
    side = page.locator(".abreast-side").nth(1)
    expect(side).to_contain_text("Called: <i>curves")
    expect(side.locator(".chart")).to_be_visible()
    expect(side.get_by_role("heading", name="Most alike")).to_be_visible()
    expect(page.locator(".made-of tr.differing")).not_to_have_count(0)
    page.keyboard.press("ArrowRight")
    expect(page.locator("h1#unit-heading")).not_to_have_text("mixed2:1")
    page.keyboard.press("Escape")
    expect(page.locator("#gallery")).to_be_visible()


def test_a_unit_is_collected_and_shown_on_the_map_from_its_page(page: Page, same: str) -> None:
    page.goto(f"{same}#mixed2:1")
    page.get_by_role("button", name="Collect", exact=True).click()
    expect(page.locator("#tray")).to_contain_text("1 collected")
    page.get_by_role("link", name="Show on the map").click()
    expect(page.locator("#map")).to_be_visible()
    expect(page.locator("#peek")).to_contain_text("mixed2:1")


def test_it_leads_to_each_ones_own_page(page: Page, same: str) -> None:
    page.goto(f"{same}#mixed2:1")
    page.locator(".abreast-side figcaption a").nth(1).click()
    expect(page.locator(".noted").first).to_have_text("Called: <i>curves")
    assert page.url.endswith("/site/index.html#mixed2:1")
    page.go_back()
    expect(page.locator(".abreast-side")).to_have_count(2)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("activation_change > 2", set(made.CHANGED)),
        ("image_distance = 0 layer:mixed2", {f"mixed2:{n}" for n in (0, 2, 3, 4, 5)}),
        ("activation_before < 3 layer:mixed2", {"mixed2:0", "mixed2:1"}),
        ("nearest_kept < 0.9 mixed4:3", {"mixed4:3"}),
    ],
)
def test_what_differs_is_searched(page: Page, same: str, query: str, expected: set[str]) -> None:
    page.goto(same)
    page.locator("#query").fill(query)
    expect(page.locator("#problem")).to_have_text("")
    assert set(browsing.tiles(page)) == expected


def test_other_networks_stand_beside_what_is_nearest(page: Page, nearest: str) -> None:
    page.goto(nearest)
    expect(page.locator("#sides")).to_contain_text("Beside each unit of before the one that is")
    caption = page.locator("a.tile .name", has_text="mixed2:3 ~ block:3")
    expect(caption).to_have_text("mixed2:3 ~ block:3 ⇄")
    page.locator("#sides summary").click()
    expect(page.locator("#sides")).to_contain_text("no photographs in common")
    page.goto(f"{nearest}#mixed2:3")
    side = page.locator(".abreast-side").nth(1)
    expect(side).to_contain_text(
        re.compile(r"Nearest to mixed2:3, likeness 0\.9\d+; each is the other's nearest\.")
    )
    side.locator("figcaption a").click()
    expect(page.locator("h1#unit-heading")).to_have_text("block:3")


def test_served_it_leads_to_pages_that_take_notes(page: Page, served: str, folder: Path) -> None:
    page.goto(f"{served}#mixed2:2")
    link = page.locator(".abreast-side figcaption a").first
    assert not (link.get_attribute("href") or "").startswith(served)
    link.click()
    page.locator("#to-note").click()
    page.locator("#noting-note").fill("seen beside the other")
    page.locator("#save-note").click()
    expect(page.locator("#noting-said")).to_have_text("Saved in the atlas.")
    assert Atlas.open(folder / "before").notes == {"mixed2:2": "seen beside the other"}


@pytest.mark.parametrize("where", ["", "#mixed2:1", "#map", "#compare=mixed2:1,mixed4:3"])
@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1280, "light"), (1920, "dark")])
def test_it_bars_nobody(browser: Browser, same: str, where: str, width: int, scheme: str) -> None:
    page = browser.new_page(color_scheme=scheme, viewport={"width": width, "height": 800})
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(message.text))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto(f"{same}{where}")
    browsing.settled(page)
    browsing.check_bars_nobody(page)
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    assert wrong == []
    page.close()
