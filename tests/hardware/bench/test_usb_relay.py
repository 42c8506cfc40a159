"""The relay's frames against recorded ones, and what is said when the board does not obey."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.bench.usb_relay import Hidraw, RelayPower, command, request_number, state
from hardware.protocols import InstrumentError
from tests.hardware.instruments import RelayBoard


def test_frames_are_those_the_boards_take() -> None:
    assert command(1, True).hex() == "ff01000000000000"
    assert command(2, False).hex() == "fd02000000000000"


def test_a_recorded_state_is_read() -> None:
    report = bytes.fromhex("4249544654000002")  # "BITFT", relay 2 of 2 on
    assert (state(report, 1), state(report, 2)) == (False, True)


def test_ioctl_numbers_are_those_of_the_kernels_header() -> None:
    assert request_number(0x06, 9) == 0xC0094806  # HIDIOCSFEATURE(9)
    assert request_number(0x07, 9) == 0xC0094807  # HIDIOCGFEATURE(9)


@given(st.lists(st.tuples(st.integers(1, 8), st.booleans()), max_size=20))
def test_each_relay_keeps_what_it_was_last_told(orders: list[tuple[int, bool]]) -> None:
    board = RelayBoard(count=8)
    told: dict[int, bool] = {}
    for relay, on in orders:
        board.send(command(relay, on))
        told[relay] = on
    assert {relay: state(board.receive(8), relay) for relay in told} == told


@pytest.mark.parametrize("report", [b"", b"\xff" * 8, b"\0" * 8])
def test_another_device_is_not_taken_for_a_relay_board(report: bytes) -> None:
    with pytest.raises(ValueError, match="no report of a USB relay board"):
        state(report, 1)


async def test_a_relay_that_does_not_switch_is_told() -> None:
    board = RelayBoard()
    board.deaf = True
    with pytest.raises(InstrumentError, match="relay 1 was told on and is not"):
        await RelayPower(board, 1).on()
    with pytest.raises(InstrumentError, match="relay 5 was told on and is not: has the board so many"):
        await RelayPower(RelayBoard(), 5).on()
    with pytest.raises(ValueError, match="counted from 1 to 8"):
        command(0, True)


def test_a_device_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(InstrumentError, match="can not be opened: No such file or directory"):
        Hidraw(tmp_path / "hidraw9")
