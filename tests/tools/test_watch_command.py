import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from typer.testing import CliRunner

from gateway.sending import DeliveryError
from tools.watch_command import Watcher, answers, app, run, tell


def test_silence_is_told_once_and_the_return_too() -> None:
    watcher, told = Watcher(900, 0.0), []
    for minute in range(60):
        what = watcher.step(alive=not 10 <= minute < 40, now_s=60.0 * minute)
        if what:
            told.append((minute, what))
            watcher.told(what)
    assert told == [(24, "silent"), (40, "back")]


def test_what_no_channel_took_is_told_again() -> None:
    watcher = Watcher(0, 0.0)
    assert watcher.step(False, 60.0) == "silent"
    assert watcher.step(False, 120.0) == "silent"
    watcher.told("silent")
    assert watcher.step(False, 180.0) is None


class Enough(Exception):
    pass


def test_it_looks_and_tells_through_the_channel_that_works(capsys: pytest.CaptureFixture[str]) -> None:
    sent: list[tuple[str, str]] = []
    looks = iter([True, False, False, True])

    def alive() -> bool:
        try:
            return next(looks)
        except StopIteration:
            raise Enough from None

    def send(url: str, title: str, _body: str) -> str:
        if url.startswith("down"):
            raise DeliveryError("down")
        sent.append((url, title))
        return "taken"

    with pytest.raises(Enough):
        run(Watcher(0, 0.0), alive, ["down://x", "up://y"], 0.0, "Narvik", send, lambda _: None)
    assert [url for url, _ in sent] == ["up://y", "up://y"]
    assert "silent" in sent[0][1]
    assert "answers again" in sent[1][1]
    assert "down: down" in capsys.readouterr().err
    assert not tell(["down://x"], "N", "silent", Watcher(0, 0.0), send)


@pytest.fixture
def gateway() -> Iterator[str]:
    class Health(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/healthz" else 503)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Health) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_one_look(gateway: str) -> None:
    assert answers(f"{gateway}/healthz")
    assert not answers(f"{gateway}/unwell")
    assert not answers("http://127.0.0.1:1/healthz")
    result = CliRunner().invoke(app, [f"{gateway}/healthz", "--to", "json://x", "--once", "--json"])
    assert (result.exit_code, '"alive": true' in result.stdout) == (0, True)
    assert CliRunner().invoke(app, [f"{gateway}/unwell", "--to", "json://x", "--once"]).exit_code == 6
    assert CliRunner().invoke(app, ["gateway", "--to", "json://x"]).exit_code == 2
