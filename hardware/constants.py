"""Puts whole numbers in the place of their names before MicroPython's compiler sees a program. Pure.

A name costs a node heap: an entry in its module, one in each that imports it, and the name itself for good.
So what a module calls `NAME = 7` is put in wherever it is used, and the name left out, of whoever imports it
too. Lines stay where they are. The sources stay plain Python, which both interpreters and mypy understand.
"""

import ast
import operator
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Set

_NAME = re.compile(r"_?[A-Z][A-Z0-9_]*$")
_SMALL = 1 << 30  # beyond that a number is an object of its own on a 32-bit MicroPython
_OPERATORS = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.FloorDiv: operator.floordiv,
    ast.BitOr: operator.or_, ast.BitAnd: operator.and_, ast.LShift: operator.lshift,
    ast.RShift: operator.rshift,
}  # fmt: skip

Numbers = Mapping[str, Mapping[str, int]]  # by module and name


def inline(sources: Mapping[str, str], offered: Set[str] = frozenset()) -> dict[str, str]:
    """Return `sources` (dotted name of a module -> its text) without the names of numbers.

    Modules that are `offered` to programs elsewhere keep all but their private ones.
    """
    parts = {module: _Parts(text) for module, text in sources.items()}
    numbers: dict[str, dict[str, int]] = {module: {} for module in sources}
    grown = True
    while grown:  # a number may be made of another module's
        grown = False
        for module, one in parts.items():
            found = dict(_numbers(one, {**_imported(one, numbers), **numbers[module]}, module in offered))
            grown |= found != numbers[module]
            numbers[module] = found
    return {module: _without(text, parts[module], module, numbers) for module, text in sources.items()}


class _Parts:
    """A module's syntax tree, and what is asked of it again and again."""

    def __init__(self, text: str) -> None:
        self.tree = ast.parse(text)
        self.nodes = list(ast.walk(self.tree))  # outer ones come before inner ones
        statements = [node for node in self.nodes if isinstance(node, ast.ImportFrom)]
        # (statement, what it imports, under which name)
        self.imports = [(s, alias, alias.asname or alias.name) for s in statements for alias in s.names]
        # Names that are given a value anywhere, as often as they are
        self.bound = Counter(
            node.id for node in self.nodes if isinstance(node, ast.Name) and not _is_load(node)
        )
        self.bound.update(node.arg for node in self.nodes if isinstance(node, ast.arg))
        # Modules by the names they go by here
        self.modules = {name: f"{s.module}.{alias.name}" for s, alias, name in self.imports}
        plain = [alias for node in self.nodes if isinstance(node, ast.Import) for alias in node.names]
        self.modules.update({alias.asname or alias.name: alias.name for alias in plain})


def _numbers(parts: _Parts, known: Mapping[str, int], private: bool) -> Iterator[tuple[str, int]]:
    """What the module itself says once, in a line of its own, of names in capitals, or of `private` ones."""
    for statement in parts.tree.body:
        found = _assigned(statement, known)
        if all(_NAME.match(name) and parts.bound[name] == 1 for name in found):
            yield from ((name, n) for name, n in found.items() if name.startswith("_") or not private)


def _assigned(statement: ast.stmt, known: Mapping[str, int]) -> dict[str, int]:
    """The numbers an assignment gives; nothing where any of it is something else."""
    if not isinstance(statement, ast.Assign) or statement.lineno != statement.end_lineno:
        return {}
    if len(statement.targets) != 1:
        return {}
    target, value = statement.targets[0], statement.value
    pairs = [(target, value)]
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        pairs = list(zip(target.elts, value.elts, strict=True))
    found = {ast.unparse(name): _value(expression, known) for name, expression in pairs}
    return {} if None in found.values() else {name: n for name, n in found.items() if n is not None}


def _value(expression: ast.expr, known: Mapping[str, int]) -> int | None:
    match expression:
        case ast.Constant(value=int() as value) if abs(value) < _SMALL:
            return value
        case ast.Name(id=name):
            return known.get(name)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            positive = _value(operand, known)
            return None if positive is None else -positive
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            first, second = _value(left, known), _value(right, known)
            if first is None or second is None:
                return None
            found: int = _OPERATORS[type(op)](first, second)
            return found if abs(found) < _SMALL else None
    return None


def _is_load(node: ast.Name | ast.Attribute) -> bool:
    return isinstance(node.ctx, ast.Load)


def _imported(parts: _Parts, numbers: Numbers) -> dict[str, int]:
    return {
        name: numbers[s.module or ""][alias.name]
        for s, alias, name in parts.imports
        if alias.name in numbers.get(s.module or "", {})
    }


def _without(text: str, parts: _Parts, module: str, numbers: Numbers) -> str:
    known = {**_imported(parts, numbers), **numbers[module]}
    modules = {name: m for name, m in parts.modules.items() if m in numbers and not parts.bound[name]}
    edits: list[tuple[ast.stmt | ast.expr, str]] = []
    kept = set()  # modules that are used for something else too
    replaced = set()
    for node in parts.nodes:
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and _is_load(node):
            number = numbers.get(modules.get(node.value.id, ""), {}).get(node.attr)
            if number is not None:
                edits.append((node, _written(number)))
                replaced.add(node.value)
        elif isinstance(node, ast.Name) and _is_load(node) and node not in replaced:
            kept.add(node.id)
            if node.id in known:
                edits.append((node, _written(known[node.id])))
    gone = [
        s
        for s in parts.tree.body
        if (found := _assigned(s, known)) and found.keys() <= numbers[module].keys()
    ]
    inside = {node for s in gone for node in ast.walk(s)}
    edits = [(node, new) for node, new in edits if node not in inside] + [(s, "pass") for s in gone]
    for statement in {s for s, _, _ in parts.imports}:
        left = [
            alias
            for s, alias, name in parts.imports
            if s is statement and name not in known and (name in kept or name not in modules)
        ]
        if len(left) < len(statement.names):
            new = ", ".join([ast.unparse(alias) for alias in left])
            edits.append((statement, f"from {statement.module} import {new}" if left else "pass"))
    return _edited(text, edits)


def _written(number: int) -> str:
    return str(number) if number >= 0 else f"({number})"


def _edited(text: str, edits: list[tuple[ast.stmt | ast.expr, str]]) -> str:
    """The text with other words in the place of some nodes, none inside another, and as many lines."""
    lines = text.encode().splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    raw = b"".join(lines)
    for node, new in sorted(edits, key=lambda edit: (edit[0].lineno, edit[0].col_offset), reverse=True):
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        first, last = (
            starts[node.lineno - 1] + node.col_offset,
            starts[node.end_lineno - 1] + node.end_col_offset,
        )
        raw = raw[:first] + new.encode() + b"\n" * (node.end_lineno - node.lineno) + raw[last:]
    return raw.decode()
