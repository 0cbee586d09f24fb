"""The sums are what counting the runs anew gives, whatever happened to them."""

from __future__ import annotations

import random
from collections import defaultdict
from typing import Any

import pytest
from django.db.models import Sum

from runs.models import DayByModel, Project, Run
from runs.rollups import compaction, runs
from runs.team.deletion import delete_run
from tests import factories
from tests.factories import failed_run, run_object


def counted_anew(project: Project) -> dict[str, dict[tuple[Any, ...], list[int]]]:
    tables = {}
    for rollup in runs.RUN_ROLLUPS:
        sums: dict[tuple[Any, ...], list[int]] = defaultdict(lambda: [0] * len(runs.RUN_MEASURES))
        for run in Run.objects.in_project(project):
            counts = [(getattr(run, name) or 0) for name in runs.RUN_MEASURES[1:-2]]
            unpriced = (run.total_tokens or 0) if run.cost is None else 0
            measures = [1, *counts, unpriced, int(run.status == "failed")]
            key = rollup.key_of(runs.run_group(run))
            sums[key] = [a + b for a, b in zip(sums[key], measures, strict=True)]
        tables[rollup.model.__name__] = dict(sums)
    return tables


def kept(project: Project) -> dict[str, dict[tuple[Any, ...], list[int]]]:
    tables = {}
    for rollup in runs.RUN_ROLLUPS:
        rows = rollup.model._default_manager.filter(project=project).values_list(*rollup.key)
        summed = rows.annotate(*(Sum(name, default=0) for name in runs.RUN_MEASURES))
        width = len(rollup.key)
        tables[rollup.model.__name__] = {row[:width]: list(map(int, row[width:])) for row in summed if any(row[width:])}
    return tables


def test_sums_follow_new_runs_status_changes_resends_and_deletes(project: Project) -> None:
    chance = random.Random(4)
    bases = [run_object(created_at=factories.NOW + chance.randrange(3 * 86400)) for _ in range(12)]
    for _ in range(60):
        base = chance.choice(bases)
        usage = chance.choice([None, {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}])
        status = chance.choice(["queued", "in_progress", "completed", "failed"])
        model = chance.choice(["gpt-4o", "our-own", None])
        factories.post(project, base | {"status": status, "usage": usage, "model": model})
        if chance.random() < 0.15 and (run := Run.objects.in_project(project).order_by("external_id").first()):
            delete_run(run)
        if chance.random() < 0.15:
            compaction.compact_rollups(project)
    assert kept(project) == counted_anew(project)
    sums = [sums for table in kept(project).values() for sums in table.values()]
    assert all(
        sum(each[place] for each in sums) > 5 for place, _ in enumerate(runs.RUN_MEASURES) if place not in (4, 5)
    )


def test_one_request_with_a_whole_lifecycle_counts_the_run_once(project: Project) -> None:
    done = run_object()
    factories.post(project, done | {"status": "queued", "usage": None}, done | {"status": "in_progress"}, done)
    assert kept(project) == counted_anew(project)


def test_folding_leaves_one_row_a_key_and_changes_no_sum(project: Project) -> None:
    for _ in range(30):
        factories.post(project, failed_run(created_at=factories.NOW))
    before = kept(project)
    compaction.compact_rollups(project)
    assert kept(project) == before
    assert DayByModel.objects.filter(project=project).count() == 1


def test_folding_leaves_other_projects_alone(project: Project) -> None:
    other = factories.make_project("other")
    for _ in range(5):
        factories.post(project, run_object(created_at=factories.NOW))
        factories.post(other, run_object(created_at=factories.NOW))
    compaction.compact_rollups(project)
    assert DayByModel.objects.filter(project=other).count() == 5


def test_sums_outgrow_a_bigint(project: Project) -> None:
    most = {"prompt_tokens": 2**63 - 1, "completion_tokens": 0, "total_tokens": 2**63 - 1}
    for _ in range(3):
        factories.post(project, run_object(created_at=factories.NOW, usage=most))
    compaction.compact_rollups(project)
    assert DayByModel.objects.get(project=project).total_tokens == 3 * (2**63 - 1)


@pytest.mark.parametrize("status", ["completed", "failed"])
def test_a_deleted_run_that_is_posted_again_counts_once(project: Project, status: str) -> None:
    posted = run_object(status=status)
    factories.post(project, posted)
    delete_run(Run.objects.get())
    factories.post(project, posted)
    assert kept(project) == counted_anew(project)
    assert Run.objects.get().version == 1


def test_writes_fold_now_and_then(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compaction, "_WRITES_PER_COMPACTION", 1)
    for _ in range(10):
        factories.post(project, run_object(created_at=factories.NOW))
    assert DayByModel.objects.filter(project=project).count() < 10
    assert kept(project) == counted_anew(project)
