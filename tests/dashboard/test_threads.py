"""The list of threads and the page of one: order, totals, pages, escaping, and what they cost."""

import re
from html import unescape

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from dashboard.pages.threads import conversation as course
from dashboard.pages.threads import views as view
from runs.analytics import threads
from runs.models import Run
from runs.team.deletion import delete_run
from tests import factories

NOW = factories.NOW
URL = "/p/default/threads/"
SCRIPT = "<script>alert('x')</script><img src=x onerror=alert(1)>\"'"
OLDER = {"HX-Request": "true", "HX-Target": "rows"}
LATER = {"HX-Request": "true", "HX-Target": "entries"}


def address(thread_id: str = "thread_first") -> str:
    return reverse("thread", kwargs={"project": "default", "thread_id": thread_id})


def words(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split())


def part(response, tag: str, name: str) -> str:
    html = response.content.decode()
    found = re.search(rf'<{tag}[^>]* id="{name}".*?</{tag}>', html, re.DOTALL)
    assert found, name
    return words(found[0])


def entries(response) -> list[str]:
    """The heads of the entries, `Run`, `User` or `Assistant`, in order."""
    return re.findall(r"<div><b[^>]*>([^<]*)</b>", response.content.decode())


def listed(response) -> list[str]:
    return re.findall(r'<a class="id" href="[^"]*" title="([^"]*)"', response.content.decode())


def link(response, label: str) -> str:
    found = re.search(rf'<a[^>]* href="([^"]*)"[^>]*>{label}', response.content.decode())
    assert found, label
    return unescape(found[1])


def conversation(project, thread_id: str = "thread_first") -> tuple[dict, dict]:
    """A question, a run that answers it in the same second, a second question, a run that fails."""
    good = factories.run_object(id="run_good", thread_id=thread_id, created_at=NOW, completed_at=NOW)
    bad = factories.failed_run(id="run_bad", thread_id=thread_id, created_at=NOW + 60, failed_at=NOW + 70)
    say = {"thread_id": thread_id, "created_at": NOW}
    assert not factories.post(project, good, bad).errors
    report = factories.post_messages(
        project,
        factories.message_object(good, "I see **two** orders.", **say),
        factories.message_object(None, "Where is *order* 48209?", **say),
        factories.message_object(None, "And now?", **say | {"created_at": NOW + 59}),
    )
    assert not report.errors
    return good, bad


@pytest.fixture
def small_pages(monkeypatch):
    monkeypatch.setattr(course, "PAGE_SIZE", 2)
    monkeypatch.setattr(view, "THREADS_PER_PAGE", 2)


# one thread


def test_messages_and_runs_stand_in_the_order_of_time(member_client, project):
    conversation(project)
    response = member_client.get(address())
    assert entries(response) == ["User", "Run", "Assistant", "User", "Run"]
    text = part(response, "ol", "entries")
    assert "rate_limit_exceeded Rate limit reached." in text
    assert "10 s, no tokens known" in text


def test_the_facts_are_those_of_all_runs_and_messages(member_client, project):
    conversation(project)
    assert part(member_client.get(address()), "dl", "facts") == (
        "Runs 2 1 failed Messages 3 First activity 18 Nov 2026, 11:06:40 UTC Span 1 min 10 s Tokens 150"
        " Cost < $0.0001 est. Assistant asst_concierge"
    )


def test_it_says_where_it_went_wrong(member_client, project):
    conversation(project)
    response = member_client.get(address())
    assert "It went wrong first in run_bad , 18 Nov 2026, 11:07:40 UTC" in words(response.content.decode())
    assert '/p/default/runs/run_bad/"' in response.content.decode()
    from_there = member_client.get(address() + link(response, "Read on from there"))
    assert entries(from_there) == ["Run"]


def test_a_run_that_expired_went_wrong_too(member_client, project):
    at = {"created_at": NOW, "expires_at": NOW + 60, "completed_at": None}
    factories.post_run(project, id="run_late", status="expired", **at)
    factories.post_run(project, created_at=NOW + 90, completed_at=NOW + 95)
    text = words(member_client.get(address()).content.decode())
    assert "It went wrong first in run_late (expired), 18 Nov 2026, 11:06:40 UTC" in text


def test_answers_are_markdown_and_questions_are_not(member_client, project):
    conversation(project)
    html = member_client.get(address()).content.decode()
    assert "<strong>two</strong>" in html
    assert "Where is *order* 48209?" in html


def test_assistants_are_called_by_their_names(member_client, project):
    conversation(project)
    factories.post_assistants(project, asst_concierge="Front <desk>")
    response = member_client.get(address())
    assert entries(response) == ["User", "Run", "Front &lt;desk&gt;", "User", "Run"]
    assert "Assistant Front <desk>" in part(response, "dl", "facts")
    assert "Front <desk>" in words(member_client.get(URL).content.decode())


def test_runs_without_a_price_are_told_beside_the_sum(member_client, project):
    factories.post_run(project)
    factories.post_run(project, model="our-own")
    facts = part(member_client.get(address()), "dl", "facts")
    assert "Cost < $0.0001 est., without 1 run that has no price" in facts
    delete_run(Run.objects.get(model="gpt-4o-mini"))
    assert "Cost no price" in part(member_client.get(address()), "dl", "facts")
    assert "150 no price" in words(member_client.get(URL).content.decode())


def test_tools_that_were_called_are_named(member_client, project):
    good, _ = conversation(project)
    calls = [factories.function_call("search_orders"), factories.function_call("search_orders")]
    factories.post_steps(project, factories.step_object(good, *calls))
    text = part(member_client.get(address()), "ol", "entries")
    assert "2 tool calls search_orders \N{MULTIPLICATION SIGN}2" in text


def test_runs_alone_make_a_thread(member_client, project):
    factories.post_run(project)
    response = member_client.get(address())
    assert entries(response) == ["Run"]
    assert "Messages 0" in part(response, "dl", "facts")


def test_messages_alone_make_a_thread(member_client, project):
    images = [{"type": "image_file", "image_file": {"file_id": "file-7"}}]
    factories.post_messages(project, factories.message_object(content=images), factories.message_object())
    response = member_client.get(address())
    assert entries(response) == ["User", "User"]
    assert "image_file file-7" in part(response, "ol", "entries")
    assert part(response, "dl", "facts").startswith("Runs 0 Messages 2")


def test_runs_can_be_shown_without_messages(member_client, project):
    conversation(project)
    assert entries(member_client.get(address() + "?show=runs")) == ["Run", "Run"]


def test_pages_of_a_thread_neither_overlap_nor_leave_out(member_client, project, small_pages):
    conversation(project)
    seen, url = [], address()
    for _ in range(3):
        response = member_client.get(url)
        seen += entries(response)
        if "later</a>" in response.content.decode():
            url = address() + link(response, "Load 100 later")
    assert seen == ["User", "Run", "Assistant", "User", "Run"]
    assert "That is all." in words(response.content.decode())


def test_what_comes_later_is_a_fragment_only_when_it_is_swapped_in(member_client, project, small_pages):
    conversation(project)
    later = address() + link(member_client.get(address()), "Load 100 later")
    swapped = member_client.get(later, headers=LATER)
    assert "<html" not in swapped.content.decode()
    assert 'id="more" hx-swap-oob="true"' in swapped.content.decode()
    assert entries(swapped) == ["Assistant", "User"]
    for headers in ({}, LATER | {"HX-History-Restore-Request": "true"}):
        assert "<html" in member_client.get(later, headers=headers).content.decode()


def test_unknown_threads_and_those_of_others_do_not_exist(member_client, project):
    factories.post_run(factories.make_project("other"), thread_id="thread_secret")
    assert member_client.get(address("thread_secret")).status_code == 404
    assert member_client.get(address("thread_none")).status_code == 404
    assert member_client.get(URL + "thread%00/").status_code == 404


@pytest.mark.parametrize("query", ["?nonsense=1", "?show=all", "?cursor=x", "?cursor=a&cursor=b", "?cursor="])
def test_what_a_thread_can_not_be_asked_is_refused(member_client, project, query):
    factories.post_run(project)
    response = member_client.get(address() + query)
    assert response.status_code == 400
    assert query[1:].split("=")[0] in words(response.content.decode())
    assert member_client.get(address() + query, headers=LATER).status_code == 422


def test_hostile_text_is_shown_as_text(member_client, project):
    run = factories.failed_run(SCRIPT, SCRIPT, thread_id=SCRIPT, id=SCRIPT, model=SCRIPT, assistant_id=SCRIPT)
    assert not factories.post(project, run).errors
    said = [factories.message_object(run, SCRIPT, role=role) for role in ("user", "assistant", SCRIPT)]
    odd = factories.message_object(run, content=[{"type": SCRIPT, SCRIPT: {"file_id": SCRIPT}}])
    assert not factories.post_messages(project, *said, odd).errors
    factories.post_steps(project, factories.step_object(run, factories.function_call(SCRIPT)))
    for url in (address(SCRIPT), URL):
        html = member_client.get(url).content.decode()
        assert "<script>alert" not in html
        assert "<img" not in html


def test_a_thread_costs_the_same_however_long_it_is(member_client, project):
    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert member_client.get(address()).status_code == 200
        return len(queries)

    conversation(project)
    few = cost()
    # session, user, project, projects and roles of the shell; totals, extent of messages, names of assistants; runs,
    # messages, steps
    assert few == 11
    factories.post(project, *(factories.run_object() for _ in range(20)))
    factories.post_messages(project, *(factories.message_object() for _ in range(20)))
    assert cost() == few


# the list


def test_threads_are_listed_by_their_newest_run(member_client, project):
    conversation(project, "thread_talk")
    factories.post_run(project, thread_id="thread_early", created_at=NOW - 600, completed_at=NOW - 590)
    factories.post_run(project, thread_id="thread_late", created_at=NOW + 600, completed_at=NOW + 610)
    response = member_client.get(URL)
    assert listed(response) == ["thread_late", "thread_talk", "thread_early"]
    row = words(re.findall(r"<tr>.*?</tr>", response.content.decode(), re.DOTALL)[2])
    assert re.fullmatch(r"Failed thread_talk .* 2 1 150 < \$0.0001 asst_concierge", row)


def test_threads_of_other_projects_are_never_listed(member_client, project):
    factories.post_run(factories.make_project("other"))
    assert "No threads yet" in words(member_client.get(URL).content.decode())


@pytest.mark.parametrize(
    ("query", "found"),
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
def test_filters_choose_threads_by_their_runs(member_client, project, query, found):
    first = factories.run_object(thread_id="thread_a", model="gpt-4o", metadata={"ticket": "7"})
    factories.post(project, first, factories.run_object(thread_id="thread_a"))
    factories.post(project, factories.failed_run("server_error", thread_id="thread_b"))
    response = member_client.get(f"{URL}?{query}")
    assert listed(response) == found
    if "thread_a" in found:  # whose totals are of all its runs, whichever were asked for
        assert re.search(r"thread_a .* 2 0 300 ", words(response.content.decode()))


def test_pages_of_the_list_neither_overlap_nor_leave_out(member_client, project, small_pages):
    names = [f"thread_{number}" for number in range(5)]
    factories.post(project, *(factories.run_object(thread_id=name) for name in [*names, *reversed(names)]))
    first = member_client.get(URL)
    assert listed(first) == ["thread_0", "thread_1"]
    second = member_client.get(link(first, "Load 2 older"))
    assert listed(second) == ["thread_2", "thread_3"]
    third = member_client.get(link(second, "Load 2 older"), headers=OLDER)
    assert listed(third) == ["thread_4"]
    assert "<html" not in third.content.decode()
    assert "That is all." in words(third.content.decode())
    for headers in ({}, OLDER | {"HX-History-Restore-Request": "true"}):
        assert "<html" in member_client.get(link(second, "Load 2 older"), headers=headers).content.decode()


def test_the_walk_goes_on_behind_its_window_and_lists_no_thread_twice(member_client, project, monkeypatch):
    giant = [factories.run_object(thread_id="thread_giant", created_at=NOW + number) for number in range(7)]
    factories.post(project, *giant, factories.run_object(thread_id="thread_old", created_at=NOW - 5))
    monkeypatch.setattr(view, "MAX_SAMPLE_SIZE", 3)
    first = member_client.get(URL)
    assert listed(first) == ["thread_giant"]
    assert "the threads of 3 runs, which were looked at together" in words(first.content.decode())
    second = member_client.get(link(first, "Load older"))
    assert listed(second) == []
    third = member_client.get(link(second, "Load older"))
    assert listed(third) == ["thread_old"]


def test_more_runs_are_looked_at_where_few_threads_have_very_many(member_client, project, monkeypatch):
    giant = [factories.run_object(thread_id="thread_giant", created_at=NOW + number) for number in range(7)]
    factories.post(project, *giant, factories.run_object(thread_id="thread_old", created_at=NOW - 5))
    monkeypatch.setattr(threads, "FIRST_WINDOW", 3)
    response = member_client.get(URL)
    assert listed(response) == ["thread_giant", "thread_old"]
    assert "looked at together" not in response.content.decode()


def test_totals_say_where_they_stop_counting(project):
    factories.post(project, *(factories.run_object() for _ in range(4)))
    [found] = threads.fetch_thread_totals(project, ["thread_first", "thread_none"], most=3)
    assert (found.runs, found.is_capped, found.tokens) == (3, True, 450)


@pytest.mark.parametrize("query", ["?nonsense=1", "?status=faild", "?cursor=x", "?from=soon", "?page=2"])
def test_what_the_list_can_not_be_asked_is_refused(member_client, project, query):
    response = member_client.get(URL + query)
    assert response.status_code == 400
    assert query[1:].split("=")[0] in words(response.content.decode())


def test_the_list_costs_the_same_for_more_threads(member_client, project):
    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert member_client.get(URL).status_code == 200
        return len(queries)

    factories.post(project, *(factories.run_object(thread_id=f"thread_{number}") for number in range(10)))
    few = cost()
    # session, user, project, projects and roles of the shell; which threads, their totals, names of assistants
    assert few == 8
    factories.post(project, *(factories.run_object(thread_id=f"thread_{number}") for number in range(20)))
    assert cost() == few
