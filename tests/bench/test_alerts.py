"""What the alerts bench trusts: its stream, and that it sees a page that never comes."""

from pathlib import Path

import pytest

from tests.bench import alerts
from tests.bench.alerts import NODES, commit_times_s, frames_of, paged, quantile, rules_per_node, town
from tests.bench.figures import NotMeasured
from tests.bench.traffic import key_of
from wire.seal import uplink_cipher


def test_each_node_is_high_once_at_most_and_ten_a_second() -> None:
    site = town()
    ciphers = {node.id: uplink_cipher(key_of(node.id)) for node in site.nodes}
    made = list(frames_of(ciphers, site.nodes[0], 200 * 5, 20))
    high = [node for node, _, is_high in made if is_high]
    assert len(high) == len(set(high)) == 40  # the first second has none
    assert len({frame for _, frame, _ in made}) == 1000
    assert rules_per_node(site) == 9
    assert len(site.nodes) == NODES


def test_quantiles() -> None:
    assert quantile([3, 1, 2], 0.99) == 3
    assert quantile(range(100), 0.5) == 50


def test_a_commit_takes_its_time(tmp_path: Path) -> None:
    assert min(commit_times_s(tmp_path / "bare.db", 5)) > 0


async def test_a_page_that_never_comes_is_no_figure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alerts, "HIGH_UA", alerts.QUIET_UA)  # nobody is paged
    monkeypatch.setattr(alerts, "PATIENCE_S", 0.5)
    with pytest.raises(NotMeasured, match=r"pages never came|frames could be handed in"):
        await paged(town(), tmp_path, 2.0)
