"""What is not as it should be with the gateway's store, in words and, for the alerts, in numbers. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.store.salvage import Salvaged
from gateway.store.store import Trouble


@dataclass(frozen=True, slots=True)
class Room:
    """How full the store is. `disk_bytes` is what its files take, `used_bytes` what of that is in use;
    `unsynced_bytes` may not be pruned without a loss. `free_bytes` is what it can still grow into, inside
    its file and on the disk. Of about `records`; `lost` ones were given up in this round."""

    disk_bytes: int
    used_bytes: int
    unsynced_bytes: int
    cap_bytes: int
    free_bytes: int
    records: int = 0
    lost: int = 0
    watermark_percent: int = 60

    @property
    def state(self) -> str:
        """ok, watermark (sync should soon get through) or losing."""
        if self.lost:
            return "losing"
        return "watermark" if 100 * self.unsynced_bytes > self.watermark_percent * self.cap_bytes else "ok"


@dataclass(frozen=True, slots=True)
class Sync:
    """What the gateway knows of sync: how old the oldest record is that it has not had, None where it has
    had all; why the database refuses everything, "" where it does not; and how many records are in
    quarantine, None until sync has said so."""

    oldest_unsynced_s: int | None = None
    held: str = ""
    quarantined: int | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """All there is to know. `lost`: records given up at the cap since the start; `open_days`: (node, day_s,
    missing) of days of the ledger that do not close; `sync` None: nobody has set it up."""

    durable: bool = True
    trouble: Trouble | None = None
    room: Room | None = None
    lost: int = 0
    salvaged: Salvaged | None = None
    damaged_chunks: int = 0
    open_days: Sequence[tuple[int, int, int]] = ()
    outage_hours_left: float | None = None
    sync: Sync | None = None

    @property
    def unaccounted(self) -> int:
        return sum(count for *_, count in self.open_days)


@dataclass(frozen=True, slots=True)
class Condition:
    """Something about the gateway itself that people should know. `urgent`: records are at stake."""

    name: str
    urgent: bool
    text: str


def conditions(known: Known) -> list[Condition]:
    """Return what is not as it should be, the urgent first."""
    room, found = known.room, []
    if not known.durable:
        text = "The card takes nothing: records are kept in memory and not acknowledged"
        found.append(Condition("memory_only", True, text))
    if known.trouble is Trouble.FULL:
        found.append(Condition("disk_full", True, "The disk is full: nothing more is acknowledged"))
    if room is not None and room.state == "losing":
        text = f"The store is full: {known.lost} records were lost before sync had them"
        found.append(Condition("losing", True, text))
    if room is not None and room.state == "watermark":
        share = 100 * room.unsynced_bytes // room.cap_bytes
        found.append(Condition("watermark", False, f"{share} % of the store's room holds unsynced records"))
    if known.salvaged is not None:
        text = f"The store was damaged and is set aside as {known.salvaged.aside.name}; "
        text += f"{known.salvaged.missing} records could not be read"
        found.append(Condition("salvaged", bool(known.salvaged.missing), text))
    if known.open_days:
        nodes = ", ".join(map(str, sorted({node for node, *_ in known.open_days})[:5]))
        text = f"{known.unaccounted} records are unaccounted for, of node {nodes}"
        found.append(Condition("ledger_open", False, text))
    if known.damaged_chunks:
        text = f"{known.damaged_chunks} sealed chunks cannot be read"
        found.append(Condition("damaged_chunks", True, text))
    return found


def values(known: Known) -> dict[str, int | None]:
    """Return the values that rules for the gateway watch (see GATEWAY_KEYS); None where one is not known."""
    room, sync = known.room, known.sync
    left_h = known.outage_hours_left if sync is not None else None
    return {
        "in_memory": int(not known.durable),
        "disk_full": int(known.trouble is Trouble.FULL),
        "records_lost": None if room is None else room.lost,
        "unsynced_percent": None if room is None else 100 * room.unsynced_bytes // room.cap_bytes,
        "outage_left_h": None if left_h is None else int(left_h),
        "oldest_unsynced_s": None if sync is None else sync.oldest_unsynced_s or 0,
        "sync_held": None if sync is None else int(bool(sync.held)),
        "records_quarantined": None if sync is None else sync.quarantined,
        "store_damaged": int(known.salvaged is not None) + known.damaged_chunks,
        "records_unaccounted": known.unaccounted,
    }
