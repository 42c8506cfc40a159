"""Names of backups, and which of them go."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from tools.installation.keeping import backups, name_of, prune

MOMENTS = st.datetimes(datetime(2025, 1, 1), datetime(2090, 1, 1))  # noqa: DTZ001 - made UTC below


@settings(max_examples=50)
@given(st.from_regex(r"[a-z0-9-]{1,30}", fullmatch=True), MOMENTS, st.booleans())
def test_a_name_says_whose_and_when(site: str, moment: datetime, encrypted: bool) -> None:
    made = moment.replace(tzinfo=UTC, microsecond=0)
    name = name_of(site, made, encrypted=encrypted)
    with TemporaryDirectory() as folder:
        for each in (name, "sensornett-other.tar.gz", name + ".making"):
            (Path(folder) / each).touch()
        assert [at for at, _ in backups(Path(folder), site)] == [made]
        assert backups(Path(folder), site + "x") == []


def test_the_newest_stay_whatever_their_files_say(tmp_path: Path) -> None:
    start = datetime(2026, 11, 1, 2, 30, tzinfo=UTC)
    files = [
        tmp_path / name_of("bodo", start + timedelta(days=day), encrypted=day % 2 == 0) for day in range(10)
    ]
    for file in reversed(files):
        file.touch()
    assert prune(tmp_path, "bodo", 4) == files[:6]
    assert prune(tmp_path, "bodo", 4) == []
    assert sorted(tmp_path.iterdir()) == sorted(files[6:])
