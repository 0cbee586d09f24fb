"""The totals of assistants equal a recount of the runs, at any time range."""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from runs.analytics import assistants, recent_sample
from runs.analytics.assistants import AssistantTotals
from runs.models import Project, Run
from runs.query import Query, RunFilters, TimeExpression
from runs.rollups import compaction
from tests import factories
from tests.factories import delete_run, failed_run, run_object

pytestmark = pytest.mark.django_db
START = datetime(2026, 5, 1, tzinfo=UTC)
NOW = datetime(2026, 5, 4, 12, 30, tzinfo=UTC)
TIMES = [
    ("", ""),
    ("2026-05-01T05:00:00Z", "2026-05-03T20:00:00Z"),
    ("2026-05-01T05:17:03Z", "2026-05-03T20:44:59Z"),
    ("2026-05-02T05:10:00Z", "2026-05-02T05:50:00Z"),
    ("2026-05-02T05:10:00Z", "2026-05-02T06:10:00Z"),
    ("-36h", ""),
    ("", "-36h"),
    ("2026-05-02T05:30:00+05:30", ""),
    ("2027-01-01", ""),
]


@pytest.fixture
def filled(project: Project) -> Project:
    """A project with runs of three assistants: status changes, re-sends, deletes, models without price, empty hours."""
    rng = random.Random(7)
    ended, deleted = [], []
    for _ in range(80):
        created = int((START + timedelta(minutes=rng.randrange(3 * 24 * 60))).timestamp())
        posted: dict[str, Any] = rng.choice([run_object, failed_run])(
            created_at=created,
            assistant_id=rng.choice(["asst_a", "asst_b", "asst_c"]),
            model=rng.choice(["gpt-4o", "our-own", None]),
        )
        ended.append(posted)
        if rng.random() < 0.15:
            deleted.append(posted["id"])
    for batch in ([run | {"status": "in_progress", "usage": None} for run in ended], ended, ended):
        assert not factories.post(project, *batch).errors
    factories.delete_stored_runs(project, deleted)
    return project


def make_filters(since: str = "", until: str = "", q: str = "") -> RunFilters:
    moments = (TimeExpression.parse(text) if text else None for text in (since, until))
    return RunFilters((), (), (), since=next(moments), until=next(moments), q=Query.parse(q) if q else None)


def recount(project: Project, requested: RunFilters) -> dict[str, AssistantTotals]:
    """Return the totals, computed from the runs."""
    sums: defaultdict[str, list[int]] = defaultdict(lambda: [0] * 5)
    for run in Run.objects.in_project(project):
        since, until = (item.resolve(NOW) if item else None for item in (requested.since, requested.until))
        if (since and run.created_at < since) or (until and run.created_at >= until):
            continue
        tokens, cost = run.total_tokens or 0, run.cost
        row = [1, run.status == "failed", tokens, cost or 0, tokens if cost is None else 0]
        sums[run.assistant_id] = [a + b for a, b in zip(sums[run.assistant_id], row, strict=True)]
    return {assistant_id: AssistantTotals(assistant_id, *row) for assistant_id, row in sums.items()}


@pytest.mark.parametrize(("since", "until"), TIMES)
def test_totals_equal_recount_at_any_time_range(filled: Project, since: str, until: str) -> None:
    requested = make_filters(since, until)
    result = assistants.fetch_assistant_overview(filled, requested, NOW)
    assert {item.assistant_id: item for item in result.totals} == recount(filled, requested)
    assert [item.runs for item in result.totals] == sorted((item.runs for item in result.totals), reverse=True)
    assert result.count == len(result.totals)


def test_compaction_changes_no_totals(filled: Project) -> None:
    before = assistants.fetch_assistant_overview(filled, make_filters(), NOW)
    compaction.compact_rollups(filled)
    assert assistants.fetch_assistant_overview(filled, make_filters(), NOW).totals == before.totals


def test_query_reads_newest_matches(filled: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    result = assistants.fetch_assistant_overview(filled, make_filters(q="status:failed"), NOW)
    failed = {item.assistant_id: item.failed for item in recount(filled, make_filters()).values() if item.failed}
    assert {item.assistant_id: (item.runs, item.failed) for item in result.totals} == {
        assistant_id: (count, count) for assistant_id, count in failed.items()
    }
    assert not result.is_capped
    monkeypatch.setattr(recent_sample, "MAX_SAMPLE_SIZE", 10)
    result = assistants.fetch_assistant_overview(filled, make_filters(q="status:failed"), NOW)
    assert (result.is_capped, sum(item.runs for item in result.totals)) == (True, 10)


@pytest.mark.parametrize(
    "requested",
    [make_filters(), make_filters("-36h"), make_filters(q="model:gpt-4o"), make_filters("2026-05-02T05:10:00Z")],
)
def test_bars_add_up_to_totals(filled: Project, requested: RunFilters) -> None:
    result = assistants.fetch_assistant_overview(filled, requested, NOW)
    bars = assistants.fetch_assistant_bars(result, [item.assistant_id for item in result.totals])
    assert {item.assistant_id: item.runs for item in result.totals} == {name: sum(row) for name, row in bars.items()}
    assert all(len(row) == assistants.BAR_COUNT for row in bars.values())


def test_busiest_are_listed_and_all_counted(filled: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assistants, "MAX_ASSISTANTS", 2)
    result = assistants.fetch_assistant_overview(filled, make_filters(), NOW)
    assert (len(result.totals), result.count) == (2, 3)


def test_project_without_runs_has_no_assistants(project: Project) -> None:
    assert assistants.fetch_assistant_overview(project, make_filters(), NOW).totals == []
    assert assistants.fetch_assistant_overview(project, make_filters(q="status:failed"), NOW).totals == []
    run = factories.post_run(project)
    delete_run(run)
    assert assistants.fetch_assistant_overview(project, make_filters(), NOW).totals == []


def test_last_run_times_and_configuration_counts(project: Project) -> None:
    runs = [factories.post_run(project, assistant_id="asst_a", instructions=text) for text in ("A", "B", "B")]
    factories.post_run(factories.make_project("other"), assistant_id="asst_a", instructions="C")
    ids = ["asst_a", "asst_gone"]
    assert assistants.fetch_last_run_times(project, ids) == {"asst_a": runs[-1].created_at}
    assert assistants.count_configurations(project, ids) == {"asst_a": 2, "asst_gone": 0}
    delete_run(runs[0])
    assert assistants.count_configurations(project, ids)["asst_a"] == 1


def test_other_projects_have_no_influence(filled: Project) -> None:
    assert assistants.fetch_assistant_overview(factories.make_project("other"), make_filters(), NOW).totals == []


def test_query_count_is_constant(filled: Project, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(2):
        result = assistants.fetch_assistant_overview(filled, make_filters(), NOW)
    with django_assert_num_queries(3):
        ids = [item.assistant_id for item in result.totals]
        assistants.fetch_assistant_bars(result, ids)
        assistants.fetch_last_run_times(filled, ids)
        assistants.count_configurations(filled, ids)
