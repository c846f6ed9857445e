"""What the page does at first does not grow with the units: what it makes, reads and loads."""

import base64
from pathlib import Path
from typing import Any

import browsing
import numpy as np
import pytest
import sites
from playwright.sync_api import Page

pytestmark = pytest.mark.browser
ROOT = Path(__file__).parents[1]
FEW, MANY = 600, 6000
COUNTING = """(() => {
    globalThis.texts = [];
    const [parse, bytes] = [JSON.parse, atob];
    JSON.parse = (text, ...more) => { texts.push(text.length); return parse(text, ...more); };
    globalThis.atob = (text) => { texts.push(text.length); return bytes(text); };
})()"""


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    folder = tmp_path_factory.mktemp("scale")
    return {n: sites.write_large(folder / str(n), n, n // 6, measured=True) for n in (FEW, MANY)}


@pytest.fixture
def asked(page: Page) -> list[str]:
    """What was loaded, less the page's own parts."""
    names: list[str] = []
    page.add_init_script(COUNTING)
    page.on("request", lambda one: names.append(one.url.rpartition("/site/")[2]))
    return names


def opened(page: Page, at: Path, where: str = "") -> None:
    page.goto(f"{at.as_uri()}{where}")
    page.wait_for_selector("#map:not([hidden])" if where else ".tile")
    browsing.settled(page)


def counted(page: Page) -> dict[str, Any]:
    return {
        "elements": page.evaluate("document.querySelectorAll('*').length"),
        "columns read": page.evaluate("texts.length"),
    }


def test_the_first_view_of_many_is_that_of_few(
    page: Page, pages: dict[int, Path], asked: list[str]
) -> None:
    found = {}
    for size, at in pages.items():
        asked.clear()
        opened(page, at)
        kinds = [name.partition("/")[0] for name in asked]
        found[size] = counted(page) | {kind: kinds.count(kind) for kind in ("data", "thumbs")}
    assert found[MANY] == found[FEW]
    assert 0 < found[MANY]["thumbs"] < 200
    assert found[MANY]["columns read"] <= 12  # of some fifty


def test_a_search_reads_what_it_asks_for(page: Page, pages: dict[int, Path]) -> None:
    page.add_init_script(COUNTING)
    opened(page, pages[MANY])
    before = page.evaluate("texts.length")
    page.fill("#query", "sparsity > 0.5")
    page.wait_for_function("!document.querySelector('#count').textContent.startsWith('6,000')")
    assert page.evaluate("texts.length") == before + 1
    assert 0 < int(page.inner_text("#count").split()[0].replace(",", "")) < MANY
    page.fill("#query", "sparsity > 0.5 sparsity < 0.2")
    page.wait_for_function("document.querySelector('#count').textContent.startsWith('0 ')")
    assert page.evaluate("texts.length") == before + 1  # kept


def test_a_map_of_many_is_drawn_in_colours_until_it_is_looked_into(
    page: Page, pages: dict[int, Path], asked: list[str]
) -> None:
    opened(page, pages[MANY], "#map")
    page.wait_for_function(
        """() => {
        const canvas = document.querySelector('#canvas');
        const { data } = canvas.getContext('2d').getImageData(
            canvas.width / 2, canvas.height / 2, 40, 40);
        return new Set(Array.from({ length: 1600 }, (_, n) => data.slice(4 * n, 4 * n + 3).join()))
            .size > 5;
        }"""
    )
    assert [name for name in asked if name.startswith(("sheets/", "thumbs/"))] == []
    with page.expect_request(lambda one: "/sheets/" in one.url):
        for _ in range(4):
            page.click("#zoom-in")


def test_few_are_pictures_on_the_map_at_once(
    page: Page, pages: dict[int, Path], asked: list[str]
) -> None:
    opened(page, pages[FEW], "#map")
    while len({name for name in asked if name.startswith("sheets/")}) < 6:  # as many batches
        page.wait_for_event("request", timeout=10_000)


def test_numbers_of_32_bits_have_their_fewest_digits(page: Page) -> None:
    draw = np.random.default_rng(0)
    any_bits = draw.integers(0, 2**32, 3000, np.uint32).view(np.float32)
    usual = np.ldexp(draw.random(3000, np.float32), draw.integers(-12, 22, 3000))
    ends = [0, 1e-3, 1e6, 999999.94, 1000, 0.1, -2.5, 2**24, 3.4028235e38, 1e-45, np.nan]
    numbers = np.concatenate([any_bits, usual, np.float32(ends)]).astype("<f4")
    program = (ROOT / "pipeline/publish/page/model.js").read_text(encoding="utf-8")
    reading = f"(text) => {{ {program}\nreturn floatsOf(text); }}"
    found = page.evaluate(reading, base64.b64encode(numbers.tobytes()).decode())
    kept = np.isfinite(numbers)  # the page's data holds no infinity
    read = [float(one) for one, is_kept in zip(found, kept, strict=True) if is_kept]
    assert np.array_equal(np.float32(read), numbers[kept])
    expected = [float(str(one)) for one in numbers[kept]]
    # Of two as near and as short, either will do.
    assert [len(repr(one)) for one in read] == [len(repr(one)) for one in expected]
    assert sum(one == other for one, other in zip(read, expected, strict=True)) > 5900
    assert found[-1] is None
