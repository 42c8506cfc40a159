"""An HTML page in one file, light and dark, with plots as SVG: for the reports of the rig and of soaks.

Nothing on it is fetched from anywhere.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, LEFT, RIGHT, TOP, BOTTOM = 960, 64, 16, 30, 34
_STEPS = (1, 2, 2.5, 5, 10)
_STYLE = """
:root { color-scheme: light dark; --ground: #fcfcfb; --ink: #1c2024; --faint: #5c6670; --rule: #d9dde1;
  --band: #e8edf2; --good: #1a7f4b; --bad: #b3261e;
  --c1: #1f5fa8; --c2: #b8560b; --c3: #13806f; --c4: #8a3f97 }
@media (prefers-color-scheme: dark) { :root { --ground: #14181c; --ink: #e8eaec; --faint: #9aa5b0;
  --rule: #333b43; --band: #222a32; --good: #58c08a; --bad: #ff8a80; --c1: #7db3f0; --c2: #f0a35e;
  --c3: #5cc9b5; --c4: #d59be0 } }
body { margin: 0 auto; max-width: 62rem; padding: 2rem 1rem 4rem; background: var(--ground);
  color: var(--ink);  font: 16px/1.5 system-ui, "DejaVu Sans", sans-serif }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .5rem }
h2 { font-size: 1.15rem; margin: 2.2rem 0 .3rem }
p { max-width: 46rem; margin: .3rem 0 .8rem } .faint { color: var(--faint) }
.good { color: var(--good) } .bad { color: var(--bad) }
.figures { display: flex; flex-wrap: wrap; gap: 1rem 2.2rem; margin: 1.4rem 0; padding: 0; list-style: none }
.figures b { display: block; font-size: 1.5rem; line-height: 1.2; font-variant-numeric: tabular-nums }
.wide { overflow-x: auto } table { border-collapse: collapse; width: 100%; font-size: .9rem }
th, td { text-align: left; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid var(--rule);
  vertical-align: top }
th { font-weight: 600 } td.n { font-variant-numeric: tabular-nums; white-space: nowrap }
pre { white-space: pre-wrap; overflow-wrap: anywhere; font-size: .8rem; background: var(--band);
  padding: .6rem }
details { margin: .4rem 0 } summary { cursor: pointer }
svg { width: 100%; min-width: 40rem; height: auto; display: block }
svg text { font: 13px system-ui, "DejaVu Sans",
  sans-serif; fill: var(--faint) } svg .ink { fill: var(--ink) } .grid { stroke: var(--rule) }
.line { fill: none; stroke-width: 1.8; stroke-linejoin: round } .bandfill { fill: var(--band) }
.s1 { stroke: var(--c1) } .s2 { stroke: var(--c2) } .s3 { stroke: var(--c3) } .s4 { stroke: var(--c4) }
.f1 { fill: var(--c1) } .f2 { fill: var(--c2) } .f3 { fill: var(--c3) } .f4 { fill: var(--c4) }
.mark { stroke: var(--ink); stroke-dasharray: 3 3 }
@media print { :root { color-scheme: only light; --ground: #fff; --ink: #000; --faint: #444; --rule: #bbb;
    --band: #e8edf2; --good: #1a7f4b; --bad: #b3261e; --c1: #1f5fa8; --c2: #b8560b; --c3: #13806f;
    --c4: #8a3f97; print-color-adjust: exact; -webkit-print-color-adjust: exact }
  body { max-width: none; padding: 0; font-size: 11pt } svg { min-width: 0 } .wide { overflow: visible }
  h2, summary { break-after: avoid } svg, tr, .figures li { break-inside: avoid }
  details::details-content { content-visibility: visible; block-size: auto } }
"""


@dataclass(frozen=True, slots=True)
class Line:
    """One series: (x, y) by x; a y of None is a gap. `steps`: a value holds until the next."""

    label: str
    points: Sequence[tuple[float, float | None]]
    steps: bool = False


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of the x axis with a name, as a band behind the lines."""

    label: str
    from_x: float
    to_x: float


def page(title: str, body: Iterable[str], language: str = "en") -> str:
    """Return the whole page; `body` are pieces of HTML."""
    return (
        f'<!doctype html>\n<html lang="{language}"><head><meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style></head>\n<body><main>\n"
        + "\n".join(body)
        + "\n</main></body></html>\n"
    )


def figures(pairs: Iterable[tuple[str, str]]) -> str:
    """Return a row of (figure, what it is)."""
    items = "".join(f"<li><b>{escape(value)}</b>{escape(what)}</li>" for value, what in pairs)
    return f'<ul class="figures">{items}</ul>'


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table of texts. A cell that begins with "✓" or "✗" gets their colour."""
    top = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in head)
    body = "".join("<tr>" + "".join(map(_cell, row)) + "</tr>" for row in rows)
    made = f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"
    return wide(made, "table: " + ", ".join(head))


def wide(content: str, what: str) -> str:
    """Return what may be wider than a telephone: it can be moved sideways, by the keyboard as well."""
    return f'<div class="wide" role="group" tabindex="0" aria-label="{escape(what)}">{content}</div>'


def _cell(text: str) -> str:
    kind = {"✓": "good", "✗": "bad"}.get(text[:1], "n" if text[:1].isdigit() else "")
    return f'<td class="{kind}">{escape(text)}</td>' if kind else f"<td>{escape(text)}</td>"


def chart(
    title: str,
    lines: Sequence[Line],
    *,
    y_unit: str,
    x_unit: str,
    height: int = 250,
    spans: Sequence[Span] = (),
    marks: Sequence[tuple[float, str]] = (),
    x_step: float | None = None,
    y_least: float | None = None,
) -> str:
    """Return a line chart as SVG: at most four lines, named above it. Without points it says so.

    Who does not see it is told the range of each line.
    """
    known = [(x, y) for line in lines for x, y in line.points if y is not None]
    if not known:
        return f'<p class="faint">{escape(title)}: nothing was measured.</p>'
    xs, ys = [x for x, _ in known], [y for _, y in known]
    if y_least is not None:
        ys.append(y_least)
    x_ticks = ticks(min(xs), max(xs), x_step)
    y_ticks = ticks(min(ys), max(ys))
    x0, x1 = min(xs), max(max(xs), min(xs) + 1e-9)
    y0, y1 = y_ticks[0], y_ticks[-1]

    def at_x(x: float) -> float:
        return LEFT + (x - x0) / (x1 - x0) * (WIDTH - LEFT - RIGHT)

    def at_y(y: float) -> float:
        return height - BOTTOM - (y - y0) / (y1 - y0) * (height - BOTTOM - TOP)

    said = escape(f"{title}: {'; '.join(_in_words(line, y_unit) for line in lines)}")
    out = [f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{said}">']
    for span in spans:
        left, right = at_x(max(span.from_x, x0)), at_x(min(span.to_x, x1))
        if right > left:
            out.append(
                f'<rect class="bandfill" x="{left:.1f}" y="{TOP}" width="{right - left:.1f}" '
                f'height="{height - BOTTOM - TOP}"/><text x="{left + 4:.1f}" y="{TOP + 14}">'
                f"{escape(span.label)}</text>"
            )
    out += [
        f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at_y(y):.1f}" y2="{at_y(y):.1f}"/>'
        f'<text x="{LEFT - 8}" y="{at_y(y) + 4:.1f}" text-anchor="end">{number(y)}</text>'
        for y in y_ticks
    ]
    out += [
        f'<text x="{at_x(x):.1f}" y="{height - 12}" text-anchor="middle">{number(x)}</text>'
        for x in x_ticks
        if x0 <= x <= x1 and at_x(x) < WIDTH - RIGHT - 12 - 9 * len(x_unit)
    ]
    out.append(f'<text x="{WIDTH - RIGHT}" y="{height - 12}" text-anchor="end">{escape(x_unit)}</text>')
    out.append(f'<text x="0" y="14">{escape(y_unit)}</text>')
    x: float = LEFT
    for i, line in enumerate(lines, 1):
        out.append(f'<path class="line s{i}" d="{_path(line, at_x, at_y)}"/>')
        out.append(f'<line class="line s{i}" x1="{x}" x2="{x + 22}" y1="10" y2="10"/>')
        out.append(f'<text class="ink" x="{x + 28}" y="14">{escape(line.label)}</text>')
        x += 46 + 8 * len(line.label)
    bottom = height - BOTTOM
    for where, label in marks:
        x = at_x(where)
        out.append(
            f'<line class="mark" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{bottom}"/>'
            f'<text class="ink" x="{x + 4:.1f}" y="{bottom - 6}">{escape(label)}</text>'
        )
    return wide("".join(out) + "</svg>", title)


def _in_words(line: Line, unit: str) -> str:
    """Return what a line comes to, for who does not see it."""
    known = [y for _, y in line.points if y is not None]
    if not known:
        return f"{line.label} nothing"
    ends = f"{number(round(min(known), 2))} to {number(round(max(known), 2))}"
    return f"{line.label.strip()} {ends} {unit}".rstrip()


def _path(line: Line, at_x: Callable[[float], float], at_y: Callable[[float], float]) -> str:
    out: list[str] = []
    before: float | None = None
    for x, y in line.points:
        if y is None:
            before = None
            continue
        if before is None:
            out.append(f"M{at_x(x):.1f} {at_y(y):.1f}")
        else:
            corner = f"H{at_x(x):.1f}V{at_y(y):.1f}" if line.steps else f"L{at_x(x):.1f} {at_y(y):.1f}"
            out.append(corner)
        before = y
    return "".join(out)


def ticks(low: float, high: float, step: float | None = None, most: int = 6) -> list[float]:
    """Return round numbers from at or below `low` to at or above `high`, evenly apart."""
    if high <= low:
        high = low + 1
    if step is None:
        rough = (high - low) / most
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(s * power for s in _STEPS if s * power >= rough)
    first, last = math.floor(low / step), math.ceil(high / step)
    return [i * step for i in range(first, last + 1)]


def number(value: float) -> str:
    """Return a number without a needless decimal, thousands apart, with a true minus sign."""
    text = f"{value:,.10g}".replace(",", "\u202f")
    return text.replace("-", "\u2212")
