"""A lab for each test: one node in virtual time, with broker and gateway."""

import pytest

from tests.firmware.lab import Lab


@pytest.fixture
async def lab(tmp_path):
    """lab(node, online=True, **options): a node of the demonstration site; online: with its servers."""
    made = []

    async def make(node, online=True, **options):
        lab = Lab(tmp_path, node, **options)
        made.append((lab, online))
        if online:
            await lab.start()
        return lab

    yield make
    for lab, online in made:
        await (lab.stop() if online else lab.board.close())
