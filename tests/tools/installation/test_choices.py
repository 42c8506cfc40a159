"""gateway.yaml: what it may say, and that nothing in it can reach a unit's command line as anything else."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from device_configs.problem import ConfigError
from tools.installation.choices import FILE, Choices, Influx, read_choices, write_choices


def test_written_and_read(tmp_path: Path) -> None:
    choices = Choices(
        data="/mnt/disk/sensornett", bridge="/dev/ttyUSB0",
        influx=Influx(url="https://db.example.org:8086", org="town", ca="/etc/ssl/own.pem"),
    )  # fmt: skip
    write_choices(tmp_path / FILE, choices)
    assert read_choices(tmp_path / FILE) == choices
    write_choices(tmp_path / FILE, Choices())
    assert read_choices(tmp_path / FILE) == Choices()


def test_what_the_services_are_told() -> None:
    assert Choices().sync_options() == []
    influx = Influx(url="http://db:8086", api="v1", user="writer")
    assert Choices(influx=influx).sync_options() == [
        "--influx", "http://db:8086", "--api", "v1", "--database", "sensornett", "--user", "writer",
    ]  # fmt: skip
    assert "--store-cap" not in Choices().gateway_options()  # then site.yaml says it
    assert Choices(store_cap_mb=900).gateway_options()[-2:] == ["--store-cap", "900"]
    names = ("sensors.bodo.example", "snow.bodo.example")
    assert Choices(page_names=names).gateway_options()[4:6] == [f"--page-name={name}" for name in names]
    told = Choices(bridge="/dev/ttyACM0", packet_forwarder="0.0.0.0:1700").gateway_options()
    assert told[:2] == ["--broker", "localhost:8883"]
    assert told[-4:] == ["--packet-forwarder", "0.0.0.0:1700", "--bridge", "/dev/ttyACM0"]


@pytest.mark.parametrize(
    "given",
    [
        {"page": "127.0.0.1:8080 --store-cap 1"},
        {"page": "$(reboot)"},
        {"page": "%h"},
        {"page": "a\nExecStart=/bin/sh"},
        {"data": "relative"},
        {"data": "/var/lib/../../etc"},
        {"data": "/mnt/my disk"},
        {"bridge": "/etc/shadow"},
        {"store_cap_mb": 1},
        {"influx": {"url": "http://db", "token": "secret"}},
        {"broker": {"port": 0}},
    ],
)
def test_what_it_may_not_say(given: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Choices.model_validate(given)


def test_a_mistake_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("page: 127.0.0.1:8080\nstore_cap: 4096\n")
    with pytest.raises(ConfigError) as caught:
        read_choices(tmp_path / FILE)
    (problem,) = caught.value.problems
    assert problem.line == 2
    assert "store_cap" in problem.pretty()
