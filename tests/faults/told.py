"""Where a gateway's messages arrive: a webhook on a port of its own."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self

from tools.servers import HOST

RECIPIENTS = ("vei", "bygg", "beredskap")


class Told:
    """Collects what is sent between entering and leaving."""

    def __init__(self) -> None:
        bodies = self.bodies = list[str]()

        class Taking(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                bodies.append(sent["message"])
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer((HOST, 0), Taking)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def says(self, text: str) -> bool:
        """Whether a message with this text has arrived."""
        return any(text in body for body in self.bodies)


def channels_to(state: Path, port: int) -> None:
    """Let a gateway of the demonstration site send everything to that port."""
    ways = [f'  - {{recipient: {name}, url: "json://{HOST}:{port}/"}}\n' for name in RECIPIENTS]
    path = state / "channels.yaml"
    path.write_text("channels:\n" + "".join(ways))
    path.chmod(0o600)
