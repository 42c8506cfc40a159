"""A bench's file: those that come along are right, and what is wrong is told with its place."""

from pathlib import Path

import pytest

from device_configs.problem import ConfigError
from hardware.bench_file import BENCHES, bench_path, load_bench

GOOD = (BENCHES / "virtual.yaml").read_text()
REAL = (BENCHES / "example.yaml").read_text()


def wrong(folder: Path, text: str, name: str = "virtual") -> str:
    path = folder / f"{name}.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as told:
        load_bench(path)
    return "\n".join(problem.pretty() for problem in told.value.problems)


@pytest.mark.parametrize("path", sorted(BENCHES.glob("*.yaml")), ids=lambda path: path.stem)
def test_benches_that_come_along_are_right(path: Path) -> None:
    file, site, node = load_bench(path)
    assert (file.name, site.id, node.id) == (path.stem, "narvik-demo", 11)
    assert file.instruments >= {"console", "power", "flasher"}
    assert bench_path(path.stem) == path


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("power: {kind", "pover: {kind", "did you mean `power`?"),
        ("power: {kind: virtual}", "power: {kind: usb_relais}", "`kind` can not be `usb_relais`"),
        ("node: 11", "node: 77", "site narvik-demo has no node 77"),
        ("node: 11", "node: 13", "site narvik-demo has no node 13"),
        ("site: narvik-demo", "site: narvik-demi", "did you mean `narvik-demo`?"),
        ("name: virtual", "name: other", "`name` has to be that of the file, `virtual`"),
        (
            "meter: {kind: virtual}",
            "meter: {kind: ina219, bus: 1, address: 0x40, shunt_mohm: 100}",
            "all of a",
        ),
        ("radio: {kind: virtual}\n", "", "an `attenuator` needs a `radio` behind it"),
        ("node: 11", "node: 31", "`radio` does not fit: board esp32-han of node 31 has no LoRa radio"),
    ],
)
def test_what_is_wrong_is_told_with_place_and_hint(tmp_path: Path, old: str, new: str, told: str) -> None:
    assert old in GOOD
    text = wrong(tmp_path, GOOD.replace(old, new))
    assert told in text
    assert f"{tmp_path}/virtual.yaml:" in text


def test_a_real_bench_needs_a_port_and_relays_are_counted_from_one(tmp_path: Path) -> None:
    assert "`port` of a real bench has to be given" in wrong(
        tmp_path, REAL.replace("port: 1883", "port: 0"), "example"
    )
    assert "0 is too small" in wrong(tmp_path, REAL.replace("relay: 1", "relay: 0"), "example")


def test_a_real_radio_and_its_attenuator(tmp_path: Path) -> None:
    whole = REAL.replace("# radio:", "radio:").replace("# attenuator:", "attenuator:")
    (tmp_path / "example.yaml").write_text(whole)
    file, _, _ = load_bench(tmp_path / "example.yaml")
    assert file.instruments >= {"radio", "attenuator"}
    text = wrong(tmp_path, whole.replace("dc-6ghz-120db", "dc-6ghz-12db"), "example")
    assert "hint: did you mean `dc-6ghz-120db`?" in text
    text = wrong(tmp_path, whole.replace("fixed_db: 34", "fixed_db: -3"), "example")
    assert "-3 is too small" in text
