"""The documentation's site: every link leads somewhere, and nothing comes from the network."""

import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

ROOT = Path(__file__).parents[1]
LOADING = {
    "audio": "src", "embed": "src", "iframe": "src", "img": "src", "link": "href",
    "object": "data", "script": "src", "source": "src", "video": "src",
}  # fmt: skip


class Page(HTMLParser):
    """What a page loads, what it links to, and the places in it that have a name."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.links: list[str] = []
        self.places: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.places |= {given["id"] or ""} if "id" in given else set()
        if tag == "a" and given.get("href"):
            self.links.append(given["href"] or "")
        if address := given.get(LOADING.get(tag, "")):
            self.loaded.append(address)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("docs")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-c", "docs"]
    command += ["-d", str(folder / "doctrees"), ".", str(folder / "site")]
    made = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )
    assert made.returncode == 0, made.stderr
    return folder / "site"


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    return {path: Page(path.read_text(encoding="utf-8")) for path in site.rglob("*.html")}


def test_every_text_is_on_the_site(pages: dict[Path, Page], site: Path) -> None:
    texts = {*ROOT.glob("docs/*.md"), *ROOT.glob("*.md"), ROOT / "docs" / "tour.ipynb"}
    made = {site / text.relative_to(ROOT).with_suffix(".html") for text in texts}
    assert made <= set(pages)
    assert len(made) > 15


def test_it_opens_at_its_first_page(site: Path) -> None:
    front = (site / "index.html").read_text(encoding="utf-8")
    assert 'url=docs/index.html"' in front
    assert (site / "docs" / "index.html").is_file()


def test_no_page_loads_anything_from_the_network(pages: dict[Path, Page], site: Path) -> None:
    loaded = {address for page in pages.values() for address in page.loaded}
    assert len(loaded) > 20
    assert {address for address in loaded if urlsplit(address).netloc} == set()
    for style in site.rglob("*.css"):
        assert "url(http" not in style.read_text(encoding="utf-8").replace('"', "")
        assert "@import" not in style.read_text(encoding="utf-8")


def test_every_link_and_picture_is_there(pages: dict[Path, Page]) -> None:
    lost = [
        f"{path.name}: {address}"
        for path, page in pages.items()
        for address in [*page.loaded, *page.links]
        if not _is_there(path, address, pages)
    ]
    assert lost == []


def test_the_gallery_shows_pictures(pages: dict[Path, Page], site: Path) -> None:
    shown = pages[site / "docs" / "gallery.html"].loaded
    assert len([address for address in shown if address.endswith((".jpg", ".png"))]) >= 10


def _is_there(path: Path, address: str, pages: dict[Path, Page]) -> bool:
    parts = urlsplit(address)
    if parts.scheme or parts.netloc:
        return True
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    named = pages.get(target)
    if named is None:
        return target.is_file()
    return not parts.fragment or unquote(parts.fragment) in named.places
