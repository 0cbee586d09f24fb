"""Pagination of the Assistants API: `limit`, `order`, `after`, `before` and the envelope."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from runs.models import Project, Run
from tests import factories
from tests.runs.api.assistants_compat.conftest import AssistantsClient

RUNS = "/v1/threads/thread_first/runs"


@pytest.fixture
def run_ids(project: Project) -> list[str]:
    """Return the ids of 25 runs of one thread, oldest first, the last five with the same second."""
    posted = [factories.run_object(created_at=factories.NOW + min(number, 20)) for number in range(25)]
    factories.post(project, *posted)
    return list(Run.objects.order_by("created_at", "id").values_list("external_id", flat=True))


def test_default_page_holds_newest_twenty(client: AssistantsClient, run_ids: list[str]) -> None:
    page = client.get_json(RUNS)

    newest = run_ids[::-1][:20]
    assert list(page) == ["object", "data", "first_id", "last_id", "has_more"]
    assert [run["id"] for run in page["data"]] == newest
    assert (page["object"], page["first_id"], page["last_id"]) == ("list", newest[0], newest[-1])
    assert page["has_more"] is True


@pytest.mark.parametrize("limit", [1, 2, 7, 24, 25, 100])
@pytest.mark.parametrize("order", ["asc", "desc"])
def test_pages_neither_repeat_nor_miss_runs(
    client: AssistantsClient, run_ids: list[str], limit: int, order: str
) -> None:
    expected = run_ids if order == "asc" else run_ids[::-1]

    assert client.list_all_ids(RUNS, limit=limit, order=order) == expected


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_page_after_the_last_is_empty(client: AssistantsClient, run_ids: list[str], order: str) -> None:
    last = run_ids[-1] if order == "asc" else run_ids[0]

    response = client.get(RUNS, order=order, after=last)

    assert response.content == b'{"object":"list","data":[],"first_id":null,"last_id":null,"has_more":false}'


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_before_returns_the_preceding_page(client: AssistantsClient, run_ids: list[str], order: str) -> None:
    listed = run_ids if order == "asc" else run_ids[::-1]

    page = client.get_json(RUNS, order=order, limit=4, before=listed[10])
    assert [run["id"] for run in page["data"]] == listed[6:10]
    assert page["has_more"] is True

    page = client.get_json(RUNS, order=order, limit=4, before=listed[3])
    assert [run["id"] for run in page["data"]] == listed[:3]
    assert page["has_more"] is False


def test_after_and_before_can_be_combined(client: AssistantsClient, run_ids: list[str]) -> None:
    between = {"order": "asc", "after": run_ids[2], "before": run_ids[8]}

    assert client.list_ids(RUNS, **between) == run_ids[3:8]
    page = client.get_json(RUNS, **between, limit=2)
    assert [run["id"] for run in page["data"]] == run_ids[3:5]
    assert page["has_more"] is True


def test_new_run_does_not_shift_pages(client: AssistantsClient, project: Project, run_ids: list[str]) -> None:
    first = client.list_ids(RUNS, limit=10)
    factories.post_run(project, created_at=factories.NOW + 500)

    assert client.list_ids(RUNS, limit=15, after=first[-1]) == run_ids[::-1][10:]


@pytest.mark.parametrize("cursor", ["after", "before"])
def test_unknown_cursor_gets_404(client: AssistantsClient, project: Project, run_ids: list[str], cursor: str) -> None:
    elsewhere = factories.post_run(project, thread_id="thread_other").external_id

    for unknown in ("run_unknown", elsewhere, "msg_1", "", "\0"):
        status, error = client.get_error(RUNS, **{cursor: unknown})
        assert status == 404
        assert error == {
            "message": f"No run found with id '{unknown}'.",
            "type": "invalid_request_error",
            "param": None,
            "code": None,
        }


@pytest.mark.parametrize(
    ("parameters", "code", "message"),
    [
        ({"limit": 0}, "integer_below_min_value", "Expected a value >= 1, but got 0 instead."),
        ({"limit": -3}, "integer_below_min_value", "Expected a value >= 1, but got -3 instead."),
        ({"limit": 101}, "integer_above_max_value", "Expected a value <= 100, but got 101 instead."),
        ({"limit": "9" * 5000}, "invalid_type", "expected an integer"),
        ({"limit": "ten"}, "invalid_type", "expected an integer"),
        ({"limit": "1.5"}, "invalid_type", "expected an integer"),
        ({"limit": "٣"}, "invalid_type", "expected an integer"),
        ({"limit": ""}, "invalid_type", "expected an integer"),
        ({"limit": [1, 2]}, "duplicate_parameter", "Duplicate parameter: 'limit'."),
        ({"order": "newest"}, "invalid_value", "Supported values are: 'asc' and 'desc'."),
        ({"order": "DESC"}, "invalid_value", "Supported values are: 'asc' and 'desc'."),
        ({"status": "failed"}, "unknown_parameter", "Unknown parameter: 'status'."),
        ({"include[]": "x"}, "unknown_parameter", "Unknown parameter: 'include[]'."),
    ],
)
def test_invalid_parameters_are_named(
    client: AssistantsClient, run_ids: list[str], parameters: dict[str, Any], code: str, message: str
) -> None:
    status, error = client.get_error(RUNS, **parameters)

    assert status == 400
    assert error["type"] == "invalid_request_error"
    assert error["code"] == code
    assert error["param"] == next(iter(parameters))
    assert message in error["message"]


def test_unknown_thread_gets_404(client: AssistantsClient, run_ids: list[str]) -> None:
    status, error = client.get_error("/v1/threads/thread_unknown/runs")

    assert status == 404
    assert error["message"] == "No thread found with id 'thread_unknown'."


def test_thread_with_only_messages_has_no_runs(client: AssistantsClient, project: Project) -> None:
    factories.post_messages(project, factories.message_object(thread_id="thread_said"))

    assert client.list_ids("/v1/threads/thread_said/runs") == []


def test_query_count_does_not_grow_with_runs(client: AssistantsClient, run_ids: list[str]) -> None:
    client.list_ids(RUNS)  # records the first use of the key
    for limit in (1, 25):
        with CaptureQueriesContext(connection) as queries:
            client.list_ids(RUNS, limit=limit, order="asc", after=run_ids[0])
        # the key, the cursor, the page, its configurations
        assert len(queries) == 4


def test_deep_page_reads_no_more_rows(client: AssistantsClient, project: Project) -> None:
    # The middle half of the runs has the same second, so that only the id orders them. Older and newer runs on both
    # sides let Postgres estimate how many runs are left. Most runs belong to another thread, so that scanning all
    # threads is no option.
    times = [factories.NOW + min(number, max(500, number - 1000)) for number in range(2000)]
    factories.post(project, *(factories.run_object(created_at=time) for time in times))
    factories.post(project, *(factories.run_object(created_at=time, thread_id="thread_2") for time in times * 5))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE run")
    ids = list(Run.objects.in_thread(project, "thread_first").order_by("created_at", "id"))

    for order in ("asc", "desc"):
        # with a page of runs on both sides: for a few rows, any index is as good
        for index in (100, 400, 999, 1900):
            statement = _page_statement(client, order=order, after=ids[index].external_id, limit=20)
            assert "OFFSET" not in statement
            assert _rows_read(statement) <= 21


def _page_statement(client: AssistantsClient, **parameters: Any) -> str:
    with CaptureQueriesContext(connection) as queries:
        assert client.get(RUNS, **parameters).status_code == 200
    return next(item["sql"] for item in queries if "LIMIT 21" in item["sql"])


def _rows_read(statement: str) -> int:
    """Return the number of rows that the scan read, including discarded ones."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}")
        scan = cursor.fetchone()[0][0]["Plan"]
    while "Plans" in scan:
        scan = scan["Plans"][0]
    assert scan["Node Type"] == "Index Scan"
    assert scan["Index Name"] == "run_thread"
    return int(scan["Actual Rows"]) + int(scan.get("Rows Removed by Filter", 0))
