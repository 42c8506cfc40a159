"""What a battery node feels of its battery, while a packet is on the air; what it shows of an answer."""

import pytest

from tests.firmware.radio_lab import RadioLab

SNOW = 21


class Sagging(dict):
    """A cold cell: 3.6 V at rest, 3.25 V while the radio sends."""

    def __init__(self, world, antenna, clock):
        super().__init__(world)
        self._antenna, self._clock = antenna, clock

    def __getitem__(self, name):
        if name != "battery":
            return super().__getitem__(name)
        sends = self._clock.monotonic_s() < self._antenna.sending_until_s
        return 3.25 if sends else 3.6


async def test_the_load_that_is_reported_is_that_of_a_packet_on_the_air(tmp_path):
    lab = RadioLab(tmp_path, SNOW)
    lab.world = Sagging(lab.world, lab.antenna, lab.clock)
    await lab.start()
    try:
        await lab.board.power_on()
        await lab.until(lambda: lab.stored() >= 2 and lab.board.asleep, 2)
        assert lab.memory().load_mv == pytest.approx(3250, abs=10)
        with lab.reader() as reader:
            records = reader.history(SNOW, 0, 1 << 40)
        assert all(record.values[3] == pytest.approx(3600, abs=10) for record in records)
    finally:
        await lab.stop()


async def test_the_light_shows_no_answer_where_none_was_asked_for(tmp_path):
    lab = RadioLab(tmp_path, SNOW, changes={"interval_s": 60})
    await lab.start()
    lab.carrier.up = False
    try:
        await lab.board.power_on()
        await lab.until(lambda: lab.board.asleep and lab.memory().wakes >= 12, 1, step_s=1)
        seen = lab.led.seen()
        assert seen.count(".") == lab.memory().wakes  # each measured, none was answered
        assert 0 < seen.count("-") < lab.memory().wakes
    finally:
        await lab.stop()
