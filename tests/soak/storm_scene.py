"""The storm: what is true at each place in 72 hours, and of what people then have to be told.

Hours count from local midnight. Expectations are written from the weather and the site's rules, by hand: no
code of the alerts takes part in them.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from device_configs.building_schema import Building
from device_configs.loader import SITES, load_site
from device_configs.model import Node, Site
from device_configs.radio_schema import Lora

HOURS = 72.0
SNOW_H, SNOW_MM_PER_H = (6.0, 26.0), 25.0
FLOOD_H = (36.0, 38.4, 42.0, 48.0)  # rises, stands, falls, is over
FLOOD_MM = 720.0
CLOGS_H = {12: (58.0, 59.5, 61.0), 1003: (30.0, 31.0, 33.0)}  # node: begins, is worst, is cleared
CLOG_MM = {12: 400.0, 1003: 300.0}
INTERNET_AWAY_H = (26.0, 46.0)
GATEWAY_OFF_H = (52.0, 52.75)
SILENT_H = {1020: (12.0, 18.0)}  # nodes without power
UPDATE_H = 64.0
BRIDGE_OUT_H = (38.4, 41.0)  # somebody takes the cable out while the flood stands
ACKNOWLEDGED_AFTER_S = {("rista-tettes", 12): 1200.0, ("rista-tettes", 1003): 300.0}

REAL = (11, 12, 21, 22)  # the demonstration site's own: MicroPython on virtual boards
COUNTS = {"intake": (9, 9), "snow": (8, 8), "energy": (6, 6), "rain": (5, 5)}  # by Wi-Fi, by LoRa
MAINS_INTERVAL_S = 300
CONCENTRATOR, BRIDGE = "concentrator", "bridge"
BEHIND = ((CONCENTRATOR,), (BRIDGE,), (CONCENTRATOR, BRIDGE))  # what hears a LoRa node, one after the other
# One channel and spreading factor: a bridge hears no other. A tenth of the time may be used there.
LORA = Lora(
    frequency_khz=869_525, spreading_factor=9, bandwidth_khz=125, power_dbm=14, bridge="heltec-v3"
)  # fmt: skip


def storm_site() -> Site:
    """Return the demonstration site grown to 60 nodes; clones are numbered from 1000 on."""
    site = load_site(SITES / "narvik-demo")
    models = {node.profile.name: node for node in reversed(site.nodes)}
    models["rain"] = replace(
        models["energy"], profile=site.catalog.profiles["rain"], sensors={"gauge": {}}, calibration=()
    )
    nodes = [site.node(number) for number in REAL]
    for profile, counts in COUNTS.items():
        for carrier, count in zip(("mqtt", "lora"), counts, strict=True):
            nodes += [
                _clone(models[profile], 1000 + len(nodes) + i - len(REAL), carrier) for i in range(count)
            ]
    buildings = [_building(site, node.id) for node in nodes if node.profile.name == "energy"]
    return replace(site, nodes=tuple(nodes), buildings=tuple(buildings), lora=LORA)


def _clone(model: Node, number: int, carrier: str) -> Node:
    interval_s = MAINS_INTERVAL_S if model.profile.power == "mains" else model.interval_s
    name = f"{model.profile.name}-{number}"
    return replace(model, id=number, name=name, carrier=carrier, interval_s=interval_s)  # type: ignore[arg-type]


def _building(site: Site, node: int) -> Building:
    """Return a building whose one meter is this node's, behind transformers 150/5 where its number is odd."""
    model = site.buildings[0]
    meter = model.meters[0].model_copy(update={"node": node, "meter_factor": 30 if node % 2 else 1})
    return model.model_copy(update={"id": f"bygg-{node}", "meters": (meter,)})


def heard_by(node: Node) -> tuple[str, ...]:
    """Return which receivers a node by LoRa reaches: each, or both, as places have it."""
    return BEHIND[node.id % len(BEHIND)] if node.carrier == "lora" else ()


def flooded(node: Node) -> bool:
    """One catchment floods: that of Taraldsvikelva and half of the clones."""
    return node.profile.name == "intake" and (node.id == 11 or (node.id >= 1000 and node.id % 2 == 0))


def _ramp(hour: float, *corners: tuple[float, float]) -> float:
    """Return the value at an hour on the line through (hour, value) corners, flat outside."""
    before = corners[0]
    for corner in corners:
        if hour < corner[0]:
            if before is corner:
                return corner[1]
            return before[1] + (corner[1] - before[1]) * (hour - before[0]) / (corner[0] - before[0])
        before = corner
    return before[1]


def ripple(node: Node, hour: float, size: float) -> float:
    """Return a small wave, so that no sensor seems frozen: the same for each run."""
    return size * math.sin(node.id * 1.7 + hour * 12.9)


def levels_mm(node: Node, hour: float) -> tuple[float, float]:
    """Return the water above and below the grate, in mm over the datum."""
    flood = 0.0
    if flooded(node):
        begins, stands, falls, over = FLOOD_H
        flood = _ramp(hour, (begins, 0), (stands, FLOOD_MM), (falls, FLOOD_MM), (over, 0))
    clog = 0.0
    if node.id in CLOGS_H:
        begins, worst, cleared = CLOGS_H[node.id]
        most = CLOG_MM[node.id]
        clog = _ramp(hour, (begins, 0), (worst, most), (cleared, most), (cleared + 0.1, 0))
    return (
        300 + flood + clog + ripple(node, hour, 4),
        250 + 0.93 * flood - 0.1 * clog + ripple(node, hour + 7, 4),
    )


def depth_mm(node: Node, hour: float) -> float:
    """Return the snow depth in mm."""
    fallen = SNOW_MM_PER_H * (min(max(hour, SNOW_H[0]), SNOW_H[1]) - SNOW_H[0])
    return 500 + fallen + ripple(node, hour, 6)


def air_c(hour: float) -> float:
    return -6 + 2 * math.sin(hour * math.tau / 24)


def power_w(node: Node, hour: float) -> int:
    """Return a building's power: a base and a working day."""
    day = max(0.0, math.sin((hour % 24 - 6) * math.pi / 12))
    return round(9_000 + 40 * (node.id % 17) + 21_000 * day + ripple(node, hour, 300))


@dataclass(slots=True)
class ElectricityMeter:
    """Counts what its building takes, minute by minute; `register_wh` is what its display shows."""

    node: Node
    _minute: int = 0
    _watt_minutes: int = 0

    def register_wh(self, hour: float) -> int:
        """Return the register at an hour; call it with hours that do not fall."""
        while self._minute < math.floor(hour * 60):
            self._watt_minutes += power_w(self.node, self._minute / 60)
            self._minute += 1
        return 700_000_000 + 1000 * self.node.id + self._watt_minutes // 60


def bucket_tips(node: Node, hour: float) -> int:
    """Return how often a gauge's bucket has tipped: rain while the brooks rise."""
    return math.floor(_ramp(hour, (32, 0), (44, 260 + node.id % 7)))


@dataclass(frozen=True, slots=True)
class Expected:
    """One thing that people are told: of a rule at a node, between two hours."""

    kind: str
    rule: str
    node: int
    from_h: float
    to_h: float

    @property
    def what(self) -> tuple[str, str, int]:
        return self.kind, self.rule, self.node


def expected_pages(site: Site) -> Sequence[Expected]:
    """Return everything people have to be told, and when. Quiet hours end at 06:00 and 07:00 local time."""
    found: list[Expected] = []

    def event(rule: str, node: int, begins: tuple[float, float], ends: tuple[float, float] | None) -> None:
        found.append(Expected("raised", rule, node, *begins))
        if ends is not None:
            found.append(Expected("cleared", rule, node, *ends))

    # 10 cm of dry snow lie at 10:00, 3 h later in the running median; 24 h after the last flake it is old.
    event("broyting", 21, (10, 13.5), (50, 62))
    # The upper estimate, 420 kg/m3, is 60 % of 600 kg/m2 at 857 mm: after 14.3 h of snow. It stays.
    event("tak-60", 22, (20.2, 21.2), None)
    # The mast is dark from 12:00: silent for three hours at 15:00, gathered a quarter; told over at 07:00.
    for node, (begins_h, _) in SILENT_H.items():
        event("sno-uten-data", node, (begins_h + 2.8, begins_h + 4.0), (31, 31.2))
    # Two hours after the last record, gathered a quarter; over with the next one. The last frames before the
    # cable came out may have been lost on the air. The energy nodes are silent as long: an info of quiet
    # hours, which is over before it could be told.
    out_h, in_h = BRIDGE_OUT_H
    for place in site.nodes:
        if place.profile.name == "intake" and heard_by(place) == (BRIDGE,):
            event("inntak-uten-data", place.id, (out_h + 1.7, out_h + 2.5), (in_h, in_h + 0.5))
    for place in filter(flooded, site.nodes):
        # 30 cm an hour is above 20 and below 40; known once medians half an hour wide are an hour apart.
        event("stiger-fort", place.id, (36.6, 37.7), (39, 55.5))
        # 60 % of 1200 mm, 720 mm, is passed at 37.4; the info that it is over waits for 07:00.
        event("kulvert-60", place.id, (37.4, 38.4), (43, 55.5))
        if place.id == 11:
            event("kulvert-80", 11, (38.1, 38.7), (42, 55.5))
    for node, (begins_h, _, cleared_h) in CLOGS_H.items():
        event("rista-tettes", node, (begins_h + 0.2, begins_h + 1.2), (cleared_h, 79.5))
    found.append(Expected("escalated", "rista-tettes", 12, 58.4, 59.6))
    # Behind the clogged grate at Fagernes the water passes 60 % of 800 mm as well.
    event("kulvert-60", 12, (58.6, 59.5), (61, 79.5))
    return found
