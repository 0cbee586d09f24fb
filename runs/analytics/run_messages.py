"""The question and the answer of runs, and the first question of threads, as one line each."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection
from django.db.models import OuterRef, Subquery
from django.db.models.functions import Left

from runs.models import Message, Project, Run
from runs.models.run import RunQuerySet

MAX_EXCERPT_LENGTH = 200  # characters

_FIRST_QUESTIONS = """
    SELECT thread.id, question.text
      FROM unnest(%s::text[]) AS thread (id), LATERAL (
             SELECT left(text, %s) AS text FROM message
              WHERE project_id = %s AND thread_id = thread.id AND role = 'user' AND text <> ''
              ORDER BY created_at, id LIMIT 1) AS question"""


def annotate_messages(runs: RunQuerySet) -> Any:
    """Annotate the beginnings of the question and of the last answer of each run, as `question` and `answer`.

    As on the page of a run, the question is the last message of a user in the thread up to the creation of the run.
    """
    in_project = Message.objects.filter(project=OuterRef("project")).exclude(text="")
    asked = in_project.filter(thread_id=OuterRef("thread_id"), role="user", created_at__lte=OuterRef("created_at"))
    answered = in_project.filter(run_external_id=OuterRef("external_id")).exclude(role="user")
    return runs.annotate(
        **{
            name: Subquery(messages.order_by("-created_at", "-id").values(start=Left("text", MAX_EXCERPT_LENGTH))[:1])
            for name, messages in (("question", asked), ("answer", answered))
        }
    )


def fetch_run_messages(runs: Sequence[Run]) -> Mapping[uuid.UUID, tuple[str, str]]:
    """Return the question and the answer of runs as lines, "" where there is none; one query."""
    rows = annotate_messages(Run.objects.with_ids(run.pk for run in runs)).values_list("pk", "question", "answer")
    return {pk: (join_lines(question), join_lines(answer)) for pk, question, answer in rows}


def fetch_first_questions(project: Project, thread_ids: Sequence[str]) -> dict[str, str]:
    """Return the first message of a user in each thread that has one, as a line; one query."""
    with connection.cursor() as cursor:
        cursor.execute(_FIRST_QUESTIONS, [list(thread_ids), MAX_EXCERPT_LENGTH, project.pk])
        return {thread_id: join_lines(text) for thread_id, text in cursor.fetchall()}


def join_lines(text: str | None) -> str:
    """Return a text on one line."""
    return " ".join((text or "").split())
