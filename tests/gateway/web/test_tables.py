"""CSV that opens right where it is read."""

from gateway.web.tables import csv_text
from gateway.web.words import Words

NB, EN = Words("nb", "Europe/Oslo"), Words("en", "Europe/Oslo")
LINES = [["Rådhuset; tak", 1234.5, None, -3, 0.1 + 0.2], ['=1+1"', -0.5, True, "-3", 1e-9]]


def test_norwegian_excel() -> None:
    assert csv_text(["a", "b", "c", "d", "e"], LINES, NB) == (
        '\ufeffa;b;c;d;e\r\n"Rådhuset; tak";1234,5;;-3;0,3\r\n"\'=1+1""";-0,5;True;\'-3;0\r\n'
    )


def test_english() -> None:
    text = csv_text(["a"], [[1.5], ["x,y"]], EN)
    assert text == '\ufeffa\r\n1.5\r\n"x,y"\r\n'
