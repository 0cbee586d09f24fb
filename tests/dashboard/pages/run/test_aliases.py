"""An id that leads to a derived run leads readers to its page, in pages and in the API."""

from __future__ import annotations

import json

import pytest
from django.test import Client

from runs.models import Project, Run
from tests import factories
from tests.factories import derive, derived_run, run_object


@pytest.fixture
def run(project: Project) -> Run:
    derived = derived_run(run_object(id="outer"))
    derive(project, derived, aliases={"in ner": "outer"})
    return Run.objects.get()


def test_page_redirects_with_query(member_client: Client, run: Run) -> None:
    response = member_client.get("/p/default/runs/in%20ner/?full=raw")
    assert (response.status_code, response["Location"]) == (302, "/p/default/runs/outer/?full=raw")
    fragment = member_client.get("/p/default/runs/in%20ner/", headers={"HX-Request": "true", "HX-Target": "run-header"})
    assert fragment["Location"] == "/p/default/runs/outer/"


def test_json_and_comments_use_new_run(member_client: Client, run: Run) -> None:
    assert json.loads(member_client.get("/p/default/runs/in%20ner.json").content)["id"] == "outer"
    member_client.post("/p/default/comments/in%20ner/", {"action": "add", "text": "Noted."})
    assert run.comments.get().text == "Noted."


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/runs/in%20ner",
        "/v1/threads/thread_first/runs/in%20ner",
        "/api/v1/runs/in%20ner/steps",
        "/v1/threads/thread_first/runs/in%20ner/steps",
    ],
)
def test_api_answers_with_new_run(client: Client, project: Project, run: Run, path: str) -> None:
    response = client.get(path, headers={"Authorization": f"Bearer {factories.make_key(project)}"})
    assert response.status_code == 200
    assert response.json().get("id", "outer") == "outer"


def test_derived_message_is_found_by_id(client: Client, project: Project, run: Run) -> None:
    headers = {"Authorization": f"Bearer {factories.make_key(project)}"}
    listed = client.get("/v1/threads/thread_first/messages", headers=headers).json()["data"]
    message = client.get(f"/v1/threads/thread_first/messages/{listed[0]['id']}", headers=headers)
    assert message.json() == listed[0]


def test_deletion_by_former_id(client: Client, project: Project, run: Run) -> None:
    headers = {"Authorization": f"Bearer {factories.make_key(project)}"}
    assert client.delete("/api/v1/runs/in%20ner", headers=headers).status_code == 204
    assert client.get("/api/v1/runs/outer", headers=headers).status_code == 404
