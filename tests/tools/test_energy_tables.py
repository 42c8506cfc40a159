import json

import pytest

from tools.energy_tables import Row, as_text, percent, rounded, show, shown

ROWS: list[Row] = [
    {"building": "a", "kwh": 1234.5, "note": None},
    {"building": "b", "kwh": None, "note": None},
]


def test_unknown_is_empty_in_csv_and_never_zero() -> None:
    assert as_text(ROWS) == "building,kwh,note\na,1234.5,\nb,,\n"
    assert as_text([]) == ""


def test_one_json_object(capsys: pytest.CaptureFixture[str]) -> None:
    show(ROWS, as_json=True, as_csv=False, notes=["said"], ok=True)
    out, err = capsys.readouterr()
    assert json.loads(out) == {"rows": ROWS, "ok": True}
    assert err == "said\n"


def test_a_table_leaves_out_what_no_row_knows(capsys: pytest.CaptureFixture[str]) -> None:
    show(ROWS, as_json=False, as_csv=False)
    out = capsys.readouterr().out
    assert "1 234.5" in out
    assert "note" not in out
    show([], as_json=False, as_csv=False)
    assert capsys.readouterr().out == ""


def test_numbers() -> None:
    assert (shown(None), shown(True), shown(3)) == ("–", "True", "3")
    assert (rounded(None), rounded(1.23456), percent(0.1234), percent(None)) == (None, 1.235, 12.3, None)
