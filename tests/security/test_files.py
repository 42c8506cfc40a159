"""Bombs in files a technician may be handed: refused in words, in little memory, before they unfold."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.security.attacked import Attacked

MEMORY_MAX = 400 << 20
PEAK_MAX_MB = 200

NINE = "\n".join(
    f"{name}: &{name} [{', '.join(['*' + before] * 9) if before else ', '.join(['x'] * 9)}]"
    for before, name in zip(["", *"abcdefgh"], "abcdefghi", strict=True)
)
YAML_BOMBS = {
    "a billion laughs": NINE,
    "deep lists": "[" * 100_000,
    "deep maps": "{a: " * 50_000,
    "deep blocks": "\n".join(" " * i + "a:" for i in range(5000)),
    "two gigabytes by merge": "a: &a {x: 1}\nb: {<<: *a, <<: *a}\n",
    "a tag that makes objects": "!!python/object/apply:os.system ['touch pwned']",
    "many keys": "".join(f"k{i}: 1\n" for i in range(150_000)),
    "one long line": "a: " + "x" * (1 << 20),
    "many documents": "--- 1\n" * 100_000,
    "an endless quote": 'a: "' + "x" * 500_000,
    "a number of a million digits": "a: " + "9" * 1_000_000,
}
LOOK = (
    "import json, sys\n"
    "from pathlib import Path\n"
    "from device_configs.source import read_yaml\n"
    "_, problems = read_yaml(Path(sys.argv[1]))\n"
    # Not getrusage: what that tells includes the process this one was forked from.
    "status = dict(line.split(':', 1) for line in open('/proc/self/status') if ':' in line)\n"
    "peak = int(status['VmHWM'].split()[0]) // 1024\n"
    "print(json.dumps({'problems': [p.pretty() for p in problems], 'peak_mb': peak}))\n"
)


@pytest.mark.parametrize("bomb", YAML_BOMBS)
def test_yaml(bomb: str, tmp_path: Path) -> None:
    (tmp_path / "bomb.yaml").write_text(YAML_BOMBS[bomb])
    done = subprocess.run(
        ["prlimit", f"--as={MEMORY_MAX}", sys.executable, "-c", LOOK, tmp_path / "bomb.yaml"],
        capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-500:]
    told = json.loads(done.stdout)
    if bomb not in ("many keys", "a number of a million digits", "one long line"):
        assert told["problems"], "it was taken"
    assert told["peak_mb"] < PEAK_MAX_MB
    assert sum(map(len, told["problems"])) < 100_000
    assert not (tmp_path / "pwned").exists()


@pytest.mark.servers
async def test_a_site_that_is_a_bomb_is_refused_in_words_and_the_gateway_goes_on(
    attacked: Attacked, tmp_path: Path
) -> None:
    """What `./run upgrade` does first with a site that somebody was handed, beside a gateway at work."""
    for name in ("site", "nodes", "alerts", "buildings", "initiatives"):
        (tmp_path / f"{name}.yaml").write_text(NINE)
    command = [sys.executable, "-P", "-m", "tools.cli", "check", str(tmp_path)]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert "Traceback" not in done.stderr
    assert "repeats another place of the file" in done.stderr
    await attacked.goes_on()
