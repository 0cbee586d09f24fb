"""Tests of the page of one error group."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from runs.models import Project, User
from tests import factories
from tests.dashboard.pages.errors.conftest import (
    DAY,
    HOUR,
    LIST_URL,
    NOW,
    failed_run,
    find_group,
    group_url,
    list_run_ids,
)
from tests.dashboard.pages.errors.test_list import list_page, listed_codes, tab_counts
from tests.pages import Page


def group_page(client: Client, code: str, query: str = "") -> Page:
    response = client.get(group_url(code) + query)
    assert response.status_code == 200
    return Page(response)


def state_url(code: str) -> str:
    return group_url(code, name="set-error-group-state")


def test_group_shows_its_runs(member_client: Client, project_with_errors: Project) -> None:
    page = group_page(member_client, "rate_limit_exceeded")
    assert page.heading(re.compile("rate_limit_exceeded")).text == "Failed rate_limit_exceeded"
    assert "Limit n reached" in page.text
    assert page.definition("Runs in the last 14 days").link().text == "3"
    assert page.table("Newest runs").row("run_limit0")["Assistant"].text == "asst_concierge"
    assert page.table("Assistants").row("asst_concierge")["Runs"].text == "3"
    differences = page.region("Differences from completed runs").text
    assert "All 3 runs of this group, compared with 1 completed run of the same assistant" in differences
    assert "With fewer than 20 runs on one side, only large differences are detected." in differences
    assert page.has("region", "Grouping")


def test_counts_link_to_their_runs(member_client: Client, project: Project) -> None:
    failed = [
        failed_run(f"run_b{number}", "code", f"x {number}", model="gpt-4o", metadata={"release": "b", "n": number % 2})
        for number in range(8)
    ]
    completed = [
        factories.run_object(created_at=factories.NOW - DAY, completed_at=factories.NOW, metadata={"release": "a"})
        for _ in range(6)
    ]
    assert not factories.post(project, *failed, *completed).errors
    steps = [factories.step_object(run, factories.function_call("search_orders")) for run in failed[:7]]
    assert not factories.post_steps(project, *steps).errors
    page = group_page(member_client, "code")
    links = [link for link in page.main.find_all("link") if link.url.startswith("/p/default/runs/?")]
    counted = [(link, found[1]) for link in links if (found := re.match(r"(?:all )?(\d+)(?: of \d+)?$", link.text))]
    assert len(counted) > 12
    for link, count in counted:
        assert len(list_run_ids(member_client, link.url)) == int(count), link.url
    differences = page.table("Differences")
    assert {"Model", "Called function", "Metadata"} <= set(differences.cells("Attribute"))
    assert {"release: b", "search_orders"} <= set(differences.cells("Value"))


def test_member_changes_the_state(member_client: Client, member: User, project_with_errors: Project) -> None:
    page = group_page(member_client, "server_error")
    assert page.form("State").url == state_url("server_error")
    assert page.form("State").names("button") == ["Resolve", "Ignore"]
    response = member_client.post(state_url("server_error"), {"state": "resolved"})
    assert response.status_code == 302
    group = find_group("server_error")
    assert (group.state, group.state_changed_by, group.state_changed_at) == ("resolved", member, NOW)
    assert tab_counts(list_page(member_client)) == {
        "Open": "2", "New today": "1", "Resolved": "1", "Ignored": "0", "All": "3",
    }  # fmt: skip
    assert f"Resolved. Set by {member.username}" in group_page(member_client, "server_error").text
    member_client.post(state_url("server_error"), {"state": "ignored"})
    assert listed_codes(list_page(member_client, "?show=ignored")) == ["server_error"]
    member_client.post(state_url("server_error"), {"state": "open"})
    assert listed_codes(list_page(member_client)) == ["rate_limit_exceeded", "server_error", "max_completion_tokens"]


def test_resolved_group_regresses_when_it_returns(
    member_client: Client, project_with_errors: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    member_client.post(state_url("server_error"), {"state": "resolved"})
    later = NOW + timedelta(hours=2)
    monkeypatch.setattr(timezone, "now", lambda: later)
    assert "regressed" not in list_page(member_client).table("Error groups").element.text
    factories.post(project_with_errors, failed_run("run_again", "server_error", "Timed out after 9 s", age=-HOUR))
    assert "regressed" in list_page(member_client).table("Error groups").row("server_error").text
    page = group_page(member_client, "server_error")
    assert "Regressed. Resolved by" in page.text
    assert page.has("button", "Resolve again")
    assert "1 run since then" in page.text
    assert list_run_ids(member_client, page.link("1 run").url) == ["run_again"]
    member_client.post(state_url("server_error"), {"state": "resolved"})
    assert "regressed" not in list_page(member_client, "?show=all").table("Error groups").element.text


def test_viewer_can_not_change_the_state(project_with_errors: Project) -> None:
    client = Client()
    client.force_login(factories.make_user(project_with_errors, role="viewer"))
    assert client.get(LIST_URL).status_code == 200
    assert not group_page(client, "server_error").has("button", re.compile("Resolve"))
    assert client.post(state_url("server_error"), {"state": "resolved"}).status_code == 403
    assert find_group("server_error").state == "open"


def test_unknown_state_is_rejected(member_client: Client, project_with_errors: Project) -> None:
    response = member_client.post(state_url("server_error"), {"state": "muted"}, follow=True)
    assert "Nothing was changed: expected one of open, resolved, ignored" in Page(response).status().text
    assert member_client.get(state_url("server_error")).status_code == 405
    assert find_group("server_error").state == "open"


def test_group_of_another_project_is_404(member_client: Client, project_with_errors: Project) -> None:
    factories.post(factories.make_project("other"), failed_run("run_theirs", "theirs", "x"))
    assert member_client.get(group_url("theirs")).status_code == 404
    assert member_client.post(state_url("theirs"), {"state": "ignored"}).status_code == 404


def test_group_without_matching_runs_explains_itself(member_client: Client, project_with_errors: Project) -> None:
    page = group_page(member_client, "max_completion_tokens", "?from=-24h")
    assert page.has("heading", "No runs of this group in the last 24 hours")
    cut = json.loads(project_with_errors.run_set.with_configuration().get(external_id="run_cut").as_json())
    factories.post(project_with_errors, cut | {"status": "completed", "incomplete_details": None})
    assert group_page(member_client, "max_completion_tokens").has("heading", "This group has no runs")


def test_filters_are_shown_and_kept(member_client: Client, project_with_errors: Project) -> None:
    page = group_page(member_client, "server_error", "?from=-24h&model=gpt-4o-mini")
    assert page.link("All runs of the group").url == group_url("server_error")
    assert page.navigation("Main").link("Errors").is_current
    assert page.main.link("Errors").url == f"{LIST_URL}?model=gpt-4o-mini&from=-24h"


def test_long_message_shows_its_ends(member_client: Client, project: Project) -> None:
    message = f"Could not index: {'lorem ' * 1500}. Out of room."
    assert not factories.post(project, failed_run("run_long", "code", message)).errors
    grouping = group_page(member_client, "code").region(re.compile("Grouping")).text
    assert f" … {len(message) - 5000:,} characters … " in grouping
    assert "Out of room." in grouping
    assert grouping.count("lorem") < 900


def test_query_count_is_independent_of_runs(member_client: Client, project_with_errors: Project) -> None:
    def count_queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            group_page(member_client, "server_error")
        return len(captured)

    count = count_queries()
    factories.post(
        project_with_errors,
        *(failed_run(f"run_q{number}", "server_error", f"Timed out after {number} s") for number in range(30)),
    )
    assert count_queries() == count <= 21


def test_group_has_comments_and_activity(member_client: Client, member: User, project_with_errors: Project) -> None:
    member_client.post(state_url("server_error"), {"assign": "me"})
    member_client.post(state_url("server_error"), {"state": "ignored", "until": "regression"})
    response = member_client.post(
        group_url("server_error", name="error-group-comments"), {"action": "add", "text": "Known *outage*."}
    )
    assert response["Location"] == f"{group_url('server_error')}#comments"
    page = group_page(member_client, "server_error")
    assert "Known outage." in page.region("Comments").text
    assert f"{member.username} ignored it until a regression" in page.region("Activity").text
    assert f"{member.username} assigned it to {member.username}" in page.region("Activity").text
    assert "Ignored until a regression. Set by" in page.text
    assert f"Assigned to {member.username}" in page.text
