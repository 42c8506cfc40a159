"""The only SQL of the gateway: records and everything that must change together with them.

`Store` is the one writing process's; `Reader` reads from any process at the same time.
"""

from gateway.store.change import Change, Outcome, StoreError
from gateway.store.files import STORE_NAME, SYNC_JOURNAL
from gateway.store.reader import Reader
from gateway.store.store import Store
from gateway.store.stretch import Stretch, stretches_of

__all__ = [
    "STORE_NAME",
    "SYNC_JOURNAL",
    "Change",
    "Outcome",
    "Reader",
    "Store",
    "StoreError",
    "Stretch",
    "stretches_of",
]
