"""Wi-Fi as the node's station sees it: the association is simulated, packets are the host's own sockets."""

from dataclasses import dataclass

from hardware.virtual.clock import Clock

IDLE, CONNECTING, GOT_IP = 1000, 1001, 1010
NO_AP_FOUND, WRONG_PASSWORD = 201, 202


class AccessPoint:
    """An access point; setting `up` to False takes the network away from everybody."""

    def __init__(
        self, clock: Clock, ssid: str = "narvik", key: str = "", rssi_dbm: int = -60, join_s: float = 0.05
    ) -> None:
        self._clock = clock
        self.ssid = ssid
        self.key = key
        self.rssi_dbm = rssi_dbm
        self.join_s = join_s
        self._up_since_s: float | None = clock.monotonic_s()

    @property
    def up(self) -> bool:
        return self._up_since_s is not None

    @up.setter
    def up(self, up: bool) -> None:
        if up != self.up:
            self._up_since_s = self._clock.monotonic_s() if up else None

    def status(self, ssid: str, key: str, since_s: float) -> int:
        """The status of a station that has been trying since `since_s`; it joins again on its own."""
        if self._up_since_s is None or ssid != self.ssid:
            return NO_AP_FOUND
        if key != self.key:
            return WRONG_PASSWORD
        joining_s = self._clock.monotonic_s() - max(since_s, self._up_since_s)
        return GOT_IP if joining_s >= self.join_s else CONNECTING


@dataclass(frozen=True, slots=True)
class _Attempt:
    ssid: str
    key: str
    since_s: float


class Station:
    """The board's radio; a fresh one for each start of the program."""

    def __init__(self, access_point: AccessPoint | None, clock: Clock) -> None:
        self._access_point = access_point
        self._clock = clock
        self._attempt: _Attempt | None = None
        self.active = False

    def activate(self, on: bool) -> None:
        self.active = on
        if not on:
            self._attempt = None

    def connect(self, ssid: str, key: str) -> None:
        if not self.active:
            raise OSError(0x3002, "Wifi Not Started")
        self._attempt = _Attempt(ssid, key, self._clock.monotonic_s())

    def disconnect(self) -> None:
        self._attempt = None

    def status(self) -> int:
        if self._attempt is None:
            return IDLE
        if self._access_point is None:
            return NO_AP_FOUND
        return self._access_point.status(self._attempt.ssid, self._attempt.key, self._attempt.since_s)

    def rssi_dbm(self) -> int:
        return self._access_point.rssi_dbm if self._access_point and self.status() == GOT_IP else 0
