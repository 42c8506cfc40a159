"""The middle of repeated measurements and how far they are apart.

The node takes the median, not the mean: one stray echo or spike moves a mean, and what noise is left
costs bytes in every frame. Part of ads1115, battery and mb7374.
"""


def median(values) -> int:
    """The middle one of `values` (at least one); of an even number the lower of the two in the middle."""
    ordered = sorted(values)
    return ordered[(len(ordered) - 1) // 2]


def spread(values) -> int:
    """Width of the middle half of `values`: a quarter is left out at each end, so one stray does not count.

    Of fewer than four values it is the whole width, of one value 0.
    """
    ordered = sorted(values)
    cut = len(ordered) // 4
    return ordered[-1 - cut] - ordered[cut]
