"""The alerts page: what stands, who has it, what was before, what was sent; and acting on it."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import apsw
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from device_configs.model import Site
from device_configs.site_schema import IntakeGeometry
from gateway.alerts.log import AlertLog, Round
from gateway.alerts.records import OUTCOMES
from gateway.alerts.rota import Shift, on_duty
from gateway.alerts.state import Kind
from gateway.alerts.watches import GATEWAY
from gateway.control import SOCKET_NAME, ControlError, Message
from gateway.control import request as ask_gateway
from gateway.web.door import Door, Form, Render, form_of, session_of

HISTORY, SENT = 60, 40  # lines shown
SHELF_MIN = (60, 240, 1440, 4320)
NOTE_MAX = 300
T = TypeVar("T")
ACTS = ("ack", "shelve", "unshelve", "close")
SOON_S = 24 * 3600  # whose duty begins within this is shown


@dataclass(frozen=True, slots=True)
class Duty:
    """Who has duty for a recipient now, and who has it next."""

    role: str
    now: Shift | None
    next: Shift | None


class Desk:
    """Routes of the alerts page. `alerts` returns the standing alerts as the gateway keeps them."""

    def __init__(
        self,
        site: Site,
        state: Path,
        door: Door,
        alerts: Callable[[], Iterable[Any]] | None,
        *,
        shifts: Sequence[Shift] = (),
        clock: Callable[[], float],
        ask: Callable[[Path, Message], Message] = ask_gateway,
    ) -> None:
        self.door = door
        self._site = site
        self._socket = state / SOCKET_NAME
        self.log = AlertLog(state)
        self._alerts = alerts
        self._shifts = shifts
        self._clock = clock
        self._ask = ask

    def routes(self, render: Render) -> list[Route]:
        async def show(asked: Request) -> Response:
            return await self._show(asked, render)

        async def act(asked: Request) -> Response:
            return await self._act(asked, render)

        return [
            Route("/alerts", show),
            Route("/alerts", act, methods=["POST"]),
            *self.door.routes(render),
        ]

    def rounds(self, node: int, from_s: int, to_s: int) -> list[Round]:
        """Return who has looked at a grate in a time, to be marked on its charts."""
        return self._read(lambda: self.log.rounds(node, from_s, to_s))

    def ask(self, message: Message) -> Message:
        """Ask the gateway to do something. Raises ControlError; may take its time."""
        return self._ask(self._socket, message)

    async def _show(self, asked: Request, render: Render, trouble: str = "", status: int = 200) -> Response:
        events = await asyncio.to_thread(self._read, lambda: self.log.history(HISTORY))
        sent, duty = [], []
        if session_of(asked) is not None:
            sent = await asyncio.to_thread(self._read, lambda: self.log.sent(SENT))
            duty = self._duty()
        return render(
            asked,
            "alerts.html",
            status,
            kept=self._alerts is not None,
            rounds=any(isinstance(node.geometry, IntakeGeometry) for node in self._site.nodes),
            alerts=list(self._alerts()) if self._alerts else [],
            events=events,
            sent=sent,
            duty=duty,
            rules={rule.id: rule for rule in self._site.rules},
            names={GATEWAY: "Gateway"} | {node.id: node.name for node in self._site.nodes},
            roles={recipient.id: recipient.role for recipient in self._site.recipients},
            outcomes=OUTCOMES,
            shelf_min=SHELF_MIN,
            kinds=[str(kind) for kind in Kind],
            done=asked.query_params.get("done", "") if asked.query_params.get("done") in ACTS else "",
            trouble=trouble,
        )

    @staticmethod
    def _read(read: Callable[[], list[T]]) -> list[T]:
        try:
            return read()
        except apsw.Error:
            return []  # it is being made, or set aside: the standing alerts are shown all the same

    def _duty(self) -> list[Duty]:
        now_s = self._clock()
        found = []
        for recipient in self._site.recipients:
            now = next(iter(on_duty(self._shifts, recipient.id, int(now_s))), None)
            coming = [
                s for s in self._shifts if s.recipient == recipient.id and now_s < s.begin_s <= now_s + SOON_S
            ]
            if now or coming or recipient.rota:
                found.append(Duty(recipient.role, now, min(coming, key=lambda s: s.begin_s, default=None)))
        return found

    async def _act(self, asked: Request, render: Render) -> Response:
        session, form = session_of(asked), await form_of(asked)
        if session is None:
            return RedirectResponse("/login?to=/alerts", 303)
        if form.fault or not session.acts:
            raise HTTPException(403)
        try:
            message = _message(form, session.name)
            await asyncio.to_thread(self.ask, message)
        except (ControlError, ValueError) as error:
            return await self._show(asked, render, str(error), 409)
        told = {key: value for key, value in message.items() if key not in ("do", "by", "id")}
        self.door.note(session.name, form("do"), alert=form("id"), **told)
        kept = {k: v for k, v in asked.query_params.items() if k in ("lang", "theme") and v.isalnum()}
        query = "&".join(f"{k}={v}" for k, v in sorted({**kept, "done": form("do")}.items()))
        return RedirectResponse(f"/alerts?{query}", 303)


def _message(form: Form, by: str) -> Message:
    """Return what to ask of the gateway. Raises ValueError; its text is for people."""
    do, note = form("do"), form("note")[:NOTE_MAX]
    message: dict[str, Any] = {"do": f"alerts_{do}", "id": form("id")[:200], "by": by}
    if do not in ACTS:
        raise ValueError("unknown action")
    if do == "shelve":
        if not note:
            raise ValueError("reason")
        message |= {"minutes": int(form("minutes")), "note": note}
    elif do == "close":
        minutes = form("on_site_min")
        message |= {"outcome": form("outcome"), "note": note}
        if minutes:
            message["on_site_min"] = int(minutes)
        if form("occurrence"):
            message["occurrence"] = int(form("occurrence"))
    return message
