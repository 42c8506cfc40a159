"""The bridge's program where it runs: garbage without end, and the airtime it keeps. Both ends of the cable
together are in tests/gateway/carriers/test_bridge_talk.py, the whole board in test_bridge.py there."""

SCRIPT = """
import gc, struct
from node import bridge
from node.bridge import Bridge
from wire import bridge as cable

class Airtime:
    left = 1000
    def spend(self, band, now_s, ms):
        if ms > self.left:
            raise ValueError
        self.left -= ms
    def spare_ms(self, band, now_s):
        return self.left
    def refill(self, now_s):
        pass

class Modem:
    crc_errors = 0
    def standby(self): pass
    def configure(self, config): pass
    def start_recv(self, timeout_ms, continuous): pass
    def irq_triggered(self): return False
    def poll_recv(self): return True

out = []
airtime, kept = Airtime(), []
b = Bridge(lambda config: Modem(), airtime, lambda: 0, lambda: kept.append(1), out.append, 77, b"12345678", 1)
"""

FUZZ = """
state = 12345
def below(n):
    global state
    state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
    return (state >> 8) % n

setup = cable.line(cable.SETUP, 1, struct.pack(cable.SETUP_BODY, 869525, 9, 125))
b.received(setup)
b.turn()
gc.collect()
held = []
for turn in range(6000):
    kind = below(4)
    if kind == 0:
        piece = bytes([below(256) for _ in range(below(60))])
    elif kind == 1:
        piece = bytearray(setup)
        piece[below(len(piece))] ^= 1 << below(8)
        piece = bytes(piece)
    elif kind == 2:
        piece = cable.line(below(32), below(256), bytes([below(256) for _ in range(below(40))]))
    else:
        piece = b"x" * 90
    b.received(piece)
    b.turn()
    out.clear()
    if turn % 2000 == 1999:
        gc.collect()
        held.append(gc.mem_alloc())
b.received(b"\\n" + cable.line(cable.ASK, 9))
(kind, number, body), = [m for m in cable.Lines().feed(out[-1])]
print(kind, number, body[5:13], b._lines.garbled > 1000, b._lines.others > 500, held[2] - held[0] < 2000)
"""


def test_garbage_without_end_on_the_node(micropython):
    out = micropython(SCRIPT + FUZZ, heap="100k")
    assert out.strip() == "1 9 b'12345678' True True True"


def test_airtime_is_entered_before_it_is_used_and_never_exceeded(micropython):
    out = micropython(
        SCRIPT
        + """
b.received(cable.line(cable.SETUP, 1, struct.pack(cable.SETUP_BODY, 869525, 9, 125)))
b.turn()
for number in range(2, 9):
    clock = (b._clock() + number * 1000000) & 0xFFFFFFFF
    head = struct.pack(cable.SEND_BODY, 77, clock, 869525, 9, 125, 14)
    b.received(cable.line(cable.SEND, number, head + bytes(24)))
lines = cable.Lines()
done = [m[2][0] for piece in out for m in lines.feed(piece) if m[0] == cable.DONE]
print(done, airtime.left, len(kept))
"""
    )
    # 24 bytes at SF9 take 206 ms, of 1000 that are left
    assert out.strip() == "[0, 0, 0, 0, 0, 2, 2, 2] 176 4"


def test_without_a_channel_it_is_silent(micropython):
    out = micropython(SCRIPT + "b.turn(); print(b._modem, [m[0] for m in cable.Lines().feed(b''.join(out))])")
    assert out.strip() == "None [1, 4]"


def test_settings_of_a_bridge(micropython):
    out = micropython("""
from node.settings import check
check({"role": "bridge", "sx1262": {}})
for bad in ({"role": "bridge"}, {"role": "bridge", "sx1262": 3}):
    try:
        check(bad)
    except ValueError as error:
        print(error)
""")
    assert out.split("\n")[:2] == ["settings lack sx1262"] * 2
