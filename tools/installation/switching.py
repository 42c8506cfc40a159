"""From one version to another, or to the first: everything is made ready, then one link is turned.

A version that is not healthy afterwards is taken back: link, unit files, choices, site and, where the new
version changed its schema, the store are as they were before.
"""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from device_configs.loader import load_site
from gateway.store import STORE_NAME
from tools.installation import accounts, broker, site_folder, units
from tools.installation.choices import APPLIED, FILE, Choices, read_choices
from tools.installation.databases import copy_database, remove_database, schema_differs
from tools.installation.places import InstallError, Places
from tools.installation.services import Services

COPY = "store.before-upgrade.db"  # of the store, while a new version with another schema is tried
NOT_TAKEN = "store.not-taken.db"  # what that version wrote, where it was taken back


@dataclass(frozen=True, slots=True)
class Switch:
    """`healthy` waits and returns what is wrong with what runs now, or nothing; `say` tells people."""

    places: Places
    services: Services
    healthy: Callable[[bool], str]
    say: Callable[[str], None]

    def to(self, version: Path, choices: Choices, site: Path | None) -> None:
        """Make `version` the one that runs, with `choices` and the site in the folder `site` (None: as is).

        Raises ConfigError before anything is changed, InstallError where the version before was put back.
        """
        places, services = self.places, self.services
        id_ = load_site(site or places.site).id
        before = str(places.current.readlink()) if places.current.is_symlink() else None
        applied = places.settings / APPLIED
        old_choices = read_choices(applied) if before and applied.exists() else None
        if before and not (places.data / "keys.json").exists():
            raise InstallError(
                f"{places.data}: the gateway's data is not there. Stop the services, move its folder there "
                "as a whole, and give this command again."
            )
        old_files = self._make_ready(choices, site, id_)
        runs = units.started(choices)
        services.stop([*reversed(runs)] if old_choices is None else [*reversed(units.started(old_choices))])
        store_copied = self._copy_store()
        self._turn(str(Path("versions", version.name)))
        services.enable(runs)
        if off := [unit for unit in units.OPTIONAL if unit not in runs]:
            services.disable(off)
        trouble = self._started(choices)
        if trouble and before is not None and old_choices is not None:
            services.stop([*reversed(runs)])
            self._turn(before)
            units.write(places, old_files)
            site_folder.put_back(places)
            broker.prepare(places, old_choices, load_site(places.site).id)
            if store_copied:
                self._put_store_back()
            accounts.make_folders(places)
            again = self._started(old_choices)
            which = "The version before is not well either:" if again else "The version before runs again."
            raise InstallError(f"the new version is not well: {trouble}\n{which} {again}".rstrip())
        if trouble:
            raise InstallError(f"the gateway is installed, but it is not well: {trouble}")
        applied.write_bytes((places.settings / FILE).read_bytes())
        site_folder.keep(places)
        remove_database(places.data / COPY)
        for folder in places.versions.iterdir():
            if folder.name not in {version.name, Path(before or "").name}:
                shutil.rmtree(folder)

    def _make_ready(self, choices: Choices, site: Path | None, id_: str) -> units.Files:
        """Write everything but the link; return the system's files as they were before."""
        places = self.places
        before = units.write(places, units.files(choices, id_))
        accounts.make_users(places)
        accounts.make_folders(places)
        if site is not None:
            site_folder.take(places, site, id_)
        (places.secrets / "influx").touch(mode=0o600)
        keys = places.data / "keys.json"
        if not keys.exists():
            keys.touch(mode=0o600)
            keys.write_text('{"nodes": {}}\n')
        broker.prepare(places, choices, id_)
        if choices.backup is not None:
            places.inside(choices.backup.folder).mkdir(mode=0o700, parents=True, exist_ok=True)
        accounts.make_folders(places)  # once more, for the files that are new
        return before

    def _started(self, choices: Choices) -> str:
        """Start everything; return what is wrong with it, with the last lines of its log."""
        if not self.services.start(units.started(choices)):
            self.say(f"Nothing is started in {self.places.root}: it will be when that system starts.")
            return ""
        trouble = self.healthy(choices.influx is not None)
        logs = [self.services.log(unit) for unit in (units.BROKER, units.GATEWAY)] if trouble else []
        return "\n".join(filter(None, [trouble, *logs]))

    def _turn(self, target: str) -> None:
        """Let `current` point to `target`: at once, or not at all."""
        places = self.places
        fresh = places.current.with_name("current.new")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(target)
        fresh.replace(places.current)
        if not places.command.is_symlink():
            places.command.parent.mkdir(parents=True, exist_ok=True)
            places.command.symlink_to("/opt/sensornett/current/bin/sensornett")
        os.sync()

    def _copy_store(self) -> bool:
        """Copy the store where the new version will change its schema, since the old one could not go on."""
        store = self.places.data / STORE_NAME
        if not store.exists() or not schema_differs(store):
            return False
        self.say("The new version lays the store out anew: copying it first ...")
        remove_database(self.places.data / COPY)
        copy_database(store, self.places.data / COPY)
        return True

    def _put_store_back(self) -> None:
        """The old store again. Beside it stays how often it was opened, so it gets an id of its own."""
        data = self.places.data
        remove_database(data / NOT_TAKEN)
        copy_database(data / STORE_NAME, data / NOT_TAKEN)
        remove_database(data / STORE_NAME)
        (data / COPY).rename(data / STORE_NAME)
        self.say(f"The store is as it was before. What came in meanwhile is in {NOT_TAKEN} and on the nodes.")
