"""What caretakers are written: the list of deviations, and that an hour is about to become a peak. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time

from device_configs.building_schema import Building
from gateway.building_report import LOOK_BACK_DAYS, BuildingState
from gateway.energy.hours import HOUR_S
from gateway.store.energy_book import Answer
from gateway.web.energy_values import Warned
from gateway.web.words import Language, Words

_TEXTS: dict[Language, dict[str, str]] = {
    "nb": {
        "title": "Energi: {n} bygg bruker mer enn forventet",
        "title.one": "Energi: {name} bruker mer enn forventet",
        "head": "De siste {days} døgnene, mot det været tilsier:",
        "line": "{name}: {kwh} kWh mer enn forventet (± {band})",
        "kr": "om lag {kr} kr",
        "since": "over båndet siden {day}",
        "said": "sist sagt: {status} {note}",
        "answer": "Svar hva det er, så føres det opp. Eller før det opp selv, på byggets side eller på "
        "gatewayen (sett: seen, kjent: known, rettet: fixed):",
        "peak": "Effekttopp: {name} er på vei mot {expected} kWh denne timen",
        "peak.body": "Hittil {used} kWh, ventet {expected} (mellom {low} og {high}). "
        "Månedens grense er {limit} kWh.",
        "peak.extra": "En ny topp koster om lag {kr} kr mer i effektledd.",
        "peak.do": "Slå av det som kan vente, til klokka er {end}.",
        "seen": "sett", "known": "kjent", "fixed": "rettet",
    },
    "en": {
        "title": "Energy: {n} buildings use more than expected",
        "title.one": "Energy: {name} uses more than expected",
        "head": "The last {days} days, against what the weather asks for:",
        "line": "{name}: {kwh} kWh more than expected (± {band})",
        "kr": "about {kr} kr",
        "since": "above the band since {day}",
        "said": "last said: {status} {note}",
        "answer": "Reply with what it is, and it is noted. Or write it down yourself, on the building's "
        "page or on the gateway (seen, known or fixed):",
        "peak": "Peak: {name} is heading for {expected} kWh this hour",
        "peak.body": "{used} kWh so far, {expected} expected (between {low} and {high}). "
        "The month's limit is {limit} kWh.",
        "peak.extra": "A new peak costs about {kr} kr more in capacity charge.",
        "peak.do": "Switch off what can wait, until {end}.",
        "seen": "seen", "known": "known", "fixed": "fixed",
    },
}  # fmt: skip

_OPTIONS = "--status known --role ... --note ..."


@dataclass(frozen=True, slots=True)
class Letter:
    """What one recipient of alerts.yaml is told."""

    recipient: str
    title: str
    body: str


def letters(
    states: Sequence[BuildingState], answers: Mapping[str, Answer], language: Language, zone: str
) -> list[Letter]:
    """Return a letter for each caretaker with a building that stands out, and to nobody else."""
    by_recipient: dict[str, list[BuildingState]] = {}
    for state in states:
        if state.deviation is not None and state.deviation.stands_out and state.building.caretaker:
            by_recipient.setdefault(state.building.caretaker, []).append(state)
    return [_letter(who, found, answers, language, zone) for who, found in sorted(by_recipient.items())]


def _letter(
    recipient: str,
    states: Sequence[BuildingState],
    answers: Mapping[str, Answer],
    language: Language,
    zone: str,
) -> Letter:
    texts, say = _TEXTS[language], Words(language, zone)
    lines = [texts["head"].format(days=LOOK_BACK_DAYS), ""]
    for state in states:
        lines += [_line(state, answers.get(state.building.id), texts, say), ""]
    lines += [texts["answer"]]
    lines += [f"  sensornett energy answer {s.building.id} {_OPTIONS}" for s in states]
    key = "title.one" if len(states) == 1 else "title"
    title = texts[key].format(name=states[0].building.name, n=len(states))
    return Letter(recipient, title, "\n".join(lines) + "\n")


def _line(state: BuildingState, answer: Answer | None, texts: Mapping[str, str], say: Words) -> str:
    deviation = state.deviation
    assert deviation is not None
    kwh, band = say.number(deviation.kwh), say.number(deviation.band_kwh)
    parts = [texts["line"].format(name=state.building.name, kwh=kwh, band=band)]
    if deviation.ore is not None:
        parts.append(texts["kr"].format(kr=say.number(deviation.ore / 100)))
    if deviation.since is not None:
        noon_s = datetime.combine(deviation.since, time(12), UTC).timestamp()
        parts.append(texts["since"].format(day=say.day(noon_s, year=True)))
    if answer is not None:
        said = texts["said"].format(status=texts[answer.status], note=answer.note)
        parts.append(said.strip())
    return ", ".join(parts)


def peak_letter(building: Building, warned: Warned, language: Language, zone: str) -> Letter | None:
    """Return the letter about a running hour; None where there is nothing to do, or nobody to tell."""
    if building.caretaker is None or warned.outlook not in ("will", "likely"):
        return None
    texts, say, hour = _TEXTS[language], Words(language, zone), warned.projection
    numbers = {
        "used": hour.so_far_wh, "expected": hour.expected_wh, "low": hour.low_wh, "high": hour.high_wh,
        "limit": warned.limit_w,
    }  # fmt: skip
    shown = {name: say.number(wh / 1000, 1) for name, wh in numbers.items()}
    lines = [texts["peak.body"].format(**shown)]
    if warned.extra_ore:
        lines.append(texts["peak.extra"].format(kr=say.number(warned.extra_ore / 100)))
    lines.append(texts["peak.do"].format(end=say.clock(hour.start_s + HOUR_S)))
    title = texts["peak"].format(name=building.name, expected=shown["expected"])
    return Letter(building.caretaker, title, "\n".join(lines) + "\n")
