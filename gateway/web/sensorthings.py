"""The public data as OGC SensorThings API 1.1 entities (OGC 18-088): read-only, the sensing core. Pure.

Every place is a Thing with one Datastream for each value; every public building is one with its energy sums.
An entity is a dict as it is sent, with what can be compared under plain names beside it (`compared`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from gateway.model import Reading, StoredRecord
from gateway.web.live import NodeLive
from gateway.web.public import PublicView, Sum, public_keys
from gateway.web.words import Words
from wire.quantities import BY_NAME, QUALITY_NAMES

VERSION = "v1.1"
MEASUREMENT = "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement"
GEO_JSON = "application/geo+json"  # of FeatureOfInterest, as 1.1 has it
_UCUM = {
    "mm": "millimetre",
    "Cel": "degree Celsius",
    "mV": "millivolt",
    "W": "watt",
    "um": "micrometre",
    "deg": "degree",
    "[ppth]": "parts per thousand",
    "{pulse}": "pulse",
    "mA": "milliampere",
    "V": "volt",
    "uA": "microampere",
}

# Which entities an entity leads to: (name of the link, set it leads to).
LINKS: Mapping[str, Mapping[str, str]] = {
    "Things": {"Locations": "Locations", "Datastreams": "Datastreams"},
    "Locations": {"Things": "Things"},
    "Datastreams": {
        "Thing": "Things",
        "Sensor": "Sensors",
        "ObservedProperty": "ObservedProperties",
        "Observations": "Observations",
    },
    "Sensors": {"Datastreams": "Datastreams"},
    "ObservedProperties": {"Datastreams": "Datastreams"},
    "Observations": {"Datastream": "Datastreams", "FeatureOfInterest": "FeaturesOfInterest"},
    "FeaturesOfInterest": {"Observations": "Observations"},
}
SETS = tuple(LINKS)
_PLAIN: Mapping[str, type] = {"id": str, "name": str, "description": str}
PROPERTIES: Mapping[str, Mapping[str, type]] = {
    **dict.fromkeys(("Things", "Locations", "FeaturesOfInterest", "Sensors"), _PLAIN),
    "Datastreams": {**_PLAIN, "observationType": str},
    "ObservedProperties": {**_PLAIN, "definition": str},
    "Observations": {"id": str, "phenomenonTime": datetime, "resultTime": datetime, "result": float},
}


@dataclass(frozen=True, slots=True)
class Entity:
    """One entity of `kind`. `leads` holds for each link the ids of the entities behind it."""

    kind: str
    id: str
    body: Mapping[str, Any]
    leads: Mapping[str, Sequence[str]] = field(default_factory=dict)
    compared: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self, root: str) -> dict[str, Any]:
        """Return it as it is sent, with its links below `root`."""
        own = f"{root}/{self.kind}('{self.id}')"
        links = {f"{name}@iot.navigationLink": f"{own}/{name}" for name in LINKS[self.kind]}
        return {"@iot.id": self.id, "@iot.selfLink": own, **self.body, **links}


def _entity(kind: str, id_: str, leads: Mapping[str, Sequence[str]], **body: Any) -> Entity:
    compared = {"id": id_, **{name: body.get(name) for name in PROPERTIES[kind] if name != "id"}}
    return Entity(kind, id_, body, leads, compared)


def _shelf(node: NodeLive, say: Words) -> Mapping[str, str]:
    """Return since when a place does not report because its node is on the shelf; nothing where it does."""
    return {} if node.on_shelf_s is None else {"onShelfSince": say.utc(node.on_shelf_s)}


def entities(view: PublicView, say: Words) -> dict[str, dict[str, Entity]]:
    """Return every entity but the observations, by set and id."""
    found: dict[str, dict[str, Entity]] = {name: {} for name in SETS if name != "Observations"}

    def add(entity: Entity) -> None:
        found[entity.kind][entity.id] = entity

    sensors: dict[str, list[str]] = {}
    observed: dict[str, list[str]] = {}
    for node in view.nodes():
        place, id_ = node.place, str(node.place.id)
        point = {"type": "Point", "coordinates": [place.node.longitude, place.node.latitude]}
        streams = [f"{id_}.{key}" for key in public_keys(place)]
        name, description = place.node.name, place.node.place
        add(
            _entity(
                "Things",
                id_,
                {"Locations": [id_], "Datastreams": streams},
                name=name,
                description=description,
                properties={"kind": place.kind, "site": view.site.id, **_shelf(node, say)},
            )
        )
        add(
            _entity(
                "Locations",
                id_,
                {"Things": [id_]},
                name=name,
                description=description,
                encodingType=GEO_JSON,
                location=point,
            )
        )
        add(
            _entity(
                "FeaturesOfInterest",
                id_,
                {},
                name=name,
                description=description,
                encodingType=GEO_JSON,
                feature=point,
            )
        )
        for key in public_keys(place):
            sensor = f"{place.node.profile.name}.{key}"
            sensors.setdefault(sensor, []).append(f"{id_}.{key}")
            observed.setdefault(key, []).append(f"{id_}.{key}")
            add(
                _entity(
                    "Datastreams",
                    f"{id_}.{key}",
                    {"Thing": [id_], "Sensor": [sensor], "ObservedProperty": [key]},
                    name=f"{name}: {say.value(key)}",
                    description=f"{say.value(key)}, {description}",
                    observationType=MEASUREMENT,
                    unitOfMeasurement=_unit(key),
                    observedArea=point,
                )
            )
    hourly = view.whole.page.building_energy == "hourly"
    for building, name in view.buildings:
        id_, stream = f"building.{building}", f"building.{building}.energy"
        add(
            _entity(
                "Things",
                id_,
                {"Locations": [], "Datastreams": [stream]},
                name=name,
                description=say("data.building"),
                properties={"kind": "building", "site": view.site.id},
            )
        )
        add(
            _entity(
                "FeaturesOfInterest",
                id_,
                {},
                name=name,
                description=say("data.building"),
                encodingType=GEO_JSON,
                feature={"type": "Point", "coordinates": [view.site.longitude, view.site.latitude]},
            )
        )
        sensors.setdefault("building.energy", []).append(stream)
        observed.setdefault("energy", []).append(stream)
        add(
            _entity(
                "Datastreams",
                stream,
                {"Thing": [id_], "Sensor": ["building.energy"], "ObservedProperty": ["energy"]},
                name=f"{name}: {say('data.energy.' + ('hour' if hourly else 'day'))}",
                description=say("data.building"),
                observationType=MEASUREMENT,
                unitOfMeasurement={"name": "kilowatt hour", "symbol": "kWh", "definition": "ucum:kW.h"},
            )
        )
    for sensor, streams in sensors.items():
        add(
            _entity(
                "Sensors",
                sensor,
                {"Datastreams": streams},
                name=sensor,
                description=sensor.replace(".", ", "),
                encodingType="text/plain",
                metadata=sensor,
            )
        )
    for key, streams in observed.items():
        title = say("data.energy") if key == "energy" else say.value(key)
        add(
            _entity(
                "ObservedProperties",
                key,
                {"Datastreams": streams},
                name=title,
                description=title,
                definition=f"urn:sensornett:observed-property:{key}",
            )
        )
    return found


def _unit(key: str) -> dict[str, str]:
    quantity = quantity_of(key)
    if quantity is None:
        return {"name": "unknown", "symbol": "", "definition": "ucum:1"}
    symbol = "°C" if quantity.unit == "Cel" else quantity.unit
    return {
        "name": _UCUM.get(quantity.unit, quantity.unit),
        "symbol": symbol,
        "definition": f"ucum:{quantity.unit}",
    }


def quantity_of(key: str) -> Any:
    """Return the quantity a key is of ("up_level_mm" is of level_mm); None where there is none."""
    fits = [name for name in BY_NAME if key == name or key.endswith(f"_{name}")]
    return BY_NAME[max(fits, key=len)] if fits else None


def observation(stream: str, record: StoredRecord, reading: Reading) -> Entity:
    """Return one value of one record as an Observation, in the quantity's unit."""
    measured = datetime.fromtimestamp(record.measured_at_s, UTC)
    received = datetime.fromtimestamp(record.received_at_ms / 1000, UTC)
    digits = max(0, len(f"{reading.scale:.6f}".rstrip("0").partition(".")[2]))
    result = None if reading.value is None else round(reading.value * reading.scale, digits)
    quality = QUALITY_NAMES[reading.quality] if reading.quality < len(QUALITY_NAMES) else str(reading.quality)
    id_ = f"{stream}.{record.measured_at_s}"
    thing = stream.partition(".")[0]
    return Entity(
        "Observations",
        id_,
        {
            "phenomenonTime": _zulu(measured),
            "resultTime": _zulu(received, "milliseconds"),
            "result": result,
            "resultQuality": quality,
            "parameters": {"time_error_ms": record.time_error_ms, "calibrated": reading.calibrated},
        },
        {"Datastream": [stream], "FeatureOfInterest": [thing]},
        {"id": id_, "phenomenonTime": measured, "resultTime": received, "result": result},
    )


def energy_observation(found: Sum) -> Entity:
    """Return a building's sum as an Observation over its hour or day."""
    stream = f"building.{found.building}.energy"
    begin, end = (datetime.fromtimestamp(at_s, UTC) for at_s in (found.start_s, found.end_s))
    id_ = f"{stream}.{found.start_s}"
    return Entity(
        "Observations",
        id_,
        {
            "phenomenonTime": f"{_zulu(begin)}/{_zulu(end)}",
            "resultTime": _zulu(end),
            "result": round(found.kwh, 3),
            "resultQuality": "estimated" if found.estimated_h else "ok",
        },
        {"Datastream": [stream], "FeatureOfInterest": [f"building.{found.building}"]},
        {"id": id_, "phenomenonTime": begin, "resultTime": end, "result": round(found.kwh, 3)},
    )


def observations(
    view: PublicView, stream: str, from_s: int, to_s: int, newest_first: bool
) -> Iterator[Entity]:
    """Yield the observations of a datastream in order of time. Raises StoreError."""
    if stream.startswith("building."):
        building = stream.removeprefix("building.").removesuffix(".energy")
        mine = [s for s in view.sums() if s.building == building and from_s <= s.start_s < to_s]
        yield from map(energy_observation, reversed(mine) if newest_first else mine)
        return
    node, key = split(view, stream)
    for record, readings in view.readings(node, from_s, to_s, newest_first=newest_first):
        if key in readings:
            yield observation(stream, record, readings[key])


def split(view: PublicView, stream: str) -> tuple[NodeLive, str]:
    """Return the place and the key of a datastream. KeyError where there is none."""
    number, _, key = stream.partition(".")
    node = view.node(int(number)) if number.isdecimal() else None
    if node is None or key not in public_keys(node.place):
        raise KeyError(stream)
    return node, key


def _zulu(at: datetime, spec: str = "seconds") -> str:
    return at.isoformat(timespec=spec).replace("+00:00", "Z")
