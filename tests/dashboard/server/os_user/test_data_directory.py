"""Tests of `dashboard.server.os_user.data_directory`."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dashboard.server.os_user.data_directory import hand_over, prepare_data_directory
from dashboard.server.os_user.errors import OsUserError
from dashboard.server.os_user.users import OsUser

OTHER = OsUser(4_000_001, 4_000_001, is_other=True)
requires_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can hand files over")


def test_new_directory_is_private(tmp_path: Path) -> None:
    prepare_data_directory(tmp_path / "new" / "var")

    assert (tmp_path / "new" / "var").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("entry", ["secret_key", "static", "postgres-18", "lost+found"])
def test_widened_directory_is_made_private(tmp_path: Path, entry: str) -> None:
    data_dir = tmp_path / "var"
    (data_dir / entry).mkdir(parents=True)
    data_dir.chmod(0o777)

    prepare_data_directory(data_dir)

    assert data_dir.stat().st_mode & 0o777 == 0o700


@requires_root
def test_root_gives_no_directory_of_others_away(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    (shared / "letters").mkdir(parents=True)

    with pytest.raises(OsUserError, match="also contains letters: set RUNGLASS_DATA_DIR to a directory of its own"):
        prepare_data_directory(shared)

    assert shared.stat().st_uid == (shared / "letters").stat().st_uid == 0


@requires_root
def test_person_who_owns_the_directory_is_chosen(tmp_path: Path) -> None:
    os.chown(tmp_path, 1234, 1235)

    assert prepare_data_directory(tmp_path) == OsUser(1234, 1235, is_other=True)


@requires_root
def test_hand_over_follows_no_links(tmp_path: Path) -> None:
    ours, foreign = tmp_path / "ours", tmp_path / "foreign"
    ours.mkdir()
    foreign.touch()
    (ours / "file").touch()
    (ours / "symbolic").symlink_to(foreign)
    (ours / "hard").hardlink_to(foreign)

    hand_over(ours, OTHER)

    assert (ours / "file").stat().st_uid == OTHER.uid
    assert foreign.stat().st_uid == 0
