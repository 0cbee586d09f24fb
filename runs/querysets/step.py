"""Every filter on steps, as chainable methods."""

from __future__ import annotations

import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.db import models

from runs.db.keyset_pagination import filter_after, order_by_columns
from runs.querysets.course import collate_bytewise

if TYPE_CHECKING:
    # ruff does not see the name that stands in quotes below
    from runs.models import Project, Run, RunStep  # noqa: F401
    from runs.querysets.run import RunQuerySet


_SUMMARY_FIELDS = (
    *("run", "external_id", "type", "status", "created_at", "ended_at", "error_code", "tool_names"),
    *("prompt_tokens", "completion_tokens", "total_tokens", "cached_tokens"),
)


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
        found = order_by_columns(self.filter(~models.Q(tool_types=[]), misargued=None), columns, descending=False)
        return found if after is None else filter_after(found, columns, after, descending=False)

    def of_run(self, run: Run) -> Self:
        """The steps of one run."""
        return self.filter(run_id=run.pk)

    def of_runs_for_export(self, runs: RunQuerySet) -> Self:
        """The steps of `runs`, in the order of these, then as they happened."""
        place = ("run__created_at", collate_bytewise("run__external_id"), "created_at", collate_bytewise("external_id"))
        return self.filter(run__in=runs.order_by().values("pk")).order_by(*place)

    def awaiting_their_run(self, project: Project, runs: RunQuerySet) -> Self:
        """The steps of a project whose run is not there, where `runs` are all that are."""
        lost = self.filter(project=project).filter(~models.Exists(runs.filter(pk=models.OuterRef("run_id"))))
        return lost.order_by(collate_bytewise("run_external_id"), "created_at", collate_bytewise("external_id"))

    def for_page(self) -> Self:
        """With what the page of a run shows of a step: reading times alone would take most of the rest."""
        return self.only(*_SUMMARY_FIELDS, "details", "error_message")

    def without_payload(self) -> Self:
        """The same without arguments, outputs and messages."""
        return self.only(*_SUMMARY_FIELDS)

    def in_order(self) -> Self:
        """As they happened; within one second in the order in which they were received."""
        return self.order_by("created_at", "received_at", "external_id")
