"""What alerts.yaml may say: who is told, and the rules. No required action, no rule (ISA-18.2)."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from device_configs.entry import Entry, NodeId, ProfileName, Slug, Text, Word, matching, wrong

Priority = Literal["info", "warning", "alarm"]
QuietPriority = Literal["info", "warning"]
Minutes = Annotated[int, Field(ge=1, le=10_080)]
Signature = Literal["flood", "clogging", "cleared", "sensor_fault", "ice_risk"]
Window = Literal[1, 3, 24]


def _has_two_times(span: str) -> str:
    begin, _, end = span.partition("-")
    for time in (begin, end):
        hours, _, minutes = time.partition(":")
        if int(hours) > 23 or int(minutes) > 59:
            raise wrong(f"`{time}` is no time of day")
    if begin == end:
        raise wrong("begins when it ends")
    return span


Hours = Annotated[
    str,
    matching(r"^\d\d:\d\d-\d\d:\d\d$", "two times of day, like 22:00-06:00"),
    AfterValidator(_has_two_times),
]


GATEWAY_KEYS = {
    "in_memory": "1 while the card takes nothing and records are kept in memory, unacknowledged",
    "disk_full": "1 while the disk is full and nothing is acknowledged",
    "records_lost": "records that sync never had and that had to leave at the cap, in the last minute",
    "unsynced_percent": "share of the store's room that holds records sync has not had",
    "outage_left_h": "hours that sync may still be away, at today's rate, before records are lost",
    "oldest_unsynced_s": "age of the oldest record that sync has not had",
    "sync_held": "1 while the database refuses everything: address, name or credentials are wrong",
    "records_quarantined": "records that the database refuses, until somebody has decided about them",
    "store_damaged": "damages found: a store that was set aside, sealed chunks that can not be read",
    "records_unaccounted": "records of closed days of the ledger of which nobody knows what became of them",
}


class Recipient(Entry):
    """Someone alerts go to: a role. Names and numbers stand in the duty rota and channels, outside git."""

    id: Slug
    """Name in the rules."""
    role: Text
    """Which duty or department."""
    rota: bool = False
    """True: the duty rota says who is paged when; an hour in which it names nobody is refused."""
    quiet: dict[QuietPriority, Hours] = {}  # noqa: RUF012  pydantic copies it
    """Local times between which alerts of a priority wait for the morning. Alarms never wait."""
    gateway: bool = False
    """True: is told of the gateway's own troubles; where nobody is marked, the first recipient is."""


class Wording(Entry):
    """The texts of a rule in English, where its own are in another language."""

    name: Text
    """Headline."""
    cause: Text
    """What it means when this happens."""
    consequence: Text
    """What happens when nobody acts."""
    action: Text
    """What to do."""


class Rule(Entry):
    """When an alert is raised, why, and what to do about it. No required action, no rule."""

    id: Slug
    """Name of the rule, unique in the site."""
    name: Text
    """Headline people read."""
    priority: Priority
    """How much it matters."""
    profile: ProfileName | None = None
    """It holds for every node of this profile ..."""
    nodes: tuple[NodeId, ...] = ()
    """... or for these nodes."""
    gateway: bool = False
    """True: or for the gateway itself, of which `key` is one of GATEWAY_KEYS."""
    key: Word
    """Which value is watched; limits and `deadband` are in its unit."""
    above: int | None = None
    """Raised above this."""
    below: int | None = None
    """Raised below this."""
    rise_per_h: Annotated[int, Field(gt=0)] | None = None
    """Raised when it rises faster than this in an hour."""
    minus: Word | None = None
    """With `difference_above`: the value that is taken off `key`."""
    difference_above: int | None = None
    """Raised when `key` is more than this above `minus`."""
    soffit_above_percent: Annotated[int, Field(ge=1, le=300)] | None = None
    """Raised when a level stands above this share of the culvert's height."""
    increase_over_h: Window | None = None
    """With `increase_above`: over how many hours."""
    increase_above: Annotated[int, Field(gt=0)] | None = None
    """Raised when a snow depth has grown by more than this."""
    callout_over_h: Window | None = None
    """Raised when the snow of so many hours calls for a plough: 5 cm of wet, 10 cm of dry snow."""
    load_above_percent: Annotated[int, Field(ge=1, le=300)] | None = None
    """Raised when the snow may weigh more than this share of what the roof is designed for."""
    signature: Annotated[tuple[Signature, ...], Field(min_length=1)] | None = None
    """Raised while the levels on both sides of the grate show one of these."""
    excess_loss_mm: Annotated[int, Field(ge=20, le=2000)] | None = None
    """With `signature`: how much more head loss than a clean grate's is clogging; left out: 150."""
    silent_for_s: Annotated[int, Field(ge=60, le=604_800)] | None = None
    """Raised when there has been no usable reading of `key` for so long: monitoring is lost."""
    deadband: Annotated[int, Field(ge=0)] = 0
    """How far it has to go back before the alert clears."""
    on_delay_s: Annotated[int, Field(ge=0, le=86_400)] = 0
    """How long it has to last before the alert is raised."""
    off_delay_s: Annotated[int, Field(ge=0, le=86_400)] = 0
    """How long it has to be over before the alert clears."""
    n_of_m: tuple[int, int] = (1, 1)
    """In how many of how many readings it has to be so, the newest among them: [2, 3]."""
    latching: bool = False
    """True: it stays until it is acknowledged, also when it is over."""
    inhibited_by: tuple[Slug, ...] = ()
    """Rules that say the same and more: while one of them alerts at the node, this one pages nobody."""
    gather_s: Annotated[int, Field(ge=0, le=3600)] = 0
    """How long alerts of this rule are gathered into one page, so that a broken mast is one message."""
    escalate_after_min: Minutes | None = None
    """After how long without an acknowledgement `escalate_to` is told too."""
    escalate_to: Slug | None = None
    """The next recipient; left out: the same again."""
    at_node: bool = False
    """True: the node checks it too, reports at once and samples faster."""
    cause: Text
    """What it means when this happens."""
    consequence: Text
    """What happens when nobody acts."""
    action: Text
    """What to do."""
    en: Wording | None = None
    """The texts in English."""
    respond_within_min: Minutes
    """How soon it has to be done."""
    recipient: Slug
    """Who is told: a recipient above."""
    source: Text
    """Where the limit comes from."""
    verified_by: Text | None = None
    """Which role has confirmed the limit for this site, and when; left out: nobody yet."""

    @model_validator(mode="after")
    def _check_itself(self) -> Self:
        if (self.profile is not None) + bool(self.nodes) + self.gateway != 1:
            raise wrong("say either `profile` or `nodes`, or `gateway: true`")
        if self.gateway:
            self._check_gateway()
        self._check_limits()
        n, m = self.n_of_m
        if not 1 <= n <= m <= 60:
            raise wrong("`n_of_m` is [n, m] with n at most m, and m at most 60")
        if self.escalate_to is not None and self.escalate_after_min is None:
            raise wrong("`escalate_to` needs `escalate_after_min`")
        if self.at_node and self.above is None and self.below is None and self.rise_per_h is None:
            raise wrong("`at_node` goes with `above`, `below` or `rise_per_h`: a node can check nothing else")
        return self

    def _check_gateway(self) -> None:
        if self.key not in GATEWAY_KEYS:
            raise wrong(f"the gateway has no value `{self.key}`", known=GATEWAY_KEYS)
        computed = any(getattr(self, name) is not None for name in _COMPUTED)
        if computed or self.at_node or self.n_of_m != (1, 1):
            raise wrong("of the gateway, a rule watches a value `above` or `below` a limit")

    def _check_limits(self) -> None:
        for limit, companion in (("difference_above", "minus"), ("increase_above", "increase_over_h")):
            if (getattr(self, limit) is None) != (getattr(self, companion) is None):
                raise wrong(f"`{limit}` and `{companion}` go together")
        if self.excess_loss_mm is not None and self.signature is None:
            raise wrong("`excess_loss_mm` goes with `signature`")
        given = [name for name in _COMPUTED if getattr(self, name) is not None]
        if self.above is not None or self.below is not None:
            given.insert(0, "above" if self.above is not None else "below")
        if not given:
            raise wrong("a limit is missing: `above`, `below` or `rise_per_h`")
        if len(given) > 1:
            raise wrong(f"`{given[0]}` and `{given[1]}` are two conditions: make two rules")
        if self.above is not None and self.below is not None and self.below >= self.above:
            raise wrong("`below` has to be smaller than `above`")

    def texts(self, language: str) -> "Rule | Wording":
        """Return what holds name, cause, consequence and action in `language`, as far as there is one."""
        return self.en if language == "en" and self.en is not None else self


_COMPUTED = (
    "rise_per_h",
    "difference_above",
    "soffit_above_percent",
    "increase_above",
    "callout_over_h",
    "load_above_percent",
    "signature",
    "silent_for_s",
)
