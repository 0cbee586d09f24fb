"""Tests for the run list: access, contents, filters, pages, fragments and query counts."""

import re
from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from dashboard.pages.runs import rows
from runs.analytics import recent_sample
from runs.db.keyset_pagination import Cursor
from runs.models import Run
from tests import factories
from tests.pages import Page, Table

URL = "/p/default/runs/"
SWAP = {"HX-Request": "true", "HX-Target": "results"}
OLDER = {"HX-Request": "true", "HX-Target": "rows"}
BETWEEN = f"{datetime.fromtimestamp(factories.NOW + 100, UTC):%Y-%m-%dT%H:%M:%S}"
RESTORE = {"HX-Request": "true", "HX-Target": "results", "HX-History-Restore-Request": "true"}


def table_of(page: Page) -> Table:
    return page.table(re.compile("^Runs, "))


def listed_ids(response) -> list[str]:
    """Return the ids of the listed runs. Rows show them shortened, and whole in the title of their link."""
    links = [link for row in Page(response).find_all("row") for link in row.find_all("link")]
    return [link.attributes["title"] for link in links if "title" in link.attributes]


def next_url(response) -> str | None:
    links = Page(response).find_all("link", re.compile("^Load"))
    return links[0].url if links else None


def post_runs(project, *objects) -> list[str]:
    report = factories.post(project, *objects)
    assert not report.errors
    return [run["id"] for run in objects]


@pytest.fixture
def small_pages(monkeypatch):
    monkeypatch.setattr(rows, "PAGE_SIZE", 3)


# access


def test_anonymous_user_is_redirected_to_login(client, project):
    response = client.get(URL)
    assert (response.status_code, response["Location"]) == (302, f"/login/?next={URL}")


def test_non_member_gets_404(client, project):
    client.force_login(factories.make_user(factories.make_project("other")))
    assert client.get(URL).status_code == 404


def test_runs_of_other_projects_are_not_listed(member_client, project):
    mine = post_runs(project, factories.run_object())
    post_runs(factories.make_project("other"), factories.run_object())
    response = member_client.get(URL)
    assert listed_ids(response) == mine
    assert "1 run" in Page(response).text


def test_post_is_not_allowed(member_client):
    assert member_client.post(URL).status_code == 405


# contents


def test_newest_runs_come_first_with_links(member_client, project):
    first, second = post_runs(project, factories.run_object(), factories.run_object())
    response = member_client.get(URL)
    assert listed_ids(response) == [second, first]
    assert Page(response).link(re.compile(first[:8])).url == f"{URL}{second}/?list="


def test_assistant_name_is_shown_everywhere(member_client, project):
    post_runs(project, factories.run_object(assistant_id="asst_a"), factories.run_object(assistant_id="asst_b"))
    factories.post_assistants(project, asst_a="Returns <desk>")
    page = Page(member_client.get(f"{URL}?assistant=asst_a"))
    assert table_of(page).cells("Assistant") == ["Returns <desk>"]
    assert page.field(re.compile("Returns <desk>")).is_checked
    assert page.has("link", "Remove assistant:Returns <desk>")
    assert listed_ids(member_client.get(URL, {"q": 'assistant:"Returns <desk>"'})) == listed_ids(
        member_client.get(f"{URL}?assistant=asst_a")
    )


def test_failed_run_shows_its_error(member_client, project):
    post_runs(project, factories.failed_run(code="server_error", message="The server had an error."))
    page = Page(member_client.get(URL))
    assert table_of(page).cells("Error") == ["server_error The server had an error."]


def test_long_error_is_truncated(member_client, project):
    post_runs(project, factories.failed_run(message="long " * 1000))
    assert member_client.get(URL).content.decode().count("long ") < 200


def test_waiting_run_shows_tools_and_deadline(member_client, project):
    post_runs(project, factories.waiting_run("issue_refund", "create_label"))
    (note,) = table_of(Page(member_client.get(URL))).cells("Error")
    assert note.startswith("submit_tool_outputs Waiting for issue_refund and create_label for up to ")
    assert re.search(r"Expired \d+ d ago\.$", note)


def test_tool_calls_are_counted_by_name(member_client, project):
    run = factories.run_object()
    post_runs(project, run)
    calls = [factories.function_call(name) for name in ("track", "search", "search")]
    factories.post_steps(project, factories.step_object(run, *calls))
    cell = table_of(Page(member_client.get(URL))).rows[0]["Tools called"]
    assert cell.get("title") == "search \N{MULTIPLICATION SIGN}2, track"
    assert cell.text == "search \N{MULTIPLICATION SIGN}2+1"


def test_unknown_status_is_shown_verbatim(member_client, project):
    post_runs(project, factories.run_object(status="paused_by_vendor"))
    (row,) = table_of(Page(member_client.get(URL))).rows
    assert row["Status"].text == "paused_by_vendor"
    assert row["Error"].text.startswith("unknown status Stored as received.")


def test_hostile_text_is_escaped(member_client, project):
    bad = "<script>alert(1)"
    names = {"id": f"run_{bad}?..", "thread_id": bad, "assistant_id": f"asst_{bad}", "model": bad}
    run = factories.failed_run(code=bad, message=bad, metadata={bad: f'">{bad}'}, status=bad)
    post_runs(project, run | names)
    response = member_client.get(URL, {"status": bad, "model": bad, "thread": bad})
    body = response.content.decode()
    assert response.status_code == 200
    assert len(listed_ids(response)) == 1
    assert "<script>alert" not in body
    assert "&lt;script&gt;alert(1)" in body
    assert "run_%3Cscript%3Ealert%281%29%3F../" in body


def test_cost_is_estimated_and_unpriced_tokens_are_reported(member_client, project):
    post_runs(project, *(factories.run_object(model="gpt-4o") for _ in range(2)), factories.failed_run())
    text = Page(member_client.get(URL)).text
    assert "$0.0012 est." in text  # 120 prompt tokens and 30 completion tokens, twice
    assert "unpriced" not in text
    post_runs(project, factories.run_object(model="of-their-own"))
    page = Page(member_client.get(URL))
    assert "$0.0012 est. without 150 unpriced tokens" in page.text
    costs = [(row["Cost"].text, row["Cost"].get("title")) for row in table_of(page).rows]
    assert costs == [
        ("—", "No price for this model"),
        ("—", "No usage reported"),
        ("$0.0006", "Estimated"),
        ("$0.0006", "Estimated"),
    ]
    unpriced = Page(member_client.get(URL, {"model": "of-their-own"}))
    assert "150 tokens no price" in unpriced.text
    assert "$" not in unpriced.text


def test_list_sorts_and_filters_by_cost(member_client, project):
    usage = {"prompt_tokens": 9000, "completion_tokens": 1, "total_tokens": 9001}
    cheap, none, dear = post_runs(
        project, factories.run_object(), factories.failed_run(), factories.run_object(usage=usage)
    )
    assert listed_ids(member_client.get(f"{URL}?sort=-cost")) == [dear, cheap, none]
    assert listed_ids(member_client.get(URL, {"q": "cost:>0.001"})) == [dear]


def test_cost_header_sorts_only_with_priced_runs(member_client, project):
    post_runs(project, factories.run_object(model="of-their-own"))
    assert not table_of(Page(member_client.get(URL))).column("Cost").has("link")
    post_runs(project, factories.run_object())
    assert table_of(Page(member_client.get(URL))).column("Cost").link().url == f"{URL}?sort=-cost"


def test_empty_project_links_to_connect_page(member_client, project):
    page = Page(member_client.get(URL))
    assert page.main.has("heading", "No runs yet")
    assert page.link("Connect an application").url == "/p/default/connect/"
    assert not page.has("region", "Filters")


def test_no_match_counts_runs_without_each_filter(member_client, project):
    post_runs(project, *(factories.run_object(model="a") for _ in range(2)), factories.failed_run(model="b"))
    page = Page(member_client.get(URL, {"status": "failed", "model": "a"}))
    assert "The filters match 0 of 3 runs." in page.region("No runs match").text
    table = page.table("No runs match")
    assert table.row("status:failed")["Runs"].text == "2"
    assert table.row("status:failed").link().url == f"{URL}?model=a"
    assert table.row("model:a")["Runs"].text == "1"


# filters


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"status": "failed"}, ["run_b"]),
        ({"status": ["failed", "completed"]}, ["run_b", "run_a"]),
        ({"model": "other"}, ["run_c"]),
        ({"assistant": "asst_x"}, ["run_a"]),
        ({"error": "boom"}, ["run_b"]),
        ({"thread": "thread_x"}, ["run_c"]),
        ({"from": BETWEEN}, ["run_c", "run_b"]),
        ({"to": f"{BETWEEN}Z"}, ["run_a"]),
        ({"from": "", "to": ""}, ["run_c", "run_b", "run_a"]),
    ],
    ids=str,
)
def test_each_filter_selects_matching_runs(member_client, project, query, expected):
    at, last = factories.NOW, {"model": "other", "thread_id": "thread_x"}
    post_runs(
        project,
        factories.run_object(id="run_a", created_at=at, assistant_id="asst_x"),
        factories.failed_run(id="run_b", created_at=at + 200, code="boom"),
        factories.run_object(id="run_c", created_at=at + 300, status="queued") | last,
    )
    assert listed_ids(member_client.get(URL, query)) == expected


def test_filters_appear_in_title_heading_and_tokens(member_client, project):
    post_runs(project, factories.failed_run())
    page = Page(member_client.get(URL, {"status": "failed", "from": "-24h"}))
    assert page.title == "Runs with status failed since 24 hours ago · Default · Runglass"
    assert page.main.heading().text == "Runs with status failed since 24 hours ago"
    assert page.link("Remove status:failed").url == f"{URL}?from=-24h"
    assert page.form("Runs").values == [("from", "-24h"), ("q", "")]
    assert page.field(re.compile("^Failed")).is_checked


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("statuss=failed", "statuss unknown parameter; did you mean 'status'?"),
        ("status=faild", "status unknown value 'faild'; did you mean 'failed'?"),
        ("from=yesterday", "from expected a time"),
        ("cursor=nonsense", "cursor not a cursor"),
        ("cursor=", "cursor not a cursor"),
        ("sort=durations", "sort can't sort by 'durations'; did you mean 'duration'?"),
        ("q=statuss:failed", "Couldn't read this query: unknown field 'statuss'; did you mean 'status'?"),
    ],
)
@pytest.mark.parametrize(
    ("headers", "status"),
    [({}, 400), (SWAP, 422), (OLDER, 422), (RESTORE, 400)],
    ids=["page", "swap", "older", "history"],
)
def test_invalid_filter_is_named_and_lists_nothing(member_client, project, query, message, headers, status):
    post_runs(project, factories.failed_run())
    response = member_client.get(f"{URL}?{query}", headers=headers)
    assert response.status_code == status
    page = Page(response)
    assert message in page.alert().text
    assert "so no runs are shown" in page.text
    assert listed_ids(response) == []
    assert page.has("region", "Filters") is (status == 400)


def test_invalid_cursor_replaces_the_results(member_client, project):
    response = member_client.get(f"{URL}?cursor=x", headers=OLDER)
    assert (response["HX-Retarget"], response["HX-Reswap"]) == ("#results", "outerHTML")


def test_valid_filters_stay_selected_beside_invalid_ones(member_client, project):
    post_runs(project, factories.failed_run())
    page = Page(member_client.get(f"{URL}?status=failed&modl=x"))
    assert page.field(re.compile("^Failed")).is_checked
    assert page.link("Reset filters").url == f"{URL}?status=failed"


# pages


def test_pages_have_no_gap_and_no_overlap(member_client, project, small_pages):
    same = {"created_at": factories.NOW}
    everything = post_runs(project, *(factories.run_object(**same) for _ in range(7)))
    seen, url = [], URL + "?status=completed"
    while url:
        response = member_client.get(url)
        seen.append(listed_ids(response))
        url = next_url(response)
        assert not url or url.startswith(f"{URL}?status=completed&cursor=")
    assert [len(page) for page in seen] == [3, 3, 1]
    assert sorted(run_id for page in seen for run_id in page) == sorted(everything)


@pytest.mark.parametrize("sort", ["created", "-duration", "tokens", "-cost"])
def test_every_link_keeps_the_sort_order(member_client, project, small_pages, sort):
    everything = post_runs(project, *(factories.run_object() for _ in range(5)))
    first = member_client.get(f"{URL}?status=completed&sort={sort}")
    second_url = next_url(first)
    assert second_url
    assert second_url.startswith(f"{URL}?status=completed&sort={sort}&cursor=")
    assert sorted(listed_ids(first) + listed_ids(member_client.get(second_url))) == sorted(everything)
    page = Page(first)
    assert ("sort", sort) in page.form("Runs").values
    assert page.link("Remove status:completed").url == f"{URL}?sort={sort}"
    assert page.link("CSV, a table").url == f"/p/default/runs.csv?status=completed&sort={sort}"
    column = {"created": "Created", "-duration": "Duration", "tokens": "Tokens", "-cost": "Cost"}[sort]
    assert table_of(page).sorted_by == (column, "descending" if sort.startswith("-") else "ascending")


def test_sorted_header_links_to_reverse_order(member_client, project):
    post_runs(project, factories.run_object())
    table = table_of(Page(member_client.get(f"{URL}?sort=-duration")))
    assert [table.column(label).link().url for label in ("Created", "Duration", "Tokens")] == [
        URL, f"{URL}?sort=duration", f"{URL}?sort=-tokens",
    ]  # fmt: skip


def test_cursor_of_another_order_is_rejected(member_client, project, small_pages):
    post_runs(project, *(factories.run_object() for _ in range(5)))
    url = next_url(member_client.get(f"{URL}?sort=-tokens"))
    assert url
    response = member_client.get(url.replace("-tokens", "tokens"))
    assert response.status_code == 400
    assert "cursor belongs to a list sorted by -tokens" in Page(response).alert().text


def test_counts_beyond_the_cap_come_from_rollups(member_client, project, monkeypatch):
    monkeypatch.setattr(recent_sample, "MAX_SAMPLE_SIZE", 3)
    post_runs(project, *(factories.run_object(created_at=factories.NOW + 86_400 * n) for n in range(4)))
    post_runs(project, factories.failed_run())
    page = Page(member_client.get(URL))
    assert "5 runs 1 failed, 20.0 %" in page.text
    assert page.has("checkbox", "Failed 1")
    assert page.has("checkbox", "Completed 4")
    assert "5 runs 1 failed, 20.0 %" in Page(member_client.get(f"{URL}?model=gpt-4o-mini")).text
    text = Page(member_client.get(f"{URL}?q=total_tokens:>0")).text
    assert "3+ runs" in text
    assert "of the newest 3" in text
    assert "Model newest 3" in text


def test_next_page_fragment_contains_only_rows(member_client, project, small_pages):
    post_runs(project, *(factories.run_object() for _ in range(5)))
    run = Run.objects.newest_first()[2]
    url = f"{URL}?cursor={Cursor(run.created_at, run.pk)}"
    page = Page(member_client.get(url, headers=OLDER))
    assert len(page.find_all("row")) == 2
    assert not page.has("table")
    (pagination,) = page.find_all("paragraph")
    assert (pagination.get("id"), pagination.get("hx-swap-oob")) == ("more", "true")


@pytest.mark.parametrize(
    ("headers", "whole", "fragment"),
    [({}, True, False), (SWAP, False, True), (RESTORE, True, False)],
    ids=["page", "swap", "history"],
)
def test_htmx_target_selects_page_or_fragment(member_client, project, headers, whole, fragment):
    (run_id,) = post_runs(project, factories.failed_run())
    response = member_client.get(f"{URL}?to=&status=failed", headers=headers)
    assert listed_ids(response) == [run_id]
    assert Page(response).has("main") is whole
    assert ('hx-swap-oob="morph"' in response.content.decode()) is fragment
    assert response.get("HX-Push-Url") == (f"{URL}?status=failed" if fragment else None)
    assert ("announce" in response.get("HX-Trigger", "")) is fragment
    assert "HX-Request" in response["Vary"]


def test_unchanged_url_is_not_pushed_to_history(member_client, project):
    headers = SWAP | {"HX-Current-URL": f"http://testserver{URL}?status=failed"}
    assert member_client.get(f"{URL}?q=&status=failed", headers=headers)["HX-Push-Url"] == "false"
    assert member_client.get(f"{URL}?q=refund", headers=headers)["HX-Push-Url"] == f"{URL}?q=refund"


@pytest.mark.parametrize("headers", [{}, RESTORE], ids=["page", "history"])
def test_next_page_works_without_htmx(member_client, project, small_pages, headers):
    post_runs(project, *(factories.run_object() for _ in range(5)))
    response = member_client.get(next_url(member_client.get(URL)), headers=headers)
    page = Page(response)
    assert page.has("main")
    assert len(listed_ids(response)) == 2
    assert page.has("link", "Back to the newest")


def test_every_swapped_id_exists_in_the_page(member_client, project):
    post_runs(project, factories.run_object())
    page, fragment = Page(member_client.get(URL)), Page(member_client.get(URL, headers=SWAP))
    swapped = [element.get("id") for element in fragment.iterate(hidden=True) if element.get("hx-swap-oob")]
    assert swapped == [
        "heading", "range", "q-form", "facets", "related-facets", "statuses", "exports", "save-view", "columns",
        "list-state",
    ]  # fmt: skip
    ids = [element.get("id") for element in page.iterate(hidden=True)]
    assert all(ids.count(swapped_id) == 1 for swapped_id in [*swapped, "results"])


# query counts


def capture_queries(client: Client, url: str = URL, **options) -> list[str]:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(url, **options).status_code == 200
    return [query["sql"] for query in captured.captured_queries]


def post_runs_with_steps(project, count: int) -> None:
    runs = [factories.waiting_run("refund") | {"metadata": {"n": str(n)}} for n in range(count)]
    post_runs(project, *runs)
    call = factories.function_call("refund")
    factories.post_steps(project, *(factories.step_object(run, call) for run in runs))


def test_query_count_is_constant_in_rows(member_client, project):
    post_runs_with_steps(project, 10)
    capture_queries(member_client)
    ten = capture_queries(member_client)
    post_runs_with_steps(project, 10)
    twenty = capture_queries(member_client)
    assert len(listed_ids(member_client.get(URL))) == 20
    # session, user, project; saved views; totals, histogram and facets in one; rows, their tools, the names of their
    # assistants, their tags; the names in the facets; the shell's projects and roles
    assert len(ten) == len(twenty) == 12


def test_filtered_facet_adds_one_query(member_client, project):
    post_runs_with_steps(project, 3)
    assert len(capture_queries(member_client, f"{URL}?status=requires_action")) == 13


def test_next_page_only_queries_its_rows(member_client, project):
    post_runs_with_steps(project, 3)
    # session, user, project; rows, their tools, the names of their assistants, their tags
    assert len(capture_queries(member_client, headers=OLDER)) == 7


def test_no_match_adds_one_capped_count_per_filter(member_client, project):
    post_runs_with_steps(project, 3)
    sql = capture_queries(member_client, f"{URL}?status=failed&model=none")
    # two filtered facets in addition; the counts: all runs, and those without each of the filters
    assert len([query for query in sql if query.startswith("SELECT COUNT(*)") and "LIMIT 10001" in query]) == 3
    assert len(sql) <= 9 + 2 + 3  # and no histogram


def test_list_loads_no_payloads(member_client, project):
    post_runs_with_steps(project, 3)
    sql = "\n".join(
        capture_queries(member_client)
        + capture_queries(member_client, headers=SWAP)
        + capture_queries(member_client, headers=OLDER)
        + capture_queries(member_client, f"{URL}?status=failed&model=none")
    ).replace('LEFT("run"."error_message"', "")
    payloads = ("required_action", "extra", "error_message", "details", "body", "instructions", "content")
    assert [name for name in payloads if f'"{name}"' in sql] == []
    assert '"configuration"."' not in sql


@pytest.mark.parametrize("query", ["q=defines:nothing", "q=-status:completed+defines:nothing", "q=configuration:ffff"])
def test_impossible_query_gives_empty_list(member_client, project, query):
    post_runs(project, factories.run_object())
    for page in ("runs", "threads"):
        assert member_client.get(f"/p/default/{page}/?{query}").status_code == 200


def test_address_of_a_project_leads_to_its_runs(member_client, project):
    assert member_client.get("/p/default/")["Location"] == URL
