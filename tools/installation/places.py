"""Where everything of an installed gateway is, below a root: the machine's own, or one made for a trial."""

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

PROGRAM = PurePosixPath("/opt/sensornett")
SETTINGS = PurePosixPath("/etc/sensornett")
DATA = PurePosixPath("/var/lib/sensornett")
USER, BROKER_USER = "sensornett", "sensornett-broker"


class InstallError(Exception):
    """It cannot be done, or was undone; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Places:
    """Paths as this process reaches them. `data` is where the running gateway keeps its state."""

    root: Path = Path("/")
    data_path: PurePosixPath = DATA

    def inside(self, path: PurePosixPath | str) -> Path:
        """Return where an absolute path of the installed machine is, seen from here."""
        return self.root / str(path).lstrip("/")

    @property
    def whole_machine(self) -> bool:
        return self.root == Path("/")

    @property
    def program(self) -> Path:
        return self.inside(PROGRAM)

    @property
    def versions(self) -> Path:
        return self.program / "versions"

    @property
    def current(self) -> Path:
        """A symbolic link to the version that runs."""
        return self.program / "current"

    @property
    def command(self) -> Path:
        return self.inside("/usr/local/bin/sensornett")

    @property
    def settings(self) -> Path:
        return self.inside(SETTINGS)

    @property
    def sites(self) -> Path:
        """Holds one folder: the site's, named by its id."""
        return self.settings / "sites"

    @property
    def site(self) -> Path:
        """The site's folder. Raises InstallError where there is none."""
        found = sorted(self.sites.iterdir()) if self.sites.is_dir() else []
        if len(found) != 1:
            raise InstallError(
                f"{self.sites}: there has to be one folder, the site's; there are {len(found)}"
            )
        return found[0]

    @property
    def secrets(self) -> Path:
        """Readable by root alone; the services get what they need as systemd credentials."""
        return self.settings / "secrets"

    @property
    def authority(self) -> Path:
        """The own CA: ca.pem and, readable by root alone, ca.key."""
        return self.settings / "authority"

    @property
    def broker(self) -> Path:
        """What Mosquitto reads at its start: mosquitto.conf, server.pem, server.key."""
        return self.settings / "broker"

    @property
    def data(self) -> Path:
        return self.inside(self.data_path)

    @property
    def units(self) -> Path:
        return self.inside("/etc/systemd/system")
