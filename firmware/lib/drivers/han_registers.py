"""What happened between two values of one energy register: consumption, or an event. Part of han.

A register only counts up. Where it does not, the meter was reset, rolled over or was replaced, and each of
them is said as such: a difference taken blindly would be negative or absurd.
"""

CONSUMED = "consumed"
RESET = "reset"  # counts from zero again; what was consumed since is at least its new value
ROLLOVER = "rollover"  # went through its last digit
SWAP = "swap"  # another meter
IMPLAUSIBLE = "implausible"  # more than the connection can carry, or back to a value that is no start

# Where registers roll over: six to nine digits of kWh on the display, or 32 bits of Wh or of 10 Wh.
MODULI_WH = (10**9, 10**10, 10**11, 10**12, 1 << 32, 10 << 32)


def register_step(
    previous: int,
    current: int,
    *,
    elapsed_s: "int | None",
    most_w: int,
    same_meter: bool = True,
    moduli=MODULI_WH,
) -> "tuple[str, int | None]":
    """(event, energy in Wh between the two values, None where it is not known); never negative.

    `most_w` is the most the connection can carry in W (or var for reactive registers), `elapsed_s` the time
    between the two values. A tenth and a resolution of 10 Wh are allowed for on top. Where the time is not
    known (None), any rise is consumption, and only a register in its last tenth can have rolled over.
    """
    if not same_meter:
        return SWAP, None
    if elapsed_s is None:
        if current >= previous:
            return CONSUMED, current - previous
        for modulus in moduli:
            if modulus // 10 * 9 <= previous < modulus and current < modulus // 10:
                return ROLLOVER, current + modulus - previous
        return RESET, None
    most_wh = most_w * elapsed_s * 11 // 36000 + 10
    step = current - previous
    if 0 <= step <= most_wh:
        return CONSUMED, step
    if step < 0:
        for modulus in moduli:
            if previous < modulus and current + modulus - previous <= most_wh:
                return ROLLOVER, current + modulus - previous
        if current <= most_wh:
            return RESET, None
    return IMPLAUSIBLE, None
