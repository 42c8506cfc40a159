"""InfluxDB line protocol: one stored record is one line. Pure.

    <profile>,node=<id>,site=<site> seq=<n>i,q=<code>i,epoch=<n>i,<key>=<integer>i,... <unix seconds>

The tags of a node never change and every field is an integer, so a line sent again, or with a corrected
calibration, replaces its point instead of making a second one.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import lru_cache

from device_configs.model import Node, Site
from gateway.model import Reading, StoredRecord
from gateway.readings import WrongSchema, apply, readings, timeline
from wire import quantities

_INTEGERS = range(-(2**63), 2**63)
_ESCAPED = {ord(c): f"\\{c}" for c in ", ="}
_ESCAPED_IN_MEASUREMENT = {ord(c): f"\\{c}" for c in ", "}
# There is no escape for a backslash in names (servers take pairs of them apart in different ways), and a
# line break or another control character ends or spoils the line.
_UNSPEAKABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\\\u2028\u2029\ud800-\udfff]")
_WORST_FIRST = (
    quantities.FAULT,
    quantities.OUT_OF_RANGE,
    quantities.AT_HIGH,
    quantities.AT_LOW,
    quantities.FROZEN,
    quantities.SPREAD,
    quantities.CLAMPED,
    quantities.ESTIMATED,
    quantities.MISSING,
)
_SEVERITY = {code: len(_WORST_FIRST) - i for i, code in enumerate(_WORST_FIRST)} | {quantities.OK: 0}


class Unspeakable(ValueError):
    """A record no line can be made of: its node or profile is unknown, or a name has no escape."""


def encoder(site: Site) -> Callable[[StoredRecord], str]:
    """Return what makes the line of any record of the site. It raises Unspeakable.

    A record made under an earlier profile of its node is written as that profile's.
    """
    nodes = {node.id: node for node in site.nodes}
    profiles = {profile.schema_id: profile for profile in site.catalog.profiles.values()}

    plans: dict[tuple[int, int], _Plan] = {}

    def carefully(record: StoredRecord) -> str:
        node = nodes.get(record.node)
        if node is None:
            raise Unspeakable(
                f"node {record.node} is not in nodes.yaml of site {site.id}: add it, restart sync, then retry"
            )
        profile = profiles.get(record.schema_id)
        if profile is None:
            raise Unspeakable(f"no profile has schema id {record.schema_id}, which node {record.node} used")
        if profile is not node.profile:
            node = replace(node, profile=profile)
        try:
            found = line(record, site.id, profile.name, readings(record, node))
        except WrongSchema as error:
            raise Unspeakable(str(error)) from error
        plans[record.node, record.schema_id] = _Plan(site.id, node)
        return found

    def encode(record: StoredRecord) -> str:
        plan = plans.get((record.node, record.schema_id))
        return (plan and plan.line(record)) or carefully(record)

    return encode


class _Plan:
    """What the lines of one node and profile have in common: makes those in which nothing can be wrong.

    A stored value fits 64 bits; what a calibration makes of it may not.
    """

    def __init__(self, site: str, node: Node) -> None:
        channels = node.profile.channels
        self._series = _series(node.profile.name, site, node.id)
        self._keys = [f"{_name(channel.key)}=" for channel in channels]
        self._derived = [
            (i, f"{_name(channel.derived.name)}=", *timeline(node.calibration, channel.name))
            for i, channel in enumerate(channels)
            if channel.derived is not None
        ]

    def line(self, record: StoredRecord) -> str | None:
        """Return the record's line; None where it has to be looked at with care."""
        values = record.values
        if len(values) != len(self._keys) or len(record.quality) != len(self._keys):
            return None
        parts = [f"{key}{value}i" for key, value in zip(self._keys, values, strict=True) if value is not None]
        at_s = record.measured_at_s
        for i, key, starts, valid in self._derived:
            value = values[i]
            which = bisect_right(starts, at_s)
            if value is not None and which:
                result = apply(valid[which - 1], value)
                if result not in _INTEGERS:
                    return None
                parts.append(f"{key}{result}i")
        head = f"{self._series} seq={record.seq}i,q={worst(record.quality)}i,epoch={record.epoch}i"
        return f"{','.join([head, *parts])} {at_s}"


def line(record: StoredRecord, site: str, profile: str, values: Iterable[Reading]) -> str:
    """Return the record's line, without line break. `seq`, `q` (see `worst`) and `epoch` are always in it;
    a reading without a value is left out. Raises Unspeakable.
    """
    fields = [f"seq={_integer(record.seq)},q={worst(record.quality)}i,epoch={_integer(record.epoch)}"]
    fields += [f"{_name(r.key)}={_integer(r.value)}" for r in values if r.value is not None]
    return f"{_series(profile, site, record.node)} {','.join(fields)} {record.measured_at_s:d}"


@lru_cache(maxsize=4096)  # the same few combinations again and again
def worst(quality: tuple[int, ...]) -> int:
    """Return the quality code that matters most; codes unknown here count as worse than all others.

    A sensor fault comes first; a value that was not meant to be measured (MISSING) comes last before OK.
    """
    return max(quality, default=quantities.OK, key=lambda code: _SEVERITY.get(code, len(_SEVERITY) + code))


@lru_cache(maxsize=4096)
def _series(measurement: str, site: str, node: int) -> str:
    return f"{_speakable(measurement).translate(_ESCAPED_IN_MEASUREMENT)},node={node:d},site={_name(site)}"


@lru_cache(maxsize=4096)
def _name(name: str) -> str:
    """Escape a tag's value or a field's key."""
    return _speakable(name).translate(_ESCAPED)


def _speakable(name: str) -> str:
    if not name:
        raise Unspeakable("an empty name cannot be written in line protocol")
    if found := _UNSPEAKABLE.search(name):
        raise Unspeakable(f"the name {name!r} holds {found.group()!r}, for which line protocol has no escape")
    if name[0] in "#_":
        raise Unspeakable(f"the name {name!r} begins with {name[0]!r}, which line protocol reserves")
    return name


def _integer(value: int) -> str:
    if value not in _INTEGERS:
        raise Unspeakable(f"{value} does not fit a 64-bit integer")
    return f"{value:d}i"
