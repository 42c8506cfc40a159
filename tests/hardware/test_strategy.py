"""Ways from any state to any other: planned by themselves, then walked on a virtual board."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.protocols import Charge
from hardware.strategy import LIMIT_S, Known, State, Step, Strategy, Stuck, plan
from hardware.virtual.bench import VirtualConsole, VirtualDevice, VirtualFlasher, VirtualMeter, VirtualPower
from hardware.virtual.clock import Clock
from tests.hardware.instruments import device

SLEEPER = {"main.py": b"import machine\nprint('cold boot 1')\nmachine.deepsleep(600000)"}
AFTER = dict(zip(Step, State, strict=True))


def knowns() -> st.SearchStrategy[Known]:
    return st.builds(Known, st.sampled_from([None, *State]), st.booleans(), st.booleans()).filter(
        lambda k: k.state in (None, State.OFF, State.POWERED) or k.flashed
    )


@given(knowns(), st.sampled_from(State))
def test_every_way_ends_at_its_goal_and_no_step_lacks_what_it_needs(known: Known, goal: State) -> None:
    steps = plan(known, goal)
    state, flashed, provisioned = known.state, known.flashed, known.provisioned
    if state is State.PROVISIONED:
        provisioned = True
    for step in steps:
        if step in (Step.FLASH, Step.PROVISION):
            assert state in (State.POWERED, State.FLASHED)
        if step is Step.PROVISION:
            assert flashed
        if step is Step.START:
            assert flashed or state is State.PROVISIONED
        if step is Step.SLEEP:
            assert state is State.RUNNING
        state = AFTER[step]
        flashed = flashed or step is Step.FLASH
        provisioned = step is Step.PROVISION or (provisioned and step is not Step.FLASH)
    assert state is goal
    assert len(steps) <= 6


def test_what_lies_on_the_board_is_not_done_again() -> None:
    on_it = Known(State.ASLEEP, flashed=True, provisioned=True)
    assert plan(on_it, State.RUNNING) == (Step.START,)
    assert plan(on_it, State.PROVISIONED) == (Step.CUT, Step.POWER, Step.PROVISION)
    assert plan(Known(), State.ASLEEP) == (
        Step.CUT, Step.POWER, Step.FLASH, Step.PROVISION, Step.START, Step.SLEEP,
    )  # fmt: skip


def strategy(dut: VirtualDevice, tree: dict[str, bytes]) -> Strategy:
    meter = VirtualMeter(dut.board, dut.clock)
    return Strategy(VirtualConsole(dut), VirtualPower(dut), VirtualFlasher(dut), meter, dut.clock, tree)


@pytest.fixture
async def dut(tmp_path: Path) -> AsyncIterator[VirtualDevice]:
    made = device(tmp_path)
    yield made
    await made.board.close()


async def test_the_whole_way_and_back(dut: VirtualDevice) -> None:
    way = strategy(dut, SLEEPER)
    await way.to(State.ASLEEP)
    assert dut.board.asleep
    await way.restart()
    assert dut.board.counts.starts == 2
    await way.to(State.OFF)
    assert not dut.has_supply
    await way.to(State.FLASHED)
    assert way.known == Known(State.FLASHED, flashed=True, provisioned=False)


async def test_a_program_that_never_starts_is_told_with_what_it_printed(
    dut: VirtualDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(LIMIT_S, Step.START, 1.0)
    way = strategy(dut, {"main.py": b"print('so far')\n1 // 0"})
    with pytest.raises(Stuck) as told:
        await way.to(State.ASLEEP)
    text = str(told.value)
    assert text.startswith("on the way to `asleep` stuck at: start the program: no ")
    assert "done before: cut the power" in text
    assert "ZeroDivisionError" in text
    assert way.known.state is None
    monkeypatch.undo()
    way.tree = SLEEPER
    await way.to(State.PROVISIONED)
    await way.to(State.ASLEEP)  # from anywhere


class Awake:
    """A meter at a board that never sleeps."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def measure(self, seconds: float) -> Charge:
        await self._clock.sleep(seconds)
        return Charge(seconds, 45_000 * seconds, 45_000)


async def test_a_board_that_never_sleeps_is_told_by_its_current(
    dut: VirtualDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(LIMIT_S, Step.SLEEP, 0.5)
    console, power, flasher = VirtualConsole(dut), VirtualPower(dut), VirtualFlasher(dut)
    way = Strategy(console, power, flasher, Awake(dut.clock), dut.clock, SLEEPER)
    with pytest.raises(Stuck, match=r"wait until it sleeps: it draws 45 mA after 0\.5 s"):
        await way.to(State.ASLEEP)
