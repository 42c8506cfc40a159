import json

import pytest

from tools.bridge_settings import FAILED, USAGE, main


def test_settings_of_a_board_with_a_radio(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["heltec-v3"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["role"], told["sx1262"]["cs"]) == ("bridge", 8)


@pytest.mark.parametrize(
    ("words", "status"), [([], USAGE), (["a", "b"], USAGE), (["esp32-han"], FAILED), (["x"], FAILED)]
)
def test_others_are_told_which_boards_there_are(
    capsys: pytest.CaptureFixture[str], words: list[str], status: int
) -> None:
    assert main(words) == status
    shown = capsys.readouterr()
    assert (shown.out, "heltec-v3" in shown.err) == ("", True)
