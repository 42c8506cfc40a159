"""The bench stage for a list of nodes: each board on a port becomes the next node that wants such a chip.

The boards are worked on side by side; which becomes which node is settled before, in the order of the ports.
It can be given again at any time: boards that are nodes already go on where they were.
"""

from collections.abc import Callable, Iterator, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from device_configs.model import Node
from tools.node.look import Found, look
from tools.node.progress import Abreast
from tools.node.provision import Result, Workshop, provision
from tools.node.trouble import Trouble, of_disk

T = TypeVar("T")
AT_ONCE = 10  # boards: more than hang on the hub of a workbench


@dataclass(slots=True)
class Afternoon:
    """What became of it: results by node, troubles by port, nodes that are left."""

    results: dict[int, Result] = field(default_factory=dict)
    troubles: dict[str, Trouble] = field(default_factory=dict)
    left: list[int] = field(default_factory=list)


def run_bench(shop: Workshop, nodes: Sequence[Node], ports: Sequence[str]) -> Afternoon:
    """Work on all `ports` at once; one board's trouble never keeps another from being made."""
    done = Afternoon()
    abreast = Abreast(shop.progress)

    def shop_of(port: str) -> Workshop:
        return replace(shop, progress=abreast.of(Path(port).name))

    def look_at(port: str) -> Found:
        with shop_of(port).progress.stage("look", port=port):
            return look(port)

    def make(port: str, node: Node, found: Found) -> Result:
        return provision(shop_of(port), node, port, found=found)

    with ThreadPoolExecutor(AT_ONCE, "board") as pool, _none_begun_after_ctrl_c(pool):
        looked = [(port, pool.submit(look_at, port).result) for port in ports]
        begun = []
        claimed: set[int] = set()
        for port, found in _well(looked, done.troubles):
            try:
                node = _node_for(shop, nodes, claimed, found)
            except Trouble as trouble:
                done.troubles[port] = trouble
                continue
            claimed.add(node.id)
            begun.append((port, pool.submit(make, port, node, found).result))
        for _, result in _well(begun, done.troubles):
            done.results[result.node] = result
    done.left = [node.id for node in nodes if not shop.registry.entry(node.id).reached("shelved")]
    return done


@contextmanager
def _none_begun_after_ctrl_c(pool: ThreadPoolExecutor) -> Iterator[None]:
    """Boards that still wait for their turn are left alone; leaving the pool waits for the others."""
    try:
        yield
    except KeyboardInterrupt:
        pool.shutdown(wait=False, cancel_futures=True)
        raise


def _well(
    asked: Sequence[tuple[str, Callable[[], T]]], troubles: dict[str, Trouble]
) -> Iterator[tuple[str, T]]:
    """Yield what came of each port, in their order; what went wrong is put into `troubles`."""
    for port, answer in asked:
        try:
            yield port, answer()
        except Trouble as trouble:
            troubles[port] = trouble
        except OSError as error:
            troubles[port] = of_disk(error)


def _node_for(shop: Workshop, nodes: Sequence[Node], claimed: Set[int], found: Found) -> Node:
    """Return the node that this board is or becomes. Raises Trouble where none wants its chip.

    `claimed` are those that boards of this bench become.
    """
    if found.is_bridge:  # perhaps the one this very gateway hears with
        raise Trouble("is_bridge", mac=found.mac, port=found.port)
    owner = shop.registry.node_of(found.mac)
    for node in nodes:
        if node.id == owner:
            return node
    if owner is not None:
        raise Trouble("taken", node=", ".join(str(node.id) for node in nodes), owner=owner, mac=found.mac)
    boards = shop.site.catalog.boards
    fitting = [node for node in nodes if boards[node.board].chip == found.chip]
    if not fitting:
        wanted = ", ".join(sorted({boards[node.board].chip for node in nodes}))
        raise Trouble("wrong_chip", port=found.port, found=found.chip, wanted=wanted)
    for node in fitting:
        if node.id not in claimed and shop.registry.entry(node.id).current is None:
            return node
    raise Trouble("no_node_left", port=found.port, mac=found.mac, chip=found.chip)
