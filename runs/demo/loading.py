"""Loading of the demo data into a project through the ingest."""

from __future__ import annotations

import contextlib
import itertools
import json
import time
from collections.abc import Callable, Iterable
from typing import Any

from runs.demo.generate import Lifecycle, generate_assistants, generate_lifecycles
from runs.demo.rhythm import DAY
from runs.errors import InvalidView
from runs.ingest import ASSISTANTS, MESSAGES, RUNS, STEPS, RawItem, RecordType, ingest
from runs.models import Project, Run, SavedView
from runs.query import RunFilters
from runs.team import saved_views, tags

_BATCH_SIZE = 250
# The name, query and sort order of saved views.
_VIEWS = (
    ("Failing today", "status:failed,expired created:-24h", ""),
    ("Needs action", "status:requires_action", ""),
    ("Slower than 20 s", "duration:>20s", "-duration"),
    ("To review", "tag:needs-review", ""),
)
# The tags of the newest runs of a query, with their number.
_TAGS = {
    ("status:failed", "needs-review"): 5,
    ("error:rate_limit_exceeded", "known-issue"): 12,
}


def load_demo(project: Project, progress: Callable[[int, int], None], *, runs: int = 3000, days: int = 30) -> None:
    """Store lifecycles that started in the last `days` in `project`.

    A project that has runs already is not changed, so that a second start adds no second month.

    Args:
        project: The project.
        progress: Called with the numbers of stored and of all lifecycles.
        runs: The number of lifecycles.
        days: The length of the period.
    """
    if Run.objects.in_project(project).exists():
        return
    done, end = 0, int(time.time())
    _store(project, ASSISTANTS, generate_assistants(end - days * DAY))
    for lifecycles in _iterate_batches(generate_lifecycles(runs=runs, days=days, end=end)):
        _store(
            project,
            RUNS,
            itertools.chain.from_iterable((*lifecycle.earlier, lifecycle.run) for lifecycle in lifecycles),
        )
        _store(project, STEPS, itertools.chain.from_iterable(lifecycle.steps for lifecycle in lifecycles))
        _store(project, MESSAGES, itertools.chain.from_iterable(lifecycle.messages for lifecycle in lifecycles))
        done += len(lifecycles)
        progress(done, runs)
    _add_team_data(project)


def _iterate_batches(lifecycles: Iterable[Lifecycle]) -> Iterable[list[Lifecycle]]:
    source = iter(lifecycles)
    return iter(lambda: list(itertools.islice(source, _BATCH_SIZE)), [])


def _store(project: Project, record_type: RecordType, objects: Iterable[dict[str, Any]]) -> None:
    items = (RawItem(index, json.dumps(record).encode()) for index, record in enumerate(objects))
    report = ingest(project, record_type, items)
    if report.errors:
        raise ValueError(f"the demo data does not follow the protocol: {report.errors[0]}")


def _add_team_data(project: Project) -> None:
    """Add saved views for daily questions, and tags on the newest failures."""
    for name, query, sort in _VIEWS:
        with contextlib.suppress(InvalidView):  # it may exist from an earlier load
            saved_views.save_view(SavedView(project=project, name=name, query=query, sort=sort, shared=True))
    for (query, name), count in _TAGS.items():
        runs = RunFilters.parse_query_text(query).apply(Run.objects.in_project(project)).newest_first()
        tags.add_tags(project, list(runs.values_list("pk", flat=True)[:count]), [name], user=None)
