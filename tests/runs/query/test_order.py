"""The orders of the run list, and their cursors."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection

from runs.db.keyset_pagination import MISSING_SORT_VALUE, Cursor, Order
from runs.errors import InvalidFilter
from runs.models import Project, Run
from runs.query import RunFilters, planner
from runs.query.order import parse_cursor, parse_order
from tests import factories

ORDERS = ["-created", "created", "-duration", "duration", "-tokens", "tokens", "-cost", "cost"]
KEY = uuid.UUID(int=7)


@pytest.mark.parametrize("text", ORDERS)
def test_order_survives_round_trip(text: str) -> None:
    assert str(parse_order(text)) == text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("durations", "sort: can't sort by 'durations'; did you mean 'duration'?"),
        ("", "sort: can't sort by ''; expected one of created, duration, tokens, cost"),
        ("--created", "sort: can't sort by '-created'; did you mean 'created'?"),
    ],
)
def test_unknown_order_is_rejected(text: str, words: str) -> None:
    with pytest.raises(InvalidFilter) as refused:
        parse_order(text)
    assert str(refused.value) == words


@pytest.mark.parametrize("value", [0, 5, -3, MISSING_SORT_VALUE + 1, datetime(2026, 5, 1, 12, 30, 0, 7, UTC)])
def test_cursor_carries_its_order(value: int | datetime) -> None:
    cursor = Cursor(value, KEY, parse_order("-duration"))
    assert parse_cursor(str(cursor), cursor.order) == cursor
    for other in ("duration", "-tokens", "-created"):
        with pytest.raises(InvalidFilter, match="belongs to a list sorted by -duration"):
            parse_cursor(str(cursor), parse_order(other))


def test_cursor_beyond_bigint_is_rejected() -> None:
    with pytest.raises(InvalidFilter, match="not a cursor"):
        parse_cursor(str(Cursor(2**63, KEY, Order("tokens"))), Order("tokens"))


def post_runs(project: Project) -> None:
    runs: list[dict[str, Any]] = []
    for number in range(20):
        run = factories.run_object(created_at=factories.NOW + number // 3)
        usage = None if number % 5 == 0 else {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": number % 3}
        ended = {"status": "queued", "completed_at": None} if number % 4 == 0 else {
            "completed_at": run["created_at"] + number % 2
        }  # fmt: skip
        runs.append(run | {"usage": usage} | ended)
    factories.post(project, *runs)


@pytest.mark.parametrize("text", ORDERS)
def test_pages_cover_list_in_every_order(project: Project, text: str) -> None:
    post_runs(project)
    order = parse_order(text)
    everything = list(Run.objects.in_project(project).sorted_by(order))
    seen = list(_pages(project, RunFilters(), order, size=3))
    assert seen == everything
    assert len({run.pk for run in seen}) == 20
    values = [getattr(run, order.column) for run in seen]
    values_present = [value for value in values if value is not None]
    assert values_present == sorted(values_present, reverse=order.descending)
    missing = values[-5:] if order.descending else values[:5]
    assert order.by == "created" or None in missing  # what has no value counts as less


@pytest.mark.parametrize("dense", [1, 1000])
@pytest.mark.parametrize("text", ORDERS)
@pytest.mark.parametrize("size", [1, 4, 7, 30])
def test_filtered_pages_cover_list_in_every_order(
    project: Project, monkeypatch: pytest.MonkeyPatch, text: str, size: int, dense: int
) -> None:
    monkeypatch.setattr(planner, "SAMPLE_SIZE", 5)
    monkeypatch.setattr(planner, "MIN_DENSE_MATCHES", dense)
    post_runs(project)
    order = parse_order(text)
    for filters in (RunFilters(), RunFilters(status=("completed",)), RunFilters(model=("gpt-4o",), status=("queued",))):
        listed = list(filters.apply(Run.objects.in_project(project)).sorted_by(order))
        assert list(_pages(project, filters, order, size)) == listed


@pytest.mark.parametrize("text", ["duration", "-duration", "tokens", "-tokens", "cost", "-cost"])
def test_runs_without_value_are_newest_first(project: Project, text: str) -> None:
    post_runs(project)
    order = parse_order(text)
    missing = [run for run in _pages(project, RunFilters(), order, size=4) if getattr(run, order.column) is None]
    assert len(missing) > 2
    assert missing == sorted(missing, key=lambda run: (run.created_at, run.pk), reverse=True)


@pytest.mark.parametrize("text", ORDERS)
def test_adjacent_runs_match_list(project: Project, text: str) -> None:
    post_runs(project)
    order = parse_order(text)
    listed = list(Run.objects.in_project(project).sorted_by(order))
    ids = [None, *(run.external_id for run in listed), None]
    for place, run in enumerate(listed):
        assert Run.objects.in_project(project).adjacent_ids(run, order) == (ids[place], ids[place + 2])


def _pages(project: Project, filters: RunFilters, order: Order, size: int) -> Iterator[Run]:
    cursor = None
    while page := filters.plan(project).fetch_page(Run.objects.in_project(project), order, cursor, size):
        yield from page
        cursor = parse_cursor(str(order.cursor_at(page[-1])), order)


@pytest.mark.parametrize("text", ORDERS)
def test_each_order_pages_by_index(project: Project, text: str) -> None:
    order = parse_order(text)
    run = factories.post_run(project)
    runs = Run.objects.in_project(project)
    page = (runs.sorted_by(order) if order.is_never_null else runs.with_sort_value(order)).after(order.cursor_at(run))[
        :51
    ]
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; SET LOCAL enable_sort = off")
    plan = page.explain()
    assert re.search(rf"Index Scan.* using run_(newest|by_{order.by})", plan)
    assert order.column in plan.partition("Index Cond")[2].partition("\n")[0]
    # the index brings the order of values; within equal ones rows are sorted
    assert plan.count("Sort  (") == plan.count("Incremental Sort  (") <= (order.by != "created")
