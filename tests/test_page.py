"""Tests of the page in a real browser: on file:// and on loopback, by mouse and by keyboard."""

import hashlib
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import atlases
import pytest
import sites
from browsing import check_bars_nobody, tiles
from loopback import running
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from pipeline.explore import index, notes
from pipeline.publish import serve, site
from pipeline.store.folder import LocalFolder
from pipeline.store.store import Store

pytestmark = pytest.mark.browser
FIRST_VIEW = 2_000_000
"""Bytes that the first view may take."""
MANY = 10_000


@pytest.fixture(scope="module")
def atlas(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An atlas folder with a page that shows everything a page can."""
    folder = tmp_path_factory.mktemp("page") / "atlas"
    sites.write(folder)
    return folder


@pytest.fixture(scope="module")
def served(atlas: Path) -> Iterator[str]:
    """Its page's address on loopback."""
    with running(serve.serve(LocalFolder(atlas), 0)) as port:
        yield f"http://127.0.0.1:{port}/"


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page of ten thousand units."""
    return sites.write_large(tmp_path_factory.mktemp("large") / "atlas", MANY).as_uri()


@pytest.fixture(params=["file", "loopback"])
def address(request: pytest.FixtureRequest, atlas: Path) -> str:
    if request.param == "file":
        return (atlas / "site/index.html").as_uri()
    return request.getfixturevalue("served")


def search(page: Page, text: str) -> list[str]:
    page.locator("#query").fill(text)
    return tiles(page)


def settled(page: Page) -> None:
    """Wait until a view is there and drawn: its pictures in sight, what is told of a unit."""
    page.wait_for_function(
        """() => [...document.images].every((image) => {
        const box = image.getBoundingClientRect();
        return image.complete || box.bottom <= 0 || box.top >= innerHeight;
        }) && document.querySelector("#unit[hidden], #unit details, #unit .self")"""
    )
    page.evaluate(
        "() => new Promise((on) => requestAnimationFrame(() => requestAnimationFrame(on)))"
    )


def at_rest(page: Page) -> bytes:
    """The map as it is drawn when it is drawn the same twice."""
    settled(page)
    before = page.locator("#canvas").screenshot()
    for _ in range(50):
        settled(page)
        now = page.locator("#canvas").screenshot()
        if now == before:
            return now
        before = now
    raise AssertionError("the map does not come to rest")


def in_sight(page: Page) -> int:
    """How many pictures in sight are drawn."""
    return page.evaluate(
        """() => [...document.querySelectorAll(".tile img")].filter((image) => {
        const box = image.getBoundingClientRect();
        return box.bottom > 0 && box.top < innerHeight && image.complete && image.naturalWidth;
        }).length"""
    )


def test_tiles_load(page: Page, address: str) -> None:
    page.goto(address)
    expect(page.locator("#count")).to_have_text("54 units")
    page.wait_for_function(
        """() => [...document.querySelectorAll(".tile img")].every((i) => i.naturalWidth > 0)"""
    )
    assert in_sight(page) >= 20
    assert tiles(page)[:3] == ["mixed2:0", "mixed2:0#1", "mixed2:1"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("mixed4:3", ["mixed4:3", "mixed4:3#1", "-mixed4:3", "-mixed4:3#1"]),
        ("mixed4:8-9#0", ["mixed4:8", "mixed4:9"]),
        ("-mixed4:1", ["-mixed4:1", "-mixed4:1#1"]),
        ("layer:mixed2 activation > 1005", ["mixed2:5#1"]),
        ('layer == "mixed2" and activation >= 1005', ["mixed2:4#1", "mixed2:5#1"]),
        ("activation:3..4 kind:channel layer:mixed2", ["mixed2:2", "mixed2:3"]),
        ("own_rank = 0", ["mixed2:0"]),
        ("explained > 0.7 mixed4:4#0", ["mixed4:4"]),
        ("explained > 0.9", []),
        ("class:dog", ["logits:0", "logits:0#1"]),
        ("class:dog or deepdream variant=0", ["deepdream:mixed2+mixed4", "logits:0", "logits:0#1"]),
        ("golden", ["logits:0", "logits:0#1"]),
        ("(mixed2:0 or mixed2:1) not variant > 0", ["mixed2:0", "mixed2:1"]),
        ("mixed4:0@1,1", ["mixed4:0@1,1", "mixed4:0@1,1#1"]),
        ("kind = neuron variant = 0 channel < 2", ["mixed4:0@1,1", "mixed4:1@1,1"]),
        ("nothing of the sort", []),
    ],
)
def test_search(page: Page, atlas: Path, query: str, expected: list[str]) -> None:
    page.goto((atlas / "site/index.html").as_uri())
    assert search(page, query) == expected
    expect(page.locator("#problem")).to_have_text("")


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("activaton > 5", "There is no column activaton; did you mean activation?"),
        ("activation > high", "activation > high: expected a number"),
        ("alive = perhaps", "alive = perhaps: expected true or false"),
        ("xyzzy_plugh = 3", "there are unit, kind, layer"),
    ],
)
def test_what_is_wrong_with_a_search_is_said(
    page: Page, atlas: Path, query: str, said: str
) -> None:
    page.goto((atlas / "site/index.html").as_uri())
    search(page, query)
    expect(page.locator("#problem")).to_contain_text(said)


def test_sort_and_filters(page: Page, address: str) -> None:
    page.goto(address)
    page.locator("#sort").select_option("activation")
    assert tiles(page)[0] == "mixed4:9#1"
    assert page.url.endswith("#?sort=-activation")
    page.locator("#descending").click()
    assert tiles(page)[0] == "mixed2:0"
    page.locator("#section").select_option("negative-mixed4")
    assert set(tiles(page)) == {f"-mixed4:{n}{v}" for n in range(4) for v in ("", "#1")}
    page.reload()
    assert len(tiles(page)) == 8
    page.go_back()
    expect(page.locator("#count")).to_have_text("54 units")


def test_what_pictures_keep_is_shown_sorted_and_searched(page: Page, address: str) -> None:
    page.goto(f"{address}#mixed4:9")
    row = page.locator("tr", has=page.get_by_role("rowheader", name="kept noise"))
    expect(row).to_contain_text("share of its gain left: noise of 16 levels on each pixel")
    expect(row).to_contain_text("0.125")
    expect(page.locator("dl.figures")).to_contain_text("kept0.5625")
    page.goto(f"{address}#?q=kept+>+0.5+mixed2:0-3")
    assert tiles(page) == [
        "mixed2:0#1",
        "mixed2:1#1",
        "mixed2:2",
        "mixed2:2#1",
        "mixed2:3",
        "mixed2:3#1",
    ]
    page.locator("#sort").select_option("kept_half")
    assert page.url.endswith("&sort=-kept_half")


def test_a_deep_link_opens_a_unit(page: Page, address: str) -> None:
    page.goto(f"{address}#mixed4:3")
    expect(page.locator("h1#unit-heading")).to_have_text("mixed4:3")
    expect(page.locator(".chart")).to_be_visible()
    article = page.locator("#unit")
    for heading in ("Trajectory", "Statistics", "Most alike", "Photographs", "Provenance"):
        expect(article.get_by_role("heading", name=heading)).to_be_visible()
    expect(article.locator("pre").first).to_contain_text("atlas render mixed4:3 --set")
    expect(article).to_contain_text("variant 1")
    expect(article).to_contain_text("negative direction")
    assert article.locator(".examples figure").count() == 15
    page.locator("summary").click()
    row = page.locator("details pre").evaluate("(pre) => JSON.parse(pre.textContent)")
    assert (row["unit"], row["activation"], len(row["nearest"])) == ("mixed4:3", 4, 10)
    article.locator(".minis a", has_text="mixed4:3#1").first.click()
    expect(page.locator("h1#unit-heading")).to_have_text("mixed4:3#1")
    page.go_back()
    expect(page.locator("h1#unit-heading")).to_have_text("mixed4:3")
    page.locator("#back").click()
    expect(page.locator("#gallery")).to_be_visible()


@pytest.mark.parametrize("where", ["mixed4:99", "%E0%A4%A", "mixed4:%", "<img src=x>:1"])
def test_a_link_that_leads_nowhere(page: Page, atlas: Path, where: str) -> None:
    page.goto(f"{(atlas / 'site/index.html').as_uri()}#{where}")
    expect(page.locator("main h1:visible, #gallery:visible").first).to_be_visible()


def test_the_film_plays(page: Page, address: str) -> None:
    page.goto(f"{address}#mixed4:3")
    page.locator("#film").click()
    expect(page.locator(".large img")).to_have_attribute("src", _of("films"))
    page.keyboard.press("f")
    expect(page.locator(".large img")).to_have_attribute("src", _of("images"))


def _of(folder: str) -> re.Pattern[str]:
    return re.compile(f"^{folder}/")


def test_the_map(page: Page, address: str) -> None:
    page.goto(f"{address}#map")
    assert page.locator("#layout option").all_text_contents() == [
        "channel order", "similarity", "activation", "two numbers"
    ]  # fmt: skip
    drawn = []
    for layout in ("channel", "similarity", "activation", "axes"):
        page.locator("#layout").select_option(layout)
        drawn.append(at_rest(page))
    assert len(set(drawn)) == 4
    page.locator("#layout").select_option("channel")
    page.locator("#canvas").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#spoken")).to_contain_text("activation")
    spoken = page.locator("#spoken").text_content() or ""
    page.locator("#zoom-in").click()
    page.wait_for_url("**at=**")
    page.locator("#canvas").focus()
    page.keyboard.press("Enter")
    expect(page.locator("h1#unit-heading")).to_have_text(spoken.split()[0].rstrip(","))
    page.keyboard.press("Escape")
    expect(page.locator("#canvas")).to_be_visible()
    assert "at=" in page.url


def test_a_click_on_the_map_opens_what_is_there(page: Page, atlas: Path) -> None:
    page.goto(f"{(atlas / 'site/index.html').as_uri()}#map?layout=similarity&at=0.5,0.5,100")
    canvas = page.locator("#canvas").bounding_box()
    assert canvas is not None
    middle = (canvas["x"] + canvas["width"] / 2, canvas["y"] + canvas["height"] / 2)
    page.mouse.move(*middle)
    expect(page.locator("#peek")).to_contain_text("mixed2:0")
    page.mouse.click(*middle)
    page.locator("#peek-open").click()
    expect(page.locator("h1#unit-heading")).to_have_text("mixed2:0")


def test_an_activation_atlas_is_laid_out_as_it_is(page: Page, tmp_path: Path) -> None:
    address = sites.write_laid_out(tmp_path / "atlas").as_uri()
    page.goto(f"{address}#map?layout=activations&at=1.5,2.5,100")
    canvas = page.locator("#canvas").bounding_box()
    assert canvas is not None
    across, down = canvas["x"] + canvas["width"] / 2, canvas["y"] + canvas["height"] / 2
    # A panel begins two cells down; its first row has one cell, its second three.
    for step, cell in ((-1, "1"), (0, "2"), (1, "3")):
        page.mouse.move(across + 100 * step, down + 100)
        expect(page.locator("#peek")).to_contain_text(f"mixed2@dir/cells:{cell}")
    page.mouse.move(across, down)
    expect(page.locator("#peek")).to_contain_text("mixed2@dir/cells:0")
    page.mouse.dblclick(across, down)
    expect(page.locator("article")).to_contain_text("from cells, for dog, most like mixed2:")
    page.goto(f"{address}#?q=class:dog")
    expect(page.locator("a.tile")).to_have_count(3)


def test_the_keyboard_alone_will_do(page: Page, address: str) -> None:
    page.goto(address)
    page.keyboard.press("/")
    page.keyboard.type("layer:mixed4 kind:channel variant=0")
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    first = page.locator("h1#unit-heading")
    expect(first).to_have_text("mixed4:1")
    page.keyboard.press("ArrowRight")
    expect(first).to_have_text("mixed4:2")
    page.keyboard.press("k")
    expect(first).to_have_text("mixed4:1")
    page.keyboard.press("c")
    expect(page.locator(".command .copy")).to_have_text("Copied")
    assert page.evaluate("() => navigator.clipboard.readText()").startswith("atlas render mixed4:1")
    page.keyboard.press("Escape")
    expect(page.locator("#gallery")).to_be_visible()
    focused = page.evaluate("() => document.activeElement.getAttribute('href')")
    assert focused == "#mixed4:1"
    page.keyboard.press("m")
    expect(page.locator("#canvas")).to_be_visible()
    page.keyboard.press("g")
    page.keyboard.press("?")
    expect(page.locator("#help")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#help")).to_be_hidden()
    page.keyboard.press("t")
    assert page.evaluate("() => document.documentElement.dataset.theme") == "dark"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    "where",
    [
        "", "map", "map?layout=axes&colour=activation&on=mixed4:3",
        "map?layout=similarity&colour=layer", "mixed4:3", "mixed4:3?view=circuit",
        "mixed2:0?view=circuit",
        "?q=activaton > 3", "?show=all&q=zzz",
    ],
)  # fmt: skip
def test_nothing_bars_anybody(browser: Browser, atlas: Path, scheme: str, where: str) -> None:
    with browser.new_context(color_scheme=scheme) as context:
        page = context.new_page()
        page.goto(f"{(atlas / 'site/index.html').as_uri()}#{where}")
        settled(page)
        check_bars_nobody(page)


def test_help_bars_nobody(page: Page, atlas: Path) -> None:
    page.goto((atlas / "site/index.html").as_uri())
    page.keyboard.press("?")
    check_bars_nobody(page)


@pytest.mark.parametrize("where", ["", "map", "mixed4:3", "mixed4:3?view=circuit"])
def test_a_phone_need_not_scroll_sideways(browser: Browser, atlas: Path, where: str) -> None:
    with browser.new_context(
        viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True
    ) as context:
        page = context.new_page()
        page.goto(f"{(atlas / 'site/index.html').as_uri()}#{where}")
        settled(page)
        assert page.evaluate("() => document.documentElement.scrollWidth") <= 360


def test_names_are_shown_as_they_are(page: Page, address: str) -> None:
    page.goto(f"{address}#logits:1")
    expect(page.locator(".lead")).to_contain_text("</script><script>harm()</script>")
    expect(page.locator(".examples figcaption .name").first).to_contain_text("0 </script><script>")
    page.keyboard.press("Escape")
    expect(page.locator("#list")).to_be_visible()
    assert page.evaluate("() => document.querySelectorAll('img[src=x]').length") == 0
    page.goto(f"{address}#?q=<img src=x onerror=alert(1)> zzz")
    expect(page.locator("#empty")).to_contain_text("<img src=x")


def test_ten_thousand_tiles_scroll(page: Page, large: str) -> None:
    page.goto(large)
    expect(page.locator("#count")).to_have_text("10,000 units")
    seen = page.evaluate(
        """async () => {
        const end = document.documentElement.scrollHeight - innerHeight;
        let [most, blank] = [0, 0];
        for (let step = 0; step <= 60; step += 1) {
            scrollTo(0, (end * step) / 60);
            await new Promise(requestAnimationFrame);
            most = Math.max(most, document.querySelectorAll(".tile").length);
            blank += !document.elementsFromPoint(90, 400).some((one) => one.closest(".tile-box"));
        }
        return { most, blank };
        }"""
    )
    assert seen["most"] < 400  # elements, of three screens
    assert seen["blank"] < 10  # between two tiles
    assert "wide:9999" in tiles(page)
    page.keyboard.press("/")
    page.keyboard.type("wide:5000")
    assert tiles(page) == ["wide:5000"]


def test_the_first_view_is_small(browser: Browser, served: str) -> None:
    """Sent, by the server's own count of bytes; the figures of a full atlas are in the README."""
    with browser.new_context(viewport={"width": 1280, "height": 800}) as context:
        page = context.new_page()
        sizes: list[int] = []
        page.on("response", lambda answer: sizes.append(int(answer.headers["content-length"])))
        page.goto(served, wait_until="networkidle")
        assert 0 < sum(sizes) < FIRST_VIEW


def test_a_growing_atlas_says_how_far_it_is(page: Page, tmp_path: Path) -> None:
    store = atlases.commit(sites.Store.create(tmp_path / "atlas", sites.provenance()), most=1)
    sites.site.write(store)
    page.clock.install()
    page.goto((tmp_path / "atlas/site/index.html").as_uri())
    expect(page.locator("#so-far")).to_have_text("21 of 54 units so far")
    expect(page.locator("#reload")).to_be_hidden()
    page.clock.run_for(20_000)
    expect(page.locator("#reload")).to_be_hidden()
    sites.site.write(atlases.commit(store))
    page.clock.run_for(20_000)
    expect(page.locator("#reload")).to_be_visible()
    page.locator("#reload").click()
    expect(page.locator("#count")).to_have_text("54 units")
    expect(page.locator("#news")).to_be_hidden()


def test_a_page_without_its_data_says_so(browser: Browser, atlas: Path, tmp_path: Path) -> None:
    shutil.copytree(atlas / "site", tmp_path / "site", ignore=shutil.ignore_patterns("data"))
    with browser.new_context() as context:
        page = context.new_page()
        page.goto((tmp_path / "site/index.html").as_uri())
        expect(page.locator("main")).to_contain_text("Copy the whole folder site/")


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page of six hundred units of one layer."""
    return sites.write_large(tmp_path_factory.mktemp("wide") / "atlas", 600).as_uri()


@pytest.fixture(scope="module")
def unnamed(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page of an atlas whose weights have no classifier, with a class in it."""
    store = Store.create(
        tmp_path_factory.mktemp("unnamed") / "atlas",
        atlases.provenance("mixed4:0-2", "logits:207"),
    )
    sites.site.write(atlases.commit(store))
    return (Path(str(store.folder)) / sites.site.NAME).as_uri()


TWO_FRAMES = "() => new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)))"
TYPED = "layer:mixed4 activation > 12"


@pytest.mark.parametrize("where", ["", "map", "mixed4:3", "mixed4:99", "?sort=-activation"])
def test_every_letter_arrives_in_the_search_box(page: Page, atlas: Path, where: str) -> None:
    address = (atlas / "site/index.html").as_uri()
    page.goto(f"{address}#{where}")
    page.keyboard.press("/")
    page.keyboard.type(TYPED)
    expect(page.locator("#query")).to_have_value(TYPED)
    expect(page.locator("#query")).to_be_focused()
    assert page.evaluate("() => document.documentElement.dataset.theme") is None
    page.keyboard.press("Escape")
    page.keyboard.type("mixed2:1")
    expect(page.locator("#query")).to_have_value("mixed2:1")
    if where.startswith("mixed4"):
        page.go_back()
        expect(page).to_have_url(f"{address}#{where}")
        page.keyboard.press("/")
        page.keyboard.press("Escape")
        page.keyboard.press("Escape")
        expect(page.locator("#gallery")).to_be_visible()


def test_the_search_box_is_emptied_on_a_units_page(page: Page, atlas: Path) -> None:
    page.goto(f"{(atlas / 'site/index.html').as_uri()}#?q=mixed4")
    page.locator("a.tile").first.click()
    expect(page.locator("h1#unit-heading")).to_be_focused()
    page.keyboard.press("/")
    page.keyboard.press("Escape")
    page.keyboard.type("tr")
    expect(page.locator("#query")).to_have_value("tr")


@pytest.mark.parametrize("where", ["map", "mixed4:3"])
def test_enter_in_the_search_box_leads_to_what_was_found(
    page: Page, atlas: Path, where: str
) -> None:
    page.goto(f"{(atlas / 'site/index.html').as_uri()}#?q=mixed2")
    page.goto(f"{(atlas / 'site/index.html').as_uri()}#{where}")
    page.keyboard.press("/")
    page.keyboard.type("mixed2")
    page.keyboard.press("Enter")
    expect(page.locator("#canvas" if where == "map" else "a.tile").first).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("h1#unit-heading")).to_have_text("mixed2:0")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("mixed4:03", ["mixed4:3", "mixed4:3#1", "-mixed4:3", "-mixed4:3#1"]),
        ("MIXED4:9", ["mixed4:9", "mixed4:9#1"]),
        ("mixed4/9", ["mixed4:9", "mixed4:9#1"]),
        ("mixed4:8,9#0", ["mixed4:8", "mixed4:9"]),
        ("mixed4:9-8#0", ["mixed4:8", "mixed4:9"]),
        ("mixed4:9#0, mixed2:5#0", ["mixed2:5", "mixed4:9"]),
        ("mixed4/9#0,MIXED2/5#0", ["mixed2:5", "mixed4:9"]),
        ("mixed4:0@center#0", ["mixed4:0@1,1"]),
        ("mixed4:0@1, 1", ["mixed4:0@1,1", "mixed4:0@1,1#1"]),
        ("DeepDream:Mixed2+mixed4#0", ["deepdream:mixed2+mixed4"]),
        ("layer:mixed2,mixed4 channel:4,5 own_rank<10", ["mixed2:4", "mixed2:4#1"]),
        ("LAYER: Mixed2 Activation: >= 1006", ["mixed2:5#1"]),
        ("layer:mixed2 activation: 1006", ["mixed2:5#1"]),
        ("layer:mixed2 activation ≥ 1006", ["mixed2:5#1"]),
        ("kind = neuron, channel < 2, variant = 0", ["mixed4:0@1,1", "mixed4:1@1,1"]),
    ],
)  # fmt: skip
def test_other_ways_to_say_it(page: Page, atlas: Path, query: str, expected: list[str]) -> None:
    page.goto((atlas / "site/index.html").as_uri())
    assert search(page, query) == expected
    expect(page.locator("#problem")).to_have_text("")


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("foo:bar", "There is no column or layer foo"),
        ("mixed5:3", "There is no column or layer mixed5; did you mean mixed2?"),
        ("layer:mixed5", "There is no layer mixed5; did you mean mixed2?"),
        ("mixed4:three", "mixed4:three: expected numbers, as in mixed4:0-63,100"),
        ("mixed4:3@left", "mixed4:3@left: expected a row and a column, as in @2,3, or @center"),
        ("(mixed2 or mixed4", "A bracket is not closed"),
        ("mixed2) mixed2", "A bracket closes nothing"),
        ("activation: > x", "activation > x: expected a number"),
        ("activation >", "activation >: expected a number"),
        ("not activation >", "activation >: expected a number"),
        ("activation:", "activation :: expected a number"),
        ("> 5", ">: expected a column before it"),
        ("activ", "activation is a column: expected a comparison"),
        ("layer = mixe", "layer = mixe: no unit has that; did you mean mixed2?"),
    ],
)
def test_what_is_wrong_or_half_typed_hides_nothing(
    page: Page, atlas: Path, query: str, said: str
) -> None:
    page.goto((atlas / "site/index.html").as_uri())
    assert search(page, query)
    expect(page.locator("#problem")).to_contain_text(said)


@pytest.mark.parametrize(
    "query",
    [
        "layer:mixed4 activation > 3 variant = 0", "activation:3..7", "kind != neuron",
        "mixed4:0@1,1", "mixed4:0@center#1", "deepdream:mixed2+mixed4",
    ],
)  # fmt: skip
def test_the_gallery_is_never_emptied_while_one_types(page: Page, atlas: Path, query: str) -> None:
    page.goto((atlas / "site/index.html").as_uri())
    page.keyboard.press("/")
    for letter in query:
        page.keyboard.type(letter)
        assert page.locator("a.tile").count(), page.locator("#query").input_value()


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("MIXED4:3", "mixed4:3"), ("mixed4/3", "mixed4:3"), ("mixed4:03", "mixed4:3"),
        ("mixed4:0@center", "mixed4:0@1,1"), ("-Mixed4:1#1", "-mixed4:1#1"),
        ("deepdream:MIXED2+mixed4", "deepdream:mixed2+mixed4"),
    ],
)  # fmt: skip
def test_an_address_in_other_words(page: Page, atlas: Path, where: str, expected: str) -> None:
    address = (atlas / "site/index.html").as_uri()
    page.goto(f"{address}#{where}")
    expect(page.locator("h1#unit-heading")).to_have_text(expected)
    expect(page).to_have_url(f"{address}#{expected}")


def test_an_address_of_several_units_is_a_search(page: Page, atlas: Path) -> None:
    page.goto(f"{(atlas / 'site/index.html').as_uri()}#mixed4:8,9#0")
    expect(page.locator("#count")).to_have_text("2 units")
    page.goto(f"{(atlas / 'site/index.html').as_uri()}#mixd4:8")
    expect(page.locator("#unit")).to_contain_text("did you mean mixed4?")


def test_one_found_unit_still_has_neighbours(page: Page, atlas: Path) -> None:
    page.goto((atlas / "site/index.html").as_uri())
    page.keyboard.press("/")
    page.keyboard.type("layer:mixed2 activation > 1005")
    page.keyboard.press("Enter")
    heading = page.locator("h1#unit-heading")
    expect(heading).to_have_text("mixed2:5#1")
    page.keyboard.press("ArrowLeft")
    expect(heading).to_have_text("mixed2:5")
    page.keyboard.press("ArrowRight")
    page.locator("#unit-next").click()
    expect(heading).to_have_text("mixed4:0")


def test_the_map_by_keyboard(page: Page, atlas: Path) -> None:
    page.goto((atlas / "site/index.html").as_uri())
    page.keyboard.press("m")
    expect(page.locator("#canvas")).to_be_focused()
    for _ in range(4):
        page.keyboard.press("+")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#spoken")).to_contain_text("activation")
    spoken = page.locator("#spoken").text_content() or ""
    page.keyboard.press("Enter")  # at once, before the address says where the map is
    expect(page.locator("h1#unit-heading")).to_have_text(spoken.split()[0].rstrip(","))
    page.keyboard.press("Escape")
    expect(page.locator("#canvas")).to_be_focused()
    assert "at=" in page.url
    expect(page.locator("#spoken")).to_have_text(spoken)
    place = page.url
    page.keyboard.press("0")
    expect(page).not_to_have_url(place)
    page.locator("#to-map").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#canvas")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("h1#unit-heading")).to_be_visible()
    page.go_back()
    expect(page.locator("#canvas")).to_be_focused()


@pytest.mark.parametrize("way", ["Escape", "link", "browser"])
def test_back_from_a_unit_leaves_the_gallery_where_it_was(page: Page, wide: str, way: str) -> None:
    page.goto(wide)
    expect(page.locator("#count")).to_have_text("600 units")
    page.evaluate("() => scrollTo(0, 3000)")
    for _ in range(3):
        page.wait_for_function("() => document.elementFromPoint(90, 400)?.closest('a.tile')")
        page.mouse.click(90, 400)
        expect(page.locator("h1#unit-heading")).to_be_visible()
        if way == "Escape":
            page.keyboard.press("Escape")
        elif way == "link":
            page.locator("#back").click()
        else:
            page.go_back()
        expect(page.locator("#gallery")).to_be_visible()
        page.evaluate(TWO_FRAMES)
        assert page.evaluate("() => scrollY") == 3000
    page.mouse.click(90, 400)
    expect(page.locator("h1#unit-heading")).to_be_visible()
    opened = page.locator("h1#unit-heading").inner_text()
    page.locator("#unit-next").click()
    expect(page.locator("h1#unit-heading")).not_to_have_text(opened)
    page.keyboard.press("Escape")
    expect(page.locator("#gallery")).to_be_visible()
    page.evaluate(TWO_FRAMES)
    assert page.evaluate("() => scrollY") == 3000


def test_what_is_advertised_is_found(page: Page, atlas: Path, unnamed: str) -> None:
    for address, has_classes in (((atlas / "site/index.html").as_uri(), True), (unnamed, False)):
        page.goto(address)
        page.click("#ask")
        searches = page.locator(".searches button").all_text_contents()
        hint = page.locator("#query").get_attribute("placeholder") or ""
        page.keyboard.press("Escape")
        assert len(searches) > 3
        assert ("class:dog" in searches, hint.endswith("dog")) == (has_classes, has_classes)
        for text in (*searches, *hint.split("   ")):
            assert search(page, text), text
            expect(page.locator("#problem")).to_have_text("")


def test_an_unavailable_unit_says_so(page: Page, unnamed: str) -> None:
    page.goto(unnamed)
    search(page, "dog")
    expect(page.locator("#empty")).to_contain_text("these weights have no classifier")
    search(page, "logits:207")
    expect(page.locator("#empty")).to_contain_text("1 unit; show “all”")
    page.goto(f"{unnamed}#logits:207")
    expect(page.locator(".lead")).to_have_text("Class 207, before the softmax, unavailable")
    expect(page.locator(".large")).to_contain_text("these weights have no classifier")
    expect(page.locator(".command")).to_have_count(0)


def test_the_gallery_prints_what_was_found(page: Page, wide: str, atlas: Path) -> None:
    page.goto(wide)
    expect(page.locator("#count")).to_have_text("600 units")
    pages = len(re.findall(rb"/Type\s*/Page\b", page.pdf(format="A4")))
    assert pages == 13  # 500 tiles, six a line, seven lines a page at most
    page.emulate_media(media="print")
    page.evaluate("() => dispatchEvent(new Event('beforeprint'))")
    assert tiles(page)[:500] == [f"wide:{number}" for number in range(500)]
    left = "() => getComputedStyle(document.querySelector('#gallery'), '::after').content"
    assert page.evaluate(left) == '"and 100 units more"'
    page.evaluate("() => dispatchEvent(new Event('afterprint'))")
    page.goto((atlas / "site/index.html").as_uri())
    assert len(re.findall(rb"/Type\s*/Page\b", page.pdf(format="A4"))) == 3


@pytest.mark.parametrize("where", ["", "map", "mixed4:3"])
def test_paper_shows_no_navigation(page: Page, atlas: Path, where: str) -> None:
    page.goto(f"{(atlas / 'site/index.html').as_uri()}#{where}")
    page.emulate_media(media="print", color_scheme="dark")
    for away in ("#skip", "#search", ".views", "#theme", "#ask", ".crumbs", ".copy", ".zoom"):
        for part in page.locator(away).all():
            expect(part).to_be_hidden()
    expect(page.locator(".bar")).to_have_css("position", "static")
    expect(page.locator("body")).to_have_css("background-color", "rgb(255, 255, 255)")


def test_headings_stand_before_their_tiles(page: Page, atlas: Path) -> None:
    page.goto(f"{(atlas / 'site/index.html').as_uri()}")
    headings = page.locator("#gallery").get_by_role("heading", level=2)
    expect(headings.first).to_have_text("mixed2 · channels 12")
    page.keyboard.press("End")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("End")
    expect(page.locator("a.tile").last).to_be_focused()
    seen = page.evaluate(
        """() => [...document.querySelector("#gallery").children]
        .map((part) => part.querySelector("h2") ? "" : part.querySelector("a").dataset.place)"""
    )
    places = [int(place) for place in seen if place]
    assert places == sorted(places)
    assert seen[0] == seen[seen.index("12") - 1] == ""


def test_a_link_says_its_name_once(page: Page, atlas: Path) -> None:
    page.goto((atlas / "site/index.html").as_uri())
    expect(page.get_by_role("link", name="mixed2:0 1", exact=True)).to_be_visible()
    expect(page.locator("a.tile img").first).to_have_attribute("alt", "")


def test_a_phone_shows_ranks_headings_and_names(browser: Browser, atlas: Path) -> None:
    with browser.new_context(viewport={"width": 360, "height": 740}, is_mobile=True) as context:
        page = context.new_page()
        page.goto(f"{(atlas / 'site/index.html').as_uri()}#mixed4:3")
        region = page.locator(".scrolls")
        expect(region).to_be_visible()
        assert region.evaluate("(box) => box.scrollWidth <= box.clientWidth")
        end = page.locator(".examples .name span:last-child").first
        expect(end).to_be_visible()
        assert end.evaluate("(one) => one.scrollWidth <= one.parentElement.clientWidth")
        page.goto(f"{(atlas / 'site/index.html').as_uri()}#?section=negative-mixed4")
        heading = page.locator(".group h2")
        expect(heading).to_be_visible()
        assert heading.evaluate("(one) => one.scrollWidth <= one.clientWidth")


def test_a_short_name_of_a_picture_is_whole(page: Page, atlas: Path) -> None:
    page.goto(f"{(atlas / 'site/index.html').as_uri()}#mixed4:3")
    caption = page.locator(".examples figcaption").nth(1)  # without a label
    expect(caption).to_be_visible()
    width = caption.evaluate(
        """(box) => {
            const [start, end] = box.firstChild.children;
            const texts = ["0", "02_18.png", "0.9997"];
            [start, end, box.lastChild].forEach((each, at) => { each.textContent = texts[at]; });
            return start.clientWidth - start.scrollWidth;
        }"""
    )
    assert width >= 0


CONTRAST = """([one, name]) => {
    const light = (text) => {
        const pen = new OffscreenCanvas(1, 1).getContext("2d");
        pen.fillStyle = text;
        pen.fillRect(0, 0, 1, 1);
        const [r, g, b] = [...pen.getImageData(0, 0, 1, 1).data].map((n) => n / 255)
            .map((n) => (n <= 0.04045 ? n / 12.92 : ((n + 0.055) / 1.055) ** 2.4));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const ground = light(getComputedStyle(document.body).backgroundColor);
    const drawn = light(getComputedStyle(document.querySelector(one))[name]);
    return (Math.max(ground, drawn) + 0.05) / (Math.min(ground, drawn) + 0.05);
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_borders_and_bars_are_seen(browser: Browser, atlas: Path, scheme: str) -> None:
    with browser.new_context(color_scheme=scheme) as context:
        page = context.new_page()
        page.goto(f"{(atlas / 'site/index.html').as_uri()}#mixed4:3")
        expect(page.locator(".spread").first).to_be_visible()
        bordered = ["#query", "#theme", ".views", "#sort", "kbd", "pre", ".figures div", "#help"]
        looks = [(one, "borderTopColor") for one in bordered] + [(".spread rect", "fill")]
        assert {one: page.evaluate(CONTRAST, [one, name]) for one, name in looks} == {
            one: pytest.approx(9, abs=6) for one, _ in looks
        }


def test_the_saved_picture_is_what_its_digest_says(page: Page, served: str) -> None:
    page.goto(f"{served}#mixed4:3")
    said = page.locator(".facts div", has_text="image SHA-256").locator("dd").text_content()
    with page.expect_download() as saving:
        page.get_by_text("Save the picture").click()
    assert saving.value.suggested_filename == "mixed4_3.png"
    with Image.open(saving.value.path()) as saved:
        assert hashlib.sha256(saved.convert("RGB").tobytes()).hexdigest() == said


@pytest.fixture(scope="module")
def alike(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page of an atlas in which nothing excites anything: all is 0 everywhere."""
    folder = tmp_path_factory.mktemp("alike") / "atlas"
    store = atlases.commit(Store.create(folder, sites.provenance()))
    frame = index.of(store)
    done = frame["status"] == "done"
    site.write(store, frame.assign(activation=frame["activation"] * 0, alive=done & False))
    return (folder / site.NAME).as_uri()


def figures_of(page: Page) -> dict[str, str]:
    """The key figures of the unit that is open, by name, and its ranks by statistic."""
    return page.evaluate(
        """() => Object.fromEntries([
        ...[...document.querySelectorAll(".figures div")].map((one) =>
            [one.querySelector("dt").textContent, one.querySelector("dd").textContent]),
        ...[...document.querySelectorAll("#unit tbody tr")].map((one) =>
            [one.cells[0].firstChild.textContent + " ranks", one.cells[3].textContent]),
        ])"""
    )


@pytest.mark.parametrize(
    ("unit", "rank", "activation", "own_rank", "image"),
    [
        ("mixed4:9#1", "1 of 20", "highest", "last", "What excites mixed4:9#1"),
        (
            "mixed2:0",
            "12 of 12",
            "lowest",
            "best",
            "The image of mixed2:0, which does not excite mixed2:0",
        ),
        ("-mixed4:0", "1 of 8", "best", "best", "What lowers mixed4:0"),
        (
            "-mixed4:3#1",
            "8 of 8",
            "last",
            "last",
            "The image of -mixed4:3#1, which does not lower mixed4:3#1",
        ),
        (
            "logits:0",
            "6 of 6",
            "lowest",
            "best",
            "The image of logits:0, which does not excite logits:0",
        ),
    ],
)
def test_what_is_best_is_said_of_either_direction(
    page: Page, atlas: Path, unit: str, rank: str, activation: str, own_rank: str, image: str
) -> None:
    page.goto(f"{(atlas / 'site/index.html').as_uri()}#{unit}")
    found = figures_of(page)
    assert found["rank in its section"] == rank
    assert (found["activation ranks"], found["own rank ranks"]) == (activation, own_rank)
    assert page.locator(".large img").get_attribute("alt").startswith(f"{image}: ")


def test_a_negative_units_words_turn(page: Page, atlas: Path) -> None:
    page.goto(f"{(atlas / 'site/index.html').as_uri()}#-mixed4:1")
    article = page.locator("#unit")
    expect(article).to_contain_text("that its image lowers more; 0 is best")
    expect(article).to_contain_text(
        "The builder's pictures that excite it least, cut about its channel"
    )
    texts = article.locator(".part", has_text="Variants and relatives").locator("a")
    said = {link.inner_text().replace("\n", " ") for link in texts.all()}
    assert said == {
        "mixed4:1 positive direction", "mixed4:1#1 positive direction, variant 1",
        "-mixed4:1#1 variant 1", "mixed4:1@1,1 neuron at 1,1, positive direction",
        "mixed4:1@1,1#1 neuron at 1,1, positive direction, variant 1",
    }  # fmt: skip


@pytest.mark.parametrize("unit", ["mixed4:3", "-mixed4:3", "mixed4:1@1,1", "logits:0"])
def test_what_is_all_alike_has_no_rank(page: Page, alike: str, unit: str) -> None:
    page.goto(f"{alike}#{unit}")
    found = figures_of(page)
    assert re.fullmatch(r"none, all \d+ are alike", found["rank in its section"])
    assert found["activation ranks"] == "all alike"
    said = page.locator(".large img").get_attribute("alt")
    assert said.startswith(f"The image of {unit}, which does not ")


# Circuits ---------------------------------------------------------------------------------------

SOURCES = [
    ("mixed2:4", "30 %", "up"), ("mixed2:3", "20 %", "up"), ("mixed2:5", "20 %", "up"),
    ("mixed2:2", "10 %", "up"), ("mixed2:0", "\u221210 %", "down"),
]  # fmt: skip
"""What `atlases.trace` says of `mixed4:4`: id, share, and how its bar looks."""
SEEN = """() => {
    const canvas = document.querySelector(".large canvas");
    if (canvas.hidden) return null;
    const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d");
    copy.drawImage(canvas, 0, 0);
    const { data } = copy.getImageData(0, 0, canvas.width, canvas.height);
    const look = (x, y) => {
        let [dark, blue] = [0, 0];
        for (let step = 0; step < 144; step += 1) {
            const column = Math.floor(x * canvas.width) + (step % 12) - 6;
            const row = Math.floor(y * canvas.height) + Math.floor(step / 12) - 6;
            const at = 4 * (row * canvas.width + column);
            if (data[at + 2] > 200) blue += 1 / 144;
            else dark += data[at + 3] / 255 / 144;
        }
        return blue > 0.2 ? "striped" : dark < 0.2 ? "bright" : dark > 0.6 ? "dark" : "between";
    };
    return [1, 3, 5, 7].map((row) => `${look(0.3, row / 8)} ${look(0.9, row / 8)}`);
}"""
"""How the left and the right of each quarter of a unit's picture look."""


def edges(page: Page, where: str) -> list[tuple[str, ...]]:
    """The tiles of edges: id, share, and how their bars look."""
    page.locator(where).first.wait_for()
    return page.evaluate(
        """(where) => [...document.querySelectorAll(where)].map((tile) => [
        tile.querySelector(".name").textContent, tile.querySelector(".muted").textContent,
        tile.querySelector(".bar-of span").className])""",
        where,
    )


def test_a_unit_leads_to_what_it_is_built_from_and_feeds(page: Page, address: str) -> None:
    page.goto(f"{address}#mixed4:4")
    assert list(map(tuple, edges(page, "#built-from .edge"))) == SOURCES
    expect(page.locator("#built-from")).to_contain_text("Channels of mixed2")
    expect(page.locator("#built-from .explained")).to_have_text(
        "Without the 4 that excite it, 80 % of its activation is gone; "
        "without ten drawn at random, 5 %."
    )
    expect(page.locator("#feeds a.edge").first).to_have_attribute("href", "#logits:2")
    page.locator("#built-from a", has_text="mixed2:5").click()
    expect(page.locator("h1#unit-heading")).to_have_text("mixed2:5")
    assert len(edges(page, "#feeds .edge")) == 10
    expect(page.locator("#built-from")).to_have_count(0)
    page.locator("#feeds a.edge").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator("h1#unit-heading")).to_have_text("mixed4:5")


def test_bars_are_of_one_scale(page: Page, atlas: Path) -> None:
    page.goto(f"{(atlas / 'site/index.html').as_uri()}#mixed4:4")
    edges(page, "#built-from .edge")
    bars = page.evaluate(
        """() => [...document.querySelectorAll("#built-from .bar-of > :first-child")]
        .map((bar) => [bar.style.left, bar.style.width].map(parseFloat))"""
    )
    assert [width for _, width in bars] == pytest.approx(
        [abs(float(share.rstrip(" %").replace("\u2212", "-"))) / 0.4 for _, share, _ in SOURCES],
        abs=0.1,
    )
    assert [left for left, _ in bars[:4]] == pytest.approx([10 / 0.4] * 4, abs=0.1)
    assert bars[4][0] == 0


def test_more_layers_are_counted(page: Page, atlas: Path) -> None:
    page.goto(f"{(atlas / 'site/index.html').as_uri()}#logits:0")
    said = page.locator("#built-from p").first
    expect(said).to_contain_text("Channels of mixed4, and how much of its score goes without each.")
    expect(said).to_contain_text("It was traced to mixed2 (5), too.")


@pytest.mark.parametrize("way", ["mouse", "keyboard"])
@pytest.mark.parametrize("where", ["mixed4:4", "mixed4:4?view=circuit"])
def test_a_source_shows_where_it_acts(page: Page, atlas: Path, where: str, way: str) -> None:
    page.goto(f"{(atlas / 'site/index.html').as_uri()}#{where}")
    tiles = page.locator("#built-from .edge, .from .node")
    tiles.first.wait_for()
    says = page.locator(".says")
    expect(says).to_contain_text("Point at what it is built from")
    assert page.evaluate(SEEN) is None
    expected = [
        (1, "mixed2:3", ["dark dark", "dark dark", "dark dark", "bright striped"]),
        (0, "mixed2:4", ["bright striped", "dark dark", "dark dark", "dark dark"]),
        (4, "mixed2:0", ["striped bright", "dark dark", "dark dark", "dark dark"]),
    ]
    page.locator("#back").focus()
    page.keyboard.press("Tab")
    for place, source, seen in expected:
        if way == "mouse":
            tiles.nth(place).hover()
        else:
            tiles.nth(place).focus()
        expect(says).to_contain_text(f"Where {source} acts: bright where it excites, striped")
        assert page.evaluate(SEEN) == seen
    page.mouse.move(5, 5)
    page.locator("#back").focus()
    expect(says).to_contain_text("Point at")
    assert page.evaluate(SEEN) is None


def test_a_tap_shows_where_a_source_acts(browser: Browser, atlas: Path) -> None:
    address = (atlas / "site/index.html").as_uri()
    with browser.new_context(
        viewport={"width": 390, "height": 740}, has_touch=True, is_mobile=True
    ) as context:
        page = context.new_page()
        page.goto(f"{address}#mixed4:4")
        tile = page.locator("#built-from .edge").nth(2)
        for is_shown in (True, False, True):
            tile.tap()
            expect(page.locator(".acting")).to_have_count(int(is_shown))
            expect(page.locator(".sight")).to_have_count(int(is_shown))  # the picture is far above
        expect(page).to_have_url(f"{address}#mixed4:4")
        page.locator(".sight button").tap()
        expect(page.locator(".sight")).to_have_count(0)
        tile.tap()
        page.locator(".sight a", has_text="Go to mixed2:5").tap()
        expect(page.locator("h1#unit-heading")).to_have_text("mixed2:5")
        expect(page.locator(".sight")).to_have_count(0)


def test_a_circuit_by_keyboard(page: Page, address: str) -> None:
    page.goto(f"{address}#mixed4:4")
    heading = page.locator("h1#unit-heading")
    edges(page, "#built-from .edge")
    page.keyboard.press("b")
    expect(heading).to_have_text("Circuit of mixed4:4")
    expect(page).to_have_url(f"{address}#mixed4:4?view=circuit")
    page.reload()
    assert list(map(tuple, edges(page, ".from .node"))) == SOURCES
    focused = page.locator(":focus .name")
    for key, name in [
        ("ArrowLeft", "mixed2:2"), ("ArrowUp", "mixed2:5"), ("ArrowUp", "mixed2:3"),
        ("ArrowDown", "mixed2:5"), ("ArrowDown", "mixed2:2"), ("ArrowDown", "mixed2:0"),
    ]:  # fmt: skip
        page.keyboard.press(key)
        expect(focused).to_have_text(name)
    page.keyboard.press("ArrowRight")
    expect(page.locator(".centre")).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".to .node:focus")).to_have_count(1)
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    expect(heading).to_have_text("Circuit of mixed2:2")
    expect(page.locator(".from")).to_contain_text("no earlier layer of this atlas acts on it")
    page.keyboard.press("Escape")
    expect(heading).to_have_text("mixed2:2")
    expect(page).to_have_url(f"{address}#mixed2:2")
    page.keyboard.press("b")
    expect(page.locator(".to .node").first).to_be_visible()
    page.keyboard.press("j")
    expect(page).to_have_url(f"{address}#mixed2:2#1?view=circuit")
    page.keyboard.press("b")
    expect(page).to_have_url(f"{address}#mixed2:2#1")
    expect(heading).to_have_text("mixed2:2#1")
    page.keyboard.press("Escape")
    expect(page.locator("#gallery")).to_be_visible()
    assert "view" not in page.url


def test_lines_are_as_wide_as_shares(page: Page, atlas: Path) -> None:
    page.goto(f"{(atlas / 'site/index.html').as_uri()}#mixed4:4?view=circuit")
    edges(page, ".from .node")
    lines = page.evaluate(
        """() => [...document.querySelectorAll(".wires path")].map((line) => [
        parseFloat(line.getAttribute("stroke-width")),
        getComputedStyle(line).strokeDasharray !== "none",
        line.getBoundingClientRect().width > 20])"""
    )
    widths, dashed, long = zip(*lines, strict=True)
    assert [width / widths[0] for width in widths[:5]] == pytest.approx(
        [1, 2 / 3, 2 / 3, 1 / 3, 1 / 3], abs=0.01
    )
    assert dashed[:5] == (False,) * 4 + (True,)
    assert all(long)


@pytest.mark.parametrize("width", [390, 768, 1280, 1920])
def test_a_circuit_fits_its_screen(browser: Browser, atlas: Path, width: int) -> None:
    with browser.new_context(viewport={"width": width, "height": 1000}) as context:
        page = context.new_page()
        page.goto(f"{(atlas / 'site/index.html').as_uri()}#mixed4:4?view=circuit")
        edges(page, ".from .node")
        boxes = [page.locator(f".circuit .{one}").bounding_box() for one in ("from", "self", "to")]
        starts = [(box["x"], box["y"]) for box in boxes if box]
        assert sorted(starts, key=lambda at: at[int(width == 390)]) == starts
        assert len({at[int(width != 390)] for at in starts}) == 1 or width == 390
        assert all(box["x"] + box["width"] <= width for box in boxes if box)
        assert page.locator(".circuit").evaluate("(one) => one.scrollWidth - one.clientWidth") <= 0
        expect(page.locator(".wires")).to_be_visible(visible=width != 390)


def test_signs_are_told_apart_without_colours(browser: Browser, atlas: Path) -> None:
    with browser.new_context(forced_colors="active", reduced_motion="reduce") as context:
        page = context.new_page()
        page.goto(f"{(atlas / 'site/index.html').as_uri()}#mixed4:4")
        edges(page, "#built-from .edge")
        fills = [
            page.locator(f"#built-from .{one}").first.evaluate(
                "(bar) => getComputedStyle(bar).backgroundColor"
            )
            for one in ("up", "down")
        ]
        assert len(set(fills)) == 2
        page.locator("#built-from .edge").first.hover()
        assert page.evaluate(SEEN)[0] == "bright striped"


@pytest.mark.parametrize(
    ("where", "chosen", "other"),
    [
        ("", ".views [aria-current]", ".views a:not([aria-current])"),
        ("#mixed4:4", '.looks [aria-pressed="true"]', '.looks [aria-pressed="false"]'),
        ("", '.pick[aria-pressed="true"]', '.pick[aria-pressed="false"]'),
    ],
)
def test_what_is_chosen_is_told_without_colours(
    browser: Browser, atlas: Path, where: str, chosen: str, other: str
) -> None:
    with browser.new_context(forced_colors="active") as context:
        page = context.new_page()
        page.goto(f"{(atlas / 'site/index.html').as_uri()}{where}")
        page.wait_for_selector(".looks" if where else ".tile")
        if not where:
            page.locator(".tile").first.focus()
        page.keyboard.press("x")
        fill = "(one) => getComputedStyle(one).backgroundColor"
        highlight = page.evaluate("""() => {
            const mark = document.createElement("mark");
            mark.style.background = "Highlight";
            document.body.append(mark);
            return getComputedStyle(mark).backgroundColor;
        }""")
        assert page.locator(chosen).first.evaluate(fill) == highlight
        # Else text has a plate of the ground's colour under it.
        adjusted = "(one) => getComputedStyle(one).forcedColorAdjust"
        assert page.locator(chosen).first.evaluate(adjusted) == "none"
        assert page.locator(other).first.evaluate(fill) != highlight


def test_sources_that_are_not_in_the_atlas(page: Page, tmp_path: Path) -> None:
    store = Store.create(tmp_path / "atlas", atlases.provenance("mixed4:4", "mixed2:3"))
    atlases.trace(atlases.commit(store))
    site.write(store)
    address = (tmp_path / "atlas" / site.NAME).as_uri()
    page.goto(f"{address}#mixed4:4")
    assert [name for name, *_ in edges(page, "#built-from .edge")] == [s[0] for s in SOURCES]
    assert page.locator("#built-from a.edge .name").all_text_contents() == ["mixed2:3"]
    absent = page.locator("#built-from button.edge").first
    expect(absent.locator("img")).to_have_count(0)
    absent.focus()
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{address}#mixed4:4")


def test_an_atlas_without_circuits_has_none(page: Page, wide: str) -> None:
    page.goto(f"{wide}#wide:3")
    settled(page)
    for part in ("#built-from", "#feeds", "#to-circuit", ".acts"):
        expect(page.locator(part)).to_have_count(0)
    page.goto(f"{wide}#wide:3?view=circuit")
    expect(page.locator(".circuit")).to_contain_text("This atlas has no circuits. Where it has")


@pytest.fixture(scope="module")
def called(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page of an atlas with names and notes."""
    return sites.write_called(tmp_path_factory.mktemp("called") / "atlas").as_uri()


def test_names_and_notes(page: Page, called: str) -> None:
    page.goto(f"{called}#mixed2:3")
    article = page.locator("#unit")
    expect(article.get_by_role("heading", name="Name", exact=True)).to_be_visible()
    expect(article).to_contain_text("AUROC 1.000, 95 % interval 1.000 to 1.000; 8 pictures")
    note = notes.line(f"Note: curves {sites.HARM}")
    expect(article.locator(".noted")).to_have_text(note)
    expect(article.locator(".lead")).to_contain_text(", called tabby </script>")
    page.goto(f"{called}#-mixed2:0")
    expect(article).to_contain_text(
        "No name: no label of the builder's pictures stands above chance."
    )
    expect(article.locator(".noted")).to_have_count(0)
    page.goto(f"{called}#")
    everything = {f"mixed2:{number}" for number in range(6)}
    assert set(search(page, 'name:"tabby"')) == everything
    assert search(page, "note:WHISKERS") == ["-mixed2:1"]
    assert search(page, "curves") == ["mixed2:3"]
    assert set(search(page, "name_auroc >= 1")) == everything
    page.locator("#query").fill("")
    page.locator("#sort").select_option("name")
    expect(page.locator("a.tile .name").first).to_contain_text("tabby")


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page of an atlas whose pictures were tried on photographs."""
    return sites.write_tried(tmp_path_factory.mktemp("tried") / "atlas").as_uri()


def test_a_picture_that_does_not_tell_is_marked(page: Page, tried: str) -> None:
    page.goto(f"{tried}#mixed4:7")
    article = page.locator("#unit")
    doubt = article.locator(".doubt")
    expect(doubt).to_contain_text("? This picture did not tell which of the builder's photographs")
    expect(doubt).to_contain_text("by the eyes of Another </script>")
    expect(article.get_by_role("heading", name="On the builder's photographs")).to_be_visible()
    expect(article).to_contain_text("? The picture did not tell what excites the unit")
    expect(article.locator(".facts")).to_contain_text("judge of pictures")
    page.goto(f"{tried}#mixed4:3")
    expect(article.locator(".doubt")).to_have_count(0)
    expect(article).to_contain_text("The picture tells what excites the unit. Of two crops")
    expect(article.locator(".figures")).to_contain_text("prediction")
    page.goto(f"{tried}#")
    assert "mixed4:7" in search(page, "tells = false")
    assert "mixed4:3" in search(page, "tells = true prediction > 0.8")
    page.locator("#query").fill("mixed4:7")
    expect(page.locator("a.tile .caption .muted").first).to_contain_text("? ")
    page.locator("#query").fill("")
    page.locator("#sort").select_option("prediction")
    expect(page.locator("a.tile .caption .muted").first).not_to_contain_text("?")
