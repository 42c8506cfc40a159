"""Keys and signatures of updates: RSA-3072, PKCS#1 v1.5, SHA-256. The private key never meets a network."""

import os
from collections.abc import Iterable
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

BITS = 3072


class KeyTrouble(Exception):
    """A key that can not be used; the text says why and what to do."""


def new_key(path: Path, password: bytes | None) -> str:
    """Write a new private key to `path`, which must not be there; return its public part. Raises OSError."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=BITS)
    protection = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, protection)
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
            stream.write(pem)
            stream.flush()
            os.fsync(stream.fileno())
    except FileExistsError:
        raise
    except OSError:  # a full disk: half a key would stand in the way of a whole one
        path.unlink(missing_ok=True)
        raise
    return public_of(key)


def read_key(path: Path, password: bytes | None) -> rsa.RSAPrivateKey:
    """Return the private key in a file. Raises KeyTrouble, OSError."""
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password)
    except TypeError as error:
        raise KeyTrouble(f"{path}: the key is protected: give its password with --password-file") from error
    except ValueError as error:
        raise KeyTrouble(f"{path}: not a private key, or not its password") from error
    if not isinstance(key, rsa.RSAPrivateKey) or key.key_size != BITS:
        raise KeyTrouble(f"{path}: nodes know RSA keys of {BITS} bits only")
    return key


def public_of(key: rsa.RSAPrivateKey) -> str:
    """Return what nodes know of a key: its modulus in hex."""
    return f"{key.public_key().public_numbers().n:0{BITS // 4}x}"


def signed_by(message: bytes, signature: bytes, moduli: Iterable[str]) -> bool:
    """Whether one of these keys (as `public_of` gives them) has signed the message."""
    for modulus in moduli:
        try:
            key = rsa.RSAPublicNumbers(65537, int(modulus, 16)).public_key()
            key.verify(signature, message, padding.PKCS1v15(), hashes.SHA256())
        except (InvalidSignature, ValueError):
            continue
        return True
    return False


def sign(message: bytes, key: rsa.RSAPrivateKey) -> bytes:
    """Return the signature of a manifest's bytes."""
    return key.sign(message, padding.PKCS1v15(), hashes.SHA256())
