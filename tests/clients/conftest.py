"""A live server with objects: invented ones and, if RUNGLASS_REAL_DATA names a directory, real ones."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from django.core.servers.basehttp import WSGIRequestHandler
from django.db import connection
from pytest_django.live_server_helper import LiveServer

from runs.models import Run
from tests import factories
from tests.clients.archive import Archive, load_real_objects, make_objects, store_objects

REAL_DATA = os.environ.get("RUNGLASS_REAL_DATA", "")


@pytest.fixture(params=["own", pytest.param("real", marks=pytest.mark.skipif(not REAL_DATA, reason="no real data"))])
def archive(request: pytest.FixtureRequest, live_server: LiveServer, monkeypatch: pytest.MonkeyPatch) -> Archive:
    # Clients keep connections open, and so keep the server's threads and their database sessions.
    monkeypatch.setitem(connection.settings_dict, "CONN_MAX_AGE", 0)
    # The server sends header and body separately and would wait for an acknowledgement between them.
    monkeypatch.setattr(WSGIRequestHandler, "disable_nagle_algorithm", True)
    project = factories.make_project()
    objects = make_objects() if request.param == "own" else load_real_objects(Path(REAL_DATA))
    store_objects(project, objects)
    if request.param == "own":
        stored: list[dict[str, Any]] = [json.loads(run.as_json()) for run in Run.objects.in_project(project)]
        assert sorted(stored, key=_id) == sorted(objects["runs"], key=_id)
    # must not be visible to the clients
    factories.post_run(factories.make_project("another"), thread_id="thread_many")
    return Archive(live_server.url, factories.make_key(project, "read"), project)


def _id(posted: dict[str, Any]) -> str:
    return str(posted["id"])
