from pathlib import Path

import pytest

from device_configs.problem import ConfigError
from gateway.delivery import DeliverySetupError, delivery_in
from tests.gateway.alerts.made import site

TEXT = """channels:
  - {recipient: vei, url: "json://localhost"}
  - {recipient: bygg, url: "json://localhost"}
  - {recipient: beredskap, url: "json://localhost"}
rota: rota.csv
"""
ROTA = "begin,end,recipient,person\n2026-01-05 07:00,2026-01-12 07:00,vei,A\n"


def write(folder: Path, text: str, rota: str = ROTA) -> Path:
    (folder / "channels.yaml").write_text(text)
    (folder / "channels.yaml").chmod(0o600)
    (folder / "rota.csv").write_text(rota)
    return folder


def test_everything_it_names_is_read(tmp_path: Path) -> None:
    settings = delivery_in(write(tmp_path, TEXT), site())
    assert settings is not None
    assert [shift.person for shift in settings.shifts] == ["A"]
    assert settings.modem is None


def test_without_channels_nobody_is_paged(tmp_path: Path) -> None:
    assert delivery_in(tmp_path, site()) is None


def test_a_gateway_that_would_miss_somebody_does_not_start(tmp_path: Path) -> None:
    with pytest.raises(DeliverySetupError, match="no channel leads to `beredskap`"):
        delivery_in(write(tmp_path, TEXT.replace("beredskap", "vei")), site())
    with pytest.raises(DeliverySetupError, match="is no time"):
        delivery_in(write(tmp_path, TEXT, ROTA.replace("2026-01-05", "05.01.2026")), site())
    with pytest.raises(DeliverySetupError, match="no configuration of gammu-smsd"):
        delivery_in(write(tmp_path, TEXT + "gammu_config: none\n"), site())
    with pytest.raises(ConfigError):
        delivery_in(write(tmp_path, "channels: vei\n"), site())
