"""The replay window: which frame counters of a node were taken already. Pure.

Frames may overtake one another on their way, so the window remembers the last 64 counters one by one;
whatever is older counts as taken. (The scheme of RFC 4303, section 3.4.3.)
"""

SIZE = 64
_ALL = (1 << SIZE) - 1


class ReplayWindow:
    """`highest` is the newest counter taken (-1: none yet); bit i of `seen` stands for `highest` - i."""

    __slots__ = ("highest", "seen")

    def __init__(self, highest: int = -1, seen: int = 0) -> None:
        self.highest = highest
        self.seen = seen

    def admit(self, counter: int) -> bool:
        """Mark `counter` as taken; False where it already was, or is too old to tell."""
        ahead = counter - self.highest
        if ahead > 0:
            self.seen = (self.seen << ahead | 1) & _ALL if ahead < SIZE else 1
            self.highest = counter
            return True
        if -ahead >= SIZE or self.seen >> -ahead & 1:
            return False
        self.seen |= 1 << -ahead
        return True
