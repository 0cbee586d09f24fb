"""The steps of one run that a page can show, and totals of all of them, in bounded time and memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from django.db import connection
from django.db.models import Count, Func, IntegerField, Max, Min, Q, Sum, TextField
from django.db.models.functions import Coalesce

from runs.db.size_limits import take_all_or_first, take_within_bytes
from runs.models import Run, RunStep
from runs.models.run_step import STEP_ORDER
from runs.protocol.step import TERMINAL_STEP_STATUSES

MAX_STEPS_READ = 500
MAX_DETAILS_BYTES = 16 * 1024 * 1024  # of all steps that are read
# A larger run is opened with its notable steps only, so that its page does not wait for the others.
MAX_OPENING_STEPS = 200
MAX_OPENING_BYTES = 2 * 1024 * 1024
# Steps after those that are read too: some that failed or wait, since links point to them, and the last ones, which
# tell why a run ended.
MAX_NOTABLE_STEPS = 10
LAST_STEPS = 5
MAX_TOOL_NAMES = 500
MAX_WAITS = 200  # steps with function calls, the first ones, that tell when a run waited
_FUNCTION_TYPE = "function"
_HAS_FAILED = Q(status="failed") | Q(error_code__isnull=False)
_SELECT_NOTABLE = f"""
    SELECT external_id, number
      FROM (SELECT external_id, status, error_code,
                   row_number() OVER (ORDER BY {", ".join(STEP_ORDER)}) AS number, count(*) OVER () AS step_count
              FROM run_step WHERE run_id = %(run)s) AS numbered
     WHERE number > %(after)s
       AND (number = %(chosen)s OR number > step_count - %(last)s OR status = 'failed' OR error_code IS NOT NULL
            OR (%(is_waiting)s AND status <> ALL(%(terminal)s)))
     ORDER BY number <> %(chosen)s, number <= step_count - %(last)s, number
     LIMIT %(limit)s"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class StepTotals:
    """Facts about all steps of a run.

    `first_at` and `last_at` are the earliest and the latest time of any step. `waiting_since` is when the pending tool
    calls were made: the creation of the newest step in progress. `tool_counts` are the names of the called tools and
    how often each was called, in the order of their first calls. `waits` are the begin and end of the first steps that
    call functions, whose outputs the run waits for.
    """

    count: int = 0
    failed_count: int = 0
    call_count: int = 0
    first_at: datetime | None = None
    last_at: datetime | None = None
    waiting_since: datetime | None = None
    tool_counts: tuple[tuple[str, int], ...] = ()
    waits: tuple[tuple[datetime, datetime | None], ...] = ()


@dataclass(frozen=True)
class ReadSteps:
    """Steps of a run with their numbers from 1, in order, and the totals of all its steps."""

    steps: list[tuple[int, RunStep]]
    totals: StepTotals

    @cached_property
    def is_complete(self) -> bool:
        """Return whether these are all steps of the run."""
        return len(self.steps) == self.totals.count


def read_steps(run: Run, chosen_number: int = 0, *, max_steps: int | None = None) -> ReadSteps:
    """Read the first steps of a run, its last ones, some that failed or wait, and the one with the chosen number.

    Takes one query if these are all. The first ones are at most `max_steps`, or `MAX_STEPS_READ`.
    """
    steps = RunStep.objects.of_run(run).for_run_page()
    limits = {"max_rows": max_steps or MAX_STEPS_READ, "max_bytes": MAX_DETAILS_BYTES}
    return _add_notable_steps(run, list(take_within_bytes(steps, STEP_ORDER, "details", **limits)), chosen_number)


def read_opening_steps(run: Run, chosen_number: int = 0) -> ReadSteps:
    """Read all steps of a run of usual size in one query, as `read_steps` does; of a larger one, the notable ones."""
    steps = RunStep.objects.of_run(run).for_run_page()
    limits = {"max_rows": MAX_OPENING_STEPS, "max_bytes": MAX_OPENING_BYTES}
    return _add_notable_steps(run, list(take_all_or_first(steps, STEP_ORDER, "details", **limits)), chosen_number)


def _add_notable_steps(run: Run, first: list[Any], chosen_number: int) -> ReadSteps:
    read = [(step.number, step) for step in first]
    if not first or first[0].row_count == len(first):
        return ReadSteps(read, total_steps(first))
    return ReadSteps(read + _read_notable_steps(run, len(first), chosen_number), fetch_step_totals(run))


def read_step(run: Run, number: int) -> RunStep | None:
    """Return the step of a run with this number; None if there are fewer."""
    return RunStep.objects.of_run(run).for_run_page().oldest_first()[number - 1 : number].first()


def read_chosen_steps(run: Run, step_ids: Mapping[int, str]) -> list[tuple[int, RunStep]]:
    """Read the steps with those ids, given by their numbers, as far as a page reads their details. Takes one query."""
    numbers = {step_id: number for number, step_id in step_ids.items()}
    chosen = RunStep.objects.of_run(run).filter(external_id__in=numbers).for_run_page()
    read = take_within_bytes(chosen, STEP_ORDER, "details", max_rows=MAX_STEPS_READ, max_bytes=MAX_DETAILS_BYTES)
    return [(numbers[step.external_id], step) for step in read]


def total_steps(steps: Sequence[RunStep]) -> StepTotals:
    """Return the totals of `steps`, which are all steps of a run in order."""
    times = [moment for step in steps for moment in (step.stated_created_at, step.ended_at) if moment is not None]
    names = Counter(name for step in steps for name in step.tool_names)
    return StepTotals(
        count=len(steps),
        failed_count=sum(step.is_failed for step in steps),
        call_count=names.total(),
        first_at=min((step.stated_created_at for step in steps), default=None),
        last_at=max(times, default=None),
        waiting_since=max((step.created_at for step in steps if step.status == "in_progress"), default=None),
        tool_counts=tuple(names.items()),
        waits=tuple((step.stated_created_at, step.ended_at) for step in steps if _FUNCTION_TYPE in step.tool_types)[
            :MAX_WAITS
        ],
    )


def fetch_step_totals(run: Run) -> StepTotals:
    """Return the totals of all steps of a run. Takes three queries."""
    steps = RunStep.objects.of_run(run)
    stated = Coalesce("posted_created_at", "created_at")
    totals = steps.aggregate(
        count=Count("*"),
        failed_count=Count("external_id", filter=_HAS_FAILED),
        call_count=Coalesce(Sum(Func("tool_names", function="cardinality", output_field=IntegerField())), 0),
        first_at=Min(stated),
        last_at=Max(Func(stated, "ended_at", function="greatest")),
        waiting_since=Max("created_at", filter=Q(status="in_progress")),
    )
    names = steps.annotate(name=Func("tool_names", function="unnest", output_field=TextField())).values("name")
    first_calls = {f"first_{column}": Min(column) for column in STEP_ORDER}
    counts = names.annotate(calls=Count("*"), **first_calls).order_by(*first_calls)[:MAX_TOOL_NAMES]
    waits = steps.filter(tool_types__contains=[_FUNCTION_TYPE]).oldest_first().values_list(stated, "ended_at")
    return StepTotals(**totals, tool_counts=tuple(counts.values_list("name", "calls")), waits=tuple(waits[:MAX_WAITS]))


def _read_notable_steps(run: Run, after: int, chosen_number: int) -> list[tuple[int, RunStep]]:
    params: dict[str, Any] = {
        "run": run.pk,
        "after": after,
        "chosen": chosen_number,
        "is_waiting": run.status == "requires_action",
        "terminal": sorted(TERMINAL_STEP_STATUSES),
        "last": LAST_STEPS,
        "limit": MAX_NOTABLE_STEPS + LAST_STEPS,
    }
    with connection.cursor() as cursor:
        cursor.execute(_SELECT_NOTABLE, params)
        numbers = dict(cursor.fetchall())
    notable = RunStep.objects.of_run(run).filter(external_id__in=numbers).for_run_page()
    read = take_within_bytes(notable, STEP_ORDER, "details", max_rows=len(numbers), max_bytes=MAX_DETAILS_BYTES)
    return sorted(((numbers[step.external_id], step) for step in read), key=lambda pair: pair[0])
