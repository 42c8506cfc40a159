"""What an operator says about a building's deviation, from the building's page."""

import asyncio
import time
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from gateway.store import StoreError
from gateway.store.energy_book import ANSWERS, Answer, EnergyBook
from gateway.web.door import Door, form_of, session_of
from gateway.web.energy_view import EnergyView

NOTE_MAX = 300
PATIENCE_S = 5.0  # a command that writes the book is done in a moment


async def answer(request: Request, view: EnergyView, door: Door) -> Response:
    """Take the form of a building's page, and go back to it. Raises StoreError, HTTPException."""
    session, form = session_of(request), await form_of(request)
    name = form("building")
    known = name in {building.id for building in view.site.buildings}
    if session is None:
        return RedirectResponse(f"/login?to=/energy/{name}" if known else "/login", 303)
    if form.fault or not session.acts:
        raise HTTPException(403)
    if not known:
        raise HTTPException(404)
    status, note = form("status"), form("note")[:NOTE_MAX]
    if status not in ANSWERS:
        raise HTTPException(400)
    said = Answer(name, status, note, session.name, round(view.now_s() * 1000))
    await asyncio.to_thread(_write, view.state, said)
    door.note(session.name, "energy answer", building=name, status=status, note=note)
    kept = {k: v for k, v in request.query_params.items() if k in ("lang", "theme") and v.isalnum()}
    query = "&".join(f"{k}={v}" for k, v in sorted({**kept, "said": status}.items()))
    return RedirectResponse(f"/energy/{name}?{query}", 303)


def _write(state: Path, said: Answer) -> None:
    end_s = time.monotonic() + PATIENCE_S
    while True:
        try:
            with EnergyBook.write(state, said.at_ms) as book:
                book.answer(said)
        except StoreError:
            if time.monotonic() > end_s:
                raise
            time.sleep(0.2)
        else:
            return
