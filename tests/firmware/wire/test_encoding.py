"""What a node writes; what is made of it is tested with the reader, in test_records.py."""

from tests.firmware.interpreter import run_on_micropython


def test_a_node_does_without_the_reader() -> None:
    script = """
import sys
from wire.encoding import Record, encode, encode_most
record = Record(7, 1700000000, (6667,), (0,))
print(encode(1, (1,), 5, None, [record])[1] == encode_most(1, (1,), 5, None, [record], 80)[1])
import node.backlog, node.archive, wire.changes
print("wire.records" in sys.modules)
"""
    assert run_on_micropython(script).split() == ["True", "False"]
