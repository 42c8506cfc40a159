"""The LoRa carrier over a modem of a few lines: airtime first, one short window, channels drawn."""

import pytest

# A modem with micropython-lib's interface; what it hears is in `hears`, one entry a receive.
FAKE = """
import time
from node.airtime import Airtime
from node.carriers.lora import EARLY_MS, LATE_MS, Lora

class Packet(bytearray):
    rssi, snr = -100, 20

class Modem:
    def __init__(self):
        self.log, self.hears, self.radio = [], [], {}
        self.listens_at = None
    def configure(self, config):
        self.radio.update(config)
    def send(self, packet, tx_at_ms=None):
        self.log.append((self.radio["freq_khz"], self.radio["sf"], len(packet)))
        self.sent_at = time.ticks_ms()
        return self.sent_at
    def start_recv(self, timeout_ms=None, continuous=False, rx_length=255):
        self.listens_at = time.ticks_diff(time.ticks_ms(), self.sent_at)
        self.log.append(("rx", self.radio["freq_khz"], self.radio["sf"], timeout_ms))
    def poll_recv(self, rx_packet=None):
        return self.hears.pop(0) if self.hears else False
    def sleep(self, warm_start=True):
        self.log.append("sleep")

CONFIG = {"channels_khz": [868100, 869525], "spreading_factor": 9, "fallback_spreading_factor": 12,
          "bandwidth_khz": 125, "downlink_khz": 869525, "answer_delay_ms": 300}
kept = []
airtime = Airtime()
def make(modem, draws=(0,), **more):
    draws = list(draws)
    config = dict(CONFIG)
    config.update(more)
    return Lora(modem, config, airtime, lambda: 100, lambda: kept.append(airtime.spare_ms(4, 100)),
                lambda: draws.pop(0) if len(draws) > 1 else draws[0])
"""


@pytest.fixture
def on_carrier(micropython):
    return lambda script: micropython(FAKE + script).splitlines()


def test_an_answer_is_listened_for_in_its_window(on_carrier):
    lines = on_carrier("""
m = Modem(); c = make(m, [1])
c.send(b"x" * 33)
m.hears = [True, Packet(b"answer")]
print(c.receive(c.answer_ms), m.log[1][:3], 250 <= m.listens_at <= 330, m.log[1][3] < 200, c.margin_db())
print(c.receive(c.answer_ms), kept[0] < 270000)
""")
    assert lines == ["b'answer' ('rx', 869525, 9) True True 17", "None True"]


def test_whoever_has_just_answered_gets_time_to_listen_again(on_carrier):
    lines = on_carrier("""
m = Modem(); c = make(m)
waits = []
c._sleep_ms = lambda ms: (waits.append(ms), time.sleep_ms(ms))
c.send(b"x")
m.hears = [Packet(b"answer")]
c.receive(c.answer_ms)
heard_at = time.ticks_ms()
waits.clear()
c.send(b"y")
print(len(waits), 0 < waits[0] <= 100, time.ticks_diff(m.sent_at, heard_at) >= waits[0])
c.send(b"z")  # nobody has answered since
print(len(waits))
m.hears = [Packet(b"answer")]
c.receive(c.answer_ms)
waits.clear()
c._turned = time.ticks_add(c._turned, 100000)  # as if ticks had come round
c.send(b"x")
print(len(waits))
""")
    assert lines == ["1 True True", "1", "0"]


def test_nothing_comes(on_carrier):
    assert on_carrier(
        "m = Modem(); c = make(m); c.send(b'x'); print(c.receive(5000), c.receive(5), c.margin_db())"
    ) == ["None None None"]


def test_a_node_with_other_tasks_looks_in_again_and_again(on_carrier):
    lines = on_carrier("""
m = Modem(); c = make(m)
c.send(b"x")
m.hears = [True, True, Packet(b"a")]
looks, found = 0, None
while found is None and looks < 1000:
    found = c.receive(0)
    looks += 1
    time.sleep_ms(10)
print(looks > 10, found)
""")
    assert lines == ["True b'a'"]


def test_channels_are_drawn_among_those_with_airtime(on_carrier):
    lines = on_carrier("""
m = Modem(); c = make(m, [0, 1, 0, 1])
for _ in range(4):
    c.send(b"x" * 20)
airtime.spend(4, 100, airtime.spare_ms(4, 100))
for _ in range(2):
    c.send(b"x" * 20)
print([e[0] for e in m.log])
airtime.spend(2, 100, airtime.spare_ms(2, 100))
print(c.room(), c.frames(500, 3000))
try:
    c.send(b"x")
except OSError as error:
    print(error.args[0])
""")
    assert lines == [
        "[868100, 869525, 868100, 869525, 868100, 868100]",
        "0 0",
        "no airtime left",
    ]


def test_the_slow_spreading_factor(on_carrier):
    lines = on_carrier("""
m = Modem(); c = make(m)
print(c.frame_max, c.frames(1000, 3000))
c.use_slow(True)
c.send(b"x")
c.receive(1000)
print(c.frame_max, c.frames(1000, 3000), m.log[0][1], m.log[1][2])
c = make(m, fallback_spreading_factor=None)
c.use_slow(True)
print(c.frame_max)
c.close()
print(m.log[-1])
""")
    assert lines == ["115 4", "80 1 12 12", "115", "sleep"]


def test_the_wait_before_a_conversation_is_drawn(on_carrier):
    lines = on_carrier("""
waits = []
for draw in (0, 255):
    c = make(Modem(), [draw])
    c._sleep_ms = waits.append
    c.open()
print(waits)
""")
    assert lines == ["[0, 1102]"]
