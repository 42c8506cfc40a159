"""`sensornett publish`: a public copy of pages and open data, for a web host. The connection is outbound."""

import asyncio
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from device_configs.loader import load_site
from device_configs.model import Site
from gateway.control import SOCKET_NAME, ControlError, request
from gateway.model import StoredRecord
from gateway.shelved import Shelf, said_by
from gateway.store import STORE_NAME, Reader, StoreError
from gateway.store.memory import place_in_use
from gateway.web.concerns import Alert, Passed, provisional
from gateway.web.frozen_copy import CopyError, copy_of, put_copy
from gateway.web.live import DAY_S, Live, NodeLive
from gateway.web.pages import Pages
from gateway.web.public import UNSEEN, PublicView
from tools.publish_s3 import SCHEME, Bucket, key_of

FAILED, USAGE, NETWORK = 1, 2, 6
PUSH_TIMEOUT_S = 600

app = typer.Typer()


class Way(StrEnum):
    """With which of the system's programs a copy is pushed over SSH."""

    rsync = "rsync"
    sftp = "sftp"


@app.command()
def publish(
    site: Annotated[Path, typer.Option(help="The site's folder.")],
    state: Annotated[Path, typer.Option(help="The gateway's state directory.")],
    to: Annotated[Path, typer.Option(help="Folder for the copy; it is made anew each time.")],
    push: Annotated[
        str | None, typer.Option(help="Where it is pushed then, as user@host:path or s3://bucket/folder.")
    ] = None,
    way: Annotated[Way, typer.Option("--with", help="SSH: the program that pushes.")] = Way.rsync,
    endpoint: Annotated[str | None, typer.Option(help="S3: the provider's address, https://...")] = None,
    region: Annotated[str, typer.Option(help="S3: the bucket's region.")] = "us-east-1",
    key: Annotated[
        Path | None, typer.Option(help="S3: file with the key's id and its secret, else AWS_* variables.")
    ] = None,
    interval: Annotated[
        int | None, typer.Option(help="Seconds between samples, where not as the site says (demo).", min=1)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Write the public pages, CSV, GeoJSON and catalogue into a folder, and push it to a web host.

    Nothing of the gateway need be reachable from outside. A host is reached by SSH with a key, a bucket by
    signed requests: nobody is asked for a password. Run it by a timer, every ten minutes for example.
    """
    whole = load_site(site)
    try:
        bucket = None
        if push is not None and push.startswith(SCHEME):
            if endpoint is None:
                _fail("--endpoint is missing: the provider's address, as in https://s3.example.org", USAGE)
            bucket = Bucket(push, endpoint, region, key_of(key))
        files = put_copy(to, asyncio.run(copied(whole, state, time.time(), interval)))
        if bucket is not None:
            bucket.push(to)
        elif push is not None:
            pushed(to, push, way)
    except (CopyError, StoreError) as error:
        _fail(str(error), FAILED)
    except ConnectionError as error:
        _fail(str(error), NETWORK)
    if as_json:
        typer.echo(json.dumps({"files": files, "to": str(to), "pushed": push}))
    else:
        typer.echo(f"{files} files in {to}" + (f", pushed to {push}" if push else ""), err=True)


async def copied(whole: Site, state: Path, now_s: float, interval_s: int | None = None) -> dict[str, str]:
    """Return the files of a copy of what is public now. Raises CopyError, StoreError."""
    place = place_in_use(state)
    with Reader.open(place / STORE_NAME) as reader:

        def records(node: int, from_s: int, to_s: int) -> Iterator[StoredRecord]:
            for day_s in range(from_s, to_s, DAY_S):
                with Reader.open(place / STORE_NAME) as each:
                    yield from each.history(node, day_s, min(day_s + DAY_S, to_s))

        live = Live(whole, interval_s, UNSEEN)
        view = PublicView(whole, live, records, place, lambda: now_s)
        shown = Live(view.site, interval_s, UNSEEN)
        live.fill(reader, int(now_s))
        shown.fill(reader, int(now_s))
        on_shelf = Shelf(state, lambda: said_by(reader.nodes())).since_s()
        for each in (live, shown):
            each.shelve(on_shelf, now_s)
        standing = standing_of(place)

        def judge(nodes: Iterable[NodeLive], at_s: float) -> Iterable[Alert]:
            return provisional(nodes, at_s) if standing is None else standing

        pages = Pages(
            view.site,
            shown,
            clock=lambda: now_s,
            judge=judge,
            records=records,
            view=view,
            public=True,
            frozen=True,
        )
        pages.look()
        return await copy_of(pages, now_s)


def standing_of(state: Path) -> Sequence[Alert] | None:
    """Return the alerts as the gateway keeps them; None, with a word on it, where it does not answer."""
    try:
        told: list[dict[str, Any]] = request(state / SOCKET_NAME, {"do": "alerts_list"})["standing"]
    except ControlError as error:
        typer.echo(f"The limits are judged by the newest values only: {error}", err=True)
        return None
    return [
        Passed(a["node"], a["priority"], a["since_s"], a["respond_within_min"], a["texts"])
        for a in told
        if a["announced"] or a["acknowledged_by"]
    ]


def pushed(folder: Path, target: str, way: Way) -> None:
    """Bring the folder to user@host:path. Raises CopyError, and ConnectionError where that failed."""
    host, colon, path = target.partition(":")
    if not colon or not host or not path or host.startswith("-") or any(c.isspace() for c in target):
        raise CopyError(f"{target}: expected user@host:path")
    program = shutil.which(way)
    if program is None:
        package = "rsync" if way is Way.rsync else "openssh-client"
        raise CopyError(f"{way} is missing. Install it with: sudo apt-get install {package}")
    batch = None
    if way is Way.rsync:
        ssh = "ssh -o BatchMode=yes -o ConnectTimeout=20"
        words = [program, "-rlt", "--chmod=D755,F644", "--delete-after", "--delay-updates", "--timeout=60"]
        words += ["-e", ssh, "--", f"{folder}/", f"{host}:{path.rstrip('/')}/"]
    else:
        words = [program, "-q", "-b", "-", "-o", "BatchMode=yes", "-o", "ConnectTimeout=20", host]
        batch = sftp_batch(folder, path)
    try:
        done = subprocess.run(
            words, input=batch, capture_output=True, text=True, timeout=PUSH_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise ConnectionError(f"{way} to {host} did not end within {PUSH_TIMEOUT_S} s") from error
    if done.returncode:
        reason = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise ConnectionError(
            f"{way} to {host}: {reason[-1] if reason else f'exit status {done.returncode}'}"
        )


def sftp_batch(folder: Path, path: str) -> str:
    """Return what sftp is told: missing folders are made, pages come after what they lead to."""
    found = sorted(folder.rglob("*"), key=lambda p: (p.suffix == ".html", len(p.parts), p))
    lines = [f'-mkdir "{path}"']
    lines += [f'-mkdir "{path}/{p.relative_to(folder).as_posix()}"' for p in found if p.is_dir()]
    lines += [f'put "{p}" "{path}/{p.relative_to(folder).as_posix()}"' for p in found if p.is_file()]
    return "\n".join(lines) + "\n"


def _fail(text: str, code: int) -> NoReturn:
    typer.echo(text, err=True)
    sys.exit(code)
