"""Print the state of a project, from a process beside the server, so that two projects can be compared."""

from __future__ import annotations

import hashlib
import json

from django.db.models import Count, F, Max

from runs.models import Observation, Project, Run
from tests.runs.rollups.test_runs import read_rollups, recount_rollups


def print_state(slug: str) -> None:
    """Print as JSON: the number of runs, digests of all runs and rollups, and inconsistencies."""
    project = Project.objects.get(slug=slug)
    runs = Run.objects.in_project(project).with_configuration().order_by("external_id")
    objects = [json.loads(run.as_json()) for run in runs]
    sums = read_rollups(project)
    state = {
        "runs": len(objects),
        "objects": digest(objects),
        "sums": digest(sorted((name, str(sorted(map(str, rows.items())))) for name, rows in sums.items())),
        "sums_exact": sums == recount_rollups(project),
        "broken_histories": broken_histories(project),
    }
    print(json.dumps(state))


def digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def broken_histories(project: Project) -> int:
    """Count the runs whose history is not numbered from 1 to its length, or is longer than the version."""
    observations = Observation.objects.filter(run_id__in=Run.objects.in_project(project).values("pk"))
    entries = {
        run: (count, last) for run, count, last in observations.values_list("run_id").annotate(Count("n"), Max("n"))
    }
    runs = Run.objects.in_project(project).values_list("pk", "history_length")
    return sum(entries.get(pk, (0, 0)) != (length, length) for pk, length in runs) + (
        Run.objects.in_project(project).filter(version__lt=1, history_length__gt=F("version")).count()
    )
