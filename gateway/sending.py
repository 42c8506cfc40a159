"""One message by one channel, through Apprise."""

import logging
import threading
from collections.abc import Callable

Send = Callable[[str, str, str], str]
"""(url, title, body) -> receipt. Raises DeliveryError."""


class DeliveryError(Exception):
    """A channel did not take a message; the text says why, without addresses."""


def send_by_apprise(url: str, title: str, body: str) -> str:
    """Send through Apprise. Raises DeliveryError. Blocks until its own time-outs."""
    import apprise  # late: it takes a third of a second, and not every gateway pages anybody

    # Its one channel is used as such, since a whole Apprise sends from threads of its own.
    sender = apprise.Apprise.instantiate(url)
    if sender is None:
        raise DeliveryError("Apprise does not know this kind of address")
    reasons = _Reasons()
    apprise.logger.addHandler(reasons)
    try:
        if sender.notify(title=title, body=body):
            return "taken"
    finally:
        apprise.logger.removeHandler(reasons)
    raise DeliveryError("; ".join(reasons.told)[:300] or "the channel did not take it")


class _Reasons(logging.Handler):
    """Collects what Apprise warns of in this thread: why a channel did not take a message."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.told: list[str] = []
        self._thread = threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self._thread:
            self.told.append(record.getMessage())
