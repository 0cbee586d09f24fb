"""The list of error groups and the page of one: what is on them, where it leads, who may decide, what it costs."""

from __future__ import annotations

import csv
import json
import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from dashboard.pages.errors import views as view
from runs.models import ErrorGroup, Project, User
from runs.team.deletion import delete_run
from tests import factories

URL = "/p/default/errors/"
NOW = datetime.fromtimestamp(factories.NOW, UTC)
HOUR, DAY = 3600, 86_400
SCRIPT = "<script>alert('x')</script><img src=x onerror=alert(1)>\"'"


@pytest.fixture(autouse=True)
def at_now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timezone, "now", lambda: NOW)


def failed(name: str, code: str, message: str, *, ago: int = HOUR, **changes: Any) -> dict[str, Any]:
    created = factories.NOW - ago
    return factories.failed_run(code, message, id=name, created_at=created, failed_at=created + 5, **changes)


@pytest.fixture
def filled(project: Project) -> Project:
    """Three groups: of limits since long, of time-outs since today, of incomplete runs; and runs that went well."""
    good = [
        factories.run_object(created_at=factories.NOW - hours * HOUR, completed_at=factories.NOW) for hours in (3, 700)
    ]
    limits = [
        failed(f"run_limit{number}", "rate_limit_exceeded", f"Limit {number} reached", ago=ago * DAY)
        for number, ago in enumerate((1, 2, 3, 20, 25))
    ]
    late = [failed(f"run_late{number}", "server_error", f"Timed out after {number} s") for number in range(2)]
    cut = factories.run_object(
        id="run_cut", created_at=factories.NOW - 9 * DAY, status="incomplete", completed_at=None,
        incomplete_details={"reason": "max_completion_tokens"},
    )  # fmt: skip
    assert not factories.post(project, *good, *limits, *late, cut).errors
    return project


def words(response: Any) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", response.content.decode())).split())


def listed(response: Any) -> list[str]:
    """The codes of the listed groups, in order."""
    return re.findall(r'<td role="cell" class="msg">.*?<code class="wrap">([^<]*)</code>', response.content.decode())


def tabs(response: Any) -> dict[str, str]:
    return dict(re.findall(r">([A-Z][a-z ]+) <span>([^<]*)</span></a>", response.content.decode()))


def group(code: str) -> ErrorGroup:
    return ErrorGroup.objects.get(code=code)


def address(code: str, *, name: str = "error-group") -> str:
    return reverse(name, kwargs={"project": "default", "group": group(code).pk})


def links(response: Any, path: str) -> list[str]:
    return [unescape(each) for each in re.findall(rf'href="({re.escape(path)}[^"]*)"', response.content.decode())]


# the list


def test_groups_stand_with_their_counts_shares_and_templates(member_client: Client, filled: Project) -> None:
    response = member_client.get(URL)
    assert response.status_code == 200
    assert listed(response) == ["rate_limit_exceeded", "server_error", "max_completion_tokens"]
    text = words(response)
    assert "Ended badly in the last 14 days 6 of 7 runs , 85.7 %" in text
    assert "Groups 3 1 new today" in text
    assert "Largest 50.0 % rate_limit_exceeded" in text
    assert "Limit n reached" in text  # the place is drawn between brackets by CSS
    assert "Timed out after time" in text
    assert tabs(response) == {"Open": "3", "New today": "1", "Resolved": "0", "Ignored": "0", "All": "3"}


@pytest.mark.parametrize(
    ("query", "expected"),
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
def test_an_address_asks_for_some_groups(
    member_client: Client, filled: Project, query: str, expected: list[str]
) -> None:
    assert listed(member_client.get(URL + query)) == expected


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
def test_what_cannot_be_meant_is_refused_by_name(member_client: Client, filled: Project, query: str, name: str) -> None:
    for path in (URL, "/p/default/errors.json", "/p/default/errors.csv"):
        response = member_client.get(path + query)
        assert response.status_code == 400
        assert name in words(response)


@pytest.mark.parametrize(
    "query",
    ["from=0001-01-01", "to=9999-12-31T23:59:59Z", "from=2027-01-01", "from=2026-11-18&to=2026-11-01", "to=0001-01-02"],
)
def test_any_time_can_be_asked_for(member_client: Client, filled: Project, query: str) -> None:
    for path in (URL, "/p/default/errors.json", address("server_error")):
        assert member_client.get(f"{path}?{query}").status_code == 200


def test_pictures_are_in_the_zone_of_the_reader(member_client: Client, filled: Project) -> None:
    member_client.cookies["timezone"] = "Asia/Kolkata"
    for path in (URL, address("server_error")):
        response = member_client.get(path)
        assert "Asia/Kolkata" in words(response)
        assert re.search(r"<title>2026-11-\d\d \d\d:30, 6 hours: ", response.content.decode())


def test_every_count_leads_to_as_many_runs(member_client: Client, filled: Project) -> None:
    response = member_client.get(URL)
    html = response.content.decode()
    counted = re.findall(r'<a href="(/p/default/runs/\?[^"]*)">(?:<b>)?([\d,]+)(?:</b>| runs)?</a>', html)
    assert len(counted) == 5  # all, all that ended badly, and each group
    for url, count in counted:
        parts = urlsplit(unescape(url))
        found = member_client.get(f"/p/default/runs.json?{parts.query}")
        assert len(json.loads(b"".join(found.streaming_content))["data"]) == int(count), url


def test_a_new_group_and_a_rising_one_are_told(member_client: Client, project: Project) -> None:
    factories.post_run(project, created_at=factories.NOW - 60 * DAY)
    rising = [failed(f"run_{number}", "rising", "x", ago=DAY + number) for number in range(30)]
    before = [failed(f"run_b{number}", "rising", "x", ago=20 * DAY + number) for number in range(10)]
    assert not factories.post(project, *rising, *before, failed("run_new", "fresh", "y", ago=4 * HOUR)).errors
    response = member_client.get(URL)
    assert "new, 4 h" in words(response)
    (compared,) = re.findall(r'href="([^"]*)">\u2191 3.0\xd7</a>', response.content.decode())
    found = member_client.get(f"/p/default/runs.json?{urlsplit(unescape(compared)).query}")
    assert len(json.loads(b"".join(found.streaming_content))["data"]) == 10


def test_names_of_assistants_stand_in_place_of_ids_up_to_two(member_client: Client, project: Project) -> None:
    runs = [failed(f"run_{each}", "code", "x", assistant_id=f"asst_{each}") for each in "ab"]
    assert not factories.post(project, *runs).errors
    factories.post_assistants(project, asst_a="Returns desk")
    assert "Returns desk, asst_b" in words(member_client.get(URL))
    factories.post(project, failed("run_c", "code", "x", assistant_id="asst_c"))
    assert "3 assistants" in words(member_client.get(URL))


def test_long_lists_come_in_pages(member_client: Client, filled: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(view, "PAGE_SIZE", 2)
    first = member_client.get(URL)
    assert listed(first) == ["rate_limit_exceeded", "server_error"]
    (further,) = links(first, f"{URL}?page=2")
    assert listed(member_client.get(further)) == ["max_completion_tokens"]
    assert listed(member_client.get(URL + "?page=9")) == []


def test_empty_lists_say_what_to_do(member_client: Client, project: Project) -> None:
    assert "Nothing ended badly yet" in words(member_client.get(URL))
    factories.post(project, failed("run_old", "code", "x", ago=40 * DAY))
    assert "No run ended badly in the last 14 days" in words(member_client.get(URL))
    assert "No run that matches ended badly" in words(member_client.get(URL + "?q=model:none"))
    found = words(member_client.get(URL + "?from=-90d&show=resolved"))
    assert "No group stands here" in found


def test_posted_texts_are_never_markup(member_client: Client, project: Project) -> None:
    run = failed("run_x", SCRIPT, SCRIPT, assistant_id=SCRIPT, model=SCRIPT, metadata={SCRIPT: SCRIPT})
    assert not factories.post(project, run).errors
    found = ErrorGroup.objects.get()
    for url in (URL, f"{URL}{found.pk}/"):
        response = member_client.get(url)
        assert response.status_code == 200
        assert "<script>alert" not in response.content.decode()
        assert "<img src=x" not in response.content.decode()


def test_nothing_that_can_be_posted_breaks_a_page(member_client: Client, project: Project) -> None:
    odd = {
        "assistant_id": "",
        "model": "",
        "metadata": {"": "", 'a"b c': 'x"y', "k" * 5000: "v", "on": True, "no": None},
    }
    runs = [failed(f"run_{number}", "", "", **odd) for number in range(25)]
    tools = [{"type": "function", "function": {"name": "n" * 900}}, {"type": 'odd "kind"'}]
    good = [factories.run_object(created_at=factories.NOW - 60, assistant_id="", tools=tools) for _ in range(25)]
    assert not factories.post(project, *runs, *good).errors
    found = ErrorGroup.objects.get()
    for url in (URL, f"{URL}{found.pk}/", "/p/default/errors.json", "/p/default/errors.csv"):
        assert member_client.get(url).status_code == 200
    html = member_client.get(f"{URL}{found.pk}/").content.decode()
    for url in set(re.findall(r'href="(/p/default/runs/\?[^"]*)"', html)):
        assert member_client.get(f"/p/default/runs.json?{urlsplit(unescape(url)).query}").status_code == 200


def test_the_files_have_the_same_groups(member_client: Client, filled: Project) -> None:
    found = json.loads(member_client.get("/p/default/errors.json").content)
    assert (found["ended_badly"], found["runs"], found["runs_capped"], found["groups"]) == (6, 7, False, 3)
    assert [(each["code"], each["runs"], each["state"]) for each in found["data"]] == [
        ("rate_limit_exceeded", 3, "open"),
        ("server_error", 2, "open"),
        ("max_completion_tokens", 1, "open"),
    ]
    cut = found["data"][2]
    assert (cut["total_tokens"], cut["cost_usd"]) == (150, 0.000036)  # 120 * 0.15 + 30 * 0.60 millionths
    assert cut["message"] == "Stopped at the limit of <n> completion tokens."
    response = member_client.get("/p/default/errors.csv?show=new")
    (row,) = csv.DictReader(b"".join(response.streaming_content).decode("utf-8-sig").splitlines())
    assert (row["code"], row["runs"], row["runs_before"]) == ("server_error", "2", "0")


def test_the_list_costs_the_same_for_many_groups(member_client: Client, filled: Project) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert member_client.get(URL).status_code == 200
        return len(captured)

    few = queries()
    factories.post(filled, *(failed(f"run_m{number}", f"code{number}", "x") for number in range(30)))
    assert queries() == few <= 14


# one group


def test_a_group_shows_its_runs_its_places_and_why(member_client: Client, filled: Project) -> None:
    text = words(member_client.get(address("rate_limit_exceeded")))
    assert "Limit n reached" in text
    assert "Runs in the last 14 days 3" in text
    assert "All 3 runs of this group beside 1 completed one of the same assistant" in text
    assert "Nothing stands out. With fewer than 20 runs on one side, only large differences would." in text
    assert "Why grouped" in text
    assert "asst_concierge" in text
    assert "run_limit0" in text


def test_every_number_of_a_group_leads_to_as_many_runs(member_client: Client, project: Project) -> None:
    bad = [
        failed(f"run_b{number}", "code", f"x {number}", model="gpt-4o", metadata={"release": "b", "n": number % 2})
        for number in range(8)
    ]
    good = [
        factories.run_object(created_at=factories.NOW - DAY, completed_at=factories.NOW, metadata={"release": "a"})
        for _ in range(6)
    ]
    assert not factories.post(project, *bad, *good).errors
    steps = [factories.step_object(run, factories.function_call("search_orders")) for run in bad[:7]]
    assert not factories.post_steps(project, *steps).errors
    html = member_client.get(address("code")).content.decode()
    counted = re.findall(r'<a href="(/p/default/runs/\?[^"]*)">(?:all )?([\d,]+)(?: of [\d,]+)?</a>', html)
    assert len(counted) > 12
    for url, count in counted:
        query = urlsplit(unescape(url)).query
        response = member_client.get(f"/p/default/runs.json?{query}")
        assert response.status_code == 200
        assert len(json.loads(b"".join(response.streaming_content))["data"]) == int(count), url
    for told in ("Model", "Called function", "release: b", "search_orders"):
        assert told in html


def test_members_decide_and_it_is_noted_who_and_when(member_client: Client, member: User, filled: Project) -> None:
    url = address("server_error", name="set-error-group-state")
    response = member_client.post(url, {"state": "resolved"})
    assert response.status_code == 302
    found = group("server_error")
    assert (found.state, found.state_changed_by, found.state_changed_at) == ("resolved", member, NOW)
    assert tabs(member_client.get(URL)) == {
        "Open": "2", "New today": "1", "Resolved": "1", "Ignored": "0", "All": "3",
    }  # fmt: skip
    text = words(member_client.get(address("server_error")))
    assert f"Resolved. Set by {member.username}" in text
    member_client.post(url, {"state": "ignored"})
    assert listed(member_client.get(URL + "?show=ignored")) == ["server_error"]
    member_client.post(url, {"state": "open"})
    assert listed(member_client.get(URL)) == ["rate_limit_exceeded", "server_error", "max_completion_tokens"]


def test_a_resolved_group_that_returns_is_open_and_said_to_have_regressed(
    member_client: Client, member: User, filled: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    member_client.post(address("server_error", name="set-error-group-state"), {"state": "resolved"})
    later = NOW + timedelta(hours=2)
    monkeypatch.setattr(timezone, "now", lambda: later)
    assert ">regressed</span>" not in member_client.get(URL).content.decode()
    factories.post(filled, failed("run_again", "server_error", "Timed out after 9 s", ago=-HOUR))
    response = member_client.get(URL)
    assert "server_error" in listed(response)
    assert ">regressed</span>" in response.content.decode()
    page = member_client.get(address("server_error"))
    assert "Regressed. Resolved by" in words(page)
    assert "1 run of it since" in words(page)
    assert "Resolve again" in words(page)
    (url,) = [each for each in links(page, "/p/default/runs/") if "created%3A%3E" in each]
    found = member_client.get(f"/p/default/runs.json?{urlsplit(url).query}")
    assert [run["id"] for run in json.loads(b"".join(found.streaming_content))["data"]] == ["run_again"]
    member_client.post(address("server_error", name="set-error-group-state"), {"state": "resolved"})
    assert ">regressed</span>" not in member_client.get(URL + "?show=all").content.decode()


def test_viewers_read_and_decide_nothing(filled: Project) -> None:
    client = Client()
    client.force_login(factories.make_user(filled, role="viewer"))
    assert client.get(URL).status_code == 200
    page = client.get(address("server_error"))
    assert page.status_code == 200
    assert "Resolve" not in words(page)
    assert client.post(address("server_error", name="set-error-group-state"), {"state": "resolved"}).status_code == 403
    assert group("server_error").state == "open"


def test_a_state_that_is_none_changes_nothing(member_client: Client, filled: Project) -> None:
    url = address("server_error", name="set-error-group-state")
    assert member_client.post(url, {"state": "muted"}).status_code == 400
    assert member_client.get(url).status_code == 405
    assert group("server_error").state == "open"


def test_groups_of_other_projects_do_not_exist(member_client: Client, filled: Project) -> None:
    other = factories.make_project("other")
    factories.post(other, failed("run_theirs", "theirs", "x"))
    assert "theirs" not in listed(member_client.get(URL))
    assert member_client.get(address("theirs")).status_code == 404
    assert member_client.post(address("theirs", name="set-error-group-state"), {"state": "ignored"}).status_code == 404
    assert member_client.get("/p/other/errors/").status_code == 404


def test_a_group_without_runs_says_so(member_client: Client, filled: Project) -> None:
    url = address("max_completion_tokens")
    assert "No run of this group in the last 24 hours" in words(member_client.get(url + "?from=-24h"))
    delete_run(filled.run_set.get(external_id="run_cut"))
    assert "No run of this group is left" in words(member_client.get(url))


def test_a_long_message_is_told_by_its_ends(member_client: Client, project: Project) -> None:
    message = f"Could not index: {'lorem ' * 1500}. Out of room."
    assert not factories.post(project, failed("run_long", "code", message)).errors
    html = member_client.get(address("code")).content.decode()
    why = html[html.index('id="why"') :]
    assert f" … {len(message) - 5000:,} characters … " in why
    assert "Out of room." in why
    assert why.count("lorem") < 900


def test_a_group_costs_the_same_for_many_runs(member_client: Client, filled: Project) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert member_client.get(address("server_error")).status_code == 200
        return len(captured)

    few = queries()
    factories.post(
        filled, *(failed(f"run_q{number}", "server_error", f"Timed out after {number} s") for number in range(30))
    )
    assert queries() == few <= 21
