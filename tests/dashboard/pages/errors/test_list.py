"""Tests of the list of error groups and its downloads."""

from __future__ import annotations

import csv
import json
import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from dashboard.pages.errors import views
from runs.models import AuditEvent, ErrorGroup, Project, User
from tests import factories
from tests.dashboard.pages.errors.conftest import (
    DAY,
    HOUR,
    LIST_URL,
    SCRIPT,
    failed_run,
    find_group,
    group_url,
    list_run_ids,
)
from tests.pages import Page

JSON_URL, CSV_URL = "/p/default/errors.json", "/p/default/errors.csv"


def list_page(client: Client, query: str = "") -> Page:
    response = client.get(LIST_URL + query)
    assert response.status_code == 200
    return Page(response)


def listed_codes(page: Page) -> list[str]:
    if not page.has("table", "Error groups"):
        return []
    return [row["Code and message"].link().text for row in page.table("Error groups").rows]


def tab_counts(page: Page) -> dict[str, str]:
    names = page.navigation("Error groups by state").names("link")
    return dict(name.rsplit(" ", 1) for name in names)


def test_list_shows_counts_and_messages(member_client: Client, project_with_errors: Project) -> None:
    page = list_page(member_client)
    assert page.title == "Errors in the last 14 days · Default · Runglass"
    assert listed_codes(page) == ["rate_limit_exceeded", "server_error", "max_completion_tokens"]
    assert page.definition("Unsuccessful runs in the last 14 days").text == "6 of 7 runs, 85.7 %"
    assert page.definition("Groups").text == "3 1 new today"
    assert page.definition("Largest group").text == "50.0 % rate_limit_exceeded"
    table = page.table("Error groups")
    assert "Limit n reached" in table.row("rate_limit_exceeded").text
    assert "Timed out after time" in table.row("server_error").text
    assert table.row("rate_limit_exceeded")["Runs"].text == "3 50.0 %"
    assert table.sorted_by == ("Runs", "descending")
    assert tab_counts(page) == {"Open": "3", "New today": "1", "Resolved": "0", "Ignored": "0", "All": "3"}


@pytest.mark.parametrize(
    ("query", "codes"),
    [
        ("?show=new", ["server_error"]),
        ("?show=resolved", []),
        ("?show=all&sort=last", ["server_error", "rate_limit_exceeded", "max_completion_tokens"]),
        ("?sort=first", ["server_error", "max_completion_tokens", "rate_limit_exceeded"]),
        ("?from=-24h", ["server_error", "rate_limit_exceeded"]),
        ("?from=-90d&q=reason:*", ["max_completion_tokens"]),
        ("?error=server_error", ["server_error"]),
        ('?q="timed out"', ["server_error"]),
    ],
)
def test_query_selects_groups(
    member_client: Client, project_with_errors: Project, query: str, codes: list[str]
) -> None:
    assert listed_codes(list_page(member_client, query)) == codes


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("?show=muted", "show"),
        ("?sort=trend", "sort"),
        ("?page=0", "page"),
        ("?page=x", "page"),
        ("?colour=red", "colour"),
        ("?q=nope:1", "q"),
        ("?show=all&show=new", "show"),
    ],
)
def test_invalid_parameter_is_named(member_client: Client, project_with_errors: Project, query: str, name: str) -> None:
    for path in (LIST_URL, JSON_URL, CSV_URL):
        response = member_client.get(path + query)
        assert response.status_code == 400
        assert name in Page(response).text


@pytest.mark.parametrize(
    "query",
    ["from=0001-01-01", "to=9999-12-31T23:59:59Z", "from=2027-01-01", "from=2026-11-18&to=2026-11-01", "to=0001-01-02"],
)
def test_any_time_range_is_accepted(member_client: Client, project_with_errors: Project, query: str) -> None:
    for path in (LIST_URL, JSON_URL, group_url("server_error")):
        assert member_client.get(f"{path}?{query}").status_code == 200


def test_time_range_menu_marks_the_current_range(member_client: Client, project_with_errors: Project) -> None:
    page = list_page(member_client, "?from=-24h&show=all&sort=last")
    ranges = page.find("group", "Time range")
    assert [link.text for link in ranges.find_all("link") if link.is_current] == ["24 h"]
    assert ranges.link("14 d").url == f"{LIST_URL}?show=all&sort=last"
    assert [link.text for link in list_page(member_client).find_all("link") if link.get("aria-current") == "true"] == [
        "Default", "All", "14 d",
    ]  # fmt: skip


def test_forms_keep_the_other_parameters(member_client: Client, project_with_errors: Project) -> None:
    page = list_page(member_client, "?status=failed&from=-24h&sort=last&q=model:*")
    assert page.form("Errors").values == [
        ("from", "-24h"), ("sort", "last"), ("status", "failed"), ("q", "model:*"), ("q", ""),
    ]  # fmt: skip
    assert page.form("Apply").values[:3] == [("status", "failed"), ("q", "model:*"), ("sort", "last")]


def test_charts_use_the_timezone_of_the_browser(member_client: Client, project_with_errors: Project) -> None:
    member_client.cookies["timezone"] = "Asia/Kolkata"
    for path in (LIST_URL, group_url("server_error")):
        response = member_client.get(path)
        assert "Asia/Kolkata" in Page(response).text
        assert re.search(r"<title>\d{1,2} Nov 2026, \d\d:30, 6 hours: ", response.content.decode())


def test_counts_link_to_their_runs(member_client: Client, project_with_errors: Project) -> None:
    page = list_page(member_client)
    links = [
        page.definition("Unsuccessful runs in the last 14 days").link("6"),
        page.definition("Unsuccessful runs in the last 14 days").link("7 runs"),
        *(row["Runs"].link() for row in page.table("Error groups").rows),
    ]
    assert len(links) == 5
    for link in links:
        assert len(list_run_ids(member_client, link.url)) == int(link.text.split()[0]), link.url


def test_new_and_rising_groups_are_marked(member_client: Client, project: Project) -> None:
    factories.post_run(project, created_at=factories.NOW - 60 * DAY)
    rising = [failed_run(f"run_{number}", "rising", "x", age=DAY + number) for number in range(30)]
    previous = [failed_run(f"run_b{number}", "rising", "x", age=20 * DAY + number) for number in range(10)]
    assert not factories.post(project, *rising, *previous, failed_run("run_new", "fresh", "y", age=4 * HOUR)).errors
    table = list_page(member_client).table("Error groups")
    assert table.row("fresh")["Trend"].text == "new, 4 h"
    assert "new" in table.row("fresh")["Code and message"].text.split()
    trend = table.row("rising")["Trend"].link("\N{UPWARDS ARROW} 3.0\N{MULTIPLICATION SIGN}")
    assert len(list_run_ids(member_client, trend.url)) == 10


def test_up_to_two_assistants_are_named(member_client: Client, project: Project) -> None:
    runs = [failed_run(f"run_{letter}", "code", "x", assistant_id=f"asst_{letter}") for letter in "ab"]
    assert not factories.post(project, *runs).errors
    factories.post_assistants(project, asst_a="Returns desk")
    assert list_page(member_client).table("Error groups").row("code")["Assistants"].text == "Returns desk, asst_b"
    factories.post(project, failed_run("run_c", "code", "x", assistant_id="asst_c"))
    assert list_page(member_client).table("Error groups").row("code")["Assistants"].text == "3 assistants"


def test_long_list_is_paginated(
    member_client: Client, project_with_errors: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "PAGE_SIZE", 2)
    first = list_page(member_client)
    assert listed_codes(first) == ["rate_limit_exceeded", "server_error"]
    assert not first.has("link", "Previous page")
    second = Page(member_client.get(first.link("Next page").url))
    assert listed_codes(second) == ["max_completion_tokens"]
    assert second.link("Previous page").url == LIST_URL
    assert not second.has("link", "Next page")
    assert listed_codes(list_page(member_client, "?page=9")) == []


def test_empty_list_explains_itself(member_client: Client, project: Project) -> None:
    assert list_page(member_client).has("heading", "No errors yet")
    factories.post(project, failed_run("run_old", "code", "x", age=40 * DAY))
    assert list_page(member_client).has("heading", "No errors in the last 14 days")
    assert list_page(member_client, "?q=model:none").has("heading", "No errors match")
    assert list_page(member_client, "?from=-90d&show=resolved").has("heading", "No groups in this tab")


def test_posted_texts_are_escaped(member_client: Client, project: Project) -> None:
    run = failed_run("run_x", SCRIPT, SCRIPT, assistant_id=SCRIPT, model=SCRIPT, metadata={SCRIPT: SCRIPT})
    assert not factories.post(project, run).errors
    for url in (LIST_URL, f"{LIST_URL}{ErrorGroup.objects.get().pk}/"):
        response = member_client.get(url)
        assert response.status_code == 200
        assert "<script>alert" not in response.content.decode()
        assert "<img src=x" not in response.content.decode()


def test_odd_values_break_no_page(member_client: Client, project: Project) -> None:
    odd: dict[str, Any] = {
        "assistant_id": "\u202e",
        "model": "",
        "metadata": {"": "", 'a"b c': 'x"y', "k" * 5000: "v", "on": True, "no": None},
    }
    runs = [failed_run(f"run_{number}", "", "", **odd) for number in range(25)]
    tools = [{"type": "function", "function": {"name": "n" * 900}}, {"type": 'odd "kind"'}]
    completed = [
        factories.run_object(created_at=factories.NOW - 60, assistant_id="\u202e", tools=tools) for _ in range(25)
    ]
    assert not factories.post(project, *runs, *completed).errors
    detail_url = f"{LIST_URL}{ErrorGroup.objects.get().pk}/"
    for url in (LIST_URL, detail_url, JSON_URL, CSV_URL):
        assert member_client.get(url).status_code == 200
    links = [link.url for link in Page(member_client.get(detail_url)).main.find_all("link")]
    for url in {url for url in links if url.startswith("/p/default/runs/?")}:
        list_run_ids(member_client, url)


def test_downloads_contain_the_listed_groups(member_client: Client, project_with_errors: Project) -> None:
    page = list_page(member_client, "?show=new")
    assert page.link("CSV").url == f"{CSV_URL}?show=new"
    document = json.loads(member_client.get(JSON_URL).content)
    assert (document["unsuccessful_runs"], document["runs"], document["runs_capped"], document["groups"]) == (
        6, 7, False, 3,
    )  # fmt: skip
    assert [(group["code"], group["runs"], group["state"]) for group in document["data"]] == [
        ("rate_limit_exceeded", 3, "open"),
        ("server_error", 2, "open"),
        ("max_completion_tokens", 1, "open"),
    ]
    incomplete = document["data"][2]
    assert (incomplete["total_tokens"], incomplete["cost_usd"]) == (150, 0.000036)  # (120 * 0.15 + 30 * 0.60) / 1e6
    assert incomplete["message"] == "Stopped at the limit of <n> completion tokens."
    response: Any = member_client.get(f"{CSV_URL}?show=new")
    (row,) = csv.DictReader(b"".join(response.streaming_content).decode("utf-8-sig").splitlines())
    assert (row["code"], row["runs"], row["runs_before"]) == ("server_error", "2", "0")


def test_query_count_is_independent_of_groups(member_client: Client, project_with_errors: Project) -> None:
    def count_queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            list_page(member_client)
        return len(captured)

    count = count_queries()
    factories.post(project_with_errors, *(failed_run(f"run_m{number}", f"code{number}", "x") for number in range(30)))
    assert count_queries() == count <= 14


def test_groups_of_other_projects_are_not_listed(member_client: Client, project_with_errors: Project) -> None:
    factories.post(factories.make_project("other"), failed_run("run_theirs", "theirs", "x"))
    assert "theirs" not in listed_codes(list_page(member_client))
    assert member_client.get("/p/other/errors/").status_code == 404


def test_groups_are_filtered_by_assignee(member_client: Client, member: User, project_with_errors: Project) -> None:
    post_decision(member_client, "server_error", assign="me")
    assert listed_codes(list_page(member_client, "?assigned=me")) == ["server_error"]
    assert "server_error" not in listed_codes(list_page(member_client, "?assigned=none"))
    assert member.username in list_page(member_client).table("Error groups").row("server_error").text


def test_selected_groups_are_changed_together(member_client: Client, project_with_errors: Project) -> None:
    response = post_decision(
        member_client, "server_error", "rate_limit_exceeded", state="ignored", until="runs:10", query="show=all"
    )
    assert (response.status_code, response["Location"]) == (302, f"{LIST_URL}?show=all")
    assert listed_codes(list_page(member_client)) == ["max_completion_tokens"]
    assert {group.ignored_until_runs for group in ErrorGroup.objects.filter(state="ignored")} == {10}
    assert AuditEvent.objects.filter(action__contains="ignored 2 groups until 10 more runs").exists()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"state": "muted"}, "expected one of open, resolved, ignored, found 'muted'"),
        ({"state": "ignored", "until": "runs:x"}, "expected a whole number of runs, or a date and time"),
        ({"state": "ignored", "until": "date"}, "expected a time in the future, found none"),
        ({"assign": "selected", "assignee": "x"}, "expected a member of the project who may write, found 'x'"),
    ],
)
def test_invalid_decision_is_explained_on_the_page(
    member_client: Client, project_with_errors: Project, fields: dict[str, str], message: str
) -> None:
    response = post_decision(member_client, "server_error", **fields, query="show=all")
    assert (response.status_code, response["Location"]) == (302, f"{LIST_URL}?show=all")
    page = Page(member_client.get(response["Location"]))
    assert page.status().text == f"Nothing was changed: {message}."
    assert find_group("server_error").state == "open"


def test_made_up_group_ids_are_a_bad_request(member_client: Client, project_with_errors: Project) -> None:
    assert member_client.post(f"{LIST_URL}change", {"group": "x", "state": "open"}).status_code == 400


def post_decision(client: Client, *codes: str, **fields: str) -> Any:
    groups = [find_group(code).pk for code in codes]
    return client.post(f"{LIST_URL}change", {"group": groups, **fields})
