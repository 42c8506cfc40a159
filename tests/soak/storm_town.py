"""The town of the storm: wire-level nodes on three carriers, and a gateway that can lose its power.

What these nodes say is the firmware's own (backlog, clock, conversation, seal); what of it waits is played by
appointments on a timeline, as in radio_town.py. The demonstration site's own four nodes are real: see
storm_boards.py.
"""
# mypy: disallow-untyped-calls=False

import random
import shutil
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from device_configs.compile import schemas
from device_configs.model import Node as Planned
from device_configs.model import Site
from gateway.alerts.service import Alerts
from gateway.carriers.bridge_talk import Talk
from gateway.carriers.concentrators import Forwarders
from gateway.model import Downlink, Uplink
from gateway.store import STORE_NAME, Reader
from hardware.virtual.radio.medium import Antenna
from hardware.virtual.radio.timeline import Timeline
from node import conversation
from tests.soak import storm_scene as scene
from tests.soak.radio_town import EUI, Node, Town
from tests.soak.storm_bridge import StormBridge
from wire.quantities import MISSING, OK

T = TypeVar("T")
HOUR_S = 3600
WIFI_S = 0.2  # there and back
FRAME_MAX = 1024  # bytes, as the node's carrier has it; that one needs a node's network
LOOK_S = 30.0  # how often the alerts are asked without a record
TICK_S = 0.5  # how often the gateway's end of the bridge's cable is
NEAR_DB, RIDGE_DB = 118.0, 190.0  # what a link loses, and what a mountain leaves nothing of
DATABASES = ("store.db", "alerts.db", "sync.db")


class Measuring(Node):
    """A node that measures what is true at its place; over LoRa as it is, over Wi-Fi as `WifiNode`."""

    def __init__(
        self, number: int, town: "StormTown", folder: Path, rng: random.Random, planned: Planned
    ) -> None:
        self.planned = planned
        self.schema = planned.profile.schema_id
        self.quantities = planned.profile.quantities
        self.meter = scene.ElectricityMeter(planned)
        self._hour_told = -1
        super().__init__(number, town, folder, rng)

    @property
    def interval_s(self) -> int:
        return self.planned.interval_s

    def sample(self) -> tuple[tuple[int | None, ...], tuple[int, ...]]:
        hour = self._town.timeline.monotonic_s() / HOUR_S
        values = getattr(self, f"_{self.planned.profile.name}")(hour)
        return values, tuple(MISSING if value is None else OK for value in values)

    def _intake(self, hour: float) -> tuple[int | None, ...]:
        up_mm, down_mm = scene.levels_mm(self.planned, hour)
        return (
            self._loop_ua("up", up_mm), self._loop_ua("down", down_mm), 200 + self._rng.randrange(9),
            round(scene.air_c(hour) * 100), 3600 - self._rng.randrange(8),
        )  # fmt: skip

    def _loop_ua(self, channel: str, mm: float) -> int:
        line = next(c for c in self.planned.calibration if c.channel == channel)
        return round(line.raw0 + (mm - line.value0) * (line.raw1 - line.raw0) / (line.value1 - line.value0))

    def _snow(self, hour: float) -> tuple[int | None, ...]:
        line = next(c for c in self.planned.calibration if c.channel == "distance")
        distance_mm = line.raw0 - round(scene.depth_mm(self.planned, hour))
        return distance_mm, self._rng.randrange(12), round(scene.air_c(hour) * 100), 3600

    def _rain(self, hour: float) -> tuple[int | None, ...]:
        return (scene.bucket_tips(self.planned, hour),)

    def _energy(self, hour: float) -> tuple[int | None, ...]:
        """A HAN port tells registers with the first list of each hour."""
        w = scene.power_w(self.planned, hour)
        registers: tuple[int | None, int | None] = (None, None)
        if int(hour) != self._hour_told:
            self._hour_told = int(hour)
            registers = self.meter.register_wh(hour), 0
        return (w, 0, *registers, w // 9, 0, *[w * 1000 // 693] * 3, *[2310] * 3, None, None)


class WifiNode(Measuring):
    """Its carrier is a broker on the town's own net, which neither weather nor internet touches."""

    def use_slow(self, slow: bool) -> None:
        raise NotImplementedError("a Wi-Fi node has no spreading factor")

    @property
    def frame_max(self) -> int:
        return FRAME_MAX

    @frame_max.setter
    def frame_max(self, size: int) -> None:
        """It is the broker's."""

    def _conversation(self) -> Iterator[int]:
        talk: Iterator[int] = conversation.converse(
            self._uplink, self._state, self._clock, self, self._status
        )
        return talk

    def send(self, frame: bytes) -> None:
        town, frame = self._town, bytes(frame)
        assert isinstance(town, StormTown)

        def arrive() -> None:
            if town.forwarders is not None:
                town.deliver(Uplink(frame, town.now_ms(), "mqtt"))

        town.timeline.call_later(WIFI_S / 2, arrive)

    def hear(self, frame: bytes) -> None:
        talk = self._talk

        def arrive() -> None:
            if talk is not None and talk is self._talk:
                self._go_on(frame)

        self._town.timeline.call_later(WIFI_S / 2, arrive)

    def _go_on(self, frame: bytes | None) -> None:
        self._window += 1  # the deadline of the wait before is off
        super()._go_on(frame)
        if self._talk is not None:
            self._town.timeline.call_later(
                conversation.ANSWER_MS / 1000, self._for_window(lambda: self._go_on(None))
            )


class StormTown(Town):
    """`site` says which nodes there are; those of `scene.REAL` are somebody else's, with `real_keys`."""

    def __init__(
        self, folder: Path, seed: int, site: Site, start_utc_ms: int, real_keys: dict[int, bytes]
    ) -> None:
        self.site, self._folder, self._real_keys = site, folder, real_keys
        self.planned = [node for node in site.nodes if node.id not in scene.REAL]
        self.schemas = schemas(site)
        self.clock_ms: Callable[[], int] | None = None  # while a board has its turn, its clock counts
        self.alerts: Alerts | None = None
        self.after_commit: Callable[[], None] = lambda: None
        self._cuts = 0
        state = folder / "state-0"
        state.mkdir()
        self._dice = random.Random(seed + 1)
        self.bridge: StormBridge | None = None
        self.talk: Talk | None = None  # the gateway's end of the cable
        super().__init__(state, seed, len(self.planned), scene.LORA, timeline=Timeline(start_utc_ms))
        for planned, node in zip(self.planned, self.nodes, strict=True):
            heard_by = scene.heard_by(planned)
            for receiver, name in ((scene.CONCENTRATOR, EUI.hex()), (scene.BRIDGE, scene.BRIDGE)):
                ends = min(name, node.antenna.name), max(name, node.antenna.name)
                self.medium.losses_db[ends] = NEAR_DB if receiver in heard_by else RIDGE_DB

    def new_node(self, number: int, folder: Path, rng: random.Random) -> Node:
        planned = self.planned[number - 1]
        kind = WifiNode if planned.carrier == "mqtt" else Measuring
        return kind(planned.id, self, self._folder / str(planned.id), rng, planned)

    def keys(self) -> dict[int, bytes]:
        return {**super().keys(), **self._real_keys}

    def now_ms(self) -> int:
        return self.clock_ms() if self.clock_ms else super().now_ms()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Do `work` while the timeline stands still."""
        return self._loop.run_until_complete(work)

    @property
    def hour(self) -> float:
        return self.timeline.monotonic_s() / HOUR_S

    def answer(self, forwarders: Forwarders, downlinks: Sequence[Downlink]) -> None:
        by_wifi = [d for d in downlinks if d.answers is not None and d.answers.carrier == "mqtt"]
        nodes = {node.number: node for node in self.nodes}
        for downlink in by_wifi:
            node = nodes[downlink.node]
            assert isinstance(node, WifiNode)
            node.hear(downlink.frame)
        forwarders.send([d for d in downlinks if d not in by_wifi])
        self.after_commit()

    def start_gateway(self) -> None:
        super().start_gateway()
        self.plug_bridge()
        self.alerts = Alerts(
            self.site, self.state, Reader.open(self.state / STORE_NAME),
            now_ms=self.now_ms, monotonic=self.timeline.monotonic_s,
        )  # fmt: skip

    # The bridge is on a cable of the gateway's, which gives it power

    def plug_bridge(self) -> None:
        if self.bridge is None:
            antenna = Antenna(scene.BRIDGE, self.medium)
            self.bridge = StormBridge(antenna, self.timeline, self._folder / "purse", self._dice)
        talk = self.talk = Talk(
            self.lora, self.receivers, deliver=self.deliver, write=self.bridge.take,
            now_s=self.timeline.monotonic_s, now_ms=self.timeline.utc_ms,
        )  # fmt: skip
        self.bridge.plug(talk.received)
        talk.opened()
        self._tick(talk)

    def unplug_bridge(self) -> None:
        assert self.bridge is not None
        assert self.talk is not None
        self.bridge.unplug()
        self.talk.closed()
        self.counts.update(self.talk.counts)
        self.talk = None

    def radio_counts(self) -> Counter[str]:
        """Return what both kinds of receivers counted, over all that went off and on."""
        groups = (self.forwarders, self.talk)
        return sum((group.counts for group in groups if group is not None), self.counts.copy())

    def _tick(self, talk: Talk) -> None:
        if talk is self.talk:
            talk.tick()
            self.timeline.call_later(TICK_S, lambda: self._tick(talk))

    def cut_gateway(self) -> None:
        """The supply goes: what the files hold at this moment is all that the next start finds."""
        self.unplug_bridge()
        self._cuts += 1
        image = self._folder / f"state-{self._cuts}"
        image.mkdir()
        for file in sorted(self.state.iterdir()):
            if file.name.startswith(DATABASES):
                shutil.copy2(file, image / file.name)
        assert self.alerts is not None
        self._loop.run_until_complete(self.alerts.close())
        self.alerts = None
        self.stop_gateway()
        self.state = image

    def close(self) -> None:
        if self.alerts is not None:
            self._loop.run_until_complete(self.alerts.close())
        if self.bridge is not None:
            self.bridge.close()
        super().close()
