"""The public copy: every link in it leads to a file of it, and nothing in it needs the gateway."""

import json
import posixpath
from collections.abc import Mapping
from html.parser import HTMLParser
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit

import pytest

from gateway.web.frozen_copy import RECEIPT, CopyError, copy_of, file_of, put_copy
from gateway.web.live import Live
from gateway.web.pages import Pages
from gateway.web.public import UNSEEN, PublicView
from tests.gateway.web.desk_made import ALL, alarm
from tests.gateway.web.made import NOW_S, SITE, Shelf
from tests.gateway.web.test_pages import Checked


def pages(on_shelf: Mapping[int, int] = MappingProxyType({})) -> Pages:
    shelf = Shelf(ALL)
    whole = Live(SITE, None, UNSEEN)
    whole.fill(shelf, NOW_S)
    whole.shelve(on_shelf, NOW_S)
    view = PublicView(SITE, whole, shelf.history, None, lambda: NOW_S)
    shown = Live(view.site, None, UNSEEN)
    shown.fill(shelf, NOW_S)
    shown.shelve(on_shelf, NOW_S)
    found = Pages(
        view.site, shown, clock=lambda: NOW_S, judge=lambda *_: [alarm(acknowledged_by="Vakt")],
        records=shelf.history, view=view, public=True, frozen=True,
    )  # fmt: skip
    found.look()
    return found


class Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if name in ("href", "src") and value]


async def test_every_link_leads_to_a_file_and_no_form_or_event_is_left(tmp_path: Path) -> None:
    files = await copy_of(pages(), NOW_S)
    folder = tmp_path / "public"
    count = put_copy(folder, files)
    assert count == sum(1 for path in folder.rglob("*") if path.is_file()) > 40
    assert json.loads((folder / RECEIPT).read_text())["published"] == "2026-11-18T11:06:40Z"
    whole(folder)


async def test_a_copy_says_since_when_a_node_is_on_the_shelf() -> None:
    files = await copy_of(pages({21: NOW_S + 1, 22: NOW_S - 90_000}), NOW_S)
    for name, since in (
        ("index.html", "18. nov. 2026 kl. 12:06"),
        ("en/index.html", "18 Nov 2026 12:06"),
        ("nb/node-21.html", "18. nov. 2026 kl. 12:06"),
        ("en/node-21-30d.html", "18 Nov 2026 12:06"),
        ("nb/node-22.html", "17. nov. 2026 kl. 11:06"),
    ):
        assert since in files[name], name
        assert ("På hylla siden" in files[name]) or ("On the shelf" in files[name]), name
    assert "Gammel måling" not in files["index.html"]
    assert "2 er på hylla" in files["index.html"]
    assert files["data/latest.csv"].count("2026-11-18T11:06:41Z") >= 1
    assert '"on_shelf_since": "2026-11-17T10:06:40Z"' in files["data/node/22.geojson"]


def whole(folder: Path) -> None:
    for page in folder.rglob("*.html"):
        text = page.read_text()
        checked = Checked()
        checked.feed(text)
        assert checked.wrong == []
        links = Links()
        links.feed(text)
        for link in links.found:
            parts = urlsplit(link)
            if parts.scheme:
                assert link.startswith(("https://data.norge.no", "mailto:")), link
            elif parts.path:
                target = posixpath.normpath(posixpath.join(page.parent.as_posix(), parts.path))
                assert Path(target).is_file(), (page.name, link)
        for gone in (
            "<form",
            "/events",
            "Logg inn",
            "data-at",
            "Vakt",
            "Batteri",
            "Wi-Fi",
            "Rådhuset (demo)",
        ):
            assert gone not in text, (page.name, gone)
    assert "Rista tettes" in (folder / "index.html").read_text()
    assert (folder / "index.html").stat().st_mode & 0o777 == 0o644


def test_a_copy_replaces_the_one_before_and_nothing_else(tmp_path: Path) -> None:
    files = {"nb/index.html": "new", RECEIPT: "{}"}
    folder = tmp_path / "public"
    put_copy(folder, files)
    (folder / "nb" / "old.html").write_text("gone")
    put_copy(folder, files)
    assert not (folder / "nb" / "old.html").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["public"]
    somebodys = tmp_path / "photos"
    somebodys.mkdir()
    (somebodys / "a.jpg").touch()
    with pytest.raises(CopyError, match="not empty"):
        put_copy(somebodys, files)
    assert (somebodys / "a.jpg").exists()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CopyError, match="public: cannot be written"):
        put_copy(tmp_path / "file" / "public", {})


@pytest.mark.parametrize(
    ("address", "file"),
    [
        ("/", "nb/index.html"), ("/?lang=en", "en/index.html"), ("/node/11", "nb/node-11.html"),
        ("/node/11?range=24h", "nb/node-11.html"), ("/node/11?lang=en&range=7d", "en/node-11-7d.html"),
        ("/data/latest.csv", "data/latest.csv"), ("/data/latest.csv?lang=en", "en/data/latest.csv"),
        ("/static/page.css?v=1", "static/page.css"), ("/data", "nb/data.html"),
    ],
)  # fmt: skip
def test_what_file_an_address_becomes(address: str, file: str) -> None:
    assert file_of(address, "nb", "nb") == file
