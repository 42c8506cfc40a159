"""A mains node's life: asyncio, one task for each concern, the watchdog fed only while all of them live.

Records are gathered in RAM and written to flash in batches, so that flash lasts; they are sent after
that, so that nothing is ever on the air that a reset could renumber. A node with a meter keeps the registers
of each hour for a year besides.
"""

import asyncio
import gc
import sys
import time

import machine

from node import choice, log
from node.archive import Archive
from node.registers import Events, Registers, mark_of
from wire import control

POLL_MS = 3000  # at 2400 baud 720 bytes; the receive buffer holds two thousand
BEAT_MS = 5000  # a task that waits for something shows this often that it lives
BLINK_MS = 1000
LISTEN_MS = 20  # a LoRa window opens on time to within that
KEEPALIVE_S = 30
PAUSE_MS = 2000  # after a carrier failed
STALL_MS = 30000  # longest a task may be silent: a TCP connect or a name look-up blocks up to 15 s


class Pulse:
    """When each task last showed that it lives."""

    def __init__(self):
        self._last = {}

    def beat(self, name):
        self._last[name] = time.ticks_ms()

    def stalled(self):
        """Return the names of the tasks that have been silent for too long."""
        now = time.ticks_ms()
        return [name for name, last in self._last.items() if time.ticks_diff(now, last) > STALL_MS]


async def _poll(node, pulse):
    while True:
        node.sampler.poll()
        pulse.beat("poll")
        await asyncio.sleep_ms(POLL_MS)


class Ledger:
    """The registers of the node's meter: what happens to them, and their archive."""

    def __init__(self, node):
        config = node.config
        positions = config["archive"]["channels"]
        self._node = node
        self._archive = Archive(config["node"], config["schema"], positions, config["archive"]["segments"])
        self._events = node.events = Events()
        self._pending = []
        self._mark = None
        try:
            self._archive.recover()
            self._events.recover()
        except OSError as error:
            node.flash_failed(error)
        self._registers = Registers(positions, self._archive.known, self._archive.mark)

    def look(self, row):
        """Compare the registers of a fresh row with those before."""
        seconds, clock, values, quality = row
        self._mark = mark_of(self._node.key, self._node.sampler.meter_id())
        now_s = self._node.clock.now_ms() // 1000
        self._pending += self._registers.look(now_s, (seconds, clock), values, quality, self._mark)

    def keep(self, rows):
        """Write what `rows` have of it. An event goes first: without it the archive hides what happened."""
        try:
            for event in self._events.add(self._pending):
                self._node.state.count(control.REGISTER)
                self._node.uplink.wants_status = True
                log("register", event)
            self._pending = []
            self._archive.append(rows, self._mark)
        except OSError as error:
            self._node.flash_failed(error)


async def _measure(node, pulse, written):
    """Sample at the interval; flush at the batch's end and let the reporter know."""
    interval_ms = node.config["interval_s"] * 1000
    batch = max(1, node.config["batch_s"] * 1000 // interval_ms)
    rows = []
    ledger = Ledger(node) if node.config.get("archive") else None
    due = time.ticks_add(time.ticks_ms(), interval_ms)
    while True:
        while True:
            pulse.beat("measure")
            left = time.ticks_diff(due, time.ticks_ms())
            if left <= 0:
                break
            await asyncio.sleep_ms(min(left, BEAT_MS))
        due = time.ticks_add(due, interval_ms)
        row, _ = node.sample()
        rows.append(row)
        if ledger:
            ledger.look(row)
        if len(rows) >= batch:
            try:
                seq = node.backlog.append(rows)
                log("records", seq + 1 - len(rows), "to", seq, rows[-1][2])
            except OSError as error:
                node.flash_failed(error)
            if ledger:
                ledger.keep(rows)
            rows = []
            node.done()
            node.remember()
            gc.collect()
            written.set()


async def _report(node, pulse, written):
    """Keep the carrier open and have a conversation after each flush."""
    carrier = None
    while True:
        pulse.beat("report")
        try:
            if carrier is None:
                fresh = node.carrier()
                fresh.open()
                carrier = fresh
            await _talk(node, carrier, pulse)
            if node.config.get("fallback") and choice.pick(node, False) is not node.way:
                carrier.close()
                carrier = None
            if not await _comes(written, pulse) and carrier is not None:
                carrier.ping()
        except OSError as error:
            log("carrier", repr(error))
            node.told(False)
            if carrier is not None:
                carrier.close()
                carrier = None
            await asyncio.sleep_ms(PAUSE_MS)


async def _comes(written, pulse):
    """Wait for the next flush, KEEPALIVE_S at most; returns whether there was one."""
    for _ in range(KEEPALIVE_S * 1000 // BEAT_MS):
        pulse.beat("report")
        try:
            await asyncio.wait_for_ms(written.wait(), BEAT_MS)
        except asyncio.TimeoutError:
            continue
        written.clear()
        return True
    return False


async def _talk(node, carrier, pulse):
    talk = node.talk(carrier)
    heard = False
    try:
        wait_ms = next(talk)
        while True:
            frame = await _receive(carrier, wait_ms, pulse)
            heard = heard or frame is not None
            wait_ms = talk.send(frame)
    except StopIteration as ended:
        node.told(True if heard else None if ended.value else False)
    finally:
        node.remember()


async def _receive(carrier, wait_ms, pulse):
    end = time.ticks_add(time.ticks_ms(), wait_ms)
    while True:
        pulse.beat("report")
        frame = carrier.receive(0)
        if frame is not None or time.ticks_diff(end, time.ticks_ms()) <= 0:
            return frame
        await asyncio.sleep_ms(LISTEN_MS)


async def _live(node):
    pulse = Pulse()
    written = asyncio.Event()
    tasks = [
        asyncio.create_task(_poll(node, pulse)),
        asyncio.create_task(_measure(node, pulse, written)),
        asyncio.create_task(_report(node, pulse, written)),
    ]
    well = True
    while True:
        await asyncio.sleep_ms(BEAT_MS if well else BLINK_MS)
        silent = pulse.stalled()
        ended = [task for task in tasks if task.done()]
        if silent or ended:
            log("stalled", silent, "ended", len(ended))
            for task in ended:
                await task  # raises what ended it
            return
        node.watchdog.feed()
        well = node.state.failures == 0
        if node.lamp:
            node.lamp.show(well)


def run(node):
    """Run until a task ends or stalls; then reset, which finds everything again."""
    try:
        asyncio.run(_live(node))
    except KeyboardInterrupt:  # somebody is at the serial port
        node.remember()
        raise
    except Exception as error:  # whatever it was: a reset mends more than a prompt nobody sees
        sys.print_exception(error)
    node.remember()
    machine.reset()
