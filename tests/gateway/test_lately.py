"""A frame that came another way is told from one that was sent again."""

from dataclasses import replace

from gateway.lately import APART_MS, FRAMES_MAX, Lately
from gateway.model import Reception, Uplink
from tests.gateway.talking_node import NOON_MS, uplink

HEARD = (Reception("c1", -110, -4.5, 77, 868_100, 9, 125),)


def by(via: str, frame: bytes = b"frame", later_ms: int = 0) -> Uplink:
    return replace(uplink(frame, NOON_MS + later_ms), receptions=HEARD, via=via)


def test_each_way_counts_once() -> None:
    lately = Lately()
    said = [lately.by_another_way(by(via)) for via in ("", "sor", "", "sor", "vest", "vest")]
    assert said == [False, True, False, False, True, False]
    assert not lately.by_another_way(by("", b"another"))


def test_only_just_now() -> None:
    lately = Lately()
    lately.by_another_way(by(""))
    assert not lately.by_another_way(by("sor", later_ms=APART_MS + 1))


def test_what_came_over_a_wire_has_no_other_way() -> None:
    lately = Lately()
    assert not lately.by_another_way(uplink(b"frame"))
    assert not lately.by_another_way(uplink(b"frame"))


def test_it_forgets() -> None:
    lately = Lately()
    for i in range(FRAMES_MAX + 1):
        lately.by_another_way(by("", i.to_bytes(2, "big")))
    assert not lately.by_another_way(by("sor", bytes(2)))
    assert lately.by_another_way(by("sor", FRAMES_MAX.to_bytes(2, "big")))
