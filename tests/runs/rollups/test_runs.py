"""The rollups of runs equal a recount of the runs, whatever was written."""

from __future__ import annotations

import random
from collections import defaultdict
from typing import Any

import pytest
from django.db.models import Sum

from runs.models import DayByModel, Project, Run
from runs.rollups import compaction, runs
from tests import factories
from tests.factories import delete_run, failed_run, run_object


def recount_rollups(project: Project) -> dict[str, dict[tuple[Any, ...], list[int]]]:
    """Return the rows of all rollups, computed from the runs."""
    tables = {}
    for rollup in runs.RUN_ROLLUPS:
        sums: dict[tuple[Any, ...], list[int]] = defaultdict(lambda: [0] * len(runs.RUN_MEASURES))
        for run in Run.objects.in_project(project):
            counts = [(getattr(run, name) or 0) for name in runs.RUN_MEASURES[1:-2]]
            unpriced = (run.total_tokens or 0) if run.cost is None else 0
            measures = [1, *counts, unpriced, int(run.status == "failed")]
            key = rollup.key_of(runs.run_group(run))
            if key is None:
                continue
            sums[key] = [a + b for a, b in zip(sums[key], measures, strict=True)]
        tables[rollup.model.__name__] = dict(sums)
    return tables


def read_rollups(project: Project) -> dict[str, dict[tuple[Any, ...], list[int]]]:
    """Return the sums in all rollups, by key."""
    tables = {}
    for rollup in runs.RUN_ROLLUPS:
        rows = rollup.model._default_manager.filter(project=project).values_list(*rollup.key)
        summed = rows.annotate(*(Sum(name, default=0) for name in runs.RUN_MEASURES))
        width = len(rollup.key)
        tables[rollup.model.__name__] = {row[:width]: list(map(int, row[width:])) for row in summed if any(row[width:])}
    return tables


def test_rollups_follow_every_kind_of_write(project: Project) -> None:
    rng = random.Random(4)
    bases = [run_object(created_at=factories.NOW + rng.randrange(3 * 86400)) for _ in range(12)]
    for _ in range(60):
        base = rng.choice(bases)
        usage = rng.choice([None, {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}])
        status = rng.choice(["queued", "in_progress", "completed", "failed"])
        model = rng.choice(["gpt-4o", "our-own", None])
        factories.post(project, base | {"status": status, "usage": usage, "model": model})
        if rng.random() < 0.15 and (run := Run.objects.in_project(project).order_by("external_id").first()):
            delete_run(run)
        if rng.random() < 0.15:
            compaction.compact_rollups(project)
    assert read_rollups(project) == recount_rollups(project)
    sums = [sums for table in read_rollups(project).values() for sums in table.values()]
    assert all(
        sum(item[index] for item in sums) > 5 for index, _ in enumerate(runs.RUN_MEASURES) if index not in (4, 5)
    )


def test_lifecycle_in_one_request_counts_once(project: Project) -> None:
    done = run_object()
    factories.post(project, done | {"status": "queued", "usage": None}, done | {"status": "in_progress"}, done)
    assert read_rollups(project) == recount_rollups(project)


def test_compaction_keeps_sums_in_one_row(project: Project) -> None:
    for _ in range(30):
        factories.post(project, failed_run(created_at=factories.NOW))
    before = read_rollups(project)
    compaction.compact_rollups(project)
    assert read_rollups(project) == before
    assert DayByModel.objects.filter(project=project).count() == 1


def test_compaction_skips_other_projects(project: Project) -> None:
    other = factories.make_project("other")
    for _ in range(5):
        factories.post(project, run_object(created_at=factories.NOW))
        factories.post(other, run_object(created_at=factories.NOW))
    compaction.compact_rollups(project)
    assert DayByModel.objects.filter(project=other).count() == 5


def test_sums_may_exceed_bigint(project: Project) -> None:
    limit = {"prompt_tokens": 2**63 - 1, "completion_tokens": 0, "total_tokens": 2**63 - 1}
    for _ in range(3):
        factories.post(project, run_object(created_at=factories.NOW, usage=limit))
    compaction.compact_rollups(project)
    assert DayByModel.objects.get(project=project).total_tokens == 3 * (2**63 - 1)


@pytest.mark.parametrize("status", ["completed", "failed"])
def test_deleted_run_posted_again_counts_once(project: Project, status: str) -> None:
    posted = run_object(status=status)
    factories.post(project, posted)
    delete_run(Run.objects.get())
    factories.post(project, posted)
    assert read_rollups(project) == recount_rollups(project)
    assert Run.objects.get().version == 1


def test_writes_compact_occasionally(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compaction, "_WRITES_PER_COMPACTION", 1)
    for _ in range(10):
        factories.post(project, run_object(created_at=factories.NOW))
    assert DayByModel.objects.filter(project=project).count() < 10
    assert read_rollups(project) == recount_rollups(project)
