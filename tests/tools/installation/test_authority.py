"""The own CA and the broker's certificate, judged by OpenSSL's rules in a real handshake."""

import os
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from tools.installation.authority import CA_DAYS, NAME, SERVER_DAYS, ends, make_authority, make_server

NOW = datetime(2026, 11, 24, tzinfo=UTC)


def handshake(folder: Path, name: str, ca: Path | None = None) -> None:
    """Verify the server's certificate under `name`, strictly. Raises ssl.SSLError."""
    client = ssl.create_default_context(cafile=str(ca or folder / "ca.pem"))
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "server.pem", folder / "server.key")
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    one = client.wrap_bio(to_client, to_server, server_hostname=name)
    other = server.wrap_bio(to_server, to_client, server_side=True)
    waiting = [one, other]
    for _ in range(10):
        for side in list(waiting):
            try:
                side.do_handshake()
                waiting.remove(side)
            except ssl.SSLWantReadError:
                pass
        if not waiting:
            return
    raise AssertionError("the handshake does not come to its end")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_authority(tmp_path, "here")
    make_server(tmp_path, tmp_path, ["10.0.0.5", "gw.example.org", "localhost"])
    return tmp_path


@pytest.mark.parametrize("name", [NAME, "localhost", "127.0.0.1", "10.0.0.5", "gw.example.org"])
def test_every_name_of_the_gateway_is_in_its_certificate(folder: Path, name: str) -> None:
    handshake(folder, name)


def test_another_name_is_not(folder: Path) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(folder, "elsewhere.example.org")


def test_another_authority_is_not_believed(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other")
    make_authority(other, "here")
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(folder, NAME, other / "ca.pem")


def test_the_authority_stays_while_the_server_is_renewed(folder: Path) -> None:
    ca, server = (folder / "ca.pem").read_bytes(), (folder / "server.pem").read_bytes()
    make_authority(folder, "here")
    make_server(folder, folder, [])
    assert (folder / "ca.pem").read_bytes() == ca
    assert (folder / "server.pem").read_bytes() != server
    handshake(folder, NAME)


def test_keys_are_private_and_certificates_end_when_said(tmp_path: Path) -> None:
    before = os.umask(0o077)  # as careful administrators set it
    try:
        make_authority(tmp_path, "here", NOW)
        make_server(tmp_path, tmp_path, [], NOW)
    finally:
        os.umask(before)
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert modes == {"ca.key": 0o600, "ca.pem": 0o644, "server.key": 0o640, "server.pem": 0o644}
    assert ends(tmp_path / "ca.pem") == NOW + timedelta(days=CA_DAYS - 1)
    assert ends(tmp_path / "server.pem") == NOW + timedelta(days=SERVER_DAYS - 1)
    ca = x509.load_pem_x509_certificate((tmp_path / "ca.pem").read_bytes())
    assert ca.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
