"""`sensornett watch`: on a second machine, pages when the gateway has been silent.

A gateway that is dead can not say so. This asks it every minute, and tells through Apprise when it has not
answered for a quarter of an hour, and when it is back. It keeps nothing on disk and needs no configuration.
"""

import json
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

import typer

from gateway.sending import DeliveryError, send_by_apprise

USAGE = 2
ASK_TIMEOUT_S = 20.0
RETRY_S = 60.0

app = typer.Typer()


@dataclass(slots=True)
class Watcher:
    """`step` is called at each look; it returns what people have to be told now, if anything.

    They are told again and again until a channel takes it: `told` confirms that.
    """

    silent_for_s: float
    heard_s: float
    known_silent: bool = False

    def step(self, alive: bool, now_s: float) -> str | None:
        """Return "silent", "back" or None."""
        if alive:
            self.heard_s = now_s
            return "back" if self.known_silent else None
        return "silent" if not self.known_silent and now_s - self.heard_s >= self.silent_for_s else None

    def told(self, what: str) -> None:
        self.known_silent = what == "silent"


@app.command()
def watch(
    url: Annotated[str, typer.Argument(help="The gateway's page, for example http://gateway:8080/healthz.")],
    to: Annotated[list[str], typer.Option(help="Where to tell, as Apprise writes it; may be given often.")],
    every: Annotated[float, typer.Option(help="Seconds between two looks.")] = 60.0,
    silent_for: Annotated[float, typer.Option(help="Minutes of silence after which people are told.")] = 15.0,
    name: Annotated[str, typer.Option(help="What people call this gateway.")] = "Sensornett",
    once: Annotated[bool, typer.Option("--once", help="Look once; exit status 6 if it is silent.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="With --once: one JSON object.")] = False,
) -> None:
    """Page people when a gateway has been silent for a quarter of an hour. Run it on another machine."""
    if not url.startswith(("http://", "https://")):
        typer.echo(f"{url}: expected an address that begins with http:// or https://", err=True)
        sys.exit(USAGE)
    if once:
        alive = answers(url)
        if as_json:
            typer.echo(json.dumps({"url": url, "alive": alive}))
        else:
            typer.echo("alive" if alive else "no answer", err=True)
        sys.exit(0 if alive else 6)
    run(Watcher(60 * silent_for, time.monotonic()), lambda: answers(url), to, every, name)


def run(
    watcher: Watcher,
    alive: Callable[[], bool],
    to: list[str],
    every_s: float,
    name: str,
    send: Callable[[str, str, str], str] = send_by_apprise,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Look for ever. A channel that does not take a message is tried again at the next look."""
    while True:
        begun = time.monotonic()
        what = watcher.step(alive(), begun)
        if what is not None and tell(to, name, what, watcher, send):
            watcher.told(what)
        sleep(max(0.0, every_s - (time.monotonic() - begun)))


def tell(to: list[str], name: str, what: str, watcher: Watcher, send: Callable[[str, str, str], str]) -> bool:
    """Tell everybody; return whether at least one channel took it."""
    minutes = watcher.silent_for_s / 60
    if what == "silent":
        title = f"{name}: gatewayen er stum / the gateway is silent"
        body = (
            f"Ingen svar på {minutes:.0f} minutter. Ingen varsler kommer fram. Se til gatewayen og nettet.\n"
            f"No answer for {minutes:.0f} minutes. No alerts get through: look at gateway and network."
        )
    else:
        title = f"{name}: gatewayen svarer igjen / the gateway answers again"
        body = title
    taken = 0
    for url in to:
        try:
            send(url, title, body)
            taken += 1
        except DeliveryError as error:
            typer.echo(f"{url.partition(':')[0]}: {error}", err=True)
    return taken > 0


def answers(url: str) -> bool:
    """Whether the gateway says that it is well."""
    try:
        with urllib.request.urlopen(url, timeout=ASK_TIMEOUT_S) as answer:  # noqa: S310
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError, ValueError):
        return False
