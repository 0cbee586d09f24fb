"""Steps of runs."""

from __future__ import annotations

import uuid
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import ClassVar, Self

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models

from runs.db.keyset_pagination import is_after, order_by_columns
from runs.db.lookups import collate_bytewise
from runs.models.posted_record import PostedRecord
from runs.models.project import Project
from runs.models.run import Run, RunQuerySet
from runs.protocol.step import StepColumns, build_step_members

# The condition of the partial indexes over the steps that call tools.
HAS_TOOL_CALLS = ~models.Q(tool_types=[])

# By time, and within one second by position in the derived run, or by time of receipt.
STEP_ORDER = ("created_at", "position", "received_at", "external_id")

_SUMMARY_FIELDS = (
    *("run", "external_id", "type", "status", "error_code", "tool_names", "tool_types"),
    *("created_at", "posted_created_at", "ended_at"),
    *("prompt_tokens", "completion_tokens", "total_tokens", "cached_tokens", "history_length"),
)


class StepQuerySet(models.QuerySet["RunStep"]):
    """Queries on steps."""

    def count_tools_by_run(self, run_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Counter[str]]:
        """Count the calls of each tool name by run, in one query. Runs without steps are left out."""
        counts: dict[uuid.UUID, Counter[str]] = defaultdict(Counter)
        for run_id, names in self.filter(run_id__in=run_ids).values_list("run_id", "tool_names"):
            counts[run_id].update(names)
        return counts

    def called_tools_by_run(self, run_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, frozenset[tuple[str, str]]]:
        """Return the names and types of the called tools by run, in one query. Runs without steps are left out."""
        called: dict[uuid.UUID, set[tuple[str, str]]] = defaultdict(set)
        for run_id, names, types in self.filter(run_id__in=run_ids).values_list("run_id", "tool_names", "tool_types"):
            called[run_id].update(zip(names, types, strict=False))
        return {run_id: frozenset(tools) for run_id, tools in called.items()}

    def pending_validation(self, project: Project, after: tuple[datetime, uuid.UUID, str] | None) -> Self:
        """Return the steps of `project` whose calls are not validated yet, in order of receipt, after a position."""
        columns = ("received_at", "run_id", "external_id")
        pending = self.filter(HAS_TOOL_CALLS, project=project, invalid_calls=None)
        steps = order_by_columns(pending, columns, descending=False)
        return steps if after is None else steps.filter(is_after(columns, after, descending=False))

    def of_run(self, run: Run) -> Self:
        """Return the steps of `run`."""
        return self.filter(run_id=run.pk)

    def with_ids(self, external_ids: Collection[str]) -> Self:
        """Return the steps with these posted ids."""
        return self.filter(external_id__in=external_ids)

    def of_runs(self, runs: Iterable[Run]) -> Self:
        """Return the steps of those runs."""
        return self.filter(run_id__in=[run.pk for run in runs])

    def find_in_run(self, run: Run, step_id: str) -> RunStep | None:
        """Return the step of `run` with the id `step_id`; None if there is none."""
        return self.of_run(run).filter(external_id=step_id).first()

    def of_runs_for_export(self, runs: RunQuerySet) -> Self:
        """Return the steps of `runs` in the export order of the runs, then oldest first."""
        order = ("run__created_at", collate_bytewise("run__external_id"), "created_at", collate_bytewise("external_id"))
        return self.filter(run__in=runs.order_by().values("pk")).order_by(*order)

    def without_run(self, project: Project, runs: RunQuerySet) -> Self:
        """Return the steps of `project` that arrived before their run, where `runs` are all stored runs."""
        orphans = self.filter(project=project).filter(~models.Exists(runs.filter(pk=models.OuterRef("run_id"))))
        return orphans.order_by(collate_bytewise("run_external_id"), "created_at", collate_bytewise("external_id"))

    def for_run_page(self) -> Self:
        """Load only the fields that a run's page shows. Reading the other times would take longer than these fields."""
        return self.only(*_SUMMARY_FIELDS, "details", "error_message", "invalid_calls", "call_findings")

    def for_timeline(self) -> Self:
        """Load only what a timeline draws of steps whose contents are not shown."""
        return self.only(*_SUMMARY_FIELDS)

    def for_history(self) -> Self:
        """Load only what the list of a step's posts tells of the step itself."""
        return self.only("run", "external_id", "status", "received_at", "received_key")

    def oldest_first(self) -> Self:
        """Order by time, and within one second as derived, or by time of receipt."""
        return self.order_by(*STEP_ORDER)


class RunStep(PostedRecord):
    """A step of a run (`thread.run.step`). It may arrive before its run."""

    pk = models.CompositePrimaryKey("run", "external_id")
    run = models.ForeignKey(Run, on_delete=models.DO_NOTHING, db_constraint=False, related_name="steps", db_index=False)
    run_external_id = models.TextField()
    thread_id = models.TextField(null=True)  # noqa: DJ001 - null is what was posted
    assistant_id = models.TextField(null=True)  # noqa: DJ001
    status = models.TextField()
    type = models.TextField()
    details = models.TextField(null=True, help_text="step_details as JSON, as posted")  # noqa: DJ001
    cancelled_at = models.DateTimeField(null=True)
    failed_at = models.DateTimeField(null=True)
    completed_at = models.DateTimeField(null=True)
    expired_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True, help_text="Sent by OpenAI's and Azure's servers instead of expired_at")
    error_code = models.TextField(null=True)  # noqa: DJ001
    error_message = models.TextField(null=True)  # noqa: DJ001
    prompt_tokens = models.BigIntegerField(null=True)
    completion_tokens = models.BigIntegerField(null=True)
    total_tokens = models.BigIntegerField(null=True)
    cached_tokens = models.BigIntegerField(null=True)
    reasoning_tokens = models.BigIntegerField(null=True)
    # derived on write
    ended_at = models.DateTimeField(null=True)
    tool_types = ArrayField(models.TextField(), default=list, help_text="Types of the tool calls, in order")
    tool_names = ArrayField(
        models.TextField(), default=list, help_text="One per tool call: the function name, or the type if it has none"
    )
    position = models.IntegerField(
        default=0, db_default=0, help_text="The place among the steps of a derived run; 0 for posted steps"
    )
    # derived later (see `runs.enrichment.step_validation`); null: not yet
    invalid_calls = ArrayField(
        models.TextField(), null=True, help_text="Names of the tool calls that violate the run's tool schemas"
    )
    tool_outputs = ArrayField(
        models.IntegerField(null=True),
        null=True,
        help_text="One per tool call: the size of its output in bytes, null without output",
    )
    call_findings = models.TextField(  # noqa: DJ001
        null=True, help_text="JSON of the findings about the calls; null: none. Holds only while invalid_calls is set"
    )

    objects = StepQuerySet.as_manager()

    class Meta:
        db_table = "run_step"
        indexes: ClassVar = [
            # step:…, also by the beginning of the id
            models.Index(models.F("project"), OpClass("external_id", "text_pattern_ops"), name="step_external_id"),
            # function:… and tool:… for tools that few runs call; a scan of the list finds the others soon
            GinIndex(fields=["tool_names"], name="step_tool_names"),
            GinIndex(fields=["tool_types"], name="step_tool_types"),
            # newest calls, for percentiles
            models.Index("project", "created_at", name="step_calls", condition=HAS_TOOL_CALLS),
            # steps to be validated, by time within a project, since entries at the end of an index cost least
            models.Index(
                "project",
                "received_at",
                name="step_pending_validation",
                condition=HAS_TOOL_CALLS & models.Q(invalid_calls=None),
            ),
            # invalid_call:… and the invalid calls of a tool; few are
            GinIndex(fields=["invalid_calls"], name="step_invalid_calls", condition=~models.Q(invalid_calls=[])),
            # failed_call:… and the failed calls of a tool; few are
            GinIndex(fields=["tool_names"], name="step_failed", condition=models.Q(status="failed")),
            # invalid_call:* and failed_call:*
            models.Index("run", name="step_any_invalid_call", condition=~models.Q(invalid_calls=[])),
            models.Index("run", name="step_any_failed", condition=HAS_TOOL_CALLS & models.Q(status="failed")),
        ]

    def __str__(self) -> str:
        return self.external_id

    @property
    def is_failed(self) -> bool:
        """Return whether the step failed or has an error."""
        return self.status == "failed" or self.error_code is not None

    def members(self) -> dict[str, bytes]:
        """Return the members of the posted step."""
        return build_step_members(self._columns(StepColumns))
