"""A desk with one alarm standing, and who may sit at it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from device_configs.model import Site
from gateway.alerts.rota import Shift
from gateway.alerts.standing import Standing
from gateway.web.desk import Desk
from gateway.web.door import Door, Reading
from gateway.web.live import Live
from gateway.web.pages import Pages
from gateway.web.public import UNSEEN, PublicView
from gateway.web.users import FILE_NAME, User, hashed, write_users
from tests.gateway.web.asking import Browser
from tests.gateway.web.made import NOW_S, SITE, Shelf, building, intake, snow

PASSWORD = "en lang setning"
_HASH = hashed(PASSWORD)
RULE = SITE.rules[0].id
ALL = [
    *(intake(500 + i, 480, NOW_S - (20 - i) * 600, commit=i + 1) for i in range(20)),
    snow(500, NOW_S - 60, commit=200),
]
ALL += [building(80_000, NOW_S - 30, commit=201)]


def alarm(**changes: Any) -> Standing:
    texts = {
        language: {
            "name": "Rista tettes",
            "seen": "66 cm",
            "cause": "Løv",
            "consequence": "Vann",
            "action": "Rens",
        }
        for language in ("nb", "en")
    }
    fields: dict[str, Any] = {
        "id": f"{RULE}/11",
        "rule": RULE,
        "node": 11,
        "node_name": "Taraldsvikelva (demo)",
        "occurrence": 3,
        "priority": "alarm",
        "key": "up_level_mm",
        "state": "alerting",
        "since_s": NOW_S - 600,
        "measured_at_s": NOW_S - 5,
        "value": 660.0,
        "beyond": False,
        "monitored": True,
        "respond_within_min": 40,
        "acknowledged_by": "",
        "acknowledged_at_s": None,
        "shelved_until_s": None,
        "out_of_service": False,
        "announced": True,
        "texts": texts,
    }
    return Standing(**{**fields, **changes})


class Made:
    """The pages with a desk in `home`, with an operator, a viewer and a technician."""

    def __init__(
        self,
        home: Path,
        *,
        reading: Reading = "open",
        ask: Callable[[Path, dict[str, Any]], dict[str, Any]] = lambda _path, _message: {},
        shifts: tuple[Shift, ...] = (),
        site: Site = SITE,
    ) -> None:
        self.now_s = NOW_S + 5.0
        self.standing = [alarm()]
        roles = {"Vakt": "operator", "Leser": "viewer", "Tekniker": "technician"}
        write_users(home / FILE_NAME, {n: User(role, _HASH) for n, role in roles.items()})  # type: ignore[arg-type]
        shelf = Shelf(ALL)
        live, shown = Live(site), None
        live.fill(shelf, NOW_S)
        door = Door(home, reading, lambda: self.now_s)
        view = PublicView(site, live, shelf.history, home, lambda: self.now_s)
        desk = Desk(site, home, door, lambda: self.standing, shifts=shifts, clock=lambda: self.now_s, ask=ask)
        self.pages = Pages(
            site,
            live,
            clock=lambda: self.now_s,
            judge=lambda *_: self.standing,
            records=shelf.history,
            desk=desk,
            view=view,
        )
        shown = Live(view.site, None, UNSEEN)
        shown.fill(shelf, NOW_S)
        self.public = Pages(
            view.site,
            shown,
            clock=lambda: self.now_s,
            judge=lambda *_: self.standing,
            records=shelf.history,
            view=view,
            public=True,
        )
        self.pages.look()
        self.public.look()
        self.app = door.guard(self.pages.app, self.public.app if reading == "public" else None)

    async def browser(self, name: str = "") -> Browser:
        """Return a browser, logged in as `name`."""
        found = Browser(self.app)
        if name:
            answer = await found.post("/login", {"name": name, "password": PASSWORD})
            assert answer.status == 303, answer.text
        return found


def csrf(text: str) -> str:
    return text.partition('name="csrf" value="')[2].partition('"')[0]
