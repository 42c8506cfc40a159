"""What holds for every driver: its source named, small enough for a node; for sensors also no hardware import
and integers only. A radio has waits of its own and an interface that others have fixed."""

import ast
from pathlib import Path

import pytest

DRIVERS = sorted((Path(__file__).parents[3] / "firmware" / "lib" / "drivers").glob("[a-z]*.py"))
SENSORS = [driver for driver in DRIVERS if not driver.stem.startswith("sx126x")]
SOURCES = ("SBAS444", "ESP-IDF", "19-7487", "PD12593", "NEK", "Modbus", "EN ", "DS.SX1261")
HARDWARE = {"machine", "esp32", "onewire", "ds18x20", "network", "time", "os"}


def each(function):
    return pytest.mark.parametrize("driver", DRIVERS, ids=lambda path: path.stem)(function)


def each_sensor(function):
    return pytest.mark.parametrize("driver", SENSORS, ids=lambda path: path.stem)(function)


@each_sensor
def test_no_hardware_is_imported(driver):
    imported = set()
    for statement in ast.walk(ast.parse(driver.read_text())):
        if isinstance(statement, ast.Import):
            imported |= {alias.name.partition(".")[0] for alias in statement.names}
        elif isinstance(statement, ast.ImportFrom):
            imported.add(str(statement.module).partition(".")[0])
    assert imported <= {"drivers", "wire", "collections"}
    assert not imported & HARDWARE


@each_sensor
def test_integers_only(driver):
    # The ESP32's floats have 24 bits: a register or a time in them is wrong.
    for part in ast.walk(ast.parse(driver.read_text())):
        assert not (isinstance(part, ast.Constant) and isinstance(part.value, float)), part.lineno
        assert not isinstance(getattr(part, "op", None), ast.Div), part.lineno
        assert not (isinstance(part, ast.Name) and part.id in ("float", "round")), part.lineno


@each
def test_its_source_is_named_on_top(driver):
    heading = ast.get_docstring(ast.parse(driver.read_text()))
    assert heading
    named = "Part of" in heading or any(source in heading for source in SOURCES)
    assert named, f"say at the top of {driver.name} which document it follows, and add that to SOURCES"


@each
def test_what_it_holds_in_memory(driver, micropython):
    """On the host an object is twice as large as on an ESP32, so these are generous."""
    out = micropython(
        f"""
import gc, sys
import wire.quantities
gc.collect()
before = gc.mem_free()
import drivers.{driver.stem}
gc.collect()
print(before - gc.mem_free())
""",
        heap="96k",
    )
    assert int(out) < 32_000
