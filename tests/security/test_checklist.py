"""docs/security.md says what holds each item of the checklist and which test tries each attack: all exist."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs/security.md").read_text()
NAMED = sorted(set(re.findall(r"`(tests/[\w/.]+)(?:::(\w+))?`", DOCUMENT)))
CHECKLIST = (
    "no shared default password",
    "keys from the system's randomness, unique, not from the MAC",
    "MQTT credential for each node, revoked and rotated in one command",
    "no anonymous client, a list for each node, TLS, own CA pinned on nodes",
    "every frame sealed, replay window kept over restarts",
    "updates signed offline: digest, size, board, hardware, version, expiry, two keys, no way back",
    "the serial prompt of a deployed node",
    "InfluxDB token writes one bucket only",
    "secrets by LoadCredential, never in arguments, logs, labels or git",
    "what shows settings hides secrets",
    "units hardened, watched, exposure at most 2.0",
    "page: read only without login, CSP, Host check, limits",
    "operators' login: Argon2id, few tries, a session nobody can guess or fix, a token in each form",
    "who flashed, changed, acknowledged, shelved, revoked, rotated",
    "caps on payload, depth, queue, connections",
    "dependencies locked by hash, SBOM",
    "decommissioning wipes keys",
)
ATTACKS = (
    "oversized bodies", "slow clients", "CSRF", "Host tricks", "path tricks", "session fixation",
    "login guessing", "MQTT floods", "YAML bombs", "CBOR bombs",
)  # fmt: skip


def rows(heading: str) -> dict[str, str]:
    """Return the rows of the table under a heading: first cell -> the others."""
    part = DOCUMENT.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    cells = [line.strip("|").split(" | ") for line in part.splitlines() if line.startswith("| ")]
    return {first.strip(): " | ".join(rest) for first, *rest in cells[1:] if not first.startswith("--")}


def function(file: str, name: str) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    for node in ast.walk(ast.parse((ROOT / file).read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name:
            return node
    return None


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_it_is_there(file: str, name: str) -> None:
    assert (ROOT / file).exists()
    assert not name or function(file, name)


@pytest.mark.parametrize("item", CHECKLIST)
def test_each_item_is_held_by_a_test_or_argued(item: str) -> None:
    row = rows("The checklist, and what holds each item").get(item)
    assert row is not None, f"docs/security.md lacks a row for: {item}"
    assert "`tests/" in row or "argued here: " in row


@pytest.mark.parametrize("attack", ATTACKS)
def test_each_attack_is_tried_and_the_rest_goes_on(attack: str) -> None:
    """The test that is named proves it: it ends in `goes_on`, with an honest node and the page."""
    row = rows("What was tried").get(attack)
    assert row is not None, f"docs/security.md lacks a row for: {attack}"
    named = re.findall(r"`(tests/[\w/.]+)::(\w+)`", row)
    assert named
    for file, name in named:
        found = function(file, name)
        assert found is not None
        assert any(isinstance(n, ast.Attribute) and n.attr == "goes_on" for n in ast.walk(found)), name
