"""The bridge: a board on a gateway's USB cable that hears and sends for it, as wire/bridge.py has it.

It stores nothing: records wait in their nodes' flash until the gateway has them on disk. It listens all the
time, but for what it sends; airtime is kept as by a node, whatever the gateway believes. A radio that fails
is started anew; an error of the program's is printed, and the program starts anew.
"""

import struct
import time
from binascii import crc32

from node import RESTART_MS
from wire import bridge as cable
from wire.airtime import airtime_ms, sub_band

HELD = 32  # packets that wait to be taken
AGAIN_MS = 250  # after which one is told again; twice as long each time ...
AGAIN_MAX_MS = 4000  # ... up to this
PREPARE_MS = 40  # before a transmission begins: the radio is set and filled
LATE_MS = 40  # a transmission that would begin later than this misses the node's window
AHEAD_MS = 20000
PLANNED = 8
STATE_MS = 5000
RETRY_MS = 2000  # a radio that failed
LOOK_MS = 1000  # how often a silent radio is asked whether it still listens
POLL_MS = 5
FEED_MS = 1000
BANDWIDTHS = (125, 250, 500)

_MARK = b"Bg1"  # of the airtime in RTC memory


class Bridge:
    """`open_modem(config)` returns the modem, `write(line)` sends to the gateway, `keep()` keeps the airtime.

    `airtime` and `now_s()` as for a node, `boot` and `id` tell this start and this board from others, `cause`
    is why it started.
    """

    def __init__(self, open_modem, airtime, now_s, keep, write, boot, id, cause):
        self._open_modem = open_modem
        self._airtime = airtime
        self._now_s = now_s
        self._keep = keep
        self._write = write
        self._boot = boot
        self._id = id
        self._cause = cause
        self._lines = cable.Lines(cable.TAKES)
        self._ticks = time.ticks_ms()
        self._ms = 0  # since this start; does not come round
        self._modem = None
        self._channel = None  # (kHz, spreading factor, bandwidth) to listen to
        self._tuned = False
        self._retry_ms = self._look_ms = self._state_ms = 0
        self._sending = False
        self._planned = []  # (begin in ms, kHz, SF, bandwidth, dBm, packet), the next one first
        self._held = []  # (number, ms, clock, RSSI, SNR, kHz, SF, bandwidth, packet), the oldest first
        self._number = 0
        self._told_ms = None  # when the oldest was told
        self._again_ms = AGAIN_MS
        self._answered = (None, 0, 0)  # the last command's (kind, number, CRC), and its outcome
        self._outcome = 0
        self.heard = self.lost = self.sent = self.failed = self.restarted = self._damaged = 0
        self._hello(0)

    # The cable

    def received(self, content):
        """Take what the gateway sent."""
        for kind, number, body in self._lines.feed(content):
            try:
                self._obey(kind, number, body)
            except ValueError:
                self._lines.garbled += 1

    def _obey(self, kind, number, body):
        if kind == cable.ASK:
            self._hello(number)
            self._state_ms = self._ms
        elif kind == cable.TAKEN:
            (boot,), _ = cable.split(cable.TAKEN_BODY, body)
            if boot == self._boot and self._held and self._held[0][0] == number:
                self._held.pop(0)
                self._told_ms, self._again_ms = None, AGAIN_MS
        elif kind in (cable.SETUP, cable.SEND):
            command = (kind, number, crc32(body))
            if command != self._answered:
                self._outcome = self._set_up(body) if kind == cable.SETUP else self._plan(body)
                self._answered = command
            self._write(cable.line(cable.DONE, number, struct.pack(cable.DONE_BODY, self._outcome)))

    def _hello(self, number):
        body = struct.pack(
            cable.HELLO_BODY, cable.VERSION, self._boot, cable.TAKES, self._id, self._cause & 0xFF
        )
        self._write(cable.line(cable.HELLO, number, body))

    def _set_up(self, body):
        channel, _ = cable.split(cable.SETUP_BODY, body)
        if not _possible(*channel):
            return cable.BAD
        self._tuned = self._tuned and channel == self._channel
        self._channel = channel
        return cable.DONE_WELL

    def _plan(self, body):
        (boot, clock, khz, sf, bw, dbm), packet = cable.split(cable.SEND_BODY, body)
        if boot != self._boot:
            return cable.OTHER_BOOT
        if not packet or len(packet) > 255 or not _possible(khz, sf, bw):
            return cable.BAD
        if self._modem is None:
            return cable.NO_RADIO
        self._advance()
        ahead = (clock - self._clock() + (1 << 31) & 0xFFFFFFFF) - (1 << 31)
        ahead_ms = ahead // 1000
        if not PREPARE_MS <= ahead_ms <= AHEAD_MS:
            return cable.TOO_LATE if ahead_ms < PREPARE_MS else cable.BAD
        begin = self._ms + ahead_ms
        ms = airtime_ms(len(packet), sf, bw)
        if len(self._planned) >= PLANNED:
            return cable.BUSY
        for other, _, other_sf, other_bw, _, other_packet in self._planned:
            other_ms = airtime_ms(len(other_packet), other_sf, other_bw)
            if begin < other + other_ms + PREPARE_MS and begin + ms + PREPARE_MS > other:
                return cable.BUSY
        try:
            self._airtime.spend(sub_band(khz, bw), self._now_s(), ms)
        except ValueError:
            return cable.NO_AIRTIME
        self._keep()
        self._planned.append((begin, khz, sf, bw, dbm, packet))
        self._planned.sort()
        return cable.DONE_WELL

    def _tell(self):
        """Tell the gateway the oldest packet until it has taken it, and now and then how things are."""
        if self._held and (self._told_ms is None or self._ms - self._told_ms >= self._again_ms):
            if self._told_ms is not None:
                self._again_ms = min(2 * self._again_ms, AGAIN_MAX_MS)
            number, at_ms, clock, rssi, snr, khz, sf, bw, packet = self._held[0]
            age_ms = min(self._ms - at_ms, 0xFFFFFFFF)
            head = struct.pack(cable.HEARD_BODY, self._boot, age_ms, clock, rssi, snr, khz, sf, bw)
            self._write(cable.line(cable.HEARD, number, head + packet))
            self._told_ms = self._ms
        if self._ms >= self._state_ms:
            self._state_ms = self._ms + STATE_MS
            self._airtime.refill(self._now_s())
            self._write(cable.line(cable.STATE, 0, self._state()))

    def _state(self):
        damaged = self._damaged + (self._modem.crc_errors if self._modem else 0)
        counts = (
            self.heard,
            damaged,
            self.lost,
            self._lines.garbled,
            self._lines.others,
            self.sent,
            self.failed,
            self.restarted,
            self._airtime.spare_ms(sub_band(869525), self._now_s()),
        )
        working = 1 if self._modem else 0
        return struct.pack(cable.STATE_BODY, self._boot, working, len(self._held), *counts)

    # The radio

    def turn(self):
        """Do what is due; to be called every POLL_MS."""
        self._advance()
        try:
            self._work()
        except OSError as error:
            self._lose_radio(error)
        self._tell()

    def _advance(self):
        ticks = time.ticks_ms()
        self._ms += time.ticks_diff(ticks, self._ticks)
        self._ticks = ticks

    def _clock(self):
        return self._ms * 1000 & 0xFFFFFFFF

    def _work(self):
        channel = self._channel
        if channel is None or self._ms < self._retry_ms:
            return
        modem = self._modem
        if modem is None:
            modem = self._modem = self._open_modem({"freq_khz": channel[0], "invert_iq_tx": True})
            self._tuned = self._sending = False
            self._state_ms = self._ms
        if self._sending:
            if modem.poll_send() is True:
                return
            self._sending = self._tuned = False
            self.sent += 1
        if self._planned and self._planned[0][0] - self._ms <= PREPARE_MS:
            self._begin(modem, *self._planned.pop(0))
        elif not self._tuned:
            self._listen(modem, *channel)
        elif modem.irq_triggered() or self._ms >= self._look_ms:
            self._look_ms = self._ms + LOOK_MS
            found = modem.poll_recv()
            if found is False:
                self._tuned = False
            elif found is not True:
                self._hold(found, *channel)

    def _listen(self, modem, khz, sf, bw):
        modem.standby()
        modem.configure({"freq_khz": khz, "sf": sf, "bw": bw})
        modem.start_recv(None, True)
        self._tuned = True

    def _begin(self, modem, begin, khz, sf, bw, dbm, packet):
        self._tuned = False
        modem.standby()
        modem.configure({"freq_khz": khz, "sf": sf, "bw": bw, "output_power": dbm})
        modem.prepare_send(packet)
        self._advance()
        left = begin - self._ms
        if left < -LATE_MS:
            self.failed += 1
            return
        if left > 0:
            time.sleep_ms(left)
        modem.start_send()
        self._sending = True

    def _hold(self, packet, khz, sf, bw):
        self.heard += 1
        self._held.append(
            (self._number, self._ms, self._clock(), packet.rssi, packet.snr, khz, sf, bw, bytes(packet))
        )
        self._number = self._number + 1 & 0xFF
        if len(self._held) > HELD:
            self._held.pop(0)
            self._told_ms = None
            self.lost += 1

    def _lose_radio(self, error):
        print("radio", repr(error))
        if self._modem is not None:
            self._damaged += self._modem.crc_errors
        if self._sending:
            self.failed += 1
        self._modem, self._sending = None, False
        self.failed += len(self._planned)
        self._planned = []
        self.restarted += 1
        self._retry_ms = self._ms + RETRY_MS
        self._state_ms = self._ms


def _possible(khz, sf, bw):
    """Whether the law and the radio allow a channel."""
    if not 7 <= sf <= 12 or bw not in BANDWIDTHS:
        return False
    try:
        sub_band(khz, bw)
    except ValueError:
        return False
    return True


def run(config, watchdog):
    """Be a bridge until somebody presses Ctrl-C, or until an error, which is printed.

    Returns the milliseconds to sleep before it starts anew.
    """
    import os
    import select
    import sys

    import machine

    from node.airtime import Airtime
    from node.radio import open_modem

    airtime = Airtime()
    now_s = time.time
    rtc = machine.RTC()

    def keep():
        packed = _MARK + airtime.pack()
        rtc.memory(packed + struct.pack("<I", crc32(packed)))

    raw = rtc.memory()
    if raw[:3] == _MARK and crc32(raw[:-4]) == struct.unpack("<I", raw[-4:])[0]:
        airtime.unpack(raw[3:-4])
    else:
        airtime.start_cold(now_s())
        keep()
    mac = machine.unique_id()
    bridge = Bridge(
        lambda settings: open_modem(config["sx1262"], settings),
        airtime,
        now_s,
        keep,
        sys.stdout.write,
        struct.unpack("<H", os.urandom(2))[0],
        mac[:3] + b"\xff\xfe" + mac[3:],
        machine.reset_cause(),
    )
    arrivals = select.poll()
    arrivals.register(sys.stdin, select.POLLIN)
    fed = time.ticks_ms()
    try:
        while True:
            if arrivals.poll(POLL_MS):
                content = b""
                while len(content) < 64 and arrivals.poll(0):
                    content += sys.stdin.buffer.read(1)
                bridge.received(content)
            bridge.turn()
            if time.ticks_diff(time.ticks_ms(), fed) >= FEED_MS:
                fed = time.ticks_ms()
                watchdog.feed()
    except Exception as error:
        sys.print_exception(error)
        return RESTART_MS
