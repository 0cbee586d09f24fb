"""Reading lists: every list is read completely and ends, whatever the server announces."""

from __future__ import annotations

import json
from typing import Any

import pytest

from runs.transfer.harvest.client import HarvestClient, RequestFailed, ResourceNotFound
from runs.transfer.harvest.pagination import fetch_list_pages
from tests.runs.transfer.harvest.server import AgentServer, Answer, Request, endless, envelope


def threads(count: int) -> list[bytes]:
    return [json.dumps({"id": f"thread_{number}"}).encode() for number in range(count)]


def read_list(client: HarvestClient, path: str = "/threads") -> list[bytes]:
    return [listed.raw for page in fetch_list_pages(client, path) for listed in page.objects]


def changed(**changes: Any) -> Any:
    """Return a fault that changes members of every envelope; `...` removes a member."""

    def fault(_request: Request, page: dict[str, Any]) -> Answer:
        changed_page = {name: value for name, value in (page | changes).items() if value is not ...}
        return Answer(200, envelope(changed_page))

    return fault


def test_pages_are_requested_by_last_id(server: AgentServer, client: HarvestClient) -> None:
    server.lists["/threads"] = threads(250)
    assert read_list(client) == server.lists["/threads"]
    assert [request.query.get("after") for request in server.requests] == [None, "thread_99", "thread_199"]
    assert {(request.query["limit"], request.query["order"]) for request in server.requests} == {("100", "asc")}


def test_empty_list_takes_one_request(server: AgentServer, client: HarvestClient) -> None:
    assert read_list(client) == []
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("fault", "requests"),
    [
        (changed(has_more=False), 1),
        (changed(has_more=...), 2),
        (changed(last_id=None, has_more=True), 2),
        (changed(last_id=..., first_id=...), 1),
        (changed(last_id=7, has_more=True), 2),
        (endless, 2),
    ],
)
def test_list_is_read_completely_and_ends(
    server: AgentServer, client: HarvestClient, fault: Any, requests: int
) -> None:
    server.lists["/threads"] = threads(5)
    server.default_fault = fault
    assert read_list(client) == threads(5)
    assert len(server.requests) == requests


def test_repeated_page_is_reported(server: AgentServer, client: HarvestClient) -> None:
    first = {"data": threads(3), "last_id": "thread_2", "has_more": True}
    server.default_fault = lambda *_: Answer(200, envelope(first))
    pages = list(fetch_list_pages(client, "/threads"))
    assert [len(page.objects) for page in pages] == [3, 0]
    assert [page.is_repetition for page in pages] == [False, True]
    assert len(server.requests) == 2


def test_overlapping_pages_yield_each_object_once(server: AgentServer, client: HarvestClient) -> None:
    first, second = threads(5)[:3], threads(5)[2:]
    pages = iter(
        [
            {"data": first, "last_id": "thread_2", "has_more": True},
            {"data": second, "last_id": "x", "has_more": False},
        ]
    )
    server.default_fault = lambda *_: Answer(200, envelope(next(pages)))
    assert read_list(client) == threads(5)


@pytest.mark.parametrize("body", [b"{}", b'{"data": null}', b'{"data": {"id": "x"}}', b'{"data": "x"}'])
def test_response_without_list_fails(server: AgentServer, client: HarvestClient, body: bytes) -> None:
    server.default_fault = lambda *_: Answer(200, body)
    with pytest.raises(RequestFailed, match="/threads: the response is not a list"):
        read_list(client)


def test_missing_list_raises_resource_not_found(client: HarvestClient) -> None:
    with pytest.raises(ResourceNotFound):
        read_list(client, "/threads/thread_gone/runs")
