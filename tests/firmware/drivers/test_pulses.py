"""Pulses: wraps, cleared counters and bouncing contacts, on both runtimes."""

from hypothesis import given
from hypothesis import strategies as st

from drivers.pulses import counter_step
from wire.quantities import ESTIMATED, FAULT, OK


class Counter:
    """A 16-bit counter that shows these values in turn; None is an error of it."""

    def __init__(self, values):
        self.values = list(values)

    def value(self):
        value = self.values.pop(0)
        if value is None:
            raise OSError("no counter")
        return value


class Clock:
    """Ticks as on an ESP32, about to wrap."""

    def __init__(self):
        self.now_ms = 0

    def ticks_ms(self):
        return (2**30 - 1000 + self.now_ms) % 2**30


def steps(vectors):
    from drivers.pulses import counter_step

    return [list(counter_step(*vector)) for vector in vectors]


def totals(vectors):
    from drivers.pulses import Pulses

    results = []
    for values, step_ms, total in vectors:
        clock = Clock()
        pulses = Pulses(Counter(values), clock.ticks_ms, total)
        readings = []
        for _ in values:
            clock.now_ms += step_ms
            readings.append(list(pulses.read()))
        results.append([readings, pulses.clearings, pulses.fault])
    return results


def contacts(vectors):
    from drivers.pulses import ContactCounter

    results = []
    for times, bounce_ms in vectors:
        clock = Clock()
        contact = ContactCounter(clock.ticks_ms, bounce_ms)
        for ms in times:
            clock.now_ms = ms
            contact.edge()
        results.append(contact.value())
    return results


def test_golden_steps(on_both):
    cases = [
        ((0, 0, 10_000, 17), (0, False)),
        ((100, 150, 10_000, 17), (50, False)),
        ((65_530, 10, 10_000, 17), (16, False)),  # wrapped
        ((32_767, -32_768, 10_000, 17), (1, False)),  # wrapped, where the counter is signed
        ((-3, 4, 10_000, 17), (7, False)),
        ((30_000, 12, 10_000, 17), (12, True)),  # cleared
        ((30_000, 0, 10_000, 17), (0, True)),
        ((0, 200, 10_000, 17), (200, True)),  # more than there can have been
        ((5, 7, 0, 17), (2, False)),
    ]
    assert on_both(steps, [list(case) for case, _ in cases]) == [list(expected) for _, expected in cases]


@given(st.integers(0, 2**40), st.integers(0, 100_000), st.integers(1, 40))
def test_any_possible_number_of_pulses_is_counted_over_a_wrap(before, elapsed_ms, most_per_s):
    pulses = min(most_per_s * elapsed_ms // 1000, 32_767)
    assert counter_step(before & 0xFFFF, before + pulses & 0xFFFF, elapsed_ms, most_per_s) == (pulses, False)


@given(st.integers(-(2**15), 2**16), st.integers(-(2**15), 2**16), st.integers(0, 2**30))
def test_steps_are_never_negative(previous, current, elapsed_ms):
    assert 0 <= counter_step(previous, current, elapsed_ms, 17)[0] <= 0xFFFF


def test_totals_go_on(on_both):
    found = on_both(
        totals,
        [
            [[50, 100, 60_000, 20], 3_600_000, 1000],
            [[100, 100, 3, None, 9], 10_000, 0],
        ],
        needs=[Counter, Clock],
    )
    assert found[0] == [[[1050, OK], [1100, OK], [61_000, OK], [66_556, OK]], 0, None]
    assert found[1] == [[[100, OK], [100, OK], [103, ESTIMATED], [None, FAULT], [109, OK]], 1, None]


def test_a_fault_is_said_in_words(on_both):
    assert on_both(totals, [[[None], 1000, 0]], needs=[Counter, Clock])[0][2] == (
        "no value from the counter: no counter"
    )


def test_bouncing_contacts_count_once(on_both):
    cases = [
        ([0, 1, 3, 8, 20], 1),
        ([0, 100, 200], 3),
        ([0, 2, 100, 103, 104, 250], 3),
        ([0, 40, 80, 120], 1),  # never quiet for 50 ms
        ([900, 990, 1000, 1100], 3),  # over the wrap of the ticks
        ([], 0),
    ]
    assert on_both(contacts, [[times, 50] for times, _ in cases], needs=[Clock]) == [
        count for _, count in cases
    ]


class Pin:
    """A contact with a pull-up: 1 open, 0 closed."""

    def __init__(self):
        self.level = 1

    def value(self):
        return self.level


class Kept:
    """What survives a reset; None while there is nothing. It can be full."""

    def __init__(self):
        self.total = None
        self.full = False

    def get(self):
        return self.total

    def set(self, total):
        if self.full:
            raise OSError("full")
        self.total = total


class Hardware:
    """A node's buses. tip() closes and opens the contact as one tip of a bucket does."""

    def __init__(self):
        self.clock = Clock()
        self.ticks_ms = self.clock.ticks_ms
        self.store = Kept()
        self.pin = Pin()
        self.names = []

    def kept(self, name):
        self.names.append(name)
        return self.store

    def contact(self, bus, closed):
        self.closed = closed
        return self.pin

    def tip(self):
        for ms in (0, 1, 2, 90, 1, 1):  # bounces when it closes and when it opens
            self.clock.now_ms += ms
            self.closed(self.pin)
        self.clock.now_ms += 1000


def life(vectors):
    """What a node reads through steps: a number of tips, then "read", "poll", "reset" and so on."""
    from drivers.pulses import attach

    results = []
    for steps in vectors:
        hardware = Hardware()
        gauge = attach(hardware, [{"bus": {"pin": 33}, "bounce_ms": 400}])
        seen = []
        for step in steps:
            if step == "reset":
                gauge = attach(hardware, [{"bus": {"pin": 33}, "bounce_ms": 400}])
            elif step == "poll":
                gauge.poll()
            elif step == "read":
                ((value, quality),) = gauge.read()
                seen.append([value, quality, gauge.fault])
            elif step == "close" or step == "open":
                hardware.pin.level = step == "open"
            elif step == "full" or step == "free":
                hardware.store.full = step == "full"
            else:
                for _ in range(step):
                    hardware.tip()
        results.append([seen, hardware.store.total, hardware.names[0]])
    return results


def test_golden_lives(on_both):
    shut = "closed since the last reading: stuck or short circuit"
    full = "the total can not be kept: full"
    cases = [
        (["read"], [[0, ESTIMATED, None]], 0),
        ([3, "read", 2, "read", "read"], [[3, ESTIMATED, None], [5, OK, None], [5, OK, None]], 5),
        # The first reading after a start says that some may be missing; none is counted twice.
        ([3, "poll", "reset", 1, "read", 1, "read"], [[4, ESTIMATED, None], [5, OK, None]], 5),
        ([2, "read", 1, "reset", "read"], [[2, ESTIMATED, None], [2, ESTIMATED, None]], 2),
        # A contact that is closed once is a tip on its way, one that stays closed is no bucket.
        (
            ["read", "close", "read", "read", 1, "read", "open", "read"],
            [[0, ESTIMATED, None], [0, OK, None], [None, FAULT, shut], [1, OK, None], [1, OK, None]],
            1,
        ),
        # What can not be kept is not said, and not forgotten either.
        (
            [1, "read", "full", 2, "poll", "read", "free", "read"],
            [[1, ESTIMATED, None], [None, FAULT, full], [3, OK, None]],
            3,
        ),
    ]
    found = on_both(life, [steps for steps, _, _ in cases], needs=[Clock, Pin, Kept, Hardware])
    assert found == [[seen, kept, "pulses33"] for _, seen, kept in cases]


STEPS = st.lists(st.integers(1, 3) | st.sampled_from(["read", "poll", "reset"]), max_size=40)


@given(STEPS)
def test_totals_never_fall_and_never_count_a_tip_twice(steps):
    ((seen, _, _),) = life([[*steps, "read"]])
    totals = [value for value, _, _ in seen]
    assert totals == sorted(totals)
    assert totals[-1] <= sum(step for step in steps if isinstance(step, int))


@given(STEPS)
def test_with_a_poll_before_each_reset_no_tip_is_lost(steps):
    polled = []
    for step in steps:
        polled += ["poll", "reset"] if step == "reset" else [step]
    ((seen, _, _),) = life([[*polled, "read"]])
    assert seen[-1][0] == sum(step for step in steps if isinstance(step, int))
