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


def page(first: int, last: int, **members: Any) -> dict[str, Any]:
    """Return the page of threads `first` to `last`, which announces more unless `members` say otherwise."""
    return {"data": threads(last + 1)[first:], "last_id": f"thread_{last}", "has_more": True} | members


EMPTY = page(0, -1, last_id=None)


@pytest.mark.parametrize(
    ("pages", "count"),
    [
        ([page(0, 2), page(0, 2)], 3),  # `after` is ignored
        ([page(0, 2), page(3, 5), page(0, 2)], 6),  # the pages turn back
        ([page(0, 2), EMPTY], 3),
        ([EMPTY], 0),
        ([page(0, 2), page(0, -1, last_id="thread_2")], 3),
        ([page(0, 2), page(0, -1, last_id="c1"), page(0, -1, last_id="c1")], 3),
        ([page(0, 99, has_more=None), page(0, 99, has_more=None)], 100),  # full pages, and the server does not tell
        ([page(0, 2), *(page(0, 2, last_id=f"c{number}") for number in range(20))], 3),
    ],
)
def test_announced_but_missing_objects_are_reported(
    server: AgentServer, client: HarvestClient, pages: list[dict[str, Any]], count: int
) -> None:
    answers = iter(pages)
    server.default_fault = lambda *_: Answer(200, envelope(next(answers)))
    *complete, last = fetch_list_pages(client, "/threads")
    assert [listed.raw for read in complete for listed in read.objects] == threads(count)
    assert last.is_truncated
    assert not last.objects
    assert len(server.requests) == len(pages)


@pytest.mark.parametrize(
    "pages",
    [
        [page(0, 2), page(0, -1, last_id="c1"), page(3, 5, has_more=False)],  # an empty page in between
        [page(0, 2), page(1, 2, last_id="c1"), page(2, 5, has_more=False)],  # a page of known objects in between
        [page(0, 2), page(3, 5, has_more=None), page(3, 5, has_more=None)],  # nobody announced more
        [page(0, 5, has_more=None), page(0, -1, has_more=None)],
    ],
)
def test_lists_without_missing_objects_are_complete(
    server: AgentServer, client: HarvestClient, pages: list[dict[str, Any]]
) -> None:
    answers = iter(pages)
    server.default_fault = lambda *_: Answer(200, envelope(next(answers)))
    read = list(fetch_list_pages(client, "/threads"))
    assert [listed.raw for page in read for listed in page.objects] == threads(6)
    assert not any(page.is_truncated for page in read)


def test_ignored_has_more_accepts_an_empty_page(server: AgentServer, client: HarvestClient) -> None:
    server.lists["/threads"] = threads(5)
    server.default_fault = endless
    [only] = fetch_list_pages(client, "/threads", ignore_has_more=True)
    assert [listed.raw for listed in only.objects] == threads(5)


def test_objects_without_id_are_not_dropped(server: AgentServer, client: HarvestClient) -> None:
    nameless = [b'{"object": "thread", "n": 1}', b'{"object": "thread", "n": 2}']
    pages = iter([page(0, 1, data=[nameless[0]]), page(0, 1, data=[nameless[1]], last_id="c1", has_more=False)])
    server.default_fault = lambda *_: Answer(200, envelope(next(pages)))
    assert read_list(client) == nameless


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
