"""What many units cost the page: `make bench-page`.

Made-up atlases of some sizes are written with all their pictures, and opened in a headless Chromium
again and again, in turns: the time from asking for the page until every picture in sight is drawn,
from a key in the search box until what it finds is drawn, from asking for the map until its
pictures are drawn; the memory of the tab (what its process has for itself), that of the page's
program after a collection, and what the first view reads. Figures are medians, beside those of the
first size. It needs the extra `test`, and Chromium.
"""

import argparse
import importlib
import json
import platform
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.plan import machine

SIZES = (1099, 20_000)
ROUNDS = 7
SUPPORT = Path(__file__).parents[1] / "tests" / "support"
MEASURES = {
    "first view": "ms", "search": "ms", "map": "ms", "memory of the tab": "MB",
    "of its program": "MB", "read at first": "kB",
}  # fmt: skip
_DRAWN = """() => [...document.querySelectorAll('#gallery img')].filter((image) => {
    const box = image.getBoundingClientRect();
    return !image.hidden && box.bottom > 0 && box.top < innerHeight;
}).every((image) => image.complete && image.naturalWidth)
    && !!document.querySelector('#gallery img')"""
_TWO_FRAMES = (
    "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
)


def main() -> None:
    """Write the pages, open them in turns, print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="units of a page")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"[{ROUNDS}]")
    parser.add_argument("--folder", type=Path, help="keep the pages here, and use those there")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.folder or Path(scratch)
        pages = {size: written(folder / str(size), size) for size in options.sizes}
        found = measure(pages, options.rounds)
    print(json.dumps(found) if options.json else table(found))


def written(folder: Path, units: int) -> Path:
    """The page of a made-up atlas of so many units, pictures and all."""
    page = folder / "atlas" / "site" / "index.html"
    if not page.is_file():
        sys.path.insert(0, str(SUPPORT))
        write_large = importlib.import_module("sites").write_large  # what tests make up
        print(f"writing a page of {units:,} units", file=sys.stderr)
        folder.mkdir(parents=True, exist_ok=True)
        write_large(folder / "atlas", units, measured=True)
    return page


def measure(pages: Mapping[int, Path], rounds: int) -> dict[int, dict[str, float]]:
    """Medians by size, each round with every size in turn."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415, of the extra `test`

    taken: dict[int, list[dict[str, float]]] = {size: [] for size in pages}
    with sync_playwright() as started:
        browser = started.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=["--no-sandbox", "--js-flags=--expose-gc", "--enable-precise-memory-info"],
        )
        for number in range(rounds + 1):
            for size, page in pages.items():
                one = _once(browser, page)
                if number:  # the first warms the disk
                    taken[size].append(one)
        browser.close()
    return {
        size: {name: statistics.median(one[name] for one in some) for name in MEASURES}
        for size, some in taken.items()
    }


def _once(browser: Any, path: Path) -> dict[str, float]:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    asked: set[Any] = set()
    page.on("request", lambda one: asked.update({one}))
    page.on("requestfinished", lambda one: asked.difference_update({one}))
    page.on("requestfailed", lambda one: asked.difference_update({one}))
    try:
        began = time.perf_counter()
        page.goto(path.as_uri())
        first = _until(page, _DRAWN, began)
        program, tab = _program(page), _tab(browser)
        page.locator("#query").focus()
        began = time.perf_counter()
        page.keyboard.insert_text("activation > 1")
        search = _until(page, _DRAWN, began)
        page.keyboard.press("Escape")
        page.evaluate(_TWO_FRAMES)
        began = time.perf_counter()
        page.evaluate("() => { location.hash = '#map'; }")
        page.wait_for_function("() => !document.querySelector('#map').hidden", polling=10)
        page.evaluate(_TWO_FRAMES)
        while asked:
            page.evaluate(_TWO_FRAMES)
        page.evaluate(_TWO_FRAMES)
        opened = 1e3 * (time.perf_counter() - began)
        data = path.parent / "data"
        read = sum(f.stat().st_size for f in [path, *path.parent.glob("page/*")])
        named = path.read_text(encoding="utf-8").partition('src="data/')[2].partition('"')[0]
        read += (data / named).stat().st_size
    finally:
        context.close()
    return {
        "first view": first, "search": search, "map": opened, "memory of the tab": tab,
        "of its program": program, "read at first": read / 1e3,
    }  # fmt: skip


def _until(page: Any, drawn: str, began: float) -> float:
    """Milliseconds until something is drawn, and two frames with it."""
    page.wait_for_function(drawn, polling=10)
    page.evaluate(_TWO_FRAMES)
    page.wait_for_function(drawn, polling=10)
    return 1e3 * (time.perf_counter() - began)


def _tab(browser: Any) -> float:
    """Megabytes that the processes of pages have for themselves."""
    import psutil  # noqa: PLC0415, of the extra `test`

    asked = browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")
    pages = [one["id"] for one in asked["processInfo"] if one["type"] == "renderer"]
    return float(max(psutil.Process(one).memory_full_info().uss for one in pages)) / 1e6


def _program(page: Any) -> float:
    """Megabytes that the page's program holds after a collection."""
    page.evaluate("() => { gc(); gc(); }")
    return float(page.evaluate("() => performance.memory.usedJSHeapSize")) / 1e6


def table(found: Mapping[int, Mapping[str, float]]) -> str:
    """Figures by size, and how many times the first size's they are."""
    sizes: Sequence[int] = list(found)
    lines = [
        f"| page | {' | '.join(f'{size:,} units' for size in sizes)} |",
        f"| --- |{' --- |' * len(sizes)}",
    ]
    for name, unit in MEASURES.items():
        cells = [f"{found[size][name]:.3g} {unit}" for size in sizes]
        for place, size in enumerate(sizes[1:], 1):
            cells[place] += f" ({found[size][name] / found[sizes[0]][name]:.2f} x)"
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join([*lines, "", f"{machine.processor()}, Python {platform.python_version()}"])


if __name__ == "__main__":
    main()
