"""The neighbours of a run in the list that it was opened from, in the order and with the filters of the list."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from dashboard.pages.run import list_navigation
from dashboard.pages.run.list_navigation import RunListContext
from runs.models import Project, Run
from tests import factories
from tests.dashboard.pages.run.run_pages import htmx_headers, run_url
from tests.pages import Element, Page

LIST_QUERIES = (
    "",
    "status=failed&model=gpt-4o",
    "q=total_tokens%3A%3E5&sort=-duration",
    "columns=model%2Ctokens&view=all",
)


@pytest.fixture
def five_runs(project: Project) -> list[Run]:
    """Five runs of one second, newest first. Two of them failed."""
    same = {"created_at": factories.NOW, "started_at": factories.NOW}
    for number, tokens in enumerate((40, None, 20, 30, 10)):
        usage = None if tokens is None else {"prompt_tokens": tokens, "completion_tokens": 0, "total_tokens": tokens}
        make = factories.failed_run if number in (1, 3) else factories.run_object
        factories.post(project, make(id=f"run_{number}", usage=usage, **same))
    return list(Run.objects.newest_first())


def url_from_list(run: Run, encoded_query: str) -> str:
    """Return the URL of a run that is opened from the list with that query string."""
    return f"{run_url(run.external_id)}?list={encoded_query}"


def neighbour_urls(page: Element) -> dict[str, str]:
    """Return the URLs that the keys j and k open, by key."""
    if not page.has("navigation", "Runs in the list"):
        return {}
    return {link.get("data-key") or "": link.url for link in page.navigation("Runs in the list").find_all("link")}


def open_neighbours(client: Client, run: Run, query: str) -> dict[str, str]:
    return neighbour_urls(Page(client.get(run_url(run.external_id), {"list": query})))


def list_urls(client: Client, query: str) -> list[str]:
    """Return the URLs of the runs in a list, in order."""
    page = Page(client.get(f"{reverse('runs', kwargs={'project': 'default'})}?{query}"))
    return [link.url for link in page.find_all("link") if link.get("class") == "id"]


def test_neighbours_are_those_in_the_list(member_client: Client, five_runs: list[Run]) -> None:
    for index, run in enumerate(five_runs):
        expected = {}
        if index > 0:
            expected["k"] = url_from_list(five_runs[index - 1], "")
        if index < 4:
            expected["j"] = url_from_list(five_runs[index + 1], "")
        assert open_neighbours(member_client, run, "") == expected


@pytest.mark.parametrize("sort", ["created", "-tokens", "tokens", "duration"])
def test_next_links_follow_the_list_order(member_client: Client, five_runs: list[Run], sort: str) -> None:
    expected = list_urls(member_client, f"sort={sort}")
    visited, url = [], expected[0]
    while url:
        visited.append(url)
        url = neighbour_urls(Page(member_client.get(url))).get("j", "")
    assert visited == expected


def test_filters_apply_to_neighbours_only(member_client: Client, five_runs: list[Run]) -> None:
    first, second = (run for run in five_runs if run.status == "failed")
    assert open_neighbours(member_client, first, "status=failed") == {"j": url_from_list(second, "status%3Dfailed")}
    between = five_runs[five_runs.index(first) + 1]
    if between != second:
        expected = {"k": url_from_list(first, "status%3Dfailed"), "j": url_from_list(second, "status%3Dfailed")}
        assert open_neighbours(member_client, between, "q=status:failed") == expected


def test_other_projects_have_no_neighbours(member_client: Client, project: Project) -> None:
    run = factories.post_run(project)
    factories.post_run(factories.make_project("other"))
    assert open_neighbours(member_client, run, "") == {}


def test_links_on_the_page_keep_the_list(member_client: Client, five_runs: list[Run]) -> None:
    page = Page(member_client.get(url_from_list(five_runs[0], "status%3Dfailed")))
    assert page.find("list", "Breadcrumb").link("Runs").url == "/p/default/runs/?status=failed"
    own_links = [link.url for link in page.find_all("link") if link.url.startswith("?")]
    own_links += [query for element in page.iterate() if (query := element.get("hx-get") or "").startswith("?")]
    assert all(url.startswith("?list=status%3Dfailed&") for url in own_links)


def test_run_without_list_has_no_neighbours(member_client: Client, five_runs: list[Run]) -> None:
    assert not Page(member_client.get(run_url("run_2"))).has("navigation", "Runs in the list")


def test_polled_header_keeps_the_list(member_client: Client, project: Project) -> None:
    run = factories.post_run(project, status="in_progress", completed_at=None)
    url = url_from_list(run, "")
    poll_url = Page(member_client.get(url)).region("Status").get("hx-get") or ""
    assert poll_url.startswith(f"{url}&seen=1-")
    again = Page(member_client.get(poll_url, headers=htmx_headers("run-header")))
    assert again.has("navigation", "Runs in the list")


def test_slow_search_for_neighbours_is_stopped(
    member_client: Client, five_runs: list[Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    def sleep(*_: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(5)")

    monkeypatch.setattr(list_navigation, "MAX_NEIGHBOUR_QUERY_SECONDS", 0.02)
    monkeypatch.setattr(type(Run.objects.all()), "adjacent_ids", sleep)
    page = Page(member_client.get(url_from_list(five_runs[1], "q%3Drefund")))
    titles = [element.get("title") or "" for element in page.navigation("Runs in the list").iterate()]
    assert any("finding the adjacent runs took too long" in title for title in titles)
    assert neighbour_urls(page) == {}


def test_statement_timeout_ends_with_the_search(member_client: Client, five_runs: list[Run]) -> None:
    open_neighbours(member_client, five_runs[1], "q=refund")
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("0",)


def test_position_in_the_list_is_shown(
    member_client: Client, five_runs: list[Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_position(run: Run, query: str) -> str:
        page = Page(member_client.get(run_url(run.external_id), {"list": query}))
        return page.navigation("Runs in the list").text.removeprefix("← Previous ").removesuffix(" Next →")

    assert [read_position(run, "") for run in five_runs] == [f"{number} of 5 in list" for number in range(1, 6)]
    by_tokens = {run.external_id: read_position(run, "sort=-tokens") for run in five_runs}
    order = [url.split("/")[4] for url in list_urls(member_client, "sort=-tokens")]
    assert [by_tokens[run_id] for run_id in order] == [f"{number} of 5 in list" for number in range(1, 6)]
    completed = next(run for run in five_runs if run.status == "completed")
    assert read_position(completed, "status=failed") == "in list"
    monkeypatch.setattr(list_navigation, "MAX_NUMBERED_RUNS", 3)
    assert [read_position(run, "") for run in five_runs[2:4]] == ["3 of 3+ in list", "in list"]


def test_list_takes_one_query_more(member_client: Client, five_runs: list[Run]) -> None:
    counts = []
    url = run_url("run_2")
    for address in (url, f"{url}?list=status%3Dfailed", f"{url}?list=q%3D-status%3Acompleted"):
        member_client.get(address)
        with CaptureQueriesContext(connection) as queries:
            member_client.get(address)
        counts.append(len(queries))
    # the two neighbours and the position instead of the next run and the position in the thread
    assert counts[1] - counts[0] == 1
    # A query adds a savepoint, the sample of the planner, and the savepoint's end.
    assert counts[2] - counts[1] == 3


def test_list_context_round_trips() -> None:
    for query in LIST_QUERIES:
        assert RunListContext.parse(query).query == query


def test_every_list_links_to_its_runs(member_client: Client, five_runs: list[Run]) -> None:
    for query in (*LIST_QUERIES, "sort=cost", "columns=model", "model=gpt-4o-mini&from=2026-01-01"):
        for url in list_urls(member_client, query)[:1]:
            assert member_client.get(url).status_code == 200, query
