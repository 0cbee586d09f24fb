"""Read the stored steps that wait for validation in batches that fit into memory, with the tools of their runs."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Case, F, Func, IntegerField, QuerySet, When

from runs.enrichment.tool_call_validation import MAX_TOOLS_LENGTH, extract_tools
from runs.models import Configuration, Project, Run, RunStep

MAX_DETAILS_SIZE = 2_000_000  # bytes; larger details are not decoded, which takes up to thirty times as much memory
MAX_BATCH_SIZE = 8_000_000  # bytes of the details and tools of a batch
_MAX_SMALL_BODY_SIZE = 256_000  # bytes of a configuration that is fetched together with others

# The position of a step among those that were not validated: when it was received, and its key.
UnvalidatedPosition = tuple[datetime, uuid.UUID, str]


@dataclass(frozen=True, slots=True)
class StepBatch:
    """Steps in order of receipt, and the configurations and tools of their runs. `is_last`: no more steps follow.

    `details` has the details of each step, in the same order; None for those that are too large.
    """

    steps: Sequence[RunStep]
    details: Sequence[str | None]
    configuration_ids: Mapping[uuid.UUID, uuid.UUID]
    tools: Mapping[uuid.UUID, str | None]
    is_last: bool


def fetch_step_batch(project: Project, after: UnvalidatedPosition | None, max_steps: int) -> StepBatch:
    """Return the next steps of `project` that wait for validation: at most `max_steps`, and at least one if any do."""
    # 1. Find out how large the steps and their configurations are.
    pending = RunStep.objects.pending_validation(project, after)
    sizes = list(pending.annotate(size=_byte_length("details")).values_list("run_id", "size")[:max_steps])
    run_ids = {run_id for run_id, _ in sizes}
    configuration_ids = dict(Run.objects.filter(pk__in=run_ids).values_list("pk", "configuration_id"))
    configurations = Configuration.objects.filter(pk__in=set(configuration_ids.values()))
    body_sizes = dict(configurations.annotate(size=_byte_length("body")).values_list("pk", "size"))

    # 2. Fetch the first of them that fit into memory together.
    count, total, included = 0, 0, set[uuid.UUID]()
    for run_id, size in sizes:
        configuration_id = configuration_ids.get(run_id)
        total += min(size or 0, MAX_DETAILS_SIZE)
        if configuration_id is not None and configuration_id not in included:
            total += min(body_sizes.get(configuration_id, 0), MAX_TOOLS_LENGTH)
            included.add(configuration_id)
        if count and total > MAX_BATCH_SIZE:
            break
        count += 1
    tools = _fetch_tools({pk: body_sizes[pk] for pk in included if pk in body_sizes})
    steps = list(_with_shown_details(pending)[:count])
    return StepBatch(
        steps=steps,
        details=[step.shown for step in steps],  # type: ignore[attr-defined]
        configuration_ids=configuration_ids,
        tools={run_id: tools.get(pk) for run_id, pk in configuration_ids.items()},
        is_last=count == len(sizes) < max_steps,
    )


def _fetch_tools(body_sizes: Mapping[uuid.UUID, int]) -> dict[uuid.UUID, str | None]:
    """Return the tools of configurations; of tools that are too long, just enough to see that."""
    small = [pk for pk, size in body_sizes.items() if size <= _MAX_SMALL_BODY_SIZE]
    large = [pk for pk, size in body_sizes.items() if size > _MAX_SMALL_BODY_SIZE]
    tools: dict[uuid.UUID, str | None] = {}
    for group in (small, *([pk] for pk in large)):
        bodies = Configuration.objects.filter(pk__in=group).values_list("pk", "body") if group else ()
        tools |= _extract_each(bodies)
    return tools


def _extract_each(bodies: Iterable[tuple[uuid.UUID, str]]) -> dict[uuid.UUID, str | None]:
    extracted = {pk: extract_tools(body) for pk, body in bodies}
    return {pk: None if tools is None else tools[: MAX_TOOLS_LENGTH + 1] for pk, tools in extracted.items()}


def _with_shown_details(steps: QuerySet[RunStep]) -> QuerySet[RunStep]:
    shown = Case(When(size__lte=MAX_DETAILS_SIZE, then=F("details")))
    return steps.defer("details", "extra", "metadata").annotate(size=_byte_length("details")).annotate(shown=shown)


def _byte_length(column: str) -> Func:
    """Return the size of a text; unlike its number of characters, it is known without decompressing the text."""
    return Func(F(column), function="octet_length", output_field=IntegerField())


def find_next_position(project: Project, after: UnvalidatedPosition | None) -> UnvalidatedPosition | None:
    """Return the position of the next step of `project` that waits for validation; None if there is none."""
    pending = RunStep.objects.pending_validation(project, after)
    return pending.values_list("received_at", "run_id", "external_id").first()
