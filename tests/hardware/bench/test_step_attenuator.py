"""The attenuator's lines as boards take them, and what is said when the board does not obey."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.bench import step_attenuator
from hardware.bench.step_attenuator import MODELS, StepAttenuator, command
from hardware.protocols import InstrumentError
from tests.hardware.attenuator_board import AttenuatorOnBench

MODEL = "dc-6ghz-120db"


@pytest.fixture
async def board(tmp_path: Path) -> AsyncIterator[AttenuatorOnBench]:
    made = AttenuatorOnBench(tmp_path / "ttyUSB2")
    yield made
    made.port.unplug()


def driver(board: AttenuatorOnBench, tries: int = 30, model: str = MODEL) -> StepAttenuator:
    return StepAttenuator(str(board.port.path), model, tries=tries)


def test_commands_are_those_the_boards_take() -> None:
    assert command(31.75, 3) == b"att-031.75\r\n"
    assert command(0, 3) == b"att-000.00\r\n"
    assert command(5.25, 2) == b"att-05.25\r\n"


@given(st.sampled_from(sorted(MODELS)), st.floats(0, 1))
def test_a_command_has_always_its_models_length(model: str, share: float) -> None:
    found = MODELS[model]
    db = round(share * found.most_db / found.step_db) * found.step_db
    assert len(command(db, found.digits)) == len("att-.00\r\n") + found.digits


async def test_it_sets_what_it_is_told_and_reads_it_back(
    board: AttenuatorOnBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(step_attenuator, "ANSWER_S", 120.0)  # each command once
    made = driver(board)
    assert await made.set(31.8) == 31.75
    assert (board.db, await made.read()) == (31.75, 31.75)
    assert board.lines == [b"att-031.75", b"READ", b"READ"]
    made.close()


async def test_a_board_that_stays_is_told(board: AttenuatorOnBench) -> None:
    made = driver(board)
    board.stuck = True
    with pytest.raises(InstrumentError, match="was told 60 dB and is at 0: is `model` that of the board"):
        await made.set(60)
    made.close()


async def test_a_board_that_is_silent_or_gone_is_told(
    board: AttenuatorOnBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(step_attenuator, "ANSWER_S", 0.05)
    made = driver(board, tries=2)
    board.deaf = True
    with pytest.raises(InstrumentError, match=r"does not answer `att-001\.00`: is that its port"):
        await made.set(1)
    assert set(board.lines) <= {b"att-001.00"}
    board.port.unplug()
    with pytest.raises(InstrumentError, match=r"is gone: .* Is it plugged in"):
        await made.read()
    made.close()


async def test_another_models_command_is_no_command(
    board: AttenuatorOnBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(step_attenuator, "ANSWER_S", 0.05)
    made = driver(board, tries=1, model="dc-6ghz-30db")
    with pytest.raises(InstrumentError, match=r"does not answer `att-05\.00`"):
        await made.set(5)
    made.close()


def test_a_port_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(InstrumentError, match=r"can not be opened: .* Is it plugged in"):
        StepAttenuator(str(tmp_path / "ttyUSB7"), MODEL)
