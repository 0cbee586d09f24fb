"""The history and the steps of a run in the REST API."""

from __future__ import annotations

import pytest
from django.test import Client

from runs.models import Project
from tests import factories


def api_client(project: Project) -> Client:
    return Client(headers={"Authorization": f"Bearer {factories.make_key(project)}"})


def test_history_names_the_api_keys(project):
    client = api_client(project)
    queued = factories.run_object(status="queued", started_at=None, completed_at=None, usage=None)
    factories.post(project, queued)
    client.post("/api/v1/runs", queued | {"status": "in_progress"}, content_type="application/json")
    first, second = client.get(f"/api/v1/runs/{queued['id']}/history").json()
    assert (first["n"], first["outcome"], first["key"], first["status_before"]) == (0, "created", None, None)
    assert (second["n"], second["outcome"], second["key"]) == (1, "updated", "test")
    assert (second["status_before"], second["status_after"]) == ("queued", "in_progress")
    assert second["changed"] == ["status"]
    assert second["conflict"] is False
    assert second["received_at"].endswith("Z")


def test_steps_round_trip_oldest_first(project):
    run = factories.run_object()
    later = factories.step_object(run, factories.function_call("b"), created_at=run["created_at"] + 5, vendor=1)
    earlier = factories.step_object(run, factories.function_call("a"))
    factories.post(project, run)
    factories.post_steps(project, later, earlier)
    assert api_client(project).get(f"/api/v1/runs/{run['id']}/steps").json() == {
        "object": "list",
        "data": [earlier, later],
    }


@pytest.mark.parametrize("resource", ["history", "steps"])
def test_run_of_another_project_gets_404(project, resource):
    run = factories.post_run(factories.make_project("other"))
    response = api_client(project).get(f"/api/v1/runs/{run.external_id}/{resource}")
    assert response.status_code == 404
    assert response.json()["error"]["code"] == "not_found"
