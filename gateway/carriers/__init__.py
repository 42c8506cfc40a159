"""Ways for frames to come and go. A carrier moves sealed bytes and knows nothing of what is in them."""

from collections.abc import AsyncGenerator, Sequence
from typing import Protocol

from gateway.model import Downlink, Uplink


class Carrier(Protocol):
    """What ingest is fed from. A carrier that loses its line gets it back by itself."""

    name: str

    @property
    def connected(self) -> bool: ...

    def uplinks(self) -> AsyncGenerator[Sequence[Uplink]]:
        """Yield what has arrived since the last time, at least one; for ever."""
        ...

    async def send(self, downlinks: Sequence[Downlink]) -> None:
        """Send what can be sent now. A downlink that is lost is no harm: the node asks again."""
        ...
