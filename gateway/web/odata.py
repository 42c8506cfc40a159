"""The part of OData's query language that is served: $top, $skip, $count, $orderby and $filter. Pure.

What the language has besides is answered with NotServed (501), what it does not have with Wrong (400).
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

TOP_MAX, TOP = 1000, 100
DEPTH_MAX = 20
Entity = Mapping[str, Any]
Test = Callable[[Entity], bool]


class Wrong(Exception):
    """The query is no OData; the text says where."""


class NotServed(Exception):
    """The query is right, and this service does not do it; the text says what it does instead."""


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked for. `test` is the filter, `orderby` (property, descending) in order of weight.

    `bounds` are limits (UTC seconds, both included) that the filter puts on phenomenonTime.
    """

    top: int = TOP
    skip: int = 0
    count: bool = False
    orderby: tuple[tuple[str, bool], ...] = ()
    test: Test | None = None
    bounds: tuple[float, float] = (float("-inf"), float("inf"))


_SERVED = "$top, $skip, $count, $orderby and $filter"
_KNOWN = ("$expand", "$select", "$search", "$format", "$apply", "$resultFormat", "$compute", "$levels")


def parse(options: Sequence[tuple[str, str]], properties: Mapping[str, type]) -> Query:
    """Return the query of these options; `properties` are the names that can be compared, and their types.

    Raises Wrong and NotServed.
    """
    found: dict[str, str] = {}
    for name, value in options:
        if name in _KNOWN:
            raise NotServed(f"{name} is not served. Served are {_SERVED}")
        if not name.startswith("$"):
            continue  # other parameters are the service's own
        if name not in ("$top", "$skip", "$count", "$orderby", "$filter"):
            raise Wrong(f"{name[:40]} is no query option. Served are {_SERVED}")
        if name in found:
            raise Wrong(f"{name} is given twice")
        found[name] = value
    count = found.get("$count", "false")
    if count not in ("true", "false"):
        raise Wrong("$count is true or false")
    test, bounds = None, Query().bounds
    if "$filter" in found:
        parser = _Filter(found["$filter"], properties)
        test, bounds = parser.whole(), parser.bounds()
    return Query(
        min(_natural(found, "$top", TOP), TOP_MAX),
        _natural(found, "$skip", 0),
        count == "true",
        _order(found.get("$orderby", ""), properties),
        test,
        bounds,
    )


def _natural(found: Mapping[str, str], name: str, default: int) -> int:
    text = found.get(name)
    if text is None:
        return default
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise Wrong(f"{name} is a whole number from 0 on")
    return int(text)


def _order(text: str, properties: Mapping[str, type]) -> tuple[tuple[str, bool], ...]:
    found = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, way = part.partition(" ")
        if way.strip() not in ("", "asc", "desc"):
            raise Wrong(f"$orderby: `{part[:60]}` is neither `property asc` nor `property desc`")
        found.append((_property(name, properties), way.strip() == "desc"))
    return tuple(found)


def _property(name: str, properties: Mapping[str, type]) -> str:
    plain = "id" if name == "@iot.id" else name
    if plain in properties:
        return plain
    if "/" in plain:
        raise NotServed(f"`{name[:60]}`: what can be compared is {', '.join(properties)}")
    raise Wrong(f"there is no property `{name[:60]}` to compare. There are {', '.join(properties)}")


_TOKEN = re.compile(
    r"\s*(?:(?P<moment>\d{4}-\d\d-\d\dT[0-9:.]+(?:Z|[+-]\d\d:\d\d))|(?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)"
    r"|(?P<text>'(?:[^']|'')*')|(?P<word>[A-Za-z@][A-Za-z0-9_./@]*)|(?P<mark>[(),]))"
)
_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": lambda a, b: bool(a == b),
    "ne": lambda a, b: bool(a != b),
    "gt": lambda a, b: bool(a > b),
    "ge": lambda a, b: bool(a >= b),
    "lt": lambda a, b: bool(a < b),
    "le": lambda a, b: bool(a <= b),
}
_TURNED = {"gt": "lt", "ge": "le", "lt": "gt", "le": "ge"}
_ARITHMETIC = ("add", "sub", "mul", "div", "mod", "has", "in")


class _Filter:
    """A parser by recursive descent: or, and, not, parentheses, comparisons."""

    def __init__(self, text: str, properties: Mapping[str, type]) -> None:
        self._properties = properties
        self._tokens = list(_tokens(text))
        self._at = 0
        self._sure = True  # whether what is compared has to hold for the whole to hold
        self._low, self._high = Query().bounds

    def whole(self) -> Test:
        test = self._or(0)
        if self._at < len(self._tokens):
            raise Wrong(f"$filter: `{self._tokens[self._at][1][:40]}` is not expected here")
        return test

    def bounds(self) -> tuple[float, float]:
        return (self._low, self._high) if self._sure else Query().bounds

    def _next(self) -> tuple[str, str]:
        if self._at == len(self._tokens):
            raise Wrong("$filter ends too early")
        self._at += 1
        return self._tokens[self._at - 1]

    def _takes(self, kind: str, value: str) -> bool:
        if self._at < len(self._tokens) and self._tokens[self._at] == (kind, value):
            self._at += 1
            return True
        return False

    def _or(self, depth: int) -> Test:
        tests = [self._and(depth)]
        while self._takes("word", "or"):
            self._sure = False
            tests.append(self._and(depth))
        return tests[0] if len(tests) == 1 else lambda entity: any(test(entity) for test in tests)

    def _and(self, depth: int) -> Test:
        tests = [self._not(depth)]
        while self._takes("word", "and"):
            tests.append(self._not(depth))
        return tests[0] if len(tests) == 1 else lambda entity: all(test(entity) for test in tests)

    def _not(self, depth: int) -> Test:
        if depth > DEPTH_MAX:
            raise Wrong("$filter is nested too deep")
        if self._takes("word", "not"):
            self._sure = False
            test = self._not(depth + 1)
            return lambda entity: not test(entity)
        if self._takes("mark", "("):
            test = self._or(depth + 1)
            if not self._takes("mark", ")"):
                raise Wrong("$filter: a parenthesis is not closed")
            return test
        return self._comparison()

    def _comparison(self) -> Test:
        left, left_is_name = self._operand()
        kind, operator = self._next()
        if kind == "word" and operator in _ARITHMETIC:
            raise NotServed(f"$filter: `{operator}` is not served; eq ne gt ge lt le and or not are")
        if kind != "word" or operator not in _COMPARE:
            raise Wrong(f"$filter: `{operator[:40]}` stands where eq, ne, gt, ge, lt or le is expected")
        right, right_is_name = self._operand()
        if left_is_name == right_is_name:
            raise NotServed("$filter: a property is compared with a constant")
        if right_is_name:
            left, right, operator = right, left, _TURNED.get(operator, operator)
        name, constant = str(left), right
        wanted = self._properties[name]
        fits = isinstance(constant, (int, float) if wanted is float else wanted) or constant is None
        if not fits:
            raise Wrong(f"$filter: {name} is not compared with `{str(constant)[:40]}`")
        if name == "phenomenonTime" and isinstance(constant, datetime):
            self._bound(operator, constant.timestamp())
        compare = _COMPARE[operator]

        def test(entity: Entity) -> bool:
            value = entity[name]
            if value is None or constant is None:
                return operator in ("eq", "ne") and compare(value, constant)
            return compare(value, constant)

        return test

    def _bound(self, operator: str, at_s: float) -> None:
        if operator in ("eq", "ge", "gt"):
            self._low = max(self._low, at_s)
        if operator in ("eq", "le", "lt"):
            self._high = min(self._high, at_s)

    def _operand(self) -> tuple[Any, bool]:
        """Return a property's name or a constant, and whether it is a name."""
        kind, text = self._next()
        if kind == "moment":
            return _moment(text), False
        if kind == "number":
            return float(text), False
        if kind == "text":
            return text[1:-1].replace("''", "'"), False
        if kind == "mark":
            raise Wrong(f"$filter: `{text}` is not expected here")
        if text in ("true", "false", "null"):
            return {"true": True, "false": False, "null": None}[text], False
        if self._at < len(self._tokens) and self._tokens[self._at] == ("mark", "("):
            raise NotServed(f"$filter: functions ({text[:40]}) are not served")
        return _property(text, self._properties), True


def _tokens(text: str) -> list[tuple[str, str]]:
    found, at = [], 0
    text = text.strip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise Wrong(f"$filter: cannot be read from `{text[at : at + 40]}` on")
        found.append((match.lastgroup, match[match.lastgroup]))
        at = match.end()
    return found


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise Wrong(f"$filter: `{text[:40]}` is no time") from error


def apply(entities: Sequence[Entity], query: Query) -> tuple[list[Entity], int]:
    """Return the entities asked for, and how many there are without $top and $skip."""
    found = [entity for entity in entities if query.test is None or query.test(entity)]
    for name, descending in reversed(query.orderby):
        found.sort(key=lambda entity: (entity[name] is not None, entity[name]), reverse=descending)
    return found[query.skip : query.skip + query.top], len(found)
