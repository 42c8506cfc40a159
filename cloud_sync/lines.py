"""The records of one request: their lines at once, the rest of each only where somebody asks. Pure."""

from collections.abc import Iterable, Sequence
from itertools import chain, repeat
from typing import overload

from cloud_sync.journal import Item
from gateway.store import Stretch

Block = tuple[Stretch, Sequence[str]]  # records, and the line of each


class Lines(Sequence[Item]):
    """Items, in part not made yet: nearly always the server takes all lines, and nobody asks for one.

    They stand series by series, which packs best.
    """

    def __init__(self, items: Iterable[Item] = (), blocks: Iterable[Block] = ()) -> None:
        self._items = list(items)
        self._blocks = list(blocks)
        self._count = len(self._items) + sum(len(lines) for _, lines in self._blocks)

    def text(self) -> str:
        """Return what to send: the lines with line breaks between them."""
        return "\n".join(chain(*(lines for _, lines in self._blocks), (item.line for item in self._items)))

    def halves(self) -> tuple["Lines", "Lines"]:
        """Return the older half, by number in the store, and the newer one."""
        items = sorted(self)
        middle = len(items) // 2
        return Lines(items[:middle]), Lines(items[middle:])

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, i: int) -> Item: ...

    @overload
    def __getitem__(self, i: slice) -> list[Item]: ...

    def __getitem__(self, i: int | slice) -> Item | list[Item]:
        for stretch, lines in self._blocks:
            same = repeat(stretch.node), repeat(stretch.epoch)
            self._items += map(Item, stretch.commits, *same, stretch.seqs, stretch.seconds, lines)
        self._blocks.clear()
        return self._items[i]
