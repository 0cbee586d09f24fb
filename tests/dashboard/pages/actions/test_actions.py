"""The actions page: who is on it and why, in which order, what is shown of each, its files, and what it costs."""

from __future__ import annotations

import csv
import json
import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from dashboard.pages.actions import downloads
from dashboard.pages.actions import views as view
from runs.analytics import actions
from runs.models import Run
from tests import factories

URL = "/p/default/actions/"
NOW = datetime.fromtimestamp(factories.NOW + 100_000, UTC)
SCRIPT = "<script>alert('x')</script>"
POLL = {"HX-Request": "true", "HX-Target": "pending"}


@pytest.fixture(autouse=True)
def at_now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timezone, "now", lambda: NOW)


def seconds(**before: float) -> int:
    return int((NOW - timedelta(**before)).timestamp())


def waiting(name: str, *functions: str, **changes: Any) -> dict[str, Any]:
    base = {"id": name, "created_at": seconds(minutes=10), "started_at": seconds(minutes=9), "expires_at": None}
    return factories.waiting_run(*functions, **base | changes)


def active(name: str, status: str = "in_progress", **changes: Any) -> dict[str, Any]:
    base = {"id": name, "status": status, "completed_at": None, "usage": None, "created_at": seconds(hours=3)}
    return factories.run_object(**base | changes)


def heard(before: timedelta, *names: str) -> None:
    Run.objects.filter(external_id__in=names).update(seen_at=NOW - before)


def listed(response) -> list[str]:
    return re.findall(r'<th scope="row"><a class="id" href="[^"]*" title="([^"]*)"', response.content.decode())


def words(response) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", response.content.decode())).split())


def tabs(response) -> dict[str, str]:
    nav = re.search(r'<nav class="tabs".*?</nav>', response.content.decode(), re.DOTALL)
    assert nav
    return dict(re.findall(r">([A-Z][a-z ]+) <span>([\d,+]+)", nav[0]))


@pytest.fixture
def needy(project) -> None:
    """One run of every sort, in and out of the page, on both sides of every edge."""
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
        waiting("run_waits", "issue_refund", expires_at=seconds(minutes=-5)),
        waiting("run_at_the_edge", created_at=seconds(minutes=20), expires_at=seconds()),
        waiting("run_missed", created_at=seconds(hours=30), expires_at=seconds(hours=29)),
        waiting("run_approval", required_action=approval, created_at=seconds(minutes=5)),
        active("run_overdue", created_at=seconds(hours=2), expires_at=seconds(seconds=1)),
        active("run_silent", created_at=seconds(hours=4)),
        active("run_fresh"),
        active("run_cancelling", "cancelling", created_at=seconds(hours=5)),
        active("run_odd", "paused_by_vendor"),
        factories.run_object(id="run_done", created_at=seconds(hours=9), expires_at=seconds(hours=8)),
        factories.failed_run(id="run_failed"),
    ]  # fmt: skip
    assert not factories.post(project, *objects).errors
    heard(timedelta(0), "run_waits", "run_at_the_edge", "run_overdue", "run_fresh")
    heard(timedelta(hours=1), "run_cancelling")
    heard(timedelta(hours=1, seconds=1), "run_silent", "run_odd", "run_done")
    heard(timedelta(days=1), "run_missed", "run_approval")


def test_runs_needing_action_are_listed_oldest_first(member_client, needy) -> None:
    response = member_client.get(URL)
    assert listed(response) == [
        "run_missed", "run_silent", "run_overdue", "run_at_the_edge", "run_waits", "run_approval",
    ]  # fmt: skip
    assert tabs(response) == {"All": "6", "Waiting": "3", "Past expiry": "2", "Silent": "1"}


@pytest.mark.parametrize(
    ("show", "expected"),
    [
        ("waiting", ["run_at_the_edge", "run_waits", "run_approval"]),
        ("overdue", ["run_missed", "run_overdue"]),
        ("silent", ["run_silent"]),
    ],
)
def test_each_tab_lists_its_runs(member_client, needy, show: str, expected: list[str]) -> None:
    assert listed(member_client.get(URL, {"show": show})) == expected


def test_row_shows_calls_arguments_and_deadline(member_client, needy) -> None:
    said = words(member_client.get(URL))
    assert 'issue_refund {"order": "A-1"}' in said
    assert 'Approval of post_entry on ledger {"sum": 4.5}' in said
    assert "in 5 min 00 s" in said
    assert "29 h 00 min ago" in said or "1 d 05 h ago" in said
    assert "its end, of which nothing was received" in said
    assert "no expiry sent" in said


def test_completed_run_leaves_the_page(member_client, needy, project) -> None:
    done = factories.run_object(id="run_waits", created_at=seconds(minutes=10), completed_at=seconds())
    assert factories.post(project, done).counts["updated"] == 1
    assert "run_waits" not in listed(member_client.get(URL))


def test_filters_apply_to_runs_and_counts(member_client, needy) -> None:
    response = member_client.get(URL, {"q": "awaiting:issue_refund"})
    assert listed(response) == ["run_missed", "run_at_the_edge", "run_waits"]
    assert tabs(response)["All"] == "3"


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
    assert "Nothing needs you" in words(member_client.get(URL))
    assert "Show all that need somebody" in words(member_client.get(URL, {"show": "silent"}))


def test_pages_have_no_gap_and_no_overlap(member_client, needy, monkeypatch) -> None:
    monkeypatch.setattr(view, "PAGE_SIZE", 4)
    first = member_client.get(URL)
    further = re.search(r'href="([^"]*)" rel="next"', first.content.decode())
    assert further
    second = member_client.get(unescape(further[1]))
    assert len(listed(first)) == 4
    assert listed(second) == ["run_waits", "run_approval"]
    assert "Back to the oldest" in words(second)


def test_capped_counts_have_plus_sign(member_client, needy, monkeypatch) -> None:
    monkeypatch.setattr(actions, "MAX_COUNTED_ACTIONS", 2)
    assert tabs(member_client.get(URL))["All"] == "2+"


def test_calls_and_arguments_are_truncated(member_client, project) -> None:
    names = [f"tool_{number}" for number in range(7)]
    posted = waiting("run_many", *names)
    calls = posted["required_action"]["submit_tool_outputs"]["tool_calls"]
    calls[0]["function"]["arguments"] = "x" * 5000
    calls[1]["function"]["arguments"] = SCRIPT
    factories.post(project, posted)
    response = member_client.get(URL)
    said = words(response)
    assert "tool_4" in said
    assert "tool_5" not in said
    assert "2 more calls" in said
    assert "x" * 601 not in said
    assert SCRIPT not in response.content.decode()
    whole = member_client.get("/p/default/actions.json").json()["data"][0]
    assert [call["name"] for call in whole["calls"]] == names
    assert whole["calls"][0]["arguments"] == "x" * 5000


def test_poll_gets_list_fragment(member_client, needy) -> None:
    response = member_client.get(URL, headers=POLL)
    assert response.content.decode().strip().startswith('<div class="stack" id="pending"')
    assert 'hx-trigger="every 5s"' in response.content.decode()


def test_files_match_the_page(member_client, needy, monkeypatch) -> None:
    monkeypatch.setattr(downloads, "PAGE_SIZE", 4)
    shown = listed(member_client.get(URL))
    first = member_client.get("/p/default/actions.json").json()
    assert first["counts"] == {"overdue": 2, "waiting": 3, "silent": 1}
    rest = member_client.get("/p/default/actions.json", {"cursor": first["next_cursor"]}).json()
    assert [each["id"] for each in first["data"] + rest["data"]] == shown
    assert rest["next_cursor"] is None
    assert first["data"][0]["need"] == "overdue"
    lines = list(csv.DictReader(b"".join(member_client.get("/p/default/actions.csv")).decode().splitlines()))
    assert [line["id"] for line in lines] == shown
    assert json.loads(lines[-1]["awaited"]) == ["post_entry"]


def test_other_projects_are_not_listed(member_client, needy) -> None:
    factories.post(factories.make_project("other"), waiting("run_of_others"))
    assert "run_of_others" not in listed(member_client.get(URL))
    assert member_client.get("/p/other/actions/").status_code == 404
    assert member_client.get("/p/other/actions.json").status_code == 404


def test_query_count_is_constant_in_rows(member_client, project) -> None:
    counts = []
    for number in range(2):
        factories.post(project, *(waiting(f"run_{number}_{each}") for each in range(10)))
        with CaptureQueriesContext(connection) as captured:
            assert len(listed(member_client.get(URL))) == 10 * (number + 1)
        counts.append(len(captured))
    # session, user, project and role; the page of runs, the counts, names of assistants
    assert counts[0] == counts[1] <= 8


def test_assistant_names_are_shown_escaped(member_client, project) -> None:
    factories.post(project, waiting("run_named"))
    factories.post_assistants(project, asst_concierge="Front <desk>")
    content = member_client.get(URL).content.decode()
    assert "Front &lt;desk&gt;" in content
    assert 'href="/p/default/assistants/asst_concierge/"' in content
