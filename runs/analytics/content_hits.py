"""Where the runs of a list have what was searched for: the first message or tool call that matches, of each run."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Q
from django.db.models.functions import Left

from runs.analytics.answered_messages import MessagePlace, fetch_last_messages
from runs.enrichment.search_texts import make_calls_text_id
from runs.models import Project, Run, RunStep, SearchText
from runs.models.search_text import CALL_SEPARATOR
from runs.query.ast import QueryNode
from runs.query.content_search import ContentMatch
from runs.query.content_terms import iterate_required_matches
from runs.query.operators import Contains

# Characters of a text in which a hit is looked for, and texts that are read for a page of runs.
MAX_READ_LENGTH, MAX_READ_TEXTS = 20_000, 500
_PLACES = {int(SearchText.Kind.ASKED): "in the question", int(SearchText.Kind.ANSWERED): "in the answer"}
_CALL_PLACES = {"arguments": "in arguments of", "output": "in output of"}


@dataclass(frozen=True, slots=True)
class ContentHit:
    """A text with what was searched for. `place` says where it is.

    A hit in a tool call has the called tool, the id of the step, and the number of the call in it, from 1. Calls that a
    run waits for have no step.
    """

    place: str
    text: str
    word: str
    tool: str = ""
    step_id: str = ""
    call_number: int = 0


def fetch_content_hits(project: Project, tree: QueryNode | None, runs: Sequence[Run]) -> dict[uuid.UUID, ContentHit]:
    """Return the first hit of each of `runs`, if the query `tree` searches their content. Up to four queries."""
    matches = [match for match in iterate_required_matches(tree) if isinstance(match.operator, Contains)]
    if not matches or not runs:
        return {}
    texts = _read_texts(project, matches, runs)
    calls = _fetch_calls([text for _, text in texts if text.kind == SearchText.Kind.CALLS], runs)
    hits: dict[uuid.UUID, ContentHit] = {}
    for run_id, text in texts:
        hit = None if run_id in hits else _find_hit(text, matches, *calls.get(text.pk, ("", [])))
        if hit is not None:
            hits[run_id] = hit
    return hits


def list_searched_words(tree: QueryNode | None) -> list[str]:
    """Return the texts that a query searches for in messages and tool calls."""
    operators = (match.operator for match in iterate_required_matches(tree))
    return list(dict.fromkeys(operator.text for operator in operators if isinstance(operator, Contains)))


def _read_texts(
    project: Project, matches: Iterable[ContentMatch], runs: Sequence[Run]
) -> list[tuple[uuid.UUID, SearchText]]:
    """Return the matching texts of the runs, oldest first, each with the id of its run."""
    condition = reduce(or_, (match.build_condition() for match in matches))
    texts = SearchText.objects.in_project(project).filter(condition).order_by("created_at")
    texts = texts.defer("said", "arguments", "output", "call_ids").annotate(
        said_start=Left("said", MAX_READ_LENGTH),
        arguments_start=Left("arguments", MAX_READ_LENGTH),
        output_start=Left("output", MAX_READ_LENGTH),
    )
    run_ids = [run.pk for run in runs]
    own = [(text.run_id, text) for text in texts.filter(run_id__in=run_ids)[:MAX_READ_TEXTS]]
    said = list(texts.filter(thread_id__in={run.thread_id for run in runs})[:MAX_READ_TEXTS])
    places: list[MessagePlace] = [(project.pk, str(text.thread_id), text.created_at) for text in said]
    said_at = {(text.thread_id, text.created_at): text for text in reversed(said)}
    answered = [(run_id, said_at[place]) for run_id, place in fetch_last_messages(places, run_ids).items()]
    return [*answered, *((run_id, text) for run_id, text in own if run_id is not None)]


def _fetch_calls(texts: Sequence[SearchText], runs: Iterable[Run]) -> Mapping[uuid.UUID, tuple[str, Sequence[str]]]:
    """Return the id of the step, "" of pending calls, and the names of the called tools, by the id of the text."""
    run_ids = {text.run_id for text in texts}
    steps = RunStep.objects.filter(Q(run_id__in=run_ids) & ~Q(tool_types=[])) if run_ids else RunStep.objects.none()
    rows = [(run.pk, "", run.pending_functions or []) for run in runs if run.pk in run_ids]
    rows += steps.values_list("run_id", "external_id", "tool_names")
    return {uuid.UUID(make_calls_text_id(run_id.hex, step_id)): (step_id, names) for run_id, step_id, names in rows}


def _find_hit(text: Any, matches: Iterable[ContentMatch], step_id: str, tool_names: Sequence[str]) -> ContentHit | None:
    """Return the first hit in a text, None if it is beyond what was read of it."""
    for match in matches:
        if match.kind is not None and text.kind != match.kind:
            continue
        word = match.operator.text if isinstance(match.operator, Contains) else ""
        for column in match.columns:
            found = getattr(text, f"{column}_start") or ""
            start = found.lower().find(word.lower())
            if start >= 0 and column == "said":
                return ContentHit(_PLACES.get(text.kind, "in a message"), found, word)
            if start >= 0:
                number = found.count(CALL_SEPARATOR, 0, start)
                tool = tool_names[number] if number < len(tool_names) else "a tool"
                return ContentHit(
                    _CALL_PLACES[column], found.split(CALL_SEPARATOR)[number], word, tool, step_id, number + 1
                )
    return None
