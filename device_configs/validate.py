"""Checks the values of a YAML file against the schema and says in plain words what is wrong, and where."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeVar, get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from device_configs.entry import MEANING, Entry
from device_configs.problem import Problem, closest, did_you_mean
from device_configs.source import Document, Place

Model = TypeVar("Model", bound=Entry)
Names = Mapping[str, Sequence[str]]  # "board" -> the names that exist

_WANTED = {
    "int": "has to be a whole number",
    "float": "has to be a number",
    "finite_number": "has to be a finite number",
    "string": "has to be text",
    "bool": "has to be true or false",
    "model": "has to hold keys with values",
    "dict": "has to hold keys with values",
    "tuple": "has to be a list",
    "datetime": "is not a date with time",
    "date": "is not a date",
    "timezone": "has no time zone",
}
_WRITE = {
    "datetime": "write it like 2026-09-01T10:00:00+02:00",
    "timezone": "write it like 2026-09-01T10:00:00+02:00",
    "date": "write it like 2026-09-01",
}
_BOUNDS: dict[str, Callable[[Any, Mapping[str, Any]], str]] = {
    "greater_than": lambda value, c: f"{value} is too small: more than {c['gt']}",
    "greater_than_equal": lambda value, c: f"{value} is too small: at least {c['ge']}",
    "less_than": lambda value, c: f"{value} is too large: less than {c['lt']}",
    "less_than_equal": lambda value, c: f"{value} is too large: at most {c['le']}",
    "string_too_short": lambda value, c: (
        f"is shorter than {c['min_length']} characters" if value else "is empty"
    ),
    "string_too_long": lambda _, c: f"is longer than {c['max_length']} characters",
    "too_short": lambda _, c: f"needs at least {c['min_length']}",
    "too_long": lambda _, c: f"has more than {c['max_length']}",
}


def validate(
    document: Document,
    path: Place,
    model: type[Model],
    names: Names | None = None,
    hints: Mapping[str, str] = MappingProxyType({}),
) -> tuple[Model | None, list[Problem]]:
    """Return the value at `path` as a `model`, or None and everything wrong with it.

    `hints` say by key what to do where the schema alone does not tell.
    """
    tree: Any = document.tree
    for step in path:
        tree = tree[step]
    try:
        # Through JSON, since only there "strict" means what it says and still takes lists and dates.
        return model.model_validate_json(json.dumps(tree), context=names), []
    except ValidationError as error:
        errors = error.errors(include_url=False)
    problems = []

    def add(place: Place, message: str, hint: str | None = None, *, key: bool = False) -> None:
        known = hints.get(str(place[-1])) if place else None
        problems.append(document.problem(place, message, hint or known, key=key))

    guessed: set[Place] = set()  # keys that a misspelt one was taken for: not reported as missing too
    for details in errors:
        if details["type"] == "extra_forbidden":
            word, fields = str(details["loc"][-1]), _fields(model, details["loc"][:-1])
            if (guess := closest(word, fields)) is not None:
                guessed.add((*details["loc"][:-1], guess))
            hint, place = did_you_mean(word, fields), (*path, *details["loc"])
            add(place, f"unknown key `{word[:40]}`", hint, key=True)
    for details in errors:
        place = (*path, *details["loc"])
        if details["type"] == "missing":
            if details["loc"] not in guessed:
                add(place, f"`{details['loc'][-1]}` is missing")
        elif details["type"] != "extra_forbidden":
            subject = _subject(document.nearest(place))
            add(place, *_explain(details, subject))
    return None, problems


def check_lists(document: Document, names: Sequence[str], optional: Sequence[str] = ()) -> list[Problem]:
    """Return what is wrong with a file that consists of these lists, apart from their entries."""
    tree = document.tree
    if not isinstance(tree, dict):
        return [document.problem((), f"the file has to start with `{names[0]}:`")]
    known = (*names, *optional)
    problems = [
        document.problem((key,), f"unknown key `{key[:40]}`", did_you_mean(key, known), key=True)
        for key in tree
        if key not in known
    ]
    guessed = {closest(key, known) for key in tree if key not in known}
    for name in known:
        empty = f"write `{name}: []` when there are none"
        if name not in tree and (name in guessed or name in optional):
            continue  # misspelt rather than missing
        if name not in tree:
            problems.append(document.problem((), f"`{name}` is missing", empty))
        elif not isinstance(tree[name], list):
            problems.append(document.problem((name,), f"`{name}` has to be a list", empty))
    return problems


def entries(
    document: Document, name: str, model: type[Model], names: Names | None = None
) -> tuple[list[tuple[Place, Model]], list[Problem]]:
    """Return (place, entry) of every valid entry of a list, and what is wrong with the others."""
    found: list[tuple[Place, Model]] = []
    problems: list[Problem] = []
    items = document.tree.get(name) if isinstance(document.tree, dict) else None
    for i in range(len(items) if isinstance(items, list) else 0):
        entry, wrong = validate(document, (name, i), model, names)
        problems += wrong
        if entry is not None:
            found.append(((name, i), entry))
    return found, problems


def _subject(place: Place) -> str:
    if not place:
        return "the file"
    last = place[-1]
    return f"entry {last + 1} of `{place[-2]}`" if isinstance(last, int) else f"`{last[:40]}`"


def _explain(details: ErrorDetails, subject: str) -> tuple[str, str | None]:
    """Return what is wrong with the subject, and a hint."""
    kind, value, context = details["type"], details["input"], details.get("ctx", {})
    if kind == "wrong":
        text = context["text"]
        word = value if isinstance(value, str) else text.rpartition("`")[0].rpartition("`")[2]
        return f"{subject}: {text}", did_you_mean(word, context["known"])
    if value is None:
        return f"{subject} has no value", None
    if kind in _BOUNDS:
        return f"{subject} {_BOUNDS[kind](value, context)}", None
    if kind == "string_pattern_mismatch":
        return f"{subject} is not {MEANING[context['pattern']]}", None
    if kind == "union_tag_not_found":
        return f"{subject} needs a `kind`", None
    if kind == "union_tag_invalid":
        known_kinds = context["expected_tags"].replace("'", "")
        return f"`kind` can not be `{context['tag'][:40]}`", f"known: {known_kinds}"
    if kind == "literal_error":
        known = context["expected"].replace("'", "").replace(" or ", ", ").split(", ")
        return f"{subject} can not be {json.dumps(value)[:60]}", did_you_mean(str(value), known)
    message, hint = _explain_type(kind, value, details["msg"])
    return f"{subject} {message}", hint


def _explain_type(kind: str, value: object, otherwise: str) -> tuple[str, str | None]:
    for start, message in _WANTED.items():
        if not kind.startswith(start):
            continue
        hint = _WRITE.get(start)
        if start == "string" and isinstance(value, int | float):
            hint = "put it in quotes"
        elif start in ("int", "float") and isinstance(value, str):
            hint = _hint_for_number(value)
        return message, hint
    return f"is wrong: {otherwise}", None


def _hint_for_number(text: str) -> str | None:
    if re.fullmatch(r"[-+]?\d+(\.\d+)?", text):
        return "remove the quotes"
    return "write a decimal point, not a comma" if re.fullmatch(r"[-+]?\d+,\d+", text) else None


def _fields(model: type[Entry], loc: Sequence[str | int]) -> set[str]:
    """Return the keys that are known at a place below a model."""
    models = {model}
    for step in loc:
        below = {
            found
            for m in models
            if isinstance(step, str) and step in m.model_fields
            for found in _models(m.model_fields[step].annotation)
        }
        # Where there is a choice, its `kind` follows as a step of its own. List positions lead nowhere new.
        chosen = {m for m in models if "kind" in m.model_fields and _is_kind(m, step)}
        models = below or chosen or models
    return {name for m in models for name in m.model_fields}


def _is_kind(model: type[Entry], step: str | int) -> bool:
    return step in get_args(model.model_fields["kind"].annotation)


def _models(annotation: object) -> set[type[Entry]]:
    if isinstance(annotation, type) and issubclass(annotation, Entry):
        return {annotation}
    return {found for part in get_args(annotation) for found in _models(part)}
