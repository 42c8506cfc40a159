"""What `sensornett node selftest` says of each sensor."""

from collections.abc import Iterator, Mapping
from typing import Any

from gateway.web.units import shown
from gateway.web.words import texts
from tools.node.words import Words
from wire.quantities import QUANTITIES


def lines(found: Mapping[str, Any], words: Words) -> Iterator[str]:
    """Yield a self-test's result as people read it: raw values in units, in the page's words."""
    quantities = found.get("quantities") or []  # an older program on the node does not say
    for i, (name, value, quality) in enumerate(found["channels"]):
        quantity = QUANTITIES[quantities[i]].name if i < len(quantities) else ""
        text = words("channel.none") if value is None else _told(quantity, value, words)
        yield words(
            "channel.line", name=name, value=text, quality=texts()[f"quality.{quality}"][words.language]
        )
    if found.get("probes"):
        yield words("channel.probes", numbers=", ".join(found["probes"]))


def _told(quantity: str, value: int, words: Words) -> str:
    as_shown = shown(quantity)
    number = as_shown.of(value)
    text = f"{number:.{as_shown.places(number)}f}"
    return f"{text.replace('.', ',') if words.language == 'nb' else text} {as_shown.unit}".rstrip()
