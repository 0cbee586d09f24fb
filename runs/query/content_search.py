"""The search of messages and tool calls: which runs have a text in them.

A word that few runs have is looked up in the index, and the condition lists these runs. A word that many have is not:
the condition looks at the texts of each run, and the list ends at its fiftieth match. The newest texts tell which of
the two it is.

A message that names no run, as those of users do, belongs to the first run after it, and to all runs up to the next
such message: they answer the same question.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, reduce
from operator import or_

from django.db.models import Exists, OuterRef, Q

from runs.db import sql
from runs.db.lookups import IsAnyId, SelectiveHint
from runs.models import Project, Run, RunStep, SearchText
from runs.models.run_step import StepQuerySet
from runs.models.search_text import HasCallId, SearchTextQuerySet
from runs.query.operators import Contains, Equals, Operator, Wildcard
from runs.query.operators import Exists as AnyValue

# Runs that a condition lists.
MAX_LISTED_RUNS = 5000
# A text that occurs so often among the newest texts of a project is common.
NEWEST_TEXT_COUNT, MIN_COMMON_MATCHES = 400, 8
# The newest texts that are searched for what the index cannot find, and the newest ones that it lacks.
MAX_SCANNED_TEXTS, MAX_SCANNED_PENDING_TEXTS = 5000, 20_000
TEXT_COLUMNS = ("said", "arguments", "output")
# A piece of which pg_trgm makes a trigram: three letters or digits, or the beginning or the end of a word.
_INDEXED_PIECE = re.compile(r"[^\W_]{3}|[\W_][^\W_]|[^\W_]{2}[\W_]")
_ASCII_INDEXED_PIECE = re.compile(_INDEXED_PIECE.pattern, re.ASCII)

# The runs that follow each message, with its position.
_FOLLOWING_RUNS = """
    SELECT said.position, run.id
      FROM unnest(%s::bigint[], %s::text[], %s::timestamptz[]) WITH ORDINALITY
        AS said (project_id, thread_id, created_at, position)
     CROSS JOIN LATERAL (
            SELECT created_at FROM run
             WHERE project_id = said.project_id AND thread_id = said.thread_id AND created_at >= said.created_at
             ORDER BY created_at LIMIT 1) AS first
     CROSS JOIN LATERAL (
            SELECT min(created_at) AS created_at FROM search_text
             WHERE project_id = said.project_id AND thread_id = said.thread_id AND created_at > said.created_at) AS next
      JOIN run ON run.project_id = said.project_id AND run.thread_id = said.thread_id
       AND run.created_at >= said.created_at
       AND (run.created_at = first.created_at OR run.created_at < coalesce(next.created_at, 'infinity'))
     WHERE %s::uuid[] IS NULL OR run.id = ANY(%s::uuid[])
     LIMIT %s"""

# The project, the thread and the time of a message that names no run.
MessagePlace = tuple[int, str, datetime]


def is_indexed_text(text: str) -> bool:
    """Return whether the index finds `text`, which needs three letters or digits, or a word's beginning or end."""
    knows_letters = text.isascii() or is_every_letter_indexed()
    return (_INDEXED_PIECE if knows_letters else _ASCII_INDEXED_PIECE).search(text) is not None


@cache
def is_every_letter_indexed() -> bool:
    """Return whether the database knows letters outside ASCII: not if its LC_CTYPE is C, as in older clusters."""
    with sql.open_cursor() as cursor:
        cursor.execute("SELECT cardinality(show_trgm('é')) > 0")
        (knows_letters,) = cursor.fetchone() or (False,)
    return bool(knows_letters)


@dataclass(frozen=True, slots=True)
class ContentMatch:
    """A text or an id in the content of runs.

    Attributes:
        columns: The columns that a text is searched in.
        operator: The text, the id of a call or its beginning, or any value.
        kind: The kind of messages that are searched; all by default.
        record_id: An id that a call or a step may have, beside the text.
    """

    columns: tuple[str, ...]
    operator: Operator
    kind: SearchText.Kind | None = None
    record_id: str = ""

    @property
    def is_indexed(self) -> bool:
        """Return whether the index finds the matches."""
        return not isinstance(self.operator, Contains) or is_indexed_text(self.operator.text)

    def build_condition(self) -> Q:
        """Return the condition on searched texts."""
        conditions = [self._match(column) for column in self.columns]
        if self.record_id:
            conditions.append(Q(HasCallId(self.record_id)))
        condition = reduce(or_, conditions)
        return condition if self.kind is None else condition & Q(kind=self.kind)

    def _match(self, column: str) -> Q:
        match self.operator:
            case Contains():
                return Q(**{f"{column}__ilike": self.operator.ilike_pattern})
            case Equals(value):
                return Q(HasCallId(value))
            case Wildcard(pattern):
                return Q(HasCallId(pattern.removesuffix("*"), is_prefix=True))
            case AnyValue():
                return Q(**{f"{column}__isnull": False})
        raise TypeError(f"no condition for {self.operator!r}")


def build_run_condition(match: ContentMatch, project: Project | None, run_ids: frozenset[uuid.UUID] | None) -> Q:
    """Return the condition on runs: the listed ones, or those whose texts match if they are too many to be listed."""
    if run_ids is not None:
        return Q(IsAnyId("pk", run_ids))
    texts = _texts_of(project).filter(match.build_condition())
    own = Q(Exists(texts.filter(run_id=OuterRef("pk"))))
    if match.record_id:
        own |= Q(Exists(_find_steps(match, project).filter(run=OuterRef("pk"))))
    if "said" not in match.columns:
        return own
    in_thread = {"project": OuterRef("project"), "thread_id": OuterRef("thread_id")}
    said_before = texts.filter(**in_thread, created_at__lte=OuterRef("created_at"))
    later = _texts_of(project).filter(
        **in_thread, created_at__gt=OuterRef("created_at"), created_at__lte=OuterRef(OuterRef("created_at"))
    )
    earlier_runs = Run.objects.filter(
        **in_thread, created_at__gte=OuterRef("created_at"), created_at__lt=OuterRef(OuterRef("created_at"))
    )
    return own | Q(Exists(said_before.filter(~Exists(later) | ~Exists(earlier_runs))))


def fetch_matching_run_ids(match: ContentMatch, project: Project | None) -> frozenset[uuid.UUID] | None:
    """Return the ids of the runs that match, None if they are too many to be listed."""
    run_ids = _fetch_runs_with_text(match, project)
    if match.record_id and run_ids is not None:
        run_ids |= set(_find_steps(match, project).values_list("run_id", flat=True)[:MAX_LISTED_RUNS])
    return run_ids


def _fetch_runs_with_text(match: ContentMatch, project: Project | None) -> frozenset[uuid.UUID] | None:
    texts, condition = _texts_of(project), match.build_condition()
    indexed, pending = texts.filter(is_indexed=True), texts.filter(is_indexed=False)
    # 1. What the index can't find is searched in the newest texts.
    if not match.is_indexed:
        return _fetch_run_ids([_take_newest(MAX_SCANNED_TEXTS, indexed, pending).filter(condition)])
    # 2. Common texts are found among the newest ones.
    newest = _take_newest(NEWEST_TEXT_COUNT, indexed, pending)
    if newest.filter(condition)[:MIN_COMMON_MATCHES].count() == MIN_COMMON_MATCHES:
        return None
    # 3. Others are looked up in the index, and searched in the texts that it lacks.
    by_index = Q(SelectiveHint("pk")) & Q(SelectiveHint("created_at"))
    newest_pending = _take_newest(MAX_SCANNED_PENDING_TEXTS, pending)
    return _fetch_run_ids([indexed.filter(by_index, condition), newest_pending.filter(condition)])


def count_pending_texts(project: Project) -> int:
    """Return the number of texts that are too far behind the index to be searched, counted up to the same number."""
    pending = SearchText.objects.in_project(project).filter(is_indexed=False).order_by()
    return max(0, pending[: 2 * MAX_SCANNED_PENDING_TEXTS].count() - MAX_SCANNED_PENDING_TEXTS)


def _texts_of(project: Project | None) -> SearchTextQuerySet:
    return SearchText.objects.all() if project is None else SearchText.objects.in_project(project)


def _find_steps(match: ContentMatch, project: Project | None) -> StepQuerySet:
    steps = RunStep.objects.filter(external_id=match.record_id)
    return steps if project is None else steps.filter(project=project)


def _take_newest(count: int, texts: SearchTextQuerySet, *others: SearchTextQuerySet) -> SearchTextQuerySet:
    """Return the `count` newest texts of each queryset."""
    first, *further = (part.order_by("-created_at").values("pk")[:count] for part in (texts, *others))
    return SearchText.objects.filter(pk__in=first.union(*further, all=True) if further else first)


def _fetch_run_ids(queries: Sequence[SearchTextQuerySet]) -> frozenset[uuid.UUID] | None:
    run_ids: set[uuid.UUID] = set()
    places: list[MessagePlace] = []
    for texts in queries:
        rows = texts.values_list("run_id", "project_id", "thread_id", "created_at")[: MAX_LISTED_RUNS + 1]
        for run_id, project_id, thread_id, created_at in rows:
            if run_id is None:
                places.append((project_id, thread_id or "", created_at))
            else:
                run_ids.add(run_id)
        if len(rows) > MAX_LISTED_RUNS:
            return None
    run_ids |= {run_id for _, run_id in fetch_following_runs(places)}
    return None if len(run_ids) > MAX_LISTED_RUNS else frozenset(run_ids)


def fetch_following_runs(
    places: Sequence[MessagePlace], run_ids: Collection[uuid.UUID] | None = None
) -> list[tuple[int, uuid.UUID]]:
    """Return the runs that messages belong to, each as the position of the message and the id of the run.

    Only those among `run_ids` are returned, or the first ones if it is None.
    """
    if not places:
        return []
    project_ids, thread_ids, times = zip(*places, strict=True)
    columns = (project_ids, thread_ids, [time.isoformat() for time in times])
    runs = None if run_ids is None else sql.format_array([pk.hex for pk in run_ids])
    with sql.open_cursor() as cursor:
        cursor.execute(_FOLLOWING_RUNS, [*map(sql.format_array, columns), runs, runs, MAX_LISTED_RUNS + 1])
        return [(position - 1, run_id) for position, run_id in cursor.fetchall()]
