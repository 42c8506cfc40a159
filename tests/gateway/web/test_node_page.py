"""A node's page and its numbers: any stretch of time, from records or from hours."""

import json
from pathlib import Path

from gateway.rollup import Rollup
from gateway.store.rollups import Made
from gateway.web.history import Hours
from tests.gateway.web.desk_made import Made as Desks
from tests.gateway.web.made import NOW_S, intake
from tests.gateway.web.test_pages import ALL, checked, get, made

DAY_S = 86_400


async def series(path: str, **more: object) -> dict[str, object]:
    answer = await get(made(ALL, **more), path)  # type: ignore[arg-type]
    assert answer.status == 200
    found: dict[str, object] = json.loads(answer.body)
    return found


async def test_the_numbers_are_those_of_the_records() -> None:
    found = await series("/node/11/series.json?range=24h&lang=en")
    assert (found["from"], found["to"]) == (NOW_S - 143 * 600, NOW_S + 5)
    levels = found["groups"][0]  # type: ignore[index]
    up = levels["lines"][0]
    assert up["name"] == "Above grate"
    assert len(up["times"]) == 144
    assert up["values"][0] == 50


async def test_a_stretch_is_asked_for_by_its_ends_in_page_numbers_and_file() -> None:
    ends = f"from={NOW_S - 7200}&to={NOW_S - 3600}"
    found = await series(f"/node/11/series.json?{ends}")
    assert (found["from"], found["to"]) == (NOW_S - 7200, NOW_S - 3600)
    page = (await get(made(ALL), f"/node/11?lang=en&{ends}")).text
    assert f"/node/11/series.json?from={NOW_S - 7200}&amp;lang=en&amp;to={NOW_S - 3600}" in page
    assert 'aria-label="Earlier"' in page
    csv = (await get(made(ALL), f"/node/11.csv?lang=en&{ends}")).text.splitlines()
    assert len(csv) == 1 + 6


async def test_a_long_stretch_comes_from_hours_and_the_records_after_them() -> None:
    asked: list[tuple[int, int]] = []

    def records(_node: int, from_s: int, to_s: int) -> list[object]:
        asked.append((from_s, to_s))
        return [intake(900, 400)]

    def hours(_node: int, from_s: int, to_s: int) -> Hours:
        first_s = NOW_S // 3600 * 3600 - 40 * DAY_S
        assert from_s <= first_s < to_s
        return [(first_s + 3600 * i, {"up_level_mm": Rollup(6, 3000, 300, 1100)}) for i in range(40 * 24 - 3)]

    found = await series("/node/11/series.json?range=year", history=records, hours=hours)
    values = found["groups"][0]["lines"][0]["values"]  # type: ignore[index]
    assert {30, 110, 90} <= set(values)
    assert len(values) < 1600
    assert asked[0][0] >= NOW_S - 3 * 3600 - 3600  # only what the hours have not got


async def test_where_nobody_keeps_hours_records_tell_of_a_long_stretch_too() -> None:
    found = await series("/node/11/series.json?range=30d")
    assert found["groups"][0]["lines"][0]["values"][-1] is not None  # type: ignore[index]


async def test_a_node_that_is_none_has_no_numbers() -> None:
    assert (await get(made(ALL), "/node/99/series.json")).status == 404


async def test_hours_and_days_are_files_with_their_revisions() -> None:
    asked = []

    def rolled(period_s: int, node: int, from_s: int, to_s: int) -> list[Made]:
        asked.append((period_s, node, to_s - from_s))
        rollup = Rollup(6, 3000, 410, 705)
        return [
            Made(node, NOW_S - 7200, 1, {"up_level_mm": rollup}, {}),
            Made(node, NOW_S - 3600, 3, {"up_level_mm": rollup}, {"up_level_mm": (1, -45)}),
        ]

    pages = made(ALL, rolled=rolled)
    assert "/node/11/hours.csv?" in (await get(pages, "/node/11?lang=en&range=year")).text
    answer = await get(pages, "/node/11/hours.csv?range=year&lang=en")
    assert asked == [(3600, 11, 365 * DAY_S)]
    assert answer.headers["content-disposition"] == 'attachment; filename="narvik-demo-11-hours-year.csv"'
    header, first, second = answer.text.splitlines()
    assert header == (
        "\ufefftime_local,time_utc,node,up_level_mm_mean,up_level_mm_lowest,up_level_mm_highest,"
        "up_level_mm_count,meter_factor,revision,changed"
    )
    assert first.endswith(",11,500,410,705,6,1,1,")
    assert second.endswith(',3,"up_level_mm: count +1, sum -45"')
    await get(pages, "/node/11/days.csv?range=30d")
    assert asked[-1][0] == DAY_S
    assert (await get(pages, "/node/11/weeks.csv")).status == 404
    assert (await get(made(ALL), "/node/11/hours.csv")).text.splitlines()[0].startswith("\ufefftime_local")


async def test_a_technician_sees_how_the_node_was_commissioned(tmp_path: Path) -> None:
    seen = Desks(tmp_path)
    for person, told in (("Tekniker", True), ("Vakt", False)):
        text = (await (await seen.browser(person)).get("/node/11?lang=nb")).text
        checked(text)
        assert ("For teknikeren" in text) is told
        assert ("nei, aldri hørt med sin nøkkel" in text) is told
        assert ("/nodes/11/sheet" in text) is told
