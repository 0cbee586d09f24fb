"""Read back all that is stored of the runs of a project, to compare it byte by byte."""

from __future__ import annotations

from runs.models import Message, Project, Run, RunStep


def read_back_runs(project: Project) -> list[tuple[bytes, list[bytes], list[bytes]]]:
    """Return the runs with their steps and the messages of their threads, each in order."""
    runs = Run.objects.in_project(project).with_configuration().order_by("external_id")
    return [
        (
            run.as_json(),
            [step.as_json() for step in RunStep.objects.of_run(run).oldest_first()],
            [message.as_json() for message in Message.objects.in_thread(project, run.thread_id).in_thread_order(None)],
        )
        for run in runs
    ]
