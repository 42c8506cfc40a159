"""The gateway's own certificate authority, and the broker's certificate from it.

Nodes are given the CA's certificate when they are provisioned, and believe no other. It therefore lives as
long as a node may: a new CA means a visit to every Wi-Fi node. The broker's own certificate is made anew by
every upgrade, from the same CA.
"""

import ipaddress
import os
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CA_DAYS = 25 * 365
SERVER_DAYS = 5 * 365
NAME = "gateway"  # the one name every node asks for, whatever address it reaches the broker at
_BACKDATED = timedelta(days=1)  # clocks of nodes and gateways differ


def make_authority(folder: Path, site: str, now: datetime | None = None) -> None:
    """Make the CA in `folder` unless it is there. Raises OSError."""
    if (folder / "ca.pem").exists() and (folder / "ca.key").exists():
        return
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Sensornett {site} CA")])
    made = _builder(name, name, key.public_key(), CA_DAYS, now)
    made = made.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    made = made.add_extension(_usage(signs=True), critical=True)
    made = made.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    _write(folder / "ca.key", _pem(key), 0o600)
    _write(folder / "ca.pem", made.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM), 0o644)


def make_server(folder: Path, authority: Path, names: Iterable[str], now: datetime | None = None) -> None:
    """Make server.pem and server.key in `folder`: new ones, for NAME, this machine and `names`.

    Raises OSError, ValueError.
    """
    ca = x509.load_pem_x509_certificate((authority / "ca.pem").read_bytes())
    ca_key = load_pem_private_key((authority / "ca.key").read_bytes(), None)
    assert isinstance(ca_key, ec.EllipticCurvePrivateKey)
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    also = [_san(each) for each in dict.fromkeys([NAME, "localhost", "127.0.0.1", *names])]
    made = _builder(name, ca.subject, key.public_key(), SERVER_DAYS, now)
    made = made.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    made = made.add_extension(_usage(signs=False), critical=True)
    issued_by = x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key())
    made = made.add_extension(issued_by, critical=False)
    made = made.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    made = made.add_extension(x509.SubjectAlternativeName(also), critical=False)
    _write(folder / "server.key", _pem(key), 0o640)
    _write(folder / "server.pem", made.sign(ca_key, hashes.SHA256()).public_bytes(Encoding.PEM), 0o644)


def ends(certificate: Path) -> datetime:
    """Return when a certificate ends, in UTC. Raises OSError, ValueError."""
    return x509.load_pem_x509_certificate(certificate.read_bytes()).not_valid_after_utc


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, days: int, now: datetime | None
) -> x509.CertificateBuilder:
    start = (now or datetime.now(UTC)) - _BACKDATED
    made = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
    made = made.serial_number(x509.random_serial_number())
    return made.not_valid_before(start).not_valid_after(start + timedelta(days=days))


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _san(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name.strip("[]")))
    except ValueError:
        return x509.DNSName(name)


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _write(path: Path, content: bytes, mode: int) -> None:
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as stream:
        os.fchmod(stream.fileno(), mode)  # whatever the umask
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    fresh.replace(path)
