"""What the levels on both sides of a grate tell: flood, clogging, cleared, sensor fault or ice risk."""

from dataclasses import dataclass
from enum import StrEnum

from gateway.hydrology.grate import CleanGrate
from gateway.trailing import Trailing


class Signature(StrEnum):
    NORMAL = "normal"
    FLOOD = "flood"
    CLOGGING = "clogging"
    CLEARED = "cleared"
    SENSOR_FAULT = "sensor_fault"
    ICE_RISK = "ice_risk"


@dataclass(frozen=True, slots=True)
class Limits:
    """Starting values, to be set for each site. Lengths in mm, times in s, temperatures in °C."""

    clog_mm: float = 150.0  # head loss above a clean grate's
    rise_mm: float = 100.0  # over the span: more than waves
    flat_share: float = 0.3  # below rises less than this share of what it rises above: it does not follow
    above_mm: float = 50.0  # water can not stand this much higher below the grate than above it
    step_mm: float = 250.0  # between two readings
    ice_rise_mm: float = 30.0
    span_s: float = 3600.0
    water_c: float = 0.05  # with an ice-bath calibration; a DS18B20 alone can not see supercooling
    air_c: float = -5.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """`residual_mm` is the head loss above a clean grate's; `evidence` are the numbers behind the verdict."""

    signature: Signature
    residual_mm: float
    evidence: tuple[str, ...]


class Intake:
    """Classifies one intake, reading by reading; each has to be newer than those before.

    Levels are mm above one datum. The signatures are those of the field: in a flood both levels rise and
    the loss grows with Q²; leaves or ice raise the level above while the level below stays or falls; a
    cleaned grate drops the loss at once; water below can not stand above the water upstream of it.
    """

    def __init__(self, clean: CleanGrate | None = None, limits: Limits | None = None) -> None:
        self._clean = clean or CleanGrate()
        self._limits = limits or Limits()
        self._up = Trailing(self._limits.span_s)
        self._down = Trailing(self._limits.span_s)
        self._residuals = Trailing(self._limits.span_s)

    def add(
        self,
        at_s: float,
        up_mm: float,
        down_mm: float,
        water_c: float | None = None,
        air_c: float | None = None,
    ) -> Verdict:
        self._up.add(at_s, up_mm)
        self._down.add(at_s, down_mm)
        residual = self._clean.residual_mm(up_mm, down_mm)
        self._residuals.add(at_s, residual)
        up_step, down_step = _step(self._up), _step(self._down)
        signature, evidence = self._judge(up_mm, down_mm, residual, up_step, down_step, water_c, air_c)
        return Verdict(signature, residual, evidence)

    def _judge(
        self,
        up: float,
        down: float,
        residual: float,
        up_step: float,
        down_step: float,
        water_c: float | None,
        air_c: float | None,
    ) -> tuple[Signature, tuple[str, ...]]:
        limits = self._limits
        rise_up, rise_down = up - _start(self._up), down - _start(self._down)
        rise_loss = residual - _start(self._residuals)
        was_clogged = sum(value > limits.clog_mm for _, value in self._residuals) >= 2  # no lone spike
        levels = (_cm("up", rise_up), _cm("down", rise_down), f"excess loss {residual / 10:.0f} cm")
        if down > up + limits.above_mm:
            return Signature.SENSOR_FAULT, (
                *levels,
                f"below stands {(down - up) / 10:.0f} cm higher",
            )
        if abs(down_step) > limits.step_mm and abs(up_step) < limits.step_mm / 5:
            return Signature.SENSOR_FAULT, (*levels, _cm("below stepped", down_step))
        if was_clogged and residual < limits.clog_mm / 2:
            return Signature.CLEARED, levels
        if up_step < -limits.step_mm and down_step <= 0 and not was_clogged:
            return Signature.SENSOR_FAULT, (
                *levels,
                _cm("above stepped", up_step),
            )
        follows = rise_down > limits.flat_share * max(rise_up, 0.0) and rise_down > limits.rise_mm / 2
        # With a rating curve the residual knows the discharge already; without one, water that rises on both
        # sides explains itself.
        explained = follows and self._clean.rating is None
        if residual > limits.clog_mm and not explained:
            return Signature.CLOGGING, levels
        cold = (
            water_c is not None and air_c is not None and water_c <= limits.water_c and air_c < limits.air_c
        )
        if cold and rise_loss >= limits.ice_rise_mm:
            return Signature.ICE_RISK, (*levels, f"water {water_c} °C, air {air_c} °C")
        if rise_up > limits.rise_mm and follows:
            return Signature.FLOOD, levels
        return Signature.NORMAL, levels


def _cm(what: str, change_mm: float) -> str:
    return f"{what} {change_mm / 10:+.0f} cm"


def _step(window: Trailing) -> float:
    """The newest reading's distance from the one before it, if that is in the window."""
    values = [value for _, value in window][-2:]
    return values[-1] - values[0]


def _start(window: Trailing) -> float:
    """The median of the window's first three readings: a lone spike there makes no rise and hides none."""
    values = [value for _, value in window][:3]
    return sorted(values)[len(values) // 2]
