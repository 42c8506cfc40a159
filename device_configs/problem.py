"""What is wrong in a configuration file, where, and what to do about it."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

_SHOWN = 100  # characters of a source line that are shown around the caret
_LISTED = 12  # known names that fit in a hint


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in one file. `line` and `column` count from 1, as editors do.

    `text` is the source line the column points into; it is empty when the place holds a secret or when there
    is no such line (a missing or unreadable file).
    """

    file: Path
    line: int
    column: int
    text: str
    message: str
    hint: str | None = None

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.message}"

    def as_json(self) -> dict[str, str | int | None]:
        """Return the problem as a JSON object."""
        return {
            "file": str(self.file),
            "line": self.line,
            "column": self.column,
            "text": self.text,
            "message": self.message,
            "hint": self.hint,
        }

    def pretty(self) -> str:
        """Return the problem with its source line, a caret under the place, and the hint."""
        lines = [str(self)]
        if self.text.strip():
            start = max(0, self.column - 1 - _SHOWN // 2)
            shown = self.text[start : start + _SHOWN]
            # Tabs and controls would move the caret or the terminal.
            shown = "".join(c if c.isprintable() else " " for c in shown)
            lines += [f"    {shown}".rstrip(), "    " + " " * (self.column - 1 - start) + "^"]
        if self.hint:
            lines.append(f"    hint: {self.hint}")
        return "\n".join(lines)


class ConfigError(Exception):
    """A configuration that can not be used, with everything that is wrong with it."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda p: (str(p.file), p.line, p.column, p.message)))
        super().__init__("\n".join(str(problem) for problem in self.problems))

    def __reduce__(self) -> tuple[type["ConfigError"], tuple[tuple[Problem, ...]]]:
        return type(self), (self.problems,)


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """Return "did you mean `x`?" for the closest known word, else what is known, if that is a short list."""
    words = sorted(set(known))
    close = closest(word, words)
    if close is not None:
        return f"did you mean `{close}`?"
    if 0 < len(words) <= _LISTED:
        return "known: " + ", ".join(words)
    return None


def closest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that looks most like `word`, or None when none comes near."""
    found = get_close_matches(word[:80], list(known), n=1, cutoff=0.6)
    return found[0] if found else None
