"""Sessions end by themselves; guessing is slow."""

import pytest

from gateway.web.sessions import ALL_TRIES, IDLE_S, LIFE_S, SESSIONS_MAX, TRIES, TRIES_S, Sessions, Tries
from gateway.web.users import User

viewer, operator = User("viewer", "hash"), User("operator", "hash")


class Clock:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def test_a_session_is_found_by_its_cookie_until_it_ends() -> None:
    clock = Clock()
    sessions = Sessions(clock)
    key, other = sessions.begin("Vakt", operator), sessions.begin("Leser", viewer)
    assert len(key) >= 43  # 256 bits
    found = sessions.find(key)
    assert found is not None
    assert (found.name, found.acts) == ("Vakt", True)
    assert found.sent_by_us(found.csrf)
    assert not found.sent_by_us("")
    assert not found.sent_by_us("æ")
    assert sessions.find("guess") is None
    sessions.end(key)
    assert sessions.find(key) is None
    reader = sessions.find(other)
    assert reader is not None
    assert not reader.acts


def test_idle_and_old_sessions_end() -> None:
    clock = Clock()
    sessions = Sessions(clock)
    idle = sessions.begin("Vakt", operator)
    clock.now_s += IDLE_S + 1
    assert sessions.find(idle) is None
    old = sessions.begin("Vakt", operator)
    for _ in range(LIFE_S // IDLE_S):
        clock.now_s += IDLE_S
        assert sessions.find(old) is not None
    clock.now_s += IDLE_S
    assert sessions.find(old) is None


def test_there_are_so_many_and_the_least_used_gives_way() -> None:
    clock = Clock()
    sessions = Sessions(clock)
    first = sessions.begin("a", viewer)
    for _ in range(SESSIONS_MAX - 1):
        clock.now_s += 1
        sessions.begin("b", viewer)
    clock.now_s += 1
    last = sessions.begin("c", viewer)
    assert sessions.find(first) is None
    assert sessions.find(last) is not None


@pytest.mark.parametrize(("name", "address"), [("Vakt", "other"), ("other", "10.0.0.9")])
def test_one_name_and_one_address_wait_after_some_failures(name: str, address: str) -> None:
    clock = Clock()
    tries = Tries(clock)
    for _ in range(TRIES):
        assert tries.wait_s(name, address) == 0
        tries.failed("Vakt", "10.0.0.9")
    assert tries.wait_s(name, address) == TRIES_S
    assert tries.wait_s("somebody", "elsewhere") == 0
    clock.now_s += TRIES_S + 1
    assert tries.wait_s(name, address) == 0


def test_everybody_waits_after_many() -> None:
    tries = Tries(Clock())
    for i in range(ALL_TRIES):
        tries.failed(f"n{i}", f"a{i}")
    assert tries.wait_s("new", "new") > 0
