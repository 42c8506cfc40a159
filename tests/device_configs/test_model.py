import pytest

from device_configs.model import Site


def test_node_by_id(demo: Site) -> None:
    assert demo.node(12).name == "Fagernes (demo)"
    with pytest.raises(KeyError):
        demo.node(13)


def test_only_some_nodes(demo: Site) -> None:
    one = demo.only(11)
    assert [node.id for node in one.nodes] == [11]
    assert (one.id, one.rules, len(demo.nodes)) == (demo.id, demo.rules, 6)
    with pytest.raises(KeyError):
        demo.only(11, 13)
