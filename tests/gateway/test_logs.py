"""A log that cannot be written stops nobody."""

import io

import pytest
import structlog

from gateway.logs import Lenient, to_stderr


class Full(io.StringIO):
    """A file on a full disk."""

    def write(self, text: str) -> int:
        raise OSError(28, "No space left on device")

    def flush(self) -> None:
        raise OSError(28, "No space left on device")


def test_a_full_disk_loses_lines_only() -> None:
    log = Lenient(Full())
    assert log.write("a line\n") == 7
    log.flush()


def test_a_stream_that_is_closed_takes_nothing() -> None:
    stream = io.StringIO()
    log = Lenient(stream)
    log.write("a line\n")
    assert stream.getvalue() == "a line\n"
    stream.close()
    log.write("another\n")
    log.flush()


def test_it_goes_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    before = structlog.get_config()
    try:
        to_stderr()
        structlog.get_logger().info("said", what="so")
        structlog.get_logger().debug("left_out")
    finally:
        structlog.configure(**before)
    err = capsys.readouterr().err
    assert "said" in err
    assert "left_out" not in err
