"""Assistants by what their runs come to: equal to counting the runs anew, at every edge of time."""

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
from runs.team.deletion import delete_run
from tests import factories
from tests.factories import failed_run, run_object

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
    """Runs of some assistants with status changes, re-sends, deletes, models without price, and hours without any."""
    chance = random.Random(7)
    for _ in range(80):
        created = int((START + timedelta(minutes=chance.randrange(3 * 24 * 60))).timestamp())
        made: dict[str, Any] = chance.choice([run_object, failed_run])(
            created_at=created,
            assistant_id=chance.choice(["asst_a", "asst_b", "asst_c"]),
            model=chance.choice(["gpt-4o", "our-own", None]),
        )
        factories.post(project, made | {"status": "in_progress", "usage": None})
        factories.post(project, made, made)
        if chance.random() < 0.15:
            delete_run(Run.objects.get(external_id=made["id"]))
    return project


def filters(since: str = "", until: str = "", q: str = "") -> RunFilters:
    moments = (TimeExpression.parse(text) if text else None for text in (since, until))
    return RunFilters((), (), (), since=next(moments), until=next(moments), q=Query.parse(q) if q else None)


def anew(project: Project, asked: RunFilters) -> dict[str, AssistantTotals]:
    """The same from the runs themselves."""
    sums: defaultdict[str, list[int]] = defaultdict(lambda: [0] * 5)
    for run in Run.objects.in_project(project):
        since, until = (each.resolve(NOW) if each else None for each in (asked.since, asked.until))
        if (since and run.created_at < since) or (until and run.created_at >= until):
            continue
        tokens, cost = run.total_tokens or 0, run.cost
        row = [1, run.status == "failed", tokens, cost or 0, tokens if cost is None else 0]
        sums[run.assistant_id] = [a + b for a, b in zip(sums[run.assistant_id], row, strict=True)]
    return {assistant_id: AssistantTotals(assistant_id, *row) for assistant_id, row in sums.items()}


@pytest.mark.parametrize(("since", "until"), TIMES)
def test_totals_are_what_counting_anew_gives(filled: Project, since: str, until: str) -> None:
    asked = filters(since, until)
    found = assistants.fetch_assistant_overview(filled, asked, NOW)
    assert {each.assistant_id: each for each in found.totals} == anew(filled, asked)
    assert [each.runs for each in found.totals] == sorted((each.runs for each in found.totals), reverse=True)
    assert found.count == len(found.totals)


def test_folding_changes_nothing(filled: Project) -> None:
    before = assistants.fetch_assistant_overview(filled, filters(), NOW)
    compaction.compact_rollups(filled)
    assert assistants.fetch_assistant_overview(filled, filters(), NOW).totals == before.totals


def test_a_query_is_answered_from_the_newest_matches(filled: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    found = assistants.fetch_assistant_overview(filled, filters(q="status:failed"), NOW)
    failed = {each.assistant_id: each.failed for each in anew(filled, filters()).values() if each.failed}
    assert {each.assistant_id: (each.runs, each.failed) for each in found.totals} == {
        assistant_id: (count, count) for assistant_id, count in failed.items()
    }
    assert not found.is_capped
    monkeypatch.setattr(recent_sample, "MAX_SAMPLE_SIZE", 10)
    found = assistants.fetch_assistant_overview(filled, filters(q="status:failed"), NOW)
    assert (found.is_capped, sum(each.runs for each in found.totals)) == (True, 10)


@pytest.mark.parametrize(
    "asked", [filters(), filters("-36h"), filters(q="model:gpt-4o"), filters("2026-05-02T05:10:00Z")]
)
def test_bars_add_up_to_the_runs(filled: Project, asked: RunFilters) -> None:
    found = assistants.fetch_assistant_overview(filled, asked, NOW)
    bars = assistants.fetch_assistant_bars(found, [each.assistant_id for each in found.totals])
    assert {each.assistant_id: each.runs for each in found.totals} == {name: sum(row) for name, row in bars.items()}
    assert all(len(row) == assistants.BAR_COUNT for row in bars.values())


def test_the_busiest_are_listed_and_the_rest_counted(filled: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assistants, "MAX_ASSISTANTS", 2)
    found = assistants.fetch_assistant_overview(filled, filters(), NOW)
    assert (len(found.totals), found.count) == (2, 3)


def test_nothing_comes_of_nothing(project: Project) -> None:
    assert assistants.fetch_assistant_overview(project, filters(), NOW).totals == []
    assert assistants.fetch_assistant_overview(project, filters(q="status:failed"), NOW).totals == []
    run = factories.post_run(project)
    delete_run(run)
    assert assistants.fetch_assistant_overview(project, filters(), NOW).totals == []


def test_when_they_were_last_seen_and_how_many_configurations_they_have(project: Project) -> None:
    runs = [factories.post_run(project, assistant_id="asst_a", instructions=text) for text in ("A", "B", "B")]
    factories.post_run(factories.make_project("other"), assistant_id="asst_a", instructions="C")
    ids = ["asst_a", "asst_gone"]
    assert assistants.fetch_last_run_times(project, ids) == {"asst_a": runs[-1].created_at}
    assert assistants.count_configurations(project, ids) == {"asst_a": 2, "asst_gone": 0}
    delete_run(runs[0])
    assert assistants.count_configurations(project, ids)["asst_a"] == 1


def test_projects_are_kept_apart(filled: Project) -> None:
    assert assistants.fetch_assistant_overview(factories.make_project("other"), filters(), NOW).totals == []


def test_the_number_of_queries_does_not_grow(
    filled: Project, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(2):
        found = assistants.fetch_assistant_overview(filled, filters(), NOW)
    with django_assert_num_queries(3):
        ids = [each.assistant_id for each in found.totals]
        assistants.fetch_assistant_bars(found, ids)
        assistants.fetch_last_run_times(filled, ids)
        assistants.count_configurations(filled, ids)
