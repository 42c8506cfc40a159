"""The round to the grates: which to see next, and a form for what was found. One hand, gloves, phone."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from gateway.alerts.log import Round
from gateway.control import ControlError, Message
from gateway.web.cards import STATES, Card
from gateway.web.desk import NOTE_MAX, Desk
from gateway.web.door import Form, Render, form_of, session_of
from gateway.web.live import Live, NodeLive
from gateway.web.words import Words

BLOCKED = (0, 25, 50, 75, 100)  # percent, as one sees it
BACK_S = 2 * 366 * 86_400  # rounds before that are not asked for


@dataclass(frozen=True, slots=True)
class Stop:
    """One intake on the round: how it is, who looked at it last, and when it was last cleaned."""

    card: Card
    seen: Round | None
    cleaned: Round | None

    @property
    def need(self) -> tuple[int, int, str]:
        """The worst state first, then what nobody has looked at for longest, then by name."""
        return STATES.index(self.card.state), self.seen.at_s if self.seen else 0, self.card.place.node.name


def stop(card: Card, rounds: Sequence[Round]) -> Stop:
    """Return an intake's stop; `rounds` are those to it, the oldest first."""
    cleaned = [each for each in rounds if each.cleaned]
    return Stop(card, rounds[-1] if rounds else None, cleaned[-1] if cleaned else None)


class RoundPages:
    """Routes of the round. `card` returns a place as it is now."""

    def __init__(
        self,
        live: Live,
        desk: Desk,
        render: Render,
        words: Callable[[Request], Words],
        card: Callable[[NodeLive, Words], Card],
        clock: Callable[[], float],
    ) -> None:
        self._live = live
        self._desk = desk
        self._render = render
        self._words = words
        self._card = card
        self._clock = clock
        self.routes = [Route("/rounds", self._show), Route("/rounds", self._take, methods=["POST"])]

    async def _show(self, request: Request, trouble: str = "", status: int = 200) -> Response:
        stops = await asyncio.to_thread(self._stops, self._words(request))
        done = request.query_params.get("done", "")
        return self._render(
            request,
            "rounds.html",
            status,
            stops=sorted(stops, key=lambda found: found.need),
            blocked=BLOCKED,
            note_max=NOTE_MAX,
            done=int(done) if done.isascii() and done.isdecimal() and len(done) < 7 else None,
            trouble=trouble,
        )

    def _stops(self, say: Words) -> list[Stop]:
        now_s = int(self._clock())
        return [
            stop(self._card(node, say), self._desk.rounds(id_, now_s - BACK_S, now_s + 1))
            for id_, node in self._live.nodes.items()
            if node.place.kind == "intake"
        ]

    async def _take(self, request: Request) -> Response:
        session, form = session_of(request), await form_of(request)
        if session is None:
            return RedirectResponse("/login?to=/rounds", 303)
        if form.fault or not session.acts:
            raise HTTPException(403)
        try:
            message = _message(form, session.name)
            await asyncio.to_thread(self._desk.ask, message)
        except (ControlError, ValueError) as error:
            return await self._show(request, str(error), 409)
        told = {key: message[key] for key in ("node", "blocked_percent", "cleaned", "note")}
        self._desk.door.note(session.name, "round", **told)
        kept = {k: v for k, v in request.query_params.items() if k in ("lang", "theme") and v.isalnum()}
        query = "&".join(f"{k}={v}" for k, v in sorted({**kept, "done": str(message["node"])}.items()))
        return RedirectResponse(f"/rounds?{query}", 303)


def _message(form: Form, by: str) -> Message:
    """Return what to tell the gateway. Raises ValueError; its text is for people."""
    node, blocked = form("node"), form("blocked_percent")
    if not (node.isascii() and node.isdecimal()):
        raise ValueError("which intake?")
    if blocked not in {str(share) for share in BLOCKED}:
        raise ValueError("how much was blocked?")
    message: dict[str, Any] = {
        "do": "alerts_inspect",
        "node": int(node[:6]),
        "by": by,
        "blocked_percent": int(blocked),
        "cleaned": form("cleaned") == "yes",
        "note": form("note")[:NOTE_MAX],
    }
    return message
