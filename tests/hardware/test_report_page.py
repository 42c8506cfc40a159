"""The reports' page: whole, offline, and a gap stays a gap."""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.report_page import Line, Span, chart, figures, number, page, table, ticks

NUMBERS = st.floats(-1e6, 1e6, allow_nan=False)


def test_a_page_fetches_nothing_and_is_well_formed() -> None:
    lines = [Line("up <&>", [(0, 1.0), (1, 2.0)])]
    made = page("A & B", [figures([("60", "nodes")]), chart("t", lines, y_unit="mm", x_unit="h"),
                          table(["a"], [["✓ held"], ["<script>"]])])  # fmt: skip
    assert not re.search(r"https?:|url\(|@import|<script|src=", made)
    HTMLParser().feed(made)
    assert made.count("<svg") == made.count("</svg>") == 1
    assert "&lt;script&gt;" in made
    assert '<td class="good">✓ held</td>' in made
    assert "prefers-color-scheme: dark" in made
    assert "@media print" in made
    assert (
        made.count("<main>") == made.count("</main>") == made.count("<h1>") + 1
    )  # the heading is the caller's
    assert made.count('class="wide" role="group" tabindex="0"') == 2
    assert '<th scope="col">a</th>' in made
    assert 'aria-label="t: up &lt;&amp;&gt; 1 to 2 mm"' in made


def test_a_gap_is_not_drawn() -> None:
    drawn = chart("t", [Line("a", [(0, 1), (1, 2), (2, None), (3, 2)])], y_unit="", x_unit="")
    (path,) = re.findall(r' d="([^"]+)"', drawn)
    assert path.count("M") == 2
    assert path.count("L") == 1


def test_without_points_it_says_so() -> None:
    assert "nothing was measured" in chart("current", [Line("a", [(0, None)])], y_unit="mA", x_unit="s")


def test_a_band_outside_of_the_axis_is_left_out() -> None:
    lines = [Line("a", [(0, 1), (10, 2)])]
    spans = [Span("in", 2, 4), Span("out", 20, 30)]
    drawn = chart("t", lines, y_unit="", x_unit="", spans=spans, marks=[(5, "here")])
    assert ">in<" in drawn
    assert ">out<" not in drawn
    assert ">here<" in drawn


@given(NUMBERS, NUMBERS)
def test_ticks_hold_all_and_are_few(one: float, other: float) -> None:
    low, high = min(one, other), max(one, other)
    found = ticks(low, high)
    assert 2 <= len(found) <= 9
    slack = (found[-1] - found[0]) * 1e-9
    assert found[0] <= low + slack
    assert found[-1] >= high - slack


@pytest.mark.parametrize(("value", "text"), [(1000, "1\u202f000"), (-0.5, "−0.5"), (0, "0"), (2.50, "2.5")])
def test_numbers_as_people_write_them(value: float, text: str) -> None:
    assert number(value) == text
