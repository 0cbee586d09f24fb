"""A live server with an archive: ours or, where RUNGLASS_REAL_DATA names a folder, one of real objects."""

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
from tests.clients.archive import Archive, own_objects, real_objects, store

REAL = os.environ.get("RUNGLASS_REAL_DATA", "")


@pytest.fixture(params=["own", pytest.param("real", marks=pytest.mark.skipif(not REAL, reason="no real data"))])
def archive(request: pytest.FixtureRequest, live_server: LiveServer, monkeypatch: pytest.MonkeyPatch) -> Archive:
    # clients keep their connections, and with them the server's threads and these their sessions
    monkeypatch.setitem(connection.settings_dict, "CONN_MAX_AGE", 0)
    # this server sends a head and then a body, between which it would wait for the client's word
    monkeypatch.setattr(WSGIRequestHandler, "disable_nagle_algorithm", True)
    project = factories.make_project()
    objects = own_objects() if request.param == "own" else real_objects(Path(REAL))
    store(project, objects)
    if request.param == "own":
        stored: list[dict[str, Any]] = [json.loads(run.as_json()) for run in Run.objects.in_project(project)]
        assert sorted(stored, key=_id) == sorted(objects["runs"], key=_id)
    # what no client may see
    factories.post_run(factories.make_project("another"), thread_id="thread_many")
    return Archive(live_server.url, factories.make_key(project, "read"), project)


def _id(posted: dict[str, Any]) -> str:
    return str(posted["id"])
