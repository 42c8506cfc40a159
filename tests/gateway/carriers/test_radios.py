from pathlib import Path

from device_configs.radio_schema import Lora
from gateway.carriers.radios import Radios

LORA = Lora(frequency_khz=869525, spreading_factor=9, bandwidth_khz=125, power_dbm=14)


async def test_a_carrier_for_each_radio(tmp_path: Path) -> None:
    assert Radios(LORA).carriers(tmp_path) == []
    (carrier,) = Radios(LORA, ("127.0.0.1", 1700)).carriers(tmp_path)
    assert (carrier.name, carrier.connected) == ("lora", False)
    both = Radios(LORA, ("127.0.0.1", 1700), ("/dev/ttyUSB0",)).carriers(tmp_path)
    assert [(c.name, c.connected) for c in both] == [("lora", False), ("bridge", False)]
