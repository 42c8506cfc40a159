"""Waiting for what tells nobody that it has come."""

import asyncio
from collections.abc import Callable


async def until(holds: Callable[[], object], limit_s: float = 60.0) -> None:
    """Return once something is so. Raises TimeoutError where it is not within the limit."""
    async with asyncio.timeout(limit_s):
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
