"""Posted conversation objects, which have an id, a time and metadata; their items come as pages."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from django.db import transaction
from django.utils import timezone

from runs.errors import InvalidObject, Problem, RunglassError
from runs.ingest import IngestReport, Outcome, RawItem
from runs.ingest.object_limits import check_object_limits, load_object_limits
from runs.models import Conversation, Project
from runs.models.conversation import make_conversation_key
from runs.protocol.identifiers import find_id_fault
from runs.protocol.lossless_json import check_json_depth, decode_json, split_object

CONVERSATION_OBJECT = "conversation"


def read_conversation_id(raw: bytes) -> str:
    """Return the id of a conversation object. Raises InvalidObject and UnreadableBody."""
    check_json_depth(raw)
    members = split_object(raw)
    conversation_id = decode_json(members.get("id", b"null"))
    problems = []
    if members.get("object") != f'"{CONVERSATION_OBJECT}"'.encode():
        problems.append(Problem("/object", f'expected "{CONVERSATION_OBJECT}"'))
    if not isinstance(conversation_id, str):
        problems.append(Problem("/id", "expected string"))
    elif fault := find_id_fault(conversation_id):
        problems.append(Problem("/id", fault))
    if problems:
        raise InvalidObject(problems=problems)
    return str(conversation_id)


def ingest_conversations(project: Project, items: Iterable[RawItem]) -> IngestReport:
    """Store conversation objects. Invalid ones are rejected one by one.

    Raises Django's DatabaseError.
    """
    report, limits = IngestReport(), load_object_limits()
    valid: list[tuple[RawItem, str]] = []
    for item in items:
        report.received += 1
        try:
            check_object_limits(item.raw, limits)
            valid.append((item, read_conversation_id(item.raw)))
        except RunglassError as error:
            report.errors += [
                replace(problem, path=item.path + problem.path, index=item.index, line=item.line)
                for problem in error.problems or [Problem("", error.message)]
            ]
    with transaction.atomic():
        keys = [make_conversation_key(project, conversation_id) for _, conversation_id in valid]
        bodies = dict(Conversation.objects.filter(pk__in=keys).values_list("external_id", "body"))
        for item, conversation_id in valid:
            stored, body = bodies.get(conversation_id), item.raw.decode()
            changed = Outcome.CREATED if stored is None else Outcome.UPDATED
            report.outcomes[item.index] = Outcome.UNCHANGED if stored == body else changed
            report.ids[item.index] = conversation_id
            bodies[conversation_id] = body
        store_conversations(project, [(conversation_id, item.raw) for item, conversation_id in valid])
    return report


def store_conversations(project: Project, bodies: Iterable[tuple[str, bytes]]) -> None:
    """Store conversation objects by their ids. The last one of an id stays."""
    now = timezone.now()
    conversations = {
        conversation_id: Conversation(
            id=make_conversation_key(project, conversation_id),
            project=project,
            external_id=conversation_id,
            body=body.decode(),
            received_at=now,
        )
        for conversation_id, body in bodies
    }
    Conversation.objects.bulk_create(
        sorted(conversations.values(), key=lambda conversation: conversation.id),
        update_conflicts=True,
        unique_fields=["id"],
        update_fields=["body", "received_at"],
    )
