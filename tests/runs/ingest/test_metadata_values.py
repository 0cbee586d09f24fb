"""Metadata values are recorded with their runs, and queries rely on them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoCaptureOnCommitCallbacks

from runs.ingest import metadata_values
from runs.models import MetadataKey, MetadataValue, Project, Run, metadata_key
from runs.query import Query, RunFilters
from tests import factories
from tests.factories import NOW, run_object

HOUR = 3600
ODD: tuple[Any, ...] = ({"a": 1}, ["a"], [], "x" * 201)


def post(project: Project, *metadata: Any, at: int = NOW) -> None:
    factories.post(project, *(run_object(created_at=at, metadata=values) for values in metadata))


def stored_hours() -> dict[tuple[str, str], datetime]:
    return {(row.key, row.value): row.last_hour for row in MetadataValue.objects.all()}


def stored_completeness() -> dict[str, bool]:
    return dict(MetadataKey.objects.values_list("key", "is_complete"))


def find_metadata(project: Project, text: str) -> tuple[list[dict[str, Any]], str]:
    """Return the metadata of the matching runs, and the SQL statements."""
    with CaptureQueriesContext(connection) as queries:
        filters = RunFilters(q=Query.parse(text))
        runs = list(filters.apply(Run.objects.in_project(project)).newest_first())
    return [run.metadata for run in runs], "\n".join(query["sql"] for query in queries)


def test_value_is_stored_with_last_hour(project: Project) -> None:
    hour = datetime.fromtimestamp(NOW, UTC).replace(minute=0, second=0)
    post(project, {"env": "prod", "customer": "acme"}, {"env": "test"})
    assert stored_hours() == dict.fromkeys([("env", "prod"), ("customer", "acme"), ("env", "test")], hour)
    later = datetime.fromtimestamp(NOW + 5 * HOUR, UTC).replace(minute=0, second=0)
    post(project, {"env": "prod"}, at=NOW + 5 * HOUR)
    post(project, {"env": "test"}, at=NOW - 5 * HOUR)
    assert stored_hours()["env", "prod"] == later
    assert stored_hours()["env", "test"] == hour
    assert stored_completeness() == {"env": True, "customer": True}


def test_values_are_stored_as_text(project: Project) -> None:
    post(project, {"a": 7, "b": True, "c": "7", "d": None, "e": False, "f": "", "g": 1.50})
    assert stored_hours().keys() == {("a", "7"), ("b", "true"), ("c", "7"), ("e", "false"), ("f", ""), ("g", "1.5")}
    assert all(stored_completeness().values())
    for text in ("metadata.a:7", "metadata.a:7*", "metadata.b:t*", "metadata.c:7", "metadata.e:f*", "metadata.g:1*"):
        assert len(find_metadata(project, text)[0]) == 1, text
    assert find_metadata(project, "metadata.d:*a")[0] == []


@pytest.mark.parametrize("value", ODD)
def test_key_with_nested_or_long_value_is_incomplete(project: Project, value: Any) -> None:
    post(project, {"key": "plain"}, {"key": value, "other": "plain"})
    assert stored_completeness() == {"key": False, "other": True}
    post(project, {"key": "later"})
    assert [metadata["key"] for metadata in find_metadata(project, "metadata.key:la*")[0]] == ["later"]
    assert len(find_metadata(project, "metadata.key:*")[0]) == 3


def test_key_with_too_many_values_is_incomplete(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata_values, "MAX_VALUES_PER_KEY", 3)
    post(project, {"ticket": "1"}, {"ticket": "2"}, {"ticket": "3"})
    assert stored_completeness() == {"ticket": True}
    post(project, *({"ticket": str(number)} for number in range(10, 14)))
    assert stored_completeness() == {"ticket": False}
    assert find_metadata(project, "metadata.ticket:13*")[0] == [{"ticket": "13"}]


def test_keys_beyond_maximum_are_not_complete(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (metadata_key, metadata_values):
        monkeypatch.setattr(module, "MAX_METADATA_KEYS", 2)
    post(project, {"a": "x", "b": "y", "c": "z"})
    assert stored_completeness() == {"a": True, "b": True}
    assert find_metadata(project, "metadata.c:z*")[0] == [{"a": "x", "b": "y", "c": "z"}]
    post(project, {"c": "zz", "k" * 201: "long"})
    assert len(find_metadata(project, "metadata.c:z*")[0]) == 2
    assert len(find_metadata(project, f"metadata.{'k' * 201}:long")[0]) == 1


def test_key_with_many_values_is_undated(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata_values, "MAX_DATED_VALUES_PER_KEY", 0)
    post(project, {"ticket": "1"})
    assert stored_hours() == {("ticket", "1"): metadata_values.UNDATED}
    assert find_metadata(project, "metadata.ticket:1")[0] == [{"ticket": "1"}]


def test_recorded_values_are_cached(
    project: Project,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    stored: list[set[tuple[str, str]]] = []
    store = metadata_values._store

    def record_store(project: Project, recorded: Any, new: dict[tuple[str, str], int], incomplete: set[str]) -> None:
        stored.append({*new})
        store(project, recorded, new, incomplete)

    monkeypatch.setattr(metadata_values, "_store", record_store)
    post(project, None)  # stores what the others share
    prod, test = {"env": "prod"}, {"env": "test"}
    for metadata, at in ((prod, NOW), (prod, NOW), (prod, NOW - HOUR), (prod, NOW + HOUR), (test, NOW), (test, NOW)):
        with django_capture_on_commit_callbacks(execute=True):
            post(project, metadata, at=at)
    assert stored == [{("env", "prod")}, {("env", "prod")}, {("env", "test")}]  # three of six posts


def test_pattern_is_resolved_to_stored_values(project: Project) -> None:
    post(project, {"customer": "acme"}, {"customer": "acre"}, {"customer": "globex"}, None, [])
    matches, statements = find_metadata(project, "metadata.customer:ac*")
    assert {metadata["customer"] for metadata in matches} == {"acme", "acre"}
    assert statements.count('"metadata" @>') == 2
    for text in ("metadata.customer:zz*", "metadata.customer:nobody", "metadata.nothing:x"):
        matches, statements = find_metadata(project, text)
        assert matches == []
        assert 'FROM "run"' not in statements
    assert len(find_metadata(project, "-metadata.customer:zz*")[0]) == 5


def test_search_starts_at_last_hour_of_value(project: Project) -> None:
    post(project, {"release": "1"})
    post(project, {"release": "2"}, at=NOW + 9 * HOUR)
    matches, statements = find_metadata(project, "metadata.release:1,0*")
    assert matches == [{"release": "1"}]
    end = datetime.fromtimestamp(NOW + HOUR, UTC).replace(minute=0, second=0)
    assert f'"run"."created_at" <= \'{end.isoformat(" ")}\'' in statements


def test_values_are_separate_by_project(project: Project) -> None:
    other = factories.make_project("other")
    post(project, {"env": "prod"})
    assert find_metadata(other, "metadata.env:prod")[0] == []
    post(other, {"env": "prod"}, at=NOW + 9 * HOUR)
    assert len(find_metadata(other, "metadata.env:pr*")[0]) == 1
