"""Letters at their due time: once, also over restarts; again where they did not go."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from device_configs.model import Site
from gateway.alerts.channels import NAME, Channel, ChannelsFile, EnergyLetters
from gateway.energy_letter import Letter
from gateway.energy_post import Due, EnergyPost, NotSent, deliver, due, language_of
from gateway.sending import DeliveryError
from gateway.store.energy_book import EnergyBook
from gateway.web.energy_view import EnergyView
from tests.gateway.web.energy_made import fill, site
from tests.gateway.web.test_energy_view import records

OSLO = ZoneInfo("Europe/Oslo")
CHANNELS = 'channels:\n  - {recipient: bygg, url: "mailto://x"}\n'
Said = pytest.CaptureFixture[str]


def at(text: str) -> float:
    """Seconds of a local time."""
    return datetime.fromisoformat(text).replace(tzinfo=OSLO).timestamp()


@pytest.mark.parametrize(
    ("text", "days", "sent"),
    [
        ("2025-12-22 06:59", "mondays", None),
        ("2025-12-22 07:00", "mondays", "2025-12-22 07:00"),
        ("2025-12-22 18:59", "mondays", "2025-12-22 07:00"),
        ("2025-12-22 19:00", "mondays", None),
        ("2025-12-23 07:00", "mondays", None),
        ("2025-12-23 07:00", "daily", "2025-12-23 07:00"),
        ("2025-12-22 07:00", "never", None),
        ("2026-03-30 07:00", "mondays", "2026-03-30 07:00"),  # the clock was put on the night before
    ],
)
def test_a_list_is_due_in_the_morning_of_its_day(text: str, days: str, sent: str | None) -> None:
    when = EnergyLetters.model_validate({"days": days, "peaks": False})
    assert due(at(text), OSLO, when) == ([Due("deviations", int(at(sent)))] if sent else [])


def test_a_list_of_the_evening_is_of_use_past_midnight() -> None:
    when = EnergyLetters(at="22:30", peaks=False)
    assert due(at("2025-12-23 01:00"), OSLO, when) == [Due("deviations", int(at("2025-12-22 22:30")))]


@pytest.mark.parametrize(
    ("minute", "begun"), [(0, None), (19, None), (20, 20), (39, 20), (40, 40), (54, 40), (55, None)]
)
def test_a_peak_is_due_at_minute_20_and_40(minute: int, begun: int | None) -> None:
    now_s = at("2025-12-19 10:00") + 60 * minute + 7
    expected = [Due("peak", int(at("2025-12-19 10:00")) + 60 * begun)] if begun else []
    assert due(now_s, OSLO, EnergyLetters(days="never")) == expected
    assert due(now_s, OSLO, EnergyLetters(days="never", peaks=False)) == []


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("state")
    fill(folder)
    return folder


@pytest.fixture
def state(tmp_path: Path, filled: Path) -> Path:
    """The town hall stands out, and its caretaker has a channel."""
    for file in filled.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / NAME).write_text(CHANNELS + "energy_letters: {peaks: false}\n")
    (tmp_path / NAME).chmod(0o600)
    return tmp_path


class World:
    """A clock that is set, and channels that may be down; `begin` is a start of the gateway."""

    def __init__(self, state: Path, now_s: float, place: Site | None = None) -> None:
        self.state, self.now_s = state, now_s
        self.site = place or site()
        self.down = False
        self.sent: list[tuple[str, str]] = []

    def begin(self) -> EnergyPost:
        view = EnergyView(self.site, self.state, lambda: self.now_s, records)
        return EnergyPost(view, self.state, self.state, lambda: self.now_s, self._send)

    def _send(self, _url: str, title: str, body: str) -> str:
        if self.down:
            raise DeliveryError("no route")
        self.sent.append((title, body))
        return "taken"


def test_the_list_goes_once_on_monday_also_over_restarts(state: Path) -> None:
    world = World(state, at("2025-12-22 06:59"))
    post = world.begin()
    post.look()
    assert world.sent == []
    world.now_s += 60
    post.look()
    ((title, body),) = world.sent
    assert title == "Energi: Rådhuset (demo) bruker mer enn forventet"
    assert "Tørking etter lekkasje" in body
    for _ in range(3):
        world.now_s += 600
        post.look()
        world.begin().look()
    assert len(world.sent) == 1
    world.now_s = at("2025-12-23 07:10")
    post.look()
    assert len(world.sent) == 1
    # A week later there are no whole days of late, so nothing stands out and nobody is written to.
    world.now_s = at("2026-01-12 07:10")
    post.look()
    assert len(world.sent) == 1


def test_a_gateway_that_was_off_at_seven_writes_when_it_is_back(state: Path) -> None:
    world = World(state, at("2025-12-22 11:45:00"))
    world.begin().look()
    assert len(world.sent) == 1
    late = World(state, at("2025-12-29 21:00"))
    late.begin().look()
    assert late.sent == []


def test_what_does_not_go_is_tried_again_and_told_once(state: Path, capsys: Said) -> None:
    world = World(state, at("2025-12-22 07:00:10"))
    world.down = True
    post = world.begin()
    for _ in range(20):
        post.look()
        world.now_s += 20
    assert capsys.readouterr().out.count("energy_letters_wait") == 1
    world.down = False
    world.now_s += 120
    post.look()
    assert len(world.sent) == 1


def test_a_peak_is_told_at_20_and_at_40_once_each(state: Path) -> None:
    (state / NAME).write_text(CHANNELS + "energy_letters: {days: never}\n")
    hour_s = datetime(2025, 12, 19, 10, tzinfo=UTC).timestamp()
    world = World(state, hour_s)
    post = world.begin()
    told: list[int] = []
    for minute in (10, 19, 20, 21, 39, 40, 41, 54, 55, 60, 70):
        world.now_s = hour_s + 60 * minute
        post.look()
        if minute in (21, 41):
            world.begin().look()  # a restart
        told += [minute] * (len(world.sent) - len(told))
    assert told == [20, 20, 40, 40]  # of two buildings
    names = [title.partition(" er på vei")[0] for title, _ in world.sent]
    assert names[:2] == names[2:] == ["Effekttopp: Rådhuset (demo)", "Effekttopp: Idrettens hus (demo)"]


def test_without_channels_nothing_is_reckoned_or_written(state: Path) -> None:
    (state / NAME).unlink()
    world = World(state, at("2025-12-22 07:00:10"))
    before = (state / "energy.db").read_bytes()
    world.begin().look()
    assert world.sent == []
    assert (state / "energy.db").read_bytes() == before


def test_channels_others_may_read_and_a_busy_book_are_told_and_waited_out(state: Path, capsys: Said) -> None:
    world = World(state, at("2025-12-22 07:00:10"))
    post = world.begin()
    (state / NAME).chmod(0o644)
    post.look()
    assert "may be read by other users" in capsys.readouterr().out
    (state / NAME).chmod(0o600)
    with EnergyBook.write(state, 1):
        post.look()
    assert "another command writes it just now" in capsys.readouterr().out
    world.now_s += 180
    post.look()
    assert len(world.sent) == 1


def test_the_first_channel_that_takes_it() -> None:
    channels = ChannelsFile(
        channels=(
            Channel(recipient="bygg", sms="+4700000000"),
            Channel(recipient="bygg", url="one://x"),
            Channel(recipient="bygg", url="two://x"),
        )
    )

    def send(url: str, _title: str, _body: str) -> str:
        if url.startswith("one"):
            raise DeliveryError("away")
        return "taken"

    assert deliver(Letter("bygg", "T", "B"), channels, send) == "two"
    with pytest.raises(NotSent, match="no channel but text messages"):
        deliver(Letter("kino", "T", "B"), channels, send)


async def test_a_site_without_buildings_has_no_letters(tmp_path: Path) -> None:
    await World(tmp_path, 0.0, replace(site(), buildings=())).begin().run()


def test_letters_are_in_the_site_s_first_language() -> None:
    assert language_of(replace(site(), languages=("en", "nb"))) == "en"
    assert language_of(replace(site(), languages=("nb", "en"))) == "nb"
