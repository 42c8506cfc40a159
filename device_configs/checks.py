"""Checks across the entries and files of a site, after each entry alone has been found right."""

import math
from collections.abc import Iterable, Iterator, Sequence

from device_configs.catalog import Catalog
from device_configs.problem import Problem, did_you_mean
from device_configs.radio_plan import plan
from device_configs.radio_schema import Lora
from device_configs.schema import Profile
from device_configs.site_schema import (
    Building,
    Calibration,
    Initiative,
    NodeEntry,
    SiteFile,
)
from device_configs.source import Document, Place
from device_configs.tariff import tariffs
from wire.quantities import BY_NAME

Placed = Sequence[tuple[Place, NodeEntry]]
METER_KEY = "import_energy_wh"  # what makes a node a meter
FAR_KM = 150  # a site is one municipality: Norway's largest stretches over less


def distance_km(latitude: float, longitude: float, latitude2: float, longitude2: float) -> float:
    """Return the great-circle distance (haversine) between two positions in degrees."""
    a, b = math.radians(latitude), math.radians(latitude2)
    h = math.sin((b - a) / 2) ** 2
    h += math.cos(a) * math.cos(b) * math.sin(math.radians(longitude2 - longitude) / 2) ** 2
    return 2 * 6371 * math.asin(min(1.0, math.sqrt(h)))


def duplicates(document: Document, found: Iterable[tuple[Place, object]], field: str) -> Iterator[Problem]:
    """Yield a problem for every entry whose `field` an earlier entry has."""
    first: dict[object, Place] = {}
    for place, entry in found:
        value = getattr(entry, field)
        if (earlier := first.setdefault(value, place)) != place:
            line = document.values[earlier][0]
            yield document.problem((*place, field), f"`{field}` {value} is taken by the entry in line {line}")


def check_position(document: Document, place: Place, entry: NodeEntry, site: SiteFile) -> Iterator[Problem]:
    here = entry.latitude, entry.longitude
    km = distance_km(*here, site.latitude, site.longitude)
    if km <= FAR_KM:
        return
    swapped = abs(entry.longitude) <= 90 and distance_km(*here[::-1], site.latitude, site.longitude) <= FAR_KM
    hint = "are latitude and longitude swapped?" if swapped else "compare it with the position in site.yaml"
    yield document.problem((*place, "latitude"), f"node {entry.id} lies {km:.0f} km from the site", hint)


def check_node(
    document: Document, place: Place, entry: NodeEntry, catalog: Catalog, site: SiteFile | None
) -> Iterator[Problem]:
    """Yield what does not fit together in one node, its wiring apart."""
    profile = catalog.profiles[entry.profile]
    limits = profile.interval
    if entry.interval_s is not None and not limits.lo_s <= entry.interval_s <= limits.hi_s:
        message = f"`interval_s` {entry.interval_s} is not between {limits.lo_s} and {limits.hi_s}"
        yield document.problem((*place, "interval_s"), message, f"limits of profile `{profile.name}`")
    kind = entry.geometry.kind if entry.geometry else None
    if kind != profile.geometry:
        if profile.geometry is None:
            message = f"nodes of profile `{profile.name}` have no geometry"
        else:
            message = f"nodes of profile `{profile.name}` need a `geometry` with `kind: {profile.geometry}`"
        yield document.problem((*place, "geometry"), message)
    if entry.fallback == entry.carrier:
        message = f"`fallback` is another carrier than `{entry.carrier}`, or left out"
        yield document.problem((*place, "fallback"), message)
    for key in ("carrier", "fallback"):
        if getattr(entry, key) != "lora":
            continue
        if catalog.boards[entry.board].sx1262 is None:
            yield document.problem((*place, key), f"board `{entry.board}` has no LoRa radio")
        if site is not None and site.lora is None:
            yield document.problem((*place, key), "site.yaml has no `lora` settings")
        if site is not None and site.lora is not None:
            yield from _check_airtime(document, place, entry, profile, site.lora)
    yield from _check_calibrations(document, place, entry, catalog)


def check_bridge(document: Document, lora: Lora, catalog: Catalog) -> Iterator[Problem]:
    """Yield what makes the site's bridge none."""
    if lora.bridge is not None and catalog.boards[lora.bridge].sx1262 is None:
        message = f"board `{lora.bridge}` has no LoRa radio: it can be no bridge"
        yield document.problem(("lora", "bridge"), message)


def _check_airtime(
    document: Document, place: Place, entry: NodeEntry, profile: Profile, lora: Lora
) -> Iterator[Problem]:
    """Yield a problem where the law does not let the node report as often as it is to."""
    interval_s = entry.interval_s or profile.interval.default_s
    found = plan(profile, lora, interval_s, entry.event_interval_s)
    if found.lawful:
        return
    key = "event_interval_s" if entry.event_interval_s else "interval_s"
    percent = found.worst_permille / 10
    message = (
        f"node {entry.id} would take {percent:.0f} % of the airtime the law allows; it may plan for 75 %"
    )
    hint = "a longer interval, a lower spreading factor, or more channels"
    yield document.problem((*place, key if getattr(entry, key) else "id"), message, hint)


def _check_calibrations(
    document: Document, place: Place, entry: NodeEntry, catalog: Catalog
) -> Iterator[Problem]:
    used: dict[tuple[str, int], Calibration] = {}
    channels = {channel.name: channel for channel in catalog.profiles[entry.profile].channels}
    derived = [name for name, channel in channels.items() if channel.derived]
    for i, calibration in enumerate(entry.calibration):
        at: Place = (*place, "calibration", i)
        channel = channels.get(calibration.channel)
        if channel is None or channel.derived is None:
            what = "has no channel" if channel is None else "calibrates nothing in channel"
            message = f"profile `{entry.profile}` {what} `{calibration.channel}`"
            yield document.problem((*at, "channel"), message, did_you_mean(calibration.channel, derived))
            continue
        if used.setdefault((channel.name, calibration.revision), calibration) is not calibration:
            message = f"channel `{channel.name}` has a revision {calibration.revision} already"
            yield document.problem((*at, "revision"), message, "a correction gets the next free number")
        raw, value = BY_NAME[channel.quantity], BY_NAME[channel.derived.quantity]
        for key, number, quantity in (
            ("raw0", calibration.raw0, raw),
            ("raw1", calibration.raw1, raw),
            ("value0", calibration.value0, value),
            ("value1", calibration.value1, value),
        ):
            if not quantity.lo <= number <= quantity.hi:
                message = f"`{key}` {number}: `{quantity.name}` is {quantity.lo} to {quantity.hi}"
                yield document.problem((*at, key), message)
        rising = (calibration.raw1 - calibration.raw0) * (calibration.value1 - calibration.value0) > 0
        if rising != channel.derived.rising:
            turn = "rise" if channel.derived.rising else "fall"
            message = f"`{channel.derived.name}` has to {turn} when `{channel.key}` rises"
            yield document.problem((*at, "value1"), message, "are the two values swapped?")


def check_buildings(
    document: Document,
    buildings: Sequence[tuple[Place, Building]],
    nodes: Document,
    placed: Placed,
    catalog: Catalog,
) -> Iterator[Problem]:
    """Yield meters and outdoor probes that are not there, and meters counted twice."""
    profile_of = {node.id: catalog.profiles[node.profile] for _, node in placed}
    metered: dict[int, str] = {}
    for place, building in buildings:
        sources = [((*place, "meters", i), meter.node, METER_KEY) for i, meter in enumerate(building.meters)]
        outdoor = building.outdoor_temperature
        if outdoor and outdoor.node is not None and outdoor.key is not None:
            sources.append(((*place, "outdoor_temperature"), outdoor.node, outdoor.key))
        for at, number, key in sources:
            profile = profile_of.get(number)
            if profile is None:
                listed = nodes.ids("nodes")
                if listed is not None and number not in listed:
                    yield document.problem((*at, "node"), f"nodes.yaml has no node {number}")
            elif key not in profile.keys:
                message = f"node {number} has no value `{key}`: its profile is `{profile.name}`"
                yield document.problem((*at, "key"), message, did_you_mean(key, profile.keys))
        for i, meter in enumerate(building.meters):
            if meter.node in metered:
                message = f"node {meter.node} is a meter of `{metered[meter.node]}` already"
                yield document.problem((*place, "meters", i, "node"), message)
            metered.setdefault(meter.node, building.id)


def check_keepers(
    document: Document, buildings: Sequence[tuple[Place, Building]], alerts: Document
) -> Iterator[Problem]:
    """Yield caretakers that alerts.yaml does not know, and tariffs this version does not have."""
    roles = alerts.ids("recipients")
    for place, building in buildings:
        if roles is not None and building.caretaker not in (None, *roles):
            hint = did_you_mean(str(building.caretaker), map(str, roles))
            message = f"alerts.yaml has no recipient `{building.caretaker}`"
            yield document.problem((*place, "caretaker"), message, hint)
        if building.tariff is not None and building.tariff not in tariffs():
            hint = did_you_mean(building.tariff, tariffs())
            yield document.problem((*place, "tariff"), f"unknown tariff `{building.tariff}`", hint)


def check_initiatives(
    document: Document, initiatives: Sequence[tuple[Place, Initiative]], buildings: Document
) -> Iterator[Problem]:
    """Yield initiatives in buildings that are not there."""
    listed = buildings.ids("buildings")
    for place, initiative in initiatives:
        if listed is not None and initiative.building not in (None, *listed):
            hint = did_you_mean(str(initiative.building), map(str, listed))
            message = f"buildings.yaml has no building `{initiative.building}`"
            yield document.problem((*place, "building"), message, hint)
