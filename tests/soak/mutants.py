"""Firmwares that are broken on purpose: each has to be caught by a test of the rig.

A test that never fails proves nothing; this proves that those of tests/rig can. The sound firmware has to
pass all of them. Each mutant, one line of the firmware changed, is put on the virtual bench's board and the
rig's tests run until one fails: that is who caught it. A mutant that nobody catches is a failure.
"""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.rig.conftest import FIRMWARE as FIRMWARE_VARIABLE
from tests.soak.tally import Tally
from tools.firmware_image import FIRMWARE, BuildError, compiled, compiled_of, sources

ROOT = Path(__file__).parents[2]
_FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.MULTILINE)
_LIMIT_S = 1800
AT_ONCE = 4  # each waits more than it computes


@dataclass(frozen=True, slots=True)
class Mutant:
    """`old` stands once in `file` (below firmware/) and becomes `new`. `first`: the module to try first."""

    name: str
    file: str
    old: str
    new: str
    first: str


MUTANTS = (
    Mutant(
        "watchdog is never armed", "main.py",
        "watchdog = machine.WDT(timeout=WATCHDOG_MS)",
        'watchdog = type("Wdt", (), {"feed": lambda self: None})()',
        "watchdog",
    ),
    Mutant(
        "watchdog is armed for ten minutes", "main.py",
        "WATCHDOG_MS = 60000", "WATCHDOG_MS = 600000", "watchdog",
    ),
    Mutant(
        "resets by the watchdog are not counted", "lib/node/app.py",
        "state.count(control.WATCHDOG)", "pass", "watchdog",
    ),
    Mutant(
        "no safe mode", "lib/node/guard.py",
        "return starts > TRIES and starts % FULL_EVERY != 0", "return False", "watchdog",
    ),
    Mutant(
        "restarts instead of sleeping", "main.py", "machine.deepsleep(sleep_ms)", "machine.reset()", "start"
    ),
    Mutant(
        "sleeps ten times too long", "lib/node/battery.py",
        "active) * 1000 - spent", "active) * 10000 - spent", "start",
    ),
    Mutant(
        "a wake dawdles for a quarter of a minute", "lib/node/battery.py",
        "        node.put_sensors_away()\n",
        "        node.put_sensors_away()\n        time.sleep_ms(15000)\n",
        "start",
    ),
    Mutant(
        "frame counter is not persisted", "lib/node/uplink.py",
        "            self._identity.writes += state.writes\n            self._identity.save()\n",
        "            self._identity.writes += state.writes\n",
        "power",
    ),
    Mutant(
        "cold boots are not counted", "lib/node/identity.py", "self.boots += 1", "self.boots += 0", "start"
    ),
    Mutant(
        "a cold boot drops the backlog", "lib/node/backlog.py",
        "firsts = self._firsts()\n        state.epoch", "firsts = []\n        state.epoch", "power",
    ),
    Mutant(
        "a record's check sum is wrong", "lib/node/backlog.py",
        "check = crc32(struct.pack(\"<I\", seq) + body) & 0xFFFF",
        "check = ~crc32(struct.pack(\"<I\", seq) + body) & 0xFFFF",
        "power",
    ),
    Mutant(
        "a cold boot gives the last sequence again", "lib/node/backlog.py",
        "            state.next_seq = seq + 1\n            end += 3 + len(body)",
        "            state.next_seq = seq\n            end += 3 + len(body)",
        "power",
    ),
    Mutant(
        "a cold boot forgets what nobody heard", "lib/node/backlog.py",
        "        state.size = end if whole else self._segment_bytes\n"
        "        state.oldest = firsts[0]\n",
        "        state.size = end if whole else self._segment_bytes\n"
        "        state.oldest = state.next_seq\n",
        "power",
    ),
    Mutant(
        "only the newest record is ever sent", "lib/node/uplink.py",
        "self._sent.append((records[0].seq, records[-1].seq))",
        "self._sent.append((0, records[-1].seq))",
        "gateway_away",
    ),
    Mutant(
        "acknowledgements are ignored", "lib/node/uplink.py",
        "if control.ACK in body:", "if control.ACK in body and False:", "start",
    ),
    Mutant(
        "records that could not be sent are given up", "lib/node/battery.py",
        "        log(\"carrier\", repr(error))\n",
        "        log(\"carrier\", repr(error))\n        node.state.upto = node.state.next_seq\n",
        "gateway_away",
    ),
    Mutant(
        "UTC is an hour slow", "lib/node/clock.py",
        "state.offset_ms = true_ms - now", "state.offset_ms = true_ms - now - 3600000", "start",
    ),
    Mutant(
        "the clock's drift is not allowed for", "lib/node/clock.py",
        "age_s * self._state.drift_ppm // 1000", "0", "clock",
    ),
    Mutant(
        "an update never proves itself", "lib/node/app.py",
        "            slots.confirm()\n", "            pass\n", "update",
    ),
    Mutant(
        "settings under which nobody hears it are kept", "lib/node/settings.py",
        "TRIALS = 6", "TRIALS = 1000", "settings",
    ),
    Mutant(
        "settings that were given up are taken again", "lib/node/incoming.py",
        'raise ValueError("these settings were given up before")', "pass", "settings",
    ),
    Mutant(
        "brown-outs become a loop", "lib/node/guard.py",
        "if unfinished <= TRIES:", "if unfinished >= 0:", "power",
    ),
    Mutant(
        "an empty battery is drained", "lib/node/power.py",
        'if mv < limits["stop_mv"]:', "if mv < 0:", "power",
    ),
    Mutant(
        "airtime is not entered", "lib/node/carriers/lora.py",
        "self._airtime.spend(self._bands[drawn], self._clock_s(), ms)", "pass", "duty",
    ),
    Mutant(
        "each cold start has all the airtime", "lib/node/airtime.py",
        "self.grant = held // 2", "self.grant = FULL", "duty",
    ),
    Mutant(
        "sleeps before the radio has sent", "lib/node/carriers/lora.py",
        "        ended = True\n        while ended is True:  # the modem gives up by itself\n",
        "        ended = time.ticks_ms()\n        while False:\n",
        "range",
    ),
    Mutant(
        "never falls back to the slow spreading factor", "lib/node/carriers/lora.py",
        'if slow and config.get("fallback_spreading_factor"):', "if False:", "range",
    ),
    Mutant(
        "battery divider is forgotten", "lib/drivers/battery.py",
        "(uv * ratio_permille + 500_000)", "(uv * 1000 + 500_000)", "start",
    ),
    Mutant(
        "upper and lower level are swapped", "lib/drivers/ads1115.py",
        "return [chip.read(number) for chip, number in self._chips]",
        "return [chip.read(number) for chip, number in self._chips][::-1]",
        "start",
    ),
    Mutant(
        "temperatures below zero have no sign", "lib/drivers/ds18b20.py",
        "    if raw & 0x8000:\n        raw -= 0x10000\n", "", "start",
    ),
    Mutant(
        "the two probes answer for each other", "lib/drivers/ds18b20.py",
        "return [probe.read(started) for probe in self._probes]",
        "return [probe.read(started) for probe in self._probes][::-1]",
        "start",
    ),
)  # fmt: skip


class Stale(Exception):
    """A mutant does not fit the firmware any more: its line has changed."""


def mutated(mutant: Mutant) -> str:
    """Return the text of the mutant's file. Raises Stale."""
    source = (FIRMWARE / mutant.file).read_text()
    if source.count(mutant.old) != 1:
        raise Stale(f"{mutant.file} has {mutant.old!r} {source.count(mutant.old)} times, not once")
    return source.replace(mutant.old, mutant.new)


def broken(mutant: Mutant) -> Mapping[str, bytes]:
    """Return the node's files with the mutant's one. Raises Stale."""
    try:
        return compiled_of({**sources(), mutant.file: mutated(mutant).encode()})
    except BuildError as error:
        raise Stale(f"{mutant.name}: {error}") from error


def rig(files: Mapping[str, bytes], modules: list[str]) -> tuple[str | None, str]:
    """Run the rig's tests on this firmware; return the first that fails (None: all pass), and the output."""
    with tempfile.TemporaryDirectory(prefix="firmware-") as folder:
        for name, content in files.items():
            path = Path(folder) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        command = [sys.executable, "-P", "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"]
        done = subprocess.run(
            [*command, "--bench", "virtual", *modules],
            cwd=ROOT,
            env={**os.environ, FIRMWARE_VARIABLE: folder},
            capture_output=True,
            text=True,
            timeout=_LIMIT_S,
            check=False,
        )
    if done.returncode == 0:
        return None, done.stdout
    caught = _FAILED.search(done.stdout)
    assert done.returncode == 1, done.stdout[-2000:] + done.stderr[-500:]
    assert caught, done.stdout[-2000:]
    return caught[1].rpartition("::")[2], done.stdout


def in_order(first: str) -> list[str]:
    """Return the rig's test modules, the one that is to be tried first in front."""
    found = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "tests/rig").glob("test_*.py"))
    return sorted(found, key=lambda name: not name.endswith(f"test_{first}.py"))


def caught_by(mutant: Mutant) -> str | None:
    """Return which of the rig's tests catches a mutant, None where nobody does."""
    caught, _ = rig(broken(mutant), in_order(mutant.first))
    return caught


def run(tally: Tally) -> None:
    for fact in ("mutants", "caught"):
        tally.add(fact, 0)
    by: dict[str, str] = {}

    def in_time(mutant: Mutant) -> tuple[bool, str | None]:
        """Return whether there was time for it, and who caught it."""
        return (True, caught_by(mutant)) if tally.minutes_left > 0 else (False, None)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        # The sound firmware runs beside mutants: a test that fails on a busy machine would be found out.
        sound = pool.submit(rig, compiled(), in_order("start"))
        found = [pool.submit(in_time, mutant) for mutant in MUTANTS]
        for number, (mutant, each) in enumerate(zip(MUTANTS, found, strict=True), 1):
            if each.exception() is None and not each.result()[0]:
                continue
            with tally.run(number):
                tally.add("mutants")
                _, caught = each.result()
                assert caught, f"nobody caught: {mutant.name}"
                by[mutant.name] = caught
                tally.add("caught")
                tally.tell(f"{mutant.name} ... {caught}")
        with tally.run(0):
            failing, said = sound.result()
            assert failing is None, f"the sound firmware fails {failing}:\n{said[-2000:]}"
    tally.facts["caught_by"] = by
