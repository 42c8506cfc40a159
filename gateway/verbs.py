"""What may be asked of the gateway itself through its socket. Of its alerts: gateway/alerts/verbs.py."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

from gateway.carriers import Carrier
from gateway.control import ControlError, Message, Verb
from gateway.ingest import Ingest
from gateway.relay import Relay
from gateway.store import Store, StoreError
from gateway.store.upkeep import Upkeep


@dataclass(frozen=True, slots=True)
class Verbs:
    """What of a gateway is asked about. `now_ms` is UTC; `trusted`: see `clock.synchronised`."""

    site: str
    gateway_id: bytes
    store: Store
    ingest: Ingest
    upkeep: Upkeep
    carriers: Sequence[Carrier]
    relays: Sequence[Relay]
    now_ms: Callable[[], int]
    trusted: Callable[[], bool]
    started_at_ms: int

    def by_name(self) -> dict[str, Verb]:
        """Return the verbs; each answers or raises ControlError."""
        return {"status": self.status, "room": self.room, "ask": self.ask, "synced": self.synced}

    async def status(self, _: Message) -> Message:
        try:
            return self._standing()
        except StoreError as error:
            raise ControlError(str(error)) from error

    async def room(self, _: Message) -> Message:
        """How full the store is, and how long sync may be away: for those who ask often."""
        return {"room": self.upkeep.as_dict()}

    async def ask(self, message: Message) -> Message:
        """Make a node send its STATUS."""
        node = message.get("node")
        if type(node) is not int or node not in self.ingest.links:
            raise ControlError(f"there is no node {node!r}")
        try:
            downlink = await self.ingest.ask_status(node)
        except StoreError as error:
            raise ControlError(str(error)) from error
        for carrier in self.carriers:
            await carrier.send([downlink])
        return {"node": node}

    async def synced(self, message: Message) -> Message:
        """Sync tells what it has settled, so that it may be pruned."""
        try:
            spans = [(int(first), int(last)) for first, last in message["spans"]]
            held = str(message.get("held") or "")
            count = message.get("quarantined")
            quarantined = None if count is None else int(count)
            store_id = bytes.fromhex(message["store_id"])
            known = await self.upkeep.synced(store_id, spans, held, quarantined)
        except (KeyError, TypeError, ValueError) as error:
            form = '{"store_id": hexadecimal, "spans": [[first, last], ...], "held": why or "", '
            form += '"quarantined": count}'
            raise ControlError(f"say {form}") from error
        except StoreError as error:
            raise ControlError(str(error)) from error
        return {"known": known}

    def _standing(self) -> Message:
        reader, ingest = self.store.reader, self.ingest
        refusals: Counter[str] = Counter()
        for (cause, _node), count in ingest.totals.items():
            refusals[str(cause)] += count
        stored = reader.stored()
        return {
            "site": self.site,
            "gateway_id": self.gateway_id.hex(),
            "store_id": self.store.store_id.hex(),
            "started_at_ms": self.started_at_ms,
            "now_ms": self.now_ms(),
            "clock_trusted": self.trusted(),
            "last_commit": reader.last_commit(),
            "stored": sum(stored.values()),
            "carriers": [*map(_condition, self.carriers), *map(_condition, self.relays)],
            "refusals": dict(sorted(refusals.items())),
            "room": self.upkeep.as_dict(),
            "conditions": [asdict(condition) for condition in self.upkeep.conditions()],
            "nodes": [
                {
                    "node": link.node,
                    "last_seen_ms": link.last_seen_ms or None,
                    "status_at_ms": link.status_at_ms,
                    "shelved_at_ms": link.shelved_at_ms,
                    "welcomed": link.welcomed,
                    "stored": stored.get(link.node, 0),
                    "receptions": [asdict(reception) for reception in link.receptions.values()],
                }
                for link in ingest.links.values()
            ],
        }


def _condition(carrier: Carrier | Relay) -> Message:
    """Return how a carrier does; a radio counts what it dropped and did not send, by cause."""
    counts: Counter[str] | None = getattr(carrier, "counts", None)
    told = {"counts": dict(counts)} if counts else {}
    return {"name": carrier.name, "connected": carrier.connected, **told}
