"""Sealing: AES-CCM-16-64-128 (RFC 3610, COSE algorithm 10), keys by HKDF-SHA256 (RFC 5869).

The nonce is the key's common IV xor (node id, direction, frame counter), so a counter must never be
used twice under one key. Uplink keys depend on the node key alone; downlink keys also on the gateway
and its store, so that a restored or second gateway can not repeat a nonce.

Stock ESP32 firmware has AES in ECB and CBC mode only: CCM is put together from those two.
"""

import hashlib

from wire.frame import HEADER_SIZE, TAG_SIZE, FrameError

TYPE_CHECKING = False

if TYPE_CHECKING:
    from typing import Protocol

    class Aead(Protocol):
        def seal(self, nonce: bytes, plain: bytes, aad: bytes) -> bytes: ...
        def open(self, nonce: bytes, sealed: bytes, aad: bytes) -> bytes: ...


KEY_SIZE = 16
IV_SIZE = 13
UP = 0
DOWN = 1


class BlockCcm:
    """CCM with an 8-byte tag over an AES given as `aes(key, mode, iv)`, as MicroPython's cryptolib has it."""

    def __init__(self, key: bytes, aes) -> None:  # type: ignore[no-untyped-def]
        self._key = key
        self._aes = aes

    def _mac(self, nonce: bytes, plain: bytes, aad: bytes) -> bytes:
        n = len(plain)
        flags = (0x40 if aad else 0) | (TAG_SIZE - 2) // 2 << 3 | 1
        blocks = bytearray((flags,)) + nonce + bytes((n >> 8, n & 0xFF))
        if aad:
            blocks += bytes((len(aad) >> 8, len(aad) & 0xFF)) + aad
            blocks += bytes(-len(blocks) % 16)
        blocks += plain
        blocks += bytes(-len(blocks) % 16)
        return bytes(self._aes(self._key, 2, bytes(16)).encrypt(blocks)[-16:])

    def _stream(self, nonce: bytes, size: int) -> bytes:
        counters = bytearray()
        for i in range((size + 15) // 16 + 1):
            counters += b"\x01" + nonce + bytes((i >> 8, i & 0xFF))
        return bytes(self._aes(self._key, 1).encrypt(counters))

    def seal(self, nonce: bytes, plain: bytes, aad: bytes) -> bytes:
        stream = self._stream(nonce, len(plain))
        tag = self._mac(nonce, plain, aad)
        out = bytearray(len(plain) + TAG_SIZE)
        for i, byte in enumerate(plain):
            out[i] = byte ^ stream[16 + i]
        for i in range(TAG_SIZE):
            out[len(plain) + i] = tag[i] ^ stream[i]
        return bytes(out)

    def open(self, nonce: bytes, sealed: bytes, aad: bytes) -> bytes:
        n = len(sealed) - TAG_SIZE
        stream = self._stream(nonce, n)
        plain = bytearray(n)
        for i in range(n):
            plain[i] = sealed[i] ^ stream[16 + i]
        tag = self._mac(nonce, bytes(plain), aad)
        difference = 0  # compared without an early exit, so that timing tells nothing
        for i in range(TAG_SIZE):
            difference |= sealed[n + i] ^ tag[i] ^ stream[i]
        if difference:
            raise FrameError("the tag does not match: wrong key, or the frame was altered")
        return bytes(plain)


try:
    from cryptolib import aes as _aes  # type: ignore[import-not-found]

    def aead(key: bytes) -> "Aead":
        return BlockCcm(key, _aes)

except ImportError:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESCCM

    class LibraryCcm:
        def __init__(self, key: bytes) -> None:
            self._ccm = AESCCM(key, tag_length=TAG_SIZE)

        def seal(self, nonce: bytes, plain: bytes, aad: bytes) -> bytes:
            return self._ccm.encrypt(nonce, plain, aad)

        def open(self, nonce: bytes, sealed: bytes, aad: bytes) -> bytes:
            try:
                return self._ccm.decrypt(nonce, sealed, aad)
            except InvalidTag as error:
                raise FrameError("the tag does not match: wrong key, or the frame was altered") from error

    def aead(key: bytes) -> "Aead":
        return LibraryCcm(key)


def hmac_sha256(key: bytes, message: bytes) -> bytes:
    """RFC 2104; MicroPython has no hmac module."""
    if len(key) > 64:
        key = hashlib.sha256(key).digest()
    pad = bytearray(64)  # changed in place: a list of its bytes would be the largest piece of a node's heap
    for i in range(64):
        pad[i] = 0x36 ^ (key[i] if i < len(key) else 0)
    inner = hashlib.sha256(bytes(pad) + message).digest()
    for i in range(64):
        pad[i] ^= 0x36 ^ 0x5C
    return hashlib.sha256(bytes(pad) + inner).digest()


def hkdf(key: bytes, info: bytes, length: int, salt: bytes = b"") -> bytes:
    """HKDF-SHA256 (RFC 5869): `length` bytes derived from `key` for the purpose `info`."""
    secret = hmac_sha256(salt or bytes(32), key)
    block = out = b""
    n = 0
    while len(out) < length:
        n += 1
        block = hmac_sha256(secret, block + info + bytes((n,)))
        out += block
    return out[:length]


class Cipher:
    """Seals and opens the frames of one node in one direction."""

    def __init__(self, key: bytes, iv: bytes, direction: int) -> None:
        self._aead = aead(key)
        self._iv = iv
        self._direction = direction

    def _nonce(self, header: bytes) -> bytes:
        iv = bytearray(self._iv)
        iv[7] ^= header[1]
        iv[8] ^= header[2]
        iv[9] ^= self._direction
        iv[10] ^= header[3]
        iv[11] ^= header[4]
        iv[12] ^= header[5]
        return bytes(iv)

    def seal(self, header: bytes, plain: bytes) -> bytes:
        """Return the whole frame: `header` in clear (authenticated), `plain` encrypted, the tag."""
        return header + self._aead.seal(self._nonce(header), plain, header)

    def open(self, frame: bytes, header_size: int = HEADER_SIZE) -> bytes:
        """Return the plain body of `frame`. Raises FrameError where the tag does not match."""
        if len(frame) < header_size + TAG_SIZE:
            raise FrameError("frame of %d bytes is shorter than header and tag" % len(frame))
        header = bytes(frame[:header_size])
        return self._aead.open(self._nonce(header), bytes(frame[header_size:]), header)


def _cipher(node_key: bytes, info: bytes, direction: int) -> Cipher:
    if len(node_key) != KEY_SIZE:
        raise ValueError("a node key has %d bytes, not %d" % (KEY_SIZE, len(node_key)))
    derived = hkdf(node_key, info, KEY_SIZE + IV_SIZE)
    return Cipher(derived[:KEY_SIZE], derived[KEY_SIZE:], direction)


def life_key(node_key: bytes, life: int) -> bytes:
    """Return the node key's key of a life, 0 to 65535; of life 0 it is the node key itself."""
    if not life:
        return node_key
    return hkdf(node_key, b"sensornett 1 life" + bytes((life >> 8, life & 0xFF)), KEY_SIZE)


def uplink_cipher(node_key: bytes) -> Cipher:
    """The cipher of frames a node sends."""
    return _cipher(node_key, b"sensornett 1 up", UP)


def downlink_cipher(node_key: bytes, gateway_id: bytes, store_id: bytes) -> Cipher:
    """The cipher of frames a gateway (4-byte id) with this store (8-byte id) sends to the node."""
    if len(gateway_id) != 4 or len(store_id) != 8:
        raise ValueError(
            "a gateway id has 4 bytes and a store id 8, not %d and %d" % (len(gateway_id), len(store_id))
        )
    return _cipher(node_key, b"sensornett 1 down" + gateway_id + store_id, DOWN)
