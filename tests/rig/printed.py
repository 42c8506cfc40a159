"""What the node prints about itself, read from its console."""

import re
from ast import literal_eval

_RECORD = re.compile(r"^record (\d+) (\([^)]*\))", re.MULTILINE)
_BOOT = re.compile(r"^cold boot (\d+) epoch (\d+) records (\d+) to (\d+)$", re.MULTILINE)


def records(text: str) -> dict[int, tuple[int | None, ...]]:
    """Return the values of each record that is in the node's flash by its own words, by sequence.

    Raises AssertionError where a sequence was given to two records.
    """
    found: dict[int, tuple[int | None, ...]] = {}
    for seq, values in _RECORD.findall(text):
        assert int(seq) not in found, f"sequence {seq} was given twice"
        found[int(seq)] = literal_eval(values)
    return found


def boots(text: str) -> list[int]:
    """Return the number of each cold boot."""
    return [int(number) for number, *_ in _BOOT.findall(text)]


def epochs(text: str) -> set[int]:
    return {int(epoch) for _, epoch, *_ in _BOOT.findall(text)}
