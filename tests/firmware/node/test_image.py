"""Full images over MQTT to a board with two partitions: real broker, real MicroPython, the real gateway.

The node's program is in the image alone: /lib is empty. What the bootloader does is the virtual board's.
"""

import json

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from gateway.carriers.mqtt import Broker
from hardware.virtual.partitions import make_partitions, program_image, started_next
from tests.firmware.lab import Lab
from tools.firmware_image import STARTERS, compiled
from tools.servers import HOST
from tools.update import bundle, signing
from tools.update.carry import Offers
from wire import control

SNOW, BOARD, S3 = 21, "heltec-v3", 9
KEY = rsa.generate_private_key(public_exponent=65537, key_size=signing.BITS)
DEAF = b"""
def join(config, notes, *more):
    raise OSError("a program that has lost its Wi-Fi")
def forget(notes):
    pass
"""
pytestmark = pytest.mark.servers


@pytest.fixture
async def lab(tmp_path):
    made = Lab(tmp_path, SNOW, tree={name: compiled()[name] for name in STARTERS})
    make_partitions(made.board.image, program_image(bundle.program(1, "0.1.0"), S3))
    trust = {"board": BOARD, "hardware": 1, "keys": [signing.public_of(KEY)]}
    made.board.change({"trust.json": json.dumps(trust).encode()})
    await made.start()
    yield made
    await made.stop()


async def offer(lab, number, version, **changes):
    """Offer an image of that program, some of its modules changed, or (None) left out."""
    files = {**bundle.program(number, version), **changes}
    made = program_image({name: content for name, content in files.items() if content is not None}, S3)
    assert bundle.check_image(made, S3) == ""
    assert bundle.version_in(made) == (version, number)
    expires = lab.clock.utc_ms() // 1000 + 30 * 86_400
    manifest = bundle.manifest_for(made, number, version, (BOARD,), 1, expires, full=True)
    async with Offers(lab.site.id, Broker(HOST, lab.port)) as offers:
        await offers.put(made, manifest.sha256)
        await offers.offer(SNOW, manifest.message() + signing.sign(manifest.message(), KEY))


async def until(lab, condition, hours=96):
    """Let it wake until the condition holds; hours pass on the lab's clock."""
    end_s = lab.clock.monotonic_s() + hours * 3600
    while not (lab.board.asleep and condition()):
        assert lab.clock.monotonic_s() < end_s, lab.board.console.text()[-3000:]
        await lab.clock.sleep(60)


def slot(lab):
    return lab.board.files().get("slot", b"").decode()


def gone_back(lab):
    return lab.state() is not None and lab.state().counters[control.REVERTED - 1] == 1


async def test_it_starts_in_the_other_partition_and_the_next_one_in_the_first(lab):
    await lab.board.power_on()
    for number, version, partition in ((7, "0.2.0", "ota_1"), (8, "0.3.0", "ota_0")):
        await offer(lab, number, version)
        await until(lab, lambda version=version: lab.said().get("firmware") == version)
        assert slot(lab) == f"- - 0 {number} {number} 0"
        assert started_next(lab.board.image) == (partition, "valid")
    assert not [name for name in lab.board.files() if name.startswith(("update.", "a/", "b/", "lib/"))]
    await lab.board.power_cut()
    await lab.board.power_on()  # the bootloader judges anew, and finds it valid
    await lab.wakes(1)
    assert lab.said()["firmware"] == "0.3.0"
    assert len(lab.flash()) > 10
    await lab.caught_up()


@pytest.mark.parametrize("broken", ["node/app.mpy", "slots.mpy"])
async def test_an_image_that_can_not_start_is_gone_back_from(lab, broken):
    await lab.board.power_on()
    await offer(lab, 7, "0.2.0", **{broken: b"no bytecode at all"})
    await until(lab, lambda: "update 7: on trial" in lab.board.console.text())
    await until(lab, lambda: gone_back(lab))
    assert slot(lab) == "- - 0 0 7 7"
    measured = len(lab.flash())
    await lab.wakes(2)
    assert started_next(lab.board.image)[0] == "ota_0"
    assert lab.said()["firmware"] == "0.1.0"
    assert len(lab.flash()) == measured + 2


async def test_an_image_that_is_not_answered_is_gone_back_from(lab):
    await lab.board.power_on()
    await offer(lab, 7, "0.2.0", **{"node/wifi.mpy": None, "node/wifi.py": DEAF})
    await until(lab, lambda: gone_back(lab))
    assert slot(lab) == "- - 0 0 7 7"
    assert "a program that has lost its Wi-Fi" in lab.board.console.text()
    await until(lab, lambda: "7 has been tried here" in lab.board.console.text())
    assert lab.said()["firmware"] == "0.1.0"
    await lab.caught_up()  # with what was measured on trial
