"""The replacement of stored derived runs by those that are derived now."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence

from runs.derivation.derived_runs import DerivedRecords, DerivedRun, is_derived_message_key, parse_derived_runs
from runs.enrichment.search_texts import make_calls_text_id
from runs.errors import Problem, SourceConflict
from runs.ingest import MESSAGES, RUNS, STEPS, Outcome, write
from runs.ingest.merge import Receipt
from runs.models import Comment, Message, Project, Run, RunAlias, RunReview, RunSource, RunTag, SearchText, ShareLink
from runs.rollups.runs import record_run_changes
from runs.rollups.tool_calls import delete_steps, record_tool_call_changes


def replace_derived_runs(
    project: Project,
    source: RunSource,
    derived: Sequence[DerivedRun],
    *,
    former_ids: Iterable[str],
    aliases: Mapping[str, str],
    receipt: Receipt,
) -> dict[str, Outcome]:
    """Store derived runs as their whole truth, and return the outcome of each by its id.

    Rows that differ are overwritten, whatever their status, since a derived run may go back. Steps and messages that
    are no longer derived are deleted, and so are the runs of `former_ids` that are not among `derived`. Rollups stay
    exact. No history is kept, because the objects that the runs are derived from have one.

    `aliases` has ids that name no run, or no longer, with the id of the run that took them over. Reads of such an id
    lead to that run, to which comments, tags and reviews move.

    Call it in `run_in_derivation_transaction`. Raises InvalidObject, and SourceConflict if an id belongs to a run of
    another source. Both have problems with the `id` of each run concerned, and nothing is stored.
    """
    receipt = Receipt(receipt.at, receipt.key_id, source)
    outcomes: dict[str, Outcome] = {}
    kept_steps: list[tuple[uuid.UUID, str]] = []
    kept_messages: set[str] = set()
    for records in parse_derived_runs(project, source, derived, receipt.at):
        outcomes |= _write_batch(project, records, receipt)
        kept_steps += [(uuid.UUID(record.key[0]), record.key[1]) for record in records[STEPS]]
        kept_messages.update(record.key[0] for record in records[MESSAGES])

    vanished_ids = sorted(set(former_ids).difference(outcomes))
    _delete_vanished_parts(project, [*outcomes, *vanished_ids], kept_steps, kept_messages)
    _move_annotations(project, {run_id: aliases[run_id] for run_id in vanished_ids if run_id in aliases})
    _delete_runs(project, source, vanished_ids)
    RunAlias.objects.filter(pk__in=[project.record_id(run_id) for run_id in outcomes]).delete()
    RunAlias.objects.redirect_ids(project, aliases)
    return outcomes


def _write_batch(project: Project, records: DerivedRecords, receipt: Receipt) -> dict[str, Outcome]:
    """Write records, and return the outcomes of the runs among them by their ids."""
    try:
        outcomes = write.write_records(project, records, receipt)
    except write.ForeignSource as error:
        raise _build_conflict(records, error) from error
    return {record.columns.external_id: outcomes[record.index] for record in records[RUNS]}


def _build_conflict(records: DerivedRecords, error: write.ForeignSource) -> SourceConflict:
    problems = [
        Problem("/id", f"belongs to a run of the source {sources[record.key].label}", id=record.columns.external_id)
        for sources in [error.sources.get(RUNS, {})]
        for record in records[RUNS]
        if record.key in sources
    ]
    return SourceConflict(problems=problems)


def _delete_vanished_parts(
    project: Project,
    run_ids: Collection[str],
    kept_steps: Collection[tuple[uuid.UUID, str]],
    kept_messages: Collection[str],
) -> None:
    """Delete the derived steps and messages of runs that are not among those to keep, by their keys."""
    run_keys = [project.record_id(run_id) for run_id in run_ids]
    deleted = delete_steps(run_keys, kept_steps)
    record_tool_call_changes(project, ((calls, None) for calls in deleted))

    stored = Message.objects.of_runs_or_threads(project, run_ids, []).values_list(
        "pk", "external_id", "run_external_id"
    )
    vanished = [
        pk
        for pk, message_id, run_id in stored
        # not a message that was posted itself
        if pk.hex not in kept_messages and is_derived_message_key(project, pk, run_id or "", message_id)
    ]
    Message.objects.filter(pk__in=vanished).delete()
    calls = [*kept_steps, *((run_id, "") for run_id in run_keys)]
    kept_texts = [uuid.UUID(make_calls_text_id(run_id.hex, step_id)) for run_id, step_id in calls]
    SearchText.objects.filter(pk__in=vanished).delete()
    SearchText.objects.of_calls(run_keys).exclude(pk__in=kept_texts).delete()


def _move_annotations(project: Project, targets: Mapping[str, str]) -> None:
    """Move the comments, tags, reviews and links of runs to the runs that took them over."""
    for run_id, target_id in sorted(targets.items()):
        former, target = project.record_id(run_id), project.record_id(target_id)
        Comment.objects.filter(run_id=former).update(run_id=target)
        tags = RunTag.objects.filter(run_id=former)
        tags.exclude(tag__in=RunTag.objects.filter(run_id=target).values("tag")).update(run_id=target)
        if not RunReview.objects.filter(run_id=target).exists():
            RunReview.objects.filter(run_id=former).update(run_id=target)
        ShareLink.objects.on_runs([former]).update(run_id=target)
    created_at = dict(Run.objects.with_external_ids(project, targets.values()).values_list("pk", "created_at"))
    RunTag.objects.update_run_times(created_at)
    RunReview.objects.update_run_times(created_at)


def _delete_runs(project: Project, source: RunSource, run_ids: Collection[str]) -> None:
    keys = [project.record_id(run_id) for run_id in run_ids]
    runs = list(Run.objects.with_ids(keys).filter(source=source).locked())
    Run.objects.with_ids(run.pk for run in runs).delete()
    SearchText.objects.of_calls(keys).delete()
    Comment.objects.filter(run_id__in=keys).delete()
    RunTag.objects.filter(run_id__in=keys).delete()
    RunReview.objects.filter(run_id__in=keys).delete()
    ShareLink.objects.on_runs(keys).delete()
    record_run_changes(project, ((run, None) for run in runs))
