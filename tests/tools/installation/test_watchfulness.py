"""Who is paged tonight, as the doctor tells it."""

import json
import shutil
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from device_configs.loader import SITES
from tools.finding import Health
from tools.installation.watchfulness import tonight

SITE = SITES / "narvik-demo"
EVENING_S = datetime(2026, 11, 24, 22, 0, tzinfo=ZoneInfo("Europe/Oslo")).timestamp()
HEAD = "begin;end;recipient;person;phone\n"


def state_with(folder: Path, recipients: list[str], rota: str | None = None) -> Path:
    folder.mkdir(exist_ok=True)
    told = {"channels": [{"recipient": name, "url": "json://somewhere"} for name in recipients]}
    if rota is not None:
        (folder / "rota.csv").write_text(HEAD + rota)
        told["rota"] = "rota.csv"  # type: ignore[assignment]
    (folder / "channels.yaml").write_text(json.dumps(told))
    (folder / "channels.yaml").chmod(0o600)
    return folder


def with_rota(folder: Path) -> Path:
    """Return the site with a recipient `vakt` that has a rota, and caretakers that have none."""
    site = folder / SITE.name
    shutil.copytree(SITE, site)
    recipients = [{"id": "vakt", "role": "Vakt", "rota": True}, {"id": "bygg", "role": "Vaktmester"}]
    alerts = {"recipients": recipients, "rules": []}
    (site / "alerts.yaml").write_text(json.dumps(alerts))
    return site


def test_without_channels_nobody_is(tmp_path: Path) -> None:
    found = tonight(tmp_path, SITE, EVENING_S)
    assert (found.health, found.text) == (Health.FAILURE, "nobody is paged")
    assert "channels.yaml" in found.next_step


def test_who_it_is_tonight(tmp_path: Path) -> None:
    site = with_rota(tmp_path)
    rota = (
        "2026-11-24 16:00;2026-11-25 01:00;vakt;Kari;+4791234567\n"
        "2026-11-25 01:00;2026-11-25 08:00;vakt;Ola;\n"
    )
    found = tonight(state_with(tmp_path / "state", ["vakt"], rota), site, EVENING_S)
    assert (found.health, found.text) == (Health.OK, "vakt: Kari, then Ola")


@pytest.mark.parametrize(
    ("rota", "says"),
    [
        ("2026-11-24 16:00;2026-11-25 06:00;vakt;Kari;\n", "from 06:00 to 08:00"),
        ("", "from 22:00 to 08:00"),
        ("2026-11-24 16:00;soon;vakt;Kari;\n", "rota.csv:2"),
    ],
)
def test_a_hole_in_the_night(tmp_path: Path, rota: str, says: str) -> None:
    found = tonight(state_with(tmp_path / "state", ["vakt"], rota), with_rota(tmp_path), EVENING_S)
    assert found.health is Health.FAILURE
    assert says in found.text
    assert found.next_step


def test_without_a_rota_it_is_who_the_channels_lead_to(tmp_path: Path) -> None:
    site = with_rota(tmp_path)
    alerts = json.loads((site / "alerts.yaml").read_text())
    alerts["recipients"][0].pop("rota")
    (site / "alerts.yaml").write_text(json.dumps(alerts))
    found = tonight(state_with(tmp_path / "state", ["vakt"]), site, EVENING_S)
    assert (found.health, found.text) == (Health.OK, "no rota; messages go to vakt")
