"""Threads. Nobody posts them: they are known by their runs and messages, and as old as the oldest of them."""

from __future__ import annotations

import json
from datetime import datetime

from django.db.models import Min

from runs.api.assistants_compat.errors import object_not_found
from runs.api.assistants_compat.pagination import ObjectListParams, ObjectPage, fetch_object_page
from runs.models import Message, Project, Run
from runs.protocol.lossless_json import clean_text

_POSITION = ("created_at", "thread_id")


def fetch_thread_created_at(project: Project, thread_id: str) -> datetime:
    """When the first thing known of a thread was made. Raises ClientError where nothing is known of it."""
    stored_id = clean_text(thread_id)
    parts = (Run.objects.in_thread(project, stored_id), Message.objects.in_thread(project, stored_id))
    moments = [part.aggregate(first=Min("created_at"))["first"] for part in parts]
    known: list[datetime] = [moment for moment in moments if moment is not None]
    if not known:
        raise object_not_found("thread", thread_id)
    return min(known)


def fetch_thread_page(project: Project, query: ObjectListParams) -> ObjectPage:
    """The page of a project's threads that `query` asks for, as members. Raises ClientError."""
    runs, messages = Run.objects.in_project(project), Message.objects.in_project(project)
    openings = (runs.opening_threads(messages), messages.opening_threads(runs))
    page = fetch_object_page(
        query,
        _POSITION,
        lambda cursor: (fetch_thread_created_at(project, cursor), clean_text(cursor)),
        *(opening.values_list(*_POSITION) for opening in openings),
    )
    return ObjectPage([build_thread_object(thread_id, moment) for moment, thread_id in page.records], page.has_more)


def build_thread_object(thread_id: str, moment: datetime) -> dict[str, bytes]:
    """A thread's members as JSON texts. What it held beside runs and messages is not known."""
    thread = {
        "id": thread_id,
        "object": "thread",
        "created_at": int(moment.timestamp()),
        "tool_resources": None,
        "metadata": {},
    }
    return {name: json.dumps(value).encode() for name, value in thread.items()}
