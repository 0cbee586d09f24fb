"""Every filter, annotation and prefetch on runs, as chainable methods."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Self

from django.contrib.postgres.expressions import ArraySubquery
from django.db import models
from django.db.models.functions import Left

from runs.db.keyset_pagination import (
    MISSING_SORT_VALUE,
    coalesce_missing,
    filter_after,
    filter_up_to,
    order_by_columns,
    precedes_outer_row,
)
from runs.querysets.course import RUN_RANK, SAME_THREAD_AS_OUTER, ThreadPosition, collate_bytewise, order_in_thread
from runs.querysets.tag import RunTagQuerySet

if TYPE_CHECKING:
    from runs.models import Project, Run
    from runs.query import Cursor, Order, RunFilters
    from runs.query.planner import QueryPlan
    from runs.querysets.message import MessageQuerySet


ERROR_PREVIEW_LENGTH = 400
# Runs of an assistant among which a good one is looked for.
MAX_RUNS_LOOKED_BACK = 500
# A run is posted when it ends at the latest, and none goes on for longer.
MAX_RUN_DURATION = timedelta(hours=1)


def _sort_column(order: Order) -> str:
    """What `sorted_by` sorts by: a column, or one in which nothing counts as less than anything."""
    return order.column if order.never_null else "sort_key"


def _first_id(parts: Iterable[RunQuerySet]) -> str | None:
    """The posted id of the first run in any of `parts`."""
    found = (part.values_list("external_id", flat=True).first() for part in parts)
    return next((run_id for run_id in found if run_id is not None), None)


class RunQuerySet(models.QuerySet["Run"]):
    project: Project | None = None  # set by `in_project`
    is_valueless = False  # set by `valueless`

    def in_project(self, project: Project) -> Self:
        """The runs of one project."""
        found = self.filter(project=project)
        found.project = project
        return found

    def find(self, project: Project, run_id: str) -> Run | None:
        """The run that was posted to `project` with that id."""
        return self.filter(pk=project.key(run_id)).first()

    def matching(self, filters: RunFilters) -> Self:
        """The runs that `filters` asks for; after `in_project`, only that project's configurations are searched."""
        return self.filter(filters.conditions(project=self.project))

    def found(self, search: QueryPlan, order: Order) -> Self:
        """The runs that `search` asks for, to be listed in `order`."""
        return self.filter(search.page(order)).sorted_by(order)

    def page(self, search: QueryPlan, order: Order, after: Cursor | None, size: int) -> list[Run]:
        """Of the list that `found` gives, the `size` runs that come behind `after`.

        Those with a value and those without are asked for one after the other: no index has both in this order.
        """
        if order.never_null:
            return list(self.found(search, order).after(after)[:size])
        page: list[Run] = []
        for part in self._parts(order, after):
            if len(page) < size:
                asked = search.valueless(order) if part.is_valueless else search.page(order)
                page += part.filter(asked)[: size - len(page)]
        return page

    def valued(self, order: Order) -> Self:
        """Those that have a value in `order`, which can be without, sorted by it."""
        runs = self._with_place(order).filter(sort_key__gt=MISSING_SORT_VALUE)
        return order_by_columns(runs, (_sort_column(order), "id"), descending=order.descending)

    def valueless(self, order: Order, *, newest_first: bool = True) -> Self:
        """Those that have none, sorted by time."""
        found = self.filter(**{f"{order.column}__isnull": True})
        found.is_valueless = True
        return order_by_columns(found, ("created_at", "id"), descending=newest_first)

    def in_thread(self, project: Project, thread_id: str) -> Self:
        """The runs of one thread."""
        return self.filter(project=project, thread_id=thread_id)

    def opening_threads(self, messages: MessageQuerySet) -> Self:
        """The runs that are the first thing known of their thread; `messages` are those it may hold."""
        earlier = self.filter(**SAME_THREAD_AS_OUTER).filter(precedes_outer_row("created_at", "id"))
        said = messages.filter(**SAME_THREAD_AS_OUTER, created_at__lt=models.OuterRef("created_at"))
        return self.filter(~models.Exists(earlier), ~models.Exists(said))

    def ended(self) -> Self:
        """Those that came to an end, however that was."""
        return self.filter(ended_at__isnull=False)

    def newest_first(self) -> Self:
        """In the order of every list. The id settles equal times, so that pages never overlap."""
        return self.order_by("-created_at", "-id")

    def sorted_by(self, order: Order) -> Self:
        """In that order. The id settles equal values, so that pages never overlap."""
        if order.never_null:
            return order_by_columns(self, (_sort_column(order), "id"), descending=order.descending)
        valueless = {f"{order.column}__isnull": True}
        times = (models.Case(models.When(**valueless, then=name)) for name in ("created_at", "id"))
        sign = "-" if order.descending else ""
        return self._with_place(order).order_by(f"{sign}sort_key", *(time.desc() for time in times), f"{sign}id")

    def after(self, cursor: Cursor | None) -> Self:
        """What comes behind `cursor` in a list of its order, of runs that all have a value in it."""
        if cursor is None:
            return self
        order, position = cursor.order, (cursor.value, cursor.id)
        return filter_after(self._with_place(order), (_sort_column(order), "id"), position, descending=order.descending)

    def beside(self, run: Run, order: Order) -> tuple[str | None, str | None]:
        """The ids of the runs before and after `run` in a list of that order, whether or not it is in there."""
        place = order.behind(run)
        if order.never_null:
            ways = ([self.sorted_by(way).after(way.behind(run))] for way in (order.reversed, order))
        else:
            ways = (self._parts(order, place, backwards=backwards) for backwards in (True, False))
        before, after = (_first_id(parts) for parts in ways)
        return before, after

    def _parts(self, order: Order, after: Cursor | None, *, backwards: bool = False) -> list[Self]:
        """What comes behind `after` in `order`: those with a value and those without, as they follow each other."""
        way = order.reversed if backwards else order
        valued, valueless = self.valued(way), self.valueless(order, newest_first=not backwards)
        if after and after.is_valueless:
            position = (after.value, after.id)
            valueless = filter_after(valueless, ("created_at", "id"), position, descending=not backwards)
            return [valueless] if way.descending else [valueless, valued]
        valued = valued.after(after and after._replace(order=way))
        return [valued, valueless] if way.descending else [valued] if after else [valueless, valued]

    def up_to(self, cursor: Cursor) -> Self:
        """What comes before `cursor` in a list of its order, and what it points at: the pages before."""
        order, position = cursor.order, (cursor.value, cursor.id)
        return filter_up_to(self._with_place(order), (_sort_column(order), "id"), position, descending=order.descending)

    def received_after(self, moment: datetime) -> Self:
        """What was first received after `moment` and created shortly before it at the earliest: not an import."""
        return self.filter(created_at__gte=moment - MAX_RUN_DURATION, received_at__gt=moment)

    def in_error_group(self, group_id: uuid.UUID) -> Self:
        """The runs that ended badly in that way."""
        return self.filter(error_group_id=group_id)

    def oldest_created_at(self) -> datetime | None:
        """When the first of them was created."""
        return self.order_by("created_at").values_list("created_at", flat=True).first()

    def like(self, run: Run, since: datetime, most: int) -> dict[str, int]:
        """How many were created since then: `all`, `assistant` of that of `run`, `model` on its model.

        Counted among the newest, one more than `most`.
        """
        newest = self.filter(created_at__gte=since).order_by("-created_at").values("id", "assistant_id", "model")
        found: dict[str, int] = newest[: most + 1].aggregate(
            all=models.Count("id"),
            assistant=models.Count("id", filter=models.Q(assistant_id=run.assistant_id)),
            model=models.Count("id", filter=models.Q(model=run.model)),
        )
        return found

    def for_assessment(self, project: Project, after: uuid.UUID | None) -> Self:
        """The runs from behind `after` on in the order of their keys, locked, with what they are assessed by."""
        read = ("project", "created_at", "status", "assistant_id", "model", "error_code", "error_message")
        counts = ("prompt_tokens", "completion_tokens", "total_tokens", "cached_tokens", "reasoning_tokens")
        derived = ("incomplete_reason", "awaited", "cost", "error_group")
        runs = self.filter(project=project).order_by("pk").only(*read, *counts, *derived).select_for_update()
        return runs if after is None else runs.filter(pk__gt=after)

    def last_received(self, project: Project) -> datetime | None:
        """When the newest arrival among the runs of `project` was received; None where there is none."""
        arrivals = self.filter(project=project).order_by("-received_at")
        return arrivals.values_list("received_at", flat=True).first()

    def with_keys(self, keys: Iterable[uuid.UUID]) -> Self:
        """Those of the runs that are named by their stored ids."""
        return self.filter(pk__in=list(keys))

    def locked(self) -> Self:
        """Kept from being changed or deleted until the transaction ends, each in its turn."""
        return self.select_for_update().order_by("pk")

    def for_list(self) -> Self:
        """Without payloads; of error messages the beginning, as `error_preview`."""
        return self.defer("required_action", "extra", "error_message").annotate(
            error_preview=Left("error_message", ERROR_PREVIEW_LENGTH)
        )

    def with_configuration(self) -> Self:
        """With their configurations, prefetched: they may live on another server."""
        return self.prefetch_related("configuration")

    def with_tags(self, tags: RunTagQuerySet) -> Self:
        """With the names of those of `tags` that they have, as `tag_names`; for files, a row at a time."""
        own = tags.filter(run=models.OuterRef("pk")).order_by("tag")
        return self.annotate(tag_names=ArraySubquery(own.values("tag")))

    def count_at_most(self, limit: int) -> int:
        """How many there are, counted no further than one above `limit`."""
        return self.order_by()[: limit + 1].count()

    def for_export(self) -> Self:
        """Oldest first and whole. The posted id settles equal times, so that a copy has the same order."""
        return self.order_by("created_at", collate_bytewise("external_id")).with_configuration()

    def previous_in_thread(self, run: Run) -> str | None:
        """The id of the run before `run` in its thread."""
        tied = models.Q(created_at=run.created_at, id__lt=run.id)
        earlier = self._in_thread_of(run).filter(created_at__lte=run.created_at)
        earlier = earlier.filter(tied | models.Q(created_at__lt=run.created_at)).newest_first()
        return earlier.values_list("external_id", flat=True).first()

    def next_in_thread(self, run: Run) -> str | None:
        """The id of the run after `run` in its thread."""
        tied = models.Q(created_at=run.created_at, id__gt=run.id)
        later = self._in_thread_of(run).filter(created_at__gte=run.created_at)
        later = later.filter(tied | models.Q(created_at__gt=run.created_at)).order_by("created_at", "id")
        return later.values_list("external_id", flat=True).first()

    def place_in_thread(self, run: Run, most: int) -> tuple[int, int] | None:
        """Which one in its thread `run` is, from 1, and of how many; None where these are more than `most`."""
        runs = self._in_thread_of(run).order_by("created_at", "id").values("created_at", "id")[: most + 1]
        up_to = models.Q(created_at__lt=run.created_at) | models.Q(created_at=run.created_at, id__lte=run.id)
        found = runs.aggregate(number=models.Count("id", filter=up_to), count=models.Count("id"))
        return None if found["count"] > most else (found["number"], found["count"])

    def named(self, project: Project, run_ids: Iterable[str]) -> Self:
        """The runs that were posted to `project` with those ids."""
        return self.filter(pk__in=[project.key(run_id) for run_id in run_ids])

    def last_good_before(self, run: Run) -> str | None:
        """The id of the newest completed run of the same assistant before `run`, if it is among the last ones."""
        of_assistant = self.filter(project_id=run.project_id, assistant_id=run.assistant_id)
        tied = models.Q(created_at=run.created_at, id__lt=run.id)
        earlier = of_assistant.filter(created_at__lte=run.created_at)
        earlier = earlier.filter(tied | models.Q(created_at__lt=run.created_at)).newest_first()
        recent = earlier.values_list("status", "external_id")[:MAX_RUNS_LOOKED_BACK]
        return next((run_id for status, run_id in recent if status == "completed"), None)

    def in_course(self, after: ThreadPosition | None) -> Self:
        """As they went, from behind `after` on; a run stands between what was asked and what was answered."""
        return order_in_thread(self.alias(rank=models.Value(RUN_RANK)), after)

    def _in_thread_of(self, run: Run) -> Self:
        return self.filter(project_id=run.project_id, thread_id=run.thread_id)

    def _with_place(self, order: Order) -> Self:
        return self if order.never_null else self.alias(sort_key=coalesce_missing(order.column))

    def _clone(self) -> Self:
        clone: Self = super()._clone()  # type: ignore[misc]  # the stubs leave it out
        clone.project, clone.is_valueless = self.project, self.is_valueless
        return clone
