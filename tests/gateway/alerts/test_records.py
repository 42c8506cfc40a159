from pathlib import Path

import pytest

from gateway.alerts.journal import Journal
from gateway.alerts.records import Closing, Inspection, close, figures, history, inspect
from gateway.alerts.step import Refused
from tests.gateway.alerts.made import T0

EVENT = (
    "INSERT INTO events (at_s, rule, node, occurrence, kind, priority, notify, evidence, by, note) "
    "VALUES (?, 'r', 11, ?, ?, 'alarm', 1, '', '', '')"
)


def test_how_good_a_rule_has_been(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path / "alerts.db", 0)
    db = journal.db
    for number, answered_s in ((1, 300), (2, 900), (3, None)):
        db.execute(EVENT, (T0 + number, number, "raised"))
        if answered_s is not None:
            db.execute(EVENT.replace("1, ''", "0, ''"), (T0 + number + answered_s, number, "acknowledged"))
    for number, outcome in ((1, "real"), (2, "false"), (3, "real"), (3, "handled")):
        close(db, Closing("r", 11, number, T0, "vakt", outcome))
    inspect(db, Inspection(11, T0, "vakt", 60, True))
    (line,) = figures(db)
    assert line["alerts"] == line["pages"] == 3
    assert line["precision"] == pytest.approx(2 / 3)
    assert line["acknowledged_after_s"] == 600
    assert (line["inspections"], line["needless_inspections"]) == (1, 0)
    assert [event["outcome"] for event in history(db, 11, 10)] == [
        "handled",
        "false",
        "false",
        "real",
        "real",
    ]
    assert history(db, 12, 10) == []
    with pytest.raises(Refused, match="no alert number 4"):
        close(db, Closing("r", 11, 4, T0, "vakt", "real"))
    journal.close()
