import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from device_configs.loader import FILES, SITES, load_site
from device_configs.model import Site
from device_configs.problem import ConfigError, Problem
from tests.device_configs.conftest import Breaking

CASES: list[dict[str, str]] = YAML(typ="safe").load(Path(__file__).with_name("broken.yaml"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['in']}: {case['by'].strip()[:40]}")
def test_what_is_said_of_a_broken_site(breaking: Breaking, folder: Path, case: dict[str, str]) -> None:
    problems = breaking(case["in"], case["replace"], case["by"])
    said = "\n".join(problem.pretty() for problem in problems).replace(f"{folder}/", "")
    assert said.splitlines() == case["says"].splitlines()


def test_the_demonstration_site(demo: Site) -> None:
    assert (demo.id, demo.demo, demo.timezone, demo.gateway_id) == (
        "narvik-demo",
        True,
        "Europe/Oslo",
        bytes.fromhex("4e61726b"),
    )
    assert [(node.id, node.profile.name) for node in demo.nodes] == [
        (11, "intake"), (12, "intake"), (21, "snow"), (22, "snow"), (31, "energy"), (32, "energy"),
    ]  # fmt: skip
    up = demo.node(11).calibration[0]
    assert up.valid_from == datetime(2025, 9, 15, 8, tzinfo=UTC)
    assert up.valid_from.tzinfo is UTC
    assert demo.node(11).sensors["up"] == {"address": 0x48, "input": 0, "shunt_ohm": 100}
    assert demo.node(21).interval_s == 600


def test_everything_in_the_demonstration_says_that_it_is_one() -> None:
    for file in (SITES / "narvik-demo").glob("*.yaml"):
        assert "demo" in file.read_text().lower(), file.name


def test_left_out_interval_is_the_profile_s(folder: Path) -> None:
    nodes = folder / "nodes.yaml"
    nodes.write_text(nodes.read_text().replace("    interval_s: 60\n", ""))
    assert load_site(folder).node(31).interval_s == 60


def test_all_files_are_judged_at_once(folder: Path) -> None:
    for file in ("site.yaml", *FILES):
        (folder / file).write_text("a: [\n")
    with pytest.raises(ConfigError) as caught:
        load_site(folder)
    assert {problem.file.name for problem in caught.value.problems} == {"site.yaml", *FILES}


def test_one_broken_file_brings_no_complaints_about_the_others(folder: Path) -> None:
    (folder / "nodes.yaml").write_text("nodes: [\n")
    with pytest.raises(ConfigError) as caught:
        load_site(folder)
    assert [problem.file.name for problem in caught.value.problems] == ["nodes.yaml"]


def test_one_broken_node_brings_no_complaints_about_what_refers_to_it(breaking: Breaking) -> None:
    problems = breaking(
        "nodes.yaml", "    interval_s: 60\n    sensors:\n      meter: {make: aidon}", "    x: 1"
    )
    assert [problem.message for problem in problems] == ["unknown key `x`"]


def test_missing_files(folder: Path) -> None:
    for file in ("site.yaml", *FILES):
        (folder / file).unlink()
    with pytest.raises(ConfigError) as caught:
        load_site(folder)
    assert [f"{p.file.name}: {p.message}" for p in caught.value.problems] == [
        f"{file}: the file does not exist" for file in sorted(["site.yaml", *FILES])
    ]


def test_empty_files(folder: Path) -> None:
    for file in ("site.yaml", *FILES):
        (folder / file).write_text("")
    with pytest.raises(ConfigError) as caught:
        load_site(folder)
    assert [f"{p.file.name}: {p.message}" for p in caught.value.problems] == [
        "alerts.yaml: the file has to start with `recipients:`",
        "buildings.yaml: the file has to start with `buildings:`",
        "initiatives.yaml: the file has to start with `initiatives:`",
        "nodes.yaml: the file has to start with `nodes:`",
        "site.yaml: the file has no value",
    ]


def test_no_such_folder(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such folder"):
        load_site(tmp_path / "nowhere")


def test_a_site_may_be_named_by_a_link(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "current").symlink_to(folder)
    assert load_site(tmp_path / "current").id == "narvik-demo"


def _load(folder: Path) -> tuple[Problem, ...]:
    """Return the problems of a site, none where it loads; any other exception fails the test."""
    try:
        load_site(folder)
    except ConfigError as error:
        problems = error.problems
    else:
        return ()
    assert problems != ()
    return problems


_TEXTS = {file.name: file.read_text() for file in (SITES / "narvik-demo").glob("*.yaml")}
_PIECES = st.one_of(
    st.text(max_size=6),
    st.sampled_from(
        ["\t", "\n", ": ", "- ", "{", "}", "[", "]", "&a ", "*a", "!!int ", "!", "|", ">", "'", '"', "#",
         "? ", "%", "@", "---\n", "...\n", "<<: ", "~", "0x", "1e999", ".nan", "-", "\x00", "\ud800", "\\",
         "é", "\u2028", "=", "null"]
    ),
)  # fmt: skip


@st.composite
def _mutated(draw: st.DrawFn) -> tuple[str, str]:
    """One of the site's files with a few pieces put in, cut out, doubled or swapped."""
    name = draw(st.sampled_from(sorted(_TEXTS)))
    text = _TEXTS[name]
    for _ in range(draw(st.integers(1, 4))):
        a = draw(st.integers(0, len(text)))
        b = min(len(text), a + draw(st.integers(0, 40)))
        kind = draw(st.sampled_from(["insert", "replace", "cut", "double", "move"]))
        piece = {"cut": "", "double": text[a:b] * 2, "move": ""}.get(kind)
        piece = draw(_PIECES) if piece is None else piece
        moved = text[a:b] if kind == "move" else ""
        text = text[:a] + piece + text[a if kind == "insert" else b :]
        at = draw(st.integers(0, len(text)))
        text = text[:at] + moved + text[at:]
    return name, text


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_mutated())
def test_mutated_files_give_problems_or_a_site(tmp_path: Path, mutated: tuple[str, str]) -> None:
    name, text = mutated
    folder = tmp_path / "narvik-demo"
    if not folder.exists():
        shutil.copytree(SITES / "narvik-demo", folder)
    for file, whole in _TEXTS.items():
        (folder / file).write_text(whole)
    (folder / name).write_bytes(text.encode(errors="surrogatepass"))
    for problem in _load(folder):
        assert problem.line >= 1
        assert problem.column >= 1
        assert problem.pretty()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(sorted(_TEXTS)), st.binary(max_size=300))
def test_any_bytes_give_problems_or_a_site(tmp_path: Path, name: str, content: bytes) -> None:
    folder = tmp_path / "narvik-demo"
    if not folder.exists():
        shutil.copytree(SITES / "narvik-demo", folder)
    for file, whole in _TEXTS.items():
        (folder / file).write_text(whole)
    (folder / name).write_bytes(content)
    _load(folder)
