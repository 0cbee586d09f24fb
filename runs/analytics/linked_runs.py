"""The runs that are linked with a run: the same work as the Responses API and as a trace tell of it."""

from __future__ import annotations

from collections.abc import Sequence

from runs.models import Response, ResponseMention, Run, RunSource
from runs.protocol.lossless_json import decode_json

MAX_LINKED_RUNS = 20
MAX_RESPONSES = 500  # of a run that are looked up
TRACE_MEMBER, RESPONSE_IDS_MEMBER = "trace", "response_ids"


def fetch_linked_runs(run: Run) -> list[Run]:
    """Return the runs of the responses that the trace of `run` names, or of the traces that name its responses.

    Either may have come first. Takes at most two queries, none for runs of other sources.
    """
    if run.source == RunSource.OTEL:
        runs = _runs_of_responses(run, _named_responses(run))
    elif run.source == RunSource.RESPONSES:
        runs = _runs_that_name(run, read_response_ids(run))
    else:
        return []
    return [linked for linked in runs if linked.pk != run.pk][:MAX_LINKED_RUNS]


def read_response_ids(run: Run) -> list[str]:
    """Return the ids of the responses that a run is derived from."""
    return _read_ids(decode_json((run.extra or "{}").encode()))


def _named_responses(run: Run) -> list[str]:
    trace = decode_json((run.extra or "{}").encode()).get(TRACE_MEMBER)
    return _read_ids(trace) if isinstance(trace, dict) else []


def _read_ids(members: dict[str, object]) -> list[str]:
    ids = members.get(RESPONSE_IDS_MEMBER)
    return [name for name in ids if isinstance(name, str)][:MAX_RESPONSES] if isinstance(ids, list) else []


def _runs_of_responses(run: Run, response_ids: Sequence[str]) -> list[Run]:
    if not response_ids:
        return []
    responses = Response.objects.with_external_ids(run.project, response_ids).in_turn_order()
    run_ids = dict.fromkeys(responses.values_list("run_external_id", flat=True))
    runs = {found.external_id: found for found in Run.objects.with_external_ids(run.project, list(run_ids))}
    return [runs[run_id] for run_id in run_ids if run_id in runs]


def _runs_that_name(run: Run, response_ids: Sequence[str]) -> list[Run]:
    if not response_ids:
        return []
    mentions = ResponseMention.objects.of_responses(run.project, response_ids)
    return list(Run.objects.filter(pk__in=mentions.values("run")).order_by("created_at", "pk")[:MAX_LINKED_RUNS])
