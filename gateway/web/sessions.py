"""Who is logged in, and how often somebody may try. Kept in memory: after a restart people log in again."""

import hmac
import secrets
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from gateway.web.users import Role, User

IDLE_S = 12 * 3600  # a shift
LIFE_S = 7 * 86_400
SESSIONS_MAX = 500
TRIES, TRIES_S = 5, 900  # failures for one name or one address, in so long
ALL_TRIES = 60  # failures of everybody together, in as long


@dataclass(slots=True)
class Session:
    """One login. `csrf` goes into every form that it sends; `password` is the hash it began with."""

    name: str
    role: Role
    password: str
    csrf: str
    begun_s: float
    seen_s: float

    @property
    def acts(self) -> bool:
        """Whether it may change something."""
        return self.role in ("operator", "technician")

    def sent_by_us(self, token: str) -> bool:
        """Whether a form with this token came from our own page."""
        return hmac.compare_digest(token.encode(), self.csrf.encode())


class Sessions:
    """The open logins by their cookie's value, which nobody can guess (256 bits)."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._open: dict[str, Session] = {}

    def begin(self, name: str, user: User) -> str:
        """Return the cookie of a new session."""
        now_s = self._clock()
        self._open = {key: s for key, s in self._open.items() if self._alive(s, now_s)}
        while len(self._open) >= SESSIONS_MAX:
            del self._open[min(self._open, key=lambda key: self._open[key].seen_s)]
        key = secrets.token_urlsafe(32)
        self._open[key] = Session(name, user.role, user.password, secrets.token_urlsafe(32), now_s, now_s)
        return key

    def find(self, key: str) -> Session | None:
        """Return the session of a cookie, and note that it is used."""
        session, now_s = self._open.get(key), self._clock()
        if session is None:
            return None
        if not self._alive(session, now_s):
            del self._open[key]
            return None
        session.seen_s = now_s
        return session

    def end(self, key: str) -> None:
        self._open.pop(key, None)

    @staticmethod
    def _alive(session: Session, now_s: float) -> bool:
        return now_s - session.seen_s <= IDLE_S and now_s - session.begun_s <= LIFE_S


class Tries:
    """Counts failed logins; `wait_s` says how long somebody has to wait."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._failed: deque[tuple[float, str, str]] = deque(maxlen=1000)

    def failed(self, name: str, address: str) -> None:
        self._failed.append((self._clock(), name, address))

    def wait_s(self, name: str, address: str) -> int:
        """Return 0 where one more try is allowed, else the seconds until it is."""
        now_s = self._clock()
        while self._failed and now_s - self._failed[0][0] > TRIES_S:
            self._failed.popleft()
        waits = [0.0]
        for limit, mine in (
            (TRIES, [at for at, n, _ in self._failed if n == name]),
            (TRIES, [at for at, _, a in self._failed if a == address]),
            (ALL_TRIES, [at for at, _, _ in self._failed]),
        ):
            if len(mine) >= limit:
                waits.append(mine[-limit] + TRIES_S - now_s)
        return int(-(-max(waits) // 1))
