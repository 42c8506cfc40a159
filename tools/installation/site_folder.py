"""The site's folder of an installed gateway: replaced as a whole, and put back if need be."""

import shutil
from pathlib import Path

from tools.installation.places import Places


def take(places: Places, site: Path, id_: str) -> None:
    """Put a copy of the folder `site` in place, named by the site's id. Raises OSError.

    The one before is kept until `keep` or `put_back`.
    """
    fresh, old = places.settings / "sites.new", places.settings / "sites.before"
    shutil.rmtree(fresh, ignore_errors=True)
    shutil.rmtree(old, ignore_errors=True)
    shutil.copytree(site, fresh / id_, ignore=shutil.ignore_patterns(".git"))
    for path in [fresh, *fresh.rglob("*")]:  # nothing in it is secret, and the gateway is another user
        path.chmod(0o755 if path.is_dir() else 0o644)
    if places.sites.exists():
        places.sites.rename(old)
    fresh.rename(places.sites)


def put_back(places: Places) -> None:
    """Undo `take`; nothing happens where nothing was taken."""
    old = places.settings / "sites.before"
    if old.exists():
        shutil.rmtree(places.sites)
        old.rename(places.sites)


def keep(places: Places) -> None:
    """There is no way back any more."""
    shutil.rmtree(places.settings / "sites.before", ignore_errors=True)
