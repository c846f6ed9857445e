"""A browser for tests of the page, and pages that fail a test where anything goes wrong on them."""

import shutil
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


def launched() -> Iterator[Browser]:
    """A browser; a test that asks for one is skipped where there is none."""
    if CHROMIUM is None:
        pytest.skip("no Chromium is installed: apt-get install chromium")
    with sync_playwright() as play:
        # Its own sandbox needs what containers do not grant; only the tests' own pages are opened.
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


def opened(browser: Browser) -> Iterator[Page]:
    """A page that fails the test where anything goes wrong on it or leaves it."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = context.new_page()
    wrong: list[str] = []
    own = ("file:///", "data:", "http://127.0.0.1:")
    page.on("console", lambda message: wrong.append(message.text))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("dialog", lambda dialog: (wrong.append(dialog.message), dialog.dismiss()))
    page.on("request", lambda asked: asked.url.startswith(own) or wrong.append(asked.url))
    page.on("requestfailed", lambda asked: wrong.append(f"{asked.url} {asked.failure}"))
    yield page
    assert [text for text in wrong if "ERR_ABORTED" not in text] == []
    context.close()


def check_bars_nobody(page: Page) -> None:
    """Have axe find nothing on a page."""
    found = Axe().run(page, options={"preload": False})  # it would fetch the style
    assert found.violations_count == 0, found.generate_report()


def settled(page: Page) -> None:
    """Wait until pictures in sight are there, and for what was drawn to be seen."""
    page.wait_for_function(
        """() => [...document.images].every((image) => {
        const box = image.getBoundingClientRect();
        return image.complete || box.bottom <= 0 || box.top >= innerHeight;
        })"""
    )
    page.evaluate(
        "() => new Promise((on) => requestAnimationFrame(() => requestAnimationFrame(on)))"
    )


def tiles(page: Page) -> list[str]:
    """The ids under the tiles, in order of place."""
    return page.evaluate(
        """() => [...document.querySelectorAll("a.tile")]
        .sort((a, b) => a.dataset.place - b.dataset.place)
        .map((tile) => decodeURI(tile.getAttribute("href").slice(1)))"""
    )
