from zoneinfo import ZoneInfo

import pytest

from gateway.alerts.handover import CONFIRM_S, HANDOVER, MISSED, STALE_S, handover_text, handovers
from gateway.alerts.rota import Shift
from tests.gateway.alerts.made import T0

OSLO = ZoneInfo("Europe/Oslo")
SHIFT = Shift(T0, T0 + 7 * 86_400, "vei", "A", "+4791234567")


@pytest.mark.parametrize(
    ("after_s", "kinds"),
    [(-1, []), (0, [HANDOVER]), (CONFIRM_S, [HANDOVER, MISSED]), (STALE_S, [])],
)
def test_who_begins_is_told_and_everybody_when_no_answer_comes(after_s: int, kinds: list[str]) -> None:
    found = handovers([SHIFT], T0 + after_s)
    assert [message.kind for message in found] == kinds
    assert all("A" not in message.key for message in found)


def test_who_has_no_telephone_can_not_answer() -> None:
    assert handovers([Shift(T0, T0 + 60, "vei", "A", url="ntfy://a")], T0) == []


def test_texts() -> None:
    begins, missed = handovers([SHIFT], T0 + CONFIRM_S)
    told = [
        handover_text(m, "Vakt vei", [SHIFT], OSLO, lang, 7)
        for m in (begins, missed)
        for lang in ("nb", "en")
    ]
    assert told == [
        "Vakt vei: du har vakt fra nå til 28.09 16:13. Svar 7 for å bekrefte.",
        "Vakt vei: you have duty from now on until 28.09 16:13. Reply 7 to confirm.",
        "Vakt vei: vakta fra 21.09 16:13 er ikke bekreftet. Ring den som har vakt.",
        "Vakt vei: the duty since 21.09 16:13 has not been confirmed. Call whoever has it.",
    ]
