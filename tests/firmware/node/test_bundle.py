"""A board whose flash is full takes update after update, or says before the first byte that it can not."""

import json
import math

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from littlefs import LittleFS

from device_configs.compile import BUNDLE_BLOCKS, FILE_SYSTEM_BLOCKS, PROGRAM_BLOCKS
from gateway.carriers.mqtt import Broker
from hardware.virtual.flash import BLOCK_SIZE
from node.backlog import Backlog
from node.retained import Retained
from tests.firmware.lab import Lab
from tools.servers import HOST
from tools.update import bundle, signing
from tools.update.carry import Offers

ENERGY, BOARD = 31, "esp32-han"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=signing.BITS)
HOURS = 12


def blocks(files):
    found = LittleFS(block_size=BLOCK_SIZE, block_count=FILE_SYSTEM_BLOCKS[4])
    empty = found.used_block_count
    for name, content in files.items():
        found.makedirs("/" + name.rpartition("/")[0], exist_ok=True)
        with found.open("/" + name, "wb") as f:
            f.write(content)
    return found.used_block_count - empty


def test_a_program_and_its_bundle_fit_what_the_ring_leaves_them():
    program = bundle.program(7, "0.2.0")
    assert blocks({f"a/{name}": content for name, content in program.items()}) <= PROGRAM_BLOCKS
    assert math.ceil(len(bundle.bundle_of(program)) / BLOCK_SIZE) <= BUNDLE_BLOCKS


def full(lab, folder, segments, tail=0):
    """What a ring and an archive hold that have come round: a block for each segment, and `tail` more."""
    backlog = Backlog(Retained(), len(lab.settings["channels"]), segments, 600, str(folder / "log"))
    backlog.recover(lambda n: b"\x07" * n)
    channels = len(lab.settings["channels"])
    row = 0
    while len(list((folder / "log").iterdir())) <= segments:
        values = tuple(4000 + (row * n) % 100 for n in range(channels))
        backlog.append([(1_760_000_000 + 10 * row, None, values, (0,) * channels)])
        row += 1
    files = {f"log/{path.name}": path.read_bytes() for path in (folder / "log").iterdir()}
    for i in range(lab.settings["archive"]["segments"] + tail):
        files[f"archive/{i:08x}"] = bytes(3900)
    return files


@pytest.fixture
async def lab(tmp_path):
    made = Lab(tmp_path / "lab", ENERGY)
    trust = {"board": BOARD, "hardware": 1, "keys": [signing.public_of(KEY)]}
    made.board.change({"trust.json": json.dumps(trust).encode()})
    await made.start()
    yield made
    await made.stop()


async def offer(lab, number, version):
    made = bundle.bundle_of(bundle.program(number, version))
    expires = lab.clock.utc_ms() // 1000 + 30 * 86_400
    manifest = bundle.manifest_for(made, number, version, (BOARD,), 1, expires)
    async with Offers(lab.site.id, Broker(HOST, lab.port)) as offers:
        await offers.put(made, manifest.sha256)
        await offers.offer(ENERGY, manifest.message() + signing.sign(manifest.message(), KEY))


async def until(lab, condition):
    end_s = lab.clock.monotonic_s() + HOURS * 3600
    while not condition():
        assert lab.clock.monotonic_s() < end_s, lab.board.console.text()[-3000:]
        await lab.clock.sleep(10)


@pytest.mark.servers
async def test_two_updates_in_a_row_with_a_full_ring(lab, tmp_path):
    assert lab.site.catalog.boards[BOARD].flash_mb == 4
    missing = 512 - FILE_SYSTEM_BLOCKS[4]  # on a real chip
    lab.board.change(full(lab, tmp_path, lab.settings["backlog_segments"], missing))
    for number, version in ((7, "0.2.0"), (8, "0.3.0"), (9, "0.4.0")):
        await offer(lab, number, version)
        await lab.board.power_on()
        await until(lab, lambda number=number: f"{number}: on trial" in lab.board.console.text())
        await until(lab, lambda version=version: lab.said().get("firmware") == version)
        await until(
            lab, lambda number=number: lab.board.console.text().count("update confirmed") == number - 6
        )
        await lab.board.power_cut()
    files = lab.board.files()
    assert files["slot"].decode() == "a - 0 9 9 0"
    assert sum(name.startswith("log/") for name in files) == lab.settings["backlog_segments"] + 1
    assert "OSError(28" not in lab.board.console.text()


@pytest.mark.servers
async def test_without_room_it_is_refused_before_the_first_byte(lab, tmp_path):
    lab.board.change(full(lab, tmp_path, lab.settings["backlog_segments"], tail=150))
    await offer(lab, 7, "0.2.0")
    await lab.board.power_on()
    await until(lab, lambda: "refused: it needs" in lab.board.console.text())
    await lab.board.power_cut()
    assert not [name for name in lab.board.files() if name.startswith(("update.", "a/", "b/"))]
