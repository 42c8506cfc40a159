"""Sends letters to the caretakers, through the channels alerts go through, when they are due.

The list of deviations is due daily or on Mondays, as channels.yaml says; the notice of a coming peak at
minute 20 and 40. What was sent is in energy.db, so that a restart repeats nothing. A letter that does not go
is tried again as long as it is of use. After a crash in between one may go twice, none is lost.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

import structlog

from device_configs.model import Site
from device_configs.problem import ConfigError
from gateway.alerts.channels import NAME, ChannelsFile, EnergyLetters, read_channels
from gateway.energy.hours import HOUR_S
from gateway.energy_letter import Letter, letters, peak_letter
from gateway.sending import DeliveryError, Send, send_by_apprise
from gateway.store import StoreError
from gateway.store.energy_book import EnergyBook
from gateway.web.energy_view import EnergyView
from gateway.web.words import Language

log = structlog.get_logger()

EVERY_S = 20.0
RETRY_S = 120.0
LIST_USE_S = 12 * 3600  # a list that could not be sent in the morning is of no use at night
PEAK_MINUTES = ((20, 40), (40, 55))  # (due, of use until): after that nothing can be switched off in time
EVERYBODY = ""  # in the place of a recipient: nobody had to be written to

What = Literal["deviations", "peak"]


@dataclass(frozen=True, slots=True)
class Due:
    """A letter that is to be sent: since when, in UTC seconds."""

    what: What
    at_s: int


def due(now_s: float, zone: ZoneInfo, when: EnergyLetters) -> list[Due]:
    """Return what is due and still of use."""
    found = []
    now = datetime.fromtimestamp(now_s, zone)
    if when.days != "never":
        for day in (now.date(), now.date() - timedelta(days=1)):
            at_s = int(datetime.combine(day, time.fromisoformat(when.at), zone).timestamp())
            on = when.days == "daily" or day.weekday() == 0
            if on and at_s <= now_s < at_s + LIST_USE_S:
                found.append(Due("deviations", at_s))
    into_s = now_s % HOUR_S
    for begin, end in PEAK_MINUTES:
        if when.peaks and begin * 60 <= into_s < end * 60:
            found.append(Due("peak", int(now_s - into_s) + begin * 60))
    return found


def language_of(site: Site) -> Language:
    """Return the language letters are written in: the site's first."""
    return "en" if site.languages[0] == "en" else "nb"


class NotSent(Exception):
    """No channel took a letter; the text says why, without addresses."""


def deliver(letter: Letter, channels: ChannelsFile, send: Send) -> str:
    """Try the recipient's channels in order; return the one that took it. Raises NotSent.

    A text message is too short for a list: those are left out.
    """
    reasons = []
    for channel in channels.ways(letter.recipient, "info", []):
        if channel.url is None:
            continue
        try:
            send(channel.url, letter.title, letter.body)
        except DeliveryError as error:
            reasons.append(f"{channel.name}: {error}")
        else:
            return channel.name
    raise NotSent("; ".join(reasons) or f"no channel but text messages for it in {NAME}")


class EnergyPost:
    """What is due is found out by `look`, once for each due time. `home` holds channels.yaml."""

    def __init__(
        self,
        view: EnergyView,
        state: Path,
        home: Path,
        clock: Callable[[], float],
        send: Send = send_by_apprise,
    ) -> None:
        self._view = view
        self._state = state
        self._home = home
        self._clock = clock
        self._send = send
        self._done: set[Due] = set()
        self._sent: set[tuple[Due, str, str]] = set()
        self._later: dict[Due, float] = {}
        self._trouble = ""

    async def run(self, every_s: float = EVERY_S) -> None:
        """Send what is due until cancelled. Trouble is logged once, and tried again."""
        while self._view.site.buildings:
            await asyncio.to_thread(self.look)
            await asyncio.sleep(every_s)

    def look(self) -> None:
        """Send what is due now and was not sent yet."""
        now_s = self._clock()
        try:
            channels = read_channels(self._home / NAME)
            if channels is None:
                return
            current = due(now_s, self._view.zone, channels.energy_letters)
            self._done &= set(current)
            self._sent = {entry for entry in self._sent if entry[0] in current}
            for one in current:
                if one not in self._done and self._later.get(one, 0.0) <= now_s:
                    self._later = {one: now_s + RETRY_S}
                    self._post(one, channels, int(now_s * 1000))
                    self._done.add(one)
            if self._done.issuperset(current):
                self._trouble = ""
        except (StoreError, ConfigError, NotSent, OSError) as error:
            if str(error) != self._trouble:
                self._trouble = str(error)
                log.error("energy_letters_wait", reason=self._trouble, next_try_s=RETRY_S)  # noqa: TRY400

    def _post(self, one: Due, channels: ChannelsFile, now_ms: int) -> None:
        """Send every letter of a due time that was not sent. Raises NotSent once all were tried."""
        with EnergyBook.write(self._state, now_ms) as book:
            before = book.letters_sent(one.what, one.at_s)
        if (EVERYBODY, "") in before:
            return
        found = self._letters(one, channels)
        lost = []
        for about, letter in found:
            key = letter.recipient, about
            if key in before or (one, *key) in self._sent:
                continue
            try:
                channel = deliver(letter, channels, self._send)
            except NotSent as error:
                lost.append(f"{letter.recipient}: {error}")
                continue
            self._sent.add((one, *key))
            log.info("energy_letter_sent", what=one.what, recipient=letter.recipient, channel=channel)
            with EnergyBook.write(self._state, now_ms) as book:
                book.letter_sent(one.what, one.at_s, *key, now_ms)
        if lost:
            raise NotSent("; ".join(lost))
        if one.what == "deviations":
            with EnergyBook.write(self._state, now_ms) as book:
                book.letter_sent(one.what, one.at_s, EVERYBODY, "", now_ms)

    def _letters(self, one: Due, channels: ChannelsFile) -> list[tuple[str, Letter]]:
        """Return what is to be sent, each with the building it is about; a list is about several."""
        site = self._view.site
        language, zone = language_of(site), site.timezone
        if one.what == "deviations":
            found = self._view.overview()
            return [("", letter) for letter in letters(found.states, found.answers, language, zone)]
        reached = {channel.recipient for channel in channels.channels if channel.url is not None}
        wanted = [b for b in site.buildings if b.caretaker in reached and b.tariff and b.meters]
        pairs = [(building, self._view.warned(building.id)) for building in wanted]
        made = [(b.id, peak_letter(b, warned, language, zone)) for b, warned in pairs if warned]
        return [(about, letter) for about, letter in made if letter]
