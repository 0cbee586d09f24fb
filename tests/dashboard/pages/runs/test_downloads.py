"""Tests for the downloads of the run list."""

from __future__ import annotations

import csv
import io
import json
import tracemalloc
from typing import Any

import pytest
from django.test import Client

from dashboard.pages.runs import downloads
from runs.models import Project, Run
from runs.transfer import exports
from tests import factories

URL = "/p/default/runs"


def body(response: Any) -> bytes:
    return b"".join(response.streaming_content)


def exported_objects(client: Client, query: str = "") -> list[dict[str, Any]]:
    return [json.loads(line) for line in body(client.get(f"{URL}.jsonl{query}")).splitlines()]


def test_jsonl_contains_posted_objects(member_client: Client, project: Project) -> None:
    posted = [factories.run_object(metadata={"n": str(n)}, vendor_field=1.0) for n in range(3)]
    factories.post(project, *posted)
    assert exported_objects(member_client) == posted


def test_all_formats_apply_the_filters(member_client: Client, project: Project) -> None:
    failed = factories.failed_run()
    factories.post(project, factories.run_object(), failed)
    factories.post(factories.make_project("other"), factories.failed_run())
    query = "?status=failed&from=-90w&q=error:*"
    assert exported_objects(member_client, query) == [failed]
    assert json.loads(body(member_client.get(f"{URL}.json{query}"))) == {
        "object": "list",
        "data": [failed],
        "tags": {},
        "reviews": {},
    }
    rows = list(csv.DictReader(io.StringIO(body(member_client.get(f"{URL}.csv{query}")).decode("utf-8-sig"))))
    assert [(row["id"], row["status"]) for row in rows] == [(failed["id"], "failed")]


def test_otlp_file_has_spans_of_matching_runs(member_client: Client, project: Project) -> None:
    failed = factories.failed_run()
    factories.post(project, factories.run_object(), failed)
    response = member_client.get(f"{URL}.otlp.jsonl?status=failed")
    assert response["Content-Disposition"].endswith('.otlp.jsonl"')
    (line,) = body(response).splitlines()
    assert failed["id"] in line.decode()


def test_no_match_gives_empty_file(member_client: Client, project: Project) -> None:
    assert body(member_client.get(f"{URL}.jsonl")) == b""
    assert json.loads(body(member_client.get(f"{URL}.json"))) == {
        "object": "list",
        "data": [],
        "tags": {},
        "reviews": {},
    }
    assert body(member_client.get(f"{URL}.csv")).count(b"\n") == 1


def test_csv_cells_are_never_formulas(member_client: Client, project: Project) -> None:
    factories.post(project, factories.failed_run(message="=cmd|' /C calc'!A0", model="+1"))
    (row,) = csv.DictReader(io.StringIO(body(member_client.get(f"{URL}.csv")).decode("utf-8-sig")))
    assert (row["error_message"], row["model"]) == ("'=cmd|' /C calc'!A0", "'+1")


def test_file_follows_the_list_order(member_client: Client, project: Project) -> None:
    lengths = (5, 90, 20)
    for seconds in lengths:
        run = factories.run_object()
        factories.post(project, run | {"completed_at": run["created_at"] + seconds})
    runs = exported_objects(member_client, "?sort=-duration")
    assert [run["completed_at"] - run["created_at"] for run in runs] == [90, 20, 5]


@pytest.mark.parametrize("suffix", ["json", "jsonl", "csv", "otlp.jsonl"])
@pytest.mark.parametrize("query", ["statuss=failed", "status=faild", "cursor=x", "sort=price", "q=status:"])
def test_invalid_filters_are_rejected(member_client: Client, project: Project, suffix: str, query: str) -> None:
    response = member_client.get(f"{URL}.{suffix}?{query}")
    assert response.status_code == 400
    assert response.content.decode().startswith(query.partition("=")[0])


def test_filename_describes_the_filters(member_client: Client, project: Project) -> None:
    response = member_client.get(f"{URL}.csv?status=failed&from=-24h")
    assert 'filename="default-runs-with-status-failed-since-24-hours-ago-' in response["Content-Disposition"]
    assert body(response)


def test_post_exports_selected_runs(member_client: Client, project: Project) -> None:
    selected, _ = factories.post_run(project), factories.post_run(project)
    other = factories.post_run(factories.make_project("other"))
    response = member_client.post(f"{URL}.jsonl", {"run": [str(selected.pk), str(other.pk)]})
    assert [json.loads(line)["id"] for line in body(response).splitlines()] == [selected.external_id]


@pytest.mark.parametrize("posted", [{}, {"run": "x"}], ids=str)
def test_empty_selection_is_rejected(member_client: Client, project: Project, posted: Any) -> None:
    assert member_client.post(f"{URL}.csv", posted).status_code == 400


def test_non_member_gets_404(client: Client, project: Project) -> None:
    assert client.get(f"{URL}.csv").status_code == 302
    client.force_login(factories.make_user(factories.make_project("other")))
    assert client.get(f"{URL}.csv").status_code == 404


def test_export_streams_with_constant_memory(
    member_client: Client, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads, "BLOCK_SIZE", 4096)
    monkeypatch.setattr(exports, "_CHUNK_SIZE", 20)
    text = "x" * 10_000
    for _ in range(3):
        factories.post(project, *(factories.run_object(metadata={"text": text}) for _ in range(400)))
    assert Run.objects.count() == 1200
    pieces = iter(member_client.get(f"{URL}.jsonl").streaming_content)
    next(pieces)
    tracemalloc.start()
    size = sum(len(piece) for piece in pieces)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size > 10_000_000
    assert peak < size / 5  # a chunk of rows at a time
