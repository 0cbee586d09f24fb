"""Tests of `runs.db.disk_space`."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from django.db import OperationalError, connection
from django.test import Client

from runs.db.disk_space import has_disk_space
from tests import factories

GB = 2**30
RUN = {
    "id": "run_1", "object": "thread.run", "created_at": 1795000000, "thread_id": "thread_1",
    "assistant_id": "asst_1", "status": "completed",
}  # fmt: skip


@pytest.mark.parametrize(
    ("total", "free", "enough"),
    [(500 * GB, GB, True), (500 * GB, GB // 32, False), (GB // 5, GB // 50, True), (GB // 5, GB // 150, False)],
)
def test_reserve_fits_the_volume(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, total: int, free: int, enough: bool
) -> None:
    monkeypatch.setitem(connection.settings_dict, "DATA_DIR", tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(total=total, free=free))

    assert has_disk_space() is enough


def test_server_elsewhere_has_disk_space() -> None:
    assert has_disk_space()


@pytest.fixture
def key(project: Any) -> str:
    return factories.make_key(project)


def post(client: Client, key: str) -> Any:
    return client.post("/api/v1/runs", RUN, content_type="application/json", headers={"Authorization": f"Bearer {key}"})


def assert_is_disk_full(response: Any) -> None:
    assert response.status_code == 503
    assert response["Retry-After"] == "5"
    assert response.json()["error"]["code"] == "disk_full"
    assert "No space left on device" in response.json()["error"]["message"]


def test_posts_without_room_are_refused(client: Client, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connection.settings_dict, "DATA_DIR", "/")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(total=GB, free=0))
    assert_is_disk_full(post(client, key))

    monkeypatch.undo()
    assert post(client, key).status_code == 201


def test_full_disk_of_the_server_is_named(client: Client, key: str) -> None:
    def fail(*arguments: Any) -> Any:
        if not arguments[1].startswith(("INSERT", "WITH")):
            return arguments[0](*arguments[1:])
        raise OperationalError("could not extend file") from psycopg.errors.DiskFull()

    with connection.execute_wrapper(fail):
        response = post(client, key)

    assert_is_disk_full(response)


def test_page_says_that_the_disk_is_full(member_client: Client) -> None:
    def fail(*_: Any) -> Any:
        raise OperationalError("could not write to temporary file") from psycopg.errors.DiskFull()

    with connection.execute_wrapper(fail):
        response = member_client.get("/p/default/runs/")

    assert response.status_code == 503
    assert "The disk of the database is full" in response.content.decode()
