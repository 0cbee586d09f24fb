"""Objects and lists of the Assistants API."""

from __future__ import annotations

from typing import Any

import pytest

from runs.derivation import DerivedRun
from runs.models import Project
from tests import factories
from tests.runs.api.assistants_compat.conftest import AssistantsClient

THREAD = "/v1/threads/thread_first"
RESULTS = "step_details.tool_calls[*].file_search.results[*].content"


@pytest.fixture
def run(project: Project) -> dict[str, Any]:
    posted = factories.run_object(tool_resources={}, temperature=1.0, response_format=..., usage=None)
    factories.post(project, posted)
    return posted


@pytest.fixture
def steps(project: Project, run: dict[str, Any]) -> list[dict[str, Any]]:
    """Return three steps, oldest first, two of them with the same second."""
    steps = [
        factories.step_object(run, factories.function_call("search_orders"), id="step_b"),
        factories.step_object(run, id="step_c", expires_at=...),
        factories.step_object(run, id="step_a", created_at=run["created_at"] + 3, vendor={"1.0": 1.0}),
    ]
    posted = [{name: value for name, value in step.items() if value is not ...} for step in steps]
    factories.post_steps(project, *posted)
    return posted


@pytest.fixture
def messages(project: Project, run: dict[str, Any]) -> list[dict[str, Any]]:
    """Return two questions and the answer to the first one, oldest first."""
    posted = [factories.message_object(text="Where is it?"), factories.message_object(run)]
    posted.append(factories.message_object(text="Thanks."))
    factories.post_messages(project, *posted)
    return posted


def test_run_is_returned_as_posted(client: AssistantsClient, run: dict[str, Any]) -> None:
    response = client.get(f"{THREAD}/runs/{run['id']}")

    assert response.status_code == 200
    assert response["Content-Type"] == "application/json"
    assert response.json() == run
    assert b'"temperature":1.0' in response.content
    assert client.get_json(f"{THREAD}/runs")["data"] == [run]


def test_run_is_returned_in_latest_state(client: AssistantsClient, project: Project, run: dict[str, Any]) -> None:
    newer = run | {"usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}}
    factories.post(project, newer)

    assert client.get_json(f"{THREAD}/runs/{run['id']}") == newer


def test_steps_are_returned_as_posted(
    client: AssistantsClient, run: dict[str, Any], steps: list[dict[str, Any]]
) -> None:
    path = f"{THREAD}/runs/{run['id']}/steps"

    assert client.get_json(path, order="asc")["data"] == steps
    assert client.get_json(path)["data"] == steps[::-1]
    assert [client.get_json(f"{path}/{step['id']}") for step in steps] == steps


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("limit", [1, 2, 3])
def test_steps_are_paginated(
    client: AssistantsClient, run: dict[str, Any], steps: list[dict[str, Any]], order: str, limit: int
) -> None:
    expected = [step["id"] for step in steps][:: 1 if order == "asc" else -1]

    assert client.list_all_ids(f"{THREAD}/runs/{run['id']}/steps", order=order, limit=limit) == expected


def test_steps_accept_include(client: AssistantsClient, run: dict[str, Any], steps: list[dict[str, Any]]) -> None:
    path = f"{THREAD}/runs/{run['id']}/steps"

    assert client.get_json(path, order="asc", **{"include[]": RESULTS})["data"] == steps
    assert client.get_json(f"{path}/step_a", **{"include[]": RESULTS}) == steps[2]
    status, error = client.get_error(path, **{"include[]": "everything"})
    assert (status, error["code"], error["param"]) == (400, "invalid_value", "include[]")
    assert error["message"] == f"Invalid value: 'everything'. Supported values are: '{RESULTS}'."


def test_messages_are_returned_as_posted(client: AssistantsClient, messages: list[dict[str, Any]]) -> None:
    path = f"{THREAD}/messages"

    assert client.get_json(path, order="asc")["data"] == messages
    assert client.list_all_ids(path, limit=1) == [message["id"] for message in messages][::-1]
    assert [client.get_json(f"{path}/{message['id']}") for message in messages] == messages


def test_run_id_selects_messages(client: AssistantsClient, run: dict[str, Any], messages: list[dict[str, Any]]) -> None:
    path = f"{THREAD}/messages"

    assert client.list_ids(path, run_id=run["id"]) == [messages[1]["id"]]
    assert client.list_ids(path, run_id="run_unknown") == []
    # a cursor may be any message of the thread
    assert client.list_ids(path, run_id=run["id"], after=messages[2]["id"]) == [messages[1]["id"]]


def test_any_id_can_be_requested(client: AssistantsClient, project: Project) -> None:
    run = factories.run_object(id="läufe 2026 №1", thread_id="a+b?c#d")
    step = factories.step_object(run, id="1;2")
    factories.post(project, run)
    factories.post_steps(project, step)

    path = "/v1/threads/a%2Bb%3Fc%23d/runs/l%C3%A4ufe%202026%20%E2%84%961"
    assert client.get_json(path) == run
    assert client.get_json(f"{path}/steps/1%3B2") == step
    assert client.get_json("/v1/threads/a%2Bb%3Fc%23d/runs")["first_id"] == run["id"]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("runs/run_unknown", "No run found with id 'run_unknown'."),
        ("runs/run_unknown/steps", "No run found with id 'run_unknown'."),
        ("runs/run_unknown/steps/step_a", "No run found with id 'run_unknown'."),
        ("runs/{run}/steps/step_unknown", "No run step found with id 'step_unknown'."),
        ("messages/msg_unknown", "No message found with id 'msg_unknown'."),
        ("messages/{run}", "No message found with id '{run}'."),
    ],
)
def test_unknown_objects_get_404(
    client: AssistantsClient, run: dict[str, Any], steps: list[dict[str, Any]], path: str, message: str
) -> None:
    status, error = client.get_error(f"{THREAD}/{path.format(run=run['id'])}")

    assert status == 404
    assert error == {
        "message": message.format(run=run["id"]),
        "type": "invalid_request_error",
        "param": None,
        "code": None,
    }


def test_objects_of_other_threads_get_404(
    client: AssistantsClient, project: Project, run: dict[str, Any], steps: list[Any], messages: list[dict[str, Any]]
) -> None:
    other = factories.post_run(project, thread_id="thread_other").external_id
    answer = messages[1]["id"]

    for path in (
        f"/v1/threads/thread_other/runs/{run['id']}",
        f"/v1/threads/thread_other/runs/{run['id']}/steps",
        f"/v1/threads/thread_other/runs/{run['id']}/steps/step_a",
        f"/v1/threads/thread_other/runs/{other}/steps/step_a",
        f"/v1/threads/thread_other/messages/{answer}",
    ):
        assert client.get_error(path)[0] == 404


def test_objects_of_other_projects_get_404(
    client: AssistantsClient,
    other_client: AssistantsClient,
    run: dict[str, Any],
    steps: list[Any],
    messages: list[dict[str, Any]],
) -> None:
    assert other_client.list_ids("/v1/threads") == []
    for path in (
        THREAD,
        f"{THREAD}/runs",
        f"{THREAD}/messages",
        f"{THREAD}/runs/{run['id']}",
        f"{THREAD}/runs/{run['id']}/steps",
        f"{THREAD}/runs/{run['id']}/steps/step_a",
        f"{THREAD}/messages/{messages[0]['id']}",
    ):
        assert client.get(path).status_code == 200
        assert other_client.get_error(path)[0] == 404


def test_matching_etag_gets_304(client: AssistantsClient, project: Project, run: dict[str, Any]) -> None:
    for path in (f"{THREAD}/runs/{run['id']}", f"{THREAD}/runs", THREAD, "/v1/threads"):
        etag = client.get(path)["ETag"]
        assert etag.startswith('"')
        unchanged = client.request("get", path, headers={"If-None-Match": etag})
        assert (unchanged.status_code, unchanged.content, unchanged["ETag"]) == (304, b"", etag)
        assert client.request("get", path, headers={"If-None-Match": '"another"'}).status_code == 200

    etag = client.get(f"{THREAD}/runs")["ETag"]
    factories.post_run(project)
    assert client.request("get", f"{THREAD}/runs", headers={"If-None-Match": etag}).status_code == 200


def test_head_has_headers_of_get(client: AssistantsClient, run: dict[str, Any]) -> None:
    path = f"{THREAD}/runs/{run['id']}"
    full, head = client.get(path), client.request("head", path)

    assert (head.status_code, head.content) == (200, b"")
    assert head["ETag"] == full["ETag"]
    assert head["Content-Length"] == str(len(full.content))
    assert client.request("head", f"{THREAD}/runs/run_unknown").status_code == 404


def test_derived_messages_keep_order_and_are_cursors(client: AssistantsClient, project: Project) -> None:
    run = factories.run_object(thread_id="thread_derived")
    said = [factories.message_object(run, text, created_at=run["created_at"]) for text in "badcfe"]
    factories.derive(project, DerivedRun(run, [], said))
    ids = [message["id"] for message in said]
    path = "/v1/threads/thread_derived/messages"
    assert client.list_ids(path, order="asc") == ids
    assert client.list_ids(path, order="asc", after=ids[1], limit=2) == ids[2:4]
