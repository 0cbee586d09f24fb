"""The list of assistants: what it shows, how it is sorted, its files, and what it costs."""

import csv
import io
import re
from html import unescape

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from dashboard.pages.assistants import assistant_rows
from tests import factories
from tests.runs.analytics import version_change

URL = "/p/default/assistants/"
SCRIPT = "<script>alert('x')</script>"


def words(response) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", response.content.decode())).split())


def rows(response) -> list[list[str]]:
    found = re.findall(r"<tr>\s*<th scope=\"row\">.*?</tr>", response.content.decode(), re.DOTALL)
    return [
        [unescape(" ".join(re.sub(r"<[^>]*>", " ", cell).split())) for cell in re.split(r"</t[hd]>", row)]
        for row in found
    ]


def names(response) -> list[str]:
    return [row[0].split()[0] for row in rows(response)]


@pytest.fixture
def three(project):
    """asst_a ran twice and failed once; asst_b, which has no price, ran three times; asst_c ran once, and last."""
    base = {"usage": {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100}, "model": "gpt-4o"}
    runs = [
        factories.run_object(assistant_id="asst_a", created_at=factories.NOW, **base),
        factories.failed_run(assistant_id="asst_a", created_at=factories.NOW + 1, model="gpt-4o"),
        *(
            factories.run_object(
                assistant_id="asst_b", created_at=factories.NOW + 2, model="our-own", instructions=text
            )
            for text in "ABC"
        ),
        factories.run_object(assistant_id="asst_c", created_at=factories.NOW + 9_000, model="gpt-4o", usage=None),
    ]
    assert not factories.post(project, *runs).errors
    factories.post_assistants(project, asst_c="Archivist")
    return project


def test_the_busiest_come_first_with_what_they_come_to(member_client, three):
    found = rows(member_client.get(URL))
    assert [row[0] for row in found] == ["asst_b", "asst_a", "Archivist asst_c"]
    assert [row[2:7] for row in found] == [
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
def test_it_is_sorted_by_any_column(member_client, three, sort, expected):
    assert names(member_client.get(URL, {"sort": sort})) == expected


def test_every_number_leads_to_its_runs(member_client, three):
    content = unescape(member_client.get(f"{URL}?from=2026-01-01").content.decode())
    for url, count in (
        (r"/p/default/runs/\?assistant=asst_a&from=[^\"]*", 2),
        (r"/p/default/runs/\?status=failed&assistant=asst_a&from=[^\"]*", 1),
    ):
        address = re.search(url, content)
        assert address, url
        assert f"{count} run " in words(member_client.get(address[0])) or f"{count} runs" in words(
            member_client.get(address[0])
        )


def test_a_query_and_a_time_narrow_it(member_client, three):
    assert names(member_client.get(URL, {"q": "status:failed"})) == ["asst_a"]
    assert names(member_client.get(URL, {"from": "2026-11-18T13:00:00Z"})) == ["Archivist"]
    response = member_client.get(URL, {"q": "model:none"})
    assert "No assistant has a run that matches" in words(response)


def test_each_filter_can_be_taken_away_alone(member_client, three):
    content = unescape(member_client.get(f"{URL}?status=failed&status=completed&from=-90w&sort=name").content.decode())
    removals = re.findall(r'<a href="([^"]*)" aria-label="Remove ([^"]*)"', content)
    assert [(name, url) for url, name in removals] == [
        ("status:failed", f"{URL}?status=completed&from=-90w&sort=name"),
        ("status:completed", f"{URL}?status=failed&from=-90w&sort=name"),
        ("from:-90w", f"{URL}?status=failed&status=completed&sort=name"),
    ]


def test_pages_follow_each_other(member_client, three, monkeypatch):
    monkeypatch.setattr(assistant_rows, "ASSISTANT_PAGE_SIZE", 2)
    first = member_client.get(URL)
    assert names(first) == ["asst_b", "asst_a"]
    assert f"{URL}?page=2" in first.content.decode()
    assert names(member_client.get(URL, {"page": "2"})) == ["Archivist"]
    assert "Page 2 of 2" in words(member_client.get(URL, {"page": "2"}))
    assert member_client.get(URL, {"page": "3"}).status_code == 400


def test_an_empty_project_learns_what_will_be_here(member_client, project):
    assert "No assistants yet" in words(member_client.get(URL))


@pytest.mark.parametrize(
    "query", ["sort=size", "page=0", "page=x", "page=1&page=2", "from=x", "colour=red", "q=status:", "status=faild"]
)
def test_what_can_not_be_meant_is_refused(member_client, project, query):
    assert member_client.get(f"{URL}?{query}").status_code == 400
    assert member_client.get(f"/p/default/assistants.json?{query}").status_code == 400


def test_it_is_there_for_members_only(client, member_client, project):
    assert client.get(URL).status_code == 302
    factories.make_project("other")
    for path in ("assistants/", "assistants.json", "assistants.csv"):
        assert member_client.get(f"/p/other/{path}").status_code == 404
        assert member_client.post(f"/p/default/{path}").status_code == 405


def test_the_files_have_the_same_numbers(member_client, three):
    found = member_client.get("/p/default/assistants.json").json()
    assert (found["object"], found["count"], found["capped"]) == ("list", 3, False)
    assert [each["assistant_id"] for each in found["data"]] == ["asst_b", "asst_a", "asst_c"]
    assert found["data"][1] == {
        "assistant_id": "asst_a", "name": None, "runs": 2, "failed": 1, "tokens": 1100, "cost_dollars": "0.003500000",
        "unpriced_tokens": 0, "configurations": 1, "last_run_at": found["data"][1]["last_run_at"],
    }  # fmt: skip
    assert found["data"][0]["cost_dollars"] is None
    response = member_client.get("/p/default/assistants.csv?sort=name")
    lines = list(csv.DictReader(io.StringIO(b"".join(response).decode())))
    assert [each["name"] or each["assistant_id"] for each in lines] == ["Archivist", "asst_a", "asst_b"]


def test_ids_and_names_are_escaped(member_client, project):
    factories.post_run(project, assistant_id=SCRIPT)
    factories.post_assistants(project, **{SCRIPT: SCRIPT})
    response = member_client.get(URL)
    assert SCRIPT not in response.content.decode()
    assert SCRIPT in unescape(response.content.decode())


def test_twenty_rows_cost_what_ten_cost(member_client, project):
    def queries() -> int:
        with CaptureQueriesContext(connection) as found:
            assert member_client.get(URL).status_code == 200
        return len(found)

    counts = []
    for begin in (0, 10):
        factories.post(project, *(factories.run_object(assistant_id=f"asst_{n}") for n in range(begin, begin + 10)))
        counts.append(queries())
    # session, user, project; hours, totals, names, last runs; bars, configurations; the shell's projects and roles
    assert counts == [11, 11]


def test_a_fragment_is_swapped_in_by_its_target(member_client, three):
    swapped = member_client.get(URL, headers={"HX-Request": "true", "HX-Target": "assistants"}).content.decode()
    assert swapped.lstrip().startswith('<div class="solo" id="assistants">')
    restored = {"HX-Request": "true", "HX-Target": "assistants", "HX-History-Restore-Request": "true"}
    assert "<!doctype" in member_client.get(URL, headers=restored).content.decode().lower()


def test_reading_writes_nothing(member_client, project):
    version_change.fill(project)
    with CaptureQueriesContext(connection) as found:
        member_client.get(URL)
        member_client.get(f"{URL}{version_change.ASSISTANT}/")
    assert {query["sql"].split()[0] for query in found.captured_queries} <= {"SELECT", "WITH"}
