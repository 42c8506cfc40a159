"""A new sensor type is one driver, one description and one test: none of the three is ever forgotten."""

import ast
from pathlib import Path

import pytest

from device_configs.catalog import builtin_catalog

ROOT = Path(__file__).parents[1]
DRIVERS = ROOT / "firmware/lib/drivers"
SENSORS = ROOT / "device_configs/sensors"
TESTS = ROOT / "tests/firmware/drivers"


def attachable() -> list[str]:
    """Drivers the node's sampling can use: modules with `attach`. The others are parts of these."""
    return [
        file.stem
        for file in sorted(DRIVERS.glob("*.py"))
        if any(
            isinstance(s, ast.FunctionDef) and s.name == "attach" for s in ast.parse(file.read_text()).body
        )
    ]


def demand(file: Path) -> None:
    if not file.exists():
        pytest.fail(f"{file.relative_to(ROOT)} is missing", pytrace=False)


@pytest.mark.parametrize("name", attachable())
def test_every_driver_has_a_description(name: str) -> None:
    demand(SENSORS / f"{name}.yaml")


@pytest.mark.parametrize(
    "name", sorted(file.stem for file in DRIVERS.glob("*.py") if file.stem != "__init__")
)
def test_every_driver_has_a_test(name: str) -> None:
    demand(TESTS / f"test_{name}.py")


@pytest.mark.parametrize("name", sorted(file.stem for file in SENSORS.glob("*.yaml")))
def test_every_description_has_a_driver(name: str) -> None:
    demand(DRIVERS / f"{name}.py")
    assert name in attachable(), f"firmware/lib/drivers/{name}.py has no attach(hardware, channels)"


@pytest.mark.parametrize("name", sorted(builtin_catalog().sensors))
def test_every_parameter_is_read_by_the_driver(name: str) -> None:
    demand(DRIVERS / f"{name}.py")
    source = (DRIVERS / f"{name}.py").read_text()
    unread = [p for p in builtin_catalog().sensors[name].parameters if f'"{p}"' not in source]
    assert unread == [], f"firmware/lib/drivers/{name}.py does not read them"
