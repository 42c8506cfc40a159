"""What site.yaml and nodes.yaml may say. The others: `alert_schema`, `building_schema`."""

from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, model_validator

from device_configs.alert_schema import Recipient as Recipient
from device_configs.alert_schema import Rule as Rule
from device_configs.building_schema import Building as Building
from device_configs.building_schema import EventPeriod as EventPeriod
from device_configs.building_schema import Goal as Goal
from device_configs.building_schema import Initiative as Initiative
from device_configs.entry import (
    BoardName,
    Entry,
    Latitude,
    Longitude,
    Moment,
    NodeId,
    ProfileName,
    Slug,
    Text,
    Word,
    matching,
    wrong,
)
from device_configs.page_schema import PageSettings as PageSettings
from device_configs.radio_schema import Lora as Lora
from device_configs.relay_schema import Relay as Relay
from device_configs.retention_schema import Retention as Retention

Carrier = Literal["mqtt", "lora"]
Hex4 = Annotated[str, matching(r"^[0-9a-f]{8}$", "8 hexadecimal digits (0-9, a-f) in quotes")]


def _is_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise wrong(f"unknown time zone `{name[:40]}`", known=("Europe/Oslo", "UTC")) from error
    return name


Zone = Annotated[str, AfterValidator(_is_zone)]
LevelMm = Annotated[int, Field(ge=-20_000, le=20_000)]


class Contact(Entry):
    """Whom to ask about the site: a role, never a person's name."""

    role: Text
    """For example "Duty officer, municipal engineering"."""
    email: Annotated[str, matching(r"^[^@\s]{1,64}@[^@\s]{1,190}$", "an e-mail address")] | None = None
    """A shared mailbox."""
    phone: Annotated[str, matching(r"^\+?[0-9 ]{3,20}$", "a telephone number")] | None = None
    """A duty telephone."""


class SiteFile(Entry):
    """site.yaml"""

    id: Slug
    """The folder's name; also in MQTT topics (sn/<id>/...) and the InfluxDB tag `site`: never change it."""
    name: Text
    """What people call it."""
    demo: bool = False
    """True when the values are invented: every page and export says so."""
    timezone: Zone
    """IANA name; days, hours and tariffs follow it."""
    latitude: Latitude
    """Degrees north (WGS 84) of the middle of the site."""
    longitude: Longitude
    """Degrees east."""
    gateway_id: Hex4
    """Names the gateway in the key of its downlinks: 4 random bytes, drawn once per gateway."""
    languages: Annotated[tuple[Literal["nb", "nn", "en"], ...], Field(min_length=1)] = ("nb", "en")
    """Languages of the pages, the first one first."""
    contact: Contact
    """Whom to ask."""
    lora: Lora | None = None
    """Radio settings, where nodes use LoRa."""
    relay: tuple[Relay, ...] = ()
    """Other sites whose nodes are heard here too, and whose frames are handed to them."""
    page: PageSettings = PageSettings()
    """Who reads what on the page, and what is published."""
    retention: Retention = Retention()
    """How much the gateway keeps, and for how long."""

    @model_validator(mode="after")
    def _check_relay(self) -> Self:
        homes = [home.site for home in self.relay]
        if homes and self.lora is None:
            raise wrong("`relay` hands on what is heard by radio: it needs the `lora` settings")
        if self.id in homes or len(set(homes)) < len(homes):
            raise wrong("`relay` names other sites, each once")
        if any(not 0 < int(home.broker.rpartition(":")[2]) < 65536 for home in self.relay):
            raise wrong("a `broker` has a port from 1 to 65535")
        return self


class GaugingEntry(Entry):
    """One measurement of the discharge."""

    down_mm: LevelMm
    """Level below the grate, above the datum."""
    discharge_l_per_s: Annotated[float, Field(gt=0, le=1_000_000)]
    """What flowed."""
    uncertainty_percent: Annotated[float, Field(gt=0, le=100)] = 5.0
    """Standard uncertainty of that, by which the measurement is weighed."""


class CleanLevels(Entry):
    """Both levels at one moment with a clean grate."""

    up_mm: LevelMm
    """Upstream of the grate."""
    down_mm: LevelMm
    """Downstream of it."""


class IntakeGeometry(Entry):
    """A stream intake in cross-section. Levels are above the datum, in mm, upwards positive."""

    kind: Literal["intake"]
    """Which description this is."""
    datum: Text
    """What level 0 is, so that someone else finds it again."""
    invert_mm: LevelMm
    """Floor of the culvert at its mouth."""
    grate_mm: LevelMm
    """Foot of the grate."""
    soffit_mm: LevelMm
    """Ceiling of the culvert at its mouth: at this level it runs full."""
    up_zero_mm: LevelMm
    """Zero of the level sensor upstream of the grate: the lowest level it can see."""
    down_zero_mm: LevelMm
    """Zero of the level sensor downstream of the grate."""
    gaugings: tuple[GaugingEntry, ...] = ()
    """Discharges measured here, four at least: from them the rating curve is fitted."""
    clean_levels: tuple[CleanLevels, ...] = ()
    """Levels with a clean grate at different discharges: what loss is to be expected. Needs `gaugings`."""

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if not self.invert_mm < self.soffit_mm:
            raise wrong("`soffit_mm` (ceiling) has to lie above `invert_mm` (floor)")
        if not self.grate_mm < self.soffit_mm:
            raise wrong("`soffit_mm` (ceiling) has to lie above `grate_mm` (foot of the grate)")
        if 0 < len(self.gaugings) < 4:
            raise wrong("a rating curve takes four `gaugings` at least")
        if self.clean_levels and (not self.gaugings or len(self.clean_levels) < 2):
            raise wrong("`clean_levels` needs `gaugings`, and two entries at least")
        return self


class SnowGeometry(Entry):
    """How a snow ranger hangs."""

    kind: Literal["snow"]
    """Which description this is."""
    datum: Text
    """What depth 0 is: bare ground, lawn, roof surface ..."""
    sensor_height_mm: Annotated[int, Field(ge=600, le=10_000)]
    """From depth 0 to the ranger's front."""
    design_load_kg_per_m2: Annotated[int, Field(ge=50, le=1500)] | None = None
    """On a roof: the snow load this building is designed for, from its papers."""


class Calibration(Entry):
    """A straight line from raw to calibrated through two points, valid from a moment on.

    Where several entries of a channel are valid at a time, the highest revision counts: a wrong zero is
    put right by a new revision with the old `valid_from`, for the past too.
    """

    channel: Word
    """Name of the profile's channel."""
    revision: Annotated[int, Field(ge=1, le=9999)]
    """1, 2, 3 ... for each channel; never used twice."""
    valid_from: Moment
    """Since when, with time zone; UTC once read."""
    raw0: int
    """A raw value, in the integer unit of the channel's quantity."""
    value0: int
    """What it means, in the integer unit of the derived quantity."""
    raw1: int
    """Another raw value, far from the first."""
    value1: int
    """What that one means."""
    source: Text
    """How it was found: instrument, reference, which role did it."""
    note: Text | None = None
    """Why it was revised."""

    @model_validator(mode="after")
    def _check_line(self) -> Self:
        if self.raw0 == self.raw1 or self.value0 == self.value1:
            raise wrong("the two points have to differ in raw and in value")
        return self


class NodeEntry(Entry):
    """One node in nodes.yaml."""

    id: NodeId
    """Number of the node, unique in the site, also on the wire; never reused for another place."""
    name: Text
    """What people call it."""
    place: Text
    """Where it hangs, so that someone else finds it."""
    latitude: Latitude
    """Degrees north (WGS 84)."""
    longitude: Longitude
    """Degrees east."""
    profile: ProfileName
    """What it measures: a file in profiles/."""
    board: BoardName
    """Which circuit board: a file in boards/."""
    carrier: Carrier
    """How it reports."""
    fallback: Carrier | None = None
    """How it reports where that stays silent; it returns by itself."""
    interval_s: int | None = None
    """How often it samples; left out: the profile's default."""
    event_interval_s: Annotated[int, Field(ge=1, le=3600)] | None = None
    """How often it samples while one of the rules marked `at_node` holds."""
    sensors: dict[str, object] = {}  # noqa: RUF012  pydantic copies it
    """For each sensor of the profile what its type asks for: address, input, ROM id ..."""
    geometry: Annotated[IntakeGeometry | SnowGeometry, Field(discriminator="kind")] | None = None
    """The place in numbers."""
    calibration: tuple[Calibration, ...] = ()
    """From raw to calibrated, every revision ever used."""
