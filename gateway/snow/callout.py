"""When a snow plough is called out."""

WET_FROM_C = -2.0
WET_MM, DRY_MM = 50.0, 100.0


def callout_mm(air_c: float | None) -> float:
    """Return the depth increase in mm that calls for ploughing: 5 cm of wet snow, 10 cm of dry.

    Snow is wet from -2 °C. Without a temperature the lower limit counts.
    Source: the municipality of Sogndal's winter maintenance standard; others use 8 to 15 cm of dry snow.
    """
    return WET_MM if air_c is None or air_c >= WET_FROM_C else DRY_MM


def callout_share(increase_mm: float, air_c: float | None) -> float:
    """Return the increase as percent of what calls for ploughing: 100 calls."""
    return 100.0 * increase_mm / callout_mm(air_c)
