"""From the values of a node's records to the one number a rule watches.

A signal is fed in the order of time; older records are for whoever feeds it to leave out. It remembers no
more than `span_s`, so feeding it the stored records of that time again puts it back to where it was.
"""

from abc import ABC, abstractmethod

from device_configs.alert_checks import AIR_KEY, DOWN_KEY, UP_KEY
from gateway.alerts.measured import Measured, Values
from gateway.alerts.state import Observation, Trust
from gateway.hydrology.grate import CleanGrate
from gateway.hydrology.rise import MEDIAN_S, SPAN_S, Rise
from gateway.hydrology.signature import Intake, Limits
from gateway.snow.callout import callout_share
from gateway.snow.increase import MEDIAN_S as SNOW_MEDIAN_S
from gateway.snow.increase import DepthIncrease
from gateway.snow.load import load_share

WATER_KEYS = ("water_corrected_temp_cc", "water_temp_cc")
_NOTHING = Measured(None, Trust.BAD)


class Signal(ABC):
    """What one rule watches at one node."""

    unit = ""
    span_s = 0.0

    def __init__(self, key: str) -> None:
        self.key = key
        self._newest_s: int | None = None

    def feed(self, at_s: int, values: Values) -> Observation | None:
        """Take a record's values; return what the rule sees of it, None if nothing.

        A record that is older than a usable one before it is history: nothing is seen of it.
        """
        if self._newest_s is not None and at_s <= self._newest_s:
            return None
        seen = values.get(self.key)
        if seen is None:
            return None
        if seen.value is None or not seen.usable:
            return Observation(at_s, None, Trust.BAD)
        observation = self._see(at_s, seen.value, seen.trust, values)
        if observation is None or observation.trust is not Trust.BAD:
            self._newest_s = at_s
        return observation

    @abstractmethod
    def _see(self, at_s: int, value: int, trust: Trust, values: Values) -> Observation | None: ...


class Plain(Signal):
    """The value itself."""

    def _see(self, at_s: int, value: int, trust: Trust, values: Values) -> Observation:
        return Observation(at_s, value, trust)


class Difference(Signal):
    """The value less another of the same record; at its limit where the value is."""

    def __init__(self, key: str, minus: str) -> None:
        super().__init__(key)
        self._minus = minus

    def _see(self, at_s: int, value: int, trust: Trust, values: Values) -> Observation:
        other = values.get(self._minus, _NOTHING)
        if other.value is None or not other.usable:
            return Observation(at_s, None, Trust.BAD)
        return Observation(at_s, value - other.value, trust)


class Percent(Signal):
    """A level as percent of the way from `zero` to `full`."""

    unit = "%"

    def __init__(self, key: str, zero: float, full: float) -> None:
        super().__init__(key)
        self._zero, self._full = zero, full

    def _see(self, at_s: int, value: int, trust: Trust, values: Values) -> Observation:
        return Observation(at_s, round(100 * (value - self._zero) / (self._full - self._zero), 1), trust)


class RateOfRise(Signal):
    """How fast the value rises, per hour. At its limit the rate is unknown: nothing is seen."""

    unit = "/h"
    span_s = SPAN_S + MEDIAN_S

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self._rise = Rise()

    def _see(self, at_s: int, value: int, trust: Trust, values: Values) -> Observation | None:
        rate = self._rise.add(at_s, value)
        return None if rate is None or trust is not Trust.GOOD else Observation(at_s, round(rate))


class Increase(Signal):
    """How much a snow depth has grown in some hours."""

    def __init__(self, key: str, hours: int) -> None:
        super().__init__(key)
        self.span_s = hours * 3600 + 2 * SNOW_MEDIAN_S
        self._increase = DepthIncrease(hours)

    def _see(self, at_s: int, value: int, trust: Trust, values: Values) -> Observation:
        return Observation(at_s, round(self._increase.add(at_s, value)), trust)


class Callout(Increase):
    """That growth as percent of what calls for a plough, by the air temperature of the record."""

    unit = "%"

    def _see(self, at_s: int, value: int, trust: Trust, values: Values) -> Observation:
        increase_mm = self._increase.add(at_s, value)
        air_c = _celsius(values, AIR_KEY)
        kind = "" if air_c is None else f", {air_c:.0f} °C"
        share = round(callout_share(increase_mm, air_c))
        return Observation(at_s, share, trust, f"+{increase_mm / 10:.0f} cm{kind}")


class RoofLoad(Signal):
    """The upper end of the snow load's band, in percent of what the building is designed for."""

    unit = "%"

    def __init__(self, key: str, design_kg_per_m2: float) -> None:
        super().__init__(key)
        self._design = design_kg_per_m2

    def _see(self, at_s: int, value: int, trust: Trust, values: Values) -> Observation:
        share = load_share(value, self._design)
        evidence = f"{share.low:.0f}-{share.high:.0f} %, {value / 10:.0f} cm"
        return Observation(at_s, round(share.high), trust, evidence)


class SignatureOf(Signal):
    """1 while the levels on both sides of a grate show one of the wanted signatures, else 0.

    The upper level at the sensor's limit is no less than it says, so it can show a clogged grate; a lower
    level that is not usable shows nothing.
    """

    def __init__(
        self, wanted: tuple[str, ...], clean: CleanGrate | None = None, limits: Limits | None = None
    ) -> None:
        super().__init__(UP_KEY)
        self._wanted = wanted
        self._intake = Intake(clean, limits)
        self.span_s = (limits or Limits()).span_s

    def _see(self, at_s: int, value: int, trust: Trust, values: Values) -> Observation:
        down = values.get(DOWN_KEY, _NOTHING)
        if down.value is None or not down.usable:
            return Observation(at_s, None, Trust.BAD)
        water = next((c for key in WATER_KEYS if (c := _celsius(values, key)) is not None), None)
        verdict = self._intake.add(at_s, value, down.value, water, _celsius(values, AIR_KEY))
        shown = verdict.signature.value in self._wanted
        return Observation(at_s, float(shown), Trust.GOOD, ", ".join(verdict.evidence))


class Silence(Signal):
    """When the value was last usable. The engine turns that into seconds of silence as time passes."""

    unit = "s"

    def _see(self, at_s: int, value: int, trust: Trust, values: Values) -> Observation:
        return Observation(at_s, 0.0)


class OfGateway(Signal):
    """A value of the gateway itself. No record holds it: whoever keeps the gateway says it as time passes."""

    def _see(self, at_s: int, value: int, trust: Trust, values: Values) -> None:
        return None


def _celsius(values: Values, key: str) -> float | None:
    seen = values.get(key, _NOTHING)
    return seen.value / 100 if seen.value is not None and seen.trust is Trust.GOOD else None
