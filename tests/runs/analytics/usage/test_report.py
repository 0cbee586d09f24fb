"""Every number of a report equals a recount of the runs."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from urllib.parse import parse_qs
from zoneinfo import ZoneInfo

import pytest
from pytest_django import DjangoAssertNumQueries

from runs.analytics.usage import UsageGroup, UsageQuery, UsageReport, UsageSums, fetch_usage_report, table
from runs.analytics.usage.table import add_usage_sums
from runs.models import Project
from runs.rollups import compaction
from tests import factories
from tests.runs.analytics.usage.seeded_project import NOW, ZONES, Posted, seed

KEYS: dict[str, Callable[[Posted], str | None]] = {
    "model": lambda run: run.model,
    "assistant": lambda run: run.assistant,
    "status": lambda run: run.status,
    "metadata.customer": lambda run: run.metadata.get("customer"),
}
FILTERS: dict[str, Callable[[Posted], bool]] = {
    "": lambda _: True,
    "model=gpt-4o&model=house-model": lambda run: run.model in ("gpt-4o", "house-model"),
    "assistant=asst_b": lambda run: run.assistant == "asst_b",
    "status=failed": lambda run: run.status == "failed",
    "q=metadata.customer:acme": lambda run: run.metadata.get("customer") == "acme",
}
TIMES = (
    "range=24h",
    "range=7d",
    "range=30d",
    "from=-7d",
    "from=2026-10-20T10:20:30Z&to=2026-10-28T22:45:00Z",
    "from=2026-10-24T22:10:00Z&to=2026-10-24T22:50:00Z",
)


@pytest.fixture
def posted(project: Project) -> list[Posted]:
    return seed(project)


def parse(query: str, zone: str = "UTC") -> UsageQuery:
    return UsageQuery.parse_params(parse_qs(query), ZoneInfo(zone), NOW)


def recount(runs: Iterable[Posted], since: datetime, until: datetime) -> UsageSums:
    return add_usage_sums(run.sums for run in runs if since <= run.at < until)


def assert_report(result: UsageReport, runs: list[Posted], key: Callable[[Posted], str | None], limit: int) -> None:
    """Compare a report with all of `runs`."""
    requested = result.query
    now = [run for run in runs if requested.since <= run.at < requested.until]
    assert result.totals == add_usage_sums(run.sums for run in now)
    assert result.previous == recount(runs, requested.previous_since, requested.since)
    assert (result.counted_since, result.is_capped) == (None, False)
    by_key: dict[str | None, list[Posted]] = defaultdict(list)
    for run in runs:
        by_key[key(run)].append(run)
    present = {key(run) for run in now}
    assert len(result.named_groups) == min(len(present), limit)
    for group in result.named_groups:
        assert_group(result, group, by_key.pop(group.key))
    others = [group for group in result.groups if group.other_count]
    assert [group.other_count for group in others] == ([len(present) - limit] if len(present) > limit else [])
    for group in others:
        assert_group(result, group, [run for rest in by_key.values() for run in rest])
    weights = [(group.sums.total_tokens, group.sums.runs) for group in result.named_groups]
    assert weights == sorted(weights, reverse=True)


def assert_group(result: UsageReport, group: UsageGroup, runs: list[Posted]) -> None:
    requested = result.query
    assert group.sums == recount(runs, requested.since, requested.until)
    assert group.previous == recount(runs, requested.previous_since, requested.since)
    bounds = zip(result.edges, result.edges[1:], strict=False)
    assert list(group.series) == [recount(runs, since, until) for since, until in bounds]


def test_every_number_equals_recount(project: Project, posted: list[Posted]) -> None:
    for zone in ZONES:
        for times in TIMES:
            for split in ("model", "assistant", "status"):
                result = fetch_usage_report(project, parse(f"{times}&split={split}", zone), 3)
                assert_report(result, posted, KEYS[split], 3)


def test_filters_and_splits_combine(project: Project, posted: list[Posted]) -> None:
    for filtered, holds in FILTERS.items():
        for split, key in KEYS.items():
            result = fetch_usage_report(project, parse(f"range=30d&split={split}&{filtered}", "Asia/Kathmandu"), 3)
            assert_report(result, [run for run in posted if holds(run)], key, 3)


def test_compaction_changes_no_report(project: Project, posted: list[Posted]) -> None:
    before = fetch_usage_report(project, parse("split=model"), 3)
    compaction.compact_rollups(project)
    assert fetch_usage_report(project, parse("split=model"), 3) == before


def test_project_without_runs_has_empty_report(project: Project) -> None:
    result = fetch_usage_report(project, parse(""), 3)
    assert (result.totals, result.previous, result.groups) == (UsageSums(), UsageSums(), ())
    assert fetch_usage_report(project, parse("split=kind"), 3).groups == ()


def test_report_without_series_has_same_sums(project: Project, posted: list[Posted]) -> None:
    whole = fetch_usage_report(project, parse("", "Asia/Kolkata"), 3)
    result = fetch_usage_report(project, parse("", "Asia/Kolkata"), 3, has_series=False)
    assert [(group.key, group.sums) for group in result.groups] == [(group.key, group.sums) for group in whole.groups]
    assert len(result.edges) == 2


def test_token_kinds_add_up_to_total(project: Project, posted: list[Posted]) -> None:
    result = fetch_usage_report(project, parse("split=kind"), 3)
    tokens = {group.key: group.sums.total_tokens for group in result.groups}
    assert sum(tokens.values()) == result.totals.total_tokens
    assert tokens["cached"] == result.totals.cached_tokens
    assert tokens["prompt"] == result.totals.prompt_tokens - result.totals.cached_tokens
    assert tokens["reasoning"] == result.totals.reasoning_tokens
    assert tokens["completion"] == result.totals.completion_tokens - result.totals.reasoning_tokens
    for index in range(len(result.edges) - 1):
        bar = recount(posted, result.edges[index], result.edges[index + 1])
        assert sum(group.series[index].total_tokens for group in result.groups) == bar.total_tokens


@pytest.mark.parametrize(("measure", "column"), [("cost", "cost"), ("runs", "runs"), ("tokens", "total_tokens")])
def test_groups_are_ranked_by_measure(project: Project, posted: list[Posted], measure: str, column: str) -> None:
    result = fetch_usage_report(project, parse(f"measure={measure}"), 2)
    totals: Counter[str | None] = Counter()
    for run in posted:
        if result.query.since <= run.at < result.query.until:
            totals[run.model] += getattr(run.sums, column)
    expected = [total for _, total in totals.most_common(2)]
    assert [getattr(group.sums, column) for group in result.named_groups] == expected


def test_capped_groups_say_where_they_begin(
    project: Project, posted: list[Posted], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table, "MAX_COUNTED_USAGE_RUNS", 25)
    result = fetch_usage_report(project, parse("split=metadata.customer"), 9)
    requested = result.query
    newest = sorted((run for run in posted if run.at < requested.until), key=lambda run: run.at)[-25:]
    assert result.counted_since == newest[0].at
    assert sum(group.sums.runs for group in result.groups) == 25
    assert all(group.previous is None for group in result.groups)
    # what the rollups know is exact nevertheless
    assert result.totals == recount(posted, requested.since, requested.until)
    assert result.previous == recount(posted, requested.previous_since, requested.since)
    assert not result.is_capped


def test_totals_without_rollup_are_capped(
    project: Project, posted: list[Posted], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table, "MAX_COUNTED_USAGE_RUNS", 5)
    result = fetch_usage_report(project, parse("q=metadata.customer:*"), 9)
    assert (result.totals.runs, result.previous, result.is_capped) == (5, None, True)


def test_period_is_exact_if_only_previous_is_capped(
    project: Project, posted: list[Posted], monkeypatch: pytest.MonkeyPatch
) -> None:
    requested = parse("split=metadata.customer")
    matching = [run for run in posted if requested.since <= run.at < requested.until]
    monkeypatch.setattr(table, "MAX_COUNTED_USAGE_RUNS", len(matching) + 3)
    result = fetch_usage_report(project, requested, 9)
    assert result.counted_since is None
    assert (
        add_usage_sums(group.sums for group in result.groups)
        == result.totals
        == add_usage_sums(run.sums for run in matching)
    )
    assert {group.previous for group in result.groups} == {None}


def test_report_takes_few_queries(
    project: Project,
    posted: list[Posted],
    django_assert_num_queries: DjangoAssertNumQueries,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # and another one for when the first run was, where there is something to compare with
    for query in ("", "split=assistant", "split=status&status=failed", "split=metadata.customer"):
        with django_assert_num_queries(2):
            fetch_usage_report(project, parse(query, "Asia/Kathmandu"), 3)
    monkeypatch.setattr(table, "MAX_COUNTED_USAGE_RUNS", 10)
    # the newest runs; where they begin; totals; the first run
    with django_assert_num_queries(4):
        fetch_usage_report(project, parse("split=metadata.customer"), 3)


def test_new_project_is_not_comparable(project: Project) -> None:
    factories.post_run(project, created_at=int((NOW - timedelta(days=9)).timestamp()))
    factories.post_run(project, created_at=int((NOW - timedelta(days=1)).timestamp()))
    answer = fetch_usage_report(project, parse("range=7d"), 3)
    assert answer.previous is not None
    assert (answer.previous.runs, answer.is_comparable) == (1, False)
    factories.post_run(project, created_at=int((NOW - timedelta(days=30)).timestamp()))
    assert fetch_usage_report(project, parse("range=7d"), 3).is_comparable


def test_previous_period_is_as_long(project: Project) -> None:
    requested = parse("range=30d", "Europe/Berlin")
    assert requested.since == datetime(2026, 10, 7, tzinfo=ZoneInfo("Europe/Berlin"))
    assert requested.until == NOW.replace(microsecond=0) + timedelta(seconds=1)
    assert requested.since - requested.previous_since == requested.until - requested.since
