"""The comparison of two runs: differing fields, instructions, tools, the form, and queries."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext

from runs.models import Project, Run
from tests import factories
from tests.pages import Page

NOW = factories.NOW
URL = "/p/default/compare/"
SCRIPT = "<script>alert('x')<img src=x onerror=alert(1)>\"'"
MINUS, TIMES = "\N{MINUS SIGN}", "\N{MULTIPLICATION SIGN}"
NOT_SENT = ...


def compare_url(left: str = "run_a", right: str = "run_b", **others: str) -> str:
    return f"{URL}?{urlencode({'left': left, 'right': right} | others)}"


def field_rows(response: HttpResponse) -> dict[str, tuple[str, ...]]:
    """Return the fields of the table by name: A, B, and B minus A."""
    rows = [[cell.text for cell in row.cells] for row in Page(response).table(re.compile("fields")).rows]
    return {row[0]: tuple(row[1:]) for row in rows if len(row) == 4}


def post_pair(project: Project, left: dict[str, Any] | None = None, right: dict[str, Any] | None = None) -> None:
    """Post run_a and run_b, which are equal except for the given fields."""
    base = {"created_at": NOW, "started_at": NOW + 1, "completed_at": NOW + 8}
    first = factories.run_object(**base | {"id": "run_a"} | (left or {}))
    second = factories.run_object(**base | {"id": "run_b"} | (right or {}))
    assert not factories.post(project, first, second).errors


def test_only_differing_fields_are_shown(member_client: Client, project: Project) -> None:
    post_pair(project, {"temperature": 0.2, "metadata": {"ticket": "1", "channel": "chat"}},
              {"temperature": 0.7, "metadata": {"ticket": "2", "channel": "chat"}, "model": "gpt-4o"})  # fmt: skip
    assert field_rows(member_client.get(compare_url())) == {
        "model": ("gpt-4o-mini", "gpt-4o", ""),
        "temperature": ("0.2", "0.7", "+0.5"),
        "cost, est.": ("< $0.0001", "$0.0006", "+$0.0006"),
        "metadata.ticket": ("1", "2", ""),
    }


def test_failed_and_completed_run_are_compared(member_client: Client, project: Project) -> None:
    usage = {"prompt_tokens": 14212, "completion_tokens": 102, "total_tokens": 14314}
    error = {"code": "server_error", "message": "Boom."}
    failed = {"status": "failed", "completed_at": None, "failed_at": NOW + 42, "last_error": error, "usage": usage}
    post_pair(project, failed, {"created_at": NOW - 86400, "started_at": NOW - 86399, "completed_at": NOW - 86388})
    rows = field_rows(member_client.get(compare_url()))
    assert rows["status"] == ("Failed", "Completed", "")
    assert rows["last_error.code"] == ("server_error", "null", "")
    assert rows["created_at"][2] == f"{MINUS}1 d 00 h"
    assert rows["duration"] == ("42 s", "12 s", f"{MINUS}30 s")
    assert rows["usage.prompt_tokens"] == ("14,212", "120", f"{MINUS}14,092")
    assert "queue time" not in rows
    assert rows["completed_at"][0] == "null"


def test_null_and_not_sent_differ(member_client: Client, project: Project) -> None:
    post_pair(project, {"temperature": None}, {"temperature": NOT_SENT})
    assert field_rows(member_client.get(compare_url())) == {"temperature": ("null", "not sent", "")}


def test_number_spelling_is_no_difference(member_client: Client, project: Project) -> None:
    post_pair(project, {"temperature": 1.0, "top_p": 1}, {"temperature": 1, "top_p": 1.0})
    assert field_rows(member_client.get(compare_url())) == {}


def test_increase_is_not_marked_as_bad(member_client: Client, project: Project) -> None:
    post_pair(project, None, {"usage": {"prompt_tokens": 9000, "completion_tokens": 1, "total_tokens": 9001}})
    response = member_client.get(compare_url())
    assert field_rows(response)["usage.prompt_tokens"][2] == "+8,880"
    assert not [element for element in Page(response).iterate() if "bad" in (element.get("class") or "").split()]


def test_equal_runs_say_so(member_client: Client, project: Project) -> None:
    post_pair(project)
    text = Page(member_client.get(compare_url())).main.status().text
    assert re.fullmatch(r"No differences\. All \d+ fields of the two runs are equal, except for their ids\.", text)
    same = Page(member_client.get(compare_url("run_a", "run_a"))).main.status().text
    assert same == "No differences. A and B are the same run."


def test_all_fields_can_be_shown(member_client: Client, project: Project) -> None:
    post_pair(project, {"vendor_field": {"tier": 1}}, {"vendor_field": {"tier": 2}})
    rows = field_rows(member_client.get(compare_url(show="all")))
    assert rows["vendor_field.tier"] == ("1", "2", "+1")
    assert rows["metadata.customer"] == ("acme", "acme", "")
    assert rows["instructions"] == ("34 characters", "34 characters", "")


def test_instructions_are_compared_by_line_and_word(member_client: Client, project: Project) -> None:
    lines = [f"Rule {number}." for number in range(9)]
    post_pair(project, {"instructions": "\n".join([*lines, "Read the policy for the country.", "End."])},
              {"instructions": "\n".join([*lines, "Read the policy.", "End."])})  # fmt: skip
    response = member_client.get(compare_url())
    section = Page(response).region("Instructions")
    texts = {tag: [element.text for element in section.iterate() if element.tag == tag] for tag in ("del", "ins", "b")}
    assert texts == {
        "del": ["Read the policy for the country."], "ins": ["Read the policy."], "b": ["for the country"],
    }  # fmt: skip
    assert "6 unchanged lines" in section.text
    assert field_rows(response)["instructions"][2] == "diff"


def test_tools_are_compared_by_function(member_client: Client, project: Project) -> None:
    old, removed = factories.function_tool("search", query={"type": "string"}), factories.function_tool("old_one")
    new, added = factories.function_tool("search", query={"type": "integer"}), factories.function_tool("new_one")
    same = factories.function_tool("same")
    post_pair(project, {"tools": [old, removed, same]}, {"tools": [same, added, new]})
    section = Page(member_client.get(compare_url())).region("Tools")
    assert "1 added, 1 removed, 1 changed, 1 unchanged" in section.text
    assert "Added: new_one" in section.text
    assert "Removed: old_one" in section.text
    [row] = section.table("Changes to search").rows
    assert [cell.text for cell in row.cells] == [
        "/function/parameters/properties/query/type", "changed", '"string"', '"integer"',
    ]  # fmt: skip


def test_order_of_tools_does_not_matter(member_client: Client, project: Project) -> None:
    tools = [factories.function_tool("one"), factories.function_tool("two")]
    post_pair(project, {"tools": tools}, {"tools": tools[::-1]})
    assert field_rows(member_client.get(compare_url())) == {}


def test_tool_calls_are_compared_if_known(member_client: Client, project: Project) -> None:
    left = factories.run_object(id="run_a")
    right = factories.run_object(id="run_b") | {"created_at": left["created_at"]}
    factories.post(project, left, right)
    factories.post_steps(project, factories.step_object(left, *(factories.function_call("search") for _ in range(3))))
    assert "tool calls" not in field_rows(member_client.get(compare_url()))
    factories.post_steps(project, factories.step_object(right, factories.function_call("refund")))
    assert field_rows(member_client.get(compare_url()))["tool calls"] == (f"search {TIMES}3", "refund", f"{MINUS}2")


def test_calls_are_listed_as_they_were_made(member_client: Client, project: Project) -> None:
    post_pair(project)
    for run_id, names in (("run_a", ("search", "search", "refund", "search")), ("run_b", ("refund", "search"))):
        run = factories.run_object(id=run_id, created_at=NOW)
        steps = [
            factories.step_object(run, factories.function_call(name), created_at=NOW + second, completed_at=NOW + 9)
            for second, name in enumerate(names)
        ]
        factories.post_steps(project, *steps)
    page = Page(member_client.get(compare_url()))
    [row] = [row for row in page.table(re.compile("fields")).rows if row.cells[0].text == "tool calls"]
    assert [cell.text for cell in row.cells[1:]] == [f"search {TIMES}2, refund, search", "refund, search", f"{MINUS}2"]
    steps = [[cell.text for cell in row.cells] for row in page.table("Steps side by side").rows]
    assert steps == [
        ["1", "Completed: search", "9 s", "", "no matching step", ""],
        ["2", "Completed: search", "8 s", "", "no matching step", ""],
        ["3", "Completed: refund", "7 s", "1", "Completed: refund", "9 s"],
        ["4", "Completed: search", "6 s", "2", "Completed: search", "8 s"],
    ]


def test_answers_are_side_by_side(member_client: Client, project: Project) -> None:
    post_pair(project)
    assert not Page(member_client.get(compare_url())).has("region", "Answers")
    first = factories.message_object(
        {"id": "run_a", "assistant_id": "asst", "thread_id": "thread_first"}, "It is <late>."
    )
    factories.post_messages(project, first)
    assert (
        Page(member_client.get(compare_url())).region("Answers").text == "Answers A It is <late>. B No answer received."
    )


def test_outcome_comes_first_and_times_last(member_client: Client, project: Project) -> None:
    error = {"code": "server_error", "message": "Boom."}
    post_pair(project, {"metadata": {"customer": "a", "release": "1"}},
              {"metadata": {"customer": "b", "release": "2"}, "model": "gpt-4o", "status": "failed",
               "failed_at": NOW + 12, "completed_at": None, "last_error": error, "created_at": NOW + 1})  # fmt: skip
    names = list(field_rows(member_client.get(compare_url())))
    ordered = ["status", "last_error.code", "metadata.release", "metadata.customer", "model", "duration", "created_at"]
    assert [name for name in names if name in ordered] == ordered
    assert names[-3:] == ["created_at", "failed_at", "completed_at"]


def test_last_successful_run_is_named(member_client: Client, project: Project) -> None:
    post_pair(project, None, {"created_at": NOW + 60, "status": "failed"})
    sentence = "A is the last successful run of the assistant before B."
    assert sentence in Page(member_client.get(compare_url())).text
    factories.post_run(project, created_at=NOW + 30)
    assert sentence not in Page(member_client.get(compare_url())).text


def test_queue_time_ends_at_the_first_start(member_client: Client, project: Project) -> None:
    post_pair(project, {"started_at": NOW + 11, "completed_at": NOW + 12}, {"tools": []})
    assert field_rows(member_client.get(compare_url()))["queue time"][:2] == ("\N{EM DASH}", "1 s")
    run = factories.run_object(id="run_a", created_at=NOW)
    factories.post_steps(project, factories.step_object(run, factories.function_call("a"), created_at=NOW + 3))
    assert field_rows(member_client.get(compare_url()))["queue time"] == ("3 s", "1 s", f"{MINUS}2 s")


def test_assistants_are_compared_by_name(member_client: Client, project: Project) -> None:
    post_pair(project, {"assistant_id": "asst_a"}, {"assistant_id": "asst_b"})
    factories.post_assistants(project, asst_a="Returns <desk>")
    rows = field_rows(member_client.get(compare_url()))
    assert rows["assistant_id"] == ("Returns <desk> (asst_a)", "asst_b", "")


def test_sides_can_be_swapped(member_client: Client, project: Project) -> None:
    post_pair(project)
    assert Page(member_client.get(compare_url())).link("Swap A and B").url == "?left=run_b&right=run_a"


# The form and its suggestions


def test_form_asks_for_both_runs(member_client: Client, project: Project) -> None:
    response = member_client.get(URL)
    assert response.status_code == 200
    page = Page(response)
    assert (page.field("Run A").value, page.field("Run B").value) == ("", "")
    assert page.has("button", "Compare")


def test_earlier_runs_are_suggested(member_client: Client, project: Project) -> None:
    good = factories.run_object(thread_id="thread_other")
    before = factories.failed_run()
    run = factories.failed_run()
    assert not factories.post(project, good, before, run).errors
    page = Page(member_client.get(f"{URL}?right={run['id']}"))
    assert page.link("Previous run in the thread").url == f"?left={before['id']}&right={run['id']}"
    assert page.link("Last successful run of the assistant").url == f"?left={good['id']}&right={run['id']}"


def test_left_run_can_be_found_by_kind(member_client: Client, project: Project) -> None:
    good, bad, after = (factories.post_run(project, id=name) for name in ("run_good", "run_bad", "run_after"))
    Run.objects.filter(pk=bad.pk).update(status="failed")
    for kind, run in (("last-successful", good), ("previous", bad)):
        response = member_client.get(f"{URL}?right={after.external_id}&with={kind}")
        assert response.status_code == 302
        assert response["Location"] == f"{URL}?left={run.external_id}&right=run_after"
    page = Page(member_client.get(f"{URL}?right=run_good&with=last-successful"))
    assert page.main.status().text == "Last successful run of the assistant: none was found before this run."


def test_last_completed_run_has_the_same_assistant(project: Project) -> None:
    other = factories.run_object(assistant_id="asst_other")
    run = factories.run_object()
    factories.post(project, other, run, factories.run_object())
    assert Run.objects.last_completed_id_before(Run.objects.get(external_id=run["id"])) is None


def test_run_page_links_to_comparison_and_thread(member_client: Client, project: Project) -> None:
    post_pair(project)
    page = Page(member_client.get("/p/default/runs/run_b/"))
    assert page.link("Another run…").url == f"{URL}?right=run_b"
    assert page.link("Thread").url == "/p/default/threads/thread_first/"


def test_unknown_runs_are_named(member_client: Client, project: Project) -> None:
    post_pair(project)
    factories.post_run(factories.make_project("other"), id="run_secret")
    response = member_client.get(compare_url("run_secret", "run_b"))
    assert response.status_code == 404
    page = Page(response)
    assert page.alert().text == "No such run in this project: run_secret"
    assert page.field("Run B").value == "run_b"
    assert member_client.get(compare_url("run_\x00")).status_code == 400


@pytest.mark.parametrize(
    "query",
    ["nonsense=1", "left=a&left=b", "show=none", "with=x&right=a", "with=previous", "left=a&right=b&with=previous"],
)
def test_invalid_parameter_is_named(member_client: Client, project: Project, query: str) -> None:
    response = member_client.get(f"{URL}?{query}")
    assert response.status_code == 400
    assert query.split("=")[0] in Page(response).text


def test_non_member_gets_404(client: Client, project: Project) -> None:
    client.force_login(factories.make_user(factories.make_project("other")))
    assert client.get(URL).status_code == 404


def test_hostile_text_is_escaped(member_client: Client, project: Project) -> None:
    sides = [
        factories.failed_run(
            SCRIPT + side, SCRIPT + side, id=SCRIPT + side, instructions=f"Hi.\n{SCRIPT} {side}", model=SCRIPT + side,
            metadata={SCRIPT: side, SCRIPT + side: "1"}, vendor={SCRIPT: side},
            tools=[factories.function_tool(SCRIPT, **{SCRIPT: side}), factories.function_tool(SCRIPT + side)],
        )
        for side in "ab"
    ]  # fmt: skip
    assert not factories.post(project, *sides).errors
    only_right = f"{URL}?{urlencode({'right': SCRIPT + 'b'})}"
    for url in (compare_url(SCRIPT + "a", SCRIPT + "b"), compare_url(SCRIPT, SCRIPT), only_right):
        html = member_client.get(url).content.decode()
        assert not re.search("<script>alert|<img", html)


def test_query_count_is_independent_of_differences(member_client: Client, project: Project) -> None:
    def count_queries(left: str, right: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            assert member_client.get(compare_url(left, right)).status_code == 200
        return len(queries)

    post_pair(project)
    count = count_queries("run_a", "run_b")
    # session, user, project, projects and roles of the shell; runs, their configurations, names; the steps and the
    # answer of each, and the last successful run
    assert count == 13
    tools = [factories.function_tool(f"tool_{number}") for number in range(128)]
    large = factories.run_object(id="run_large", tools=tools, instructions="Other.\n" * 3000, model="o3")
    factories.post(project, large)
    factories.post_steps(project, *(factories.step_object(large, factories.function_call("search")) for _ in range(20)))
    assert count_queries("run_a", "run_large") == count
