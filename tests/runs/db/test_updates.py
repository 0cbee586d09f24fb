"""Tests of updates of many rows."""

from __future__ import annotations

import uuid

from runs.db.updates import update_rows
from runs.models import Project, Response
from tests import responses

TEXT = 'back\\slash, "quotes", {braces}, NULL, é'


def test_rows_get_their_own_values(project: Project) -> None:
    ids = ["resp_a", "resp_b", "resp_c"]
    responses.post_responses(project, *(responses.response_object(id=name) for name in ids))
    keys = [project.record_id(name) for name in ids]
    rows = [(keys[0], TEXT, None), (keys[1], "NULL", "{}"), (uuid.uuid4(), "missing", None)]
    update_rows(Response, ["thread_id", "request"], rows)
    stored = dict(Response.objects.values_list("external_id", "thread_id"))
    assert stored == {"resp_a": TEXT, "resp_b": "NULL", "resp_c": stored["resp_c"]}
    assert stored["resp_c"] not in (TEXT, "NULL", "missing")
    assert dict(Response.objects.values_list("external_id", "request")) == dict.fromkeys(ids) | {"resp_b": "{}"}


def test_no_rows_change_nothing(project: Project) -> None:
    responses.post_responses(project, responses.response_object(id="resp_a"))
    before = Response.objects.values().get()
    update_rows(Response, ["thread_id"], [])
    assert Response.objects.values().get() == before
