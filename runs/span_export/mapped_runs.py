"""Read runs with their steps and messages, as the mapping to spans needs them."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from runs.models import Assistant, Message, Project, Run, RunStep
from runs.models.run import RunQuerySet
from runs.span_export.run_content import RunContent


def read_run_contents(project: Project, runs: Sequence[Run]) -> Iterator[RunContent]:
    """Yield the contents of runs that were loaded `for_span_export`, in their order."""
    steps = _read_steps(runs)
    outputs = _read_outputs(project, runs)
    inputs = _read_inputs(project, runs)
    names = Assistant.objects.names_by_id(project, {run.assistant_id for run in runs})
    for run in runs:
        name = names.get(run.assistant_id, run.assistant_id)
        yield RunContent(
            run,
            project.slug,
            name,
            steps[run.pk],
            [message for message in inputs if _is_input(message, run)],
            outputs[run.external_id],
        )


def load_runs_for_spans(runs: RunQuerySet) -> RunQuerySet:
    """Load with `runs` what `read_run_contents` needs of them."""
    return runs.with_configuration().with_previous_in_thread()


def _read_steps(runs: Iterable[Run]) -> dict[uuid.UUID, list[RunStep]]:
    steps: dict[uuid.UUID, list[RunStep]] = defaultdict(list)
    for step in RunStep.objects.of_runs(runs).oldest_first():
        steps[step.run_id].append(step)
    return steps


def _read_outputs(project: Project, runs: Iterable[Run]) -> dict[str, list[Message]]:
    outputs: dict[str, list[Message]] = defaultdict(list)
    for message in Message.objects.written_by_runs(project, runs):
        outputs[message.run_external_id or ""].append(message)
    return outputs


def _read_inputs(project: Project, runs: Sequence[Run]) -> list[Message]:
    return list(Message.objects.answered_by_runs(project, runs))


def _is_input(message: Message, run: Run) -> bool:
    """Return whether a run answers a message: one of its own, or one of its thread since the previous run."""
    if message.run_external_id is not None:
        return message.run_external_id == run.external_id
    is_new = run.previous_created_at is None or message.created_at > run.previous_created_at
    return message.thread_id == run.thread_id and is_new and message.created_at <= run.created_at
