"""A database for read benchmarks, filled with runs of the demo generator.

Runs are stored through `runs.ingest`, so that rollups, configurations and all other derived records exist.
"""

from __future__ import annotations

import itertools
import os
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from tests.benchmarks.site import encode_json

if TYPE_CHECKING:
    from runs.ingest import RawItem, RecordType
    from runs.models import Project

T = TypeVar("T")

BATCH_SIZE = 1000
DAYS = 90
# The oldest runs, one in `TAGGED_SHARE`, get this tag.
TAGGED_SHARE, TAG = 50, "archived"
# One run in `STEPS_SHARE` gets its steps and messages, because storing them takes most of the time.
STEPS_SHARE = 5


@contextmanager
def open_directory(keep: Path | None) -> Iterator[Path]:
    """Open the directory of the databases: `keep`, or one that is deleted at the end."""
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        yield keep.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="runglass-benchmark-") as directory:
        Path(directory).chmod(0o711)  # root's server runs as another user
        yield Path(directory)


def run_in_process(work: Callable[..., T], *arguments: Any) -> T:
    """Run `work` in another process, because a process uses one database only."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as executor:
        return executor.submit(work, *arguments).result()


def setup_django(directory: Path) -> None:
    """Set up Django with the database in `directory`, which is created if it does not exist."""
    os.environ |= {"RUNGLASS_DATA_DIR": str(directory), "DJANGO_SETTINGS_MODULE": "dashboard.settings"}
    os.environ.pop("DATABASE_URL", None)
    import django

    django.setup()
    from dashboard.server import startup_checks

    startup_checks.apply_migrations(startup_checks.count_pending_migrations(), lambda *_: None)
    if startup_checks.are_static_files_outdated():
        startup_checks.collect_static_files()


def load_project(runs: int) -> Project:
    """Return the project, after loading `runs` runs into a new database.

    Raises:
        SystemExit: the database holds another number of runs.
    """
    from runs.models import Project, Run

    project, _ = Project.objects.get_or_create(slug="default", defaults={"name": "Default"})
    stored = Run.objects.in_project(project).count()
    if stored not in (0, runs, runs + 1):  # `pages` adds one
        raise SystemExit(
            f"{os.environ['RUNGLASS_DATA_DIR']} holds {stored:,} runs, not {runs:,}: choose another --keep"
        )
    if not stored:
        _load(project, runs)
    _tag(project, runs // TAGGED_SHARE)
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
    from runs.enrichment.search_index import index_search_texts
    from runs.ingest import MESSAGES, RUNS, STEPS
    from runs.rollups import compaction

    started = time.perf_counter()
    source = enumerate(generate_lifecycles(runs=runs, days=DAYS, end=int(time.time())))
    for batch in iter(lambda: list(itertools.islice(source, BATCH_SIZE)), []):
        ingest_objects(project, RUNS, (lifecycle.run for _, lifecycle in batch))
        detailed = [lifecycle for n, lifecycle in batch if n % STEPS_SHARE == 0]
        ingest_objects(project, STEPS, (step for lifecycle in detailed for step in lifecycle.steps))
        ingest_objects(project, MESSAGES, (message for lifecycle in detailed for message in lifecycle.messages))
        done = batch[-1][0] + 1
        if done % 50_000 == 0:
            print(f"{done:,} runs loaded, {done / (time.perf_counter() - started):,.0f} per second", flush=True)
    while index_search_texts(project, rest_factor=0.0):
        pass
    compaction.compact_rollups(project)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)")


def ingest_objects(project: Project, record_type: RecordType, objects: Iterable[Any]) -> None:
    """Store posted objects. Raises RuntimeError if one is rejected."""
    from runs.ingest import RawItem, ingest

    items: Iterator[RawItem] = (RawItem(index, encode_json(value)) for index, value in enumerate(objects))
    report = ingest(project, record_type, items)
    if report.errors:
        raise RuntimeError(f"rejected: {report.errors[0]}")
