"""What site.yaml may say about the page: who reads what, and under which licence."""

from typing import Annotated, Literal

from pydantic import Field

from device_configs.entry import Entry, matching

Address = Annotated[str, matching(r"^https://[a-z0-9.-]{3,200}(/[A-Za-z0-9._~/-]*)?$", "an https address")]
Licence = Literal["NLOD-2.0", "CC-BY-4.0"]


class PageSettings(Entry):
    """The page without login, and what is published."""

    reading: Literal["open", "public", "closed"] = "open"
    """Without login: everybody who reaches the gateway reads all but names and numbers (open), only what the
    public may see (public), or nothing (closed)."""
    building_energy: Literal["hourly", "daily", "none"] = "daily"
    """What the public sees of buildings' energy: sums of an hour or a day, never live power; or nothing."""
    energy_delay_h: Annotated[int, Field(ge=1, le=8760)] = 24
    """How old these sums are at least."""
    licence: Licence = "NLOD-2.0"
    """Under which licence the public data may be used."""
    public_url: Address | None = None
    """Where `sensornett publish` puts the public copy, as people open it."""
