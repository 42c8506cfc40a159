"""Sends letters to the caretakers at once, when asked to."""

from collections.abc import Sequence
from pathlib import Path

from gateway.alerts.channels import NAME, ChannelsFile, read_channels
from gateway.energy_letter import Letter
from gateway.energy_post import NotSent, deliver
from gateway.sending import Send, send_by_apprise
from tools.energy_sources import fail

NETWORK = 6


def send_letters(state: Path, found: Sequence[Letter], send: Send = send_by_apprise) -> list[str]:
    """Send letters; return what became of each. Ends the program where one did not go."""
    if not found:
        return ["nothing to send: no building with a caretaker stands out"]
    channels = read_channels(state / NAME)
    if channels is None:
        fail(f"{state / NAME} is missing: it says how the caretakers are reached")
    notes = [_send(letter, channels, send) for letter in found]
    lost = [note for note in notes if note.startswith("NOT")]
    if lost:
        fail("\n".join(notes), NETWORK)
    return notes


def _send(letter: Letter, channels: ChannelsFile, send: Send) -> str:
    try:
        channel = deliver(letter, channels, send)
    except NotSent as error:
        return f"NOT sent to {letter.recipient}: {error}"
    return f"sent to {letter.recipient} by {channel}: {letter.title}"
