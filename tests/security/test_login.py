"""Attacks on the login of a whole gateway: each gets nowhere, and page and ingest go on."""

import http.client
import re
from collections.abc import Mapping

import pytest

from gateway.web.door import COOKIE
from gateway.web.sessions import TRIES
from gateway.web.users import FILE_NAME, User, hashed, write_users
from tests.security.attacked import Attacked
from tests.security.test_proxy import Answer, sent
from tools.servers import HOST

pytestmark = pytest.mark.servers
PASSWORD = "a long password for a trial"


@pytest.fixture(scope="module")
def users(attacked: Attacked) -> Attacked:
    known = {name: User("operator", hashed(PASSWORD)) for name in ("Vakt", "Reserve", "Kari")}
    write_users(attacked.places.data / FILE_NAME, known)
    return attacked


def ask(
    attacked: Attacked,
    path: str,
    form: Mapping[str, str] | None = None,
    *,
    cookie: str = "",
    from_: str = HOST,
    more: Mapping[str, str] | None = None,
) -> Answer:
    connection = http.client.HTTPConnection(HOST, attacked.page_port, timeout=60, source_address=(from_, 0))
    headers = {**({"Cookie": f"{COOKIE}={cookie}"} if cookie else {}), **(more or {})}
    return sent(connection, path, form, headers)


def login(attacked: Attacked, name: str, password: str = PASSWORD, **how: str) -> Answer:
    return ask(attacked, "/login", {"name": name, "password": password}, **how)  # type: ignore[arg-type]


def cookie_of(answer: Answer) -> str:
    found = re.match(rf"{COOKIE}=([^;]+)", str(answer.headers["Set-Cookie"]))
    assert found is not None, answer
    return found[1]


async def test_a_session_can_not_be_fixed_beforehand(users: Attacked) -> None:
    """Whoever has planted a cookie in somebody's browser does not know the one they are given."""
    planted = "A" * 43
    given = cookie_of(login(users, "Vakt", cookie=planted))
    assert given != planted
    assert len(given) >= 43  # 256 bits
    assert b"Logg ut" not in ask(users, "/alerts", cookie=planted).body
    assert b"Logg ut" in ask(users, "/alerts", cookie=given).body
    assert cookie_of(login(users, "Vakt")) != given, "each login has a session of its own"
    await users.goes_on()


async def test_a_cookie_from_before_the_logout_is_worthless(users: Attacked) -> None:
    given = cookie_of(login(users, "Vakt"))
    token = re.search(rb'name="csrf" value="([^"]+)"', ask(users, "/alerts", cookie=given).body)
    assert token is not None
    assert ask(users, "/logout", {"csrf": token[1].decode()}, cookie=given).status == 303
    assert b"Logg ut" not in ask(users, "/alerts", cookie=given).body
    await users.goes_on()


@pytest.mark.parametrize(
    ("token", "more"),
    [
        ("", {}),
        ("guess", {}),
        ("true", {"Origin": "https://evil.example"}),
        ("true", {"Sec-Fetch-Site": "cross-site"}),
        ("other", {}),
    ],
)
async def test_no_other_site_can_act_in_somebodys_name(
    users: Attacked, token: str, more: Mapping[str, str]
) -> None:
    """CSRF: no token, a guess, the true one from elsewhere, and that of the attacker's own session."""
    victim, attacker = cookie_of(login(users, "Vakt")), cookie_of(login(users, "Reserve"))
    whose = {"true": victim, "other": attacker}.get(token)
    if whose:
        found = re.search(rb'name="csrf" value="([^"]+)"', ask(users, "/alerts", cookie=whose).body)
        assert found is not None
        token = found[1].decode()
    form = {"do": "ack", "id": "rista-tettes/11", "csrf": token}
    assert ask(users, "/alerts", form, cookie=victim, more=more).status == 403
    await users.goes_on()


async def test_guessing_ends_soon_and_only_for_who_guesses(users: Attacked) -> None:
    """One name from many addresses, and many names from one: both end. Others log in meanwhile."""
    by_name = [login(users, "Kari", f"guess-{i}", from_=f"127.0.1.{i}").status for i in range(1, TRIES + 2)]
    assert by_name == [401] * TRIES + [429]
    late = login(users, "Kari", from_="127.0.1.99")
    assert (late.status, int(late.headers["Retry-After"]) > 0) == (429, True), "not even with the right one"
    by_address = [login(users, f"name-{i}", "x", from_="127.0.2.1").status for i in range(TRIES + 1)]
    assert by_address == [401] * TRIES + [429]
    assert login(users, "Vakt", from_="127.0.2.2").status == 303
    await users.goes_on()


@pytest.mark.parametrize("content", ["{", "[" * 100_000, '{"Vakt": 7}', '{"Vakt": {"role": "root"}}', "\x00"])
async def test_users_that_can_not_be_read_let_nobody_in_and_stop_nothing(
    users: Attacked, content: str
) -> None:
    file = users.places.data / FILE_NAME
    whole, given = file.read_bytes(), cookie_of(login(users, "Reserve", from_="127.0.3.1"))
    file.write_text(content)
    try:
        assert login(users, "Reserve", from_="127.0.3.1").status == 503
        assert b"Logg ut" not in ask(users, "/alerts", cookie=given).body
        await users.goes_on()
    finally:
        file.write_bytes(whole)
