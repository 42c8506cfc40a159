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


def test_the_name_of_a_bench_wins_over_a_folder_of_that_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "virtual").mkdir()
    monkeypatch.chdir(tmp_path)
    assert bench_path("virtual") == BENCHES / "virtual.yaml"
    (tmp_path / "mine.yaml").touch()
    assert bench_path("mine.yaml") == Path("mine.yaml")


def test_no_file_an_empty_one_and_a_folder_are_told_with_what_to_do(tmp_path: Path) -> None:
    for asked, told in (("virtul", "did you mean `virtual`?"), ("nosuch", "known: ")):
        with pytest.raises(ConfigError) as error:
            load_bench(tmp_path / f"{asked}.yaml")
        assert "there is no such bench, and no such file" in str(error.value)
        assert told in str(error.value.problems[0].hint)
    for empty in ("", "# nothing yet\n"):
        text = wrong(tmp_path, empty)
        assert "virtual.yaml:1:1: the file is empty" in text
        assert "hint: copy hardware/benches/example.yaml" in text
    with pytest.raises(ConfigError, match="Is a directory"):
        load_bench(tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("shunt_mohm: 100", "shunt_mohm: 0.1", "in milliohms, without the unit"),
        ("shunt_mohm: 100", "shunt_mohm: 100 mOhm", "in milliohms, without the unit"),
        ("address: 0x40", "address: 0x60", "by the jumpers"),
        ("relay: 1", "relay: 0", "counted from 1"),
        ("node: 11", "node: 31", "node 31 (energy) never does"),
        ("console:", "# console:", "`console` is missing"),
        ("console:", "# console:", "hint: see hardware/benches/example.yaml"),
        ("network: {", "network:\n\t{", "replace the tab with spaces"),
    ],
)
def test_a_real_benchs_mistakes_have_a_next_step(tmp_path: Path, old: str, new: str, told: str) -> None:
    assert old in REAL
    text = wrong(tmp_path, REAL.replace(old, new), "example")
    assert told in text
    assert f"{tmp_path}/example.yaml:" in text
    assert "hint: " in text


def test_two_instruments_at_one_port_are_told_by_whatever_name(tmp_path: Path) -> None:
    whole = REAL.replace("# stimulus:", "stimulus:")
    (tmp_path / "by-id").symlink_to("ttyUSB0")
    (tmp_path / "ttyUSB0").touch()
    ports = [line.split("port: ")[1].split("}")[0] for line in whole.splitlines() if "/dev/serial" in line]
    console, stimulus = ports[:2]
    text = wrong(
        tmp_path,
        whole.replace(console, f"{tmp_path}/by-id").replace(stimulus, f"{tmp_path}/ttyUSB0"),
        "example",
    )
    assert f"`stimulus` and `console` are at one port, {tmp_path}/ttyUSB0" in text
    assert "hint: give each its own" in text


def test_a_real_radio_and_its_attenuator(tmp_path: Path) -> None:
    whole = REAL.replace("# radio:", "radio:").replace("# attenuator:", "attenuator:")
    (tmp_path / "example.yaml").write_text(whole)
    file, _, _ = load_bench(tmp_path / "example.yaml")
    assert file.instruments >= {"radio", "attenuator"}
    text = wrong(tmp_path, whole.replace("dc-6ghz-120db", "dc-6ghz-12db"), "example")
    assert "hint: did you mean `dc-6ghz-120db`?" in text
    text = wrong(tmp_path, whole.replace("fixed_db: 34", "fixed_db: -3"), "example")
    assert "-3 is too small" in text
