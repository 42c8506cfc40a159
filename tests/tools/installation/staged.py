"""An installation below a folder of the test's own, and its broker started for real from what was written."""

import os
import shutil
import signal
import ssl
from collections.abc import Sequence
from pathlib import Path

from device_configs.compile import schemas
from device_configs.loader import load_site
from tests.gateway.talking_node import TalkingNode, record
from tools.installation import broker
from tools.installation.choices import Broker, Choices
from tools.installation.places import Places
from tools.node.credentials import Credentials
from tools.servers import Server, free_port
from wire.frame import ACK_REQUESTED, DATA
from wire.records import Record, encode

SITE = Path(__file__).parents[3] / "device_configs" / "sites" / "narvik-demo"
SITE_ID = "narvik-demo"


def staged(root: Path) -> Places:
    """Return places below `root` with the folders an installation has, owned by whoever runs the test."""
    places = Places(root)
    for folder in (places.authority, places.broker, places.secrets, places.data / "broker", places.versions):
        folder.mkdir(parents=True, mode=0o700)
    shutil.copytree(SITE, places.sites / SITE_ID)
    return places


class InstalledBroker(Server):
    """Mosquitto as the installation configures it, at a free port and with the paths of a staged root."""

    name = "mosquitto"
    program = "mosquitto"
    package = "mosquitto"

    def __init__(self, places: Places) -> None:
        self.choices = Choices(broker=Broker(port=free_port()))
        super().__init__(places.root / "run", self.choices.broker.port)
        self.places = places
        broker.prepare(places, self.choices, load_site(places.site).id)

    @property
    def credentials(self) -> Credentials:
        return Credentials(self.places.data, SITE_ID)

    @property
    def tls(self) -> ssl.SSLContext:
        """What a node believes: certificates of the own CA only."""
        return ssl.create_default_context(cafile=str(self.places.settings / "ca.pem"))

    def _arguments(self) -> Sequence[str]:
        text = (self.places.broker / "mosquitto.conf").read_text()
        text = text.replace(str(broker.ACCESS), str(self.places.data / "broker"))
        text = text.replace("/etc/sensornett", str(self.places.settings))
        text = text.replace(broker.STATE, str(self.directory))
        configuration = self.directory / "mosquitto.conf"
        configuration.write_text(text if os.geteuid() else f"{text}user root\n")
        return ["-c", str(configuration)]

    def reload(self) -> None:
        """Send the signal that the unit `sensornett-access` sends."""
        self._signal(signal.SIGHUP)


class SiteNode(TalkingNode):
    """A node of the site that reports as its profile there says."""

    def bring(self, seq: int, measured_at_s: int) -> bytes:
        """Return a sealed report of one record."""
        quantities = schemas(load_site(SITE))[1]
        full = record(seq, measured_at_s)
        cut = len(quantities)
        made, body = encode(
            1, quantities, self.epoch, None, [Record(seq, full.time, full.values[:cut], full.quality[:cut])]
        )
        return self.seal(DATA, made | ACK_REQUESTED, body)
