"""Keeps meters.db up to date beside the page: the energy figures' excerpt of the records."""

import asyncio
import threading
import time
from pathlib import Path

import apsw
import structlog

from device_configs.model import Site
from gateway.store import Reader, StoreError
from gateway.store.damage import is_damaged, set_aside
from gateway.store.meter_hours import FILE_NAME, MeterHours, wanted
from gateway.web.energy_view import EnergyView

log = structlog.get_logger()

EVERY_S = 60.0


async def keep_meters(
    view: EnergyView, state: Path, store: Path, stopping: threading.Event, every_s: float = EVERY_S
) -> None:
    """Follow the store until cancelled. Trouble is logged once, and tried again with the next round.

    A file that is damaged, as this or a page finds out, is set aside and made anew from the store's records.
    """
    if not view.site.buildings:
        return
    view.made_beside = True
    trouble = ""
    while True:
        try:
            looked, view.suspect = view.suspect, False  # looking through a whole file takes its time
            await asyncio.to_thread(_follow, view.site, state, store, stopping, suspect=looked)
            await asyncio.to_thread(view.refresh)
            trouble = ""
        except (StoreError, apsw.Error, OSError) as error:
            if str(error) != trouble:
                trouble = str(error)
                log.error("energy_figures_stand_still", reason=trouble)  # noqa: TRY400
            view.suspect = True
        await asyncio.sleep(every_s)


def _follow(site: Site, state: Path, store: Path, stopping: threading.Event, *, suspect: bool) -> None:
    now_ms, path = int(time.time() * 1000), state / FILE_NAME
    with Reader.open(store) as reader:
        if suspect and is_damaged(path):
            aside = set_aside(path, now_ms)
            log.error("meters_set_aside", to=str(aside), next="made anew from the records that are stored")
        with MeterHours.open(path, now_ms) as kept:
            kept.follow(reader, wanted(site), lambda: not stopping.is_set())
