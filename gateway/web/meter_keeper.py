"""Keeps meters.db up to date beside the page: the energy figures' excerpt of the records."""

import asyncio
import threading
import time
from pathlib import Path

import structlog

from device_configs.model import Site
from gateway.store import Reader, StoreError
from gateway.store.meter_hours import FILE_NAME, MeterHours, wanted
from gateway.web.energy_view import EnergyView

log = structlog.get_logger()

EVERY_S = 60.0


async def keep_meters(
    view: EnergyView, state: Path, store: Path, stopping: threading.Event, every_s: float = EVERY_S
) -> None:
    """Follow the store until cancelled. Trouble is logged once, and tried again with the next round."""
    if not view.site.buildings:
        return
    trouble = ""
    while True:
        try:
            await asyncio.to_thread(_follow, view.site, state, store, stopping)
            await asyncio.to_thread(view.refresh)
            trouble = ""
        except StoreError as error:
            if str(error) != trouble:
                trouble = str(error)
                log.error("energy_figures_stand_still", reason=trouble)  # noqa: TRY400
        await asyncio.sleep(every_s)


def _follow(site: Site, state: Path, store: Path, stopping: threading.Event) -> None:
    now_ms = int(time.time() * 1000)
    with Reader.open(store) as reader, MeterHours.open(state / FILE_NAME, now_ms) as kept:
        kept.follow(reader, wanted(site), lambda: not stopping.is_set())
