"""Every number of error groups equals a recount of the runs, as a client reads them."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from runs.analytics import errors
from runs.analytics.errors import ErrorGroupStats, ErrorTrend
from runs.models import ErrorGroup, Project, Run, User
from runs.query import Query, RunFilters, TimeExpression
from tests import factories

NOW = datetime.fromtimestamp(factories.NOW, UTC)
DAY = 86_400
FORTNIGHT = RunFilters(since=TimeExpression("-14d"))
BAD = ("failed", "incomplete", "expired")
# by how they end: status, code, what the message is made of
ENDS: tuple[tuple[str, str | None, Callable[[int], str | None]], ...] = (
    ("failed", "rate_limit_exceeded", lambda n: f"Rate limit reached for gpt-4o, limit {n}."),
    ("failed", "server_error", lambda n: f"The server had an error, id req_{n:08x}."),
    ("failed", "server_error", lambda n: f"Timed out after {n} s."),
    ("failed", None, lambda _: None),
    ("incomplete", "max_completion_tokens", lambda _: None),
    ("expired", "expired", lambda _: None),
    ("exploded", "vendor_code", lambda n: f"Burst {n} times"),
)
PRICES = {"gpt-4o-mini": (150, 600)}  # nano-dollars a token, read and written


def make_ended_run(end: int, number: int, created: int, **changes: Any) -> dict[str, Any]:
    """Return a run that ended in the way `ENDS[end]`."""
    status, code, message = ENDS[end]
    text = message(number)
    has_error = status in ("failed", "exploded") and (code or text)
    return factories.run_object(
        **{
            "id": f"run_{status}_{number}", "created_at": created, "started_at": created + 1, "status": status,
            "completed_at": None, "failed_at": created + 9 if status == "failed" else None,
            "last_error": {"code": code, "message": text} if has_error else None,
            "incomplete_details": {"reason": code} if status == "incomplete" else None,
            "expires_at": created + 600 if status == "expired" else None,
        } | changes
    )  # fmt: skip


def seed(project: Project) -> None:
    """Post some hundred runs of a month, with everything that makes counting them hard."""
    rng = random.Random(7)
    now = factories.NOW
    runs = []
    for number in range(260):
        usage = {"prompt_tokens": rng.randrange(9000), "completion_tokens": rng.randrange(900), "total_tokens": 0}
        usage["total_tokens"] = usage["prompt_tokens"] + usage["completion_tokens"]
        shared = {
            "model": rng.choice(["gpt-4o-mini", "our-own", None]),
            "assistant_id": rng.choice(["asst_a", "asst_b", "asst_c"]),
            "usage": rng.choice([usage, usage, None]),
            "instructions": rng.choice(["Be brief.", "Be kind."]),
        }
        created = now - rng.randrange(30 * DAY)
        is_bad = rng.random() < 0.4
        end = min(int(rng.expovariate(0.6)), len(ENDS) - 1)
        runs.append(
            make_ended_run(end, number, created, **shared)
            if is_bad
            else factories.run_object(id=f"run_good_{number}", created_at=created, completed_at=created + 5, **shared)
        )
    edges = (now - 14 * DAY, now - 14 * DAY - 1, now - 28 * DAY, now - 28 * DAY - 1, now, now + 1, now + 3 * DAY)
    runs += [make_ended_run(0, 1000 + number, created) for number, created in enumerate(edges)]
    assert not factories.post(project, *runs).errors
    assert not factories.post(project, *rng.sample(runs, 40)).errors  # sent again
    again = [run for run in runs if run["status"] == "failed"][:8]
    # said to have completed after all, later than they failed; and back
    completed = {"status": "completed", "last_error": None, "failed_at": None}
    later = [run | completed | {"completed_at": run["created_at"] + 60} for run in again]
    assert not factories.post(project, *later).errors
    back = [run | {"failed_at": run["created_at"] + 90, "started_at": run["created_at"] + 70} for run in again[:3]]
    assert not factories.post(project, *back).errors
    # another message, so another group
    moved = again[4] | {"last_error": {"code": "moved", "message": "Gone."}, "failed_at": again[4]["created_at"] + 99}
    assert not factories.post(project, moved).errors
    # runs taken out of groups, and a group that nothing is left of
    removed = Run.objects.in_project(project).filter(external_id__endswith="7")
    factories.delete_stored_runs(project, removed.values_list("external_id", flat=True))
    lonely = make_ended_run(0, 2000, now - DAY, last_error={"code": "lonely", "message": "x"})
    assert not factories.post(project, lonely).errors
    assert not factories.post(project, lonely | completed | {"completed_at": now}).errors


def raw_runs(project: Project) -> list[dict[str, Any]]:
    """Return the runs as a client reads them."""
    return [json.loads(run.as_json()) for run in Run.objects.in_project(project).with_configuration()]


@dataclass
class GroupRecount:
    """The numbers of a group, counted run by run."""

    runs: int = 0
    before: int = 0
    tokens: int | None = None
    cost: int | None = None
    unpriced: int = 0
    seen: list[int] = field(default_factory=list)
    days: Counter[int] = field(default_factory=Counter)
    assistants: Counter[str] = field(default_factory=Counter)
    models: Counter[str | None] = field(default_factory=Counter)
    configurations: Counter[tuple[Any, ...]] = field(default_factory=Counter)


def group_name(run: dict[str, Any]) -> tuple[str, str | None, str]:
    """Return status, code, and the first word of the message: enough to tell these groups apart."""
    error = run["last_error"] or {}
    code = error.get("code")
    if run["status"] == "incomplete":
        code = run["incomplete_details"]["reason"]
    if run["status"] == "expired":
        code = "expired"
    return run["status"], code, (error.get("message") or "").partition(" ")[0]


def recount_groups(
    runs: list[dict[str, Any]], since: int, until: float
) -> dict[tuple[str, str | None, str], GroupRecount]:
    sums: dict[tuple[str, str | None, str], GroupRecount] = {}
    for run in runs:
        if run["status"] not in BAD and not run["last_error"]:
            continue
        group = sums.setdefault(group_name(run), GroupRecount())
        created, usage = run["created_at"], run["usage"]
        group.seen.append(created)
        if since - (factories.NOW - since) <= created < since:
            group.before += 1
        if not since <= created < until:
            continue
        group.runs += 1
        group.days[created // 3600] += 1
        group.assistants[run["assistant_id"]] += 1
        group.models[run["model"]] += 1
        group.configurations[run["assistant_id"], run["model"], run["instructions"]] += 1
        if usage is None:
            continue
        group.tokens = (group.tokens or 0) + usage["total_tokens"]
        price = PRICES.get(run["model"])
        if price is None:
            group.unpriced += usage["total_tokens"] > 0
        else:
            group.cost = (group.cost or 0) + usage["prompt_tokens"] * price[0] + usage["completion_tokens"] * price[1]
    return sums


def stats_name(counted: ErrorGroupStats) -> tuple[str, str | None, str]:
    group = counted.group
    is_said = group.status not in ("incomplete", "expired")
    return group.status, group.code, group.template.partition(" ")[0] if is_said else ""


@pytest.fixture
def filled(project: Project) -> Project:
    seed(project)
    factories.post(
        factories.make_project("other"), *(make_ended_run(0, number, factories.NOW - 60) for number in range(3))
    )
    return project


def test_groups_equal_recount_of_runs(filled: Project) -> None:
    result = errors.fetch_error_groups(filled, FORTNIGHT, NOW)
    sums = recount_groups(raw_runs(filled), factories.NOW - 14 * DAY, float("inf"))
    expected = {name: item for name, item in sums.items() if item.runs}
    assert len(expected) >= 6
    assert {stats_name(item) for item in result.groups} == expected.keys()
    assert result.group_count == len(expected)
    for counted in result.groups:
        recounted = expected[stats_name(counted)]
        actual = counted.sums
        assert (actual.runs, actual.tokens, actual.cost, actual.unpriced_runs, counted.previous_runs) == (
            recounted.runs, recounted.tokens, recounted.cost, recounted.unpriced, recounted.before,
        )  # fmt: skip
        assert counted.first_seen.timestamp() == min(recounted.seen)
        assert counted.last_seen.timestamp() == max(recounted.seen)
    total = result.sums
    assert total.runs == sum(item.runs for item in expected.values())
    assert total.tokens == sum(item.tokens or 0 for item in expected.values())
    assert total.cost == sum(item.cost or 0 for item in expected.values())
    assert total.unpriced_runs == sum(item.unpriced for item in expected.values())
    counts = [item.sums.runs for item in result.groups]
    assert counts == sorted(counts, reverse=True)


def test_distributions_equal_recount_of_runs(filled: Project) -> None:
    result = errors.fetch_error_groups(filled, FORTNIGHT, NOW)
    sums = recount_groups(raw_runs(filled), factories.NOW - 14 * DAY, float("inf"))
    listed = result.groups[:3]
    parts = errors.fetch_error_distributions(
        filled, FORTNIGHT, result.time_range.buckets, NOW, [item.group.pk for item in listed]
    )
    assert parts.keys() == {None, *(item.group.pk for item in listed)}
    start, step = result.time_range.buckets.start.timestamp(), result.time_range.buckets.step.total_seconds()
    for counted in listed:
        recounted, actual = sums[stats_name(counted)], parts[counted.group.pk]
        places: Counter[int] = Counter()
        for hour, count in recounted.days.items():
            places[min(int((hour * 3600 - start) // step), result.time_range.buckets.count - 1)] += count
        assert actual.over_time == places
        assert actual.assistants == recounted.assistants
        assert actual.models == recounted.models
        assert sorted(actual.configurations.values()) == sorted(recounted.configurations.values())
    others = sum(item.sums.runs for item in result.groups[3:])
    assert parts[None].over_time.total() == others
    only = listed[0].group.pk
    assert errors.fetch_error_distributions(filled, FORTNIGHT, result.time_range.buckets, NOW, [only], only=only) == {
        only: parts[only]
    }


@pytest.mark.parametrize(
    ("filters", "since", "until"),
    [
        (RunFilters(since=TimeExpression("-24h")), factories.NOW - DAY, None),
        (RunFilters(since=TimeExpression("-90d")), factories.NOW - 90 * DAY, None),
        (RunFilters(until=TimeExpression.parse((NOW - timedelta(days=3)).isoformat())), 0, factories.NOW - 3 * DAY),
        (
            RunFilters(
                since=TimeExpression.parse((NOW - timedelta(days=14, seconds=1)).isoformat()),
                until=TimeExpression.parse(NOW.isoformat()),
            ),
            factories.NOW - 14 * DAY - 1,
            factories.NOW,
        ),
    ],
)
def test_time_limits_are_exact(filled: Project, filters: RunFilters, since: int, until: int | None) -> None:
    end = float("inf") if until is None else until
    sums = recount_groups(raw_runs(filled), since, end)
    result = errors.fetch_error_groups(filled, filters, NOW)
    assert {stats_name(item): item.sums.runs for item in result.groups} == {
        name: item.runs for name, item in sums.items() if item.runs
    }
    created = [run["created_at"] for run in raw_runs(filled)]
    assert errors.count_matching_runs(filled, filters, NOW) == (
        sum(since <= item < end for item in created),
        False,
    )


@pytest.mark.parametrize(
    ("filters", "holds"),
    [
        (RunFilters(assistant=("asst_a", "asst_b")), lambda run: run["assistant_id"] in ("asst_a", "asst_b")),
        (RunFilters(model=("our-own",)), lambda run: run["model"] == "our-own"),
        (RunFilters(status=("failed", "completed")), lambda run: run["status"] in ("failed", "completed")),
        (RunFilters(q=Query.parse("timed OR reason:*")), None),
        (RunFilters(model=("our-own",), assistant=("asst_a",)), None),
    ],
)
def test_filters_apply_to_groups_and_all_runs(filled: Project, filters: RunFilters, holds: Any) -> None:
    conditions = {name: getattr(filters, name) for name in filters.active_names}
    requested = RunFilters(**conditions, since=TimeExpression("-14d"))
    matching = (
        Run.objects.in_project(filled).filter(requested.plan(filled, NOW).build_page_condition()).with_configuration()
    )
    raw = [json.loads(run.as_json()) for run in matching]
    if holds:
        recent = [run for run in raw_runs(filled) if run["created_at"] >= factories.NOW - 14 * DAY]
        assert {run["id"] for run in raw} == {run["id"] for run in recent if holds(run)}
    assert raw
    result = errors.fetch_error_groups(filled, requested, NOW)
    sums = recount_groups(raw, 0, float("inf"))
    assert {stats_name(item): item.sums.runs for item in result.groups} == {
        name: item.runs for name, item in sums.items()
    }
    assert errors.count_matching_runs(filled, requested, NOW) == (len(raw), False)


def test_single_group_has_same_numbers(filled: Project) -> None:
    every = errors.fetch_error_groups(filled, FORTNIGHT, NOW)
    first = every.groups[0]
    alone = errors.fetch_error_groups(filled, FORTNIGHT, NOW, only=first.group.pk)
    assert alone.groups == (first,)
    assert alone.sums == first.sums
    assert errors.select_error_group_runs(filled, first.group.pk, FORTNIGHT, NOW).count() == first.sums.runs
    assert errors.fetch_first_and_last_seen(first.group.pk) == (first.first_seen, first.last_seen)


def test_group_without_runs_is_not_listed(filled: Project) -> None:
    lonely = ErrorGroup.objects.get(code="lonely")
    assert lonely.pk not in {item.group.pk for item in errors.fetch_error_groups(filled, FORTNIGHT, NOW).groups}
    assert errors.fetch_first_and_last_seen(lonely.pk) is None


def test_project_without_runs_has_no_groups(project: Project) -> None:
    result = errors.fetch_error_groups(project, FORTNIGHT, NOW)
    assert (result.groups, result.group_count, result.sums.runs, result.sums.tokens) == ((), 0, 0, None)
    assert errors.count_matching_runs(project, FORTNIGHT, NOW) == (0, False)
    assert errors.fetch_error_groups(project, RunFilters(until=TimeExpression("-1d")), NOW).groups == ()


def test_count_without_rollup_ends_at_limit(filled: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(errors, "MAX_SAMPLE_SIZE", 5)
    requested = RunFilters(since=TimeExpression("-14d"), q=Query.parse("model:*"))
    assert errors.count_matching_runs(filled, requested, NOW) == (5, True)


def test_sums_include_groups_beyond_limit(filled: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    every = errors.fetch_error_groups(filled, FORTNIGHT, NOW)
    monkeypatch.setattr(errors, "MAX_ERROR_GROUPS", 2)
    few = errors.fetch_error_groups(filled, FORTNIGHT, NOW)
    assert few.groups == every.groups[:2]
    assert (few.group_count, few.sums, few.is_capped, every.is_capped) == (every.group_count, every.sums, True, False)


def post_history(project: Project, code: str, before: int, runs: int, *, first: int = 40) -> None:
    """Post runs of the previous and the last fourteen days; the first of all is `first` days old."""
    now = factories.NOW
    old = [make_ended_run(0, number, now - 20 * DAY - number, id=f"{code}_b{number}") for number in range(before)]
    new = [make_ended_run(0, number, now - 3 * DAY - number, id=f"{code}_n{number}") for number in range(runs)]
    begun = [make_ended_run(0, 0, now - first * DAY, id=f"{code}_first")]
    posted = [run | {"last_error": {"code": code, "message": "x"}} for run in (*old, *new, *begun)]
    assert not factories.post(project, *posted).errors


@pytest.mark.parametrize(
    ("before", "runs", "first", "trend"),
    [
        (10, 12, 40, ErrorTrend.STEADY),
        (10, 30, 40, ErrorTrend.UP),
        (30, 10, 40, ErrorTrend.DOWN),
        (1, 4, 40, ErrorTrend.STEADY),  # within chance
        (1, 1, 40, ErrorTrend.FEW),
        (1, 3, 40, ErrorTrend.FEW),
        (0, 1, 40, ErrorTrend.BACK),
        (0, 4, 5, ErrorTrend.NEW),
    ],
)
def test_trend_ignores_differences_by_chance(
    project: Project, before: int, runs: int, first: int, trend: ErrorTrend
) -> None:
    factories.post_run(project, created_at=factories.NOW - 60 * DAY)
    post_history(project, "code", before, runs, first=first)
    (counted,) = errors.fetch_error_groups(project, FORTNIGHT, NOW).groups
    assert (counted.previous_runs, counted.trend) == (before, trend)


def test_trend_is_unknown_without_previous_runs(project: Project) -> None:
    post_history(project, "old", 2, 30, first=20)
    (counted,) = errors.fetch_error_groups(project, FORTNIGHT, NOW).groups
    assert counted.trend is ErrorTrend.UNKNOWN  # the first run of all is 20 days old, and 28 would be needed
    (counted,) = errors.fetch_error_groups(project, RunFilters(since=TimeExpression("-90d")), NOW).groups
    assert counted.trend is ErrorTrend.UNKNOWN  # everything is new to a project that is
    (counted,) = errors.fetch_error_groups(project, RunFilters(until=TimeExpression("-1d")), NOW).groups
    assert counted.trend is ErrorTrend.UNKNOWN


def test_resolved_group_regresses_with_later_run(project: Project, member: User) -> None:
    post_history(project, "code", 0, 2)
    group = ErrorGroup.objects.get()

    def counted() -> ErrorGroupStats:
        return errors.fetch_error_groups(project, FORTNIGHT, NOW).groups[0]

    assert counted().is_open
    factories.decide(group, "resolved", member)
    resolved_at = int(ErrorGroup.objects.get().state_changed_at.timestamp())  # type: ignore[union-attr]
    late = make_ended_run(0, 1, resolved_at - 5, last_error={"code": "code", "message": "x"}, id="late")
    factories.post(project, late)  # received after, but created before
    assert (counted().has_regressed, counted().is_open) == (False, False)
    factories.post(project, late | {"id": "later", "created_at": resolved_at + 5})
    assert (counted().has_regressed, counted().is_open) == (True, True)
    assert counted().group.state_changed_by == member
    factories.decide(group, "ignored", member)
    assert (counted().has_regressed, counted().is_open) == (False, False)


def test_report_takes_constant_queries(filled: Project) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            result = errors.fetch_error_groups(filled, FORTNIGHT, NOW)
            errors.fetch_error_distributions(
                filled, FORTNIGHT, result.time_range.buckets, NOW, [item.group.pk for item in result.groups]
            )
            errors.count_matching_runs(filled, FORTNIGHT, NOW)
        return len(captured)

    few = queries()
    more = [
        make_ended_run(0, number, factories.NOW - 60, last_error={"code": f"c{number}", "message": "x"})
        for number in range(20)
    ]
    factories.post(filled, *more)
    assert queries() == few == 5
