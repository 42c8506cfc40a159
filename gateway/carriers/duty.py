"""The airtime a gateway's transmitters have left. The law counts each transmitter and sub-band by itself.

Kept in a file, so that a restart gives nothing back.
"""

import json
from collections.abc import Callable
from pathlib import Path

import structlog

from wire.airtime import LEDGER_BYTES, Ledger, limit_ms, sub_band

log = structlog.get_logger()

# Permille of the airtime that may be used by what is worth so much: the rest waits for what is worth more.
SHARES = (700, 900, 1000)
# The same for what takes long. Else answers at a slow spreading factor use up the airtime, nodes with good
# links are not answered, take the slow one too, and no node is answered any more.
LONG_MS = 800
LONG_SHARES = (350, 450, 550)


class Duty:
    """One sub-band's ledgers, by the name of the transmitter. `path` None: not kept (tests, soaks)."""

    def __init__(
        self, frequency_khz: int, bandwidth_khz: int, now_s: Callable[[], int], path: Path | None = None
    ) -> None:
        self._limit = limit_ms(sub_band(frequency_khz, bandwidth_khz))
        self._now_s = now_s
        self._path = path
        self._ledgers: dict[str, Ledger] = {}
        if path is not None:
            self._load(path)

    def allows(self, transmitter: str, ms: int, value: int) -> bool:
        """Whether there is airtime for `ms` of something of this `value`, 0 the least."""
        shares = LONG_SHARES if ms > LONG_MS else SHARES
        spare = self._ledger(transmitter).spare_ms(self._now_s())
        return ms <= spare - self._limit * (1000 - shares[min(value, len(shares) - 1)]) // 1000

    def spend(self, transmitter: str, ms: int) -> None:
        """Enter airtime that is about to be used."""
        self._ledger(transmitter).spend(self._now_s(), ms)
        if self._path is not None:
            self._save(self._path)

    def _ledger(self, transmitter: str) -> Ledger:
        return self._ledgers.setdefault(transmitter, Ledger(self._limit))

    def _load(self, path: Path) -> None:
        try:
            kept = json.loads(path.read_text())
            for name, packed in kept.items():
                raw = bytes.fromhex(packed)
                if len(raw) == LEDGER_BYTES:
                    self._ledger(name).unpack(raw)
        except FileNotFoundError:
            return
        except (OSError, ValueError, AttributeError, TypeError) as error:
            log.warning("airtime_not_read", file=str(path), reason=str(error))

    def _save(self, path: Path) -> None:
        new = path.with_suffix(".new")
        try:
            new.write_text(json.dumps({name: ledger.pack().hex() for name, ledger in self._ledgers.items()}))
            new.replace(path)
        except OSError as error:  # a full disk: it still holds in memory
            log.warning("airtime_not_kept", file=str(path), reason=str(error))
