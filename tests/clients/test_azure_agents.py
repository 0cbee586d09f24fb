"""The `azure-ai-agents` package, whose pager ends at nothing but a page without ids."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

import pytest
from azure.ai.agents import AgentsClient
from azure.core.credentials import AzureKeyCredential
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ResourceNotFoundError
from azure.core.pipeline.policies import AzureKeyCredentialPolicy

from tests.clients.archive import Archive, differences


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


def test_the_client_reads_everything(archive: Archive, client: AgentsClient) -> None:
    expected, found = archive.expected(), dict[str, Any]()
    for thread in archive.assignment()["threads"]:
        found |= _thread(client, thread)

    assert differences(found, {name: each for name, each in expected.items() if "unknown" not in name}) == []


@pytest.mark.parametrize("limit", [1, 3, 100])
def test_an_archive_can_be_walked_by_its_threads(archive: Archive, client: AgentsClient, limit: int) -> None:
    expected = archive.threads()

    for order, wanted in (("asc", expected), ("desc", expected[::-1])):
        listed = client.threads.list(limit=limit, order=order)
        assert [thread.id for thread in islice(listed, len(wanted) + 1)] == wanted


def test_unknown_ids_raise_the_clients_own_error(archive: Archive, client: AgentsClient) -> None:
    thread, run = next((each["id"], run) for each in archive.assignment()["threads"] for run in each["runs"])
    asked: list[Callable[[], Any]] = [
        lambda: list(client.runs.list("thread_unknown")),
        lambda: client.threads.get("thread_unknown"),
        lambda: client.runs.get(thread, "run_unknown"),
        lambda: client.run_steps.get(thread, run, "step_unknown"),
        lambda: client.messages.get(thread, "msg_unknown"),
        lambda: list(client.runs.list(thread, before="run_unknown")),
    ]

    for ask in asked:
        with pytest.raises(ResourceNotFoundError, match="found with id"):
            ask()


def test_writing_and_unknown_keys_raise_the_clients_own_errors(archive: Archive, client: AgentsClient) -> None:
    with pytest.raises(HttpResponseError, match="archive"):
        client.threads.create()
    with connect(archive, "unknown") as stranger, pytest.raises(ClientAuthenticationError):
        stranger.threads.get("thread_many")


def _thread(client: AgentsClient, thread: dict[str, Any]) -> dict[str, Any]:
    at, count, messages = thread["id"], thread["count"], thread["messages"]
    found: dict[str, Any] = {f"thread {at}": client.threads.get(at).as_dict()}
    for order in ("asc", "desc"):
        found[f"runs of {at} {order}"] = _read(client.runs.list(at, limit=7, order=order), count)
        said = client.messages.list(at, limit=4, order=order)
        found[f"messages of {at} {order}"] = _read(said, len(messages))
    before = {"before": thread["last"]} if count else {}
    earlier = client.runs.list(at, limit=100, order="asc", **before)
    found[f"runs of {at} before the last"] = _read(earlier, count)
    found |= {f"message {each}": client.messages.get(at, each).as_dict() for each in messages}
    for run, steps in thread["runs"].items():
        found[f"run {run}"] = client.runs.get(at, run).as_dict()
        for order in ("asc", "desc"):
            listed = client.run_steps.list(at, run, limit=2, order=order)
            found[f"steps of {run} {order}"] = _read(listed, len(steps))
        found |= {f"step of {run} {each}": client.run_steps.get(at, run, each).as_dict() for each in steps}
    return found


def _read(listed: Iterable[Any], expected: int) -> list[Any]:
    return [each.as_dict() for each in islice(listed, expected + 1)]
