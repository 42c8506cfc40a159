"""Finds out what hangs on a port, whatever state it is in."""

from dataclasses import dataclass, field
from typing import Any

from tools.node import flasher, prompt
from tools.node.remote import Board
from tools.node.trouble import Trouble

# What keeps a board from the prompt and can be looked into from download mode.
_BEHIND = {"blank", "silent", "no_prompt", "download_mode"}


@dataclass(frozen=True, slots=True)
class Found:
    """A board on a port. `probe` is what it says at its prompt, None where it has no program that answers."""

    port: str
    chip: str
    mac: str
    probe: dict[str, Any] | None = field(default=None)
    why: str = ""  # what kept it from the prompt

    @property
    def is_bridge(self) -> bool:
        """Whether it says that it is a gateway's USB LoRa bridge."""
        return self.probe is not None and self.probe.get("role") == "bridge"


def look(port: str, timeout_s: float = 12.0, silent_s: float = prompt.SILENT_S) -> Found:
    """Return what is there; a board that sleeps is asked by way of download mode. Raises Trouble."""
    try:
        return at_prompt(port, timeout_s, silent_s)
    except Trouble as trouble:
        if trouble.key not in _BEHIND:
            raise
        behind = trouble
    try:
        chip = flasher.identify(port)
    except Trouble as trouble:
        # Nothing in the ROM either: what was wrong at first says more.
        raise (behind if trouble.key == "no_chip" else trouble) from trouble
    return Found(port, chip.name, chip.mac, why=behind.key)


def at_prompt(port: str, timeout_s: float = 12.0, silent_s: float = prompt.SILENT_S) -> Found:
    """Return what is there, at its prompt: never a board that sleeps or has no program. Raises Trouble."""
    prompt.reach(port, timeout_s, silent_s)
    probe = Board(port).probe()
    return Found(port, chip_of(str(probe["machine"])), str(probe["mac"]), probe)


def chip_of(machine: str) -> str:
    """Return the chip that MicroPython's os.uname().machine names."""
    return "esp32s3" if "S3" in machine.upper() else "esp32"
