"""Puts the demo data into a project, through the real ingest."""

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

_BATCH = 250  # lifecycles
_VIEWS = (
    ("Failing today", "status:failed,expired created:-24h", ""),
    ("Needs action", "status:requires_action", ""),
    ("Slower than 20 s", "duration:>20s", "-duration"),
    ("To review", "tag:needs-review", ""),
)
_TAGS = {
    ("status:failed", "needs-review"): 5,
    ("error:rate_limit_exceeded", "known-issue"): 12,
}


def load_demo(project: Project, progress: Callable[[int, int], None], *, runs: int = 3000, days: int = 30) -> None:
    """Store `runs` lifecycles that began in the last `days` in `project`; `progress` gets (done, total).

    A project that holds runs already is left as it is, so that a second start adds no second month.
    """
    if Run.objects.in_project(project).exists():
        return
    done, end = 0, int(time.time())
    _store(project, ASSISTANTS, generate_assistants(end - days * DAY))
    for lifecycles in _batches(generate_lifecycles(runs=runs, days=days, end=end)):
        _store(project, RUNS, itertools.chain.from_iterable((*each.earlier, each.run) for each in lifecycles))
        _store(project, STEPS, itertools.chain.from_iterable(each.steps for each in lifecycles))
        _store(project, MESSAGES, itertools.chain.from_iterable(each.messages for each in lifecycles))
        done += len(lifecycles)
        progress(done, runs)
    _add_team_data(project)


def _batches(lifecycles: Iterable[Lifecycle]) -> Iterable[list[Lifecycle]]:
    source = iter(lifecycles)
    return iter(lambda: list(itertools.islice(source, _BATCH)), [])


def _store(project: Project, kind: RecordType, objects: Iterable[dict[str, Any]]) -> None:
    report = ingest(project, kind, (RawItem(index, json.dumps(each).encode()) for index, each in enumerate(objects)))
    if report.errors:
        raise ValueError(f"the demo data does not follow the protocol: {report.errors[0]}")


def _add_team_data(project: Project) -> None:
    """Views of what is asked every day, and labels on the newest failures."""
    for name, query, sort in _VIEWS:
        with contextlib.suppress(InvalidView):  # it may be left of an earlier month
            saved_views.save_view(SavedView(project=project, name=name, query=query, sort=sort, shared=True))
    for (query, name), most in _TAGS.items():
        newest = RunFilters.from_language(query).apply(Run.objects.in_project(project)).newest_first()
        tags.add_tags(project, list(newest.values_list("pk", flat=True)[:most]), [name], user=None)
