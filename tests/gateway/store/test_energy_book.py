from pathlib import Path

import apsw
import pytest

from gateway.energy.given import Given, Revised
from gateway.store import StoreError
from gateway.store.energy_book import _MIGRATIONS, FILE_NAME, Answer, EnergyBook, Figure, Series
from gateway.store.migrations import migrate

H = 3600
HEAT = Series("town-hall", "district_heat", "main")
POWER = Series("town-hall", "electricity", "main")


def take(
    book: EnergyBook, *given: Given, series: Series = POWER, source: str = "Elhub"
) -> tuple[int, int, int]:
    (outcome,) = book.take([(series, given)], "a.csv", "00", source, 1000)
    return outcome.new, outcome.unchanged, len(outcome.revised)


def test_a_file_twice_changes_nothing(tmp_path: Path) -> None:
    values = [Given(0, H, 10), Given(H, 2 * H, 20, "estimated")]
    with EnergyBook.write(tmp_path, 1) as book:
        assert take(book, *values) == (2, 0, 0)
        assert take(book, *values) == (0, 2, 0)
        assert book.given(POWER) == values


def test_a_correction_is_a_revision_and_the_old_value_stays(tmp_path: Path) -> None:
    with EnergyBook.write(tmp_path, 1) as book:
        take(book, Given(0, H, 10))
        (outcome,) = book.take([(POWER, [Given(0, H, 12)])], "b.csv", "01", "Elhub", 2000)
        assert outcome.revised == [Revised(0, H, 10, 12)]
        assert take(book, Given(0, H, 11)) == (0, 0, 1)
        assert book.given(POWER) == [Given(0, H, 11)]
    rows = apsw.Connection(str(tmp_path / FILE_NAME)).execute("SELECT revision, amount FROM given").fetchall()
    assert rows == [(1, 10), (2, 12), (3, 11)]


def test_series_and_their_sources(tmp_path: Path) -> None:
    with EnergyBook.write(tmp_path, 1) as book:
        take(book, Given(0, H, 10))
        take(book, Given(0, H, 10), series=HEAT, source="the supplier")
        take(book, Given(H, 2 * H, 10), series=HEAT, source="read by hand")
        assert book.series() == [HEAT, POWER]
        assert book.sources(HEAT) == ["read by hand", "the supplier"]


def test_a_failed_import_leaves_nothing(tmp_path: Path) -> None:
    with EnergyBook.write(tmp_path, 1) as book:
        with pytest.raises(apsw.ConstraintError):
            book.take([(POWER, [Given(0, H, 1)]), (HEAT, [Given(0, H, 1)] * 2)], "a.csv", "00", "x", 1)
        assert book.series() == []


def figure(wh: int, made_at_ms: int = 5) -> Figure:
    return Figure("town-hall", "electricity", "2026-01", 0, wh, 744, 0, made_at_ms)


def test_a_reported_figure_that_changes_is_a_revision_with_its_difference(tmp_path: Path) -> None:
    with EnergyBook.write(tmp_path, 1) as book:
        (first,) = book.report([figure(1000)])
        assert (first.revision, first.before_wh) == (1, None)
        (same,) = book.report([figure(1000, 6)])
        assert (same.revision, same.made_at_ms) == (1, 5)
        (second,) = book.report([figure(1100, 7)])
        assert (second.revision, second.wh, second.before_wh) == (2, 1100, 1000)
        assert book.figure("town-hall", "electricity", "2026-01") == second
        assert book.figure("town-hall", "electricity", "2026-02") is None


def test_answers(tmp_path: Path) -> None:
    with EnergyBook.write(tmp_path, 1) as book:
        book.answer(Answer("town-hall", "known", "moving in", "caretaker", 1))
        book.answer(Answer("town-hall", "fixed", "done", "caretaker", 2))
        assert book.answers() == {"town-hall": Answer("town-hall", "fixed", "done", "caretaker", 2)}


def test_letters_are_remembered_by_their_due_time(tmp_path: Path) -> None:
    with EnergyBook.write(tmp_path, 1) as book:
        book.letter_sent("peak", 1200, "bygg", "town-hall", 5)
        book.letter_sent("peak", 1200, "bygg", "town-hall", 6)
        assert book.letters_sent("peak", 1200) == {("bygg", "town-hall")}
        assert book.letters_sent("peak", 2400) == book.letters_sent("deviations", 1200) == set()


def test_a_book_from_before_the_letters_is_read_and_becomes_a_new_one(tmp_path: Path) -> None:
    db = apsw.Connection(str(tmp_path / FILE_NAME))
    migrate(db, 1, _MIGRATIONS[:1])
    db.execute("INSERT INTO answers VALUES (1, 'town-hall', 'seen', '', 'caretaker', 1)")
    db.close()
    old = EnergyBook.read(tmp_path)
    assert old is not None
    with old:
        assert old.answers()["town-hall"].status == "seen"
    with EnergyBook.write(tmp_path, 2) as book:
        assert book.answers()["town-hall"].status == "seen"
        assert book.letters_sent("peak", 1200) == set()


def test_one_writer_at_a_time_and_any_readers(tmp_path: Path) -> None:
    assert EnergyBook.read(tmp_path) is None
    with EnergyBook.write(tmp_path, 1) as book:
        take(book, Given(0, H, 10))
        with pytest.raises(StoreError, match="another command writes it just now"):
            EnergyBook.write(tmp_path, 1)
        reader = EnergyBook.read(tmp_path)
        assert reader is not None
        with reader:
            assert reader.given(POWER) == [Given(0, H, 10)]
            with pytest.raises(apsw.ReadOnlyError):
                take(reader, Given(H, 2 * H, 1))
    with EnergyBook.write(tmp_path, 1) as book:
        assert take(book, Given(0, H, 10)) == (0, 1, 0)


def test_a_file_that_is_no_book(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text("not a database, but long enough to be taken for one" * 50)
    with pytest.raises(StoreError, match="cannot be read"):
        EnergyBook.read(tmp_path)
    with pytest.raises(StoreError, match="cannot be opened"):
        EnergyBook.write(tmp_path, 1)
