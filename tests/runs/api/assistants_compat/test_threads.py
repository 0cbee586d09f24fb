"""Threads of the Assistants API, which exist because of their runs and messages."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from runs.models import Project
from tests import factories
from tests.runs.api.assistants_compat.conftest import AssistantsClient

NOW = factories.NOW


@pytest.fixture
def threads(project: Project) -> list[str]:
    """Return the ids of twelve threads, oldest first: with runs, with messages, and with both."""
    runs, messages = [], []
    for number in range(12):
        at, thread = NOW + number // 2 * 10, f"thread_{number:02}"
        if number % 3 != 1:
            runs += [factories.run_object(thread_id=thread, created_at=at + later) for later in (0, 0, 100)]
        if number % 3 != 0:
            thread_messages = [
                factories.message_object(thread_id=thread, created_at=at + later) for later in (0, 0, 50)
            ]
            messages += thread_messages
    factories.post(project, *runs)
    factories.post_messages(project, *messages)
    return [f"thread_{number:02}" for number in range(12)]


@pytest.mark.parametrize("limit", [1, 5, 12, 100])
def test_threads_are_listed_once(client: AssistantsClient, threads: list[str], limit: int) -> None:
    assert client.list_all_ids("/v1/threads", limit=limit, order="asc") == threads
    assert client.list_all_ids("/v1/threads", limit=limit) == threads[::-1]


def test_threads_are_paginated_backwards(client: AssistantsClient, threads: list[str]) -> None:
    assert client.list_ids("/v1/threads", order="asc", limit=3, before=threads[7]) == threads[4:7]


def test_page_after_the_last_is_empty(client: AssistantsClient, threads: list[str]) -> None:
    response = client.get("/v1/threads", after=threads[0])

    assert response.content == b'{"object":"list","data":[],"first_id":null,"last_id":null,"has_more":false}'


def test_thread_has_age_of_oldest_record(client: AssistantsClient, project: Project) -> None:
    factories.post_run(project, thread_id="t", created_at=NOW + 60)
    expected = {
        "id": "t",
        "object": "thread",
        "created_at": NOW + 60,
        "tool_resources": None,
        "metadata": {},
    }
    assert client.get_json("/v1/threads/t") == expected
    assert client.get_json("/v1/threads")["data"] == [expected]

    factories.post_messages(project, factories.message_object(thread_id="t", created_at=NOW + 5))
    assert client.get_json("/v1/threads/t") == expected | {"created_at": NOW + 5}
    assert client.get_json("/v1/threads")["data"] == [expected | {"created_at": NOW + 5}]


def test_query_count_does_not_grow_with_threads(client: AssistantsClient, threads: list[str]) -> None:
    client.list_ids("/v1/threads")  # records the first use of the key
    for limit in (1, 10):
        with CaptureQueriesContext(connection) as queries:
            assert len(client.list_ids("/v1/threads", limit=limit, order="asc", after=threads[0])) == limit
        # the key, the cursor's runs and messages, the page
        assert len(queries) == 4


def test_other_projects_do_not_affect_thread_age(
    client: AssistantsClient, other_client: AssistantsClient, project: Project
) -> None:
    factories.post_run(project, thread_id="t", created_at=NOW + 60)
    factories.post_run(factories.make_project("elsewhere"), thread_id="t", created_at=NOW)

    assert client.get_json("/v1/threads")["data"][0]["created_at"] == NOW + 60
    assert other_client.get_json("/v1/threads/t")["created_at"] == NOW


@pytest.mark.parametrize("path", ["/v1/threads/thread_unknown", "/v1/threads?after=thread_unknown"])
def test_unknown_thread_gets_404(client: AssistantsClient, threads: list[str], path: str) -> None:
    status, error = client.get_error(path)

    assert status == 404
    assert error["message"] == "No thread found with id 'thread_unknown'."
