"""What changes on a node in the field, without a secret ever being shown."""

from pathlib import Path

from device_configs.compile import config_hash, node_settings
from device_configs.loader import SITES, load_site
from tools.node.handing_out import OLD_KEPT, changes, hand_out, handed_out, path_of

DEMO = load_site(SITES / "narvik-demo")


def test_a_change_names_its_place() -> None:
    old = node_settings(DEMO, DEMO.node(21), host="192.0.2.1", password="old", wifi_password="tea")
    new = node_settings(
        DEMO, DEMO.node(21), host="192.0.2.1", password="new", wifi_password="tea", interval_s=300
    )
    told = [str(change) for change in changes(old, new)]
    assert "interval_s: 600 -> 300" in told
    assert "carrier.password: (secret) -> (secret)" in told
    assert not [line for line in told if "old" in line or '"new"' in line]
    assert changes(old, old) == []


def test_what_was_handed_out_is_kept_from_others(tmp_path: Path) -> None:
    settings = node_settings(DEMO, DEMO.node(21), host="192.0.2.1")
    assert handed_out(tmp_path, 21) is None
    assert hand_out(tmp_path, settings) == config_hash(settings).hex()
    assert handed_out(tmp_path, 21) == settings
    assert path_of(tmp_path, 21).stat().st_mode & 0o777 == 0o600


def test_the_last_settings_that_were_given_out_stay(tmp_path: Path) -> None:
    hashes = [
        hand_out(tmp_path, node_settings(DEMO, DEMO.node(21), host="192.0.2.1", interval_s=n))
        for n in (300, 400, 500, 500, 600, 700, 800)
    ]
    kept = {file.name.split(".")[1] for file in path_of(tmp_path, 21).parent.glob("21.*.json")}
    assert kept == {hashes[i] for i in (1, 2, 4, 5)}
    assert len(kept) == OLD_KEPT
    assert all(file.stat().st_mode & 0o777 == 0o600 for file in path_of(tmp_path, 21).parent.iterdir())
