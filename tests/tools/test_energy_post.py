from pathlib import Path

import pytest

from gateway.alerts.channels import NAME
from gateway.energy_letter import Letter
from gateway.sending import DeliveryError
from tools.energy_post import send_letters

LETTER = Letter("bygg", "Title", "Body\n")
CHANNELS = """\
channels:
  - {recipient: bygg, sms: "+4700000000"}
  - {recipient: bygg, url: "first://x"}
  - {recipient: bygg, url: "second://x"}
  - {recipient: vei, url: "other://x"}
"""


def test_the_first_channel_that_takes_it(tmp_path: Path) -> None:
    (tmp_path / NAME).write_text(CHANNELS)
    (tmp_path / NAME).chmod(0o600)
    sent = []

    def send(url: str, title: str, body: str) -> str:
        if url.startswith("first"):
            raise DeliveryError("away")
        sent.append((url, title, body))
        return "taken"

    assert send_letters(tmp_path, [LETTER], send) == ["sent to bygg by second: Title"]
    assert sent == [("second://x", "Title", "Body\n")]


def test_what_does_not_go_is_told_and_is_a_failure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / NAME).write_text(CHANNELS)
    (tmp_path / NAME).chmod(0o600)

    def send(_url: str, _title: str, _body: str) -> str:
        raise DeliveryError("away")

    with pytest.raises(SystemExit) as ended:
        send_letters(tmp_path, [LETTER], send)
    assert ended.value.code == 6
    assert "NOT sent to bygg: first: away; second: away" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        send_letters(tmp_path, [Letter("kino", "T", "B")], send)
    assert "NOT sent to kino: no channel but text messages" in capsys.readouterr().err


def test_without_channels_or_letters(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert send_letters(tmp_path, []) == ["nothing to send: no building with a caretaker stands out"]
    with pytest.raises(SystemExit):
        send_letters(tmp_path, [LETTER])
    assert f"{NAME} is missing: it says how the caretakers are reached" in capsys.readouterr().err
