"""Users on disk: who, in which role, and nothing of the password."""

from pathlib import Path

import pytest

from gateway.web.users import User, UsersError, check_name, fits, hashed, read_users, write_users

PASSWORD = "en lang setning"


def test_a_password_fits_its_hash_and_no_other() -> None:
    user = User("operator", hashed(PASSWORD))
    assert user.password.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert fits(user, PASSWORD)
    assert not fits(user, PASSWORD + " ")
    assert not fits(None, PASSWORD)
    assert not fits(User("operator", "not a hash"), PASSWORD)
    assert hashed(PASSWORD) != user.password  # salted


@pytest.mark.parametrize("password", ["", "kort", "x" * 257])
def test_a_password_has_a_length(password: str) -> None:
    with pytest.raises(UsersError, match="12 to 256"):
        hashed(password)


def test_they_come_back_and_only_the_owner_reads_them(tmp_path: Path) -> None:
    path = tmp_path / "users.json"
    assert read_users(path) == {}
    users = {"Vakt": User("viewer", hashed(PASSWORD)), "Ålesund": User("technician", hashed(PASSWORD))}
    write_users(path, users)
    assert read_users(path) == users
    assert path.stat().st_mode & 0o777 == 0o600
    assert PASSWORD not in path.read_text()
    assert [p.name for p in tmp_path.iterdir()] == ["users.json"]


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"a": 1}', '{"a": {"role": "king", "password": "x"}}', '{"a": {"role": "viewer"}}']
)
def test_a_damaged_file_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "users.json"
    path.write_text(text)
    with pytest.raises(UsersError, match=r"users\.json"):
        read_users(path)


def test_a_folder_that_takes_nothing_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsersError, match="cannot be written"):
        write_users(tmp_path / "missing" / "users.json", {})


@pytest.mark.parametrize("name", ["", "x", " Vakt", "a\nb", "<b>", "k" * 41])
def test_what_is_no_name(name: str) -> None:
    with pytest.raises(UsersError, match="a name has"):
        check_name(name)


def test_names_that_are() -> None:
    for name in ("Vakt", "vakt-veg", "Vakt Å.", "vakt_2"):
        check_name(name)
