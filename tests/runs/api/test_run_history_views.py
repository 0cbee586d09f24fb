"""The steps of a run, and the history of runs, steps and messages, in the REST API."""

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


def test_every_kind_of_record_has_history(project):
    client, run = api_client(project), factories.run_object(id="run_1")
    full = factories.step_object(run, factories.function_call("search", output="x" * 14_000), id="step_1")
    emptier = full | {"step_details": {"type": "tool_calls", "tool_calls": []}}
    question = factories.message_object(id="msg_1", metadata={})
    edited = question | {"metadata": {"topic": "refund"}}
    for resource, posted in [
        ("runs", [run, run | {"metadata": {}}]), ("steps", [full, emptier]), ("messages", [question, edited]),
    ]:  # fmt: skip
        assert client.post(f"/api/v1/{resource}", posted, content_type="application/json").status_code == 200
    for path, versions, outcome in [
        ("runs/run_1", [run, run | {"metadata": {}}], "updated"),
        ("runs/run_1/steps/step_1", [full, emptier], "stale"),
        ("messages/msg_1", [question, edited], "updated"),
    ]:
        entries = client.get(f"/api/v1/{path}/history").json()
        assert [(entry["n"], entry["outcome"]) for entry in entries] == [(0, "created"), (1, outcome)]
        assert [client.get(f"/api/v1/{path}/history/{n}").json() for n in (0, 1)] == versions
        assert client.get(f"/api/v1/{path}/history/2").status_code == 404
    assert client.get("/api/v1/runs/run_1/steps").json()["data"] == [full]
    assert entries[0]["status_after"] is None


@pytest.mark.parametrize("path", ["runs/run_1/steps/step_1", "messages/msg_1"])
@pytest.mark.parametrize("suffix", ["history", "history/0"])
def test_history_of_another_project_gets_404(project, path, suffix):
    other, run = factories.make_project("other"), factories.run_object(id="run_1")
    factories.post_steps(other, factories.step_object(run, id="step_1"))
    factories.post_messages(other, factories.message_object(id="msg_1"))
    assert api_client(project).get(f"/api/v1/{path}/{suffix}").status_code == 404


@pytest.mark.parametrize("n", ["0", "9" * 30])
def test_unknown_ids_and_versions_get_404(project, n):
    factories.post_messages(project, factories.message_object(id="msg_1"))
    client = api_client(project)
    assert client.get(f"/api/v1/runs/run_1/steps/step_9/history/{n}").status_code == 404
    assert client.get(f"/api/v1/messages/msg_1/history/{n.replace('0', '1')}").status_code == 404


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
