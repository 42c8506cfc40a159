"""The ROM loader against packets as they were recorded from an ESP32, and its refusals."""

import hashlib
import struct
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hardware.virtual import rom_loader
from hardware.virtual.rom_loader import RomLoader, checksum, slip

MAC = bytes.fromhex("a0b1c2d3e4f5")
SYNC = bytes.fromhex("c00008240000000000" + "07071220" + "55" * 32 + "c0")
SYNCED = bytes.fromhex("c001080400070712200000" + "0000c0")


def loader(chip: str = "esp32", size: int = 1 << 16) -> RomLoader:
    return RomLoader(chip, MAC, bytearray(b"\xff" * size), lambda: None)


def packet(command: int, body: bytes, check: int = 0) -> bytes:
    return slip(struct.pack("<BBHI", 0, command, len(body), check) + body)


def answers(raw: bytes) -> list[bytes]:
    """The packets in what a loader sent, each from its direction byte on."""
    parts = [part for part in raw.split(b"\xc0") if part]
    return [part.replace(b"\xdb\xdc", b"\xc0").replace(b"\xdb\xdd", b"\xdb") for part in parts]


def status(raw: bytes) -> tuple[int, int]:
    return answers(raw)[-1][-4], answers(raw)[-1][-3]


def data(content: bytes, sequence: int) -> bytes:
    return struct.pack("<IIII", len(content), sequence, 0, 0) + content


def test_sync_is_answered_eight_times_as_recorded() -> None:
    assert loader().receive(SYNC) == SYNCED * 8


def test_the_magic_register_tells_an_esp32() -> None:
    assert loader().receive(bytes.fromhex("c0000a040000000000" + "00100040" + "c0")) == bytes.fromhex(
        "c0010a0400" + "831df000" + "00000000" + "c0"
    )


def test_the_mac_is_in_the_efuses() -> None:
    read = [
        answers(loader().receive(packet(0x0A, struct.pack("<I", a))))[0] for a in (0x3FF5A008, 0x3FF5A004)
    ]
    high, low = (struct.unpack_from("<I", one, 4)[0] for one in read)
    assert struct.pack(">HI", high, low) == MAC


def test_only_the_s3_tells_its_chip_id() -> None:
    (s3,) = answers(loader("esp32s3").receive(packet(0x14, b"")))
    assert struct.unpack_from("<I", s3, 8 + 12)[0] == 9
    refusals = loader("esp32").receive(packet(0x14, b""))
    assert len(answers(refusals)) == 8
    assert all(one[8:10] == bytes((1, rom_loader.INVALID)) for one in answers(refusals))


@settings(max_examples=40)
@given(st.binary(min_size=1, max_size=3000), st.integers(1, 40), st.integers(0, 8).map(lambda n: n * 4096))
def test_what_is_written_is_what_its_md5_says(content: bytes, cut: int, offset: int) -> None:
    chip = loader()
    raw = packet(2, struct.pack("<IIII", len(content), -(-len(content) // 512), 512, offset))
    for i in range(0, len(content), 512):
        block = content[i : i + 512]
        raw += packet(3, data(block, i // 512), checksum(block))
    got = b"".join(chip.receive(raw[i : i + cut]) for i in range(0, len(raw), cut))
    assert all(one[-4:-2] == b"\0\0" for one in answers(got))
    assert bytes(chip.flash[offset : offset + len(content)]) == content
    told = answers(chip.receive(packet(0x13, struct.pack("<IIII", offset, len(content), 0, 0))))[0]
    assert told[8:40].decode() == hashlib.md5(content).hexdigest()


def test_compressed_data() -> None:
    chip, content = loader(), b"snow " * 700
    small = zlib.compress(content)
    chip.receive(packet(0x10, struct.pack("<IIII", len(content), 1, 4096, 0)))
    assert status(chip.receive(packet(0x11, data(small, 0), checksum(small)))) == (0, 0)
    assert bytes(chip.flash[: len(content)]) == content


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (packet(3, data(b"abcd", 0), checksum(b"abcd") ^ 1), rom_loader.BAD_CHECKSUM),
        (packet(3, data(b"abcd", 1), checksum(b"abcd")), rom_loader.FAILED),
        (packet(3, data(b"x" * 5000, 0), checksum(b"x" * 5000)), rom_loader.FLASH_WRITE_ERROR),
        (packet(2, struct.pack("<IIII", 4096, 1, 4096, 1 << 16)), rom_loader.FAILED),
        (packet(0x0A, b"ab"), rom_loader.INVALID),
        (packet(0x11, data(b"abcd", 0), checksum(b"abcd")), rom_loader.FAILED),
    ],
)
def test_what_it_refuses(raw: bytes, reason: int) -> None:
    chip = loader()
    chip.receive(packet(2, struct.pack("<IIII", 4096, 1, 4096, 0)))
    before = bytes(chip.flash)
    assert status(chip.receive(raw)) == (1, reason)
    assert bytes(chip.flash) == before


@settings(max_examples=60)
@given(st.binary(max_size=300))
def test_noise_is_never_an_error_of_its_own(noise: bytes) -> None:
    chip = loader()
    chip.receive(noise)
    assert chip.receive(b"\xc0\xc0" + SYNC)[-len(SYNCED) :] == SYNCED


def test_flash_bits_are_only_cleared_without_an_erase() -> None:
    chip = loader()
    for content in (b"\x0f" * 16, b"\xf0" * 16):
        chip.receive(packet(2, struct.pack("<IIII", 0, 1, 16, 0)))
        chip._end = 4096
        chip.receive(packet(3, data(content, 0), checksum(content)))
    assert bytes(chip.flash[:16]) == bytes(16)
