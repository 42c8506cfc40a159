"""What sensors/*.yaml and profiles/*.yaml may say. Boards: `board`. The files of a site: `site_schema`."""

import re
from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from device_configs.entry import Entry, QuantityName, SensorName, Slug, Text, Word, wrong
from wire.quantities import BY_NAME

Bus = Literal["i2c", "onewire", "uart", "adc", "pulse"]


def rom_crc8(rom: bytes) -> int:
    """Return the CRC of a 1-Wire ROM id, 0 for a whole id that is right.

    Polynomial x^8 + x^5 + x^4 + 1, least significant bit first. Source: Maxim application note 27.
    """
    crc = 0
    for byte in rom:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x8C if crc & 1 else 0)
    return crc


class Parameter(Entry):
    """One thing a site has to, or may, say about a sensor: its address, its input, its shunt ..."""

    kind: Literal["number", "text", "rom"]
    """Type of the value: a whole number, a text, or a 1-Wire ROM id of 16 hexadecimal digits."""
    meaning: Text
    """What it is and where to read it."""
    default: int | str | None = None
    """Value where the site says nothing; without one the site has to say it."""
    lo: int | None = None
    """Smallest number allowed."""
    hi: int | None = None
    """Largest number allowed."""
    choices: tuple[str, ...] = ()
    """The texts allowed; none: any text."""
    identifies: bool = False
    """True when it tells two sensors on one bus apart."""

    def trouble(self, value: object) -> str | None:
        """Return what is wrong with a value; None when nothing is."""
        if self.kind == "number":
            if not isinstance(value, int) or isinstance(value, bool):
                return "has to be a whole number"
            if (self.lo is not None and value < self.lo) or (self.hi is not None and value > self.hi):
                return f"{value} is not between {self.lo} and {self.hi}"
        elif not isinstance(value, str):
            return "has to be text" + (": put it in quotes" if isinstance(value, int | float) else "")
        elif self.kind == "rom":
            if not re.fullmatch("[0-9a-f]{16}", value):
                return "has to be 16 hexadecimal digits (0-9, a-f)"
            if rom_crc8(bytes.fromhex(value)):
                return f"{value} is misread: its last two digits do not match the others"
        elif self.choices and value not in self.choices:
            return f"`{value[:40]}` is none of: " + ", ".join(self.choices)
        return None

    @model_validator(mode="after")
    def _check_default(self) -> Self:
        if self.default is not None and (trouble := self.trouble(self.default)):
            raise wrong(f"`default` {trouble}")
        return self


class SensorOutput(Entry):
    """One value that a sensor's driver returns, and its limits, in the integer units of its quantity."""

    name: Word
    """Name among the sensor's outputs."""
    quantity: QuantityName
    """What it is, hence unit and scale."""
    fault_below: int | None = None
    """A value below this can not have been measured."""
    fault_above: int | None = None
    """A value above this can not have been measured."""
    at_low: int | None = None
    """At or below this the instrument is at its lower limit: the truth may be lower still."""
    at_high: int | None = None
    """At or above this the instrument is at its upper limit: the truth may be higher still."""
    frozen_h: Annotated[int, Field(ge=1, le=1000)] | None = None
    """After this many hours of one and the same value the sensor has frozen; none: it may stand still."""

    @model_validator(mode="after")
    def _check_limits(self) -> Self:
        wire = BY_NAME[self.quantity]
        for name in ("fault_below", "at_low", "at_high", "fault_above"):
            limit = getattr(self, name)
            if limit is not None and not wire.lo <= limit <= wire.hi:
                raise wrong(f"`{name}` {limit}: `{wire.name}` carries {wire.lo} to {wire.hi}")
        limits = [x for x in (self.fault_below, self.at_low, self.at_high, self.fault_above) if x is not None]
        if limits != sorted(limits):
            raise wrong("limits have to rise: fault_below, at_low, at_high, fault_above")
        return self


class Sensor(Entry):
    """One sensor type. Its driver is firmware/lib/drivers/<name>.py."""

    name: Word
    """The file's and the driver's name: the chip or instrument."""
    title: Text
    """Maker, type and what it is used for."""
    bus: Bus
    """Which bus of the board it hangs on."""
    parameters: Annotated[dict[Word, Parameter], Field(default_factory=dict)]
    """What a site says about each one."""
    outputs: Annotated[tuple[SensorOutput, ...], Field(min_length=1)]
    """What a reading consists of, in the order in which the driver returns it."""
    switched: bool
    """True when it is fed by the board's switched sensor supply."""
    warmup_ms: Annotated[int, Field(ge=0, le=60_000)]
    """From supply on until the first reading that counts."""
    read_ms: Annotated[int, Field(ge=1, le=60_000)]
    """Longest time one reading takes after that."""
    source: Text
    """Datasheet and revision the numbers come from, and what has been measured."""

    @model_validator(mode="after")
    def _check_names(self) -> Self:
        names = [output.name for output in self.outputs]
        if len(set(names)) < len(names):
            raise wrong("two outputs have the same name")
        return self


def channel_key(name: str, quantity: str) -> str:
    """Return the name of a channel's values: name and quantity joined, words they share written once.

    ("up", "loop_ua") -> "up_loop_ua", ("distance", "distance_mm") -> "distance_mm",
    ("import_power", "power_w") -> "import_power_w".
    """
    left, right = name.split("_"), quantity.split("_")
    shared = max(n for n in range(len(right) + 1) if n == 0 or left[-n:] == right[:n])
    return "_".join(left + right[shared:])


class Derived(Entry):
    """The calibrated value the gateway computes from a channel."""

    name: Word
    """Name of the value; ends in its quantity: `up_level_mm`."""
    quantity: QuantityName
    """What it is, hence unit and scale."""
    rising: bool
    """Whether it rises when the raw value rises; a calibration that says otherwise is refused."""

    @model_validator(mode="after")
    def _check_name(self) -> Self:
        if channel_key(self.name, self.quantity) != self.name:
            raise wrong(f"`name` has to end in `{self.quantity}`")
        return self


class Channel(Entry):
    """One value of every record of a profile."""

    name: Word
    """Name among the profile's channels."""
    quantity: QuantityName
    """What it is, hence unit and scale."""
    sensor: Word
    """Which of the profile's sensors measures it."""
    output: Word | None = None
    """Which output of that sensor; left out where just one has this quantity or the channel's name."""
    derived: Derived | None = None
    """What a calibration makes of it."""
    plausible: tuple[int, int] | None = None
    """Lowest and highest raw value that can be true where such a node hangs; others are marked."""

    @model_validator(mode="after")
    def _check_plausible(self) -> Self:
        if self.plausible and not self.plausible[0] < self.plausible[1]:
            raise wrong("`plausible` has to rise: lowest, highest")
        return self

    @cached_property
    def key(self) -> str:
        """The name of its values everywhere: in readings, rules and InfluxDB."""
        return channel_key(self.name, self.quantity)


class IntervalLimits(Entry):
    """How often a node may sample."""

    lo_s: Annotated[int, Field(ge=1)]
    """Shortest interval the battery or the flash stands for years."""
    default_s: Annotated[int, Field(ge=1)]
    """Used where a node says nothing."""
    hi_s: Annotated[int, Field(le=86_400)]
    """Longest interval that still serves the purpose."""

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if not self.lo_s <= self.default_s <= self.hi_s:
            raise wrong("has to rise: lo_s, default_s, hi_s")
        return self


class BatteryLimits(Entry):
    """At which battery voltage, under load, a node saves energy."""

    stop_mv: Annotated[int, Field(ge=2000, le=20_000)]
    """Below: only sleep; no radio, no flash writes."""
    low_mv: Annotated[int, Field(ge=2000, le=20_000)]
    """Below: send less often."""
    recover_mv: Annotated[int, Field(ge=2000, le=20_000)]
    """Above: back to normal."""

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if not self.stop_mv < self.low_mv < self.recover_mv:
            raise wrong("has to rise: stop_mv, low_mv, recover_mv")
        return self


class Profile(Entry):
    """One kind of node: what it measures, in which order, how often; in InfluxDB a measurement."""

    name: Slug
    """The file's name."""
    title: Text
    """What such a node is for."""
    schema_id: Annotated[int, Field(ge=1, le=255)]
    """Id on the wire. The quantities of an id never change: a new list gets a new id."""
    power: Literal["battery", "mains"]
    """Battery nodes wake, measure, send and sleep; mains nodes stay awake."""
    battery: BatteryLimits | None = None
    """When a battery node saves energy."""
    batch_s: Annotated[int, Field(ge=1, le=3600)] | None = None
    """How long a mains node gathers records before it writes them to flash and sends them."""
    geometry: Literal["intake", "snow"] | None = None
    """Which description of its place such a node needs."""
    interval: IntervalLimits
    """How often it samples."""
    sensors: dict[Word, SensorName]
    """Its sensors: a name of its own for each, and the type."""
    channels: Annotated[tuple[Channel, ...], Field(min_length=1, max_length=32)]
    """The values of a record, in the order of the wire."""

    def channel(self, name: str) -> Channel:
        """Return the channel of this name. KeyError when there is none."""
        for channel in self.channels:
            if channel.name == name:
                return channel
        raise KeyError(name)

    @cached_property
    def quantities(self) -> tuple[int, ...]:
        """Quantity ids of the channels: the schema of the wire format."""
        return tuple(BY_NAME[channel.quantity].id for channel in self.channels)

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """Keys of all values, raw ones first, then derived ones."""
        derived = [channel.derived.name for channel in self.channels if channel.derived]
        return (*(channel.key for channel in self.channels), *derived)

    @model_validator(mode="after")
    def _check(self) -> Self:
        names = [channel.name for channel in self.channels]
        if len(set(names)) < len(names):
            raise wrong("two channels have the same name")
        if len(set(self.keys)) < len(self.keys):
            raise wrong("two values of the profile have the same key")
        for channel in self.channels:
            if channel.sensor not in self.sensors:
                message = f"channel `{channel.name}`: the profile has no sensor `{channel.sensor}`"
                raise wrong(message, known=self.sensors)
        on_battery = self.power == "battery"
        if (self.battery is not None) != on_battery or (self.batch_s is None) != on_battery:
            raise wrong("a battery profile has `battery` limits, a mains profile has `batch_s`")
        return self
