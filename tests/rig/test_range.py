"""Range by attenuation: how weak a board may get until nobody hears it, and what it does then."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from device_configs.radio_schema import Lora
from hardware.protocols import HeardFrame
from hardware.rig import Bench
from hardware.strategy import State, Strategy
from hardware.virtual.bench import VirtualStimulus
from hardware.virtual.radio.physics import SNR_LIMIT_DB, noise_dbm, sensitivity_dbm
from tests.rig.conftest import INTERVAL_S
from tests.rig.radio import RadioGateway, gateway_by_radio, heard, radio_of, until_stored

pytestmark = [pytest.mark.needs("radio", "attenuator"), pytest.mark.timeout(1200)]

POWER_DBM, FAST, SLOW = 14, 7, 10
LORA = Lora(
    frequency_khz=869_525,
    spreading_factor=FAST,
    fallback_spreading_factor=SLOW,
    bandwidth_khz=125,
    power_dbm=POWER_DBM,
)
NEAR_DB, COARSE_DB, FINE_DB = 60.0, 10.0, 1.0
TRIES = 3  # wakes without a frame until it counts as lost
SNR_DB, LOSS_DB = 3.0, 5.0  # tolerances: a receiver's own, and its with that of powers, pads and cables
SILENT_WAKES = 40  # within which a node that is not answered asks with the slow one
PRESSES = 20
BETTER = {"...": set[str](), "..": {"..."}, "-": {"..", "..."}}


@pytest.fixture
async def gateway(bench: Bench, tmp_path: Path) -> AsyncIterator[RadioGateway]:
    async with gateway_by_radio(bench, tmp_path / "gateway", LORA) as made:
        yield made


async def known_to_the_gateway(bench: Bench, dut: Strategy, gateway: RadioGateway) -> None:
    """Start the board with a good link: from its first record on it reports with each wake."""
    await radio_of(bench).attenuate(NEAR_DB)
    await dut.to(State.ASLEEP)
    await until_stored(bench, gateway, 1, SILENT_WAKES, INTERVAL_S)


async def next_frame(bench: Bench) -> HeardFrame | None:
    before = len(heard(bench))
    for _ in range(TRIES):
        await bench.clock.sleep(INTERVAL_S)
        if len(heard(bench)) > before:
            return heard(bench)[-1]
    return None


def loss_for(snr_db: float) -> float:
    """The loss in all at which a board's frames have this signal-to-noise ratio."""
    return POWER_DBM - noise_dbm() - snr_db


async def test_a_board_is_heard_down_to_the_sensitivity_of_its_spreading_factor(
    bench: Bench, dut: Strategy, gateway: RadioGateway
) -> None:
    radio = radio_of(bench)
    assert radio.attenuator
    await known_to_the_gateway(bench, dut, gateway)
    last, last_db, db = heard(bench)[-1], NEAR_DB, NEAR_DB
    while True:
        step = COARSE_DB if db + radio.fixed_db < loss_for(SNR_LIMIT_DB[FAST]) - 2 * COARSE_DB else FINE_DB
        db += step
        assert db <= radio.attenuator.most_db, f"still heard through {last_db + radio.fixed_db:g} dB: a leak?"
        await radio.attenuate(db)
        frame = await next_frame(bench)
        if frame is None:
            break
        assert frame.spreading_factor == FAST
        last, last_db = frame, db
    whole_db = last_db + radio.fixed_db
    assert whole_db == pytest.approx(POWER_DBM - sensitivity_dbm(FAST), abs=LOSS_DB)
    assert last.snr_db == pytest.approx(SNR_LIMIT_DB[FAST] + FINE_DB / 2, abs=SNR_DB)


async def test_what_nobody_hears_with_the_fast_one_arrives_with_the_slow_one(
    bench: Bench, dut: Strategy, gateway: RadioGateway
) -> None:
    """Between the sensitivities of both: unanswered, the node asks with the slow one, and all arrive."""
    radio = radio_of(bench)
    await known_to_the_gateway(bench, dut, gateway)
    stored = len(gateway.stored())
    between_db = loss_for((SNR_LIMIT_DB[FAST] + SNR_LIMIT_DB[SLOW]) / 2)
    await radio.attenuate(between_db - radio.fixed_db)
    await radio.listen(LORA.model_copy(update={"spreading_factor": SLOW}))
    deaf = len(heard(bench))
    for _ in range(SILENT_WAKES):
        await bench.clock.sleep(INTERVAL_S)
        if len(heard(bench)) > deaf:
            break
    slow = heard(bench)[deaf:]
    assert slow, f"nothing but SF{FAST} in {SILENT_WAKES} wakes"
    assert {frame.spreading_factor for frame in slow} == {SLOW}
    await until_stored(bench, gateway, stored + SILENT_WAKES // 2, SILENT_WAKES, INTERVAL_S)
    assert gateway.refused() == {}


async def test_the_light_tells_a_good_link_from_a_poor_one_and_from_none(
    bench: Bench, dut: Strategy, gateway: RadioGateway
) -> None:
    """What a technician at the mast sees after a press of the button."""
    stimulus = bench.stimulus
    if not isinstance(stimulus, VirtualStimulus):
        pytest.skip("nobody sees the board's light on this bench")
    radio = radio_of(bench)
    await known_to_the_gateway(bench, dut, gateway)
    limit_db = SNR_LIMIT_DB[FAST]
    for margin_db, wanted in ((30.0, "..."), (5.0, ".."), (-15.0, "-")):
        await radio.attenuate(loss_for(limit_db + margin_db) - radio.fixed_db)
        seen: list[str] = []
        while wanted not in seen:  # an answer that a slow computer has missed is one long flash
            assert len(seen) < PRESSES, seen
            stimulus.seen()
            await stimulus.press()
            dut.known = type(dut.known)(State.RUNNING, flashed=True, provisioned=True)
            await dut.to(State.ASLEEP)
            seen.append(stimulus.seen()[1:])  # the first says that it has measured
        assert not set(seen) & BETTER[wanted], f"{seen} with a margin of {margin_db:g} dB"
