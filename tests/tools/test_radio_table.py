from pathlib import Path

from tools.radio_table import INTERVALS_S, rows, table


def test_more_nodes_with_longer_intervals_lower_factors_and_more_channels() -> None:
    found = {(channels, sf): nodes for channels, sf, nodes in rows()}
    assert all(nodes == sorted(nodes) for nodes in found.values())
    for (channels, sf), nodes in found.items():
        faster = found.get((channels, sf - 1), nodes)
        assert all(a >= b for a, b in zip(faster, nodes, strict=True))
        assert all(a >= b or not a for a, b in zip(found[8, sf], found[1, sf], strict=True))
    assert len(found[1, 9]) == len(INTERVALS_S)


def test_the_guide_has_the_table_as_the_command_prints_it() -> None:
    assert table() in (Path(__file__).parents[2] / "docs" / "radio.md").read_text()
