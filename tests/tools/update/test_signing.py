"""A key is made whole or not at all."""

import errno
import os
from pathlib import Path

import pytest

from tools.update.signing import new_key, public_of, read_key


def test_a_full_disk_leaves_no_half_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as context:
        context.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left"):
            new_key(tmp_path / "a.pem", None)
    assert list(tmp_path.iterdir()) == []
    public = new_key(tmp_path / "a.pem", None)
    assert public == public_of(read_key(tmp_path / "a.pem", None))
