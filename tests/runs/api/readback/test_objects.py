"""`runs.api.assistants_compat.views`: single objects and the lists of what belongs to a thread or a run."""

from __future__ import annotations

from typing import Any

import pytest

from runs.models import Project
from tests import factories
from tests.runs.api.readback.conftest import Reader

THREAD = "/v1/threads/thread_first"
RESULTS = "step_details.tool_calls[*].file_search.results[*].content"


@pytest.fixture
def run(project: Project) -> dict[str, Any]:
    posted = factories.run_object(tool_resources={}, temperature=1.0, response_format=..., usage=None)
    factories.post(project, posted)
    return posted


@pytest.fixture
def steps(project: Project, run: dict[str, Any]) -> list[dict[str, Any]]:
    """Three steps, oldest first; two in one second."""
    found = [
        factories.step_object(run, factories.function_call("search_orders"), id="step_b"),
        factories.step_object(run, id="step_c", expires_at=...),
        factories.step_object(run, id="step_a", created_at=run["created_at"] + 3, odd={"1.0": 1.0}),
    ]
    posted = [{name: value for name, value in step.items() if value is not ...} for step in found]
    factories.post_steps(project, *posted)
    return posted


@pytest.fixture
def messages(project: Project, run: dict[str, Any]) -> list[dict[str, Any]]:
    """Two questions and the answer to the first, oldest first."""
    posted = [factories.message_object(text="Where is it?"), factories.message_object(run)]
    posted.append(factories.message_object(text="Thanks."))
    factories.post_messages(project, *posted)
    return posted


def test_a_run_comes_as_it_was_posted(reader: Reader, run: dict[str, Any]) -> None:
    response = reader.get(f"{THREAD}/runs/{run['id']}")

    assert response.status_code == 200
    assert response["Content-Type"] == "application/json"
    assert response.json() == run
    assert b'"temperature":1.0' in response.content
    assert reader.json(f"{THREAD}/runs")["data"] == [run]


def test_a_run_comes_in_its_newest_state(reader: Reader, project: Project, run: dict[str, Any]) -> None:
    newer = run | {"usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}}
    factories.post(project, newer)

    assert reader.json(f"{THREAD}/runs/{run['id']}") == newer


def test_steps_come_as_they_were_posted(reader: Reader, run: dict[str, Any], steps: list[dict[str, Any]]) -> None:
    path = f"{THREAD}/runs/{run['id']}/steps"

    assert reader.json(path, order="asc")["data"] == steps
    assert reader.json(path)["data"] == steps[::-1]
    assert [reader.json(f"{path}/{step['id']}") for step in steps] == steps


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("limit", [1, 2, 3])
def test_steps_are_paged(
    reader: Reader, run: dict[str, Any], steps: list[dict[str, Any]], order: str, limit: int
) -> None:
    expected = [step["id"] for step in steps][:: 1 if order == "asc" else -1]

    assert reader.walk(f"{THREAD}/runs/{run['id']}/steps", order=order, limit=limit) == expected


def test_steps_take_include(reader: Reader, run: dict[str, Any], steps: list[dict[str, Any]]) -> None:
    path = f"{THREAD}/runs/{run['id']}/steps"

    assert reader.json(path, order="asc", **{"include[]": RESULTS})["data"] == steps
    assert reader.json(f"{path}/step_a", **{"include[]": RESULTS}) == steps[2]
    status, error = reader.error(path, **{"include[]": "everything"})
    assert (status, error["code"], error["param"]) == (400, "invalid_value", "include[]")
    assert error["message"] == f"Invalid value: 'everything'. Supported values are: '{RESULTS}'."


def test_messages_come_as_they_were_posted(reader: Reader, messages: list[dict[str, Any]]) -> None:
    path = f"{THREAD}/messages"

    assert reader.json(path, order="asc")["data"] == messages
    assert reader.walk(path, limit=1) == [message["id"] for message in messages][::-1]
    assert [reader.json(f"{path}/{message['id']}") for message in messages] == messages


def test_messages_of_one_run(reader: Reader, run: dict[str, Any], messages: list[dict[str, Any]]) -> None:
    path = f"{THREAD}/messages"

    assert reader.ids(path, run_id=run["id"]) == [messages[1]["id"]]
    assert reader.ids(path, run_id="run_unknown") == []
    # a cursor may be any message of the thread
    assert reader.ids(path, run_id=run["id"], after=messages[2]["id"]) == [messages[1]["id"]]


def test_ids_of_any_kind_are_found(reader: Reader, project: Project) -> None:
    run = factories.run_object(id="läufe/2026 №1", thread_id="a/b?c#d")
    step = factories.step_object(run, id="1/2")
    factories.post(project, run)
    factories.post_steps(project, step)

    path = "/v1/threads/a%2Fb%3Fc%23d/runs/l%C3%A4ufe%2F2026%20%E2%84%961"
    assert reader.json(path) == run
    assert reader.json(f"{path}/steps/1%2F2") == step
    assert reader.json("/v1/threads/a%2Fb%3Fc%23d/runs")["first_id"] == run["id"]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("runs/run_unknown", "No run found with id 'run_unknown'."),
        ("runs/run_unknown/steps", "No run found with id 'run_unknown'."),
        ("runs/run_unknown/steps/step_a", "No run found with id 'run_unknown'."),
        ("runs/{run}/steps/step_unknown", "No run step found with id 'step_unknown'."),
        ("runs/%00", "No run found with id '\0'."),
        ("messages/msg_unknown", "No message found with id 'msg_unknown'."),
        ("messages/{run}", "No message found with id '{run}'."),
    ],
)
def test_what_is_unknown_is_not_found(
    reader: Reader, run: dict[str, Any], steps: list[dict[str, Any]], path: str, message: str
) -> None:
    status, error = reader.error(f"{THREAD}/{path.format(run=run['id'])}")

    assert status == 404
    assert error == {
        "message": message.format(run=run["id"]),
        "type": "invalid_request_error",
        "param": None,
        "code": None,
    }


def test_under_another_thread_or_run_nothing_is_found(
    reader: Reader, project: Project, run: dict[str, Any], steps: list[Any], messages: list[dict[str, Any]]
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
        assert reader.error(path)[0] == 404


def test_another_project_sees_what_it_would_see_of_nothing(
    reader: Reader, stranger: Reader, run: dict[str, Any], steps: list[Any], messages: list[dict[str, Any]]
) -> None:
    assert stranger.ids("/v1/threads") == []
    for path in (
        THREAD,
        f"{THREAD}/runs",
        f"{THREAD}/messages",
        f"{THREAD}/runs/{run['id']}",
        f"{THREAD}/runs/{run['id']}/steps",
        f"{THREAD}/runs/{run['id']}/steps/step_a",
        f"{THREAD}/messages/{messages[0]['id']}",
    ):
        assert reader.get(path).status_code == 200
        assert stranger.error(path)[0] == 404


def test_what_the_client_has_already_is_not_sent_again(reader: Reader, project: Project, run: dict[str, Any]) -> None:
    for path in (f"{THREAD}/runs/{run['id']}", f"{THREAD}/runs", THREAD, "/v1/threads"):
        etag = reader.get(path)["ETag"]
        assert etag.startswith('"')
        unchanged = reader.ask("get", path, headers={"If-None-Match": etag})
        assert (unchanged.status_code, unchanged.content, unchanged["ETag"]) == (304, b"", etag)
        assert reader.ask("get", path, headers={"If-None-Match": '"another"'}).status_code == 200

    etag = reader.get(f"{THREAD}/runs")["ETag"]
    factories.post_run(project)
    assert reader.ask("get", f"{THREAD}/runs", headers={"If-None-Match": etag}).status_code == 200


def test_head_tells_what_get_would(reader: Reader, run: dict[str, Any]) -> None:
    path = f"{THREAD}/runs/{run['id']}"
    full, head = reader.get(path), reader.ask("head", path)

    assert (head.status_code, head.content) == (200, b"")
    assert head["ETag"] == full["ETag"]
    assert head["Content-Length"] == str(len(full.content))
    assert reader.ask("head", f"{THREAD}/runs/run_unknown").status_code == 404
