"""Tests of the page in a browser: the first minute, what is collected and compared, paper."""

import pytest
import sites
from browsing import check_bars_nobody, settled
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def atlas(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page that shows everything a page can."""
    return sites.write(tmp_path_factory.mktemp("collect") / "atlas").as_uri()


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
