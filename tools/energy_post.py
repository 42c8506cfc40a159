"""Sends letters to the caretakers, through the channels alerts go through."""

from collections.abc import Callable, Sequence
from pathlib import Path

from device_configs.model import Site
from gateway.alerts.channels import NAME, ChannelsFile, read_channels
from gateway.energy_letter import Letter
from gateway.notify import DeliveryError, send_by_apprise
from gateway.web.words import Language
from tools.energy_sources import fail

NETWORK = 6


def language_of(site: Site) -> Language:
    """Return the language letters are written in: the site's first."""
    return "en" if site.languages[0] == "en" else "nb"


def send_letters(
    state: Path, found: Sequence[Letter], send: Callable[[str, str, str], str] = send_by_apprise
) -> list[str]:
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


def _send(letter: Letter, channels: ChannelsFile, send: Callable[[str, str, str], str]) -> str:
    """Try the recipient's channels in order. A text message is too short for a list: those are left out."""
    reasons = []
    for channel in channels.ways(letter.recipient, "info", []):
        if channel.url is None:
            continue
        try:
            send(channel.url, letter.title, letter.body)
        except DeliveryError as error:
            reasons.append(f"{channel.name}: {error}")
        else:
            return f"sent to {letter.recipient} by {channel.name}: {letter.title}"
    reason = "; ".join(reasons) or f"no channel but text messages for it in {NAME}"
    return f"NOT sent to {letter.recipient}: {reason}"
