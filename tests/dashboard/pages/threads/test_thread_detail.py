"""The page of a thread: its entries in order, its summary, its pages, escaping, and queries."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext

from dashboard.pages.threads import conversation
from runs.models import Project, Run
from tests import factories
from tests.dashboard.pages.threads.thread_pages import LIST_URL, SCRIPT, post_conversation, thread_url
from tests.factories import delete_run
from tests.pages import Element, Page

NOW = factories.NOW
ENTRIES_HEADERS = {"HX-Request": "true", "HX-Target": "entries"}


def entries(page: Element) -> list[Element]:
    """Return the list items of messages and runs."""
    items = [item for item in page.find_all("listitem") if item.parent and item.parent.get("id") == "entries"]
    return items or [item for item in page.find_all("listitem") if item.parent is page]


def entry_titles(response: HttpResponse) -> list[str]:
    """Return the number of the run, or the author of a message, of each entry in order."""
    titles = []
    for item in entries(Page(response)):
        bold = next(element for element in item.iterate() if element.tag == "b")
        titles.append(bold.text)
    return titles


def summary_text(client: Client, term: str) -> str:
    return Page(client.get(thread_url())).definition(term).text


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages of two entries."""
    monkeypatch.setattr(conversation, "PAGE_SIZE", 2)


def test_entries_are_in_the_order_of_time(member_client: Client, project: Project) -> None:
    post_conversation(project)
    response = member_client.get(thread_url())
    assert entry_titles(response) == ["User", "Run 1", "Assistant", "User", "Run 2"]
    last = entries(Page(response))[-1].text
    assert "rate_limit_exceeded Rate limit reached." in last
    assert "10 s, no usage reported" in last


def test_summary_counts_all_runs_and_messages(member_client: Client, project: Project) -> None:
    post_conversation(project)
    page = Page(member_client.get(thread_url()))
    expected = {
        "Runs": "2 1 failed",
        "Messages": "3",
        "First activity": "18 Nov 2026, 11:06:40 UTC",
        "Span": "1 min 10 s",
        "Tokens": "150",
        "Cost": "< $0.0001 est.",
        "Assistant": "asst_concierge",
    }
    assert {term: page.definition(term).text for term in page.names("term")} == expected


def test_first_unsuccessful_run_is_linked(member_client: Client, project: Project) -> None:
    post_conversation(project)
    page = Page(member_client.get(thread_url()))
    assert "First unsuccessful run: run_bad (failed), 18 Nov 2026, 11:07:40 UTC." in page.text
    assert page.link("run_bad").url == "/p/default/runs/run_bad/"
    from_there = member_client.get(thread_url() + page.link("Show the thread from there").url)
    assert entry_titles(from_there) == ["Run 2"]


def test_expired_run_is_unsuccessful(member_client: Client, project: Project) -> None:
    at = {"created_at": NOW, "expires_at": NOW + 60, "completed_at": None}
    factories.post_run(project, id="run_late", status="expired", **at)
    factories.post_run(project, created_at=NOW + 90, completed_at=NOW + 95)
    text = Page(member_client.get(thread_url())).text
    assert "First unsuccessful run: run_late (expired), 18 Nov 2026, 11:06:40 UTC." in text


def test_answers_are_markdown_and_questions_are_not(member_client: Client, project: Project) -> None:
    post_conversation(project)
    page = Page(member_client.get(thread_url()))
    assert [element.text for element in page.iterate() if element.tag == "strong"] == ["two"]
    assert "Where is *order* 48209?" in page.text


def test_assistants_are_shown_by_name(member_client: Client, project: Project) -> None:
    post_conversation(project)
    factories.post_assistants(project, asst_concierge="Front <desk>")
    response = member_client.get(thread_url())
    assert entry_titles(response) == ["User", "Run 1", "Front <desk>", "User", "Run 2"]
    assert Page(response).definition("Assistant").text == "Front <desk>"
    assert "Front <desk>" in Page(member_client.get(LIST_URL)).text


def test_unpriced_runs_are_named(member_client: Client, project: Project) -> None:
    factories.post_run(project)
    factories.post_run(project, model="our-own")
    assert summary_text(member_client, "Cost") == "< $0.0001 est., without 1 unpriced run"
    delete_run(Run.objects.get(model="gpt-4o-mini"))
    assert summary_text(member_client, "Cost") == "no price"
    [row] = Page(member_client.get(LIST_URL)).table("Threads").rows
    assert (row["Tokens"].text, row["Cost, est."].text) == ("150", "no price")


def test_called_tools_are_named(member_client: Client, project: Project) -> None:
    good, _ = post_conversation(project)
    calls = [factories.function_call("search_orders"), factories.function_call("search_orders")]
    factories.post_steps(project, factories.step_object(good, *calls))
    run = entries(Page(member_client.get(thread_url())))[1]
    assert "2 tool calls search_orders \N{MULTIPLICATION SIGN}2" in run.text


def test_thread_may_have_runs_only(member_client: Client, project: Project) -> None:
    factories.post_run(project)
    response = member_client.get(thread_url())
    assert entry_titles(response) == ["Run 1"]
    assert Page(response).definition("Messages").text == "0"


def test_thread_may_have_messages_only(member_client: Client, project: Project) -> None:
    images = [{"type": "image_file", "image_file": {"file_id": "file-7"}}]
    factories.post_messages(project, factories.message_object(content=images), factories.message_object())
    response = member_client.get(thread_url())
    page = Page(response)
    assert entry_titles(response) == ["User", "User"]
    assert "image_file file-7" in page.text
    assert (page.definition("Runs").text, page.definition("Messages").text) == ("0", "2")


def test_messages_can_be_left_out(member_client: Client, project: Project) -> None:
    post_conversation(project)
    url = Page(member_client.get(thread_url())).link("Runs only").url
    assert entry_titles(member_client.get(thread_url() + url)) == ["Run 1", "Run 2"]


def test_pages_are_complete_and_disjoint(member_client: Client, project: Project, small_pages: None) -> None:
    post_conversation(project)
    titles, url = [], thread_url()
    for _ in range(3):
        response = member_client.get(url)
        titles += entry_titles(response)
        page = Page(response)
        if page.has("link", "Load 2 more"):
            url = thread_url() + page.link("Load 2 more").url
    assert titles == ["User", "Run 1", "Assistant", "User", "Run 2"]
    assert "End of the thread." in page.text


def test_page_ends_after_large_messages(
    member_client: Client, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversation, "MAX_MESSAGE_BYTES", 1)
    post_conversation(project)
    pages, url = [], thread_url()
    while url:
        response = member_client.get(url)
        pages.append(entry_titles(response))
        page = Page(response)
        url = thread_url() + page.link("Load 100 more").url if page.has("link", "Load 100 more") else ""
    assert pages == [["User"], ["Run 1", "Assistant"], ["User", "Run 2"]]


def test_next_page_is_a_fragment_for_swaps_only(member_client: Client, project: Project, small_pages: None) -> None:
    post_conversation(project)
    url = thread_url() + Page(member_client.get(thread_url())).link("Load 2 more").url
    response = member_client.get(url, headers=ENTRIES_HEADERS)
    fragment = Page(response)
    assert not fragment.has("main")
    assert [element.get("id") for element in fragment.iterate() if element.get("hx-swap-oob")] == ["more"]
    assert entry_titles(response) == ["Assistant", "User"]
    for headers in ({}, ENTRIES_HEADERS | {"HX-History-Restore-Request": "true"}):
        assert Page(member_client.get(url, headers=headers)).has("main")


def test_unknown_or_foreign_thread_gets_404(member_client: Client, project: Project) -> None:
    factories.post_run(factories.make_project("other"), thread_id="thread_secret")
    assert member_client.get(thread_url("thread_secret")).status_code == 404
    assert member_client.get(thread_url("thread_none")).status_code == 404
    assert member_client.get(LIST_URL + "thread%00/").status_code == 400


@pytest.mark.parametrize("query", ["?nonsense=1", "?show=all", "?cursor=x", "?cursor=a&cursor=b", "?cursor="])
def test_invalid_parameter_is_named(member_client: Client, project: Project, query: str) -> None:
    factories.post_run(project)
    response = member_client.get(thread_url() + query)
    assert response.status_code == 400
    assert query[1:].split("=")[0] in Page(response).text
    assert member_client.get(thread_url() + query, headers=ENTRIES_HEADERS).status_code == 422


def test_hostile_text_is_escaped(member_client: Client, project: Project) -> None:
    run = factories.failed_run(SCRIPT, SCRIPT, thread_id=SCRIPT, id=SCRIPT, model=SCRIPT, assistant_id=SCRIPT)
    assert not factories.post(project, run).errors
    messages = [factories.message_object(run, SCRIPT, role=role) for role in ("user", "assistant", SCRIPT)]
    odd = factories.message_object(run, content=[{"type": SCRIPT, SCRIPT: {"file_id": SCRIPT}}])
    assert not factories.post_messages(project, *messages, odd).errors
    factories.post_steps(project, factories.step_object(run, factories.function_call(SCRIPT)))
    for url in (thread_url(SCRIPT), LIST_URL):
        html = member_client.get(url).content.decode()
        assert not re.search("<script>alert|<img", html)


def test_query_count_is_independent_of_length(member_client: Client, project: Project) -> None:
    def count_queries() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert member_client.get(thread_url()).status_code == 200
        return len(queries)

    post_conversation(project)
    count = count_queries()
    # session, user, project, projects and roles of the shell; totals, extent of messages, names of assistants; runs,
    # messages, steps; the first question
    assert count == 12
    factories.post(project, *(factories.run_object() for _ in range(20)))
    factories.post_messages(project, *(factories.message_object() for _ in range(20)))
    assert count_queries() == count


def test_question_titles_the_thread(member_client: Client, project: Project) -> None:
    post_conversation(project)
    page = Page(member_client.get(thread_url()))
    assert page.heading().text == "Where is *order* 48209?"
    assert page.title.startswith("Where is *order* 48209?")
    assert "thread_first" in page.text


def test_axis_names_the_day(member_client: Client, project: Project) -> None:
    post_conversation(project)
    chart = Page(member_client.get(thread_url())).region("Runs on a time axis").text
    day = datetime.fromtimestamp(factories.NOW, UTC)
    assert f"{day.day} {day:%b}, {day:%H}:" in chart
