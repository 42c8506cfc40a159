"""The storm's report: one HTML file with what fell on the town, what people were told, and what was held."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

from device_configs.model import Site
from gateway.alerts.paging import Message
from gateway.model import StoredRecord
from gateway.readings import readings
from hardware.report_page import Line, Span, chart, figures, number, page, table, wide
from tests.soak import storm_scene as scene
from tests.soak.radio_town import EUI

HOUR_S = 3600
WIDTH, LABELS, ROW, TOP, BOTTOM = 960, 190, 22, 6, 26  # of the course, in pixels
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
        f"<p>{facts['nodes']} virtual nodes of four kinds, by Wi-Fi, by a LoRa packet forwarder and by a USB "
        "bridge, with a real store, real alerts, a real GSM daemon and a real InfluxDB. "
        f"{facts['micropython']} of them run in MicroPython on virtual boards "
        f"({number(facts['board_wakes'])} wakes); the others, and the bridge, are the firmware's own "
        "programs on a timeline. The weather is invented, the meters and people too.</p>",
        figures(
            [
                (number(facts["measured"]), "records measured"),
                (number(facts["stored"]), "in the store, the same set"),
                (number(facts["influxdb"]), "in InfluxDB, the same set"),
                (f"{facts['told']} of {facts['told']}", "things told as expected, nothing else"),
                (f"{number(round(facts['energy_kwh']))} kWh", "in hours, as the registers counted"),
            ]
        ),
        course(_happened(), _marks(told, start_s), scene.HOURS + 10),
        "<h2>What happened, and what was held</h2>",
        table(("what happened", "what is promised", "what was seen"), _held(facts)),
        "<h2>Two brooks</h2>",
        "<p>Taraldsvikelva floods with nine others: both sides of the grate rise. At Fagernes the grate "
        "clogs: the water rises upstream, and falls behind. Centimetres above the bottom of the culvert.</p>",
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
        "<h2>Snow</h2>",
        "<p>The depth in centimetres.</p>",
        chart(
            "Snow depth",
            [
                _line("Skistua", site, stored, 21, "depth_mm", start_s, 0.1),
                _line("roof of the town hall", site, stored, 22, "depth_mm", start_s, 0.1),
            ],
            y_unit="", x_unit="hours", x_step=6, spans=heavy[:1], y_least=0,
        ),
        "<h2>By which way the records came</h2>",
        "<p>Records an hour by LoRa, as the gateway got them. While the bridge's cable is out, the nodes "
        "that only it hears keep what they measure, and send it afterwards; those that the concentrator "
        "hears as well notice nothing.</p>",
        chart(
            "Records an hour", _ways(stored, start_s), y_unit="", x_unit="hours", x_step=6, y_least=0,
            spans=[Span("cable out", *scene.BRIDGE_OUT_H), Span("gateway off", *scene.GATEWAY_OFF_H)],
        ),
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
        "<p>Its power in kilowatts. The registers of its meter are what the hours have to add up to.</p>",
        chart(
            "Power of one building",
            [_line("power", site, stored, _first(site, "energy"), "import_power_w", start_s, 0.001)],
            y_unit="", x_unit="hours", x_step=6, spans=trouble, y_least=0, height=200,
        ),
        "<h2>What people were told</h2>",
        f"<details><summary>All {facts['messages']} messages</summary>",
        table(("hour", "what", "rule", "where", "to", "by"), _told(site, told, start_s)),
        "</details>",
        f'<p class="faint">Seed and command: ./run soak storm --seed {escape(str(facts["seed"]))}. It took '
        f"{facts['seconds']} s.</p>",
    ]  # fmt: skip
    path.write_text(page("Seventy-two hours of storm", body))
    return path


def course(
    bars: Sequence[tuple[str, float, float]], marks: Mapping[str, Sequence[float]], hours: float
) -> str:
    """Return what happened as bars over the hours, and below them rows of marks, as SVG."""
    rows = len(bars) + len(marks)
    height = ROW * rows + TOP + BOTTOM
    bottom = height - BOTTOM

    def at_x(hour: float) -> float:
        return LABELS + hour / hours * (WIDTH - LABELS - 8)

    said = [f"{label}, hours {begins:g} to {ends:g}" for label, begins, ends in bars]
    said += [f"{len(moments)} {label}" for label, moments in marks.items()]
    words = escape("; ".join(said))
    out = [f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="What happened when: {words}">']
    for hour in range(0, int(hours) + 1, 6):
        x = at_x(hour)
        out.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{bottom}"/>')
        out.append(f'<text x="{x:.1f}" y="{height - 8}" text-anchor="middle">{hour}</text>')
    y = TOP
    for label, begins_h, ends_h in bars:
        width = max(at_x(ends_h) - at_x(begins_h), 3)
        out.append(f'<text class="ink" x="0" y="{y + 15}">{escape(label)}</text>')
        out.append(
            f'<rect class="f1" x="{at_x(begins_h):.1f}" y="{y + 4}" width="{width:.1f}" '
            f'height="{ROW - 8}" rx="3"/>'
        )
        y += ROW
    for number_, (label, moments_h) in enumerate(marks.items(), 2):
        out.append(f'<text class="ink" x="0" y="{y + 15}">{escape(label)}</text>')
        out += [
            f'<line class="s{number_}" stroke-width="2" x1="{at_x(hour):.1f}" x2="{at_x(hour):.1f}" '
            f'y1="{y + 3}" y2="{y + ROW - 3}"/>'
            for hour in moments_h
        ]
        y += ROW
    return wide("".join(out) + "</svg>", "What happened when")


def _happened() -> list[tuple[str, float, float]]:
    (dark_h,), (one, other) = scene.SILENT_H.values(), sorted(scene.CLOGS_H.values())
    return [
        ("heavy snow, 50 cm", *scene.SNOW_H),
        ("a mast has no power", *dark_h),
        ("no internet", *scene.INTERNET_AWAY_H),
        ("a grate clogs", one[0], one[2]),
        ("ten brooks are in flood", scene.FLOOD_H[0], scene.FLOOD_H[3]),
        ("the bridge's cable is out", *scene.BRIDGE_OUT_H),
        ("the gateway has no power", *scene.GATEWAY_OFF_H),
        ("another grate clogs", other[0], other[2]),
        ("an update fails", scene.UPDATE_H, scene.UPDATE_H + 1),
    ]


def _marks(told: Sequence[tuple[Message, str]], start_s: int) -> dict[str, list[float]]:
    words = {"sms": "text messages", "json": "messages by internet"}
    return {
        words[way]: [_hour(message, start_s) for message, channel in told if channel == way]
        for way in ("json", "sms")
    }


def _hour(message: Message, start_s: int) -> float:
    return (max(message.created_s, message.due_s) - start_s) / HOUR_S


def _ways(stored: Sequence[StoredRecord], start_s: int) -> list[Line]:
    """Return how many records came each hour by the receivers that heard them."""
    counts: dict[str, Counter[int]] = {name: Counter() for name in ("concentrator", "bridge", "both")}
    for record in stored:
        receivers = {heard.receiver for heard in record.receivers}
        hour = (record.received_at_ms // 1000 - start_s) // HOUR_S
        if receivers:
            name = "both" if len(receivers) > 1 else "concentrator" if EUI.hex() in receivers else "bridge"
            counts[name][hour] += 1
    hours = range(int(scene.HOURS))
    return [Line(name, [(hour, count[hour]) for hour in hours], steps=True) for name, count in counts.items()]


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
        rules = sorted({names[member.rule] for member in message.members})
        places = [site.node(member.node).name for member in message.members]
        where = ", ".join(places) if len(places) < 4 else f"{len(places)} places, {places[0]} among them"
        by = "SMS" if channel == "sms" else "internet"
        rows.append(
            (f"{_hour(message, start_s):.1f}", WORDS[message.kind], "; ".join(rules), where,
             message.recipient, by)
        )  # fmt: skip
    return rows


def _held(facts: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    stored = number(facts["stored"])
    return [
        ("heavy snow, a flood, two clogged grates", "each is told once, in its time, to whom it concerns",
         f"✓ {facts['told']} things in {facts['messages']} messages, none too many"),
        ("20 h without internet", "people are told all the same; nothing is missing afterwards",
         f"✓ {facts['by_sms']} text messages; {number(facts['influxdb'])} points"),
        ("the USB bridge's cable is out while the flood stands",
         "its nodes keep what they measure; that three brooks are unwatched is told",
         f"✓ {number(facts['records_by_way']['bridge'])} records by the bridge alone, none missing"),
        ("the gateway's supply goes for 45 min", "what was acknowledged is in the store, once",
         f"✓ {stored} records, the same set as measured"),
        ("the update fails on its first node", "the node runs the old program, no other is offered it",
         f"✓ offered to 1 of {facts['micropython']}; the wave stopped: {facts['update_wave']}"),
        ("a mast is dark for 6 h", "it is told as silent, and when it is back", "✓ told"),
        ("28 nodes, a concentrator and a bridge share a channel",
         "nobody is on the air for longer than the law allows in any hour",
         f"✓ {facts['busiest_hour_of_limit']:.1%} of the limit at most"),
        ("all of it", "the ledger closes: nothing missing, nothing lost",
         f"✓ {facts['ledger_days']} days of nodes, 0 missing, 0 lost"),
        ("meters count on", "the hours add up to the registers, to the watt-hour",
         f"✓ {number(round(facts['energy_kwh']))} kWh"),
    ]  # fmt: skip
