"""The values that pass between the gateway's parts. Frozen, and free of imports from the project."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

Span = tuple[int, int]  # record sequences, first and last, both included

FRAME_MAX = 4096  # bytes; 255 records of six channels with noise in all of them stay below


@dataclass(frozen=True, slots=True)
class Reception:
    """How one receiver heard a frame. `ticks_us` is its own clock at the frame's end."""

    receiver: str
    rssi_dbm: int
    snr_db: float
    ticks_us: int
    frequency_khz: int
    spreading_factor: int
    bandwidth_khz: int


@dataclass(frozen=True, slots=True)
class Heard:
    """How one receiver heard the frame a record came in: what is kept of its Reception."""

    receiver: str
    rssi_dbm: int
    snr_db: float
    spreading_factor: int


@dataclass(frozen=True, slots=True)
class Uplink:
    """One frame as a carrier received it, still sealed. `received_at_ms` is UTC.

    A frame that came by radio has its `receptions`, the best first; it says how long it was on the air, and
    how long after its end an answer is. `via`: the other site's gateway that heard it and handed it on.
    """

    frame: bytes
    received_at_ms: int
    carrier: str
    rssi_dbm: int | None = None
    snr_db: float | None = None
    receptions: tuple[Reception, ...] = ()
    airtime_ms: int = 0
    answer_in_ms: int = 0
    via: str = ""


@dataclass(frozen=True, slots=True)
class Downlink:
    """One sealed frame for a node; `answers` is the uplink whose receive window it wants to hit.

    `value` decides where airtime is short: 2 lets data flow again, 1 gives it a reason to, 0 can wait. Where
    there is a `short` frame, that is worth so much; `frame` says more, if there is airtime for it.
    """

    node: int
    frame: bytes
    answers: Uplink | None = None
    value: int = 0
    short: bytes | None = None


class Refusal(StrEnum):
    """Why a frame was not taken. It is counted under this name and never acknowledged."""

    TOO_LARGE = "too_large"
    MALFORMED = "malformed"  # no valid header, or an authentic body that does not decode
    WRONG_TYPE = "wrong_type"  # a downlink's frame type came up
    UNKNOWN_NODE = "unknown_node"  # no key for the node id it claims
    BAD_TAG = "bad_tag"  # another key, or altered on its way
    REPLAY = "replay"  # a frame counter that was taken before, or is too old to tell
    HEARD_AGAIN = "heard_again"  # no attack: the very frame came another way (a relay) just before
    UNKNOWN_SCHEMA = "unknown_schema"  # the site's configuration lacks this profile
    UNKNOWN_EPOCH = "unknown_epoch"  # the node has not introduced this backlog yet; STATUS was asked for
    UNKNOWN_CLOCK = "unknown_clock"  # times on a clock that nothing ties to UTC yet; STATUS was asked for


@dataclass(frozen=True, slots=True)
class Record:
    """One sampling of one node with its time settled, as ingest hands it to the store.

    `epoch` is the full 32-bit one; `measured_at_s` is UTC, true to within `time_error_ms`; `moved` says
    that the gateway changed the time the node gave (its clock ran ahead). `receivers` are all that heard it
    by radio, the best first; `rssi_dbm` and `snr_db` are the best one's.
    """

    node: int
    epoch: int
    seq: int
    measured_at_s: int
    time_error_ms: int
    received_at_ms: int
    schema_id: int
    values: tuple[int | None, ...]
    quality: tuple[int, ...]
    carrier: str
    rssi_dbm: int | None = None
    snr_db: float | None = None
    moved: bool = False
    receivers: tuple[Heard, ...] = ()


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """A record as the store has it. `commit` numbers the records in the order they were committed.

    `moved` is also true where another record of the node had the same second and this one gave way.
    """

    commit: int
    node: int
    epoch: int
    seq: int
    measured_at_s: int
    time_error_ms: int
    received_at_ms: int
    schema_id: int
    values: tuple[int | None, ...]
    quality: tuple[int, ...]
    carrier: str
    rssi_dbm: int | None
    snr_db: float | None
    moved: bool
    receivers: tuple[Heard, ...] = ()


@dataclass(frozen=True, slots=True)
class NodeState:
    """What the gateway remembers of a node between two frames, besides its records.

    `key_check` tells a new key from the old one: counters start again with a new key. `seen` has bit i
    set where frame counter `highest` - i was taken. Downlink counters below `downlink_reserved` may have
    been used. `status` is the node's last STATUS with names for its keys; `life` counts how often its key
    was changed by itself.
    """

    node: int
    key_check: bytes
    highest: int = -1
    seen: int = 0
    welcomed: bool = False
    downlink_reserved: int = 0
    last_seen_ms: int = 0
    status_at_ms: int | None = None
    status: str = "{}"
    life: int = 0


@dataclass(frozen=True, slots=True)
class Epoch:
    """One backlog ring of a node, as its last STATUS introduced it.

    `next_seq` is the sequence its next record will have, as far as known. Frames with a counter below
    `since` belong to an older ring with the same short form.
    """

    node: int
    epoch: int
    introduced_at_ms: int
    next_seq: int = 0
    since: int = 0

    @property
    def short(self) -> int:
        """The form data frames carry."""
        return self.epoch & 0xFF


@dataclass(frozen=True, slots=True)
class Anchor:
    """One moment on both clocks: the node's `clock_ms` was UTC `utc_ms`, to within `error_ms`."""

    clock_ms: int
    utc_ms: int
    error_ms: int


@dataclass(frozen=True, slots=True)
class Loss:
    """Records `first`..`last` of an epoch that will never come, and why."""

    node: int
    epoch: int
    first: int
    last: int
    cause: str
    noted_at_ms: int


@dataclass(frozen=True, slots=True)
class RegisterEvent:
    """What a node says happened to its meter's registers at `at_s` (UTC seconds).

    `clock` and `time_s` are the time as the node gave it. `kind` is "reset", "rollover", "swap" or "jump";
    `registers` are (channel, value before, value after). The marks tell one meter from another; None where
    the meter did not say who it is.
    """

    node: int
    clock: int
    time_s: int
    at_s: int
    kind: str
    before: bytes | None
    after: bytes | None
    registers: tuple[tuple[int, int, int], ...]
    noted_at_ms: int


@dataclass(frozen=True, slots=True)
class Ack:
    """What is settled of an epoch: every sequence below `upto`, and the inclusive `ranges`.

    Where there are more ranges than an ACK holds, `gaps` has the newest gaps up to `highest`, ascending.
    """

    upto: int
    ranges: Sequence[Span]
    gaps: Sequence[Span] = ()
    highest: int = -1


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """What became of one epoch's records. Counts of records; `measured` is what the node says it made.

    `heard` were stored once; of these `stored` are still there and `pruned` made room for others. `lost`
    will never come, or left before sync had them.
    """

    node: int
    epoch: int
    measured: int
    heard: int
    stored: int
    lost: int
    pruned: int = 0


@dataclass(frozen=True, slots=True)
class Reading:
    """One value of a record. `value` times `scale` is in `unit` (UCUM); None where there is none.

    A calibrated reading says by which `revision` of its calibration; a raw one has revision 0.
    """

    key: str
    value: int | None
    unit: str
    scale: float
    quality: int
    calibrated: bool = False
    revision: int = 0
