import pytest

from gateway.snow.load import load, load_share


@pytest.mark.parametrize(("kg", "old_dry_mm", "wet_mm"), [(150, 500, 400), (250, 800, 600), (350, 1200, 900)])
def test_the_band_holds_what_the_authority_says(kg: float, old_dry_mm: float, wet_mm: float) -> None:
    assert load(old_dry_mm).low <= kg <= load(old_dry_mm).high
    assert load(wet_mm).low <= kg <= load(wet_mm).high
    # ... and its ends are near it, not just anywhere around it.
    assert load(old_dry_mm).low == pytest.approx(kg, rel=0.08)
    assert load(wet_mm).high == pytest.approx(kg, rel=0.13)


def test_it_is_measured_by_the_building() -> None:
    assert load_share(500, 290).low == pytest.approx(50)
    assert load_share(-20, 250).high == 0
    with pytest.raises(ValueError, match="design load"):
        load_share(500, 0)
