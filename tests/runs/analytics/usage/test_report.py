"""Every number against counting by hand, however it was put together."""

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


def question(query: str, zone: str = "UTC") -> UsageQuery:
    return UsageQuery.parse(parse_qs(query), ZoneInfo(zone), NOW)


def by_hand(runs: Iterable[Posted], since: datetime, until: datetime) -> UsageSums:
    return add_usage_sums(run.sums for run in runs if since <= run.at < until)


def check(found: UsageReport, runs: list[Posted], key: Callable[[Posted], str | None], most: int) -> None:
    """All of an answer about `runs`, of which nothing was left out."""
    asked = found.query
    now = [run for run in runs if asked.since <= run.at < asked.until]
    assert found.totals == add_usage_sums(run.sums for run in now)
    assert found.previous == by_hand(runs, asked.previous_since, asked.since)
    assert (found.counted_since, found.is_capped) == (None, False)
    by_key: dict[str | None, list[Posted]] = defaultdict(list)
    for run in runs:
        by_key[key(run)].append(run)
    present = {key(run) for run in now}
    assert len(found.named_groups) == min(len(present), most)
    for group in found.named_groups:
        check_group(found, group, by_key.pop(group.key))
    others = [group for group in found.groups if group.other_count]
    assert [group.other_count for group in others] == ([len(present) - most] if len(present) > most else [])
    for group in others:
        check_group(found, group, [run for rest in by_key.values() for run in rest])
    weights = [(group.sums.total_tokens, group.sums.runs) for group in found.named_groups]
    assert weights == sorted(weights, reverse=True)


def check_group(found: UsageReport, group: UsageGroup, runs: list[Posted]) -> None:
    asked = found.query
    assert group.sums == by_hand(runs, asked.since, asked.until)
    assert group.previous == by_hand(runs, asked.previous_since, asked.since)
    bounds = zip(found.edges, found.edges[1:], strict=False)
    assert list(group.series) == [by_hand(runs, since, until) for since, until in bounds]


def test_every_number_is_that_of_the_runs(project: Project, posted: list[Posted]) -> None:
    for zone in ZONES:
        for times in TIMES:
            for split in ("model", "assistant", "status"):
                found = fetch_usage_report(project, question(f"{times}&split={split}", zone), 3)
                check(found, posted, KEYS[split], 3)


def test_filters_and_splits_go_together(project: Project, posted: list[Posted]) -> None:
    for filtered, holds in FILTERS.items():
        for split, key in KEYS.items():
            found = fetch_usage_report(project, question(f"range=30d&split={split}&{filtered}", "Asia/Kathmandu"), 3)
            check(found, [run for run in posted if holds(run)], key, 3)


def test_folded_sums_are_the_same_sums(project: Project, posted: list[Posted]) -> None:
    before = fetch_usage_report(project, question("split=model"), 3)
    compaction.compact_rollups(project)
    assert fetch_usage_report(project, question("split=model"), 3) == before


def test_nothing_is_empty(project: Project) -> None:
    found = fetch_usage_report(project, question(""), 3)
    assert (found.totals, found.previous, found.groups) == (UsageSums(), UsageSums(), ())
    assert fetch_usage_report(project, question("split=kind"), 3).groups == ()


def test_in_one_part_it_is_the_same(project: Project, posted: list[Posted]) -> None:
    whole = fetch_usage_report(project, question("", "Asia/Kolkata"), 3)
    found = fetch_usage_report(project, question("", "Asia/Kolkata"), 3, has_series=False)
    assert [(group.key, group.sums) for group in found.groups] == [(group.key, group.sums) for group in whole.groups]
    assert len(found.edges) == 2


def test_no_token_is_of_two_kinds(project: Project, posted: list[Posted]) -> None:
    found = fetch_usage_report(project, question("split=kind"), 3)
    tokens = {group.key: group.sums.total_tokens for group in found.groups}
    assert sum(tokens.values()) == found.totals.total_tokens
    assert tokens["cached"] == found.totals.cached_tokens
    assert tokens["prompt"] == found.totals.prompt_tokens - found.totals.cached_tokens
    assert tokens["reasoning"] == found.totals.reasoning_tokens
    assert tokens["completion"] == found.totals.completion_tokens - found.totals.reasoning_tokens
    for place in range(len(found.edges) - 1):
        bar = by_hand(posted, found.edges[place], found.edges[place + 1])
        assert sum(group.series[place].total_tokens for group in found.groups) == bar.total_tokens


@pytest.mark.parametrize(("measure", "column"), [("cost", "cost"), ("runs", "runs"), ("tokens", "total_tokens")])
def test_the_first_groups_are_those_with_the_most(
    project: Project, posted: list[Posted], measure: str, column: str
) -> None:
    found = fetch_usage_report(project, question(f"measure={measure}"), 2)
    totals: Counter[str | None] = Counter()
    for run in posted:
        if found.query.since <= run.at < found.query.until:
            totals[run.model] += getattr(run.sums, column)
    assert [getattr(group.sums, column) for group in found.named_groups] == [most for _, most in totals.most_common(2)]


def test_what_is_counted_one_by_one_says_where_it_begins(
    project: Project, posted: list[Posted], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table, "MAX_COUNTED_USAGE_RUNS", 25)
    found = fetch_usage_report(project, question("split=metadata.customer"), 9)
    asked = found.query
    newest = sorted((run for run in posted if run.at < asked.until), key=lambda run: run.at)[-25:]
    assert found.counted_since == newest[0].at
    assert sum(group.sums.runs for group in found.groups) == 25
    assert all(group.previous is None for group in found.groups)
    # what the rollups know is exact nevertheless
    assert found.totals == by_hand(posted, asked.since, asked.until)
    assert found.previous == by_hand(posted, asked.previous_since, asked.since)
    assert not found.is_capped


def test_where_no_sums_are_kept_totals_are_those_of_the_newest(
    project: Project, posted: list[Posted], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table, "MAX_COUNTED_USAGE_RUNS", 5)
    found = fetch_usage_report(project, question("q=metadata.customer:*"), 9)
    assert (found.totals.runs, found.previous, found.is_capped) == (5, None, True)


def test_when_only_the_time_before_is_too_much_this_one_is_exact(
    project: Project, posted: list[Posted], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = question("split=metadata.customer")
    matching = [run for run in posted if asked.since <= run.at < asked.until]
    monkeypatch.setattr(table, "MAX_COUNTED_USAGE_RUNS", len(matching) + 3)
    found = fetch_usage_report(project, asked, 9)
    assert found.counted_since is None
    assert (
        add_usage_sums(group.sums for group in found.groups)
        == found.totals
        == add_usage_sums(run.sums for run in matching)
    )
    assert {group.previous for group in found.groups} == {None}


def test_it_costs_a_query_and_more_only_where_no_sums_are_kept(
    project: Project,
    posted: list[Posted],
    django_assert_num_queries: DjangoAssertNumQueries,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # and another one for when the first run was, where there is something to compare with
    for query in ("", "split=assistant", "split=status&status=failed", "split=metadata.customer"):
        with django_assert_num_queries(2):
            fetch_usage_report(project, question(query, "Asia/Kathmandu"), 3)
    monkeypatch.setattr(table, "MAX_COUNTED_USAGE_RUNS", 10)
    # the newest runs; where they begin; totals; the first run
    with django_assert_num_queries(4):
        fetch_usage_report(project, question("split=metadata.customer"), 3)


def test_what_was_only_beginning_is_not_compared_with(project: Project) -> None:
    factories.post_run(project, created_at=int((NOW - timedelta(days=9)).timestamp()))
    factories.post_run(project, created_at=int((NOW - timedelta(days=1)).timestamp()))
    answer = fetch_usage_report(project, question("range=7d"), 3)
    assert answer.previous is not None
    assert (answer.previous.runs, answer.is_comparable) == (1, False)
    factories.post_run(project, created_at=int((NOW - timedelta(days=30)).timestamp()))
    assert fetch_usage_report(project, question("range=7d"), 3).is_comparable


def test_the_time_before_is_as_long(project: Project) -> None:
    asked = question("range=30d", "Europe/Berlin")
    assert asked.since == datetime(2026, 10, 7, tzinfo=ZoneInfo("Europe/Berlin"))
    assert asked.until == NOW.replace(microsecond=0) + timedelta(seconds=1)
    assert asked.since - asked.previous_since == asked.until - asked.since
