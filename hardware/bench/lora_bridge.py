"""The bench's radio: a second board with an SX1262 that runs this firmware in its bridge role, on a USB port.

It is the bridge that gateways have too, so what it says over the cable is read by the gateway's own code
(wire/bridge.py, gateway/carriers/bridge.py). Between its antenna port and that of the board under test lie
pads, and an attenuator where the bench has one. It hears one channel with one spreading factor at a time.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from pathlib import Path

from device_configs.radio_schema import Lora
from gateway.carriers.bridge import BridgeCarrier
from gateway.carriers.duty import Duty
from gateway.carriers.receivers import Receivers
from gateway.model import Downlink
from hardware.listener import Listener
from hardware.protocols import Attenuator, InstrumentError
from hardware.virtual.clock import Clock

ANSWERS_S = 60.0  # a bridge that hangs at its prompt is started anew after half of that
_LOOK_S = 0.02


class BridgeRadio(Listener):
    """The bridge at the serial port `path`. Raises InstrumentError where there is no such port."""

    def __init__(
        self,
        path: str,
        clock: Clock,
        *,
        fixed_db: float = 0.0,
        attenuator: Attenuator | None = None,
        answers_s: float = ANSWERS_S,
    ) -> None:
        super().__init__(clock, fixed_db, attenuator)
        if not Path(path).exists():
            raise InstrumentError(f"radio: the bridge's port {path} is not there. Is it plugged in?")
        self._path, self._answers_s = path, answers_s
        self._bridge: BridgeCarrier | None = None
        self._running: asyncio.Task[None] | None = None

    async def listen(self, lora: Lora) -> None:
        await self.close()
        loop = asyncio.get_running_loop()
        now_ms = self._clock.utc_ms
        duty = Duty(lora.downlink_khz, lora.bandwidth_khz, lambda: now_ms() // 1000)
        receivers = Receivers(
            lora,
            duty,
            later=lambda seconds, call: loop.call_later(seconds, call),
            now_s=loop.time,
            now_ms=now_ms,
        )
        bridge = self._bridge = BridgeCarrier(lora, receivers, self._path)
        self._running = asyncio.create_task(self._run(bridge), name=f"radio at {self._path}")
        try:
            async with asyncio.timeout(self._answers_s):
                while not bridge.connected:  # noqa: ASYNC110  it has no event
                    await asyncio.sleep(_LOOK_S)
        except TimeoutError:
            silent = bridge.talk.receiver is None
            await self.close()
            if silent:
                raise InstrumentError(
                    f"radio: the bridge at {self._path} does not answer: has it this firmware in the role "
                    f"`bridge` (sensornett node provision bridge), and does no other program use the port?"
                ) from None
            raise InstrumentError(
                f"radio: the bridge at {self._path} answers, but its radio does not work: has it the "
                f"settings of its own kind of board?"
            ) from None

    async def close(self) -> None:
        if self._running is not None:
            self._running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._running
            self._running = None

    async def _run(self, bridge: BridgeCarrier) -> None:
        async for batch in bridge.uplinks():
            for uplink in batch:
                self._deliver(uplink)

    async def _send(self, downlinks: Sequence[Downlink]) -> None:
        if self._bridge is not None:
            await self._bridge.send(downlinks)
