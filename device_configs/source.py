"""Reads a YAML file into plain values and remembers where each of them stands.

YAML's traps are closed: duplicate keys, aliases (a small file can unfold to gigabytes), tags, several
documents and non-text keys are problems; `yes`, `no`, `on` and `off` are text, times stay text.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)
from ruamel.yaml.reader import ReaderError

from device_configs.problem import Problem

Place = tuple[str | int, ...]  # place of a value in the tree: keys and list positions
Value = str | int | float | bool | list["Value"] | dict[str, "Value"] | None

SIZE_MAX = 1 << 20  # bytes; two thousand nodes
VALUES_MAX = 200_000
DEPTH_MAX = 16

_NULL = {"", "~", "null", "Null", "NULL"}
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INT = re.compile(r"[-+]?[0-9]{1,40}|0x[0-9a-fA-F]{1,40}|0o[0-7]{1,40}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]{1,40}|[0-9]{1,40}(\.[0-9]{0,40})?)([eE][-+]?[0-9]{1,4})?")


@dataclass(slots=True)
class Document:
    """One YAML file: its values and, for each, line and column (from 1) of key and value."""

    file: Path
    lines: list[str] = field(default_factory=list)
    tree: Value = None
    values: dict[Place, tuple[int, int]] = field(default_factory=dict)
    keys: dict[Place, tuple[int, int]] = field(default_factory=dict)

    def problem(self, path: Place, message: str, hint: str | None = None, *, key: bool = False) -> Problem:
        """Return a problem of the value (or key) at `path`, or of what is nearest to it in the file."""
        known = self.nearest(path)
        line, column = (self.keys if key else self.values).get(known) or self.values.get(known, (1, 1))
        return self.problem_at(line, column, message, hint)

    def nearest(self, path: Place) -> Place:
        """Return `path` without the steps that lead nowhere in the file."""
        known: Place = ()
        for step in path:
            if (*known, step) in self.values:
                known = (*known, step)
        return known

    def ids(self, name: str) -> set[Value] | None:
        """Return the `id` of every entry of a list, right or wrong; None when the list can not be read."""
        items = self.tree.get(name) if isinstance(self.tree, dict) else None
        if not isinstance(items, list):
            return None
        ids = (item.get("id") for item in items if isinstance(item, dict))
        return {id_ for id_ in ids if isinstance(id_, str | int)}

    def problem_at(self, line: int, column: int, message: str, hint: str | None = None) -> Problem:
        text = self.lines[line - 1] if 0 < line <= len(self.lines) else ""
        return Problem(self.file, line, column, text, message, hint)


@dataclass(slots=True)
class _Open:
    """A mapping or list whose end has not been read yet."""

    into: dict[str, Value] | list[Value]
    path: Place
    key: str | None = None


class _Stop(Exception):
    """Reading on makes no sense; the problem is already noted."""


def read_yaml(file: Path) -> tuple[Document, list[Problem]]:
    """Return the file's values and what is wrong with it as YAML. Raises for nothing a file can hold."""
    document = Document(file)
    try:
        with file.open("rb") as stream:
            raw = stream.read(SIZE_MAX + 1)
    except FileNotFoundError:
        return document, [document.problem_at(1, 1, "the file does not exist")]
    except OSError as error:
        return document, [document.problem_at(1, 1, f"can not be read: {error.strerror}")]
    if len(raw) > SIZE_MAX:
        return document, [document.problem_at(1, 1, f"the file is larger than {SIZE_MAX >> 10} KiB")]
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8-sig")
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        return document, [document.problem_at(line, column, "not UTF-8 text", "save the file as UTF-8")]
    document.lines = text.splitlines()
    return document, _Builder(document).build(text)


class _Builder:
    """Turns the events of the YAML parser into values. Uses no recursion: depth is bounded, not trusted."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.problems: list[Problem] = []
        self.open: list[_Open] = []
        self.documents = 0

    def build(self, text: str) -> list[Problem]:
        yaml = YAML(typ="safe", pure=True)
        try:
            for event in yaml.parse(text):
                self.take(event)
        except _Stop:
            pass
        except ReaderError as error:
            before = text[: error.position]
            line, column = before.count("\n") + 1, error.position - before.rfind("\n")
            self.note(line, column, "a character that YAML does not allow")
        except MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
            self.note(line, column, *self.explain(line, column, error))
        except (YAMLError, ValueError, OverflowError, IndexError, AttributeError, TypeError) as error:
            # The parser itself stumbles over some malformed escapes and directives.
            self.note(1, 1, f"not YAML: {str(error).splitlines()[0][:80] if str(error) else 'unreadable'}")
        return self.problems

    def note(self, line: int, column: int, message: str, hint: str | None = None) -> None:
        self.problems.append(self.document.problem_at(line, column, message, hint))

    def explain(self, line: int, column: int, error: MarkedYAMLError) -> tuple[str, str | None]:
        source = self.document.lines[line - 1] if line <= len(self.document.lines) else ""
        if "\t" in source[: column + 1]:
            return "a tab: YAML is indented with spaces only", "replace the tab with spaces"
        words = " ".join(part for part in (error.problem, error.context) if part)
        hint = None
        if "mapping values are not allowed" in words:
            hint = "is the indentation right, and is text that holds `: ` in quotes?"
        elif "could not find expected ':'" in words:
            hint = "is a colon missing, or a space after it?"
        elif "expected <block end>" in words:
            hint = "does the line start in the column of its neighbours, and is every quote closed?"
        return f"not YAML: {words.splitlines()[0][:120] if words else 'unreadable'}", hint

    def take(self, event: object) -> None:
        if isinstance(event, DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                self.stop(event, "a second document (`---`) starts here", "put it into a file of its own")
        elif isinstance(event, AliasEvent):
            self.stop(event, f"`*{event.anchor}` repeats another place of the file", "write it out")
        elif isinstance(event, MappingEndEvent | SequenceEndEvent):
            self.open.pop()
        elif isinstance(event, ScalarEvent):
            self.take_scalar(event)
        elif isinstance(event, MappingStartEvent | SequenceStartEvent):
            if len(self.open) >= DEPTH_MAX:
                self.stop(event, f"nested more than {DEPTH_MAX} levels deep")
            self.refuse_tag(event)
            into: dict[str, Value] | list[Value] = {} if isinstance(event, MappingStartEvent) else []
            self.open.append(_Open(into, self.put(into, event)))

    def take_scalar(self, event: ScalarEvent) -> None:
        self.refuse_tag(event)
        if not _is_text(event.value):
            self.stop(event, "half of a surrogate pair, which is no character")
        top = self.open[-1] if self.open else None
        if top is None or isinstance(top.into, list) or top.key is not None:
            self.put(event.value if event.style else _resolve(event.value), event)
            return
        top.key = str(event.value)
        path = (*top.path, top.key)
        line, column = _position(event)
        if top.key in top.into:
            first = self.document.keys[path][0]
            self.note(line, column, f"`{top.key[:40]}` is given twice, first in line {first}")
        else:
            self.document.keys[path] = line, column

    def put(self, value: Value, event: NodeEvent) -> Place:
        """Store a value at the place that is due and return that place."""
        if len(self.document.values) >= VALUES_MAX:
            self.stop(event, f"more than {VALUES_MAX} values")
        top = self.open[-1] if self.open else None
        path: Place = ()
        if top is None:
            self.document.tree = value
        elif isinstance(top.into, list):
            path = (*top.path, len(top.into))
            top.into.append(value)
        elif top.key is None:
            self.stop(event, "a key has to be plain text")
        else:
            path = (*top.path, top.key)
            top.into[top.key] = value
            top.key = None
        # A value that is not there stands where its key is, not where the parser noticed.
        nothing = isinstance(event, ScalarEvent) and not event.style and not event.value
        here = self.document.keys.get(path) if nothing else None
        self.document.values[path] = here or _position(event)
        return path

    def refuse_tag(self, event: NodeEvent) -> None:
        tag = getattr(event, "tag", None)
        if tag not in (None, "!"):
            shown = str(tag).replace("tag:yaml.org,2002:", "!!")[:40]
            self.stop(event, f"tags such as `{shown}` are not used here", "remove it")

    def stop(self, event: object, message: str, hint: str | None = None) -> None:
        self.note(*_position(event), message, hint)
        raise _Stop


def _position(event: object) -> tuple[int, int]:
    mark = event.start_mark  # type: ignore[attr-defined]
    return mark.line + 1, mark.column + 1


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _resolve(text: str) -> Value:
    """Return the value of an unquoted scalar: YAML 1.2, core schema. Absurdly long numbers stay text."""
    if text in _NULL:
        return None
    if text in _BOOL:
        return _BOOL[text]
    if _INT.fullmatch(text):
        return int(text, {"0x": 16, "0o": 8}.get(text[:2], 10))
    if _FLOAT.fullmatch(text):
        return float(text)
    return text
