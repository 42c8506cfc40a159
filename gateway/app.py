"""The gateway's wiring: all parts are made and tied together here, from plain values."""

import asyncio
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, aclosing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import structlog

from device_configs.model import Site
from device_configs.relay_schema import Relay as RelayHome
from gateway import clock, watchdog
from gateway.alerts.service import Alerts, AlertsError
from gateway.alerts.standing import Standing
from gateway.alerts.verbs import verbs as alert_verbs
from gateway.carriers import Carrier
from gateway.carriers.mqtt import Broker, MqttCarrier
from gateway.carriers.radios import Radios
from gateway.claim import StartError, claimed
from gateway.control import SOCKET_NAME, Control
from gateway.ingest import Ingest
from gateway.model import Downlink, Uplink
from gateway.notify import Notifier
from gateway.notify import Settings as Delivery
from gateway.outgoing import Outgoing
from gateway.relay import Relay
from gateway.retention import Forgetting
from gateway.shelved import Shelf
from gateway.store import STORE_NAME, Reader, Store, StoreError
from gateway.store.pruning import Limits
from gateway.store.rollups import FILE_NAME as ROLLUPS_NAME
from gateway.store.rollups import keep
from gateway.store.upkeep import Unusable, Upkeep
from gateway.verbs import Verbs

log = structlog.get_logger()

FLUSH_S = 10.0  # how long the count of refused frames may lag behind on disk


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything a gateway has to be told. keys: node id -> 16 bytes. schemas: schema id -> quantity ids.

    `rules` is the site whose alerts are kept; None: no alerts. `delivery` None: they are only listed.
    """

    site: str
    gateway_id: bytes
    keys: Mapping[int, bytes]
    schemas: Mapping[int, tuple[int, ...]]
    state: Path
    broker: Broker
    radios: Radios | None = None
    relays: Sequence[tuple[RelayHome, Broker]] = ()
    page: "Beside | None" = None
    rules: Site | None = None
    delivery: Delivery | None = None
    limits: Limits = field(default_factory=Limits)
    in_memory: bool = False  # the card takes nothing: `state` is in memory
    home: Path | None = None  # the state directory, also while the state is in memory


class Beside(Protocol):
    """What runs beside ingest, in threads of its own, and keeps its troubles to itself.

    `start` is given who tells the standing alerts, if anybody keeps them.
    """

    def start(self, alerts: Callable[[], Sequence[Standing]] | None) -> None: ...
    def stop(self) -> None: ...


class Gateway:
    """The parts of one running gateway."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        *,
        now_ms: Callable[[], int] = clock.utc_ms,
        trusted: Callable[[], bool] = clock.synchronised,
        monotonic: Callable[[], float] = time.monotonic,
        carriers: Sequence[Carrier] | None = None,
    ) -> None:
        self.settings = settings
        self.store = store
        self.ingest = Ingest(
            store,
            keys=settings.keys,
            schemas=settings.schemas,
            gateway_id=settings.gateway_id,
            now_ms=now_ms,
            trusted=trusted,
            outgoing=Outgoing(settings.state),
            foreign=self._foreign,
        )
        self.relays = [Relay(*home, self._answer_by_radio, now_ms=now_ms) for home in settings.relays]
        if carriers is None:
            carriers = [MqttCarrier(settings.site, settings.broker, now_ms=now_ms)]
            if settings.radios is not None:
                carriers += settings.radios.carriers(settings.state)
        self.carriers = carriers
        self.upkeep = Upkeep(store, settings.limits, now_ms)
        asked = Verbs(
            settings.site,
            settings.gateway_id,
            store,
            self.ingest,
            self.upkeep,
            self.carriers,
            self.relays,
            now_ms,
            trusted,
            now_ms(),
        ).by_name()
        self.alerts: Alerts | None = None
        if settings.rules is not None:
            self.alerts = Alerts(
                settings.rules,
                settings.state,
                Reader.open(settings.state / STORE_NAME),
                now_ms=now_ms,
                connected=lambda: any(carrier.connected for carrier in self.carriers),
                own=self.upkeep.values,
                shelved=Shelf(settings.home or settings.state, self.ingest.shelved_ms).since_s,
                monotonic=monotonic,
            )
            asked |= alert_verbs(self.alerts, lambda: now_ms() // 1000)
        self.control = Control(settings.state / SOCKET_NAME, asked)
        self._now_ms = now_ms
        self._trusted = trusted

    async def run(self, stop: asyncio.Event) -> None:
        """Run until `stop` is set, then write what is still to be written. Raises Unusable, in a group."""
        async with asyncio.TaskGroup() as tasks:
            running = [
                *(tasks.create_task(self._carry(c), name=f"carrier-{c.name}") for c in self.carriers),
                *(tasks.create_task(relay.run(), name=relay.name) for relay in self.relays),
                tasks.create_task(self._flush(), name="flush"),
                tasks.create_task(self.control.serve(), name="control"),
                tasks.create_task(self.upkeep.run(), name="upkeep"),
                tasks.create_task(watchdog.supervise(self._alive), name="watchdog"),
            ]
            if (site := self.settings.rules) is not None:
                state = self.settings.state
                rolling = keep(state / STORE_NAME, state / ROLLUPS_NAME, site)
                running.append(tasks.create_task(rolling, name="rollups"))
                forgetting = Forgetting(
                    site.retention,
                    self.upkeep,
                    self.alerts,
                    self.settings.home or state,
                    now_ms=self._now_ms,
                    trusted=self._trusted,
                )
                running.append(tasks.create_task(forgetting.run(), name="forgetting"))
            if self.alerts is not None:
                running.append(tasks.create_task(self.alerts.run(), name="alerts"))
                if self.settings.delivery is not None:
                    notifier = Notifier(self.alerts, self.settings.delivery, now_ms=self._now_ms)
                    running.append(tasks.create_task(notifier.run(), name="notify"))
            await stop.wait()
            for task in running:
                task.cancel()
        if self.alerts is not None:
            await self.alerts.close()
        await self._flush_once()

    async def _alive(self) -> None:
        """Go once through what must not be stuck: the event loop, the store's writer, the alerts."""
        with suppress(StoreError):  # it says no: it answers
            await self.store.perform(lambda _: None)
        if self.alerts is not None:
            await self.alerts.alive()

    async def _carry(self, carrier: Carrier) -> None:
        async with aclosing(carrier.uplinks()) as uplinks:
            async for batch in uplinks:
                await carrier.send(await self.ingest.accept(batch))
                if self.alerts is not None:
                    self.alerts.wake()

    def _foreign(self, uplink: Uplink) -> None:
        for relay in self.relays:
            relay.offer(uplink)

    async def _answer_by_radio(self, downlinks: Sequence[Downlink]) -> None:
        """Answer another site's node, whose home's answer this is. Any radio carrier finds the receiver."""
        for carrier in self.carriers:
            if not isinstance(carrier, MqttCarrier):
                await carrier.send(downlinks)
                return

    async def _flush(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_S)
            await self._flush_once()

    async def _flush_once(self) -> None:
        try:
            await self.ingest.flush()
        except StoreError as error:
            log.error("refusals_not_stored", reason=str(error))  # noqa: TRY400


async def run(settings: Settings, stop: asyncio.Event | None = None) -> None:
    """Run a gateway until `stop` is set or the process is told to end.

    Raises StartError; Unusable where the store can only be used after a new start.
    """
    stop = stop or asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    with locked(settings.state):
        try:
            store = Store.open(settings.state / STORE_NAME, durable=not settings.in_memory)
        except StoreError as error:
            raise StartError(str(error)) from error
        try:
            try:
                gateway = Gateway(settings, store)
            except AlertsError as error:
                raise StartError(str(error)) from error
            log.info(
                "gateway_started",
                site=settings.site,
                nodes=len(settings.keys),
                store=store.store_id.hex(),
                last_commit=store.reader.last_commit(),
            )
            if settings.page is not None:
                settings.page.start(gateway.alerts.standing if gateway.alerts else None)
            await gateway.run(stop)
        except BaseExceptionGroup as group:
            unusable = group.subgroup(Unusable)
            if unusable is None:
                raise
            raise _first(unusable) from None
        finally:
            if settings.page is not None:
                await asyncio.to_thread(settings.page.stop)
            await store.close()
    log.info("gateway_stopped")


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def locked(state: Path) -> AbstractContextManager[None]:
    """Make the state directory, and keep other gateways out of it. Raises StartError."""
    return claimed(state, "gateway", "Stop it first, or choose another directory with --state.")
