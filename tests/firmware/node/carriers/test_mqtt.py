"""MQTT over TLS against a real Mosquitto, and brokers that do not answer."""

import base64
import datetime
import socket
import threading
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.firmware.lab import Lab

SNOW = 21


def _name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


class Authority:
    """A CA of a municipality's own, and the certificates it signs."""

    def __init__(self):
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._cert = self._sign(_name("CA"), self._key.public_key(), ca=True)
        self.der = self._cert.public_bytes(serialization.Encoding.DER)

    def _sign(self, name, key, ca=False):
        now = datetime.datetime.now(datetime.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(_name("CA"))
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=30))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        )
        if not ca:
            text = name.rfc4514_string().removeprefix("CN=")
            builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(text)]), critical=False)
        return builder.sign(self._key, hashes.SHA256())

    def broker(self, folder, name):
        """Mosquitto's lines for a certificate made out to `name`."""
        key = ec.generate_private_key(ec.SECP256R1())
        cert = self._sign(_name(name), key.public_key())
        folder.mkdir(exist_ok=True)
        (folder / "cert.pem").write_bytes(cert.public_bytes(serialization.Encoding.PEM))
        (folder / "key.pem").write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return [f"certfile {folder / 'cert.pem'}", f"keyfile {folder / 'key.pem'}"]


@pytest.fixture
async def tls_lab(tmp_path):
    """tls_lab(pinned CA, name the node expects): a node that talks TLS to a broker named `gateway`."""
    authority = Authority()
    made = []

    async def make(pinned=None, name="gateway"):
        lab = Lab(tmp_path, SNOW, broker=authority.broker(tmp_path / "tls", "gateway"))
        made.append(lab)
        ca = base64.b64encode((pinned or authority).der).decode()
        lab.change_settings(carrier={**lab.settings["carrier"], "tls": {"ca": ca, "name": name}})
        await lab.start()
        await lab.board.power_on()
        await lab.wakes(2)
        return lab

    yield make
    for lab in made:
        await lab.stop()


@pytest.mark.servers
async def test_records_come_through_tls_within_the_heap_of_a_node(tls_lab):
    lab = await tls_lab()
    assert len(lab.flash()) == 3
    await lab.caught_up()


@pytest.mark.servers
async def test_a_broker_of_another_authority_gets_nothing(tls_lab):
    lab = await tls_lab(pinned=Authority())
    assert "TLS" in lab.board.console.text() or "carrier" in lab.board.console.text()
    with lab.reader() as reader:
        assert reader.stored() == {}
    assert len(lab.flash()) == 3


@pytest.mark.servers
async def test_a_certificate_made_out_to_another_gets_nothing(tls_lab):
    lab = await tls_lab(name="elsewhere")
    with lab.reader() as reader:
        assert reader.stored() == {}


@pytest.mark.parametrize("tls", [False, True])
async def test_a_broker_that_accepts_and_says_nothing_costs_one_step(lab, tls):
    """The time-out is in real seconds here: the socket is the host's own."""
    lab = await lab(SNOW, online=False)
    with socket.create_server(("127.0.0.1", lab.port)):
        if tls:
            pinned = {"ca": base64.b64encode(Authority().der).decode(), "name": "gateway"}
            lab.change_settings(carrier={**lab.settings["carrier"], "tls": pinned})
        began = time.monotonic()
        await lab.board.power_on()
        await lab.asleep(180)
        assert time.monotonic() - began < 120
    assert lab.board.counts.watchdog_resets == 0
    assert len(lab.flash()) == 1
    assert lab.state().starts == 0  # an absent broker is no failure of the node's


async def test_a_broker_that_talks_nonsense_is_left(lab):
    lab = await lab(SNOW, online=False)
    with socket.create_server(("127.0.0.1", lab.port)) as server:

        def talk():
            peer, _ = server.accept()
            peer.sendall(b"\x20\xff\xff\xff\xff\xff\xff")
            peer.close()

        thread = threading.Thread(target=talk)
        thread.start()
        await lab.board.power_on()
        await lab.asleep()
        thread.join()
    assert "bytes is more than this node takes" in lab.board.console.text()
    assert lab.state().starts == 0


async def test_a_lease_is_used_again_within_the_hour(lab):
    lab = await lab(SNOW)
    asked = []
    join = lab.access_point.status
    lab.access_point.status = lambda *tried: asked.append(1) or join(*tried)
    await lab.board.power_on()
    await lab.asleep()
    note = lab.state().notes[2]
    assert note[4:8] == bytes((127, 0, 0, 1))
    await lab.wakes(3)
    assert lab.state().notes[2] == note
    await lab.wakes(4)
    assert lab.state().notes[2] != note  # asked for anew after an hour
    await lab.broker_gone()
    await lab.wakes(1)
    assert 2 not in lab.state().notes  # a lease that leads nowhere may be somebody else's by now
