"""The entry points of responses, for the REST API and the import command."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db import DatabaseError, transaction
from django.utils import timezone

from runs.errors import Problem, RunglassError
from runs.ingest import IngestReport, Outcome, RawItem, ingest_mixed, write
from runs.ingest.merge import Receipt
from runs.ingest.object_limits import load_object_limits
from runs.models import Project
from runs.protocol.lossless_json import split_object
from runs.protocol.responses.response import RESPONSE_OBJECT
from runs.responses.parsing import PostedResponse, parse_posted_response
from runs.responses.storage import StoredResponses, store_responses

_OBJECT_MEMBER = f'"{RESPONSE_OBJECT}"'.encode()


def ingest_responses(project: Project, items: Iterable[RawItem], *, key_id: int | None = None) -> IngestReport:
    """Store responses in `project`, and derive the runs of their turns, in one transaction.

    `key_id` is the API key that they came with, None for a command. Invalid objects are rejected one by one; all
    others are stored when this returns. Raises TooManyRetries, DiskFull, and Django's DatabaseError.
    """
    report, limits, posted = IngestReport(), load_object_limits(), list[PostedResponse]()
    receipt = Receipt(timezone.now(), key_id)
    for item in items:
        report.received += 1
        if response := parse_posted_response(project, item, limits, report):
            posted.append(response)
    try:
        _add_stored(report, store_responses(project, posted, receipt))
    except DatabaseError as error:
        if not write.is_value_refused(error):
            raise
        _store_one_by_one(project, posted, receipt, report)
    report.errors.sort(key=lambda problem: problem.index or 0)
    return report


def ingest_any(project: Project, items: Sequence[RawItem], *, key_id: int | None = None) -> IngestReport:
    """Store objects of all types, told apart by their `object`; otherwise like `ingest_responses`.

    If an error is raised, nothing is stored, of whichever type.
    """
    responses = [item for item in items if is_response_item(item)]
    if not responses:
        return ingest_mixed(project, items, key_id=key_id)
    indexes = {item.index for item in responses}
    others = [item for item in items if item.index not in indexes]
    if not others:
        return ingest_responses(project, responses, key_id=key_id)
    with transaction.atomic():
        report = ingest_responses(project, responses, key_id=key_id)
        report.add(ingest_mixed(project, others, key_id=key_id))
    return report


def is_response_item(item: RawItem) -> bool:
    """Return whether an item is a response, alone or with its request."""
    if item.expected is not None or b'"response"' not in item.raw:
        return item.expected == RESPONSE_OBJECT
    try:
        members = split_object(item.raw)
    except RunglassError:
        return False
    return members.get("object") == _OBJECT_MEMBER or ("object" not in members and "response" in members)


def _add_stored(report: IngestReport, stored: StoredResponses) -> None:
    report.outcomes |= stored.outcomes
    report.errors += stored.problems
    for problem in stored.problems:
        report.ids.pop(problem.index or 0, None)


def _store_one_by_one(
    project: Project, posted: Sequence[PostedResponse], receipt: Receipt, report: IngestReport
) -> None:
    """Store all responses but those with a value that Postgres refuses."""
    report.outcomes = dict[int, Outcome]()
    for response in posted:
        try:
            _add_stored(report, store_responses(project, [response], receipt))
        except DatabaseError as error:
            if not write.is_value_refused(error):
                raise
            message = f"refused by the database: {str(error).splitlines()[0]}"
            report.errors.append(Problem(response.item.path, message, response.item.index, response.id))
