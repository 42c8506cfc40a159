"""A new key for a board that stays the same node: the old one is worthless, the records stay."""

import json
import stat
from pathlib import Path
from typing import Any

from device_configs.keys import read_keys, write_keys
from tests.tools.node.bench import demo_nodes, run, site_with, state_with, with_micropython
from tools.node.credentials import Credentials
from tools.node.registry import Registry

SITE, NODE, OTHER = "workshop", 21, 22
OLD = bytes(range(16))


async def test_one_command_and_the_same_board_has_another_key(tmp_path: Path, capfd: Any) -> None:
    snow = [node for node in demo_nodes() if node["profile"] == "snow"][:2]
    site, state = site_with(tmp_path, snow), state_with(tmp_path / "state")
    bench = with_micropython("a", tmp_path, tmp_path / "ports", "esp32s3")
    port = ["--port", str(bench.port.path)]
    where = ["--site", str(site), "--state", str(state), "--lang", "en", "--json", *port]
    await bench.plug()
    try:
        early = await run(capfd, "node", "rotate", str(NODE), *where)
        assert (early.status, early.json["trouble"]) == (1, "not_provisioned")
        await bench.unplug()
        bench.board.change({"settings.good": b"{}", "settings.json": b"{}", "log/1": b"a record"})
        await bench.plug()
        Registry(state).begin(NODE, bench.mac.hex(), "esp32s3", "heltec-v3")
        Registry(state).begin(OTHER, "0242ac110002", "esp32s3", "heltec-v3")
        write_keys(state / "keys.json", {NODE: OLD, OTHER: OLD})
        old_word = Credentials(state, SITE).password(NODE)
        other = await run(capfd, "node", "rotate", str(OTHER), *where)
        assert (other.status, other.json["trouble"]) == (5, "has_other_board")
        assert read_keys(state / "keys.json") == {NODE: OLD, OTHER: OLD}, "nothing changed"
        said = await run(capfd, "node", "rotate", str(NODE), *where)
        assert said.status == 0, said.err
        key, word = read_keys(state / "keys.json")[NODE], Credentials(state, SITE).password(NODE)
        assert key != OLD
        assert word != old_word
        assert read_keys(state / "keys.json")[OTHER] == OLD
        await bench.unplug()
        files = bench.board.files()
        assert bytes.fromhex(files["key.hex"].decode()) == key
        assert json.loads(files["settings.json"])["carrier"]["password"] == word
        assert "settings.good" not in files, "with these it would go back to the old password"
        assert files["log/1"] == b"a record"
        shown = said.out + said.err
        assert not any(secret in shown for secret in (key.hex(), word, OLD.hex(), old_word))
        assert stat.S_IMODE((state / "keys.json").stat().st_mode) == 0o600
        last = json.loads((state / "audit.jsonl").read_text().splitlines()[-1])
        assert (last["did"], last["node"], last["mac"]) == ("rotated", NODE, bench.mac.hex())
        assert last["who"]
    finally:
        await bench.close()
