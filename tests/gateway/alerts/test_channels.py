from pathlib import Path

import pytest

from device_configs.problem import ConfigError
from gateway.alerts.channels import EnergyLetters, read_channels
from gateway.alerts.rota import Shift

TEXT = """
channels:
  - {recipient: vei, url: "mailtos://user:pass@example.org"}
  - {recipient: vei, sms: "+4791234567", least: warning}
  - {recipient: bygg, url: "ntfys://ntfy.example.org/bygg", least: alarm}
rota: rota.csv
heartbeat: {recipient: vei, at: "08:00"}
"""


def write(folder: Path, text: str) -> None:
    (folder / "channels.yaml").write_text(text)
    (folder / "channels.yaml").chmod(0o600)


def test_what_others_may_read_is_refused(tmp_path: Path) -> None:
    write(tmp_path, TEXT)
    (tmp_path / "channels.yaml").chmod(0o640)
    with pytest.raises(ConfigError) as caught:
        read_channels(tmp_path / "channels.yaml")
    assert "chmod 600" in caught.value.problems[0].pretty()


def test_ways_to_a_recipient_in_order(tmp_path: Path) -> None:
    write(tmp_path, TEXT)
    file = read_channels(tmp_path / "channels.yaml")
    assert file is not None
    assert [c.name for c in file.ways("vei", "alarm", [])] == ["mailtos", "sms"]
    assert [c.name for c in file.ways("vei", "info", [])] == ["mailtos"]
    assert file.ways("bygg", "warning", []) == []
    duty = [Shift(0, 1, "vei", "A", "+4799999999", "ntfy://a")]
    assert [c.name for c in file.ways("vei", "alarm", duty)] == ["sms", "ntfy", "mailtos", "sms"]
    assert read_channels(tmp_path / "none.yaml") is None


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('sms: "+4791234567"', 'sms: "91234567"', "like +4791234567"),
        ('sms: "+4791234567"', 'sms: "+4791234567", url: x', "say either `url` or `sms`"),
        ("08:00", "24:00", "time of day"),
        ("rota:", "roter:", "unknown key `roter`"),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, old: str, new: str, message: str) -> None:
    write(tmp_path, TEXT.replace(old, new))
    with pytest.raises(ConfigError) as caught:
        read_channels(tmp_path / "channels.yaml")
    assert message in "\n".join(problem.pretty() for problem in caught.value.problems)


def test_when_caretakers_are_written_to(tmp_path: Path) -> None:
    write(tmp_path, TEXT)
    file = read_channels(tmp_path / "channels.yaml")
    assert file is not None
    assert file.energy_letters == EnergyLetters(days="mondays", at="07:00", peaks=True)
    write(tmp_path, TEXT + 'energy_letters: {days: daily, at: "06:30", peaks: false}\n')
    file = read_channels(tmp_path / "channels.yaml")
    assert file is not None
    assert file.energy_letters == EnergyLetters(days="daily", at="06:30", peaks=False)
    write(tmp_path, TEXT + 'energy_letters: {days: sundays, at: "25:00"}\n')
    with pytest.raises(ConfigError) as caught:
        read_channels(tmp_path / "channels.yaml")
    assert {problem.line for problem in caught.value.problems} == {8}
