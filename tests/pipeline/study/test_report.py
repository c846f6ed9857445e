"""Tests of a study as text."""

import re

import pandas as pd
import pytest
import studies

from pipeline.config.recipes import RECIPES
from pipeline.study import report
from pipeline.study.comparison import Study, compare


@pytest.fixture
def study() -> Study:
    made = {
        "draft": studies.index(**studies.kept()),
        "fourier": studies.index(times=3.0, **studies.kept(grey=0.75)),
    }
    return compare(made, {name: RECIPES[name] for name in made})


def test_a_row_a_section_measure_and_variation(study: Study) -> None:
    rows = list(report.rows(study))
    assert len(rows) == len(study.summary) == 3 * 3 * 2
    assert {len(row) for row in rows} == {len(report.heads(study))}
    assert report.heads(study)[5] == "against draft"
    assert rows[0] == ("mixed2", "activation", "draft", "12", "6.50", "", "", "")
    assert rows[1] == ("", "", "fourier", "12", "19.5", "×3.00", "3.00 to 3.00", "100 %")
    assert rows[3] == ("", "", "fourier", "12", "0.550", "+0.050", "+0.050 to +0.050", "100 %")
    assert rows[5] == ("", "", "fourier", "12", "6.00", "×3.00", "–", "0 %")


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.12345, "0.123"), (5, "5.00"), (123.4, "123"), (12345.6, "12,346"), (pd.NA, "–")],
)
def test_numbers_have_three_digits(value: object, text: str) -> None:
    assert report.number(value) == text


def test_the_page_is_markdown(study: Study) -> None:
    text = report.markdown(study, "pareto.png")
    assert text.startswith("# fourier against draft\n\n| section | measure | variation |")
    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert len(lines) == 2 + len(study.summary)
    assert len({len(re.findall(r"(?<!\\)\|", line)) for line in lines}) == 1
    assert "![Seconds against kept](pareto.png)" in text
    assert all(f"- {note}" in text for note in study.notes)
    assert "![" not in report.markdown(study)
