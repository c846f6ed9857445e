"""Tests of what notebooks show, in a real browser: galleries, drawings, the page in a frame."""

import base64
import functools
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sites
from browsing import check_bars_nobody, settled
from playwright.sync_api import Page, expect

from pipeline import Atlas, Drawing

pytestmark = pytest.mark.browser
NOTEBOOK = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>A notebook</title>'
    '<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,">'
    "<main><h1>A notebook</h1>{}</main>"
)


@pytest.fixture(scope="module")
def atlas(tmp_path_factory: pytest.TempPathFactory) -> Atlas:
    folder = tmp_path_factory.mktemp("notebook") / "atlas"
    sites.write(folder)
    return Atlas.open(folder)


@pytest.fixture(scope="module")
def notebook(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """A folder, and the address at which it is served, as a notebook's own server would."""
    folder = tmp_path_factory.mktemp("outputs")

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Nothing."""

    answer = functools.partial(Quiet, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield folder, f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def shown(page: Page, notebook: tuple[Path, str], *outputs: str) -> None:
    """Show what cells gave, one below the other."""
    folder, address = notebook
    text = NOTEBOOK.format("".join(f"<div>{output}</div>" for output in outputs))
    (folder / "index.html").write_text(text, encoding="utf-8")
    page.goto(address)


def columns(page: Page) -> int:
    """How many pictures stand in the first row of a gallery."""
    return page.evaluate(
        """() => { const tops = [...document.querySelectorAll("figure")]
        .map((one) => one.getBoundingClientRect().top);
        return tops.filter((top) => top === tops[0]).length; }"""
    )


def test_a_gallery_is_a_grid_of_what_was_found(
    page: Page, notebook: tuple[Path, str], atlas: Atlas
) -> None:
    found = atlas.gallery("layer:mixed4", sort="-activation", top=12)
    shown(page, notebook, found._repr_html_(), atlas.gallery("logits:0-2")._repr_html_())
    settled(page)
    pictures = page.locator("figure img")
    assert pictures.count() == 12 + len(atlas.gallery("logits:0-2"))
    assert page.evaluate("() => [...document.images].every((one) => one.naturalWidth > 0)")
    names = page.locator("figure").evaluate_all("(all) => all.map((one) => one.title)")
    assert [name.split()[0] for name in names[:12]] == found.units[:12]
    expect(page.get_by_text(f"and {len(found) - 12} more")).to_be_visible()
    assert columns(page) >= 6
    check_bars_nobody(page)


def test_a_gallery_fits_a_narrow_screen(
    page: Page, notebook: tuple[Path, str], atlas: Atlas
) -> None:
    page.set_viewport_size({"width": 390, "height": 800})
    shown(page, notebook, atlas.gallery("layer:mixed4 or logits", top=30)._repr_html_())
    settled(page)
    assert columns(page) == 2
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")


def test_the_page_works_in_its_frame(page: Page, notebook: tuple[Path, str], atlas: Atlas) -> None:
    unit, found = atlas.page("mixed4:3"), atlas.page(query="mixed2:0-2 variant=0", height=500)
    shown(page, notebook, unit._repr_html_(), found._repr_html_())
    first = page.frame_locator("iframe").first
    expect(first.locator("#unit-heading")).to_have_text("mixed4:3")
    first.locator("#to-gallery").click()
    expect(first.locator("#count")).to_have_text("54 units")
    second = page.frame_locator("iframe").nth(1)
    expect(second.locator("#count")).to_have_text("3 units")
    assert page.locator("iframe").nth(1).bounding_box()["height"] in (500, 502)
    link = page.get_by_role("link", name="Page of mixed4:3, in a tab of its own")
    assert link.get_attribute("href") == unit.address


def test_drawings_have_the_size_they_were_laid_out_in(
    page: Page, notebook: tuple[Path, str], atlas: Atlas
) -> None:
    drawn = atlas.compare(["mixed4:0", "mixed4:1"])
    assert isinstance(drawn, Drawing)
    data, size = drawn._repr_jpeg_() or (b"", {})
    address = f"data:image/jpeg;base64,{base64.b64encode(data).decode()}"
    given = " ".join(f'{name}="{value}"' for name, value in size.items())
    shown(page, notebook, f'<img alt="both" src="{address}" {given}>')
    settled(page)
    box = page.locator("img").bounding_box()
    assert box is not None
    assert (box["width"], box["height"]) == (drawn.sheet.width, drawn.sheet.height)
    assert page.evaluate("() => document.images[0].naturalWidth") == drawn.size[0]
