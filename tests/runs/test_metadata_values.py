"""Values of metadata are known before their runs are, and questions rely on it."""

from __future__ import annotations

import importlib
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
    factories.post(project, *(run_object(created_at=at, metadata=each) for each in metadata))


def known() -> dict[tuple[str, str], datetime]:
    return {(each.key, each.value): each.last_hour for each in MetadataValue.objects.all()}


def complete() -> dict[str, bool]:
    return dict(MetadataKey.objects.values_list("key", "is_complete"))


def asked(project: Project, text: str) -> tuple[list[dict[str, Any]], str]:
    """The metadata that are found, and all that the database was asked."""
    with CaptureQueriesContext(connection) as queries:
        filters = RunFilters(q=Query.parse(text))
        runs = list(filters.apply(Run.objects.in_project(project)).newest_first())
    return [run.metadata for run in runs], "\n".join(query["sql"] for query in queries)


def test_each_value_is_kept_with_its_last_hour(project: Project) -> None:
    hour = datetime.fromtimestamp(NOW, UTC).replace(minute=0, second=0)
    post(project, {"env": "prod", "customer": "acme"}, {"env": "test"})
    assert known() == dict.fromkeys([("env", "prod"), ("customer", "acme"), ("env", "test")], hour)
    later = datetime.fromtimestamp(NOW + 5 * HOUR, UTC).replace(minute=0, second=0)
    post(project, {"env": "prod"}, at=NOW + 5 * HOUR)
    post(project, {"env": "test"}, at=NOW - 5 * HOUR)
    assert known()["env", "prod"] == later
    assert known()["env", "test"] == hour
    assert complete() == {"env": True, "customer": True}


def test_a_value_is_kept_as_text_whatever_servers_post_in_its_place(project: Project) -> None:
    post(project, {"a": 7, "b": True, "c": "7", "d": None, "e": False, "f": "", "g": 1.50})
    assert known().keys() == {("a", "7"), ("b", "true"), ("c", "7"), ("e", "false"), ("f", ""), ("g", "1.5")}
    assert all(complete().values())
    for text in ("metadata.a:7", "metadata.a:7*", "metadata.b:t*", "metadata.c:7", "metadata.e:f*", "metadata.g:1*"):
        assert len(asked(project, text)[0]) == 1, text
    assert asked(project, "metadata.d:*a")[0] == []


@pytest.mark.parametrize("value", ODD)
def test_of_a_key_with_odd_values_nothing_is_claimed(project: Project, value: Any) -> None:
    post(project, {"key": "plain"}, {"key": value, "other": "plain"})
    assert complete() == {"key": False, "other": True}
    post(project, {"key": "later"})
    assert [each["key"] for each in asked(project, "metadata.key:la*")[0]] == ["later"]
    assert len(asked(project, "metadata.key:*")[0]) == 3


def test_of_a_key_with_many_values_nothing_is_claimed(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata_values, "MAX_VALUES_PER_KEY", 3)
    post(project, {"ticket": "1"}, {"ticket": "2"}, {"ticket": "3"})
    assert complete() == {"ticket": True}
    post(project, *({"ticket": str(number)} for number in range(10, 14)))
    assert complete() == {"ticket": False}
    assert asked(project, "metadata.ticket:13*")[0] == [{"ticket": "13"}]


def test_of_keys_beyond_the_first_ones_nothing_is_claimed(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (metadata_key, metadata_values):
        monkeypatch.setattr(module, "MAX_METADATA_KEYS", 2)
    post(project, {"a": "x", "b": "y", "c": "z"})
    assert complete() == {"a": True, "b": True}
    assert asked(project, "metadata.c:z*")[0] == [{"a": "x", "b": "y", "c": "z"}]
    post(project, {"c": "zz", "k" * 201: "long"})
    assert len(asked(project, "metadata.c:z*")[0]) == 2
    assert len(asked(project, f"metadata.{'k' * 201}:long")[0]) == 1


def test_of_a_key_with_some_values_no_hour_is_kept(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata_values, "MAX_DATED_VALUES_PER_KEY", 0)
    post(project, {"ticket": "1"})
    assert known() == {("ticket", "1"): metadata_values.UNDATED}
    assert asked(project, "metadata.ticket:1")[0] == [{"ticket": "1"}]


def test_what_was_noted_is_remembered(
    project: Project,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    stored: list[set[tuple[str, str]]] = []
    store = metadata_values._store

    def noted(project: Project, known: Any, new: dict[tuple[str, str], int], odd: set[str]) -> None:
        stored.append({*new})
        store(project, known, new, odd)

    monkeypatch.setattr(metadata_values, "_store", noted)
    post(project, None)  # so that what all have in common is stored
    prod, test = {"env": "prod"}, {"env": "test"}
    for metadata, at in ((prod, NOW), (prod, NOW), (prod, NOW - HOUR), (prod, NOW + HOUR), (test, NOW), (test, NOW)):
        with django_capture_on_commit_callbacks(execute=True):
            post(project, metadata, at=at)
    assert stored == [{("env", "prod")}, {("env", "prod")}, {("env", "test")}]  # of six


def test_a_pattern_is_found_by_the_values_that_it_means(project: Project) -> None:
    post(project, {"customer": "acme"}, {"customer": "acre"}, {"customer": "globex"}, None, [])
    found, statements = asked(project, "metadata.customer:ac*")
    assert {each["customer"] for each in found} == {"acme", "acre"}
    assert statements.count('"metadata" @>') == 2
    for text in ("metadata.customer:zz*", "metadata.customer:nobody", "metadata.nothing:x"):
        found, statements = asked(project, text)
        assert found == []
        assert 'FROM "run"' not in statements
    assert len(asked(project, "-metadata.customer:zz*")[0]) == 5


def test_a_look_begins_where_the_value_was_seen_last(project: Project) -> None:
    post(project, {"release": "1"})
    post(project, {"release": "2"}, at=NOW + 9 * HOUR)
    found, statements = asked(project, "metadata.release:1,0*")
    assert found == [{"release": "1"}]
    end = datetime.fromtimestamp(NOW + HOUR, UTC).replace(minute=0, second=0)
    assert f'"run"."created_at" <= \'{end.isoformat(" ")}\'' in statements


def test_values_of_one_project_say_nothing_of_another(project: Project) -> None:
    other = factories.make_project("other")
    post(project, {"env": "prod"})
    assert asked(other, "metadata.env:prod")[0] == []
    post(other, {"env": "prod"}, at=NOW + 9 * HOUR)
    assert len(asked(other, "metadata.env:pr*")[0]) == 1


def test_runs_that_were_there_before_are_noted_alike(project: Project) -> None:
    post(
        project,
        {"env": "prod", "odd": "1.5", "n": 7, "none": None},
        {"env": "test", "n": True, "k" * 201: "x"},
        [],
        None,
    )
    post(project, {"env": "prod", "odd": "x" * 201}, at=NOW + 3 * HOUR)
    before = {pair: hour for pair, hour in known().items() if pair[0] != "odd"}, complete() | {"none": True}
    MetadataKey.objects.all().delete()
    MetadataValue.objects.all().delete()
    with connection.cursor() as cursor:
        cursor.execute(importlib.import_module("runs.migrations.0019_metadata_values").FILL)
    assert (known(), complete()) == before
