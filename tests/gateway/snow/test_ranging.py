import pytest

from gateway.snow.ranging import believable, compensate


def test_sound_is_slower_in_the_cold() -> None:
    # 331.3 m/s at 0 °C and 319.1 m/s at -20 °C (ideal gas): the echo of 2 m takes longer.
    assert compensate(2000, -20) == pytest.approx(2000 * 319.0 / 331.3, abs=2)
    assert compensate(2000, 0) == 2000
    assert compensate(2000, 20, 20) == 2000
    with pytest.raises(ValueError, match="math domain"):
        compensate(2000, -300)


@pytest.mark.parametrize(
    ("change_mm", "hours", "believed"),
    [(200, 0.2, True), (201, 0.2, False), (-100, 0.2, True), (-101, 0.2, False),
     (250, 1, True), (251, 1, False), (500, 2, True), (-200, 2, True), (-201, 2, False)],
)  # fmt: skip
def test_what_snow_can_do(change_mm: float, hours: float, believed: bool) -> None:
    assert believable(1000, 1000 + change_mm, hours) is believed
