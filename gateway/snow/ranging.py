"""Ultrasonic ranging in air of a known temperature, and what of a distance is believable."""

import math

ZERO_C_K = 273.15
# A station's step limits between two readings, in mm: snow falls slower than this and settles slower still.
# Source: the quality control of the South Tyrol / EURAC snow stations, -10 and +20 cm a step.
STEP_DOWN_MM, STEP_UP_MM = 100.0, 200.0
# Faster than anything that falls. Source: the SNOTEL automatic quality control, 25 cm in an hour.
RISE_MAX_MM_PER_H = 250.0


def compensate(distance_mm: float, air_c: float, assumed_c: float = 0.0) -> float:
    """Return the true distance in mm where the ranger assumed air of `assumed_c` and it has `air_c`.

    Sound in air travels with the square root of the absolute temperature, so d = reading * sqrt(T / T0).
    Source: Campbell Scientific, SR50A instruction manual, temperature compensation (T0 = 273.15 K).
    Raises ValueError below absolute zero.
    """
    return distance_mm * math.sqrt((air_c + ZERO_C_K) / (assumed_c + ZERO_C_K))


def believable(before_mm: float, now_mm: float, hours: float) -> bool:
    """Whether a depth can have gone from `before_mm` to `now_mm` in `hours`.

    A longer gap allows a larger rise; the limits of one step always hold as a minimum.
    """
    change = now_mm - before_mm
    return -STEP_DOWN_MM * max(1.0, hours) <= change <= max(STEP_UP_MM, RISE_MAX_MM_PER_H * hours)
