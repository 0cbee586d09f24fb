"""Every filter, annotation and prefetch on stored records, as chainable methods."""

from __future__ import annotations

import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Self, TypeVar

from django.contrib.postgres.expressions import ArraySubquery
from django.db import models
from django.db.models.functions import Collate, Left
from django.utils import timezone

from runs.keyset import behind, earlier_than_outer, in_order, or_least, until
from runs.querysets_tags import RunTagQuerySet

if TYPE_CHECKING:
    from runs.filters import Cursor, Order, RunFilters
    from runs.filters.density import Search

    # ruff does not see the names that stand in quotes below
    from runs.models import (  # noqa: F401
        Configuration,
        ErrorGroup,
        Message,
        Observation,
        Project,
        Run,
        RunStep,
        User,
    )

PREVIEW_LENGTH = 400
# Runs of an assistant among which a good one is looked for.
MOST_LOOKED_BACK = 500
# A run is posted when it ends at the latest, and none goes on for longer.
LONGEST_RUN = timedelta(hours=1)
_SAME_THREAD = {"project": models.OuterRef("project"), "thread_id": models.OuterRef("thread_id")}


_SHOWN_OF_STEPS = (
    *("run", "external_id", "type", "status", "created_at", "ended_at", "error_code", "tool_names"),
    *("prompt_tokens", "completion_tokens", "total_tokens", "cached_tokens"),
)

# Where something stands among a thread's runs and messages: when, what comes first within a second (what people
# asked, then runs, then what was answered), and its key.
ASKED, RAN, ANSWERED = 0, 1, 2
Place = tuple[datetime, int, uuid.UUID]
Records = TypeVar("Records", bound=models.QuerySet[Any])


def _in_course(records: Records, after: Place | None) -> Records:
    columns = ("created_at", "rank", "id")
    if after is not None:
        records = behind(records.filter(created_at__gte=after[0]), columns, after, descending=False)
    return in_order(records, columns, descending=False)


def _place(order: Order) -> str:
    """What `sorted_by` sorts by: a column, or one in which nothing counts as less than anything."""
    return order.column if order.never_null else "sort_key"


def _bytewise(column: str) -> Collate:
    """A text column for sorting, alike on every server."""
    return Collate(column, "C")


class ConfigurationQuerySet(models.QuerySet["Configuration"]):
    def tools_of(self, project: Project, ids: Iterable[uuid.UUID]) -> list[tuple[uuid.UUID, list[str], list[str]]]:
        """Kinds of tools and names of functions, by configuration; one query."""
        found = self.filter(project=project, pk__in=list(ids))
        return list(found.values_list("pk", "tool_types", "function_names"))


class ErrorGroupQuerySet(models.QuerySet["ErrorGroup"]):
    def in_project(self, project: Project) -> Self:
        """The groups of one project."""
        return self.filter(project=project)

    def for_list(self) -> Self:
        """Without the sample, which can be long."""
        return self.defer("sample")

    def with_people(self) -> Self:
        """With who changed their states."""
        return self.select_related("state_changed_by")

    def find(self, project: Project, key: uuid.UUID) -> ErrorGroup | None:
        """The group of `project` with that id, and who changed its state."""
        return self.in_project(project).with_people().filter(pk=key).first()

    def inherit(self, heirs: Mapping[uuid.UUID, uuid.UUID]) -> None:
        """What was decided about a group goes on for its heir (`heirs` has it by that), unless something was there."""
        decided = self.exclude(state_changed_at=None).in_bulk(list(set(heirs.values())))
        for key in sorted(heirs):
            if old := decided.get(heirs[key]):
                state = {"state": old.state, "state_changed_at": old.state_changed_at}
                self.filter(pk=key, state_changed_at=None).update(**state, state_changed_by=old.state_changed_by_id)

    def decide(self, group: ErrorGroup, state: str, user: User) -> None:
        """Note what `user` decided about `group`, and when."""
        self.filter(pk=group.pk).update(state=state, state_changed_at=timezone.now(), state_changed_by=user)


class RunQuerySet(models.QuerySet["Run"]):
    project: Project | None = None  # set by `in_project`

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

    def found(self, search: Search, order: Order) -> Self:
        """The runs that `search` asks for, to be listed in `order`."""
        return self.filter(search.page(order)).sorted_by(order)

    def in_thread(self, project: Project, thread_id: str) -> Self:
        """The runs of one thread."""
        return self.filter(project=project, thread_id=thread_id)

    def opening_threads(self, messages: MessageQuerySet) -> Self:
        """The runs that are the first thing known of their thread; `messages` are those it may hold."""
        earlier = self.filter(**_SAME_THREAD).filter(earlier_than_outer("created_at", "id"))
        said = messages.filter(**_SAME_THREAD, created_at__lt=models.OuterRef("created_at"))
        return self.filter(~models.Exists(earlier), ~models.Exists(said))

    def ended(self) -> Self:
        """Those that came to an end, however that was."""
        return self.filter(ended_at__isnull=False)

    def newest_first(self) -> Self:
        """In the order of every list. The id settles equal times, so that pages never overlap."""
        return self.order_by("-created_at", "-id")

    def sorted_by(self, order: Order) -> Self:
        """In that order. The id settles equal values, so that pages never overlap."""
        return in_order(self._with_place(order), (_place(order), "id"), descending=order.descending)

    def after(self, cursor: Cursor | None) -> Self:
        """What comes behind `cursor` in a list of its order."""
        if cursor is None:
            return self
        order, position = cursor.order, (cursor.value, cursor.id)
        return behind(self._with_place(order), (_place(order), "id"), position, descending=order.descending)

    def beside(self, run: Run, order: Order) -> tuple[str | None, str | None]:
        """The ids of the runs before and after `run` in a list of that order, whether or not it is in there."""
        before, after = (
            self.sorted_by(way).after(way.behind(run)).values_list("external_id", flat=True).first()
            for way in (order.reversed, order)
        )
        return before, after

    def up_to(self, cursor: Cursor) -> Self:
        """What comes before `cursor` in a list of its order, and what it points at: the pages before."""
        order, position = cursor.order, (cursor.value, cursor.id)
        return until(self._with_place(order), (_place(order), "id"), position, descending=order.descending)

    def received_after(self, moment: datetime) -> Self:
        """What was first received after `moment` and created shortly before it at the earliest: not an import."""
        return self.filter(created_at__gte=moment - LONGEST_RUN, received_at__gt=moment)

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
            error_preview=Left("error_message", PREVIEW_LENGTH)
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
        return self.order_by("created_at", _bytewise("external_id")).with_configuration()

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

    def named(self, project: Project, run_ids: Iterable[str]) -> Self:
        """The runs that were posted to `project` with those ids."""
        return self.filter(pk__in=[project.key(run_id) for run_id in run_ids])

    def last_good_before(self, run: Run) -> str | None:
        """The id of the newest completed run of the same assistant before `run`, if it is among the last ones."""
        of_assistant = self.filter(project_id=run.project_id, assistant_id=run.assistant_id)
        tied = models.Q(created_at=run.created_at, id__lt=run.id)
        earlier = of_assistant.filter(created_at__lte=run.created_at)
        earlier = earlier.filter(tied | models.Q(created_at__lt=run.created_at)).newest_first()
        recent = earlier.values_list("status", "external_id")[:MOST_LOOKED_BACK]
        return next((run_id for status, run_id in recent if status == "completed"), None)

    def in_course(self, after: Place | None) -> Self:
        """As they went, from behind `after` on; a run stands between what was asked and what was answered."""
        return _in_course(self.alias(rank=models.Value(RAN)), after)

    def _in_thread_of(self, run: Run) -> Self:
        return self.filter(project_id=run.project_id, thread_id=run.thread_id)

    def _with_place(self, order: Order) -> Self:
        return self if order.never_null else self.alias(sort_key=or_least(order.column))

    def _clone(self) -> Self:
        clone: Self = super()._clone()  # type: ignore[misc]  # the stubs leave it out
        clone.project = self.project
        return clone


class StepQuerySet(models.QuerySet["RunStep"]):
    def tools_of(self, run_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Counter[str]]:
        """Which tools those runs called, and how often, by run; one query however many runs."""
        called: dict[uuid.UUID, Counter[str]] = defaultdict(Counter)
        for run_id, names in self.filter(run_id__in=run_ids).values_list("run_id", "tool_names"):
            called[run_id].update(names)
        return called

    def calls_of(self, run_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, frozenset[tuple[str, str]]]:
        """The name and kind of what those runs called, by run; one query however many runs."""
        called: dict[uuid.UUID, set[tuple[str, str]]] = defaultdict(set)
        for run_id, names, kinds in self.filter(run_id__in=run_ids).values_list("run_id", "tool_names", "tool_types"):
            called[run_id].update(zip(names, kinds, strict=False))
        return {run_id: frozenset(calls) for run_id, calls in called.items()}

    def unchecked(self, after: tuple[datetime, uuid.UUID, str] | None) -> Self:
        """The steps with calls that were not held against their run's tools, as they came, from behind `after` on."""
        columns = ("received_at", "run_id", "external_id")
        found = in_order(self.filter(~models.Q(tool_types=[]), misargued=None), columns, descending=False)
        return found if after is None else behind(found, columns, after, descending=False)

    def of_run(self, run: Run) -> Self:
        """The steps of one run."""
        return self.filter(run_id=run.pk)

    def of_runs_for_export(self, runs: RunQuerySet) -> Self:
        """The steps of `runs`, in the order of these, then as they happened."""
        place = ("run__created_at", _bytewise("run__external_id"), "created_at", _bytewise("external_id"))
        return self.filter(run__in=runs.order_by().values("pk")).order_by(*place)

    def awaiting_their_run(self, project: Project, runs: RunQuerySet) -> Self:
        """The steps of a project whose run is not there, where `runs` are all that are."""
        lost = self.filter(project=project).filter(~models.Exists(runs.filter(pk=models.OuterRef("run_id"))))
        return lost.order_by(_bytewise("run_external_id"), "created_at", _bytewise("external_id"))

    def for_page(self) -> Self:
        """With what the page of a run shows of a step: reading times alone would take most of the rest."""
        return self.only(*_SHOWN_OF_STEPS, "details", "error_message")

    def without_payload(self) -> Self:
        """The same without arguments, outputs and messages."""
        return self.only(*_SHOWN_OF_STEPS)

    def in_order(self) -> Self:
        """As they happened; within one second in the order in which they were received."""
        return self.order_by("created_at", "received_at", "external_id")


class MessageQuerySet(models.QuerySet["Message"]):
    def in_project(self, project: Project) -> Self:
        """The messages of one project."""
        return self.filter(project=project)

    def in_thread(self, project: Project, thread_id: str) -> Self:
        """The messages of one thread."""
        return self.filter(project=project, thread_id=thread_id)

    def in_threads_of(self, runs: RunQuerySet) -> Self:
        """The messages of the threads that `runs` stand in."""
        return self.filter(thread_id__in=runs.order_by().values("thread_id"))

    def for_export(self) -> Self:
        """Oldest first; the posted id settles equal times."""
        return self.order_by("created_at", _bytewise("external_id"))

    def opening_threads(self, runs: RunQuerySet) -> Self:
        """The messages that are the first thing known of their thread, before all of `runs`.

        Where a run and a message came in the same second, it is the run (see `RunQuerySet.opening_threads`).
        """
        earlier = self.filter(**_SAME_THREAD).filter(earlier_than_outer("created_at", "id"))
        made = runs.filter(**_SAME_THREAD, created_at__lte=models.OuterRef("created_at"))
        return self.filter(~models.Exists(earlier), ~models.Exists(made))

    def of_run(self, run: Run) -> Self:
        """The messages that `run` wrote, oldest first."""
        return self.filter(project_id=run.project_id, run_external_id=run.external_id).order_by("created_at", "id")

    def asked(self, run: Run) -> Message | None:
        """What a person said last in the thread before `run` was made."""
        said = self.filter(project_id=run.project_id, thread_id=run.thread_id, created_at__lte=run.created_at)
        return said.filter(role="user").order_by("-created_at", "-id").first()

    def in_course(self, after: Place | None) -> Self:
        """As they went, from behind `after` on; within a second, people ask first and the rest comes last."""
        asked = models.When(role="user", then=models.Value(ASKED))
        return _in_course(self.alias(rank=models.Case(asked, default=models.Value(ANSWERED))), after)

    def for_reading(self) -> Self:
        """Without what is not shown among the messages of a thread."""
        return self.defer("extra", "metadata")

    def extent(self, most: int) -> dict[str, Any]:
        """`count`, `first` and `last` time of the oldest ones, no more of them than one above `most`."""
        oldest = self.order_by("created_at", "id").values("created_at", "id")[: most + 1]
        return oldest.aggregate(count=models.Count("id"), first=models.Min("created_at"), last=models.Max("created_at"))


class ObservationQuerySet(models.QuerySet["Observation"]):
    def of_run(self, run: Run) -> Self:
        """The history of one run, oldest first, but for its first post (see `runs.history`)."""
        return self.filter(run_id=run.pk).order_by("n")

    def for_list(self) -> Self:
        """Without the replaced values."""
        return self.defer("other", "digest")
