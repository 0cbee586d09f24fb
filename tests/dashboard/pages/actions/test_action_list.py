"""Tests for the actions page and its downloads."""

from __future__ import annotations

import ast
import csv
import json
import re
import shlex
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from dashboard.pages.actions import downloads, views
from runs.analytics import actions
from runs.models import Run
from tests import factories, responses
from tests.dashboard.pages.connect.snippets import read_snippet
from tests.pages import Page, Table

URL = "/p/default/actions/"
NOW = datetime.fromtimestamp(factories.NOW + 100_000, UTC)
SCRIPT = "<script>alert('x')</script>"
POLL = {"HX-Request": "true", "HX-Target": "pending"}


@pytest.fixture(autouse=True)
def fixed_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timezone, "now", lambda: NOW)


def unix_time(**before: float) -> int:
    return int((NOW - timedelta(**before)).timestamp())


def waiting_run(name: str, *functions: str, **changes: Any) -> dict[str, Any]:
    base = {"id": name, "created_at": unix_time(minutes=10), "started_at": unix_time(minutes=9), "expires_at": None}
    return factories.waiting_run(*functions, **base | changes)


def active_run(name: str, status: str = "in_progress", **changes: Any) -> dict[str, Any]:
    base = {"id": name, "status": status, "completed_at": None, "usage": None, "created_at": unix_time(hours=3)}
    return factories.run_object(**base | changes)


def set_received(before: timedelta, *names: str) -> None:
    Run.objects.filter(external_id__in=names).update(seen_at=NOW - before)


def table_of(response) -> Table:
    return Page(response).table("Runs that need action")


def listed_ids(response) -> list[str]:
    """Return the ids of the listed runs. Rows show them shortened, and whole in the title of their link."""
    page = Page(response)
    if not page.has("region", "Runs that need action"):
        return []
    return [row["Run"].link().attributes["title"] for row in table_of(response).rows]


def split_curl(page: Page) -> list[str]:
    """Return the arguments of the curl command of the first run."""
    return shlex.split(read_snippet(page, "curl"))


def tab_counts(response) -> dict[str, str]:
    tabs = Page(response).navigation("Reasons").find_all("link")
    return dict(tab.name.rsplit(" ", 1) for tab in tabs)


@pytest.fixture
def runs_needing_action(project) -> None:
    """Post a run on either side of every boundary of the page."""
    approval = {
        "type": "submit_tool_approval",
        "submit_tool_approval": {
            "tool_calls": [
                {
                    "id": "call_mcp",
                    "type": "mcp",
                    "name": "post_entry",
                    "arguments": '{"sum": 4.5}',
                    "server_label": "ledger",
                }
            ]
        },
    }
    objects = [
        waiting_run("run_waits", "issue_refund", expires_at=unix_time(minutes=-5)),
        waiting_run("run_at_the_edge", created_at=unix_time(minutes=20), expires_at=unix_time()),
        waiting_run("run_missed", created_at=unix_time(hours=30), expires_at=unix_time(hours=29)),
        waiting_run("run_approval", required_action=approval, created_at=unix_time(minutes=5)),
        active_run("run_overdue", created_at=unix_time(hours=2), expires_at=unix_time(seconds=1)),
        active_run("run_silent", created_at=unix_time(hours=4)),
        active_run("run_fresh"),
        active_run("run_cancelling", "cancelling", created_at=unix_time(hours=5)),
        active_run("run_odd", "paused_by_vendor"),
        factories.run_object(id="run_done", created_at=unix_time(hours=9), expires_at=unix_time(hours=8)),
        factories.failed_run(id="run_failed"),
    ]  # fmt: skip
    assert not factories.post(project, *objects).errors
    set_received(timedelta(0), "run_waits", "run_at_the_edge", "run_overdue", "run_fresh")
    set_received(timedelta(hours=1), "run_cancelling")
    set_received(timedelta(hours=1, seconds=1), "run_silent", "run_odd", "run_done")
    set_received(timedelta(days=1), "run_missed", "run_approval")


def test_runs_that_can_still_be_saved_come_first(member_client, runs_needing_action) -> None:
    response = member_client.get(URL)
    assert listed_ids(response) == [
        "run_at_the_edge", "run_waits", "run_approval", "run_silent", "run_missed", "run_overdue",
    ]  # fmt: skip
    assert tab_counts(response) == {"All": "6", "Waiting": "3", "No updates": "1", "Expired": "2"}


@pytest.mark.parametrize(
    ("show", "expected"),
    [
        ("waiting", ["run_at_the_edge", "run_waits", "run_approval"]),
        ("overdue", ["run_missed", "run_overdue"]),
        ("silent", ["run_silent"]),
    ],
)
def test_each_tab_lists_its_runs(member_client, runs_needing_action, show: str, expected: list[str]) -> None:
    assert listed_ids(member_client.get(URL, {"show": show})) == expected


def test_row_shows_calls_arguments_and_deadline(member_client, runs_needing_action) -> None:
    table = table_of(member_client.get(URL))
    assert table.row("run_waits")["Waiting on"].text.startswith('issue_refund {"order": "A-1"}')
    assert table.row("run_waits")["Expires"].text == "in 5 min 00 s"
    assert table.row("run_approval")["Waiting on"].text.startswith('Approval of post_entry on ledger {"sum": 4.5}')
    assert table.row("run_approval")["Expires"].text == "none"
    assert table.row("run_missed")["Expires"].text == "1 d 05 h ago"
    assert table.row("run_overdue")["Waiting on"].text == "a final status; In progress"
    assert table.row("run_silent")["Waiting on"].text == "an update (none for over an hour); In progress"


def test_snippets_answer_all_calls_of_a_run(member_client, project) -> None:
    names = [f"tool_{number}" for number in range(7)]
    posted = waiting_run("run_o'clock", *names)
    calls = posted["required_action"]["submit_tool_outputs"]["tool_calls"]
    factories.post(project, posted)
    page = Page(member_client.get(URL))
    arguments = split_curl(page)
    assert arguments[1] == "$OPENAI_BASE_URL/threads/thread_first/runs/run_o%27clock/submit_tool_outputs"
    outputs = [{"tool_call_id": call["id"], "output": "..."} for call in calls]
    assert json.loads(arguments[-1]) == {"tool_outputs": outputs}
    program = ast.parse(read_snippet(page, "Python"))
    call = next(node for node in ast.walk(program) if isinstance(node, ast.Call) and node.args)
    assert ast.literal_eval(call.args[0]) == "run_o'clock"
    keywords = {keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords}
    assert keywords == {"thread_id": "thread_first", "tool_outputs": outputs}


def test_snippets_continue_a_response(member_client, project) -> None:
    call, approval = (
        responses.call(),
        {"type": "mcp_approval_request", "id": "mcpr_1", "name": "refund", "arguments": "{}"},
    )
    responses.post_responses(project, responses.response_object(call, approval, id="resp_open"))
    body = json.loads(split_curl(Page(member_client.get(URL)))[-1])
    assert (body["previous_response_id"], body["model"]) == ("resp_open", "gpt-5-mini-2025-08-07")
    assert body["input"][0] == {"type": "function_call_output", "call_id": call["call_id"], "output": "..."}


def test_expired_run_has_no_snippets(member_client, project) -> None:
    factories.post(project, waiting_run("run_missed", created_at=unix_time(hours=30), expires_at=unix_time(hours=29)))
    assert not Page(member_client.get(URL)).has("button", "Submit outputs")


def test_completed_run_leaves_the_page(member_client, runs_needing_action, project) -> None:
    done = factories.run_object(id="run_waits", created_at=unix_time(minutes=10), completed_at=unix_time())
    assert factories.post(project, done).counts["updated"] == 1
    assert "run_waits" not in listed_ids(member_client.get(URL))


def test_filters_apply_to_runs_and_counts(member_client, runs_needing_action) -> None:
    response = member_client.get(URL, {"q": "awaiting:issue_refund"})
    assert listed_ids(response) == ["run_at_the_edge", "run_waits", "run_missed"]
    assert tab_counts(response)["All"] == "3"


@pytest.mark.parametrize(
    ("query", "name"),
    [({"show": "late"}, "show"), ({"statos": "x"}, "statos"), ({"cursor": "x"}, "cursor"), ({"q": "status:"}, "q")],
)
def test_invalid_parameters_are_rejected(member_client, project, query: dict[str, str], name: str) -> None:
    for url in (URL, "/p/default/actions.json", "/p/default/actions.csv"):
        response = member_client.get(url, query)
        assert response.status_code == 400
        assert name in response.content.decode()


def test_empty_page_explains_itself(member_client, project) -> None:
    assert Page(member_client.get(URL)).has("heading", "Nothing pending")
    assert Page(member_client.get(URL, {"show": "silent"})).link("Show all actions").url == URL


def test_pages_have_no_gap_and_no_overlap(member_client, runs_needing_action, monkeypatch) -> None:
    monkeypatch.setattr(views, "PAGE_SIZE", 4)
    first = member_client.get(URL)
    second = member_client.get(Page(first).link("More runs").url)
    assert len(listed_ids(first)) == 4
    assert listed_ids(second) == ["run_missed", "run_overdue"]
    assert Page(second).link("Back to the first").url == URL


def test_capped_counts_have_plus_sign(member_client, runs_needing_action, monkeypatch) -> None:
    monkeypatch.setattr(actions, "MAX_COUNTED_ACTIONS", 2)
    assert tab_counts(member_client.get(URL))["All"] == "2+"


def test_calls_and_arguments_are_truncated(member_client, project) -> None:
    names = [f"tool_{number}" for number in range(7)]
    posted = waiting_run("run_many", *names)
    calls = posted["required_action"]["submit_tool_outputs"]["tool_calls"]
    calls[0]["function"]["arguments"] = "x" * 5000
    calls[1]["function"]["arguments"] = SCRIPT
    factories.post(project, posted)
    response = member_client.get(URL)
    cell = table_of(response).rows[0]["Waiting on"]
    assert re.findall(r"(?<!call_)tool_\d", cell.text) == names[:5]
    assert cell.link("2 more calls").url.endswith("/run_many/")
    assert "x" * 601 not in cell.text
    assert SCRIPT in cell.text
    assert SCRIPT not in response.content.decode()
    document = member_client.get("/p/default/actions.json").json()["data"][0]
    assert [call["name"] for call in document["calls"]] == names
    assert document["calls"][0]["arguments"] == "x" * 5000


def test_poll_gets_list_fragment(member_client, runs_needing_action) -> None:
    response = member_client.get(URL, headers=POLL)
    fragment = Page(response)
    assert not fragment.has("main")
    element = next(fragment.iterate())
    assert (element.get("id"), element.get("hx-trigger")) == ("pending", "every 5s")


def test_files_match_the_page(member_client, runs_needing_action, monkeypatch) -> None:
    monkeypatch.setattr(downloads, "PAGE_SIZE", 4)
    page_ids = listed_ids(member_client.get(URL))
    first = member_client.get("/p/default/actions.json").json()
    assert first["counts"] == {"overdue": 2, "waiting": 3, "silent": 1}
    rest = member_client.get("/p/default/actions.json", {"cursor": first["next_cursor"]}).json()
    assert [entry["id"] for entry in first["data"] + rest["data"]] == page_ids
    assert rest["next_cursor"] is None
    assert [entry["reason"] for entry in (first["data"] + rest["data"])[2:5]] == ["waiting", "silent", "overdue"]
    lines = list(csv.DictReader(b"".join(member_client.get("/p/default/actions.csv")).decode("utf-8-sig").splitlines()))
    assert [line["id"] for line in lines] == page_ids
    assert json.loads(lines[2]["pending_functions"]) == ["post_entry"]


def test_other_projects_are_not_listed(member_client, runs_needing_action) -> None:
    factories.post(factories.make_project("other"), waiting_run("run_of_others"))
    assert "run_of_others" not in listed_ids(member_client.get(URL))
    assert member_client.get("/p/other/actions/").status_code == 404
    assert member_client.get("/p/other/actions.json").status_code == 404


def test_query_count_is_constant_in_rows(member_client, project) -> None:
    counts = []
    for number in range(2):
        factories.post(project, *(waiting_run(f"run_{number}_{index}") for index in range(10)))
        with CaptureQueriesContext(connection) as captured:
            assert len(listed_ids(member_client.get(URL))) == 10 * (number + 1)
        counts.append(len(captured))
    # session, user, project and role; the page of runs, the counts, names of assistants
    assert counts[0] == counts[1] <= 8


def test_assistant_names_are_shown_escaped(member_client, project) -> None:
    factories.post(project, waiting_run("run_named"))
    factories.post_assistants(project, asst_concierge="Front <desk>")
    cell = table_of(member_client.get(URL)).rows[0]["Assistant"]
    assert cell.link("Front <desk>").url == "/p/default/assistants/asst_concierge/"
