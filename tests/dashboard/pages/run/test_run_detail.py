"""The run page as a whole: its sections, fragments, parameters, permissions and queries."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.html import escape

from runs.models import Project
from tests import factories
from tests.dashboard.pages.run.run_pages import htmx_headers, open_run, post_run_with_steps, run_json_url, run_url
from tests.pages import Page

SCRIPT = "<script>alert('x')<img src=x onerror=alert(1)>\"'"
SECTIONS = {
    "Timeline": "timeline",
    "Tools": "tools",
    "Errors": "errors",
    "Usage": "usage",
    "Instructions": "instructions",
    "Configuration": "configuration",
    "Metadata": "metadata",
    "Comments": "comments",
    "Raw JSON": "raw",
    "History": "history",
}


def test_every_section_is_linked(project: Project, member_client: Client) -> None:
    run = factories.run_object()
    factories.post(project, run)
    page = open_run(member_client, run)
    assert " ".join(page.title.split()) == f"Completed {run['id']} · Default · Runglass"
    contents = page.navigation("Sections")
    for heading, anchor in SECTIONS.items():
        assert page.region(heading).get("id") == anchor
        assert contents.link(re.compile(heading)).url == f"#{anchor}"


def test_overview_shows_question_and_answer(project: Project, member_client: Client) -> None:
    run = factories.run_object()
    factories.post(project, run)
    question = factories.message_object(text="Where is my money?", created_at=run["created_at"] - 1)
    factories.post_messages(project, question, factories.message_object(run, "One moment."))
    overview = open_run(member_client, run).region("Overview").text
    assert "Question Where is my money?" in overview
    assert "Answer One moment." in overview


def test_answers_are_markdown_and_questions_are_not(project: Project, member_client: Client) -> None:
    run = factories.run_object()
    factories.post(project, run)
    question = factories.message_object(text="*Where* is it?", created_at=run["created_at"] - 1)
    factories.post_messages(project, question, factories.message_object(run, "It is **here**. <b>No.</b>"))
    overview = open_run(member_client, run).region("Overview")
    assert "*Where* is it?" in overview.text
    assert "It is here. <b>No.</b>" in overview.text
    assert [element.text for element in overview.iterate() if element.tag == "strong"] == ["here"]


def test_overview_lists_pending_calls(project: Project, member_client: Client) -> None:
    run = factories.waiting_run("issue_refund")
    factories.post(project, run)
    row = open_run(member_client, run).table("Pending tool calls").row("issue_refund")
    assert row["Pending call"].text == "call_issue_refund"
    assert '"order": "A-1"' in row["Arguments"].text


def test_overview_is_omitted_when_empty(project: Project, member_client: Client) -> None:
    run = factories.run_object()
    factories.post(project, run)
    assert not open_run(member_client, run).has("region", "Overview")


def test_hostile_strings_are_escaped(project: Project, member_client: Client) -> None:
    run = factories.failed_run(
        SCRIPT, SCRIPT, id=f"run_{SCRIPT}", thread_id=SCRIPT, assistant_id=SCRIPT, model=SCRIPT,
        instructions=SCRIPT, metadata={SCRIPT: SCRIPT},
        tools=[factories.function_tool(SCRIPT), {"type": SCRIPT, SCRIPT: SCRIPT}],
        incomplete_details={"reason": SCRIPT}, tool_choice=SCRIPT, response_format={"type": SCRIPT},
        **{SCRIPT: SCRIPT},
    )  # fmt: skip
    call = factories.function_call(SCRIPT, SCRIPT, SCRIPT)
    steps = [
        factories.step_object(run, call | {"id": SCRIPT}, id=f"step_{SCRIPT}"),
        factories.step_object(run, type=SCRIPT, status=SCRIPT, last_error={"code": SCRIPT, "message": SCRIPT}),
        factories.step_object(run, {"id": SCRIPT, "type": SCRIPT, SCRIPT: SCRIPT}),
    ]
    assert not factories.post(project, run).errors
    assert not factories.post_steps(project, *steps).errors
    factories.post_messages(project, factories.message_object(run, SCRIPT, thread_id=SCRIPT))
    html = member_client.get(run_url(run["id"])).content.decode()
    assert escape(SCRIPT) in html
    assert "<script>alert" not in html
    assert "<img" not in html
    assert " onerror=alert(1)>" not in re.sub(r'"[^"]*"', "", html)


@pytest.mark.parametrize(
    ("target", "region"), [("run-header", "Status"), ("timeline", "Timeline"), ("raw", "Raw JSON")]
)
def test_fragment_is_sent_for_swaps_only(project: Project, member_client: Client, target: str, region: str) -> None:
    run = factories.run_object()
    factories.post(project, run)
    swapped = open_run(member_client, run, target=target)
    assert not swapped.has("main")
    assert swapped.region(region).get("id") == target
    for extra in (None, {"HX-History-Restore-Request": "true"}, {"HX-Boosted": "true"}):
        headers = {} if extra is None else htmx_headers(target) | extra
        response = member_client.get(run_url(run["id"]), headers=headers)
        assert Page(response).has("main")
        assert "HX-Target" in response["Vary"]


@pytest.mark.parametrize(
    ("query", "name", "problem"),
    [
        ("from=0", "from", "expected together with 'to'"),
        ("to=1", "from", "expected together with 'to'"),
        ("from=x&to=1", "from", "expected a number"),
        ("from=-1&to=0", "from", "expected a number"),
        ("from=&to=", "to", "expected a number"),
        ("from=0&from=1&to=0", "from", "given more than once"),
        ("full=nothing", "full", "unknown section 'nothing'; expected one of timeline"),
        ("full=tools&full=x", "full", "unknown section 'x'"),
        ("fall=tools", "fall", "unknown parameter; did you mean 'full'?"),
        ("list=statsu%3Dfailed", "list", "statsu: unknown parameter; did you mean 'status'?"),
        ("list=q%3Dfoo%3Abar", "list", "q: "),
        ("list=cursor%3Dx", "list", "cursor: unknown parameter"),
        ("list=sort%3Dlength", "list", "sort: can't sort by 'length'"),
    ],
)
def test_invalid_parameter_is_named(
    project: Project, member_client: Client, query: str, name: str, problem: str
) -> None:
    run = factories.run_object()
    factories.post(project, run)
    response = member_client.get(f"{run_url(run['id'])}?{query}")
    assert response.status_code == 400
    assert f"{name}: {problem}" in Page(response).text


def test_query_count_is_independent_of_size(project: Project, member_client: Client) -> None:
    counts: list[int] = []
    for run in (post_run_with_steps(project, 2), post_run_with_steps(project, 40)):
        for changed in range(len(counts) * 5):
            factories.post(project, run | {"metadata": {"n": str(changed)}})
        with CaptureQueriesContext(connection) as queries:
            open_run(member_client, run)
        counts.append(len(queries))
    # session, user, project, run, messages, steps, configuration, the one before it, previous, next, question,
    # history, keys, comments, tags, review, assistant's name, projects and memberships of the shell
    assert counts[0] == counts[1] <= 19


def test_failure_and_comparison_add_few_queries(project: Project, member_client: Client) -> None:
    run = factories.failed_run()
    factories.post(project, run)
    factories.post(project, run | {"metadata": {"n": "1"}})
    counts = []
    for query in ("", "?from=0&to=1"):
        with CaptureQueriesContext(connection) as queries:
            open_run(member_client, run, query)
        counts.append(len(queries))
    # as above, the error group, its first run and its runs of the last day; then the history with what it replaced
    assert counts[0] <= 21
    assert counts[1] == counts[0] + 1


@pytest.mark.parametrize("build_url", [run_url, run_json_url])
def test_run_of_another_project_gets_404(member_client: Client, build_url: Any) -> None:
    run = factories.post_run(factories.make_project("other"))
    for project in ("default", "other"):
        assert member_client.get(build_url(run.external_id, project)).status_code == 404


@pytest.mark.parametrize("run_id", ["run.json", "a b?c#d&e=f", "日本", 'quote"s', "back\\slash", "%2e%2e"])
def test_any_id_has_a_url(project: Project, member_client: Client, run_id: str) -> None:
    run = factories.run_object(id=run_id)
    factories.post(project, run)
    open_run(member_client, run)
    assert member_client.get(run_json_url(run_id) + "?download=1").json() == run


def test_page_needs_login_and_is_read_only(project: Project, client: Client) -> None:
    run = factories.post_run(project)
    assert client.get(run_url(run.external_id)).status_code == 302
    assert client.post(run_url(run.external_id)).status_code == 405
