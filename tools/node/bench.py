"""The bench stage for a list of nodes: each board on a port becomes the next node that wants such a chip.

It can be given again at any time: boards that are nodes already go on where they were.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from device_configs.model import Node
from tools.node.look import Found, look
from tools.node.provision import Result, Workshop, provision
from tools.node.trouble import Trouble


@dataclass(slots=True)
class Afternoon:
    """What became of it: results by node, troubles by port, nodes that are left."""

    results: dict[int, Result] = field(default_factory=dict)
    troubles: dict[str, Trouble] = field(default_factory=dict)
    left: list[int] = field(default_factory=list)


def run_bench(shop: Workshop, nodes: Sequence[Node], ports: Sequence[str]) -> Afternoon:
    """Work through `ports`; one board's trouble never keeps the next from being made."""
    done = Afternoon()
    for port in ports:
        try:
            with shop.progress.stage("look", port=port):
                found = look(port)
            node = _node_for(shop, nodes, found)
            done.results[node.id] = provision(shop, node, port, found=found)
        except Trouble as trouble:
            done.troubles[port] = trouble
    done.left = [node.id for node in nodes if not shop.registry.entry(node.id).reached("shelved")]
    return done


def _node_for(shop: Workshop, nodes: Sequence[Node], found: Found) -> Node:
    """Return the node that this board is or becomes. Raises Trouble where none wants its chip."""
    owner = shop.registry.node_of(found.mac)
    for node in nodes:
        if node.id == owner:
            return node
    if owner is not None:
        raise Trouble("taken", node=", ".join(str(node.id) for node in nodes), owner=owner, mac=found.mac)
    boards = shop.site.catalog.boards
    free = [node for node in nodes if shop.registry.entry(node.id).current is None]
    for node in free:
        if boards[node.board].chip == found.chip:
            return node
    wanted = ", ".join(sorted({boards[node.board].chip for node in free})) or "-"
    raise Trouble("wrong_chip", port=found.port, found=found.chip, wanted=wanted)
