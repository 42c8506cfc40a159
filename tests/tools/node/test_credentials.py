"""Users and passwords at the broker, as Mosquitto itself takes them."""

import stat
from pathlib import Path

import pytest
from aiomqtt import Client, MqttError

from tools.node.credentials import Credentials, hashed
from tools.servers import HOST, Mosquitto


def test_mosquittos_hash() -> None:
    # PBKDF2-HMAC-SHA512 with 101 rounds, as mosquitto_passwd 2.0 writes it.
    assert hashed("sesam", bytes(12)).startswith("$7$101$AAAAAAAAAAAAAAAA$")
    assert len(hashed("sesam").split("$")[4]) == 88
    assert hashed("sesam") != hashed("sesam")


@pytest.mark.servers
async def test_mosquitto_lets_in_whom_it_should(tmp_path: Path) -> None:
    credentials = Credentials(tmp_path, "here")
    mine, theirs = credentials.password(11), credentials.password(12)
    assert Credentials(tmp_path, "here").password(11) == mine
    assert stat.S_IMODE((tmp_path / "broker.json").stat().st_mode) == 0o600
    files = tmp_path / "broker"
    settings = [
        "allow_anonymous false",
        f"password_file {files / 'passwords'}",
        f"acl_file {files / 'access'}",
    ]
    with Mosquitto(tmp_path / "mosquitto", settings=settings) as broker:
        async with Client(HOST, broker.port, username="n11", password=mine) as client:
            await client.subscribe("sn/here/11/offer", qos=1)
        for user, password in (("n11", theirs), ("n11", None), (None, None)):
            with pytest.raises(MqttError):
                async with Client(HOST, broker.port, username=user, password=password):
                    pass
    credentials.revoke(12)
    assert "n12" not in (files / "passwords").read_text() + (files / "access").read_text()
    credentials.renew(11)
    assert credentials.password(11) != mine
