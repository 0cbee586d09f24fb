"""Every list ends, whatever the server says, and with all that was in it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from runs.transfer.harvest.client import HarvestClient, RequestFailed, ResourceNotFound
from runs.transfer.harvest.pagination import fetch_list_pages
from tests.runs.harvest.server import AgentServer, Answer, Request, endless, envelope


def threads(count: int) -> list[bytes]:
    return [json.dumps({"id": f"thread_{number}"}).encode() for number in range(count)]


def listed(client: HarvestClient, path: str = "/threads") -> list[bytes]:
    return [item.raw for page in fetch_list_pages(client, path) for item in page.items]


def changed(**changes: Any) -> Any:
    """A server that sends every envelope so; `...` leaves a member out."""

    def fault(_request: Request, page: dict[str, Any]) -> Answer:
        sent = {name: value for name, value in (page | changes).items() if value is not ...}
        return Answer(200, envelope(sent))

    return fault


def test_pages_are_asked_for_by_the_last_id_oldest_first(server: AgentServer, client: HarvestClient) -> None:
    server.lists["/threads"] = threads(250)
    assert listed(client) == server.lists["/threads"]
    assert [request.query.get("after") for request in server.requests] == [None, "thread_99", "thread_199"]
    assert {(request.query["limit"], request.query["order"]) for request in server.requests} == {("100", "asc")}


def test_an_empty_list_takes_one_request(server: AgentServer, client: HarvestClient) -> None:
    assert listed(client) == []
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
def test_a_list_ends_with_all_that_is_in_it(
    server: AgentServer, client: HarvestClient, fault: Any, requests: int
) -> None:
    server.lists["/threads"] = threads(5)
    server.standing = fault
    assert listed(client) == threads(5)
    assert len(server.requests) == requests


def test_a_server_that_sends_its_first_page_for_ever_is_told_of(server: AgentServer, client: HarvestClient) -> None:
    first = {"data": threads(3), "last_id": "thread_2", "has_more": True}
    server.standing = lambda *_: Answer(200, envelope(first))
    found = list(fetch_list_pages(client, "/threads"))
    assert [len(page.items) for page in found] == [3, 0]
    assert [page.repeats for page in found] == [False, True]
    assert len(server.requests) == 2


def test_pages_that_overlap_bring_each_object_once(server: AgentServer, client: HarvestClient) -> None:
    first, second = threads(5)[:3], threads(5)[2:]
    sent = iter(
        [
            {"data": first, "last_id": "thread_2", "has_more": True},
            {"data": second, "last_id": "x", "has_more": False},
        ]
    )
    server.standing = lambda *_: Answer(200, envelope(next(sent)))
    assert listed(client) == threads(5)


@pytest.mark.parametrize("body", [b"{}", b'{"data": null}', b'{"data": {"id": "x"}}', b'{"data": "x"}'])
def test_what_is_no_list_is_given_up(server: AgentServer, client: HarvestClient, body: bytes) -> None:
    server.standing = lambda *_: Answer(200, body)
    with pytest.raises(RequestFailed, match="/threads: the answer is no list"):
        listed(client)


def test_a_list_that_is_not_there_is_said_to_be(client: HarvestClient) -> None:
    with pytest.raises(ResourceNotFound):
        listed(client, "/threads/thread_gone/runs")
