"""A node's starts, on a virtual board: what it does when something goes wrong, and how it comes back."""

import asyncio
import itertools
import json
import re

import pytest

from hardware.virtual import flash
from hardware.virtual.archive_image import read_archive
from hardware.virtual.board import State
from hardware.virtual.chips.chip import Fault
from node import guard, power, settings
from tools.firmware_image import compiled
from wire import control
from wire.quantities import FROZEN, OK

SNOW, INTAKE, ENERGY = 21, 11, 31
SLOW_S = 15  # what a computer with much else to do may take: it passes on the virtual clock as well
BROKEN = """
class Bad:
    def read(self):
        {}
def attach(hardware, channels):
    return Bad()
"""


def with_driver(name, does):
    """The firmware with a driver that does this when it is read."""
    files = {path: content for path, content in compiled().items() if path != f"lib/drivers/{name}.mpy"}
    return {**files, f"lib/drivers/{name}.py": BROKEN.format(does).encode()}


def slept_s(lab):
    """The sleeps so far, in s."""
    return [round(int(ms) / 1000) for ms in re.findall(r"deep sleep (\d+) ms", lab.board.console.text())]


async def test_a_wake_measures_stores_and_sends(lab):
    lab = await lab(SNOW)
    await lab.board.power_on()
    await lab.wakes(3)
    assert [record.values for record in lab.flash()] == [(2400, 0, -600, 3602)] * 4
    assert slept_s(lab) == pytest.approx([597] * 4, abs=SLOW_S)
    await lab.caught_up()


async def test_the_status_says_everything(lab):
    lab = await lab(INTAKE)
    await lab.board.power_on()
    await lab.asleep()
    said = lab.said()
    assert said["firmware"] == "0.1.0"
    assert said["schema_id"] == 1
    assert len(said["config"]) == 8
    assert said["epoch"] == lab.flash()[0].epoch
    assert said["boot"] == [1, 1, 0, 0]  # first cold boot, power-on, no wake, no failed start
    assert said["battery_mv"] == pytest.approx(3600, abs=5)
    written, free, blocks = said["wear"]
    assert 0 < written < 10
    assert 400 < free < blocks == 512


@pytest.mark.parametrize("does", ["raise MemoryError", "import time; time.sleep(100000)"])
async def test_a_node_that_fails_again_and_again_stays_within_reach(lab, does):
    lab = await lab(SNOW, tree=with_driver("ds18b20", does))
    await lab.board.power_on()
    await lab.board.until(lambda: "safe mode" in lab.board.console.text() and lab.board.asleep, 60)
    assert slept_s(lab)[-1] == 1800
    await lab.says(lambda said: said.get("boot", [0] * 4)[3] >= guard.TRIES)
    healthy = compiled()["lib/drivers/ds18b20.mpy"]
    lab.board.change({"lib/drivers/ds18b20.py": None, "lib/drivers/ds18b20.mpy": healthy})
    await lab.board.until(
        lambda: lab.board.asleep and lab.state().starts == 0, 60
    )  # it tries again by itself
    assert lab.flash()[-1].values == (2400, 0, -600, 3602)


async def test_a_hanging_sensor_is_ended_by_the_watchdog(lab):
    lab = await lab(SNOW, tree=with_driver("ds18b20", "import time; time.sleep(100000)"))
    await lab.board.power_on()
    await lab.board.until(lambda: lab.board.counts.watchdog_resets == 2)
    await lab.board.until(lambda: "safe mode" in lab.board.console.text() and lab.board.asleep, 60)
    await lab.says(lambda said: said.get("counters", {}).get("2", 0) >= 2)


async def test_brown_outs_do_not_become_a_loop(lab):
    """The radio takes the supply down, again and again: RTC memory forgets, flash does not."""
    lab = await lab(SNOW, online=False)
    for _ in range(7):
        await lab.board.power_on()
        await lab.board.until(
            lambda: "record " in lab.board.console.text().rpartition("--- power on")[2] or lab.board.asleep
        )
        if lab.board.asleep:
            break
        await lab.board.power_cut()
    assert lab.board.counts.power_cuts == guard.TRIES
    assert slept_s(lab) == [guard.REST_S]


async def test_new_settings_that_leave_it_unheard_are_given_up(lab):
    lab = await lab(SNOW, changes={"interval_s": 300})
    await lab.board.power_on()
    await lab.asleep()
    assert "settings.good" in lab.board.files()
    lab.change_settings(carrier={**lab.settings["carrier"], "ssid": "misspelt"}, interval_s=400)
    await lab.wakes(settings.TRIALS + 3)
    assert "settings given up" in lab.board.console.text()
    await lab.says(lambda said: said.get("counters", {}).get("8") == 1)
    assert {"settings.good", "settings.bad"} <= set(lab.board.files())
    assert slept_s(lab)[-1] == pytest.approx(297, abs=SLOW_S)
    await lab.caught_up()


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b'{"node": 21}'])
async def test_settings_that_can_not_be_read_are_replaced_by_the_last_good_ones(lab, content):
    lab = await lab(SNOW)
    await lab.board.power_on()
    await lab.asleep()
    lab.board.change({"settings.json": content})
    await lab.wakes(2)
    assert len(lab.flash()) == 3
    await lab.caught_up()


async def test_a_falling_battery_sends_less_then_only_sleeps_and_comes_back(lab):
    lab = await lab(SNOW)
    await lab.board.power_on()
    await lab.wakes(2)
    lab.world["battery"] = 3.0
    await lab.wakes(2)
    assert lab.state().level == power.LOW
    assert slept_s(lab)[-1] == pytest.approx(1197, abs=SLOW_S)
    sent, held = lab.state().counter, len(lab.flash())
    await lab.wakes(2 * power.SEND_EVERY)
    assert lab.state().counter - sent <= 6  # two conversations
    assert len(lab.flash()) == held + 2 * power.SEND_EVERY
    lab.world["battery"] = 2.8
    await lab.wakes(2)
    worn = flash.read_wear(lab.board.image).operations
    await lab.wakes(3)
    assert flash.read_wear(lab.board.image).operations == worn
    assert slept_s(lab)[-1] == power.STOP_S
    lab.world["battery"] = 3.35
    await lab.wakes(2 + power.SEND_EVERY)
    assert lab.state().level == power.NORMAL
    await lab.caught_up()


async def test_a_cold_boot_on_an_empty_battery_waits(lab):
    lab = await lab(SNOW, online=False)
    lab.world["battery"] = 3.05
    await lab.board.power_on()
    await lab.wakes(2)
    assert slept_s(lab) == [power.STOP_S] * 3
    assert flash.read_wear(lab.board.image).operations == 0
    lab.world["battery"] = 3.2
    await lab.wakes(1)
    assert "cold boot 1" in lab.board.console.text()


async def test_a_rising_brook_is_reported_at_once_and_watched_closely(lab):
    lab = await lab(INTAKE)
    await lab.board.power_on()
    await lab.wakes(3)
    assert slept_s(lab)[-1] == pytest.approx(596, abs=SLOW_S)
    lab.world["up"] = 1000  # over 960 mm, and 700 mm in ten minutes
    await lab.wakes(3)
    assert slept_s(lab)[-1] == pytest.approx(56, abs=SLOW_S)
    lab.world["up"] = 930  # within the deadband of 60 mm
    await lab.wakes(60)
    assert slept_s(lab)[-1] == pytest.approx(56, abs=SLOW_S)
    lab.world["up"] = 890
    await lab.wakes(50)
    assert slept_s(lab)[-1] == pytest.approx(596, abs=SLOW_S)


async def test_a_sensor_that_stands_still_is_marked_and_a_working_one_is_not(lab):
    lab = await lab(INTAKE, changes={"interval_s": 7200})
    await lab.board.power_on()
    for n in range(15):
        lab.world["down"] = 250 + 10 * (n % 2)
        await lab.wakes(1)
    up, down = [record.quality[:2] for record in lab.flash()][-1]
    assert (up, down) == (FROZEN, OK)


async def test_a_year_1970_board_and_wrapping_ticks_change_nothing(lab):
    # Ticks wrap three seconds into each wake, in the middle of its conversation or its sensors' warm-up.
    lab = await lab(SNOW, epoch=1970, ticks_ms=(1 << 30) - 1500)
    await lab.board.power_on()
    await lab.wakes(3)
    assert slept_s(lab) == pytest.approx([597] * 4, abs=SLOW_S)
    with lab.reader() as reader:
        times = [record.measured_at_s for record in reader.history(SNOW, 0, 1 << 40)]
    assert [b - a for a, b in itertools.pairwise(times)] == pytest.approx([600] * 3, abs=SLOW_S)
    assert times[-1] == pytest.approx(lab.clock.utc_ms() / 1000, abs=60)


async def test_the_drift_of_the_clock_is_learned_and_allowed_for(lab):
    lab = await lab(SNOW, drift_ppm=20_000)
    moments = []
    await lab.board.power_on()
    for _ in range(40):
        await lab.board.until(lambda: not lab.board.asleep)
        moments.append(lab.clock.utc_ms() / 1000)
        await lab.asleep()
    # Most of a cycle is sleep, in which the clock counts 2 % too slowly.
    assert lab.state().drift_ppm == pytest.approx(20_000, rel=0.05)
    with lab.reader() as reader:
        times = [record.measured_at_s for record in reader.history(SNOW, 0, 1 << 40)][-20:]
    late = [min(abs(time - moment) for moment in moments) for time in times]
    assert max(late) < SLOW_S  # without it an hour would be 72 s wrong


async def test_power_on_in_the_field_shows_a_light_and_a_press_a_range_test(lab):
    lab = await lab(SNOW)
    await lab.board.power_on()
    await lab.asleep()
    assert lab.led.seen() == "...."  # measured; heard with a good margin
    await lab.wakes(3)
    lab.led.seen()
    await lab.wakes(1)
    assert lab.led.seen() == ""  # nobody is there any more: light costs energy
    lab.access_point.rssi_dbm = -85
    counter = lab.state().counter
    wakes = lab.board.counts.wakes
    await lab.button.press()
    await lab.board.until(lambda: lab.board.counts.wakes == wakes + 1 and lab.board.asleep)
    assert lab.led.seen() == "..."  # measured; heard with a poor margin
    assert lab.state().counter > counter + 1  # a STATUS was asked for
    lab.access_point.up = False
    await lab.button.press()
    await lab.board.until(lambda: lab.board.counts.wakes == wakes + 2 and lab.board.asleep)
    assert lab.led.seen() == ".-"


def said_of_the_shelf(lab):
    with lab.reader() as reader:
        return [json.loads(state.status).get("shelf") for state in reader.nodes()]


async def has_said(lab, shelf):
    """Wait until the gateway has that in the node's newest STATUS, however busy this computer is."""
    async with asyncio.timeout(120):
        while said_of_the_shelf(lab) != [shelf]:
            await asyncio.sleep(0.05)


async def test_the_shelf_is_silent_until_the_button_is_pressed_and_the_gateway_knows(lab):
    lab = await lab(SNOW)
    await lab.board.power_on()
    await lab.asleep()
    await has_said(lab, None)
    lab.led.seen()
    await lab.button.press(7)
    await lab.asleep()
    assert lab.led.seen() in ("--...", "---")  # for the shelf; then heard, or on a busy computer too late
    await has_said(lab, 1)
    starts, now_s = lab.board.counts.starts, lab.clock.monotonic_s()
    await lab.clock.sleep(30 * 86_400)
    assert lab.board.counts.starts == starts
    assert lab.clock.monotonic_s() - now_s >= 30 * 86_400
    await lab.board.power_cut()
    await lab.board.power_on()  # its battery was changed
    await lab.asleep()
    assert lab.board.state is State.ASLEEP
    assert len(lab.flash()) == 1
    await has_said(lab, 1)
    await lab.button.press()
    await lab.board.until(lambda: lab.board.asleep and len(lab.flash()) == 2)
    await has_said(lab, None)


async def test_a_node_that_nobody_hears_goes_to_the_shelf_all_the_same(lab):
    lab = await lab(SNOW, online=False)
    await lab.board.power_on()
    await lab.asleep()
    lab.led.seen()
    await lab.button.press(7)
    await lab.asleep()
    assert lab.led.seen() == "---"  # for the shelf, and no answer
    starts = lab.board.counts.starts
    await lab.clock.sleep(7 * 86_400)
    assert lab.board.counts.starts == starts
    await lab.button.press()
    await lab.board.until(lambda: lab.board.asleep and len(lab.flash()) == 2)


async def test_a_mains_node_reports_power_at_once_and_registers_once_an_hour(lab):
    lab = await lab(ENERGY)
    await lab.board.power_on()
    await lab.clock.sleep(2.5 * 3600)
    await lab.board.power_cut()
    found = lab.flash()
    assert len(found) >= 148
    registers = [record.values[2] for record in found if record.values[2] is not None]
    assert 2 <= len(registers) <= 3
    assert registers == sorted(registers)
    # The archive keeps the same beside the ring, acknowledged or not.
    assert [hour.registers[2] for hour in read_archive(lab.board.files())] == registers
    assert all(record.values[0] == 12_000 for record in found[1:])


async def test_a_closed_port_is_told_from_a_hung_one_over_resets_too(lab):
    lab = await lab(ENERGY)
    meter = lab.board.wiring.uart[0].chip
    meter.fault = Fault.DISCONNECTED
    await lab.board.power_on()
    await lab.clock.sleep(1.5 * 3600)
    assert lab.said()["faults"] == ["han: port closed"]
    meter.fault = Fault.NONE
    await lab.clock.sleep(1.1 * 3600)
    assert "faults" not in lab.said()
    await lab.board.power_cut()
    meter.fault = Fault.DISCONNECTED
    await lab.board.power_on()
    await lab.clock.sleep(1.5 * 3600)
    assert lab.said()["faults"] == ["han: port hung"]


async def test_a_register_that_jumps_is_an_event_the_gateway_hears_of_once(lab):
    lab = await lab(ENERGY, interval_s=600, list_s=30.0)
    lab.world["power"] = 5_000_000  # more than the connection carries: the register jumps
    await lab.board.power_on()
    await lab.clock.sleep(2.5 * 3600)
    assert lab.state().counters[control.REGISTER - 1] >= 1
    (event,) = lab.said()["registers"][:1]
    assert event[2] == 4
    (register,) = event[5]
    assert register[0] == 2
    assert register[2] - register[1] == pytest.approx(5_000_000, rel=0.01)
    lab.world["power"] = 5000
    await lab.clock.sleep(2.3 * 3600)
    assert "registers" not in lab.said()


async def test_a_meter_swapped_while_the_node_has_no_supply_is_an_event(lab):
    lab = await lab(ENERGY, interval_s=600, list_s=30.0)
    await lab.board.power_on()
    await lab.clock.sleep(1.3 * 3600)
    await lab.board.power_cut()
    before = read_archive(lab.board.files())[-1].registers[2]
    lab.meter_id, lab.register_wh = "7359992890000043", 5_500_000.0
    await lab.board.power_on()
    await lab.clock.sleep(1.3 * 3600)
    ((_, _, kind, old, new, registers),) = lab.said()["registers"]
    assert kind == 3
    assert old != new
    ((channel, was, _),) = [one for one in registers if one[0] == 2]
    assert (channel, was) == (2, before)
    assert "73599928" not in json.dumps(lab.said())
    await lab.board.power_cut()
    marks = [hour.mark.hex() for hour in read_archive(lab.board.files())]
    assert sorted(set(marks)) == sorted({old, new})


async def test_the_status_names_what_is_wrong_with_a_sensor(lab):
    lab = await lab(SNOW)
    for bus in lab.board.wiring.onewire.values():
        for probe in bus.devices:
            probe.fault = Fault.DISCONNECTED
    await lab.board.power_on()
    await lab.asleep()
    await lab.says(lambda said: said.get("faults") == ["ds18b20: no probe on the bus"])
