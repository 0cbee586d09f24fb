"""A database of its own for a benchmark that reads, filled with the demo generator's runs.

They go in through the real ingest, so rollups, configurations and whatever else is kept beside runs are right.
"""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.benchmarks.site import as_bytes

if TYPE_CHECKING:
    from runs.ingest import RawItem, RecordType
    from runs.models import Project

BATCH = 1000
DAYS = 90
# The oldest of so many runs, and what they are tagged with.
TAGGED_ONE_IN, TAG = 50, "archived"
# Of so many runs one brings its steps; their tables would take most of the time to fill otherwise.
STEPS_ONE_IN = 5


def open_in(directory: Path) -> None:
    """Set Django up on the database in `directory`, which is made where there is none; it ends with the process."""
    os.environ |= {"RUNGLASS_DATA_DIR": str(directory), "DJANGO_SETTINGS_MODULE": "dashboard.settings"}
    os.environ.pop("DATABASE_URL", None)
    import django

    django.setup()
    from dashboard.server import startup_checks

    startup_checks.apply_migrations(startup_checks.count_pending_migrations(), lambda *_: None)
    if startup_checks.are_static_files_outdated():
        startup_checks.collect_static_files()


def filled(runs: int) -> Project:
    """The project with so many runs, which are loaded where the database is new. Raises SystemExit."""
    from runs.models import Project, Run

    project, _ = Project.objects.get_or_create(slug="default", defaults={"name": "Default"})
    stored = Run.objects.in_project(project).count()
    if stored not in (0, runs, runs + 1):  # `pages` adds one
        raise SystemExit(f"{os.environ['RUNGLASS_DATA_DIR']} holds {stored:,} runs, not {runs:,}: give another --keep")
    if not stored:
        _load(project, runs)
    _tag(project, runs // TAGGED_ONE_IN)
    return project


def _tag(project: Project, count: int) -> None:
    from django.db import connection

    from runs.models import Run, RunTag
    from runs.team import tags

    if not RunTag.objects.in_project(project).exists():
        oldest = Run.objects.in_project(project).order_by("created_at").values_list("pk", flat=True)[:count]
        tags.add_tags(project, list(oldest), [TAG], None)
        with connection.cursor() as cursor:
            cursor.execute("VACUUM (ANALYZE) run_tag")


def _load(project: Project, runs: int) -> None:
    from django.db import connection

    from runs.demo import generate_lifecycles
    from runs.ingest import RUNS, STEPS
    from runs.rollups import compaction

    begun = time.perf_counter()
    source = enumerate(generate_lifecycles(runs=runs, days=DAYS, end=int(time.time())))
    for batch in iter(lambda: list(itertools.islice(source, BATCH)), []):
        _ingest(project, RUNS, (each.run for _, each in batch))
        _ingest(project, STEPS, (step for n, each in batch if n % STEPS_ONE_IN == 0 for step in each.steps))
        done = batch[-1][0] + 1
        if done % 50_000 == 0:
            print(f"{done:,} runs loaded, {done / (time.perf_counter() - begun):,.0f} a second", flush=True)
    compaction.compact_rollups(project)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)")


def _ingest(project: Project, kind: RecordType, objects: Iterator[Any]) -> None:
    from runs.ingest import RawItem, ingest

    items: Iterator[RawItem] = (RawItem(index, as_bytes(each)) for index, each in enumerate(objects))
    report = ingest(project, kind, items)
    if report.errors:
        raise RuntimeError(f"refused: {report.errors[0]}")
