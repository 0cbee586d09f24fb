"""The run list: what it shows, to whom, at which cost, and in which ways it is asked for."""

import re
from datetime import UTC, datetime
from html import unescape

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from dashboard.pages.runs import views as view
from runs.analytics import recent_sample
from runs.db.keyset_pagination import Cursor
from runs.models import Run
from tests import factories

URL = "/p/default/runs/"
SWAP = {"HX-Request": "true", "HX-Target": "results"}
OLDER = {"HX-Request": "true", "HX-Target": "rows"}
BETWEEN = f"{datetime.fromtimestamp(factories.NOW + 100, UTC):%Y-%m-%dT%H:%M:%S}"
RESTORE = {"HX-Request": "true", "HX-Target": "results", "HX-History-Restore-Request": "true"}


def text_of(response) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", response.content.decode())).split())


def ids_in(response) -> list[str]:
    return re.findall(r'<a class="id" href="[^"]*" title="([^"]*)"', response.content.decode())


def posted(project, *objects) -> list[str]:
    report = factories.post(project, *objects)
    assert not report.errors
    return [each["id"] for each in objects]


@pytest.fixture
def small_pages(monkeypatch):
    monkeypatch.setattr(view, "PAGE_SIZE", 3)


# who may see it


def test_anonymous_user_is_redirected_to_login(client, project):
    response = client.get(URL)
    assert (response.status_code, response["Location"]) == (302, f"/login/?next={URL}")


def test_non_member_gets_404(client, project):
    client.force_login(factories.make_user(factories.make_project("other")))
    assert client.get(URL).status_code == 404


def test_runs_of_other_projects_are_not_listed(member_client, project):
    mine = posted(project, factories.run_object())
    posted(factories.make_project("other"), factories.run_object())
    response = member_client.get(URL)
    assert ids_in(response) == mine
    assert "1 run " in text_of(response)


def test_post_is_not_allowed(member_client):
    assert member_client.post(URL).status_code == 405


# what it shows


def test_newest_runs_come_first_with_links(member_client, project):
    first, second = posted(project, factories.run_object(), factories.run_object())
    response = member_client.get(URL)
    assert ids_in(response) == [second, first]
    assert f'href="{URL}{first}/?list="' in response.content.decode()


def test_assistant_name_is_shown_everywhere(member_client, project):
    posted(project, factories.run_object(assistant_id="asst_a"), factories.run_object(assistant_id="asst_b"))
    factories.post_assistants(project, asst_a="Returns <desk>")
    text = text_of(member_client.get(f"{URL}?assistant=asst_a"))
    assert text.count("Returns <desk>") == 3
    assert "assistant: Returns <desk>" in text
    assert ids_in(member_client.get(URL, {"q": 'assistant:"Returns <desk>"'})) == ids_in(
        member_client.get(f"{URL}?assistant=asst_a")
    )


def test_failed_run_shows_its_error(member_client, project):
    posted(project, factories.failed_run(code="server_error", message="The server had an error."))
    response = member_client.get(URL)
    assert "<code>server_error</code> The server had an error." in response.content.decode()


def test_long_error_is_truncated(member_client, project):
    posted(project, factories.failed_run(message="long " * 1000))
    assert member_client.get(URL).content.decode().count("long ") < 200


def test_waiting_run_shows_tools_and_deadline(member_client, project):
    posted(project, factories.waiting_run("issue_refund", "create_label"))
    text = text_of(member_client.get(URL))
    assert "submit_tool_outputs Waiting for issue_refund and create_label" in text
    assert re.search(r"Expired \d+ d ago", text)


def test_tool_calls_are_counted_by_name(member_client, project):
    run = factories.run_object()
    posted(project, run)
    calls = [factories.function_call(name) for name in ("track", "search", "search")]
    factories.post_steps(project, factories.step_object(run, *calls))
    body = member_client.get(URL).content.decode()
    assert 'title="search \N{MULTIPLICATION SIGN}2, track"' in body
    assert '<span class="dim">+1</span>' in body


def test_unknown_status_is_shown_verbatim(member_client, project):
    posted(project, factories.run_object(status="paused_by_vendor"))
    response = member_client.get(URL)
    assert '<span class="status" data-status="paused_by_vendor">' in response.content.decode()
    assert "unknown status Kept as received." in text_of(response)


def test_hostile_text_is_escaped(member_client, project):
    bad = "<script>alert(1)</script>"
    names = {"id": f"run_{bad}/../\n", "thread_id": bad, "assistant_id": f"asst_{bad}", "model": bad}
    run = factories.failed_run(code=bad, message=bad, metadata={bad: f'">{bad}'}, status=bad)
    posted(project, run | names)
    response = member_client.get(URL, {"status": bad, "model": bad, "thread": bad})
    body = response.content.decode()
    assert response.status_code == 200
    assert len(ids_in(response)) == 1
    assert "<script>alert" not in body
    assert "&lt;script&gt;alert(1)" in body
    assert "run_%3Cscript%3Ealert%281%29%3C%2Fscript%3E%2F..%2F%0A/" in body


def test_cost_is_estimated_and_unpriced_tokens_are_reported(member_client, project):
    posted(project, *(factories.run_object(model="gpt-4o") for _ in range(2)), factories.failed_run())
    text = text_of(member_client.get(URL))
    assert "$0.0012 est. " in text  # 120 tokens in and 30 out, twice
    assert "no price" not in text
    posted(project, factories.run_object(model="of-their-own"))
    response = member_client.get(URL)
    assert "$0.0012 est. without 150 tokens that have no price" in text_of(response)
    body = response.content.decode()
    assert body.count('<td role="cell" class="c-cost num" title="Estimated">$0.0006</td>') == 2
    assert '<td role="cell" class="c-cost num" title="No usage to reckon with">—</td>' in body
    assert '<td role="cell" class="c-cost num" title="No price for this model">—</td>' in body
    alone = member_client.get(URL, {"model": "of-their-own"})
    assert "150 tokens no price" in text_of(alone)
    assert "$" not in text_of(alone).replace("$RUNGLASS_KEY", "")


def test_list_sorts_and_filters_by_cost(member_client, project):
    usage = {"prompt_tokens": 9000, "completion_tokens": 1, "total_tokens": 9001}
    cheap, none, dear = posted(
        project, factories.run_object(), factories.failed_run(), factories.run_object(usage=usage)
    )
    assert ids_in(member_client.get(f"{URL}?sort=-cost")) == [dear, cheap, none]
    assert ids_in(member_client.get(URL, {"q": "cost:>0.001"})) == [dear]


def test_cost_header_sorts_only_with_priced_runs(member_client, project):
    posted(project, factories.run_object(model="of-their-own"))
    assert "sort=-cost" not in member_client.get(URL).content.decode()
    posted(project, factories.run_object())
    assert f'href="{URL}?sort=-cost"' in member_client.get(URL).content.decode()


def test_empty_project_links_to_connect_page(member_client, project):
    response = member_client.get(URL)
    assert "No runs yet" in text_of(response)
    assert 'href="/p/default/connect/"' in response.content.decode()
    assert 'id="facets"' not in response.content.decode()


def test_no_match_counts_runs_without_each_filter(member_client, project):
    posted(project, *(factories.run_object(model="a") for _ in range(2)), factories.failed_run(model="b"))
    response = member_client.get(URL, {"status": "failed", "model": "a"})
    text = text_of(response)
    assert "No run matches these filters" in text
    assert "Together they match 0 of 3 runs." in text
    assert "status:failed 2" in text
    assert "model:a 1" in text
    assert f'href="{URL}?model=a"' in response.content.decode()


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
    posted(
        project,
        factories.run_object(id="run_a", created_at=at, assistant_id="asst_x"),
        factories.failed_run(id="run_b", created_at=at + 200, code="boom"),
        factories.run_object(id="run_c", created_at=at + 300, status="queued") | last,
    )
    assert ids_in(member_client.get(URL, query)) == expected


def test_filters_appear_in_title_heading_and_tokens(member_client, project):
    posted(project, factories.failed_run())
    body = member_client.get(URL, {"status": "failed", "from": "-24h"}).content.decode()
    assert "<title>Runs with status failed since 24 hours ago · Runglass</title>" in body
    assert re.search(r'<h1[^>]*>Runs<span class="vh"> with status failed since 24 hours ago</span></h1>', body)
    assert f'href="{URL}?from=-24h" hx-get="{URL}?from=-24h" hx-ext="morph" aria-label="Remove status:failed"' in body
    assert '<input type="hidden" name="from" value="-24h">' in body
    assert re.search(r'name="status" value="failed"[^>]* checked', body)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("statuss=failed", "statuss unknown parameter; did you mean 'status'?"),
        ("status=faild", "status unknown value 'faild'; did you mean 'failed'?"),
        ("from=yesterday", "from expected a time"),
        ("cursor=nonsense", "cursor not a cursor"),
        ("cursor=", "cursor not a cursor"),
        ("sort=durations", "sort can't sort by 'durations'; did you mean 'duration'?"),
        ("q=statuss:failed", "q column 1: unknown field 'statuss'; did you mean 'status'?"),
    ],
)
@pytest.mark.parametrize(
    ("headers", "status"),
    [({}, 400), (SWAP, 422), (OLDER, 422), (RESTORE, 400)],
    ids=["page", "swap", "older", "history"],
)
def test_invalid_filter_is_named_and_lists_nothing(member_client, project, query, words, headers, status):
    posted(project, factories.failed_run())
    response = member_client.get(f"{URL}?{query}", headers=headers)
    assert response.status_code == status
    assert words in text_of(response)
    assert ids_in(response) == []
    assert ('id="facets"' in response.content.decode()) is (status == 400)


def test_invalid_cursor_replaces_the_results(member_client, project):
    response = member_client.get(f"{URL}?cursor=x", headers=OLDER)
    assert (response["HX-Retarget"], response["HX-Reswap"]) == ("#results", "outerHTML")


def test_valid_filters_stay_selected_beside_invalid_ones(member_client, project):
    posted(project, factories.failed_run())
    body = member_client.get(f"{URL}?status=failed&modl=x").content.decode()
    assert re.search(r'name="status" value="failed"[^>]* checked', body)
    assert f'href="{URL}?status=failed"' in body


# pages of it


def test_pages_have_no_gap_and_no_overlap(member_client, project, small_pages):
    same = {"created_at": factories.NOW}
    everything = posted(project, *(factories.run_object(**same) for _ in range(7)))
    seen, url = [], URL + "?status=completed"
    while url:
        response = member_client.get(url)
        seen.append(ids_in(response))
        url = response.context["older_url"]
        assert not url or url.startswith(f"{URL}?status=completed&cursor=")
    assert [len(page) for page in seen] == [3, 3, 1]
    assert sorted(run_id for page in seen for run_id in page) == sorted(everything)


@pytest.mark.parametrize("sort", ["created", "-duration", "tokens", "-cost"])
def test_every_link_keeps_the_sort_order(member_client, project, small_pages, sort):
    everything = posted(project, *(factories.run_object() for _ in range(5)))
    first = member_client.get(f"{URL}?status=completed&sort={sort}")
    older = first.context["older_url"]
    assert older.startswith(f"{URL}?status=completed&sort={sort}&cursor=")
    assert sorted(ids_in(first) + ids_in(member_client.get(older))) == sorted(everything)
    body = first.content.decode()
    assert f'<input type="hidden" name="sort" value="{sort}">' in body
    assert f'href="{URL}?sort={sort}"' in body  # the token that takes the status away
    assert f"/runs.csv?status=completed&amp;sort={sort}" in body
    assert body.count("aria-sort=") == 1


def test_sorted_header_links_to_reverse_order(member_client, project):
    posted(project, factories.run_object())
    heads = member_client.get(f"{URL}?sort=-duration").context["heads"]
    assert [heads[by].url for by in ("created", "duration", "tokens")] == [
        URL, f"{URL}?sort=duration", f"{URL}?sort=-tokens",
    ]  # fmt: skip


def test_cursor_of_another_order_is_rejected(member_client, project, small_pages):
    posted(project, *(factories.run_object() for _ in range(5)))
    older = member_client.get(f"{URL}?sort=-tokens").context["older_url"]
    response = member_client.get(older.replace("-tokens", "tokens"))
    assert response.status_code == 400
    assert "cursor belongs to a list sorted by -tokens" in text_of(response)


def test_counts_beyond_the_cap_come_from_rollups(member_client, project, monkeypatch):
    monkeypatch.setattr(recent_sample, "MAX_SAMPLE_SIZE", 3)
    posted(project, *(factories.run_object(created_at=factories.NOW + 86_400 * n) for n in range(4)))
    posted(project, factories.failed_run())
    text = text_of(member_client.get(URL))
    assert "5 runs 1 failed, 20.0 %" in text
    assert "Failed 1" in text
    assert "Completed 4" in text
    assert "5 runs 1 failed, 20.0 %" in text_of(member_client.get(f"{URL}?model=gpt-4o-mini"))
    text = text_of(member_client.get(f"{URL}?q=total_tokens:>0"))
    assert "3+ runs" in text
    assert "of the newest 3" in text
    assert "Model newest 3" in text


def test_next_page_fragment_contains_only_rows(member_client, project, small_pages):
    posted(project, *(factories.run_object() for _ in range(5)))
    run = Run.objects.newest_first()[2]
    url = f"{URL}?cursor={Cursor(run.created_at, run.pk)}"
    body = member_client.get(url, headers=OLDER).content.decode()
    assert body.strip().startswith("<tr")
    assert body.count("<tr") == 2
    assert '<p class="row gap" id="more" hx-swap-oob="true">' in body


@pytest.mark.parametrize(
    ("headers", "whole", "fragment"),
    [({}, True, False), (SWAP, False, True), (RESTORE, True, False)],
    ids=["page", "swap", "history"],
)
def test_htmx_target_selects_page_or_fragment(member_client, project, headers, whole, fragment):
    (run_id,) = posted(project, factories.failed_run())
    response = member_client.get(f"{URL}?to=&status=failed", headers=headers)
    body = response.content.decode()
    assert ids_in(response) == [run_id]
    assert ("<html" in body) is whole
    assert ('hx-swap-oob="morph"' in body) is fragment
    assert response.get("HX-Push-Url") == (f"{URL}?status=failed" if fragment else None)
    assert ("announce" in response.get("HX-Trigger", "")) is fragment
    assert "HX-Request" in response["Vary"]


def test_unchanged_url_is_not_pushed_to_history(member_client, project):
    shown = SWAP | {"HX-Current-URL": f"http://testserver{URL}?status=failed"}
    assert member_client.get(f"{URL}?q=&status=failed", headers=shown)["HX-Push-Url"] == "false"
    assert member_client.get(f"{URL}?q=refund", headers=shown)["HX-Push-Url"] == f"{URL}?q=refund"


@pytest.mark.parametrize("headers", [{}, RESTORE], ids=["page", "history"])
def test_next_page_works_without_htmx(member_client, project, small_pages, headers):
    posted(project, *(factories.run_object() for _ in range(5)))
    url = member_client.get(URL).context["older_url"]
    response = member_client.get(url, headers=headers)
    assert "<html" in response.content.decode()
    assert len(ids_in(response)) == 2
    assert "Back to the newest" in text_of(response)


def test_every_swapped_id_exists_in_the_page(member_client, project):
    posted(project, factories.run_object())
    page = member_client.get(URL).content.decode()
    swapped = member_client.get(URL, headers=SWAP).content.decode()
    parts = re.findall(r'id="([\w-]+)"[^>]*hx-swap-oob', swapped)
    assert parts == [
        "heading", "range", "q-form", "facets", "more-facets", "statuses", "exports", "save-view", "columns", "state",
    ]  # fmt: skip
    assert all(page.count(f'id="{part}"') == 1 for part in [*parts, "results"])


# what it costs


def queries_of(client: Client, url: str = URL, **options) -> list[str]:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(url, **options).status_code == 200
    return [query["sql"] for query in captured.captured_queries]


def with_steps(project, count: int) -> None:
    runs = [factories.waiting_run("refund") | {"metadata": {"n": str(n)}} for n in range(count)]
    posted(project, *runs)
    call = factories.function_call("refund")
    factories.post_steps(project, *(factories.step_object(run, call) for run in runs))


def test_query_count_is_constant_in_rows(member_client, project):
    with_steps(project, 10)
    queries_of(member_client)
    ten = queries_of(member_client)
    with_steps(project, 10)
    twenty = queries_of(member_client)
    assert len(ids_in(member_client.get(URL))) == 20
    # session, user, project; saved views; totals, histogram and facets in one; rows, their tools, the names of their
    # assistants, their tags; the names in the facets; the shell's projects and roles
    assert len(ten) == len(twenty) == 12


def test_filtered_facet_adds_one_query(member_client, project):
    with_steps(project, 3)
    assert len(queries_of(member_client, f"{URL}?status=requires_action")) == 13


def test_next_page_only_queries_its_rows(member_client, project):
    with_steps(project, 3)
    # session, user, project; rows, their tools, the names of their assistants, their tags
    assert len(queries_of(member_client, headers=OLDER)) == 7


def test_no_match_adds_one_capped_count_per_filter(member_client, project):
    with_steps(project, 3)
    sql = queries_of(member_client, f"{URL}?status=failed&model=none")
    # two filtered facets beyond the usual; the counts: all runs, and those without each of the filters
    assert len([each for each in sql if each.startswith("SELECT COUNT(*)") and "LIMIT 10001" in each]) == 3
    assert len(sql) <= 9 + 2 + 3  # and no histogram


def test_list_loads_no_payloads(member_client, project):
    with_steps(project, 3)
    sql = "\n".join(
        queries_of(member_client)
        + queries_of(member_client, headers=SWAP)
        + queries_of(member_client, headers=OLDER)
        + queries_of(member_client, f"{URL}?status=failed&model=none")
    ).replace('LEFT("run"."error_message"', "")
    payloads = ("required_action", "extra", "error_message", "details", "body", "instructions", "content")
    assert [name for name in payloads if f'"{name}"' in sql] == []
    assert '"configuration"."' not in sql


@pytest.mark.parametrize("query", ["q=defines:nothing", "q=-status:completed+defines:nothing", "q=configuration:ffff"])
def test_impossible_query_gives_empty_list(member_client, project, query):
    posted(project, factories.run_object())
    for page in ("runs", "threads"):
        assert member_client.get(f"/p/default/{page}/?{query}").status_code == 200
