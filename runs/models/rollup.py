"""Sums over runs, kept as they change: append-only, so that writers never wait for each other.

A write adds rows with what it changed, negative where it took something away. Reading is summing, exact at any
moment; `runs.rollups.runs.compact_run_rollups` replaces many rows of one key by their sum, which no reader can tell.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from runs.models.account import Project


class RunRollup(models.Model):
    """What is summed. Tokens are numeric, since sums of what may be posted outgrow a bigint.

    `cost` is in nano-dollars, of the runs that have a price; `unpriced_tokens` are the total tokens of the others.
    """

    project = models.ForeignKey(Project, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    runs = models.BigIntegerField()
    prompt_tokens = models.DecimalField(max_digits=40, decimal_places=0)
    completion_tokens = models.DecimalField(max_digits=40, decimal_places=0)
    total_tokens = models.DecimalField(max_digits=40, decimal_places=0)
    cached_tokens = models.DecimalField(max_digits=40, decimal_places=0)
    reasoning_tokens = models.DecimalField(max_digits=40, decimal_places=0)
    cost = models.DecimalField(max_digits=40, decimal_places=0, default=0)
    unpriced_tokens = models.DecimalField(max_digits=40, decimal_places=0, default=0)
    failed = models.BigIntegerField(default=0, help_text="Of the runs, those with status failed")

    class Meta:
        abstract = True


class DayByModel(RunRollup):
    """Runs by UTC day of creation, model, status and error code."""

    day = models.DateField()
    model = models.TextField(null=True)  # noqa: DJ001 - null is what was posted
    status = models.TextField()
    error_code = models.TextField(null=True)  # noqa: DJ001

    class Meta:
        db_table = "rollup_day_model"
        # a project's days
        indexes: ClassVar = [models.Index("project", "day", name="rollup_day_model_day")]

    def __str__(self) -> str:
        return f"{self.day} {self.model} {self.status} {self.error_code}: {self.runs}"


class HourByModel(RunRollup):
    """Runs by UTC hour of creation and model; hours, since days differ between time zones."""

    hour = models.DateTimeField()
    model = models.TextField(null=True)  # noqa: DJ001 - null is what was posted

    class Meta:
        db_table = "rollup_hour_model"
        # a project's hours
        indexes: ClassVar = [models.Index("project", "hour", name="rollup_hour_model_hour")]

    def __str__(self) -> str:
        return f"{self.hour} {self.model}: {self.runs}"


class HourByAssistant(RunRollup):
    """Runs by UTC hour of creation and assistant."""

    hour = models.DateTimeField()
    assistant_id = models.TextField()

    class Meta:
        db_table = "rollup_hour_assistant"
        # a project's hours
        indexes: ClassVar = [models.Index("project", "hour", name="rollup_hour_assistant_hour")]

    def __str__(self) -> str:
        return f"{self.hour} {self.assistant_id}: {self.runs}"


class DayByAssistant(RunRollup):
    """Runs by UTC day of creation and assistant: of long times, a twentieth of the hours' rows."""

    day = models.DateField()
    assistant_id = models.TextField()

    class Meta:
        db_table = "rollup_day_assistant"
        # a project's days
        indexes: ClassVar = [models.Index("project", "day", name="rollup_day_assistant_day")]

    def __str__(self) -> str:
        return f"{self.day} {self.assistant_id}: {self.runs}"


class HourByStatus(RunRollup):
    """Runs by UTC hour of creation and status."""

    hour = models.DateTimeField()
    status = models.TextField()

    class Meta:
        db_table = "rollup_hour_status"
        # a project's hours
        indexes: ClassVar = [models.Index("project", "hour", name="rollup_hour_status_hour")]

    def __str__(self) -> str:
        return f"{self.hour} {self.status}: {self.runs}"


class HourByTool(models.Model):
    """Tool calls by UTC hour of their step's creation, kind, name and assistant; null where the step names none.

    `failed` are those of steps that failed, `checked` those that were held against their run's tools, `misargued` those
    that did not keep to them; `outputs` are the outputs that were recorded, `output_bytes` their sizes.
    """

    project = models.ForeignKey(Project, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    hour = models.DateTimeField()
    type = models.TextField()
    name = models.TextField()
    assistant_id = models.TextField(null=True)  # noqa: DJ001
    calls = models.BigIntegerField()
    failed = models.BigIntegerField()
    checked = models.BigIntegerField()
    misargued = models.BigIntegerField()
    outputs = models.BigIntegerField()
    output_bytes = models.BigIntegerField()

    class Meta:
        db_table = "rollup_hour_tool"
        indexes: ClassVar = [
            # a project's hours
            models.Index("project", "hour", name="rollup_hour_tool_hour"),
            # one tool's hours, and its last one
            models.Index("project", "name", "type", "hour", name="rollup_hour_tool_tool"),
        ]

    def __str__(self) -> str:
        return f"{self.hour} {self.type} {self.name} {self.assistant_id}: {self.calls}"
