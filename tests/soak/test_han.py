"""The damage is what it says it is, and some of it is found."""

import random

import pytest

from drivers import han_hdlc
from tests.soak import han
from tests.soak.tally import Tally


def test_a_few_thousand_mutations_hold() -> None:
    tally = Tally()
    frames = [*han.recorded(), *han.made()]
    han.damage(tally, frames, 1, 1500)
    assert tally.facts["mutations"] == 1500


def test_kinds_of_damage() -> None:
    rng = random.Random(5)
    content = bytes(range(64))
    for _ in range(300):
        changed = [a ^ b for a, b in zip(content, han.bits(rng, content), strict=True)]
        assert 1 <= sum(byte.bit_count() for byte in changed) <= 3
        number = int.from_bytes(
            bytes(a ^ b for a, b in zip(content, han.burst(rng, content), strict=True)), "little"
        )
        assert 0 < (number >> (number & -number).bit_length() - 1).bit_length() <= 16
        assert len(han.cut(rng, content)) < 64 < len(han.doubled(rng, content))


def test_a_decoder_that_checks_nothing_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(han_hdlc, "_checks", lambda data, start, end: True)
    with pytest.raises(AssertionError, match="passed"):
        han.damage(Tally(), list(han.made()), 1, 200)
