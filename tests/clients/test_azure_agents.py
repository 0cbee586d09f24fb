"""The `azure-ai-agents` package, whose pager only stops at a page without ids."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

import pytest
from azure.ai.agents import AgentsClient
from azure.core.credentials import AzureKeyCredential
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ResourceNotFoundError
from azure.core.pipeline.policies import AzureKeyCredentialPolicy

from tests.clients.archive import Archive, find_differences


@pytest.fixture
def client(archive: Archive) -> Iterator[AgentsClient]:
    with connect(archive, archive.key) as client:
        yield client


def connect(archive: Archive, key: str) -> AgentsClient:
    credential = AzureKeyCredential(key)
    return AgentsClient(
        endpoint=f"{archive.url}/api/projects/firstProject",
        credential=credential,  # type: ignore[arg-type]  # not used: the policy below is
        authentication_policy=AzureKeyCredentialPolicy(credential, "Authorization", prefix="Bearer"),
        retry_total=0,
    )


def test_client_reads_everything(archive: Archive, client: AgentsClient) -> None:
    expected, results = archive.expected_results(), dict[str, Any]()
    for thread in archive.build_task()["threads"]:
        results |= _read_thread(client, thread)

    assert find_differences(results, {name: value for name, value in expected.items() if "unknown" not in name}) == []


@pytest.mark.parametrize("limit", [1, 3, 100])
def test_client_lists_all_threads(archive: Archive, client: AgentsClient, limit: int) -> None:
    expected = archive.threads()

    for order, thread_ids in (("asc", expected), ("desc", expected[::-1])):
        listed = client.threads.list(limit=limit, order=order)
        assert [thread.id for thread in islice(listed, len(thread_ids) + 1)] == thread_ids


def test_unknown_ids_raise_resource_not_found(archive: Archive, client: AgentsClient) -> None:
    thread, run = next((item["id"], run) for item in archive.build_task()["threads"] for run in item["runs"])
    requests: list[Callable[[], Any]] = [
        lambda: list(client.runs.list("thread_unknown")),
        lambda: client.threads.get("thread_unknown"),
        lambda: client.runs.get(thread, "run_unknown"),
        lambda: client.run_steps.get(thread, run, "step_unknown"),
        lambda: client.messages.get(thread, "msg_unknown"),
        lambda: list(client.runs.list(thread, before="run_unknown")),
    ]

    for request in requests:
        with pytest.raises(ResourceNotFoundError, match="found with id"):
            request()


def test_writes_and_unknown_keys_raise_errors(archive: Archive, client: AgentsClient) -> None:
    with pytest.raises(HttpResponseError, match="archive"):
        client.threads.create()
    with connect(archive, "unknown") as other_client, pytest.raises(ClientAuthenticationError):
        other_client.threads.get("thread_many")


def _read_thread(client: AgentsClient, thread: dict[str, Any]) -> dict[str, Any]:
    thread_id, count, messages = thread["id"], thread["count"], thread["messages"]
    results: dict[str, Any] = {f"thread {thread_id}": client.threads.get(thread_id).as_dict()}
    for order in ("asc", "desc"):
        results[f"runs of {thread_id} {order}"] = _read(client.runs.list(thread_id, limit=7, order=order), count)
        message_list = client.messages.list(thread_id, limit=4, order=order)
        results[f"messages of {thread_id} {order}"] = _read(message_list, len(messages))
    before = {"before": thread["last"]} if count else {}
    earlier = client.runs.list(thread_id, limit=100, order="asc", **before)
    results[f"runs of {thread_id} before the last"] = _read(earlier, count)
    results |= {f"message {message}": client.messages.get(thread_id, message).as_dict() for message in messages}
    for run, steps in thread["runs"].items():
        results[f"run {run}"] = client.runs.get(thread_id, run).as_dict()
        for order in ("asc", "desc"):
            listed = client.run_steps.list(thread_id, run, limit=2, order=order)
            results[f"steps of {run} {order}"] = _read(listed, len(steps))
        results |= {f"step of {run} {step}": client.run_steps.get(thread_id, run, step).as_dict() for step in steps}
    return results


def _read(listed: Iterable[Any], expected: int) -> list[Any]:
    return [item.as_dict() for item in islice(listed, expected + 1)]
