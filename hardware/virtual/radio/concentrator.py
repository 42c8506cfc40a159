"""A concentrator (SX1302): eight channels, all spreading factors at once, one transmitter, its own clock."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hardware.virtual.clock import Appointment
from hardware.virtual.radio.medium import AirClock, Antenna, Medium, Modulation, Reception, sub_band
from hardware.virtual.radio.physics import airtime_s

# As most networks in Europe have them.
CHANNELS_KHZ = (867_100, 867_300, 867_500, 867_700, 867_900, 868_100, 868_300, 868_500)
CHANNELS_MAX = 8
DEMODULATORS = 16
POWER_MAX_DBM = 27
EARLY_S = 30.0
LATE_S = 0.005  # what the chip needs to be told of a packet before it is to be sent
TMST = 1 << 32


@dataclass(frozen=True, slots=True)
class Heard:
    """A packet with the concentrator's clock (µs, 32 bits) at its end."""

    reception: Reception
    ticks_us: int
    channel: int


class Concentrator:
    """`heard` gets each packet, intact or not. `offset_us` is what its clock showed at its start."""

    def __init__(
        self,
        name: str,
        medium: Medium,
        position_m: tuple[float, float] = (0.0, 0.0),
        *,
        heard: Callable[[Heard], None],
        channels_khz: Sequence[int] = CHANNELS_KHZ,
        gain_dbi: float = 3.0,
        offset_us: int = 0,
    ) -> None:
        self._clock: AirClock = medium.clock
        self._heard = heard
        self._channels = list(channels_khz)[:CHANNELS_MAX]
        self._offset_us = offset_us
        self.antenna = Antenna(name, medium, position_m, gain_dbi=gain_dbi, demodulators=DEMODULATORS)
        self.antenna.on_packet = self._packet
        self._planned: list[tuple[float, float, Appointment]] = []
        self.sent = 0
        self.start()

    def start(self) -> None:
        self.antenna.listen(self._accepts)

    def stop(self) -> None:
        """Power off: nothing is heard, nothing planned is sent."""
        self.antenna.listen(None)
        for _, _, appointment in self._planned:
            appointment.cancel()
        self._planned.clear()

    def _accepts(self, modulation: Modulation) -> bool:
        return (
            modulation.frequency_khz in self._channels
            and modulation.bw_khz == 125
            and not modulation.inverted
        )

    def ticks_us(self, at_s: float | None = None) -> int:
        at_s = self._clock.monotonic_s() if at_s is None else at_s
        return (round(at_s * 1e6) + self._offset_us) % TMST

    def _packet(self, reception: Reception) -> None:
        channel = self._channels.index(reception.signal.modulation.frequency_khz)
        self._heard(Heard(reception, self.ticks_us(reception.signal.end_s), channel))

    def plan(self, payload: bytes, modulation: Modulation, power_dbm: float, ticks_us: int) -> str | None:
        """Send at `ticks_us` of its clock; return why not, as the packet forwarder's protocol names it."""
        now_s = self._clock.monotonic_s()
        ahead = (ticks_us - self.ticks_us(now_s) + TMST // 2) % TMST - TMST // 2
        begin_s = now_s + ahead / 1e6
        try:
            sub_band(modulation.frequency_khz)
        except ValueError:
            return "TX_FREQ"
        if power_dbm > POWER_MAX_DBM:
            return "TX_POWER"
        if begin_s < now_s + LATE_S:
            return "TOO_LATE"
        if begin_s > now_s + EARLY_S:
            return "TOO_EARLY"
        end_s = begin_s + airtime_s(len(payload), modulation.sf, modulation.bw_khz)
        self._planned = [p for p in self._planned if p[1] > now_s]
        if any(begin_s < end and end_s > begin for begin, end, _ in self._planned):
            return "COLLISION_PACKET"

        def send() -> None:
            self.sent += 1
            self.antenna.send(modulation, payload, power_dbm)

        self._planned.append((begin_s, end_s, self._clock.call_later(begin_s - now_s, send)))
        return None
