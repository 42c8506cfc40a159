"""The serial loader in the ROM of an ESP32: what a flasher talks to in download mode. Pure.

SLIP packets (RFC 1055): 0xC0 at both ends, 0xDB 0xDC for 0xC0 and 0xDB 0xDD for 0xDB inside. Request: 0x00,
command u8, size u16, checksum u32, body. Answer: 0x01, command, size, value u32, body, status: 0 or 1, the
reason, two bytes reserved. Checksum: the data's bytes XORed onto 0xEF. All numbers little-endian.
Source: Espressif, "Serial Protocol" in the documentation of esptool; register maps of the chips' technical
reference manuals.
"""

import hashlib
import struct
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

END, ESC, ESC_END, ESC_ESC = b"\xc0", b"\xdb", b"\xdb\xdc", b"\xdb\xdd"
FLASH_BEGIN, FLASH_DATA, FLASH_END = 0x02, 0x03, 0x04
SYNC, WRITE_REG, READ_REG, SPI_SET_PARAMS, SPI_ATTACH = 0x08, 0x09, 0x0A, 0x0B, 0x0D
CHANGE_BAUDRATE, FLASH_DEFL_BEGIN, FLASH_DEFL_DATA, FLASH_DEFL_END = 0x0F, 0x10, 0x11, 0x12
SPI_FLASH_MD5, GET_SECURITY_INFO = 0x13, 0x14
INVALID, FAILED, BAD_CHECKSUM, FLASH_WRITE_ERROR, DEFLATE_ERROR = 0x05, 0x06, 0x07, 0x08, 0x0B

SECTOR = 4096
PACKET_MAX = 1 << 16
_SYNC_BODY = b"\x07\x07\x12\x20" + b"\x55" * 32
_CHIP_MAGIC = 0x40001000
_SPI_USR = 1 << 18
_READ_ID = 0x9F
_FLASH_IDS = {4: 0x1640C8, 8: 0x1740C8, 16: 0x1840C8}  # maker, type, log2 of the size


@dataclass(frozen=True, slots=True)
class RomChip:
    """What tells the loader of one chip from another's."""

    name: str
    spi: int  # base of the SPI controller of the flash
    usr2: int  # its registers' offsets
    w0: int
    security_id: int | None  # what GET_SECURITY_INFO says; None: it has no such command


CHIPS = {
    "esp32": RomChip("esp32", 0x3FF42000, 0x24, 0x80, None),
    "esp32s3": RomChip("esp32s3", 0x60002000, 0x20, 0x58, 9),
}


def checksum(content: bytes) -> int:
    """Return the loader's checksum of a block."""
    state = 0xEF
    for byte in content:
        state ^= byte
    return state


def slip(packet: bytes) -> bytes:
    """Return a packet as it travels."""
    return END + packet.replace(ESC, ESC_ESC).replace(END, ESC_END) + END


class RomLoader:
    """One chip in download mode. `flash` is the content of its flash and outlives the loader.

    `left` is called when the loader hands over to the program in flash.
    """

    def __init__(self, chip: str, mac: bytes, flash: bytearray, left: Callable[[], None]) -> None:
        self.chip = CHIPS[chip]
        self.flash = flash
        self._left = left
        self._packet: bytearray | None = None
        self._registers = _registers(self.chip, mac)
        self._at = self._end = 0
        self._sequence = self._blocks = 0
        self._inflate: "zlib._Decompress | None" = None  # noqa: UP037  the class has no name at run time
        self._serve: Mapping[int, Callable[[bytes, int], bytes]] = {
            SYNC: self._sync,
            READ_REG: self._read_reg,
            WRITE_REG: self._write_reg,
            SPI_ATTACH: lambda body, check: self._answer(SPI_ATTACH),
            SPI_SET_PARAMS: lambda body, check: self._answer(SPI_SET_PARAMS),
            CHANGE_BAUDRATE: lambda body, check: self._answer(CHANGE_BAUDRATE),
            FLASH_BEGIN: self._begin,
            FLASH_DATA: self._write,
            FLASH_END: self._finish,
            FLASH_DEFL_BEGIN: self._begin_deflated,
            FLASH_DEFL_DATA: self._write_deflated,
            FLASH_DEFL_END: self._finish,
            SPI_FLASH_MD5: self._md5,
        }

    @property
    def begun(self) -> bool:
        """Whether flash was written at all."""
        return self._blocks > 0

    @property
    def unfinished(self) -> bool:
        """Whether blocks are missing of what was begun last."""
        return self._sequence < self._blocks

    @property
    def between_packets(self) -> bool:
        return self._packet is None

    def receive(self, content: bytes) -> bytes:
        """Take what arrives, in whatever pieces; return what the loader answers."""
        answers = b""
        for i in range(len(content)):
            byte = content[i : i + 1]
            if byte == END:
                if self._packet:
                    answers += self._take(bytes(self._packet))
                    self._packet = None
                else:
                    self._packet = bytearray()
            elif self._packet is not None:
                self._packet += byte
                if len(self._packet) > PACKET_MAX:
                    self._packet = None
        return answers

    def _take(self, raw: bytes) -> bytes:
        packet = raw.replace(ESC_END, END).replace(ESC_ESC, ESC)
        if len(packet) < 8 or packet[0] != 0:
            return b""
        _, command, size, check = struct.unpack_from("<BBHI", packet)
        body = packet[8:]
        if len(body) != size:
            return b""  # the rest was lost on the line: nobody to answer
        if command == GET_SECURITY_INFO and self.chip.security_id is not None:
            info = struct.pack("<I8xII", 0, self.chip.security_id, 0)
            return self._answer(command, 0, info)
        serve = self._serve.get(command)
        if serve is None:
            return self._answer(0xFF, 0, b"", INVALID) * 8  # as the ROM does
        try:
            return serve(body, check)
        except _Refused as refused:
            return self._answer(command, 0, b"", refused.reason)
        except struct.error:
            return self._answer(command, 0, b"", INVALID)
        finally:
            if command in (FLASH_END, FLASH_DEFL_END) and body[:4] == bytes(4):
                self._left()

    def _answer(self, command: int, value: int = 0, body: bytes = b"", reason: int = 0) -> bytes:
        status = bytes((1 if reason else 0, reason, 0, 0))
        if command == 0xFF:
            command, status = 0, status[:2]
        content = body + status
        return slip(struct.pack("<BBHI", 1, command, len(content), value) + content)

    def _sync(self, body: bytes, check: int) -> bytes:
        if body != _SYNC_BODY:
            raise _Refused(INVALID)
        return self._answer(SYNC, 0x20120707) * 8

    def _read_reg(self, body: bytes, check: int) -> bytes:
        (address,) = struct.unpack("<I", body)
        return self._answer(READ_REG, self._registers.get(address, 0))

    def _write_reg(self, body: bytes, check: int) -> bytes:
        address, value, mask, _ = struct.unpack("<IIII", body)
        spi = self.chip.spi
        if address == spi and value & _SPI_USR:
            if self._registers.get(spi + self.chip.usr2, 0) & 0xFF == _READ_ID:
                self._registers[spi + self.chip.w0] = _FLASH_IDS[len(self.flash) >> 20]
        else:
            old = self._registers.get(address, 0)
            self._registers[address] = old & ~mask | value & mask
        return self._answer(WRITE_REG)

    # Flash

    def _open(self, body: bytes) -> None:
        erase, blocks, _, offset = struct.unpack_from("<IIII", body)
        end = offset + erase
        if end > len(self.flash):
            raise _Refused(FAILED)
        first, last = offset // SECTOR * SECTOR, -(-end // SECTOR) * SECTOR
        self.flash[first:last] = b"\xff" * (last - first)
        self._at, self._end, self._sequence, self._blocks = offset, last, 0, blocks

    def _begin(self, body: bytes, check: int) -> bytes:
        self._open(body)
        return self._answer(FLASH_BEGIN)

    def _begin_deflated(self, body: bytes, check: int) -> bytes:
        self._open(body)
        self._inflate = zlib.decompressobj()
        return self._answer(FLASH_DEFL_BEGIN)

    def _block(self, body: bytes, check: int) -> bytes:
        size, sequence, _, _ = struct.unpack_from("<IIII", body)
        content = body[16:]
        if len(content) != size or checksum(content) != check:
            raise _Refused(BAD_CHECKSUM)
        if sequence != self._sequence:
            raise _Refused(FAILED)
        return content

    def _program(self, content: bytes) -> None:
        if self._at + len(content) > self._end:
            raise _Refused(FLASH_WRITE_ERROR)
        # Programming clears bits; only an erase sets them.
        for i, byte in enumerate(content, self._at):
            self.flash[i] &= byte
        self._at += len(content)
        self._sequence += 1

    def _write(self, body: bytes, check: int) -> bytes:
        self._program(self._block(body, check))
        return self._answer(FLASH_DATA)

    def _write_deflated(self, body: bytes, check: int) -> bytes:
        content = self._block(body, check)
        if self._inflate is None:
            raise _Refused(FAILED)
        try:
            plain = self._inflate.decompress(content)
        except zlib.error as error:
            raise _Refused(DEFLATE_ERROR) from error
        self._program(plain)
        return self._answer(FLASH_DEFL_DATA)

    def _finish(self, body: bytes, check: int) -> bytes:
        return self._answer(FLASH_END)

    def _md5(self, body: bytes, check: int) -> bytes:
        address, size, _, _ = struct.unpack("<IIII", body)
        digest = hashlib.md5(self.flash[address : address + size], usedforsecurity=False)
        return self._answer(SPI_FLASH_MD5, 0, digest.hexdigest().encode())


class _Refused(Exception):
    def __init__(self, reason: int) -> None:
        super().__init__(reason)
        self.reason = reason


def _registers(chip: RomChip, mac: bytes) -> dict[int, int]:
    """The registers a flasher reads: efuses, the ROM's magic number, the UART's divider at 115 200 Bd."""
    high, low = int.from_bytes(mac[:2], "big"), int.from_bytes(mac[2:], "big")
    if chip.name == "esp32":
        efuse = 0x3FF5A000
        return {
            _CHIP_MAGIC: 0x00F01D83,
            efuse + 4: low,
            efuse + 8: high,
            efuse + 12: 1 << 15 | 1 << 9,  # revision 1, or 3 with the next two; ESP32-D0WD
            efuse + 20: 1 << 20,
            0x3FF6607C: 1 << 31,
            0x3FF40014: 40_000_000 // 115_200,
        }
    block1 = 0x60007044
    return {block1: low, block1 + 4: high, 0x60000014: 40_000_000 // 115_200, 0x60004038: 1 << 3}
