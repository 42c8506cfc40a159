"""Shell completion: what a shell asks for when somebody presses Tab, and what stands for some options.

Typer speaks with the shells; `sensornett --install-completion` sets one up. Nothing of it needs a network.
"""

import os
from collections.abc import Iterable, Mapping

ASKED = "_SENSORNETT_COMPLETE"  # set by Typer's scripts for bash, zsh and fish


def typed(environment: Mapping[str, str] = os.environ) -> list[str] | None:
    """Return the words after `sensornett` that are there so far; None where no shell asks."""
    if not environment.get(ASKED):
        return None
    return (environment.get("COMP_WORDS") or environment.get("_TYPER_COMPLETE_ARGS") or "").split()[1:]


def sites(incomplete: str) -> list[str]:
    """Return the names of the sites that come along, which begin like this."""
    from device_configs.loader import SITES

    return _begin(incomplete, sorted(found.parent.name for found in SITES.glob("*/site.yaml")))


def ports(incomplete: str) -> list[str]:
    """Return the serial ports on which a board may hang."""
    from tools.node.ports import serial_ports

    return _begin(incomplete, [port.path for port in serial_ports()])


def languages(incomplete: str) -> list[str]:
    """Return the languages people may be spoken to in."""
    from tools.node.words import LANGUAGES

    return _begin(incomplete, LANGUAGES)


def chips(incomplete: str) -> list[str]:
    """Return the chips a board may have."""
    from tools.node.flasher import IMAGE_CHIP

    return _begin(incomplete, IMAGE_CHIP)


def _begin(incomplete: str, names: Iterable[str]) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]
