"""Rollups: precomputed sums over runs and tool calls, in append-only tables.

A write appends rows with the changes it makes, negative ones for what it removes, so writers never wait for each other.
A reader sums rows and gets the exact value at any moment. Compaction (see `runs.rollups.compaction`) replaces the rows
of a key by their sum.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from runs.models.project import Project


class RunRollup(models.Model):
    """Base of the rollups over runs. Tokens are numeric, since sums of posted numbers can exceed a bigint.

    `cost` is in nano-dollars and covers the runs that have a price; `unpriced_tokens` are the total tokens of the
    other runs.
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
    failed = models.BigIntegerField(default=0, help_text="Number of runs with status failed")

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
        # days of a project
        indexes: ClassVar = [models.Index("project", "day", name="rollup_day_model_day")]

    def __str__(self) -> str:
        return f"{self.day} {self.model} {self.status} {self.error_code}: {self.runs}"


class HourByModel(RunRollup):
    """Runs by UTC hour of creation and model. Hours serve days of any time zone."""

    hour = models.DateTimeField()
    model = models.TextField(null=True)  # noqa: DJ001 - null is what was posted

    class Meta:
        db_table = "rollup_hour_model"
        # hours of a project
        indexes: ClassVar = [models.Index("project", "hour", name="rollup_hour_model_hour")]

    def __str__(self) -> str:
        return f"{self.hour} {self.model}: {self.runs}"


class HourByAssistant(RunRollup):
    """Runs by UTC hour of creation and assistant."""

    hour = models.DateTimeField()
    assistant_id = models.TextField()

    class Meta:
        db_table = "rollup_hour_assistant"
        # hours of a project
        indexes: ClassVar = [models.Index("project", "hour", name="rollup_hour_assistant_hour")]

    def __str__(self) -> str:
        return f"{self.hour} {self.assistant_id}: {self.runs}"


class DayByAssistant(RunRollup):
    """Runs by UTC day of creation and assistant. Long ranges read a twentieth of the rows that hours would take."""

    day = models.DateField()
    assistant_id = models.TextField()

    class Meta:
        db_table = "rollup_day_assistant"
        # days of a project
        indexes: ClassVar = [models.Index("project", "day", name="rollup_day_assistant_day")]

    def __str__(self) -> str:
        return f"{self.day} {self.assistant_id}: {self.runs}"


class HourBySource(RunRollup):
    """Derived runs by UTC hour of creation and source. All other runs were posted as runs, and have no rows here."""

    hour = models.DateTimeField()
    source = models.SmallIntegerField()

    class Meta:
        db_table = "rollup_hour_source"
        # hours of a project
        indexes: ClassVar = [models.Index("project", "hour", name="rollup_hour_source_hour")]

    def __str__(self) -> str:
        return f"{self.hour} {self.source}: {self.runs}"


class HourByStatus(RunRollup):
    """Runs by UTC hour of creation and status."""

    hour = models.DateTimeField()
    status = models.TextField()

    class Meta:
        db_table = "rollup_hour_status"
        # hours of a project
        indexes: ClassVar = [models.Index("project", "hour", name="rollup_hour_status_hour")]

    def __str__(self) -> str:
        return f"{self.hour} {self.status}: {self.runs}"


class HourByTool(models.Model):
    """Tool calls by UTC hour of their step's creation, type, name and assistant (null if the step names none).

    `failed` counts the calls of failed steps, `checked` those that were validated against their run's tool schemas,
    and `invalid_calls` the invalid ones of these. `outputs` counts recorded outputs, `output_bytes` sums their sizes.
    """

    project = models.ForeignKey(Project, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    hour = models.DateTimeField()
    type = models.TextField()
    name = models.TextField()
    assistant_id = models.TextField(null=True)  # noqa: DJ001
    calls = models.BigIntegerField()
    failed = models.BigIntegerField()
    checked = models.BigIntegerField()
    invalid_calls = models.BigIntegerField()
    outputs = models.BigIntegerField()
    output_bytes = models.BigIntegerField()

    class Meta:
        db_table = "rollup_hour_tool"
        indexes: ClassVar = [
            # hours of a project
            models.Index("project", "hour", name="rollup_hour_tool_hour"),
            # hours of one tool, and its last call
            models.Index("project", "name", "type", "hour", name="rollup_hour_tool_tool"),
        ]

    def __str__(self) -> str:
        return f"{self.hour} {self.type} {self.name} {self.assistant_id}: {self.calls}"
