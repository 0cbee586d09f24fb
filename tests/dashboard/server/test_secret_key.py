"""Tests of the stored secret key."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from dashboard.server.secret_key import load_or_create_secret_key


def test_key_is_created_once_and_private(tmp_path: Path) -> None:
    key = load_or_create_secret_key(tmp_path / "var")

    assert len(key) >= 50
    assert load_or_create_secret_key(tmp_path / "var") == key
    assert (tmp_path / "var" / "secret_key").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in (tmp_path / "var").iterdir()] == ["secret_key"]


def test_concurrent_starts_share_one_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as starters:
        assert len(set(starters.map(load_or_create_secret_key, [tmp_path / "var"] * 8))) == 1


def test_unusable_directory_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(ImproperlyConfigured, match=r"file.*RUNGLASS_DATA_DIR"):
        load_or_create_secret_key(tmp_path / "file" / "var")
