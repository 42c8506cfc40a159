"""The real gateway with its state on a small file system of its own, which fills up, or takes nothing.

`unshare --map-root-user --mount python on_card.py full|readonly FOLDER`: mounts it where nobody else sees it,
and prints what happened as one JSON object.
"""

import asyncio
import json
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from device_configs.gateway_alerts import standard_rules
from device_configs.loader import SITES, load_site
from gateway.control import SOCKET_NAME, request
from gateway.store import Reader
from gateway.store.memory import place_in_use
from tests.faults.load import Load, load_nodes
from tests.faults.told import Told, channels_to
from tools.programs import Gateway
from tools.servers import HOST, Mosquitto, free_port

SITE = SITES / "narvik-demo"
SIZE = "16m"
OWN_NAME = "Ingen plass igjen"


class CardGateway(Gateway):
    """Asked where it keeps its state at the moment. `told` is where its messages go."""

    told: Told

    def status(self) -> dict[str, object]:
        return self.ask("status")

    def ask(self, verb: str) -> dict[str, object]:
        return request(place_in_use(self.directory) / SOCKET_NAME, {"do": verb}, timeout_s=60)


def mount(card: Path) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "none", card], check=True)


def remount(card: Path, how: str) -> None:
    # Without what it reads of the mount: the owner there is by a number that this namespace does not know.
    subprocess.run(["mount", "--options-source=disable", "-o", f"remount,{how}", card], check=True)


def own_site(folder: Path) -> Path:
    """The demonstration with a rule of its own for the full disk, which ends at once."""
    place = folder / SITE.name
    shutil.copytree(SITE, place)
    standard = next(rule for rule in standard_rules() if rule.id == "gateway-disk-full")
    said = {k: v for k, v in standard.model_dump(mode="json").items() if v and k != "inhibited_by"}
    said |= {"recipient": "bygg", "above": 0, "off_delay_s": 0}
    said["name"] = OWN_NAME
    with (place / "alerts.yaml").open("a") as file:
        file.write(f"  - {json.dumps(said)}\n")
    return place


def page(gateway: Gateway) -> str:
    """The live page in English; nothing while it is just starting."""
    try:
        with urllib.request.urlopen(f"http://{HOST}:{gateway.port}/?lang=en", timeout=60) as answer:
            return str(answer.read().decode())
    except OSError:
        return ""


def names(gateway: Gateway) -> list[str]:
    told: Any = gateway.status()["conditions"]
    return [condition["name"] for condition in told]


async def until(what: Callable[[], bool], timeout_s: float = 120.0) -> None:
    """Wait until it is so, asking in a thread."""
    end = time.monotonic() + timeout_s
    while not await asyncio.to_thread(what):
        if time.monotonic() > end:
            raise TimeoutError(f"not within {timeout_s} s")
        await asyncio.sleep(0.1)


def acknowledged(load: Load) -> int:
    return sum(len(node.acknowledged) for node in load.nodes.values())


async def full(gateway: CardGateway, load: Load, card: Path) -> dict[str, Any]:
    """Others fill the disk, and empty it again."""
    filler = card / "filler"
    with filler.open("wb", buffering=0) as file:
        while True:
            try:
                file.write(bytes(4096))
            except OSError:
                break
    await until(lambda: "disk_full" in names(gateway), 90)
    await until(lambda: gateway.told.says(OWN_NAME))
    await until(lambda: "disk is full" in page(gateway))
    before = acknowledged(load)
    stored = gateway.status()["stored"]
    await asyncio.sleep(3)
    frozen = acknowledged(load) - before
    refused = gateway.status()["stored"] == stored
    filler.unlink()
    await until(lambda: acknowledged(load) > before + 50)
    await until(lambda: not names(gateway))
    await until(lambda: OWN_NAME not in str(gateway.ask("alerts_list")["standing"]))
    return {"acknowledged_while_full": frozen, "stored_nothing": refused}


async def readonly(gateway: CardGateway, load: Load, card: Path) -> dict[str, Any]:
    """The card takes nothing at a start, and is well again at the next."""
    store_id = gateway.status()["store_id"]
    await asyncio.to_thread(gateway.kill)
    before = -1
    while acknowledged(load) > before:  # the broker still hands out what was acknowledged before
        before = acknowledged(load)
        await asyncio.sleep(3)
    await asyncio.to_thread(remount, card, "ro")
    gateway.log_path = card.parent / "gateway-readonly.log"
    await asyncio.to_thread(gateway.start)
    await until(lambda: int(str(gateway.status()["stored"])) > 100)
    conditions = names(gateway)
    await until(lambda: gateway.told.says("Minnekortet i gatewayen tar ikke imot noe"))
    await until(lambda: "card takes nothing" in page(gateway))
    in_memory = gateway.status()["store_id"]
    newly = acknowledged(load) - before
    await asyncio.to_thread(gateway.kill)
    await asyncio.to_thread(remount, card, "rw")
    await asyncio.to_thread(gateway.start)
    await until(lambda: acknowledged(load) > before + 50)
    return {
        "conditions": conditions,
        "another_store_meanwhile": in_memory != store_id,
        "acknowledged_in_memory": newly,
        "the_store_is_back": gateway.status()["store_id"] == store_id,
    }


async def main(scenario: str, folder: Path) -> dict[str, Any]:
    card = folder / "card"
    card.mkdir()
    mount(card)
    place = own_site(folder)
    site = load_site(place)
    nodes = load_nodes(site, card, 7)
    password = folder / "password"
    password.write_text("any")
    with Mosquitto(folder / "broker") as broker, Told() as told:
        channels_to(card, told.port)
        gateway = CardGateway(card, place, f"{HOST}:{broker.port}", password, free_port())
        gateway.told = told
        load = Load(site.id, broker.port, nodes)
        running = asyncio.create_task(load.run())
        try:
            await asyncio.to_thread(gateway.start)
            await until(lambda: acknowledged(load) > 100)
            found = await {"full": full, "readonly": readonly}[scenario](gateway, load, card)
            await load.settled()
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await asyncio.to_thread(gateway.stop)
        with Reader.open(card / "store.db") as reader:
            stored = list(reader.identities())
        return {**found, "twice": len(stored) - len(set(stored)), "equal": set(stored) == load.identities}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(sys.argv[1], Path(sys.argv[2])))))
