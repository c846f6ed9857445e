"""Names and notes typed on the page: into the atlas by its server, else kept in the browser."""

import csv
import io
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import browsing
import pytest
import sites
from loopback import running
from playwright.sync_api import Browser, Page, expect

from pipeline import Atlas
from pipeline.explore import notes
from pipeline.store.folder import LocalFolder
from tasks.command import ask
from tasks.serving.view import view

pytestmark = pytest.mark.browser
HARM = f"curves {sites.HARM}"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An atlas with names and notes, and its page."""
    folder = tmp_path_factory.mktemp("noted") / "atlas"
    sites.write_called(folder)
    return folder


@pytest.fixture
def atlas(made: Path, tmp_path: Path) -> Path:
    """A copy to write into."""
    return Path(shutil.copytree(made, tmp_path / "atlas"))


@pytest.fixture
def served(atlas: Path) -> Iterator[str]:
    with running(view(LocalFolder(atlas), 0)) as port:
        yield f"http://127.0.0.1:{port}/"


@pytest.fixture
def static(made: Path) -> str:
    return (made / "site/index.html").as_uri()


def note(page: Page, called: str | None, text: str | None) -> None:
    """Type a name and a note by keyboard, and save them."""
    page.locator("#to-note").wait_for()
    page.keyboard.press("n")
    expect(page.locator("#noting-called")).to_be_focused()
    if called is not None:
        page.locator("#noting-called").fill(called)
    if text is not None:
        page.locator("#noting-note").fill(text)
    page.locator("#noting-note").press("Control+Enter")


def said(page: Page, text: str) -> None:
    expect(page.locator("#noting-said")).to_contain_text(text)


def found(page: Page, query: str) -> list[str]:
    page.locator("#query").fill(query)
    return browsing.tiles(page)


def test_what_is_typed_goes_into_the_atlas(page: Page, atlas: Path, served: str) -> None:
    page.goto(f"{served}#mixed2:2")
    text = f"a\n b {sites.HARM} שלום 👩\u200d🔬"
    note(page, "1+1 <b>", text)
    said(page, "Saved in the atlas.")
    expect(page.locator("#to-note")).to_be_focused()
    expect(page.locator(".noted")).to_have_text(
        ["Called: 1+1 <b>", f"Note: {notes.line(text)}"], use_inner_text=False
    )
    opened = Atlas.open(atlas)
    assert opened.called == {"mixed2:2": "1+1 <b>"}
    assert opened.notes["mixed2:2"] == notes.line(text)
    assert found(page, "called:1+1") == ["mixed2:2"]
    assert found(page, "note:שלום") == ["mixed2:2"]
    expect(page.locator("a.tile .name")).to_have_text("mixed2:2 1+1 <b>")
    page.keyboard.press("Escape")
    page.locator("#ask").click()
    expect(page.locator("#help")).to_contain_text('called:"1+1 <b>"')
    page.keyboard.press("Escape")
    page.goto(f"{served}?again#mixed2:2")
    expect(page.locator(".noted").first).to_have_text("Called: 1+1 <b>")


def test_what_another_wrote_meanwhile_is_shown_and_not_replaced(
    browser: Browser, atlas: Path, served: str
) -> None:
    page = browser.new_page()
    page.goto(f"{served}#mixed2:2")
    page.locator("#to-note").click()
    page.locator("#noting-note").fill("mine")
    Atlas.open(atlas).note("mixed2:2", "by another hand")
    page.locator("#save-note").click()
    said(page, "changed meanwhile")
    expect(page.locator(".differs")).to_contain_text("by another hand")
    expect(page.locator("#noting-note")).to_have_value("mine")
    assert Atlas.open(atlas).notes["mixed2:2"] == "by another hand"
    browsing.check_bars_nobody(page)
    page.get_by_role("button", name="Replace it by mine").click()
    said(page, "Saved in the atlas.")
    assert Atlas.open(atlas).notes["mixed2:2"] == "mine"
    page.close()


def test_what_is_typed_outlives_a_server_that_ended(browser: Browser, served: str) -> None:
    page = browser.new_page()
    page.goto(f"{served}#mixed2:2")
    page.locator("#to-note").click()
    page.route("**/note", lambda asked: asked.abort("connectionrefused"))
    page.locator("#noting-note").fill("not lost")
    page.locator("#save-note").click()
    said(page, "does not answer any more")
    page.locator("#noting-note").press("Escape")
    said(page, "not saved yet")
    page.get_by_role("button", name="Go on with what you typed").click()
    expect(page.locator("#noting-note")).to_have_value("not lost")
    page.close()


def test_what_the_server_refuses_is_said(page: Page, served: str) -> None:
    page.goto(f"{served}#mixed2:2")
    note(page, None, "🌀" * 5001)
    said(page, "The note has 5,001 characters: 1 too many.")
    expect(page.locator("#save-note")).to_be_disabled()
    page.locator("#noting-note").fill("🌀" * 5000)
    page.locator("#save-note").click()
    said(page, "Saved in the atlas.")


def test_a_page_on_a_disk_keeps_it_in_the_browser(
    page: Page, made: Path, static: str, tmp_path: Path
) -> None:
    page.goto(f"{static}#-mixed2:0")
    note(page, "-1+1", '\'=cmd|x\r\n"quoted", and 🌀')
    said(page, "Kept in this browser, and not yet in the atlas.")
    page.reload()
    expect(page.locator(".noted").first).to_have_text("Called: -1+1")
    assert found(page, "called:1+1") == ["-mixed2:0"]
    assert found(page, "note:quoted") == ["-mixed2:0"]
    page.goto(f"{static}#-mixed2:0")
    with page.expect_download() as loading:
        page.locator("#take-notes").click()
    table = tmp_path / loading.value.suggested_filename
    loading.value.save_as(table)
    [row] = csv.DictReader(io.StringIO(table.read_text("utf-8-sig")))
    assert row["called"] == "'-1+1"
    assert row["note"].startswith("''=cmd")
    copy = Atlas.open(shutil.copytree(made, tmp_path / "atlas"))
    copy.annotate(*ask._noted_in(table))
    assert copy.called == {"-mixed2:0": "-1+1"}
    assert copy.notes["-mixed2:0"] == '\'=cmd|x "quoted", and 🌀'
    page.goto((tmp_path / "atlas/site/index.html").as_uri() + "#-mixed2:0")
    expect(page.locator(".noted").first).to_have_text("Called: -1+1")
    expect(page.locator("#take-notes")).to_have_count(0)  # the atlas has it by now


def test_two_tabs_replace_nothing_of_each_other(page: Page, static: str) -> None:
    page.goto(f"{static}#mixed2:1")
    other = page.context.new_page()
    other.goto(f"{static}#mixed2:1")
    other.locator("#to-note").click()
    note(page, "first", None)
    said(page, "Kept in this browser")
    other.locator("#noting-called").fill("second")
    other.locator("#save-note").click()
    said(other, "changed meanwhile")
    expect(other.locator(".differs")).to_contain_text("first")
    other.get_by_role("button", name="Leave it").click()
    expect(other.locator(".noted").first).to_have_text("Called: first")


def test_a_browser_that_keeps_nothing_says_so(browser: Browser, static: str) -> None:
    context = browser.new_context()
    deny = "{ get() { throw new DOMException('denied', 'SecurityError'); } }"
    for name in ("localStorage", "sessionStorage"):
        context.add_init_script(f"Object.defineProperty(window, '{name}', {deny});")
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto(f"{static}#mixed2:1")
    note(page, "kept a while", None)
    said(page, "This browser keeps nothing of this page: download your notes")
    assert found(page, "called:while") == ["mixed2:1"]
    assert wrong == []
    context.close()


def test_what_is_typed_outlives_a_reload(page: Page, static: str) -> None:
    page.goto(f"{static}#mixed2:1")
    page.locator("#to-note").click()
    page.locator("#noting-note").fill("half a thought")
    page.reload()
    said(page, "not saved yet")
    page.locator("#to-note").click()
    expect(page.locator("#noting-note")).to_have_value("half a thought")
    page.get_by_role("button", name="Discard").click()
    expect(page.locator("#noting-note")).to_have_count(0)
    page.reload()
    expect(page.locator("#to-note")).to_contain_text("Name it, or note something")


def test_what_others_left_in_the_browser_is_no_harm(page: Page, static: str) -> None:
    page.goto(static)
    page.evaluate(
        """(harm) => { for (const name of Object.keys(localStorage)) localStorage.removeItem(name);
        const key = "atlas-notes-" + [...document.scripts].length;
        localStorage.setItem(key, harm); }""",
        json.dumps({"mixed2:1": 3}),
    )
    page.reload()
    expect(page.locator("a.tile").first).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_the_editor_bars_nobody(browser: Browser, static: str, scheme: str, width: int) -> None:
    page = browser.new_page(color_scheme=scheme, viewport={"width": width, "height": 800})
    page.goto(f"{static}#mixed2:3")
    page.locator("#to-note").click()
    browsing.settled(page)
    browsing.check_bars_nobody(page)
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    page.close()
