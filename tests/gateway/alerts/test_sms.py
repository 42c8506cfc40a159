"""Debian's own gammu-smsd on a simulated modem; no network is involved."""

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway.alerts import sms
from gateway.alerts.sms import Gammu, Reply, SmsError, read_reply
from tests.gateway.alerts.at_modem import AtModem, incoming, smsd, text_of, write_config

needs_gammu = pytest.mark.skipif(shutil.which("gammu-smsd") is None, reason="gammu-smsd is not installed")
NUMBER = "+4791234567"


@pytest.fixture
def modem() -> Iterator[AtModem]:
    with AtModem() as modem:
        yield modem


@pytest.fixture
def daemon(tmp_path: Path, modem: AtModem) -> Iterator[Path]:
    config = write_config(tmp_path, modem.device)
    with smsd(config):
        yield config


def until(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@needs_gammu
@pytest.mark.slow
def test_a_message_goes_out_and_a_reply_comes_in(
    daemon: Path, modem: AtModem, monkeypatch: pytest.MonkeyPatch
) -> None:
    gammu = Gammu(daemon)
    text = "Taraldsvik: rist tettes, opp +38 cm, ned flat. Rens innen 40 min, på østre bredd. Svar 1"
    assert gammu.send(NUMBER, text).startswith("sent, ")
    assert [text_of(pdu) for pdu in modem.sent] == [(NUMBER, text)]
    modem.inbox[1] = incoming(NUMBER, " 1 ")
    until(lambda: list(gammu.replies()))
    ((file, reply),) = gammu.replies()
    assert reply == Reply(NUMBER, " 1 ", 1, False)
    file.unlink()
    assert list(gammu.replies()) == []
    assert gammu.send(NUMBER, "Δh −3 °C").startswith("sent, ")  # not in the modem's alphabet
    assert text_of(modem.sent[-1]) == (NUMBER, "Δh −3 °C")
    # The network refuses, and is back again.
    modem.refusing = True
    with monkeypatch.context() as patched:
        patched.setattr(sms, "SENT_S", 4.0)
        with pytest.raises(SmsError):
            gammu.send(NUMBER, text)
    assert list((daemon.parent / "out").iterdir()) == []  # another channel has it now
    modem.refusing = False
    assert gammu.send(NUMBER, "igjen").startswith("sent, ")


@needs_gammu
def test_a_modem_that_says_nothing_keeps_no_message(
    tmp_path: Path, modem: AtModem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sms, "SENT_S", 1.0)
    gammu = Gammu(write_config(tmp_path, modem.device), sleep=lambda _: None)
    with pytest.raises(SmsError, match="has not sent it within"):
        gammu.send(NUMBER, "hei")
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize(
    ("text", "code", "escalate"),
    [("7", 7, False), (" 12 \n", 12, False), ("7 E", 7, True), ("7e", 7, True), ("7 eskaler", 7, True),
     ("ja", None, False), ("7 8", None, False), ("", None, False), ("99999", None, False)],
)  # fmt: skip
def test_what_a_reply_says(text: str, code: int | None, escalate: bool) -> None:
    reply = read_reply(NUMBER, text)
    assert (reply.code, reply.escalate) == (code, escalate)


@pytest.mark.parametrize("text", ["", "[smsd]\nservice = sql\n", "[smsd]\nservice = files\n", "no config"])
def test_configurations_that_are_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "rc").write_text(text)
    with pytest.raises(SmsError, match="rc"):
        Gammu(tmp_path / "rc")
