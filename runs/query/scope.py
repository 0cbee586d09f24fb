"""The scope of a query: the project and the time that it is evaluated in, with the lookups that its terms need."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import reduce
from operator import or_
from typing import Any

from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from runs.models import (
    Assistant,
    Configuration,
    ErrorGroup,
    HourByStatus,
    HourByTool,
    MetadataKey,
    MetadataValue,
    Project,
    Run,
    RunReview,
    RunSource,
    RunTag,
)
from runs.models.run_annotation import RunAnnotationQuerySet
from runs.models.run_review import RunReviewQuerySet
from runs.models.run_tag import RunTagQuerySet
from runs.query.content_search import ContentMatch, FoundTexts, build_run_condition, find_matching_texts
from runs.query.operators import Equals, Operator, Wildcard, escape_like
from runs.query.value_types import NOT_REVIEWED, REVIEWED

MATCH_ALL = Q()
# Before all runs.
NEVER = datetime.min.replace(tzinfo=UTC)
_HOUR = timedelta(hours=1)
MATCH_NONE = Q(pk__in=[])
# Configurations, error groups and function names are written into the SQL up to this number, which Postgres plans
# best. More of them match so many runs that scanning the list is right, and a subquery is as good.
MAX_INLINE_IDS = 500
# The maximum number of metadata values that replace a pattern. Each is compared with those of every run that is read.
MAX_INLINE_VALUES = 50

_LAST_HOUR_WITHOUT = """
    SELECT hour FROM rollup_hour_status AS status WHERE project_id = %s GROUP BY hour
    HAVING sum(runs) > coalesce((
        SELECT sum(runs) FROM rollup_hour_source AS source
         WHERE source.project_id = %s AND source.hour = status.hour AND source.source = ANY(%s)), 0)
     ORDER BY hour DESC LIMIT 1"""


@dataclass(frozen=True, slots=True)
class QueryScope:
    """One project, or all projects if it is None, and the time that relative times refer to."""

    project: Project | None
    now: datetime
    _metadata_values: dict[tuple[str, tuple[Operator, ...]], dict[str, datetime] | None] = field(
        default_factory=dict, compare=False
    )
    _found_texts: dict[ContentMatch, FoundTexts | None] = field(default_factory=dict, compare=False)

    def match_content(self, match: ContentMatch) -> Q:
        """Return the condition on runs that their messages or tool calls match."""
        found = self.find_texts(match)
        is_empty = found is not None and found.count == 0
        return MATCH_NONE if is_empty else build_run_condition(match, self.project, found)

    def find_texts(self, match: ContentMatch) -> FoundTexts | None:
        """Return the texts that match, None if they are many. The result is cached."""
        if match not in self._found_texts:
            self._found_texts[match] = find_matching_texts(match, self.project)
        return self._found_texts[match]

    def match_configurations(self, condition: Q) -> Q:
        """Return the condition on runs that their configuration meets `condition`. Runs one query."""
        return self._match_related("configuration", Configuration.objects.filter(condition))

    def match_error_groups(self, condition: Q) -> Q:
        """Return the condition on runs that their error group meets `condition`. Runs one query."""
        return self._match_related("error_group", ErrorGroup.objects.filter(condition))

    def fetch_called_functions(self, wildcard: Wildcard) -> list[str] | None:
        """Return the called functions that match a pattern, None if there may be too many. Runs one query."""
        if self.project is None:
            return None
        calls = HourByTool._default_manager.filter(
            project=self.project, type="function", name__like=wildcard.like_pattern
        )
        names = list(calls.order_by("name").values_list("name", flat=True).distinct()[: MAX_INLINE_IDS + 1])
        return names if len(names) <= MAX_INLINE_IDS else None

    def fetch_metadata_values(self, key: str, operators: tuple[Operator, ...]) -> dict[str, datetime] | None:
        """Return the values of a metadata key that match, each with the last hour in which a run had it.

        Return None if not all values of the key are known, or too many match. The result is cached.
        """
        cache_key = key, operators
        if cache_key not in self._metadata_values:
            self._metadata_values[cache_key] = self._fetch_metadata_values(key, operators)
        return self._metadata_values[cache_key]

    def fetch_last_tagged(self, operators: tuple[Operator, ...]) -> datetime | None:
        """Return when the newest run with a matching tag was created. Runs one query per operator."""
        if self.project is None:
            return None
        newest = [self._select_tags(operator).newest_run_created_at() for operator in operators]
        return max(filter(None, newest), default=None)

    def fetch_last_untagged(self, operators: tuple[Operator, ...]) -> datetime | None:
        """Return when the newest run without any matching tag was created; `NEVER` if there is none. Two queries."""
        tags = reduce(or_, (self._select_tags(operator) for operator in operators))
        return self._fetch_last_without(tags)

    def fetch_last_reviewed(self, operators: tuple[Operator, ...]) -> datetime | None:
        """Return when the newest run that is reviewed so was created. Runs up to two queries per operator."""
        if self.project is None:
            return None
        newest = [self._fetch_last_reviewed(operator) for operator in operators]
        return max(filter(None, newest), default=None)

    def fetch_last_unreviewed(self, operators: tuple[Operator, ...]) -> datetime | None:
        """Return when the newest run that is not reviewed so was created; `NEVER` if there is none. Two queries."""
        if Equals(NOT_REVIEWED) in operators:
            return self.fetch_last_reviewed((Equals(REVIEWED),))
        reviews = reduce(or_, (self._select_reviews(operator) for operator in operators))
        return self._fetch_last_without(reviews)

    def _fetch_last_reviewed(self, operator: Operator) -> datetime | None:
        if operator == Equals(NOT_REVIEWED):
            return self.fetch_last_unreviewed((Equals(REVIEWED),))
        return self._select_reviews(operator).newest_run_created_at()

    def _select_tags(self, operator: Operator) -> RunTagQuerySet:
        tags = RunTag.objects.filter(project=self.project)
        match operator:
            case Equals(tag):
                return tags.named([tag])
            case Wildcard():
                return tags.like(operator.like_pattern)
        return tags

    def _select_reviews(self, operator: Operator) -> RunReviewQuerySet:
        reviews = RunReview.objects.filter(project=self.project)
        match operator:
            case Equals(name) if name != REVIEWED:
                return reviews.by_reviewers([name])
            case Wildcard():
                return reviews.by_reviewers_like(operator.like_pattern)
        return reviews

    def _fetch_last_without(self, annotations: RunAnnotationQuerySet) -> datetime | None:
        """Return when the newest run without any of `annotations` was created; `NEVER` if there is none.

        Hours are compared from the newest one on: all runs of an hour have an annotation if there are as many.
        """
        if self.project is None:
            return None
        within_hour = annotations.filter(created_at__gte=OuterRef("hour"), created_at__lt=OuterRef("hour") + _HOUR)
        annotated = within_hour.order_by().values("project").annotate(runs=annotations.run_count)
        hours = HourByStatus._default_manager.filter(project=self.project).values("hour").annotate(total=Sum("runs"))
        missing = hours.filter(total__gt=Coalesce(Subquery(annotated.values("runs")), 0))
        hour = missing.order_by("-hour").values_list("hour", flat=True).first()
        if hour is None:
            return NEVER
        runs = Run.objects.filter(project=self.project, created_at__gte=hour, created_at__lt=hour + _HOUR)
        without = runs.filter(~Exists(annotations.filter(run=OuterRef("pk"))))
        return without.order_by("-created_at").values_list("created_at", flat=True).first() or hour + _HOUR

    def fetch_last_hour_without(self, sources: Iterable[RunSource]) -> datetime | None:
        """Return the last hour in which a run of none of `sources` was created, None without any.

        Only derived runs are counted by source. So it is the last hour with more runs than the given sources have.
        The hours are read from the newest one on.
        """
        if self.project is None:
            return None
        with connection.cursor() as cursor:
            cursor.execute(_LAST_HOUR_WITHOUT, [self.project.pk, self.project.pk, [int(source) for source in sources]])
            row = cursor.fetchone()
        return None if row is None else row[0]

    def fetch_assistant_ids(self, operators: Iterable[Operator]) -> list[str]:
        """Return the ids of the assistants whose display name matches. Runs one query."""
        patterns = [
            operator.like_pattern if isinstance(operator, Wildcard) else escape_like(operator.value)
            for operator in operators
            if isinstance(operator, Equals | Wildcard)
        ]
        if self.project is None or not patterns:
            return []
        return Assistant.objects.ids_with_name_like(self.project, patterns)

    def _fetch_metadata_values(self, key: str, operators: tuple[Operator, ...]) -> dict[str, datetime] | None:
        if self.project is None or not all(isinstance(operator, Equals | Wildcard) for operator in operators):
            return None
        if not MetadataKey.objects.in_project(self.project).has_all_values(key):
            return None
        values = [operator.value for operator in operators if isinstance(operator, Equals)]
        patterns = [operator.like_pattern for operator in operators if isinstance(operator, Wildcard)]
        return MetadataValue.objects.of_key(self.project, key).fetch_last_hours(values, patterns, MAX_INLINE_VALUES)

    def _match_related(self, relation: str, related: QuerySet[Any]) -> Q:
        if self.project is not None:
            related = related.filter(project=self.project)
        ids = list(related.values_list("pk", flat=True)[: MAX_INLINE_IDS + 1])
        if len(ids) > MAX_INLINE_IDS:
            return Q(**{f"{relation}__in": related.values("pk")})
        return Q(**{f"{relation}__in": sorted(ids)}) if ids else MATCH_NONE
