"""The search of messages and tool calls: which runs have a text in them.

A word that few texts have is looked up in the index, and the condition lists their runs and threads. A word that many
have is not: the condition looks at the texts of each run. The newest texts tell which of the two it is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, reduce
from operator import or_

from django.db import connection
from django.db.models import Exists, OuterRef, Q, TextField, Value

from runs.db import sql
from runs.db.lookups import IsAnyId, IsAnyText, SelectiveHint
from runs.models import Project, Run, RunStep, SearchText
from runs.models.run_step import StepQuerySet
from runs.models.search_text import HasCallId, SearchTextQuerySet
from runs.query.operators import Contains, Equals, Operator, Wildcard
from runs.query.operators import Exists as AnyValue

# Texts whose runs and threads a condition lists.
MAX_LISTED_TEXTS = 10_000
# A text that occurs so often among the newest texts of a project is common.
NEWEST_TEXT_COUNT, MIN_COMMON_MATCHES = 400, 8
# The newest texts that are searched for what the index cannot find, and the newest ones that it lacks.
MAX_SCANNED_TEXTS, MAX_SCANNED_PENDING_TEXTS = 5000, 20_000
TEXT_COLUMNS = ("said", "arguments", "output")
# A piece of which pg_trgm makes a trigram: three letters or digits, or the beginning or the end of a word.
_INDEXED_PIECE = re.compile(r"[^\W_]{3}|[\W_][^\W_]|[^\W_]{2}[\W_]")
_ASCII_INDEXED_PIECE = re.compile(_INDEXED_PIECE.pattern, re.ASCII)

# The texts that were found, as arrays: sent as one value, ids take a tenth of the time of a row each.
_LIST_TEXTS = """
    SELECT count(*), coalesce(array_agg(run_id) FILTER (WHERE run_id IS NOT NULL), '{{}}')::text,
           coalesce(array_agg(DISTINCT thread_id) FILTER (WHERE thread_id IS NOT NULL), '{{}}')::text
      FROM (({texts}) UNION ALL ({steps})) AS found"""


@dataclass(frozen=True, slots=True)
class FoundTexts:
    """The texts that a search found: their number, their runs, and the threads of messages that name no run.

    Runs and threads are literals of arrays.
    """

    count: int
    run_ids: str
    thread_ids: str


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


def build_run_condition(match: ContentMatch, project: Project | None, found: FoundTexts | None) -> Q:
    """Return the condition on runs that they have a matching text.

    If all such texts were found, only their runs and threads are looked at.
    """
    texts = _texts_of(project).filter(match.build_condition())
    if found is not None:
        own = Q(IsAnyId("pk", found.run_ids))
        return own | (Q(IsAnyText("thread_id", found.thread_ids)) & _build_thread_condition(texts, project))
    own = Q(Exists(texts.filter(run_id=OuterRef("pk"))))
    if match.record_id:
        own |= Q(Exists(_find_steps(match, project).filter(run=OuterRef("pk"))))
    return own | _build_thread_condition(texts, project) if "said" in match.columns else own


def _build_thread_condition(texts: SearchTextQuerySet, project: Project | None) -> Q:
    """Return the condition that a run answers one of the messages `texts` that name no run."""
    in_thread = {"project": OuterRef("project"), "thread_id": OuterRef("thread_id")}
    said_before = texts.filter(**in_thread, created_at__lte=OuterRef("created_at"))
    later = _texts_of(project).filter(
        **in_thread, created_at__gt=OuterRef("created_at"), created_at__lte=OuterRef(OuterRef("created_at"))
    )
    earlier_runs = Run.objects.filter(
        **in_thread, created_at__gte=OuterRef("created_at"), created_at__lt=OuterRef(OuterRef("created_at"))
    )
    return Q(Exists(said_before.filter(~Exists(later) | ~Exists(earlier_runs))))


def find_matching_texts(match: ContentMatch, project: Project | None) -> FoundTexts | None:
    """Return the texts that match, None if they are too many to be listed."""
    texts, condition = _texts_of(project), match.build_condition()
    indexed, pending = texts.filter(is_indexed=True), texts.filter(is_indexed=False)
    # 1. What the index can't find is searched in the newest texts.
    if not match.is_indexed:
        return _list_texts(match, project, [_take_newest(MAX_SCANNED_TEXTS, indexed, pending).filter(condition)])
    # 2. Common texts are found among the newest ones.
    newest = _take_newest(NEWEST_TEXT_COUNT, indexed, pending)
    if newest.filter(condition)[:MIN_COMMON_MATCHES].count() == MIN_COMMON_MATCHES:
        return None
    # 3. Others are looked up in the index, and searched in the texts that it lacks.
    by_index = Q(SelectiveHint("pk")) & Q(SelectiveHint("created_at"))
    newest_pending = _take_newest(MAX_SCANNED_PENDING_TEXTS, pending)
    return _list_texts(match, project, [indexed.filter(by_index, condition), newest_pending.filter(condition)])


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


def _list_texts(
    match: ContentMatch, project: Project | None, queries: Sequence[SearchTextQuerySet]
) -> FoundTexts | None:
    limit = MAX_LISTED_TEXTS + 1
    parts = [texts.order_by().values("run_id", "thread_id")[:limit] for texts in queries]
    texts, text_values = sql.compile_query(parts[0].union(*parts[1:], all=True))
    found_steps = _find_steps(match, project) if match.record_id else RunStep.objects.none()
    in_steps = found_steps.order_by().values("run_id", no_thread=Value(None, TextField()))[:limit]
    steps, step_values = sql.compile_query(in_steps)
    with connection.cursor() as cursor:
        cursor.execute(_LIST_TEXTS.format(texts=texts, steps=steps), [*text_values, *step_values])
        found = FoundTexts(*cursor.fetchone())
    return None if found.count > MAX_LISTED_TEXTS else found
