"""The threads of responses: the conversation, or the far end of the chain of previous responses.

A response keeps the far end of its chain, so that a new one only asks its previous response. One that arrives late and
was known by name only renames the thread of all responses that ended at it, in one statement per table.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.db import connection

from runs.models import Project, Response, RunSource
from runs.responses.links import ResponseLink

_MOVE_RESPONSES = "UPDATE response SET thread_id = %s WHERE project_id = %s AND thread_id = %s"
_MOVE_RUNS = """
    UPDATE run SET thread_id = %s, version = version + 1 WHERE project_id = %s AND thread_id = %s AND source = %s
    RETURNING id, external_id"""
_MOVE_STEPS = "UPDATE run_step SET thread_id = %s, version = version + 1 WHERE run_id = ANY(%s)"
_MOVE_MESSAGES = """
    UPDATE message SET thread_id = %s, version = version + 1
     WHERE project_id = %s AND run_external_id = ANY(%s) AND thread_id = %s"""


def find_threads(
    links: Mapping[str, ResponseLink], stored_threads: Mapping[str, str]
) -> tuple[dict[str, str], set[str]]:
    """Return the thread of each posted response, and the ids of those whose chain would return to themselves.

    `links` are those of the posted responses; `stored_threads` has the threads of stored responses that they continue.
    Each response is visited once.
    """
    open_links, threads, cyclic = dict(links), dict[str, str](), set[str]()
    for start in links:
        while start in open_links and start not in threads:
            path, closing = _follow_chain(start, open_links, stored_threads, threads)
            if closing is not None:
                cyclic.add(closing)
                del open_links[closing]
                continue
            *responses, thread_id = path
            threads.update(dict.fromkeys(responses, thread_id))
    return threads, cyclic


def _follow_chain(
    start: str, links: Mapping[str, ResponseLink], stored_threads: Mapping[str, str], known: Mapping[str, str]
) -> tuple[list[str], str | None]:
    """Return the posted responses of a chain and, at its end, their thread. If it closes, also the one to refuse."""
    path: dict[str, None] = {}
    name = start
    while True:
        if name in path:
            return [], next(reversed(path))
        if name in known:
            return [*path, known[name]], None
        link = links.get(name)
        if link is None:  # stored, or known by name only
            far_end = stored_threads.get(name, name)
            if far_end == name or far_end not in links:
                return [*path, far_end], None
            name = far_end
            continue
        path[name] = None
        if link.conversation_id or not link.previous_response_id:
            return [*path, link.conversation_id or name], None
        name = link.previous_response_id


def move_threads(project: Project, threads: Mapping[str, str]) -> None:
    """Rename the threads that end at a response whose own thread is known now, for stored responses and their runs."""
    moved = {name: thread_id for name, thread_id in threads.items() if name != thread_id}
    known = Response.objects.in_project(project).filter(thread_id__in=list(moved))
    for name in sorted(known.values_list("thread_id", flat=True).distinct()):
        _move_thread(project, name, moved[name])


def _move_thread(project: Project, name: str, thread_id: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_MOVE_RESPONSES, [thread_id, project.pk, name])
        cursor.execute(_MOVE_RUNS, [thread_id, project.pk, name, RunSource.RESPONSES])
        rows: Iterable[tuple[object, str]] = cursor.fetchall()
        keys, run_ids = [row[0] for row in rows], [row[1] for row in rows]
        cursor.execute(_MOVE_STEPS, [thread_id, keys])
        cursor.execute(_MOVE_MESSAGES, [thread_id, project.pk, run_ids, name])
