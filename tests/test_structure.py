"""The house rules a machine can check. Which package may import which is checked by `lint-imports`."""

import ast
import json
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = {"cloud_sync", "device_configs", "firmware", "gateway", "hardware", "tests", "tools"}
OTHER_FOLDERS = {".ci", "docs", "requirements"}
FILES = {
    ".editorconfig", ".gitattributes", ".gitignore", "ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md",
    "DECISIONS.md", "LICENSE", "README.md", "publiccode.yml", "pyproject.toml", "run",
}  # fmt: skip
MAX_LINES = 400
WRITTEN = {".cddl", ".css", ".html", ".js", ".py", ".sh", ".sql", ".toml"}
TELL_NOTHING = {"data", "handler", "handlers", "helper", "helpers", "manager", "misc", "util", "utils"}
# Written in pieces, so that this file passes its own test.
REGISTRIES = [
    ".".join(parts)
    for parts in (
        ("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"), ("npmjs", "com"), ("yarnpkg", "com"),
        ("deb", "debian", "org"), ("crates", "io"), ("proxy", "golang", "org"),
    )
]  # fmt: skip
MACHINE_PATH = re.compile(r"(?<![\w.}])/(work|root)/\w")


def project_files() -> list[Path]:
    """Every file that is in git or would be added, relative to the root."""
    listed = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("not a git work tree: " + listed.stderr.strip())
    names = [Path(name) for name in listed.stdout.split("\0") if name]
    return [name for name in names if (ROOT / name).is_file()]


def text_of(name: Path) -> str | None:
    try:
        return (ROOT / name).read_text()
    except UnicodeDecodeError:
        return None


def imported_roots(source: str) -> set[str]:
    roots = set()
    for statement in ast.walk(ast.parse(source)):
        if isinstance(statement, ast.Import):
            roots |= {alias.name.partition(".")[0] for alias in statement.names}
        elif isinstance(statement, ast.ImportFrom) and statement.module and not statement.level:
            roots.add(statement.module.partition(".")[0])
    return roots


def test_top_level_is_as_designed() -> None:
    names = project_files()
    folders = {name.parts[0] for name in names if len(name.parts) > 1}
    assert folders >= FOLDERS
    assert folders - FOLDERS - OTHER_FOLDERS == set()
    assert {str(name) for name in names if len(name.parts) == 1} - FILES == set()


def test_files_stay_short() -> None:
    long = {}
    for name in project_files():
        if name.suffix in WRITTEN or name == Path("run"):
            lines = len((text_of(name) or "").splitlines())
            # A file of one npm package, taken as it is, is not ours to split.
            if lines > MAX_LINES and not {"node_modules", "vendor"} & set(name.parts):
                long[str(name)] = lines
    assert long == {}


def test_names_say_what_a_module_holds() -> None:
    stems = {str(name): set(name.stem.split("_")) for name in project_files() if name.suffix == ".py"}
    assert [name for name, words in stems.items() if words & TELL_NOTHING] == []


def test_no_registry_and_no_machine_path_in_any_file() -> None:
    found = []
    for name in project_files():
        for number, line in enumerate((text_of(name) or "").splitlines(), 1):
            if MACHINE_PATH.search(line) or any(host in line for host in REGISTRIES):
                found.append(f"{name}:{number}: {line.strip()[:100]}")
    assert found == []


def test_tests_are_no_packages() -> None:
    assert [str(name) for name in project_files() if name.match("tests/**/__init__.py")] == []


def test_firmware_knows_no_other_part() -> None:
    others = FOLDERS - {"firmware"}
    wrong = {
        str(name): sorted(roots)
        for name in project_files()
        if name.parts[0] == "firmware" and name.suffix == ".py"
        if (roots := imported_roots((ROOT / name).read_text()) & others)
    }
    assert wrong == {}


def test_gateway_model_imports_nothing_of_the_project() -> None:
    model = ROOT / "gateway" / "model.py"
    assert imported_roots(model.read_text()) & (FOLDERS | {"wire"}) == set()


def test_locks_hold_what_is_asked_for_with_hashes() -> None:
    for asked in sorted((ROOT / "requirements").glob("*.in")):
        lock = asked.with_suffix(".lock").read_text()
        wanted = re.findall(r"^([A-Za-z][\w.-]*)", asked.read_text(), re.MULTILINE)
        locked = set(re.findall(r"^([a-z][\w.-]*)==", lock, re.MULTILINE))
        assert {name.lower().replace(".", "-") for name in wanted} - locked == set(), asked.name
        for entry in re.split(r"\n(?=[a-z])", lock):
            assert "--hash=sha256:" in entry or entry.startswith("#"), entry.splitlines()[0]


def test_npm_locks_name_no_host() -> None:
    for name in project_files():
        if name.name == "package-lock.json":
            packages = json.loads((ROOT / name).read_text()).get("packages", {})
            assert [key for key, package in packages.items() if "resolved" in package] == [], name


def listed_commands() -> set[str]:
    listing = subprocess.run(["bash", ROOT / "run"], capture_output=True, text=True, check=True).stdout
    return set(re.findall(r"^  ([a-z]+)  ", listing, re.MULTILINE))


def test_run_knows_each_command_it_lists() -> None:
    cases = set()
    for labels in re.findall(r"^    ([a-z| ]+)\)$", (ROOT / "run").read_text(), re.MULTILINE):
        cases |= {label.strip() for label in labels.split("|")}
    assert listed_commands() == cases


def test_texts_name_only_commands_that_run_has() -> None:
    wrong = []
    for name in project_files():
        if name.suffix in {".md", ".py", ".html"}:
            used = set(re.findall(r"\./run ([a-z]+)\b", text_of(name) or ""))
            wrong += [f"{name}: ./run {command}" for command in sorted(used - listed_commands())]
    assert wrong == []


def test_run_refuses_an_unknown_command() -> None:
    result = subprocess.run(["bash", ROOT / "run", "dance"], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout) == (2, "")
    assert "there is no command 'dance'" in result.stderr
