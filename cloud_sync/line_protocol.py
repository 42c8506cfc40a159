"""InfluxDB line protocol: one stored record is one line. Pure.

`<profile>,node=<id>,site=<site> <field>=<integer>i,... <unix seconds>`

The tags of a node never change and a field never changes its type, so that a line sent again replaces its
point instead of making a second one.
"""

import math
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Protocol

from gateway.model import StoredRecord
from wire import quantities

_INTEGERS = range(-(2**63), 2**63)
_BEFORE_NAMES = {ord(c): f"\\{c}" for c in ", ="}
_BEFORE_MEASUREMENTS = {ord(c): f"\\{c}" for c in ", "}
# A backslash cannot be escaped in names (InfluxDB 1.x takes every pair of them apart in its own way), and
# a line break or other control character ends or spoils the line.
_UNSPEAKABLE = re.compile(r"[\x00-\x1f\x7f\\\x85\u2028\u2029]")
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
    """A record that line protocol cannot carry: a name it has no escape for, or no finite 64-bit number."""


class Value(Protocol):
    """One field: `key` as in `up_loop_ua`; `value` None where it was not measured.

    An int is written as an InfluxDB integer, a float as a float: which of the two, the key alone decides.
    """

    @property
    def key(self) -> str: ...

    @property
    def value(self) -> int | float | None: ...


def worst(quality: Sequence[int]) -> int:
    """Return the quality code that matters most; codes unknown here count as worse than all others.

    A sensor fault comes first; a value that was not meant to be measured (MISSING) comes last before OK.
    """
    return max(quality, key=lambda code: _SEVERITY.get(code, len(_SEVERITY) + code), default=quantities.OK)


def line(record: StoredRecord, site: str, profile: str, values: Iterable[Value]) -> str:
    """Return the record's line, without line break. `seq`, `q` (see `worst`) and `epoch` are always in it.

    Raises Unspeakable.
    """
    fields = [f"seq={_number(record.seq)},q={worst(record.quality)}i,epoch={_number(record.epoch)}"]
    fields += [f"{_name(v.key)}={_number(v.value)}" for v in values if v.value is not None]
    return f"{_series(profile, site, record.node)} {','.join(fields)} {record.measured_at_s:d}"


@lru_cache(maxsize=4096)
def _series(measurement: str, site: str, node: int) -> str:
    return f"{_checked(measurement).translate(_BEFORE_MEASUREMENTS)},node={node:d},site={_name(site)}"


@lru_cache(maxsize=4096)
def _name(name: str) -> str:
    """Escape a tag's value or a field's key."""
    return _checked(name).translate(_BEFORE_NAMES)


def _checked(name: str) -> str:
    if not name:
        raise Unspeakable("an empty name cannot be written in line protocol")
    if found := _UNSPEAKABLE.search(name):
        raise Unspeakable(f"the name {name!r} holds {found.group()!r}, for which line protocol has no escape")
    if name[0] == "#" or name[0] == "_":
        raise Unspeakable(f"the name {name!r} begins with {name[0]!r}, which line protocol reserves")
    return name


def _number(value: int | float) -> str:
    if isinstance(value, int):
        if value not in _INTEGERS:
            raise Unspeakable(f"{value} does not fit a 64-bit integer")
        return f"{value:d}i"
    if not math.isfinite(value):
        raise Unspeakable(f"{value} is not a finite number")
    return repr(value)
