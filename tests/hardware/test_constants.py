"""Numbers instead of their names, before MicroPython's compiler sees a program."""

import ast

import pytest

from hardware.constants import inline
from tests.firmware.interpreter import run_on_micropython
from tools.firmware_image import sources

LIMITS = """\
TRIES = 3  # in a row
_LEAST, _MOST = -2, 1 << 4
FORM = "<I"
HUGE = 1 << 40
count = 0


def grow(by=TRIES):
    global count
    count += by - _LEAST + _MOST
    return count
"""
USER = """\
from limits import FORM, TRIES, grow
import limits as known
from node import limits, power


def go():
    from wire import control

    return [TRIES + known.TRIES, FORM, limits.TRIES, grow(), control.ACK, power]
"""


def test_names_of_numbers_give_way_to_the_numbers() -> None:
    made = inline(
        {"limits": LIMITS, "user": USER, "node.limits": "TRIES = 5\n", "wire.control": "ACK = 32\n"}
    )
    assert (
        made["limits"]
        == """\
pass  # in a row
pass
FORM = "<I"
HUGE = 1 << 40
count = 0


def grow(by=3):
    global count
    count += by - (-2) + 16
    return count
"""
    )
    assert (
        made["user"]
        == """\
from limits import FORM, grow
import limits as known
from node import power


def go():
    pass

    return [3 + 3, FORM, 5, grow(), 32, power]
"""
    )


def test_what_is_offered_keeps_its_names() -> None:
    made = inline({"machine": "IN = 1\n_OUT = 2\ndef f():\n    return IN + _OUT\n"}, {"machine"})
    assert made["machine"] == "IN = 1\npass\ndef f():\n    return IN + 2\n"


@pytest.mark.parametrize(
    "text",
    [
        "A = 1\nA = 2\nprint(A)\n",
        "A = 1\ndef f(A):\n    return A\n",
        "A = len('x')\nprint(A)\n",
        "def f():\n    A = 1\n    return A\n",
        "A = B = 1\nprint(A, B)\n",
        "A = (\n    1\n)\nprint(A)\n",
        "a = 1\nprint(a)\n",
    ],
)
def test_what_may_be_something_else_is_left_alone(text: str) -> None:
    assert inline({"m": text}) == {"m": text}


def test_a_number_made_of_another_modules() -> None:
    first = "from b import SIZE\nHALF = SIZE // 2\nprint(HALF)\n"
    assert inline({"a": first, "b": "SIZE = 6 + 4\n"})["a"] == "pass\npass\nprint(5)\n"


def test_an_import_of_several_lines_stays_as_many() -> None:
    text = "from b import (\n    ONE,\n    two,\n    THREE,\n)\nprint(ONE, two, THREE)\n"
    made = inline({"a": text, "b": "ONE = 1\nTHREE = 3\n"})["a"]
    assert made == "from b import two\n\n\n\n\nprint(1, two, 3)\n"


def test_the_firmware_keeps_its_lines_and_is_still_python() -> None:
    texts = {
        name.removeprefix("lib/").removesuffix(".py").replace("/", "."): content.decode()
        for name, content in sources().items()
    }
    made = inline(texts)
    assert sum(map(len, made.values())) < sum(map(len, texts.values()))
    for name, text in made.items():
        assert text.count("\n") == texts[name].count("\n"), name
        ast.parse(text)


def test_micropython_makes_the_same_of_it() -> None:
    text = (
        "SHIFT, _MORE = 2, -1\ndef f(n):\n    return n << SHIFT | -_MORE\nprint([f(n) for n in range(3)])\n"
    )
    assert run_on_micropython(text) == run_on_micropython(inline({"m": text})["m"]) == "[1, 5, 9]\n"
