"""docs/nginx.conf before a real gateway: what the page is sure of directly, it is sure of behind TLS too."""

import asyncio
import http.client
import shutil
import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress
from email.message import Message
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode

import pytest

from gateway.web.sessions import TRIES
from gateway.web.users import FILE_NAME, User, hashed, write_users
from tests.security.attacked import PAGE_NAME as NAME
from tests.security.attacked import Attacked
from tools.installation.authority import make_authority, make_server
from tools.servers import HOST, Server, free_port

pytestmark = pytest.mark.servers
EXAMPLE = Path(__file__).parents[2] / "docs/nginx.conf"
WITHIN_S = 60.0
PASSWORD = "a long password for a trial"


class Nginx(Server):
    """The example as it stands, but for ports, names and places."""

    name = "nginx"
    program = "nginx"
    package = "nginx-light"

    def __init__(self, directory: Path, page_port: int) -> None:
        super().__init__(directory)
        self._page_port = page_port
        make_authority(directory / "ca", "trial")
        make_server(directory, directory / "ca", ["localhost"])

    def _arguments(self) -> Sequence[str]:
        text = EXAMPLE.read_text()
        for old, new in {
            f"/etc/ssl/{NAME}.pem": str(self.directory / "server.pem"),
            f"/etc/ssl/private/{NAME}.key": str(self.directory / "server.key"),
            "listen 443": f"listen {HOST}:{self.port}",
            "listen 80;": f"listen {HOST}:{free_port()};",
            "127.0.0.1:8080": f"{HOST}:{self._page_port}",
        }.items():
            assert old in text, old
            text = text.replace(old, new)
        (self.directory / "site.conf").write_text(text.replace(NAME, "localhost"))
        temporary = "".join(
            f"{kind}_temp_path {self.directory}/{kind};\n"
            for kind in ("client_body", "proxy", "fastcgi", "scgi", "uwsgi")
        )
        (self.directory / "nginx.conf").write_text(
            f"daemon off;\nuser root;\npid {self.directory}/pid;\nerror_log stderr;\n"
            f"events {{}}\nhttp {{\naccess_log off;\n{temporary}include {self.directory}/site.conf;\n}}\n"
        )
        return ["-c", str(self.directory / "nginx.conf"), "-p", str(self.directory)]

    @property
    def tls(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.directory / "ca/ca.pem"))


@pytest.fixture(scope="module")
def proxy(attacked: Attacked, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    if not (shutil.which("nginx") or Path("/usr/sbin/nginx").exists()):
        pytest.skip("nginx is not installed: apt-get install nginx-light")
    folder = tmp_path_factory.mktemp("nginx")
    (folder / "ca").mkdir()
    write_users(attacked.places.data / FILE_NAME, {"Vakt": User("operator", hashed(PASSWORD))})
    with Nginx(folder, attacked.page_port) as nginx:
        yield nginx


class Answer(NamedTuple):
    status: int
    headers: Message
    body: bytes


def asked(
    proxy: Nginx,
    path: str,
    form: Mapping[str, str] | None = None,
    *,
    from_: str = HOST,
    more: Mapping[str, str] | None = None,
) -> Answer:
    """Ask through the proxy, as a visitor at the address `from_`; with `form` it is sent."""
    through = http.client.HTTPSConnection(
        "localhost", proxy.port, timeout=WITHIN_S, context=proxy.tls, source_address=(from_, 0)
    )
    return sent(through, path, form, more or {})


def sent(
    connection: http.client.HTTPConnection, path: str, form: Mapping[str, str] | None, more: Mapping[str, str]
) -> Answer:
    headers = {**more, **({} if form is None else {"Content-Type": "application/x-www-form-urlencoded"})}
    method, body = ("GET", None) if form is None else ("POST", urlencode(form))
    with closing(connection):
        connection.request(method, path, body, headers)
        with connection.getresponse() as answer:
            return Answer(answer.status, answer.headers, answer.read())


def test_the_page_is_there_and_its_headers_too(proxy: Nginx) -> None:
    answer = asked(proxy, "/")
    assert answer.status == 200
    assert "default-src 'none'" in (answer.headers["Content-Security-Policy"] or "")
    assert answer.headers["Strict-Transport-Security"]


def test_it_answers_to_the_name_it_has_been_given_and_to_no_other(proxy: Nginx) -> None:
    assert asked(proxy, "/", more={"Host": NAME}).status == 200
    assert asked(proxy, "/", more={"Host": f"{NAME}:443"}).status == 200
    assert asked(proxy, "/", more={"Host": "evil.example"}).status == 421


def test_the_session_is_for_tls_alone(proxy: Nginx) -> None:
    origin = {"Origin": f"https://localhost:{proxy.port}", "Sec-Fetch-Site": "same-origin"}
    answer = asked(proxy, "/login", {"name": "Vakt", "password": PASSWORD}, more=origin)
    assert answer.status == 303
    cookie = answer.headers["Set-Cookie"].lower()
    assert {"secure", "httponly", "samesite=strict"} <= {part.strip() for part in cookie.split(";")}
    known = {"Cookie": answer.headers["Set-Cookie"].partition(";")[0]}
    assert b"Vakt" in asked(proxy, "/alerts", more=known).body


def test_a_form_from_another_site_is_refused(proxy: Nginx) -> None:
    form = {"name": "Vakt", "password": PASSWORD}
    assert asked(proxy, "/login", form, more={"Origin": "https://evil.example"}).status == 403
    assert asked(proxy, "/login", form, more={"Sec-Fetch-Site": "cross-site"}).status == 403


def test_who_guesses_is_stopped_by_its_own_address_and_nobody_else(attacked: Attacked, proxy: Nginx) -> None:
    """Also where it says in each try that it is somebody else."""

    def guess(number: int, from_: str) -> int:
        form = {"name": f"nobody-{from_}-{number}", "password": "x"}
        spoofed = {"X-Forwarded-For": f"10.0.0.{number}", "X-Real-IP": f"10.0.0.{number}"}
        return asked(proxy, "/login", form, from_=from_, more=spoofed).status

    assert [guess(number, "127.0.0.2") for number in range(TRIES + 1)] == [401] * TRIES + [429]
    assert guess(0, "127.0.0.3") == 401
    log = attacked.gateway.log_path.read_text()
    assert "127.0.0.2" in log
    assert "10.0.0." not in log


def test_who_does_not_come_through_the_proxy_is_not_believed_either(attacked: Attacked, proxy: Nginx) -> None:
    def guess(number: int) -> int:
        direct = http.client.HTTPConnection(
            HOST, attacked.page_port, timeout=WITHIN_S, source_address=("127.0.0.4", 0)
        )
        form = {"name": f"direct-{number}", "password": "x"}
        return sent(direct, "/login", form, {"X-Forwarded-For": f"10.0.0.{number}"}).status

    assert [guess(number) for number in range(TRIES + 1)] == [401] * TRIES + [429]


async def test_what_happens_comes_through_at_once(attacked: Attacked, proxy: Nginx) -> None:
    """Server-sent events: a record is on the open page while the connection stays open."""
    connection = http.client.HTTPSConnection("localhost", proxy.port, timeout=WITHIN_S, context=proxy.tls)

    def opened() -> http.client.HTTPResponse:
        connection.request("GET", "/events")
        return connection.getresponse()

    def until_card(stream: http.client.HTTPResponse) -> None:
        while b"event: card" not in (line := stream.readline()):
            assert line, "the stream has ended"

    with closing(connection), await asyncio.to_thread(opened) as stream:
        assert stream.status == 200
        assert str(stream.headers["Content-Type"]).startswith("text/event-stream")
        await attacked.goes_on(page=False)
        await asyncio.to_thread(until_card, stream)


def test_a_body_that_is_too_large_ends_at_the_proxy(proxy: Nginx) -> None:
    with suppress(ConnectionError, ssl.SSLError):  # it may be cut off before all of it was sent
        assert asked(proxy, "/login", {"name": "x" * 100_000}).status == 413


def test_the_example_is_the_one_that_is_documented() -> None:
    operations = (EXAMPLE.parent / "operations.md").read_text()
    assert "(nginx.conf)" in operations
