from datetime import date

import pytest

from gateway.energy.reconcile import likely_factor, reconcile
from tests.gateway.energy.series import OSLO, local, run

JANUARY, FEBRUARY = local("2026-01-01 00:00"), local("2026-02-01 00:00")
SPAN = (date(2026, 1, 1), date(2026, 4, 1))


def test_only_hours_both_have_are_held_against_each_other() -> None:
    node = run(JANUARY, *[1000] * 700)
    settled = run(JANUARY + 100 * 3600, *[1000] * 644)
    (month,) = reconcile(node, settled, OSLO, *SPAN)
    assert (month.label, month.node_wh, month.settled_wh, month.common) == ("2026-01", 600_000, 600_000, 600)
    assert (month.node_hours, month.settled_hours, month.expected) == (700, 644, 744)
    assert (month.verdict, month.difference_wh) == ("agrees", 0)


@pytest.mark.parametrize(
    ("settled", "verdict"), [(1000, "agrees"), (1005, "agrees"), (1006, "differs"), (994, "differs")]
)
def test_half_a_percent(settled: int, verdict: str) -> None:
    (month,) = reconcile(run(JANUARY, *[1000] * 10), run(JANUARY, *[settled] * 10), OSLO, *SPAN)
    assert month.verdict == verdict


def test_a_month_only_one_of_them_has() -> None:
    found = reconcile(run(JANUARY, 1000), run(FEBRUARY, 1000), OSLO, *SPAN)
    assert [(month.label, month.verdict, month.ratio) for month in found] == [
        ("2026-01", "no common hours", None),
        ("2026-02", "no common hours", None),
    ]


def factor(*settled: int) -> float | None:
    """The likely factor where the node has 1000 and 2000 Wh in January, 3000 in February."""
    node = [*run(JANUARY, 1000, 2000), *run(FEBRUARY, 3000)]
    theirs = [*run(JANUARY, *settled[:2]), *run(FEBRUARY, *settled[2:])]
    return likely_factor(reconcile(node, theirs, OSLO, *SPAN))


def test_a_forgotten_factor_is_the_same_in_each_month() -> None:
    assert factor(30_000, 60_000, 90_000) == 30
    assert factor(30_000, 60_000, 80_000) is None
    assert factor(1000, 2000, 90_000) is None
    assert factor(1000, 2000, 3000) is None
    assert likely_factor([]) is None
