"""The storm's report: one HTML file with what fell on the town, what people were told, and what was held."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

from device_configs.model import Site
from gateway.alerts.paging import Message
from gateway.model import StoredRecord
from gateway.readings import readings
from hardware.report_page import Line, Span, chart, figures, number, page, table
from tests.soak import storm_scene as scene

HOUR_S = 3600
EVERY = 3  # points of a chart: every third record
WORDS = {"raised": "begins", "cleared": "is over", "escalated": "nobody answered: the next is called"}


@dataclass(slots=True)
class Story:
    """What was seen on the way: (hour, records stored, points that InfluxDB has proved)."""

    backlog: list[tuple[float, int, int]] = field(default_factory=list)


def write(
    path: Path,
    site: Site,
    story: Story,
    facts: Mapping[str, Any],
    stored: Sequence[StoredRecord],
    told: Sequence[tuple[Message, str]],
    start_ms: int,
) -> Path:
    """Write the report; return its path."""
    start_s = start_ms // 1000
    heavy = [
        Span("snow", *scene.SNOW_H), Span("flood", scene.FLOOD_H[0], scene.FLOOD_H[3]),
    ]  # fmt: skip
    trouble = [Span("internet away", *scene.INTERNET_AWAY_H), Span("gateway off", *scene.GATEWAY_OFF_H)]
    body = [
        "<h1>Seventy-two hours of storm</h1>",
        f"<p>{facts['nodes']} virtual nodes of four kinds, by Wi-Fi and by LoRa, with a real store, real "
        f"alerts, a real GSM daemon and a real InfluxDB. {facts['micropython']} of them run in MicroPython "
        f"on virtual boards ({number(facts['board_wakes'])} wakes); the others are the firmware's own "
        "conversation, backlog and seal on a timeline. The weather is invented, the meters and people too."
        "</p>",
        figures(
            [
                (number(facts["measured"]), "records measured"),
                (number(facts["stored"]), "in the store, the same set"),
                (number(facts["influxdb"]), "in InfluxDB, the same set"),
                (f"{facts['told']} of {facts['told']}", "things told as expected, nothing else"),
                (f"{number(round(facts['energy_kwh']))} kWh", "in hours, as the registers counted"),
            ]
        ),
        "<h2>Two brooks</h2>",
        "<p>Taraldsvikelva floods with nine others: both sides of the grate rise. At Fagernes the grate "
        "clogs: the water rises upstream, and falls behind.</p>",
        chart(
            "Levels at two intakes",
            [
                _line("Taraldsvikelva, up", site, stored, 11, "up_level_mm", start_s, 0.1),
                _line("down", site, stored, 11, "down_level_mm", start_s, 0.1),
                _line("Fagernes, up", site, stored, 12, "up_level_mm", start_s, 0.1),
                _line("down ", site, stored, 12, "down_level_mm", start_s, 0.1),
            ],
            y_unit="", x_unit="hours", x_step=6, spans=heavy[1:], y_least=0, height=290,
            marks=[(h, "the grate is cleared") for h in (scene.CLOGS_H[12][2],)],
        ),
        '<p class="faint">Centimetres above the bottom of the culvert.</p>',
        "<h2>Snow</h2>",
        chart(
            "Snow depth",
            [
                _line("Skistua", site, stored, 21, "depth_mm", start_s, 0.1),
                _line("roof of the town hall", site, stored, 22, "depth_mm", start_s, 0.1),
            ],
            y_unit="", x_unit="hours", x_step=6, spans=heavy[:1], y_least=0,
        ),
        '<p class="faint">Centimetres.</p>',
        "<h2>What the cloud had</h2>",
        "<p>For twenty hours there is no internet. The gateway goes on alone; pages go by text message. When "
        "the internet is back, InfluxDB gets what it lacks. Sync asks in real time: minutes look like hours "
        "here.</p>",
        chart(
            "Records and points",
            [
                Line("in the store", [(h, n) for h, n, _ in story.backlog]),
                Line("in InfluxDB, proved", [(h, n) for h, _, n in story.backlog]),
            ],
            y_unit="", x_unit="hours", x_step=6, spans=trouble, y_least=0,
        ),
        "<h2>A building</h2>",
        chart(
            "Power of one building",
            [_line("power", site, stored, _first(site, "energy"), "import_power_w", start_s, 0.001)],
            y_unit="", x_unit="hours", x_step=6, spans=trouble, y_least=0, height=200,
        ),
        '<p class="faint">Kilowatts.</p>',
        "<h2>What people were told</h2>",
        table(("hour", "what", "rule", "where", "to", "by"), _told(site, told, start_s)),
        "<h2>What happened, and what was held</h2>",
        table(("what happened", "what is promised", ""), _held(facts)),
        f'<p class="faint">Seed and command: ./run soak storm --seed {escape(str(facts["seed"]))}. It took '
        f"{facts['seconds']} s.</p>",
    ]  # fmt: skip
    path.write_text(page("Seventy-two hours of storm", body))
    return path


def _first(site: Site, profile: str) -> int:
    return next(node.id for node in site.nodes if node.profile.name == profile)


def _line(
    label: str, site: Site, stored: Sequence[StoredRecord], node: int, key: str, start_s: int, scale: float
) -> Line:
    place = site.node(node)
    points: list[tuple[float, float | None]] = []
    mine = sorted((r for r in stored if r.node == node), key=lambda r: r.measured_at_s)
    gap_s = 4 * place.interval_s
    for i, record in enumerate(mine):
        if points and record.measured_at_s - mine[i - 1].measured_at_s > gap_s:
            points.append(((record.measured_at_s - start_s) / HOUR_S, None))
        if i % EVERY:
            continue
        value = next((r.value for r in readings(record, place) if r.key == key), None)
        points.append(((record.measured_at_s - start_s) / HOUR_S, None if value is None else value * scale))
    return Line(label, points)


def _told(site: Site, told: Sequence[tuple[Message, str]], start_s: int) -> list[tuple[str, ...]]:
    names = {rule.id: rule.texts("en").name for rule in site.rules}
    rows: list[tuple[str, ...]] = []
    for message, channel in sorted(told, key=lambda each: max(each[0].created_s, each[0].due_s)):
        hour = (max(message.created_s, message.due_s) - start_s) / HOUR_S
        rules = sorted({names[member.rule] for member in message.members})
        places = [site.node(member.node).name for member in message.members]
        where = ", ".join(places) if len(places) < 4 else f"{len(places)} places, {places[0]} among them"
        by = "SMS" if channel == "sms" else "internet"
        rows.append((f"{hour:.1f}", WORDS[message.kind], "; ".join(rules), where, message.recipient, by))
    return rows


def _held(facts: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    stored = number(facts["stored"])
    return [
        ("heavy snow, a flood, two clogged grates", "each is told once, in its time, to whom it concerns",
         f"✓ {facts['told']} things in {facts['messages']} messages, none too many"),
        ("20 h without internet", "people are told all the same; nothing is missing afterwards",
         f"✓ {facts['by_sms']} text messages; {number(facts['influxdb'])} points"),
        ("the gateway's supply goes for 45 min", "what was acknowledged is in the store, once",
         f"✓ {stored} records, the same set as measured"),
        ("the update fails on its first node", "the node runs the old program, no other is offered it",
         f"✓ {facts['update_wave']}"),
        ("a mast is dark for 6 h", "it is told as silent, and when it is back", "✓ told"),
        ("all of it", "the ledger closes: nothing missing, nothing lost",
         f"✓ {facts['ledger_days']} days of nodes, 0 missing, 0 lost"),
        ("meters count on", "the hours add up to the registers, to the watt-hour",
         f"✓ {number(round(facts['energy_kwh']))} kWh"),
    ]  # fmt: skip
