"""The list of assistants: rows, sort orders, filters, and the number of queries."""

from __future__ import annotations

from html import unescape

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from dashboard.pages.assistants import assistant_rows
from tests import factories
from tests.pages import Page
from tests.runs.analytics import version_change

URL = "/p/default/assistants/"
SCRIPT = "<script>alert('x')"


def names(response) -> list[str]:
    return [row["Assistant"].text.split()[0] for row in Page(response).table("Assistants").rows]


def test_most_runs_come_first(member_client, three_assistants):
    rows = Page(member_client.get(URL)).table("Assistants").rows
    assert [row["Assistant"].text for row in rows] == ["asst_b", "asst_a", "Archivist asst_c"]
    columns = ("Runs", "Failed", "Tokens", "Cost, est.", "Versions")
    assert [[row[column].text for column in columns] for row in rows] == [
        ["3", "0 %", "450", "no price", "3"],
        ["2", "50.0 %", "1.10 k", "$0.0035", "1"],
        ["1", "0 %", "0", "—", "1"],
    ]


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("name", ["Archivist", "asst_a", "asst_b"]),
        ("-name", ["asst_b", "asst_a", "Archivist"]),
        ("runs", ["Archivist", "asst_a", "asst_b"]),
        ("-failed", ["asst_a", "asst_b", "Archivist"]),
        ("-tokens", ["asst_a", "asst_b", "Archivist"]),
        ("-cost", ["asst_a", "asst_b", "Archivist"]),
        ("-last", ["Archivist", "asst_b", "asst_a"]),
    ],
)
def test_list_is_sorted_by_any_column(member_client, three_assistants, sort, expected):
    assert names(member_client.get(URL, {"sort": sort})) == expected


def test_headers_sort_and_reverse(member_client, three_assistants):
    table = Page(member_client.get(URL)).table("Assistants")
    assert table.sorted_by == ("Runs", "descending")
    assert table.column("Runs").link().url == f"{URL}?sort=runs"
    assert table.column("Assistant").link().url == f"{URL}?sort=name"
    assert table.column("Tokens").link().url == f"{URL}?sort=-tokens"


def test_numbers_link_to_their_runs(member_client, three_assistants):
    row = Page(member_client.get(f"{URL}?from=2026-01-01")).table("Assistants").row("asst_a")
    assert row["Runs"].link().url.startswith("/p/default/runs/?assistant=asst_a&from=")
    assert row["Failed"].link().url.startswith("/p/default/runs/?status=failed&assistant=asst_a&from=")
    assert "2 runs" in Page(member_client.get(row["Runs"].link().url)).text
    assert "1 run " in Page(member_client.get(row["Failed"].link().url)).text


def test_query_and_time_filter_the_list(member_client, three_assistants):
    assert names(member_client.get(URL, {"q": "status:failed"})) == ["asst_a"]
    assert names(member_client.get(URL, {"from": "2026-11-18T13:00:00Z"})) == ["Archivist"]
    assert Page(member_client.get(URL, {"q": "model:none"})).has("heading", "No assistant has a matching run")


def test_each_filter_can_be_removed(member_client, three_assistants):
    page = Page(member_client.get(f"{URL}?status=failed&status=completed&from=-90w&sort=name"))
    assert page.link("Remove status:failed").url == f"{URL}?status=completed&from=-90w&sort=name"
    assert page.link("Remove status:completed").url == f"{URL}?status=failed&from=-90w&sort=name"
    assert page.link("Remove from:-90w").url == f"{URL}?status=failed&status=completed&sort=name"


def test_pages_follow_each_other(member_client, three_assistants, monkeypatch):
    monkeypatch.setattr(assistant_rows, "ASSISTANT_PAGE_SIZE", 2)
    first = member_client.get(URL)
    assert names(first) == ["asst_b", "asst_a"]
    assert Page(first).link("Next 2").url == f"{URL}?page=2"
    second = member_client.get(URL, {"page": "2"})
    assert names(second) == ["Archivist"]
    assert "Page 2 of 2" in Page(second).text
    assert member_client.get(URL, {"page": "3"}).status_code == 400


def test_empty_project_explains_the_page(member_client, project):
    assert Page(member_client.get(URL)).has("heading", "No assistants yet")


@pytest.mark.parametrize(
    "query", ["sort=size", "page=0", "page=x", "page=1&page=2", "from=x", "colour=red", "q=status:", "status=faild"]
)
def test_invalid_parameter_is_rejected(member_client, project, query):
    assert member_client.get(f"{URL}?{query}").status_code == 400
    assert member_client.get(f"/p/default/assistants.json?{query}").status_code == 400


def test_only_members_see_the_list(client, member_client, project):
    assert client.get(URL).status_code == 302
    factories.make_project("other")
    for path in ("assistants/", "assistants.json", "assistants.csv"):
        assert member_client.get(f"/p/other/{path}").status_code == 404
        assert member_client.post(f"/p/default/{path}").status_code == 405


def test_ids_and_names_are_escaped(member_client, project):
    factories.post_run(project, assistant_id=SCRIPT)
    factories.post_assistants(project, **{SCRIPT: SCRIPT})
    response = member_client.get(URL)
    assert SCRIPT not in response.content.decode()
    assert SCRIPT in unescape(response.content.decode())


def test_number_of_queries_is_constant(member_client, project):
    def count_queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert member_client.get(URL).status_code == 200
        return len(captured)

    counts = []
    for begin in (0, 10):
        factories.post(project, *(factories.run_object(assistant_id=f"asst_{n}") for n in range(begin, begin + 10)))
        counts.append(count_queries())
    # session, user, project; hours, totals, names, last runs; bars, configurations; the shell's projects and roles
    assert counts == [11, 11]


def test_htmx_request_gets_the_fragment(member_client, three_assistants):
    headers = {"HX-Request": "true", "HX-Target": "assistants"}
    fragment = member_client.get(URL, headers=headers)
    assert "<html" not in fragment.content.decode()
    assert Page(fragment).table("Assistants").rows
    restored = headers | {"HX-History-Restore-Request": "true"}
    assert "<!doctype" in member_client.get(URL, headers=restored).content.decode().lower()


def test_reading_writes_nothing(member_client, project):
    version_change.fill(project)
    with CaptureQueriesContext(connection) as captured:
        member_client.get(URL)
        member_client.get(f"{URL}{version_change.ASSISTANT}/")
    assert {query["sql"].split()[0] for query in captured.captured_queries} <= {"SELECT", "WITH"}
