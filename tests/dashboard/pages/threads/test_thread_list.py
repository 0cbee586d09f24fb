"""The list of threads: order, filters, pages, and queries."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from dashboard.pages.threads import views
from runs.analytics import threads
from runs.models import Project
from tests import factories
from tests.dashboard.pages.threads.thread_pages import LIST_URL, listed_threads, post_conversation
from tests.pages import Page

NOW = factories.NOW
ROWS_HEADERS = {"HX-Request": "true", "HX-Target": "rows"}


def test_threads_are_sorted_by_newest_run(member_client: Client, project: Project) -> None:
    post_conversation(project, "thread_talk")
    factories.post_run(project, thread_id="thread_early", created_at=NOW - 600, completed_at=NOW - 590)
    factories.post_run(project, thread_id="thread_late", created_at=NOW + 600, completed_at=NOW + 610)
    response = member_client.get(LIST_URL)
    assert listed_threads(response) == ["thread_late", "thread_talk", "thread_early"]
    row = Page(response).table("Threads").row("thread_talk")
    expected = {
        "Last run": "Failed", "Thread": "thread_talk", "Runs": "2", "Failed": "1", "Tokens": "150",
        "Cost, est.": "< $0.0001", "Assistants": "asst_concierge",
    }  # fmt: skip
    assert {column: row[column].text for column in expected} == expected


def test_threads_of_other_projects_are_not_listed(member_client: Client, project: Project) -> None:
    factories.post_run(factories.make_project("other"))
    assert Page(member_client.get(LIST_URL)).has("heading", "No threads yet")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("status=failed", ["thread_b"]),
        ("model=gpt-4o", ["thread_a"]),
        ("error=server_error", ["thread_b"]),
        ("assistant=asst_concierge", ["thread_b", "thread_a"]),
        ("from=2026-11-19", []),
        ("to=2026-11-19", ["thread_b", "thread_a"]),
        ("q=metadata.ticket:7", ["thread_a"]),
    ],
)
def test_filters_apply_to_runs(member_client: Client, project: Project, query: str, expected: list[str]) -> None:
    first = factories.run_object(thread_id="thread_a", model="gpt-4o", metadata={"ticket": "7"})
    factories.post(project, first, factories.run_object(thread_id="thread_a"))
    factories.post(project, factories.failed_run("server_error", thread_id="thread_b"))
    response = member_client.get(f"{LIST_URL}?{query}")
    assert listed_threads(response) == expected
    if "thread_a" in expected:  # The totals are those of all runs, whatever the filters.
        row = Page(response).table("Threads").row("thread_a")
        assert [row[column].text for column in ("Runs", "Failed", "Tokens")] == ["2", "0", "300"]


def test_removed_filter_token_keeps_the_others(member_client: Client, project: Project) -> None:
    factories.post_run(project)
    page = Page(member_client.get(f"{LIST_URL}?model=gpt-4o-mini&from=-7d&status=completed"))
    assert page.link("Remove model:gpt-4o-mini").url == f"{LIST_URL}?status=completed&from=-7d"
    assert page.link("Remove from:-7d").url == f"{LIST_URL}?status=completed&model=gpt-4o-mini"


def test_chips_count_threads_of_each_status(member_client: Client, project: Project) -> None:
    for name, statuses in {"a": ("completed", "failed"), "b": ("completed", "completed"), "c": ("queued",)}.items():
        for status in statuses:
            ended_at = NOW + 5 if status == "completed" else None
            factories.post_run(project, thread_id=f"thread_{name}", status=status, completed_at=ended_at)
    for query in ("", "?status=failed"):
        chips = Page(member_client.get(LIST_URL + query)).find("group", "Threads with a run of status")
        assert chips.text == "Failed 1 Queued 1 Completed 2"


def test_time_range_is_chosen_from_a_menu(member_client: Client, project: Project) -> None:
    factories.post_run(project, thread_id="thread_now")
    page = Page(member_client.get(LIST_URL))
    assert page.has("button", "Time range: All time")
    week = Page(member_client.get(page.link("Last 7 days").url))
    assert week.has("button", "Time range: Last 7 days")
    assert week.link("Last 7 days").is_current


def test_pages_are_complete_and_disjoint(
    member_client: Client, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "THREADS_PER_PAGE", 2)
    names = [f"thread_{number}" for number in range(5)]
    factories.post(project, *(factories.run_object(thread_id=name) for name in [*names, *reversed(names)]))
    first = member_client.get(LIST_URL)
    assert listed_threads(first) == ["thread_0", "thread_1"]
    second = member_client.get(Page(first).link("Load 2 older").url)
    assert listed_threads(second) == ["thread_2", "thread_3"]
    third_url = Page(second).link("Load 2 older").url
    third = member_client.get(third_url, headers=ROWS_HEADERS)
    assert listed_threads(third) == ["thread_4"]
    assert not Page(third).has("main")
    assert "End of list." in Page(third).text
    for headers in ({}, ROWS_HEADERS | {"HX-History-Restore-Request": "true"}):
        assert Page(member_client.get(third_url, headers=headers)).has("main")


def test_list_continues_after_a_full_window(
    member_client: Client, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    giant = [factories.run_object(thread_id="thread_giant", created_at=NOW + number) for number in range(7)]
    factories.post(project, *giant, factories.run_object(thread_id="thread_old", created_at=NOW - 5))
    monkeypatch.setattr(views, "MAX_SAMPLE_SIZE", 3)
    first = member_client.get(LIST_URL)
    assert listed_threads(first) == ["thread_giant"]
    assert "the threads of the 3 runs that were searched" in Page(first).text
    second = member_client.get(Page(first).link("Load older").url)
    assert listed_threads(second) == []
    third = member_client.get(Page(second).link("Load older").url)
    assert listed_threads(third) == ["thread_old"]


def test_window_grows_for_very_long_threads(
    member_client: Client, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    giant = [factories.run_object(thread_id="thread_giant", created_at=NOW + number) for number in range(7)]
    factories.post(project, *giant, factories.run_object(thread_id="thread_old", created_at=NOW - 5))
    monkeypatch.setattr(threads, "FIRST_WINDOW", 3)
    response = member_client.get(LIST_URL)
    assert listed_threads(response) == ["thread_giant", "thread_old"]
    assert "that were searched" not in Page(response).text


def test_totals_are_capped(project: Project) -> None:
    factories.post(project, *(factories.run_object() for _ in range(4)))
    [totals] = threads.fetch_thread_totals(project, ["thread_first", "thread_none"], 3)
    assert (totals.runs, totals.is_capped, totals.tokens) == (3, True, 450)


@pytest.mark.parametrize("query", ["?nonsense=1", "?status=faild", "?cursor=x", "?from=soon", "?page=2"])
def test_invalid_parameter_is_named(member_client: Client, project: Project, query: str) -> None:
    response = member_client.get(LIST_URL + query)
    assert response.status_code == 400
    assert query[1:].split("=")[0] in Page(response).text


def test_query_count_is_independent_of_threads(member_client: Client, project: Project) -> None:
    def count_queries() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert member_client.get(LIST_URL).status_code == 200
        return len(queries)

    factories.post(project, *(factories.run_object(thread_id=f"thread_{number}") for number in range(10)))
    count = count_queries()
    # session, user, project, projects and roles of the shell; which threads, their totals, questions, names of
    # assistants; the plan and the result of the numbers of threads by status
    assert count == 11
    factories.post(project, *(factories.run_object(thread_id=f"thread_{number}") for number in range(20)))
    assert count_queries() == count
