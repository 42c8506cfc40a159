"""Where messages go: channels.yaml in the state directory, outside git, for it holds addresses and tokens."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import model_validator

from device_configs.alert_schema import Priority
from device_configs.entry import Entry, Slug, Text, matching, wrong
from device_configs.problem import ConfigError, Problem
from device_configs.source import read_yaml
from device_configs.validate import validate
from gateway.alerts.rota import Shift

NAME = "channels.yaml"
_RANK: dict[str, int] = {"info": 0, "warning": 1, "alarm": 2}
Phone = Annotated[str, matching(r"^\+[0-9]{6,15}$", "a telephone number like +4791234567, in quotes")]
TimeOfDay = Annotated[str, matching(r"^([01]\d|2[0-3]):[0-5]\d$", "a time of day, like 08:00")]


class Channel(Entry):
    """One way to a recipient. Of all that carry a message's priority the first one that takes it is used."""

    recipient: Slug
    """Who is reached: a recipient of alerts.yaml."""
    url: Text | None = None
    """Where to, as Apprise writes it: mailtos://..., ntfy://..., jsons://..., signal://... ..."""
    sms: Phone | None = None
    """A telephone number reached through the gateway's own GSM modem: needs no internet."""
    least: Priority = "info"
    """The lowest priority it carries."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.url is None) == (self.sms is None):
            raise wrong("say either `url` or `sms`")
        return self

    @property
    def name(self) -> str:
        """What the log may say: no address, no token."""
        return "sms" if self.url is None else self.url.partition(":")[0]

    def carries(self, priority: str) -> bool:
        return _RANK[priority] >= _RANK[self.least]


class Heartbeat(Entry):
    """A message each day that says that all is well: its absence says that it is not."""

    recipient: Slug
    """Who gets it."""
    at: TimeOfDay
    """Local time."""


class EnergyLetters(Entry):
    """When caretakers are written to about their buildings' energy."""

    days: Literal["mondays", "daily", "never"] = "mondays"
    """On which days the list of deviations goes out; nobody gets one while nothing stands out."""
    at: TimeOfDay = "07:00"
    """Local time."""
    peaks: bool = True
    """Whether a coming peak is told at minute 20 and 40."""


class ChannelsFile(Entry):
    """channels.yaml"""

    channels: tuple[Channel, ...]
    """Every way to every recipient, the best first."""
    rota: Text | None = None
    """The duty rota's file, CSV or iCalendar, seen from this one."""
    heartbeat: Heartbeat | None = None
    """The daily sign of life."""
    energy_letters: EnergyLetters = EnergyLetters()
    """The letters to caretakers of buildings."""
    watcher_url: Text | None = None
    """Asked for every minute: a watcher elsewhere that pages when the gateway no longer does."""
    gammu_config: Text | None = None
    """gammu-smsd's configuration, where there is a modem."""
    answering: tuple[Phone, ...] = ()
    """Numbers besides those of channels and rota whose text messages may acknowledge."""

    def ways(self, recipient: str, priority: str, duty: list[Shift]) -> list[Channel]:
        """Return the channels for a message in the order to try them: those on duty first."""
        found = []
        for shift in duty:
            if shift.phone:
                found.append(Channel(recipient=recipient, sms=shift.phone))
            if shift.url:
                found.append(Channel(recipient=recipient, url=shift.url))
        return found + [c for c in self.channels if c.recipient == recipient and c.carries(priority)]


def read_channels(path: Path) -> ChannelsFile | None:
    """Return what channels.yaml says; None where there is none. Raises ConfigError."""
    if not path.exists():
        return None
    mode = path.stat().st_mode & 0o777
    if mode & 0o077:
        message = f"the channels' addresses and tokens may be read by other users (mode {mode:04o})"
        raise ConfigError([Problem(path, 1, 1, "", message, f"chmod 600 {path}")])
    document, problems = read_yaml(path)
    if not problems:
        file, problems = validate(document, (), ChannelsFile)
        if file is not None:
            return file
    raise ConfigError(problems)
