"""A run that was opened from the list: its neighbours there, in the order and under the filters of the list."""

from __future__ import annotations

import re
from html import unescape
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

LINK = re.compile(r'<a [^>]*href="([^"]*)"[^>]* data-key="([jk])"')


@pytest.fixture
def five(project: Project) -> list[Run]:
    """Runs of one second, told apart by their ids, two of them failed; the newest first."""
    same = {"created_at": factories.NOW, "started_at": factories.NOW}
    for number, tokens in enumerate((40, None, 20, 30, 10)):
        usage = None if tokens is None else {"prompt_tokens": tokens, "completion_tokens": 0, "total_tokens": tokens}
        make = factories.failed_run if number in (1, 3) else factories.run_object
        factories.post(project, make(id=f"run_{number}", usage=usage, **same))
    return list(Run.objects.newest_first())


def neighbours(client: Client, run: Run, query: str) -> dict[str, str]:
    """Where the keys j and k lead, by key."""
    address = reverse("run", kwargs={"project": "default", "run_id": run.external_id})
    html = client.get(address, {"list": query}).content.decode()
    return {key: unescape(url) for url, key in LINK.findall(html)}


def address_of(run: Run, query: str) -> str:
    return reverse("run", kwargs={"project": "default", "run_id": run.external_id}) + "?list=" + query


def test_neighbours_are_those_of_the_list(member_client: Client, five: list[Run]) -> None:
    for place, run in enumerate(five):
        expected = {}
        if place > 0:
            expected["k"] = address_of(five[place - 1], "")
        if place < 4:
            expected["j"] = address_of(five[place + 1], "")
        assert neighbours(member_client, run, "") == expected


@pytest.mark.parametrize("sort", ["created", "-tokens", "tokens", "duration"])
def test_walking_along_follows_the_list_whatever_its_order(member_client: Client, five: list[Run], sort: str) -> None:
    page = member_client.get(reverse("runs", kwargs={"project": "default"}), {"sort": sort}).content.decode()
    links = re.findall(r'class="id" href="([^"]*)"', page)
    walked, url = [], unescape(links[0])
    while url:
        walked.append(url)
        found = {key: link for link, key in LINK.findall(member_client.get(url).content.decode())}
        url = unescape(found.get("j", ""))
    assert walked == [unescape(link) for link in links]


def test_filters_hold_and_the_run_itself_need_not_match(member_client: Client, five: list[Run]) -> None:
    failed = [run for run in five if run.status == "failed"]
    first, second = failed
    assert neighbours(member_client, first, "status=failed") == {"j": address_of(second, "status%3Dfailed")}
    between = five[five.index(first) + 1]
    if between != second:
        expected = {"k": address_of(first, "status%3Dfailed"), "j": address_of(second, "status%3Dfailed")}
        assert neighbours(member_client, between, "q=status:failed") == expected


def test_runs_of_other_projects_are_no_neighbours(member_client: Client, project: Project) -> None:
    run = factories.post_run(project)
    factories.post_run(factories.make_project("other"))
    assert neighbours(member_client, run, "") == {}


def test_the_way_back_and_links_on_the_page_keep_the_list(member_client: Client, five: list[Run]) -> None:
    html = member_client.get(address_of(five[0], "status%3Dfailed")).content.decode()
    assert 'href="/p/default/runs/?status=failed">Runs</a>' in html
    assert 'href="?list=status%3Dfailed&amp;full=' in html or "?full=" not in html


def test_without_a_list_there_are_no_neighbours(member_client: Client, five: list[Run]) -> None:
    html = member_client.get(reverse("run", kwargs={"project": "default", "run_id": "run_2"})).content.decode()
    assert "Runs in the list" not in html


def test_a_live_run_keeps_its_list_when_it_asks_again(member_client: Client, project: Project) -> None:
    run = factories.post_run(project, status="in_progress", completed_at=None)
    html = member_client.get(address_of(run, "")).content.decode()
    found = re.search(r'id="run-head" hx-get="([^"]*)"', html)
    assert found
    assert unescape(found[1]) == f"{address_of(run, '')}&seen=1"
    again = member_client.get(unescape(found[1]), headers={"HX-Request": "true", "HX-Target": "run-head"})
    assert "Runs in the list" in again.content.decode()


def test_neighbours_that_are_far_to_seek_are_not_sought_for_long(
    member_client: Client, five: list[Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(*_: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(5)")

    monkeypatch.setattr(list_navigation, "MAX_NEIGHBOUR_QUERY_MS", 20)
    monkeypatch.setattr(type(Run.objects.all()), "beside", slow)
    html = member_client.get(address_of(five[1], "q%3Drefund")).content.decode()
    assert "finding its neighbours took too long" in html
    assert neighbours(member_client, five[1], "q=refund") == {}


def test_the_limit_ends_with_the_search(member_client: Client, five: list[Run]) -> None:
    neighbours(member_client, five[1], "q=refund")
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("0",)


def test_a_list_costs_two_questions_and_a_limit_where_it_has_a_query(member_client: Client, five: list[Run]) -> None:
    counts = []
    address = reverse("run", kwargs={"project": "default", "run_id": "run_2"})
    for url in (address, f"{address}?list=status%3Dfailed", f"{address}?list=q%3D-status%3Acompleted"):
        member_client.get(url)
        with CaptureQueriesContext(connection) as queries:
            member_client.get(url)
        counts.append(len(queries))
    assert counts[1] - counts[0] == 2
    assert counts[2] - counts[1] == 5  # savepoint, limit, a look at what comes first, no limit, savepoint


WRITTEN = ("", "status=failed&model=gpt-4o", "q=total_tokens%3A%3E5&sort=-duration", "columns=model%2Ctokens&view=all")


def test_a_list_is_read_as_it_is_written() -> None:
    for query in WRITTEN:
        assert RunListContext.parse(query).query == query


def test_every_state_of_the_list_leads_to_its_runs(member_client: Client, five: list[Run]) -> None:
    for query in (*WRITTEN, "sort=cost", "columns=model", "model=gpt-4o-mini&from=2026-01-01"):
        page = member_client.get(f"{reverse('runs', kwargs={'project': 'default'})}?{query}").content.decode()
        for link in re.findall(r'class="id" href="([^"]*)"', page)[:1]:
            assert member_client.get(unescape(link)).status_code == 200, query
