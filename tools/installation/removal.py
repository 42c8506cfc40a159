"""Taking a gateway off a machine. Data, keys and settings stay unless they are to go too."""

import shutil
from collections.abc import Callable
from contextlib import suppress

from tools.installation import accounts, broker, units
from tools.installation.places import Places
from tools.installation.services import Services


def uninstall(places: Places, services: Services, *, purge: bool, say: Callable[[str], None]) -> None:
    """Stop and remove the program, its units and, with `purge`, everything else.

    Without `purge` the users stay as well: the data belongs to them. Raises OSError, InstallError.
    """
    known = [units.BROKER, units.GATEWAY, *units.OPTIONAL, *units.WATCHERS]
    there = [unit for unit in known if (places.units / unit).exists()]
    if there:
        services.stop(list(reversed(there)))
        services.disable(there)
    for file in places.units.glob("sensornett-*"):
        if file.is_file():
            file.unlink()
    shutil.rmtree(places.inside(units.BRIDGE).parent, ignore_errors=True)
    if places.command.is_symlink():
        places.command.unlink()
    shutil.rmtree(places.program, ignore_errors=True)
    if purge:
        accounts.remove_users(places)
        for path in (units.SYSUSERS, units.TMPFILES):
            places.inside(path).unlink(missing_ok=True)
        with suppress(OSError):  # others have files in it
            places.inside(units.SYSUSERS).parent.rmdir()  # a bare Debian has no such folder
        shutil.rmtree(places.settings, ignore_errors=True)
        shutil.rmtree(places.data, ignore_errors=True)
        shutil.rmtree(places.inside(broker.STATE), ignore_errors=True)
    else:
        say(f"Kept: {places.data} (the records and keys) and {places.settings}. --purge removes them too.")
    say("Debian's packages stay, since others may need them: mosquitto, python3-venv, fonts-dejavu-core.")
    services.forget()
