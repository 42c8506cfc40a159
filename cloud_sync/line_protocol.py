"""InfluxDB line protocol: one stored record is one line. Pure.

    <profile>,node=<id>,site=<site> seq=<n>i,q=<code>i,epoch=<n>i,<key>=<integer>i,... <unix seconds>

The tags of a node never change and every field is an integer, so a line sent again, or with a corrected
calibration, replaces its point instead of making a second one. Lines are made from columns, many at a time.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import repeat
from typing import cast

from device_configs.model import Node, Site
from device_configs.site_schema import Calibration
from gateway.readings import apply, apply_to_column, timeline
from gateway.store import Stretch
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


def encoder(site: Site) -> Callable[[Stretch], list[str]]:
    """Return what makes the lines of any records of the site, without line breaks, in the stretch's order.

    It raises Unspeakable where one of the records has no line. A record made under an earlier profile of its
    node is written as that profile's.
    """
    nodes = {node.id: node for node in site.nodes}
    profiles = {profile.schema_id: profile for profile in site.catalog.profiles.values()}
    plans: dict[tuple[int, int], _Plan] = {}

    def plan_of(node_id: int, schema_id: int) -> _Plan:
        node = nodes.get(node_id)
        if node is None:
            raise Unspeakable(
                f"node {node_id} is not in nodes.yaml of site {site.id}: add it, restart sync, then retry"
            )
        profile = profiles.get(schema_id)
        if profile is None:
            raise Unspeakable(f"no profile has schema id {schema_id}, which node {node_id} used")
        return _Plan(site.id, node if profile is node.profile else replace(node, profile=profile))

    def encode(stretch: Stretch) -> list[str]:
        kind = stretch.node, stretch.schema_id
        plan = plans.get(kind)
        if plan is None:
            plan = plans[kind] = plan_of(*kind)
        return plan.lines(stretch)

    return encode


class _Plan:
    """What the lines of one node under one profile have in common."""

    def __init__(self, site: str, node: Node) -> None:
        channels = node.profile.channels
        self._profile = node.profile.name
        self._series = series(node.profile.name, site, node.id)
        self._keys = [name(channel.key) for channel in channels]
        self._derived = [
            (i, name(channel.derived.name), *timeline(node.calibration, channel.name))
            for i, channel in enumerate(channels)
            if channel.derived is not None
        ]

    def lines(self, stretch: Stretch) -> list[str]:
        """Return the records' lines. `seq`, `q` (see `worst`) and `epoch` are in each; a value that is
        missing is left out. Raises Unspeakable.
        """
        count = len(stretch)
        if not len(stretch.values) == len(stretch.quality) == len(self._keys):
            raise Unspeakable(
                f"node {stretch.node}: schema {stretch.schema_id} with {len(stretch.values)} values; the "
                f"profile `{self._profile}` has {len(self._keys)} channels. Give the node the profile it "
                "reported with."
            )
        rows = _Rows(count)
        rows.numbers(f"{self._series} seq=", stretch.seqs)
        # Most channels have the same marks, and the worst of two equal ones is the worst of one.
        marks = set(map(tuple, stretch.quality))
        rows.numbers("i,q=", list(map(worst, zip(*marks, strict=True))) or [worst(())] * count)
        rows.text(f"i,epoch={stretch.epoch}i")
        for key, column in zip(self._keys, stretch.values, strict=True):
            rows.field(key, column)
        for i, key, starts, valid in self._derived:
            rows.field(key, _calibrated(stretch.values[i], stretch.seconds, starts, valid))
        rows.numbers(" ", stretch.seconds)
        return rows.joined()


class _Rows:
    """`count` rows of text that grow to the right; what is the same in all of them is put together once."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._columns: list[Iterable[str]] = []
        self._text = ""  # at the end of every row

    def text(self, text: str) -> None:
        self._text += text

    def numbers(self, before: str, column: Sequence[int]) -> None:
        self._text += before
        if column.count(column[0]) == self._count:
            self._text += str(column[0])
        else:
            self._strings(map(str, column))

    def field(self, key: str, column: Sequence[int | None]) -> None:
        missing = column.count(None)
        if missing == self._count:
            return
        if missing:
            self._strings([f",{key}={value}i" if value is not None else "" for value in column])
        else:
            self.numbers(f",{key}=", cast(Sequence[int], column))
            self._text += "i"

    def joined(self) -> list[str]:
        return list(map("".join, zip(*self._columns, repeat(self._text, self._count), strict=False)))

    def _strings(self, column: Iterable[str]) -> None:
        self._columns += [repeat(self._text), column]
        self._text = ""


def _calibrated(
    raw: Sequence[int | None],
    seconds: Sequence[int],
    starts: Sequence[float],
    valid: Sequence[Calibration],
) -> list[int | None]:
    """Return what the calibration of its time makes of each value. Raises Unspeakable beyond 64 bits."""
    first, last = bisect_right(starts, min(seconds)), bisect_right(starts, max(seconds))
    results: list[int | None]
    if first == last:  # one calibration counts for all, as nearly always
        results = apply_to_column(valid[first - 1], raw) if first else [None] * len(raw)
    else:
        results = []
        for value, at_s in zip(raw, seconds, strict=True):
            which = bisect_right(starts, at_s)
            results.append(apply(valid[which - 1], value) if which and value is not None else None)
    numbers = [result for result in results if result is not None]
    for extreme in (min(numbers, default=0), max(numbers, default=0)):
        if extreme not in _INTEGERS:
            raise Unspeakable(f"{extreme} does not fit a 64-bit integer")
    return results


@lru_cache(maxsize=4096)  # the same few combinations again and again
def worst(quality: tuple[int, ...]) -> int:
    """Return the quality code that matters most; codes unknown here count as worse than all others.

    A sensor fault comes first; a value that was not meant to be measured (MISSING) comes last before OK.
    """
    return max(quality, default=quantities.OK, key=lambda code: _SEVERITY.get(code, len(_SEVERITY) + code))


def series(measurement: str, site: str, node: int) -> str:
    """Return what a line begins with: the measurement and the tags. Raises Unspeakable."""
    return f"{_speakable(measurement).translate(_ESCAPED_IN_MEASUREMENT)},node={node:d},site={name(site)}"


def name(text: str) -> str:
    """Return a tag's value or a field's key as it is written. Raises Unspeakable."""
    return _speakable(text).translate(_ESCAPED)


def _speakable(name: str) -> str:
    if not name:
        raise Unspeakable("an empty name cannot be written in line protocol")
    if found := _UNSPEAKABLE.search(name):
        raise Unspeakable(f"the name {name!r} holds {found.group()!r}, for which line protocol has no escape")
    if name[0] in "#_":
        raise Unspeakable(f"the name {name!r} begins with {name[0]!r}, which line protocol reserves")
    return name
