"""The usage endpoint: its numbers, and responses that match the OpenAPI document."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
from django.test import Client

from runs.api.openapi import build_openapi_document
from runs.models import Project
from tests import factories


@pytest.fixture
def key(project: Project) -> str:
    return factories.make_key(project, "read")


def get(key: str, query: str = "") -> Any:
    return Client().get(f"/api/v1/usage?{query}", headers={"Authorization": f"Bearer {key}"})


SINCE, UNTIL = "from=2026-11-17T00:00:00Z", "to=2026-11-20T00:00:00Z"


def test_usage_has_totals_and_groups(project: Project, key: str) -> None:
    usage = {"prompt_tokens": 1000, "completion_tokens": 200, "total_tokens": 1200}
    factories.post_run(project, model="gpt-4o-mini", usage=usage, tools=[])
    factories.post_run(project, model="own-model", usage=usage)
    factories.post_run(factories.make_project("other"), usage=usage)
    report = get(key, f"{SINCE}&{UNTIL}&zone=Asia/Kolkata").json()
    assert report["totals"] == {
        "runs": 2,
        "prompt_tokens": 2000,
        "completion_tokens": 400,
        "total_tokens": 2400,
        "cached_tokens": 0,
        "reasoning_tokens": 0,
        "unpriced_tokens": 1200,
        "cost_usd": 0.00027,
    }
    assert (report["from"], report["to"], report["time_zone"]) == (SINCE[5:], UNTIL[3:], "Asia/Kolkata")
    assert report["previous"]["from"] == "2026-11-14T00:00:00Z"
    assert [group["key"] for group in report["groups"]] == ["gpt-4o-mini", "own-model"]
    for group in report["groups"]:
        assert len(group["series"]) == len(report["buckets"])
        assert sum(item["runs"] for item in group["series"]) == group["totals"]["runs"] == 1
    assert report["latency"]["duration_ms"]["p50"] == 8000
    assert report["latency"]["queue_ms"]["p99"] == 1000


@pytest.mark.parametrize("query", ["", "split=kind", "split=metadata.customer&measure=cost", "range=24h&status=failed"])
def test_usage_matches_its_schema(project: Project, key: str, query: str) -> None:
    factories.post_run(project, created_at=factories.NOW)
    schema = {
        **build_openapi_document()["components"]["schemas"]["UsageDocument"],
        "components": build_openapi_document()["components"],
    }
    for full_query in (query, f"{query}&{SINCE}" if "range" not in query else query):
        jsonschema.validate(get(key, full_query).json(), schema)


@pytest.mark.parametrize(
    ("query", "path"),
    [("limit=5", "limit"), ("split=customer", "split"), ("range=1y", "range"), ("zone=Mars", "zone"), ("q=(", "q")],
)
def test_invalid_parameters_are_named(key: str, query: str, path: str) -> None:
    response = get(key, query)
    assert response.status_code == 400
    assert [field["path"] for field in response.json()["error"]["fields"]] == [path]


def test_usage_requires_the_read_scope(project: Project) -> None:
    assert Client().get("/api/v1/usage").status_code == 401
    assert get(factories.make_key(project, "ingest")).status_code == 403
