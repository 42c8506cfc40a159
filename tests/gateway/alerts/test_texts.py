import dataclasses

import pytest

from device_configs.model import Site
from gateway.alerts.paging import Member, Message
from gateway.alerts.texts import SMS_MAX, long, minutes, short, value_text
from gateway.alerts.watches import watches
from tests.gateway.alerts.made import T0, site

REAL = dataclasses.replace(site(), demo=False)
ENGLISH = dataclasses.replace(REAL, languages=("en", "nb"))
WATCHES = {watch.id: watch for watch in watches(REAL)}


def message(*members: Member, kind: str = "raised", drill: bool = False) -> Message:
    return Message("k", "vei", "alarm", kind, T0, T0, members, drill=drill)


def member(rule: str, value: float, evidence: str = "", **more: object) -> Member:
    return Member(rule, 11, 1, value, T0, **{"measured_at_s": T0, "evidence": evidence, **more})  # type: ignore[arg-type]


CLOG = member("rista-tettes", 1, "up +38 cm, down -1 cm, excess loss 40 cm")
SEEN = "Taraldsvikelva (demo): Rista tettes, foran rista +38 cm, bak -1 cm, ekstra falltap 40 cm."


@pytest.mark.parametrize(
    ("where", "said", "text"),
    [
        (REAL, message(CLOG), f"{SEEN} Rens rista innen 40 min. Svar 7"),
        (
            ENGLISH,
            message(CLOG),
            "Taraldsvikelva (demo): The grate is clogging, above the grate +38 cm, below -1 cm, "
            "excess loss 40 cm. Clear the grate within 40 min. Reply 7",
        ),
        (REAL, message(CLOG, kind="cleared"), f"Over: {SEEN} Svar 7"),
        (site(), message(CLOG), f"DEMO: {SEEN} Rens rista innen 40 min. Svar 7"),
        (site(), message(CLOG, drill=True), f"ØVELSE: {SEEN} Rens rista innen 40 min. Svar 7"),
        (
            REAL,
            message(member("stiger-fort", 230)),
            "Taraldsvikelva (demo): Bekken stiger fort, +23 cm i timen. "
            "Se etter kvist og is i rista innen 2 t. Svar 7",
        ),
        (
            REAL,
            message(member("kulvert-100", 104)),
            "Taraldsvikelva (demo): Kulverten er full, 104 %. Sperr veien, rens rista om det er trygt, "
            "varsle naboene nedstrøms innen 30 min. Svar 7",
        ),
        (
            REAL,
            message(member("kulvert-80", 1000, measured_at_s=T0 - 5400)),
            "Taraldsvikelva (demo): Kulverten er snart full, 100 cm, målt for 90 min siden. "
            "Dra til inntaket innen 60 min. Svar 7",
        ),
        (
            REAL,
            message(member("kulvert-100", 99, beyond=True)),
            "Taraldsvikelva (demo): Kulverten er full, fullt eller blokkert, ved eller over målegrensen. "
            "Sperr veien innen 30 min. Svar 7",
        ),
        (
            REAL,
            message(member("kulvert-100", 99, "x " * 80)),
            "Taraldsvikelva (demo): Kulverten er full, " + "x " * 46 + "x... innen 30 min. Svar 7",
        ),
    ],
)
def test_a_text_message(where: Site, said: Message, text: str) -> None:
    found = short(where, WATCHES, said, 7)
    assert found == text
    assert len(found) <= SMS_MAX


def test_many_alerts_in_one() -> None:
    members = [Member("inntak-uten-data", node, 1, 9000, T0, T0) for node in (11, 12)] * 250
    text = short(REAL, WATCHES, message(*members))
    assert text.startswith("500 steder: Inntaket er uten overvåking (Taraldsvikelva (demo), Fagernes (demo)")
    assert len(text) <= SMS_MAX


def test_a_mail_has_everything_an_alert_has_to_carry() -> None:
    text = long(REAL, WATCHES, message(CLOG))
    rule = WATCHES["rista-tettes", 11].rule
    for part in (rule.cause, rule.consequence, rule.action, WATCHES["rista-tettes", 11].node.place, "40 min"):
        assert part in text


def test_what_no_rule_knows_any_more_is_still_told() -> None:
    assert short(REAL, WATCHES, message(member("gammel-regel", 1))) == "k"


def test_durations_and_values() -> None:
    assert [minutes(s, "nb") for s in (60, 7000, 7200, 90_000)] == ["1 min", "117 min", "2 t", "25 t"]
    silent = WATCHES["inntak-uten-data", 11]
    assert value_text(silent, 7260, "", False, "en") == "no usable data for 2 h"
    assert value_text(silent, None, "", False, "nb") == ""
