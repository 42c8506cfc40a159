"""Keys and passwords are in the files made for them, and nowhere that others look."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.security.attacked import EVIL, NODE, Attacked
from tests.security.test_page import get, raw
from tests.tools.installation.staged import SITE_ID, staged
from tools.installation import broker
from tools.installation.choices import Choices
from tools.node.credentials import Credentials

pytestmark = pytest.mark.servers
ROOT = Path(__file__).parents[2]


def secrets_of(attacked: Attacked) -> list[bytes]:
    """Every secret of the installation, as it would be written."""
    found = [attacked.node.key.hex(), attacked.evil.key.hex(), attacked.broker.credentials.gateway()]
    found += [attacked.broker.credentials.password(node) for node in (NODE, EVIL)]
    found.append((attacked.places.authority / "ca.key").read_text().splitlines()[1])
    return [secret.encode() for secret in found]


def processes(attacked: Attacked) -> dict[str, bytes]:
    """Return command lines and environments, which every user of a machine can list."""
    pids = (attacked.gateway.pid, attacked.broker.pid)
    files = [f"/proc/{pid}/{name}" for pid in pids for name in ("cmdline", "environ")]
    return {file: Path(file).read_bytes() for file in files}


async def test_not_in_what_a_running_gateway_shows(attacked: Attacked) -> None:
    await attacked.goes_on()
    shown = {
        "status": json.dumps(attacked.status()).encode(),
        "its log": attacked.gateway.log_path.read_bytes(),
        "the broker's log": attacked.broker.log_path.read_bytes(),
        "the page": raw(attacked, get("/")),
        "a node's page": raw(attacked, get(f"/nodes/{NODE}")),
    }
    shown |= processes(attacked)
    for where, text in shown.items():
        assert text, where
        for secret in secrets_of(attacked):
            assert secret not in text, where


def test_files_with_secrets_are_their_owners(attacked: Attacked) -> None:
    places = attacked.places
    secret = secrets_of(attacked)
    for path in [p for top in (places.data, places.settings) for p in top.rglob("*") if p.is_file()]:
        if any(each in path.read_bytes() for each in secret):
            assert path.stat().st_mode & 0o077 == 0, path


def test_no_two_installations_share_a_secret(tmp_path: Path) -> None:
    """Nothing is a default: two gateways of the same site have not one secret in common."""
    found = []
    for name in ("one", "other"):
        places = staged(tmp_path / name)
        broker.prepare(places, Choices(), SITE_ID)
        credentials = Credentials(places.data, SITE_ID)
        words = {credentials.gateway(), credentials.password(NODE), credentials.password(EVIL)}
        keys = {(places.authority / "ca.key").read_text(), (places.broker / "server.key").read_text()}
        found.append(words | keys)
        assert len(found[-1]) == 5
        assert min(len(secret) for secret in found[-1]) >= 22  # 128 bits in base64
    assert not found[0] & found[1]


def test_git_has_no_place_for_them() -> None:
    listed = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("not a git work tree")
    names = {Path(line).name for line in listed.stdout.splitlines()}
    assert not names & {"keys.json", "broker.json", "key.hex", "network.yaml", "ca.key", "users.json"}
